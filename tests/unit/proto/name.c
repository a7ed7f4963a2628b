#include "proto/name.h"

#include <criterion/criterion.h>
#include <utf8proc.h>

#include "base/macro.h"
#include "base/text.h"

#define BYTES(literal) ((struct bytes){literal, sizeof literal - 1})

static void expect(struct bytes text, enum name_outcome wanted) {
    struct name name;
    enum name_outcome outcome = name_parse(&name, text);
    cr_assert_eq(outcome, wanted, "\"%.*s\" %s, not: %s", (int)text.n, text.data,
                 name_problem(outcome), name_problem(wanted));
    if (outcome == NAME_OK) {
        cr_assert_eq(strlen(name.s), name.n);
        cr_assert_gt(name.n, 0);
    } else {
        cr_assert_eq(name.n, 0, "nothing is stored of a bad name");
    }
}

#define EXPECT(literal, wanted) expect(BYTES(literal), wanted)

Test(name, 01_plain_names) {
    EXPECT("alice", NAME_OK);
    EXPECT("#ops", NAME_OK);
    EXPECT("a", NAME_OK);
    EXPECT("_", NAME_OK);
    EXPECT("build-bot", NAME_OK);
    EXPECT("www.example_1-2", NAME_OK);
    EXPECT("0", NAME_OK);
    EXPECT("a.", NAME_OK);
    EXPECT("#a..b", NAME_OK);
}

Test(name, 02_empty) {
    EXPECT("", NAME_EMPTY);
    EXPECT("#", NAME_EMPTY);
    expect((struct bytes){NULL, 0}, NAME_EMPTY);
}

Test(name, 03_bad_start) {
    EXPECT(".hidden", NAME_BAD_START);
    EXPECT("..", NAME_BAD_START);
    EXPECT("-option", NAME_BAD_START);
    EXPECT("#-x", NAME_BAD_START);
    EXPECT("#.x", NAME_BAD_START);
    EXPECT("\u0301a", NAME_BAD_START);
    EXPECT("#\u0301a", NAME_BAD_START);
    EXPECT(".\u00e4", NAME_BAD_START);
}

Test(name, 04_bad_characters_of_ascii) {
    for (int c = 0; c < 128; c++) {
        char text[] = {'a', (char)c};
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_' || c == '.' || c == '-';
        expect((struct bytes){text, 2}, good ? NAME_OK : NAME_BAD_CHARACTER);
    }
    EXPECT("##a", NAME_BAD_CHARACTER);
    EXPECT("../etc/passwd", NAME_BAD_CHARACTER);
}

Test(name, 05_bad_characters_beyond) {
    EXPECT("a\u202eb", NAME_BAD_CHARACTER); /* bidi override */
    EXPECT("a\u200bb", NAME_BAD_CHARACTER); /* zero width space */
    EXPECT("a\u200db", NAME_BAD_CHARACTER); /* joiner */
    EXPECT("a\u00adb", NAME_BAD_CHARACTER); /* soft hyphen */
    EXPECT("\u3164", NAME_BAD_CHARACTER);   /* Hangul filler, a letter to Unicode */
    EXPECT("\u115f\u1160", NAME_BAD_CHARACTER);
    EXPECT("a\u034f", NAME_BAD_CHARACTER);     /* grapheme joiner */
    EXPECT("a\ufe0f", NAME_BAD_CHARACTER);     /* variation selector */
    EXPECT("\U0001f600", NAME_BAD_CHARACTER);  /* emoji */
    EXPECT("\u00a0", NAME_BAD_CHARACTER);      /* space */
    EXPECT("a\u2014b", NAME_BAD_CHARACTER);    /* dash */
    EXPECT("\uff03ops", NAME_BAD_CHARACTER);   /* fullwidth # */
    EXPECT("\u2160", NAME_BAD_CHARACTER);      /* Roman numeral one */
    EXPECT("a\u20dd", NAME_BAD_CHARACTER);     /* enclosing circle */
    EXPECT("\ue000", NAME_BAD_CHARACTER);      /* private use */
    EXPECT("\u0378", NAME_BAD_CHARACTER);      /* unassigned */
    EXPECT("\U000e0041a", NAME_BAD_CHARACTER); /* tag */
    EXPECT("\xc2\x85", NAME_BAD_CHARACTER);    /* C1 */
    EXPECT("\ufdfa", NAME_BAD_CHARACTER);      /* a letter that folds to four words */
    EXPECT("\uff9ea", NAME_BAD_START);         /* a letter that folds to a mark */
}

#define EIGHT_MARKS "\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307"

/* What is accepted is what text_safe() shows as it is. */
Test(name, 06_marks) {
    EXPECT("x" EIGHT_MARKS, NAME_OK);
    EXPECT("x" EIGHT_MARKS "y" EIGHT_MARKS, NAME_OK);
    EXPECT("x" EIGHT_MARKS "\u0308", NAME_BAD_CHARACTER);
    EXPECT("\u1161", NAME_BAD_START); /* a Hangul vowel without its consonant */
}

Test(name, 07_not_utf8) {
    EXPECT("a\xff", NAME_NOT_UTF8);
    EXPECT("\xc3", NAME_NOT_UTF8);
    EXPECT("\xc0\xaf", NAME_NOT_UTF8);
    EXPECT("\xed\xa0\x80", NAME_NOT_UTF8);
    EXPECT("#\x80", NAME_NOT_UTF8);
}

Test(name, 08_other_alphabets) {
    EXPECT("J\u00fcrgen", NAME_OK);
    EXPECT("#\u4e00\u822c", NAME_OK);
    EXPECT("\u0410\u043b\u0438\u0441\u0430", NAME_OK);
    EXPECT("\u0909\u092a\u092f\u094b\u0917", NAME_OK); /* Devanagari with vowel signs */
    EXPECT("\u0e01\u0e34\u0e48\u0e07", NAME_OK);       /* Thai with tone marks */
    EXPECT("\u0661\u0662\u0663", NAME_OK);             /* Arabic digits */
    EXPECT("\u05d3\u05e0\u05d9", NAME_OK);
    EXPECT("\U00010400", NAME_OK);
}

#define TEN(x) x x x x x x x x x x

Test(name, 09_length_is_counted_in_characters) {
    EXPECT(TEN("abc") "de", NAME_OK);
    EXPECT("#" TEN("abc") "de", NAME_OK);
    EXPECT(TEN("abc") "def", NAME_TOO_LONG);
    EXPECT("#" TEN("abc") "def", NAME_TOO_LONG);
    EXPECT(TEN("\u4e00\u4e01\u4e02") "\u4e03\u4e04", NAME_OK);
    EXPECT(TEN("\u4e00\u4e01\u4e02") "\u4e03\u4e04\u4e05", NAME_TOO_LONG);
    EXPECT(TEN("\U00010400\U00010401\U00010402") "\U00010403\U00010404", NAME_OK); /* 128 bytes */
    EXPECT(TEN("\u1112\u1161\u11ab") "\u1112\u1161\u11ab", NAME_OK); /* 33 before NFC, 11 in it */
    EXPECT(TEN(TEN(TEN("x"))), NAME_TOO_LONG);
    EXPECT(TEN(TEN(TEN("\u00e4"))), NAME_TOO_LONG);
}

Test(name, 10_kept_as_nfc) {
    struct name name;
    cr_assert_eq(name_parse(&name, BYTES("Ju\u0308rgen")), NAME_OK);
    cr_assert_str_eq(name.s, "J\u00fcrgen");
    cr_assert_eq(name_parse(&name, BYTES("#\u1112\u1161\u11ab")), NAME_OK);
    cr_assert_str_eq(name.s, "#\ud55c");
    cr_assert_eq(name_parse(&name, BYTES("Alice")), NAME_OK);
    cr_assert_str_eq(name.s, "Alice");
}

static struct name key_of(const char *text) {
    struct name name;
    struct name key;
    cr_assert_eq(name_parse(&name, bytes_of(text)), NAME_OK, "%s", text);
    name_key(&key, &name);
    cr_assert_eq(strlen(key.s), key.n);
    return key;
}

Test(name, 11_compared_without_case) {
    static const char *const same[][2] = {
        {"alice", "ALICE"},
        {"alice", "\uff21\uff2c\uff29\uff23\uff25"}, /* fullwidth */
        {"#Ops.1_2-3", "#oPS.1_2-3"},
        {"J\u00dcRGEN", "ju\u0308rgen"},
        {"stra\u00dfe", "STRASSE"},                               /* sharp s */
        {"\u039f\u0394\u03a5\u03a3", "\u03bf\u03b4\u03c5\u03c2"}, /* final sigma */
        {"\u0410", "\u0430"},
        {"\ufb01n", "fin"},                 /* ligature */
        {"\u212bngstrom", "\u00e5ngstrom"}, /* Angstrom sign */
        {"\uff76\uff9e", "\u30ac"},         /* halfwidth katakana GA */
    };
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct name a = key_of(same[i][0]);
        struct name b = key_of(same[i][1]);
        cr_assert_str_eq(a.s, b.s, "%s and %s", same[i][0], same[i][1]);
    }
    cr_assert_str_eq(key_of("ALICE_9").s, "alice_9");
    cr_assert_str_eq(key_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ").s, "abcdefghijklmnopqrstuvwxyz");
    cr_assert_str_neq(key_of("ops").s, key_of("#ops").s);
    cr_assert_str_neq(key_of("a").s, key_of("\u0430").s, "Cyrillic is another letter");
    cr_assert_str_neq(key_of("a").s, key_of("\u00e4").s);
}

Test(name, 12_handles_and_rooms) {
    struct name name;
    name_parse(&name, BYTES("#ops"));
    cr_assert(name_is_room(&name));
    name_parse(&name, BYTES("ops"));
    cr_assert(!name_is_room(&name));
    name_parse(&name, BYTES(""));
    cr_assert(!name_is_room(&name));
}

/* For every character there is: what is accepted is visible, and its key is a name's key. */
Test(name, 13_every_code_point) {
    size_t n_accepted = 0;
    for (utf8proc_int32_t c = 1; c < 0x110000; c++) {
        uint8_t text[8] = "x";
        struct bytes all = {(const char *)text, 0};
        struct name name;
        struct name key;
        struct name again;
        all.n = 1 + (size_t)utf8proc_encode_char(c, text + 1);
        if (name_parse(&name, all) != NAME_OK)
            continue;
        n_accepted++;
        name_key(&key, &name);
        name_key(&again, &key);
        cr_assert_str_eq(key.s, again.s, "U+%04X", (unsigned)c);
        cr_assert_null(strchr(key.s, '#'), "U+%04X makes a room of a handle", (unsigned)c);
        cr_assert_gt(key.n, 1, "U+%04X leaves nothing in the key", (unsigned)c);
        char *safe = text_safe(name_bytes(&name), TEXT_ONE_LINE);
        cr_assert_str_eq(safe, name.s, "U+%04X is not shown as it is", (unsigned)c);
        free(safe);
    }
    cr_assert_gt(n_accepted, 130000);
}

/* The longest names: their keys fit too, or they are refused. */
Test(name, 14_every_code_point_32_times) {
    for (utf8proc_int32_t c = 0x80; c < 0x110000; c++) {
        uint8_t text[4 * NAME_CHARACTERS_MAX + 8];
        struct bytes all = {(const char *)text, 0};
        struct name name;
        struct name key;
        for (int i = 0; i < NAME_CHARACTERS_MAX; i++)
            all.n += (size_t)utf8proc_encode_char(c, text + all.n);
        if (name_parse(&name, all) != NAME_OK)
            continue;
        name_key(&key, &name);
        struct name again;
        name_key(&again, &key);
        cr_assert_str_eq(key.s, again.s, "U+%04X", (unsigned)c);
        cr_assert_eq(name_parse(&again, name_bytes(&name)), NAME_OK);
        cr_assert_str_eq(name.s, again.s);
    }
}

Test(name, 15_problems_have_words) {
    cr_assert_str_eq(name_problem(NAME_TOO_LONG), "is longer than 32 characters");
    for (int outcome = NAME_OK; outcome <= NAME_NOT_UTF8; outcome++)
        for (int other = NAME_OK; other < outcome; other++)
            cr_assert_str_neq(name_problem((enum name_outcome)outcome),
                              name_problem((enum name_outcome)other));
    cr_assert_not_null(name_problem((enum name_outcome)99));
}

static void expect_claim(const char *text, enum name_outcome wanted, const char *kept) {
    struct name name;
    enum name_outcome outcome = name_parse_claim(&name, bytes_of(text));
    cr_assert_eq(outcome, wanted, "\"%s\" %s", text, name_problem(outcome));
    cr_assert_str_eq(outcome == NAME_OK ? name.s : "", kept);
    cr_assert_eq(name.n, strlen(kept));
}

Test(name, 20_of_claims) {
    static const struct {
        const char *text;
        enum name_outcome outcome;
        const char *kept;
    } rows[] = {
        {"gpu0", NAME_OK, "gpu0"},
        {"the test database", NAME_OK, "the test database"},
        {"\u00e9tage 2", NAME_OK, "\u00e9tage 2"},
        {"e\u0301tage 2", NAME_OK, "\u00e9tage 2"},
        {"", NAME_EMPTY, ""},
        {" ", NAME_BAD_CHARACTER, ""},
        {" gpu0", NAME_BAD_CHARACTER, ""},
        {"gpu0 ", NAME_BAD_CHARACTER, ""},
        {"gpu  0", NAME_BAD_CHARACTER, ""},
        {"gpu\t0", NAME_BAD_CHARACTER, ""},
        {"#gpu0", NAME_BAD_CHARACTER, ""},
        {"a #gpu0", NAME_BAD_CHARACTER, ""},
        {"a -b", NAME_BAD_START, ""},
        {".a", NAME_BAD_START, ""},
        {"a \u0301", NAME_BAD_START, ""},
        {"a \xff", NAME_NOT_UTF8, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_claim(rows[i].text, rows[i].outcome, rows[i].kept);
}

Test(name, 21_claims_have_bounds_and_one_key) {
    char text[NAME_BYTES_MAX + 2] = "";
    struct name name, other, key, other_key;
    for (size_t i = 0; i < NAME_BYTES_MAX; i++)
        text[i] = i % 16 == 15 ? ' ' : 'a';
    text[NAME_BYTES_MAX - 1] = 'a';
    cr_assert_eq(name_parse_claim(&name, bytes_of(text)), NAME_OK);
    text[NAME_BYTES_MAX] = 'a';
    cr_assert_eq(name_parse_claim(&name, bytes_of(text)), NAME_TOO_LONG);
    cr_assert_eq(name_parse_claim(&name, bytes_of("The \u00c9tage")), NAME_OK);
    cr_assert_eq(name_parse_claim(&other, bytes_of("the e\u0301tage")), NAME_OK);
    name_key(&key, &name);
    name_key(&other_key, &other);
    cr_assert_str_eq(key.s, other_key.s);
}
