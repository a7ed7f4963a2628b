/*
 * What the window remembers from one time to the next, for each hub and handle: the conversation
 * that it was in, how loud each one is, aliases. A text file in the user's state directory,
 * readable by nobody else; several windows may change it. Without such a directory nothing is
 * remembered.
 */
#pragma once

struct chat;

#define MEMORY_TARGET "target" /* of nothing: the conversation that plain lines went to */
#define MEMORY_LEVEL "level"   /* of a conversation, by its key: its enum unread_level, as a word */
#define MEMORY_ALIAS "alias"   /* of a word: what it stands for */

struct memory_item {
    char *kind, *name, *value;
    struct memory_item *prev, *next;
};

/* Zero remembers nothing. */
struct memory {
    char *path; /* NULL: there is no place for it */
    struct memory_item *items;
};

/* Reads what was remembered at this hub. */
void memory_start(struct chat *chat);
void memory_deinit(struct memory *memory);

/* NULL: nothing. Valid until a change. */
const char *memory_get(const struct memory *memory, const char *kind, const char *name);

/* For each of the kind. */
void memory_each(const struct memory *memory, const char *kind,
                 void (*visit)(void *arg, const char *name, const char *value), void *arg);

/* Remembers it, or with NULL forgets it. What cannot be written down holds for this window. */
void memory_set(struct memory *memory, const char *kind, const char *name, const char *value);

/* The file of this name in that directory, which is made when it is missing. NULL: there is none.
 */
char *memory_path(const char *file);
