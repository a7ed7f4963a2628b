/*
 * The name under which something is received. A stranger's name is made fit by text_safe (control
 * characters, invisible ones and bytes that are no UTF-8 become visible: ^[, <U+202E>, <FF>); then
 * a slash, a leading dot or dash become `_`, and what is longer than a name can be is cut before
 * its extension. A clean name stays as it is. Pure: nothing is looked up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define FILENAME_BYTES_MAX 255
#define FILENAME_PART ".part"

/* NUL-terminated. */
struct filename {
    char s[FILENAME_BYTES_MAX + 1];
};

/* Returns 0 or -ENOMEM. Never empty, ".", "..", never with a slash in it. */
int filename_clean(struct filename *out, struct bytes name);

/*
 * The n-th choice, from 1: "name.ext", "name (2).ext", "name (3).ext"; the name of a directory has
 * no extension. ".tar.gz" counts as one.
 */
void filename_choice(struct filename *out, const struct filename *clean, unsigned n,
                     bool is_directory);

/* With ".part" at its end, cut if need be. */
void filename_part(struct filename *out, const struct filename *choice);
