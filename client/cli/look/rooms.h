/* The list of rooms, for `rooms` and `topic`. */
#pragma once

#include "cli/records.h"

struct cli_rooms {
    struct cli_room *all;
    size_t n;
};

/* Asks the hub. Returns an exit code; free with cli_rooms_free() in any case. */
int cli_rooms_ask(earshot *link, const struct cli_options *options, struct cli_rooms *rooms);
void cli_rooms_free(struct cli_rooms *rooms);
