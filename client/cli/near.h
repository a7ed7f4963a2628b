/*
 * What a person may have meant who named something that is not there: "near: bob, bobby" and "did
 * you mean `search`?". The hub does not look for near names: it would do so while everybody waits.
 */
#pragma once

#include "cli/options.h"
#include "proto/name.h"

#define NEAR_MAX 3
#define NEAR_TEXT_SIZE (NEAR_MAX * (NAME_BYTES_MAX + 2) + 1)

/* The nearest so far. */
struct near {
    struct name key; /* its key when it is a handle or room, else the word as it is */
    struct name names[NEAR_MAX];
    size_t distances[NEAR_MAX];
    unsigned n;
    bool is_there; /* one of them was the word itself */
};

/* False: the word is no handle or room. */
bool near_init(struct near *near, const char *word);

/* The word itself is not near; a room is near a word that lacks only its sign. */
void near_consider(struct near *near, const char *name);

/* The nearest one; NULL when nothing is near. */
const char *near_best(const struct near *near);

/* "bob, bobby"; "" when nothing is near. */
void near_text(const struct near *near, char text[NEAR_TEXT_SIZE]);

/*
 * Asks the hub once for all handles, or all rooms, and tells which are near, if a person reads
 * that: on a terminal. Says nothing when that fails.
 */
void near_tell(const struct cli_options *options, const char *word);

/* The same before a room is made by writing to it, which may be a mistake. */
void near_tell_new(const struct cli_options *options, const char *word);

/* ", who is not here now,": about a handle that is waited for, for a person; "" when it cannot be
 * told, and of a room. */
const char *near_presence_text(const struct cli_options *options, const char *handle);

/* Reports what became of a message, a REFUSED event, and which names are near its recipient's when
 * nobody has that. Returns the exit code. */
int near_fail_refused(const struct cli_options *options, const struct earshot_event *event);
