/*
 * What was read from a FIFO of `earshot hook` and that the hub has not acknowledged yet: a file for
 * each conversation that has any, so that it is sent when this process was killed meanwhile.
 *
 * A FIFO gives each byte once. So its content is copied out of it first (tee(2)), then written
 * here, and only then read. The bytes have offsets, counted from the first one in the file; the id
 * of a message comes from its offset, and so is the same when the message is sent again; and by a
 * secret of the directory one can tell it from that of any other message. The file is removed when
 * all of it is answered.
 *
 * Nothing of this waits for the disk: it is there after a killed process, not after a machine that
 * lost its power, which the content of a FIFO does not outlive, either.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "base/uuid.h"

#define HOOK_SPOOL_BYTES (1 << 20) /* then nothing is read until the hub has what is in it */

struct hook_spool_head {
    uint64_t magic;
    int64_t made_ms;   /* since 1970; of each file of a conversation another one */
    uint64_t goes_on;  /* it begins in the middle of a line */
    uint64_t answered; /* up to there the hub has taken or refused it, */
    uint64_t sent;     /* up to there it was sent, and stands in `out`, */
    uint64_t taken;    /* up to there it is not in the FIFO any more */
};

struct hook_spool {
    int dir; /* the caller's, as the name: where the file is, and what it is called */
    const char *name;
    const uint8_t *secret; /* SIPHASH_KEY_BYTES, the same for ever; the caller's */
    int fd;                /* -1: there is no file */
    struct hook_spool_head head;
    uint64_t end;   /* offset behind the last byte */
    bool is_broken; /* it could not be written to: what is read until all is answered is not safe */
};

/* What is to be sent of the file that a killed process has left; the caller frees it. NULL:
 * nothing. goes_on: it begins in the middle of a line. `peeked` stands in the FIFO just now. */
char *hook_spool_open(struct hook_spool *spool, struct bytes peeked, size_t *n, bool *goes_on);

/* Adds what stands in the FIFO; makes the file if there is none. 0 or -errno: it is not safe. */
int hook_spool_add(struct hook_spool *spool, struct bytes data, bool goes_on);

/* What was added has been read from the FIFO. */
void hook_spool_taken(struct hook_spool *spool);

/* The head has changed. */
void hook_spool_note(struct hook_spool *spool);

/* All that was sent is answered, and this is not sent: it is all that stays, from the offset 0 on.
 */
void hook_spool_restart(struct hook_spool *spool, struct bytes data, bool goes_on);

void hook_spool_id(const struct hook_spool *spool, uint64_t offset, char id[UUID_TEXT_SIZE]);
/* Whether it is the id of one that was sent here, now or before. */
bool hook_spool_is_own(const struct hook_spool *spool, const char *id);

void hook_spool_close(struct hook_spool *spool);
