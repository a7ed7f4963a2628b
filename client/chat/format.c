#include "chat/format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/config.h"

#define PREVIEW_BYTES 60
#define INDENT_MAX 32 /* columns */

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define ROOM_COLOUR "\033[36m"
#define HIGHLIGHT_COLOUR "\033[1;33m"
#define NORMAL "\033[0m"

/* One colour for one handle, so that people can be told apart at a glance. */
static const char *format_handle_colour(const char *handle) {
    static const char *const colours[] = {"\033[32m", "\033[34m", "\033[35m",
                                          "\033[92m", "\033[94m", "\033[95m"};
    unsigned hash = 5381;
    for (const char *c = handle; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    return colours[hash % ARRAY_LEN(colours)];
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
    return message->highlight ? HIGHLIGHT_COLOUR : format_handle_colour(message->from);
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
    const char *at_sign = conv[0] == '#' ? "" : "@";
    unsigned kind = message->kind < ARRAY_LEN(format_senders) ? message->kind : EARSHOT_TEXT;
    const char *before = format_senders[kind].before, *after = format_senders[kind].after;
    const char *who = colour ? format_sender_colour(message) : "";
    char time[CONFIG_TIME_SIZE + 16];
    format_write_time(message, at, time);
    fprintf(out, "%s%s%s %s%s%s%s %s%s%s%s%s ", colour ? DIM : "", time, colour ? NORMAL : "",
            colour ? ROOM_COLOUR : "", at_sign, conv, colour ? NORMAL : "", who, before, from,
            after, colour ? NORMAL : "");
    return text_columns(time) + 1 + strlen(at_sign) + text_columns(conv) + 1 + strlen(before) +
           text_columns(from) + strlen(after) + 1;
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
    CLEANUP_FREE char *safe = text_safe(text, TEXT_KEEP_LINES);
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

static char *format_folded(const char *text) {
    return (char *)utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)text);
}

static bool format_is_in_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '-' || (c & 0x80);
}

bool format_mentions(const char *text, const char *handle) {
    CLEANUP_FREE char *where = format_folded(text);
    CLEANUP_FREE char *what = format_folded(handle);
    if (!where || !what || !*what)
        return false;
    size_t n = strlen(what);
    for (const char *at = where; (at = strstr(at, what)); at++)
        if ((at == where || !format_is_in_word(at[-1])) && !format_is_in_word(at[n]))
            return true;
    return false;
}

bool format_begins(const char *name, const char *prefix) {
    CLEANUP_FREE char *whole = format_folded(name);
    CLEANUP_FREE char *start = format_folded(prefix);
    return whole && start && strncmp(whole, start, strlen(start)) == 0;
}
