/* A message as lines that are safe to print. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/earshot.h"

struct format_message {
    int64_t at_ms;
    enum earshot_kind kind;
    const char *conv; /* the room, or the other party */
    const char *from;
    const char *text;
    size_t text_n;
    const char *title; /* NULL: none */
    enum earshot_priority priority;
    const char *quote; /* what it replies to; NULL: nothing */
    bool mine;
    bool dated;     /* with the day before the time */
    bool highlight; /* mentions the user, or is for nobody else */
};

/*
 * "HH:MM #ops <bob> text", "HH:MM @bob <bob> text", "HH:MM #ops * bob waves"; further lines are
 * indented to where the text begins, so that none can pose as a message of somebody else. A quote
 * has a line before it: "      > <ann> hello?". *at becomes the local time of the message. The
 * caller frees it; NULL when memory is out.
 */
char *format_message(const struct format_message *message, bool colour, struct tm *at);

/* The beginning of a text on one line, for remarks about it. The caller frees it, or NULL. */
char *format_preview(const char *text, size_t n);

/*
 * Whether `name` begins with `prefix`, compared as the hub compares names (also of incomplete
 * names: the grammar is not checked).
 */
bool format_begins(const char *name, const char *prefix);

/*
 * What the hub or the library says, with the commands of the window in place of those of the shell
 * that it names. The caller frees it; NULL when memory is out.
 */
char *format_reason(const char *reason);
