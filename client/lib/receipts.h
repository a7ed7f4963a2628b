/*
 * The messages of a link that want receipts, and to whom they were sent: who may say that one was
 * delivered or read. A receipt comes from whoever knows the link's number, which every recipient
 * of any message does. Of a message to a handle only the word of whom it was for counts: whoever
 * has that name, or who the hub says it was, when he or the handle has got another name meanwhile.
 * Of one to a room everybody's who knows its id, which only the room was told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/uuid.h"
#include "proto/frame.h"
#include "proto/name.h"

#define RECEIPTS_MAX 16384 /* then the oldest are given up */

struct receipt;

/* Zero is empty. */
struct receipts {
    struct receipt *all; /* oldest first */
};

void receipts_deinit(struct receipts *receipts);

/* A message was sent. Without memory its receipts are not believed. */
void receipts_want(struct receipts *receipts, const struct uuid *id, const struct name *to);

/* Nothing more is to come for it. */
void receipts_drop(struct receipts *receipts, const struct uuid *id);

/* Whether `by` may say this; `flags` of the frame. What it has read it cannot say anything of any
 * more. */
bool receipts_take(struct receipts *receipts, const struct frame_state *state, uint8_t flags);
