/*
 * The messages that this window has shown last: to reply to them, to say what a reply is about,
 * and to show none twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

#define RECENT_MAX 512

/* What a message is known by: anybody may give one the id of somebody else's. */
struct recent_key {
    uid_t uid; /* of its sender */
    const char *id;
};

struct recent_message {
    uid_t uid;
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
void recent_add(struct recent *recent, struct recent_key key, const char *conv, const char *from,
                const char *text, size_t n, bool mine);

bool recent_has(const struct recent *recent, struct recent_key key);

/*
 * The message that somebody means who names an id in this conversation ("": in any). NULL: it is
 * not known, or messages of several users have the id.
 */
const struct recent_message *recent_meant(const struct recent *recent, const char *id,
                                          const char *conv);

/* The last message of others in the conversation ("": in any) is 1, the one before it 2, ...;
 * NULL: none. */
const struct recent_message *recent_back(const struct recent *recent, const char *conv,
                                         unsigned long back);

/* Whether anything of this conversation was shown. */
bool recent_has_conv(const struct recent *recent, const char *conv);
