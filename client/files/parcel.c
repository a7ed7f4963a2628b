#include "files/parcel.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

size_t parcel_pack(struct file_body *file, bool as_text, char *body) {
    char record[FILE_BODY_MAX];
    struct cursor_out out =
        as_text ? cursor_out_of(record, sizeof record) : cursor_out_of(body, PARCEL_BODY_MAX);
    struct digest digest = digest_of(file->content.data, file->content.n);
    file->form = FILE_BODY_FORM;
    memcpy(file->digest.b, digest.bytes, sizeof file->digest.b);
    file_body_put(&out, file);
    size_t n = cursor_out_used(&out);
    return as_text ? base64_encode(body, (struct bytes){record, n}) : n;
}

bool parcel_open(struct file_body *file, struct bytes body) {
    if (!file_body_take(file, body))
        return false;
    struct digest digest = digest_of(file->content.data, file->content.n);
    file->mode &= 0777;
    return memcmp(digest.bytes, file->digest.b, sizeof digest.bytes) == 0;
}

void parcel_normalize(char *body, size_t *n) {
    struct bytes text = {body, *n};
    size_t n_record = body_is_binary(KIND_FILE, text) ? SIZE_MAX : base64_decode(body, text);
    if (n_record != SIZE_MAX)
        *n = n_record;
}

void parcel_describe(struct bytes body, char text[PARCEL_TEXT_SIZE]) {
    struct file_body file;
    char size[SIZE_TEXT];
    if (!parcel_open(&file, body)) {
        snprintf(text, PARCEL_TEXT_SIZE, "[a file that cannot be read]");
    } else {
        size_text(file.content.n, size);
        snprintf(text, PARCEL_TEXT_SIZE, "[file %.*s, %s]", (int)file.name.n, file.name.data, size);
    }
}
