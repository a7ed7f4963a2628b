/* Content comes into the slot either way, and the way that has been faster is taken. */
#include "files/slot_fill.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define SLOT_BYTES 8192
#define N_WARM 16 /* slots that are not compared */
#define N_SLOTS 1000

static struct slot_fill fill;
static unsigned char *slot;

static void slot_fill_setup(void) {
    slot_fill_init(&fill, SLOT_BYTES);
    slot = aligned_alloc(4096, SLOT_BYTES);
    cr_assert(slot);
}

static void slot_fill_teardown(void) {
    slot_fill_deinit(&fill);
    free(slot);
}

TestSuite(slot_fill, .init = slot_fill_setup, .fini = slot_fill_teardown);

/* One slot of n bytes; whether it went aside. */
static bool fill_once(size_t n, unsigned seed) {
    unsigned char expected[SLOT_BYTES];
    for (size_t i = 0; i < n; i++)
        expected[i] = (unsigned char)(i * 31 + seed);
    memset(slot, 0, SLOT_BYTES);
    void *buffer = slot_fill_begin(&fill, slot);
    bool is_aside = buffer != slot;
    memset(buffer, 0xee, is_aside ? SLOT_BYTES : 0);
    memcpy(buffer, expected, n);
    slot_fill_end(&fill, slot, n);
    cr_assert_eq(memcmp(slot, expected, n), 0, "%zu bytes", n);
    for (size_t i = n; i < SLOT_BYTES; i++)
        cr_assert_eq(slot[i], 0, "nothing else gets into the slot");
    return is_aside;
}

/* As if the two ways had taken so long. */
static unsigned count_aside(int64_t straight_ns, int64_t aside_ns) {
    unsigned n_aside = 0;
    for (unsigned i = 0; i < N_SLOTS; i++) {
        fill.best_ns[0] = straight_ns;
        fill.best_ns[1] = aside_ns;
        n_aside += fill_once(SLOT_BYTES, i);
    }
    return n_aside;
}

Test(slot_fill, 01_the_bytes_arrive_either_way) {
    const size_t sizes[] = {0, 1, 63, 64, 65, 127, 4096, SLOT_BYTES - 1, SLOT_BYTES};
    for (unsigned is_aside = 0; is_aside < 2; is_aside++) {
        fill.n = N_WARM + 1;
        fill.best_ns[0] = is_aside ? 2 : 1;
        fill.best_ns[1] = is_aside ? 1 : 2;
        for (size_t i = 0; i + 1 < ARRAY_LEN(sizes); i++)
            cr_expect_eq(fill_once(sizes[i], (unsigned)i), is_aside && fill.own);
    }
}

Test(slot_fill, 02_the_first_are_read_straight_into_it) {
    for (unsigned i = 0; i < N_WARM; i++)
        cr_expect_not(fill_once(SLOT_BYTES, i));
}

Test(slot_fill, 03_both_ways_are_tried_and_the_better_one_is_taken) {
    if (!fill.own)
        return;
    unsigned n = count_aside(1000, 4000);
    cr_expect(n > 0 && n < N_SLOTS / 10, "%u", n);
    n = count_aside(4000, 1000);
    cr_expect(n < N_SLOTS && n > N_SLOTS - N_SLOTS / 10, "%u", n);
}

Test(slot_fill, 04_what_is_not_whole_is_not_compared) {
    fill.n = N_WARM + 1;
    for (unsigned i = 0; i < N_SLOTS; i++)
        (void)fill_once(SLOT_BYTES / 2, i);
    cr_expect_eq(fill.best_ns[0], 0);
    cr_expect_eq(fill.best_ns[1], 0);
}

Test(slot_fill, 05_without_memory_there_is_one_way) {
    slot_fill_deinit(&fill);
    fill.slot_bytes = SLOT_BYTES;
    cr_expect_eq(count_aside(4000, 1000), 0);
}
