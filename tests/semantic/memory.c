/* The core's allocations: the linker puts these in the place of the real ones (--wrap). */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "semantic/semantic.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void __real_free(void *memory);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
void __wrap_free(void *memory);

static unsigned fails_one_in;
static size_t live_bytes;
static long n_live;

void memory_let_fail(unsigned one_in) {
    fails_one_in = one_in;
}

size_t memory_live_bytes(void) {
    return live_bytes;
}

long memory_n_live(void) {
    return n_live;
}

void *memory_own(size_t n) {
    void *block = __real_malloc(n > 0 ? n : 1);
    MUST(block);
    return block;
}

void memory_own_free(void *block) {
    __real_free(block);
}

static bool memory_fails(void) {
    return fails_one_in > 0 && chance_one_in(fails_one_in);
}

static void *memory_count(void *block) {
    if (block) {
        n_live++;
        live_bytes += malloc_usable_size(block);
    }
    return block;
}

static void memory_uncount(void *block) {
    if (block) {
        n_live--;
        live_bytes -= malloc_usable_size(block);
    }
}

void *__wrap_malloc(size_t n) {
    return memory_fails() ? NULL : memory_count(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size) {
    return memory_fails() ? NULL : memory_count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t n) {
    if (memory_fails())
        return NULL;
    memory_uncount(old);
    return memory_count(__real_realloc(old, n));
}

void *__wrap_reallocarray(void *old, size_t n, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : __wrap_realloc(old, bytes);
}

char *__wrap_strdup(const char *text) {
    return memory_fails() ? NULL : memory_count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t n) {
    return memory_fails() ? NULL : memory_count(__real_strndup(text, n));
}

void __wrap_free(void *block) {
    memory_uncount(block);
    __real_free(block);
}
