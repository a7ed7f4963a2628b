/*
 * The inside of a link. Who does what:
 *
 *   open.c      earshot_open, earshot_close, what is known about the hub
 *   join.c      finding the hub and the handshake, at first and again; leaving it, losing it
 *   send.c      earshot_send, earshot_flush: into the pending messages
 *   conduit.c   lane and mailbox, or the channel of a busy session
 *   outgoing.c  pending messages and other frames -> batches -> conduit
 *   incoming.c  conduit -> batches -> events, and acknowledgements early
 *   transfer*.c offers and transfers (courier.h moves the bytes)
 *   request.c   earshot_join ... earshot_forget, and what is asked again after a reconnect
 *   claim.c     earshot_claim ... earshot_claims, and what is claimed again after a reconnect
 *   check.c     the arguments of all public functions
 *   taken.c     telling the hub what was taken, and from where to go on after a reconnect
 *   wait.c      earshot_next, earshot_fd and all waiting
 *
 * A link is used by one thread at a time. Its own threads (watch.h, reader.h, writer.h) share
 * nothing with it but what stands in their structures.
 *
 * Within the link a positive number is an enum earshot_outcome unless a function says otherwise.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/macro.h"
#include "ipc/gate.h"
#include "ipc/queue.h"
#include "ipc/rendezvous.h"
#include "lib/bookmark.h"
#include "lib/conduit.h"
#include "lib/control.h"
#include "lib/earshot.h"
#include "lib/events.h"
#include "lib/inbox.h"
#include "lib/pending.h"
#include "lib/reader.h"
#include "lib/reassembly.h"
#include "lib/receipts.h"
#include "lib/received.h"
#include "lib/watch.h"
#include "lib/writer.h"
#include "proto/fail.h"
#include "proto/name.h"

#define LINK_ERROR_SIZE (PATH_MAX + 1024)
#define LINK_HANDSHAKE_MS                                                                          \
    5000 /* the hub answers HELLO within this, or is asked again; two halves */
#define LINK_BACKOFF_MIN_MS 50
#define LINK_BACKOFF_MAX_MS 2000
#define LINK_HELLO_MIN_NS (10 * NS_PER_MS) /* the well-known queue was full; then twice as long */
#define LINK_HELLO_MAX_NS (160 * NS_PER_MS)
/* Sessions that the hub ends in a row, while nothing gets on. */
#define LINK_REJECTED_MAX 3
#define LINK_LOOK_MS 100 /* how often a program that only sends looks for the hub */
#define LINK_PROOF_MIN_NS (40 * 1000)
#define LINK_PROOF_MAX_NS (5 * NS_PER_MS)

enum link_phase {
    LINK_BACKOFF, /* no hub; looks for one again at retry_at */
    LINK_HELLO,   /* the well-known queue is full; HELLO is tried again at retry_at */
    LINK_PROOF,   /* HELLO was sent; the hub has not taken the nonce, see join.c */
    LINK_WELCOME, /* the hub's answer is awaited until answer_by */
    LINK_JOINED,
    LINK_ENDED, /* for good; `ended` tells why */
};

/* The batch being filled. */
struct outgoing {
    struct queue_message message;
    struct cursor_out out;
    uint16_t n_frames;
    bool ends;          /* a SWITCH is the last frame of it */
    bool owes_ready;    /* to a MORE */
    bool lane_full;     /* the last attempt to send found no room */
    unsigned n_gather;  /* full batches that are to find room at once: see outgoing.c */
    uint64_t n_batches; /* that went on their way */
    mono_time due;      /* what has gathered is left with the writer until then; ns 0: it is not */
};

/* Up to where a conversation was shown. */
#define LINK_SEEN_MAX 16
struct seen {
    struct name conv;
    uint64_t seq;
};

struct request;
struct joined_room;
struct own_claim;

struct earshot {
    /* What was asked for. */
    char dir[PATH_MAX];
    enum rendezvous_origin origin;
    unsigned flags; /* of earshot_options */
    struct name handle;
    uint64_t number; /* HELLO's `link`: tells the sessions of this link from all others */
    pid_t pid;       /* our own */

    /* The hub, as far as it was found. */
    enum link_phase phase;
    int ended; /* LINK_ENDED: what earshot_next() returns */
    bool was_joined;
    int failed, told_failed; /* of attempts to come back: the last outcome, and what was told */
    struct rendezvous_record hub;
    struct queue_limits limits;
    char hub_name[256];
    uint64_t joined_seq; /* its newest message when the session began */
    uint32_t keep_days;
    uint64_t keep_bytes;
    bool hub_takes_files; /* as they are, and not as base64 */
    bool hub_takes_heads; /* KIND_HEADED; else they are plain text */
    bool hub_takes_reads; /* it counts what is unread */
    bool hub_takes_order; /* it keeps order, and tells accounts */
    bool hub_takes_claims;
    bool hub_takes_rooms;   /* it knows private rooms */
    bool hub_takes_mends;   /* KIND_EDIT and KIND_REMOVE */
    uint32_t hub_abilities; /* what it has told with TAKES */
    int hub_fd;             /* its pidfd */
    int mailbox;            /* msqid, or -1 */
    atomic_int lane;        /* msqid, or -1; the watch reads it too */
    uint64_t session;
    struct conduit conduit;
    struct uuid nonce;
    mono_time retry_at;
    mono_time answer_by; /* this half of the time for that is over then, */
    bool is_half_over;   /* and the first one is already */
    int backoff_ms;
    int64_t pause_ns; /* before HELLO is sent, or the mailbox looked at, again */

    /* Towards the hub. */
    struct uuid_source ids;
    struct pending pending;
    struct receipts receipts;
    struct control control;
    struct outgoing outgoing;
    struct gate gate;    /* before the lane */
    struct name last_to; /* the last recipient, checked, and as the program spelled it */
    char last_to_text[NAME_BYTES_MAX + 1];
    uint64_t asked_at;   /* position of the last message with FRAME_ACK_NOW */
    mono_time looked_at; /* when the hub was last seen to live, without the watch */
    uint32_t last_request;
    struct request *requests;  /* not answered yet */
    struct joined_room *rooms; /* joined by this link */
    struct own_claim *claims;
    unsigned n_claims;
    char *away; /* set by this link; NULL: not away */

    /* From the hub. */
    struct inbox_batch *current; /* being taken apart; NULL: none */
    struct inbox_batch *spare;
    struct inbox inbox;
    struct inbox_note *shown; /* the program looks at its strings */
    struct reassembly reassembly;
    struct event_store store;
    struct event_lines lines; /* of the current batch */
    uint64_t n_bad;           /* batches with something in them that could not be understood */
    bool said_bye;            /* the hub; the link is to be given up */
    bool is_rejected;         /* it ends the session: a frame of ours broke the protocol, */
    bool is_removed;          /* or (this, too) an administrator wants it */
    unsigned n_rejected;      /* in a row, without any progress */
    char rejection[256];      /* its sentence */
    bool takes;               /* the program has begun to take events */
    struct bookmark bookmark;
    struct seen seen[LINK_SEEN_MAX]; /* of conversations, which the hub is to be told; */
    unsigned n_seen;                 /* so many */
    struct received received;        /* only when it reconnects */

    /* Waiting. */
    bool pollable; /* earshot_fd() was called: nothing may block */
    bool stalled;  /* no room to answer what is in the inbox: it must wait */
    int epoll_fd, timer_fd, wake_fd;
    mono_time timer_at; /* when it fires; 0: not set */
    atomic_bool woken;
    struct watch watch;
    struct mailbox_reader reader;
    struct writer writer;

    struct transfers *transfers; /* NULL: none yet */

    unsigned fail_code;
    char error[LINK_ERROR_SIZE];
};

/* open.c */
/* Notes the sentence and the code; returns the outcome. */
int link_fail(struct earshot *link, int outcome, enum fail_code code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* join.c */
/* Begins to join. Returns 0 or, when that failed for good, link->ended. */
int join_begin(struct earshot *link);
/* Does what is due at this time. */
void join_tick(struct earshot *link);
/* A batch that came before the session; true when the session began and the rest is for it. */
bool join_answer(struct earshot *link, struct inbox_batch *batch);
/* Who must own a private directory; (uid_t)-1 for any other. */
uid_t join_only_uid(const struct earshot *link);
/* When join_tick() is next due; ns 0: never. */
mono_time join_due(const struct earshot *link);

/* The hub is gone: `why` ends the sentence "the hub ... ". */
void join_lose(struct earshot *link, const char *why);
/* The hub has said that it ends the session; join_lose() then does what follows. */
void join_note_rejected(struct earshot *link, const struct frame_fail *fail);
/* Leaves the hub: threads, mailbox, pidfd. Safe in every phase. */
void join_leave(struct earshot *link);
/* Takes a dead hub's lane away from whoever is blocked in it. Called by the watch, too. */
void join_release_lane(void *link);

/* conduit.c */
/* A session begins, with a hub that may be asked for a channel. */
void link_begin_channel(struct earshot *link, bool may_ask);
/* A queue was too small once more. */
void link_note_busy(struct earshot *link);

/* send.c */
/* earshot_send() of any kind of message. */
int send_message(struct earshot *link, const struct earshot_message *message,
                 char id[EARSHOT_ID_SIZE]);

/* outgoing.c */
enum outgoing_policy {
    OUTGOING_TRY,   /* if there is room */
    OUTGOING_LATER, /* never blocks: the writer does */
    OUTGOING_BLOCK,
};
/* Nothing is handed out: empties the batch. */
void outgoing_reset(struct earshot *link);
/* Moves frames into the batch. True: the batch is full, and there are more. */
bool outgoing_fill(struct earshot *link);
/* Waits until the writer has sent its batch. 0, also when the hub was lost, or -EINTR. */
int outgoing_wait(struct earshot *link);
/* Whether nothing is to be sent before the messages that wait fill a batch. */
bool outgoing_gathers(const struct earshot *link);
/* Whether frames wait that were not given to the lane or the writer. */
bool outgoing_has_frames(const struct earshot *link);

/* Whether what is in the batch should be tried now, though it may not be full. */
bool outgoing_may_try(const struct earshot *link);
/* Whether nobody hands out what is not sent now, unless the program calls again. */
bool outgoing_is_stranded(const struct earshot *link);
/* How: in a channel it waits for room, which there soon is, so that nothing lies about. */
enum outgoing_policy outgoing_at_once(const struct earshot *link);
/*
 * Sends full batches and, if `all`, the last one too. 0, also when the hub was lost meanwhile;
 * EARSHOT_AGAIN when frames are left; -EINTR with OUTGOING_BLOCK.
 */
int outgoing_send(struct earshot *link, enum outgoing_policy policy, bool all);
/* The program has sent what is in the batch, and goes its own way. 0 or -errno. */
int outgoing_leave(struct earshot *link);
/* A frame that needs no acknowledgement, behind what was sent before. False: no room now. */
bool outgoing_control(struct earshot *link, const struct frame *frame);

/* Answers MORE, before all that waits: the acknowledgements behind it may be what that waits for.
 */
void outgoing_ready(struct earshot *link);

/* From now on whoever waits for room passes this gate. */
void outgoing_gate(struct earshot *link, const struct frame_gate *gate);

/* incoming.c */
/* The next batch into link->current or the inbox. A queue_outcome; GONE was dealt with. */
int receive_batch(struct earshot *link, enum conduit_wait how, bool to_inbox);
/* Ends the sentence "the hub ... ", see join_lose(). */
const char *receive_why_gone(const struct earshot *link);
/* Makes it the current batch, or appends it to the inbox, or drops it. Owns it. */
void receive_accept(struct earshot *link, struct inbox_batch *batch, bool to_inbox);
void receive_recycle(struct earshot *link, struct inbox_batch *batch);
/* Everything that has come, into the inbox. */
void receive_drain(struct earshot *link);
/* A note at the end of the inbox. Frees it when it adds nothing to the one before. */
void absorb_note(struct earshot *link, struct inbox_note *note);
/* Deals with the acknowledgements in everything that was received. 0 or -ENOMEM. */
int absorb_all(struct earshot *link);
/* 1: there is an event, 0: there is none, negative: -errno. */
int incoming_next(struct earshot *link, struct earshot_event *event);

/* taken.c */
/* Behind what a new session begins with: READY, or TAKEN when the hub is to wait for READY. */
void taken_begin(struct earshot *link);
/* The program begins to take events. */
void taken_start(struct earshot *link);
/* The program asks for the next event, so it has taken the last one. */
void taken_next(struct earshot *link);
/* What the hub does not know goes with this batch, if it fits. */
void taken_put(struct earshot *link);
/* It goes with the next batch. */
/* A conversation was shown up to there. */
void taken_note_seen(struct earshot *link, const struct name *conv, uint64_t seq);
void taken_tell(struct earshot *link);
/* It goes when it is due. */
void taken_tick(struct earshot *link);
/* The session is over, and all that came is in the inbox. */
void taken_end(struct earshot *link);

/* transfer.c, transfer_in.c, transfer_out.c */
int transfer_offered(struct earshot *link, const struct frame *frame, struct earshot_event *event);
int transfer_signalled(struct earshot *link, const struct frame *frame,
                       struct earshot_event *event);
int transfer_withdrawn(struct earshot *link, const struct frame *frame,
                       struct earshot_event *event);
/* A STATE_DECLINED. */
int transfer_refused(struct earshot *link, const struct frame *frame, struct earshot_event *event);
/* 1: a transfer has ended and makes an event. */
int transfer_next(struct earshot *link, struct earshot_event *event);

/* Offers that the hub is asked for once more in a while. */
void transfer_tick(struct earshot *link);
/* Offers again, to a new hub, what was offered. */
void transfer_restore(struct earshot *link);
void transfer_deinit(struct earshot *link);

/* request.c */
/* Sends a request; its first field is the number that it gets. What earshot_join() returns. */
int request_ask(struct earshot *link, struct frame *frame, const char *text, uint32_t *number);
/* Of an offer that is made later; its number is known from now on. Or it never is: then it FAILED.
 */
int request_hold(struct earshot *link, const struct frame *frame, const char *text,
                 uint32_t *number);
void request_give_up(struct earshot *link, uint32_t number);
/* The answer came: whether the program asked for it. */
bool request_is_asked(const struct earshot *link, uint32_t number);
bool request_done(struct earshot *link, uint32_t number);
/* False: nobody asked that. *own: the link did, after a reconnect. */
bool request_failed(struct earshot *link, uint32_t number, enum fail_code code, bool *own);
/* All requests are FAILED with the reason "hub-lost", but offers that will be made again. */
void request_lose_all(struct earshot *link);
/* Asks a new hub for what the link had. */
void request_restore(struct earshot *link);

/* A request of the link's own, whose answer is no event. False: no room for it. */
bool request_ask_again(struct earshot *link, struct frame *frame, const char *text,
                       uint32_t *number);
/* A room that the link is in has another name, under which it is to be joined again. */
void request_room_renamed(struct earshot *link, struct bytes was, struct bytes now);
void request_deinit(struct earshot *link);

/* A number that no request of this link has. */
uint32_t request_number(struct earshot *link);
/* The program is told that this one FAILED. */
void request_note_failed(struct earshot *link, uint32_t number, enum fail_code code,
                         const char *reason);

/* claim.c */
/* CLAIMED: 1 when it makes an event. */
int claim_told(struct earshot *link, const struct frame *frame, struct earshot_event *event);
/* The hub has refused this request. False: it is none of a claim. */
bool claim_failed(struct earshot *link, uint32_t number);
/* Claims again, from a new hub, what was claimed. */
void claim_restore(struct earshot *link);
void claim_deinit(struct earshot *link);

/* wait.c */
int wait_init(struct earshot *link);
void wait_deinit(struct earshot *link);
/* Adds the hub's pidfd to what is waited for. 0 or -errno. */
int wait_add_hub(struct earshot *link);
/* Makes the timer fire at this time or before. */
void wait_arm(struct earshot *link, mono_time at);
/* The descriptor becomes readable, because there is work that did not come from outside. */
void wait_nudge(struct earshot *link);
/* While nothing can be taken, batches that wait are no reason to wake the program. */
void wait_set_stalled(struct earshot *link, bool stalled);
/* The mailbox may be read from now on: readies the thread for that. 0 or -errno. */
int wait_start(struct earshot *link);
void wait_stop(struct earshot *link);
/* Looks at everything but the mailbox, without blocking. True: there was something. */
bool wait_service(struct earshot *link);

#define WAIT_NOT ((mono_time){0})
#define WAIT_FOREVER ((mono_time){INT64_MAX})
/*
 * Waits until something has come or the time is over. 0: look again; EARSHOT_AGAIN: nothing
 * came; -EINTR.
 */
int wait_step(struct earshot *link, mono_time until, bool to_inbox);
