/*
 * Forgetting. Who forgets a direct conversation does not see in it what was said up to then. The
 * store keeps that for ever; what lies in the log in memory is hidden by a place for each handle
 * and conversation, so that forgetting costs the same whatever there is to be forgotten. The
 * places stand in the order in which they were set, and one is needed until the log has let go of
 * everything before it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

struct forgotten_key {
    conv_number conv;
    uint64_t handle; /* its number */
};

struct forgotten {
    struct forgotten_key key;
    uint64_t upto;
    struct user *user; /* who is charged */
    struct forgotten *next, *prev;
    UT_hash_handle hh;
};

static struct forgotten *forgotten_find(const struct core *core, uint32_t handle,
                                        conv_number conv) {
    struct forgotten_key key = {conv, handle};
    struct forgotten *forgotten;
    HASH_FIND(hh, core->forgotten, &key, sizeof key, forgotten);
    return forgotten;
}

bool forget_has(const struct core *core, uint32_t handle, const struct record *record) {
    if (!core->forgotten || conv_is_room(record->conv))
        return false;
    const struct forgotten *forgotten = forgotten_find(core, handle, record->conv);
    return forgotten && record->seq <= forgotten->upto;
}

static void forgotten_free(struct core *core, struct forgotten *forgotten) {
    assert(core->forgotten);
    HASH_DEL(core->forgotten, forgotten);
    DL_DELETE(core->forgotten_first, forgotten);
    account_give_back(&forgotten->user->account, ACCOUNT_MEMORY, sizeof *forgotten);
    free(forgotten);
}

/* The log does not have any of it any more. */
static void drop_needless(struct core *core) {
    while (core->forgotten_first && core->forgotten_first->upto < core->log.first_seq)
        forgotten_free(core, core->forgotten_first);
}

static struct forgotten *forgotten_new(struct core *core, const struct handle *handle,
                                       conv_number conv) {
    struct forgotten *forgotten = calloc(1, sizeof *forgotten);
    if (!forgotten)
        return NULL;
    forgotten->key = (struct forgotten_key){conv, handle->number};
    forgotten->user = handle->user;
    HASH_ADD(hh, core->forgotten, key, sizeof forgotten->key, forgotten);
    if (!forgotten->hh.tbl) {
        free(forgotten);
        return NULL;
    }
    DL_APPEND(core->forgotten_first, forgotten);
    account_spend(&handle->user->account, ACCOUNT_MEMORY, sizeof *forgotten);
    return forgotten;
}

bool forget_make_place(struct core *core, const struct handle *handle, conv_number conv,
                       char reason[256]) {
    drop_needless(core);
    if (forgotten_find(core, handle->number, conv))
        return true;
    if (!user_may_charge(handle->user, sizeof(struct forgotten), reason))
        return false;
    if (forgotten_new(core, handle, conv))
        return true;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return false;
}

void forget_drop_place(struct core *core, const struct handle *handle, conv_number conv) {
    struct forgotten *forgotten = forgotten_find(core, handle->number, conv);
    if (forgotten && forgotten->upto == 0)
        forgotten_free(core, forgotten);
}

void forget_now(struct core *core, const struct handle *handle, conv_number conv) {
    struct forgotten *forgotten = forgotten_find(core, handle->number, conv);
    forgotten->upto = core->seq;
    DL_DELETE(core->forgotten_first, forgotten);
    DL_APPEND(core->forgotten_first, forgotten);
}

void forget_deinit(struct core *core) {
    while (core->forgotten_first)
        forgotten_free(core, core->forgotten_first);
}
