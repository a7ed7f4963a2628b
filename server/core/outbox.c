#include "core/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "proto/line.h"

#define POOL_UNUSED_MAX 256

/* A quarter of what a user may have is kept for answers, */
#define MESSAGES_PART(max) ((max) / 4 * 3)
/* and no outbox gets more than a quarter of what is left of the rest. */
#define FAIR_PART 4

static struct chunk *chunk_acquire(struct chunk_pool *pool, struct account *payer) {
    struct chunk *chunk = pool->unused;
    if (chunk) {
        pool->unused = chunk->next;
        pool->n_unused--;
    } else {
        chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
    }
    pool->n_used++;
    chunk->next = NULL;
    chunk->n_frames = 0;
    chunk->n_origin = 0;
    chunk->has_more = false;
    chunk->n_notices = 0;
    chunk->has_others = false;
    chunk->payer = payer;
    account_spend(payer, ACCOUNT_MEMORY, sizeof *chunk);
    return chunk;
}

void chunk_release(struct chunk_pool *pool, struct chunk *chunk) {
    account_give_back(chunk->payer, ACCOUNT_MEMORY, sizeof *chunk);
    pool->n_used--;
    if (pool->n_unused >= POOL_UNUSED_MAX) {
        free(chunk);
        return;
    }
    chunk->next = pool->unused;
    pool->unused = chunk;
    pool->n_unused++;
}

void chunk_pool_deinit(struct chunk_pool *pool) {
    while (pool->unused) {
        struct chunk *chunk = pool->unused;
        pool->unused = chunk->next;
        free(chunk);
    }
    pool->n_unused = 0;
}

static struct chunk *add_chunk(struct outbox *outbox, struct chunk_pool *pool,
                               const struct outbox_address *address) {
    struct chunk *chunk = chunk_acquire(pool, address->payer);
    if (!chunk)
        return NULL;
    struct cursor_out out = cursor_out_of(chunk->message.data, sizeof chunk->message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 0, address->session});
    chunk->n = (uint16_t)cursor_out_used(&out);
    chunk->message.mtype = address->mtype;
    if (outbox->tail)
        outbox->tail->next = chunk;
    else
        outbox->head = chunk;
    outbox->tail = chunk;
    outbox->n_chunks++;
    return chunk;
}

/* MORE always fits behind the frames, and nothing comes behind MORE. */
static size_t room_in(const struct chunk *chunk, const struct outbox_address *address) {
    return chunk->has_more ? 0 : address->batch - FRAME_HEADER_BYTES - chunk->n;
}

static size_t frame_bytes(const uint8_t *frame) {
    uint16_t n;
    memcpy(&n, frame, sizeof n);
    return n;
}

bool outbox_has_room(const struct outbox *outbox, const struct outbox_address *address, size_t n) {
    return outbox->tail && room_in(outbox->tail, address) >= n;
}

bool outbox_takes_messages(const struct outbox *outbox, const struct outbox_address *address,
                           size_t n, unsigned n_max) {
    const struct account *payer = address->payer;
    uint64_t used = payer->used[ACCOUNT_MEMORY];
    uint64_t max = MESSAGES_PART(payer->limits->max[ACCOUNT_MEMORY]);
    if (outbox_has_room(outbox, address, n))
        return true;
    if (outbox->n_chunks >= n_max || used >= max)
        return false;
    return FAIR_PART * outbox->n_chunks * sizeof(struct chunk) <= max - used;
}

static uint64_t chunk_first_seq(const struct chunk *chunk) {
    struct cursor_in in = cursor_in_of(chunk->message.data, chunk->n);
    struct envelope envelope;
    struct frame frame;
    struct frame_origin origin = {0};
    if (!envelope_take(&in, &envelope))
        return 0;
    while (frame_take(&in, &frame, FROM_HUB) == FRAME_OK && frame.type == FRAME_ORIGIN)
        origin = frame.origin;
    if (frame.type == FRAME_LINE)
        return line_seq(&origin, &frame.line);
    return frame.type == FRAME_MESSAGE ? frame.message.seq : 0;
}

uint64_t outbox_first_seq(const struct outbox *outbox) {
    for (const struct chunk *chunk = outbox->head; chunk; chunk = chunk->next)
        if (chunk->has_others)
            return 0;
    return outbox->head ? chunk_first_seq(outbox->head) : 0;
}

/* How many bytes of the frames, whole ones, fit into `room`; *n_frames is how many these are. */
static size_t whole_frames(const uint8_t *frames, size_t n, size_t room, unsigned *n_frames) {
    size_t at = 0;
    *n_frames = 0;
    while (at < n && at + frame_bytes(frames + at) <= room) {
        at += frame_bytes(frames + at);
        (*n_frames)++;
    }
    return at;
}

static void put(struct chunk *chunk, const void *frames, size_t n, unsigned n_frames) {
    memcpy(chunk->message.data + chunk->n, frames, n);
    chunk->n = (uint16_t)(chunk->n + n);
    chunk->n_frames = (uint16_t)(chunk->n_frames + n_frames);
    envelope_set_n_frames(chunk->message.data, chunk->n_frames);
}

/* The bytes of ORIGIN that must go before these frames here. */
static size_t origin_missing(const struct chunk *chunk, const struct encoded *encoded) {
    size_t n = encoded->n_origin;
    bool is_there =
        n == 0 || (chunk->n_origin == n &&
                   memcmp(chunk->message.data + chunk->origin_at, encoded->origin, n) == 0);
    return is_there ? 0 : n;
}

static void put_origin(struct chunk *chunk, const struct encoded *encoded) {
    chunk->origin_at = chunk->n;
    chunk->n_origin = (uint16_t)encoded->n_origin;
    put(chunk, encoded->origin, encoded->n_origin, 1);
}

/* The last chunk, when the first frame and its ORIGIN fit, or a new one. */
static struct chunk *chunk_for(struct outbox *outbox, struct chunk_pool *pool,
                               const struct outbox_address *address, const struct encoded *encoded,
                               size_t n_first) {
    struct chunk *last = outbox->tail;
    if (last && room_in(last, address) >= origin_missing(last, encoded) + n_first)
        return last;
    return add_chunk(outbox, pool, address);
}

/* Where an outbox ended, to which it goes back when not all fits into memory. */
struct end {
    struct chunk *tail;
    uint16_t n, n_frames, n_notices;
};

static struct end end_of(const struct outbox *outbox) {
    struct chunk *tail = outbox->tail;
    return tail ? (struct end){tail, tail->n, tail->n_frames, tail->n_notices} : (struct end){0};
}

static void cut_back(struct outbox *outbox, struct chunk_pool *pool, const struct end *end) {
    struct chunk *tail = end->tail, *chunk = tail ? tail->next : outbox->head;
    outbox->tail = tail;
    if (tail) {
        tail->next = NULL;
        tail->n = end->n;
        tail->n_frames = end->n_frames;
        outbox->n_notices -= (size_t)tail->n_notices - end->n_notices;
        tail->n_notices = end->n_notices;
        tail->n_origin = 0; /* it may have been cut off */
        envelope_set_n_frames(tail->message.data, tail->n_frames);
    } else {
        outbox->head = NULL;
    }
    for (struct chunk *next; chunk; chunk = next) {
        next = chunk->next;
        outbox->n_notices -= chunk->n_notices;
        chunk_release(pool, chunk);
        outbox->n_chunks--;
    }
}

static void note_content(struct outbox *outbox, struct chunk *chunk, const struct encoded *encoded,
                         size_t n) {
    chunk->has_others |= encoded->what != ENCODED_MESSAGE;
    if (encoded->what != ENCODED_NOTICE)
        return;
    chunk->n_notices = (uint16_t)(chunk->n_notices + n);
    outbox->n_notices += n;
}

int outbox_append(struct outbox *outbox, struct chunk_pool *pool,
                  const struct outbox_address *address, const struct encoded *encoded) {
    const uint8_t *rest = encoded->frames;
    size_t n = encoded->n;
    struct end end = end_of(outbox);
    while (n > 0) {
        struct chunk *chunk = chunk_for(outbox, pool, address, encoded, frame_bytes(rest));
        if (!chunk) {
            cut_back(outbox, pool, &end);
            return -ENOMEM;
        }
        if (origin_missing(chunk, encoded) > 0)
            put_origin(chunk, encoded);
        unsigned n_frames;
        size_t part = whole_frames(rest, n, room_in(chunk, address), &n_frames);
        assert(part > 0);
        note_content(outbox, chunk, encoded, part);
        put(chunk, rest, part, n_frames);
        rest += part;
        n -= part;
    }
    return 0;
}

static void mark_more(struct chunk *chunk) {
    if (chunk->has_more)
        return;
    chunk->has_more = true;
    struct cursor_out out = cursor_out_of(chunk->message.data + chunk->n, FRAME_HEADER_BYTES);
    frame_put(&out, &(struct frame){.type = FRAME_MORE});
    assert(!out.bad);
    chunk->n = (uint16_t)(chunk->n + cursor_out_used(&out));
    envelope_set_n_frames(chunk->message.data, ++chunk->n_frames);
}

struct chunk *outbox_take(struct outbox *outbox) {
    struct chunk *first = outbox->head, *last = first;
    assert(outbox_is_sendable(outbox));
    bool mark = outbox->is_mailbox_empty && outbox->n_chunks > MAILBOX_BATCHES;
    int max = mark ? MAILBOX_BATCHES : OUTBOX_FLIGHT_MAX;
    outbox->n_chunks--;
    outbox->n_notices -= last->n_notices;
    for (int n = 1; n < max && last->next; n++) {
        last = last->next;
        outbox->n_chunks--;
        outbox->n_notices -= last->n_notices;
    }
    outbox->head = last->next;
    if (!outbox->head)
        outbox->tail = NULL;
    last->next = NULL;
    if (mark)
        mark_more(last);
    outbox->has_marked = mark;
    outbox->is_mailbox_empty = false;
    outbox->in_flight = true;
    outbox->ready = false;
    return first;
}

void outbox_return(struct outbox *outbox, struct chunk *rest, bool full) {
    assert(outbox->in_flight);
    outbox->in_flight = false;
    outbox->stuck = (full || outbox->has_marked) && !outbox->ready;
    if (!rest)
        return;
    struct chunk *last = rest;
    outbox->n_chunks++;
    outbox->n_notices += last->n_notices;
    while (last->next) {
        last = last->next;
        outbox->n_chunks++;
        outbox->n_notices += last->n_notices;
    }
    last->next = outbox->head;
    outbox->head = rest;
    if (!outbox->tail)
        outbox->tail = last;
}

void outbox_ready(struct outbox *outbox) {
    outbox->ready = true;
    outbox->stuck = false;
    outbox->is_mailbox_empty = true;
}

void outbox_clear(struct outbox *outbox, struct chunk_pool *pool) {
    while (outbox->head) {
        struct chunk *chunk = outbox->head;
        outbox->head = chunk->next;
        chunk_release(pool, chunk);
    }
    outbox->tail = NULL;
    outbox->n_chunks = 0;
    outbox->n_notices = 0;
}
