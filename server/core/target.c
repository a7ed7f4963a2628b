/*
 * To whom a frame is addressed. Most messages go where the one before went, so that is looked at
 * first.
 */

#include <stdio.h>
#include <string.h>

#include "base/distance.h"
#include "base/text.h"
#include "core/internal.h"

#define NEAR_LOOKED_AT_MAX 10000 /* handles; a wrong name must not cost more */
#define NEAR_MAX 3

static bool recall(const struct core *core, const struct session *session, struct bytes to,
                   struct target *target) {
    if (session->last_epoch != core->epoch || !bytes_equal(name_bytes(&session->last_to), to))
        return false;
    *target = (struct target){session->last_handle, session->last_room};
    return target->handle || (target->room && room_is_alive(target->room));
}

static void remember(const struct core *core, struct session *session, struct bytes to,
                     const struct target *target) {
    session->last_epoch = core->epoch;
    session->last_to.n = (uint8_t)to.n;
    memcpy(session->last_to.s, to.data, to.n);
    session->last_handle = target->handle;
    session->last_room = target->room;
}

enum fail_code target_find(struct core *core, struct session *session, struct bytes to,
                           struct target *target) {
    struct name name, key;
    if (recall(core, session, to, target))
        return FAIL_NONE;
    if (name_parse(&name, to) != NAME_OK)
        return FAIL_BAD_NAME;
    name_key(&key, &name);
    *target = (struct target){0};
    if (name_is_room(&name))
        target->room = room_find(core, &key);
    if (target->room && !room_is_alive(target->room))
        target->room = NULL;
    if (!name_is_room(&name))
        target->handle = handle_find(core, &key);
    if (!target->room && !target->handle)
        return name_is_room(&name) ? FAIL_NO_ROOM : FAIL_NO_USER;
    remember(core, session, to, target);
    return FAIL_NONE;
}

/* Near names. */

struct near {
    const struct name *names[NEAR_MAX];
    size_t distances[NEAR_MAX];
    unsigned n;
};

static void consider(struct near *near, const struct name *name, size_t far) {
    unsigned at = near->n < NEAR_MAX ? near->n++ : NEAR_MAX;
    while (at > 0 && near->distances[at - 1] > far) {
        if (at < NEAR_MAX) {
            near->names[at] = near->names[at - 1];
            near->distances[at] = near->distances[at - 1];
        }
        at--;
    }
    if (at < NEAR_MAX) {
        near->names[at] = name;
        near->distances[at] = far;
    }
}

static void find_near(const struct core *core, const struct name *key, struct near *near) {
    unsigned limit = key->n < 4 ? 1 : 2, n_looked_at = 0;
    const struct handle *handle;
    for (handle = core->handles; handle && n_looked_at++ < NEAR_LOOKED_AT_MAX;
         handle = handle->hh.next) {
        size_t far = distance(name_bytes(&handle->key), name_bytes(key));
        bool begins =
            key->n > 1 && handle->key.n > key->n && memcmp(handle->key.s, key->s, key->n) == 0;
        if (far <= limit || begins)
            consider(near, &handle->name, far);
    }
}

/* "; near: alice, alina", as many as fit whole, or nothing. */
static void put_near(const struct core *core, struct bytes to, char *text, size_t size) {
    struct name name, key;
    struct near near = {0};
    size_t n = 0;
    text[0] = '\0';
    if (name_parse(&name, to) != NAME_OK)
        return;
    name_key(&key, &name);
    find_near(core, &key, &near);
    for (unsigned i = 0; i < near.n; i++)
        if (n + near.names[i]->n + 9 < size)
            n += (size_t)snprintf(text + n, size - n, "%s%s",
                                  n ? ", " : "; near: ", near.names[i]->s);
}

static const char *problem_of(enum fail_code code) {
    switch (code) {
    case FAIL_NO_ROOM:
        return "does not exist; somebody must join it first";
    case FAIL_NO_USER:
        return "is nobody's handle; `earshot who --all` shows all of them";
    default:
        return "is neither a handle nor a room";
    }
}

void target_reason(struct core *core, struct bytes to, enum fail_code code, char reason[256]) {
    int n = (int)text_cut(to, NAME_BYTES_MAX);
    n = snprintf(reason, 256, "%.*s %s", n, to.data, problem_of(code));
    if (code == FAIL_NO_USER)
        put_near(core, to, reason + n, 256 - (size_t)n);
}
