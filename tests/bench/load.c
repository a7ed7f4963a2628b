#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NUMBER_AT 8

static void write_hex(char *at, uint32_t number) {
    for (int i = 7; i >= 0; i--, number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
}

static uint32_t read_hex(const char *at) {
    char digits[9] = {0};
    memcpy(digits, at, 8);
    return (uint32_t)strtoul(digits, NULL, 16);
}

void load_init(struct load *load, uint32_t sender, unsigned n) {
    *load = (struct load){.sender = sender, .n = n};
    for (unsigned i = 0; i < n; i++)
        load->text[i] = (char)('a' + i % 26);
    write_hex(load->text, sender);
    write_hex(load->text + NUMBER_AT, 0);
}

void load_next(struct load *load) {
    load->number++;
    write_hex(load->text + NUMBER_AT, load->number);
}

void load_compose(struct load *load) {
    char text[LOAD_TEXT_MAX + 1];
    snprintf(text, sizeof text, "%08x%08x%.*s", load->sender, load->number,
             (int)load->n - LOAD_TEXT_MIN, load->text + LOAD_TEXT_MIN);
    memcpy(load->text, text, load->n);
}

int64_t load_compare(struct load *expected, const char *text, size_t n) {
    if (n == expected->n && memcmp(text, expected->text, n) == 0) {
        load_next(expected);
        return 0;
    }
    if (n != expected->n || read_hex(text) != expected->sender)
        return LOAD_FOREIGN;
    uint32_t number = read_hex(text + NUMBER_AT);
    struct load other = *expected;
    write_hex(other.text + NUMBER_AT, number);
    if (memcmp(text, other.text, n) != 0)
        return LOAD_FOREIGN;
    if (number < expected->number)
        return LOAD_DISORDER;
    int64_t n_passed = number - expected->number;
    expected->number = number;
    load_next(expected);
    return n_passed;
}

static const char *load_violation(int64_t passed) {
    if (passed > 0)
        return "messages are lost";
    return passed == LOAD_DISORDER ? "a doubled or reordered message"
                                   : "a foreign or damaged message";
}

int load_check(struct load *expected, struct crew_arena *arena, const char *text, size_t n) {
    uint32_t number = expected->number;
    int64_t passed = load_compare(expected, text, n);
    if (passed == 0)
        return 0;
    return crew_fail(arena, "violation: %s: sender %u, number %u expected, got \"%.*s\"",
                     load_violation(passed), expected->sender, number,
                     (int)(n < LOAD_TEXT_MIN ? n : LOAD_TEXT_MIN), text);
}

void credit_await(struct credit *credit, unsigned n_sent, unsigned window) {
    while (!credit_left(credit, n_sent, window)) {
        unsigned n = atomic_load(&credit->n);
        atomic_store(&credit->sleeping, 1);
        if (n_sent - n >= window)
            futex_wait(&credit->n, n, 100);
    }
}

void credit_give(struct credit *credit, unsigned n_more) {
    atomic_fetch_add(&credit->n, n_more);
    if (atomic_load(&credit->sleeping) && atomic_exchange(&credit->sleeping, 0))
        futex_wake_all(&credit->n);
}

/* A step is complete before its place is used again: the sender waits CREDIT_STEPS behind it. */
void crowd_credit_step(struct crowd_credit *credit, unsigned n_steps) {
    atomic_uint *n_there = &credit->steps[n_steps % ARRAY_LEN(credit->steps)];
    if (atomic_fetch_add(n_there, 1) + 1 < credit->n_members)
        return;
    atomic_store(n_there, 0);
    credit_give(&credit->credit, credit->step);
}

double spans_seconds(const struct span *spans, unsigned n) {
    int64_t first = INT64_MAX, last = 0;
    for (unsigned i = 0; i < n; i++) {
        if (spans[i].first_ns > 0 && spans[i].first_ns < first)
            first = spans[i].first_ns;
        if (spans[i].last_ns > last)
            last = spans[i].last_ns;
    }
    return last > first ? (double)(last - first) / (double)NS_PER_S : 0;
}
