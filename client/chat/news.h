/*
 * Who came and went. News are gathered for a moment, so that many who join make one line: "+ alice,
 * bob joined #ops", and so does one who comes and joins.
 */
#pragma once

#include "chat/chat.h"

void news_event(struct chat *chat, const struct earshot_event *event);

/* Prints what was gathered; before a message is printed, to keep the order. */
void news_flush(struct chat *chat);

/* The same when the moment is over, and when that will be: milliseconds, or -1. */
void news_flush_due(struct chat *chat);
int news_timeout_ms(const struct chat *chat);

/* A list has told that this handle is here. */
void news_known(struct chat *chat, const char *handle);

void news_deinit(struct chat *chat);
