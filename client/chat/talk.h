/*
 * What the user says. A message is shown at once, kept until the hub acknowledges it, and named
 * if the hub refuses it. When the hub takes none for a while (its lane is full, it is stopped or
 * gone) one line says so, and another one when it goes on.
 */
#pragma once

#include "chat/chat.h"

enum talk_outcome {
    TALK_SENT = 0,
    TALK_FULL, /* too much waits for the hub already; keep the text and try again */
    TALK_BAD,  /* refused at once, and said so */
};

void talk_deinit(struct talk *talk);

/*
 * Sends and shows a message; returns a talk_outcome. TALK_FULL says nothing. reply_to: the id of
 * the message that it answers, or NULL.
 */
int talk_send(struct chat *chat, const char *to, const char *text, enum earshot_kind kind,
              const char *reply_to);

/* A small file was sent: it is waited for, and named if the hub refuses it, like a text. */
void talk_sent_file(struct chat *chat, const char *id, const char *name);

/* STATE and REFUSED events. */
void talk_event(struct chat *chat, const struct earshot_event *event);

/* Says what it waits for, if there is news about that. */
void talk_report(struct chat *chat);

/* Says how many messages wait, now, and what follows from that. */
void talk_report_now(struct chat *chat, const char *consequence);

/* When talk_report() wants to be called again: milliseconds, or -1. */
int talk_timeout_ms(const struct chat *chat);
