/* Two directories, and what is handed from one to the other: a source feeds a sink directly. */
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/sink.h"
#include "files/source.h"

#define HAND_SLOT (256 * 1024)

struct hand {
    char top[96]; /* removed at the end, with from/, to/ and outside/ in it */
    int to;       /* open */
    struct source_options source_options;
    struct sink_options options;
    unsigned char slot[HAND_SLOT];
    size_t capacity; /* of the slot that is used */
    char skipped[256];
    unsigned n_skipped;
};

extern struct hand hand;

void hand_begin(void);
void hand_end(void);

/* "from/NAME" and so on in our directory; the next call but seven overwrites it. */
const char *in_from(const char *name);
const char *in_to(const char *name);
const char *in_outside(const char *name);

/* A file of this size whose content depends on the seed. */
void make_file(const char *path, size_t n, unsigned seed);
void make_directory(const char *path);
void add_bytes(const char *path, off_t at, const void *data, size_t n);
struct stat status_of(const char *path);
bool is_there(const char *path);
unsigned count_entries(const char *path);

/* How it went: 0, -errno or an outcome of the side that stopped. */
struct handed {
    int opened; /* of source_open or sink_open */
    int source, sink;
    bool is_resumed, is_renamed;
    char name[256]; /* of the file; empty: none */
    struct item_totals totals;
    struct digest digest;
};

/* Hands over from/NAME; whatever there is of it is resumed. */
struct handed hand_over(const char *name);

/* Moves up to `limit` items; SIZE_MAX for all. True when it came to the end. */
bool move_items(struct source *source, struct sink *sink, size_t limit, struct handed *handed);

/* Both sides opened, none moved. */
void open_both(const char *name, struct source **source, struct sink **sink);

/* An interrupted transfer: `limit` items have come. */
void hand_over_partly(const char *name, size_t limit);

/* Asserts that it succeeded, under this name, and that both are equal in everything. */
void expect_handed(const char *name);
void expect_equal(const char *a, const char *b);
void expect_same_content(const char *a, const char *b);

/* --- a sender who says what the test wants --- */

struct record_entry entry_of(enum entry_kind kind, const char *path, uint64_t size);
int put_entry(struct sink *sink, struct record_entry entry);
int put_entry_end(struct sink *sink, const void *content, size_t n);
int put_void(struct sink *sink);
int put_data(struct sink *sink, const void *data, size_t n);
int put_hole(struct sink *sink, uint64_t n);
struct sink *open_sink(enum entry_kind kind, const char *name, uint64_t size);
