/*
 * The commands of the chat window: one table for dispatch, /help and completion. A new command is a
 * function in command.c and a row in its table; those of files stand in files.c.
 */
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
    ARGUMENT_PATH,   /* [TO] PATH */
    ARGUMENT_LEVEL,  /* [CONV] unread_level_words */
    ARGUMENT_CHANGE, /* [#ROOM] govern_change_words [WORD] */
    ARGUMENT_EMOJI,  /* [N|ID] EMOJI */
};

enum command_outcome {
    COMMAND_DONE = 0,
    COMMAND_KEEP, /* too much waits for the hub: the line stays, to be tried again */
    COMMAND_HELD, /* not sent, and the user was told why: the line stays, to be thought over */
};

struct command {
    const char *name;      /* without the slash */
    const char *arguments; /* as /help shows them; "" for none */
    const char *help;
    enum command_argument argument; /* what the first one completes to */
    int n_words;                    /* that it takes; -1: a text */
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
 * Does what a line says: a command, or a text for the target. Returns a command_outcome; of
 * COMMAND_KEEP the user was not told.
 */
int command_line(struct chat *chat, const char *line);

/* The same for a text, whatever it begins with. */
int command_text(struct chat *chat, const char *text);

/* Plain lines go to this conversation, which the window knows, and its last lines are shown. */
void command_go(struct chat *chat, const char *conv);

/*
 * The same for the next one with something new; behind the last, for the one where that began.
 * False: nothing is new.
 */
bool command_next(struct chat *chat);

/* How many bytes the first word of a line and the blanks behind it take. */
size_t command_skip_word(const char *line);

/* Cuts the first word off; returns what follows it. */
char *command_cut_word(char *arguments);

/* Reports how the command of this name is used. Returns COMMAND_DONE. */
int command_usage(struct chat *chat, const char *name);

/* Prints the table, or one row of it (help.c). */
void command_help(struct chat *chat, const char *name);

/* /room, /topic, /invite and /claims (govern.c). */
extern const char *const govern_change_words[]; /* what /room changes; NULL ends them */
int govern_room(struct chat *chat, char *arguments);
int govern_topic(struct chat *chat, char *arguments);
int govern_claims(struct chat *chat, char *arguments);
/* A line of the answer. */
void govern_claim_line(struct chat *chat, const struct earshot_event *event);
int govern_invite(struct chat *chat, char *arguments);
/* Whether the word, which a blank may end, means several handles: "alice,bob", or with an "@"; text
 * ("": none) goes to their conversation and, if it `goes`, plain lines do. */
bool govern_is_people(const char *word);
int govern_talk_to_people(struct chat *chat, const char *people, const char *text, bool goes);
/* Order: these take "[#ROOM] HANDLE [TIME] [REASON]", as far as that fits. */
int govern_kick(struct chat *chat, char *arguments);
int govern_mute(struct chat *chat, char *arguments);
int govern_unmute(struct chat *chat, char *arguments);
int govern_ban(struct chat *chat, char *arguments);
int govern_unban(struct chat *chat, char *arguments);
int govern_op(struct chat *chat, char *arguments);
int govern_deop(struct chat *chat, char *arguments);
/* "[#ROOM] [off]". */
int govern_lock(struct chat *chat, char *arguments);

/* /bell, /alias and /set (setting.c). */
int setting_bell(struct chat *chat, char *arguments);
int setting_alias(struct chat *chat, char *arguments);
int setting_set(struct chat *chat, char *arguments);

/* /pin, /unpin, /star, /unstar, /pins and /stars (pins.c). */
int pins_pin(struct chat *chat, char *arguments);
int pins_unpin(struct chat *chat, char *arguments);
int pins_star(struct chat *chat, char *arguments);
int pins_unstar(struct chat *chat, char *arguments);
int pins_list(struct chat *chat, char *arguments);
int pins_list_stars(struct chat *chat, char *arguments);
/* A line of the answer; it is complete, with n lines. kind: enum inquiry_kind. */
void pins_line(struct chat *chat, const struct earshot_event *event, unsigned kind);
void pins_done(struct chat *chat, unsigned kind, const char *conv, size_t n);
/* Somebody else has changed what is pinned. */
void pins_news(struct chat *chat, const struct earshot_event *event);
