#include "core/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/line.h"

/* A quarter of what a user may have is kept for answers, */
#define MESSAGES_PART(max) ((max) / 4 * 3)
/* and no outbox gets more than a quarter of what is left of the rest. */
#define FAIR_PART 4

/* Messages. */

#define CHUNKS_UNUSED_MAX 256

/*
 * With what malloc() adds they are powers of two, so that what is given back is of use to the
 * others. What is kept unused is enough for a calm hub to allocate nothing.
 */
static const struct {
    size_t bytes; /* of the block */
    unsigned n_unused_max;
} message_classes[MESSAGE_CLASSES] = {
    {512 - sizeof(size_t), 256},
    {2048 - sizeof(size_t), 64},
    {sizeof(struct queue_message), 32},
};

static size_t message_bytes(unsigned class) {
    return message_classes[class].bytes;
}

/* Of a batch. */
static size_t message_size(unsigned class) {
    return message_bytes(class) - offsetof(struct queue_message, data);
}

static unsigned message_class_for(size_t n) {
    unsigned class = 0;
    while (message_size(class) < n)
        class ++;
    return class;
}

static struct queue_message *message_acquire(struct chunk_pool *pool, unsigned class) {
    union pooled_message *pooled = pool->classes[class].unused;
    if (!pooled) {
        pooled = malloc(message_bytes(class));
    } else {
        pool->classes[class].unused = pooled->next;
        pool->classes[class].n_unused--;
    }
    return pooled ? &pooled->message : NULL;
}

static void message_release(struct chunk_pool *pool, struct queue_message *message,
                            unsigned class) {
    union pooled_message *pooled = (union pooled_message *)message;
    if (pool->classes[class].n_unused >= message_classes[class].n_unused_max) {
        free(pooled);
        return;
    }
    pooled->next = pool->classes[class].unused;
    pool->classes[class].unused = pooled;
    pool->classes[class].n_unused++;
}

void chunk_pool_deinit(struct chunk_pool *pool) {
    for (unsigned class = 0; class < MESSAGE_CLASSES; class ++)
        for (union pooled_message *next, *pooled = pool->classes[class].unused; pooled;
             pooled = next) {
            next = pooled->next;
            free(pooled);
        }
    for (struct chunk *next, *chunk = pool->unused; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *pool = (struct chunk_pool){.n_used = pool->n_used};
}

/* Chunks. */

static struct chunk *chunk_acquire(struct chunk_pool *pool, const struct outbox_address *address) {
    struct chunk *chunk = pool->unused;
    if (!chunk) {
        chunk = malloc(sizeof *chunk);
    } else {
        pool->unused = chunk->next;
        pool->n_unused--;
    }
    if (!chunk)
        return NULL;
    *chunk = (struct chunk){.session = address->session,
                            .mtype = address->mtype,
                            .payer = address->payer,
                            .n = ENVELOPE_BYTES};
    account_spend(chunk->payer, ACCOUNT_MEMORY, sizeof *chunk);
    pool->n_used++;
    return chunk;
}

static void chunk_free(struct chunk_pool *pool, struct chunk *chunk) {
    account_give_back(chunk->payer, ACCOUNT_MEMORY, sizeof *chunk);
    pool->n_used--;
    if (pool->n_unused >= CHUNKS_UNUSED_MAX) {
        free(chunk);
        return;
    }
    chunk->next = pool->unused;
    pool->unused = chunk;
    pool->n_unused++;
}

static void chunk_drop_message(struct chunk_pool *pool, struct chunk *chunk) {
    if (!chunk->message)
        return;
    account_give_back(chunk->payer, ACCOUNT_MEMORY, message_bytes(chunk->message_class));
    message_release(pool, chunk->message, chunk->message_class);
    chunk->message = NULL;
}

static void chunk_drop_parts(struct chunk *chunk, unsigned n_left) {
    while (chunk->n_parts > n_left)
        body_share_release(chunk->parts[--chunk->n_parts].share);
    if (n_left > 0)
        return;
    account_give_back(chunk->payer, ACCOUNT_MEMORY, chunk->parts_size * sizeof *chunk->parts);
    free(chunk->parts);
    chunk->parts = NULL;
    chunk->parts_size = 0;
}

void chunk_release(struct chunk_pool *pool, struct chunk *chunk) {
    chunk_drop_parts(chunk, 0);
    chunk_drop_message(pool, chunk);
    chunk_free(pool, chunk);
}

static void put_envelope(const struct chunk *chunk, struct queue_message *message) {
    struct cursor_out out = cursor_out_of(message->data, ENVELOPE_BYTES);
    message->mtype = chunk->mtype;
    envelope_put(&out, &(struct envelope){PROTO_VERSION, chunk->n_frames, chunk->session});
    assert(!out.bad);
}

static void put_more(uint8_t *at) {
    struct cursor_out out = cursor_out_of(at, FRAME_HEADER_BYTES);
    frame_put(&out, &(struct frame){.type = FRAME_MORE});
    assert(!out.bad);
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *bytes, size_t n) {
    memcpy(at, bytes, n);
    return at + n;
}

/* Returns where the last ORIGIN stands then; NULL: there is none. */
static const uint8_t *put_parts_together(const struct chunk *chunk, struct queue_message *message) {
    uint8_t *at = message->data + ENVELOPE_BYTES;
    const uint8_t *origin = NULL;
    put_envelope(chunk, message);
    for (unsigned i = 0; i < chunk->n_parts; i++) {
        const struct chunk_part *part = &chunk->parts[i];
        const struct body *body = part->share->body;
        if (part->has_origin) {
            origin = at;
            at = put_bytes(at, body_origin(body), body->n_origin);
        }
        at = put_bytes(at, body_frames(body) + part->at, part->n);
    }
    if (chunk->has_more) {
        put_more(at);
        at += FRAME_HEADER_BYTES;
    }
    assert(at == message->data + chunk->n);
    return origin;
}

const struct queue_message *chunk_message(const struct chunk *chunk,
                                          struct queue_message *scratch) {
    if (chunk->message)
        return chunk->message;
    (void)put_parts_together(chunk, scratch);
    return scratch;
}

/* Moves what is in the chunk, parts or a message, to this message. */
static void chunk_move(struct chunk_pool *pool, struct chunk *chunk, struct queue_message *message,
                       unsigned class) {
    const struct queue_message *old = chunk->message;
    if (old) {
        memcpy(message, old, offsetof(struct queue_message, data) + chunk->n);
        if (chunk->n_origin > 0)
            chunk->origin = message->data + (chunk->origin - old->data);
    } else {
        chunk->origin = put_parts_together(chunk, message);
    }
    chunk_drop_message(pool, chunk);
    chunk_drop_parts(chunk, 0);
    chunk->message = message;
    chunk->message_class = (uint8_t) class;
    account_spend(chunk->payer, ACCOUNT_MEMORY, message_bytes(class));
}

/* Whether its message has room for so many bytes, and MORE. */
static bool message_has_room(const struct chunk *chunk, size_t n) {
    return chunk->message &&
           chunk->n + n + FRAME_HEADER_BYTES <= message_size(chunk->message_class);
}

/* So many bytes can be written behind what is in it. False: memory is out. */
static bool chunk_make_room(struct chunk_pool *pool, struct chunk *chunk, size_t n) {
    if (message_has_room(chunk, n))
        return true;
    unsigned class = message_class_for(chunk->n + n + FRAME_HEADER_BYTES);
    struct queue_message *message = message_acquire(pool, class);
    if (message)
        chunk_move(pool, chunk, message, class);
    return message != NULL;
}

static struct chunk *outbox_add_chunk(struct outbox *outbox, struct chunk_pool *pool,
                                      const struct outbox_address *address) {
    struct chunk *chunk = chunk_acquire(pool, address);
    if (!chunk)
        return NULL;
    if (outbox->tail)
        outbox->tail->next = chunk;
    else
        outbox->head = chunk;
    outbox->tail = chunk;
    outbox->n_chunks++;
    return chunk;
}

/* MORE always fits behind the frames, and nothing comes behind MORE or SWITCH. */
static size_t room_in(const struct chunk *chunk, const struct outbox_address *address) {
    return chunk->has_more || chunk->turn ? 0 : address->batch - FRAME_HEADER_BYTES - chunk->n;
}

static size_t frame_bytes(const uint8_t *frame) {
    uint16_t n;
    memcpy(&n, frame, sizeof n);
    return n;
}

/* Its last message holds so many bytes more, be it with more memory. */
static bool outbox_can_grow(const struct outbox *outbox, const struct outbox_address *address,
                            size_t n) {
    return outbox->tail && outbox->tail->message && room_in(outbox->tail, address) >= n;
}

bool outbox_has_room(const struct outbox *outbox, const struct outbox_address *address, size_t n) {
    return outbox_can_grow(outbox, address, n) && message_has_room(outbox->tail, n);
}

bool outbox_takes_messages(const struct outbox *outbox, const struct outbox_address *address,
                           size_t n, unsigned n_max) {
    const struct account *payer = address->payer;
    uint64_t used = payer->used[ACCOUNT_MEMORY];
    uint64_t max = MESSAGES_PART(payer->limits->max[ACCOUNT_MEMORY]);
    if (outbox_has_room(outbox, address, n))
        return true;
    unsigned n_others = outbox->n_chunks - outbox_can_grow(outbox, address, n);
    if (n_others >= n_max || used >= max)
        return false;
    return FAIR_PART * n_others * CHUNK_BYTES_MAX <= max - used;
}

/* And by the same measure half of its fair part. */
bool outbox_is_high(const struct outbox *outbox, const struct outbox_address *address) {
    const struct account *payer = address->payer;
    uint64_t used = payer->used[ACCOUNT_MEMORY];
    uint64_t max = MESSAGES_PART(payer->limits->max[ACCOUNT_MEMORY]);
    unsigned n = outbox->n_chunks;
    if (n >= OUTBOX_CHUNKS_HIGH)
        return true;
    return n > 0 && (used >= max || 2 * FAIR_PART * n * CHUNK_BYTES_MAX > max - used);
}

static uint64_t chunk_first_seq(const struct chunk *chunk) {
    struct queue_message scratch;
    struct cursor_in in = cursor_in_of(chunk_message(chunk, &scratch)->data, chunk->n);
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

/* The bytes of ORIGIN that must go before these frames here. */
static size_t origin_missing(const struct chunk *chunk, const struct encoded *encoded) {
    size_t n = encoded->n_origin;
    bool is_there =
        n == 0 || (chunk->n_origin == n && memcmp(chunk->origin, encoded->origin, n) == 0);
    return is_there ? 0 : n;
}

static void chunk_copy(struct chunk *chunk, const uint8_t *frames, size_t n,
                       const struct encoded *encoded, size_t n_origin) {
    uint8_t *at = chunk->message->data + chunk->n;
    if (n_origin > 0) {
        chunk->origin = at;
        at = put_bytes(at, encoded->origin, n_origin);
    }
    put_bytes(at, frames, n);
}

static bool chunk_has_place_for_part(struct chunk *chunk) {
    unsigned size = chunk->parts_size;
    if (chunk->n_parts < size)
        return true;
    unsigned wider = size > 0 ? 2 * size : 2;
    struct chunk_part *parts = realloc(chunk->parts, wider * sizeof *parts);
    if (!parts)
        return false;
    account_spend(chunk->payer, ACCOUNT_MEMORY, (wider - size) * sizeof *parts);
    chunk->parts = parts;
    chunk->parts_size = (uint16_t)wider;
    return true;
}

static bool chunk_refer(struct chunk *chunk, const uint8_t *frames, size_t n,
                        const struct encoded *encoded, size_t n_origin) {
    struct body *body = encoded->body;
    struct body_share *share =
        chunk_has_place_for_part(chunk) ? body_share_take(body, chunk->payer) : NULL;
    if (!share)
        return false;
    chunk->parts[chunk->n_parts++] =
        (struct chunk_part){.share = share,
                            .at = (uint32_t)(frames - body_frames(body)),
                            .n = (uint16_t)n,
                            .has_origin = n_origin > 0};
    if (n_origin > 0)
        chunk->origin = body_origin(body);
    return true;
}

static void note_content(struct outbox *outbox, struct chunk *chunk, const struct encoded *encoded,
                         size_t n) {
    chunk->has_others |= encoded->what != ENCODED_MESSAGE;
    if (encoded->what != ENCODED_NOTICE)
        return;
    chunk->n_notices = (uint16_t)(chunk->n_notices + n);
    outbox->n_notices += (uint32_t)n;
}

/* As many of the frames as fit, the first of which does. Returns how many bytes; 0: no memory. */
static size_t chunk_put(struct outbox *outbox, struct chunk_pool *pool, struct chunk *chunk,
                        const struct outbox_address *address, const struct encoded *encoded,
                        size_t done) {
    const uint8_t *frames = (const uint8_t *)encoded->frames + done;
    size_t n_origin = origin_missing(chunk, encoded);
    unsigned n_frames;
    size_t n =
        whole_frames(frames, encoded->n - done, room_in(chunk, address) - n_origin, &n_frames);
    assert(n > 0);
    if (!chunk->message && encoded->body) {
        if (!chunk_refer(chunk, frames, n, encoded, n_origin))
            return 0;
    } else {
        if (!chunk_make_room(pool, chunk, n_origin + n))
            return 0;
        chunk_copy(chunk, frames, n, encoded, n_origin);
    }
    chunk->n = (uint16_t)(chunk->n + n_origin + n);
    chunk->n_frames = (uint16_t)(chunk->n_frames + n_frames + (n_origin > 0));
    if (n_origin > 0)
        chunk->n_origin = (uint16_t)n_origin;
    if (chunk->message)
        envelope_set_n_frames(chunk->message->data, chunk->n_frames);
    note_content(outbox, chunk, encoded, n);
    return n;
}

/* The last chunk, when the first frame and its ORIGIN fit, or a new one; NULL: memory is out. */
static struct chunk *chunk_for(struct outbox *outbox, struct chunk_pool *pool,
                               const struct outbox_address *address, const struct encoded *encoded,
                               size_t n_first) {
    struct chunk *chunk = outbox->tail;
    if (!chunk || room_in(chunk, address) < origin_missing(chunk, encoded) + n_first)
        chunk = outbox_add_chunk(outbox, pool, address);
    return chunk;
}

/* Where an outbox ended, to which it goes back when not all fits into memory. */
struct end {
    struct chunk *tail;
    uint16_t n, n_frames, n_notices, n_parts;
};

static struct end end_of(const struct outbox *outbox) {
    struct chunk *tail = outbox->tail;
    if (!tail)
        return (struct end){0};
    return (struct end){tail, tail->n, tail->n_frames, tail->n_notices, tail->n_parts};
}

static void cut_back(struct outbox *outbox, struct chunk_pool *pool, const struct end *end) {
    struct chunk *tail = end->tail, *chunk = tail ? tail->next : outbox->head;
    outbox->tail = tail;
    if (tail) {
        tail->next = NULL;
        tail->n = end->n;
        tail->n_frames = end->n_frames;
        outbox->n_notices -= (uint32_t)tail->n_notices - end->n_notices;
        tail->n_notices = end->n_notices;
        tail->n_origin = 0; /* it may have been cut off */
        if (tail->message)
            envelope_set_n_frames(tail->message->data, tail->n_frames);
        else
            chunk_drop_parts(tail, end->n_parts);
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

int outbox_append(struct outbox *outbox, struct chunk_pool *pool,
                  const struct outbox_address *address, const struct encoded *encoded) {
    const uint8_t *frames = encoded->frames;
    struct end end = end_of(outbox);
    for (size_t done = 0, n; done < encoded->n; done += n) {
        struct chunk *chunk = chunk_for(outbox, pool, address, encoded, frame_bytes(frames + done));
        n = chunk ? chunk_put(outbox, pool, chunk, address, encoded, done) : 0;
        if (n == 0) {
            cut_back(outbox, pool, &end);
            return -ENOMEM;
        }
    }
    return 0;
}

static void mark_more(struct chunk *chunk) {
    if (chunk->has_more)
        return;
    chunk->has_more = true;
    chunk->n_frames++;
    if (chunk->message) {
        put_more(chunk->message->data + chunk->n);
        envelope_set_n_frames(chunk->message->data, chunk->n_frames);
    }
    chunk->n = (uint16_t)(chunk->n + FRAME_HEADER_BYTES);
}

void outbox_turn(struct outbox *outbox, enum chunk_turn turn) {
    outbox->tail->turn = (uint8_t)turn;
}

static void outbox_count(struct outbox *outbox, const struct chunk *chunk) {
    outbox->n_chunks++;
    outbox->n_notices += chunk->n_notices;
}

static void outbox_discount(struct outbox *outbox, const struct chunk *chunk) {
    outbox->n_chunks--;
    outbox->n_notices -= chunk->n_notices;
}

/* READY came, and more waits than the mailbox takes. */
static bool outbox_wants_marking(const struct outbox *outbox) {
    return outbox->is_mailbox_empty && outbox->n_chunks > MAILBOX_BATCHES;
}

static int flight_max(const struct outbox *outbox) {
    if (outbox->by_channel)
        return CHANNEL_FLIGHT_MAX;
    return outbox_wants_marking(outbox) ? MAILBOX_BATCHES : OUTBOX_FLIGHT_MAX;
}

struct chunk *outbox_take(struct outbox *outbox) {
    struct chunk *first = outbox->head, *last = first;
    assert(outbox_is_sendable(outbox));
    bool wants_marking = !outbox->by_channel && outbox_wants_marking(outbox);
    int max = flight_max(outbox);
    outbox_discount(outbox, last);
    for (int n = 1; n < max && last->next && !last->turn; n++) {
        last = last->next;
        outbox_discount(outbox, last);
    }
    outbox->head = last->next;
    if (!outbox->head)
        outbox->tail = NULL;
    last->next = NULL;
    outbox->has_marked = wants_marking && !last->turn;
    if (outbox->has_marked)
        mark_more(last);
    outbox->is_mailbox_empty = false;
    outbox->in_flight = true;
    outbox->ready = false;
    return first;
}

void outbox_note_sent(struct outbox *outbox, const struct chunk *last) {
    if (last->turn)
        outbox->by_channel = last->turn == TURN_TO_CHANNEL;
}

void outbox_return(struct outbox *outbox, struct chunk *rest, bool full) {
    assert(outbox->in_flight);
    outbox->in_flight = false;
    outbox->stuck = (full || outbox->has_marked) && !outbox->ready;
    if (!rest)
        return;
    struct chunk *last = rest;
    outbox_count(outbox, last);
    while (last->next) {
        last = last->next;
        outbox_count(outbox, last);
    }
    last->next = outbox->head;
    outbox->head = rest;
    if (!outbox->tail)
        outbox->tail = last;
}

void outbox_has_room_again(struct outbox *outbox) {
    outbox->ready = true;
    outbox->stuck = false;
}

void outbox_ready(struct outbox *outbox) {
    outbox_has_room_again(outbox);
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
