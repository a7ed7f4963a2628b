/*
 * A message that arrives in parts (see FRAME_MORE_PARTS), live or of the past. There is one at a
 * time; a new one, or a part that does not fit, drops the unfinished one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/frame.h"

struct assembly {
    struct frame_message message; /* its views point into the buffer; the body grows */
    uint32_t request;             /* whose answer it is; 0: it is none */
    uint8_t flags;
    bool active;
    char *buffer; /* from, to, body */
    size_t size;
};

void assembly_deinit(struct assembly *assembly);

/* Forgets the unfinished message. */
void assembly_drop(struct assembly *assembly);

/* Begins with the first part; request: see above. 0 or -ENOMEM. */
int assembly_begin(struct assembly *assembly, const struct frame_message *first, uint8_t flags,
                   uint32_t request);

enum assembly_outcome {
    ASSEMBLY_WHOLE = 0, /* this was the last part: assembly->message is complete */
    ASSEMBLY_MORE,
    ASSEMBLY_DROPPED, /* it does not belong to a message, or its length does not fit */
};

enum assembly_outcome assembly_add(struct assembly *assembly, const struct frame *part);
