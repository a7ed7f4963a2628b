#include "base/uuid.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/macro.h"

#define N_IDS 1000

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct uuid));
}

static void assert_all_differ(struct uuid *ids, size_t n) {
    qsort(ids, n, sizeof *ids, compare);
    for (size_t i = 1; i < n; i++)
        cr_assert(!uuid_equal(&ids[i - 1], &ids[i]));
}

static void assert_is_version(const struct uuid *id, int version) {
    cr_assert_eq(id->b[6] >> 4, version);
    cr_assert_eq(id->b[8] >> 6, 2);
}

/* What stands in the first 48 bits. */
static uint64_t time_of(const struct uuid *id) {
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->b[i];
    return ms;
}

/* The part that is random. */
static uint64_t tail_of(const struct uuid *id) {
    uint64_t tail = 0;
    for (int i = 8; i < 16; i++)
        tail = tail << 8 | id->b[i];
    return tail;
}

static const wall_time NOW = {INT64_C(1700000000000)};

Test(uuid, 01_all_of_one_moment_differ) {
    static struct uuid ids[N_IDS];
    struct uuid_source source = {0};
    for (int i = 0; i < N_IDS; i++) {
        ids[i] = uuid_next(&source, NOW);
        assert_is_version(&ids[i], 7);
    }
    assert_all_differ(ids, N_IDS);
}

/* Else who sees one could say which comes next. The half of byte 6, and a quarter of byte 8, are
 * the version. */
Test(uuid, 02_behind_the_time_none_has_to_do_with_the_one_before) {
    struct uuid_source source = {0};
    struct uuid last = uuid_next(&source, NOW);
    unsigned n_same[sizeof last.b] = {0}, n_near = 0;
    for (int i = 0; i < N_IDS; i++) {
        struct uuid id = uuid_next(&source, NOW);
        for (size_t at = 0; at < sizeof id.b; at++)
            n_same[at] += id.b[at] == last.b[at];
        uint64_t distance = tail_of(&id) - tail_of(&last);
        n_near += distance < UINT64_C(1) << 48 || -distance < UINT64_C(1) << 48;
        last = id;
    }
    for (size_t at = 6; at < sizeof last.b; at++)
        cr_assert_lt(n_same[at], at == 6 || at == 8 ? N_IDS / 5 : N_IDS / 20, "byte %zu", at);
    cr_assert_lt(n_near, 5, "%u", n_near);
}

Test(uuid, 03_two_sources_differ) {
    static struct uuid ids[2 * N_IDS];
    struct uuid_source one = {0}, two = {0};
    for (int i = 0; i < N_IDS; i++) {
        ids[2 * i] = uuid_next(&one, NOW);
        ids[2 * i + 1] = uuid_next(&two, NOW);
    }
    assert_all_differ(ids, 2 * N_IDS);
}

Test(uuid, 04_the_time_stands_in_front_and_later_ones_sort_behind) {
    struct uuid_source source = {0};
    struct uuid last = uuid_next(&source, NOW);
    for (int64_t ms = NOW.ms + 1; ms < NOW.ms + N_IDS; ms++) {
        struct uuid id = uuid_next(&source, (wall_time){ms});
        cr_assert_eq(time_of(&id), (uint64_t)ms);
        cr_assert_gt(compare(&id, &last), 0);
        last = id;
    }
}

/* The clock may say what it likes. */
Test(uuid, 05_a_clock_that_stands_or_leaps_makes_ids_as_well) {
    static const int64_t clocks[] = {1700000000000, 5,         1700000000000,   0, -1,
                                     INT64_MIN,     INT64_MAX, INT64_C(1) << 48};
    static struct uuid ids[ARRAY_LEN(clocks) * N_IDS];
    struct uuid_source source = {0};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ids[n] = uuid_next(&source, (wall_time){clocks[i % ARRAY_LEN(clocks)]});
        assert_is_version(&ids[n++], 7);
    }
    assert_all_differ(ids, n);
}

static void read_ids(int fd, struct uuid *ids) {
    size_t n = 0;
    while (n < N_IDS * sizeof *ids) {
        ssize_t r = read(fd, (char *)ids + n, N_IDS * sizeof *ids - n);
        cr_assert_gt(r, 0);
        n += (size_t)r;
    }
}

/* The stock was filled before the fork: both have it. */
Test(uuid, 06_a_forked_child_has_others) {
    static struct uuid ids[2 * N_IDS];
    struct uuid_source source = {0};
    int fds[2];
    (void)uuid_next(&source, NOW);
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    for (int i = 0; i < N_IDS; i++)
        ids[i] = uuid_next(&source, NOW);
    if (child == 0)
        _exit(write(fds[1], ids, N_IDS * sizeof *ids) == (ssize_t)(N_IDS * sizeof *ids) ? 0 : 1);
    read_ids(fds[0], ids + N_IDS);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    assert_all_differ(ids, 2 * N_IDS);
}

Test(uuid, 07_one_without_a_source) {
    struct uuid a = uuid_random(), b = uuid_random();
    assert_is_version(&a, 4);
    cr_assert(!uuid_equal(&a, &b));
}

Test(uuid, 08_text_form_round_trip) {
    struct uuid id = uuid_random();
    struct uuid back;
    char text[UUID_TEXT_SIZE];
    uuid_format(&id, text);
    cr_assert_eq(strlen(text), UUID_TEXT_SIZE - 1);
    cr_assert(uuid_from_text(&back, text));
    cr_assert(uuid_equal(&id, &back));
    cr_assert(uuid_from_text(&back, "00000000-0000-0000-0000-000000000000"));
    cr_assert(uuid_is_nil(&back));
}

Test(uuid, 09_text_form_is_lower_case_and_read_in_either) {
    struct uuid id;
    char text[UUID_TEXT_SIZE];
    cr_assert(uuid_from_text(&id, "01ABCDEF-0000-7000-8000-0000000000FF"));
    uuid_format(&id, text);
    cr_assert_str_eq(text, "01abcdef-0000-7000-8000-0000000000ff");
}

/* As libuuid says it, for every byte at every place. */
Test(uuid, 10_text_form_is_that_of_libuuid) {
    struct uuid id = {0};
    char text[UUID_TEXT_SIZE], expected[UUID_TEXT_SIZE];
    for (size_t at = 0; at < sizeof id.b; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            id.b[at] = (uint8_t)byte;
            uuid_format(&id, text);
            uuid_unparse_lower(id.b, expected);
            cr_assert_str_eq(text, expected);
        }
}

Test(uuid, 11_refuses_what_is_none) {
    static const char *const bad[] = {
        "",
        "01abcdef",
        "01abcdef-0000-7000-8000-0000000000f",
        "01abcdef-0000-7000-8000-0000000000fff",
        "01abcdef-0000-7000-8000-0000000000fg",
        "01abcdef00007000800000000000000000ff",
        " 01abcdef-0000-7000-8000-0000000000ff",
    };
    struct uuid id;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(!uuid_from_text(&id, bad[i]), "%s", bad[i]);
}
