#include "lib/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "files/parcel.h"
#include "proto/answer.h"
#include "proto/head.h"
#include "proto/line.h"
#include "proto/mend.h"

/* The public header names the numbers of the wire anew, because it includes nothing of ours. */
_Static_assert((int)EARSHOT_TEXT == (int)KIND_TEXT && (int)EARSHOT_NOTICE == (int)KIND_NOTICE, "");
_Static_assert((int)EARSHOT_PRIORITY_MIN == (int)HEAD_MIN, "");
_Static_assert((int)EARSHOT_PRIORITY_MAX == (int)HEAD_MAX, "");
_Static_assert(EARSHOT_REMOVAL_MAX == MEND_REASON_MAX, "");
_Static_assert(EARSHOT_TITLE_MAX == HEAD_TITLE_MAX, "");
_Static_assert((int)EARSHOT_SENT == (int)STATE_SENT && (int)EARSHOT_READ == (int)STATE_READ, "");
_Static_assert((int)EARSHOT_OFFLINE == (int)PRESENCE_OFFLINE, "");
_Static_assert((int)EARSHOT_AWAY == (int)PRESENCE_AWAY, "");
_Static_assert((int)EARSHOT_PRIVATE == (int)HUB_PRIVATE && (int)EARSHOT_OPEN == (int)HUB_OPEN, "");
_Static_assert((int)EARSHOT_USERS == (int)LIST_USERS, "");
_Static_assert((int)EARSHOT_HANDLES == (int)LIST_HANDLES, "");
_Static_assert((int)EARSHOT_CLAIM_HELD == (int)CLAIM_HELD, "");
_Static_assert((int)EARSHOT_CLAIM_TAKEN == (int)CLAIM_TAKEN, "");
_Static_assert(EARSHOT_PAGE_MAX == PAGE_MESSAGES_MAX, "");
_Static_assert((int)EARSHOT_WELL_KNOWN == (int)OBJECT_WELL_KNOWN, "");
_Static_assert((int)EARSHOT_MAILBOX == (int)OBJECT_MAILBOX, "");
_Static_assert((int)EARSHOT_NEWS_ONLINE == (int)NEWS_ONLINE, "");
_Static_assert((int)EARSHOT_NEWS_NAMED == (int)NEWS_NAMED, "");
_Static_assert((int)EARSHOT_NEWS_ORDER == (int)NEWS_ORDER, "");
_Static_assert((int)EARSHOT_NEWS_PINS == (int)NEWS_PINS, "");
_Static_assert((int)EARSHOT_PIN == (int)PIN_ADD && (int)EARSHOT_UNSTAR == (int)STAR_REMOVE, "");
_Static_assert((int)EARSHOT_RATE == (int)ORDER_RATE && EARSHOT_RATE_MAX == ORDER_RATE_MAX, "");
_Static_assert((int)EARSHOT_ROOM_ORDERS == (int)ORDER_ROOM_END, "");
_Static_assert((int)EARSHOT_LAID_OPERATOR == (int)LAID_OPERATOR, "");
_Static_assert(EARSHOT_REASON_MAX == ORDER_REASON_MAX, "");
_Static_assert(EARSHOT_FOR_EVER == ORDER_FOR_EVER, "");
_Static_assert(EARSHOT_ID_SIZE == UUID_TEXT_SIZE && EARSHOT_TEXT_MAX == MESSAGE_TEXT_MAX, "");
_Static_assert(EARSHOT_PROTOCOL_VERSION == PROTO_VERSION, "");

void event_store_deinit(struct event_store *store) {
    free(store->bytes);
    free(store->pids);
    free(store->reactions.bytes);
    *store = (struct event_store){0};
}

/* Empties the store and makes room for n_strings strings of n bytes together. */
static int events_begin(struct event_store *store, size_t n, size_t n_strings) {
    store->used = 0;
    if (n + n_strings <= store->size)
        return 0;
    char *bytes = realloc(store->bytes, n + n_strings);
    if (!bytes)
        return -ENOMEM;
    store->bytes = bytes;
    store->size = n + n_strings;
    return 0;
}

static const char *events_keep(struct event_store *store, struct bytes source) {
    char *copy = store->bytes + store->used;
    if (source.n > 0)
        memcpy(copy, source.data, source.n);
    copy[source.n] = '\0';
    store->used += source.n + 1;
    return copy;
}

static void put_message_ids(struct earshot_event *event, const struct frame_message *message) {
    uuid_format(&message->id, event->message.id);
    if (uuid_is_nil(&message->reply_to))
        event->message.reply_to[0] = '\0';
    else
        uuid_format(&message->reply_to, event->message.reply_to);
}

/* A file instead of a text: what is shown is what it is. */
static void put_file(struct event_store *store, struct earshot_event *event, struct bytes body) {
    char text[PARCEL_TEXT_SIZE];
    char *file = store->bytes + store->used - body.n - 1; /* it was kept last */
    parcel_normalize(file, &body.n);
    parcel_describe((struct bytes){file, body.n}, text);
    event->message.kind = EARSHOT_TEXT;
    event->message.file = file;
    event->message.file_n = body.n;
    event->message.text = events_keep(store, bytes_of(text));
    event->message.text_n = strlen(text);
}

/* Answer and head are no part of the text. A kind that says there is one, where none is, changes
 * nothing.
 */
static void put_text(struct event_store *store, struct earshot_event *event, uint8_t kind,
                     struct bytes body) {
    struct head head = {0};
    struct answer answer = {0};
    if (kind & KIND_ANSWER)
        (void)answer_take(&answer, &body);
    event->message.n = answer.n;
    event->message.thread[0] = '\0';
    if (!uuid_is_nil(&answer.thread))
        uuid_format(&answer.thread, event->message.thread);
    if (!(kind & KIND_HEADED) || !head_take(&head, &body))
        head = (struct head){0};
    event->message.kind = (enum earshot_kind)(kind & ~(KIND_HEADED | KIND_ANSWER));
    event->message.priority = (enum earshot_priority)head.priority;
    event->message.title = events_keep(store, head.title);
    event->message.text = events_keep(store, body);
    event->message.text_n = body.n;
}

/* What the message is to who receives it. */
static void put_relation(struct earshot_event *event, struct bytes from, uint8_t flags,
                         struct bytes handle) {
    bool mine = bytes_equal(from, handle);
    bool to_room = event->message.to[0] == '#';
    event->message.mine = mine;
    event->message.late = (flags & FRAME_LATE) != 0;
    event->message.wants_receipt = (flags & FRAME_WANT_RECEIPT) && !mine;
    event->message.conv = to_room || mine ? event->message.to : event->message.from;
}

int event_from_message(struct event_store *store, struct earshot_event *event,
                       const struct frame_message *message, uint8_t flags, struct bytes handle) {
    bool is_file = message->kind == KIND_FILE;
    int r = events_begin(
        store, message->from.n + message->to.n + message->body.n + (is_file ? PARCEL_TEXT_SIZE : 0),
        5);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_MESSAGE;
    put_message_ids(event, message);
    event->message.seq = message->seq;
    event->message.at_ms = (int64_t)message->at_ms;
    event->message.uid = message->uid;
    event->message.link = message->link;
    event->message.from = events_keep(store, message->from);
    event->message.to = events_keep(store, message->to);
    put_text(store, event, message->kind, message->body);
    event->message.file = NULL;
    event->message.file_n = 0;
    event->message.edited = event->message.removed = event->message.on = false;
    event->message.reactions = NULL;
    event->message.n_reactions = 0;
    if (is_file)
        put_file(store, event, message->body);
    put_relation(event, message->from, flags, handle);
    return 0;
}

/* Both id and uid become those of the message that is meant. */
int event_from_mend(struct event_store *store, struct earshot_event *event,
                    const struct frame_message *message, uint8_t flags, struct bytes handle) {
    struct frame_message plain = *message;
    struct mend_removal removal = {.uid = message->uid};
    struct reaction reaction = {.uid = message->uid};
    bool is_removal = message->kind == KIND_REMOVE, is_reaction = message->kind == KIND_REACT;
    plain.id = message->reply_to;
    plain.reply_to = (struct uuid){{0}};
    plain.kind = (uint8_t)(KIND_TEXT | (message->kind & KIND_HEADED));
    if (is_removal && mend_removal_take(&removal, message->body))
        plain.body = removal.reason;
    if (is_reaction && reaction_take(&reaction, message->body))
        plain.body = reaction.emoji;
    plain.uid = is_reaction ? reaction.uid : removal.uid;
    int r = event_from_message(store, event, &plain, flags & (uint8_t)~FRAME_WANT_RECEIPT, handle);
    event->type = is_removal ? EARSHOT_EVENT_REMOVED : EARSHOT_EVENT_EDITED;
    if (is_reaction)
        event->type = EARSHOT_EVENT_REACTION;
    event->message.on = is_reaction && reaction.on;
    return r;
}

static const char *keep_name(char copy[NAME_BYTES_MAX + 1], struct bytes name) {
    assert(name.n <= NAME_BYTES_MAX);
    memcpy(copy, name.data, name.n);
    copy[name.n] = '\0';
    return copy;
}

void event_begin_lines(struct event_lines *lines, const struct frame_origin *origin) {
    lines->origin = *origin;
    lines->event = (struct earshot_event){.type = EARSHOT_EVENT_MESSAGE};
    lines->event.message.at_ms = (int64_t)origin->at_ms;
    lines->event.message.kind = EARSHOT_TEXT;
    lines->event.message.title = "";
    lines->event.message.uid = origin->uid;
    lines->event.message.link = origin->link;
    lines->event.message.from = keep_name(lines->from, origin->from);
    lines->event.message.to = keep_name(lines->to, origin->to);
}

void event_end_lines(struct event_lines *lines) {
    lines->origin = (struct frame_origin){0};
}

int event_from_line(struct event_store *store, struct earshot_event *event,
                    const struct event_lines *lines, const struct frame_line *line, uint8_t flags,
                    struct bytes handle) {
    int r = events_begin(store, line->text.n, 1);
    if (r < 0)
        return r;
    *event = lines->event;
    uuid_format(&line->id, event->message.id);
    event->message.seq = line_seq(&lines->origin, line);
    event->message.at_ms |= line->at_ms;
    event->message.text = events_keep(store, line->text);
    event->message.text_n = line->text.n;
    put_relation(event, bytes_of(event->message.from), flags, handle);
    return 0;
}

#define REACTIONS_BYTES ((size_t)REACTION_KINDS_MAX * (REACTION_COUNT_MAX + 2))

static const char *reactions_keep(struct event_reactions *reactions, struct bytes text) {
    char *copy = reactions->bytes + reactions->used;
    if (text.n > 0)
        memcpy(copy, text.data, text.n);
    copy[text.n] = '\0';
    reactions->used += text.n + 1;
    return copy;
}

int event_keep_reaction(struct event_store *store, const struct frame_message *message) {
    struct event_reactions *reactions = &store->reactions;
    struct reaction_count count;
    if (!reactions->bytes && !(reactions->bytes = malloc(REACTIONS_BYTES)))
        return -ENOMEM;
    if (reactions->seq != message->seq)
        reactions->n = reactions->used = 0;
    reactions->seq = message->seq;
    if (reactions->n == REACTION_KINDS_MAX || !reaction_count_take(&count, message->body))
        return 0;
    struct earshot_reaction *reaction = &reactions->all[reactions->n++];
    reaction->n = count.n;
    reaction->emoji = reactions_keep(reactions, count.emoji);
    reaction->by = reactions_keep(reactions, count.names);
    return 0;
}

int event_from_past(struct event_store *store, struct earshot_event *event,
                    const struct frame_message *message, uint32_t request, struct bytes handle) {
    char text[NAME_BYTES_MAX + sizeof "(removed by )"];
    struct frame_message plain = *message;
    plain.kind &= (uint8_t)~KIND_MENDED;
    if (message->kind & KIND_REMOVED) {
        snprintf(text, sizeof text, "(removed by %.*s)", (int)message->body.n, message->body.data);
        plain.body = bytes_of(text);
        plain.kind = KIND_TEXT;
    }
    int r = event_from_message(store, event, &plain, 0, handle);
    event->type = EARSHOT_EVENT_PAST;
    event->request = request;
    event->message.edited = message->kind & KIND_EDITED;
    event->message.removed = message->kind & KIND_REMOVED;
    if (store->reactions.seq == message->seq && store->reactions.n > 0) {
        event->message.reactions = store->reactions.all;
        event->message.n_reactions = store->reactions.n;
    }
    store->reactions.seq = 0;
    return r;
}

int event_from_state(struct event_store *store, struct earshot_event *event,
                     const struct frame_state *state) {
    int r = events_begin(store, state->by.n, 2);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_STATE;
    uuid_format(&state->id, event->state.id);
    event->state.state = (enum earshot_state)state->state;
    event->state.seq = 0;
    event->state.by = events_keep(store, state->by);
    event->state.to = events_keep(store, (struct bytes){0});
    event->state.up_to = false;
    return 0;
}

int event_from_fail(struct event_store *store, struct earshot_event *event,
                    const struct frame_fail *fail) {
    int r = events_begin(store, fail->reason.n, 2);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_FAILED;
    event->request = fail->request;
    event->failed.id[0] = '\0';
    event->failed.code = fail->code;
    event->failed.to = events_keep(store, (struct bytes){0});
    event->failed.reason = events_keep(store, fail->reason);
    return 0;
}

static int keep_pids(struct event_store *store, struct bytes pids) {
    size_t n = pids.n / sizeof(uint32_t);
    if (n > store->n_pids_max) {
        pid_t *grown = realloc(store->pids, n * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        store->pids = grown;
        store->n_pids_max = n;
    }
    if (n > 0)
        memcpy(store->pids, pids.data, n * sizeof(uint32_t));
    return 0;
}

_Static_assert(sizeof(pid_t) == sizeof(uint32_t), "PIDs are copied as they stand on the wire");

int event_from_user(struct event_store *store, struct earshot_event *event,
                    const struct frame_user *user) {
    int r = events_begin(store, user->handle.n + user->away.n, 2);
    if (r == 0)
        r = keep_pids(store, user->pids);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_USER;
    event->request = user->request;
    event->user.handle = events_keep(store, user->handle);
    event->user.uid = user->uid;
    event->user.state = (enum earshot_presence)user->state;
    event->user.away = events_keep(store, user->away);
    event->user.idle_s = user->idle_s;
    event->user.pids = store->pids;
    event->user.n_pids = user->pids.n / sizeof(uint32_t);
    return 0;
}

int event_from_room(struct event_store *store, struct earshot_event *event,
                    const struct frame_room *room) {
    int r = events_begin(store, room->room.n + room->topic.n, 2);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_ROOM;
    event->request = room->request;
    event->room.name = events_keep(store, room->room);
    event->room.topic = events_keep(store, room->topic);
    event->room.members = room->members;
    event->room.owner = event->room.operators = event->room.group = NULL;
    return 0;
}

int event_from_about(struct event_store *store, struct earshot_event *event,
                     const struct frame_about *about) {
    int r = events_begin(
        store,
        about->room.n + about->topic.n + about->owner.n + about->operators.n + about->group.n, 5);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_ROOM;
    event->request = about->request;
    event->room.name = events_keep(store, about->room);
    event->room.topic = events_keep(store, about->topic);
    event->room.owner = events_keep(store, about->owner);
    event->room.operators = events_keep(store, about->operators);
    event->room.group = events_keep(store, about->group);
    event->room.members = about->members;
    event->room.owner_uid = about->owner_uid;
    event->room.form = (enum earshot_room_form)about->form;
    event->room.announces = (about->rules & ROOM_ANNOUNCES) != 0;
    event->room.shows_all = (about->rules & ROOM_SHOWS_ALL) != 0;
    event->room.locks_topic = (about->rules & ROOM_LOCKS_TOPIC) != 0;
    event->room.closed = (about->rules & ROOM_CLOSED) != 0;
    event->room.invited = (about->rules & ROOM_INVITED) != 0;
    return 0;
}

int event_from_laid(struct event_store *store, struct earshot_event *event,
                    const struct frame_laid *laid) {
    int r = events_begin(store, laid->room.n + laid->handle.n + laid->by.n + laid->reason.n, 4);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_LAID;
    event->request = laid->request;
    event->laid.room = events_keep(store, laid->room);
    event->laid.handle = events_keep(store, laid->handle);
    event->laid.by = events_keep(store, laid->by);
    event->laid.reason = events_keep(store, laid->reason);
    event->laid.what = (enum earshot_laid)laid->what;
    event->laid.uid = laid->uid;
    event->laid.by_uid = laid->by_uid;
    event->laid.until_ms = (int64_t)laid->until;
    return 0;
}

int event_from_pinned(struct event_store *store, struct earshot_event *event,
                      const struct frame_pinned *pinned) {
    int r = events_begin(store, pinned->by.n, 1);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_PINNED;
    event->request = pinned->request;
    event->pinned.seq = pinned->seq;
    event->pinned.by = events_keep(store, pinned->by);
    event->pinned.by_uid = pinned->by_uid;
    event->pinned.at_ms = (int64_t)pinned->at_ms;
    return 0;
}

int event_from_counter(struct event_store *store, struct earshot_event *event,
                       const struct frame_counter *counter) {
    int r = events_begin(store, counter->key.n, 1);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_COUNTER;
    event->request = counter->request;
    event->counter.key = events_keep(store, counter->key);
    event->counter.value = counter->value;
    return 0;
}

int event_from_object(struct event_store *store, struct earshot_event *event,
                      const struct frame_object *object) {
    int r = events_begin(store, object->owner.n, 1);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_OBJECT;
    event->request = object->request;
    event->object.role = (enum earshot_role)object->role;
    event->object.id = (int)object->id;
    event->object.uid = object->uid;
    event->object.pid = (pid_t)object->pid;
    event->object.handle = events_keep(store, object->owner);
    return 0;
}

int event_from_unread(struct event_store *store, struct earshot_event *event,
                      const struct frame_count *count) {
    int r = events_begin(store, count->conv.n, 1);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_UNREAD;
    event->request = count->request;
    event->unread.conv = events_keep(store, count->conv);
    event->unread.unread = count->unread;
    event->unread.mentions = count->mentions;
    event->unread.seq = count->seq;
    return 0;
}

#define USE_OF(account, span)                                                                      \
    (struct earshot_use) {                                                                         \
        .messages = (account)->span##messages, .bytes = (account)->span##bytes,                    \
        .refused = (account)->span##refused, .lock_us = (account)->span##lock_us                   \
    }

int event_from_account(struct event_store *store, struct earshot_event *event,
                       const struct frame_account *account) {
    int r = events_begin(store, account->login.n + account->orders.n, 2);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_ACCOUNT;
    event->request = account->request;
    event->account = &store->account;
    store->account = (struct earshot_account){.uid = account->uid,
                                              .login = events_keep(store, account->login),
                                              .sessions = account->sessions,
                                              .memory = account->memory,
                                              .rate = account->rate,
                                              .muted_ms = account->muted,
                                              .banned_ms = account->banned,
                                              .orders = events_keep(store, account->orders),
                                              .ever = USE_OF(account, ),
                                              .minute = USE_OF(account, minute_),
                                              .hour = USE_OF(account, hour_),
                                              .day = USE_OF(account, day_)};
    return 0;
}

int event_from_claimed(struct event_store *store, struct earshot_event *event,
                       const struct frame_claimed *claimed) {
    int r = events_begin(store, claimed->name.n + claimed->handle.n + claimed->note.n, 3);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_CLAIM;
    event->request = claimed->request;
    event->claim.name = events_keep(store, claimed->name);
    event->claim.state = (enum earshot_claim_state)claimed->state;
    event->claim.place = claimed->place;
    event->claim.handle = events_keep(store, claimed->handle);
    event->claim.uid = claimed->uid;
    event->claim.pid = (pid_t)claimed->pid;
    event->claim.since_ms = (int64_t)claimed->since_ms;
    event->claim.note = events_keep(store, claimed->note);
    return 0;
}

int event_from_seen(struct event_store *store, struct earshot_event *event,
                    const struct frame_read *read) {
    int r = events_begin(store, read->conv.n, 1);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_SEEN;
    event->unread.conv = events_keep(store, read->conv);
    event->unread.unread = event->unread.mentions = 0;
    event->unread.seq = read->seq;
    return 0;
}

int event_from_news(struct event_store *store, struct earshot_event *event,
                    const struct frame_news *news) {
    int r = events_begin(store, news->who.n + news->room.n + news->detail.n, 3);
    if (r < 0)
        return r;
    event->type = EARSHOT_EVENT_NEWS;
    event->news.what = (enum earshot_news_what)news->what;
    event->news.uid = news->uid;
    event->news.who = events_keep(store, news->who);
    event->news.room = events_keep(store, news->room);
    event->news.detail = events_keep(store, news->detail);
    return 0;
}
