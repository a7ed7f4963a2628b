/* Reactions: they stand at their message, and go with it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/past/reacted.h"
#include "proto/frame.h"
#include "unit/store/shelf.h"

static conv_number pair;

static void setup(void) {
    shelf_begin();
    pair = conv_of_pair(ALICE, BOB);
}

TestSuite(store_react, .init = setup, .fini = shelf_end);

/* To a message of alice's, whose uid record_of() makes of her number. */
static uint64_t put_kind(uint8_t kind, uint32_t from, struct uuid target, const char *text) {
    struct record record = record_of(++shelf.seq, pair, from, text);
    record.kind = kind;
    record.reply_to = target;
    cr_assert_eq(store_begin(shelf.store), 0);
    int r = store_put_message(shelf.store, &record, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
    cr_assert_eq(store_commit(shelf.store), 0);
    return shelf.seq;
}

static uint64_t react(uint32_t from, uint64_t target, const char *text) {
    return put_kind(KIND_REACT, from, id_of(target), text);
}

static void expect_reactions(uint64_t target, const char *lines) {
    struct record record = record_of(target, 0, ALICE, "");
    cr_assert_eq(store_find_message(shelf.store, &record), 0);
    cr_assert(bytes_equal(record.reactions, bytes_of(lines)), "%.*s", (int)record.reactions.n,
              record.reactions.data);
    free((char *)record.reactions.data);
}

static int note_reactions(void *arg, const struct record *record) {
    *(size_t *)arg += record->reactions.n;
    return 0;
}

static size_t n_in_history(void) {
    struct store_view view = view_of(ALICE, NULL, 0);
    struct store_page page = {.n_max = 50};
    size_t n = 0;
    cr_assert_eq(store_history(shelf.reader, &view, &page, note_reactions, &n), 0);
    return n;
}

Test(store_react, 01_one_of_each_user_and_emoji) {
    uint64_t target = say(pair, ALICE, "one");
    react(BOB, target, "1001\n+👍");
    react(BOB, target, "1001\n+👍");
    react(ALICE, target, "1001\n+👍");
    expect_reactions(target, "👍 1002 2 2\n👍 1001 1 4\n");
    cr_assert_gt(n_in_history(), 0);
    react(BOB, target, "1001\n-👍");
    react(BOB, target, "1001\n-👍");
    react(BOB, target, "1002\n+👍"); /* no message of his */
    expect_reactions(target, "👍 1001 1 4\n");
    shelf_reopen();
    expect_reactions(target, "👍 1001 1 4\n");
}

static void expect_fed(const char *texts) {
    struct store_view view = view_of(ALICE, NULL, 0);
    uint64_t upto;
    seen = (struct seen){0};
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, see, NULL), 0);
    expect_seen(texts);
}

Test(store_react, 02_what_was_taken_back_is_only_that) {
    uint64_t target = say(pair, ALICE, "one");
    react(BOB, target, "1001\n+👍");
    expect_fed("one|1001\n+👍");
    react(BOB, target, "1001\n-👍");
    expect_fed("one|1001\n-👍");
    expect_reactions(target, "");
}

Test(store_react, 03_a_removed_message_loses_them) {
    uint64_t target = say(pair, ALICE, "one");
    react(BOB, target, "1001\n+🎉");
    react(ALICE, target, "1001\n+👍");
    put_kind(KIND_REMOVE, ALICE, id_of(target), "1001\n");
    expect_reactions(target, "");
    cr_assert_eq(n_in_history(), 0);
    expect_fed("|1001\n");
    react(BOB, target, "1001\n+👍");
    expect_reactions(target, "");
}

Test(store_react, 04_a_search_does_not_find_them) {
    struct store_view view = view_of(ALICE, NULL, 0);
    uint64_t target = say(pair, ALICE, "one word");
    react(BOB, target, "1001\n+👍");
    index_all();
    search(&view, "1001");
    expect_seen("");
    search(&view, "word");
    expect_seen("one word");
}

/* Made before there were reactions. */
Test(store_react, 05_messages_of_older_versions_get_them) {
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-13.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    struct uuid target;
    cr_assert(uuid_from_text(&target, "01900000-0000-7000-8000-000000000001"));
    shelf.seq = 5;
    put_kind(KIND_REACT, BOB, target, "0\n+👍");
    struct record record = {.id = target};
    cr_assert_eq(store_find_message(shelf.store, &record), 0);
    cr_assert(bytes_equal(record.reactions, bytes_of("👍 1002 2 6\n")));
    free((char *)record.reactions.data);
}
