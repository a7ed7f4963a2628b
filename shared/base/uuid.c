#include "base/uuid.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <uuid/uuid.h>

/* Counts up in a forked child only. */
static atomic_uint n_forks;
static pthread_once_t fork_watch = PTHREAD_ONCE_INIT;

static void fork_count(void) {
    atomic_fetch_add(&n_forks, 1);
}

static void fork_watch_start(void) {
    (void)pthread_atfork(NULL, NULL, fork_count);
}

static void uuid_stamp(struct uuid *id) {
    id->b[6] = (uint8_t)(0x40 | (id->b[6] & 0x0f));
    id->b[8] = (uint8_t)(0x80 | (id->b[8] & 0x3f));
}

/* libuuid knows what to do where the kernel gives nothing. */
static void source_fill(struct uuid_source *source) {
    (void)pthread_once(&fork_watch, fork_watch_start);
    source->n_forks = atomic_load_explicit(&n_forks, memory_order_relaxed);
    source->n_left = UUID_SOURCE_IDS_MAX;
    if (getrandom(source->ids, sizeof source->ids, 0) == (ssize_t)sizeof source->ids)
        return;
    source->n_left = 1;
    source->ids[0] = uuid_random();
}

struct uuid uuid_next(struct uuid_source *source) {
    if (source->n_left == 0 ||
        source->n_forks != atomic_load_explicit(&n_forks, memory_order_relaxed))
        source_fill(source);
    struct uuid id = source->ids[--source->n_left];
    uuid_stamp(&id);
    return id;
}

struct uuid uuid_random(void) {
    struct uuid id;
    uuid_generate_random(id.b);
    return id;
}

void uuid_format(const struct uuid *id, char text[UUID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof id->b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[id->b[i] >> 4];
        *text++ = digits[id->b[i] & 15];
    }
    *text = '\0';
}

bool uuid_from_text(struct uuid *id, const char *text) {
    return uuid_parse(text, id->b) == 0;
}
