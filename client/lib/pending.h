/*
 * The messages that the hub has not acknowledged yet, oldest first, as the frames that carry
 * them. They are sent from here and, after a reconnect, sent again from the oldest on.
 *
 * Every message has a position: a number that counts up and is never used again. The messages
 * before `unsent` have been handed out, `unsent_offset` bytes of the one there too.
 *
 * The window is how many bytes of messages may be handed out that are not acknowledged, the last
 * one of them as long as it is. It fits into what is left of a recipient's outbox when the hub
 * begins to hold acknowledgements back (core/pace.c): so who reads does not fall behind a sender.
 * Who sends by itself is made to wait when its messages fill the window; who must not wait can put
 * more in here.
 *
 * The bytes of one message are contiguous in a circular buffer; what does not fit at the end of
 * it starts at 0 again. Pages that were never used take no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/uuid.h"
#include "proto/name.h"

#define PENDING_MESSAGES_MAX 4096
#define PENDING_BYTES_MAX (1024 * 1024)
#define PENDING_WINDOW_BYTES (128 * 1024)

struct pending_entry {
    struct uuid id;
    uint32_t at, n; /* its frames within the buffer */
    bool done;      /* acknowledged or refused, but an earlier one is not */
};

struct pending {
    struct pending_entry *entries;
    uint8_t *bytes;
    uint64_t first, end; /* positions of the oldest and of the next message */
    uint64_t unsent;     /* position of the first message that is not wholly handed out */
    uint32_t unsent_offset;
    uint32_t tail;      /* where the next message's bytes may start */
    uint32_t n_bytes;   /* of the messages that are kept */
    uint32_t n_unsent;  /* of these, of those that are not wholly handed out */
    uint32_t n_waiting; /* messages that are not done */
    bool is_closing;    /* the window does not matter any more */
};

/* 0 or -ENOMEM. deinit is safe on the zero state. */
int pending_init(struct pending *pending);
void pending_deinit(struct pending *pending);

/* A cursor over room for n bytes. False when the window or the buffer is full. */
bool pending_reserve(const struct pending *pending, size_t n, struct cursor_out *out);

/* Appends the frames that were written to the reserved room. */
void pending_commit(struct pending *pending, const struct uuid *id, const struct cursor_out *out);

/* The next frame to be handed out. False when there is none, or the window is full. */
bool pending_next(const struct pending *pending, struct bytes *frame);

/* That frame was handed out. */
void pending_advance(struct pending *pending, size_t n);

/*
 * The same for the frames of whole messages of one frame each that lie behind each other, as many
 * as fit into `max` bytes. Returns how many; 0: the next frame is not of that kind, or none is
 * there, or fits.
 */
unsigned pending_next_run(const struct pending *pending, size_t max, struct bytes *frames);
void pending_advance_run(struct pending *pending, unsigned n, size_t n_bytes);

/* Everything that is kept must be handed out again, marked as perhaps repeated. */
void pending_rewind(struct pending *pending);

/* Finds a message that is not done. */
bool pending_find(const struct pending *pending, const struct uuid *id, uint64_t *position);

/* To whom it is addressed. */
void pending_to(const struct pending *pending, uint64_t position, struct name *to);

/* This message need not be kept any more. */
void pending_done(struct pending *pending, uint64_t position);

/* Neither this message nor any before it need be kept. */
void pending_done_up_to(struct pending *pending, uint64_t position);

/* Half of the window is used: the hub should acknowledge soon. */
static inline bool pending_is_half_full(const struct pending *pending) {
    return pending->end - pending->first >= PENDING_MESSAGES_MAX / 2 ||
           pending->n_bytes >= PENDING_WINDOW_BYTES / 2;
}

static inline bool pending_fills_window(const struct pending *pending) {
    return pending->n_bytes >= PENDING_WINDOW_BYTES;
}
