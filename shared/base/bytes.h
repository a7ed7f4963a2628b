/* A view of bytes that somebody else owns; not NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct bytes {
    const char *data;
    size_t n;
};

static inline struct bytes bytes_of(const char *string) {
    return (struct bytes){string, strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.data, b.data, a.n) == 0);
}
