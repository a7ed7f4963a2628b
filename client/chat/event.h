/* What comes from the hub, and what the window does about it. */
#pragma once

#include "chat/state.h"

/* Takes what is there, up to a bound that keeps the keyboard alive, without ever blocking. */
void event_take_all(struct chat *chat);
