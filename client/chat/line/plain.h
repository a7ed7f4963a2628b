/* Without a window: lines come from standard input as they are, for pipes and TERM=dumb. */
#pragma once

#include <stdbool.h>

#include "chat/chat.h"

struct plain {
    char *buffer;
    size_t n, size; /* bytes in it that are not lines yet */
    size_t n_lost;  /* bytes of the first line that were not kept, since it is too long anyway */
    bool ended;     /* end of input */
};

void plain_deinit(struct plain *plain);

/* Whether there is reason to read on: no line waits for the hub. */
bool plain_wants_input(const struct plain *plain);

/* Standard input has something, or has ended. */
void plain_read(struct chat *chat, struct plain *plain);

/* At a terminal that can only print lines: the prompt, unless it stands there. */
void plain_prompt(struct chat *chat);

/* Does what the lines say that are there, as far as the hub takes them. */
void plain_run(struct chat *chat, struct plain *plain);
