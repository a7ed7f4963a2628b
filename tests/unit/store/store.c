#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "unit/store/shelf.h"

TestSuite(store, .init = shelf_begin, .fini = shelf_end);

Test(store, 01_a_new_one_is_empty_and_private) {
    struct stat status;
    cr_assert_eq(shelf.info.seq_limit, 0);
    cr_assert_eq(shelf.info.last_seq, 0);
    cr_assert_eq(shelf.info.last_handle, 0);
    cr_assert_eq(shelf.info.last_room, 0);
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(stat(shelf.dir, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0700);
    const char *files[] = {"earshot.db", "earshot.db-wal", "earshot.db-shm", "earshot.lock"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cr_assert_eq(stat(shelf_path(files[i]), &status), 0, "%s", files[i]);
        cr_assert_eq(status.st_mode & 0777, 0600, "%s", files[i]);
    }
}

static int compare_record(void *arg, const struct record *got) {
    const struct record *want = arg;
    cr_assert_eq(got->seq, want->seq);
    cr_assert_eq(got->at_ms, want->at_ms);
    cr_assert(uuid_equal(&got->id, &want->id));
    cr_assert(uuid_equal(&got->reply_to, &want->reply_to));
    cr_assert_eq(got->link, want->link);
    cr_assert_eq(got->conv, want->conv);
    cr_assert_eq(got->from, want->from);
    cr_assert_eq(got->to, want->to);
    cr_assert_eq(got->uid, want->uid);
    cr_assert_eq(got->kind, want->kind);
    cr_assert_eq(got->flags, want->flags);
    cr_assert(bytes_equal(got->text, want->text));
    return 7;
}

static void put_and_compare(struct record record, uint32_t to) {
    struct store_source rooms[] = {{conv_of_room(9), 0}};
    struct store_view view = view_of(record.from, rooms, 1);
    struct store_page page = {.n_max = 1};
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    record.to = to;
    cr_assert_eq(store_history(shelf.reader, &view, &page, compare_record, &record), 7);
}

Test(store, 02_a_message_comes_back_with_all_its_fields) {
    struct record record = record_of(1, conv_of_pair(ALICE, BOB), BOB, "hello");
    put_and_compare(record, ALICE);
    record = record_of(2, conv_of_pair(ALICE, BOB), ALICE, "");
    record.reply_to = id_of(1);
    record.uid = UINT32_MAX;
    put_and_compare(record, BOB);
    record = record_of(3, conv_of_room(9), CAROL, "\xf0\x9f\x98\x80 \xff not UTF-8");
    put_and_compare(record, 9);
    record = record_of(UINT64_C(1) << 60, conv_of_pair(DAVE, DAVE), DAVE, "note to myself");
    record.at_ms = -1;
    put_and_compare(record, DAVE);
    record = record_of((UINT64_C(1) << 60) + 1, conv_of_pair(1, UINT32_MAX), UINT32_MAX, "x");
    put_and_compare(record, 1);
}

static uint64_t put_one(struct record record) {
    uint64_t seq = 77;
    cr_assert_eq(store_put_message(shelf.store, &record, &seq), 0, "%s", store_error(shelf.store));
    return seq;
}

Test(store, 03_an_id_is_a_users_own_and_stored_once) {
    struct record first = record_of(1, conv_of_room(1), ALICE, "first");
    struct record other = record_of(2, conv_of_room(1), BOB, "of another user");
    struct record again = first, renamed = first, lost = first, last;
    other.id = first.id;
    again.seq = 3;
    renamed.seq = 4;
    renamed.from = CAROL; /* another handle of the same user */
    lost.seq = 5;
    lost.text = bytes_of("another one");
    last = record_of(6, conv_of_room(1), BOB, "the rest is stored");
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(put_one(first), 1);
    cr_assert_eq(put_one(other), 2);
    cr_assert_eq(put_one(again), 1);
    cr_assert_eq(store_commit(shelf.store), 0);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(put_one(renamed), 1);
    cr_assert_eq(put_one(lost), 0);
    cr_assert_eq(put_one(last), 6);
    cr_assert_eq(store_commit(shelf.store), 0);
    struct store_stats stats;
    store_stats(shelf.store, &stats);
    cr_assert_eq(stats.n_messages, 3);
    cr_assert_gt(stats.n_bytes, 4096);
}

/* Each thing that makes another message of it. */
Test(store, 09_what_is_the_very_same) {
    struct record first = record_of(1, conv_of_pair(ALICE, BOB), ALICE, "text");
    first.to = BOB;
    struct record others[6];
    uint64_t seq = 0;
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(put_one(first), 1);
    cr_assert_eq(store_commit(shelf.store), 0);
    for (size_t i = 0; i < 6; i++)
        others[i] = first;
    others[0].text = bytes_of("texts");
    others[1].kind = 2;
    others[2].reply_to = id_of(9);
    others[3].conv = conv_of_pair(ALICE, CAROL);
    others[3].to = CAROL;
    others[4].conv = conv_of_room(BOB);
    others[5].uid++;
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(store_find_id(shelf.store, &others[i], &seq), STORE_OTHER, "%zu", i);
    cr_assert_eq(store_find_id(shelf.store, &others[5], &seq), STORE_NOT_FOUND);
    first.conv = 0; /* whoever it went to */
    first.to = 0;
    cr_assert_eq(store_find_id(shelf.store, &first, &seq), 0);
    cr_assert_eq(seq, 1);
}

Test(store, 04_what_is_rolled_back_was_never_there) {
    cr_assert_eq(store_begin(shelf.store), 0);
    put(conv_of_pair(ALICE, BOB), ALICE, "one");
    cr_assert_eq(store_put_seq_limit(shelf.store, 50), 0);
    cr_assert_not(is_there(1, ALICE));
    store_rollback(shelf.store);
    store_rollback(shelf.store);
    cr_assert_not(is_there(1, ALICE));
    shelf.seq = 0;
    say(conv_of_pair(ALICE, BOB), ALICE, "one");
    struct store_view view = view_of(BOB, NULL, 0);
    struct store_page page = {.n_max = 9};
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), 0);
    expect_seen("one");
    shelf_reopen();
    cr_assert_eq(shelf.info.seq_limit, 0);
    cr_assert_eq(shelf.info.last_seq, 1);
}

struct loaded {
    char text[512];
    size_t n;
    int end_with;
};

#define NOTE(loaded, ...)                                                                          \
    (loaded)->n += (size_t)snprintf((loaded)->text + (loaded)->n,                                  \
                                    sizeof(loaded)->text - (loaded)->n, __VA_ARGS__)

static int load_handle(void *arg, const struct store_handle *handle) {
    struct loaded *loaded = arg;
    NOTE(loaded, "handle %u %u %.*s %ju %ju %ju\n", handle->number, handle->uid,
         (int)handle->name.n, handle->name.data, (uintmax_t)handle->direct,
         (uintmax_t)handle->rooms, (uintmax_t)handle->read);
    return loaded->end_with;
}

static int load_mail(void *arg, const struct store_mail *mail) {
    struct loaded *loaded = arg;
    NOTE(loaded, "mail %u %u %u %ju %ju\n", mail->handle, mail->uid, mail->n,
         (uintmax_t)mail->n_bytes, (uintmax_t)mail->last_seq);
    return 0;
}

static int load_mark(void *arg, const struct store_mark *mark) {
    struct loaded *loaded = arg;
    NOTE(loaded, "mark %u %jd %ju\n", mark->handle, (intmax_t)mark->conv, (uintmax_t)mark->seq);
    return 0;
}

static int load_room(void *arg, const struct store_room *room) {
    struct loaded *loaded = arg;
    NOTE(loaded, "room %u %u %.*s <%.*s> %ju\n", room->number, room->creator, (int)room->name.n,
         room->name.data, (int)room->topic.n, room->topic.data, (uintmax_t)room->last_seq);
    return 0;
}

static int load_member(void *arg, const struct store_member *member) {
    struct loaded *loaded = arg;
    NOTE(loaded, "member %u %u %ju\n", member->room, member->handle, (uintmax_t)member->since);
    return 0;
}

static int load_sanction(void *arg, const struct store_sanction *sanction) {
    struct loaded *loaded = arg;
    NOTE(loaded, "sanction %u %u %jd %u by %u %.*s: %.*s\n", sanction->uid, sanction->what,
         (intmax_t)sanction->until_ms, sanction->rate, sanction->by, (int)sanction->by_name.n,
         sanction->by_name.data, (int)sanction->why.n, sanction->why.data);
    return 0;
}

static int load_admission(void *arg, const struct store_admission *admission) {
    struct loaded *loaded = arg;
    NOTE(loaded, "admission %u %u %u %ju %d <%.*s>\n", admission->room, admission->handle,
         admission->payer, (uintmax_t)admission->after, admission->has_joined,
         (int)admission->name.n, admission->name.data);
    return 0;
}

static int load_room_order(void *arg, const struct store_room_order *order) {
    struct loaded *loaded = arg;
    NOTE(loaded, "order %u %u %u %u %jd by %u %.*s: %.*s\n", order->room, order->uid, order->what,
         order->handle, (intmax_t)order->until_ms, order->by, (int)order->by_name.n,
         order->by_name.data, (int)order->why.n, order->why.data);
    return 0;
}

static int load_pin(void *arg, const struct store_pin *pin) {
    struct loaded *loaded = arg;
    NOTE(loaded, "pin %u %jd %ju by %u at %jd\n", pin->handle, (intmax_t)pin->conv,
         (uintmax_t)pin->seq, pin->by, (intmax_t)pin->at_ms);
    return 0;
}

static int load(struct loaded *loaded) {
    struct store_visitor visitor = {loaded,          load_handle, load_mail,     load_mark,
                                    load_room,       load_member, load_sanction, load_admission,
                                    load_room_order, load_pin};
    return store_load(shelf.store, &visitor);
}

static void put_people(void) {
    struct store *store = shelf.store;
    cr_assert_eq(store_begin(store), 0);
    static const struct store_handle handles[] = {
        {.number = 1, .uid = 501, .name = {"old", 3}, .login = {"", 0}},
        {.number = 1,
         .uid = 501,
         .name = {"Alice", 5},
         .direct = 7,
         .rooms = 8,
         .read = 9,
         .login = {"", 0}},
        {.number = 2, .name = {"bob", 3}, .login = {"", 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(handles); i++)
        cr_assert_eq(store_put_handle(store, &handles[i]), 0);
    cr_assert_eq(store_put_room(store, &(struct store_room){.number = 4,
                                                            .creator = 501,
                                                            .name = bytes_of("#ops"),
                                                            .topic = bytes_of("calm")}),
                 0);
    cr_assert_eq(
        store_put_room(
            store, &(struct store_room){.number = 5, .name = bytes_of("#dev"), .topic = {"", 0}}),
        0);
    cr_assert_eq(store_put_member(store, &(struct store_member){4, 1, 10}), 0);
    cr_assert_eq(store_put_member(store, &(struct store_member){4, 2, 11}), 0);
    cr_assert_eq(store_put_member(store, &(struct store_member){5, 1, 0}), 0);
    cr_assert_eq(store_remove_member(store, 4, 2), 0);
    cr_assert_eq(store_remove_member(store, 4, 77), 0);
    put(conv_of_room(4), 1, "hello");
    put(conv_of_room(4), 1, "again");
    cr_assert_eq(store_put_seq_limit(store, 1000), 0);
    cr_assert_eq(store_commit(store), 0);
}

Test(store, 21_what_is_laid_on_users_outlives_the_hub) {
    struct loaded loaded = {0};
    struct store_sanction ban = {1001, 1, 5000, 0, 0, bytes_of("root"), bytes_of("spam")};
    struct store_sanction rate = {1002, 2, 0, 7, 0, bytes_of("root"), {"", 0}};
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_sanction(shelf.store, &ban), 0);
    cr_assert_eq(store_put_sanction(shelf.store, &rate), 0);
    ban.until_ms = 6000;
    cr_assert_eq(store_put_sanction(shelf.store, &ban), 0);
    cr_assert_eq(store_remove_sanction(shelf.store, 1002, 1), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_reopen();
    cr_assert_eq(load(&loaded), 0);
    cr_assert_str_eq(loaded.text, "sanction 1001 1 6000 0 by 0 root: spam\n"
                                  "sanction 1002 2 0 7 by 0 root: \n");
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_remove_sanction(shelf.store, 1002, 2), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    loaded = (struct loaded){0};
    cr_assert_eq(load(&loaded), 0);
    cr_assert_str_eq(loaded.text, "sanction 1001 1 6000 0 by 0 root: spam\n");
}

Test(store, 05_people_and_rooms_outlive_the_hub) {
    struct loaded loaded = {0};
    put_people();
    shelf_reopen();
    cr_assert_eq(load(&loaded), 0);
    cr_assert_str_eq(loaded.text, "handle 1 501 Alice 7 8 9\nhandle 2 0 bob 0 0 0\n"
                                  "room 4 501 #ops <calm> 2\nroom 5 0 #dev <> 0\n"
                                  "member 4 1 10\nmember 5 1 0\n");
    cr_assert_eq(shelf.info.seq_limit, 1000);
    cr_assert_eq(shelf.info.last_seq, 2);
    cr_assert_eq(shelf.info.last_handle, 2);
    cr_assert_eq(shelf.info.last_room, 5);
    loaded = (struct loaded){.end_with = 5};
    cr_assert_eq(load(&loaded), 5);
    cr_assert_str_eq(loaded.text, "handle 1 501 Alice 7 8 9\n");
}

Test(store, 05b_a_room_goes_with_its_members) {
    struct loaded loaded = {0};
    put_people();
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_remove_room(shelf.store, 5), 0);
    cr_assert_eq(store_remove_room(shelf.store, 77), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_reopen();
    cr_assert_eq(load(&loaded), 0);
    cr_assert_str_eq(loaded.text, "handle 1 501 Alice 7 8 9\nhandle 2 0 bob 0 0 0\n"
                                  "room 4 501 #ops <calm> 2\nmember 4 1 10\n");
    cr_assert_eq(shelf.info.last_room, 4);
}

#define CAROL_WAITS 3
#define DAVE_WAITS 4

/* Two who never joined; one of them has mail of two users, and nothing waits for the other. */
Test(store, 05d_mail_for_who_never_joined_is_counted_and_who_has_none_is_gone) {
    struct loaded loaded = {0};
    put_people();
    cr_assert_eq(store_begin(shelf.store), 0);
    for (uint32_t number = CAROL_WAITS; number <= DAVE_WAITS; number++)
        cr_assert_eq(store_put_handle(shelf.store, &(struct store_handle){.number = number,
                                                                          .uid = 600 + number,
                                                                          .name = bytes_of("n"),
                                                                          .login = bytes_of("n"),
                                                                          .is_unclaimed = true}),
                     0);
    cr_assert_eq(store_commit(shelf.store), 0);
    say(conv_of_pair(1, CAROL_WAITS), 1, "hello");
    say(conv_of_pair(1, CAROL_WAITS), 1, "again");
    say(conv_of_pair(2, CAROL_WAITS), 2, "me, too");
    shelf_reopen();
    cr_assert_eq(load(&loaded), 0);
    cr_assert_str_eq(loaded.text, "handle 1 501 Alice 7 8 9\nhandle 2 0 bob 0 0 0\n"
                                  "handle 3 603 n 0 0 0\n"
                                  "mail 3 1001 2 10 4\nmail 3 1002 1 7 5\n"
                                  "room 4 501 #ops <calm> 2\nroom 5 0 #dev <> 0\n"
                                  "member 4 1 10\nmember 5 1 0\n");
}

static conv_number unread_step(const struct store_view *view, const struct store_marked *marked,
                               conv_number next) {
    cr_assert_eq(store_unread(shelf.reader, view, marked, &next, see, NULL), 0);
    return next;
}

Test(store, 05e_what_was_read_and_what_is_not) {
    struct loaded loaded = {0};
    struct store_source room = {conv_of_room(4), 1};
    struct store_source mark = {conv_of_pair(1, 2), 3};
    struct store_marked marked = {0, &mark, 1, 10, 100}, newest = {0, NULL, 0, 1, 100};
    struct store_view view = view_of(1, &room, 1);
    put_people();
    say(conv_of_pair(1, 2), 2, "read");
    say(conv_of_pair(1, 2), 2, "unread");
    say(conv_of_pair(1, 3), 3, "of one without a mark");
    cr_assert(unread_step(&view, &marked, STORE_UNREAD_BEGIN) == STORE_UNREAD_END);
    expect_seen("again|unread|of one without a mark");
    cr_assert(unread_step(&view, &newest, STORE_UNREAD_BEGIN) == STORE_UNREAD_END);
    expect_seen("again|unread|of one without a mark");
    marked.n_step = 1;
    conv_number next = unread_step(&view, &marked, STORE_UNREAD_BEGIN);
    expect_seen("again");
    cr_assert_eq(next, mark.conv, "it goes on with the next conversation");
    next = unread_step(&view, &marked, next);
    expect_seen("unread");
    cr_assert_eq(unread_step(&view, &marked, next), STORE_UNREAD_END);
    expect_seen("of one without a mark");
    marked.n_step = 100;
    marked.conv = mark.conv;
    cr_assert(unread_step(&view, &marked, STORE_UNREAD_BEGIN) == STORE_UNREAD_END);
    expect_seen("unread");
    marked.conv = room.conv;
    cr_assert(unread_step(&view, &marked, STORE_UNREAD_BEGIN) == STORE_UNREAD_END);
    expect_seen("again");
    marked.conv = conv_of_pair(2, 3);
    cr_assert(unread_step(&view, &marked, STORE_UNREAD_BEGIN) == STORE_UNREAD_END);
    expect_seen("");
    cr_assert_eq(store_begin(shelf.store), 0);
    for (uint64_t seq = 2; seq < 4; seq++)
        cr_assert_eq(store_put_mark(shelf.store, &(struct store_mark){2, mark.conv, seq}), 0);
    cr_assert_eq(store_put_mark(shelf.store, &(struct store_mark){1, mark.conv, 3}), 0);
    cr_assert_eq(store_put_mark(shelf.store, &(struct store_mark){2, room.conv, 2}), 0);
    cr_assert_eq(store_put_mark(shelf.store, &(struct store_mark){2, room.conv, 0}), 0);
    cr_assert_eq(store_put_mark(shelf.store, &(struct store_mark){2, conv_of_pair(2, 3), 0}), 0);
    cr_assert_eq(store_put_handle(shelf.store, &(struct store_handle){.number = 1,
                                                                      .uid = 501,
                                                                      .name = bytes_of("Alice"),
                                                                      .login = bytes_of(""),
                                                                      .seen = 3}),
                 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_reopen();
    cr_assert_eq(load(&loaded), 0);
    cr_assert(strstr(loaded.text, "\nmark 2 4294967298 3\nroom"), "%s", loaded.text);
    cr_assert_null(strstr(loaded.text, "mark 1"), "it has seen more than that");
    cr_assert_null(strstr(strstr(loaded.text, "mark 2") + 1, "mark 2"));
}

Test(store, 05c_no_number_that_any_row_has_is_new) {
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_member(shelf.store, &(struct store_member){8, 1, 10}), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    shelf_reopen();
    cr_assert_eq(shelf.info.last_room, 8);
    say(conv_of_room(UINT32_MAX), 1, "hello");
    shelf_reopen();
    cr_assert_eq(shelf.info.last_room, UINT32_MAX);
}

Test(store, 06_one_hub_at_a_time) {
    struct store *other = NULL;
    struct store_info info;
    cr_assert_eq(store_open(&other, shelf.dir, &info), STORE_IN_USE);
    cr_assert_not_null(strstr(store_error(other), shelf.dir));
    store_close(other);
    say(conv_of_room(1), ALICE, "still mine");
    shelf_close();
    cr_assert_eq(store_open(&other, shelf.dir, &info), 0);
    store_close(other);
}

Test(store, 07_every_outcome_has_a_text) {
    for (int i = STORE_OK; i <= STORE_OTHER; i++)
        cr_assert_str_neq(store_outcome_text((enum store_outcome)i), "unknown");
    cr_assert_str_eq(store_outcome_text((enum store_outcome)99), "unknown");
}

Test(store, 08_closing_leaves_one_file_and_nothing_in_the_log) {
    say(conv_of_room(1), ALICE, "hello");
    shelf_close();
    cr_assert_neq(access(shelf_path("earshot.db-wal"), F_OK), 0);
    cr_assert_neq(access(shelf_path("earshot.db-shm"), F_OK), 0);
    store_close(NULL);
    store_reader_close(NULL);
}

static off_t log_size(void) {
    struct stat status;
    cr_assert_eq(stat(shelf_path("earshot.db-wal"), &status), 0);
    return status.st_size;
}

Test(store, 09_the_log_begins_anew_after_it_was_copied) {
    while (!store_log_is_long(shelf.store))
        say(conv_of_room(1), ALICE, "hello");
    off_t size = log_size();
    store_copy_log(shelf.store);
    cr_assert_not(store_log_is_long(shelf.store));
    for (int round = 0; round < 3; round++) {
        while (!store_log_is_long(shelf.store))
            say(conv_of_room(1), ALICE, "hello");
        store_copy_log(shelf.store);
        cr_assert_lt(log_size(), 2 * size);
    }
    shelf_reopen();
    cr_assert_eq(shelf.info.last_seq, shelf.seq);
}

Test(store, 10_a_log_that_nobody_copies_does_not_grow_for_ever) {
    while (!store_log_is_long(shelf.store))
        say(conv_of_room(1), ALICE, "hello");
    off_t size = log_size();
    uint64_t n = shelf.seq;
    while (shelf.seq < 20 * n)
        say(conv_of_room(1), ALICE, "hello");
    cr_assert_lt(log_size(), 6 * size);
}
