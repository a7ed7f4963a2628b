/* What is an emoji, and what stands in the body of a reaction. */
#include "proto/reaction.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/macro.h"
#include "proto/frame.h"

Test(reaction, 01_one_emoji_is_one) {
    static const char *const emoji[] = {
        "👍",
        "👍🏽",
        "❤️",
        "❤",
        "🎉",
        "👩‍💻",
        "🏳️‍🌈",
        "🇩🇪",
        "1️⃣",
        "#️⃣",
        "✅",
        "☕",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "👨‍👩‍👧‍👦",
    };
    for (size_t i = 0; i < ARRAY_LEN(emoji); i++)
        cr_expect(emoji_is_valid(bytes_of(emoji[i])), "%s", emoji[i]);
}

Test(reaction, 02_anything_else_is_none) {
    static const char *const texts[] = {
        "",     "a",     "+1",        ":+1:",
        "1",    "#",     "👍👍",        "👍 ",
        " 👍",   "👍x",    "é",         "é",
        "日",   "🇩",     "👍‍",   "‍",
        "️",  "👍\n",   "👍\xcc\x81", "\xe2\x80\xae👍",
        "©",    "🏽",  "🇩🇪🇫",       "\xf0\x9f\x91",
        "\xff", "👍\x01", "1⃣1",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        cr_expect_not(emoji_is_valid(bytes_of(texts[i])), "%s (%zu)", texts[i], i);
    char longest[EMOJI_BYTES_MAX + 16] = "👍";
    while (strlen(longest) <= EMOJI_BYTES_MAX)
        memcpy(longest + strlen(longest), "\xef\xb8\x8f", 4);
    cr_expect_not(emoji_is_valid(bytes_of(longest)));
}

Test(reaction, 03_a_picture_or_not_is_the_same) {
    cr_assert(emoji_is_same(bytes_of("❤️"), bytes_of("❤")));
    cr_assert(emoji_is_same(bytes_of("👍"), bytes_of("👍")));
    cr_assert_not(emoji_is_same(bytes_of("👍"), bytes_of("👍🏽")));
    cr_assert_not(emoji_is_same(bytes_of("👍"), bytes_of("👎")));
}

Test(reaction, 04_a_body_is_what_was_put_into_it) {
    char body[REACTION_BODY_MAX];
    for (int on = 0; on < 2; on++) {
        struct reaction reaction = {UINT32_MAX, on, bytes_of("👍")}, again;
        size_t n = reaction_put(body, &reaction);
        cr_assert(reaction_take(&again, (struct bytes){body, n}));
        cr_assert(again.uid == UINT32_MAX && again.on == on);
        cr_assert(bytes_equal(again.emoji, reaction.emoji));
    }
}

Test(reaction, 05_no_other_body_is_one) {
    static const char *const bodies[] = {"",        "👍",         "1001",     "1001\n",
                                         "1001\n+", "1001\n👍",   "1001\n*👍", "1001\n+x",
                                         "x\n+👍",   "1001\n+👍 ", "1001 +👍"};
    struct reaction reaction;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        cr_expect_not(reaction_take(&reaction, bytes_of(bodies[i])), "%s", bodies[i]);
}

Test(reaction, 06_a_count_is_what_was_put_into_it) {
    char body[REACTION_COUNT_MAX];
    struct reaction_count count = {12, bytes_of("🎉"), bytes_of("ann bob")}, again;
    size_t n = reaction_count_put(body, &count);
    cr_assert(bytes_equal((struct bytes){body, n}, bytes_of("12 🎉 ann bob")));
    cr_assert(reaction_count_take(&again, (struct bytes){body, n}));
    cr_assert(again.n == 12 && bytes_equal(again.emoji, count.emoji) &&
              bytes_equal(again.names, count.names));
    count.names = (struct bytes){0};
    n = reaction_count_put(body, &count);
    cr_assert(reaction_count_take(&again, (struct bytes){body, n}));
    cr_assert_eq(again.names.n, 0);
    static const char *const bodies[] = {"", "1", "1 ", " 👍", "0 👍", "x 👍", "1 x", "99999999999 👍"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        cr_expect_not(reaction_count_take(&again, bytes_of(bodies[i])), "%s", bodies[i]);
}

Test(reaction, 07_its_frames_are_bounded) {
    char body[REACTION_BODY_MAX + 1];
    memset(body, '1', sizeof body);
    cr_assert(body_is_valid(KIND_REACT, (struct bytes){body, REACTION_BODY_MAX}));
    cr_assert_not(body_is_valid(KIND_REACT, (struct bytes){body, REACTION_BODY_MAX + 1}));
    cr_assert_not(body_is_valid(KIND_REACT | KIND_HEADED, bytes_of("1\n+👍")));
    cr_assert_not(body_is_valid(KIND_REACT | KIND_ANSWER, bytes_of("1\n+👍")));
    cr_assert(mend_is(KIND_REACT));
    cr_assert_eq(mend_ability(KIND_REACT), ABILITY_REACTS);
    cr_assert_eq(mend_ability(KIND_EDIT), ABILITY_MENDS);
}
