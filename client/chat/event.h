/* What comes from the hub, and what the window does about it. */
#pragma once

#include "chat/chat.h"

/* Takes what is there, up to a bound that keeps the keyboard alive, without ever blocking. */
void event_take_all(struct chat *chat);

/* A message is shown, told of, and read. Strings are those of the event. */
void event_message(struct chat *chat, const struct earshot_event *event);
