/*
 * How far one's own direct messages have come. The last line of the window, when it is such a
 * message, ends with a dim mark that is changed in place: delivered, read. When other lines have
 * come behind it nothing moves; only if it is read later, and no answer said so, a dim line does.
 */
#pragma once

#include "chat/chat.h"

struct mark {
    char id[EARSHOT_ID_SIZE];
    char to[CHAT_NAME_SIZE];
    char *preview;
    enum earshot_state state; /* SENT at first */
    bool at_end;              /* it was shown as the last line, and may be so still */
    bool changed;
    struct mark *prev, *next;
};

/* Whether the states of a message to `to` are wanted: in rooms they would be a stream. */
bool mark_wants(const struct chat *chat, const char *to);

/* A message of ours was sent and shown. */
void mark_sent(struct chat *chat, const struct earshot_message *message, const char *id);

/* STATE and REFUSED events. */
void mark_event(struct chat *chat, const struct earshot_event *event);

/* Something came from the other side of this conversation: what we said before needs no word. */
void mark_answered(struct chat *chat, const char *conv);

/* Shows what has changed, after a moment; and when that is: milliseconds, or -1. */
void mark_show_due(struct chat *chat);
int mark_timeout_ms(const struct chat *chat);

void mark_deinit(struct chat *chat);
