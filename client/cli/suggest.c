#include "cli/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/distance.h"

/* Words of 32 bytes and more are far from everything. */
#define WORD_MAX 31

void suggest_init(struct suggest *suggest, const char *word) {
    /* Short words may differ in one place, longer ones in two. */
    size_t limit = strlen(word) < 4 ? 1 : 2;
    *suggest = (struct suggest){.word = word, .distance = limit + 1};
}

void suggest_consider(struct suggest *suggest, const char *name) {
    size_t n = strlen(suggest->word);
    size_t d = n > WORD_MAX ? SIZE_MAX : distance(bytes_of(name), bytes_of(suggest->word));
    if (n > 1 && strncmp(name, suggest->word, n) == 0)
        d = d < 1 ? d : 1;
    if (d < suggest->distance) {
        suggest->distance = d;
        suggest->nearest = name;
    }
}
