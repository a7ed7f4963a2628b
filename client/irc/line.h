/*
 * One line of IRC: tags, source, command and parameters (modern.ircdocs.horse, IRCv3 message-tags).
 * Pure: no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LINE_BYTES_MAX 512  /* without tags, with CR and LF */
#define TAGS_BYTES_MAX 4096 /* of a client, from the @ to the blank behind them */
#define LINE_PARAMS_MAX 15
#define LINE_TAGS_MAX 64

struct line_tag {
    char *key, *value; /* value "": none */
};

/* All strings are within the buffer that was parsed. */
struct irc_line {
    struct line_tag tags[LINE_TAGS_MAX];
    size_t n_tags;
    char *command;                     /* in capital letters */
    char *params[LINE_PARAMS_MAX + 1]; /* NULL behind the last */
    size_t n_params;
    size_t n_bytes; /* behind the tags, without CR and LF */
};

enum line_outcome { LINE_OK, LINE_EMPTY, LINE_TOO_LONG, LINE_NOT_UTF8 };

/* Takes the line `text`, which ends with a NUL instead of LF, apart; `n` bytes without that. */
enum line_outcome line_parse(struct irc_line *line, char *text, size_t n);

/* The value of a tag; NULL: it is not there. */
const char *line_tag_value(const struct irc_line *line, const char *key);

/* `value` with what a tag cannot hold escaped; cut to fit. Returns `out`. */
char *line_escape_tag(char *out, size_t size, const char *value);

/* Whether `text` matches a mask with * and ?, ASCII letters without case. */
bool line_mask_matches(const char *mask, const char *text);

/* The number that it begins with; 0: none. */
int line_number(const char *text);
