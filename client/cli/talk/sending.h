/*
 * Messages on their way: what `send` has handed over, and how far each one has come.
 *
 * Single messages are followed only where somebody wants to know about them: with --json, or to
 * wait for delivery. Else the library's count of unacknowledged messages is enough.
 */
#pragma once

#include "base/bytes.h"
#include "cli/options.h"
#include "cli/records.h"

struct sending_item {
    struct cli_sent sent;
    bool stored; /* acknowledged by the hub; a receipt can be faster than this */
    bool done;   /* printed, or refused */
};

struct sending {
    const struct cli_options *options;
    earshot *link;
    struct sending_item *items;
    size_t n_items, first_open; /* every item before first_open is done */
    size_t n_open;              /* items that are not done */
    bool is_stream;             /* of many messages: only the first refusal is reported singly */
    unsigned long long n_refused;
    bool lost; /* the hub is gone just now */
    int code;  /* of the first message that was refused */
};

/*
 * Receipts that a sender does not take in time are dropped by the hub, so no more messages than
 * this are under way to where --wait delivered or read wants to see them.
 */
#define SENDING_RECEIPTS_MAX 128

/*
 * Hands one message over; `more` says that another follows at once. All functions return an exit
 * code after reporting the error, or CLI_CLOSED. A refused message is no error of theirs: it is
 * reported and leaves its exit code in sending->code.
 */
int sending_put(struct sending *sending, const char *to, struct bytes text, bool more);

/* Sends what was gathered and takes the answers that have come. */
int sending_flush(struct sending *sending);

/* Flushes and waits until every message has come as far as --wait says. */
int sending_finish(struct sending *sending);

void sending_free(struct sending *sending);
