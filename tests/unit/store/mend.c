/* Edits and removals: the row, both indexes, and nothing of the old text in any file. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/frame.h"
#include "proto/mend.h"
#include "unit/store/shelf.h"

#define SECRET "correcthorsebattery"
#define FLOOD 300

static conv_number pair;
static struct store_view view;

static void setup(void) {
    shelf_begin();
    pair = conv_of_pair(ALICE, BOB);
    view = view_of(ALICE, NULL, 0);
}

TestSuite(store_mend, .init = setup, .fini = shelf_end);

/* Of one of alice's; its number. */
static uint64_t mend_with(uint8_t kind, uint64_t target, const char *text) {
    struct record record = record_of(++shelf.seq, pair, ALICE, text);
    record.kind = kind;
    record.reply_to = id_of(target);
    cr_assert_eq(store_begin(shelf.store), 0);
    int r = store_put_message(shelf.store, &record, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
    cr_assert_eq(store_commit(shelf.store), 0);
    return shelf.seq;
}

static uint64_t edit(uint64_t target, const char *text) {
    return mend_with(KIND_EDIT, target, text);
}

static uint64_t take_back(uint64_t target) {
    return mend_with(KIND_REMOVE, target, "1001\nbecause");
}

static void expect_history(const char *texts) {
    struct store_page page = {.n_max = 50};
    seen = (struct seen){0};
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), 0);
    expect_seen(texts);
    page.after = 1; /* the first one has this number: forwards */
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), 0);
    seen = (struct seen){0};
}

/* What a session that was away is fed with, whatever it passes over. */
static void expect_fed(const char *texts) {
    uint64_t upto;
    seen = (struct seen){0};
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, see, NULL), 0);
    expect_seen(texts);
}

static struct record find(uint64_t seq) {
    struct record record = record_of(seq, 0, ALICE, "");
    cr_assert_eq(store_find_message(shelf.store, &record), 0);
    return record;
}

static uint64_t n_bytes_of(uint32_t uid);

static int note_usage(void *arg, const struct store_usage *usage) {
    struct store_usage *wanted = arg;
    if (usage->uid == wanted->uid)
        *wanted = *usage;
    return 0;
}

static uint64_t n_bytes_of(uint32_t uid) {
    struct store_usage usage = {.uid = uid};
    cr_assert_eq(store_usage(shelf.reader, note_usage, &usage), 0);
    return usage.n_bytes;
}

/* As a hub does it when nobody waits. */
static void clean(void) {
    if (store_is_to_purge(shelf.store))
        store_purge(shelf.store);
    index_all();
    cr_assert(store_erase(shelf.store));
    cr_assert_not(store_is_to_purge(shelf.store));
    cr_assert_not(store_is_to_erase(shelf.store));
}

static bool file_has(const char *name, const char *text) {
    struct stat status;
    int fd = open(shelf_path(name), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    cr_assert_eq(fstat(fd, &status), 0);
    char *bytes = malloc((size_t)status.st_size + 1);
    ssize_t n = read(fd, bytes, (size_t)status.st_size);
    bool has = n > 0 && memmem(bytes, (size_t)n, text, strlen(text));
    free(bytes);
    close(fd);
    return has;
}

static bool files_have(const char *text) {
    return file_has("earshot.db", text) || file_has("earshot.db-wal", text) ||
           file_has("earshot.db-journal", text);
}

Test(store_mend, 01_an_edit_changes_the_row_and_is_fed_after_it) {
    uint64_t first = say(pair, ALICE, "one");
    edit(first, "two");
    expect_history("two");
    expect_fed("two|two");
    cr_assert_eq(find(first).flags & RECORD_MENDED, RECORD_EDITED);
}

Test(store_mend, 02_of_many_edits_the_last_one_has_a_text) {
    uint64_t first = say(pair, ALICE, "one"), second = edit(first, "two");
    uint64_t third = edit(first, "three");
    expect_history("three");
    expect_fed("three|three");
    cr_assert_eq(find(second).flags & RECORD_MENDED, RECORD_PAST);
    cr_assert_eq(find(third).flags & RECORD_MENDED, 0);
}

Test(store_mend, 03_a_removed_one_is_there_without_a_text_and_says_by_whom) {
    uint64_t first = say(pair, ALICE, "one");
    edit(first, "two");
    take_back(first);
    expect_history("");
    expect_fed("|1001\nbecause");
    struct record record = find(first);
    cr_assert_eq(record.flags & RECORD_MENDED, RECORD_EDITED | RECORD_REMOVED);
    cr_assert_eq(record.link, ALICE);
    edit(first, "again"); /* nothing is there to be edited */
    expect_history("");
}

Test(store_mend, 04_search_finds_the_new_text_whether_it_was_indexed_or_not) {
    uint64_t early = say(pair, ALICE, "some needle");
    index_all();
    uint64_t late = say(pair, ALICE, "other needle");
    edit(early, "some thread");
    edit(late, "other thread");
    for (int i = 0; i < 2; i++, clean()) {
        search(&view, "needle");
        expect_seen("");
        search(&view, "thread");
        expect_seen("other thread|some thread");
        search(&view, "hrea");
        expect_seen("other thread|some thread");
    }
    take_back(early);
    clean();
    search(&view, "thread");
    expect_seen("other thread");
    search(&view, "because");
    expect_seen("");
}

Test(store_mend, 05_nothing_of_a_removed_text_is_in_any_file) {
    for (int i = 0; i < 50; i++)
        say(pair, ALICE, "what others said before");
    uint64_t early = say(pair, ALICE, SECRET " early");
    say(pair, BOB, "and behind it");
    index_all();
    uint64_t edited = say(pair, ALICE, SECRET " edited");
    index_all();
    uint64_t late = say(pair, ALICE, SECRET " late");
    cr_assert(files_have(SECRET));
    edit(edited, "harmless");
    uint64_t by = edit(late, SECRET " again");
    take_back(early);
    take_back(late);
    cr_assert_eq(find(by).flags & RECORD_PAST, RECORD_PAST);
    clean();
    cr_assert_not(files_have(SECRET));
    cr_assert_not(files_have(&SECRET[4]), "nor in an index, where words share their beginnings");
    shelf_reopen();
    cr_assert_not(files_have(SECRET));
}

Test(store_mend, 06_also_when_it_was_long_and_among_many) {
    char text[20000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i + 100 < sizeof text; i += 100)
        memcpy(text + i, " " SECRET " ", sizeof SECRET + 1);
    for (int i = 0; i < 500; i++)
        say(pair, i % 2 ? ALICE : BOB, "talk of the day, with some words in it");
    uint64_t target = say(pair, ALICE, text);
    for (int i = 0; i < 500; i++)
        say(pair, i % 2 ? ALICE : BOB, "and more talk behind it");
    index_all();
    take_back(target);
    clean();
    cr_assert_not(files_have(SECRET));
    cr_assert_not(files_have(&SECRET[4]));
}

Test(store_mend, 07_what_it_takes_is_counted) {
    uint64_t first = say(pair, ALICE, "one"), before = n_bytes_of(1001);
    edit(first, "longer");
    uint64_t after = n_bytes_of(1001);
    edit(first, "longer");
    cr_assert_eq(n_bytes_of(1001) - after, after - before - 3 - 6);
    bool more;
    while (expire(INT64_MAX, 0, 100, &more) == 0 && more)
        ;
    cr_assert_eq(n_bytes_of(1001), 0);
    struct store_stats stats;
    store_stats(shelf.store, &stats);
    cr_assert_eq(stats.n_messages, 0);
}

Test(store_mend, 08_only_in_its_conversation_and_only_of_that_user) {
    uint64_t theirs = say(pair, BOB, "bob's"), elsewhere = say(-7, ALICE, "in a room");
    edit(theirs, "forged"); /* alice has nothing under this id */
    edit(elsewhere, "forged");
    take_back(elsewhere);
    take_back(4711);
    mend_with(KIND_REMOVE, theirs, "no number");
    mend_with(KIND_REMOVE, theirs, "99999999999\n");
    uint64_t by = edit(theirs, "x");
    edit(by, "an edit of an edit");
    expect_history("bob's");
    mend_with(KIND_REMOVE, theirs, "1002\n"); /* an administrator did */
    expect_history("");
}

Test(store_mend, 09_sent_again_it_is_the_same) {
    uint64_t first = say(pair, ALICE, "one"), by = edit(first, "two"), seq;
    struct record again = record_of(first, pair, ALICE, "one");
    cr_assert_eq(store_find_id(shelf.store, &again, &seq), 0, "the first text is not known");
    again = record_of(by, pair, ALICE, "two");
    again.kind = KIND_EDIT;
    again.reply_to = id_of(first);
    cr_assert_eq(store_find_id(shelf.store, &again, &seq), 0);
    again.text = bytes_of("three");
    cr_assert_eq(store_find_id(shelf.store, &again, &seq), STORE_OTHER);
    edit(first, "four");
    again.text = bytes_of("two");
    cr_assert_eq(store_find_id(shelf.store, &again, &seq), 0);
    cr_assert_eq(seq, by);
    again.reply_to = id_of(by);
    cr_assert_eq(store_find_id(shelf.store, &again, &seq), STORE_OTHER);
}

Test(store_mend, 10_a_flood_of_edits_is_no_past_and_hides_none) {
    uint64_t first = say(pair, ALICE, "said"), last = say(pair, BOB, "progress");
    for (int i = 0; i < FLOOD; i++)
        edit(first, "said again");
    struct store_page page = {.n_max = 2};
    seen = (struct seen){0};
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), 0);
    expect_seen("said again|progress");
    cr_assert_lt(last, shelf.seq);
    struct store_marked marked = {.n_max = 10, .n_step = 10};
    conv_number next = STORE_UNREAD_BEGIN;
    cr_assert_eq(store_unread(shelf.reader, &view, &marked, &next, see, NULL), 0);
    expect_seen("progress|said again");
    expect_fed("said again|progress|said again");
}

Test(store_mend, 11_rewriting_the_index_goes_on_after_a_restart) {
    uint64_t first = say(pair, ALICE, SECRET);
    index_all();
    take_back(first);
    cr_assert(store_is_to_purge(shelf.store));
    shelf_reopen();
    cr_assert(store_is_to_purge(shelf.store));
    clean();
    cr_assert_not(files_have(SECRET));
}

Test(store_mend, 12_what_is_removed_while_the_index_is_rewritten_goes_with_the_next_time) {
    bool more;
    for (int i = 0; i < 2000; i++)
        say(pair, ALICE, i == 1000 ? SECRET : "many words to rewrite, and more of them");
    index_all();
    take_back(1);
    index_all();
    store_purge(shelf.store);
    cr_assert_eq(store_index(shelf.store, 1, &more), 0);
    cr_assert(store_is_purging(shelf.store));
    take_back(1001);
    index_all();
    cr_assert(store_is_to_purge(shelf.store), "once more");
    clean();
    cr_assert_not(files_have(SECRET));
}

Test(store_mend, 13_a_head_comes_and_goes_with_the_text) {
    uint64_t first = say(pair, ALICE, "plain");
    mend_with(KIND_EDIT | KIND_HEADED, first, "[high] Title\ntext");
    cr_assert_eq(find(first).kind, 1 | KIND_HEADED);
    edit(first, "plain again");
    cr_assert_eq(find(first).kind, 1);
}

static uint64_t about[4];
static unsigned n_about;

static int see_about(void *arg, const struct record *record) {
    (void)arg;
    about[n_about++] = record->about;
    return 0;
}

Test(store_mend, 14_what_is_fed_says_which_message_it_mends) {
    uint64_t upto, first = say(pair, ALICE, "one"), second = say(pair, ALICE, "two");
    edit(second, "two and a half");
    take_back(first);
    n_about = 0;
    cr_assert_eq(store_read(shelf.reader, &view, 50, &upto, see_about, NULL), 0);
    cr_assert_eq(n_about, 4);
    cr_assert_eq(about[0] + about[1], 0);
    cr_assert_eq(about[2], second);
    cr_assert_eq(about[3], first);
}
