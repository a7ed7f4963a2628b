#include "base/fold.h"

#include <stdbool.h>
#include <utf8proc.h>

#define DECOMPOSED_MAX 8 /* the longest of Unicode are of four */

static bool is_accent(int32_t character) {
    return character >= 0x0300 && character <= 0x036f;
}

/* The letter below its accents. */
static int32_t base_of(int32_t character) {
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(character, parts, DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 2 || n > DECOMPOSED_MAX)
        return n == 1 ? parts[0] : character;
    for (utf8proc_ssize_t i = 1; i < n; i++)
        if (!is_accent(parts[i]))
            return character;
    return parts[0];
}

static char lower_ascii(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

size_t text_fold(char *to, struct bytes text) {
    size_t n = 0;
    for (size_t at = 0; at < text.n;) {
        int32_t character;
        utf8proc_ssize_t taken = 1;
        if (text.data[at] & 0x80)
            taken = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                     (utf8proc_ssize_t)(text.n - at), &character);
        if (taken > 1 && !is_accent(character))
            n += (size_t)utf8proc_encode_char(base_of(utf8proc_tolower(character)),
                                              (utf8proc_uint8_t *)to + n);
        else if (taken <= 1)
            to[n++] = lower_ascii(text.data[at]);
        at += taken > 1 ? (size_t)taken : 1;
    }
    return n;
}
