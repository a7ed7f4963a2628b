/*
 * /reply: an answer to one message, in the conversation where that was said. Without a word that
 * names the message the last one here is meant; and since people from elsewhere mean the last who
 * wrote to them alone by /r, it is not sent while somebody has and waits for an answer.
 */
#pragma once

#include "chat/chat.h"

/* The message that this window has shown and the word means: a number, as of /reply, or an id.
 * NULL: none. */
const struct scrollback_message *reply_meant(const struct chat *chat, const char *word);
/* What a reply is to, or a reaction. */
struct reply_to {
    const char *conv, *id; /* id NULL: nothing */
    const char *thread;    /* it is in already, or NULL */
    uid_t author;
    bool has_author;
};

/*
 * The message that the first word names: a number, or an id, which is copied to `id`. An id
 * that this window has not shown is taken for one of the target's.
 */
struct reply_to reply_find(const struct chat *chat, const char *word, char id[EARSHOT_ID_SIZE]);
/* What others said so many back in the target; 1: last. */
struct reply_to reply_to_back(const struct chat *chat, unsigned long back);

/* The commands /reply and /thread; see command.h. */
int reply_run(struct chat *chat, char *arguments);
int reply_thread(struct chat *chat, char *arguments);

/* A reply of the user's own is stored, so it has a number now: asks for it, */
void reply_stored(struct chat *chat, const char *conv, const char *id);
/* and tells it: at the end of its line or, where others stand below that, in one of its own. */
void reply_tell_number(struct chat *chat, const struct earshot_event *event);
