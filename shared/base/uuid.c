#include "base/uuid.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <uuid/uuid.h>

/* Of a stock, and of the seed of the next one. */
#define STOCK_BYTES (UUID_SOURCE_IDS_MAX * UUID_RANDOM_BYTES + CHACHA_KEY_BYTES)
#define STOCK_BLOCKS ((STOCK_BYTES + CHACHA_BLOCK_BYTES - 1) / CHACHA_BLOCK_BYTES)

/* Counts up in a forked child only. */
static atomic_uint n_forks;
static pthread_once_t fork_watch = PTHREAD_ONCE_INIT;

static void fork_count(void) {
    atomic_fetch_add(&n_forks, 1);
}

static void fork_watch_start(void) {
    (void)pthread_atfork(NULL, NULL, fork_count);
}

/* Makes version 7 of random bytes; a time outside of 48 bits loses what is above. */
static void uuid_stamp(struct uuid *id, wall_time now) {
    uint64_t big_endian = htobe64((uint64_t)now.ms << 16);
    memcpy(id->b, &big_endian, UUID_TIME_BYTES);
    id->b[6] = (uint8_t)(0x70 | (id->b[6] & 0x0f));
    id->b[8] = (uint8_t)(0x80 | (id->b[8] & 0x3f));
}

int64_t uuid_ms(const struct uuid *id) {
    uint64_t big_endian = 0;
    memcpy(&big_endian, id->b, UUID_TIME_BYTES);
    return (int64_t)(be64toh(big_endian) >> 16);
}

/* A new seed. False: the kernel gives none. */
static bool source_seed(struct uuid_source *source) {
    (void)pthread_once(&fork_watch, fork_watch_start);
    source->n_forks = atomic_load_explicit(&n_forks, memory_order_relaxed);
    source->n_fills = UUID_SOURCE_FILLS;
    return getrandom(source->seed, sizeof source->seed, 0) == (ssize_t)sizeof source->seed;
}

static bool source_is_forked(const struct uuid_source *source) {
    return source->n_forks != atomic_load_explicit(&n_forks, memory_order_relaxed);
}

/* libuuid knows what to do where the kernel gives nothing. */
static void source_fill(struct uuid_source *source) {
    uint8_t blocks[STOCK_BLOCKS * CHACHA_BLOCK_BYTES];
    if ((source->n_fills == 0 || source_is_forked(source)) && !source_seed(source)) {
        struct uuid id = uuid_random();
        source->n_fills = 0;
        source->n_left = 1;
        memcpy(source->random[0], id.b + UUID_TIME_BYTES, UUID_RANDOM_BYTES);
        return;
    }
    chacha_blocks(source->seed, 0, STOCK_BLOCKS, blocks);
    memcpy(source->seed, blocks, sizeof source->seed);
    memcpy(source->random, blocks + sizeof source->seed, sizeof source->random);
    source->n_fills--;
    source->n_left = UUID_SOURCE_IDS_MAX;
}

struct uuid uuid_next(struct uuid_source *source, wall_time now) {
    if (source->n_left == 0 || source_is_forked(source))
        source_fill(source);
    struct uuid id;
    memcpy(id.b + UUID_TIME_BYTES, source->random[--source->n_left], UUID_RANDOM_BYTES);
    uuid_stamp(&id, now);
    return id;
}

struct uuid uuid_random(void) {
    struct uuid id;
    uuid_generate_random(id.b);
    return id;
}

/* The eight digits of four bytes, all at once: each message that arrives has its id as text. */
static inline uint64_t uuid_digits(const uint8_t bytes[4]) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t x = be32toh(word);
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & (ones * 0x0f); /* a digit in each byte, and one more at what is above 9: */
    x += ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
    return htobe64(x);
}

/* Eight digits, with a hyphen after four. */
static void put_parted(char *text, uint64_t digits) {
    memcpy(text, &digits, 4);
    text[4] = '-';
    memcpy(text + 5, (const char *)&digits + 4, 4);
}

void uuid_format(const struct uuid *id, char text[UUID_TEXT_SIZE]) {
    uint64_t first = uuid_digits(id->b), last = uuid_digits(id->b + 12);
    memcpy(text, &first, sizeof first);
    put_parted(text + 9, uuid_digits(id->b + 4));
    put_parted(text + 19, uuid_digits(id->b + 8));
    memcpy(text + 28, &last, sizeof last);
    text[8] = text[18] = '-';
    text[36] = '\0';
}

bool uuid_from_text(struct uuid *id, const char *text) {
    return uuid_parse(text, id->b) == 0;
}
