#include "files/parcel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/size.h"
#include "base/text.h"

#define VERSION 1

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648. */
static size_t to_base64(char *out, const uint8_t *data, size_t n) {
    char *at = out;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = digits[bits >> 6 & 63];
        *at++ = digits[bits & 63];
    }
    if (n % 3 > 0)
        memset(at - (3 - n % 3), '=', 3 - n % 3);
    return (size_t)(at - out);
}

static int value_of(char c) {
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* How many bytes; SIZE_MAX when it is no base64. `out` has room for text.n / 4 * 3. */
static size_t from_base64(uint8_t *out, struct bytes text) {
    size_t n = 0, n_padding = 0;
    if (text.n == 0 || text.n % 4 != 0)
        return SIZE_MAX;
    while (n_padding < 2 && text.data[text.n - 1 - n_padding] == '=')
        n_padding++;
    for (size_t i = 0; i < text.n; i += 4) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            bool is_padding = i + j >= text.n - n_padding;
            int value = is_padding ? 0 : value_of(text.data[i + j]);
            if (value < 0)
                return SIZE_MAX;
            bits = bits << 6 | (uint32_t)value;
        }
        out[n++] = (uint8_t)(bits >> 16);
        out[n++] = (uint8_t)(bits >> 8);
        out[n++] = (uint8_t)bits;
    }
    return n - n_padding;
}

size_t parcel_encode(const struct parcel *parcel, char *body) {
    uint8_t record[PARCEL_RECORD_MAX];
    struct cursor_out out = cursor_out_of(record, sizeof record);
    size_t n_name = strlen(parcel->name);
    cursor_put_u8(&out, VERSION);
    cursor_put_u32(&out, parcel->mode);
    cursor_put_u64(&out, (uint64_t)parcel->mtime_ns);
    cursor_put_u64(&out, parcel->link);
    cursor_put(&out, parcel->digest.bytes, sizeof parcel->digest.bytes);
    cursor_put_u16(&out, (uint16_t)n_name);
    cursor_put(&out, parcel->name, n_name);
    cursor_put(&out, parcel->content, parcel->n);
    return to_base64(body, record, cursor_out_used(&out));
}

static bool take_name(struct parcel *parcel, struct cursor_in *in) {
    size_t n = cursor_take_u16(in);
    const uint8_t *name = n > 0 && n < sizeof parcel->name ? cursor_take(in, n) : NULL;
    if (!name || memchr(name, 0, n) || !text_is_valid((struct bytes){(const char *)name, n}))
        return false;
    memcpy(parcel->name, name, n);
    parcel->name[n] = '\0';
    return true;
}

static bool take_content(struct parcel *parcel, struct cursor_in *in) {
    parcel->n = cursor_in_left(in);
    if (parcel->n > sizeof parcel->content)
        return false;
    struct digest_state *sum = digest_new();
    if (!sum)
        return false;
    if (parcel->n > 0)
        memcpy(parcel->content, in->at, parcel->n);
    digest_add(sum, parcel->content, parcel->n);
    bool is_whole = digest_equal(digest_value(sum), parcel->digest);
    digest_free(sum);
    return is_whole;
}

bool parcel_decode(struct parcel *parcel, struct bytes body) {
    uint8_t record[PARCEL_RECORD_MAX + 3];
    size_t n = body.n <= PARCEL_BODY_MAX ? from_base64(record, body) : SIZE_MAX;
    if (n == SIZE_MAX)
        return false;
    struct cursor_in in = cursor_in_of(record, n);
    bool is_ours = cursor_take_u8(&in) == VERSION;
    parcel->mode = cursor_take_u32(&in) & 0777;
    parcel->mtime_ns = (int64_t)cursor_take_u64(&in);
    parcel->link = cursor_take_u64(&in);
    const uint8_t *digest = cursor_take(&in, sizeof parcel->digest.bytes);
    if (!digest || !is_ours)
        return false;
    memcpy(parcel->digest.bytes, digest, sizeof parcel->digest.bytes);
    return take_name(parcel, &in) && take_content(parcel, &in);
}

void parcel_describe(struct bytes body, char text[PARCEL_TEXT_SIZE]) {
    struct parcel *parcel = malloc(sizeof *parcel);
    char size[SIZE_TEXT];
    if (!parcel || !parcel_decode(parcel, body)) {
        snprintf(text, PARCEL_TEXT_SIZE, "[a file that cannot be read]");
    } else {
        size_text(parcel->n, size);
        snprintf(text, PARCEL_TEXT_SIZE, "[file %s, %s]", parcel->name, size);
    }
    free(parcel);
}
