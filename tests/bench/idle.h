/* Sessions that are joined and do nothing, each a process of its own. */
#pragma once

#include "bench/crew.h"
#include "bench/hub.h"

struct idle {
    struct crew crew;
    char (*dir)[HUB_DIR_SIZE]; /* shared with the sessions */
};

/* Returns when all n have joined. */
int idle_start(struct bench *bench, struct idle *idle, const struct hub *hub, unsigned n);

/* Safe on the zero state. */
void idle_stop(struct idle *idle);
