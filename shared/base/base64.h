/* Base64 (RFC 4648, with padding). */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

/* How many characters n bytes make. */
#define BASE64_CHARS(n) (((n) + 2) / 3 * 4)

/* Returns how many characters were written; there is room for BASE64_CHARS. */
size_t base64_encode(char *out, struct bytes data);

/*
 * Returns how many bytes were written, or SIZE_MAX: it is no base64. There is room for text.n / 4 *
 * 3 of them; `out` may be where the text is.
 */
size_t base64_decode(char *out, struct bytes text);
