/* Who in a room is expected to take what is offered to it. */
#pragma once

#include "cli/options.h"

struct put_room {
    char **names; /* who has not answered yet */
    size_t n;
};

/*
 * Asks the hub: the members that are here, or, when none is, all of them; without `self`. Returns
 * an exit code; an error has been reported.
 */
int put_room_ask(struct put_room *room, const struct cli_options *options, earshot *link,
                 const char *name, const char *self);
void put_room_free(struct put_room *room);

/* This one has taken it, or has not been able to, or does not want it. */
void put_room_drop(struct put_room *room, const char *handle);
bool put_room_is_done(const struct put_room *room);
