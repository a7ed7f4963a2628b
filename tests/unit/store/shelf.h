/* A store in a directory of its own, and short words for what the tests put in and see. */
#pragma once

#include <criterion/criterion.h>

#include "store/store.h"

#define ALICE 1
#define BOB 2
#define CAROL 3
#define DAVE 4
#define SHELF_SEEN_MAX 4096

struct shelf {
    char top[64];  /* removed at the end */
    char dir[128]; /* of the store; made by it */
    struct store *store;
    struct store_reader *reader;
    struct store_info info;
    uint64_t seq; /* of the newest message */
};

extern struct shelf shelf;

void shelf_begin(void); /* an open store */
void shelf_end(void);
void shelf_close(void);
void shelf_open(void);    /* must succeed */
int shelf_try_open(void); /* the result of store_open() */
void shelf_reopen(void);

/* The path of a file in the directory of the store; the next call but three overwrites it. */
const char *shelf_path(const char *name);

/* The id that belongs to a sequence number. */
struct uuid id_of(uint64_t seq);
struct record record_of(uint64_t seq, conv_number conv, uint32_t from, const char *text);

/* Inside of a transaction. */
void put(conv_number conv, uint32_t from, const char *text);
/* In a transaction of its own; the number of the message. */
uint64_t say(conv_number conv, uint32_t from, const char *text);
void forget(uint32_t handle, conv_number conv, uint64_t upto);
void index_all(void);
/* Whether the message with the id of this number, from a handle, is there. */
bool is_there(uint64_t seq, uint32_t from);
/* Times as record_of() makes them: seconds are numbers. INT64_MAX: all. */
int expire(int64_t before_ms, uint64_t keep_bytes, unsigned n_max, bool *more);

/* What was visited last. */
struct seen {
    uint64_t seqs[SHELF_SEEN_MAX];
    char texts[SHELF_SEEN_MAX][64];
    unsigned n;
    unsigned end_after; /* the visitor returns end_with then; 0: never */
    int end_with;
};

extern struct seen seen;
int see(void *arg, const struct record *record);

/* Everything direct, and these rooms. */
struct store_view view_of(uint32_t handle, const struct store_source *rooms, size_t n_rooms);

/* The texts that were seen are these, with spaces between. */
void expect_seen(const char *texts);

/* Searches; the texts that were found. */
void search(const struct store_view *view, const char *words);

/* A file, to be freed; and the closed database, as any program would use it. */
struct shelf_file {
    char *data;
    size_t n;
};
struct shelf_file shelf_read_file(const char *path);
void shelf_run_sql(const char *sql);
int64_t shelf_query_number(const char *sql);
