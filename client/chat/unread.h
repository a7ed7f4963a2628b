/*
 * The conversations of this window, in the order in which they came up: how much is new in each
 * since the user was there last, and how loud it may be. The user is there while plain lines go
 * there and a key is pressed, and when they say something there, in whatever window: the hub is
 * told, which counts for all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

struct chat;

/* What of a conversation is shown, and rings. */
enum unread_level {
    UNREAD_DEFAULT,  /* rings as the configuration says, or /bell */
    UNREAD_EVERY,    /* rings for each message */
    UNREAD_MENTIONS, /* for those that name the user */
    UNREAD_OFF,      /* never, and is not counted in the prompt */
    UNREAD_MUTE,     /* and is not shown but where lines go there, or it names the user */
};

/* The words of enum unread_level; NULL ends them. */
extern const char *const unread_level_words[];

/* False: it is none of them. */
bool unread_level_of(const char *word, enum unread_level *level);

struct unread_item;

struct unread {
    struct unread_item *items;
    bool changed; /* what the prompt says of it */
};

void unread_deinit(struct unread *unread);

/* The conversation has its place in the list. */
void unread_know(struct chat *chat, const char *conv);

/* One is not in the room any more. */
void unread_forget(struct chat *chat, const char *conv);

/* A message has come, shown or not. */
void unread_message(struct chat *chat, const struct earshot_event *event);

/* The hub has counted what is unread in a conversation; another window has shown one. */
void unread_counted(struct chat *chat, const struct earshot_event *event);
void unread_seen(struct chat *chat, const struct earshot_event *event);

/* Asks the hub, of whose messages nothing is known yet. */
void unread_begin_anew(struct chat *chat);

/* The user is there. */
void unread_visit(struct chat *chat, const char *conv);

enum unread_level unread_level(const struct chat *chat, const char *conv);
void unread_set_level(struct chat *chat, const char *conv, enum unread_level level);

/* /history goes on before this message; 0: at the end. */
uint64_t unread_page(const struct chat *chat, const char *conv);
void unread_set_page(struct chat *chat, const char *conv, uint64_t before);

/* The next one with something new, one that is for the user first; the one of this number, from 1.
 * NULL: there is none. Valid until a change. */
const char *unread_next(const struct chat *chat);
const char *unread_at(const struct chat *chat, size_t number);

/* Who wrote to the user alone, elsewhere than where one is, so that it is new still: the last of
 * them; NULL: nobody. Valid until a change. */
const char *unread_direct(const struct chat *chat);

/* " | @bob 1 #build 40", for the prompt; "" when nothing is new. */
#define UNREAD_PROMPT_SIZE 128
void unread_prompt(const struct chat *chat, char text[UNREAD_PROMPT_SIZE]);

/* Prints the list. */
void unread_list(struct chat *chat);
