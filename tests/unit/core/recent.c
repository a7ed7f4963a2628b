#include "core/recent.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct recent recent;

static void setup(void) {
    recent_init(&recent, UINT64_C(0x0123456789abcdef));
}

static void teardown(void) {
    recent_deinit(&recent);
}

TestSuite(recent, .init = setup, .fini = teardown);

static struct uuid id_of(uint32_t n) {
    struct uuid id = {{7}};
    memcpy(id.b + 12, &n, sizeof n);
    return id;
}

static void note_id(const struct uuid *id, uint64_t seq) {
    size_t before = recent_bytes(&recent), n = recent_bytes_wanted(&recent);
    if (n > 0)
        cr_assert_eq(recent_grow(&recent), 0);
    cr_assert_eq(recent_bytes(&recent), before + n);
    cr_assert_eq(recent_note(&recent, id, seq, ~seq), 0);
}

static void note(uint32_t n, uint64_t seq) {
    struct uuid id = id_of(n);
    note_id(&id, seq);
}

static uint64_t seq_of(const struct uuid *id) {
    const struct recent_entry *entry = recent_find(&recent, id);
    cr_assert(!entry || (uuid_equal(&entry->id, id) && entry->digest == ~entry->seq));
    return entry ? entry->seq : 0;
}

static uint64_t find(uint32_t n) {
    struct uuid id = id_of(n);
    return seq_of(&id);
}

/* Ids first..end-1, each with its number plus one as sequence number. */
static void note_range(uint32_t first, uint32_t end) {
    for (uint32_t n = first; n < end; n++)
        note(n, n + UINT64_C(1));
}

static void assert_known(uint32_t first, uint32_t end) {
    for (uint32_t n = first; n < end; n++)
        cr_assert_eq(find(n), n + UINT64_C(1), "%u", n);
}

static void assert_unknown(uint32_t first, uint32_t end) {
    for (uint32_t n = first; n < end; n++)
        cr_assert_eq(find(n), 0, "%u", n);
}

Test(recent, 01_an_empty_one_knows_nothing) {
    cr_assert_eq(find(0), 0);
}

Test(recent, 02_what_was_noted_is_found_and_nothing_else) {
    note_range(0, 1000);
    assert_known(0, 1000);
    assert_unknown(1000, 2000);
}

Test(recent, 03_found_at_every_size_it_grows_through) {
    for (uint32_t n = 0; n < 300; n++) {
        note(n, n + UINT64_C(1));
        assert_known(0, n + 1);
    }
    assert_unknown(300, 310);
}

Test(recent, 04_the_last_of_the_ring_are_known_and_older_ones_not) {
    uint32_t n_older = 1000;
    note_range(0, RECENT_MAX + n_older);
    assert_unknown(0, n_older);
    assert_known(n_older, RECENT_MAX + n_older);
}

Test(recent, 05_the_bound_is_exact) {
    note_range(0, RECENT_MAX);
    cr_assert_eq(find(0), 1);
    note(RECENT_MAX, RECENT_MAX + 1);
    cr_assert_eq(find(0), 0);
    cr_assert_eq(find(1), 2);
    cr_assert_eq(find(RECENT_MAX), RECENT_MAX + 1);
}

Test(recent, 06_lookups_between_notes_over_several_rounds) {
    uint32_t n = 0, end = 4 * RECENT_MAX;
    while (n < end) {
        uint32_t step = 1 + n % 5000, oldest;
        note_range(n, n + step);
        n += step;
        oldest = n > RECENT_MAX ? n - RECENT_MAX : 0;
        cr_assert_eq(find(n - 1), n);
        cr_assert_eq(find(n), 0);
        cr_assert_eq(find(oldest), oldest + UINT64_C(1));
        if (oldest > 0)
            cr_assert_eq(find(oldest - 1), 0);
    }
    assert_known(n - RECENT_MAX, n);
}

Test(recent, 07_more_than_a_round_between_two_lookups) {
    note_range(0, RECENT_MAX);
    cr_assert_eq(find(5), 6);
    note_range(RECENT_MAX, 3 * RECENT_MAX + 77);
    assert_known(2 * RECENT_MAX + 77, 3 * RECENT_MAX + 77);
    assert_unknown(RECENT_MAX, RECENT_MAX + 100);
}

Test(recent, 08_a_repeated_id_has_its_latest_number) {
    note_range(0, 100);
    cr_assert_eq(find(3), 4);
    note(3, 777);
    cr_assert_eq(find(3), 777);
    note_range(100, RECENT_MAX + 50); /* drops the first of the two, not the second */
    cr_assert_eq(find(3), 777);
    cr_assert_eq(find(2), 0);
    note_range(RECENT_MAX + 50, RECENT_MAX + 150);
    cr_assert_eq(find(3), 0);
}

Test(recent, 09_one_id_again_and_again) {
    for (uint64_t seq = 1; seq <= 2 * RECENT_MAX; seq++) {
        note(9, seq);
        if (seq % 1000 == 0)
            cr_assert_eq(find(9), seq);
    }
    cr_assert_eq(find(8), 0);
}

/* As of a client that stamps its ids with the time and counts them. */
static struct uuid id_in_a_row(uint32_t n) {
    struct uuid id = {{1}};
    uint32_t stamp = n / 100;
    memcpy(id.b + 2, &stamp, sizeof stamp);
    memcpy(id.b + 12, &n, sizeof n);
    return id;
}

Test(recent, 10_ids_that_are_made_in_a_row) {
    enum { N = RECENT_MAX - 7 };
    static struct uuid ids[N];
    for (uint32_t n = 0; n < N; n++) {
        ids[n] = id_in_a_row(n);
        note_id(&ids[n], n + UINT64_C(1));
    }
    for (uint32_t n = 0; n < N; n++)
        cr_assert_eq(seq_of(&ids[n]), n + UINT64_C(1));
    struct uuid next = id_in_a_row(N);
    cr_assert_eq(seq_of(&next), 0);
}

Test(recent, 11_can_be_used_again_after_the_end) {
    note_range(0, 10);
    recent_deinit(&recent);
    recent_init(&recent, 1);
    assert_unknown(0, 10);
    note_range(0, 10);
    assert_known(0, 10);
}

Test(recent, 12_what_is_said_to_whom_makes_the_digest) {
    struct record a = {
        .conv = conv_of_pair(3, 4), .from = 3, .to = 4, .kind = 1, .text = bytes_of("words")};
    struct record b = a;
    b.from = 9; /* the same sender, under another handle */
    b.conv = conv_of_pair(9, 4);
    b.seq = 77;
    b.at_ms = 5;
    cr_assert_eq(recent_digest(&a), recent_digest(&b));
    cr_assert(record_is_same(&a, &b));
    struct record others[] = {a, a, a, a, a};
    others[0].to = 5;
    others[1].conv = conv_of_room(4);
    others[2].kind = 2;
    others[3].reply_to = id_of(1);
    others[4].text = bytes_of("word");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_assert_neq(recent_digest(&a), recent_digest(&others[i]), "%zu", i);
        cr_assert_not(record_is_same(&a, &others[i]), "%zu", i);
    }
}

Test(recent, 13_the_latest_are_known_at_a_glance) {
    for (uint32_t n = 0; n < 1000; n++) {
        struct uuid id = id_of(n);
        cr_assert_not(recent_may_know(&recent, &id), "%u", n);
        note(n, n + UINT64_C(1));
        cr_assert(recent_may_know(&recent, &id), "%u", n);
    }
    unsigned n_known = 0;
    for (uint32_t n = 900; n < 1000; n++) {
        struct uuid id = id_of(n);
        n_known += recent_may_know(&recent, &id);
    }
    cr_assert_gt(n_known, 80, "%u", n_known);
}

/* As for somebody who has no memory left. */
Test(recent, 14_without_more_memory_the_oldest_are_forgotten_until_there_is_more) {
    struct uuid id;
    id = id_of(0);
    cr_assert_eq(recent_note(&recent, &id, 1, ~UINT64_C(1)), -ENOMEM);
    note_range(0, 100);
    uint32_t size = 128, n = 100;
    for (; n < 1000; n++) {
        id = id_of(n);
        cr_assert_eq(recent_note(&recent, &id, n + UINT64_C(1), ~(n + UINT64_C(1))), 0);
    }
    assert_known(n - size, n);
    assert_unknown(0, n - size);
    for (; recent_bytes_wanted(&recent) == 0; n++)
        note(n, n + UINT64_C(1));
    note_range(n, n + 2 * size - 1);
    assert_known(n - 1, n + 2 * size - 1);
    assert_unknown(0, n - size);
}

/*
 * Ids which differ in the same bits of two places: a hash that only adds them up sees one id. One
 * that is found behind thousands of others would hold everybody else up.
 */
Test(recent, 15_ids_that_were_chosen_to_meet) {
    for (uint64_t n = 0; n < RECENT_MAX; n++) {
        struct uuid id = {{7}};
        uint64_t low = n << 50 | n << 18;
        memcpy(id.b + 8, &low, sizeof low);
        note_id(&id, n + 1);
    }
    struct uuid first = {{7}};
    cr_assert_eq(seq_of(&first), 1);
    size_t end = 0, longest = 0;
    for (size_t at = 0; at < RECENT_PLACES * recent.size; at++) {
        end = recent.index[at] ? end + 1 : 0;
        longest = end > longest ? end : longest;
    }
    cr_assert_lt(longest, 40, "%zu", longest);
}
