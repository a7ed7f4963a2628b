#include "base/mention.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/macro.h"

/* Alphabets, as far as a word does not go on from one into another. */
static int mention_alphabet(utf8proc_int32_t c) {
    static const struct {
        utf8proc_int32_t first, last;
    } alphabets[] = {
        {0x30, 0x24f},    /* Latin, and digits */
        {0x370, 0x3ff},   /* Greek */
        {0x400, 0x52f},   /* Cyrillic */
        {0x3040, 0x309f}, /* Hiragana */
        {0x30a0, 0x30ff}, /* Katakana */
        {0x3400, 0x9fff}, /* Han */
        {0xac00, 0xd7af}, /* Hangul */
    };
    if (c >= 0x1e00 && c <= 0x1eff)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(alphabets); i++)
        if (c >= alphabets[i].first && c <= alphabets[i].last)
            return (int)i;
    return -1;
}

static bool mention_is_letter(utf8proc_int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) || c == '_' ||
           c == '-';
}

/* Whether a word goes on between these two: "alice" does not into a suffix of another alphabet. */
static bool mention_is_in_word(utf8proc_int32_t before, utf8proc_int32_t after) {
    if (!mention_is_letter(before) || !mention_is_letter(after))
        return false;
    return after == '_' || after == '-' || before == '_' || before == '-' ||
           utf8proc_category(after) == UTF8PROC_CATEGORY_MN ||
           mention_alphabet(before) == mention_alphabet(after);
}

/* The code point at `at`, and the one that ends there; 0 at the ends of the text. */
static utf8proc_int32_t mention_code_at(const char *at) {
    utf8proc_int32_t code = 0;
    return utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &code) > 0 ? code : 0;
}

static utf8proc_int32_t mention_code_before(const char *text, const char *at) {
    if (at == text)
        return 0;
    do
        at--;
    while (at > text && ((unsigned char)*at & 0xc0) == 0x80);
    return mention_code_at(at);
}

static char *mention_folded(struct bytes text) {
    utf8proc_uint8_t *folded = NULL;
    if (utf8proc_map((const utf8proc_uint8_t *)(text.n > 0 ? text.data : ""),
                     (utf8proc_ssize_t)text.n, &folded,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                         UTF8PROC_IGNORE) < 0)
        return NULL;
    return (char *)folded;
}

static bool mention_is_ascii(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

static char mention_lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Folding costs more than this, which most texts do not pass. */
static bool mention_has_ascii(struct bytes text, struct bytes handle) {
    for (size_t at = 0; at + handle.n <= text.n; at++) {
        size_t n = 0;
        while (n < handle.n && mention_lower(text.data[at + n]) == mention_lower(handle.data[n]))
            n++;
        if (n == handle.n)
            return true;
    }
    return false;
}

bool text_mentions(struct bytes text, const char *handle) {
    if (mention_is_ascii(text) && mention_is_ascii(bytes_of(handle)) &&
        !mention_has_ascii(text, bytes_of(handle)))
        return false;
    CLEANUP_FREE char *where = mention_folded(text);
    CLEANUP_FREE char *what = mention_folded(bytes_of(handle));
    if (!where || !what || !*what)
        return false;
    size_t n = strlen(what);
    for (const char *at = where; (at = strstr(at, what)); at++)
        if (!mention_is_in_word(mention_code_before(where, at), mention_code_at(at)) &&
            !mention_is_in_word(mention_code_before(where, at + n), mention_code_at(at + n)))
            return true;
    return false;
}
