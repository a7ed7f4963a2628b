/*
 * A message that arrives in parts (see FRAME_MORE_PARTS), live or of the past. There is one at a
 * time; a new one, or a part that does not fit, drops the unfinished one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/frame.h"

struct reassembly {
    struct frame_message message; /* its views point into the buffer; the body grows */
    uint32_t request;             /* whose answer it is; 0: it is none */
    uint8_t flags;
    bool active;
    char *buffer; /* from, to, body */
    size_t size;
};

void reassembly_deinit(struct reassembly *reassembly);

/* Forgets the unfinished message. */
void reassembly_drop(struct reassembly *reassembly);

/* Begins with the first part; request: see above. 0 or -ENOMEM. */
int reassembly_begin(struct reassembly *reassembly, const struct frame_message *first,
                     uint8_t flags, uint32_t request);

enum reassembly_outcome {
    REASSEMBLY_WHOLE = 0, /* this was the last part: reassembly->message is complete */
    REASSEMBLY_MORE,
    REASSEMBLY_DROPPED, /* it does not belong to a message, or its length does not fit */
};

enum reassembly_outcome reassembly_add(struct reassembly *reassembly, const struct frame *part);
