/* Nonces that were taken out too early: nobody pushes out what is noted for others. */

#include "io/noted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct uuid nonce_of(int i) {
    struct uuid nonce = {{0}};
    memcpy(nonce.b, &i, sizeof i);
    return nonce;
}

static void put(uid_t uid, int msqid) {
    struct uuid nonce = nonce_of(msqid);
    noted_put(uid, msqid, 7, &nonce);
}

static bool take(uid_t uid, int msqid) {
    struct uuid found, wanted = nonce_of(msqid);
    return noted_take(uid, msqid, 7, &found) && uuid_equal(&found, &wanted);
}

TestSuite(noted, .fini = noted_deinit);

Test(noted, 01_it_is_taken_once_and_by_its_owner) {
    struct uuid found;
    put(1, 5);
    cr_assert_not(noted_take(2, 5, 7, &found));
    cr_assert_not(noted_take(1, 5, 8, &found));
    cr_assert(take(1, 5));
    cr_assert_not(take(1, 5));
}

Test(noted, 02_a_flood_pushes_out_its_own_ones_only) {
    put(1, 0);
    for (int i = 1; i <= 3 * NOTED_PER_USER_MAX; i++)
        put(2, i);
    cr_assert(take(1, 0));
    cr_assert_not(take(2, 2 * NOTED_PER_USER_MAX));
    for (int i = 2 * NOTED_PER_USER_MAX + 1; i <= 3 * NOTED_PER_USER_MAX; i++)
        cr_assert(take(2, i));
}

Test(noted, 03_an_id_that_the_kernel_gave_away_is_the_new_owners) {
    put(1, 5);
    put(2, 5);
    cr_assert_not(take(1, 5));
    cr_assert(take(2, 5));
}
