#include "irc/line.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* What a tag cannot hold, and the letters that stand for it behind a backslash. */
static const char line_plain[] = "; \\\r\n", line_escaped[] = ":s\\rn";

/* Cuts the word at `at` off and returns what stands behind it and its blanks. */
static char *line_cut_word(char *at) {
    char *end = at + strcspn(at, " ");
    if (*end)
        *end++ = '\0';
    return end + strspn(end, " ");
}

/* In place; an escape that means nothing is its character. */
static void line_unescape_tag(char *value) {
    char *out = value;
    for (const char *in = value; *in; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        if (!*++in)
            break;
        const char *found = strchr(line_escaped, *in);
        *out++ = (char)(found ? line_plain[found - line_escaped] : *in);
    }
    *out = '\0';
}

/* The last one of a key counts; what is beyond LINE_TAGS_MAX is passed over. */
static void line_take_tag(struct irc_line *line, char *text) {
    char *value = text + strcspn(text, "=");
    if (*value)
        *value++ = '\0';
    line_unescape_tag(value);
    for (size_t i = 0; i < line->n_tags; i++)
        if (strcmp(line->tags[i].key, text) == 0) {
            line->tags[i].value = value;
            return;
        }
    if (*text && line->n_tags < LINE_TAGS_MAX)
        line->tags[line->n_tags++] = (struct line_tag){text, value};
}

static void line_take_tags(struct irc_line *line, char *text) {
    for (char *next; *text; text = next) {
        next = text + strcspn(text, ";");
        if (*next)
            *next++ = '\0';
        line_take_tag(line, text);
    }
}

static void line_take_params(struct irc_line *line, char *at) {
    while (*at && line->n_params < LINE_PARAMS_MAX) {
        line->params[line->n_params++] = at;
        if (*at == ':' || line->n_params == LINE_PARAMS_MAX) {
            line->params[line->n_params - 1] += *at == ':';
            return;
        }
        at = line_cut_word(at);
    }
}

static void line_take_command(struct irc_line *line, char *at) {
    line->command = at;
    char *rest = line_cut_word(at);
    for (; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    line_take_params(line, rest);
}

enum line_outcome line_parse(struct irc_line *line, char *text, size_t n) {
    char *at = text, *tags = NULL;
    *line = (struct irc_line){0};
    while (n > 0 && (text[n - 1] == '\r' || text[n - 1] == '\n'))
        text[--n] = '\0';
    if (memchr(text, '\0', n))
        return LINE_NOT_UTF8;
    if (*at == '@') {
        tags = at + 1;
        at = line_cut_word(at);
    }
    if (tags && at - text > TAGS_BYTES_MAX)
        return LINE_TOO_LONG;
    line->n_bytes = n - (size_t)(at - text);
    at += strspn(at, " ");
    if (line->n_bytes > LINE_BYTES_MAX - 2)
        return LINE_TOO_LONG;
    if (*at == ':')
        at = line_cut_word(at);
    if (!*at)
        return LINE_EMPTY;
    bool is_text = text_is_valid(bytes_of(at)) && (!tags || text_is_valid(bytes_of(tags)));
    if (tags)
        line_take_tags(line, tags);
    line_take_command(line, at);
    return is_text ? LINE_OK : LINE_NOT_UTF8;
}

const char *line_tag_value(const struct irc_line *line, const char *key) {
    for (size_t i = 0; i < line->n_tags; i++)
        if (strcmp(line->tags[i].key, key) == 0)
            return line->tags[i].value;
    return NULL;
}

char *line_escape_tag(char *out, size_t size, const char *value) {
    size_t n = 0;
    for (; *value && n + 3 <= size; value++) {
        const char *found = strchr(line_plain, *value);
        if (found)
            out[n++] = '\\';
        out[n++] = (char)(found ? line_escaped[found - line_plain] : *value);
    }
    out[n] = '\0';
    return out;
}

static bool line_same_letter(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The last star that was passed is tried with one character more; so it takes no time squared
 * twice. */
bool line_mask_matches(const char *mask, const char *text) {
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*mask == '*') {
            star = mask++;
            from = text;
        } else if (*mask == '?' || (*mask && line_same_letter(*mask, *text))) {
            mask++;
            text++;
        } else if (star) {
            mask = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    return mask[strspn(mask, "*")] == '\0';
}

int line_number(const char *text) {
    long n = strtol(text, NULL, 10);
    return n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n;
}
