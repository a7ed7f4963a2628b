/*
 * The courier: one transfer on its way through a ring, with a thread of its own. The sender's
 * reads a source and fills the ring, the recipient's empties it into a sink; both verify. It knows
 * neither hub nor link: those who use it carry what item_offer, item_prefix and courier_passage
 * hold to the other side. So a hub that dies does not disturb it.
 *
 *   sender                                       recipient
 *   source_open(), and source_offer(): what there is to offer
 *                                                courier_receive(); courier_prefix(): what there
 *                                                is of it already, as soon as it is prepared
 *   courier_send(): the ring, and begins
 *                                                courier_attach(), and begins
 *   courier_news(): how far it is; courier_free()
 *
 * Functions return 0, -errno or a transfer_outcome that can be told to the other side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "files/source.h"

struct courier;

/* Where the ring is. */
struct courier_passage {
    int shmid;
    uint32_t n_slots, slot_bytes;
};

/* Called by the courier's thread when there is news; may be called from any thread. */
typedef void courier_wake(void *arg);

/* Sender: one more of the source, which must outlive the courier; a ring for this recipient, and
 * begins. */
int courier_send(struct courier **courier, const struct source *source, uid_t uid, pid_t pid,
                 const struct item_prefix *prefix, struct courier_passage *passage,
                 courier_wake *wake, void *arg);

/* Whether the recipient has attached the ring. */
bool courier_is_met(const struct courier *courier);

/* An entry of a tree that was not sent. */
struct courier_skip {
    const char *path; /* below the tree, raw; valid until the next call. NULL: `more` without one */
    enum source_skip why;
    int error; /* SKIP_DENIED: the system's */
    uint64_t more;
};

/* Sender: the next one that the source has not told of (source_left_out) and that was not told yet.
 * False: none. */
bool courier_next_skip(struct courier *courier, struct courier_skip *skip);

/* Recipient: into the directory, or (dir NULL) to fd, which stays the caller's. */
struct courier_target {
    const char *dir;
    int fd;
    uint64_t n_bytes_max; /* 0: see sink_options */
};

/* The offer's name must outlive the courier. */
int courier_receive(struct courier **courier, const struct item_offer *offer, uid_t from,
                    const struct courier_target *target, courier_wake *wake, void *arg);

/* Whether it is prepared, and that went wrong because of where it was to be written. */
bool courier_has_no_place(const struct courier *courier);

/* Whether courier_prefix() can tell; it is then also what went wrong. */
bool courier_is_prepared(const struct courier *courier);
int courier_prefix(const struct courier *courier, struct item_prefix *prefix);

int courier_attach(struct courier *courier, const struct courier_passage *passage, uid_t uid,
                   pid_t pid);

/* Ends it soon, on both sides. */
void courier_cancel(struct courier *courier);

/* Whether its thread has ended; then courier_news() is final. */
bool courier_is_over(const struct courier *courier);

struct courier_news {
    uint64_t n_bytes; /* that have passed, or were there already */
    uint64_t size;    /* as far as it is known now; UINT64_MAX: unknown */
    bool is_over, is_resumed;
    bool has_grown;               /* when it is over: there is more of it by now */
    bool has_no_place;            /* recipient, when it is over: transfer_is_about_place() */
    enum transfer_outcome reason; /* when it is over */
    int error;                    /* then: the system's, if it was one of ours, or 0 */
    char digest[33];    /* when it is over and all right: of the content, in hexadecimal */
    uint64_t n_skipped; /* entries of a tree that were not sent */
    char name[1024];    /* recipient: under which it was written, or stays as ".part" */
    char where[1024];   /* when it failed: what it was about; raw */
};

void courier_news(const struct courier *courier, struct courier_news *news);

/* Cancels it if need be, waits for its thread. Safe on NULL. */
void courier_free(struct courier *courier);
