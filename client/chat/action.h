/*
 * What the commands do. Each takes the rest of the line, without leading blanks, which it may cut
 * up, and returns a command_outcome.
 */
#pragma once

#include "chat/command.h"

int action_msg(struct chat *chat, char *arguments);
int action_me(struct chat *chat, char *arguments);
int action_query(struct chat *chat, char *arguments);
int action_join(struct chat *chat, char *arguments);
int action_part(struct chat *chat, char *arguments);
int action_who(struct chat *chat, char *arguments);
int action_names(struct chat *chat, char *arguments);
int action_rooms(struct chat *chat, char *arguments);
int action_away(struct chat *chat, char *arguments);
int action_back(struct chat *chat, char *arguments);
int action_topic(struct chat *chat, char *arguments);
int action_ignore(struct chat *chat, char *arguments);
int action_unignore(struct chat *chat, char *arguments);
int action_nick(struct chat *chat, char *arguments);
int action_clear(struct chat *chat, char *arguments);
int action_status(struct chat *chat, char *arguments);
int action_reply(struct chat *chat, char *arguments);
int action_history(struct chat *chat, char *arguments);
int action_search(struct chat *chat, char *arguments);
int action_bell(struct chat *chat, char *arguments);
int action_help(struct chat *chat, char *arguments);
int action_quit(struct chat *chat, char *arguments);
