/*
 * What the user says. A message is shown at once, remembered until the hub acknowledges it, and
 * quoted if the hub refuses it. When the hub takes none for a while (its lane is full, it is
 * stopped or gone) one line says so, and another one when it goes on.
 */
#pragma once

#include "chat/chat.h"

enum talk_outcome {
    TALK_SENT = 0,
    TALK_FULL, /* too much waits for the hub: the text is to be kept and tried again */
    TALK_BAD,  /* refused at once, and said so */
};

void talk_deinit(struct talk *talk);

/* What a message answers. */
struct talk_answered {
    const char *id;
    uid_t author; /* of that, */
    bool has_author;
};

/* Sends and shows a message; returns a talk_outcome. TALK_FULL says nothing. answered: NULL for
 * none. */
int talk_send(struct chat *chat, const char *to, const char *text, enum earshot_kind kind,
              const struct talk_answered *answered);

/* Another text for a message of the user's own; its removal, with a reason or "". The same
 * outcomes.
 */
int talk_edit(struct chat *chat, const char *target, const char *text);
int talk_remove(struct chat *chat, const char *target, const char *reason);

/* The same of a reaction to the message of this author. */
int talk_react(struct chat *chat, const char *target, uid_t author, bool on, const char *emoji);

/* A line about the handle, if it is away. */
void talk_tell_if_away(struct chat *chat, const char *handle);

/* A small file was sent: like a text it is remembered, and named if the hub refuses it. */
void talk_sent_file(struct chat *chat, const char *id, const char *name);

/* STATE and REFUSED events. */
void talk_event(struct chat *chat, const struct earshot_event *event);

/* Tells how many messages wait for the hub, when it is time for that. */
void talk_report(struct chat *chat);

/* The same at once, with what follows from it for the user. */
void talk_report_now(struct chat *chat, const char *consequence);

/* When talk_report() wants to be called again: milliseconds, or -1. */
int talk_timeout_ms(const struct chat *chat);
