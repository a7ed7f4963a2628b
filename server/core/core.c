#include "core/core.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/macro.h"
#include "core/internal.h"
#include "core/past/pin.h"
#include "core/past/react.h"
#include "core/room/name.h"
#include "core/room/order.h"
#include "core/room/people.h"

int core_init(struct core *core, const struct core_config *config, mono_time now) {
    *core = (struct core){.config = *config, .started = now, .now = now};
    account_limits_init(&core->limits);
    if (config->sessions_per_user > 0)
        core->limits.max[ACCOUNT_SESSIONS] = config->sessions_per_user;
    core->slots = calloc(SESSIONS_MAX, sizeof(*core->slots));
    core->free_slots = calloc(SESSIONS_MAX, sizeof *core->free_slots);
    core->frames = malloc(BATCH_BYTES_MAX + ENCODED_MAX + ENCODE_SCRATCH);
    persist_init(core);
    claim_init(core);
    return core->slots && core->free_slots && core->frames ? 0 : -ENOMEM;
}

void core_deinit(struct core *core) {
    for (uint32_t slot = 0; slot < core->n_slots; slot++)
        if (core->slots[slot])
            core_end(core, core->slots[slot]);
    news_deinit(core);
    route_drop_walls(core);
    forget_deinit(core);
    answer_deinit(core);
    pin_deinit(core);
    react_deinit(core);
    persist_give_up(core);
    room_free_all(core);
    struct handle *handle, *next_handle;
    HASH_ITER(hh_number, core->handles_by_number, handle, next_handle) {
        handle_free(core, handle);
    }
    struct user *user, *next_user;
    HASH_ITER(hh, core->users, user, next_user) {
        user_free(core, user);
    }
    assert(!core->rooms && core->pool.n_used == 0);
    persist_deinit(core);
    chunk_pool_deinit(&core->pool);
    lookalike_deinit();
    free(core->slots);
    free(core->free_slots);
    free(core->frames);
    *core = (struct core){0};
}

/* Frames in. */

typedef void receive_fn(struct core *core, struct session *session, const struct frame *frame);

static void receive_ready(struct core *core, struct session *session, const struct frame *frame) {
    (void)frame;
    outbox_ready(&session->outbox);
    session_weigh(session);
    feed_ready(core, session);
}

static void receive_taken(struct core *core, struct session *session, const struct frame *frame) {
    feed_taken(core, session, frame->taken.seq, frame->taken.read);
}

static void receive_bye(struct core *core, struct session *session, const struct frame *frame) {
    (void)frame;
    core_end(core, session);
}

/* One handler per frame type that a client with a session may send. */
static receive_fn *const handlers[FRAME_TYPE_END] = {
    [FRAME_READY] = receive_ready,
    [FRAME_SEND] = route_send,
    [FRAME_PART] = route_part,
    [FRAME_JOIN] = room_receive_join,
    [FRAME_LEAVE] = room_receive_leave,
    [FRAME_TOPIC] = room_receive_topic,
    [FRAME_AWAY] = handle_receive_away,
    [FRAME_NICK] = handle_receive_nick,
    [FRAME_LIST] = list_answer,
    [FRAME_BYE] = receive_bye,
    [FRAME_RECEIPT] = route_receipt,
    [FRAME_TAKEN] = receive_taken,
    [FRAME_WALL] = route_wall,
    [FRAME_OFFER] = offer_make,
    [FRAME_SIGNAL] = offer_signal,
    [FRAME_WITHDRAW] = offer_withdraw,
    [FRAME_HISTORY] = past_history,
    [FRAME_FIND] = past_find,
    [FRAME_SEARCH] = past_search,
    [FRAME_FORGET] = past_forget,
    [FRAME_RELEASE] = handle_receive_release,
    [FRAME_CHANNEL] = channel_receive,
    [FRAME_SWITCH] = channel_receive_switch,
    [FRAME_UNREAD] = past_unread,
    [FRAME_READ] = unread_receive_read,
    [FRAME_CHANGE] = room_receive_change,
    [FRAME_INVITE] = room_receive_invite,
    [FRAME_GATHER] = people_receive_gather,
    [FRAME_ORDER] = order_receive,
    [FRAME_GOVERN] = room_receive_order,
    [FRAME_PIN] = pin_receive,
    [FRAME_CLAIM] = claim_receive,
    [FRAME_UNCLAIM] = claim_receive_end,
};

const char *core_receive(struct core *core, struct session *session, const struct frame *frame) {
    assert(handlers[frame->type]); /* frame_take() let only FROM_CLIENT types through */
    if (session->condemned)
        return NULL;
    session_confirm(core, session);
    if (frame->type != FRAME_READY && frame->type != FRAME_RECEIPT && frame->type != FRAME_TAKEN &&
        !(session->abilities & ABILITY_PEEK))
        session->handle->active = core->now;
    core->broken_rule = NULL;
    room_settle_lost(core);
    if (frame->type != FRAME_SEND || session != core->run.sender)
        run_close(core);
    uint64_t number = session->number;
    persist_begin(core);
    if (!session->user->sanctions || !order_refuses(core, session, frame))
        handlers[frame->type](core, session, frame);
    persist_end(core);
    session = core->broken_rule ? core_session(core, number) : NULL;
    if (session)
        core_condemn(core, session, core->broken_rule);
    return core->broken_rule;
}

void core_refuse(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                 const char *reason) {
    session_fail(core, session, request, code, reason);
}

/* Time. */

mono_time core_due(const struct core *core) {
    const mono_time due[] = {core->acks_due,     core->positions_due, core->news_due,
                             core->ending_due,   core->steps_due,     core->walls_due,
                             core->channels_due, pace_due(core),      claim_due(core)};
    mono_time first = {0};
    for (size_t i = 0; i < ARRAY_LEN(due); i++)
        first = mono_earlier(first, due[i]);
    return first;
}

void core_tick(struct core *core) {
    run_close(core);
    if (core_is_due(core, core->acks_due))
        ack_tick(core);
    pace_tick(core);
    if (core_is_due(core, core->steps_due))
        core->steps_due.ns = 0; /* they are taken when the core is left */
    if (core_is_due(core, core->walls_due))
        route_walls_tick(core);
    if (core_is_due(core, core->news_due))
        news_tick(core);
    if (core_is_due(core, core->positions_due))
        persist_tick(core);
    if (core_is_due(core, core->ending_due))
        session_end_due(core);
    if (core_is_due(core, core->channels_due))
        channel_tick(core);
    if (core_is_due(core, claim_due(core)))
        claim_tick(core);
}
