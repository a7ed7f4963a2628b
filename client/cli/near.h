/*
 * "near: bob, bobby": names that a person may have meant who named somebody unknown. The hub does
 * not look for them: it would do so while everybody waits.
 */
#pragma once

#include "cli/options.h"
#include "proto/name.h"

#define NEAR_MAX 3
#define NEAR_TEXT_SIZE (NEAR_MAX * (NAME_BYTES_MAX + 2) + 1)

/* The nearest so far. */
struct near {
    struct name key; /* of the wrong name */
    struct name names[NEAR_MAX];
    size_t distances[NEAR_MAX];
    unsigned n;
};

/* False: the word is no name, and nothing is near. */
bool near_init(struct near *near, const char *word);
void near_consider(struct near *near, const char *name);
/* "bob, bobby"; "" when nothing is near. */
void near_text(const struct near *near, char text[NEAR_TEXT_SIZE]);

/*
 * Asks the hub once for all handles, or all rooms, and tells which are near, if a person reads
 * that: on a terminal. Says nothing when that fails.
 */
void near_tell(const struct cli_options *options, const char *word);

/* Reports what became of a message, a REFUSED event, and which names are near its recipient's when
 * nobody has that. Returns the exit code. */
int near_fail_refused(const struct cli_options *options, const struct earshot_event *event);
