/*
 * Bodies: frames that are the same for many.
 *
 * What goes to a crowd is held once, and the outboxes refer to it. A body never changes, so it can
 * be read without the lock by whoever holds it. Each user for whom it is kept pays for all of it,
 * once, however many of his sessions have it waiting: with the others gone, he alone makes the hub
 * keep it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/account.h"

#define BODY_RECIPIENTS_MIN 4 /* for fewer, a copy each costs less */

enum encoded_what { ENCODED_ANSWER, ENCODED_MESSAGE, ENCODED_NOTICE };

/* Frames as they go out. */
struct encoded {
    const void *frames;
    size_t n;
    enum encoded_what what;
    const void *origin; /* the ORIGIN of the LINEs among them; it goes before them in each batch */
    size_t n_origin;    /* 0: there is none */
    struct body *body;  /* where they stand, to be referred to; NULL: they are copied */
    const struct record *mends; /* a message of a room that mends one; NULL: it is none */
    unsigned needs;             /* of messages: the abilities of who can read them in this form */
};

struct body {
    unsigned n_holders; /* its shares, and whoever is handing it out */
    size_t n_origin, n;
    uint8_t bytes[]; /* the ORIGIN, the frames */
};

/* A body for one user. */
struct body_share {
    struct body *body;
    struct account *payer;
    unsigned n_uses;
};

/* Makes a body of them, if so many recipients are worth it and there is memory. */
void encoded_share(struct encoded *encoded, size_t n_recipients);
/* It was handed out; it is freed when nobody has it waiting any more. */
void encoded_shared(struct encoded *encoded);

/* One use more of it for this user; NULL when memory is out. Each is given back. */
struct body_share *body_share_take(struct body *body, struct account *payer);
void body_share_release(struct body_share *share);

static inline const uint8_t *body_origin(const struct body *body) {
    return body->bytes;
}

static inline const uint8_t *body_frames(const struct body *body) {
    return body->bytes + body->n_origin;
}
