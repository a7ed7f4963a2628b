/* Handles: who owns which, which sessions speak for it, whether somebody is there. */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

struct handle *handle_find(struct core *core, const struct name *key) {
    struct handle *handle;
    HASH_FIND(hh, core->handles, key->s, key->n, handle);
    return handle;
}

static struct handle *handle_new(struct core *core, struct user *user, const struct name *name,
                                 const struct name *key) {
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->name = *name;
    handle->key = *key;
    handle->user = user;
    handle->active = core->now;
    HASH_ADD_KEYPTR(hh, core->handles, handle->key.s, handle->key.n, handle);
    user->n_handles++;
    core->epoch++; /* a cached "no such user" is no longer true */
    return handle;
}

enum fail_code handle_claim(struct core *core, struct user *user, const struct name *name,
                            struct handle **handle, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *handle = handle_find(core, &key);
    if (*handle && (*handle)->user == user)
        return FAIL_NONE;
    if (*handle) {
        snprintf(reason, 256, "the handle %s belongs to uid %u; choose another with --name",
                 name->s, (*handle)->user->uid);
        return FAIL_HANDLE_TAKEN;
    }
    if (user->n_handles >= HANDLES_PER_USER_MAX) {
        snprintf(reason, 256, "uid %u owns %u handles already; use one of them", user->uid,
                 user->n_handles);
        return FAIL_LIMIT;
    }
    *handle = handle_new(core, user, name, &key);
    if (!*handle) {
        snprintf(reason, 256, "the hub is out of memory");
        return FAIL_LIMIT;
    }
    return FAIL_NONE;
}

void handle_attach(struct core *core, struct handle *handle, struct session *session) {
    session->handle = handle;
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
