/* Messages as the window shows them. */
#pragma once

#include "chat/chat.h"

enum show_how {
    SHOW_NEW,   /* it has just come */
    SHOW_PAST,  /* what was there before */
    SHOW_FOUND, /* found by a search: with its date, out of order */
};

/* Shows it, tells what it replies to, and where the unread ones begin. */
void show_message(struct chat *chat, const struct earshot_event *event, enum show_how how);

/* The same for a message of one's own, sent just now. */
void show_own(struct chat *chat, const struct earshot_message *message, const char *id);

/* Whether the user wrote it, here or in another window. */
bool show_is_own(const struct chat *chat, const struct earshot_event *event);

/* Whether somebody else says that it is urgent. */
bool show_is_urgent(const struct chat *chat, const struct earshot_event *event);

/* Whether somebody else names the user in it. */
bool show_is_naming(const struct chat *chat, const struct earshot_event *event);

/* Whether the message is for the user especially: a direct one, or one that names them. */
bool show_is_highlight(const struct chat *chat, const struct earshot_event *event);
