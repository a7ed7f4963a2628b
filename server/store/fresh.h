/*
 * An index of whole words in memory, which means the same by a word as that of the database (see
 * schema.c): for the messages that one does not have yet. Emptied by fresh_begin().
 *
 * Errors: 0, or an outcome whose sentence `teller` has.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "base/bytes.h"

struct connection;

struct fresh {
    sqlite3 *db; /* NULL: not made yet */
    sqlite3_stmt *add, *find;
};

void fresh_close(struct fresh *fresh); /* safe on the zero state */

int fresh_begin(struct fresh *fresh, struct connection *teller);
int fresh_add(struct fresh *fresh, struct connection *teller, uint64_t seq, struct bytes text);

/* The expression must live until fresh_end(). */
int fresh_find(struct fresh *fresh, struct connection *teller, const char *expression);
/* The next one that has all of it, the newest first; 0: there is none. */
int fresh_next(struct fresh *fresh, struct connection *teller, uint64_t *seq);
void fresh_end(struct fresh *fresh);
