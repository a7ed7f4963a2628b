/*
 * Faults at the first, second, third ... system call on the files of the database, and at the
 * first, second, third ... allocation of SQLite, until a run meets none: no crash, and no lie.
 * What a commit acknowledged is there when the store is opened again; of what failed there is
 * nothing or, where only the answer was lost, all; nothing is taken for damage; and once the
 * fault is over, the store works at once. Later calls are tried in growing steps, unless
 * EARSHOT_TEST_ALL_FAULTS is set.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macro.h"
#include "unit/store/shelf.h"

#define AB conv_of_pair(ALICE, BOB)
#define R1 conv_of_room(1)
#define GROUPS 4
#define GROUP_MESSAGES 3

static struct {
    bool on, stays;
    int error;   /* of the call; 0: half of it is done */
    unsigned at; /* the first call that fails */
    unsigned n;  /* calls until now */
} fault;

static bool is_hit(void) {
    if (!fault.on)
        return false;
    fault.n++;
    return fault.n == fault.at || (fault.stays && fault.n > fault.at);
}

/* System calls (https://sqlite.org/c3ref/vfs.html, xSetSystemCall); the last two by their names. */

static int fault_open(const char *path, int flags, int mode) {
    if (is_hit() && fault.error != 0) {
        errno = fault.error;
        return -1;
    }
    return open(path, flags, mode);
}

static bool cut(size_t *n) {
    if (!is_hit())
        return true;
    if (fault.error == 0) {
        *n = (*n + 1) / 2;
        return true;
    }
    errno = fault.error;
    return false;
}

static ssize_t fault_pwrite(int fd, const void *data, size_t n, off_t at) {
    return cut(&n) ? pwrite(fd, data, n, at) : -1;
}

static ssize_t fault_pread(int fd, void *data, size_t n, off_t at) {
    return cut(&n) ? pread(fd, data, n, at) : -1;
}

static int fault_ftruncate(int fd, off_t n) {
    if (is_hit() && fault.error != 0) {
        errno = fault.error;
        return -1;
    }
    return ftruncate(fd, n);
}

/* Nothing is synced here, which saves time: no power is cut. An interrupted one never returns
 * EINTR (fsync(2) on local disks), so there it counts as done. */
static int fault_sync(void) {
    if (is_hit() && fault.error != 0 && fault.error != EINTR) {
        errno = fault.error;
        return -1;
    }
    return 0;
}

int fdatasync(int fd) {
    (void)fd;
    return fault_sync();
}

int fsync(int fd) {
    (void)fd;
    return fault_sync();
}

static void set_call(const char *name, sqlite3_syscall_ptr call) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs->xGetSystemCall(vfs, name))
        cr_assert_eq(vfs->xSetSystemCall(vfs, name, call), SQLITE_OK);
}

static void set_calls(void) {
    sqlite3_initialize();
    set_call("open", (sqlite3_syscall_ptr)fault_open);
    set_call("pwrite", (sqlite3_syscall_ptr)fault_pwrite);
    set_call("pwrite64", (sqlite3_syscall_ptr)fault_pwrite);
    set_call("pread", (sqlite3_syscall_ptr)fault_pread);
    set_call("pread64", (sqlite3_syscall_ptr)fault_pread);
    set_call("ftruncate", (sqlite3_syscall_ptr)fault_ftruncate);
}

/* The memory of SQLite. */

static sqlite3_mem_methods real_memory;

static void *fault_malloc(int n) {
    return is_hit() ? NULL : real_memory.xMalloc(n);
}

static void *fault_realloc(void *old, int n) {
    return is_hit() ? NULL : real_memory.xRealloc(old, n);
}

static void set_memory(void) {
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods memory = real_memory;
    memory.xMalloc = fault_malloc;
    memory.xRealloc = fault_realloc;
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), SQLITE_OK);
    cr_assert_eq(sqlite3_initialize(), SQLITE_OK);
}

/* One run. */

static bool acknowledged[GROUPS + 2];
static unsigned n_failed, n_failed_ever;

static void note(int r) {
    n_failed += r != 0;
    n_failed_ever += r != 0;
}

static int write_group(unsigned group) {
    struct store *store = shelf.store;
    int r = store_begin(store);
    if (r != 0)
        return r;
    for (unsigned i = 1; i <= GROUP_MESSAGES; i++) {
        struct record record = record_of(group * 10 + i, i == 2 ? R1 : AB, ALICE, "some words");
        (void)store_put_message(store, &record, NULL);
    }
    (void)store_put_handle(
        store, &(struct store_handle){
                   .number = group, .uid = 1, .name = bytes_of("name"), .login = {"", 0}});
    (void)store_put_room(
        store, &(struct store_room){
                   .number = group, .creator = 1, .name = bytes_of("#r"), .topic = {"", 0}});
    (void)store_put_member(store, &(struct store_member){group, 1, 0});
    (void)store_put_forgotten(store, BOB, AB, 3);
    (void)store_put_forgotten(store, ALICE, AB, 3);
    (void)store_put_seq_limit(store, 1000 + group);
    return store_commit(store);
}

static int count(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

static int count_handle(void *arg, const struct store_handle *handle) {
    (void)arg, (void)handle;
    return 0;
}

static int count_mail(void *arg, const struct store_mail *mail) {
    (void)arg, (void)mail;
    return 0;
}

static int count_mark(void *arg, const struct store_mark *mark) {
    (void)arg, (void)mark;
    return 0;
}

static int count_room(void *arg, const struct store_room *room) {
    (void)arg, (void)room;
    return 0;
}

static int count_member(void *arg, const struct store_member *member) {
    (void)arg, (void)member;
    return 0;
}

static int count_sanction(void *arg, const struct store_sanction *sanction) {
    (void)arg, (void)sanction;
    return 0;
}

static int count_room_order(void *arg, const struct store_room_order *order) {
    (void)arg, (void)order;
    return 0;
}

static int count_pin(void *arg, const struct store_pin *pin) {
    (void)arg, (void)pin;
    return 0;
}

static int count_admission(void *arg, const struct store_admission *admission) {
    (void)arg, (void)admission;
    return 0;
}

static void read_all(void) {
    struct store_source room = {R1, 0};
    struct store_view view = view_of(ALICE, &room, 1);
    struct store_query query = {.words = bytes_of("words"), .n_max = 9};
    struct store_query parts = {.words = bytes_of("ord some"), .n_max = 9};
    struct store_page page = {.n_max = 50};
    struct store_visitor visitor = {
        NULL,         count_handle,   count_mail,      count_mark,       count_room,
        count_member, count_sanction, count_admission, count_room_order, count_pin};
    struct store_pick picks[] = {{.seq = 2}, {.seq = 1}};
    struct store_picking picking = {.picks = picks, .n = 2, .n_max = 9};
    uint64_t upto;
    unsigned n = 0;
    note(store_load(shelf.store, &visitor));
    note(store_read(shelf.reader, &view, 50, &upto, count, &n));
    note(store_history(shelf.reader, &view, &page, count, &n));
    note(store_pick(shelf.reader, &view, &picking, count, &n));
    note(store_search(shelf.reader, &view, &query, count, &n));
    note(store_search(shelf.reader, &view, &parts, count, &n));
}

static void use_store(void) {
    bool more = true;
    for (unsigned group = 1; group <= GROUPS; group++) {
        int r = write_group(group);
        acknowledged[group] = r == 0;
        note(r);
        if (group == 2)
            read_all();
        note(store_index(shelf.store, 100, &more));
    }
    for (int i = 0; more && i < 20; i++)
        note(store_index(shelf.store, 100, &more));
    note(expire(4000, 1, 0, &more));
    note(expire(4000, 0, 5, &more));
    read_all();
}

/* Messages of a group that are there. */
static unsigned count_group(unsigned group) {
    unsigned n = 0;
    for (unsigned i = 1; i <= GROUP_MESSAGES; i++)
        n += is_there(group * 10 + i, ALICE);
    return n;
}

static void expect_truth(void) {
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside, "fault at %u of %d", fault.at, fault.error);
    for (unsigned group = 1; group <= GROUPS + 1; group++) {
        unsigned n = count_group(group);
        cr_assert(n == GROUP_MESSAGES || (n == 0 && !acknowledged[group]),
                  "fault at %u: group %u has %u", fault.at, group, n);
    }
    struct store_source room = {R1, 0};
    struct store_view view = view_of(ALICE, &room, 1);
    struct store_query query = {.words = bytes_of("words"), .n_max = 50};
    unsigned n = 0;
    cr_assert_eq(store_search(shelf.reader, &view, &query, count, &n), 0, "fault at %u: %s",
                 fault.at, store_reader_error(shelf.reader));
    shelf_close();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void begin_anew(bool fresh) {
    char path[160];
    snprintf(path, sizeof path, "%s/a", shelf.top);
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    memset(acknowledged, 0, sizeof acknowledged);
    n_failed = 0;
    if (fresh)
        return;
    shelf_open();
    say(AB, BOB, "first words");
    index_all();
    shelf_close();
}

static void run_once(bool fresh) {
    begin_anew(fresh);
    fault.on = true;
    int r = shelf_try_open();
    note(r);
    if (!fault.stays) /* a disk that fails once is not a damaged database */
        cr_assert_str_empty(shelf.info.set_aside, "fault at %u of %d", fault.at, fault.error);
    if (r == 0)
        r = store_reader_open(&shelf.reader, shelf.store);
    if (r == 0)
        use_store();
    else
        n_failed++;
    if (fault.stays)
        shelf_close();
    fault.on = false;
    if (shelf.reader && r == 0) {
        int again = write_group(GROUPS + 1);
        cr_assert_eq(again, 0, "after a fault at %u: %s", fault.at, store_error(shelf.store));
        acknowledged[GROUPS + 1] = true;
    }
    shelf_close();
    expect_truth();
}

static void run_until_none(int error, bool stays, bool fresh, bool harmless) {
    unsigned n_runs = 0, step = 1;
    for (unsigned at = 1;; at += step, n_runs++) {
        fault.at = at;
        fault.error = error;
        fault.stays = stays;
        fault.n = 0;
        run_once(fresh);
        if (harmless)
            cr_assert_eq(n_failed, 0, "fault at %u", at);
        if (fault.n < at)
            break;
        if (!getenv("EARSHOT_TEST_ALL_FAULTS"))
            step = at < 100 ? 1 : 2 + at / 40;
    }
    cr_assert_eq(n_failed, 0);
    cr_assert_gt(n_runs, 20);
    cr_assert(harmless || n_failed_ever > n_runs / 4, "%u failures in %u runs", n_failed_ever,
              n_runs);
}

static void calls_begin(void) {
    set_calls();
    shelf_begin();
    shelf_close();
}

TestSuite(store_faults, .init = calls_begin, .fini = shelf_end);

Test(store_faults, 01_no_room_once) {
    run_until_none(ENOSPC, false, false, false);
}

Test(store_faults, 02_no_room_any_more) {
    run_until_none(ENOSPC, true, false, false);
}

Test(store_faults, 03_an_error_once) {
    run_until_none(EIO, false, false, false);
}

Test(store_faults, 04_errors_from_then_on) {
    run_until_none(EIO, true, false, false);
}

Test(store_faults, 05_an_error_while_it_is_made) {
    run_until_none(EIO, false, true, false);
}

Test(store_faults, 06_no_room_from_when_it_is_made) {
    run_until_none(ENOSPC, true, true, false);
}

Test(store_faults, 07_interrupted_calls_are_no_fault) {
    run_until_none(EINTR, false, true, true);
}

Test(store_faults, 08_short_writes_are_no_fault) {
    run_until_none(0, false, false, true);
}

static void memory_begin(void) {
    set_memory();
    shelf_begin();
    shelf_close();
}

TestSuite(store_memory, .init = memory_begin, .fini = shelf_end);

Test(store_memory, 01_out_of_memory_once) {
    run_until_none(ENOMEM, false, false, false);
}

Test(store_memory, 02_out_of_memory_any_more) {
    run_until_none(ENOMEM, true, true, false);
}
