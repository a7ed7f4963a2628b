/*
 * What is printed. Lines are gathered and shown by view_flush(), so that a burst takes the prompt
 * away once and puts it back once, whatever is being typed.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/macro.h"
#include "cli/options.h"

enum view_style {
    VIEW_INFO,  /* an answer to what the user did, or what the window has to say */
    VIEW_NEWS,  /* who came and went: less than talk */
    VIEW_ERROR, /* something was not done; see chat_fail() */
};

struct view {
    const struct cli_options *options;
    bool windowed; /* a window for a person; else data goes to stdout and remarks to stderr */
    bool edits;    /* a prompt stands below: set by the editor */
    bool colour;
    bool bell; /* to be rung with the next flush */
    FILE *burst;
    char *buffer;
    size_t n_buffer;
    struct tm day;       /* of the last message shown */
    size_t last_columns; /* of the last line of talk */
    size_t end_columns;  /* what the last line takes, if it is one that can be marked; else 0 */
    int end_width;       /* of the terminal then */
    bool edits_screen;   /* the terminal can change what stands above the prompt */
    int news_width;      /* of the terminal when `news` was written */
    char *news;          /* the last line, if it tells who came and went; else NULL */
    bool has_prompt;     /* without an editor: a prompt stands below, with what is being typed */
};

/* Returns 0 or -ENOMEM. */
int view_init(struct view *view, bool windowed, const struct cli_options *options, bool colour);
void view_deinit(struct view *view);

/* A remark on one line. Made safe here as a whole: arguments may come from anybody. */
void view_note(struct view *view, enum view_style style, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * Who came and went. If that is what the last line tells, it goes on with this, as long as it fits:
 * a room where many come and go takes few lines.
 */
void view_news(struct view *view, const char *text);

/* A remark in as many lines as it needs; those behind the first are indented so far. Between words
 * only. */
void view_note_wrapped(struct view *view, size_t indent, const char *text);

/* Lines that format.h made; `at` is their day, for the separators between days; NULL: none. */
void view_talk(struct view *view, const struct tm *at, const char *lines);

/* The rows of the terminal, less `besides`; at least `min`. */
size_t view_rows(size_t besides, size_t min);

/* Wipes the screen with the next flush; the scrollback stays. */
void view_clear(struct view *view);

void view_ring(struct view *view);

/* Tells the terminal in the ways of `how` (cli/config.h) other than the bell. */
void view_notify(struct view *view, unsigned how, const char *from, const char *text);

/*
 * The last line can be marked from now on, until another one follows. False: it cannot, because it
 * takes more than one row.
 */
bool view_end_here(struct view *view);

/* Puts a dim word at the end of that line, instead of the one before. False: it is gone. */
bool view_end_mark(struct view *view, const char *word);
/* The same with one that stays: marks stand behind it. */
bool view_end_add(struct view *view, const char *word);

/* The last line may be somewhere else, or gone. */
void view_end_lost(struct view *view);

/* Shows what was gathered. False when standard output takes no more. */
bool view_flush(struct view *view);
