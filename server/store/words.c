#include "store/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/fold.h"
#include "base/macro.h"

#define GROUP 3       /* characters in the index of parts */
#define GROUPS_MAX 12 /* of one word in an expression; the rest is looked for in the text */

/* Scripts that write no spaces between words, so that the words of the index are whole phrases. */
static const struct {
    int32_t first, last;
} unspaced[] = {
    {0x0e00, 0x0fff},   /* Thai, Lao, Tibetan */
    {0x1000, 0x109f},   /* Burmese */
    {0x1780, 0x17ff},   /* Khmer */
    {0x2e80, 0x2fdf},   /* radicals */
    {0x3040, 0x30ff},   /* Hiragana, Katakana */
    {0x31f0, 0x31ff},   /* Katakana */
    {0x3400, 0x9fff},   /* Han */
    {0xf900, 0xfaff},   /* Han */
    {0xff66, 0xff9f},   /* Katakana, half wide */
    {0x20000, 0x3ffff}, /* Han */
};

static bool is_unspaced(int32_t character) {
    for (size_t i = 0; i < ARRAY_LEN(unspaced); i++)
        if (character >= unspaced[i].first && character <= unspaced[i].last)
            return true;
    return false;
}

static bool is_space(int32_t character) {
    return character <= ' ' || utf8proc_category(character) == UTF8PROC_CATEGORY_ZS;
}

/* The character at *at, which moves behind it; a byte that is not UTF-8 is one of its own. */
static int32_t take_character(struct bytes text, size_t *at) {
    int32_t character;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.data + *at,
                                          (utf8proc_ssize_t)(text.n - *at), &character);
    if (n <= 0) {
        character = (uint8_t)text.data[*at] | 0x40000000;
        n = 1;
    }
    *at += (size_t)n;
    return character;
}

static size_t count_characters(struct bytes text) {
    size_t n = 0;
    for (size_t at = 0; at < text.n; n++)
        (void)take_character(text, &at);
    return n;
}

/* A star alone is a word. */
static void words_take_stars(struct words *words) {
    for (size_t i = 0; i < words->n; i++) {
        struct bytes *text = &words->words[i].text;
        for (; text->n > 1 && text->data[text->n - 1] == '*'; text->n--)
            words->wants_parts = true;
    }
}

static void words_fold(struct words *words) {
    char *to = words->folded;
    for (size_t i = 0; i < words->n; i++) {
        struct word *word = &words->words[i];
        word->folded = (struct bytes){to, text_fold(to, word->text)};
        to += word->folded.n;
    }
}

int words_parse(struct words *words, struct bytes text) {
    *words = (struct words){.folded = malloc(FOLDED_MAX(text.n) + 1)};
    if (!words->folded)
        return -ENOMEM;
    struct word *word = NULL;
    for (size_t at = 0, start = 0; at < text.n; start = at) {
        int32_t character = take_character(text, &at);
        if (is_space(character)) {
            word = NULL;
            continue;
        }
        if (!word && words->n == WORDS_MAX)
            break;
        if (!word) {
            word = &words->words[words->n++];
            word->text = (struct bytes){text.data + start, 0};
        }
        word->text.n += at - start;
        words->is_unspaced |= is_unspaced(character);
    }
    words_take_stars(words);
    words_fold(words);
    return 0;
}

void words_free(struct words *words) {
    free(words->folded);
    free(words->looked_at);
    *words = (struct words){0};
}

/* Appends one quoted string: what is in it means nothing to FTS5. */
static char *quote_text(char *to, const char *and, struct bytes text) {
    size_t n = strlen(and);
    memcpy(to, and, n);
    to += n;
    *to++ = '"';
    for (size_t i = 0; i < text.n; i++) {
        *to++ = text.data[i];
        if (text.data[i] == '"')
            *to++ = '"';
    }
    *to++ = '"';
    return to;
}

static const char and[] = " AND ";

int words_expression(const struct words *words, char **expression) {
    size_t size = 1;
    for (size_t i = 0; i < words->n; i++)
        size += sizeof and+2 + 2 * words->words[i].text.n;
    char *to = *expression = malloc(size);
    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < words->n; i++)
        to = quote_text(to, i > 0 ? and : "", words->words[i].text);
    *to = '\0';
    return 0;
}

/* The groups of three characters of one word. */
static char *quote_groups(char *to, const char *start, struct bytes word) {
    size_t ends[GROUP] = {0}, at = 0;
    for (size_t i = 0; at < word.n && i < GROUPS_MAX + GROUP - 1; i++) {
        size_t begin = ends[i % GROUP]; /* where the character before the last three ended */
        (void)take_character(word, &at);
        ends[i % GROUP] = at;
        if (i + 1 >= GROUP)
            to = quote_text(to, to == start ? "" : and,
                            (struct bytes){word.data + begin, at - begin});
    }
    return to;
}

int words_part_expression(const struct words *words, bool folded, char **expression) {
    size_t n_groups = 0;
    for (size_t i = 0; i < words->n; i++) {
        const struct word *word = &words->words[i];
        n_groups += count_characters(folded ? word->folded : word->text) >= GROUP ? GROUPS_MAX : 0;
    }
    *expression = NULL;
    if (n_groups == 0)
        return 0;
    char *to = *expression = malloc(1 + n_groups * (sizeof and+2 + 2 * 4 * GROUP));
    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < words->n; i++)
        to = quote_groups(to, *expression, folded ? words->words[i].folded : words->words[i].text);
    *to = '\0';
    return 0;
}

static int words_look_at(struct words *words, struct bytes text, struct bytes *folded) {
    if (words->size < FOLDED_MAX(text.n)) {
        char *more = realloc(words->looked_at, FOLDED_MAX(text.n));
        if (!more)
            return -ENOMEM;
        words->looked_at = more;
        words->size = FOLDED_MAX(text.n);
    }
    *folded = (struct bytes){words->looked_at, text_fold(words->looked_at, text)};
    return 0;
}

int words_are_in(struct words *words, struct bytes text) {
    struct bytes folded;
    int r = words_look_at(words, text, &folded);
    for (size_t i = 0; r == 0 && i < words->n; i++) {
        struct bytes word = words->words[i].folded;
        if (!memmem(folded.data, folded.n, word.data, word.n))
            return 0;
    }
    return r == 0 ? 1 : r;
}
