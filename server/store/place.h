/*
 * The directory of the store: made, checked, and locked against a second hub. And the files in it:
 * somebody may remove, move or replace them while the hub has them open.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PLACE_ERROR_SIZE (PATH_MAX + 512)

enum { PLACE_DATABASE, PLACE_WAL, PLACE_SHM, PLACE_LOCK, PLACE_FILES };

struct place_file {
    dev_t dev;
    ino_t ino;
};

struct place {
    int dir, lock;                        /* descriptors; -1 for none */
    struct place_file files[PLACE_FILES]; /* those that are open; */
    bool is_noted;                        /* they are known, */
    long long n_bytes;                    /* and the database has at least so many */
    char path[PATH_MAX];                  /* of the database */
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

/* Notes which files are at the path now that they are open. */
int place_note(struct place *place);
/* 0: what is open is what is at the path. STORE_GONE: it is not, and a copy of what the connection
 * has can be put there. STORE_FAILED: the database was cut off; nobody has the rest. */
int place_check(struct place *place);

/*
 * For a copy of a database that has vanished. place_renew() makes directory and lock again, if
 * these have vanished too, and an empty file beside the database for the copy, which
 * place_put_new() then puts, synced, where the database belongs; another database that is there is
 * renamed, and its name stored ("": there is none).
 */
#define PLACE_NEW ".new" /* behind the name of the database */
int place_renew(struct place *place);
int place_put_new(struct place *place, char *found, size_t size);

/* A mark that was left by a failure; see STORE_MARK. */
bool place_is_marked(const struct place *place);
void place_unmark(const struct place *place);

/* Bytes of the database and its -wal file. */
long long place_size(const struct place *place, bool with_wal);
/* Bytes that are left on its disk. */
long long place_room(const struct place *place);
