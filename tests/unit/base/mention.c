/* Who is named in a text. */

#include "base/mention.h"

#include <criterion/criterion.h>

static bool names(const char *text, const char *handle) {
    return text_mentions(bytes_of(text), handle);
}

Test(mention, 01_a_word_without_case) {
    cr_assert(names("bob", "bob"));
    cr_assert(names("hello, BOB!", "bob"));
    cr_assert(names("hello, bob", "Bob"));
    cr_assert(names("@bob: look", "bob"));
    cr_assert_not(names("bobby", "bob"));
    cr_assert_not(names("bob-2 and bob_2", "bob"));
    cr_assert_not(names("", "bob"));
    cr_assert_not(names("bob", ""));
}

Test(mention, 02_other_alphabets) {
    cr_assert(names("ÅSA, hej", "åsa"));
    cr_assert(names("bobさん", "bob"));
    cr_assert(names("hello ＢＯＢ", "bob"));
    cr_assert_not(names("Åsabo", "åsa"));
}

Test(mention, 03_only_what_belongs_to_the_text) {
    static const char text[] = "hello bob";
    cr_assert_not(text_mentions((struct bytes){text, 8}, "bob"));
    cr_assert(text_mentions((struct bytes){text, 9}, "bob"));
    cr_assert_not(text_mentions((struct bytes){NULL, 0}, "bob"));
}
