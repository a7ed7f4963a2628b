/* Each handle has one nick, and each nick is one handle's or nobody's. */
#include "irc/spell.h"

#include <string.h>

#include <criterion/criterion.h>

static void is_spelled(const char *handle, const char *nick) {
    char out[SPELL_SIZE];
    cr_expect_str_eq(spell_nick(out, handle), nick);
    cr_assert(spell_handle(out, nick), "%s", nick);
    cr_expect_str_eq(out, handle);
}

Test(spell, 01_one_to_one_and_back) {
    is_spelled("alice", "alice");
    is_spelled("build-bot_2", "build-bot_2");
    is_spelled("john.doe", "john^doe");
    is_spelled("bob@gpu7", "bob|gpu7");
    is_spelled("b.o.b@gpu.7", "b^o^b|gpu^7");
    is_spelled("007", "`007");
    is_spelled("\xc3\x84nne", "\xc3\x84nne");
}

Test(spell, 02_what_is_nobodys) {
    static const char *const nicks[] = {"", "0bob", "`bob", "`", "bob.x", "b`ob", "bob@gpu7"};
    char out[SPELL_SIZE];
    for (size_t i = 0; i < sizeof nicks / sizeof *nicks; i++)
        cr_expect_not(spell_handle(out, nicks[i]), "%s", nicks[i]);
}

Test(spell, 03_the_longest) {
    char handle[NAME_BYTES_MAX + 1], nick[SPELL_SIZE], back[SPELL_SIZE];
    memset(handle, '7', sizeof handle - 1);
    handle[sizeof handle - 1] = '\0';
    spell_nick(nick, handle);
    cr_expect_eq(strlen(nick), sizeof handle);
    cr_assert(spell_handle(back, nick));
    cr_expect_str_eq(back, handle);
}

Test(spell, 04_compared_as_the_hub_compares) {
    struct name one, other;
    cr_assert(spell_key(&one, "JOHN^Doe") && spell_key(&other, "john^doe"));
    cr_expect_str_eq(one.s, other.s);
    cr_expect_str_eq(one.s, "john.doe");
    cr_assert(spell_key(&one, "#Ops") && spell_key(&other, "#ops"));
    cr_expect_str_eq(one.s, other.s);
    cr_expect_not(spell_key(&one, "#a b"));
    cr_expect_not(spell_key(&one, "a!b"));
    cr_expect_not(spell_key(&one, "#"));
}
