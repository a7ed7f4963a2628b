/*
 * Questions about the past, and their answers. With a store its thread reads for the core: it
 * takes a question, reads outside the lock, and hands the messages in. Without one the core
 * answers from the log at once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct core;

enum ask_what {
    ASK_FEED,    /* what a session that lags gets next */
    ASK_HISTORY, /* a page of the past */
    ASK_SEARCH,
};

/* A room, and after which message on it is meant. */
struct ask_room {
    conv_number conv;
    uint64_t after;
};

struct ask {
    enum ask_what what;
    uint64_t session;
    uint32_t request;
    uint32_t handle; /* whose view it is */
    uint32_t view;   /* FEED: the session's, see there; */
    uint64_t stored; /* and the store has nothing up to this one that the answer lacks */
    bool direct;     /* with its direct conversations, */
    uint64_t direct_after;
    struct ask_room *rooms;
    size_t n_rooms;
    conv_number conv; /* HISTORY, SEARCH; 0: all */
    uint64_t before, after;
    unsigned limit;
    uint32_t from; /* SEARCH: number of a handle; 0: anybody */
    char *words;   /* SEARCH; none: small files of others */
    struct ask *next;
};

#define ASKS_PER_SESSION_MAX 8
#define FEED_PAGE_MESSAGES 256
#define PAGE_BYTES_MAX ((size_t)128 * 1024) /* a page is shorter when its messages are long */

/* The next question; the caller owns it. NULL: none. */
struct ask *core_take_ask(struct core *core);
void ask_free(struct ask *ask);

/*
 * The answer to a FEED: everything for the session up to `upto`, ascending. `reason` not NULL: it
 * could not be read; the session is ended, so that it comes again.
 */
void core_fed(struct core *core, const struct ask *ask, const struct record *records, size_t n,
              uint64_t upto, const char *reason);

/* The answer to HISTORY or SEARCH, in the order in which it is to be shown. */
void core_answered(struct core *core, const struct ask *ask, const struct record *records, size_t n,
                   const char *reason);
