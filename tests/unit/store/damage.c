/* Files that are not as they should be: older, newer, damaged, somebody else's, full. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "store/inside.h"
#include "unit/store/shelf.h"

TestSuite(store_damage, .init = shelf_begin, .fini = shelf_end);

#define AB conv_of_pair(ALICE, BOB)
#define R1 conv_of_room(1)

static const struct store_source room_1 = {-1, 0};

struct file {
    char *data;
    size_t n;
};

static struct file read_file(const char *path) {
    struct stat status;
    int fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(fstat(fd, &status), 0);
    struct file file = {calloc(1, (size_t)status.st_size + 1), (size_t)status.st_size};
    cr_assert_eq(read(fd, file.data, file.n), (ssize_t)file.n);
    close(fd);
    return file;
}

static void write_file(const char *path, struct file file) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_eq(write(fd, file.data, file.n), (ssize_t)file.n);
    close(fd);
}

static void expect_same_file(const char *path, struct file want) {
    struct file got = read_file(path);
    cr_assert_eq(got.n, want.n);
    cr_assert_eq(memcmp(got.data, want.data, want.n), 0);
    free(got.data);
}

static void run_sql(const char *sql) {
    sqlite3 *db;
    char *error = NULL;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_OK, "%s", error);
    sqlite3_close(db);
}

static int64_t query_number(const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *row;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(row), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}

static void fill(unsigned n) {
    char text[128];
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++) {
        snprintf(text, sizeof text, "message %u with some words, the %ux of them", i, i % 77);
        put(i % 2 ? AB : R1, i % 4 < 2 ? ALICE : BOB, text);
    }
    cr_assert_eq(store_commit(shelf.store), 0);
}

/* `see` checks ids, which damage and other programs change. */
static int count(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

/* Versions. */

Test(store_damage, 01_version_1_is_upgraded) {
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-1.sql");
    run_sql(dump.data);
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
Test(store_damage, 15_version_3_is_upgraded) {
    struct store_usage all[4] = {{0}};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-3.sql");
    run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 5);
    cr_assert_eq(shelf.info.newest_ms, 1796010708607);
    cr_assert_eq(shelf.info.clock.seen_ms, 0);
    struct store_view alice = view_of(ALICE, &room_1, 1);
    struct store_query query = {.words = bytes_of("word"), .n_max = 9};
    unsigned n = 0;
    cr_assert_eq(store_search(shelf.reader, &alice, &query, count, &n), 0);
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

Test(store_damage, 19_rooms_of_version_8_are_open) {
    struct store_handle all[4] = {{0}};
    struct store_visitor visitor = {all,           note_handle,    note_mail,
                                    note_mark,     note_open_room, note_member,
                                    note_sanction, note_admission, note_room_order};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-7.sql");
    run_sql(dump.data);
    free(dump.data);
    run_sql("ALTER TABLE handle ADD COLUMN unclaimed INTEGER NOT NULL DEFAULT 0;"
            "ALTER TABLE handle ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
            "CREATE TABLE mark (handle INTEGER NOT NULL, conv INTEGER NOT NULL,"
            " seq INTEGER NOT NULL, PRIMARY KEY (handle, conv)) WITHOUT ROWID;"
            "PRAGMA user_version = 8;");
    shelf_open();
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(all[1].number, 1);
}

Test(store_damage, 17_version_7_is_upgraded) {
    struct store_handle all[4] = {{0}};
    struct store_visitor visitor = {all,           note_handle,    note_mail,
                                    note_mark,     note_room,      note_member,
                                    note_sanction, note_admission, note_room_order};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-7.sql");
    run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 5);
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(all[1].number, 1);
    cr_assert_not(all[2].is_unclaimed, "whoever is there has joined");
    cr_assert_eq(all[2].seen, 1, "and nothing that was given before is unread");
}

Test(store_damage, 18_version_8_is_upgraded) {
    static const struct store_sanction ban = {
        .uid = 1002, .what = 1, .by_name = {"alice", 5}, .why = {"spam", 4}};
    int64_t n;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-8.sql");
    run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 2);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_sanction(shelf.store, &ban), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_close();
    n = query_number("SELECT count(*) FROM sanction WHERE uid = 1002");
    cr_assert_eq(n, 1);
    shelf_open();
}

static int note_unmended(void *arg, const struct record *record) {
    (void)arg;
    cr_assert_eq(record->flags & RECORD_MENDED, 0);
    return 0;
}

/* Nothing in it was ever mended. */
Test(store_damage, 19_version_9_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    uint64_t upto;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-9.sql");
    run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, note_unmended, NULL), 0);
    cr_assert_eq(upto, 5);
    shelf_close();
    cr_assert_eq(query_number("SELECT count(*) FROM message WHERE mend <> 0"), 0);
    cr_assert_eq(query_number("PRAGMA user_version"), 16);
}

static int count_one(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

/* Its index of parts has the accents. */
Test(store_damage, 20_version_11_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(1, rooms, 1);
    struct store_query query = {.words = bytes_of("rul"), .n_max = 5};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-11.sql");
    run_sql(dump.data);
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
Test(store_damage, 21_version_12_is_upgraded) {
    struct store_source rooms[] = {{-1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    unsigned n_replies = 0;
    uint64_t upto;
    uint16_t n;
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-12.sql");
    run_sql(dump.data);
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

Test(store_damage, 22_version_13_is_upgraded) {
    unsigned n = 0;
    struct store_visitor visitor = {&n,
                                    pass_handle,
                                    note_mail,
                                    note_mark,
                                    note_hidden_room,
                                    note_member,
                                    note_sanction,
                                    note_admission_of_one,
                                    note_no_order};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct file dump = read_file("tests/unit/store/schema-13.sql");
    run_sql(dump.data);
    free(dump.data);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(n, 2, "a private room and who is in it");
    shelf_close();
    cr_assert_eq(query_number("PRAGMA user_version"), 16);
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
        &n,          pass_handle,   note_mail,      note_mark,     note_room,
        note_member, note_sanction, pass_admission, note_one_order};
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    return n;
}

Test(store_damage, 23_order_in_rooms_is_kept) {
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

Test(store_damage, 02_a_newer_one_is_not_touched) {
    say(AB, ALICE, "hello");
    shelf_close();
    run_sql("PRAGMA user_version = 99");
    struct file before = read_file(shelf_path("earshot.db"));
    cr_assert_eq(shelf_try_open(), STORE_NEWER);
    cr_assert_not_null(strstr(store_error(shelf.store), "99"));
    shelf_close();
    expect_same_file(shelf_path("earshot.db"), before);
    free(before.data);
}

Test(store_damage, 03_a_newer_one_that_crashed_is_not_touched) {
    say(AB, ALICE, "hello");
    shelf_close();
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    struct file file = read_file(shelf_path("earshot.db"));
    struct file wal = read_file(shelf_path("earshot.db-wal"));
    sqlite3_close(db);
    write_file(shelf_path("earshot.db"), file);
    write_file(shelf_path("earshot.db-wal"), wal);
    cr_assert_eq(shelf_try_open(), STORE_NEWER);
    shelf_close();
    expect_same_file(shelf_path("earshot.db"), file);
    expect_same_file(shelf_path("earshot.db-wal"), wal);
    free(file.data);
    free(wal.data);
}

/* Damage. */

static unsigned n_set_aside(void) {
    glob_t found;
    glob(shelf_path("earshot.db.damaged-*"), 0, NULL, &found);
    unsigned n = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        n += strstr(found.gl_pathv[i], "-wal") == NULL;
    globfree(&found);
    return n;
}

static void expect_set_aside(struct file damaged) {
    shelf_open();
    cr_assert_neq(shelf.info.set_aside[0], '\0');
    expect_same_file(shelf.info.set_aside, damaged);
    cr_assert_eq(shelf.info.last_seq, 0);
    shelf.seq = 0;
    say(AB, ALICE, "a new beginning");
    shelf_reopen();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(shelf.info.last_seq, 1);
}

Test(store_damage, 04_garbage_is_set_aside) {
    for (unsigned i = 0; i < 3; i++) {
        fill(100);
        shelf_close();
        struct file file = read_file(shelf_path("earshot.db"));
        memset(file.data, 'x', i == 1 ? 16 : file.n);
        if (i == 2)
            file.n = 10;
        write_file(shelf_path("earshot.db"), file);
        expect_set_aside(file);
        cr_assert_eq(n_set_aside(), i + 1);
        free(file.data);
    }
}

Test(store_damage, 05_a_cut_one_is_set_aside) {
    fill(1000);
    shelf_close();
    struct file file = read_file(shelf_path("earshot.db"));
    file.n /= 2;
    write_file(shelf_path("earshot.db"), file);
    expect_set_aside(file);
    free(file.data);
}

Test(store_damage, 06_somebody_else_s_database_is_set_aside) {
    shelf_close();
    unlink(shelf_path("earshot.db"));
    run_sql("CREATE TABLE recipe (name TEXT)");
    struct file file = read_file(shelf_path("earshot.db"));
    shelf_open();
    cr_assert_neq(shelf.info.set_aside[0], '\0');
    expect_same_file(shelf.info.set_aside, file);
    free(file.data);
}

Test(store_damage, 07_an_empty_file_is_a_new_one) {
    shelf_close();
    write_file(shelf_path("earshot.db"), (struct file){"", 0});
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    say(AB, ALICE, "hello");
}

/* Everything that can be done; whether something failed. */
static bool use_all(void) {
    struct store_view view = view_of(ALICE, &room_1, 1);
    struct store_query query = {.words = bytes_of("message word"), .n_max = 9};
    struct store_page page = {.n_max = 500};
    uint64_t upto;
    bool more, failed = false;
    struct record record = record_of(shelf.seq + 1, AB, ALICE, "another message");
    seen.n = 0;
    failed |= store_read(shelf.reader, &view, 500, &upto, see, NULL) != 0;
    seen.n = 0;
    failed |= store_history(shelf.reader, &view, &page, see, NULL) != 0;
    seen.n = 0;
    failed |= store_search(shelf.reader, &view, &query, see, NULL) != 0;
    (void)is_there(7, BOB);
    int r = store_begin(shelf.store);
    failed |= r != 0;
    if (r == 0) {
        (void)store_put_message(shelf.store, &record, NULL);
        (void)store_put_forgotten(shelf.store, BOB, AB, 20);
        failed |= store_commit(shelf.store) != 0;
    }
    for (more = true; more;)
        failed |= store_index(shelf.store, 200, &more) != 0;
    failed |= expire(100 * 1000, 0, 50, &more) != 0;
    return failed;
}

static bool use_some(void) {
    struct store_view view = view_of(ALICE, &room_1, 1);
    struct store_query query = {.words = bytes_of("message word"), .n_max = 9};
    struct store_page page = {.n_max = 500};
    uint64_t upto;
    unsigned n = 0;
    bool more = true, failed = false;
    struct record record = record_of(shelf.seq + 1, AB, ALICE, "another message");
    failed |= store_read(shelf.reader, &view, 500, &upto, count, &n) != 0;
    failed |= store_history(shelf.reader, &view, &page, count, &n) != 0;
    failed |= store_search(shelf.reader, &view, &query, count, &n) != 0;
    int r = store_begin(shelf.store);
    failed |= r != 0;
    if (r == 0) {
        (void)store_put_message(shelf.store, &record, NULL);
        failed |= store_commit(shelf.store) != 0;
    }
    for (int i = 0; more && i < 100; i++)
        failed |= store_index(shelf.store, 200, &more) != 0;
    failed |= expire(100 * 1000, 0, 50, &more) != 0;
    return failed;
}

/* Whatever is wrong with the file: no crash, and after two more starts all works. */
static void survive(struct file file) {
    shelf.store = NULL;
    shelf.reader = NULL;
    write_file(shelf_path("earshot.db"), file);
    for (int i = 0; i < 2; i++) {
        int r = shelf_try_open();
        if (r == STORE_NEWER || r == STORE_FAILED)
            break;
        cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
        r = store_reader_open(&shelf.reader, shelf.store);
        cr_assert(r == 0 || r == STORE_FAILED);
        if (r != 0 || !use_some())
            break;
        shelf_close();
    }
    shelf_close();
}

Test(store_damage, 08_flipped_bytes_crash_nothing) {
    srandom(99);
    fill(300);
    index_all();
    shelf_close();
    struct file file = read_file(shelf_path("earshot.db")), copy = file;
    copy.data = malloc(file.n);
    for (int i = 0; i < 150; i++) {
        memcpy(copy.data, file.data, file.n);
        for (int j = 0; j <= i % 8; j++)
            copy.data[(size_t)random() % file.n] = (char)random();
        survive(copy);
        run_sql("SELECT 1");
    }
    free(copy.data);
    free(file.data);
}

/* Bytes of the file that are pages of the database; it takes more of the disk at once. */
static size_t bytes_in_use(struct file file) {
    const uint8_t *n_pages = (const uint8_t *)file.data + 28;
    return ((size_t)n_pages[0] << 24 | (size_t)n_pages[1] << 16 | (size_t)n_pages[2] << 8 |
            n_pages[3]) *
           4096;
}

/* A page in the middle that nobody looks at when the store is opened. */
Test(store_damage, 09_what_is_found_later_is_looked_into_at_the_next_start) {
    fill(2000);
    index_all();
    shelf_close();
    struct file file = read_file(shelf_path("earshot.db"));
    size_t n = bytes_in_use(file);
    for (size_t at = n / 4 & ~(size_t)4095; at < n / 2; at += 4096)
        if (file.data[at] == 13 || file.data[at] == 10) /* leaves of tables and indexes */
            memset(file.data + at, 0xff, 4096);
    write_file(shelf_path("earshot.db"), file);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert(use_some());
    cr_assert_not_null(strstr(store_error(shelf.store), "damaged"));
    shelf_close();
    shelf_open();
    cr_assert_neq(shelf.info.set_aside[0], '\0');
    cr_assert_not(use_all());
    free(file.data);
}

Test(store_damage, 10_a_damaged_index_is_made_again) {
    struct store_view view = view_of(ALICE, &room_1, 1);
    fill(300);
    index_all();
    shelf_close();
    run_sql("UPDATE words_data SET block = x'00112233' WHERE id > 10;"
            "UPDATE parts_data SET block = x'00112233' WHERE id > 10");
    shelf_open();
    struct store_query query = {.words = bytes_of("message"), .n_max = 9};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), STORE_FAILED);
    cr_assert_not_null(strstr(store_reader_error(shelf.reader), "damaged"));
    shelf_reopen();
    cr_assert_str_empty(shelf.info.set_aside);
    search(&view, "message");
    cr_assert_eq(seen.n, 50);
    search(&view, "essag");
    cr_assert_eq(seen.n, 50);
}

/* Permissions. */

#define NOBODY 65534

Test(store_damage, 11_a_read_only_directory) {
    shelf_close();
    unlink(shelf_path("earshot.db"));
    unlink(shelf_path("earshot.lock"));
    cr_assert_eq(chmod(shelf.dir, 0500), 0);
    if (geteuid() == 0) {
        char parent[160];
        snprintf(parent, sizeof parent, "%s/a", shelf.top);
        cr_assert_eq(chown(shelf.dir, NOBODY, NOBODY), 0);
        cr_assert_eq(chmod(shelf.top, 0755), 0);
        cr_assert_eq(chmod(parent, 0755), 0);
        cr_assert_eq(seteuid(NOBODY), 0);
    }
    int r = shelf_try_open();
    char *error = strdup(store_error(shelf.store));
    shelf_close();
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(r, STORE_DENIED);
    cr_assert_not_null(strstr(error, shelf.dir));
    free(error);
    chmod(shelf.dir, 0700);
}

Test(store_damage, 12_not_where_others_could_meddle) {
    shelf_close();
    cr_assert_eq(chmod(shelf.dir, 0770), 0);
    cr_assert_eq(shelf_try_open(), STORE_DENIED);
    shelf_close();
    cr_assert_eq(chmod(shelf.dir, 0700), 0);
    cr_assert_eq(rename(shelf_path("earshot.db"), shelf_path("other.db")), 0);
    cr_assert_eq(symlink("other.db", shelf_path("earshot.db")), 0);
    cr_assert_eq(shelf_try_open(), STORE_DENIED);
    shelf_close();
    unlink(shelf_path("earshot.db"));
    cr_assert_eq(mkdir(shelf_path("earshot.db"), 0700), 0);
    cr_assert_gt(shelf_try_open(), 0);
    shelf_close();
    rmdir(shelf_path("earshot.db"));
    if (geteuid() != 0)
        return;
    cr_assert_eq(chown(shelf.dir, NOBODY, NOBODY), 0);
    cr_assert_eq(shelf_try_open(), STORE_DENIED);
    cr_assert_not_null(strstr(store_error(shelf.store), "65534"));
}

Test(store_damage, 13_a_loose_mode_is_tightened) {
    struct stat status;
    shelf_close();
    cr_assert_eq(chmod(shelf_path("earshot.db"), 0666), 0);
    shelf_open();
    cr_assert_eq(stat(shelf_path("earshot.db"), &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
}

/* A real full disk. */

static bool mount_small_disk(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return false;
    cr_assert_eq(mkdir(shelf_path("small"), 0700), 0);
    if (mount("tmpfs", shelf_path("small"), "tmpfs", 0, "size=24m,mode=0700") < 0)
        return false;
    size_t n = strlen(shelf.dir);
    snprintf(shelf.dir + n, sizeof shelf.dir - n, "/small");
    return true;
}

static int put_one(uint64_t seq) {
    char text[1000];
    snprintf(text, sizeof text, "%0*ju", (int)sizeof text - 1, (uintmax_t)seq);
    struct record record = record_of(seq, AB, ALICE, text);
    int r = store_begin(shelf.store);
    if (r != 0)
        return r;
    (void)store_put_message(shelf.store, &record, NULL);
    return store_commit(shelf.store);
}

static void expect_all(uint64_t last) {
    struct store_view view = view_of(ALICE, NULL, 0);
    uint64_t upto = 0;
    unsigned n = 0;
    cr_assert_eq(store_read(shelf.reader, &view, 1000000, &upto, count, &n), 0);
    cr_assert_eq(n, last);
    cr_assert_eq(upto, last);
}

Test(store_damage, 14_a_full_disk) {
    shelf_close();
    if (!mount_small_disk())
        cr_skip_test("needs to be root, to mount a small disk");
    shelf_open();
    static char ballast[4096 * 1024];
    write_file(shelf_path("ballast"), (struct file){ballast, sizeof ballast});
    uint64_t seq = 0;
    int r = 0;
    for (bool more = true; r == 0;) {
        r = put_one(seq + 1);
        seq += r == 0;
        if (r == 0)
            (void)store_index(shelf.store, 100, &more);
    }
    cr_assert_eq(r, STORE_FULL, "%d: %s", r, store_error(shelf.store));
    cr_assert_not_null(strstr(store_error(shelf.store), "room"));
    cr_assert_gt(seq, 100);
    for (int n_full = 0; n_full < 10;) { /* what the log took can be used again */
        r = put_one(seq + 1);
        cr_assert(r == 0 || r == STORE_FULL, "%d: %s", r, store_error(shelf.store));
        seq += r == 0;
        n_full = r == 0 ? 0 : n_full + 1;
    }
    expect_all(seq);
    cr_assert_eq(unlink(shelf_path("ballast")), 0);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(put_one(++seq), 0);
    expect_all(seq);
    shelf_reopen();
    expect_all(seq);
    shelf_close();
    umount2(shelf.dir, MNT_DETACH);
}

/* All but about this much of the small disk. */
static void leave_room(size_t n_left) {
    static const char block[4096];
    int fd = open(shelf_path("ballast"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    off_t n = 0;
    cr_assert_geq(fd, 0);
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block)
        n += (off_t)sizeof block;
    cr_assert_gt(n, (off_t)n_left);
    cr_assert_eq(ftruncate(fd, n - (off_t)n_left), 0);
    close(fd);
}

Test(store_damage, 16_an_upgrade_that_only_saves_time_waits_for_room) {
    const uint64_t last = 8000;
    shelf_close();
    if (!mount_small_disk())
        cr_skip_test("needs to be root, to mount a small disk");
    shelf_open();
    for (uint64_t seq = 1; seq <= last; seq++)
        cr_assert_eq(put_one(seq), 0);
    index_all();
    shelf_close();
    run_sql("CREATE INDEX message_uid ON message (uid, seq); DROP TABLE mark;"
            "DROP TABLE sanction;"
            "ALTER TABLE handle DROP COLUMN unclaimed; ALTER TABLE handle DROP COLUMN seen;"
            "DROP TABLE admission; ALTER TABLE room DROP COLUMN form;"
            "ALTER TABLE room DROP COLUMN rules; ALTER TABLE room DROP COLUMN owner;"
            "ALTER TABLE room DROP COLUMN private_since; ALTER TABLE room DROP COLUMN people;"
            "ALTER TABLE room DROP COLUMN unix_group;"
            "ALTER TABLE message DROP COLUMN mend;"
            "ALTER TABLE state DROP COLUMN parts_folded;"
            "DROP TABLE room_order; DROP INDEX message_thread; DROP INDEX message_reply;"
            "ALTER TABLE message DROP COLUMN thread; ALTER TABLE message DROP COLUMN n;"
            "PRAGMA user_version = 5;");
    leave_room(124 * 1024);
    shelf_open();
    expect_all(last);
    shelf_close();
    cr_assert_eq(query_number("PRAGMA user_version"), 16);
    cr_assert_eq(query_number("SELECT count(*) FROM sqlite_schema WHERE name = 'message_uid'"), 1);
    cr_assert_eq(query_number("SELECT parts_folded FROM state"), 0);
    cr_assert_eq(unlink(shelf_path("ballast")), 0);
    shelf_open();
    expect_all(last);
    shelf_close();
    cr_assert_eq(query_number("PRAGMA user_version"), 16);
    cr_assert_eq(query_number("SELECT count(*) FROM sqlite_schema WHERE name = 'message_uid'"), 0);
    cr_assert_eq(query_number("SELECT parts_folded FROM state"), 1);
    umount2(shelf.dir, MNT_DETACH);
}
