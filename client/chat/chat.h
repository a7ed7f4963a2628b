/* The chat window, `earshot` and `earshot chat`: what its parts share. One thread, one window. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "chat/attention.h"
#include "chat/memory.h"
#include "chat/people/react.h"
#include "chat/people/roster.h"
#include "chat/scrollback.h"
#include "chat/unread.h"
#include "chat/view.h"
#include "cli/config.h"
#include "cli/notify.h"
#include "cli/options.h"
#include "lib/earshot.h"

#define CHAT_NAME_SIZE 160 /* a handle or room with its NUL; longer than any that is legal */

/* A message of ours that the hub has not acknowledged. */
struct talk_sent {
    char id[EARSHOT_ID_SIZE];
    char *preview; /* of the text; or, `is_file`, the name of the file */
    bool is_file;
    char reply_in[CHAT_NAME_SIZE]; /* a reply: its conversation, else "" */
    mono_time at;
    struct talk_sent *prev, *next;
};

/* Our messages that the hub has not acknowledged, and what was told of that; see talk.h. */
struct talk {
    struct talk_sent *sent; /* oldest first */
    size_t n_reported;      /* as the last line said it; 0: nothing was said */
    mono_time reported_at;
    char at_end[EARSHOT_ID_SIZE]; /* a reply that was the last line when it was shown, or "" */
};

/* Starting a private hub again; see revive.h. */
struct revive {
    mono_time due;     /* 0: nothing is to be done */
    pid_t pid;         /* of the program that starts it, until that ends; 0: none */
    int errors;        /* until then: a file in memory that takes what it prints */
    mono_time started; /* when this window last started one; 0: never */
    unsigned n_soon;   /* how often in a row that hub ended soon */
};

struct inquiry;      /* inquiry.c */
struct mark;         /* mark.h */
struct news_item;    /* news.h */
struct logins;       /* login.h */
struct past_opening; /* past.h */
struct files_item;   /* files.c */
struct begin;        /* begin.c */

/* How far what waited for the user has come; see past.h. */
struct past_late {
    bool is_asking;
    uint64_t newest, reached; /* 0: not known */
    mono_time until;          /* it goes on, if nothing else is known */
    size_t held_bytes;        /* of all openings */
};

/* A /msg to several, of which not all have it: its line stays, and goes on where it stopped. */
struct chat_halt {
    char *arguments; /* NULL: there is none */
    size_t n_told;
};

/* The way through what is new, by /next: where it began, and where it is; "" on none. */
struct chat_tour {
    char from[CHAT_NAME_SIZE], at[CHAT_NAME_SIZE];
};

struct chat {
    const struct cli_options *options;
    earshot *link;
    int link_fd;
    bool has_events; /* the link was not asked until it had none */
    bool has_editor; /* both sides are a terminal that can do more than print lines */
    struct view view;
    struct roster roster;
    struct talk talk;
    struct chat_halt halt;
    struct chat_tour tour;
    struct attention attention;
    struct unread unread;
    struct memory memory;
    struct revive revive;
    struct inquiry *inquiries;
    struct begin *begin; /* until the window knows where it is */
    struct logins *logins;
    struct news_item *news;
    mono_time news_due; /* when there are news */
    char me[CHAT_NAME_SIZE];
    char target[CHAT_NAME_SIZE]; /* where a plain line goes: #room or handle; "" for nowhere */
    struct scrollback scrollback;
    struct react_own react;
    char *typed; /* what the next line begins with; NULL: nothing */
    struct past_opening *openings;
    struct past_late late;
    struct files_item *files;
    bool in_late; /* the last message shown had waited for the user to come */
    struct mark *marks;
    size_t n_marks;
    bool marks_changed;
    mono_time marks_due;         /* when they have changed */
    mono_time back_at;           /* the hub, after it was gone; zero: it never was */
    bool here_known;             /* the roster is complete */
    char absent[CHAT_NAME_SIZE]; /* the handle that was last said not to be here */
    enum config_when bell;
    struct notify notify;
    bool leaving;    /* the user wants to leave: it only waits for the hub to take what was said */
    bool at_once;    /* it does not even wait */
    int link_result; /* of earshot_next(), when the link has ended */
    int exit_code;
    unsigned n_failed; /* how often chat_fail() was called since the last command began */
    bool is_doubtful;  /* the last command was refused, so the next plain line is asked about */
};

/* The configuration has changed. */
void chat_configured(struct chat *chat);

/* Changes where plain lines go, and the prompt. */
void chat_set_target(struct chat *chat, const char *name);

/*
 * Something was not done: an error line, and, without a window, the exit code at the end. `code`
 * is its name in --json.
 */
void chat_fail(struct chat *chat, unsigned code, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * What the hub or the library says; in a window with its commands in place of those of the shell.
 * The caller frees it; NULL when memory is out.
 */
char *chat_reason(const struct chat *chat, const char *reason);

/* A call of libearshot that did not go well; `what` begins the sentence: "cannot join #ops". */
void chat_fail_link(struct chat *chat, int result, const char *what);

/* How long what is said stays: "for 365 days, and up to 4 GiB"; "" for without end. */
#define CHAT_KEEPING_SIZE 80
void chat_keeping_text(const struct earshot_hub_info *hub, char text[CHAT_KEEPING_SIZE]);

/*
 * Joins the hub and the rooms, talks until the user leaves, and returns an exit code. With a
 * terminal on both sides it is an inline window with a prompt; else lines come from standard
 * input and go to standard output, and the end of the input leaves once the hub has taken all.
 */
int chat_run(const struct cli_options *options, char **rooms, int n_rooms);
