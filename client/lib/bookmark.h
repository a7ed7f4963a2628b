/*
 * Where a link stands in the hub's log: what has come, what the program has taken, what the hub
 * was told of that, and where to go on after a reconnect. Pure: no system call, no link.
 *
 * Sequence numbers ascend within a session, and over the hub's restarts as long as the hub keeps
 * its log. A hub that came back without one counts anew; then what was said of the old log does
 * not matter any more. WELCOME tells: its newest message is older than what had come already.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define BOOKMARK_TELL_MS 1000 /* the hub is told of what was taken within this */

struct bookmark {
    bool counts;          /* what comes is mail of the handle: the hub wants to know it was taken */
    bool is_passed;       /* the program passed a message over: nothing counts as taken any more */
    bool until_read;      /* only what was read counts as taken */
    bool has_begin;       /* `begin` was asked for, or is where the first session began */
    uint64_t begin;       /* messages after this one */
    uint64_t resume;      /* had been received when this session began */
    uint64_t newest;      /* of this session: the newest message, when it began or since */
    uint64_t last;        /* made into an event, whatever session it came in */
    uint64_t received;    /* the same, of this session only; 0: none */
    uint64_t in_hand;     /* of the event that the program looks at; 0: none */
    uint64_t taken, read; /* by the program; */
    uint64_t told_taken, told_read; /* and what the hub knows of it */
    mono_time due;                  /* when it is to be told; ns 0: nothing is */
};

/* Whether HELLO says where to begin, and after which message. */
bool bookmark_is_known(const struct bookmark *bookmark, uint64_t *after);

/* A session has begun; the hub's newest message is `newest`. */
void bookmark_begin(struct bookmark *bookmark, uint64_t newest);

/* Its first events are about to be taken. */
static inline void bookmark_enter(struct bookmark *bookmark, uint64_t resume) {
    bookmark->last = resume;
}

/*
 * The link speaks for another handle from now on, whose mail may be older than what has come: it
 * begins where that handle is, which only the hub knows.
 */
static inline void bookmark_renamed(struct bookmark *bookmark) {
    *bookmark = (struct bookmark){.counts = bookmark->counts,
                                  .is_passed = bookmark->is_passed,
                                  .until_read = bookmark->until_read,
                                  .newest = bookmark->newest};
}

/* A whole message has come. False: it had come before. */
static inline bool bookmark_admit(struct bookmark *bookmark, uint64_t seq, bool of_this_session) {
    if (seq <= bookmark->last)
        return false;
    bookmark->last = seq;
    if (of_this_session) {
        bookmark->received = seq;
        if (seq > bookmark->newest)
            bookmark->newest = seq;
    }
    return true;
}

/* The session is over; up to this message everything has been received in it (0: nothing). */
void bookmark_end(struct bookmark *bookmark, uint64_t received);

/* The program is through with the event that it had in hand. */
static inline void bookmark_take(struct bookmark *bookmark) {
    /* What came from a log that is lost means nothing to this hub. */
    if (bookmark->in_hand > bookmark->taken && bookmark->in_hand <= bookmark->newest &&
        !bookmark->is_passed && !bookmark->until_read)
        bookmark->taken = bookmark->in_hand;
    bookmark->in_hand = 0;
}

/* The program has shown this message to somebody. */
void bookmark_read(struct bookmark *bookmark, uint64_t seq);

/* Whether the hub is to be told something. */
static inline bool bookmark_has_news(const struct bookmark *bookmark) {
    return bookmark->counts &&
           (bookmark->taken > bookmark->told_taken || bookmark->read > bookmark->told_read);
}

/*
 * How far the hub is to be told that messages were taken. A session that begins behind others which
 * its handle has not taken yet takes these first: the hub cannot tell what it skips from what it
 * has read.
 */
static inline uint64_t bookmark_next(const struct bookmark *bookmark) {
    bool is_before = bookmark->told_taken < bookmark->resume && bookmark->taken > bookmark->resume;
    return is_before ? bookmark->resume : bookmark->taken;
}

/* It was told that. */
void bookmark_told(struct bookmark *bookmark);
