/* What is written of an object that has changed: a row of it, as it is now. */

#include <string.h>

#include "core/internal.h"
#include "core/past/pin.h"
#include "core/room/people.h"

void row_of_handle(struct change *row, const struct handle *handle) {
    row->what = CHANGE_HANDLE;
    row->handle = handle->number;
    row->uid = handle->user->uid;
    row->name = handle->name;
    row->login = handle->login;
    row->direct = handle->direct;
    row->rooms = handle->rooms;
    row->read = handle->read;
    row->seen = handle->seen;
    row->is_unclaimed = handle->is_unclaimed;
}

static bool row_of_room(struct change *row, const struct room *room) {
    row->what = CHANGE_ROOM;
    row->room = room->number;
    row->uid = room->creator->uid;
    row->name = room->name;
    row->topic = room->topic ? strdup(room->topic) : NULL;
    row->owner = room->owner ? room->owner->number : 0;
    row->form = room->form;
    row->rules = room_rules(room);
    row->private_since = room->private_since;
    row->group = room->group;
    people_text(room->people, &row->people);
    return !room->topic || row->topic;
}

static void row_of_member(struct change *row, const struct membership *membership) {
    row->what = CHANGE_MEMBER;
    row->seq = membership->since;
}

static bool row_of_sanction(struct core *core, const struct dirty_key *key, struct change *row) {
    const struct sanction *sanction =
        sanction_find(core_user(core, key->handle), (enum sanction_what)key->place);
    row->what = sanction ? CHANGE_SANCTION : CHANGE_NO_SANCTION;
    row->handle = row->room = 0;
    row->uid = key->handle;
    row->sanction = (uint8_t)key->place;
    if (!sanction)
        return true;
    row->until_ms = sanction->until_ms;
    row->rate = sanction->rate;
    row->by = sanction->by;
    row->name = sanction->by_name;
    row->topic = strdup(sanction->why);
    return row->topic != NULL;
}

static bool row_of_room_order(struct core *core, const struct dirty_key *key, struct change *row) {
    const struct room *room = room_of_number(core, (uint32_t)key->place);
    struct room_order_key order_key = {key->handle, (uint32_t)(key->place >> DIRTY_PLACE_BITS)};
    const struct room_order *order = NULL;
    if (room && room->orders)
        HASH_FIND(hh, room->orders, &order_key, sizeof order_key, order);
    row->what = order ? CHANGE_ROOM_ORDER : CHANGE_NO_ROOM_ORDER;
    row->room = (uint32_t)key->place;
    row->uid = key->handle;
    row->sanction = (uint8_t)order_key.what;
    if (!order)
        return true;
    row->handle = order->handle;
    row->until_ms = order->until_ms;
    row->by = order->by;
    row->name = order->by_name;
    row->topic = strdup(order->why);
    return row->topic != NULL;
}

/* By this handle; another one may have been invited since. */
static const struct admission *admission_by(const struct handle *handle, const struct room *room) {
    const struct admission *admission = room ? admission_find(handle->user, room) : NULL;
    return admission && admission->handle == handle ? admission : NULL;
}

static void row_of_admission(struct change *row, const struct admission *admission) {
    row->what = CHANGE_ADMISSION;
    row->uid = admission->payer->uid;
    row->seq = admission->after;
    row->has_joined = admission->has_joined;
    if (admission->has_joined && !name_is_same(&admission->name, &admission->room->name))
        row->name = admission->name;
}

bool row_fill(struct core *core, const struct dirty_key *key, uint64_t upto, struct change *row) {
    if (key->what == CHANGE_SANCTION)
        return row_of_sanction(core, key, row);
    if (key->what == CHANGE_ROOM_ORDER)
        return row_of_room_order(core, key, row);
    if (key->what == CHANGE_PIN)
        return pin_row(core, key, row);
    const struct handle *handle = handle_of_number(core, key->handle);
    const struct room *room = room_of_number(core, (uint32_t)key->place);
    const struct membership *membership;
    row->handle = key->handle;
    row->room = (uint32_t)key->place;
    switch ((enum change_what)key->what) {
    case CHANGE_HANDLE:
        row_of_handle(row, handle);
        return true;
    case CHANGE_ROOM:
        row->what = CHANGE_NO_ROOM;
        return room && room_is_kept(room) ? row_of_room(row, room) : true;
    case CHANGE_MEMBER:
        row->what = CHANGE_NO_MEMBER;
        membership = room ? membership_find(handle, room) : NULL;
        if (membership && membership->joined)
            row_of_member(row, membership);
        return true;
    case CHANGE_ADMISSION:
        row->what = CHANGE_NO_ADMISSION;
        if (admission_by(handle, room))
            row_of_admission(row, admission_by(handle, room));
        return true;
    default:
        row->what = CHANGE_FORGET;
        row->conv = key->place;
        row->seq = upto;
        return true;
    }
}
