/*
 * Questions about the past, and their answers. Whoever reads for the core takes a question, reads
 * outside the lock, from the store or from the log in memory, and hands the messages in.
 * Each question that was taken is handed back, with core_fed() or core_answered(), and freed, also
 * when nobody waits for the answer any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct core;
struct session;
struct user;

enum ask_what {
    ASK_FEED,    /* what a session that lags gets next */
    ASK_HISTORY, /* a page of the past */
    ASK_SEARCH,
    ASK_FIND,   /* messages with an id, and of the thread that began with one */
    ASK_PINS,   /* messages that are pinned or starred: see pin.h */
    ASK_UNREAD, /* how many messages behind `after`, in each conversation */
};

/* A room, and after which message on it is meant. */
struct ask_room {
    conv_number conv;
    uint64_t after;
};

/* A message that is pinned or starred. */
struct ask_pin {
    uint64_t seq;
    conv_number conv;
    int64_t at_ms;
    uint32_t by;  /* number of a handle */
    bool is_gone; /* set by who reads: there is no such message any more */
};

/* Messages that were found; their texts are owned, too. */
struct ask_page {
    struct record *records;
    size_t n, size;
    size_t n_bytes; /* of these, about */
    bool is_broken; /* memory was out */
};

/* What is unread in one conversation. */
struct ask_count {
    conv_number conv;
    uint32_t n, n_mentions;
    uint64_t first, last; /* messages */
};

#define UNREAD_PER_CONV_MAX 10000 /* of each conversation the newest are counted */

struct ask {
    enum ask_what what;
    uint64_t session;
    struct user *user; /* who has asked, and is charged */
    uint32_t request;
    uint32_t handle; /* whose view it is */
    uint32_t view;   /* FEED: the session's, see there; */
    uint64_t stored; /* and the store has nothing up to this one that the answer lacks; PINS: up to
                        this one what is not found is gone */
    bool direct;     /* with its direct conversations, */
    uint64_t direct_after;
    struct ask_room *rooms;
    size_t n_rooms;
    conv_number conv; /* HISTORY, SEARCH, FIND, PINS; 0: all */
    uint64_t before, after;
    unsigned limit;
    uint32_t from;        /* SEARCH: number of a handle; 0: anybody */
    char *words;          /* SEARCH; none: small files of others */
    struct uuid id;       /* FIND, */
    bool is_thread;       /* and whether with its thread */
    struct ask_pin *pins; /* PINS: the newest message first, */
    size_t n_pins;
    uint32_t pins_of; /* and whose stars they are; 0: pins */
    struct name name; /* UNREAD: of the handle; */
    size_t n_marks;   /* and the last of the rooms are direct conversations: those with marks */
    struct ask_count *counts;
    size_t n_counts, counts_size;
    conv_number next_conv; /* is_begun: which is counted next, */
    bool goes_on;          /* and it is not the last step */
    struct ask_page page;  /* read from the log so far */
    size_t n_charged;      /* bytes; 0: nothing */
    bool is_begun;
    struct ask *next, *prev;
};

#define ASKS_PER_SESSION_MAX 8
#define FEED_PAGE_MESSAGES 256
#define PAGE_BYTES_MAX ((size_t)128 * 1024) /* a page is shorter when its messages are long */
#define PAGE_RECORD_BYTES 128               /* what one takes besides its text, about */

/*
 * The next question, of each user in turn; the caller owns it. What is to be fed has a queue of its
 * own: whoever reads for one does not take from the other. NULL: there is none.
 */
struct ask *core_take_ask(struct core *core, bool feed);
bool core_has_ask(const struct core *core, bool feed);

/* Whether somebody waits for the answer; to be asked in the middle of reading. */
bool core_ask_is_wanted(const struct core *core, const struct ask *ask);

void ask_free(struct ask *ask);

/* UNREAD: a message that may be unread. Of each conversation they come one after the other, in any
 * order. 0 or -ENOMEM. */
int ask_count(struct ask *ask, const struct record *record);

/*
 * The answer to a FEED: everything for the session up to `upto`, ascending. `reason` not NULL: it
 * could not be read; the session is ended, so that it comes again.
 */
void core_fed(struct core *core, const struct ask *ask, const struct record *records, size_t n,
              uint64_t upto, const char *reason);

/* Of PINS: what is known of the message with this number; NULL: it is none of them. */
struct ask_pin *ask_pin_of(const struct ask *ask, uint64_t seq);

/* Of FIND: whether the message is wanted, wherever it was said. */
bool ask_finds(const struct ask *ask, const struct record *record);

/* The answer to HISTORY, SEARCH, FIND or PINS, in the order in which it is to be shown. */
void core_answered(struct core *core, const struct ask *ask, const struct record *records, size_t n,
                   const char *reason);
/* To UNREAD: ask->counts, which are taken over. */
void core_counted(struct core *core, struct ask *ask, const char *reason);
/* UNREAD, a step of it: it goes on when its turn comes again; takes over the question. */
void core_count_on(struct core *core, struct ask *ask);

/* So long somebody has read for this user, on whom others had to wait. */
void core_note_reading(struct core *core, struct user *user, int64_t ns);

/*
 * Without a store the answer is in the log in memory, which is read in slices. For each question
 * that was taken: core_read_log() copies a slice, with the hub's lock held; ask_sift() looks
 * through it, without; core_sifted() takes the question back, with the lock, and answers it, or has
 * it go on when its turn comes again.
 */
struct log_slice {
    struct record *records;
    size_t n;
    char *texts;
    size_t n_bytes;
    char *folded; /* for one of them (base/fold.h) */
    bool is_last; /* there is nothing behind it */
};

/* Returns 0 or -ENOMEM. */
int log_slice_init(struct log_slice *slice);
void log_slice_deinit(struct log_slice *slice);

void core_read_log(const struct core *core, struct ask *ask, struct log_slice *slice);
/* Returns whether the answer is complete. */
bool ask_sift(struct ask *ask, const struct log_slice *slice);
void core_sifted(struct core *core, struct ask *ask, bool is_complete);
