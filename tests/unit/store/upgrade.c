/* Databases of earlier versions, as they were recorded, are brought to this one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/inside.h"
#include "unit/store/shelf.h"

TestSuite(store_upgrade, .init = shelf_begin, .fini = shelf_end);

#define AB conv_of_pair(ALICE, BOB)

static const struct store_source room_1 = {-1, 0};

/* `see` checks ids, which damage and other programs change. */
static int count_all(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

Test(store_upgrade, 01_version_1_is_upgraded) {
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-1.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.seq_limit, 1000);
    cr_assert_eq(shelf.info.last_seq, 6);
    cr_assert_eq(shelf.info.last_handle, 2);
    struct store_view alice = view_of(ALICE, &room_1, 1);
    search(&alice, "word");
    expect_seen("an indexed wörd, a reply|an indexed word in a room");
    search(&alice, "京都");
    expect_seen("not indexed yet: 東京都");
    search(&alice, "forget");
    expect_seen("");
    shelf.seq = 6;
    say(AB, BOB, "a new word");
    search(&alice, "wor");
    expect_seen("a new word|an indexed wörd, a reply|an indexed word in a room");
    forget(BOB, AB, 1);
    index_all();
    struct store_stats stats;
    store_stats(shelf.store, &stats);
    cr_assert_eq(stats.n_messages, 4);
    shelf_reopen();
    cr_assert_eq(shelf.info.last_seq, 7);
}

static int add_usage(void *arg, const struct store_usage *usage) {
    struct store_usage *all = arg;
    all[usage->uid % 4] = *usage;
    return 0;
}

/* One user, under two handles; made by the release before. */
Test(store_upgrade, 15_version_3_is_upgraded) {
    struct store_usage all[4] = {{0}};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-3.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 5);
    cr_assert_eq(shelf.info.newest_ms, 1796010708607);
    cr_assert_eq(shelf.info.clock.seen_ms, 0);
    struct store_view alice = view_of(ALICE, &room_1, 1);
    struct store_query query = {.words = bytes_of("word"), .n_max = 9};
    unsigned n = 0;
    cr_assert_eq(store_search(shelf.reader, &alice, &query, count_all, &n), 0);
    cr_assert_eq(n, 2);
    struct record like = record_of(6, AB, ALICE, "a word for bob");
    uint64_t seq = 0;
    like.uid = 0;
    like.kind = 0; /* text */
    cr_assert(uuid_from_text(&like.id, "01900000-0000-7000-8000-000000000001"));
    cr_assert_eq(store_find_id(shelf.store, &like, &seq), 0);
    cr_assert_eq(seq, 3);
    like.uid = 1001; /* this id is free for everybody else */
    cr_assert_eq(store_find_id(shelf.store, &like, &seq), STORE_NOT_FOUND);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &like, &seq), 0);
    cr_assert_eq(seq, 6);
    cr_assert_eq(store_commit(shelf.store), 0);
    cr_assert_eq(store_usage(shelf.reader, add_usage, all), 0);
    cr_assert_eq(all[0].n_messages, 5);
    cr_assert_eq(all[0].n_bytes, 5 * MESSAGE_OVERHEAD + 2 + 2 + 14 + 23 + 16);
    cr_assert_eq(all[1].n_messages, 1);
    index_all();
    shelf_reopen();
    cr_assert_eq(shelf.info.last_seq, 6);
}

static int note_handle(void *arg, const struct store_handle *handle) {
    struct store_handle *all = arg;
    if (handle->number < 4)
        all[handle->number] = *handle;
    return 0;
}

static int note_mail(void *arg, const struct store_mail *mail) {
    (void)arg, (void)mail;
    cr_assert_fail("mail for nobody");
    return 0;
}

static int note_mark(void *arg, const struct store_mark *mark) {
    (void)arg, (void)mark;
    cr_assert_fail("a mark from nowhere");
    return 0;
}

static int note_room(void *arg, const struct store_room *room) {
    (void)arg, (void)room;
    return 0;
}

static int note_member(void *arg, const struct store_member *member) {
    (void)arg, (void)member;
    return 0;
}

static int note_sanction(void *arg, const struct store_sanction *sanction) {
    (void)arg, (void)sanction;
    cr_assert_fail("nobody has laid anything on anybody");
    return 0;
}

static int note_pin(void *arg, const struct store_pin *pin) {
    (void)arg, (void)pin;
    cr_assert_fail("nothing was pinned");
    return 0;
}

static int note_room_order(void *arg, const struct store_room_order *order) {
    (void)arg, (void)order;
    return 0;
}

static int note_admission(void *arg, const struct store_admission *admission) {
    (void)arg, (void)admission;
    cr_assert_fail("a guest of an open room");
    return 0;
}

static int note_open_room(void *arg, const struct store_room *room) {
    (void)arg;
    cr_assert_eq(room->form, 0, "a room of before is open");
    cr_assert_eq(room->rules, 0);
    cr_assert_eq(room->owner, 0, "and belongs to who made it");
    return 0;
}

Test(store_upgrade, 19_rooms_of_version_8_are_open) {
    struct store_handle all[4] = {{0}};
    struct store_visitor visitor = {
        all,         note_handle,   note_mail,      note_mark,       note_open_room,
        note_member, note_sanction, note_admission, note_room_order, note_pin};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-7.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_run_sql("ALTER TABLE handle ADD COLUMN unclaimed INTEGER NOT NULL DEFAULT 0;"
                  "ALTER TABLE handle ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
                  "CREATE TABLE mark (handle INTEGER NOT NULL, conv INTEGER NOT NULL,"
                  " seq INTEGER NOT NULL, PRIMARY KEY (handle, conv)) WITHOUT ROWID;"
                  "PRAGMA user_version = 8;");
    shelf_open();
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(all[1].number, 1);
}

Test(store_upgrade, 17_version_7_is_upgraded) {
    struct store_handle all[4] = {{0}};
    struct store_visitor visitor = {
        all,         note_handle,   note_mail,      note_mark,       note_room,
        note_member, note_sanction, note_admission, note_room_order, note_pin};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-7.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 5);
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(all[1].number, 1);
    cr_assert_not(all[2].is_unclaimed, "whoever is there has joined");
    cr_assert_eq(all[2].seen, 1, "and nothing that was given before is unread");
}

Test(store_upgrade, 18_version_8_is_upgraded) {
    static const struct store_sanction ban = {
        .uid = 1002, .what = 1, .by_name = {"alice", 5}, .why = {"spam", 4}};
    int64_t n;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-8.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 2);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_sanction(shelf.store, &ban), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_close();
    n = shelf_query_number("SELECT count(*) FROM sanction WHERE uid = 1002");
    cr_assert_eq(n, 1);
    shelf_open();
}

static int note_unmended(void *arg, const struct record *record) {
    (void)arg;
    cr_assert_eq(record->flags & RECORD_MENDED, 0);
    return 0;
}

/* Nothing in it was ever mended. */
Test(store_upgrade, 19_version_9_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    uint64_t upto;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-9.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, note_unmended, NULL), 0);
    cr_assert_eq(upto, 5);
    shelf_close();
    cr_assert_eq(shelf_query_number("SELECT count(*) FROM message WHERE mend <> 0"), 0);
    cr_assert_eq(shelf_query_number("PRAGMA user_version"), 18);
}

static int count_one(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

/* Its index of parts has the accents. */
Test(store_upgrade, 20_version_11_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(1, rooms, 1);
    struct store_query query = {.words = bytes_of("rul"), .n_max = 5};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-11.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    for (int i = 0; i < 2; i++) {
        unsigned n = 0;
        cr_assert_eq(store_search(shelf.reader, &view, &query, count_one, &n), 0);
        cr_assert_eq(n, 1);
        index_all();
    }
}

static int note_unthreaded(void *arg, const struct record *record) {
    unsigned *n_replies = arg;
    cr_assert(uuid_is_nil(&record->thread));
    cr_assert_eq(record->n, 0);
    *n_replies += !uuid_is_nil(&record->reply_to) && record->kind == 0;
    return 0;
}

/* Replies in it are in no thread; those that come now are. */
Test(store_upgrade, 21_version_12_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    unsigned n_replies = 0;
    uint64_t upto;
    uint16_t n;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-12.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, note_unthreaded, &n_replies), 0);
    cr_assert_eq(n_replies, 1);
    cr_assert_eq(store_last_n(shelf.store, conv_of_pair(ALICE, BOB), &n), 0);
    cr_assert_eq(n, 0);
}

static int note_hidden_room(void *arg, const struct store_room *room) {
    unsigned *n = arg;
    cr_assert_eq(room->people.n, 0, "there was no direct room");
    *n += room->form == 1 && room->rules == 4 && room->private_since == 5;
    return 0;
}

static int note_admission_of_one(void *arg, const struct store_admission *admission) {
    unsigned *n = arg;
    *n += admission->room == 2 && admission->handle == 1 && admission->has_joined;
    return 0;
}

static int pass_handle(void *arg, const struct store_handle *handle) {
    (void)arg, (void)handle;
    return 0;
}

static int note_no_order(void *arg, const struct store_room_order *order) {
    (void)arg, (void)order;
    cr_assert_fail("there was no order in rooms");
    return 0;
}

Test(store_upgrade, 22_version_13_is_upgraded) {
    unsigned n = 0;
    struct store_visitor visitor = {&n,
                                    pass_handle,
                                    note_mail,
                                    note_mark,
                                    note_hidden_room,
                                    note_member,
                                    note_sanction,
                                    note_admission_of_one,
                                    note_no_order,
                                    note_pin};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-13.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(n, 2, "a private room and who is in it");
    shelf_close();
    cr_assert_eq(shelf_query_number("PRAGMA user_version"), 18);
    shelf_open();
}

static int note_one_order(void *arg, const struct store_room_order *order) {
    unsigned *n = arg;
    cr_assert(order->room == 2 && order->uid == 1003 && order->what == 1 && order->handle == 7 &&
              order->until_ms == 5000 && order->by == 1001);
    cr_assert(bytes_equal(order->by_name, bytes_of("alice")));
    cr_assert(bytes_equal(order->why, bytes_of("spam")));
    ++*n;
    return 0;
}

static int pass_admission(void *arg, const struct store_admission *admission) {
    (void)arg, (void)admission;
    return 0;
}

static unsigned n_orders(void) {
    unsigned n = 0;
    struct store_visitor visitor = {
        &n,          pass_handle,   note_mail,      note_mark,      note_room,
        note_member, note_sanction, pass_admission, note_one_order, note_pin};
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    return n;
}

Test(store_upgrade, 23_order_in_rooms_is_kept) {
    cr_assert_eq(n_orders(), 0);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(
        store_put_room_order(shelf.store, &(struct store_room_order){.room = 2,
                                                                     .uid = 1003,
                                                                     .what = 1,
                                                                     .handle = 7,
                                                                     .until_ms = 5000,
                                                                     .by = 1001,
                                                                     .by_name = bytes_of("alice"),
                                                                     .why = bytes_of("spam")}),
        0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_close();
    shelf_open();
    cr_assert_eq(n_orders(), 1);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_remove_room_order(shelf.store, 2, 1003, 1), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    cr_assert_eq(n_orders(), 0);
}

static int note_one_pin(void *arg, const struct store_pin *pin) {
    unsigned *n = arg;
    cr_assert(pin->seq == 1 && pin->conv == AB && pin->by == ALICE && pin->at_ms == 7000);
    *n += pin->handle ? 10 : 1;
    return 0;
}

/* Ten for each star. */
static unsigned n_pins(void) {
    unsigned n = 0;
    struct store_visitor visitor = {
        &n,          pass_handle,   note_mail,      note_mark,       note_room,
        note_member, note_sanction, pass_admission, note_room_order, note_one_pin};
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    return n;
}

static void put_pins_of(uint64_t seq) {
    struct store_pin pin = {.conv = AB, .seq = seq, .by = ALICE, .at_ms = 7000};
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_pin(shelf.store, &pin), 0);
    pin.handle = ALICE;
    cr_assert_eq(store_put_pin(shelf.store, &pin), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
}

Test(store_upgrade, 24_what_is_pinned_is_kept_as_long_as_the_message_is) {
    say(AB, ALICE, "hello");
    cr_assert_eq(n_pins(), 0);
    put_pins_of(1);
    put_pins_of(99);
    shelf_close();
    shelf_open();
    cr_assert_eq(n_pins(), 11, "the message 99 is not there");
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_remove_pin(shelf.store, 0, 1), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    cr_assert_eq(n_pins(), 10);
}

Test(store_upgrade, 25_version_16_is_upgraded) {
    say(AB, ALICE, "hello");
    shelf_close();
    shelf_run_sql(
        "DROP TABLE pin; ALTER TABLE message DROP COLUMN reactions; PRAGMA user_version = 16;");
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    put_pins_of(1);
    cr_assert_eq(n_pins(), 11);
    shelf_close();
    cr_assert_eq(shelf_query_number("PRAGMA user_version"), 18);
    shelf_open();
}
