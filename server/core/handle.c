/* Handles: who owns which, which sessions speak for it, whether somebody is there. */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

struct handle *handle_find(struct core *core, const struct name *key) {
    struct handle *handle;
    HASH_FIND(hh, core->handles, key->s, key->n, handle);
    return handle;
}

/* Numbers go round: after the greatest one comes the first that is free. 0: none is. */
static uint32_t handle_number_next(const struct core *core) {
    uint32_t max = core->config.numbers_max ? core->config.numbers_max : HANDLE_NUMBER_MAX;
    uint32_t number = core->last_handle;
    if (HASH_CNT(hh_number, core->handles_by_number) >= max)
        return 0;
    do
        number = number < max ? number + 1 : 1;
    while (handle_of_number(core, number));
    return number;
}

static struct handle *handle_new(struct core *core, struct user *user, const struct name *name,
                                 const struct name *key, uint32_t number) {
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->name = *name;
    handle->key = *key;
    handle->user = user;
    handle->active = core->now;
    handle->number = core->last_handle = number;
    handle->direct = handle->rooms = handle->read = core->seq;
    HASH_ADD_KEYPTR(hh, core->handles, handle->key.s, handle->key.n, handle);
    if (handle->hh.tbl)
        HASH_ADD(hh_number, core->handles_by_number, number, sizeof handle->number, handle);
    if (!handle->hh_number.tbl) {
        if (handle->hh.tbl)
            HASH_DELETE(hh, core->handles, handle);
        free(handle);
        return NULL;
    }
    account_spend(&user->account, ACCOUNT_HANDLES, 1);
    core->epoch++; /* a cached "no such user" is no longer true */
    return handle;
}

enum fail_code handle_claim(struct core *core, struct user *user, const struct name *name,
                            struct handle **handle, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *handle = handle_find(core, &key);
    if (*handle && (*handle)->user == user && (*handle)->number > HANDLE_NUMBER_MAX) {
        snprintf(reason, 256, "the handle %s has a number that is too great; use another handle",
                 name->s);
        return FAIL_LIMIT;
    }
    if (*handle && (*handle)->user == user) {
        persist_await_handle(core, *handle);
        return FAIL_NONE;
    }
    if (*handle) {
        snprintf(reason, 256, "the handle %s belongs to uid %u; choose another with --name",
                 name->s, (*handle)->user->uid);
        return FAIL_HANDLE_TAKEN;
    }
    if (account_left(&user->account, ACCOUNT_HANDLES) == 0) {
        account_refuse(&user->account, ACCOUNT_HANDLES, reason);
        return FAIL_LIMIT;
    }
    uint32_t number = handle_number_next(core);
    if (number == 0) {
        snprintf(reason, 256, "the hub has as many handles as it can number; use another one");
        return FAIL_LIMIT;
    }
    *handle = handle_new(core, user, name, &key, number);
    if (*handle && persist_handle(core, *handle))
        return FAIL_NONE;
    if (*handle) /* what it says could not be shown after a restart */
        handle_free(core, *handle);
    snprintf(reason, 256, "the hub is out of memory");
    return FAIL_LIMIT;
}

void handle_free(struct core *core, struct handle *handle) {
    news_forget_handle(core, handle);
    HASH_DELETE(hh, core->handles, handle);
    HASH_DELETE(hh_number, core->handles_by_number, handle);
    account_give_back(&handle->user->account, ACCOUNT_HANDLES, 1);
    free(handle->away);
    free(handle);
}

int core_restore_handle(struct core *core, uint32_t number, uid_t uid, struct bytes text,
                        uint64_t direct, uint64_t rooms, uint64_t read) {
    struct name name, key;
    struct user *user = core_user(core, uid);
    if (name_parse(&name, text) != NAME_OK || name_is_room(&name))
        return -EINVAL;
    name_key(&key, &name);
    if (handle_find(core, &key) || handle_of_number(core, number))
        return -EEXIST;
    if (number == 0)
        return -EINVAL;
    uint32_t last = core->last_handle;
    struct handle *handle = user ? handle_new(core, user, &name, &key, number) : NULL;
    if (last > core->last_handle)
        core->last_handle = last;
    if (!handle)
        return -ENOMEM;
    handle->direct = direct;
    handle->rooms = rooms;
    handle->read = read;
    handle->last_direct = core->seq; /* nobody knows; at the first join the store is asked */
    return 0;
}

void handle_attach(struct core *core, struct handle *handle, struct session *session,
                   uint64_t after) {
    session->handle = handle;
    feed_begin(core, session, after);
    DL_APPEND2(handle->sessions, session, prev_of_handle, next_of_handle);
    handle->active = core->now;
    if (!(session->abilities & ABILITY_LISTEN))
        return;
    handle->n_listening++;
    room_attach_all(core, session);
    news_presence(core, handle);
}

void handle_detach(struct core *core, struct session *session) {
    struct handle *handle = session->handle;
    DL_DELETE2(handle->sessions, session, prev_of_handle, next_of_handle);
    if (!(session->abilities & ABILITY_LISTEN))
        return;
    handle->n_listening--;
    news_presence(core, handle);
}

enum presence handle_presence(const struct handle *handle) {
    if (handle->n_listening == 0)
        return PRESENCE_OFFLINE;
    return handle->away ? PRESENCE_AWAY : PRESENCE_ONLINE;
}

enum fail_code handle_set_away(struct core *core, struct handle *handle, bool away,
                               struct bytes reason) {
    char *text = away ? strndup(reason.n > 0 ? reason.data : "", reason.n) : NULL;
    if (away && !text)
        return FAIL_LIMIT;
    free(handle->away);
    handle->away = text;
    news_presence(core, handle);
    return FAIL_NONE;
}
