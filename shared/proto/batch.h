/* A batch as msgsnd(2) takes it: the type, then the envelope and the frames. */
#pragma once

#include "proto/frame.h"

struct queue_message {
    long mtype;
    uint8_t data[BATCH_BYTES_MAX];
};
