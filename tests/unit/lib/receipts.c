/* Only who got a message can say that it was delivered or read. */
#include "lib/receipts.h"

#include <sys/resource.h>

#include <criterion/criterion.h>

static struct receipts receipts;

static void teardown(void) {
    receipts_deinit(&receipts);
}

TestSuite(receipts, .fini = teardown);

static struct uuid id_of(uint32_t n) {
    struct uuid id = {{7}};
    memcpy(id.b + 12, &n, sizeof n);
    return id;
}

static void want(uint32_t n, const char *to) {
    struct uuid id = id_of(n);
    struct name name;
    cr_assert_eq(name_parse(&name, bytes_of(to)), NAME_OK);
    receipts_want(&receipts, &id, &name);
}

static bool takes_with(uint32_t n, const char *by, enum message_state state, uint8_t flags) {
    return receipts_take(
        &receipts,
        &(struct frame_state){.id = id_of(n), .state = (uint8_t)state, .by = bytes_of(by)}, flags);
}

static bool takes(uint32_t n, const char *by, enum message_state state) {
    return takes_with(n, by, state, 0);
}

Test(receipts, 01_of_what_was_not_sent_nobody_can_say_anything) {
    want(1, "bob");
    cr_assert_not(takes(2, "bob", STATE_DELIVERED));
    cr_assert_not(takes(2, "bob", STATE_DECLINED));
}

Test(receipts, 02_the_recipient_speaks_and_nobody_else) {
    want(1, "Bob");
    cr_assert_not(takes(1, "mallory", STATE_READ));
    cr_assert_not(takes(1, "mallory", STATE_DECLINED));
    cr_assert_not(takes(1, "#bob", STATE_READ));
    cr_assert(takes(1, "bob", STATE_DELIVERED));
    cr_assert(takes(1, "bob", STATE_READ));
}

Test(receipts, 03_what_was_read_is_over) {
    want(1, "bob");
    cr_assert(takes(1, "bob", STATE_READ));
    cr_assert_not(takes(1, "bob", STATE_DELIVERED));
}

Test(receipts, 04_in_a_room_everybody_who_knows_the_id) {
    want(1, "#ops");
    cr_assert(takes(1, "bob", STATE_READ));
    cr_assert(takes(1, "carol", STATE_DELIVERED));
}

Test(receipts, 05_only_the_hub_says_that_it_is_sent_or_stored) {
    want(1, "bob");
    cr_assert_not(takes(1, "bob", STATE_SENT));
    cr_assert_not(takes(1, "bob", STATE_STORED));
}

Test(receipts, 06_a_message_that_was_refused_is_over) {
    struct uuid id = id_of(1);
    want(1, "bob");
    receipts_drop(&receipts, &id);
    cr_assert_not(takes(1, "bob", STATE_DELIVERED));
    receipts_drop(&receipts, &id);
}

Test(receipts, 07_the_same_id_to_somebody_else) {
    want(1, "bob");
    want(1, "carol");
    cr_assert_not(takes(1, "bob", STATE_READ));
    cr_assert(takes(1, "carol", STATE_READ));
}

Test(receipts, 08_the_oldest_are_given_up) {
    for (uint32_t n = 0; n <= RECEIPTS_MAX; n++)
        want(n, "bob");
    cr_assert_not(takes(0, "bob", STATE_READ));
    cr_assert(takes(1, "bob", STATE_READ));
    cr_assert(takes(RECEIPTS_MAX, "bob", STATE_READ));
}

Test(receipts, 09_whom_the_hub_knows_by_another_name) {
    want(1, "bob");
    cr_assert_not(takes(1, "robert", STATE_DELIVERED));
    cr_assert(takes_with(1, "robert", STATE_DELIVERED, FRAME_RECIPIENT));
    cr_assert(takes_with(1, "bob.1002", STATE_READ, FRAME_RECIPIENT));
    cr_assert_not(takes_with(2, "robert", STATE_READ, FRAME_RECIPIENT), "was not sent");
    want(3, "bob");
    cr_assert_not(takes_with(3, "robert", STATE_STORED, FRAME_RECIPIENT), "the hub's own word");
}

/* They are not believed, and the program goes on. */
Test(receipts, 10_without_memory_for_them) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("the sanitizer's memory has no such limit");
#endif
    struct rlimit limit, none;
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    for (uint32_t n = 0; n < RECEIPTS_MAX; n++)
        want(n, "bob");
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    cr_expect_not(takes(RECEIPTS_MAX - 1, "bob", STATE_READ), "there was no memory for it");
    want(RECEIPTS_MAX, "bob");
    cr_expect(takes(RECEIPTS_MAX, "bob", STATE_READ), "now there is");
}
