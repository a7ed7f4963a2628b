/* How much is unread: kept for the handle, the same for all who ask. */

#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

#define WINDOW (HERE | ABILITY_NEWS | ABILITY_READS)

static struct client *alice, *bob;

static void setup(bool durable) {
    if (durable)
        durable_begin(1024 * 1024);
    else
        world_begin();
    alice = join(ALICE, "alice", HERE | ABILITY_READS);
    bob = join(BOB, "bob", HERE | ABILITY_READS);
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
}

static void setup_stored(void) {
    setup(true);
    settle();
}

static void setup_in_memory(void) {
    setup(false);
}

TestSuite(core_counts, .init = setup_stored, .fini = durable_end, .timeout = 60);
TestSuite(core_counts_in_memory, .init = setup_in_memory, .fini = world_end, .timeout = 60);

static void work(void) {
    if (core.config.durable)
        settle();
    else
        drain();
}

static struct client *peek(uid_t uid, const char *handle) {
    return arrive(&(struct arrival){uid, handle, ABILITY_PEEK | ABILITY_READS, 0, 0, false});
}

/* "alice 2/1, #ops 3/0", with those that name bob. */
static const char *counts(struct client *client, const char *conv) {
    static char text[512];
    size_t n = 0;
    work();
    client->at = client->n_in;
    give(client, &(struct frame){.type = FRAME_UNREAD, .unread = {7, bytes_of(conv)}});
    work();
    text[0] = '\0';
    for (const struct frame *frame; (frame = next_frame(client))->type != FRAME_DONE;) {
        cr_assert_eq(frame->type, FRAME_COUNT);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s %u/%u", n > 0 ? ", " : "",
                              (int)frame->count.conv.n, frame->count.conv.data, frame->count.unread,
                              frame->count.mentions);
    }
    return text;
}

static void read_upto(struct client *client, const char *conv, uint64_t seq) {
    cr_assert_null(
        give(client, &(struct frame){.type = FRAME_READ, .read = {bytes_of(conv), seq}}));
}

static void play(void) {
    struct client *look = peek(BOB, "bob");
    cr_assert_str_empty(counts(look, ""));
    say(alice, "bob", "hello, Bob!");
    say(alice, "bob", "bobby is somebody else");
    say(alice, "#ops", "all of you, and bob");
    say(bob, "#ops", "Alice, what one says oneself is read");
    say(alice, "#ops", "and more");
    uint64_t all = core.seq;
    bob->at = bob->n_in;
    cr_assert_str_eq(counts(look, "alice"), "alice 2/1");
    cr_assert_str_eq(counts(look, "#ops"), "#ops 2/1");
    read_upto(bob, "alice", all - 4);
    cr_assert_str_eq(counts(look, "alice"), "alice 1/0");
    take(bob, all, all);
    cr_assert_str_eq(counts(look, "#ops"), "#ops 2/1",
                     "of who says READ, TAKEN says nothing of it");
    read_upto(bob, "#ops", all);
    read_upto(bob, "alice", all + 100);
    cr_assert_str_eq(counts(look, ""), "alice 1/0", "nobody has read what is not there yet");
    read_upto(bob, "alice", all);
    cr_assert_str_empty(counts(look, ""));
    cr_assert_eq(bob->session->handle->n_marks, 0, "nothing is unread: no mark is needed");
    cr_assert_eq(bob->session->handle->seen, all);
    read_upto(bob, "alice", 1);
    cr_assert_str_empty(counts(look, ""), "nor is anything moved back");
    say(alice, "#ops", "a new one");
    cr_assert_str_eq(counts(look, ""), "#ops 1/0");
    cr_assert_str_eq(counts(peek(ALICE, "alice"), ""), "#ops 1/1", "what bob said");
}

Test(core_counts, 01_messages_behind_what_was_read) {
    play();
}

Test(core_counts_in_memory, 01_messages_behind_what_was_read) {
    play();
}

Test(core_counts, 02_it_outlives_the_hub) {
    say(alice, "bob", "one");
    uint64_t first = core.seq;
    say(alice, "#ops", "of the room");
    say(alice, "bob", "two");
    work();
    read_upto(bob, "alice", first);
    pass_ms(2 * POSITIONS_DELAY_MS);
    work();
    hub_crash();
    const char *text = counts(peek(BOB, "bob"), "");
    cr_assert(strstr(text, "alice 1/0") && strstr(text, "#ops 1/0"), "%s", text);
}

Test(core_counts, 03_other_windows_are_told) {
    struct client *one = join(BOB, "bob", WINDOW), *two = join(BOB, "bob", WINDOW);
    struct client *stranger = join(CAROL, "carol", WINDOW);
    say(alice, "bob", "hello");
    work();
    one->at = one->n_in, two->at = two->n_in, stranger->at = stranger->n_in;
    read_upto(one, "Alice", core.seq);
    const struct frame *frame = expect(two, FRAME_READ);
    cr_assert(bytes_equal(frame->read.conv, bytes_of("alice")));
    cr_assert_eq(frame->read.seq, core.seq);
    expect_nothing(one);
    expect_nothing(stranger);
    read_upto(one, "alice", core.seq);
    expect_nothing(two);
}

Test(core_counts, 04_who_only_looks_is_nobody) {
    enum fail_code code;
    cr_assert_null(try_join(CAROL, "carol", ABILITY_PEEK, &code));
    cr_assert_eq(code, FAIL_NO_USER);
    cr_assert_null(try_join(CAROL, "bob", ABILITY_PEEK, &code));
    struct name carol = {.n = 5, .s = "carol"}, key;
    name_key(&key, &carol);
    cr_assert_null(handle_find(&core, &key), "it makes no handle");
    struct handle *handle = bob->session->handle;
    uint64_t direct = handle->direct, read = handle->read;
    core_end(&core, bob->session);
    say(alice, "bob", "waits");
    work();
    mono_time active = handle->active;
    pass_ms(5000);
    struct client *look = arrive(&(struct arrival){BOB, "bob", WINDOW | ABILITY_PEEK, 0, 0, false});
    cr_assert_str_eq(counts(look, ""), "alice 1/0");
    take(look, core.seq, core.seq);
    cr_assert_eq(handle_presence(handle), PRESENCE_OFFLINE);
    cr_assert_eq(handle->active.ns, active.ns);
    cr_assert_eq(handle->direct, direct);
    cr_assert_eq(handle->read, read);
    bob = join(BOB, "bob", HERE | ABILITY_READS);
    work();
    expect_late(bob, "waits");
}

Test(core_counts, 05_an_old_client_reads_all_that_it_shows) {
    struct client *look = peek(BOB, "bob");
    core_end(&core, bob->session);
    bob = join(BOB, "bob", HERE);
    say(alice, "bob", "one");
    say(alice, "#ops", "two");
    work();
    cr_assert_neq(counts(look, "")[0], '\0');
    take(bob, core.seq, core.seq);
    cr_assert_str_empty(counts(look, ""));
}

Test(core_counts, 06_marks_have_a_bound) {
    char name[32];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "#r%d", i);
        enter(bob, name, 0);
    }
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "#r%d", i % 200);
        say(alice, "bob", "x");
        read_upto(bob, name, core.seq);
    }
    read_upto(bob, "#nowhere", core.seq);
    read_upto(bob, "nobody", core.seq);
    cr_assert_eq(bob->session->handle->n_marks, 200);
    work();
}

Test(core_counts, 07_a_room_that_one_is_not_in) {
    struct client *carol = join(CAROL, "carol", HERE);
    say(alice, "#ops", "not for carol");
    work();
    cr_assert_str_empty(counts(carol, ""));
    cr_assert_str_empty(counts(carol, "#ops"));
    enter(carol, "#ops", 0);
    work();
    cr_assert_str_empty(counts(carol, ""), "nor what was said before she came");
    say(alice, "#ops", "carol: hello");
    cr_assert_str_eq(counts(peek(CAROL, "carol"), ""), "#ops 1/1");
}

static void marks_stored(void) {
    pass_ms(2 * POSITIONS_DELAY_MS);
    work();
}

Test(core_counts, 08_the_store_has_the_marks_that_the_hub_has) {
    struct client *look = peek(BOB, "bob");
    say(alice, "bob", "one");
    say(alice, "#ops", "two");
    work();
    uint64_t before = memory_of(BOB);
    read_upto(bob, "alice", core.seq - 1);
    read_upto(bob, "#ops", core.seq);
    marks_stored();
    cr_assert_eq(fake.n_marks, 2);
    cr_assert_str_empty(counts(look, ""));
    cr_assert_eq(bob->session->handle->n_marks, 0);
    cr_assert_gt(memory_of(BOB), before, "it is paid for until it is gone");
    say(alice, "#ops", "three");
    read_upto(bob, "#ops", core.seq);
    marks_stored();
    cr_assert_eq(fake.n_marks, 1, "the others are dropped, and the new one is not");
    cr_assert_eq(fake.marks[0].seq, core.seq);
    cr_assert_str_empty(counts(look, ""));
    marks_stored();
    cr_assert_eq(fake.n_marks, 0);
    cr_assert_eq(memory_of(BOB), before);
}

Test(core_counts, 13_what_a_full_disk_keeps_is_removed_when_there_is_room) {
    struct handle *handle = bob->session->handle;
    say(alice, "bob", "one");
    say(alice, "#ops", "two");
    work();
    uint64_t before = memory_of(BOB);
    read_upto(bob, "alice", core.seq - 1);
    read_upto(bob, "#ops", core.seq);
    marks_stored();
    cr_assert_eq(fake.n_marks, 2);
    fake.fails = true;
    unread_settle(&core, handle, core.seq);
    say(alice, "#ops", "three");
    pass_ms(2 * POSITIONS_DELAY_MS);
    commit_all();
    cr_assert_eq(fake.n_marks, 2);
    read_upto(bob, "#ops", core.seq); /* another mark where one is to be removed */
    pass_ms(2 * POSITIONS_DELAY_MS);
    commit_all();
    fake.fails = false;
    marks_stored();
    cr_assert_eq(fake.n_marks, 1);
    cr_assert_eq(fake.marks[0].seq, core.seq);
    unread_settle(&core, handle, core.seq);
    marks_stored();
    cr_assert_eq(fake.n_marks, 0);
    cr_assert_eq(memory_of(BOB), before);
}

/* A room that ends and is made again is another conversation. */
Test(core_counts, 09_marks_for_ever_new_rooms_fill_no_disk) {
    say(alice, "bob", "so that there is something unread");
    work();
    for (int i = 0; i < 1100; i++) {
        work();
        bob->at = bob->n_in;
        enter(bob, "#new", 0);
        read_upto(bob, "#new", core.seq);
        give(bob, &(struct frame){.type = FRAME_LEAVE, .leave = {0, bytes_of("#new")}});
        if (i % 10 == 0)
            marks_stored();
    }
    marks_stored();
    cr_assert_eq(bob->session->handle->n_marks, 1024);
    cr_assert_eq(fake.n_marks, 1024);
    hub_crash();
    cr_assert_eq(fake.n_marks, 1024);
}

Test(core_counts, 10_what_a_store_holds_that_makes_no_sense) {
    struct handle *handle = bob->session->handle;
    uint32_t number = handle->number, nobody = number + 1000;
    core_restore_seen(&core, nobody, 5);
    cr_assert_eq(core_restore_mark(&core, nobody, 7, 5), 0);
    core_restore_seen(&core, number, 5);
    cr_assert_eq(core_restore_mark(&core, number, 7, 5), 0, "it is not behind that");
    cr_assert_eq(handle->n_marks, 0);
    cr_assert_eq(core_restore_mark(&core, number, 7, 9), 0);
    cr_assert_eq(core_restore_mark(&core, number, 7, 8), 0, "the same once more");
    cr_assert_eq(handle->n_marks, 1);
    cr_assert_eq(unread_mark_of(&core, handle, 7), 9);
}

Test(core_counts, 11_the_oldest_mark_makes_room) {
    struct handle *handle = bob->session->handle;
    uint64_t memory = memory_of(BOB);
    for (conv_number conv = 1; conv <= 5000; conv++)
        cr_assert_eq(core_restore_mark(&core, handle->number, conv, 9), 0);
    cr_assert_lt(handle->n_marks, 5000);
    cr_assert_eq(unread_mark_of(&core, handle, 1), handle->seen);
    cr_assert_eq(unread_mark_of(&core, handle, 5000), 9);
    unread_settle(&core, handle, 9);
    unread_settle(&core, handle, 8);
    cr_assert_eq(handle->seen, 9);
    cr_assert_eq(handle->n_marks, 0);
    marks_stored();
    cr_assert_eq(memory_of(BOB), memory);
}

static void be_written_to_by_many(unsigned n) {
    char name[40];
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "somebody-with-a-name-%u", i);
        struct client *other = join(10000 + i, name, 0);
        say(other, "bob", "hello");
        drain();
        core_end(&core, other->session);
    }
}

/* Who does not read has no more of it in the hub than of any list, and pays for the rest. */
Test(core_counts_in_memory, 12_thousands_of_counts_are_told_in_steps) {
    const unsigned n = 5000;
    unsigned n_told = 0;
    be_written_to_by_many(n);
    struct client *look = peek(BOB, "bob");
    drain();
    uint64_t before = memory_of(BOB);
    look->is_full = true;
    look->at = look->n_in;
    give(look, &(struct frame){.type = FRAME_UNREAD, .unread = {7, bytes_of("")}});
    drain();
    cr_assert(look->session->listings != NULL);
    cr_assert_leq(look->session->outbox.n_chunks, 17);
    cr_assert_gt(memory_of(BOB), before + n * sizeof(struct ask_count));
    look->is_full = false;
    ready(look);
    for (const struct frame *frame; (frame = next_frame(look))->type != FRAME_DONE; n_told++)
        cr_assert_eq(frame->type, FRAME_COUNT);
    cr_assert_eq(n_told, n);
    cr_assert(look->session->listings == NULL);
    cr_assert_leq(memory_of(BOB), before);
}

Test(core_counts_in_memory, 13_a_user_without_memory_for_them_is_told_so) {
    be_written_to_by_many(2000);
    struct client *look = peek(BOB, "bob");
    drain();
    look->at = look->n_in;
    use_up_memory(BOB, 2000 * sizeof(struct ask_count));
    give(look, &(struct frame){.type = FRAME_UNREAD, .unread = {7, bytes_of("")}});
    drain();
    const struct frame *frame = expect(look, FRAME_FAIL);
    cr_assert_eq(frame->fail.request, 7);
    give_back_memory(BOB);
}

/* Each is a row of the next commit. */
Test(core_counts, 14_marks_that_are_to_be_stored_are_charged) {
    const struct account *account = &bob->session->user->account;
    char name[16];
    unsigned n = 0;
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "other%u", i);
        join(20000 + i, name, 0);
    }
    say(alice, "bob", "hello");
    settle();
    cr_assert_eq(account->used[ACCOUNT_STORING], 0);
    for (; !core_has_commit(&core); n++) {
        cr_assert_lt(n, 200, "many do not wait for a second");
        snprintf(name, sizeof name, "other%u", n);
        read_upto(bob, name, core.seq);
    }
    cr_assert_gt(n, 20);
    cr_assert_geq(account->used[ACCOUNT_STORING], 8192);
    settle();
    cr_assert_eq(account->used[ACCOUNT_STORING], 0);
}
