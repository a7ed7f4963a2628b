/* "Did you mean ...?": the nearest of several names to a mistyped word. */
#pragma once

#include <stddef.h>

struct suggest {
    const char *word;
    const char *nearest; /* NULL while none is near enough */
    size_t distance;     /* of the nearest */
};

void suggest_init(struct suggest *suggest, const char *word);
void suggest_consider(struct suggest *suggest, const char *name);
