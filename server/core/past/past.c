/*
 * Questions about the past: HISTORY, FIND, SEARCH, FORGET, and what a session that lags is fed
 * with. Everybody may read an open room, as everybody may join it; a private one is for who is in
 * it, from his invitation on; a direct conversation is for its two handles.
 *
 * Questions wait at their user, in the order in which they came; whoever reads takes one of each
 * user in turn, so that nobody waits for all that somebody else has asked. Sessions that are to be
 * fed wait in the same way, but apart: their questions are made when they are taken, so that a
 * thousand laggards cost a thousand pointers.
 */
#include "core/past/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mention.h"
#include "core/internal.h"
#include "core/past/pin.h"
#include "core/past/react.h"
#include "core/room/order.h"

void ask_free(struct ask *ask) {
    if (ask) {
        for (size_t i = 0; i < ask->page.n; i++)
            free((char *)ask->page.records[i].text.data);
        free(ask->page.records);
        free(ask->rooms);
        free(ask->counts);
        free(ask->pins);
        free(ask->words);
    }
    free(ask);
}

static struct ask *ask_new(const struct session *session, enum ask_what what, size_t n_rooms) {
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return NULL;
    *ask = (struct ask){.what = what,
                        .session = session->number,
                        .user = session->user,
                        .handle = session->handle->number};
    ask->rooms = calloc(n_rooms + 1, sizeof *ask->rooms);
    if (ask->rooms)
        return ask;
    free(ask);
    return NULL;
}

/* Questions. */

static bool ask_charge(struct ask *ask, char reason[256]) {
    struct account *account = &ask->user->account;
    enum account_kind kind = ACCOUNT_QUESTIONS;
    size_t n = PAGE_BYTES_MAX + ask->n_rooms * sizeof *ask->rooms + /* with the answer */
               ask->n_pins * sizeof *ask->pins;
    if (account_charge(account, kind, 1)) {
        kind = ACCOUNT_MEMORY;
        if (account_charge(account, kind, n)) {
            ask->n_charged = n;
            return true;
        }
        account_give_back(account, ACCOUNT_QUESTIONS, 1);
    }
    account_reason(account, kind, reason);
    return false;
}

static void ask_enqueue(struct core *core, struct session *session, struct ask *ask) {
    struct user *user = session->user;
    session->n_asks++;
    if (!user->asks)
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
    DL_APPEND(user->asks, ask);
}

void ask_put_back(struct core *core, struct ask *ask) {
    struct user *user = ask->user;
    if (!user->asks)
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
    DL_PREPEND(user->asks, ask);
}

static void ask_dequeue(struct core *core, struct ask *ask) {
    struct user *user = ask->user;
    DL_DELETE(user->asks, ask);
    DL_DELETE2(core->asking, user, prev_asking, next_asking);
    if (user->asks) /* behind everybody else */
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
}

static void ask_end(struct core *core, const struct ask *ask) {
    struct session *session = core_session(core, ask->session);
    account_give_back(&ask->user->account, ACCOUNT_QUESTIONS, 1);
    account_give_back(&ask->user->account, ACCOUNT_MEMORY, ask->n_charged);
    if (session)
        session->n_asks--;
}

static void ask_drop(struct core *core, struct ask *ask) {
    ask_dequeue(core, ask);
    ask_end(core, ask);
    ask_free(ask);
}

/* Feeding. */

void ask_feed(struct core *core, struct session *session) {
    struct user *user = session->user;
    session->is_asking = session->awaits_feed = true;
    if (!user->feeds)
        DL_APPEND2(core->feeding, user, prev_feeding, next_feeding);
    DL_APPEND2(user->feeds, session, prev_feed, next_feed);
}

static void feed_dequeue(struct core *core, struct session *session) {
    struct user *user = session->user;
    session->awaits_feed = false;
    DL_DELETE2(user->feeds, session, prev_feed, next_feed);
    DL_DELETE2(core->feeding, user, prev_feeding, next_feeding);
    if (user->feeds)
        DL_APPEND2(core->feeding, user, prev_feeding, next_feeding);
}

/* What the session is to get from the store, as it stands now; NULL when memory is out. */
static struct ask *ask_for_feed(const struct core *core, const struct session *session) {
    struct ask *ask = ask_new(session, ASK_FEED, session->n_listenings);
    if (!ask)
        return NULL;
    uint64_t before = session->feed_next - 1;
    ask->view = session->view;
    ask->stored = core->persist.committed;
    ask->direct = (session->abilities & ABILITY_LISTEN) != 0;
    ask->direct_after = session->direct_after > before ? session->direct_after : before;
    for (unsigned i = 0; i < session->n_listenings; i++) {
        const struct listening *listening = &session->listenings[i];
        ask->rooms[ask->n_rooms++] =
            (struct ask_room){conv_of_room(listening->room->number),
                              listening->after > before ? listening->after : before};
    }
    ask->limit = FEED_PAGE_MESSAGES;
    return ask;
}

static struct ask *take_feed(struct core *core) {
    struct session *session = core->feeding ? core->feeding->feeds : NULL;
    struct ask *ask = session ? ask_for_feed(core, session) : NULL;
    if (ask) /* NULL: memory is out; it stays in the queue */
        feed_dequeue(core, session);
    return ask;
}

/*
 * Taking. Turns are worth a time: whoever had more read for him than that is passed over as often
 * as he had it, as long as anybody else asks. So long searches of one user keep others waiting for
 * one of them, and not for one before each of their own.
 */

#define READING_TURN_NS (10 * NS_PER_MS)

void core_note_reading(struct core *core, struct user *user, int64_t ns) {
    int64_t idle_ns = core->now.ns - user->read_at.ns - ns;
    if (idle_ns > 0)
        user->reading_ns -= idle_ns < user->reading_ns ? idle_ns : user->reading_ns;
    user->reading_ns += ns > 0 ? ns : 0;
    user->read_at = core->now;
}

static struct user *next_asking(struct core *core) {
    struct user *user;
    while ((user = core->asking) && user->next_asking && user->reading_ns > READING_TURN_NS) {
        user->reading_ns -= READING_TURN_NS;
        DL_DELETE2(core->asking, user, prev_asking, next_asking);
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
    }
    return user;
}

struct ask *core_take_ask(struct core *core, bool feed) {
    if (feed)
        return take_feed(core);
    struct user *user = next_asking(core);
    struct ask *ask = user ? user->asks : NULL;
    if (ask)
        ask_dequeue(core, ask);
    return ask;
}

bool core_has_ask(const struct core *core, bool feed) {
    return feed ? core->feeding != NULL : core->asking != NULL;
}

bool core_ask_is_wanted(const struct core *core, const struct ask *ask) {
    const struct session *session = core_session((struct core *)core, ask->session);
    return session && (ask->what != ASK_FEED || ask->view == session->view);
}

/* Ends. */

void ask_drop_of(struct core *core, struct session *session) {
    struct ask *ask, *next;
    if (session->awaits_feed)
        feed_dequeue(core, session);
    if (session->n_asks == 0)
        return;
    DL_FOREACH_SAFE(session->user->asks, ask, next) {
        if (ask->session == session->number)
            ask_drop(core, ask);
    }
}

/* Asking. */

static size_t n_memberships(const struct handle *handle) {
    const struct membership *membership;
    size_t n = 0;
    DL_COUNT2(handle->memberships, membership, n, next_of_handle);
    return n;
}

static void ask_add_room(struct ask *ask, const struct room *room) {
    ask->rooms[ask->n_rooms++] =
        (struct ask_room){conv_of_room(room->number), room_past_after(ask->user, room)};
}

/* What the handle may see: one conversation, or its direct ones and the rooms it is in. */
static struct ask *ask_view(const struct core *core, const struct session *session,
                            enum ask_what what, conv_number conv) {
    const struct membership *membership;
    struct ask *ask = ask_new(session, what, n_memberships(session->handle) + 1);
    if (!ask)
        return NULL;
    ask->conv = conv;
    ask->direct = !conv_is_room(conv);
    if (conv_is_room(conv))
        ask_add_room(ask, room_of_number(core, (uint32_t)-conv));
    if (conv == 0) {
        DL_FOREACH2(session->handle->memberships, membership, next_of_handle) {
            if ((membership->joined || membership->n_listeners > 0) && membership_holds(membership))
                ask_add_room(ask, membership->room);
        }
    }
    return ask;
}

/* Names. */

static bool find_conv(struct core *core, struct session *session, uint32_t request,
                      struct bytes text, conv_number *conv) {
    struct target target;
    char reason[256];
    *conv = 0;
    if (text.n == 0)
        return true;
    enum fail_code code = target_find(core, session, text, &target);
    if (code == FAIL_NONE && target.room &&
        room_order_holds(core, target.room, session->user, LAID_BAN, reason)) {
        session_fail(core, session, request, FAIL_NOT_PERMITTED, reason);
        return false;
    }
    if (code == FAIL_NONE && target.room) {
        *conv = conv_of_room(target.room->number);
        return true;
    }
    if (code == FAIL_NONE) {
        *conv = conv_of_pair(session->handle->number, target.handle->number);
        return true;
    }
    target_reason(text, code, reason);
    session_fail(core, session, request, code, reason);
    return false;
}

/* Answering. */

/* Before what is pinned: by whom, and when. */
static bool put_pinned(struct core *core, struct session *session, const struct ask *ask,
                       uint64_t seq) {
    const struct ask_pin *pin = ask_pin_of(ask, seq);
    const struct handle *by = pin ? handle_of_number(core, pin->by) : NULL;
    return !pin || session_put(core, session,
                               &(struct frame){
                                   .type = FRAME_PINNED,
                                   .pinned = {.request = ask->request,
                                              .seq = seq,
                                              .by = by ? name_bytes(&by->name) : (struct bytes){0},
                                              .by_uid = by ? by->user->uid : 0,
                                              .at_ms = (uint64_t)pin->at_ms}});
}

static bool put_past(struct core *core, struct session *session, const struct ask *ask,
                     const struct record *record) {
    struct encoded encoded;
    struct names names;
    if (!names_of(core, session->user, record, &names) || !record_is_sendable(record))
        return true;
    if (ask->what == ASK_PINS && !put_pinned(core, session, ask, record->seq))
        return false;
    encode_past(core, record, &names, ask->request, session->abilities, &encoded);
    return session_append(core, session, &encoded);
}

/* The newest messages are asked for; in the page the oldest of them comes first. */
static bool is_backward(const struct ask *ask) {
    return ask->what == ASK_FIND || (ask->what == ASK_HISTORY && !ask->after);
}

/* What is told of a reaction, beside what is kept of it. */
#define PAGE_REACTION_FACTOR 4

/* How many make a page: from the end on that was asked for, so that the next page goes on there. */
static size_t page_of(const struct core *core, const struct ask *ask, const struct record *records,
                      size_t n) {
    size_t n_page = 0, n_bytes = 0;
    while (n_page < n && n_bytes < PAGE_BYTES_MAX) {
        n_page++;
        const struct record *record = &records[is_backward(ask) ? n - n_page : n_page - 1];
        n_bytes +=
            record->text.n + PAGE_RECORD_BYTES + PAGE_REACTION_FACTOR * react_text(core, record).n;
    }
    return n_page;
}

/* Who gets it; NULL when nobody waits for it, or there is none for this `reason`, which is told. */
static struct session *answer_begin(struct core *core, const struct ask *ask, const char *reason) {
    struct session *session = core_session(core, ask->session);
    ask_end(core, ask);
    if (!session)
        return NULL;
    run_close(core);
    if (reason)
        session_fail(core, session, ask->request, FAIL_STORE, reason);
    return reason ? NULL : session;
}

/* Beyond the outbox's bound: whoever asked waits for it. False for `is_whole`: a part had no place.
 */
static void answer_end(struct core *core, struct session *session, const struct ask *ask,
                       bool is_whole) {
    if (!is_whole)
        session_fail(core, session, ask->request, FAIL_LIMIT,
                     "the hub is out of memory; try again later");
    else if (!session_put(core, session,
                          &(struct frame){.type = FRAME_DONE, .done = {ask->request}}))
        session_break(core, session);
}

void core_answered(struct core *core, const struct ask *ask, const struct record *records, size_t n,
                   const char *reason) {
    struct session *session = answer_begin(core, ask, reason);
    if (!reason)
        pin_drop_gone(core, ask);
    if (!session)
        return;
    size_t n_page = page_of(core, ask, records, n);
    if (is_backward(ask))
        records += n - n_page;
    bool is_whole = true;
    for (size_t i = 0; is_whole && i < n_page; i++)
        is_whole = put_past(core, session, ask, &records[i]);
    answer_end(core, session, ask, is_whole);
}

/* False: the session may not ask more; the why is in `reason`. */
static bool may_ask(const struct session *session, struct ask *ask, char reason[256]) {
    if (session->n_asks >= ASKS_PER_SESSION_MAX)
        snprintf(reason, 256,
                 "%u questions about the past wait for an answer, as many as one program may have; "
                 "take the answers first",
                 session->n_asks);
    else if (session->outbox.n_chunks >= OUTBOX_CHUNKS_MAX)
        snprintf(reason, 256, "answers wait to be read; take them first");
    else
        return ask_charge(ask, reason);
    return false;
}

/* Takes over the ask. */
static void past_submit(struct core *core, struct session *session, uint32_t request,
                        struct ask *ask) {
    char reason[256] = "the hub is out of memory; try again later";
    if (!ask || !may_ask(session, ask, reason)) {
        session_fail(core, session, request, FAIL_BUSY, reason);
        ask_free(ask);
        return;
    }
    ask->request = request;
    ask_enqueue(core, session, ask);
}

void past_history(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_history *history = &frame->history;
    conv_number conv;
    if (!find_conv(core, session, history->request, history->conv, &conv))
        return;
    struct ask *ask = ask_view(core, session, ASK_HISTORY, conv);
    if (ask) {
        ask->before = history->before;
        ask->after = history->after;
        ask->limit = history->limit;
    }
    past_submit(core, session, history->request, ask);
}

bool ask_finds(const struct ask *ask, const struct record *record) {
    return !mend_is(record->kind) && !uuid_is_nil(&ask->id) &&
           (uuid_equal(&record->id, &ask->id) ||
            (ask->is_thread && uuid_equal(&record->thread, &ask->id)));
}

struct ask_pin *ask_pin_of(const struct ask *ask, uint64_t seq) {
    size_t first = 0, n = ask->n_pins;
    while (n > 0) { /* the newest come first */
        size_t half = n / 2;
        if (ask->pins[first + half].seq == seq)
            return &ask->pins[first + half];
        if (ask->pins[first + half].seq > seq) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return NULL;
}

/* Of the rooms that its pins are in those that may be read now, in their order. */
static void ask_add_rooms_of_pins(const struct core *core, const struct session *session,
                                  struct ask *ask) {
    size_t n = 0;
    for (size_t i = 0; i < ask->n_pins; i++)
        if (conv_is_room(ask->pins[i].conv))
            ask->rooms[n++] = (struct ask_room){.conv = ask->pins[i].conv};
    if (n > 0)
        qsort(ask->rooms, n, sizeof *ask->rooms, ask_compare_rooms);
    for (size_t i = 0; i < n; i++) {
        conv_number conv = ask->rooms[i].conv;
        bool is_new = ask->n_rooms == 0 || ask->rooms[ask->n_rooms - 1].conv != conv;
        const struct room *room = is_new ? room_of_number(core, (uint32_t)-conv) : NULL;
        if (room && room_is_alive(room) && !room->is_closed &&
            core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED)
            ask_add_room(ask, room);
    }
}

static struct ask *ask_for_pins(const struct core *core, const struct session *session,
                                uint32_t whose, conv_number conv) {
    struct ask_pin *pins;
    size_t n;
    if (pin_list(core, whose, conv, &pins, &n) < 0)
        return NULL;
    struct ask *ask = ask_new(session, ASK_PINS, n);
    if (!ask) {
        free(pins);
        return NULL;
    }
    ask->pins = pins;
    ask->n_pins = n;
    ask->pins_of = whose;
    ask->conv = conv;
    ask->direct = true;
    ask->stored = core->config.durable ? core->persist.committed : UINT64_MAX;
    ask_add_rooms_of_pins(core, session, ask);
    return ask;
}

/* Also of a room that has none only who may see it is told so. */
static void past_find_pins(struct core *core, struct session *session,
                           const struct frame_find *find, conv_number conv) {
    bool is_star = find->what == FIND_STARS;
    if (!is_star && conv == 0) {
        session_fail(core, session, find->request, FAIL_BAD_NAME,
                     "messages are pinned in a conversation: name one");
        return;
    }
    struct ask *ask = ask_for_pins(core, session, is_star ? session->handle->number : 0, conv);
    if (ask) {
        ask->before = find->before;
        ask->limit = find->limit;
    }
    past_submit(core, session, find->request, ask);
}

void past_find(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_find *find = &frame->find;
    conv_number conv;
    if (!find_conv(core, session, find->request, find->conv, &conv))
        return;
    if (find->what == FIND_PINS || find->what == FIND_STARS) {
        past_find_pins(core, session, find, conv);
        return;
    }
    struct ask *ask = ask_view(core, session, ASK_FIND, conv);
    if (ask) {
        ask->id = find->id;
        ask->is_thread = find->what == FIND_THREAD;
        ask->before = find->before;
        ask->limit = find->limit;
    }
    past_submit(core, session, find->request, ask);
}

void past_search(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_search *search = &frame->search;
    struct target from = {0};
    conv_number conv;
    char reason[256];
    if (!find_conv(core, session, search->request, search->conv, &conv))
        return;
    if (search->from.n > 0) {
        enum fail_code code = target_find(core, session, search->from, &from);
        if (code == FAIL_NONE && !from.handle)
            code = FAIL_NO_USER;
        if (code != FAIL_NONE) {
            target_reason(search->from, code, reason);
            session_fail(core, session, search->request, code, reason);
            return;
        }
    }
    struct ask *ask = ask_view(core, session, ASK_SEARCH, conv);
    if (ask) {
        ask->from = from.handle ? from.handle->number : 0;
        ask->before = search->before;
        ask->limit = search->limit;
        ask->words = strndup(search->words.data, search->words.n);
        if (!ask->words) {
            ask_free(ask);
            ask = NULL;
        }
    }
    past_submit(core, session, search->request, ask);
}

void past_forget(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->forget.request;
    conv_number conv;
    char reason[256];
    if (!find_conv(core, session, request, frame->forget.conv, &conv))
        return;
    if (conv_is_room(conv)) {
        session_fail(core, session, request, FAIL_NOT_PERMITTED,
                     "a room's log belongs to all its members; only a direct conversation can be "
                     "forgotten");
        return;
    }
    if (!persist_may_change(core, session->user, reason) ||
        !forget_make_place(core, session->handle, conv, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    if (!persist_forget(core, session->handle, conv)) {
        forget_drop_place(core, session->handle, conv);
        session_fail(core, session, request, FAIL_LIMIT,
                     "the hub is out of memory; try again later");
        return;
    }
    forget_now(core, session->handle, conv);
    persist_answer(core, session, request);
}

/* Unread. */

int ask_compare_rooms(const void *a, const void *b) {
    conv_number left = ((const struct ask_room *)a)->conv;
    conv_number right = ((const struct ask_room *)b)->conv;
    return left < right ? -1 : left > right;
}

const struct ask_room *ask_room_of(const struct ask *ask, conv_number conv) {
    struct ask_room room = {.conv = conv};
    return bsearch(&room, ask->rooms, ask->n_rooms, sizeof room, ask_compare_rooms);
}

static uint64_t greater_of(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The rooms of the handle, then its direct conversations that have marks, in the order of numbers.
 */
static void unread_fill(const struct core *core, const struct handle *handle, struct ask *ask) {
    const struct membership *membership;
    const struct read_mark *mark;
    DL_FOREACH2(handle->memberships, membership, next_of_handle) {
        conv_number conv = conv_of_room(membership->room->number);
        uint64_t after = unread_mark_of(core, handle, conv);
        if (membership->joined && membership_holds(membership))
            ask->rooms[ask->n_rooms++] =
                (struct ask_room){conv, greater_of(after, membership->since)};
    }
    DL_FOREACH(handle->marks, mark) {
        if (conv_is_room(mark->key.conv))
            continue;
        ask->rooms[ask->n_rooms++] =
            (struct ask_room){mark->key.conv, greater_of(mark->seq, handle->seen)};
        ask->n_marks++;
    }
    qsort(ask->rooms, ask->n_rooms, sizeof *ask->rooms, ask_compare_rooms);
}

void past_unread(struct core *core, struct session *session, const struct frame *frame) {
    const struct handle *handle = session->handle;
    conv_number conv;
    if (!find_conv(core, session, frame->unread.request, frame->unread.conv, &conv))
        return;
    struct ask *ask = ask_new(session, ASK_UNREAD, n_memberships(handle) + handle->n_marks);
    if (ask) {
        ask->name = handle->name;
        ask->conv = conv;
        ask->direct = true;
        ask->direct_after = handle->seen;
        ask->stored = core->config.durable ? core->persist.committed : core->seq;
        unread_fill(core, handle, ask);
    }
    past_submit(core, session, frame->unread.request, ask);
}

static struct ask_count *count_of(struct ask *ask, conv_number conv) {
    for (size_t i = ask->n_counts; i-- > 0;)
        if (ask->counts[i].conv == conv)
            return &ask->counts[i];
    if (ask->n_counts == ask->counts_size) {
        size_t size = ask->counts_size ? 2 * ask->counts_size : 16;
        struct ask_count *counts = reallocarray(ask->counts, size, sizeof *counts);
        if (!counts)
            return NULL;
        ask->counts = counts;
        ask->counts_size = size;
    }
    ask->counts[ask->n_counts] = (struct ask_count){.conv = conv, .first = UINT64_MAX};
    return &ask->counts[ask->n_counts++];
}

int ask_count(struct ask *ask, const struct record *record) {
    const struct ask_room *room = ask_room_of(ask, record->conv);
    if (mend_is(record->kind) || (record->flags & RECORD_REMOVED) || record->from == ask->handle ||
        record->seq <= (room ? room->after : ask->direct_after) ||
        (ask->conv && record->conv != ask->conv))
        return 0;
    struct ask_count *count = count_of(ask, record->conv);
    if (!count)
        return -ENOMEM;
    if (count->n >= UNREAD_PER_CONV_MAX)
        return 0;
    count->n++;
    count->n_mentions +=
        !body_is_binary(record->kind, record->text) && text_mentions(record->text, ask->name.s);
    count->first = record->seq < count->first ? record->seq : count->first;
    count->last = greater_of(count->last, record->seq);
    return 0;
}

void past_put_count(struct core *core, struct session *session, uint32_t request, uint32_t handle,
                    const struct ask_count *count) {
    const struct room *room =
        conv_is_room(count->conv) ? room_of_number(core, (uint32_t)-count->conv) : NULL;
    const struct handle *other =
        conv_is_room(count->conv) ? NULL : handle_of_number(core, conv_other(count->conv, handle));
    struct name name;
    if (!room && !other)
        return;
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_COUNT,
                        .count = {.request = request,
                                  .conv = room ? room_name_for(session->user, room, &name)
                                               : name_bytes(&other->name),
                                  .unread = count->n,
                                  .mentions = count->n_mentions,
                                  .seq = count->last}});
}

/* Up to the first unread message nothing is unread; but what was not stored yet was not counted. */
static void unread_compact(struct core *core, const struct session *session,
                           const struct ask *ask) {
    uint64_t seen = ask->stored;
    if (ask->conv != 0 || session->handle->number != ask->handle)
        return;
    for (size_t i = 0; i < ask->n_counts; i++) {
        if (ask->counts[i].n >= UNREAD_PER_CONV_MAX)
            return;
        if (ask->counts[i].first <= seen)
            seen = ask->counts[i].first - 1;
    }
    unread_settle(core, session->handle, seen);
}

/* There may be thousands, so they are told as a list is, in steps. */
void core_counted(struct core *core, struct ask *ask, const char *reason) {
    struct session *session = answer_begin(core, ask, reason);
    if (!session)
        return;
    unread_compact(core, session, ask);
    struct ask_count *counts = ask->counts;
    ask->counts = NULL;
    list_counts(core, session, ask, counts);
}

void core_count_on(struct core *core, struct ask *ask) {
    if (core_ask_is_wanted(core, ask)) {
        ask_put_back(core, ask);
        return;
    }
    ask_end(core, ask);
    ask_free(ask);
}
