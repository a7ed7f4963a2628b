/* /whois: who somebody is, as the kernel says, and what their programs are. */
#pragma once

#include "chat/chat.h"

/* Prints what the line of a list tells of its handle. */
void whois_tell(struct chat *chat, const struct earshot_event *event);
/* The same in one line. */
void whois_tell_short(struct chat *chat, const struct earshot_event *event);
