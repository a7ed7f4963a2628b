/* The files are removed, moved, replaced while the store is open. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "unit/store/shelf.h"

#define R1 conv_of_room(1)

static void run_shell(const char *format) {
    char command[512];
    snprintf(command, sizeof command, format, shelf.dir);
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "%s", command);
}

static void begin(void) {
    shelf_begin();
    run_shell("mkdir -p %s/../aside");
    say(R1, ALICE, "one");
    say(R1, ALICE, "two");
}

TestSuite(store_vanish, .init = begin, .fini = shelf_end);

static void expect_all(const char *texts) {
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    struct store_page page = {.n_max = 99};
    seen = (struct seen){0};
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), 0, "%s",
                 store_reader_error(shelf.reader));
    expect_seen(texts);
}

/* What a hub that is killed now leaves, opened by another one elsewhere. */
static void expect_on_disk(const char *texts) {
    char dir[sizeof shelf.dir];
    struct shelf living = shelf;
    memcpy(dir, shelf.dir, sizeof dir);
    run_shell("rm -rf %1$s.killed && cp -a %1$s %1$s.killed && rm -f %1$s.killed/*-shm");
    snprintf(shelf.dir, sizeof shelf.dir, "%.100s.killed", dir);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    expect_all(texts);
    shelf_close();
    shelf = living;
}

/* The next commit notices, and all is where it belongs. */
static void expect_rescue(const char *what, const char *word) {
    run_shell(what);
    say(R1, ALICE, "three");
    const char *told = store_rescued(shelf.store);
    cr_assert_not_null(told);
    cr_assert_not_null(strstr(told, word), "%s", told);
    cr_assert_null(store_rescued(shelf.store));
    expect_on_disk("one|two|three");
    expect_all("one|two|three");
    cr_assert(is_there(1, ALICE));
    index_all();
    say(R1, ALICE, "four");
    cr_assert_null(store_rescued(shelf.store));
    expect_on_disk("one|two|three|four");
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    search(&view, "three");
    expect_seen("three");
    shelf_reopen();
    expect_all("one|two|three|four");
}

Test(store_vanish, 01_the_database_is_removed) {
    expect_rescue("rm %s/earshot.db", "removed");
}

Test(store_vanish, 02_all_is_removed) {
    expect_rescue("rm %s/*", "removed");
}

Test(store_vanish, 03_the_directory_is_removed) {
    expect_rescue("rm -r %s", "removed");
}

Test(store_vanish, 04_the_directory_is_moved) {
    expect_rescue("mv %1$s %1$s.moved", "moved");
}

Test(store_vanish, 05_another_directory_is_there) {
    expect_rescue("mv %1$s %1$s.moved && mkdir -m 700 %1$s", "moved");
}

Test(store_vanish, 06_the_log_is_moved) {
    expect_rescue("mv %1$s/earshot.db-wal %1$s/../aside", "its log");
}

Test(store_vanish, 07_the_index_of_the_log_is_removed) {
    expect_rescue("rm %s/earshot.db-shm", "its log");
}

Test(store_vanish, 08_an_older_copy_is_put_there) {
    expect_rescue("cp %1$s/earshot.db %1$s/old && mv %1$s/old %1$s/earshot.db", "replaced");
    glob_t found;
    cr_assert_eq(glob(shelf_path("earshot.db.found-*"), 0, NULL, &found), 0, "it is kept");
    globfree(&found);
}

Test(store_vanish, 09_the_lock_is_removed) {
    expect_rescue("rm %s/earshot.lock", "its lock");
    struct store *other = NULL;
    struct store_info info;
    cr_assert_eq(store_open(&other, shelf.dir, &info), STORE_IN_USE);
    store_close(other);
}

Test(store_vanish, 10_while_a_transaction_is_open) {
    cr_assert_eq(store_begin(shelf.store), 0);
    put(R1, ALICE, "three");
    run_shell("rm %s/earshot.db*");
    cr_assert_eq(store_commit(shelf.store), 0, "%s", store_error(shelf.store));
    cr_assert_not_null(store_rescued(shelf.store));
    expect_on_disk("one|two|three");
}

/* Nothing can be put there: nothing is called stored, until it can. */
Test(store_vanish, 11_what_cannot_be_made_again) {
    run_shell("mv %1$s %1$s.moved && ln -s /nowhere/at/all %1$s");
    struct record record = record_of(++shelf.seq, R1, ALICE, "three");
    for (int i = 0; i < 3; i++) {
        cr_assert_gt(store_begin(shelf.store), 0);
        cr_assert_not_null(strstr(store_error(shelf.store), shelf.dir), "%s",
                           store_error(shelf.store));
    }
    expect_all("one|two");
    run_shell("rm %s");
    cr_assert_eq(store_begin(shelf.store), 0, "%s", store_error(shelf.store));
    cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    expect_on_disk("one|two|three");
}

Test(store_vanish, 12_after_the_commit_nothing_can_be_put_there) {
    cr_assert_eq(store_begin(shelf.store), 0);
    put(R1, ALICE, "three");
    run_shell("mv %1$s %1$s.moved && ln -s /nowhere/at/all %1$s");
    cr_assert_gt(store_commit(shelf.store), 0);
    run_shell("rm %s");
    /* Its sender says it again. */
    struct record again = record_of(shelf.seq + 1, R1, ALICE, "three");
    uint64_t seq = 0;
    again.id = id_of(shelf.seq);
    cr_assert_eq(store_begin(shelf.store), 0, "%s", store_error(shelf.store));
    cr_assert_eq(store_put_message(shelf.store, &again, &seq), 0);
    cr_assert_eq(seq, shelf.seq);
    cr_assert_eq(store_commit(shelf.store), 0);
    expect_on_disk("one|two|three");
}

/* Nobody has the rest of it: no copy is made of what is left. */
Test(store_vanish, 13_a_database_that_is_cut_off_is_not_written_on) {
    shelf_reopen();
    say(R1, ALICE, "three");
    run_shell("truncate -s 8192 %s/earshot.db");
    for (int i = 0; i < 2; i++) {
        cr_assert_gt(store_begin(shelf.store), 0);
        cr_assert_not_null(strstr(store_error(shelf.store), "cut off"), "%s",
                           store_error(shelf.store));
    }
}

Test(store_vanish, 14_somebody_else_has_the_new_place) {
    run_shell("mv %1$s %1$s.moved");
    struct store *other = NULL;
    struct store_info info;
    cr_assert_eq(store_open(&other, shelf.dir, &info), 0);
    cr_assert_eq(store_begin(shelf.store), STORE_IN_USE);
    store_close(other);
    cr_assert_eq(store_begin(shelf.store), 0, "%s", store_error(shelf.store));
    cr_assert_eq(store_commit(shelf.store), 0);
    expect_on_disk("one|two");
}
