#include "lib/receipts.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* what could not be added has no hh.tbl */
#include <uthash.h>

struct receipt {
    struct uuid id;
    UT_hash_handle hh;
    uint8_t n;
    char to[]; /* as a key */
};

static void receipt_free(struct receipts *receipts, struct receipt *receipt) {
    HASH_DEL(receipts->all, receipt);
    free(receipt);
}

void receipts_deinit(struct receipts *receipts) {
    while (receipts->all)
        receipt_free(receipts, receipts->all);
}

static struct receipt *receipt_find(const struct receipts *receipts, const struct uuid *id) {
    struct receipt *receipt;
    HASH_FIND(hh, receipts->all, id, sizeof *id, receipt);
    return receipt;
}

void receipts_want(struct receipts *receipts, const struct uuid *id, const struct name *to) {
    struct name key;
    name_key(&key, to);
    receipts_drop(receipts, id); /* sent again, to whom it is now */
    struct receipt *receipt = calloc(1, sizeof *receipt + key.n);
    if (!receipt)
        return;
    if (HASH_COUNT(receipts->all) >= RECEIPTS_MAX)
        receipt_free(receipts, receipts->all);
    receipt->id = *id;
    receipt->n = key.n;
    memcpy(receipt->to, key.s, key.n);
    HASH_ADD(hh, receipts->all, id, sizeof receipt->id, receipt);
    if (!receipt->hh.tbl)
        free(receipt);
}

void receipts_drop(struct receipts *receipts, const struct uuid *id) {
    struct receipt *receipt = receipt_find(receipts, id);
    if (receipt)
        receipt_free(receipts, receipt);
}

static bool is_recipient(const struct receipt *receipt, struct bytes by) {
    struct name name, key;
    if (name_parse(&name, by) != NAME_OK || name_is_room(&name))
        return false;
    name_key(&key, &name);
    return bytes_equal(name_bytes(&key), (struct bytes){receipt->to, receipt->n});
}

bool receipts_take(struct receipts *receipts, const struct frame_state *state, uint8_t flags) {
    struct receipt *receipt = receipt_find(receipts, &state->id);
    if (!receipt || state->state < STATE_DELIVERED)
        return false;
    if (receipt->to[0] == '#')
        return true;
    if (!(flags & FRAME_RECIPIENT) && !is_recipient(receipt, state->by))
        return false;
    if (state->state == STATE_READ)
        receipt_free(receipts, receipt);
    return true;
}
