#include "lib/received.h"

#include <criterion/criterion.h>

static struct received received;

static void teardown(void) {
    received_deinit(&received);
}

TestSuite(received, .fini = teardown);

/* Different in many bytes, so that the order of noting is not the order of sorting. */
static struct uuid id(unsigned n) {
    struct uuid result = {0};
    for (size_t i = 0; i < sizeof result.b; i++)
        result.b[i] = (uint8_t)(n * 2654435761U >> (8 * (i % 4)));
    memcpy(result.b + 8, &n, sizeof n);
    return result;
}

static void note(unsigned from, unsigned to) {
    for (unsigned n = from; n < to; n++) {
        struct uuid noted = id(n);
        received_note(&received, 1001, &noted);
    }
}

static bool has(unsigned n) {
    struct uuid wanted = id(n);
    return received_has(&received, 1001, &wanted);
}

Test(received, 01_nothing_is_known_in_the_zero_state) {
    cr_assert_not(has(1));
    cr_assert_eq(received_index(&received), 0);
    cr_assert_not(has(1));
}

Test(received, 02_ids_are_known_once_they_are_indexed) {
    note(0, 100);
    cr_assert_not(has(7), "the hub still lives: nothing can come again");
    cr_assert_eq(received_index(&received), 0);
    for (unsigned n = 0; n < 100; n++)
        cr_assert(has(n));
    cr_assert_not(has(100));
}

Test(received, 03_what_comes_later_is_known_after_the_next_index) {
    note(0, 10);
    received_index(&received);
    note(10, 20);
    cr_assert_not(has(15));
    cr_assert_eq(received_index(&received), 0);
    cr_assert(has(5));
    cr_assert(has(15));
}

Test(received, 04_the_oldest_are_forgotten) {
    note(0, RECEIVED_MAX + 5);
    cr_assert_eq(received_index(&received), 0);
    cr_assert_not(has(4));
    cr_assert(has(5));
    cr_assert(has(RECEIVED_MAX + 4));
}

/* Else a neighbour could make another's message vanish, by sending one with its id. */
Test(received, 05_the_same_id_of_another_user_is_another_message) {
    struct uuid one = id(1), two = id(2);
    received_note(&received, 1001, &one);
    received_note(&received, 1002, &two);
    cr_assert_eq(received_index(&received), 0);
    cr_assert(received_has(&received, 1001, &one));
    cr_assert(received_has(&received, 1002, &two));
    cr_assert_not(received_has(&received, 1002, &one));
    cr_assert_not(received_has(&received, 1001, &two));
}
