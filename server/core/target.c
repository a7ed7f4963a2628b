/*
 * To whom a frame is addressed. Most messages go where the one before went, so that is looked at
 * first.
 */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/internal.h"

/* Whoever spells it in another way is looked for each time. */
static bool target_recall(const struct core *core, const struct session *session, struct bytes to,
                          struct target *target) {
    if (session->last_epoch != core->epoch)
        return false;
    *target = session->last_target;
    if (target->handle)
        return bytes_equal(name_bytes(&target->handle->name), to);
    return target->room && room_is_alive(target->room) &&
           bytes_equal(name_bytes(&target->room->name), to);
}

static void target_remember(const struct core *core, struct session *session,
                            const struct target *target) {
    session->last_epoch = core->epoch;
    session->last_target = *target;
}

enum fail_code target_find(struct core *core, struct session *session, struct bytes to,
                           struct target *target) {
    struct name name, key;
    if (target_recall(core, session, to, target))
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
    target_remember(core, session, target);
    return FAIL_NONE;
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

void target_reason(struct bytes to, enum fail_code code, char reason[256]) {
    int n = (int)text_cut(to, NAME_BYTES_MAX);
    snprintf(reason, 256, "%.*s %s", n, to.data, problem_of(code));
}
