#include "io/noted.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct owner;

struct noted_nonce {
    int msqid;
    pid_t pid;
    struct uuid nonce;
    struct owner *owner;
    struct noted_nonce *next, *prev; /* of its owner, oldest first */
    UT_hash_handle hh;
};

struct owner {
    uid_t uid;
    unsigned n;
    struct noted_nonce *notes;
    UT_hash_handle hh;
};

static struct noted_nonce *notes; /* by mailbox */
static struct owner *owners;

static void note_free(struct noted_nonce *note) {
    struct owner *owner = note->owner;
    HASH_DELETE(hh, notes, note);
    DL_DELETE(owner->notes, note);
    free(note);
    if (--owner->n > 0)
        return;
    HASH_DELETE(hh, owners, owner);
    free(owner);
}

static struct noted_nonce *note_find(int msqid) {
    struct noted_nonce *note;
    HASH_FIND(hh, notes, &msqid, sizeof msqid, note);
    return note;
}

static struct owner *owner_get(uid_t uid) {
    struct owner *owner;
    HASH_FIND(hh, owners, &uid, sizeof uid, owner);
    if (owner)
        return owner;
    owner = calloc(1, sizeof *owner);
    if (!owner)
        return NULL;
    owner->uid = uid;
    HASH_ADD(hh, owners, uid, sizeof owner->uid, owner);
    if (owner->hh.tbl)
        return owner;
    free(owner);
    return NULL;
}

static void owner_release(struct owner *owner) {
    if (owner->n > 0)
        return;
    HASH_DELETE(hh, owners, owner);
    free(owner);
}

void noted_put(uid_t uid, int msqid, pid_t pid, const struct uuid *nonce) {
    struct noted_nonce *old = note_find(msqid); /* of a mailbox that is gone */
    if (old)
        note_free(old);
    struct owner *owner = owner_get(uid);
    if (!owner)
        return; /* its HELLO fails, and comes again */
    if (owner->n >= NOTED_PER_USER_MAX) {
        owner->n++; /* so that the owner stays */
        note_free(owner->notes);
        owner->n--;
    }
    struct noted_nonce *note = calloc(1, sizeof *note);
    if (note) {
        *note = (struct noted_nonce){.msqid = msqid, .pid = pid, .nonce = *nonce, .owner = owner};
        HASH_ADD(hh, notes, msqid, sizeof note->msqid, note);
    }
    if (note && note->hh.tbl) {
        DL_APPEND(owner->notes, note);
        owner->n++;
    } else {
        free(note);
        owner_release(owner);
    }
}

bool noted_take(uid_t uid, int msqid, pid_t pid, struct uuid *nonce) {
    struct noted_nonce *note = note_find(msqid);
    if (!note || note->pid != pid || note->owner->uid != uid)
        return false;
    *nonce = note->nonce;
    note_free(note);
    return true;
}

void noted_deinit(void) {
    struct noted_nonce *note, *next;
    HASH_ITER(hh, notes, note, next) {
        note_free(note);
    }
}
