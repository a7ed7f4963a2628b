/* Lists: who is here, which rooms, the hub's counters. */

#include <stdio.h>
#include <utlist.h>

#include "core/internal.h"

#define PIDS_MAX 512 /* of one handle in one USER frame */

static uint32_t idle_seconds(const struct core *core, const struct handle *handle) {
    int64_t ns = core->now.ns - handle->active.ns;
    return ns > 0 ? (uint32_t)(ns / NS_PER_S) : 0;
}

/* Whether a session shows that its handle is here: in a room, also those that hear only the room.
 */
static bool shows(const struct session *session, const struct room *room) {
    if (session->abilities & ABILITY_LISTEN)
        return true;
    return room && listening_find(session, room);
}

static void put_user(struct core *core, struct session *session, uint32_t request,
                     const struct handle *handle, const struct room *room) {
    uint32_t pids[PIDS_MAX];
    size_t n = 0;
    const struct session *other;
    DL_FOREACH2(handle->sessions, other, next_of_handle) {
        if (n == PIDS_MAX)
            break;
        if (shows(other, room))
            pids[n++] = (uint32_t)other->pid;
    }
    enum presence presence = handle_presence(handle);
    if (presence == PRESENCE_OFFLINE && n > 0)
        presence = PRESENCE_ONLINE;
    session_answer(core, session,
                   &(struct frame){.type = FRAME_USER,
                                   .user = {.request = request,
                                            .handle = name_bytes(&handle->name),
                                            .uid = handle->user->uid,
                                            .state = (uint8_t)presence,
                                            .away = bytes_of(handle->away ? handle->away : ""),
                                            .idle_s = idle_seconds(core, handle),
                                            .pids = {(const char *)pids, n * sizeof *pids}}});
}

static void list_everybody(struct core *core, struct session *session, uint32_t request) {
    for (struct handle *handle = core->handles; handle; handle = handle->hh.next)
        if (handle->n_listening > 0)
            put_user(core, session, request, handle, NULL);
    session_done(core, session, request);
}

static void list_handles(struct core *core, struct session *session, uint32_t request) {
    for (struct handle *handle = core->handles; handle; handle = handle->hh.next)
        put_user(core, session, request, handle, NULL);
    session_done(core, session, request);
}

static void list_members(struct core *core, struct session *session, uint32_t request,
                         struct bytes of) {
    struct name name, key;
    struct room *room = NULL;
    struct membership *membership;
    if (name_parse(&name, of) == NAME_OK && name_is_room(&name)) {
        name_key(&key, &name);
        room = room_find(core, &key);
    }
    if (!room || room->n_members == 0) {
        session_fail(core, session, request, FAIL_NO_ROOM, "there is no such room; see `rooms`");
        return;
    }
    DL_FOREACH2(room->memberships, membership, next_of_room) {
        put_user(core, session, request, membership->handle, room);
    }
    session_done(core, session, request);
}

static void list_rooms(struct core *core, struct session *session, uint32_t request) {
    for (struct room *room = core->rooms; room; room = room->hh.next) {
        if (room->n_members == 0)
            continue;
        session_answer(
            core, session,
            &(struct frame){.type = FRAME_ROOM,
                            .room = {.request = request,
                                     .room = name_bytes(&room->name),
                                     .members = room->n_members,
                                     .topic = bytes_of(room->topic ? room->topic : "")}});
    }
    session_done(core, session, request);
}

static void put_counter(struct core *core, struct session *session, uint32_t request,
                        const char *key, uint64_t value) {
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_COUNTER, .counter = {request, bytes_of(key), value}});
}

/* What each user may have, and what the one who asks has. */
static void list_account(struct core *core, struct session *session, uint32_t request) {
    const struct account *account = &session->user->account;
    char key[64];
    for (int kind = 0; kind < ACCOUNT_KIND_END; kind++) {
        const char *name = account_name((enum account_kind)kind);
        snprintf(key, sizeof key, "limit_%s", name);
        put_counter(core, session, request, key, account->limits->max[kind]);
        snprintf(key, sizeof key, "account_%s", name);
        put_counter(core, session, request, key, account->used[kind]);
    }
}

static void list_counters(struct core *core, struct session *session, uint32_t request) {
    const struct core_counters *counters = &core->counters;
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"uptime_s", (uint64_t)((core->now.ns - core->started.ns) / NS_PER_S)},
        {"sessions", core->n_sessions},
        {"users", HASH_COUNT(core->users)},
        {"handles", HASH_COUNT(core->handles)},
        {"rooms", HASH_COUNT(core->rooms)},
        {"joins", counters->joins},
        {"messages", counters->messages},
        {"deliveries", counters->deliveries},
        {"refused", counters->refused},
        {"missed", counters->missed},
        {"rejected", counters->rejected},
        {"store_messages", core->persist.n_messages},
        {"store_bytes", core->persist.n_bytes},
        {"store_changes", changes_waiting(core)},
        {"store_trouble", core->persist.in_trouble},
        {"clock_trouble", calendar_is_trouble(&core->calendar)},
        {"log_bytes", core->log.n_bytes},
        {"keep_days", core->config.keep_days},
        {"keep_bytes", core->config.keep_bytes},
        {"batches_in", counters->batches_in},
        {"batches_out", counters->batches_out},
        {"outbox_chunks", core->pool.n_used},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_counter(core, session, request, rows[i].key, rows[i].value);
    list_account(core, session, request);
    session_done(core, session, request);
}

void core_answer_object(struct core *core, struct session *session, uint32_t request,
                        enum object_role role, int id, uid_t uid, pid_t pid) {
    session_answer(core, session,
                   &(struct frame){.type = FRAME_OBJECT,
                                   .object = {.request = request,
                                              .role = (uint8_t)role,
                                              .id = (uint32_t)id,
                                              .uid = uid,
                                              .pid = (uint32_t)pid}});
}

static void list_mailboxes(struct core *core, struct session *session, uint32_t request) {
    for (uint32_t slot = 0; slot < core->n_slots; slot++) {
        const struct session *other = core->slots[slot];
        if (!other || other->dead)
            continue;
        session_answer(core, session,
                       &(struct frame){.type = FRAME_OBJECT,
                                       .object = {.request = request,
                                                  .role = OBJECT_MAILBOX,
                                                  .id = (uint32_t)other->seat->msqid,
                                                  .uid = other->user->uid,
                                                  .pid = (uint32_t)other->pid,
                                                  .owner = name_bytes(&other->handle->name)}});
    }
    session_done(core, session, request);
}

void answer_list(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->list.request;
    switch ((enum list_what)frame->list.what) {
    case LIST_USERS:
        if (frame->list.of.n > 0)
            list_members(core, session, request, frame->list.of);
        else
            list_everybody(core, session, request);
        break;
    case LIST_ROOMS:
        list_rooms(core, session, request);
        break;
    case LIST_COUNTERS:
        list_counters(core, session, request);
        break;
    case LIST_OFFERS:
        offer_list(core, session, request);
        break;
    case LIST_HANDLES:
        list_handles(core, session, request);
        break;
    case LIST_OBJECTS: /* the hub has put its own queues before */
        list_mailboxes(core, session, request);
        break;
    case LIST_END:
        break;
    }
}
