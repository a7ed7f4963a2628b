/*
 * Reactions in the window: a quiet line for those to what the user said, and for those where he
 * looks. The same command again takes one back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

struct chat;

#define REACTIONS_OWN_MAX 64

/* What this window knows of the user's own, the latest; zero is empty. */
struct react_own {
    struct {
        uid_t uid; /* of the message's author */
        char id[EARSHOT_ID_SIZE], emoji[48];
    } all[REACTIONS_OWN_MAX];
    size_t n; /* that were ever made */
};

/* REACTION events. */
void react_event(struct chat *chat, const struct earshot_event *event);

/* /react */
int react_run(struct chat *chat, char *arguments);

/* "text  [👍 2]": what a message of the past is shown as. The caller frees it; NULL: as it is. */
char *react_counted(const struct earshot_event *event, const char *text);

/* A copy of the reactions to it, in one piece of memory that the caller frees; NULL: none. */
struct earshot_reaction *react_copy(const struct earshot_event *event);
