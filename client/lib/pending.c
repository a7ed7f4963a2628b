#include "lib/pending.h"

#include <stdlib.h>

#include "base/error.h"
#include "proto/frame.h"

int pending_init(struct pending *pending) {
    *pending = (struct pending){
        .entries = malloc(PENDING_MESSAGES_MAX * sizeof *pending->entries),
        .bytes = malloc(PENDING_BYTES_MAX),
    };
    if (pending->entries && pending->bytes)
        return 0;
    pending_deinit(pending);
    return -ENOMEM;
}

void pending_deinit(struct pending *pending) {
    free(pending->entries);
    free(pending->bytes);
    *pending = (struct pending){0};
}

static struct pending_entry *entry_at(const struct pending *pending, uint64_t position) {
    return &pending->entries[position % PENDING_MESSAGES_MAX];
}

/* Where n contiguous bytes are free. The tail never meets the head unless nothing is kept. */
static bool find_room(const struct pending *pending, size_t n, uint32_t *at) {
    uint32_t tail = pending->tail;
    if (pending->first == pending->end) {
        *at = 0;
        return n <= PENDING_BYTES_MAX;
    }
    uint32_t head = entry_at(pending, pending->first)->at;
    if (tail > head && n <= PENDING_BYTES_MAX - tail) {
        *at = tail;
        return true;
    }
    *at = tail > head ? 0 : tail;
    return n < head - *at;
}

bool pending_reserve(const struct pending *pending, size_t n, struct cursor_out *out) {
    uint32_t at;
    if (pending->end - pending->first >= PENDING_MESSAGES_MAX || !find_room(pending, n, &at))
        return false;
    *out = cursor_out_of(pending->bytes + at, n);
    return true;
}

void pending_commit(struct pending *pending, const struct uuid *id, const struct cursor_out *out) {
    assert(!out->bad && cursor_out_used(out) > 0);
    uint32_t at = (uint32_t)(out->start - pending->bytes);
    uint32_t n = (uint32_t)cursor_out_used(out);
    *entry_at(pending, pending->end++) = (struct pending_entry){.id = *id, .at = at, .n = n};
    pending->tail = at + n;
    pending->n_bytes += n;
    pending->n_unsent += n;
    pending->n_waiting++;
}

/* So many bytes were handed out, of whole messages. */
static bool window_is_open(const struct pending *pending, size_t n_handed) {
    return pending->is_closing || n_handed < PENDING_WINDOW_BYTES;
}

/* A message that has begun goes on. */
static bool may_hand_out(const struct pending *pending) {
    return pending->unsent_offset > 0 ||
           window_is_open(pending, pending->n_bytes - pending->n_unsent);
}

bool pending_next(const struct pending *pending, struct bytes *frame) {
    if (pending->unsent == pending->end || !may_hand_out(pending))
        return false;
    const struct pending_entry *entry = entry_at(pending, pending->unsent);
    const uint8_t *data = pending->bytes + entry->at + pending->unsent_offset;
    uint16_t length;
    memcpy(&length, data, sizeof length);
    *frame = (struct bytes){(const char *)data, length};
    return true;
}

static bool entry_is_one_frame(const struct pending *pending, const struct pending_entry *entry) {
    uint16_t length;
    memcpy(&length, pending->bytes + entry->at, sizeof length);
    return length == entry->n;
}

unsigned pending_next_run(const struct pending *pending, size_t max, struct bytes *frames) {
    uint32_t begin = entry_at(pending, pending->unsent)->at, n_bytes = 0;
    uint64_t at = pending->unsent;
    for (; at < pending->end && pending->unsent_offset == 0; at++) {
        const struct pending_entry *entry = entry_at(pending, at);
        if (entry->at != begin + n_bytes || entry->n > max - n_bytes || entry->done ||
            !entry_is_one_frame(pending, entry) ||
            !window_is_open(pending, pending->n_bytes - pending->n_unsent + n_bytes))
            break;
        n_bytes += entry->n;
    }
    *frames = (struct bytes){(const char *)pending->bytes + begin, n_bytes};
    return (unsigned)(at - pending->unsent);
}

static void pass_unsent(struct pending *pending) {
    pending->n_unsent -= entry_at(pending, pending->unsent++)->n;
    pending->unsent_offset = 0;
}

/* Messages that were done before they were sent again are not sent. */
static void skip_done(struct pending *pending) {
    while (pending->unsent < pending->end && pending->unsent_offset == 0 &&
           entry_at(pending, pending->unsent)->done)
        pass_unsent(pending);
}

void pending_advance(struct pending *pending, size_t n) {
    pending->unsent_offset += (uint32_t)n;
    if (pending->unsent_offset < entry_at(pending, pending->unsent)->n)
        return;
    pass_unsent(pending);
    skip_done(pending);
}

void pending_advance_run(struct pending *pending, unsigned n, size_t n_bytes) {
    pending->unsent += n;
    pending->n_unsent -= (uint32_t)n_bytes;
    skip_done(pending);
}

void pending_rewind(struct pending *pending) {
    pending->unsent = pending->first;
    pending->unsent_offset = 0;
    pending->n_unsent = pending->n_bytes;
    for (uint64_t at = pending->first; at < pending->end; at++)
        frame_mark_repeated(pending->bytes + entry_at(pending, at)->at);
    skip_done(pending);
}

bool pending_find(const struct pending *pending, const struct uuid *id, uint64_t *position) {
    for (uint64_t at = pending->first; at < pending->end; at++) {
        const struct pending_entry *entry = entry_at(pending, at);
        if (!entry->done && uuid_equal(&entry->id, id)) {
            *position = at;
            return true;
        }
    }
    return false;
}

void pending_to(const struct pending *pending, uint64_t position, struct name *to) {
    const struct pending_entry *entry = entry_at(pending, position);
    struct cursor_in in = cursor_in_of(pending->bytes + entry->at, entry->n);
    struct frame frame;
    enum frame_outcome outcome = frame_take(&in, &frame, FROM_CLIENT);
    assert(outcome == FRAME_OK && frame.type == FRAME_SEND);
    to->n = (uint8_t)frame.send.to.n;
    memcpy(to->s, frame.send.to.data, to->n);
    to->s[to->n] = '\0';
}

/* Frees the oldest messages as far as they are done. */
static void pending_release(struct pending *pending) {
    while (pending->first < pending->end && entry_at(pending, pending->first)->done) {
        if (pending->unsent == pending->first)
            pass_unsent(pending);
        pending->n_bytes -= entry_at(pending, pending->first++)->n;
    }
    skip_done(pending);
}

static void mark_done(struct pending *pending, uint64_t position) {
    struct pending_entry *entry = entry_at(pending, position);
    if (!entry->done)
        pending->n_waiting--;
    entry->done = true;
}

void pending_done(struct pending *pending, uint64_t position) {
    mark_done(pending, position);
    pending_release(pending);
}

void pending_done_up_to(struct pending *pending, uint64_t position) {
    for (uint64_t at = pending->first; at <= position; at++)
        mark_done(pending, at);
    pending_release(pending);
}
