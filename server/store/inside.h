/*
 * What the files of the store share.
 *
 * Connections: `writer` belongs to the writing thread, `finder` to who holds `finding`. Each reader
 * has its own.
 */
#pragma once

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/connection.h"
#include "store/fresh.h"
#include "store/place.h"
#include "store/store.h"

#define STORE_MARK ".check"           /* beside the database: look at all of it at the next start */
#define STORE_GROW_BYTES (256 * 1024) /* the database takes so much of the disk at once, */
#define STORE_SPARE_BYTES (1024 * 1024) /* and leaves this, which it needs for deleting */
#define STORE_KNOWN_PAIRS 8192          /* a power of two */
#define STORE_PROGRESS 2000 /* steps of SQLite, after which it is asked whether to end */
#define STORE_FILE_KIND 3   /* KIND_FILE, as the statements know it */
#define STORE_REMOVE_KIND 5 /* KIND_REMOVE */
#define STORE_REACT_KIND 6  /* KIND_REACT */
#define STORE_HEADED 16     /* KIND_HEADED */
#define STORE_CHARGES 32    /* users whose usage is changed at a time */

/* What a message takes besides its text, about: its row, and its places in the indexes. */
#define MESSAGE_OVERHEAD 256

static inline int64_t message_cost(size_t n_text) {
    return (int64_t)n_text + MESSAGE_OVERHEAD;
}

/* What keeping house takes for a text is as much as for so many short messages. */
#define STEP_TEXT_BYTES 256

static inline unsigned step_cost(size_t n_text) {
    size_t cost = 1 + n_text / STEP_TEXT_BYTES;
    return cost < UINT_MAX ? (unsigned)cost : UINT_MAX;
}

/* The single row of the table `state`. */
struct store_state {
    uint64_t seq_limit, last_seq, n_messages;
    uint64_t words_upto, parts_upto; /* messages up to these are in the full-text indexes */
    uint64_t purge;                  /* enum store_purge */
    struct calendar_memory clock;
    uint64_t parts_folded; /* see parts_open() in schema.c; states are compared as bytes */
};

/* What the transaction changes of what a user has stored. */
struct charge {
    uint32_t uid;
    int64_t n_messages, n_bytes;
};

/* The index keeps the words of deleted messages until it is rewritten, which goes on bit by bit. */
enum store_purge { PURGE_NONE, PURGE_WORDS_BEGIN, PURGE_WORDS, PURGE_PARTS_BEGIN, PURGE_PARTS };
#define PURGE_AGAIN                                                                                \
    16 /* besides: words went that the rewriting under way may have passed already */

static inline enum store_purge purge_stage(const struct store_state *state) {
    return (enum store_purge)(state->purge & ~(uint64_t)PURGE_AGAIN);
}

/*
 * Where messages of a user are looked for who has too many: there are none of his up to this one.
 * As many users as can have more than a fair share keep their places, and not more.
 */
#define STORE_WALKS 4
struct walk {
    uint32_t uid;
    uint64_t seq;
};

struct store {
    struct place place;
    struct connection writer;
    bool writing;       /* between begin and commit */
    bool deletes;       /* the transaction is to make room */
    bool erases;        /* it took a text away, */
    bool purges;        /* which an index had words of */
    bool is_to_erase;   /* the log has to be truncated: it may hold such texts */
    bool purge_begins;  /* the next step of rewriting the indexes is the first one */
    bool fails;         /* the last commit has; perhaps for want of room */
    int64_t n_bytes;    /* of the database, with the transaction */
    bool relaxed;       /* the writer's commits are not synced */
    int64_t page_bytes; /* of the database */
    int log_pages;      /* of the -wal file in use, and when it was last copied: */
    int log_pages_copied;
    bool maybe_doomed;  /* the table `doomed` may have rows */
    uint64_t round_end; /* deleting by size pauses at so many messages; 0: no round */
    struct walk walks[STORE_WALKS];
    size_t next_walk;                  /* the place of a user who has none yet */
    char error[CONNECTION_ERROR_SIZE]; /* of the writing thread */
    int outcome;                       /* of what failed since begin: the transaction is lost */
    struct store_state committed, pending;
    struct calendar_memory clock; /* for the next transaction */
    struct charge charges[STORE_CHARGES];
    size_t n_charges;
    conv_number known_pairs[STORE_KNOWN_PAIRS]; /* have their rows; by hash, the last one wins */

    pthread_mutex_t finding;
    struct connection finder;

    pthread_mutex_t quiet; /* guards the next three, see store_copy_log() */
    pthread_cond_t quiet_changed;
    unsigned n_readings;      /* snapshots that there are */
    _Atomic bool wants_quiet; /* no new ones are to begin for now */

    char rescued[CONNECTION_ERROR_SIZE]; /* "" or what is to be told about that */
    _Atomic unsigned generation;         /* of the database; another one needs other connections */
    _Atomic bool stopping;               /* what takes long is to end */
    _Atomic bool called;                 /* see store_call() */

    /* For other threads: what is committed, and where the indexes are. */
    _Atomic uint64_t last_seq, n_messages, words_upto, parts_upto;
};

struct store_reader {
    struct connection connection;
    struct fresh fresh; /* see fresh.h */
    store_cut *cut;
    void *cut_arg;
    unsigned generation; /* of the database that it reads */
    bool is_reading;     /* it has a snapshot */
    struct store *store;
};

/* store.c: notes the sentence of a call that failed with `outcome`, and returns that. */
int store_tell(struct store *store, int outcome);

/* store.c: opens the connection that writes. */
int store_open_writer(struct store *store, struct connection *writer);
/* Also when it has moved to another place in memory. */
void connection_watch(struct connection *writer, struct store *store);

/* rescue.c: notices that the database has vanished, and makes it again. */
int store_check_place(struct store *store);

/* schema.c: whether the database is one that can be opened, and not a newer one; only reads. */
int schema_check(struct connection *connection);
/* Makes the tables, or brings them up to this version. */
int schema_open(struct connection *connection);
bool schema_is_newer(int64_t version);
int schema_tell_newer(struct connection *connection, int64_t version); /* STORE_NEWER */

/* write.c: transactions. What is not durable is not synced. */
int transaction_begin(struct store *store, bool durable);
int transaction_end(struct store *store, int outcome);
/* Counts messages (and what they cost) that a user has more, or less, with this transaction. */
int transaction_charge(struct store *store, uint32_t uid, int64_t n_messages, int64_t n_bytes);
int state_read(struct connection *connection, struct store_state *state);
void state_publish(struct store *store, const struct store_state *state);

/* mend.c: what this message does to the one that it is about. In its transaction. */
int mend_message(struct store *store, const struct record *by);
/* Notes the number of that one. */
int mend_look(struct connection *connection, struct record *by);

/*
 * expire.c: what is left to do when the indexes are up to date, one step of it: deleting what all
 * have forgotten, then rewriting the indexes.
 */
bool cleaning_is_due(const struct store *store);
int cleaning_step(struct store *store, unsigned n_max);

/*
 * read.c. The columns of a message. 0, -ENOMEM, or STORE_NOT_FOUND: they cannot be of one; then
 * this one is passed over (it has its place in the order), and the rest is read.
 */
int message_take(struct connection *connection, sqlite3_stmt *row, struct record *record);
/* The message with uid and id of `like`: see store_find_id(). */
int message_find(struct connection *connection, const struct record *like, uint64_t *seq);
/* The same: see store_find_message(). */
int message_find_target(struct connection *connection, struct record *record);
/* The number of the latest reply in a conversation; 0: there is none. */
int reply_last(struct connection *connection, conv_number conv, uint16_t *n);
/* Before what begins to read with it. */
int reader_refresh(struct store_reader *reader);
bool reader_is_cut(const struct store_reader *reader);
/* A snapshot for all that is read until reading_end(), which returns `outcome` again. */
int reading_begin(struct store_reader *reader, struct store_state *state);
int reading_end(struct store_reader *reader, int outcome);
/* store.c: somebody reads with a snapshot. */
void log_reading_begins(struct store *store);
void log_reading_ends(struct store *store);
int pair_forgotten(struct connection *connection, uint32_t handle, conv_number conv,
                   uint64_t *upto);
