/*
 * The messages that came last. A hub that was killed may deliver a message again that it had
 * delivered and not yet stored: its sender sends it again, and it gets another sequence number. So
 * after the hub came back, a message is dropped when it is among these. It is known by its id and
 * the uid of its sender: anybody may give a message the id of somebody else's.
 *
 * As long as the hub lives nothing is looked for, so a message costs 20 bytes and nothing else;
 * received_index() sorts what there is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/uuid.h"

#define RECEIVED_MAX 8192

struct received_message {
    uint32_t uid; /* of its sender */
    struct uuid id;
};

struct received {
    struct received_message *ring; /* NULL: nothing was noted yet */
    size_t n, next;
    struct received_message *sorted; /* NULL: nobody has to look */
    size_t n_sorted;
};

/* Safe on the zero state. */
void received_deinit(struct received *received);

/* Without memory it is not noted. */
void received_note(struct received *received, uint32_t uid, const struct uuid *id);

/* Whatever was noted until now may come again. 0 or -ENOMEM. */
int received_index(struct received *received);

/* Whether it was noted before the last received_index(). */
bool received_has(const struct received *received, uint32_t uid, const struct uuid *id);
