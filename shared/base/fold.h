/*
 * What a search takes for the same: capital and small letters, and letters with and without accents
 * (U+0300 to U+036F), each character by itself. Other marks make another letter (as the two dots of
 * Japanese kana do), and stay.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define FOLDED_MAX(n)                                                                              \
    (2 * (n)) /* what n bytes of UTF-8 may become: some small letters are longer */

/* Folds UTF-8 into `to`, which has room for FOLDED_MAX(text.n) bytes, and gives the length. A byte
 * that is not UTF-8 stays as it is. */
size_t text_fold(char *to, struct bytes text);
