/* The few macros that everything may use. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* Cleanup attributes: the variable is released when it goes out of scope. */
static inline void cleanup_freep(void *pointer) {
    free(*(void **)pointer);
}

static inline void cleanup_closep(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_freep)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_closep)))
