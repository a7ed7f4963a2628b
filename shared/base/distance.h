/* How far apart two words are: for "did you mean ...?". */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

#define DISTANCE_BYTES_MAX 255 /* of the second word */

/*
 * Levenshtein's distance in bytes: how many must be put in, taken out or changed. SIZE_MAX when b
 * is longer than DISTANCE_BYTES_MAX.
 */
size_t distance(struct bytes a, struct bytes b);
