/*
 * Offers that a link has made and that were made to it, and the couriers that carry them. The
 * couriers' threads touch nothing here but `news`.
 */
#pragma once

#include "files/courier.h"
#include "files/left_out.h"
#include "files/read_group.h"
#include "files/source.h"
#include "lib/link.h"

/* To one recipient. */
struct offer_taker {
    uint32_t uid;
    uint64_t link;
    struct name by;
    uint64_t attempt; /* the recipient's number for it */
    struct courier *courier;
    struct offer_taker *prev, *next;
};

/* Made by this link. */
struct offer_out {
    struct uuid id;
    struct name to;
    struct source *source;       /* opened when the offer was made, and open as long as it stands */
    const struct left_out *told; /* of what is left out of it, the last that was told */
    bool are_named_told;         /* all that have a name; then, for each reason, how many more */
    enum source_skip unnamed_told;
    bool is_spent; /* a stream of which something was read */
    bool is_held;  /* the hub is not told of it before others are over */
    bool is_gone;  /* a new hub does not take it: what is under way is its end */
    const char *mime;
    struct item_offer what;
    uint32_t request;        /* that made it */
    uint32_t again;          /* the link's own, which makes it again with a new hub; 0: none */
    mono_time again_at;      /* it was refused, and is asked for once more then; 0: not */
    mono_time patient_until; /* its recipient may come to a new hub after us */
    struct offer_taker *takers;
    struct offer_out *prev, *next;
};

/* Made to this link. */
struct offer_in {
    struct uuid id;     /* which only together with the sender's uid says what is meant; */
    struct uuid called; /* what the program calls it: the same, or our own if that is in use */
    uint32_t uid;
    uint64_t link;
    struct name from, to;
    char name[1024], mime[256];
    struct item_offer what;
    struct courier *courier; /* we want it; then */
    bool is_stale;           /* of a hub that is gone: nobody else may use its id meanwhile */
    bool is_accepted;        /* its sender was told so */
    uint64_t attempt;        /* how often: an answer to an earlier time is too late */
    bool is_running;         /* and has told where the ring is */
    struct offer_in *prev, *next;
};

struct transfers {
    struct offer_out *out;
    struct read_pool pool;       /* of the sources */
    unsigned n_standing, n_held; /* of these */
    mono_time again_at;          /* the first of theirs; 0: none */
    struct offer_in *in;
    atomic_bool news;
    int wake_fd; /* of the link */
    /* What the last event points to. */
    char peer[NAME_BYTES_MAX + 1], name[1024], path[4096], mime[256], error[2400];
};

/* NULL when memory is out. */
struct transfers *transfers_of(struct earshot *link);

/* For a courier's thread; arg: struct transfers. */
void transfer_wake(void *arg);

/* To the other side. False: no room just now. */
bool transfer_signal(struct earshot *link, const struct uuid *id, uint32_t uid, uint64_t to,
                     const struct signal *said);
/* DECLINE or CANCEL; `reason` may be any bytes. */
void transfer_signal_end(struct earshot *link, const struct uuid *id, uint32_t uid, uint64_t to,
                         enum signal_what what, const char *reason);

/* Fills a TRANSFER event; the strings are copied. */
void transfer_event(struct earshot *link, struct earshot_event *event, const struct uuid *id,
                    enum earshot_transfer_state state, bool outgoing, const struct name *peer,
                    const struct item_offer *what);
void transfer_set_error(struct earshot *link, struct earshot_event *event, int result,
                        const char *where);
/* What is said of a result: 0 > -errno, or a transfer_outcome with the system's error behind it. */
void transfer_error_text(char *text, size_t size, int result, int error);
/* The end of a courier as an event. */
void transfer_ended(struct earshot *link, struct earshot_event *event,
                    const struct courier_news *news);
void transfer_fill_progress(struct earshot_transfer *transfer, const struct courier *courier);

/* post.c: as a message, if *is_small: a regular file of at most EARSHOT_POST_MAX bytes. */
int post_source(struct earshot *link, const char *to, struct source *source,
                struct earshot_transfer *file, bool *is_small);

struct offer_out *offer_out_find(struct earshot *link, const struct uuid *id);
struct offer_in *offer_in_find(struct earshot *link, const struct uuid *called);
struct offer_in *offer_in_of(struct earshot *link, const struct uuid *id, uint32_t uid);
void offer_out_free(struct earshot *link, struct offer_out *offer);
void offer_in_free(struct earshot *link, struct offer_in *offer);

/*
 * A request that made an offer outlives the hub that did not answer it: the offer is made again,
 * by a request of the link's own, whose answer is that of the first, too. Whether this is one that
 * made an offer; and what the hub's refusal ends.
 */
bool offer_out_is_made_by(const struct earshot *link, uint32_t request);
void offer_out_refused(struct earshot *link, uint32_t request);

/* The offer that this request has made again; NULL: none. */
struct offer_out *offer_out_made_again_by(const struct earshot *link, uint32_t request);

/* An answer to it has come: the request that the program waits for, if it still does. */
uint32_t offer_out_answered(struct earshot *link, uint32_t request);

/* Whether the refusal of this request is not the last word: the offer is made once more. */
bool offer_out_is_patient(struct earshot *link, uint32_t request, enum fail_code code);

/* A new hub does not take what the old one had taken. 1: an event. */
int offer_out_lost(struct earshot *link, struct offer_out *offer, const struct frame_fail *fail,
                   struct earshot_event *event);

/* Nobody shall take it any more. */
void offer_out_withdraw(struct earshot *link, struct offer_out *offer);

/* A signal for an offer of ours, or for one that was made to us. 1: an event. */
int offer_out_signalled(struct earshot *link, struct offer_out *offer,
                        const struct frame_signalled *signal, struct earshot_event *event);
int offer_in_signalled(struct earshot *link, struct offer_in *offer,
                       const struct frame_signalled *signal, struct earshot_event *event);
/* The link is joined again. */
void offer_in_restore(struct earshot *link);

int offer_out_next(struct earshot *link, struct earshot_event *event);
int offer_in_next(struct earshot *link, struct earshot_event *event);
