/*
 * Which files that came as messages were saved already: they stay in the history, and must not be
 * got twice. A list of "id handle" in $XDG_STATE_HOME/earshot/received, the oldest of which are
 * forgotten at some time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

struct received_list {
    char *path;
    char **lines;
    size_t n;
};

/* A list that cannot be read counts as empty. */
void received_load(struct received_list *list);
void received_free(struct received_list *list);

bool received_has_id(const struct received_list *list, const char *id, const char *handle);

/* Writes it down. Returns 0 or -errno; in memory it is added in any case. */
int received_add(struct received_list *list, const char *id, const char *handle);
