/*
 * The configuration: /etc/earshot/config for everybody, then $XDG_CONFIG_HOME/earshot/config
 * (~/.config/...) of the user, whose keys win; or only the file that $EARSHOT_CONFIG names. What
 * is said in the environment or as an option wins over both.
 *
 * INI (libinih): "key = value", some keys below a [section], `;` and `#` begin comments. Lists
 * are separated by commas or blanks; they may go on in indented lines.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "cli/options.h"

/* Which messages are worth a notification. The words of /bell are the same. */
enum config_when {
    CONFIG_WHEN_OFF,
    CONFIG_WHEN_DM,    /* direct messages */
    CONFIG_WHEN_ALL,   /* and mentions of one's handle */
    CONFIG_WHEN_EVERY, /* and everything else */
};

/* How the terminal is told, or-ed. */
enum config_how {
    CONFIG_BELL = 1,
    CONFIG_OSC_9 = 2,
    CONFIG_OSC_777 = 4,
    CONFIG_OSC_99 = 8,
};

struct config_list {
    char **words; /* NULL ends them */
    size_t n;
};

/* Files from this handle ("*": anybody) of at most so many bytes are taken without a question. */
struct config_accept {
    char *from;
    uint64_t bytes; /* UINT64_MAX: of any size */
};

/* Minutes of the day, local time; `until` may be on the next day. Both 0: there are none. */
struct config_quiet {
    int from, until;
};

struct cli_config {
    char *hub, *name; /* NULL: not set */
    bool no_color;
    char *time;                 /* for strftime(3) */
    struct config_list rooms;   /* to be joined by `earshot` without words */
    struct config_list ignored; /* handles */

    enum config_when when;      /* [notify] */
    unsigned how;               /* enum config_how */
    struct config_list command; /* program and its first arguments; n 0: none */
    struct config_quiet quiet;  /* when nothing rings, */
    struct config_list loud;    /* but for what is said by these handles, and in these rooms */

    char *directory; /* [files]: where received ones go; NULL: the working directory */
    struct config_accept *accept;
    size_t n_accept;
};

/* What cli_config_load() has found; the defaults before. Never NULL. */
const struct cli_config *cli_config(void);

/*
 * Reads the files and completes the options that were not given. Returns CLI_DONE, or
 * CLI_CONFIGURATION after reporting everything that is wrong, with file and line.
 */
int cli_config_load(struct cli_options *options);

/*
 * What was given for each key that can be changed while the window is open, as "notify.when"; in
 * brackets what holds without.
 */
void config_each(void (*visit)(void *arg, const char *name, const char *value), void *arg);

/* The same for one of them. False: there is no such key. */
bool config_show(const char *name, void (*visit)(void *arg, const char *name, const char *value),
                 void *arg);

/* Changes one for this process. False: it cannot be that, and why. */
bool config_change(const char *name, const char *value, char why[256]);

#define CONFIG_TIME_SIZE 64

/* A time of day as the user wants to see it. */
void config_time_text(const struct tm *at, char text[CONFIG_TIME_SIZE]);

/* Whether that is in the quiet hours. */
bool config_is_quiet(const struct tm *at);

/* The words of enum config_when; NULL ends them. */
extern const char *const config_when_words[];
