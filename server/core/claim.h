/* Names that one session has at a time, and others wait for; see claim.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/lookalike.h"
#include "proto/name.h"

struct listing;
struct session;
struct user;

/* How early a claim comes to its turn when a name is settled; of one rank, see claim.c. */
enum claim_rank {
    CLAIM_HAD,    /* a former hub had given it the name, */
    CLAIM_WAITED, /* or let it wait */
    CLAIM_FRESH
};

/* One session's wish for a name. */
struct claim {
    struct claimed *of;
    struct session *session;
    uint32_t request; /* of its CLAIM, which it is told by */
    uint8_t rank;     /* enum claim_rank */
    bool waits;       /* while somebody else has it; else it is refused then */
    unsigned told;    /* the place in the queue that it was told; 0: none */
    int64_t since_ms; /* it has the name, or waits */
    uint64_t grant;   /* of the name, as it was proved to have heard last */
    uint64_t ticket;  /* of two that wait, the one with the smaller one came first */
    struct claim *next, *prev;
    struct claim *next_of_session, *prev_of_session;
    struct listing *visitors; /* lists that have come to it */
    uint8_t n_note;
    char note[];
};

/* A name with claims; see claim.c. */
struct claimed {
    struct name name, key;
    struct alike_entry alike;
    struct claim *claims; /* who has it, then those who wait, in order; never none, */
    unsigned n;           /* so many */
    bool is_unsettled;    /* nobody has it yet: whom a former hub gave it to may come back */
    uint64_t grant;       /* the number of the latest; unsettled: the greatest that was proved */
    struct user *by;      /* who has changed the places of those who wait */
    struct claim *at;     /* the next one to be told his place; NULL: that has not begun, */
    unsigned at_place;    /* which is this */
    mono_time tells;      /* when it begins */
    bool is_due;          /* in the list of those with that */
    bool again;           /* places have changed since it began */
    struct claimed *next_unsettled, *prev_unsettled;
    struct claimed *next_due, *prev_due;
    UT_hash_handle hh;
};

struct claim_book {
    struct claimed *names;
    struct alike *alike;
    struct claimed *unsettled, *due;
    mono_time settles; /* so long names are unsettled; ns 0: they are not */
    mono_time tells;   /* of the first that is due; ns 0: none is */
    uint64_t number;   /* of a grant or ticket, given last; the upper bits count the hubs */
    uint32_t n;        /* claims */
    bool is_used;      /* something was proved by the key: the next hub is to know it */
};
