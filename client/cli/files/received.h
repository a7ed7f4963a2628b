/*
 * Which files that came as messages were saved already: they stay in the history, and must not be
 * got twice. They are lines of "id uid handle" in $XDG_STATE_HOME/earshot/received: the uid is the
 * sender's, because only both together name a message; older lists have lines of "id handle". When
 * there are more than twice RECEIVED_FILES_MAX, the oldest are forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

#define RECEIVED_FILES_MAX 65536 /* so many are remembered, the latest */

struct received_line;

struct received_list {
    char *path;
    char *distrust;              /* why it is neither read nor written, a sentence; or NULL */
    struct received_line *lines; /* by their text, in the order of the file */
};

/* A list that cannot be read, or that others could have written, counts as empty. */
void received_load(struct received_list *list);
void received_free(struct received_list *list);

/* uid: the sender's; handle: who has it. */
bool received_has_id(const struct received_list *list, const char *id, uid_t uid,
                     const char *handle);

/* Writes it down. Returns 0 or -errno; in memory it is added in any case. */
int received_add(struct received_list *list, const char *id, uid_t uid, const char *handle);
