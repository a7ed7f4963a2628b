/* What comes from the hub, and what the window does about it. */
#pragma once

#include "chat/chat.h"

/* Takes what is there, never blocking, up to a bound, so that the keyboard does not wait. */
void event_take_all(struct chat *chat);

/* Shows a message, and rings for it. */
void event_message(struct chat *chat, const struct earshot_event *event);

/* Takes note of a message that is not shown. */
void event_pass(struct chat *chat, const struct earshot_event *event);
