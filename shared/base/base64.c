#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *out, struct bytes data) {
    const uint8_t *bytes = (const uint8_t *)data.data;
    char *at = out;
    for (size_t i = 0; i < data.n; i += 3) {
        size_t left = data.n - i;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = digits[bits >> 6 & 63];
        *at++ = digits[bits & 63];
    }
    if (data.n % 3 > 0)
        memset(at - (3 - data.n % 3), '=', 3 - data.n % 3);
    return (size_t)(at - out);
}

static int value_of_digit(char c) {
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool is_base64(struct bytes text, size_t n_padding) {
    for (size_t i = 0; i < text.n - n_padding; i++)
        if (value_of_digit(text.data[i]) < 0)
            return false;
    return true;
}

/* All of it is looked at before anything is written: `out` may be where it is. */
size_t base64_decode(char *out, struct bytes text) {
    size_t n = 0, n_padding = 0;
    if (text.n == 0 || text.n % 4 != 0)
        return SIZE_MAX;
    while (n_padding < 2 && text.data[text.n - 1 - n_padding] == '=')
        n_padding++;
    if (!is_base64(text, n_padding))
        return SIZE_MAX;
    for (size_t i = 0; i < text.n; i += 4) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            bool is_padding = i + j >= text.n - n_padding;
            bits = bits << 6 | (uint32_t)(is_padding ? 0 : value_of_digit(text.data[i + j]));
        }
        out[n++] = (char)(bits >> 16 & 0xff);
        out[n++] = (char)(bits >> 8 & 0xff);
        out[n++] = (char)(bits & 0xff);
    }
    return n - n_padding;
}
