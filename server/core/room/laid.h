/* What order in a room lays on its users. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "proto/frame.h"
#include "proto/name.h"

struct user;

/* What was laid on a user in a room, or given to him there, see order.c. */
struct room_order_key {
    uint32_t uid;
    uint32_t what; /* enum laid_what */
};

struct room_order {
    struct room_order_key key;
    uint32_t handle;  /* the number of the one that he was named by; 0: by his uid */
    int64_t until_ms; /* of the wall clock; 0: until it is undone */
    uid_t by;
    struct name by_name; /* the handle, as it was */
    char why[ORDER_REASON_MAX + 1];
    struct user *payer; /* of its memory */
    UT_hash_handle hh;
};
#define ROOM_ORDER_BYTES (sizeof(struct room_order) + 96)
