/*
 * What a process has done, in a file that survives kill -9 of its writer: entries of one size, a
 * divisor of the page size, each in one appending write(2). The kernel copies page by page and may
 * stop for a deadly signal only between two pages, so an entry is there whole or not at all.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum book_what {
    BOOK_BEGUN = 1, /* the process was started */
    BOOK_SENT,      /* about to be sent; the same number again: sent once more */
    BOOK_ACKED,     /* acknowledged as stored */
    BOOK_REFUSED,
    BOOK_READ,
    BOOK_REPEATED, /* came again, and an earlier process had noted it */
    BOOK_FOREIGN,  /* came, and was not what its sender wrote */
};

struct book_entry {
    uint32_t what; /* enum book_what */
    uint32_t uid;  /* of the sender */
    uint64_t number, seq;
    uint32_t size; /* of the text */
    uint32_t code; /* REFUSED */
    char id[40], from[24], to[32];
};

_Static_assert(sizeof(struct book_entry) == 128, "a divisor of the page size");

/* Opens or makes dir/name; ends the test when it cannot. */
int book_open(const char *dir, const char *name);

/* Somebody else's, to be read; -1: there is none. */
int book_look(const char *dir, const char *name);

void book_write(int book, const struct book_entry *entry);

/* Calls for each of the last `n_last` entries (SIZE_MAX: all), oldest first. */
typedef void book_visit(void *arg, const struct book_entry *entry);
void book_read(int book, size_t n_last, book_visit *visit, void *arg);
