/*
 * The messages that this window has shown last: to reply to them, to say what a reply is about,
 * and to show none twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

#define SCROLLBACK_MAX 512

/* What a message is known by: its id alone is not enough, as others may use it again. */
struct scrollback_key {
    uid_t uid; /* of its sender */
    const char *id;
};

struct scrollback_message {
    uid_t uid;
    char id[EARSHOT_ID_SIZE];
    char *conv, *from, *preview;
    char *text; /* of one's own, whole; else NULL */
    bool mine;
    unsigned n;                   /* of a reply: its number, 0: none; */
    char thread[EARSHOT_ID_SIZE]; /* and its thread; "": none */
};

/* Zero is empty. */
struct scrollback {
    struct scrollback_message messages[SCROLLBACK_MAX];
    size_t n; /* that were ever added; the last SCROLLBACK_MAX are there */
};

void scrollback_deinit(struct scrollback *scrollback);
void scrollback_add(struct scrollback *scrollback, struct scrollback_key key, const char *conv,
                    const char *from, const char *text, size_t n, bool mine);

/* The one that was added last is a reply: its number and thread. */
void scrollback_set_reply(struct scrollback *scrollback, unsigned n, const char *thread);

/* The same of another one; false: it is not there any more. */
bool scrollback_number(struct scrollback *scrollback, struct scrollback_key key, unsigned n,
                       const char *thread);

/* The latest reply with this number in the conversation; NULL: none was shown. */
const struct scrollback_message *scrollback_numbered(const struct scrollback *scrollback,
                                                     const char *conv, unsigned n);

/* The latest reply in the conversation that is in a thread; NULL: none. */
const struct scrollback_message *scrollback_last_reply(const struct scrollback *scrollback,
                                                       const char *conv);

/* NULL: this window has not shown it. */
const struct scrollback_message *scrollback_find(const struct scrollback *scrollback,
                                                 struct scrollback_key key);
bool scrollback_has(const struct scrollback *scrollback, struct scrollback_key key);

/*
 * The message that an id means in this conversation ("": in any). NULL: it is not known, or
 * messages of several users have the id.
 */
const struct scrollback_message *scrollback_meant(const struct scrollback *scrollback,
                                                  const char *id, const char *conv);

/* The last message of others in the conversation ("": in any) is 1, the one before it 2, ...;
 * NULL: none. */
const struct scrollback_message *scrollback_back(const struct scrollback *scrollback,
                                                 const char *conv, unsigned long back);

/* The last one of the user's own in the conversation that was not removed; NULL: none. */
const struct scrollback_message *scrollback_own(const struct scrollback *scrollback, uid_t uid,
                                                const char *conv);

/* It has another text now; NULL: none any more. */
void scrollback_change(struct scrollback *scrollback, struct scrollback_key key, const char *text);

/* The last message in the conversation, one's own too; NULL: none. */
const struct scrollback_message *scrollback_newest(const struct scrollback *scrollback,
                                                   const char *conv);

/* The last message of all, one's own too; NULL: none. */
const struct scrollback_message *scrollback_last(const struct scrollback *scrollback);

/* Whether anything of this conversation was shown. */
bool scrollback_has_conv(const struct scrollback *scrollback, const char *conv);
