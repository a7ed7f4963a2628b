/* The commands of the chat window: one table for dispatch, /help and completion. */
#pragma once

#include "chat/chat.h"

#define COMMAND_BLANKS " \t\n"

enum command_argument {
    ARGUMENT_NONE,
    ARGUMENT_HANDLE,
    ARGUMENT_ROOM,
    ARGUMENT_CONV, /* a handle or a room */
    ARGUMENT_BELL, /* config_when_words */
    ARGUMENT_COMMAND,
    ARGUMENT_PATH, /* [TO] PATH */
};

enum command_outcome {
    COMMAND_DONE = 0,
    COMMAND_KEEP, /* could not be sent now: the line stays for another try */
    COMMAND_HELD, /* was not sent, and that was said: the line stays for a second thought */
};

struct command {
    const char *name;      /* without the slash */
    const char *arguments; /* as /help shows them; "" for none */
    const char *help;
    enum command_argument argument; /* what the first one completes to */
    int (*run)(struct chat *chat, char *arguments);
};

/* The table; `name` NULL ends it. */
extern const struct command command_table[];

/*
 * The command of this name, or of a name that people know from elsewhere; else the first one whose
 * name begins so. NULL when there is none.
 */
const struct command *command_find(const char *word, size_t n);

/*
 * Does what a line says: a command, or a text for the target. Returns a command_outcome; with
 * COMMAND_KEEP nothing is said about it.
 */
int command_line(struct chat *chat, const char *line);

/* Sends a text to the target, whatever it begins with. Likewise. */
int command_text(struct chat *chat, const char *text);

/* How many bytes the first word of a line and the blanks behind it take. */
size_t command_skip_word(const char *line);

/* Prints the table, or one row of it. */
void command_help(struct chat *chat, const char *name);
