/*
 * What has come and was not handed to the program yet, in order: batches, and notes, which are
 * events that the link makes itself (the hub is lost) or had to take out of a batch early (see
 * incoming.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/queue.h"
#include "lib/earshot.h"
#include "proto/frame.h"
#include "proto/name.h"

/* Past these the program must take events before it can send. */
#define INBOX_BATCHES_MAX 64
#define INBOX_NOTES_MAX 4096

#define NOTE_REASON_SIZE 512

struct inbox_item {
    struct inbox_item *next;
    bool is_note;
};

struct inbox_batch {
    struct inbox_item item;
    size_t n; /* bytes received */
    struct cursor_in in;
    uint16_t n_frames; /* not taken yet */
    uint64_t session;
    bool absorbed; /* acknowledgements in it were dealt with already */
    struct queue_message message;
};

struct inbox_note {
    struct inbox_item item;
    struct earshot_event event;
    uint64_t seq; /* BACK: what had been received before */
    char to[NAME_BYTES_MAX + 1];
    char reason[NOTE_REASON_SIZE];
};

struct inbox {
    struct inbox_item *head, *tail;
    size_t n_batches, n_notes;
};

static inline struct inbox_batch *item_batch(struct inbox_item *item) {
    return (struct inbox_batch *)item;
}

static inline struct inbox_note *item_note(struct inbox_item *item) {
    return (struct inbox_note *)item;
}

void inbox_append(struct inbox *inbox, struct inbox_item *item);

/* The oldest item, which the caller now owns; NULL when there is none. */
struct inbox_item *inbox_take(struct inbox *inbox);

void inbox_deinit(struct inbox *inbox);

static inline bool inbox_is_full(const struct inbox *inbox) {
    return inbox->n_batches >= INBOX_BATCHES_MAX || inbox->n_notes >= INBOX_NOTES_MAX;
}

/* A note of this type; NULL when memory is out. */
struct inbox_note *note_new(enum earshot_event_type type);

/* The reason, cut to what fits. */
void note_set_reason(struct inbox_note *note, struct bytes reason);
