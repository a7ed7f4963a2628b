#include "io/rows.h"

static int row_put_handle(struct store *store, const struct change *change) {
    return store_put_handle(store, &(struct store_handle){.number = change->handle,
                                                          .uid = change->uid,
                                                          .name = name_bytes(&change->name),
                                                          .direct = change->direct,
                                                          .rooms = change->rooms,
                                                          .read = change->read,
                                                          .login = name_bytes(&change->login),
                                                          .seen = change->seen,
                                                          .is_unclaimed = change->is_unclaimed});
}

static int row_put_room(struct store *store, const struct change *change) {
    return store_put_room(
        store, &(struct store_room){.number = change->room,
                                    .creator = change->uid,
                                    .name = name_bytes(&change->name),
                                    .topic = bytes_of(change->topic ? change->topic : ""),
                                    .people = bytes_of(change->people.s),
                                    .form = change->form,
                                    .rules = change->rules,
                                    .owner = change->owner,
                                    .private_since = change->private_since,
                                    .group = name_bytes(&change->group),
                                    .is_closed = (change->rules & ROOM_CLOSED) != 0});
}

static int row_put_admission(struct store *store, const struct change *change) {
    return store_put_admission(store, &(struct store_admission){.room = change->room,
                                                                .handle = change->handle,
                                                                .payer = change->uid,
                                                                .after = change->seq,
                                                                .has_joined = change->has_joined,
                                                                .name = name_bytes(&change->name)});
}

static int row_put_sanction(struct store *store, const struct change *change) {
    return store_put_sanction(
        store, &(struct store_sanction){.uid = change->uid,
                                        .what = change->sanction,
                                        .until_ms = change->until_ms,
                                        .rate = change->rate,
                                        .by = change->by,
                                        .by_name = name_bytes(&change->name),
                                        .why = bytes_of(change->topic ? change->topic : "")});
}

static int row_put_room_order(struct store *store, const struct change *change) {
    return store_put_room_order(store,
                                &(struct store_room_order){.room = change->room,
                                                           .uid = change->uid,
                                                           .what = change->sanction,
                                                           .handle = change->handle,
                                                           .until_ms = change->until_ms,
                                                           .by = change->by,
                                                           .by_name = name_bytes(&change->name),
                                                           .why = bytes_of(change->topic)});
}

int rows_put(struct store *store, const struct change *change) {
    switch (change->what) {
    case CHANGE_HANDLE:
        return row_put_handle(store, change);
    case CHANGE_ROOM:
        return row_put_room(store, change);
    case CHANGE_NO_ROOM:
        return store_remove_room(store, change->room);
    case CHANGE_MEMBER:
        return store_put_member(store,
                                &(struct store_member){change->room, change->handle, change->seq});
    case CHANGE_NO_MEMBER:
        return store_remove_member(store, change->room, change->handle);
    case CHANGE_ADMISSION:
        return row_put_admission(store, change);
    case CHANGE_NO_ADMISSION:
        return store_remove_admission(store, change->room, change->handle);
    case CHANGE_FORGET:
        return store_put_forgotten(store, change->handle, change->conv, change->seq);
    case CHANGE_MARK:
        return store_put_mark(store,
                              &(struct store_mark){change->handle, change->conv, change->seq});
    case CHANGE_SANCTION:
        return row_put_sanction(store, change);
    case CHANGE_ROOM_ORDER:
        return row_put_room_order(store, change);
    case CHANGE_NO_ROOM_ORDER:
        return store_remove_room_order(store, change->room, change->uid, change->sanction);
    case CHANGE_PIN:
        return store_put_pin(store, &(struct store_pin){.handle = change->handle,
                                                        .conv = change->conv,
                                                        .seq = change->seq,
                                                        .by = change->by,
                                                        .at_ms = change->until_ms});
    case CHANGE_NO_PIN:
        return store_remove_pin(store, change->handle, change->seq);
    case CHANGE_NO_SANCTION:
        return store_remove_sanction(store, change->uid, change->sanction);
    }
    return 0;
}
