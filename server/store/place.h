/* The directory of the store: made, checked, and locked against a second hub. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PLACE_ERROR_SIZE (PATH_MAX + 512)

struct place {
    int dir, lock;       /* descriptors; -1 for none */
    char path[PATH_MAX]; /* of the database */
    char error[PLACE_ERROR_SIZE];
};

/* 0, -errno, or a store_outcome with the sentence in place->error. */
int place_open(struct place *place, const char *dir);
void place_close(struct place *place);

enum place_header {
    PLACE_EMPTY,   /* nothing is in the file yet */
    PLACE_SOUND,   /* begins as a database of SQLite does */
    PLACE_DAMAGED, /* begins otherwise */
};

/* Looks at the beginning of the file without SQLite; `version` is that of the schema. */
int place_look(struct place *place, enum place_header *header, unsigned *version);

/* Whether the disk gives all bytes of the database and its -wal file; no connection may be open. */
int place_read_all(struct place *place);

/* Renames the database, with its -wal file, to a name with the date, which is stored. */
int place_set_aside(struct place *place, char *to, size_t size);

/* A mark that was left by a failure; see STORE_MARK. */
bool place_is_marked(const struct place *place);
void place_unmark(const struct place *place);

/* Bytes of the database and its -wal file. */
long long place_size(const struct place *place, bool with_wal);
/* Bytes that are left on its disk. */
long long place_room(const struct place *place);
