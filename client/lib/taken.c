/*
 * What the hub is told about the messages that came: that the program takes events at all (the
 * hub holds everything back until then, so that rooms can be joined first), and which messages it
 * has taken. The latter travels with what is sent anyway, or alone after a while.
 */
#include "lib/check.h"
#include "lib/link.h"
#include "proto/line.h"

/* Whether what comes depends on when the program begins to take it. */
static bool is_held(const struct earshot *link) {
    return !link->takes && (link->bookmark.counts || (link->flags & EARSHOT_AFTER));
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
    bookmark_take(&link->bookmark);
    bool has_news = bookmark_has_news(&link->bookmark) || link->n_seen > 0;
    if (link->bookmark.due.ns != 0 || !has_news || link->phase != LINK_JOINED)
        return;
    link->bookmark.due = mono_add_ms(mono_now(), BOOKMARK_TELL_MS);
    wait_arm(link, link->bookmark.due);
}

static struct frame frame_of(const struct bookmark *bookmark) {
    return (struct frame){.type = FRAME_TAKEN, .taken = {bookmark_next(bookmark), bookmark->read}};
}

void taken_put(struct earshot *link) {
    struct frame frame = frame_of(&link->bookmark);
    if (link->outgoing.ends || !bookmark_has_news(&link->bookmark) ||
        !frame_put(&link->outgoing.out, &frame))
        return;
    link->outgoing.n_frames++;
    bookmark_told(&link->bookmark);
}

static bool seen_tell(struct earshot *link, const struct seen *seen) {
    struct frame frame = {.type = FRAME_READ,
                          .read = {.conv = name_bytes(&seen->conv), .seq = seen->seq}};
    return outgoing_control(link, &frame);
}

/* A hub that does not know of it gets nothing. */
static void seen_tell_all(struct earshot *link) {
    while (link->phase == LINK_JOINED && link->hub_takes_reads && link->n_seen > 0 &&
           seen_tell(link, &link->seen[link->n_seen - 1]))
        link->n_seen--;
    if (link->phase == LINK_JOINED && !link->hub_takes_reads)
        link->n_seen = 0;
}

void taken_note_seen(struct earshot *link, const struct name *conv, uint64_t seq) {
    for (unsigned i = 0; i < link->n_seen; i++) {
        if (!name_is_same(&link->seen[i].conv, conv))
            continue;
        if (seq > link->seen[i].seq)
            link->seen[i].seq = seq;
        return;
    }
    if (link->n_seen == LINK_SEEN_MAX)
        seen_tell_all(link);
    if (link->n_seen < LINK_SEEN_MAX) /* else it stays unread */
        link->seen[link->n_seen++] = (struct seen){*conv, seq};
}

int earshot_mark_seen(earshot *link, const char *conv, uint64_t seq) {
    struct name name;
    int r = check_conv(link, conv, "the conversation", &name);
    if (r != 0)
        return r;
    if (link->phase == LINK_ENDED)
        return link->ended;
    taken_note_seen(link, &name, seq);
    seen_tell_all(link);
    return 0;
}

void taken_tell(struct earshot *link) {
    seen_tell_all(link);
    while (link->phase == LINK_JOINED && bookmark_has_news(&link->bookmark)) {
        struct frame frame = frame_of(&link->bookmark);
        if (!outgoing_control(link, &frame))
            return;
        bookmark_told(&link->bookmark);
    }
}

void taken_tick(struct earshot *link) {
    if (link->bookmark.due.ns == 0)
        return;
    if (mono_now().ns >= link->bookmark.due.ns) {
        link->bookmark.due = WAIT_NOT;
        taken_tell(link);
    } else {
        wait_arm(link, link->bookmark.due);
    }
}

/* The last message of which nothing is missing, among what nobody has looked at. */
struct scan {
    uint64_t whole, begun; /* begun: its parts are still coming; 0: none */
};

static void scan_batch(struct scan *scan, const struct inbox_batch *batch,
                       struct frame_origin origin) {
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
    struct scan scan = {.whole = link->bookmark.received};
    if (link->reassembly.active && !link->reassembly.request)
        scan.begun = link->reassembly.message.seq;
    if (link->current && link->current->session == link->session)
        scan_batch(&scan, link->current, link->lines.origin);
    for (const struct inbox_item *item = link->inbox.head; item; item = item->next)
        if (!item->is_note && ((const struct inbox_batch *)item)->session == link->session)
            scan_batch(&scan, (const struct inbox_batch *)item, (struct frame_origin){0});
    bookmark_end(&link->bookmark, scan.whole);
    link->bookmark.due = WAIT_NOT;
}

void earshot_pass_over(earshot *link, const struct earshot_event *event) {
    if (link && event && event_is_message(event) && event->message.seq == link->bookmark.in_hand)
        link->bookmark.is_passed = true;
}
