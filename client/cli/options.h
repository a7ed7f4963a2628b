/*
 * What the user asked for: the options of the program, and opening a link as they say.
 *
 * Options are rows of a table. Global ones may stand before or after the subcommand; a command
 * names its own in its row of the command table. A row says where in struct cli_options its value
 * goes, so that a new option is a row and a member.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "lib/earshot.h"

struct cli_options {
    const char *hub;  /* --hub DIR; NULL when not given */
    const char *name; /* --name HANDLE; NULL when not given */
    const char *jq;   /* --jq EXPR; NULL when not given */
    bool json;        /* --json, or --jq */
    bool json_errors; /* --json: errors and remarks, too */
    bool quiet;       /* -q, --quiet: no remarks, only data and errors */
    bool no_color;    /* --no-color, or NO_COLOR in the environment */
    bool start;       /* --start: start a hub in a DIR that was named */
    bool help;
    bool version;
    int timeout_ms; /* --timeout SECONDS; -1 when not given */

    /* of single commands */
    bool lines;                /* send */
    bool strict;               /* send --lines: what is not text ends it */
    bool together;             /* send */
    int wait;                  /* send: enum earshot_state */
    int kind;                  /* send: enum earshot_kind */
    const char *id;            /* send */
    const char *reply_to;      /* send */
    const char *thread;        /* history */
    const char *edit;          /* send; NULL when not given */
    const char *title;         /* send, edit; NULL when not given */
    int priority;              /* send: enum earshot_priority, counted from 0 */
    unsigned long long count;  /* tail; 0 for no end */
    bool dm;                   /* tail */
    unsigned long long limit;  /* tail, history, search; 0 when not given */
    unsigned long long since;  /* tail, history; CLI_NOT_GIVEN */
    unsigned long long before; /* history; 0 when not given */
    const char *in, *from;     /* search; in: react, from: delete, too */
    bool off;                  /* react */
    bool all;                  /* who */
    bool total, prompt;        /* unread */
    const char *exec;          /* listen */
    unsigned long long jobs;   /* listen; 0 when not given */
    const char *to;            /* run, when */
    const char *note;          /* claim; NULL when not given */
    int claim_now;             /* claim: 1: it does not wait */
    bool fix;                  /* doctor */
    bool no_wait;              /* put */
    int progress;              /* put, get: enum progress_how */
    const char *dir;           /* get; NULL when not given */
    int form;                  /* room; 0 when not given */
    int announce, past, lock;  /* room; -1 when not given */
    const char *topic, *owner; /* room; NULL when not given */
    const char *rename;        /* room; NULL when not given */
    const char *group;         /* room; NULL when not given */
    bool close;                /* room */
    bool to_stdout;            /* get */
    bool decline;              /* get */
    const char *span;          /* mute, ban: --for; NULL when not given */
    const char *reason;        /* delete, mute, ban, kick; NULL when not given */
    bool watch;                /* inspect */
    int every_ms;              /* inspect, top; 0 when not given */
    const char *listen;        /* irc; NULL when not given */
    bool inetd;                /* irc */
};

#define CLI_NOT_GIVEN (~0ULL)

enum cli_option_type {
    CLI_FLAG,    /* bool */
    CLI_STRING,  /* const char * */
    CLI_SECONDS, /* int, milliseconds; the user gives seconds, fractions allowed */
    CLI_COUNT,   /* unsigned long long, at least 1 */
    CLI_SEQ,     /* unsigned long long, the sequence number of a message, or 0 */
    CLI_CHOICE,  /* int: the index in `choices` */
    CLI_SET,     /* int: `value` */
};

#define CLI_AT(member) offsetof(struct cli_options, member)

struct cli_option {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* 0 for none */
    enum cli_option_type type;
    size_t offset;        /* in struct cli_options: CLI_AT() */
    const char *argument; /* as help shows it; NULL when it takes none */
    const char *summary;
    const char *const *choices; /* CLI_CHOICE: NULL-terminated */
    int value;                  /* CLI_SET */
};

extern const struct cli_option cli_global_options[];

/* The values when nothing is given. */
void cli_options_init(struct cli_options *options);

/*
 * Takes options from argv[1..] (argv[0] is not looked at): global ones and, unless NULL, `own`.
 * With `own` NULL it stops at the first word that is no option, else it reorders argv so that
 * the words stand last. *first is the index of the first word. Returns an exit code; wrong usage
 * has been reported.
 */
int cli_options_parse(struct cli_options *options, const struct cli_option *own, int argc,
                      char **argv, int *first);

/*
 * Opens a link (flags: those of struct earshot_options). When no hub lives in the private default
 * directory, or none in the named one and --start is given, starts one in the background. Returns
 * an exit code; an error has been reported (cli/report.h) and *link is NULL then.
 */
int cli_open(earshot **link, const struct cli_options *options, unsigned flags);

/* The same; with EARSHOT_AFTER it begins after this message. */
int cli_open_after(earshot **link, const struct cli_options *options, unsigned flags,
                   uint64_t after);
