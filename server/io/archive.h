/* Reading the past from the store: a question of the core becomes a page of messages. */
#pragma once

#include "core/past/past.h"
#include "store/store.h"

struct archive_page {
    struct record *records; /* their texts are owned, too */
    size_t n, size;
    size_t n_bytes;     /* of the texts */
    uint64_t upto;      /* FEED: everything up to this one was looked at */
    const char *reason; /* not NULL: it failed; a view into the reader's sentence */
    bool out_of_memory;
};

/* Fills a page; it must be freed in any case. Holds no lock. */
void archive_read(struct store_reader *reader, struct ask *ask, struct archive_page *page);
void archive_free(struct archive_page *page);
