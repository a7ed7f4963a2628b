/*
 * A client that speaks the protocol by hand, so that a test can do each step, leave it out, or do
 * it wrongly. Every function returns what the call below it returned (0, an outcome, -errno);
 * nothing is hidden and nothing is repeated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/uuid.h"
#include "ipc/channel.h"
#include "ipc/queue.h"
#include "ipc/rendezvous.h"
#include "proto/fail.h"
#include "proto/frame.h"

/* A batch that is being made. */
struct raw_batch {
    struct queue_message message;
    struct cursor_out out;
    uint16_t n_frames;
};

struct raw {
    struct rendezvous_record hub;
    pid_t pid;        /* the mtype at which the hub answers */
    int mailbox;      /* -1: none */
    int lane;         /* -1: not welcomed */
    uint64_t session; /* 0: none */
    struct uuid nonce;
    char handle[256]; /* as WELCOME spells it */
    unsigned fail;    /* enum fail_code of the refused HELLO */
    char reason[512];
    bool never_ready; /* do not answer MORE by itself */

    /* With a channel: which way batches go. SWITCH is answered by itself, and not returned. */
    struct channel channel;
    bool by_up, by_down;
    bool never_switches; /* it is returned, and not answered */
    unsigned n_switches; /* SWITCH frames that have come */

    struct queue_message in; /* the batch that is being read */
    struct cursor_in at;
    unsigned n_left; /* frames of it */
    uint64_t in_session;
};

/* What a queue_outcome or -errno means. */
const char *raw_result_text(int result);

/* The steps of a handshake. raw_init() finds the hub; a rendezvous_outcome or -errno. */
int raw_init(struct raw *raw, const char *dir);
int raw_make_mailbox(struct raw *raw);
int raw_give_mailbox(struct raw *raw);
int raw_put_nonce(struct raw *raw);
void raw_fill_hello(const struct raw *raw, struct frame *hello, const char *handle,
                    unsigned abilities);
int raw_send_hello(struct raw *raw, const struct frame *hello);

enum raw_answer { RAW_WELCOME, RAW_FAILED, RAW_SILENCE };

/* Waits for WELCOME or FAIL and stores what it says. */
enum raw_answer raw_await_welcome(struct raw *raw, int ms);

/* All steps and READY. */
enum raw_answer raw_join(struct raw *raw, const char *dir, const char *handle, unsigned abilities);
/* The same under this number of a link, by which receipts and signals find the session. */
enum raw_answer raw_join_link(struct raw *raw, const char *dir, const char *handle,
                              unsigned abilities, uint64_t link);

/* Removes the mailbox, without a word to the hub. Safe on a zeroed raw with mailbox -1. */
void raw_drop(struct raw *raw);

/* BYE, then as raw_drop(). */
void raw_leave(struct raw *raw);

/* Batches. */
void raw_batch_start(struct raw_batch *batch, uint64_t session);
bool raw_batch_add(struct raw_batch *batch, const struct frame *frame);
int raw_batch_send(struct raw_batch *batch, int msqid, long mtype);

/* Any bytes at all, to any queue. msgsnd(2) without waiting; a queue_outcome. */
int raw_send_bytes(int msqid, long mtype, const void *data, size_t n);

/* One frame to the hub, with the own session; waits for room. */
int raw_send(struct raw *raw, const struct frame *frame);

/* A SEND frame with a new id. */
void raw_fill_send(struct frame *frame, const char *to, const char *text);

/* Makes the SEND and sends it. */
int raw_say(struct raw *raw, const char *to, const char *text, struct uuid *id);

/*
 * The next frame from the mailbox: within `ms`, negative: for ever. MORE is answered with READY
 * and not returned. A queue_outcome: EMPTY when the time is over.
 */
int raw_next(struct raw *raw, struct frame *frame, int ms);

/* Creates a segment and sends CHANNEL; raw_next() does the rest. An shm_ or queue_outcome. */
int raw_offer_channel(struct raw *raw);

/* The same, and waits until both directions go through it; QUEUE_EMPTY: they do not. */
int raw_take_channel(struct raw *raw, int ms);

/* Detaches it, without a word to the hub. */
void raw_drop_channel(struct raw *raw);

/* A batch to where the next one goes now. Waits for room. */
int raw_batch_go(struct raw *raw, struct raw_batch *batch);

/* Skips frames until one of this type comes; QUEUE_EMPTY when none came within `ms`. */
int raw_await(struct raw *raw, struct frame *frame, enum frame_type type, int ms);

/* Sends a frame that carries this request number, and waits for DONE (0) or FAIL (its code). */
int raw_ask(struct raw *raw, const struct frame *frame, uint32_t request, int ms);

/* How many users and sessions LIST shows, waiting for its DONE; -1 when it did not answer. */
int raw_count_users(struct raw *raw, int *n_sessions);

/* Whether this client can still do something: a LIST is answered. */
bool raw_is_served(struct raw *raw);
