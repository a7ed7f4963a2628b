/* From the conduit into batches, and from batches to events. */
#include <stdlib.h>
#include <string.h>

#include "lib/transfer.h"
#include "proto/line.h"
#include "proto/mend.h"

/* --- acknowledgements, taken early ---
 *
 * While the program waits for room in the window of unacknowledged messages it takes no events.
 * So that the acknowledgements, which make the room, are not stuck behind messages that it has
 * yet to take, they are taken out of the batches early; the events that they make become notes
 * at the end of the inbox. READY is answered for the same reason. The rest stays where it is.
 */

static bool absorb_ack(struct earshot *link, const struct frame_ack *ack, uint8_t flags,
                       struct earshot_event *event, char to[NAME_BYTES_MAX + 1]) {
    uint64_t position;
    struct name name;
    if (!pending_find(&link->pending, &ack->id, &position))
        return false;
    pending_to(&link->pending, position, &name);
    memcpy(to, name.s, (size_t)name.n + 1);
    event->type = EARSHOT_EVENT_STATE;
    uuid_format(&ack->id, event->state.id);
    event->state.state = EARSHOT_STORED;
    event->state.seq = ack->seq;
    event->state.by = "";
    event->state.to = to;
    event->state.up_to = (flags & FRAME_UP_TO) != 0;
    link->n_rejected = 0;
    if (event->state.up_to)
        pending_done_up_to(&link->pending, position);
    else
        pending_done(&link->pending, position);
    return true;
}

static bool absorb_refused(struct earshot *link, const struct frame_refused *refused,
                           struct earshot_event *event, char to[NAME_BYTES_MAX + 1]) {
    uint64_t position;
    struct name name;
    if (!pending_find(&link->pending, &refused->id, &position))
        return false;
    pending_to(&link->pending, position, &name);
    memcpy(to, name.s, (size_t)name.n + 1);
    event->type = EARSHOT_EVENT_REFUSED;
    uuid_format(&refused->id, event->failed.id);
    event->failed.code = refused->code;
    event->failed.to = to;
    link->n_rejected = 0;
    pending_done(&link->pending, position);
    receipts_drop(&link->receipts, &refused->id);
    return true;
}

static bool is_up_to(const struct inbox_item *item) {
    const struct inbox_note *note = (const struct inbox_note *)item;
    return item && item->is_note && note->event.type == EARSHOT_EVENT_STATE &&
           note->event.state.up_to;
}

/* An acknowledgement of all up to a message says all that an earlier one said. */
void absorb_note(struct earshot *link, struct inbox_note *note) {
    if (is_up_to(&note->item) && is_up_to(link->inbox.tail)) {
        struct inbox_note *last = item_note(link->inbox.tail);
        last->event = note->event;
        memcpy(last->to, note->to, sizeof last->to);
        last->event.state.to = last->to;
        free(note);
        return;
    }
    inbox_append(&link->inbox, &note->item);
    wait_nudge(link);
}

/* What an ACK or REFUSED says, as a note. 1, 0: of a message that is not known, or -ENOMEM. */
static int absorb_to_note(struct earshot *link, const struct frame *frame,
                          struct inbox_note **note) {
    bool is_ack = frame->type == FRAME_ACK, known;
    *note = note_new(is_ack ? EARSHOT_EVENT_STATE : EARSHOT_EVENT_REFUSED);
    if (!*note)
        return -ENOMEM;
    if (is_ack) {
        known = absorb_ack(link, &frame->ack, frame->flags, &(*note)->event, (*note)->to);
    } else {
        note_set_reason(*note, frame->refused.reason);
        (*note)->event.failed.reason = (*note)->reason;
        known = absorb_refused(link, &frame->refused, &(*note)->event, (*note)->to);
    }
    if (!known)
        free(*note);
    return known;
}

/* The hub ends the session: this answers no request. */
static bool fail_is_rejection(const struct frame_fail *fail) {
    return fail->request == 0 && (fail->code == FAIL_BAD_FRAME || fail->code == FAIL_NOT_PERMITTED);
}

static void answer_more(struct earshot *link) {
    outgoing_ready(link);
    link_note_busy(link);
}

/* 1: it was dealt with, 0: it is for a handler, or -ENOMEM. */
static int absorb_frame(struct earshot *link, struct inbox_batch *batch,
                        const struct frame *frame) {
    struct inbox_note *note;
    int r;
    switch (frame->type) {
    case FRAME_ACK:
    case FRAME_REFUSED:
        r = absorb_to_note(link, frame, &note);
        if (r > 0)
            absorb_note(link, note);
        return r < 0 ? r : 1;
    case FRAME_MORE:
        if (batch->session == link->session)
            answer_more(link);
        return 1;
    case FRAME_SWITCH: /* the conduit has seen to it */
        return 1;
    case FRAME_BYE:
        link->said_bye = true;
        return 1;
    case FRAME_FAIL:
        if (!fail_is_rejection(&frame->fail))
            return 0;
        join_note_rejected(link, &frame->fail);
        return 1;
    case FRAME_GATE:
        outgoing_gate(link, &frame->gate);
        return 1;
    default:
        return 0;
    }
}

/* The same for one batch, which stays as it is; *empty: nothing else is in it. */
static int absorb_batch(struct earshot *link, struct inbox_batch *batch, bool *empty) {
    struct cursor_in in = batch->in;
    struct frame frame;
    *empty = true;
    if (batch->absorbed)
        return 0;
    batch->absorbed = true;
    for (uint16_t i = 0; i < batch->n_frames; i++) {
        if (frame_take(&in, &frame, FROM_HUB) != FRAME_OK)
            return 0;
        int r = absorb_frame(link, batch, &frame);
        if (r < 0)
            return r;
        *empty = *empty && r > 0;
    }
    return 0;
}

/* Notes that this appends to the inbox while it is walked are passed over. */
int absorb_all(struct earshot *link) {
    bool empty;
    int r = link->current ? absorb_batch(link, link->current, &empty) : 0;
    for (struct inbox_item *item = link->inbox.head; r == 0 && item; item = item->next)
        if (!item->is_note)
            r = absorb_batch(link, item_batch(item), &empty);
    return r;
}

/* --- from the conduit into batches --- */

static struct inbox_batch *new_batch(struct earshot *link) {
    struct inbox_batch *batch = link->spare;
    link->spare = NULL;
    if (!batch)
        batch = malloc(sizeof *batch);
    if (batch)
        batch->item.is_note = false;
    return batch;
}

void receive_recycle(struct earshot *link, struct inbox_batch *batch) {
    if (link->spare)
        free(batch);
    else
        link->spare = batch;
}

/* Whether there is something in it for us; reads the envelope. */
static bool is_ours(struct earshot *link, struct inbox_batch *batch) {
    struct envelope envelope;
    batch->in = cursor_in_of(batch->message.data, batch->n);
    bool valid = envelope_take(&batch->in, &envelope);
    batch->n_frames = envelope.n_frames;
    batch->session = envelope.session;
    batch->absorbed = false;
    if (link->phase == LINK_WELCOME)
        return join_answer(link, batch);
    return valid && envelope.n_frames > 0 && link->phase == LINK_JOINED &&
           envelope.session == link->session;
}

void receive_accept(struct earshot *link, struct inbox_batch *batch, bool to_inbox) {
    bool empty = false;
    if (!is_ours(link, batch) || (to_inbox && absorb_batch(link, batch, &empty) == 0 && empty))
        receive_recycle(link, batch);
    else if (to_inbox || link->current || link->inbox.head)
        inbox_append(&link->inbox, &batch->item);
    else
        link->current = batch;
}

const char *receive_why_gone(const struct earshot *link) {
    return link->conduit.is_broken ? "sends what makes no sense" : "removed this program's mailbox";
}

int receive_batch(struct earshot *link, enum conduit_wait how, bool to_inbox) {
    struct inbox_batch *batch = new_batch(link);
    if (!batch)
        return -ENOMEM;
    int r = conduit_receive(&link->conduit, batch, how);
    if (r == QUEUE_OK) {
        receive_accept(link, batch, to_inbox);
        return r;
    }
    receive_recycle(link, batch);
    if (r == QUEUE_GONE || r == QUEUE_DENIED) {
        join_lose(link, receive_why_gone(link));
        return QUEUE_GONE;
    }
    return r;
}

/* Called when the hub is lost: nothing else will come. */
void receive_drain(struct earshot *link) {
    struct inbox_batch *batch;
    reader_stop(&link->reader);
    while ((batch = reader_take(&link->reader)))
        receive_accept(link, batch, true);
    while ((batch = new_batch(link))) {
        if (conduit_receive(&link->conduit, batch, CONDUIT_NOW) != 0) {
            receive_recycle(link, batch);
            return;
        }
        receive_accept(link, batch, true);
    }
}

/* --- from batches to events: one row per frame type --- */

static struct frame_message message_of_past(const struct frame_past *past) {
    return (struct frame_message){.seq = past->seq,
                                  .id = past->id,
                                  .at_ms = past->at_ms,
                                  .kind = past->kind,
                                  .uid = past->uid,
                                  .from = past->from,
                                  .to = past->to,
                                  .reply_to = past->reply_to,
                                  .total = past->total,
                                  .body = past->body};
}

/* A handler returns 1 when it made an event, 0, or -errno. */
typedef int handler(struct earshot *link, const struct frame *frame, struct earshot_event *event);

static void send_receipt(struct earshot *link, const struct uuid *id,
                         const struct earshot_event *event) {
    if (link->current->session != link->session)
        return;
    outgoing_control(link, &(struct frame){.type = FRAME_RECEIPT,
                                           .receipt = {*id, STATE_DELIVERED, event->message.link,
                                                       event->message.uid}});
}

/* Whether it has not come before; notes that it has come now. */
static bool message_admit(struct earshot *link, uint64_t seq, uint32_t uid, const struct uuid *id) {
    bool of_this_session = link->current->session == link->session;
    if (!bookmark_admit(&link->bookmark, seq, of_this_session))
        return false;
    link->bookmark.in_hand = seq;
    if (!(link->flags & EARSHOT_RECONNECT))
        return true;
    if (received_has(&link->received, uid, id)) {
        bookmark_take(&link->bookmark);
        return false;
    }
    received_note(&link->received, uid, id);
    return true;
}

/* r: what was returned when the event was made. */
static int tell_message(struct earshot *link, const struct uuid *id,
                        const struct earshot_event *event, int r) {
    if (r == 0 && event->message.wants_receipt)
        send_receipt(link, id, event);
    return r < 0 ? r : 1;
}

static int put_message(struct earshot *link, const struct frame_message *message, uint8_t flags,
                       struct earshot_event *event) {
    if (!message_admit(link, message->seq, message->uid, &message->id))
        return 0;
    int r = (mend_is(message->kind) ? event_from_mend : event_from_message)(
        &link->store, event, message, flags, name_bytes(&link->handle));
    return tell_message(link, &message->id, event, r);
}

/* A whole message, or its first part. */
static int incoming_take_message(struct earshot *link, const struct frame_message *message,
                                 uint8_t flags, struct earshot_event *event) {
    reassembly_drop(&link->reassembly);
    if (flags & FRAME_MORE_PARTS)
        return reassembly_begin(&link->reassembly, message, flags, 0);
    return put_message(link, message, flags, event);
}

static int on_message(struct earshot *link, const struct frame *frame,
                      struct earshot_event *event) {
    return incoming_take_message(link, &frame->message, frame->flags, event);
}

static int on_origin(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    (void)event;
    event_begin_lines(&link->lines, &frame->origin);
    return 0;
}

static int on_line(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    const struct event_lines *lines = &link->lines;
    const struct frame_line *line = &frame->line;
    if (lines->origin.from.n == 0) {
        link->n_bad++;
        return 0;
    }
    reassembly_drop(&link->reassembly);
    if (!message_admit(link, line_seq(&lines->origin, line), lines->origin.uid, &line->id))
        return 0;
    int r =
        event_from_line(&link->store, event, lines, line, frame->flags, name_bytes(&link->handle));
    return tell_message(link, &line->id, event, r);
}

static int put_past(struct earshot *link, const struct frame_message *message, uint32_t request,
                    struct earshot_event *event) {
    int r = event_from_past(&link->store, event, message, request, name_bytes(&link->handle));
    return r < 0 ? r : 1;
}

static int on_past(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    reassembly_drop(&link->reassembly);
    if (!request_is_asked(link, frame->past.request))
        return 0;
    struct frame_message message = message_of_past(&frame->past);
    if (message.kind == KIND_REACT)
        return event_keep_reaction(&link->store, &message);
    if (frame->flags & FRAME_MORE_PARTS)
        return reassembly_begin(&link->reassembly, &message, frame->flags, frame->past.request);
    return put_past(link, &message, frame->past.request, event);
}

static int on_part(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    switch (reassembly_add(&link->reassembly, frame)) {
    case REASSEMBLY_WHOLE:
        if (link->reassembly.request)
            return put_past(link, &link->reassembly.message, link->reassembly.request, event);
        return put_message(link, &link->reassembly.message, link->reassembly.flags, event);
    case REASSEMBLY_MORE:
        return 0;
    case REASSEMBLY_DROPPED:
        link->n_bad++;
        return 0;
    }
    return 0;
}

/* ACK, REFUSED. The note holds the strings; it is shown like one that waited in the inbox. */
static int on_ack(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    struct inbox_note *note;
    int r = link->current->absorbed ? 0 : absorb_to_note(link, frame, &note);
    if (r > 0) {
        link->shown = note;
        *event = note->event;
    }
    return r;
}

static int incoming_made(int r) {
    return r < 0 ? r : 1;
}

static int on_state(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!receipts_take(&link->receipts, &frame->state, frame->flags))
        return 0;
    if (frame->state.state == STATE_DECLINED)
        return transfer_refused(link, frame, event);
    return incoming_made(event_from_state(&link->store, event, &frame->state));
}

static int on_done(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    event->type = EARSHOT_EVENT_DONE;
    event->request = offer_out_answered(link, frame->done.request);
    return request_done(link, event->request);
}

/* What the link asked for again after a reconnect, and was refused, is told as request 0. */
static int on_fail(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    uint32_t request = frame->fail.request;
    bool own;
    if (fail_is_rejection(&frame->fail)) {
        if (link->current->absorbed || link->current->session != link->session)
            return 0;
        join_note_rejected(link, &frame->fail);
        join_lose(link, "ended the session");
        return 0;
    }
    if (offer_out_is_patient(link, request, (enum fail_code)frame->fail.code))
        return 0;
    struct offer_out *offer = offer_out_made_again_by(link, request);
    request = offer_out_answered(link, request);
    if (offer && !request_is_asked(link, request))
        return offer_out_lost(link, offer, &frame->fail, event);
    int r = event_from_fail(&link->store, event, &frame->fail);
    if (r < 0)
        return r;
    if (claim_failed(link, request)) {
        event->request = request;
        return 1;
    }
    if (!request_failed(link, request, (enum fail_code)frame->fail.code, &own))
        return 0;
    event->request = own ? 0 : request;
    return 1;
}

static int on_user(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->user.request))
        return 0;
    return incoming_made(event_from_user(&link->store, event, &frame->user));
}

static int on_room(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->room.request))
        return 0;
    return incoming_made(event_from_room(&link->store, event, &frame->room));
}

static int on_about(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->about.request))
        return 0;
    return incoming_made(event_from_about(&link->store, event, &frame->about));
}

static int on_laid(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->laid.request))
        return 0;
    return incoming_made(event_from_laid(&link->store, event, &frame->laid));
}

static int on_pinned(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->pinned.request))
        return 0;
    return incoming_made(event_from_pinned(&link->store, event, &frame->pinned));
}

static int on_counter(struct earshot *link, const struct frame *frame,
                      struct earshot_event *event) {
    if (!request_is_asked(link, frame->counter.request))
        return 0;
    return incoming_made(event_from_counter(&link->store, event, &frame->counter));
}

static int on_count(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->count.request))
        return 0;
    return incoming_made(event_from_unread(&link->store, event, &frame->count));
}

static int on_account(struct earshot *link, const struct frame *frame,
                      struct earshot_event *event) {
    if (!request_is_asked(link, frame->account.request))
        return 0;
    return incoming_made(event_from_account(&link->store, event, &frame->account));
}

static int on_read(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    return link->flags & EARSHOT_NEWS
               ? incoming_made(event_from_seen(&link->store, event, &frame->read))
               : 0;
}

static int on_object(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (!request_is_asked(link, frame->object.request))
        return 0;
    return incoming_made(event_from_object(&link->store, event, &frame->object));
}

/*
 * The name of our handle was taken from it. It stays the same handle, so its mail goes on where it
 * was; under the new name the link joins again. What a lost session left behind says nothing about
 * a session that has begun since: WELCOME said what that one is called.
 */
static int on_named(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    struct frame_news news = frame->news;
    struct name was = link->handle, now;
    bool is_past = link->phase == LINK_JOINED && link->current->session != link->session;
    if (is_past || name_parse(&now, frame->news.who) != NAME_OK || name_is_same(&was, &now))
        return 0;
    link->handle = now;
    news.who = name_bytes(&was);
    news.detail = name_bytes(&now);
    return link->flags & EARSHOT_NEWS ? incoming_made(event_from_news(&link->store, event, &news))
                                      : 0;
}

static int on_news(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    if (frame->news.what == NEWS_NAMED)
        return on_named(link, frame, event);
    if (frame->news.what == NEWS_RENAMED)
        request_room_renamed(link, frame->news.who, frame->news.detail);
    return incoming_made(event_from_news(&link->store, event, &frame->news));
}

static int on_missed(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    (void)link;
    event->type = EARSHOT_EVENT_MISSED;
    event->missed = frame->missed.n;
    return 1;
}

static int on_more(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    (void)frame, (void)event;
    if (link->current->absorbed || link->current->session != link->session)
        return 0;
    answer_more(link);
    return 0;
}

static int on_bye(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    (void)frame, (void)event;
    if (!link->current->absorbed && link->current->session == link->session)
        join_lose(link, "was stopped");
    return 0;
}

static int on_gate(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    (void)event;
    if (!link->current->absorbed && link->current->session == link->session)
        outgoing_gate(link, &frame->gate);
    return 0;
}

static handler *const handlers[FRAME_TYPE_END] = {
    [FRAME_MESSAGE] = on_message,
    [FRAME_ORIGIN] = on_origin,
    [FRAME_LINE] = on_line,
    [FRAME_PART] = on_part,
    [FRAME_ACK] = on_ack,
    [FRAME_REFUSED] = on_ack,
    [FRAME_STATE] = on_state,
    [FRAME_DONE] = on_done,
    [FRAME_FAIL] = on_fail,
    [FRAME_USER] = on_user,
    [FRAME_ROOM] = on_room,
    [FRAME_ABOUT] = on_about,
    [FRAME_LAID] = on_laid,
    [FRAME_PINNED] = on_pinned,
    [FRAME_COUNTER] = on_counter,
    [FRAME_OBJECT] = on_object,
    [FRAME_COUNT] = on_count,
    [FRAME_ACCOUNT] = on_account,
    [FRAME_READ] = on_read,
    [FRAME_CLAIMED] = claim_told,
    [FRAME_NEWS] = on_news,
    [FRAME_MISSED] = on_missed,
    [FRAME_MORE] = on_more,
    [FRAME_GATE] = on_gate,
    [FRAME_BYE] = on_bye,
    [FRAME_PAST] = on_past,
    [FRAME_OFFERED] = transfer_offered,
    [FRAME_SIGNALLED] = transfer_signalled,
    [FRAME_WITHDRAW] = transfer_withdrawn,
    [FRAME_WITHDRAWN] = transfer_withdrawn,
};

/* A frame may need an answer; there must be room for that before it is taken. */
static bool can_answer(struct earshot *link) {
    if (control_has_room(&link->control) || link->phase != LINK_JOINED)
        return true;
    outgoing_send(link, OUTGOING_LATER, true);
    wait_set_stalled(link, !control_has_room(&link->control) && link->phase == LINK_JOINED);
    return !link->stalled;
}

/* The next frame of the current batch that makes an event. */
static int take_frames(struct earshot *link, struct earshot_event *event) {
    struct inbox_batch *batch = link->current;
    struct frame frame;
    int r = 0;
    while (r == 0 && batch->n_frames > 0 && can_answer(link)) {
        if (frame_take(&batch->in, &frame, FROM_HUB) != FRAME_OK) {
            link->n_bad++;
            batch->n_frames = 0;
            break;
        }
        batch->n_frames--;
        handler *handle = handlers[frame.type];
        if (handle)
            r = handle(link, &frame, event);
    }
    return r;
}

/* From here on comes what the new hub sends, which may not have stored all that the old one sent.
 */
static void enter_session(struct earshot *link, const struct inbox_note *note) {
    bookmark_enter(&link->bookmark, note->seq);
    if (received_index(&link->received) < 0)
        link->n_bad++;
}

static void take_note(struct earshot *link, struct inbox_note *note, struct earshot_event *event) {
    link->shown = note;
    *event = note->event;
    if (event->type == EARSHOT_EVENT_LOST)
        reassembly_drop(&link->reassembly);
    if (event->type == EARSHOT_EVENT_BACK)
        enter_session(link, note);
}

int incoming_next(struct earshot *link, struct earshot_event *event) {
    free(link->shown);
    link->shown = NULL;
    for (;;) {
        if (link->current) {
            int r = take_frames(link, event);
            if (r != 0 || link->stalled)
                return r;
            receive_recycle(link, link->current);
            link->current = NULL;
            event_end_lines(&link->lines);
        }
        struct inbox_item *item = inbox_take(&link->inbox);
        struct inbox_batch *batch = NULL;
        if (item && item->is_note) {
            take_note(link, item_note(item), event);
            return 1;
        }
        if (item) {
            link->current = item_batch(item);
        } else if (link->pollable && (batch = reader_take(&link->reader))) {
            receive_accept(link, batch, false);
        } else {
            return 0;
        }
    }
}
