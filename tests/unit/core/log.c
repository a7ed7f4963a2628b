/* The log against a naive model: an array of everything that is still there. */
#include "core/log.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536
#define N_MAX 4000

static struct log kept;
static char text[TEXT_MAX + 23];
static struct {
    uint64_t seq;
    size_t n; /* bytes of the text */
} model[N_MAX];
static size_t n_model;
static uint64_t random_state;

static void setup(void) {
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    log_init(&kept, 10);
    n_model = 0;
}

static void teardown(void) {
    log_deinit(&kept);
    cr_assert(!kept.head && !kept.tail && kept.n_bytes == 0);
}

TestSuite(log, .init = setup, .fini = teardown);

static uint64_t random_below(uint64_t n) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state >> 33) % n;
}

static void append(uint64_t seq, size_t n) {
    struct record record = {
        .seq = seq, .conv = -7, .from = (uint32_t)seq, .text = {text + seq % 23, n}};
    struct log_entry *entry = log_append(&kept, &record);
    cr_assert_not_null(entry);
    cr_assert_neq(entry->record.text.data, record.text.data);
    cr_assert_eq((uintptr_t)entry % 16, 0);
    cr_assert_lt(n_model, N_MAX);
    model[n_model].seq = seq;
    model[n_model++].n = n;
}

static void assert_entry(const struct log_entry *entry, size_t at) {
    cr_assert_lt(at, n_model, "there is more than was put in");
    cr_assert_not_null(entry);
    cr_assert_eq(entry->record.seq, model[at].seq);
    cr_assert_eq(entry->record.from, (uint32_t)model[at].seq);
    cr_assert_eq(entry->record.conv, -7);
    cr_assert_eq(entry->record.text.n, model[at].n);
    cr_assert_eq(memcmp(entry->record.text.data, text + model[at].seq % 23, model[at].n), 0);
}

/* The first in the model whose number is seq or greater. */
static size_t model_find(uint64_t seq) {
    size_t at = 0;
    while (at < n_model && model[at].seq < seq)
        at++;
    return at;
}

static void assert_rest(struct log_place place, size_t at) {
    for (struct log_entry *entry; (entry = log_next(&place)); at++)
        assert_entry(entry, at);
    cr_assert_eq(at, n_model);
}

static void assert_spans(struct log_place place, size_t at, size_t n_max) {
    struct log_span spans[8];
    for (size_t n; (n = log_spans(&place, spans, n_max)) > 0;) {
        cr_assert_leq(n, n_max);
        for (size_t i = 0, in_span = 0; i < n; i++, in_span = 0) {
            cr_assert_gt(spans[i].n, 0);
            for (const struct log_entry *entry; (entry = log_span_next(&spans[i], &in_span));)
                assert_entry(entry, at++);
        }
    }
    cr_assert_eq(at, n_model);
}

/* What the log let go of leaves the model; it was the oldest, and all of it was committed. */
static void trim(uint64_t committed, size_t n_bytes_max) {
    uint64_t first_seq = kept.first_seq;
    log_trim(&kept, committed, n_bytes_max, NULL, NULL);
    size_t gone = model_find(kept.first_seq);
    cr_assert_geq(kept.first_seq, first_seq);
    if (gone > 0)
        cr_assert_leq(model[gone - 1].seq, committed);
    memmove(model, model + gone, (n_model - gone) * sizeof model[0]);
    n_model -= gone;
    bool is_needed = !kept.head || kept.head == kept.tail || kept.head->last_seq > committed;
    cr_assert(kept.n_bytes <= n_bytes_max || is_needed);
}

Test(log, 01_empty) {
    cr_assert_eq(kept.first_seq, 10);
    assert_rest(log_find(&kept, 0), 0);
    assert_rest(log_find(&kept, UINT64_MAX), 0);
    assert_spans(log_find(&kept, 10), 0, 8);
    trim(UINT64_MAX, 0);
    cr_assert_eq(kept.first_seq, 10);
}

Test(log, 02_every_length_comes_back) {
    static const size_t lengths[] = {0, 1, 15, 16, 17, 255, 4096, 65535, TEXT_MAX};
    uint64_t seq = 10;
    for (int round = 0; round < 8; round++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            append(seq++, lengths[i]);
    assert_rest(log_find(&kept, 0), 0);
    assert_spans(log_find(&kept, 0), 0, 1);
    cr_assert_neq(kept.head, kept.tail);
}

Test(log, 03_what_is_not_committed_stays) {
    for (uint64_t seq = 10; seq < 100; seq++)
        append(seq, 20000);
    trim(0, 0);
    cr_assert_eq(n_model, 90);
    trim(50, 0);
    cr_assert_leq(kept.first_seq, 51);
    cr_assert_gt(kept.first_seq, 30, "but what need not stay has left");
    trim(UINT64_MAX, 0);
    cr_assert_eq(kept.head, kept.tail, "the last block stays");
    assert_rest(log_find(&kept, 0), 0);
}

Test(log, 04_entries_do_not_move) {
    struct record record = {.seq = 10, .text = {"stays", 5}};
    const struct log_entry *entry = log_append(&kept, &record);
    struct log_place place = log_find(&kept, 10);
    record.text = (struct bytes){text, TEXT_MAX};
    for (record.seq = 11; record.seq < 60; record.seq++)
        cr_assert_not_null(log_append(&kept, &record));
    log_trim(&kept, 9, 0, NULL, NULL);
    cr_assert_eq(log_next(&place), entry);
    cr_assert_eq(memcmp(entry->record.text.data, "stays", 5), 0);
    cr_assert_eq(log_next(&place)->record.seq, 11, "a place goes on into later blocks");
}

Test(log, 05_random) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        random_state = seed;
        uint64_t seq = 10;
        for (int i = 0; i < 2000; i++) {
            size_t longest = random_below(10) == 0 ? TEXT_MAX : 600;
            seq += random_below(20) == 0 ? 1 + random_below(5) : 1; /* some get no entry */
            append(seq, random_below(longest + 1));
            if (random_below(50) == 0)
                trim(kept.first_seq + random_below(seq - kept.first_seq + 1),
                     random_below(8) * LOG_BLOCK_BYTES);
            if (random_below(50) != 0)
                continue;
            uint64_t wanted = random_below(seq + 3);
            assert_rest(log_find(&kept, wanted), model_find(wanted));
            assert_spans(log_find(&kept, wanted), model_find(wanted), 1 + random_below(8));
        }
        cr_assert_gt(kept.first_seq, 10, "something was trimmed");
        teardown();
        setup();
    }
}
