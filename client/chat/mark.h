/*
 * How far the user's own direct messages have come. If the last line of the window is such a
 * message, a dim word at its end says so: delivered, then read. Once other lines stand below it, it
 * stays as it is; if the message is read after that, and no answer has shown it, a dim line says
 * so.
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

/*
 * Whether the states of a message to `to` are wanted: not in rooms, where each member would send
 * them.
 */
bool mark_wants(const struct chat *chat, const char *to);

/* A message of ours was sent and shown. */
void mark_sent(struct chat *chat, const struct earshot_message *message, const char *id);

/* STATE and REFUSED events. */
void mark_event(struct chat *chat, const struct earshot_event *event);

/* The other side has answered: that it has read what was said before need not be told. */
void mark_answered(struct chat *chat, const char *conv);

/* Shows what has changed, after a moment; and when that is: milliseconds, or -1. */
void mark_show_due(struct chat *chat);
int mark_timeout_ms(const struct chat *chat);

void mark_deinit(struct chat *chat);
