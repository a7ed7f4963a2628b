/* Who and what is meant: by the name that somebody wrote, and by the numbers of a record. */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/internal.h"

/* By number. */

struct handle *handle_of_number(const struct core *core, uint32_t number) {
    struct handle *handle;
    HASH_FIND(hh_number, core->handles_by_number, &number, sizeof number, handle);
    return handle;
}

struct room *room_of_number(const struct core *core, uint32_t number) {
    struct room *room;
    HASH_FIND(hh_number, core->rooms_by_number, &number, sizeof number, room);
    return room;
}

uint32_t number_next(const struct core *core, uint32_t last, uint32_t max, unsigned n_used,
                     bool (*is_used)(const struct core *core, uint32_t number)) {
    if (core->config.numbers_max)
        max = core->config.numbers_max;
    if (n_used >= max)
        return 0;
    do
        last = last < max ? last + 1 : 1;
    while (is_used(core, last));
    return last;
}

static struct bytes name_of_sender(const struct core *core, const struct record *record) {
    const struct handle *from = handle_of_number(core, record->from);
    return from ? name_bytes(&from->name) : (struct bytes){0};
}

static struct bytes name_of_target(const struct core *core, const struct user *user,
                                   const struct record *record, struct name *name) {
    if (conv_is_room(record->conv)) {
        const struct room *room = room_of_number(core, record->to);
        return room ? room_name_for(user, room, name) : (struct bytes){0};
    }
    const struct handle *to = handle_of_number(core, record->to);
    return to ? name_bytes(&to->name) : (struct bytes){0};
}

bool names_of(const struct core *core, const struct user *user, const struct record *record,
              struct names *names) {
    names->from = name_of_sender(core, record);
    names->to = name_of_target(core, user, record, &names->room);
    return names->from.n > 0 && names->to.n > 0;
}

/* Sessions. */

struct session *core_session(struct core *core, uint64_t number) {
    uint64_t slot = number & SESSION_SLOT_MASK;
    struct session *session = slot < core->n_slots ? core->slots[slot] : NULL;
    return session && session->number == number && !session->dead ? session : NULL;
}

struct session *session_of_link(struct core *core, uid_t uid, uint64_t link) {
    struct user *user;
    struct session *session;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    if (!user)
        return NULL;
    HASH_FIND(hh_link, user->links, &link, sizeof link, session);
    return session;
}

/* By name. */

struct handle *handle_find(struct core *core, const struct name *key) {
    struct handle *handle;
    HASH_FIND(hh, core->handles, key->s, key->n, handle);
    return handle;
}

struct room *room_find(const struct core *core, const struct name *key) {
    struct room *room;
    HASH_FIND(hh, core->rooms, key->s, key->n, room);
    return room;
}

struct membership *membership_find(const struct handle *handle, const struct room *room) {
    struct membership *membership;
    HASH_FIND_PTR(handle->memberships_by_room, &room, membership);
    return membership;
}

/* The new name of a handle or a room whose name is taken away. */

#define AWAY_TRIES 1000

/* "alice.1001", or with a count; "was.1001" for a name that is too long for that. */
bool name_set_aside(struct core *core, const struct name *was, uid_t uid, struct name *name,
                    struct name *key) {
    bool is_room = name_is_room(was);
    for (unsigned i = 1; i <= AWAY_TRIES; i++) {
        const char *base = was->s;
        for (int tries = 0; tries < 2; tries++, base = is_room ? "#was" : "was") {
            char text[2 * NAME_BYTES_MAX], count[16] = "";
            if (i > 1)
                snprintf(count, sizeof count, ".%u", i);
            snprintf(text, sizeof text, "%s.%u%s", base, uid, count);
            if (name_parse(name, bytes_of(text)) == NAME_OK)
                break;
        }
        name_key(key, name);
        bool is_used = is_room ? room_find(core, key) != NULL : handle_find(core, key) != NULL;
        if (name->n > 0 && !is_used)
            return true;
    }
    return false;
}

/* Targets. Most messages go where the one before went, so that is looked at first. */

/* The target found last, if it is spelled in the same way. */
static bool target_recall(const struct core *core, const struct session *session, struct bytes to,
                          struct target *target) {
    const struct target *last = &session->last_target;
    if (session->last_epoch != core->epoch || (!last->handle && !last->room) ||
        (last->room && !room_is_alive(last->room)) ||
        !bytes_equal(name_bytes(last->room ? &last->room->name : &last->handle->name), to))
        return false;
    *target = *last;
    return true;
}

/* What somebody calls otherwise than it is called is looked up each time. */
static void target_remember(const struct core *core, struct session *session, struct bytes to,
                            const struct target *target) {
    if (target->room && !bytes_equal(name_bytes(&target->room->name), to))
        return;
    session->last_epoch = core->epoch;
    session->last_target = *target;
}

/* An administrator may find a private room by its owner, but not what is said there. */
static bool target_is_for(const struct core *core, const struct session *session,
                          const struct room *room) {
    return room_is_alive(room) &&
           (room->form == ROOM_OPEN ||
            core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED);
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
        target->room = room_find_for(core, session->user, &key);
    if (target->room && !target_is_for(core, session, target->room))
        target->room = NULL;
    if (!name_is_room(&name))
        target->handle = handle_find(core, &key);
    if (!target->room && !target->handle)
        return name_is_room(&name) ? FAIL_NO_ROOM : FAIL_NO_USER;
    target_remember(core, session, to, target);
    return FAIL_NONE;
}

static const char *problem_of(enum fail_code code) {
    switch (code) {
    case FAIL_NO_ROOM:
        return "is no room; whoever first joins it or writes to it makes it";
    case FAIL_NO_USER:
        return "is nobody's handle; `earshot who --all` shows all of them";
    default:
        return "is neither a handle nor a room";
    }
}

void target_reason(struct bytes to, enum fail_code code, char reason[256]) {
    int n = (int)text_cut(to, NAME_BYTES_MAX);
    bool is_people = code == FAIL_NO_ROOM && memchr(to.data, NAME_PEOPLE_SIGN, to.n);
    snprintf(reason, 256, "%.*s %s", n, to.data,
             is_people ? "is no direct conversation of yours" : problem_of(code));
}
