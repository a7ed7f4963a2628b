/*
 * The bare limit of the store: the same rows into a table with the same two indexes, by SQLite
 * alone, in WAL mode with synchronous=FULL; and the texts that both sides store.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "bench/bench.h"
#include "core/record.h"

struct chatter;
typedef void (*chatter_maker)(struct chatter *chatter, struct record *record);

/* Inserts n_messages, so many per commit, into a new database in a directory of its own. */
int bare_store_inserts(struct bench *bench, chatter_maker next, unsigned n_messages,
                       unsigned n_per_commit, double *per_second);

/* A directory on the disk of $TMPDIR or /tmp; removed with all that is in it. */
int bench_dir_make(struct bench *bench, char dir[PATH_MAX]);
void bench_dir_remove(const char *dir);

/*
 * Messages with texts of about 120 bytes, of words as frequent as in a language, in 16
 * conversations that are all visible to the handle 1; always the same ones. As many have the same
 * time as in a busy hub, so that their ids are no more in order than they are there.
 */
#define CHATTER_PER_MS 100
#define CHATTER_CONVERSATIONS 16
#define CHATTER_WORDS 20000

struct chatter {
    struct uuid_source ids;
    uint64_t seq, state; /* state: of the random numbers */
    char text[192];
};

void chatter_next(struct chatter *chatter, struct record *record);
/* The same with a text of 120 bytes that costs nothing to make, as senders of a flood have it. */
void chatter_flood(struct chatter *chatter, struct record *record);
conv_number chatter_conv(unsigned index);
/* The word of that rank: 0 is the most frequent one. */
void chatter_word(char *word, size_t size, unsigned rank);
/* A random rank, a frequent word as in the texts. */
unsigned chatter_rank(struct chatter *chatter);
