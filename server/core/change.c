/*
 * What has changed and is not stored as it is. Each object has one mark at most, however often it
 * changes: a handle, a room, a membership, a conversation that a handle forgot. When a commit is
 * taken the object is written as it is then; one that is again as the store has it (made and left
 * between two commits) is not written at all. So what a user changes again and again costs a row,
 * and the marks are as many as the objects.
 *
 * A mark is queued with the user who set it, who is charged for it; a commit takes a bounded number
 * of them, from each user in turn. A message must not be stored before the rows that it needs, so
 * the marks of these are urgent: the next commit takes all of them.
 *
 *   queued  it is to be written with the next commit that has room for it;
 *   taken   it is in the commit under way. If it changes meanwhile it is queued again, too.
 *
 * What a full disk could not take is queued again. A user may have only so much of that before he
 * can change nothing more (persist_may_change()), and he is not read later for it.
 *
 * Who asked for a change waits for all marks that this set: DONE says that it is stored, FAIL with
 * FAIL_NOT_STORED that it holds, but only until the hub ends; it is tried again nevertheless.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/past/pin.h"

#define DIRTY_BYTES 384 /* what is charged: with the names, and the row that is made of it */

struct waiter {
    struct user *user;
    uint64_t session;
    uint32_t request;
    unsigned n_left; /* marks that it waits for */
    bool is_answered;
    uint64_t first, last; /* of messages to all; 0: it waits for marks */
    struct waiter *next;  /* of persist->walls */
    struct change_wait {
        struct waiter *waiter;
        struct change_wait *next;
    } waits[PERSIST_TOUCHED_MAX];
};

_Static_assert(sizeof(struct dirty_key) == 16, "it is hashed with all its bytes");

struct dirty {
    struct dirty_key key;
    struct user *user; /* who is charged */
    uint64_t upto;     /* FORGET; PIN: the message */
    bool is_stored;    /* the store has a row of it, or may have one */
    bool is_queued, is_urgent, is_taken;
    bool is_unstored;   /* the store was given it, but could not take it */
    uint64_t needed_by; /* the latest message that must not be stored before it */
    bool removes;       /* taken: its row is to be removed */
    struct change_wait *waits, *waits_taken; /* for the next commit, for the one under way */
    struct dirty *next, *prev;               /* of user->dirties or persist->urgent */
    UT_hash_handle hh;
};

static void storing_charge(struct core *core, struct user *user, size_t n) {
    persist_charge(core, user, n);
    persist_note_storing(core, user);
}

static void storing_give_back(struct core *core, struct user *user, size_t n) {
    account_give_back(&user->account, ACCOUNT_STORING, n);
    core->persist.uncommitted -= n;
}

/* Who waits. */

static void waiter_free(struct core *core, struct waiter *waiter) {
    storing_give_back(core, waiter->user, sizeof *waiter);
    free(waiter);
}

static void waiter_answer(struct core *core, struct waiter *waiter, const char *reason) {
    struct session *session = core_session(core, waiter->session);
    waiter->is_answered = true;
    if (session && reason)
        session_fail(core, session, waiter->request, FAIL_NOT_STORED, reason);
    else if (session)
        session_done(core, session, waiter->request);
}

static struct waiter *waiter_new(struct core *core, struct session *session, uint32_t request) {
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter) { /* the change holds, but DONE cannot be said */
        session_break(core, session);
        return NULL;
    }
    waiter->user = session->user;
    waiter->session = session->number;
    waiter->request = request;
    storing_charge(core, waiter->user, sizeof *waiter);
    return waiter;
}

/* The sentence for whoever changed something. NULL: it is stored. */
static const char *only_for_now_reason(const char *trouble, char reason[256]) {
    if (!trouble)
        return NULL;
    snprintf(reason, 256, "%s: this holds for now, but is not stored; the hub will try again",
             trouble);
    return reason;
}

/* Those that wait longest come first; in a list they come last. */
static struct change_wait *waits_in_order(struct change_wait *waits) {
    struct change_wait *ordered = NULL;
    while (waits) {
        struct change_wait *wait = waits;
        waits = wait->next;
        LL_PREPEND(ordered, wait);
    }
    return ordered;
}

/* What all of these waited for is stored, or not. */
static void waits_end(struct core *core, struct change_wait *waits, const char *trouble) {
    char text[256];
    const char *reason = only_for_now_reason(trouble, text);
    waits = waits_in_order(waits);
    while (waits) {
        struct waiter *waiter = waits->waiter;
        waits = waits->next;
        waiter->n_left--;
        if (!waiter->is_answered && (reason || waiter->n_left == 0))
            waiter_answer(core, waiter, reason);
        if (waiter->n_left == 0)
            waiter_free(core, waiter);
    }
}

/* Queues. */

static void dirty_dequeue(struct core *core, struct dirty *dirty) {
    struct user *user = dirty->user;
    if (!dirty->is_queued)
        return;
    dirty->is_queued = false;
    if (dirty->is_urgent) {
        DL_DELETE(core->persist.urgent, dirty);
        return;
    }
    DL_DELETE(user->dirties, dirty);
    if (!user->dirties)
        DL_DELETE2(core->persist.dirty_users, user, prev_dirty, next_dirty);
}

static void dirty_queue(struct core *core, struct dirty *dirty) {
    struct user *user = dirty->user;
    if (dirty->is_queued)
        return;
    dirty->is_queued = true;
    dirty->is_urgent = false;
    if (!user->dirties)
        DL_APPEND2(core->persist.dirty_users, user, prev_dirty, next_dirty);
    DL_APPEND(user->dirties, dirty);
}

static void dirty_queue_urgent(struct core *core, struct dirty *dirty) {
    if (dirty->is_queued && dirty->is_urgent)
        return;
    dirty_dequeue(core, dirty);
    dirty->is_queued = dirty->is_urgent = true;
    DL_APPEND(core->persist.urgent, dirty);
}

/* Marks. */

static struct dirty **dirty_place(struct core *core, const struct dirty *dirty) {
    struct room *room;
    struct handle *handle;
    if (dirty->key.what == CHANGE_ROOM && (room = room_of_number(core, (uint32_t)dirty->key.place)))
        return &room->dirty;
    if (dirty->key.what == CHANGE_HANDLE && (handle = handle_of_number(core, dirty->key.handle)))
        return &handle->dirty;
    return NULL;
}

static struct dirty *dirty_find(struct core *core, const struct dirty_key *key) {
    struct dirty *dirty;
    HASH_FIND(hh, core->persist.dirties, key, sizeof *key, dirty);
    return dirty;
}

static struct dirty *dirty_new(struct core *core, struct user *user, const struct dirty_key *key,
                               bool is_stored) {
    struct dirty *dirty = calloc(1, sizeof *dirty);
    if (!dirty)
        return NULL;
    dirty->key = *key;
    dirty->user = user;
    dirty->is_stored = is_stored;
    HASH_ADD(hh, core->persist.dirties, key, sizeof dirty->key, dirty);
    if (!dirty->hh.tbl) {
        free(dirty);
        return NULL;
    }
    storing_charge(core, user, DIRTY_BYTES);
    return dirty;
}

static void dirty_set_unstored(struct dirty *dirty, bool is_unstored) {
    if (is_unstored && !dirty->is_unstored)
        dirty->user->unstored += DIRTY_BYTES;
    else if (!is_unstored && dirty->is_unstored)
        dirty->user->unstored -= DIRTY_BYTES;
    dirty->is_unstored = is_unstored;
}

static void touched_drop(struct persist *persist, const struct dirty *dirty) {
    unsigned n = 0;
    for (unsigned i = 0; i < persist->n_touched; i++)
        if (persist->touched[i] != dirty)
            persist->touched[n++] = persist->touched[i];
    persist->n_touched = n;
}

/* Frees the mark, and its room, if that was only there because of the mark. */
static void dirty_free(struct core *core, struct dirty *dirty) {
    struct dirty **place = dirty_place(core, dirty);
    struct room *room = dirty->key.what == CHANGE_ROOM && place
                            ? room_of_number(core, (uint32_t)dirty->key.place)
                            : NULL;
    dirty_dequeue(core, dirty);
    touched_drop(&core->persist, dirty);
    HASH_DELETE(hh, core->persist.dirties, dirty);
    if (place)
        *place = NULL;
    dirty_set_unstored(dirty, false);
    storing_give_back(core, dirty->user, DIRTY_BYTES);
    free(dirty);
    if (room)
        room_settle(core, room);
}

static void request_touch(struct core *core, struct dirty *dirty) {
    struct persist *persist = &core->persist;
    if (!persist->in_request)
        return;
    touched_drop(persist, dirty);
    assert(persist->n_touched < PERSIST_TOUCHED_MAX);
    persist->touched[persist->n_touched++] = dirty;
}

/* is_stored: whether there is a row of it, if it was not marked before. NULL: memory is out. */
static struct dirty *dirty_mark(struct core *core, struct user *user, const struct dirty_key *key,
                                bool is_stored) {
    struct dirty *dirty = dirty_find(core, key);
    if (!dirty)
        dirty = dirty_new(core, user, key, is_stored);
    if (!dirty)
        return NULL;
    struct dirty **place = dirty_place(core, dirty);
    if (place)
        *place = dirty;
    dirty_queue(core, dirty);
    request_touch(core, dirty);
    return dirty;
}

/* There is nothing to be written, and nothing to be removed. */
static void dirty_drop(struct core *core, struct dirty *dirty) {
    if (dirty->is_taken || dirty->is_stored)
        return;
    struct change_wait *waits = dirty->waits;
    dirty->waits = NULL;
    dirty_free(core, dirty);
    waits_end(core, waits, NULL);
}

/* What is marked. */

bool persist_handle_by(struct core *core, struct user *user, const struct handle *handle) {
    struct dirty_key key = {.what = CHANGE_HANDLE, .handle = handle->number};
    return !core->config.durable || dirty_mark(core, user, &key, false);
}

bool persist_handle(struct core *core, const struct handle *handle) {
    return persist_handle_by(core, handle->user, handle);
}

bool persist_room(struct core *core, struct user *user, struct room *room) {
    struct dirty_key key = {.what = CHANGE_ROOM, .place = room->number};
    if (!core->config.durable || (!room->dirty && !room_is_kept(room)))
        return true;
    return dirty_mark(core, user, &key, false) != NULL;
}

bool persist_room_first(struct core *core, struct user *user, struct room *room) {
    if (!persist_room(core, user, room))
        return false;
    if (room->dirty && room->dirty->is_queued)
        dirty_queue_urgent(core, room->dirty);
    return true;
}

bool persist_no_room(struct core *core, struct user *user, uint32_t number) {
    struct dirty_key key = {.what = CHANGE_ROOM, .place = number};
    if (!core->config.durable)
        return true;
    struct dirty *dirty = dirty_mark(core, user, &key, true);
    if (dirty)
        dirty_drop(core, dirty);
    return dirty != NULL;
}

bool persist_member(struct core *core, const struct membership *membership) {
    struct dirty_key key = {.what = CHANGE_MEMBER,
                            .handle = membership->handle->number,
                            .place = membership->room->number};
    if (!core->config.durable)
        return true;
    struct dirty *dirty = dirty_mark(core, membership->handle->user, &key, !membership->joined);
    if (dirty && !membership->joined)
        dirty_drop(core, dirty);
    return dirty != NULL;
}

bool persist_member_first(struct core *core, struct user *by, const struct membership *membership) {
    struct dirty_key key = {.what = CHANGE_MEMBER,
                            .handle = membership->handle->number,
                            .place = membership->room->number};
    struct dirty *dirty = core->config.durable ? dirty_mark(core, by, &key, false) : NULL;
    if (dirty)
        dirty_queue_urgent(core, dirty);
    return !core->config.durable || dirty;
}

/* A row too many to be removed is harmless. */
bool persist_sanction(struct core *core, struct user *by, const struct user *user,
                      enum sanction_what what) {
    struct dirty_key key = {.what = CHANGE_SANCTION, .handle = user->uid, .place = what};
    return !core->config.durable || dirty_mark(core, by, &key, true);
}

bool persist_room_order(struct core *core, struct user *by, const struct room *room,
                        const struct room_order_key *key) {
    struct dirty_key dirty_key = {.what = CHANGE_ROOM_ORDER,
                                  .handle = key->uid,
                                  .place = (int64_t)room->number | (int64_t)key->what
                                                                       << DIRTY_PLACE_BITS};
    return !core->config.durable || dirty_mark(core, by, &dirty_key, true);
}

static struct dirty_key admission_key(const struct admission *admission) {
    return (struct dirty_key){.what = CHANGE_ADMISSION,
                              .handle = admission->handle->number,
                              .place = admission->room->number};
}

bool persist_admission(struct core *core, struct user *user, const struct admission *admission,
                       bool is_new) {
    struct dirty_key key = admission_key(admission);
    struct dirty *dirty = core->config.durable ? dirty_mark(core, user, &key, !is_new) : NULL;
    if (dirty && is_new) /* before the message that tells of it */
        dirty_queue_urgent(core, dirty);
    return !core->config.durable || dirty;
}

bool persist_no_admission(struct core *core, const struct admission *admission) {
    struct dirty_key key = admission_key(admission);
    if (!core->config.durable)
        return true;
    struct dirty *dirty = dirty_mark(core, admission->payer, &key, true);
    if (dirty)
        dirty_drop(core, dirty);
    return dirty != NULL;
}

bool persist_forget(struct core *core, const struct handle *handle, conv_number conv) {
    struct dirty_key key = {.what = CHANGE_FORGET, .handle = handle->number, .place = conv};
    if (!core->config.durable)
        return true;
    struct dirty *dirty = dirty_mark(core, handle->user, &key, true);
    if (dirty)
        dirty->upto = core->seq;
    return dirty != NULL;
}

/* A row too many to be removed is harmless. */
bool persist_pin(struct core *core, struct user *by, uint32_t whose, uint64_t seq) {
    struct dirty_key key = {.what = CHANGE_PIN, .handle = whose, .place = (int64_t)seq};
    struct dirty *dirty = core->config.durable ? dirty_mark(core, by, &key, true) : NULL;
    if (dirty)
        dirty->upto = seq;
    return !core->config.durable || dirty;
}

void persist_await_handle(struct core *core, const struct handle *handle) {
    if (handle->dirty)
        request_touch(core, handle->dirty);
}

void persist_await_member(struct core *core, const struct membership *membership) {
    struct dirty_key key = {.what = CHANGE_MEMBER,
                            .handle = membership->handle->number,
                            .place = membership->room->number};
    struct dirty *dirty = core->persist.dirties ? dirty_find(core, &key) : NULL;
    if (dirty)
        request_touch(core, dirty);
}

/* By the message that gets the next number. If the commit under way has it, that may fail. */
static void dirty_need(struct core *core, struct dirty *dirty) {
    dirty->needed_by = core->seq + 1;
    if (dirty->is_queued && (!dirty->is_stored || dirty->is_unstored))
        dirty_queue_urgent(core, dirty);
}

static void need_handle(struct core *core, const struct handle *handle) {
    if (handle->dirty)
        dirty_need(core, handle->dirty);
}

/* The first message makes the room worth a row; it is in there when the commit is taken. */
static bool need_room(struct core *core, struct user *user, struct room *room) {
    struct dirty_key key = {.what = CHANGE_ROOM, .place = room->number};
    if (!room->dirty && !room_is_kept(room) && !dirty_mark(core, user, &key, false))
        return false;
    if (room->dirty)
        dirty_need(core, room->dirty);
    if (room->dirty && (room->dirty->is_queued || room->dirty->removes))
        dirty_queue_urgent(core, room->dirty);
    return true;
}

bool persist_needs(struct core *core, const struct session *session, const struct target *target) {
    if (!core->config.durable)
        return true;
    need_handle(core, session->handle);
    if (target->handle)
        need_handle(core, target->handle);
    return !target->room || need_room(core, session->user, target->room);
}

/* Answering. */

void persist_begin(struct core *core) {
    core->persist.in_request = true;
    core->persist.n_touched = 0;
}

void persist_end(struct core *core) {
    core->persist.in_request = false;
}

static void waiter_await(struct waiter *waiter, struct dirty *dirty) {
    struct change_wait *wait = &waiter->waits[waiter->n_left++];
    struct change_wait **list = dirty->is_queued ? &dirty->waits : &dirty->waits_taken;
    wait->waiter = waiter;
    LL_PREPEND(*list, wait);
}

void persist_answer(struct core *core, struct session *session, uint32_t request) {
    struct persist *persist = &core->persist;
    if (persist->n_touched == 0) {
        session_done(core, session, request);
        return;
    }
    struct waiter *waiter = waiter_new(core, session, request);
    for (unsigned i = 0; waiter && i < persist->n_touched; i++)
        waiter_await(waiter, persist->touched[i]);
    persist->n_touched = 0;
}

void persist_finish(struct core *core, struct session *session, uint32_t request,
                    enum fail_code code, const char *reason) {
    if (code == FAIL_NONE)
        persist_answer(core, session, request);
    else
        session_fail(core, session, request, code, reason);
}

void persist_answer_after(struct core *core, struct session *session, uint32_t request,
                          uint64_t before) {
    if (!core->config.durable || before == core->seq) {
        session_done(core, session, request);
        return;
    }
    struct waiter *waiter = waiter_new(core, session, request);
    if (!waiter)
        return;
    waiter->first = before + 1;
    waiter->last = core->seq;
    LL_APPEND(core->persist.walls, waiter);
}

void changes_answer_walls(struct core *core, const char *reason) {
    struct persist *persist = &core->persist;
    struct waiter *waiter, *next;
    LL_FOREACH_SAFE(persist->walls, waiter, next) {
        bool is_over = waiter->last <= persist->committed;
        if (waiter->first > persist->committed || (!is_over && !reason))
            continue;
        LL_DELETE(persist->walls, waiter);
        waiter_answer(core, waiter, reason);
        waiter_free(core, waiter);
    }
}

/* Taking. */

static struct change *row_add(struct changes *rows, struct dirty *dirty) {
    if (rows->n == rows->size) {
        size_t size = rows->size ? 2 * rows->size : 16;
        struct change *list = realloc(rows->list, size * sizeof *list);
        if (!list)
            return NULL;
        rows->list = list;
        rows->size = size;
    }
    rows->list[rows->n] = (struct change){.dirty = dirty};
    return &rows->list[rows->n++];
}

static bool dirty_take(struct core *core, struct changes *rows, struct dirty *dirty) {
    struct change *row = row_add(rows, dirty);
    if (!row)
        return false;
    if (!row_fill(core, &dirty->key, dirty->upto, row)) {
        rows->n--;
        return false;
    }
    dirty_dequeue(core, dirty);
    dirty->is_taken = dirty->is_stored = true;
    dirty->removes = row->what == CHANGE_NO_ROOM || row->what == CHANGE_NO_MEMBER ||
                     row->what == CHANGE_NO_SANCTION || row->what == CHANGE_NO_ADMISSION ||
                     row->what == CHANGE_NO_ROOM_ORDER || row->what == CHANGE_NO_PIN;
    dirty->waits_taken = dirty->waits;
    dirty->waits = NULL;
    return true;
}

static bool take_if_queued(struct core *core, struct changes *rows, struct dirty *dirty) {
    return !dirty || !dirty->is_queued || dirty_take(core, rows, dirty);
}

/* Before it the rows that it names. */
static bool dirty_take_with(struct core *core, struct changes *rows, struct dirty *dirty) {
    const struct dirty_key key = dirty->key;
    bool is_of_handle = key.handle && key.what != CHANGE_SANCTION && key.what != CHANGE_ROOM_ORDER;
    const struct handle *handle = is_of_handle ? handle_of_number(core, key.handle) : NULL;
    const struct room *room =
        key.what == CHANGE_MEMBER || key.what == CHANGE_ADMISSION || key.what == CHANGE_ROOM_ORDER
            ? room_of_number(core, (uint32_t)key.place)
            : NULL;
    return (!handle || take_if_queued(core, rows, handle->dirty)) &&
           (!room || take_if_queued(core, rows, room->dirty)) && take_if_queued(core, rows, dirty);
}

static bool take_urgent(struct core *core, struct changes *rows) {
    while (core->persist.urgent)
        if (!dirty_take(core, rows, core->persist.urgent))
            return false;
    return true;
}

/* A conversation is forgotten in the store after all of its messages up to then are there, and a
 * message is pinned after it is there itself. */
static bool dirty_is_due(const struct dirty *dirty, uint64_t upto) {
    bool waits = dirty->key.what == CHANGE_FORGET || dirty->key.what == CHANGE_PIN;
    return !waits || dirty->upto <= upto;
}

/* The next one of the user whose turn it is. */
static bool take_next(struct core *core, struct changes *rows, uint64_t upto) {
    struct persist *persist = &core->persist;
    struct user *user = persist->dirty_users;
    struct dirty *dirty = user->dirties;
    DL_DELETE2(persist->dirty_users, user, prev_dirty, next_dirty);
    DL_APPEND2(persist->dirty_users, user, prev_dirty, next_dirty);
    if (dirty_is_due(dirty, upto))
        return dirty_take_with(core, rows, dirty);
    DL_DELETE(user->dirties, dirty);
    DL_APPEND(user->dirties, dirty);
    return true;
}

/* They are of no use to anybody but with the messages, so nobody waits for them. */
static bool take_positions(struct core *core, struct changes *rows) {
    struct persist *persist = &core->persist;
    for (unsigned n = 0; persist->moved && n < COMMIT_POSITIONS_MAX; n++) {
        struct handle *handle = persist->moved;
        struct change *row = handle->dirty ? NULL : row_add(rows, NULL);
        if (!row && !handle->dirty)
            return false;
        if (row)
            row_of_handle(row, handle);
        DL_DELETE2(persist->moved, handle, prev_moved, next_moved);
        handle->is_moved = false;
    }
    return true;
}

/* The same, of marks. */
static bool take_marks(struct core *core, struct changes *rows) {
    struct persist *persist = &core->persist;
    for (unsigned n = 0; persist->moved_marks && n < COMMIT_POSITIONS_MAX; n++) {
        struct read_mark *mark = persist->moved_marks;
        struct change *row = row_add(rows, NULL);
        if (!row)
            return false;
        row->what = CHANGE_MARK;
        row->handle = mark->owner->number;
        row->conv = mark->key.conv;
        row->seq = mark->seq;
        unread_taken(core, mark);
    }
    return true;
}

bool changes_take(struct core *core, struct changes *rows, uint64_t upto) {
    struct persist *persist = &core->persist;
    if (!take_urgent(core, rows))
        return false;
    size_t n_max = rows->n + COMMIT_CHANGES_MAX;
    for (size_t n = 0; persist->dirty_users && n < COMMIT_CHANGES_MAX; n++)
        if (rows->n >= n_max || !take_next(core, rows, upto))
            break;
    (void)(take_positions(core, rows) && take_marks(core, rows));
    persist->flush_positions = persist->moved || persist->moved_marks;
    core->positions_due.ns = 0;
    return true;
}

/* Taken. */

static void dirty_stored(struct core *core, struct dirty *dirty) {
    struct change_wait *waits = dirty->waits_taken;
    dirty->waits_taken = NULL;
    dirty->is_taken = false;
    dirty->is_stored = !dirty->removes;
    dirty->removes = false;
    dirty_set_unstored(dirty, false);
    if (!dirty->is_queued)
        dirty_free(core, dirty);
    waits_end(core, waits, NULL);
}

/*
 * It has its turn again after all others; at once if a message needs it that came after the commit
 * was taken. So what a full disk cannot take keeps nobody else from being tried, and told.
 */
static void dirty_not_stored(struct core *core, struct dirty *dirty, const char *trouble) {
    struct change_wait *waits = dirty->waits_taken;
    dirty->waits_taken = NULL;
    dirty->is_taken = dirty->removes = false;
    dirty_set_unstored(dirty, true);
    if (dirty->needed_by > core->persist.committed)
        dirty_queue_urgent(core, dirty);
    else
        dirty_queue(core, dirty);
    waits_end(core, waits, trouble);
}

/* Not before that: whoever comes again after a restart of the hub asks for the name it was told. */
static void tell_stored_name(struct core *core, const struct change *row) {
    struct handle *handle = row->what == CHANGE_HANDLE ? handle_of_number(core, row->handle) : NULL;
    if (handle && handle->is_named && name_is_same(&row->name, &handle->name))
        handle_tell_name(core, handle);
}

void changes_committed(struct core *core, struct changes *rows, const char *trouble) {
    for (size_t i = 0; i < rows->n; i++) {
        const struct change *row = &rows->list[i];
        if (row->dirty && !trouble)
            dirty_stored(core, row->dirty);
        else if (row->dirty)
            dirty_not_stored(core, row->dirty, trouble);
        else if (trouble && row->what == CHANGE_MARK)
            unread_not_stored(core, row->handle, row->conv, row->seq);
        else if (trouble)
            persist_position(core, handle_of_number(core, row->handle));
        if (!trouble)
            tell_stored_name(core, row);
    }
    changes_deinit(rows);
}

void changes_deinit(struct changes *rows) {
    for (size_t i = 0; i < rows->n; i++)
        free(rows->list[i].topic);
    free(rows->list);
    *rows = (struct changes){0};
}

void changes_give_up(struct core *core) {
    struct persist *persist = &core->persist;
    struct dirty *dirty, *next;
    HASH_ITER(hh, persist->dirties, dirty, next) {
        waits_end(core, dirty->waits, NULL);
        waits_end(core, dirty->waits_taken, NULL);
        dirty->waits = dirty->waits_taken = NULL;
        dirty_free(core, dirty);
    }
    while (persist->walls) {
        struct waiter *waiter = persist->walls;
        LL_DELETE(persist->walls, waiter);
        waiter_free(core, waiter);
    }
}

size_t changes_waiting(const struct core *core) {
    return HASH_COUNT(core->persist.dirties);
}
