#include "proto/reaction.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define PICTURE 0xfe0f /* the character before it is to be a picture */
#define KEYCAP 0x20e3

/* Emoji. */

/* The next character of a text that is UTF-8; -1: there is none. */
static int32_t emoji_next(struct bytes *text) {
    utf8proc_int32_t c = -1;
    if (text->n == 0)
        return -1;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)text->data, (utf8proc_ssize_t)text->n, &c);
    if (n <= 0)
        return -1;
    *text = (struct bytes){text->data + n, text->n - (size_t)n};
    return c;
}

static bool emoji_is_regional(int32_t c) {
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* #, * and digits are emoji with a keycap behind them. */
static bool emoji_is_key(int32_t c) {
    return c == '#' || c == '*' || (c >= '0' && c <= '9');
}

/* A picture by itself. What is below U+2000 are letters' neighbours, such as the copyright sign. */
static bool emoji_is_picture(int32_t c) {
    return c >= 0x203c &&
           utf8proc_get_property(c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

/* What may stand behind one: a joiner, a colour of skin, the tags of a flag. */
static bool emoji_goes_on(int32_t c) {
    return c == PICTURE || c == KEYCAP || c == 0x200d || (c >= 0x1f3fb && c <= 0x1f3ff) ||
           (c >= 0xe0020 && c <= 0xe007f);
}

bool emoji_is_valid(struct bytes text) {
    if (text.n == 0 || text.n > EMOJI_BYTES_MAX)
        return false;
    int32_t first = emoji_next(&text), before = first, last = first, c;
    utf8proc_int32_t state = 0;
    unsigned n = 1;
    for (; (c = emoji_next(&text)) >= 0; before = last = c, n++) {
        bool fits = emoji_is_regional(first) ? emoji_is_regional(c)
                                             : emoji_goes_on(c) || emoji_is_picture(c);
        if (!fits || utf8proc_grapheme_break_stateful(before, c, &state))
            return false;
    }
    if (text.n > 0)
        return false;
    if (emoji_is_regional(first))
        return n == 2;
    if (emoji_is_key(first))
        return last == KEYCAP && n <= 3;
    return emoji_is_picture(first) && last != 0x200d;
}

static int32_t emoji_next_that_counts(struct bytes *text) {
    int32_t c;
    do
        c = emoji_next(text);
    while (c == PICTURE);
    return c;
}

bool emoji_is_same(struct bytes a, struct bytes b) {
    int32_t c, d;
    do {
        c = emoji_next_that_counts(&a);
        d = emoji_next_that_counts(&b);
    } while (c == d && c >= 0);
    return c == d && a.n == 0 && b.n == 0;
}

/* Bodies. */

bool reaction_take(struct reaction *reaction, struct bytes body) {
    struct mend_removal head;
    if (!mend_removal_take(&head, body) || head.reason.n < 2)
        return false;
    char sign = head.reason.data[0];
    *reaction = (struct reaction){head.uid, sign == '+', {head.reason.data + 1, head.reason.n - 1}};
    return (sign == '+' || sign == '-') && emoji_is_valid(reaction->emoji);
}

size_t reaction_put(char body[REACTION_BODY_MAX], const struct reaction *reaction) {
    char line[MEND_HEAD_MAX + 2];
    int n = snprintf(line, sizeof line, "%u\n%c", reaction->uid, reaction->on ? '+' : '-');
    assert(n > 0 && reaction->emoji.n <= EMOJI_BYTES_MAX);
    memcpy(body, line, (size_t)n);
    memcpy(body + n, reaction->emoji.data, reaction->emoji.n);
    return (size_t)n + reaction->emoji.n;
}

bool reaction_count_take(struct reaction_count *count, struct bytes body) {
    uint64_t number = 0;
    size_t n = 0;
    for (; n < body.n && n < 10 && body.data[n] >= '0' && body.data[n] <= '9'; n++)
        number = number * 10 + (unsigned)(body.data[n] - '0');
    if (n == 0 || n == body.n || body.data[n] != ' ' || number == 0 || number > UINT32_MAX)
        return false;
    struct bytes rest = {body.data + n + 1, body.n - n - 1};
    const char *space = rest.n > 0 ? memchr(rest.data, ' ', rest.n) : NULL;
    size_t n_emoji = space ? (size_t)(space - rest.data) : rest.n;
    *count = (struct reaction_count){.n = (uint32_t)number, .emoji = {rest.data, n_emoji}};
    if (space)
        count->names = (struct bytes){space + 1, rest.n - n_emoji - 1};
    return emoji_is_valid(count->emoji);
}

size_t reaction_count_put(char body[REACTION_COUNT_MAX], const struct reaction_count *count) {
    char line[12];
    int n = snprintf(line, sizeof line, "%u ", count->n);
    size_t used = (size_t)n;
    assert(n > 0 && count->emoji.n <= EMOJI_BYTES_MAX &&
           used + count->emoji.n + 1 + count->names.n <= REACTION_COUNT_MAX);
    memcpy(body, line, used);
    memcpy(body + used, count->emoji.data, count->emoji.n);
    used += count->emoji.n;
    if (count->names.n == 0)
        return used;
    body[used++] = ' ';
    memcpy(body + used, count->names.data, count->names.n);
    return used + count->names.n;
}
