/* What a room is about. Whoever set it pays for it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/name.h"
#include "core/room/order.h"
#include "core/room/room.h"

void room_drop_topic(struct room *room) {
    if (room->topic)
        user_give_back(room->topic_payer, TEXT_BYTES(strlen(room->topic)));
    free(room->topic);
    room->topic = NULL;
}

static void room_put_topic(struct room *room, struct user *payer, char *topic) {
    room->topic = topic;
    room->topic_payer = payer;
    if (topic)
        account_spend(&payer->account, ACCOUNT_MEMORY, TEXT_BYTES(strlen(topic)));
}

static bool room_set_topic(struct room *room, struct user *user, struct bytes text,
                           char reason[256]) {
    char *topic = NULL;
    bool is_his = room->topic && room->topic_payer == user;
    size_t old = is_his ? TEXT_BYTES(strlen(room->topic)) : 0;
    size_t new = text.n > 0 ? TEXT_BYTES(text.n) : 0;
    if (new > old && !user_may_charge(user, new - old, reason))
        return false;
    if (text.n > 0 && !(topic = strndup(text.data, text.n))) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return false;
    }
    room_drop_topic(room);
    room_put_topic(room, user, topic);
    return true;
}

/* It was there before, so it is taken over even beyond the limit of its creator. */
int room_restore_topic(struct room *room, struct bytes text) {
    room_drop_topic(room);
    if (text.n == 0)
        return 0;
    char *topic = strndup(text.data, text.n);
    if (!topic)
        return -ENOMEM;
    room_put_topic(room, room->creator, topic);
    return 0;
}

void room_receive_topic(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->topic.request;
    struct bytes text = frame->topic.topic;
    struct room *room = room_named(core, session, request, frame->topic.room);
    if (!room)
        return;
    char reason[256];
    if (core_permission(core, session, room, ACT_SET_TOPIC) != PERMISSION_ALLOWED) {
        enum fail_code code = room_refuse_topic(core, session, room, reason);
        session_fail(core, session, request, code, reason);
        return;
    }
    if (!membership_find(session->handle, room)) {
        session_fail(core, session, request, FAIL_NOT_MEMBER, TOPIC_NOT_MEMBER);
        return;
    }
    if (!persist_may_change(core, session->user, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    snprintf(reason, sizeof reason, "the hub is out of memory; try again later");
    /* The row that is written has what the topic is then: a mark too many does no harm. */
    if (!persist_room(core, session->user, room) ||
        !room_set_topic(room, session->user, text, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    news_topic(core, session->handle, room);
    persist_answer(core, session, request);
}
