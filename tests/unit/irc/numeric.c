/* The table of numerics: three digits, each once, as modern.ircdocs.horse has them. */
#include "irc/numeric.h"

#include <stddef.h>
#include <string.h>

#include <criterion/criterion.h>

static const int numbers[] = {
#define NUMBER(NAME, number, text) number,
    NUMERICS(NUMBER)
#undef NUMBER
};

Test(numeric, 01_each_once_and_in_order) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cr_expect(numbers[i] > 0 && numbers[i] < 1000);
        cr_expect(i == 0 || numbers[i] > numbers[i - 1], "%d", numbers[i]);
    }
}

Test(numeric, 02_texts) {
    cr_expect_str_eq(numeric_text(NUMERIC_NEEDMOREPARAMS), "Not enough parameters");
    cr_expect_null(numeric_text(NUMERIC_WELCOME));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *text = numeric_text((enum numeric)numbers[i]);
        cr_expect(!text || !strpbrk(text, "\r\n"), "%d", numbers[i]);
    }
}
