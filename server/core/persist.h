/*
 * What outlives the hub: the messages that are not stored yet lie in the log, everything else that
 * has changed is marked (change.c). The store's thread takes both as a batch, writes it outside the
 * lock, and tells how it went: only then senders hear that their messages are stored, and whoever
 * changed something that it is DONE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/log.h"
#include "proto/frame.h"
#include "proto/name.h"

struct core;
struct handle;
struct sanction;

enum change_what {
    CHANGE_HANDLE,
    CHANGE_ROOM,
    CHANGE_NO_ROOM, /* it is gone, and its members with it */
    CHANGE_MEMBER,
    CHANGE_NO_MEMBER,
    CHANGE_FORGET,
    CHANGE_MARK,
    CHANGE_SANCTION,
    CHANGE_NO_SANCTION,
    CHANGE_ADMISSION,
    CHANGE_NO_ADMISSION,
    CHANGE_ROOM_ORDER,
    CHANGE_NO_ROOM_ORDER,
    CHANGE_PIN,
    CHANGE_NO_PIN
};

#define PEOPLE_TEXT_MAX (PEOPLE_MAX * 11)

/* "4 7 12": the people of a direct room. */
struct people_text {
    char s[PEOPLE_TEXT_MAX + 1];
};

/* What the store is to have. */
struct change {
    enum change_what what;
    uint32_t handle, room;        /* numbers */
    uint32_t uid;                 /* HANDLE: the owner, ROOM: who made it */
    struct name name;             /* HANDLE, ROOM */
    struct name login;            /* HANDLE: the owner's login name when it was used first */
    char *topic;                  /* ROOM, SANCTION, ROOM_ORDER; owned, NULL: none */
    uint64_t direct, rooms, read; /* HANDLE */
    uint64_t seen;                /* HANDLE */
    bool is_unclaimed;            /* HANDLE */
    uint64_t seq;                 /* MEMBER: since; FORGET, MARK: up to; PIN: the message, */
    conv_number conv;             /* FORGET, MARK; PIN: where, with handle (0, or whose star), */
    uint32_t owner;               /* ROOM: number of a handle; 0: who made it */
    uint64_t private_since;       /* ROOM */
    struct name group;            /* ROOM: of this Unix group; n 0: of none */
    uint8_t form, rules;          /* ROOM: rules: enum room_rules */
    struct people_text people;    /* ROOM: numbers of handles; "": it is no direct one */
    bool has_joined;     /* ADMISSION; with room, handle, uid (who pays), seq (after), name */
    uint8_t sanction;    /* SANCTION: enum sanction_what, laid on uid; by whom: name. ROOM_ORDER:
                            enum laid_what, with room, handle, and the next ones but the rate */
    int64_t until_ms;    /* SANCTION; `topic` is why. PIN: when, and by whom, number of a handle */
    uint32_t rate, by;   /* SANCTION */
    struct dirty *dirty; /* the core's */
};

struct changes {
    struct change *list;
    size_t n, size;
};

#define COMMIT_SPANS_MAX 16
#define COMMIT_CHANGES_MAX 512   /* besides those that its messages need */
#define COMMIT_POSITIONS_MAX 256 /* handles */

/*
 * A message of a commit that went well, but whose id its user had used before: what was stored then
 * is the very same, and is what counts, or (first_seq 0) it is another one, and this one is lost.
 */
struct verdict {
    uint64_t seq, first_seq;
};

/* What is written in one transaction. */
struct commit {
    struct log_span spans[COMMIT_SPANS_MAX];
    size_t n_spans;
    uint64_t upto; /* of the messages; */
    bool has_messages;
    uint64_t seq_limit; /* to be stored; 0: as it was */
    struct changes changes;
    struct verdict *verdicts; /* in the order of the messages */
    size_t n_verdicts, verdicts_size;
};

/*
 * A repeated message. Its acknowledgement says that everything before it is stored, too: it waits
 * for the last message of its session before it, and for its own first copy.
 */
struct repeat {
    uint64_t session, seq, after;
    struct uuid id;
    uint32_t uid; /* whose it is */
    uint8_t flags;
};

#define PERSIST_TOUCHED_MAX 8

struct persist {
    uint64_t taken;                  /* messages up to this one were given to the store, */
    uint64_t committed;              /* and up to this one it has answered */
    uint64_t seq_limit;              /* given to the store, */
    uint64_t seq_stored;             /* and stored: no message gets a greater number before */
    size_t uncommitted;              /* bytes of messages after `committed` */
    const struct user *last_storing; /* whose message was the last one */
    mono_time shared_at;   /* when it was another one's than the one before; ns 0: never */
    mono_time waits_since; /* something for the disk, or the commit that is being written */
    struct dirty *dirties; /* objects that are not stored as they are; see change.c */
    struct dirty *urgent;  /* of these, what messages need */
    struct user *dirty_users;
    struct dirty *touched[PERSIST_TOUCHED_MAX]; /* by the request under way */
    unsigned n_touched;
    bool in_request;
    struct waiter *walls;          /* who waits for messages to all */
    struct handle *moved;          /* handles with new positions, */
    struct read_mark *moved_marks; /* and marks */
    bool flush_positions;
    struct repeat *repeats;
    size_t n_repeats, repeats_size;
    const char *trouble;          /* why the last batch could not be written; NULL: it could */
    uint64_t n_messages, n_bytes; /* of the store, for status */
};

/* What the hub had when it ended; before the first session. */
int core_restore_handle(struct core *core, uint32_t number, uid_t uid, struct bytes name,
                        struct bytes login, uint64_t direct, uint64_t rooms, uint64_t read);
/* Nothing up to there is unread, nor up to there in this conversation. */
void core_restore_seen(struct core *core, uint32_t number, uint64_t seen);
int core_restore_mark(struct core *core, uint32_t number, conv_number conv, uint64_t seq);
/* That handle's user has never joined; and what somebody had sent to it. */
void core_restore_unclaimed(struct core *core, uint32_t number);
int core_restore_mail(struct core *core, uint32_t handle, uid_t sender, unsigned n,
                      uint64_t n_bytes, uint64_t last_seq, int64_t last_ms);
struct room_restored {
    uint32_t number, creator, owner; /* creator: a uid; owner: number of a handle, or 0 */
    struct bytes name, topic, people;
    struct bytes group;   /* of ROOM_GROUP */
    unsigned form, rules; /* as stored */
    uint64_t private_since, last_seq;
};
int core_restore_room(struct core *core, const struct room_restored *restored);
int core_restore_member(struct core *core, uint32_t room, uint32_t handle, uint64_t since);
int core_restore_sanction(struct core *core, uid_t uid, const struct sanction *sanction);
/* Of a private room. -EINVAL: there is no such room or handle, or it is no matter any more. */
int core_restore_admission(struct core *core, uint32_t room, uint32_t handle, uid_t payer,
                           uint64_t after, bool has_joined, struct bytes name);
/* What was laid on somebody in a room; a copy is made. -EINVAL as above. */
struct room_order;
int core_restore_room_order(struct core *core, uint32_t room, const struct room_order *order);
/* A message that is pinned (whose 0), or starred by that handle; by, too, is the number of one.
 * -EINVAL as above. */
int core_restore_pin(struct core *core, uint32_t whose, conv_number conv, uint64_t seq, uint32_t by,
                     int64_t at_ms);
/* And where the numbers of messages go on. */
void core_restore_seq(struct core *core, uint64_t seq_limit);
/* That was all: rooms without members and without a past are gone, also from the store. */
int core_restored(struct core *core);

/* Whether a commit can be taken; one at a time. */
bool core_has_commit(const struct core *core);
/* Whether there are messages to be stored. */
bool core_has_messages(const struct core *core);
void core_take_commit(struct core *core, struct commit *commit);

/* For who writes the commit. 0 or -ENOMEM: then it must not be taken for stored. */
int commit_judge(struct commit *commit, uint64_t seq, uint64_t first_seq);

/*
 * The commit is stored, or it is not, and `trouble` says why ("the hub's disk is full"; it lives
 * as long as the core): then senders learn that their messages were delivered only, and whoever
 * changed something that this holds for now only; the changes are tried again with the next batch.
 * Empties it.
 */
void core_committed(struct core *core, struct commit *commit, const char *trouble);

/* The number to be stored by a hub that ends. */
uint64_t core_last_seq(const struct core *core);

/* Which object a mark is of (change.c). */
#define DIRTY_PLACE_BITS 32 /* of `place`, below what stands above the number of a room */
struct dirty_key {
    uint32_t what;   /* enum change_what: HANDLE, ROOM, MEMBER, ADMISSION, FORGET, SANCTION,
                        ROOM_ORDER, PIN */
    uint32_t handle; /* SANCTION, ROOM_ORDER: the uid; PIN: 0, or whose star it is */
    int64_t place;   /* number of a room, or a conversation; SANCTION: enum sanction_what;
                        ROOM_ORDER: the room, and enum laid_what above it; PIN: the message */
};

struct core;

/* How the object is now (row.c); upto: of FORGET. False: memory is out. */
bool row_fill(struct core *core, const struct dirty_key *key, uint64_t upto, struct change *row);
void row_of_handle(struct change *row, const struct handle *handle);
