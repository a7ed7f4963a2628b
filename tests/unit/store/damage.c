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

static void write_file(const char *path, struct shelf_file file) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_eq(write(fd, file.data, file.n), (ssize_t)file.n);
    close(fd);
}

static void expect_same_file(const char *path, struct shelf_file want) {
    struct shelf_file got = shelf_read_file(path);
    cr_assert_eq(got.n, want.n);
    cr_assert_eq(memcmp(got.data, want.data, want.n), 0);
    free(got.data);
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

Test(store_damage, 02_a_newer_one_is_not_touched) {
    say(AB, ALICE, "hello");
    shelf_close();
    shelf_run_sql("PRAGMA user_version = 99");
    struct shelf_file before = shelf_read_file(shelf_path("earshot.db"));
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
    struct shelf_file file = shelf_read_file(shelf_path("earshot.db"));
    struct shelf_file wal = shelf_read_file(shelf_path("earshot.db-wal"));
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

static void expect_set_aside(struct shelf_file damaged) {
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
        struct shelf_file file = shelf_read_file(shelf_path("earshot.db"));
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
    struct shelf_file file = shelf_read_file(shelf_path("earshot.db"));
    file.n /= 2;
    write_file(shelf_path("earshot.db"), file);
    expect_set_aside(file);
    free(file.data);
}

Test(store_damage, 06_somebody_else_s_database_is_set_aside) {
    shelf_close();
    unlink(shelf_path("earshot.db"));
    shelf_run_sql("CREATE TABLE recipe (name TEXT)");
    struct shelf_file file = shelf_read_file(shelf_path("earshot.db"));
    shelf_open();
    cr_assert_neq(shelf.info.set_aside[0], '\0');
    expect_same_file(shelf.info.set_aside, file);
    free(file.data);
}

Test(store_damage, 07_an_empty_file_is_a_new_one) {
    shelf_close();
    write_file(shelf_path("earshot.db"), (struct shelf_file){"", 0});
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
static void survive(struct shelf_file file) {
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
    struct shelf_file file = shelf_read_file(shelf_path("earshot.db")), copy = file;
    copy.data = malloc(file.n);
    for (int i = 0; i < 150; i++) {
        memcpy(copy.data, file.data, file.n);
        for (int j = 0; j <= i % 8; j++)
            copy.data[(size_t)random() % file.n] = (char)random();
        survive(copy);
        shelf_run_sql("SELECT 1");
    }
    free(copy.data);
    free(file.data);
}

/* Bytes of the file that are pages of the database; it takes more of the disk at once. */
static size_t bytes_in_use(struct shelf_file file) {
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
    struct shelf_file file = shelf_read_file(shelf_path("earshot.db"));
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
    shelf_run_sql("UPDATE words_data SET block = x'00112233' WHERE id > 10;"
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
    write_file(shelf_path("ballast"), (struct shelf_file){ballast, sizeof ballast});
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
    shelf_run_sql("CREATE INDEX message_uid ON message (uid, seq); DROP TABLE mark;"
                  "DROP TABLE sanction;"
                  "ALTER TABLE handle DROP COLUMN unclaimed; ALTER TABLE handle DROP COLUMN seen;"
                  "DROP TABLE admission; ALTER TABLE room DROP COLUMN form;"
                  "ALTER TABLE room DROP COLUMN rules; ALTER TABLE room DROP COLUMN owner;"
                  "ALTER TABLE room DROP COLUMN private_since; ALTER TABLE room DROP COLUMN people;"
                  "ALTER TABLE room DROP COLUMN unix_group;"
                  "ALTER TABLE message DROP COLUMN mend; ALTER TABLE message DROP COLUMN reactions;"
                  "ALTER TABLE state DROP COLUMN parts_folded;"
                  "DROP TABLE pin; DROP TABLE room_order; DROP INDEX message_thread; DROP INDEX "
                  "message_reply;"
                  "ALTER TABLE message DROP COLUMN thread; ALTER TABLE message DROP COLUMN n;"
                  "PRAGMA user_version = 5;");
    leave_room(124 * 1024);
    shelf_open();
    expect_all(last);
    shelf_close();
    cr_assert_eq(shelf_query_number("PRAGMA user_version"), 18);
    cr_assert_eq(
        shelf_query_number("SELECT count(*) FROM sqlite_schema WHERE name = 'message_uid'"), 1);
    cr_assert_eq(shelf_query_number("SELECT parts_folded FROM state"), 0);
    cr_assert_eq(unlink(shelf_path("ballast")), 0);
    shelf_open();
    expect_all(last);
    shelf_close();
    cr_assert_eq(shelf_query_number("PRAGMA user_version"), 18);
    cr_assert_eq(
        shelf_query_number("SELECT count(*) FROM sqlite_schema WHERE name = 'message_uid'"), 0);
    cr_assert_eq(shelf_query_number("SELECT parts_folded FROM state"), 1);
    umount2(shelf.dir, MNT_DETACH);
}
