#include "base/text.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/macro.h"

#define BYTES(literal) ((struct bytes){literal, sizeof literal - 1})

/* Validity. */

Test(text, 01_valid_text) {
    cr_assert(text_is_valid(BYTES("")));
    cr_assert(text_is_valid((struct bytes){NULL, 0}));
    cr_assert(text_is_valid(BYTES("plain text, more than eight bytes of it\n\t\x01\x7f")));
    cr_assert(text_is_valid(BYTES("\xc2\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff")));
}

Test(text, 02_invalid_text) {
    static const struct bytes bad[] = {
        BYTES("\x80"),             /* a lone continuation */
        BYTES("\xc0\x80"),         /* overlong */
        BYTES("\xc1\xbf"),         /* overlong */
        BYTES("\xe0\x9f\xbf"),     /* overlong */
        BYTES("\xf0\x8f\xbf\xbf"), /* overlong */
        BYTES("\xed\xa0\x80"),     /* the first surrogate */
        BYTES("\xed\xbf\xbf"),     /* the last one */
        BYTES("\xf4\x90\x80\x80"), /* above U+10FFFF */
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xff"),
        BYTES("\xfe"),
        BYTES("\xc3"),
        BYTES("\xe4\xbd"),
        BYTES("\xf0\x9f\x98"),
        BYTES("\xe4\xbdx"),
        BYTES("\xc3("),
        BYTES("\0"),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_assert(!text_is_valid(bad[i]), "%zu", i);
}

/* Words of eight bytes are read at once: a bad byte must be seen at every place. */
static void check_places(char *text, size_t n) {
    static const char bad[] = {'\0', '\x80', '\xc3', '\xff'};
    memset(text, 'a', n);
    cr_assert(text_is_valid((struct bytes){text, n}));
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < sizeof bad; i++) {
            text[at] = bad[i];
            cr_assert(!text_is_valid((struct bytes){text, n}), "%zu of %zu", at, n);
        }
        text[at] = 'a';
    }
}

/* The same for characters of two, three and four bytes, whole and cut by the end. */
static void check_characters(char *text, size_t n) {
    static const char *const characters[] = {"\u00e4", "\u4f60", "\U0001f600"};
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        size_t width = strlen(characters[i]);
        for (size_t at = 0; at + width <= n; at++) {
            memset(text, 'a', n);
            memcpy(text + at, characters[i], width);
            cr_assert(text_is_valid((struct bytes){text, n}), "%zu of %zu", at, n);
            cr_assert(!text_is_valid((struct bytes){text, at + width - 1}), "%zu", at);
        }
    }
}

Test(text, 03_a_bad_byte_is_seen_wherever_it_stands) {
    for (size_t n = 1; n <= 80; n++)
        for (size_t offset = 0; offset < 8; offset++) {
            char *memory = malloc(offset + n); /* as long as that, so that the sanitizer looks */
            check_places(memory + offset, n);
            check_characters(memory + offset, n);
            free(memory);
        }
}

/* Cutting. */

Test(text, 04_cuts_between_code_points) {
    const struct bytes text = BYTES("a\u00e4\u4f60\U0001f600z"); /* 1 + 2 + 3 + 4 + 1 bytes */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t limit = 0; limit < ARRAY_LEN(expected); limit++)
        cr_assert_eq(text_cut(text, limit), expected[limit], "limit %zu", limit);
    cr_assert_eq(text_cut(text, SIZE_MAX), text.n);
    cr_assert_eq(text_cut((struct bytes){NULL, 0}, 5), 0);
}

Test(text, 05_cuts_what_is_not_utf8_anywhere) {
    const struct bytes text = BYTES("\x80\x80\x80\x80\x80\x80\x80\x80");
    for (size_t limit = 0; limit <= text.n; limit++)
        cr_assert_eq(text_cut(text, limit), limit);
}

/* Safe copies. */

static void expect(const char *what, struct bytes text, enum text_lines lines, const char *wanted) {
    char *safe = text_safe(text, lines);
    cr_assert_not_null(safe);
    cr_assert_str_eq(safe, wanted, "%s: \"%s\", not \"%s\"", what, safe, wanted);
    char *again = text_safe(bytes_of(safe), lines);
    cr_assert_str_eq(again, safe, "%s: a safe string is its own copy", what);
    free(again);
    free(safe);
}

#define EXPECT(text, wanted) expect(#text, BYTES(text), TEXT_ONE_LINE, wanted)
#define STAYS(text) EXPECT(text, text)

Test(text, 06_ordinary_text_stays) {
    STAYS("");
    STAYS("Hello, world! ~`^<>");
    STAYS(
        "Gr\u00fc\u00dfe, \u4f60\u597d, \u041f\u0440\u0438\u0432\u0435\u0442, \u05e9\u05dc\u05d5");
    STAYS("\u00a0no-break\u3000wide space");
    STAYS("\u0645\u0631\u062d\u0628\u0627 \u0600\u0661\u0662");
    expect("no data", (struct bytes){NULL, 0}, TEXT_ONE_LINE, "");
}

Test(text, 07_controls_in_caret_notation) {
    EXPECT("\x1b[31mred\x07", "^[[31mred^G");
    EXPECT("a\0b", "a^@b");
    EXPECT("\x7f\x1f\r\b", "^?^_^M^H");
    EXPECT("a\nb\tc", "a^Jb^Ic");
}

Test(text, 08_lines_stay_when_asked) {
    expect("lines", BYTES("a\nb\tc\r\x1b\v"), TEXT_KEEP_LINES, "a\nb\tc^M^[^K");
}

Test(text, 09_c1_controls) {
    EXPECT("\xc2\x80\xc2\x9b"
           "31m\xc2\x9f",
           "<U+0080><U+009B>31m<U+009F>");
    EXPECT("\x9b", "<9B>");
}

Test(text, 10_bytes_that_are_not_utf8) {
    EXPECT("a\xff\xc3(\xe4\xbd", "a<FF><C3>(<E4><BD>");
    EXPECT("\xed\xa0\x80", "<ED><A0><80>");
    EXPECT("\xc0\x9b", "<C0><9B>");
    EXPECT("\xf4\x90\x80\x80", "<F4><90><80><80>");
}

/* Everything that is not seen, or that changes how the rest is seen. */
Test(text, 11_hidden_characters) {
    static const struct {
        unsigned from, to;
    } hidden[] = {
        {0x0080, 0x009f},     {0x00ad, 0x00ad}, {0x034f, 0x034f},   {0x061c, 0x061c},
        {0x115f, 0x1160},     {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},
        {0x2028, 0x202e},     {0x2060, 0x206f}, {0x3164, 0x3164},   {0xe000, 0xf8ff},
        {0xfdd0, 0xfdef},     {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb},     {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0x1fffe, 0x1ffff},   {0x0378, 0x0379}, {0xe0000, 0xe0fff}, {0xf0000, 0xf00ff},
        {0x10fffe, 0x10ffff},
    };
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        for (unsigned c = hidden[i].from; c <= hidden[i].to; c++) {
            uint8_t text[8] = "a";
            char wanted[32];
            size_t n = 1 + (size_t)utf8proc_encode_char((utf8proc_int32_t)c, text + 1);
            text[n++] = 'b';
            snprintf(wanted, sizeof wanted, "a<U+%04X>b", c);
            expect(wanted, (struct bytes){(const char *)text, n}, TEXT_ONE_LINE, wanted);
        }
    }
}

Test(text, 12_emoji_sequences_stay) {
    STAYS("\u2764\ufe0f \u00a9\ufe0e");                                  /* selectors */
    STAYS("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"); /* family */
    STAYS("\U0001f3f3\ufe0f\u200d\U0001f308");                           /* rainbow flag */
    STAYS("\U0001f575\U0001f3fb\u200d\u2642\ufe0f");                     /* skin tone, sign */
    STAYS("\U0001f44d\U0001f3ff");                                       /* skin tone */
    STAYS("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7");                   /* two flags */
    STAYS("1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3 2\u20e3");          /* keycaps */
    STAYS("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"); /* Scotland */
    STAYS("\u2194\ufe0f");
}

Test(text, 13_parts_of_emoji_elsewhere_are_shown) {
    EXPECT("a\ufe0f", "a<U+FE0F>");
    EXPECT("1\ufe0f", "1<U+FE0F>");
    EXPECT("\ufe0f\u20e3", "<U+FE0F><U+20E3>");
    EXPECT("\u2764\ufe0f\ufe0f", "\u2764\ufe0f<U+FE0F>");
    EXPECT("a\u200db", "a<U+200D>b");
    EXPECT("\U0001f468\u200d", "\U0001f468<U+200D>");
    EXPECT("\U0001f468\u200d\u200d\U0001f469", "\U0001f468<U+200D><U+200D>\U0001f469");
    EXPECT("\U0001f468\u200da", "\U0001f468<U+200D>a");
    EXPECT("\u2764\ufe0e\u200d\u2764", "\u2764\ufe0e<U+200D>\u2764");
    EXPECT("\U0001f3f4\U000e0041\U000e007f", "\U0001f3f4<U+E0041><U+E007F>");
    EXPECT("\U0001f3f4\U000e0067\U000e0062", "\U0001f3f4<U+E0067><U+E0062>");
    EXPECT("\u4e00\U000e0100", "\u4e00<U+E0100>");
}

Test(text, 14_joiners_where_spelling_needs_them) {
    STAYS("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645");  /* Persian: I want */
    STAYS("\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937"); /* Devanagari half forms */
    EXPECT("\u0645\u200c", "\u0645<U+200C>");
    EXPECT("\u0645\u200ca", "\u0645<U+200C>a");
    EXPECT("\u094d\u200d", "<U+094D><U+200D>");
}

Test(text, 15_combining_marks) {
    STAYS("e\u0301 \u0e01\u0e33\u0e49 \u0915\u093f \u1112\u1161\u11ab");
    EXPECT("\u0301a", "<U+0301>a");
    EXPECT("a \u0301", "a <U+0301>");
    EXPECT("\x1b\u0301", "^[<U+0301>");
    EXPECT("\u202e\u0301\u0302", "<U+202E><U+0301><U+0302>");
    EXPECT("\u1161", "<U+1161>");
    expect("line feed", BYTES("a\n\u0301"), TEXT_KEEP_LINES, "a\n<U+0301>");
}

Test(text, 16_no_more_than_eight_marks) {
#define EIGHT "\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307"
    STAYS("a" EIGHT "b" EIGHT);
    EXPECT("a" EIGHT "\u0308\u0309", "a" EIGHT "<U+0308><U+0309>");
    EXPECT("\u0915" EIGHT "\u094d\u200d", "\u0915" EIGHT "<U+094D><U+200D>");
}

Test(text, 17_every_code_point_alone_is_safe) {
    for (unsigned c = 0x80; c < 0x110000; c++) {
        uint8_t text[4];
        struct bytes one = {(const char *)text, 0};
        one.n = (size_t)utf8proc_encode_char((utf8proc_int32_t)c, text);
        char *safe = text_safe(one, TEXT_ONE_LINE);
        cr_assert(safe[0] == '<' || bytes_equal(bytes_of(safe), one), "U+%04X", c);
        cr_assert_gt(text_columns(safe), 0, "U+%04X takes no column", c);
        free(safe);
    }
}

Test(text, 18_long_text) {
    size_t n = 65536;
    char *text = malloc(n);
    memset(text, 0xff, n);
    char *safe = text_safe((struct bytes){text, n}, TEXT_ONE_LINE);
    cr_assert_eq(strlen(safe), 4 * n);
    free(safe);
    free(text);
}

/* Columns. */

Test(text, 19_columns) {
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"hello", 5},
        {"\u00e4\u00f6", 2},
        {"e\u0301", 1},
        {"\u4f60\u597d", 4},
        {"\u3000", 2},
        {"\uff21", 2},                                     /* fullwidth A */
        {"\uff71", 1},                                     /* halfwidth katakana A */
        {"\u1112\u1161\u11ab", 2},                         /* a Hangul syllable of three */
        {"\ud55c", 2},                                     /* the same composed */
        {"\u0915\u093f", 2},                               /* a spacing vowel sign */
        {"\U0001f600", 2},                                 /* emoji */
        {"\u2764", 1},                                     /* as text */
        {"\u2764\ufe0f", 2},                               /* as emoji */
        {"\U0001f44d\U0001f3ff", 2},                       /* skin tone */
        {"\U0001f468\u200d\U0001f469\u200d\U0001f467", 2}, /* family */
        {"\U0001f1e9\U0001f1ea", 2},                       /* flag */
        {"\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 4},   /* two flags */
        {"1\ufe0f\u20e3", 2},                              /* keycap */
        {"<U+202E>^[", 10},
        {"[\U0001f600]", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cr_assert_eq(text_columns(cases[i].text), cases[i].columns, "\"%s\": %zu", cases[i].text,
                     text_columns(cases[i].text));
}

/* Repair. */

Test(text, 90_repair) {
    char out[TEXT_REPAIRED_MAX(16)];
    size_t n_changed = 7, n = text_repair(out, BYTES("a\xc3\xa9\xe9 \0\xe4\xbd"), &n_changed);
    cr_assert_eq(n_changed, 4);
    cr_assert_eq(n, strlen("a\xc3\xa9<E9> <00><E4><BD>"));
    cr_assert_eq(memcmp(out, "a\xc3\xa9<E9> <00><E4><BD>", n), 0);
    cr_assert(text_is_valid((struct bytes){out, n}));
    cr_assert_eq(text_repair(out, (struct bytes){NULL, 0}, &n_changed), 0);
    cr_assert_eq(n_changed, 0);
}

static void assert_hidden(const char *text, size_t at, int32_t code_point, size_t n) {
    size_t found_at = 0;
    int32_t found = 0;
    size_t found_n = text_find_hidden(bytes_of(text), &found_at, &found);
    cr_assert(found_n == n && (n == 0 || (found_at == at && found == code_point)),
              "%s: %zu bytes at %zu, U+%04X", text, found_n, found_at, (unsigned)found);
}

Test(text, 40_hidden_characters_are_found) {
    assert_hidden("", 0, 0, 0);
    assert_hidden("plain \u00e4 \u4f60 \U0001f600 \n\t", 0, 0, 0);
    assert_hidden("a\x1b[2J", 1, 0x1b, 1);
    assert_hidden("\x7f", 0, 0x7f, 1);
    assert_hidden("ab\xc2\x9b", 2, 0x9b, 2);
    assert_hidden("\u202e", 0, 0x202e, 3);
    assert_hidden("x\u200dy", 1, 0x200d, 3);
    assert_hidden("\ufeff", 0, 0xfeff, 3);
    assert_hidden("tag\U000e0041", 3, 0xe0041, 4);
    assert_hidden("private \ue000", 8, 0xe000, 3);
}
