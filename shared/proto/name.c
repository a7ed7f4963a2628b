#include "proto/name.h"

#include <string.h>
#include <utf8proc.h>

#include "base/macro.h"

/*
 * A name that was typed or sent decomposed is longer than its NFC form, at most threefold; what
 * is longer than this cannot become a valid one. A code point decomposes into 18 at most.
 */
#define INPUT_BYTES_MAX 512
#define DECOMPOSED_MAX (INPUT_BYTES_MAX * 6 + 1)

#define PEOPLE_DIGITS_MAX 4
#define MARKS_MAX 8 /* as many as text_safe() shows */

#define NFC_OPTIONS (UTF8PROC_STABLE | UTF8PROC_COMPOSE)
#define KEY_OPTIONS                                                                                \
    (UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

/* The grammar for ASCII: 1 for a letter, a digit or `_`, 2 for what must not come first. */
static const uint8_t ascii_class[128] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['_'] = 1, ['.'] = 2, ['-'] = 2,
};

static bool is_ascii(struct bytes text) {
    uint8_t all = 0;
    for (size_t i = 0; i < text.n; i++)
        all |= (uint8_t)text.data[i];
    return all < 0x80;
}

/* What stands behind the `#` of a room, or the handle itself. */
static struct bytes without_sign(struct bytes text) {
    bool room = text.n > 0 && text.data[0] == '#';
    return room ? (struct bytes){text.data + 1, text.n - 1} : text;
}

static enum name_outcome check_ascii(struct bytes bare) {
    if (bare.n == 0)
        return NAME_EMPTY;
    for (size_t i = 0; i < bare.n; i++)
        if (ascii_class[bare.data[i] & 0x7f] == 0)
            return NAME_BAD_CHARACTER;
    if (ascii_class[bare.data[0] & 0x7f] == 2)
        return NAME_BAD_START;
    return bare.n > NAME_CHARACTERS_MAX ? NAME_TOO_LONG : NAME_OK;
}

/* The class of any code point, as in ascii_class. */
static uint8_t class_of(utf8proc_int32_t code_point) {
    if (code_point < 0x80)
        return ascii_class[code_point];
    const utf8proc_property_t *property = utf8proc_get_property(code_point);
    if (property->ignorable)
        return 0;
    if (property->boundclass == UTF8PROC_BOUNDCLASS_V ||
        property->boundclass == UTF8PROC_BOUNDCLASS_T)
        return 2; /* Hangul vowels and finals sit on the letter before, like marks */
    switch (property->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return 1;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
        return 2;
    default:
        return 0;
    }
}

/* Checks valid UTF-8 without its `#`; counts characters only up to `limit`. */
static enum name_outcome check_unicode(struct bytes bare, size_t limit) {
    const uint8_t *at = (const uint8_t *)bare.data;
    const uint8_t *end = at + bare.n;
    size_t n_characters = 0;
    size_t n_marks = 0; /* in a row */
    bool bad_start = false;
    for (; at < end; n_characters++) {
        utf8proc_int32_t code_point;
        at += utf8proc_iterate(at, end - at, &code_point);
        uint8_t class = class_of(code_point);
        n_marks = class == 2 && code_point >= 0x80 ? n_marks + 1 : 0;
        if (class == 0 || n_marks > MARKS_MAX)
            return NAME_BAD_CHARACTER;
        if (n_characters == 0)
            bad_start = class == 2;
    }
    if (n_characters == 0)
        return NAME_EMPTY;
    if (bad_start)
        return NAME_BAD_START;
    return n_characters > limit ? NAME_TOO_LONG : NAME_OK;
}

/* Maps `text` with options of utf8proc; NAME_TOO_LONG when the result is longer than a name. */
static enum name_outcome map_unicode(struct name *out, struct bytes text, unsigned options) {
    utf8proc_int32_t buffer[DECOMPOSED_MAX];
    utf8proc_ssize_t n = utf8proc_decompose((const uint8_t *)text.data, (utf8proc_ssize_t)text.n,
                                            buffer, DECOMPOSED_MAX - 1, (utf8proc_option_t)options);
    if (n < 0)
        return NAME_NOT_UTF8;
    if (n >= DECOMPOSED_MAX)
        return NAME_TOO_LONG;
    n = utf8proc_reencode(buffer, n, (utf8proc_option_t)options);
    if (n < 0)
        return NAME_NOT_UTF8;
    if (n > NAME_BYTES_MAX)
        return NAME_TOO_LONG;
    memcpy(out->s, buffer, (size_t)n);
    out->s[n] = '\0';
    out->n = (uint8_t)n;
    return NAME_OK;
}

/*
 * The key must obey the grammar too, except that it may have more characters: some letters fold
 * to spaces or to a mark without a letter, and would look like nothing.
 */
static enum name_outcome parse_unicode(struct name *out, struct bytes text) {
    if (text.n > INPUT_BYTES_MAX)
        return NAME_TOO_LONG;
    struct name parsed;
    struct name key;
    enum name_outcome outcome = map_unicode(&parsed, text, NFC_OPTIONS);
    if (outcome == NAME_OK)
        outcome = check_unicode(without_sign(name_bytes(&parsed)), NAME_CHARACTERS_MAX);
    if (outcome == NAME_OK)
        outcome = map_unicode(&key, name_bytes(&parsed), KEY_OPTIONS);
    if (outcome == NAME_OK)
        outcome = check_unicode(without_sign(name_bytes(&key)), NAME_BYTES_MAX);
    if (outcome == NAME_OK)
        *out = parsed;
    return outcome;
}

static enum name_outcome parse_with_owner(struct name *out, struct bytes text, size_t at) {
    struct name room, owner;
    struct bytes rest = {text.data + at + 1, text.n - at - 1};
    enum name_outcome outcome = name_parse(&room, (struct bytes){text.data, at});
    if (outcome == NAME_OK)
        outcome = name_parse(&owner, rest);
    if (outcome == NAME_OK && name_is_room(&owner))
        outcome = NAME_BAD_CHARACTER;
    if (outcome == NAME_OK && room.n + owner.n >= NAME_BYTES_MAX)
        outcome = NAME_TOO_LONG;
    if (outcome != NAME_OK)
        return outcome;
    out->n = (uint8_t)(room.n + 1 + owner.n);
    memcpy(out->s, room.s, room.n);
    out->s[room.n] = NAME_OWNER_SIGN;
    memcpy(out->s + room.n + 1, owner.s, owner.n + 1u);
    return NAME_OK;
}

/* "~2" behind the names, or "+9" instead of some. */
static bool is_count(struct bytes text, char sign) {
    bool is = text.n > 1 && text.n <= 1 + PEOPLE_DIGITS_MAX && text.data[0] == sign;
    for (size_t i = 1; is && i < text.n; i++)
        is = text.data[i] >= (i == 1 ? '1' : '0') && text.data[i] <= '9';
    return is;
}

static enum name_outcome append_person(struct name *out, struct bytes word, bool is_last) {
    struct name person;
    enum name_outcome outcome = NAME_OK;
    bool is_more = is_last && is_count(word, '+');
    if (!is_more)
        outcome = name_parse(&person, word);
    if (outcome == NAME_OK && !is_more && name_is_room(&person))
        outcome = NAME_BAD_CHARACTER;
    if (outcome != NAME_OK)
        return outcome;
    struct bytes text = is_more ? word : name_bytes(&person);
    size_t gap = out->n > 1;
    if (out->n + gap + text.n > NAME_BYTES_MAX)
        return NAME_TOO_LONG;
    if (gap)
        out->s[out->n++] = NAME_PEOPLE_SIGN;
    memcpy(out->s + out->n, text.data, text.n);
    out->n = (uint8_t)(out->n + text.n);
    return NAME_OK;
}

/* "#alice,bob", or with an "@". */
static enum name_outcome parse_people(struct name *out, struct bytes text) {
    struct name whole = {.n = 1, .s = "#"};
    const char *tilde = memchr(text.data, NAME_OWNER_SIGN, text.n);
    struct bytes count = {0};
    if (tilde)
        count = (struct bytes){tilde, text.n - (size_t)(tilde - text.data)};
    if (tilde && !is_count(count, NAME_OWNER_SIGN))
        return NAME_BAD_CHARACTER;
    struct bytes rest = {text.data + 1, text.n - 1 - count.n};
    enum name_outcome outcome;
    const char *comma;
    do {
        comma = rest.n > 0 ? memchr(rest.data, NAME_PEOPLE_SIGN, rest.n) : NULL;
        size_t n = comma ? (size_t)(comma - rest.data) : rest.n;
        outcome = append_person(&whole, (struct bytes){rest.data, n}, !comma);
        if (comma)
            rest = (struct bytes){comma + 1, rest.n - n - 1};
    } while (comma && outcome == NAME_OK);
    if (outcome == NAME_OK && whole.n + count.n > NAME_BYTES_MAX)
        outcome = NAME_TOO_LONG;
    if (outcome != NAME_OK)
        return outcome;
    if (count.n > 0)
        memcpy(whole.s + whole.n, count.data, count.n);
    whole.n = (uint8_t)(whole.n + count.n);
    whole.s[whole.n] = '\0';
    *out = whole;
    return NAME_OK;
}

enum name_outcome name_parse(struct name *out, struct bytes text) {
    *out = (struct name){.n = 0};
    if (text.n > 1 && (text.data[0] == '#' || text.data[0] == '@') &&
        memchr(text.data, NAME_PEOPLE_SIGN, text.n))
        return parse_people(out, text);
    const char *sign =
        text.n > 0 && text.data[0] == '#' ? memchr(text.data, NAME_OWNER_SIGN, text.n) : NULL;
    if (sign)
        return parse_with_owner(out, text, (size_t)(sign - text.data));
    if (!is_ascii(text))
        return parse_unicode(out, text);
    enum name_outcome outcome = check_ascii(without_sign(text));
    if (outcome == NAME_OK) {
        memcpy(out->s, text.data, text.n);
        out->n = (uint8_t)text.n;
    }
    return outcome;
}

/* One word more, behind a blank unless it is the first. */
static enum name_outcome append_word(struct name *out, struct bytes word, bool is_alone) {
    struct name parsed = {.n = 0};
    size_t gap = out->n > 0;
    bool is_misplaced = word.n == 0 ? !is_alone : word.data[0] == '#';
    enum name_outcome outcome = is_misplaced ? NAME_BAD_CHARACTER : name_parse(&parsed, word);
    if (outcome != NAME_OK)
        return outcome;
    if (out->n + gap + parsed.n > NAME_BYTES_MAX)
        return NAME_TOO_LONG;
    if (gap)
        out->s[out->n++] = ' ';
    memcpy(out->s + out->n, parsed.s, (size_t)parsed.n + 1);
    out->n = (uint8_t)(out->n + parsed.n);
    return NAME_OK;
}

enum name_outcome name_parse_claim(struct name *out, struct bytes text) {
    struct name whole = {.n = 0};
    enum name_outcome outcome;
    *out = whole;
    do {
        const char *blank = text.n > 0 ? memchr(text.data, ' ', text.n) : NULL;
        size_t n = blank ? (size_t)(blank - text.data) : text.n;
        outcome = append_word(&whole, (struct bytes){text.data, n}, !blank && whole.n == 0);
        if (!blank)
            break;
        text = (struct bytes){blank + 1, text.n - n - 1};
    } while (outcome == NAME_OK);
    if (outcome == NAME_OK)
        *out = whole;
    return outcome;
}

void name_key(struct name *key, const struct name *name) {
    if (is_ascii(name_bytes(name))) {
        for (size_t i = 0; i < name->n; i++) {
            char c = name->s[i];
            key->s[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        key->n = name->n;
        key->s[key->n] = '\0';
    } else {
        struct name folded;
        enum name_outcome outcome = map_unicode(&folded, name_bytes(name), KEY_OPTIONS);
        *key = outcome == NAME_OK ? folded : *name;
    }
}

bool name_is_same(const struct name *a, const struct name *b) {
    struct name key_a, key_b;
    if (a->n == 0 || b->n == 0)
        return false;
    name_key(&key_a, a);
    name_key(&key_b, b);
    return bytes_equal(name_bytes(&key_a), name_bytes(&key_b));
}

const char *name_problem(enum name_outcome outcome) {
    static const char *const problems[] = {
        [NAME_OK] = "is a valid name",
        [NAME_EMPTY] = "is empty",
        [NAME_TOO_LONG] = "is longer than 32 characters",
        [NAME_BAD_START] = "begins with a dot, a dash or a combining mark",
        [NAME_BAD_CHARACTER] = "contains something that is not a letter, a digit or one of _ . -",
        [NAME_NOT_UTF8] = "is not valid UTF-8",
    };
    return (unsigned)outcome < ARRAY_LEN(problems) ? problems[outcome] : "is not a valid name";
}
