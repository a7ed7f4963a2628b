/*
 * The messages that this window has shown last: to reply to them, to say what a reply is about,
 * and to show none twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

#define RECENT_MAX 512

struct recent_message {
    char id[EARSHOT_ID_SIZE];
    char *conv, *from, *preview;
    bool mine;
};

/* Zero is empty. */
struct recent {
    struct recent_message messages[RECENT_MAX];
    size_t n; /* that were ever added; the last RECENT_MAX are there */
};

void recent_deinit(struct recent *recent);
void recent_add(struct recent *recent, const char *id, const char *conv, const char *from,
                const char *text, size_t n, bool mine);

/* The message of this id, or NULL. */
const struct recent_message *recent_find(const struct recent *recent, const char *id);

/* The last message of others in the conversation ("": in any) is 1, the one before it 2, ...;
 * NULL: none. */
const struct recent_message *recent_back(const struct recent *recent, const char *conv,
                                         unsigned long back);

/* Whether anything of this conversation was shown. */
bool recent_has_conv(const struct recent *recent, const char *conv);
