#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/macro.h"

#define SAFE_GROWTH 4 /* the worst case: one byte becomes "<FF>" */
#define MARKS_MAX 8

#define JOINER 0x200d
#define NON_JOINER 0x200c
#define TEXT_SELECTOR 0xfe0e
#define EMOJI_SELECTOR 0xfe0f
#define KEYCAP 0x20e3
#define BLACK_FLAG 0x1f3f4

static const uint8_t *first_byte(struct bytes text) {
    return (const uint8_t *)(text.n > 0 ? text.data : "");
}

/* Validity. */

/* Sixteen bytes at a time, as every processor of ours has them. */
typedef int8_t byte_lanes __attribute__((vector_size(16)));
typedef uint64_t word_lanes __attribute__((vector_size(16)));

#define LANES sizeof(byte_lanes)
#define LANES_TURN 4 /* that are looked at together */

static byte_lanes lanes_at(const uint8_t *p) {
    byte_lanes lanes;
    memcpy(&lanes, p, sizeof lanes);
    return lanes;
}

/* All bits of each byte that is ASCII and not NUL: as a signed number it is positive. */
static byte_lanes lanes_ascii(const uint8_t *p) {
    return (byte_lanes)(lanes_at(p) > 0);
}

static bool lanes_are_all(byte_lanes lanes) {
    word_lanes words = (word_lanes)lanes;
    return (words[0] & words[1]) == UINT64_MAX;
}

/* How many bytes from `at` on are ASCII and not NUL. */
static size_t ascii_run(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    for (; (size_t)(end - at) >= LANES_TURN * LANES; at += LANES_TURN * LANES) {
        byte_lanes all = lanes_ascii(at) & lanes_ascii(at + LANES) & lanes_ascii(at + 2 * LANES) &
                         lanes_ascii(at + 3 * LANES);
        if (!lanes_are_all(all))
            break;
    }
    while ((size_t)(end - at) >= LANES && lanes_are_all(lanes_ascii(at)))
        at += LANES;
    /* What is left of a longer text, together with what stands before it. */
    if (at > start && (size_t)(end - at) < LANES && lanes_are_all(lanes_ascii(end - LANES)))
        return (size_t)(end - start);
    while (at < end && (int8_t)*at > 0)
        at++;
    return (size_t)(at - start);
}

/* The code point at `at` and its bytes; -1 when there is none. */
static int32_t take_code_point(const uint8_t *at, const uint8_t *end, size_t *n) {
    utf8proc_int32_t code_point;
    utf8proc_ssize_t taken = at < end ? utf8proc_iterate(at, end - at, &code_point) : 0;
    *n = taken > 0 ? (size_t)taken : 0;
    return taken > 0 ? code_point : -1;
}

bool text_is_valid(struct bytes text) {
    const uint8_t *at = first_byte(text);
    const uint8_t *end = at + text.n;
    for (;;) {
        size_t n;
        at += ascii_run(at, end);
        if (at == end)
            return true;
        (void)take_code_point(at, end, &n);
        if (n == 0 || *at == 0)
            return false;
        at += n;
    }
}

size_t text_repair(char *out, struct bytes text, size_t *n_changed) {
    const uint8_t *at = first_byte(text), *end = at + text.n;
    char *to = out;
    *n_changed = 0;
    while (at < end) {
        size_t n;
        if (take_code_point(at, end, &n) > 0) {
            memcpy(to, at, n);
            to += n;
            at += n;
        } else {
            char shown[sizeof "<FF>"];
            snprintf(shown, sizeof shown, "<%02X>", *at++);
            memcpy(to, shown, sizeof shown - 1);
            to += sizeof shown - 1;
            (*n_changed)++;
        }
    }
    return (size_t)(to - out);
}

size_t text_cut(struct bytes text, size_t limit) {
    if (limit >= text.n)
        return text.n;
    const uint8_t *data = first_byte(text);
    for (size_t back = 1; back <= 3 && back <= limit; back++) {
        const uint8_t *lead = data + limit - back;
        size_t n;
        if (take_code_point(lead, data + text.n, &n) >= 0)
            return n > back ? limit - back : limit;
    }
    return limit;
}

/* Safe copies. */

/* Where a copy is: the input left, the output so far, and what stands just before. */
struct safe_copy {
    const uint8_t *at;
    const uint8_t *end;
    char *out;
    enum text_lines lines;
    int32_t previous; /* the last code point copied as it is; 0 after anything else */
    bool on_visible;  /* a combining mark would sit on something that is seen */
    bool on_emoji;    /* `previous` ends an emoji that a joiner can go on from */
    unsigned n_marks; /* zero-width characters in a row */
};

static bool is_pictograph(const utf8proc_property_t *property) {
    return property->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_emoji_modifier(int32_t code_point) {
    return code_point >= 0x1f3fb && code_point <= 0x1f3ff;
}

/* Hangul vowels and finals, which terminals draw onto the consonant before. */
static bool is_trailing_jamo(const utf8proc_property_t *property) {
    return property->boundclass == UTF8PROC_BOUNDCLASS_V ||
           property->boundclass == UTF8PROC_BOUNDCLASS_T;
}

static bool is_mark(const utf8proc_property_t *property) {
    return property->category == UTF8PROC_CATEGORY_MN ||
           property->category == UTF8PROC_CATEGORY_MC ||
           property->category == UTF8PROC_CATEGORY_ME || is_trailing_jamo(property);
}

/* Characters that are never seen, or of which nobody knows how they are. */
static bool is_hidden(const utf8proc_property_t *property) {
    switch (property->category) {
    case UTF8PROC_CATEGORY_CF: /* a few of these are signs that enclose Arabic digits */
        return property->ignorable || property->boundclass != UTF8PROC_BOUNDCLASS_PREPEND;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return property->ignorable;
    }
}

static bool is_arabic_letter(const utf8proc_property_t *property) {
    return property->bidi_class == UTF8PROC_BIDI_CLASS_AL &&
           property->category == UTF8PROC_CATEGORY_LO && !property->ignorable;
}

/*
 * Whether a joiner, non-joiner or variation selector does its work here: inside an emoji, and
 * where the spelling of Arabic and Indic scripts needs it (RFC 5892, appendix A.1 and A.2).
 */
static bool has_purpose(const struct safe_copy *copy, int32_t code_point, size_t n) {
    size_t next_n;
    int32_t next = take_code_point(copy->at + n, copy->end, &next_n);
    const utf8proc_property_t *before = utf8proc_get_property(copy->previous);
    const utf8proc_property_t *after = utf8proc_get_property(next);
    bool after_virama = before->combining_class == 9 && copy->n_marks < MARKS_MAX;

    switch (code_point) {
    case JOINER:
        return after_virama || (copy->on_emoji && is_pictograph(after));
    case NON_JOINER:
        return after_virama || (is_arabic_letter(before) && is_arabic_letter(after));
    case EMOJI_SELECTOR:
        if (next == KEYCAP && copy->previous > 0 && copy->previous < 0x80 &&
            strchr("0123456789#*", copy->previous))
            return true;
        return is_pictograph(before);
    case TEXT_SELECTOR:
        return is_pictograph(before);
    default:
        return false;
    }
}

/* The bytes of one of the three flags that are spelt with tag characters, without the base. */
static size_t match_flag_tags(const struct safe_copy *copy) {
    static const char *const tags[] = {
        "\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", /* gbeng */
        "\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", /* gbsct */
        "\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", /* gbwls */
    };
    for (size_t i = 0; copy->previous == BLACK_FLAG && i < ARRAY_LEN(tags); i++) {
        size_t n = strlen(tags[i]);
        if ((size_t)(copy->end - copy->at) >= n && memcmp(copy->at, tags[i], n) == 0)
            return n;
    }
    return 0;
}

static void forget_context(struct safe_copy *copy) {
    copy->previous = 0;
    copy->on_visible = false;
    copy->on_emoji = false;
    copy->n_marks = 0;
}

static void copy_bytes(struct safe_copy *copy, size_t n) {
    memcpy(copy->out, copy->at, n);
    copy->out += n;
    copy->at += n;
}

static void copy_ascii(struct safe_copy *copy) {
    uint8_t c = *copy->at++;
    bool kept = copy->lines == TEXT_KEEP_LINES && (c == '\n' || c == '\t');
    forget_context(copy);
    if ((c < 0x20 && !kept) || c == 0x7f) {
        *copy->out++ = '^';
        *copy->out++ = (char)(c ^ 0x40);
        return;
    }
    *copy->out++ = (char)c;
    copy->previous = c;
    copy->on_visible = c > ' ';
}

/* Shows a code point, or (-1) a byte that belongs to none, by its number. */
static void copy_escaped(struct safe_copy *copy, int32_t code_point, size_t n) {
    char shown[sizeof "<U+FFFFFFFF>"];
    int length = code_point < 0 ? snprintf(shown, sizeof shown, "<%02X>", *copy->at)
                                : snprintf(shown, sizeof shown, "<U+%04X>", (unsigned)code_point);
    memcpy(copy->out, shown, (size_t)length);
    copy->out += length;
    copy->at += n;
    forget_context(copy);
}

/* Something of no width of its own, that changes what stands before it. */
static void copy_mark(struct safe_copy *copy, int32_t code_point, size_t n) {
    copy->on_emoji = copy->on_emoji && code_point == EMOJI_SELECTOR;
    copy->previous = code_point;
    copy->n_marks++;
    copy_bytes(copy, n);
}

static void copy_visible(struct safe_copy *copy, int32_t code_point, size_t n) {
    const utf8proc_property_t *property = utf8proc_get_property(code_point);
    bool skin_tone = copy->on_emoji && is_emoji_modifier(code_point);
    copy->on_emoji = skin_tone || is_pictograph(property);
    copy->on_visible = property->category != UTF8PROC_CATEGORY_ZS;
    copy->previous = code_point;
    copy->n_marks = 0;
    copy_bytes(copy, n);
}

static void copy_next(struct safe_copy *copy) {
    size_t n;
    int32_t code_point = take_code_point(copy->at, copy->end, &n);
    const utf8proc_property_t *property = utf8proc_get_property(code_point);
    size_t n_tags = match_flag_tags(copy);

    if (code_point < 0) {
        copy_escaped(copy, -1, 1);
    } else if (n_tags > 0) {
        copy->on_emoji = false;
        copy->previous = 0;
        copy_bytes(copy, n_tags);
    } else if (is_hidden(property)) {
        if (has_purpose(copy, code_point, n))
            copy_mark(copy, code_point, n);
        else
            copy_escaped(copy, code_point, n);
    } else if (!is_mark(property)) {
        copy_visible(copy, code_point, n);
    } else if (copy->on_visible && copy->n_marks < MARKS_MAX) {
        copy_mark(copy, code_point, n);
    } else {
        copy_escaped(copy, code_point, n);
    }
}

char *text_safe(struct bytes text, enum text_lines lines) {
    if (text.n > (SIZE_MAX - 1) / SAFE_GROWTH)
        return NULL;
    char *safe = malloc(text.n * SAFE_GROWTH + 1);
    if (!safe)
        return NULL;
    struct safe_copy copy = {.at = first_byte(text), .out = safe, .lines = lines};
    copy.end = copy.at + text.n;
    while (copy.at < copy.end) {
        if (*copy.at < 0x80)
            copy_ascii(&copy);
        else
            copy_next(&copy);
    }
    *copy.out = '\0';
    char *fitted = realloc(safe, (size_t)(copy.out - safe) + 1);
    return fitted ? fitted : safe;
}

size_t text_find_hidden(struct bytes text, size_t *at, int32_t *code_point) {
    const uint8_t *start = first_byte(text), *end = start + text.n;
    size_t n = 0;
    for (const uint8_t *from = start; from < end; from += n) {
        if (*from >= 0x20 && *from < 0x7f) {
            n = 1;
            continue;
        }
        *code_point = take_code_point(from, end, &n);
        *at = (size_t)(from - start);
        if (*code_point < 0)
            return 0;
        if (*code_point != '\n' && *code_point != '\t' &&
            is_hidden(utf8proc_get_property(*code_point)))
            return n;
    }
    return 0;
}

/* Columns. */

/* As the C library counts them, so that this agrees with readline and most terminals. */
static size_t columns_of(int32_t code_point) {
    const utf8proc_property_t *property = utf8proc_get_property(code_point);
    if (property->category == UTF8PROC_CATEGORY_MC)
        return 1;
    if (is_trailing_jamo(property))
        return 0;
    if (property->category == UTF8PROC_CATEGORY_CF)
        return property->boundclass == UTF8PROC_BOUNDCLASS_PREPEND ? 1 : 0;
    return (size_t)utf8proc_charwidth(code_point);
}

/* The columns of a cluster (`before` so far) after one more code point. */
static size_t columns_extended(size_t before, int32_t code_point) {
    if (code_point == EMOJI_SELECTOR && before < 2)
        return 2;
    if (is_pictograph(utf8proc_get_property(code_point)) || is_emoji_modifier(code_point))
        return before;
    return before + columns_of(code_point);
}

size_t text_columns(const char *safe) {
    const uint8_t *at = (const uint8_t *)safe;
    const uint8_t *end = at + strlen(safe);
    utf8proc_int32_t state = 0;
    int32_t previous = -1;
    size_t columns = 0;
    size_t cluster = 0;
    while (at < end) {
        size_t n;
        int32_t code_point = take_code_point(at, end, &n);
        if (code_point < 0) /* not a safe string; count the byte as one character */
            code_point = '?', n = 1;
        if (previous < 0 || utf8proc_grapheme_break_stateful(previous, code_point, &state)) {
            columns += cluster;
            cluster = columns_of(code_point);
        } else {
            cluster = columns_extended(cluster, code_point);
        }
        previous = code_point;
        at += n;
    }
    return columns + cluster;
}
