#include "chat/format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/config.h"
#include "cli/text.h"
#include "proto/name.h"

#define PREVIEW_BYTES 60
#define INDENT_MAX 32 /* columns */

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define NORMAL "\033[0m"

/*
 * Each can be read on white and on black: its luminance is between a tenth and three tenths of
 * white's. Where a terminal has only eight colours, their shades are its own.
 */
static const char *const format_colours_256[] = {
    "\033[38;5;25m",  "\033[38;5;28m",  "\033[38;5;31m",  "\033[38;5;64m",
    "\033[38;5;65m",  "\033[38;5;67m",  "\033[38;5;96m",  "\033[38;5;97m",
    "\033[38;5;99m",  "\033[38;5;100m", "\033[38;5;130m", "\033[38;5;131m",
    "\033[38;5;133m", "\033[38;5;136m", "\033[38;5;166m", "\033[38;5;169m"};
static const char *const format_colours_8[] = {"\033[32m", "\033[35m", "\033[36m"};

static bool format_has_256(void) {
    static int has = -1;
    const char *term = getenv("TERM"), *more = getenv("COLORTERM");
    if (has < 0)
        has = (term && strstr(term, "256")) || (more && *more);
    return has > 0;
}

static const char *format_room_colour(void) {
    return format_has_256() ? "\033[38;5;31m" : "\033[36m";
}

/* Not one of those of handles. */
static const char *format_highlight_colour(void) {
    return format_has_256() ? "\033[1;38;5;161m" : "\033[1;31m";
}

static char *format_folded(const char *text) {
    return (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)text);
}

/* One colour for one handle, however it is spelled, so that people can be told apart at a glance.
 */
static const char *format_handle_colour(const char *handle) {
    CLEANUP_FREE char *folded = format_folded(handle);
    uint32_t hash = 2166136261;
    for (const char *c = folded ? folded : handle; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619;
    hash ^= hash >> 15;
    return format_has_256() ? format_colours_256[hash % ARRAY_LEN(format_colours_256)]
                            : format_colours_8[hash % ARRAY_LEN(format_colours_8)];
}

/* What stands around the sender, by the kind of the message. */
static const struct {
    const char *before, *after;
} format_senders[] = {
    [EARSHOT_TEXT] = {"<", ">"},
    [EARSHOT_ACTION] = {"* ", ""},
    [EARSHOT_NOTICE] = {"-", "-"},
};

static const char *format_sender_colour(const struct format_message *message) {
    if (message->mine)
        return DIM;
    return message->highlight ? format_highlight_colour() : format_handle_colour(message->from);
}

static void format_write_time(const struct format_message *message, const struct tm *at,
                              char text[CONFIG_TIME_SIZE + 16]) {
    size_t n = message->dated ? strftime(text, 16, "%Y-%m-%d ", at) : 0;
    config_time_text(at, text + n);
}

/* Indented less than any text is, so that no text looks like a quote. */
static void format_write_quote(FILE *out, const struct format_message *message, bool colour) {
    CLEANUP_FREE char *quote =
        message->quote ? text_safe(bytes_of(message->quote), TEXT_ONE_LINE) : NULL;
    if (quote)
        fprintf(out, "%s      > %s%s\n", colour ? DIM : "", quote, colour ? NORMAL : "");
}

/* Writes everything before the text; returns the columns it takes. */
static size_t format_write_head(FILE *out, const struct format_message *message, bool colour,
                                const struct tm *at) {
    CLEANUP_FREE char *conv = text_safe(bytes_of(message->conv), TEXT_ONE_LINE);
    CLEANUP_FREE char *from = text_safe(bytes_of(message->from), TEXT_ONE_LINE);
    if (!conv || !from)
        return 0;
    const char *at_sign = conv_sign(conv);
    unsigned kind = message->kind < ARRAY_LEN(format_senders) ? message->kind : EARSHOT_TEXT;
    const char *before = format_senders[kind].before, *after = format_senders[kind].after;
    const char *who = colour ? format_sender_colour(message) : "";
    char time[CONFIG_TIME_SIZE + 16];
    format_write_time(message, at, time);
    fprintf(out, "%s%s%s %s%s%s%s %s%s%s%s%s ", colour ? DIM : "", time, colour ? NORMAL : "",
            colour ? format_room_colour() : "", at_sign, conv_rest(conv), colour ? NORMAL : "", who,
            before, from, after, colour ? NORMAL : "");
    return text_columns(time) + 1 + strlen(at_sign) + text_columns(conv_rest(conv)) + 1 +
           strlen(before) + text_columns(from) + strlen(after) + 1;
}

static void format_write_text(FILE *out, const char *safe, size_t indent, bool bold) {
    int width = (int)(indent < INDENT_MAX ? indent : INDENT_MAX);
    if (bold)
        fputs(BOLD, out);
    for (const char *c = safe; *c; c++) {
        fputc(*c, out);
        if (*c == '\n')
            fprintf(out, "%*s", width, "");
    }
    if (bold)
        fputs(NORMAL, out);
}

char *format_message(const struct format_message *message, bool colour, struct tm *at) {
    time_t seconds = (time_t)(message->at_ms / 1000);
    localtime_r(&seconds, at);
    struct bytes text = {message->text, message->text_n};
    while (text.n > 0 && text.data[text.n - 1] == '\n')
        text.n--;
    CLEANUP_FREE char *whole =
        text_headed(message->title ? message->title : "", message->priority, text);
    CLEANUP_FREE char *safe = whole ? text_safe(bytes_of(whole), TEXT_KEEP_LINES) : NULL;
    char *lines = NULL;
    size_t n_lines = 0;
    FILE *out = safe ? open_memstream(&lines, &n_lines) : NULL;
    if (!out)
        return NULL;
    format_write_quote(out, message, colour);
    size_t columns = format_write_head(out, message, colour, at);
    format_write_text(out, safe, columns, colour && message->highlight);
    fclose(out);
    return lines;
}

char *format_preview(const char *text, size_t n) {
    size_t cut = text_cut((struct bytes){text, n}, n < PREVIEW_BYTES ? n : PREVIEW_BYTES);
    CLEANUP_FREE char *begin = strndup(text, cut);
    if (!begin)
        return NULL;
    for (char *c = begin; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    char *preview = NULL;
    if (asprintf(&preview, "%s%s", begin, cut < n ? "..." : "") < 0)
        return NULL;
    return preview;
}

bool format_begins(const char *name, const char *prefix) {
    CLEANUP_FREE char *whole = format_folded(name);
    CLEANUP_FREE char *start = format_folded(prefix);
    return whole && start && strncmp(whole, start, strlen(start)) == 0;
}

/* A longer one stands before what it begins with. */
static const struct {
    const char *shell, *window;
} format_commands[] = {
    {"`earshot who --all` shows all of them", "/who lists who is here"},
    {"`earshot who --all` shows all", "/who lists who is here"},
    {"see `earshot who` and `earshot rooms`", "see /who and /rooms"},
    {"`earshot rooms`", "/rooms"},
    {"`earshot who`", "/who"},
    {"`earshot put`", "/put"},
    {"`earshot get`", "/get"},
    {" (/join in `earshot chat`)", ": /join"},
    {"whoever first joins it or writes to it makes it", "/join makes it"},
};

/* The command that the text begins with; SIZE_MAX: none. */
static size_t format_command_at(const char *text) {
    for (size_t i = 0; i < ARRAY_LEN(format_commands); i++)
        if (strncmp(text, format_commands[i].shell, strlen(format_commands[i].shell)) == 0)
            return i;
    return SIZE_MAX;
}

char *format_reason(const char *reason) {
    char *text = NULL;
    size_t n_text = 0;
    FILE *out = open_memstream(&text, &n_text);
    if (!out)
        return NULL;
    while (*reason) {
        size_t i = format_command_at(reason);
        if (i == SIZE_MAX) {
            fputc(*reason++, out);
            continue;
        }
        fputs(format_commands[i].window, out);
        reason += strlen(format_commands[i].shell);
    }
    return fclose(out) == 0 ? text : NULL;
}
