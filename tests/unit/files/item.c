#include "files/item.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static struct item_record entry_record(void) {
    return (struct item_record){.type = RECORD_ENTRY,
                                .entry = {.kind = ENTRY_FILE,
                                          .mode = 04755,
                                          .mtime_ns = -1,
                                          .size = (uint64_t)5 << 40,
                                          .start = 17,
                                          .path = bytes_of("a/b\xff\n"),
                                          .target = bytes_of("")}};
}

static struct item_record link_record(const char *target) {
    struct item_record record = entry_record();
    record.entry.kind = ENTRY_LINK;
    record.entry.size = record.entry.start = 0;
    record.entry.target = bytes_of(target);
    return record;
}

static bool survives(const struct item_record *record, struct item_record *decoded) {
    static uint8_t bytes[RECORD_BYTES_MAX];
    size_t n = record_encode(record, bytes, sizeof bytes);
    cr_assert_gt(n, 0);
    return record_decode(decoded, bytes, n);
}

Test(item, 01_records_come_out_as_they_went_in) {
    struct item_record record = entry_record(), decoded;
    cr_assert(survives(&record, &decoded));
    cr_expect_eq(decoded.entry.kind, ENTRY_FILE);
    cr_expect_eq(decoded.entry.mode, 04755);
    cr_expect_eq(decoded.entry.mtime_ns, -1);
    cr_expect_eq(decoded.entry.size, (uint64_t)5 << 40);
    cr_expect_eq(decoded.entry.start, 17);
    cr_expect(bytes_equal(decoded.entry.path, record.entry.path));
    struct item_record end = {.type = RECORD_END,
                              .end = {.totals = {1, 2, 3, 4, 5}, .digest = {.bytes = {9}}}};
    cr_assert(survives(&end, &decoded));
    cr_expect_eq(decoded.end.totals.n_bytes, 5);
    cr_expect(digest_equal(decoded.end.digest, end.end.digest));
    struct item_record entry_end = {.type = RECORD_ENTRY_END, .entry_end = {.size = 6}};
    cr_assert(survives(&entry_end, &decoded));
    cr_expect_eq(decoded.entry_end.size, 6);
}

static void expect_no_cut(const struct item_record *record) {
    uint8_t bytes[RECORD_BYTES_MAX + 1] = {0};
    size_t n = record_encode(record, bytes, sizeof bytes);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *exact = malloc(cut + 1); /* what is read behind the end is noticed */
        memcpy(exact, bytes, cut);
        struct item_record decoded;
        cr_assert_not(record_decode(&decoded, exact, cut), "%zu of %zu bytes", cut, n);
        cr_assert_eq(record_encode(record, exact, cut), 0);
        free(exact);
    }
    struct item_record decoded;
    cr_assert_not(record_decode(&decoded, bytes, n + 1), "left-over bytes");
    cr_assert(record_decode(&decoded, bytes, n));
    bytes[0]++;
    cr_assert_not(record_decode(&decoded, bytes, n), "another version");
}

Test(item, 02_a_part_of_a_record_is_none) {
    struct item_record records[] = {
        entry_record(), link_record("../x"), {.type = RECORD_ENTRY_END}, {.type = RECORD_END}};
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        expect_no_cut(&records[i]);
}

Test(item, 03_the_longest_fits) {
    char path[ENTRY_PATH_MAX + 1], target[ENTRY_TARGET_MAX + 1];
    memset(path, 'a', sizeof path);
    for (size_t i = 200; i < ENTRY_PATH_MAX; i += 200)
        path[i] = '/';
    memset(target, 'b', sizeof target);
    path[ENTRY_PATH_MAX] = target[ENTRY_TARGET_MAX] = '\0';
    struct item_record record = link_record(target), decoded;
    record.entry.path = bytes_of(path);
    cr_expect(survives(&record, &decoded));
    struct item_record top = entry_record();
    top.entry.path.n = 0;
    uint8_t bytes[RECORD_TOP_BYTES_MAX];
    cr_expect_gt(record_encode(&top, bytes, sizeof bytes), 0);
    struct item_record end = {.type = RECORD_END};
    cr_expect_gt(record_encode(&end, bytes, RECORD_END_BYTES_MAX), 0);
}

Test(item, 04_paths_that_lead_nowhere_else) {
    const char *const good[] = {"a", "a/b", "...", "a/...", "-", ".a", "a\n", "\xff", "a b/c"};
    const char *const bad[] = {"",     "/",   "/a",   "a/",     "a//b",    ".",   "..",       "./a",
                               "../a", "a/.", "a/..", "a/../b", "a/./b/c", "../", "../../x/y"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        cr_expect(entry_path_is_valid(bytes_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_expect_not(entry_path_is_valid(bytes_of(bad[i])), "%s", bad[i]);
    cr_expect_not(entry_path_is_valid((struct bytes){"a\0b", 3}));
}

Test(item, 05_long_and_deep_paths) {
    char path[ENTRY_PATH_MAX + 2];
    memset(path, 'a', sizeof path);
    cr_expect(entry_path_is_valid((struct bytes){path, ENTRY_NAME_MAX}));
    cr_expect_not(entry_path_is_valid((struct bytes){path, ENTRY_NAME_MAX + 1}));
    for (size_t i = 1; i < sizeof path; i += 2)
        path[i] = '/';
    size_t n_deepest = 2 * ENTRY_DEPTH_MAX + 1;
    cr_expect(entry_path_is_valid((struct bytes){path, n_deepest}));
    cr_expect_not(entry_path_is_valid((struct bytes){path, n_deepest + 2}));
}

static void expect_nonsense(struct item_record record) {
    struct item_record decoded;
    cr_expect_not(survives(&record, &decoded));
}

Test(item, 06_entries_that_make_no_sense) {
    struct item_record record = entry_record();
    record.entry.kind = ENTRY_KIND_END;
    expect_nonsense(record);
    record = entry_record();
    record.entry.mode = 010000;
    expect_nonsense(record);
    record = entry_record();
    record.entry.size = (uint64_t)1 << 63;
    expect_nonsense(record);
    record = entry_record();
    record.entry.start = record.entry.size + 1;
    expect_nonsense(record);
    record = entry_record();
    record.entry.target = bytes_of("x");
    expect_nonsense(record);
    record = entry_record();
    record.entry.kind = ENTRY_STREAM;
    record.entry.size = ITEM_SIZE_UNKNOWN;
    record.entry.start = 0;
    expect_nonsense(record);
    expect_nonsense(link_record(""));
    record = link_record("x");
    record.entry.target = (struct bytes){"x\0y", 3};
    expect_nonsense(record);
    record = link_record("x");
    record.entry.size = 1;
    expect_nonsense(record);
    record = link_record("x");
    record.entry.path.n = 0;
    expect_nonsense(record);
}
