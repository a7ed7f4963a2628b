/*
 * The store: the log of every conversation and what must outlive the hub, in one SQLite database
 * (https://sqlite.org) in WAL mode with synchronous=FULL.
 *
 * Threads: one thread writes (store_begin ... store_commit, store_index, store_expire); each
 * struct store_reader is used by one thread at a time. All have connections of their own, so that
 * nobody waits for anybody else.
 *
 * Errors: 0, a negative errno (memory), or a store_outcome. store_error() has the sentence for the
 * writing thread, store_reader_error() for a reader; store_find_id() leaves none.
 *
 * The file is 0600. The directory is made with 0700; one that is there must belong to this user and
 * be writable by nobody else. The schema has a version (PRAGMA user_version); older
 * ones are migrated step by step, each in one transaction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/calendar.h"
#include "core/record.h"

struct store;
struct store_reader;

/* In the store's directory: the database, and the file that a hub holds a lock on. */
#define STORE_FILE "earshot.db"
#define STORE_LOCK_FILE "earshot.lock"

enum store_outcome {
    STORE_OK = 0,
    STORE_NEWER,     /* the database was made by a newer version; it was not touched */
    STORE_DENIED,    /* no permission, or directory or file belong to somebody else */
    STORE_FULL,      /* no room on the disk, or a quota */
    STORE_FAILED,    /* an I/O error, or SQLite's; see store_error() */
    STORE_IN_USE,    /* another hub has it open */
    STORE_NOT_FOUND, /* no such message */
    STORE_OTHER,     /* another message of this user has the id */
    STORE_CUT,       /* it was ended before it was done */
    STORE_GONE,      /* the database was removed, moved or replaced, and cannot be made again */
};

const char *store_outcome_text(enum store_outcome outcome);

/* What is known after opening. */
struct store_info {
    uint64_t seq_limit;              /* no message has a greater number; 0: the store is new */
    uint64_t last_seq;               /* of the newest message; 0: none */
    uint32_t last_handle, last_room; /* the greatest numbers in use, by whatever row */
    int64_t newest_ms;               /* when the newest message was written, as it says; 0: none */
    struct calendar_memory clock;
    char set_aside[4096]; /* "" or where a damaged database was moved to; a new one was begun */
};

/*
 * Opens or makes dir/earshot.db. A damaged database is renamed to earshot.db.damaged-<date>, with
 * its -wal file, and a new one is begun: the caller reports info->set_aside loudly. On any result
 * but 0 *store may still be set, for store_error(); close it then.
 */
int store_open(struct store **store, const char *dir, struct store_info *info);

/* Safe on NULL. Brings the index up to date as far as that takes little time; truncates the WAL. */
void store_close(struct store *store);

/* The hub stops: whatever reads or keeps house ends soon, and closing takes no longer than it must.
 * Transactions between store_begin() and store_commit() are finished. By any thread. */
void store_hurry(struct store *store);

/* The sentence about the last outcome that was not 0: what happened, to what, what to do. */
const char *store_error(const struct store *store);

/* What is persistent besides messages. */
struct store_handle {
    uint32_t number;
    uint32_t uid;
    struct bytes name;      /* as it is shown; the key for comparing is the core's business */
    uint64_t direct, rooms; /* messages up to these were given to a session of the handle */
    uint64_t read;          /* and shown to somebody up to this one */
    struct bytes login;     /* of its uid when it was used first; empty: none, or not known */
    uint64_t seen;          /* nothing up to this one is unread */
    bool is_unclaimed;      /* its user has never joined */
};

/* What waits for an unclaimed handle, of one sender; only when loading. */
struct store_mail {
    uint32_t handle;
    uint32_t uid;
    unsigned n;
    uint64_t n_bytes; /* of text */
    uint64_t last_seq;
    int64_t last_ms;
};

struct store_room {
    uint32_t number;
    uint32_t creator; /* uid */
    struct bytes name, topic;
    struct bytes people;    /* of a direct one: numbers of handles, with blanks between */
    uint64_t last_seq;      /* of its newest message; only when loading */
    uint8_t form, rules;    /* enum room_form, enum room_rules; */
    uint32_t owner;         /* number of a handle; 0: its creator's */
    uint64_t private_since; /* the newest message when it became private */
    struct bytes group;     /* the Unix group whose room it is; n 0: none */
    bool is_closed;         /* when it is put: it has no members or guests any more */
};

struct store_member {
    uint32_t room, handle;
    uint64_t since; /* messages after this one are for the member */
};

/* Who sees a private room. */
struct store_admission {
    uint32_t room, handle;
    uint32_t payer; /* uid */
    uint64_t after; /* messages after this one are seen */
    bool has_joined;
    struct bytes name; /* what the room is called for this one; n 0: as it is */
};

/* Up to where a handle has read a conversation. */
struct store_mark {
    uint32_t handle;
    conv_number conv;
    uint64_t seq; /* 0, when it is put: none */
};

/* What an administrator has laid on a uid. */
struct store_sanction {
    uint32_t uid;
    uint8_t what;     /* enum sanction_what */
    int64_t until_ms; /* 0: until it is undone */
    uint32_t rate;
    uint32_t by; /* the uid of who did that */
    struct bytes by_name, why;
};

/* What was laid on a uid in a room, or given to it there. */
struct store_room_order {
    uint32_t room, uid;
    uint8_t what;     /* enum laid_what */
    uint32_t handle;  /* number of the one that it was named by; 0: none */
    int64_t until_ms; /* 0: until it is undone */
    uint32_t by;      /* the uid of who did that */
    struct bytes by_name, why;
};

/* A message that is pinned in its conversation (handle 0), or starred by a handle. */
struct store_pin {
    uint32_t handle;
    conv_number conv;
    uint64_t seq;
    uint32_t by; /* number of a handle */
    int64_t at_ms;
};

/* Called with everything there is, handles first, then mail and marks, then rooms, then members,
 * then sanctions, then admissions, then order in rooms, then pins. Non-zero ends it and is
 * returned. The visitor must not call the store. Unclaimed handles for which nothing waits any
 * more, and pins of messages that are gone, are removed before. */
struct store_visitor {
    void *arg;
    int (*handle)(void *arg, const struct store_handle *handle);
    int (*mail)(void *arg, const struct store_mail *mail);
    int (*mark)(void *arg, const struct store_mark *mark);
    int (*room)(void *arg, const struct store_room *room);
    int (*member)(void *arg, const struct store_member *member);
    int (*sanction)(void *arg, const struct store_sanction *sanction);
    int (*admission)(void *arg, const struct store_admission *admission);
    int (*room_order)(void *arg, const struct store_room_order *order);
    int (*pin)(void *arg, const struct store_pin *pin);
};

int store_load(struct store *store, const struct store_visitor *visitor);

/*
 * Writing: one transaction. What is put is durable when store_commit() returned 0. When any call
 * or the commit fails, everything since store_begin() is undone, by store_rollback() or by a
 * failed store_commit(); the store can be used again at once.
 *
 * Messages come in ascending order of seq. A user has one message with an id: *seq (NULL: not
 * wanted) is the record's own when it is stored; the number of the first one when that is the very
 * same message, which is a success; and 0 when it is another one: then this record is not stored,
 * and the transaction goes on. One that mends an earlier message of its conversation (proto/mend.h)
 * changes that one with it; if there is none, nothing else is changed.
 * put_handle and put_room replace what was there under that number.
 */
int store_begin(struct store *store);
int store_put_message(struct store *store, const struct record *record, uint64_t *seq);
int store_put_handle(struct store *store, const struct store_handle *handle);
int store_put_room(struct store *store, const struct store_room *room);
/* With its members. A room that has messages is not to be removed. */
int store_remove_room(struct store *store, uint32_t room);
int store_put_member(struct store *store, const struct store_member *member);
int store_remove_member(struct store *store, uint32_t room, uint32_t handle);
int store_put_admission(struct store *store, const struct store_admission *admission);
int store_remove_admission(struct store *store, uint32_t room, uint32_t handle);
/* In place of what was there of its room, uid and `what`. */
int store_put_room_order(struct store *store, const struct store_room_order *order);
int store_remove_room_order(struct store *store, uint32_t room, uint32_t uid, uint8_t what);
int store_put_pin(struct store *store, const struct store_pin *pin);
int store_remove_pin(struct store *store, uint32_t handle, uint64_t seq);
int store_put_mark(struct store *store, const struct store_mark *mark);
/* In place of what was there of its uid and `what`. */
int store_put_sanction(struct store *store, const struct store_sanction *sanction);
int store_remove_sanction(struct store *store, uint32_t uid, uint8_t what);
int store_put_seq_limit(struct store *store, uint64_t seq_limit);
/* Is stored with the next transaction of whatever kind. Not in a transaction. */
void store_set_clock(struct store *store, const struct calendar_memory *clock);
/* The handle sees nothing of this direct conversation up to seq any more. What both have forgotten
 * is deleted, its text and index included, step by step in store_index(). */
int store_put_forgotten(struct store *store, uint32_t handle, conv_number conv, uint64_t seq);
int store_commit(struct store *store);
/*
 * The database may vanish under the hub: removed, moved, replaced. Begin and commit notice that,
 * before anything is called stored, and put a copy of what the open connection still holds where
 * the database belongs; only when that cannot be done they fail. After it was done this is a
 * sentence for the log, once; else NULL.
 */
const char *store_rescued(struct store *store);
void store_rollback(struct store *store);

/*
 * A step of what can wait: puts up to n_max messages into the full-text index, then deletes what
 * all have forgotten, then rewrites the index where it holds words of deleted messages. *more:
 * there is more to do. In a transaction of its own, which is not synced: what is missing after a
 * crash is done again.
 */
int store_index(struct store *store, unsigned n_max, bool *more);

/* Which kind of work the next step of store_index() is: each takes its own time for a message. */
enum store_step { STEP_WORDS, STEP_PARTS, STEP_DELETE, STEP_REWRITE, STEP_KINDS };
enum store_step store_next_step(const struct store *store);

/*
 * Somebody waits for a commit, or nobody does: deleting then ends after a few messages. From
 * any thread.
 */
void store_call(struct store *store, bool is_wanted);

/*
 * The -wal file is copied into the database now and then (https://sqlite.org/wal.html, section
 * 3.3), which needs two syncs and can take longer than a commit: so no commit does it, but the
 * caller, when nobody waits for an answer. Whoever never does so has it done when the file is four
 * times as long. What fails shows at the next commit.
 */
bool store_log_is_long(const struct store *store); /* also as long as it waits for readers to end */
void store_copy_log(struct store *store);

/*
 * What an edit or a removal has taken away lies in the -wal file, too, until that is truncated:
 * whoever commits does so before long. False, when it is wanted: somebody reads just now, or there
 * is no room; it is tried again.
 */
bool store_is_to_erase(const struct store *store);
bool store_erase(struct store *store);
/*
 * And the indexes have words of it until they are rewritten, in steps of store_index(). That takes
 * as long as the indexes are large: so it begins when the caller says so.
 */
bool store_is_to_purge(const struct store *store);
void store_purge(struct store *store);
bool store_is_purging(const struct store *store);

/*
 * Deletes up to n_max of the oldest messages that are older than before_ms, or that are too many
 * for keep_bytes (of the database; 0: no bound); *more: there is more to do, which may also be
 * a step of rewriting the index or of giving room back to the disk.
 *
 * Messages are as old as their place in the log says: of two, the earlier one is not younger. Times
 * before TIME_DATED_FROM or after now_ms are not believed, and say nothing.
 *
 * When there are too many, those of the user who has most go first, as long as that is more than a
 * quarter of all, or than an equal share where that is more.
 */
struct store_bounds {
    int64_t before_ms, now_ms; /* before_ms 0: no bound */
    uint64_t keep_bytes;       /* 0: no bound */
};

int store_expire(struct store *store, const struct store_bounds *bounds, unsigned n_max,
                 bool *more);

struct store_stats {
    uint64_t n_messages; /* exact or kept by the store, never counted anew */
    uint64_t n_bytes;    /* of the files */
};

/* May be called by any thread. */
void store_stats(struct store *store, struct store_stats *stats);

/* Reading. */

int store_reader_open(struct store_reader **reader, struct store *store);
void store_reader_close(struct store_reader *reader);

/*
 * Asked every now and then in the middle of reading: when it returns true the call ends and returns
 * STORE_CUT; what was visited until then is right. NULL: nobody is asked.
 */
typedef bool store_cut(void *arg);
/* How many messages it has passed over because they are damaged; the others it has read. */
unsigned store_reader_passed_over(const struct store_reader *reader);
void store_reader_set_cut(struct store_reader *reader, store_cut *cut, void *arg);
const char *store_reader_error(const struct store_reader *reader);

/*
 * Where the message is that has the uid and the id of this record: 0 when it is the very same,
 * STORE_OTHER when it is not, STORE_NOT_FOUND. May be called by any thread.
 */
int store_find_id(struct store *store, const struct record *like, uint64_t *seq);

/*
 * Fills the record of the message that has its uid and id, without the text. 0, STORE_NOT_FOUND,
 * or what went wrong. Its reactions are the caller's to free(). May be called by any thread.
 */
int store_find_message(struct store *store, struct record *record);

/* The number of the latest reply in a conversation (see record.h); 0: there is none. May be called
 * by any thread. */
int store_last_n(struct store *store, conv_number conv, uint16_t *n);

/* What each user has stored, who has most first. */
struct store_usage {
    uint32_t uid;
    uint64_t n_messages, n_bytes; /* bytes: about, with what a message takes besides its text */
};

typedef int store_usage_visit(void *arg, const struct store_usage *usage);

/* A non-zero result of the visitor ends it, and is returned. */
int store_usage(struct store_reader *reader, store_usage_visit *visit, void *arg);

/* Called for each message; the text is valid during the call. Non-zero ends the
 * reading and is returned. The visitor must not use the same reader. */
typedef int store_visit(void *arg, const struct record *record);

/* A conversation, and after which message on it is wanted. */
struct store_source {
    conv_number conv;
    uint64_t after;
};

/* What is visible to a handle: its direct conversations (unless it has forgotten them) and rooms.
 */
struct store_view {
    uint32_t handle;
    bool direct;           /* all its direct conversations, */
    uint64_t direct_after; /* after this message on */
    const struct store_source *rooms;
    size_t n_rooms;
};

/*
 * The oldest n_max messages of the view, in ascending order, merged from the indexes of its
 * conversations, so that it costs what is read and not what lies between. *upto: everything
 * visible up to this sequence number was visited (the newest committed one, when fewer than n_max
 * were there; the one before the message for which the visitor returned non-zero).
 */
int store_read(struct store_reader *reader, const struct store_view *view, unsigned n_max,
               uint64_t *upto, store_visit *visit, void *arg);

/*
 * What is behind the `after`s of the view, of each conversation (or only of conv, if that is not
 * 0) the newest n_max messages, newest first; of a direct one what is behind `direct_after` and
 * behind its mark. The marks are sources of direct conversations, in the order of their numbers.
 */
struct store_marked {
    conv_number conv;
    const struct store_source *marks;
    size_t n_marks;
    unsigned n_max;
    unsigned n_step; /* after so many messages it ends with the conversation */
};

/* Goes on with this conversation, in the order of their numbers; *next: where to go on, or
 * STORE_UNREAD_END. */
#define STORE_UNREAD_BEGIN INT64_MIN
#define STORE_UNREAD_END INT64_MAX

int store_unread(struct store_reader *reader, const struct store_view *view,
                 const struct store_marked *marked, conv_number *next, store_visit *visit,
                 void *arg);

/*
 * One page: of one conversation (conv 0: of everything in the view), ascending. after 0: the
 * newest n_max before `before` (0: of all); else the oldest n_max after `after` and before
 * `before`. A conversation that is not in the view has nothing; the `after`s of the view count.
 */
struct store_page {
    conv_number conv;
    uint64_t before, after;
    unsigned n_max;
};

int store_history(struct store_reader *reader, const struct store_view *view,
                  const struct store_page *page, store_visit *visit, void *arg);

/*
 * The newest n_max messages of the view, ascending, that have this id (of whatever user) or, with
 * is_thread, are in a thread that began with one; before `before` (0: of all) and of one
 * conversation (0: of all). The `after`s of the view count.
 */
struct store_find {
    struct uuid id;
    bool is_thread;
    conv_number conv;
    uint64_t before;
    unsigned n_max;
};

int store_find(struct store_reader *reader, const struct store_view *view,
               const struct store_find *find, store_visit *visit, void *arg);

/*
 * Of these messages, which are in descending order, the newest n_max that the view shows (its
 * `after`s count), before `before` (0: of all). Of what was looked at each that is not there any
 * more, or was removed, is marked so.
 */
struct store_pick {
    uint64_t seq;
    bool is_gone;
};

struct store_picking {
    struct store_pick *picks;
    size_t n;
    uint64_t before;
    unsigned n_max;
};

int store_pick(struct store_reader *reader, const struct store_view *view,
               const struct store_picking *picking, store_visit *visit, void *arg);

/*
 * Messages with all the words, newest first, of what the view shows (its `after`s do not count).
 * The words match whole words or, when no message of the view has them all, or when one is in a
 * script without spaces, parts of words. Words of one or two characters are not in the index of
 * parts: if there are no longer ones, all of the view is looked at. It finds what was committed
 * before the call: what the index does not have yet is looked through, of the view the latest
 * SEARCH_FRESH_MAX messages (or SEARCH_FRESH_BYTES of text).
 *
 * before: what comes behind this message, the last one of the page before. If that one was found
 * by whole words then so is the rest.
 *
 * Without any words: the small files (KIND_FILE) that others sent, with an empty text.
 */
#define SEARCH_FRESH_MAX 4096
#define SEARCH_FRESH_BYTES (4 * 1024 * 1024)

struct store_query {
    struct bytes words;
    conv_number conv; /* 0: all */
    uint32_t from;    /* number of a handle; 0: anybody */
    uint64_t before;  /* only earlier ones; 0: all */
    unsigned n_max;
};

int store_search(struct store_reader *reader, const struct store_view *view,
                 const struct store_query *query, store_visit *visit, void *arg);
