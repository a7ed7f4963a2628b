/*
 * A private hub that died is started again by the windows that wait for it, as it was started by
 * the first of them. Not one that was stopped (its key file is gone then), nor one in a directory
 * that was named: that is for whoever started it.
 */
#pragma once

#include "chat/chat.h"

/*
 * The hub is lost: what is to be done is due in a second, unless it is back; later, when it was
 * lost several times soon after it was started.
 */
void revive_lost(struct chat *chat);
void revive_back(struct chat *chat);

/* Does what is due. */
void revive_tick(struct chat *chat);

/* When that is; negative: nothing is to be done. */
int revive_timeout_ms(const struct chat *chat);

/* A child has ended. */
void revive_reap(struct chat *chat);
