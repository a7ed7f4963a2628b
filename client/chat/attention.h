/*
 * Whether somebody looks at the window. A message counts as read when a key is pressed, or the
 * terminal gets the focus, while it stands on the screen. What was shown and not read comes again
 * to the next window of the handle. Without a window whoever reads the output is a program, and has
 * read at once.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "lib/earshot.h"

struct chat;

/* A message on the screen whose sender wants to know that it was read. */
struct attention_item {
    uint64_t seq, link;
    uid_t uid;
    char id[EARSHOT_ID_SIZE];
};

/* Zero, but for `looked_at`, is a window that has shown nothing. */
struct attention {
    uint64_t written;             /* the newest message that was given to the terminal, */
    uint64_t visible;             /* that stands there since the last flush, */
    uint64_t read;                /* that was read, */
    uint64_t told;                /* and of which the hub knows that */
    mono_time looked_at;          /* when a key was pressed last */
    bool is_away;                 /* nobody has looked since the user said so, or the focus went */
    bool has_line;                /* a line stands above what came since then */
    struct attention_item *items; /* oldest first */
    size_t n_items, size;
};

void attention_deinit(struct attention *attention);

/* A message was shown. */
void attention_shown(struct chat *chat, const struct earshot_event *event);

/* What was shown stands on the screen. */
void attention_flushed(struct chat *chat);

/* A key was pressed, or the terminal has got the focus. */
void attention_look(struct chat *chat);

/* The user leaves: /away, or the focus goes. */
void attention_leave(struct chat *chat);

/* Tells the hub what was read, as far as there is one. */
void attention_tell(struct chat *chat);

/* There is a hub again, whose newest message is `newest`. */
void attention_back(struct chat *chat, uint64_t newest);

/* Whether a line is to stand above the next message, since nobody has looked for a while. Once. */
bool attention_wants_line(struct chat *chat);
