/*
 * Lists: who is here, which rooms, the claims, the hub's counters.
 *
 * A list may be long, and whoever asks may read slowly. So a request waits at its session until
 * those before it are answered, and is answered in steps: as much as the outbox takes, and as the
 * core gives to everybody at a time. It goes through what there was at its beginning, in the order
 * in which that was made. Handles, rooms and members of rooms know the lists that have come to
 * them, and when one ends these go on with the next. So nothing is copied, and a list is never cut
 * off.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"
#include "core/room/order.h"
#include "core/room/room.h"

#define PIDS_MAX 512 /* of one handle in one USER frame */
#define LISTS_PER_SESSION_MAX 64
#define LIST_UPTO 16 /* chunks in the outbox; messages are to have place, too */

/* One of the hub's queues. */
struct object {
    enum object_role role;
    int id;
    uid_t uid;
    pid_t pid;
};

struct listing {
    enum list_what what; /* LIST_END: what is unread, in answer to UNREAD */
    uint32_t request;
    uint32_t room; /* its number: of its members; 0: of everybody */
    bool is_begun;
    /* Where it has come to; NULL: it is through. What was born later is not listed. */
    struct handle *handle;
    struct room *at_room;
    struct membership *member;
    struct user *user; /* who stays as long as the hub */
    struct claim *claim;
    unsigned place; /* of that in its queue; 0: it has the name */
    uint64_t before;
    struct listing **visited; /* the list of that one's visitors */
    struct listing *next_visitor, *prev_visitor;
    uint32_t at, end; /* mailboxes by slot, offers and counts by place in: */
    struct offer_key *keys;
    uint32_t *numbers;        /* private rooms, which come after the open ones */
    struct ask_count *counts; /* for this handle */
    uint32_t counted_handle;
    struct object *objects; /* which come before the mailboxes */
    size_t n_objects, n_told, n_bytes;
    struct listing *next, *prev;
};

static uint32_t idle_seconds(const struct core *core, const struct handle *handle) {
    int64_t ns = core->now.ns - handle->active.ns;
    return ns > 0 ? (uint32_t)(ns / NS_PER_S) : 0;
}

/* Whether a session shows that its handle is here: in a room, also those that hear only the room.
 */
static bool session_shows_here(const struct session *session, const struct room *room) {
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
        if (session_shows_here(other, room))
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

static void put_room(struct core *core, struct session *session, uint32_t request,
                     const struct room *room) {
    struct name name;
    if (session->abilities & ABILITY_FORMS) {
        room_put_listed(core, session, request, room);
        return;
    }
    session_answer(core, session,
                   &(struct frame){.type = FRAME_ROOM,
                                   .room = {.request = request,
                                            .room = room_name_for(session->user, room, &name),
                                            .members = room->n_members,
                                            .topic = bytes_of(room->topic ? room->topic : "")}});
}

static void put_object(struct core *core, struct session *session, uint32_t request,
                       const struct object *object, struct bytes owner) {
    session_answer(core, session,
                   &(struct frame){.type = FRAME_OBJECT,
                                   .object = {.request = request,
                                              .role = (uint8_t)object->role,
                                              .id = (uint32_t)object->id,
                                              .uid = object->uid,
                                              .pid = (uint32_t)object->pid,
                                              .owner = owner}});
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
        {"store_trouble", core->persist.trouble != NULL},
        {"clock_trouble", calendar_is_trouble(&core->calendar)},
        {"log_bytes", core->log.n_bytes},
        {"keep_days", core->config.keep_days},
        {"keep_bytes", core->config.keep_bytes},
        {"batches_in", counters->batches_in},
        {"batches_out", counters->batches_out},
        {"commits", counters->commits},
        {"outbox_chunks", core->pool.n_used},
        {"claims", core->claims.n},
        {"channels", core->n_channels},
        {"channel_batches", counters->channel_batches},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_counter(core, session, request, rows[i].key, rows[i].value);
    list_account(core, session, request);
}

/* The hub's own queues, which only it knows: they wait for the request that they belong to. */

static void objects_drop(struct session *session) {
    account_give_back(&session->user->account, ACCOUNT_MEMORY,
                      session->objects_size * sizeof *session->objects);
    free(session->objects);
    session->objects = NULL;
    session->n_objects = session->objects_size = 0;
}

static bool objects_grow(struct session *session) {
    struct account *account = &session->user->account;
    unsigned size = session->objects_size ? 2 * session->objects_size : 16;
    size_t n_more = (size_t)(size - session->objects_size) * sizeof *session->objects;
    if (!account_charge(account, ACCOUNT_MEMORY, n_more))
        return false;
    struct object *objects = realloc(session->objects, size * sizeof *objects);
    if (!objects) {
        account_give_back(account, ACCOUNT_MEMORY, n_more);
        return false;
    }
    session->objects = objects;
    session->objects_size = size;
    return true;
}

void core_answer_object(struct core *core, struct session *session, uint32_t request,
                        enum object_role role, int id, uid_t uid, pid_t pid) {
    (void)core;
    (void)request;
    session->lacks_objects |= session->n_objects == session->objects_size && !objects_grow(session);
    if (!session->lacks_objects)
        session->objects[session->n_objects++] = (struct object){role, id, uid, pid};
}

/* Beginning: what is to be listed. */

/* Memory for n of something, paid for by the asker; else the request is refused. */
static void *listing_reserve(struct core *core, struct session *session, struct listing *listing,
                             size_t n, size_t size) {
    struct account *account = &session->user->account;
    char reason[256] = "the hub is out of memory; try again later";
    void *memory = NULL;
    if (account_left(account, ACCOUNT_MEMORY) < n * size)
        account_refuse(account, ACCOUNT_MEMORY, reason);
    else
        memory = calloc(1, n * size + 1);
    if (!memory) {
        session_fail(core, session, listing->request, FAIL_LIMIT, reason);
        return NULL;
    }
    account_spend(account, ACCOUNT_MEMORY, n * size);
    listing->n_bytes += n * size;
    return memory;
}

static void listing_visit(struct listing *listing, struct listing **visitors) {
    if (listing->visited)
        DL_DELETE2(*listing->visited, listing, prev_visitor, next_visitor);
    listing->visited = visitors;
    if (visitors)
        DL_APPEND2(*visitors, listing, prev_visitor, next_visitor);
}

static void listing_go_to_handle(struct listing *listing, struct handle *handle) {
    listing->handle = handle && handle->born < listing->before ? handle : NULL;
    listing_visit(listing, listing->handle ? &handle->visitors : NULL);
}

static void listing_go_to_room(struct listing *listing, struct room *room) {
    listing->at_room = room && room->born < listing->before ? room : NULL;
    listing_visit(listing, listing->at_room ? &room->visitors : NULL);
}

static void listing_go_to_member(struct listing *listing, struct membership *member) {
    listing->member = member && member->born < listing->before ? member : NULL;
    listing_visit(listing, listing->member ? &member->visitors : NULL);
}

void listing_leave_handle(struct handle *handle) {
    while (handle->visitors)
        listing_go_to_handle(handle->visitors, handle->hh_number.next);
}

void listing_leave_room(struct room *room) {
    while (room->visitors)
        listing_go_to_room(room->visitors, room->hh.next);
}

void listing_leave_member(struct membership *member) {
    while (member->visitors)
        listing_go_to_member(member->visitors, member->next_of_room);
}

/* They have no order of birth, so no more are told of than there were at the beginning. */
static void listing_go_to_claim(struct listing *listing, struct claim *claim) {
    bool is_same = listing->claim && claim && claim->of == listing->claim->of;
    listing->place = claim && claim_is_held(claim) ? 0 : is_same ? listing->place + 1 : 1;
    listing->claim = listing->at < listing->end ? claim : NULL;
    listing_visit(listing, listing->claim ? &listing->claim->visitors : NULL);
}

void listing_leave_claim(struct claim *claim) {
    while (claim->visitors)
        listing_go_to_claim(claim->visitors, claim_next(claim));
}

static bool begin_members(struct core *core, struct session *session, struct listing *listing) {
    const struct room *room = room_of_number(core, listing->room);
    if (!room || room->n_members == 0) {
        session_fail(core, session, listing->request, FAIL_NO_ROOM, ROOM_NOT_THERE);
        return false;
    }
    listing_go_to_member(listing, room->memberships);
    return true;
}

/* Those that everybody sees, and those that only the asker and their other members do. */
static bool begin_rooms(struct core *core, struct session *session, struct listing *listing) {
    const struct admission *admission;
    listing->numbers = listing_reserve(core, session, listing, session->user->n_admissions,
                                       sizeof *listing->numbers);
    if (!listing->numbers)
        return false;
    DL_FOREACH2(session->user->admissions, admission, next_of_user) {
        listing->numbers[listing->end++] = admission->room->number;
    }
    listing_go_to_room(listing, core->rooms);
    return true;
}

static bool begin_offers(struct core *core, struct session *session, struct listing *listing) {
    listing->keys =
        listing_reserve(core, session, listing, offer_count(session), sizeof *listing->keys);
    if (listing->keys)
        listing->end = (uint32_t)offer_keys(session, listing->keys);
    return listing->keys != NULL;
}

/* False: it has been refused. */
static bool listing_begin(struct core *core, struct session *session, struct listing *listing) {
    listing->is_begun = true;
    listing->before = core->n_born;
    switch (listing->what) {
    case LIST_USERS:
        if (listing->room)
            return begin_members(core, session, listing);
        listing_go_to_handle(listing, core->handles_by_number);
        return true;
    case LIST_HANDLES:
        listing_go_to_handle(listing, core->handles_by_number);
        return true;
    case LIST_ROOMS:
        return begin_rooms(core, session, listing);
    case LIST_OFFERS:
        return begin_offers(core, session, listing);
    case LIST_CLAIMS:
        listing->end = core->claims.n;
        listing_go_to_claim(listing, claim_first(core));
        return true;
    case LIST_OBJECTS:
        listing->end = core->n_slots;
        return true;
    case LIST_ACCOUNTS:
        listing->user = core->users;
        return true;
    case LIST_ACCOUNT:
    case LIST_COUNTERS:
        listing->end = 1;
        return true;
    case LIST_ROOM:
    case LIST_LAID:
    case LIST_END:
        break;
    }
    return true;
}

/* Going on. */

/* One of them, and on to the next. */
static void list_handle(struct core *core, struct session *session, struct listing *listing) {
    const struct handle *handle = listing->handle;
    listing_go_to_handle(listing, handle->hh_number.next);
    if (listing->what == LIST_HANDLES ? !handle->is_unclaimed : handle->n_listening > 0)
        put_user(core, session, listing->request, handle, NULL);
}

static void list_member(struct core *core, struct session *session, struct listing *listing) {
    const struct membership *member = listing->member;
    listing_go_to_member(listing, member->next_of_room);
    put_user(core, session, listing->request, member->handle, member->room);
}

static void list_room(struct core *core, struct session *session, struct listing *listing) {
    const struct room *room = listing->at_room;
    listing_go_to_room(listing, room->hh.next);
    if (room->n_members > 0)
        put_room(core, session, listing->request, room);
}

static void list_user(struct core *core, struct session *session, struct listing *listing) {
    struct user *user = listing->user;
    listing->user = user->hh.next;
    order_tell_account(core, session, listing->request, user);
}

static void list_claim(struct core *core, struct session *session, struct listing *listing) {
    struct frame frame = claim_frame(listing->claim, listing->request, listing->place);
    listing->at++;
    listing_go_to_claim(listing, claim_next(listing->claim));
    session_answer(core, session, &frame);
}

static void list_private_room(struct core *core, struct session *session, uint32_t request,
                              uint32_t number) {
    const struct room *room = room_of_number(core, number);
    if (room && admission_find(session->user, room))
        put_room(core, session, request, room);
}

static void list_mailbox(struct core *core, struct session *session, uint32_t request,
                         const struct session *other) {
    if (!other || other->dead)
        return;
    struct object object = {OBJECT_MAILBOX, other->seat->msqid, other->user->uid, other->pid};
    put_object(core, session, request, &object, name_bytes(&other->handle->name));
}

/* By number. */
static void list_at(struct core *core, struct session *session, struct listing *listing) {
    uint32_t request = listing->request, at = listing->at++;
    switch (listing->what) {
    case LIST_ROOMS:
        list_private_room(core, session, request, listing->numbers[at]);
        break;
    case LIST_OFFERS:
        offer_tell(core, session, request, &listing->keys[at]);
        break;
    case LIST_OBJECTS:
        list_mailbox(core, session, request, core->slots[at]);
        break;
    case LIST_COUNTERS:
        list_counters(core, session, request);
        break;
    case LIST_END:
        past_put_count(core, session, request, listing->counted_handle, &listing->counts[at]);
        break;
    case LIST_ACCOUNT:
        order_tell_account(core, session, request, session->user);
        break;
    default:
        break;
    }
}

/* False: that was all. */
static bool list_next(struct core *core, struct session *session, struct listing *listing) {
    if (listing->n_told < listing->n_objects)
        put_object(core, session, listing->request, &listing->objects[listing->n_told++],
                   (struct bytes){0});
    else if (listing->handle)
        list_handle(core, session, listing);
    else if (listing->member)
        list_member(core, session, listing);
    else if (listing->at_room)
        list_room(core, session, listing);
    else if (listing->user)
        list_user(core, session, listing);
    else if (listing->claim)
        list_claim(core, session, listing);
    else if (listing->at < listing->end && listing->what != LIST_CLAIMS)
        list_at(core, session, listing);
    else
        return false;
    return true;
}

static void listing_free(struct session *session, struct listing *listing) {
    account_give_back(&session->user->account, ACCOUNT_MEMORY, listing->n_bytes);
    listing_visit(listing, NULL);
    DL_DELETE(session->listings, listing);
    session->n_listings--;
    free(listing->keys);
    free(listing->counts);
    free(listing->numbers);
    free(listing->objects);
    free(listing);
}

/* Looking at thousands at once costs something, too. */
static void listing_start(struct core *core, struct session *session, struct listing *listing) {
    bool is_wanted = listing_begin(core, session, listing);
    core_spend_slice(core, listing->keys ? listing->end / 4 : 1);
    if (!is_wanted)
        listing_free(session, listing);
}

void listing_step(struct core *core, struct session *session) {
    while (session->listings && core->slice > 0 && session->outbox.n_chunks < LIST_UPTO) {
        struct listing *listing = session->listings;
        if (!listing->is_begun) {
            listing_start(core, session, listing);
            continue;
        }
        core_spend_slice(core, 4);
        if (list_next(core, session, listing))
            continue;
        session_done(core, session, listing->request);
        listing_free(session, listing);
    }
}

void listing_drop_all(struct session *session) {
    while (session->listings)
        listing_free(session, session->listings);
    objects_drop(session);
}

/* Asking. */

static bool find_listed_room(struct core *core, struct session *session, struct listing *listing,
                             struct bytes of) {
    struct name name, key;
    struct room *room = NULL;
    if (name_parse(&name, of) == NAME_OK && name_is_room(&name)) {
        name_key(&key, &name);
        room = room_find_for(core, session->user, &key);
    }
    if (room && room->n_members > 0 &&
        core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED) {
        listing->room = room->number;
        return true;
    }
    char reason[256] = ROOM_NOT_THERE;
    bool is_banned = room && core_permission(core, session, room, ACT_READ) == PERMISSION_REFUSED &&
                     room_order_holds(core, room, session->user, LAID_BAN, reason);
    session_fail(core, session, listing->request, is_banned ? FAIL_NOT_PERMITTED : FAIL_NO_ROOM,
                 reason);
    return false;
}

static void listing_enqueue(struct core *core, struct session *session, struct listing *listing) {
    DL_APPEND(session->listings, listing);
    session->n_listings++;
    session_touch(core, session);
}

static void listing_add(struct core *core, struct session *session, const struct listing *wanted) {
    char reason[256];
    struct listing *listing = NULL;
    if (session->n_listings >= LISTS_PER_SESSION_MAX) {
        snprintf(reason, sizeof reason,
                 "%u lists wait to be read, as many as one program may have; read them first",
                 session->n_listings);
        session_fail(core, session, wanted->request, FAIL_BUSY, reason);
        return;
    }
    struct listing charged = *wanted;
    listing = listing_reserve(core, session, &charged, 1, sizeof *listing);
    if (!listing)
        return;
    *listing = charged;
    if (wanted->what == LIST_OBJECTS) {
        listing->objects = session->objects;
        listing->n_objects = session->n_objects;
        listing->n_bytes += session->objects_size * sizeof *session->objects;
        session->objects = NULL;
        session->n_objects = session->objects_size = 0;
    }
    listing_enqueue(core, session, listing);
}

void list_counts(struct core *core, struct session *session, const struct ask *ask,
                 struct ask_count *counts) {
    struct account *account = &session->user->account;
    struct listing charged = {.what = LIST_END, .request = ask->request};
    size_t n_bytes = ask->n_counts * sizeof *counts;
    char reason[256];
    if (account_left(account, ACCOUNT_MEMORY) < n_bytes + sizeof charged) {
        account_refuse(account, ACCOUNT_MEMORY, reason);
        session_fail(core, session, ask->request, FAIL_LIMIT, reason);
        free(counts);
        return;
    }
    struct listing *listing = listing_reserve(core, session, &charged, 1, sizeof *listing);
    if (!listing) {
        free(counts);
        return;
    }
    *listing = charged;
    account_spend(account, ACCOUNT_MEMORY, n_bytes);
    listing->n_bytes += n_bytes;
    listing->counts = counts;
    listing->end = (uint32_t)ask->n_counts;
    listing->counted_handle = ask->handle;
    listing_enqueue(core, session, listing);
}

void list_answer(struct core *core, struct session *session, const struct frame *frame) {
    struct listing listing = {.what = (enum list_what)frame->list.what,
                              .request = frame->list.request};
    bool is_of_room = listing.what == LIST_USERS && frame->list.of.n > 0;
    char reason[256];
    if (listing.what == LIST_ROOM) {
        room_tell_about(core, session, listing.request, frame->list.of);
    } else if (listing.what == LIST_LAID) {
        room_tell_laid(core, session, listing.request, frame->list.of);
    } else if (listing.what == LIST_ACCOUNTS && !session_is_administrator(core, session)) {
        session_fail(core, session, listing.request, FAIL_NOT_PERMITTED,
                     "only root, the hub's owner and the members of its --admin-group may see the "
                     "accounts of others");
    } else if (session->lacks_objects) {
        account_reason(&session->user->account, ACCOUNT_MEMORY, reason);
        session_fail(core, session, listing.request, FAIL_LIMIT, reason);
    } else if (!is_of_room || find_listed_room(core, session, &listing, frame->list.of)) {
        listing_add(core, session, &listing);
    }
    session->lacks_objects = false;
    objects_drop(session); /* those of a request that was refused */
}
