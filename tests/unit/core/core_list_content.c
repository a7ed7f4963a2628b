/* What is listed: counters and the own account, users with their state, mailboxes, rooms. */

#include <stdio.h>
#include <string.h>

#include "unit/core/world.h"

#define REQUEST 9

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_list_content, .init = setup, .fini = world_end);

static void give_list(struct client *client, enum list_what what, const char *of) {
    give(client,
         &(struct frame){.type = FRAME_LIST, .list = {REQUEST, (uint8_t)what, bytes_of(of)}});
}

static uint64_t counter(struct client *client, const char *key) {
    uint64_t value = UINT64_MAX;
    give_list(client, LIST_COUNTERS, "");
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_DONE)
            break;
        cr_assert_eq(frame->type, FRAME_COUNTER);
        if (bytes_equal(frame->counter.key, bytes_of(key)))
            value = frame->counter.value;
    }
    cr_assert_neq(value, UINT64_MAX, "%s is counted", key);
    return value;
}

/* The only one, or the one with this name. */
static const struct frame_user *user(struct client *client, enum list_what what, const char *of,
                                     const char *name) {
    const struct frame_user *found = NULL;
    give_list(client, what, of);
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_DONE)
            return found;
        cr_assert_eq(frame->type, FRAME_USER);
        if (bytes_equal(frame->user.handle, bytes_of(name)))
            found = &frame->user;
    }
    cr_assert_fail("the list has no end");
    return NULL;
}

Test(core_list_content, 01_counters_count) {
    cr_assert_eq(counter(alice, "sessions"), 2);
    cr_assert_eq(counter(alice, "users"), 2);
    cr_assert_eq(counter(alice, "handles"), 2);
    cr_assert_eq(counter(alice, "rooms"), 0);
    enter(alice, "#ops", 0);
    say(alice, "bob", "hello");
    expect_text(bob, "hello");
    cr_assert_eq(counter(bob, "rooms"), 1);
    cr_assert_eq(counter(bob, "messages"), 1);
    cr_assert_eq(counter(bob, "deliveries"), 1);
    uint64_t before = counter(bob, "uptime_s");
    pass_ms(5000);
    cr_assert_eq(counter(bob, "uptime_s"), before + 5);
}

Test(core_list_content, 02_the_account_is_the_askers_own_with_all_limits) {
    char key[64];
    join(ALICE, "alice", 0);
    cr_assert_eq(counter(alice, "account_sessions"), 2);
    cr_assert_eq(counter(bob, "account_sessions"), 1);
    for (int kind = 0; kind < ACCOUNT_KIND_END; kind++) {
        snprintf(key, sizeof key, "limit_%s", account_name((enum account_kind)kind));
        cr_assert_eq(counter(bob, key), core.limits.max[kind], "%s", key);
    }
}

Test(core_list_content, 03_a_user_is_shown_with_state_and_processes) {
    const struct frame_user *found = user(alice, LIST_USERS, "", "bob");
    cr_assert_eq(found->uid, BOB);
    cr_assert_eq(found->state, PRESENCE_ONLINE);
    cr_assert_eq(found->away.n, 0);
    cr_assert_eq(found->pids.n, sizeof(uint32_t));
    uint32_t pid;
    memcpy(&pid, found->pids.data, sizeof pid);
    cr_assert_eq(pid, (uint32_t)bob->session->pid);
}

Test(core_list_content, 04_away_with_its_reason_and_idle) {
    give(bob, &(struct frame){.type = FRAME_AWAY, .away = {1, 1, bytes_of("at lunch")}});
    expect(bob, FRAME_DONE);
    pass_ms(61000);
    const struct frame_user *found = user(alice, LIST_USERS, "", "bob");
    cr_assert_eq(found->state, PRESENCE_AWAY);
    cr_assert(bytes_equal(found->away, bytes_of("at lunch")));
    cr_assert_eq(found->idle_s, 61);
    give(bob, &(struct frame){.type = FRAME_AWAY, .away = {2, 0, bytes_of("")}});
    expect(bob, FRAME_DONE);
    cr_assert_eq(user(alice, LIST_USERS, "", "bob")->state, PRESENCE_ONLINE);
}

Test(core_list_content, 05_who_does_not_listen_is_a_handle_and_not_here) {
    join(1003, "carol", 0);
    cr_assert_null(user(alice, LIST_USERS, "", "carol"));
    const struct frame_user *found = user(alice, LIST_HANDLES, "", "carol");
    cr_assert_not_null(found);
    cr_assert_eq(found->state, PRESENCE_OFFLINE);
    cr_assert_eq(found->pids.n, 0);
}

Test(core_list_content, 06_in_a_room_who_listens_only_there_is_here) {
    struct client *carol = join(1003, "carol", 0);
    enter(carol, "#ops", FRAME_SESSION_ONLY);
    const struct frame_user *found = user(alice, LIST_USERS, "#ops", "carol");
    cr_assert_not_null(found);
    cr_assert_eq(found->state, PRESENCE_ONLINE);
    cr_assert_eq(found->pids.n, sizeof(uint32_t));
    cr_assert_null(user(alice, LIST_USERS, "#ops", "alice"));
}

Test(core_list_content, 07_members_of_what_is_no_room) {
    static const char *const names[] = {"#nothing", "bob", "#", "no name"};
    for (size_t i = 0; i < 4; i++) {
        give_list(alice, LIST_USERS, names[i]);
        const struct frame *frame = expect(alice, FRAME_FAIL);
        cr_assert_eq(frame->fail.code, FAIL_NO_ROOM);
        cr_assert_eq(frame->fail.request, REQUEST);
    }
}

Test(core_list_content, 08_rooms_with_members_and_topic) {
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    give(alice,
         &(struct frame){.type = FRAME_TOPIC, .topic = {3, bytes_of("#ops"), bytes_of("be kind")}});
    expect(alice, FRAME_DONE);
    give_list(bob, LIST_ROOMS, "");
    const struct frame *frame = expect(bob, FRAME_ROOM);
    cr_assert_eq(frame->room.members, 2);
    cr_assert(bytes_equal(frame->room.topic, bytes_of("be kind")));
    expect(bob, FRAME_DONE);
    give(alice, &(struct frame){.type = FRAME_TOPIC, .topic = {4, bytes_of("#ops"), bytes_of("")}});
    expect(alice, FRAME_DONE);
    give_list(bob, LIST_ROOMS, "");
    cr_assert_eq(expect(bob, FRAME_ROOM)->room.topic.n, 0);
    expect(bob, FRAME_DONE);
}

Test(core_list_content, 20_what_form_a_room_has_is_told_to_who_knows_forms) {
    struct client *carol = join(CAROL, "carol", HERE | ABILITY_ROOMS | ABILITY_FORMS);
    enter(carol, "#tea", 0);
    give_list(carol, LIST_ROOMS, "");
    const struct frame *frame = expect(carol, FRAME_ABOUT);
    cr_assert(bytes_equal(frame->about.room, bytes_of("#tea")));
    cr_assert_eq(frame->about.form, ROOM_OPEN);
    cr_assert_eq(frame->about.group.n, 0);
    cr_assert_eq(frame->about.members, 1);
}

Test(core_list_content, 09_every_mailbox_is_shown_with_its_owner) {
    give_list(alice, LIST_OBJECTS, "");
    for (int i = 0; i < 2; i++) {
        const struct frame_object *object = &expect(alice, FRAME_OBJECT)->object;
        const struct client *of = bytes_equal(object->owner, bytes_of("bob")) ? bob : alice;
        cr_assert_eq(object->role, OBJECT_MAILBOX);
        cr_assert_eq(object->uid, of->session->user->uid);
        cr_assert_eq(object->pid, (uint32_t)of->session->pid);
        cr_assert_eq(object->id, (uint32_t)of->seat.msqid);
    }
    expect(alice, FRAME_DONE);
}
