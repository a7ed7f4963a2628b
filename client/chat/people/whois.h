/* /whois: who somebody is, as the kernel says, and what their programs are. */
#pragma once

#include "chat/chat.h"

/* ", idle 5 min"; "" for less than a minute. */
#define WHOIS_IDLE_SIZE 48
void whois_idle_text(uint32_t seconds, char text[WHOIS_IDLE_SIZE]);

/* Prints what the line of a list tells of its handle. */
void whois_tell(struct chat *chat, const struct earshot_event *event);
