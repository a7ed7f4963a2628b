/*
 * A private hub that died is started again by the windows that wait for it, in the same way as by
 * the first of them. Not a hub that was stopped (its key file is gone then), nor one whose
 * directory the user named: whoever started that one is to start it again.
 */
#pragma once

#include "chat/chat.h"

/*
 * The hub is lost: starting it is due in a second, or later when it ended soon several times. It is
 * back: that is not due any more.
 */
void revive_lost(struct chat *chat);
void revive_back(struct chat *chat);

/* Starts the hub, if that is due. */
void revive_tick(struct chat *chat);

/* When that is due: milliseconds, or -1. */
int revive_timeout_ms(const struct chat *chat);

/* A child has ended. */
void revive_reap(struct chat *chat);
