/*
 * What is unread, read page by page from the end of each conversation back to where it begins. The
 * hub counts it, so it survives this program. What was handed to the caller counts as read with the
 * next thing that the caller says: then he has it.
 */
#pragma once

#include "mcp/call.h"

struct fetch;

/* Of one conversation, or (NULL) of all. An answer of the hub goes to fetch_take(). */
struct fetch *fetch_new(struct call *call, const char *conv, unsigned limit);
void fetch_free(struct fetch *fetch); /* safe on NULL */

enum fetch_outcome {
    FETCH_GOES_ON,
    FETCH_DONE,
    FETCH_LOST, /* the hub went away: when it is back it can be begun anew */
    FETCH_REFUSED,
};
enum fetch_outcome fetch_take(struct fetch *fetch, const struct earshot_event *event);

size_t fetch_count(const struct fetch *fetch);
/* The messages, oldest first in each conversation; the caller owns them. They count as read soon.
 */
json_t *fetch_messages(struct fetch *fetch);
/* How many more are unread. */
uint64_t fetch_more(const struct fetch *fetch);

/* The caller has what he was given before. */
void inbox_settle(struct mcp *mcp);
