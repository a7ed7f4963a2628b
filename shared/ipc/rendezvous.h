/*
 * Where hub and clients meet.
 *
 * The rendezvous directory holds the key file `hub`. Its path and a project id give the key of
 * the well-known queue (ftok(3)); its content tells who the hub is; a write lock on it
 * (F_OFD_SETLK of fcntl(2)), and a flock(2) for people to see, is held by the hub as long as it
 * lives. The file is written in place, because ftok depends on its inode, and removed at a clean
 * stop.
 *
 * ftok takes 8 bits of the project id, 8 of the device and 16 of the inode, so two files can have
 * one key. The hub therefore classifies a queue that exists before it touches it, tries the next
 * project id when it is somebody else's, and notes its choice in the key file.
 *
 * Anybody can create a queue with our key first, or a directory with a false hub. So a client
 * trusts the queue only if its creator is the owner of the key file, and the directory only if it
 * belongs to that user or root and nobody else can write to it; and only if nobody else can put
 * another one in its place, anywhere on the path (base/trust.h), unless it is the client's own.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/uuid.h"
#include "ipc/queue.h"
#include "proto/frame.h"

#define RENDEZVOUS_SYSTEM_DIR "/run/earshot"
#define RENDEZVOUS_KEY_FILE "hub"

/* The content of the key file. */
struct rendezvous_record {
    pid_t pid;
    uid_t uid;
    struct uuid instance;
    int proj;  /* the project id given to ftok, 1-255 */
    int msqid; /* of the well-known queue */
    enum hub_mode mode;
};

/* How a directory was found. */
enum rendezvous_origin {
    RENDEZVOUS_NAMED,   /* --hub or $EARSHOT_HUB */
    RENDEZVOUS_SYSTEM,  /* /run/earshot */
    RENDEZVOUS_PRIVATE, /* see rendezvous_locate_private() */
};

/*
 * The directory to use: `named` when not NULL, else $EARSHOT_HUB, else /run/earshot if a hub lives
 * there, else the private one. Only names it. Returns 0, or -ENAMETOOLONG.
 */
int rendezvous_locate(char path[PATH_MAX], enum rendezvous_origin *origin, const char *named);

/*
 * The place of our private hub: the same from a login, a job of cron(8) and an ssh command, whose
 * environments differ. A hub that lives is found in $XDG_RUNTIME_DIR/earshot, in the two usual
 * places, /run/user/<uid>/earshot and /tmp/earshot-<uid> (unless $XDG_RUNTIME_DIR names an unusual
 * one), and where the state directory says that it went (rendezvous_note()). Where none lives it is
 * where it is begun. Returns 0, or -ENAMETOOLONG.
 */
int rendezvous_locate_private(char path[PATH_MAX]);

/* Where it is begun: $XDG_RUNTIME_DIR/earshot, else /tmp/earshot-<uid>. 0, or -ENAMETOOLONG. */
int rendezvous_private_place(char path[PATH_MAX]);

/* Whether it is one of them. */
bool rendezvous_is_private_place(const char *dir);

/*
 * The default state directory of our private hub: $XDG_STATE_HOME/earshot, else
 * ~/.local/state/earshot (see home_base()); "" when there is no home. Returns 0, or -ENAMETOOLONG.
 */
int rendezvous_private_state(char path[PATH_MAX]);

/*
 * Where the hub of a state directory is, for those with another environment: written by the hub,
 * which has the state directory to itself, and read by its user. Only a hint, what is there is
 * looked at as anywhere else. rendezvous_note() returns 0 or -errno.
 */
int rendezvous_note(const char *state, const char *dir);
bool rendezvous_noted(const char *state, char dir[PATH_MAX]);

enum rendezvous_outcome {
    RENDEZVOUS_OK = 0,
    RENDEZVOUS_NO_DIRECTORY,    /* it does not exist and was not to be created */
    RENDEZVOUS_NOT_A_DIRECTORY, /* also: a symbolic link where a private one should be */
    RENDEZVOUS_DENIED,          /* no permission */
    RENDEZVOUS_NOT_TRUSTED,     /* others can write to it, or it belongs to somebody else */
    RENDEZVOUS_EXPOSED,         /* others can put another directory in its place */
    RENDEZVOUS_NO_HUB,          /* no key file, or nobody holds its lock */
    RENDEZVOUS_TAKEN,           /* a hub lives here already; the record tells which */
    RENDEZVOUS_BAD_RECORD,      /* the key file cannot be understood */
    RENDEZVOUS_OTHER_NAMESPACE, /* the hub lives, its queue is not in this IPC namespace */
    RENDEZVOUS_IMPOSTOR,        /* the queue was not created by the owner of the key file */
    RENDEZVOUS_NO_KEY,          /* all project ids are taken by foreign queues */
    RENDEZVOUS_NO_QUEUE,        /* the queue cannot be created: a kernel limit was reached */
    RENDEZVOUS_NOT_PROVED,      /* the process in the record is not, or not surely, the hub */
    RENDEZVOUS_READ_ONLY,       /* it is on a read-only file system */
    RENDEZVOUS_FULL,            /* no space for it or the key file */
};

/* What is wrong with it and what to do, without the path: "does not exist; ...". */
const char *rendezvous_outcome_text(enum rendezvous_outcome outcome);

/* The hub's side. Zero is the state before open; `lock_fd` -1 when closed. */
struct rendezvous {
    char dir[PATH_MAX];
    int lock_fd; /* the locked key file */
    struct rendezvous_record record;
    bool adopted; /* the queue was there, left by a hub of ours that died */
};

/*
 * Takes the directory for a hub: creates it if need be (0700 for a private hub, else 0755),
 * checks its owner, locks the key file, finds or creates the well-known queue with the mode's
 * permissions (0600; 0620 and `gid`; 0622) and writes the record. gid is used in group mode only.
 * On RENDEZVOUS_TAKEN rendezvous->record tells whose it is.
 */
int rendezvous_open(struct rendezvous *rendezvous, const char *dir, enum hub_mode mode, gid_t gid);

/* Again a well-known queue, after ours was removed (EIDRM) under a living hub. */
int rendezvous_renew(struct rendezvous *rendezvous, gid_t gid);

/* Removes the queue and the key file and releases the lock. */
void rendezvous_close(struct rendezvous *rendezvous);

/*
 * The client's side: reads the record of a living hub in `dir` and checks everything that a
 * client can check before it trusts it (see above). `only_uid`, unless (uid_t)-1, is who must own
 * a private directory. On RENDEZVOUS_OK record->msqid is the verified queue.
 */
int rendezvous_find(const char *dir, uid_t only_uid, struct rendezvous_record *record);

/*
 * The process of the hub in `dir`, as a pidfd, for who wants to do something to it. The record only
 * says which it is, and its owner can write there what he likes; so this is proved: it runs wholly
 * under the uid of the key file's owner, and holds the lock on that file. Who may not look at its
 * descriptors (see process_holds_lock()) gets no proof.
 * RENDEZVOUS_OK, NOT_PROVED, NO_HUB (it has ended), -errno.
 */
int rendezvous_process(const char *dir, const struct rendezvous_record *record, int *pidfd);
