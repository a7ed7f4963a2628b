/*
 * Conversations on tape: what a client of some version wrote, byte for byte, and what it was
 * answered. Nothing here uses the encoders and decoders of today: offsets are those of version 1.
 * RECORD=1 makes a test print a new tape (tape_record); an old one is never changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/rendezvous.h"

#define TAPE_BATCH_MAX 8192

/* One frame of an answer. */
struct tape_frame {
    uint8_t type, flags;
    uint16_t length;  /* of the whole frame */
    const char *tail; /* how it ends; NULL: not looked at */
};

/* A batch of the client, and the frames that answer it, in any order. */
struct tape_step {
    const char *name;
    const uint8_t *bytes;
    size_t n;
    const struct tape_frame *answers;
    size_t n_answers;
};

/* Offsets in a batch of one frame. */
enum {
    TAPE_VERSION = 0, /* u8 of the envelope */
    TAPE_SESSION = 4, /* u64 of the envelope */
    TAPE_FRAME = 12,  /* u16 length, u8 type, u8 flags */
    TAPE_NONCE_ID = 16 /* of NONCE */,
    TAPE_HELLO_VERSION = 16,
    TAPE_HELLO_MAILBOX = 18,
    TAPE_HELLO_NONCE = 22,
};

/* One end of a conversation. */
struct tape_end {
    const char *dir;
    struct rendezvous_record hub;
    int mailbox, lane; /* lane -1: not welcomed yet */
    uint64_t session;
    uint8_t batch[TAPE_BATCH_MAX]; /* what is being read */
    size_t at, n;
};

/* Finds the hub, makes a mailbox and gives it to the hub. False, and a note, when it fails. */
bool tape_open(struct tape_end *end, const char *dir);

/*
 * Puts mailbox and session of this conversation into a batch, and sends it where it belongs. When
 * it has no bytes, it is a client of today that writes to the one on tape.
 */
int tape_send(const struct tape_end *end, const uint8_t *bytes, size_t n);

/* The next frame within `ms`, in place; NULL when none came. Notes session and lane of WELCOME. */
const uint8_t *tape_next(struct tape_end *end, int ms);

uint8_t tape_type(const uint8_t *frame);
uint16_t tape_length(const uint8_t *frame);

/* Has a conversation with the hub in `dir` and prints it as a header of C. False when it fails. */
bool tape_record(const char *dir);
