/*
 * A message as the log keeps it. Who and where are numbers: the core gives each handle one for
 * ever and each room one for as long as it exists, so that a record survives a change of spelling
 * and is small. Of a room that is gone there is no record, so its number can be given again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/uuid.h"
#include "proto/name.h"

/*
 * A conversation: a room's number, negative, or what two handles say to each other, the smaller
 * number in the upper half. 0 is none.
 */
typedef int64_t conv_number;

/* The greatest numbers that fit: the smaller one of a pair must leave the sign alone. */
#define HANDLE_NUMBER_MAX ((uint32_t)INT32_MAX)
#define ROOM_NUMBER_MAX UINT32_MAX
/* Of a message; the store's are signed. */
#define SEQ_MAX ((uint64_t)INT64_MAX)

static inline conv_number conv_of_room(uint32_t room) {
    return -(conv_number)room;
}

static inline conv_number conv_of_pair(uint32_t a, uint32_t b) {
    return a < b ? (conv_number)((uint64_t)a << 32 | b) : (conv_number)((uint64_t)b << 32 | a);
}

static inline bool conv_is_room(conv_number conv) {
    return conv < 0;
}

/* Of a pair: whether the handle is one of the two, and who the other one is. */
static inline bool conv_has(conv_number conv, uint32_t handle) {
    return conv > 0 && ((uint32_t)(conv >> 32) == handle || (uint32_t)conv == handle);
}

static inline uint32_t conv_other(conv_number conv, uint32_t handle) {
    return (uint32_t)(conv >> 32) == handle ? (uint32_t)conv : (uint32_t)(conv >> 32);
}

/* Times before this one are those of a clock that was not set: there was no Earshot then. */
#define TIME_DATED_FROM INT64_C(1672531200000) /* 2023-01-01, in ms since 1970 */

/* What has become of it since, in its flags beside FRAME_WANT_RECEIPT; see mend.h. */
enum record_mark {
    RECORD_EDITED = 1,  /* the text is not the first one */
    RECORD_REMOVED = 2, /* it has no text any more, and `link` is the handle that removed it */
    RECORD_PAST = 4,    /* an edit whose text was taken away by a later one, or by a removal */
    RECORD_MENDED = RECORD_EDITED | RECORD_REMOVED | RECORD_PAST,
};

struct record {
    uint64_t seq;
    int64_t at_ms;            /* since 1970, UTC */
    struct uuid id, reply_to; /* reply_to: nil for none; */
    struct uuid thread;       /* this, too: the message that the thread of the reply began with, */
    uint64_t link;            /* of the client that sent it */
    conv_number conv;
    uint32_t from;  /* number of the handle */
    uint32_t to;    /* number of the handle or, of a room, of the room */
    uint32_t uid;   /* of the sender */
    uint8_t kind;   /* enum message_kind */
    uint8_t flags;  /* FRAME_WANT_RECEIPT, enum record_mark */
    uint16_t n;     /* and its number in its conversation; 0: none */
    uint64_t about; /* of what mends one (mend.h): its number; 0: it is not there any more */
    struct bytes text;
    struct bytes reactions; /* to it, as the store has them: see past/reacted.h */
};

/* To whom, as one number, whoever says it. */
static inline int64_t record_target(const struct record *record) {
    return conv_is_room(record->conv) ? -(int64_t)record->to : (int64_t)record->to;
}

/*
 * Whether two messages of one user say the same to the same: one that was sent again, perhaps under
 * another handle. `conv` 0 fits every target: its name means nothing any more. What a mended one
 * said first nobody knows any more.
 */
static inline bool record_is_same(const struct record *a, const struct record *b) {
    bool is_mended = (a->flags | b->flags) & RECORD_MENDED;
    return (a->conv == 0 || b->conv == 0 || record_target(a) == record_target(b)) &&
           uuid_equal(&a->reply_to, &b->reply_to) &&
           (is_mended || (a->kind == b->kind && bytes_equal(a->text, b->text)));
}
