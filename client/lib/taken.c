/*
 * What the hub is told about the messages that came: that the program takes events at all (the
 * hub holds everything back until then, so that rooms can be joined first), and which messages it
 * has taken. The latter travels with what is sent anyway, or alone after a while.
 */
#include "lib/link.h"
#include "proto/line.h"

/* Whether what comes depends on when the program begins to take it. */
static bool is_held(const struct earshot *link) {
    return !link->takes && (link->place.counts || (link->flags & EARSHOT_AFTER));
}

void taken_begin(struct earshot *link) {
    struct frame frame = {.type = is_held(link) ? FRAME_TAKEN : FRAME_READY};
    control_append(&link->control, 0, &frame);
}

static bool say_ready(struct earshot *link) {
    struct frame ready = {.type = FRAME_READY};
    return outgoing_control(link, &ready);
}

void taken_start(struct earshot *link) {
    if (is_held(link))
        link->takes = link->phase != LINK_JOINED || say_ready(link);
}

void taken_next(struct earshot *link) {
    taken_start(link);
    place_take(&link->place);
    if (link->place.due.ns != 0 || !place_has_news(&link->place) || link->phase != LINK_JOINED)
        return;
    link->place.due = mono_add_ms(mono_now(), PLACE_TELL_MS);
    wait_arm(link, link->place.due);
}

static struct frame frame_of(const struct place *place) {
    return (struct frame){.type = FRAME_TAKEN, .taken = {place->taken, place->read}};
}

void taken_put(struct earshot *link) {
    struct frame frame = frame_of(&link->place);
    if (!place_has_news(&link->place) || !frame_put(&link->outgoing.out, &frame))
        return;
    link->outgoing.n_frames++;
    place_told(&link->place);
}

void taken_tell(struct earshot *link) {
    struct frame frame = frame_of(&link->place);
    if (link->phase == LINK_JOINED && place_has_news(&link->place) &&
        outgoing_control(link, &frame))
        place_told(&link->place);
}

void taken_tick(struct earshot *link) {
    if (link->place.due.ns == 0)
        return;
    if (mono_now().ns >= link->place.due.ns) {
        link->place.due = WAIT_NOT;
        taken_tell(link);
    } else {
        wait_arm(link, link->place.due);
    }
}

/* The last message of which nothing is missing, among what nobody has looked at. */
struct scan {
    uint64_t whole, begun; /* begun: its parts are still coming; 0: none */
};

static void scan_batch(struct scan *scan, const struct batch *batch, struct frame_origin origin) {
    struct cursor_in in = batch->in;
    struct frame frame;
    for (uint16_t i = 0; i < batch->n_frames; i++) {
        if (frame_take(&in, &frame, FROM_HUB) != FRAME_OK)
            return;
        bool more = (frame.flags & FRAME_MORE_PARTS) != 0;
        if (frame.type == FRAME_ORIGIN)
            origin = frame.origin;
        if (frame.type == FRAME_LINE)
            scan->begun = line_seq(&origin, &frame.line);
        else if (frame.type == FRAME_MESSAGE)
            scan->begun = frame.message.seq;
        else if (frame.type == FRAME_PAST)
            scan->begun = 0;
        else if (frame.type != FRAME_PART)
            continue;
        if (!more && scan->begun)
            scan->whole = scan->begun;
    }
}

void taken_end(struct earshot *link) {
    struct scan scan = {.whole = link->place.received};
    if (link->assembly.active && !link->assembly.request)
        scan.begun = link->assembly.message.seq;
    if (link->current && link->current->session == link->session)
        scan_batch(&scan, link->current, link->lines.origin);
    for (const struct inbox_item *item = link->inbox.head; item; item = item->next)
        if (!item->is_note && ((const struct batch *)item)->session == link->session)
            scan_batch(&scan, (const struct batch *)item, (struct frame_origin){0});
    place_end(&link->place, scan.whole);
    link->place.due = WAIT_NOT;
}

void earshot_pass_over(earshot *link, const struct earshot_event *event) {
    if (link && event && event->type == EARSHOT_EVENT_MESSAGE &&
        event->message.seq == link->place.in_hand)
        link->place.is_passed = true;
}
