/* The words of a search: as an expression for the indexes, and looked for in a text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WORDS_MAX 32 /* more are not looked at */

struct word {
    struct bytes text;   /* as it was written */
    struct bytes folded; /* see base/fold.h */
};

struct words {
    struct word words[WORDS_MAX];
    size_t n;
    char *folded;     /* of all words */
    char *looked_at;  /* a text, folded */
    size_t size;      /* of it */
    bool is_unspaced; /* has characters of a script that writes no spaces between words */
    bool wants_parts; /* a star stood behind a word: parts of words are meant from the beginning */
};

/* The text must outlive it. 0 or -ENOMEM. */
int words_parse(struct words *words, struct bytes text);
void words_free(struct words *words); /* safe on the zero state */

/* All of them, as whole words, without accents; or as parts: NULL in *expression when no word is
 * long enough. To be freed. */
int words_expression(const struct words *words, char **expression);
int words_part_expression(const struct words *words, bool folded, char **expression);

/* Whether the text has every one of the words, upper and lower case and accents being the same: 1,
 * 0 or -ENOMEM. */
int words_are_in(struct words *words, struct bytes text);
