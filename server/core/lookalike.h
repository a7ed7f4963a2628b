/*
 * Names that look like others, see Unicode Technical Standard 39 (ICU, uspoof.h).
 *
 * Two names that may look the same as they are spelled have one skeleton, such as "bob" and the
 * same with a Cyrillic o, or "alice" and "aIice"; so whoever is about to get a new name is asked
 * whether somebody else has one of that skeleton. A name that mixes scripts as no language does is
 * refused by itself.
 *
 * Names that are there already, such as those of an old database, are never refused; when memory is
 * out, one may be missing in the tables, and a look-alike of it go unnoticed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* what could not be added has no hh.tbl */
#endif
#include <uthash.h>

#include "proto/name.h"

struct user;

/* All that have one skeleton. */
struct alike {
    struct alike_entry *entries;
    UT_hash_handle hh;
    size_t n;
    char skeleton[];
};

/* Stands in a handle or a room, zeroed at first. */
struct alike_entry {
    const struct name *name;
    const struct user *user; /* whose it is */
    struct alike *alike;     /* NULL: it is in no table */
    struct alike_entry *next, *prev;
};

/* Whether the scripts of its letters go together. From the name or its key. */
bool lookalike_is_plain(const struct name *name);

/* Whether it can be told from every other such name by reading closely: "#general" and "#genera1".
 */
bool lookalike_is_ascii(const struct name *name);

/* Puts a name into a table. It is not in any. */
void lookalike_add(struct alike **table, struct alike_entry *entry);
void lookalike_remove(struct alike **table, struct alike_entry *entry);

/* One that looks like this name, and is somebody else's (user NULL: anybody's); or NULL. */
const struct alike_entry *lookalike_find(struct alike *table, const struct name *name,
                                         const struct user *user);

/* One that looks like this one, which is in a table; NULL: there is none. */
const struct alike_entry *lookalike_other(const struct alike_entry *entry);

/* Frees what the library was made to keep; at the end of the process. */
void lookalike_deinit(void);

/* The skeleton of a name: its length, at most `size`. For tests. */
size_t lookalike_skeleton(const struct name *name, char *skeleton, size_t size);
