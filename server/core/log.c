#include "core/log.h"

#include <stdlib.h>
#include <string.h>

#define GONE_AHEAD 512 /* bytes; what goes was written long ago, and is in no cache */

void log_init(struct log *log, uint64_t next_seq) {
    *log = (struct log){.first_seq = next_seq};
}

static void drop_head(struct log *log) {
    struct log_block *block = log->head;
    log->head = block->next;
    if (log->head)
        log->head->prev = NULL;
    else
        log->tail = NULL;
    log->first_seq = block->last_seq + 1;
    log->n_bytes -= block->size;
    if (log->spare || block->size != LOG_BLOCK_BYTES) {
        free(block);
        return;
    }
    log->spare = block; /* the next one is wanted soon, and fresh memory is dear */
}

void log_deinit(struct log *log) {
    while (log->head)
        drop_head(log);
    free(log->spare);
    log->spare = NULL;
}

static struct log_block *add_block(struct log *log, size_t n) {
    size_t size = n > LOG_BLOCK_BYTES ? n : LOG_BLOCK_BYTES;
    struct log_block *block = size == LOG_BLOCK_BYTES ? log->spare : NULL;
    if (block)
        log->spare = NULL;
    else
        block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct log_block){.prev = log->tail, .size = size};
    if (log->tail)
        log->tail->next = block;
    else
        log->head = block;
    log->tail = block;
    log->n_bytes += size;
    return block;
}

struct log_entry *log_append(struct log *log, const struct record *record) {
    size_t n = (sizeof(struct log_entry) + record->text.n + 15) & ~(size_t)15;
    struct log_block *block = log->tail;
    if (!block || block->size - block->n < n)
        block = add_block(log, n);
    if (!block)
        return NULL;
    struct log_entry *entry = (struct log_entry *)(void *)(block->bytes + block->n);
    char *text = (char *)(entry + 1);
    *entry = (struct log_entry){.size = (uint32_t)n, .record = *record};
    memcpy(text, record->text.data, record->text.n);
    entry->record.text.data = text;
    if (block->n == 0)
        block->first_seq = record->seq;
    block->n += n;
    block->last_seq = record->seq;
    return entry;
}

static void tell_gone(const struct log_block *block, log_gone *gone, void *arg) {
    struct log_span span = {block->bytes, block->n};
    size_t at = 0;
    for (const struct log_entry *entry; (entry = log_span_next(&span, &at));) {
        __builtin_prefetch(block->bytes + at + GONE_AHEAD);
        gone(arg, entry);
    }
}

void log_trim(struct log *log, uint64_t committed, size_t n_bytes_max, log_gone *gone, void *arg) {
    while (log->n_bytes > n_bytes_max && log->head != log->tail &&
           log->head->last_seq <= committed) {
        if (gone)
            tell_gone(log->head, gone, arg);
        drop_head(log);
    }
}

struct log_place log_find(const struct log *log, uint64_t seq) {
    struct log_place place = {log->tail, 0}; /* most of those who look are not far behind */
    while (place.block && place.block->prev && place.block->prev->last_seq >= seq)
        place.block = place.block->prev;
    for (struct log_place next = place; place.block; place = next) {
        const struct log_entry *entry = log_next(&next);
        if (!entry || entry->record.seq >= seq)
            break;
    }
    return place;
}

struct log_entry *log_next(struct log_place *place) {
    while (place->block && place->at >= place->block->n && place->block->next)
        *place = (struct log_place){place->block->next, 0};
    if (!place->block || place->at >= place->block->n)
        return NULL;
    struct log_entry *entry = (struct log_entry *)(void *)(place->block->bytes + place->at);
    place->at += entry->size;
    return entry;
}

struct log_entry *log_entry_of(const struct log *log, uint64_t seq) {
    if (seq < log->first_seq)
        return NULL;
    struct log_place place = log_find(log, seq);
    struct log_entry *entry = log_next(&place);
    return entry && entry->record.seq == seq ? entry : NULL;
}

size_t log_spans(struct log_place *place, struct log_span *spans, size_t n_max) {
    size_t n = 0;
    while (place->block && n < n_max) {
        struct log_block *block = place->block;
        if (block->n > place->at)
            spans[n++] = (struct log_span){block->bytes + place->at, block->n - place->at};
        place->at = block->n;
        if (!block->next)
            break;
        *place = (struct log_place){block->next, 0};
    }
    return n;
}
