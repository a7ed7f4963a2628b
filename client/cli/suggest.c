#include "cli/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/macro.h"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Levenshtein's distance; words of 32 bytes and more are far from everything. */
static size_t distance(const char *a, const char *b) {
    size_t row[32], n = strlen(b);
    if (n >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t i = 0; i <= n; i++)
        row[i] = i;
    for (; *a; a++) {
        size_t diagonal = row[0]++;
        for (size_t i = 1; i <= n; i++) {
            size_t change = diagonal + (*a != b[i - 1]);
            diagonal = row[i];
            row[i] = least(change, least(row[i - 1], row[i]) + 1);
        }
    }
    return row[n];
}

void suggest_init(struct suggest *suggest, const char *word) {
    /* Short words may differ in one place, longer ones in two. */
    size_t limit = strlen(word) < 4 ? 1 : 2;
    *suggest = (struct suggest){.word = word, .distance = limit + 1};
}

void suggest_consider(struct suggest *suggest, const char *name) {
    size_t d = distance(name, suggest->word), n = strlen(suggest->word);
    if (n > 1 && strncmp(name, suggest->word, n) == 0)
        d = least(d, 1);
    if (d < suggest->distance) {
        suggest->distance = d;
        suggest->nearest = name;
    }
}
