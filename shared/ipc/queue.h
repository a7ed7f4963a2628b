/*
 * System V message queues: the only callers of msgget, msgsnd, msgrcv and msgctl.
 * See sysvipc(7), msgget(2), msgop(2), msgctl(2).
 *
 * Tags. A mailbox or a lane has the key IPC_PRIVATE and could be any program's. Ours are told by
 * their size limit: msg_qbytes is msgmnb rounded down to 256 bytes, less a number that is the
 * tag. So a queue that a killed process left behind can be found and removed by whoever owns it
 * (queue_sweep), without a file that lists them. Until it has its tag its mode is QUEUE_MODE_NEW.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "proto/batch.h"

/* The kernel's limits on System V queues, as in /proc/sys/kernel. */
struct queue_limits {
    size_t msgmax; /* bytes of one message */
    size_t msgmnb; /* bytes of one queue */
    size_t msgmni; /* queues in this IPC namespace */
    size_t batch;  /* bytes that we put into one message: BATCH_BYTES_MAX or less */
};

#define SESSIONS_PER_LANE 4 /* so many sessions of one user share a lane, then they get another */

/* A queue has no use for the x in it, so nobody else asks for it; it permits nothing. */
#define QUEUE_MODE_NEW 0601

enum queue_tag { QUEUE_TAG_NONE = 0, QUEUE_TAG_MAILBOX = 93, QUEUE_TAG_LANE = 157 };

/*
 * The outcomes of all calls here; every errno of the four system calls that is not a bug of ours
 * is one of them (the table stands in queue.c).
 */
enum queue_outcome {
    QUEUE_OK = 0,
    QUEUE_FULL,        /* no room (with nowait), EAGAIN */
    QUEUE_EMPTY,       /* nothing to receive (with nowait), ENOMSG */
    QUEUE_GONE,        /* removed: EIDRM, EINVAL of an id that was valid */
    QUEUE_ABSENT,      /* no queue with this key, ENOENT */
    QUEUE_EXISTS,      /* there is one already, EEXIST */
    QUEUE_DENIED,      /* EACCES, EPERM */
    QUEUE_INTERRUPTED, /* EINTR: a signal; call again or stop */
    QUEUE_NO_SPACE,    /* msgmni queues exist, ENOSPC */
    QUEUE_NO_MEMORY,   /* ENOMEM */
};

/* "the queue was removed", ...; for QUEUE_NO_SPACE it names the limit to raise. */
const char *queue_outcome_text(enum queue_outcome outcome);

/* What the kernel knows about one queue (struct msqid_ds). */
struct queue_info {
    int msqid;
    key_t key;
    uid_t uid, cuid; /* owner, creator */
    gid_t gid, cgid;
    mode_t mode;    /* permission bits */
    size_t n_bytes; /* in it now */
    size_t n_messages;
    size_t limit; /* msg_qbytes */
    pid_t last_sender, last_receiver;
    time_t sent_at, received_at, changed_at; /* seconds since 1970, 0 for never */
};

/* 0, or -errno; QUEUE_NO_SPACE when a limit is too small to work with (the text says which). */
int queue_limits_read(struct queue_limits *limits);

/*
 * Creates a queue with IPC_PRIVATE, stamped with our PID (queue_stamp); queue_set() must follow.
 * Outcomes: NO_SPACE, NO_MEMORY.
 */
int queue_create_private(int *msqid);

/* Creates the queue with this key, exclusively. Outcomes: EXISTS, NO_SPACE, NO_MEMORY. */
int queue_create(int *msqid, key_t key, mode_t mode);

/*
 * Makes the kernel note our PID as the queue's last sender and last receiver, by an empty message
 * to ourselves; so a queue that is idle since it was made still tells whose it is.
 * Outcomes: FULL, GONE, DENIED, NO_MEMORY.
 */
int queue_stamp(int msqid);

/* Finds the queue with this key without opening it. Outcomes: ABSENT, DENIED. */
int queue_find(int *msqid, key_t key);

/*
 * Sets owner, group, mode and tag. gid (gid_t)-1 keeps the group. The size limit becomes the
 * largest one that carries the tag. Outcomes: GONE, DENIED.
 */
int queue_set(int msqid, uid_t owner, gid_t gid, mode_t mode, enum queue_tag tag);

/* The tag of a queue, from its size limit. */
enum queue_tag queue_tag_of(const struct queue_info *info);

/*
 * Makes room for one marker in a full tagged queue, by raising its limit within msgmnb, or takes
 * that room back. Outcomes: GONE, DENIED.
 */
int queue_reserve(int msqid, bool open);

/* IPC_STAT: needs read permission. Outcomes: GONE, DENIED. */
int queue_stat(int msqid, struct queue_info *info);

/* MSG_STAT_ANY by id: needs no permission (Linux 4.17). Outcome: GONE. */
int queue_stat_any(int msqid, struct queue_info *info);

/* Calls visit for every queue of the IPC namespace until it returns false. */
int queue_each(bool (*visit)(void *arg, const struct queue_info *info), void *arg);

/*
 * Sends n bytes of message->data. Blocks when `wait` and the queue is full.
 * Outcomes: FULL, GONE, DENIED, INTERRUPTED, NO_MEMORY.
 */
int queue_send(int msqid, const struct queue_message *message, size_t n, bool wait);

/*
 * A bell: sends a batch without a frame, which only ends the wait of who receives it, and never
 * waits itself. Outcomes: FULL (nobody sleeps there, then), GONE, DENIED, NO_MEMORY.
 */
int queue_ring_bell(int msqid, long mtype, uint64_t session);

/*
 * Receives the first message of this mtype (0: of any); a longer one than fits is truncated
 * (MSG_NOERROR), so that it can never jam the queue: the frame check refuses it then. Outcomes:
 * EMPTY, GONE, DENIED, INTERRUPTED.
 */
int queue_receive(int msqid, struct queue_message *message, long mtype, size_t *n, bool wait);

/* Removes it. Outcomes: GONE (was removed already), DENIED. */
int queue_remove(int msqid);

/*
 * Removes the tagged and the new queues that belong to us and to no living process: last sender and
 * last receiver are dead or ourselves, or nobody ever used it and it is older than ten seconds.
 * Queues in `keep` (n_keep ids) are left alone. Returns how many were removed, or -errno.
 */
int queue_sweep(const int *keep, size_t n_keep);

/* How many queues that would remove. */
int queue_orphans(void);
