/*
 * While the program waits for room in the window of unacknowledged messages it takes no events.
 * So that the acknowledgements, which make the room, are not stuck behind messages that it has
 * yet to take, they are taken out of the batches early; the events that they make become notes
 * at the end of the inbox. READY is answered for the same reason. The rest stays where it is.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/link.h"

bool absorb_ack(struct earshot *link, const struct frame_ack *ack, uint8_t flags,
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

bool absorb_refused(struct earshot *link, const struct frame_refused *refused,
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

/* The acknowledgement of a message that is not known adds nothing; then `known` is false. */
static void absorb_append(struct earshot *link, struct inbox_note *note, bool known) {
    if (known)
        absorb_note(link, note);
    else
        free(note);
}

/* 1: it was dealt with, 0: it is for incoming.c, or -ENOMEM. */
static int absorb_frame(struct earshot *link, struct inbox_batch *batch,
                        const struct frame *frame) {
    struct inbox_note *note;
    switch (frame->type) {
    case FRAME_ACK:
        note = note_new(EARSHOT_EVENT_STATE);
        if (!note)
            return -ENOMEM;
        absorb_append(link, note,
                      absorb_ack(link, &frame->ack, frame->flags, &note->event, note->to));
        return 1;
    case FRAME_REFUSED:
        note = note_new(EARSHOT_EVENT_REFUSED);
        if (!note)
            return -ENOMEM;
        note_set_reason(note, frame->refused.reason);
        note->event.failed.reason = note->reason;
        absorb_append(link, note, absorb_refused(link, &frame->refused, &note->event, note->to));
        return 1;
    case FRAME_MORE:
        if (batch->session == link->session)
            outgoing_control(link, &(struct frame){.type = FRAME_READY});
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

int absorb_batch(struct earshot *link, struct inbox_batch *batch, bool *empty) {
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
