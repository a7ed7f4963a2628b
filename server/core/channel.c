/*
 * Channels: which sessions have one, and who pays for it.
 *
 *              CHANNEL, granted        SWITCH{CHANNEL}          it is quiet
 *      NONE ---------------------> OFFERED -----------> USED ------------------> LEFT
 *        ^    hub: SWITCH{CHANNEL}     (client's)           hub: SWITCH{QUEUE}     |
 *        +-------------------------------------------------------------------------+
 *                                  SWITCH{QUEUE} (client's)
 *
 * Each side says SWITCH behind the last batch that goes the old way, so nobody has to guess where
 * the next one is. Any other CHANNEL or SWITCH of the client breaks the protocol. A CHANNEL that is
 * refused is answered by SWITCH{QUEUE}, and nothing has changed.
 */
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

/* Fewer batches than this, both ways, while it might have been quiet: then it was. */
#define QUIET_BATCHES 32

static void channel_say(struct core *core, struct session *session, enum switch_to to) {
    struct frame frame = {.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}};
    if (session->dead || session->broken)
        return;
    if (session_put(core, session, &frame))
        outbox_turn(&session->outbox, to == SWITCH_TO_CHANNEL ? TURN_TO_CHANNEL : TURN_TO_QUEUE);
    else
        session_break(core, session);
}

bool core_channel_may_begin(const struct core *core, const struct session *session) {
    const struct account *account = &session->user->account;
    return (session->abilities & ABILITY_CHANNEL) && session->channel == CHANNEL_NONE &&
           core->config.channel_bytes > 0 &&
           account_left(account, ACCOUNT_CHANNELS) >= core->config.channel_bytes;
}

/* False: memory is out. */
static bool channel_begin(struct core *core, struct session *session) {
    struct channel_traffic *traffic = malloc(sizeof *traffic);
    if (!traffic)
        return false;
    *traffic = (struct channel_traffic){.session = session, .since = core->now};
    session->traffic = traffic;
    session->channel = CHANNEL_OFFERED;
    DL_APPEND(core->channels, traffic);
    core->n_channels++;
    if (core->channels_due.ns == 0)
        core->channels_due = mono_add_ms(core->now, core->config.channel_quiet_ms);
    return true;
}

void channel_end(struct core *core, struct session *session) {
    if (session->channel == CHANNEL_NONE)
        return;
    session->channel = CHANNEL_NONE;
    DL_DELETE(core->channels, session->traffic);
    free(session->traffic);
    session->traffic = NULL;
    core->n_channels--;
    account_give_back(&session->user->account, ACCOUNT_CHANNELS, core->config.channel_bytes);
    outbox_has_room_again(&session->outbox); /* in the mailbox */
    session_weigh(session);
    session_touch(core, session);
}

/* One that the hub did not attach because of the account is refused by that, too, and counted. */
static bool channel_is_granted(struct core *core, struct session *session, bool is_there) {
    struct account *account = &session->user->account;
    size_t n = core->config.channel_bytes;
    bool is_full = account_left(account, ACCOUNT_CHANNELS) < n;
    if ((!is_there && !is_full) || !account_charge(account, ACCOUNT_CHANNELS, n))
        return false;
    bool begins = channel_begin(core, session);
    if (!begins)
        account_give_back(account, ACCOUNT_CHANNELS, n);
    return begins;
}

void channel_receive(struct core *core, struct session *session, const struct frame *frame) {
    bool is_there = core->channel_is_there;
    (void)frame;
    core->channel_is_there = false;
    if (!(session->abilities & ABILITY_CHANNEL)) {
        core->broken_rule = "a channel, without the ability to use one";
    } else if (session->channel != CHANNEL_NONE) {
        core->broken_rule = "a second channel";
    } else if (channel_is_granted(core, session, is_there)) {
        channel_say(core, session, SWITCH_TO_CHANNEL);
    } else {
        channel_say(core, session, SWITCH_TO_QUEUE);
    }
}

void channel_receive_switch(struct core *core, struct session *session, const struct frame *frame) {
    const struct outbox *outbox = &session->outbox;
    bool to_channel = frame->switch_to.to == SWITCH_TO_CHANNEL;
    bool can_have_heard = !outbox->by_channel || outbox->in_flight;
    if (session->channel == CHANNEL_OFFERED && to_channel)
        session->channel = CHANNEL_USED;
    else if (session->channel == CHANNEL_LEFT && !to_channel && can_have_heard)
        channel_end(core, session);
    else
        core->broken_rule = "a switch that answers none";
}

void core_channel_moved(struct core *core, struct session *session, unsigned n) {
    if (session->traffic)
        session->traffic->n_moved += n;
    core->counters.channel_batches += n;
}

void core_channel_has_room(struct core *core, struct session *session) {
    outbox_has_room_again(&session->outbox);
    session_weigh(session);
    session_touch(core, session);
}

/* Quiet. */

static bool channel_is_quiet(const struct core *core, const struct channel_traffic *traffic) {
    mono_time from = mono_add_ms(traffic->since, core->config.channel_quiet_ms);
    return traffic->session->channel == CHANNEL_USED && from.ns <= core->now.ns &&
           traffic->n_moved < QUIET_BATCHES;
}

void channel_tick(struct core *core) {
    struct channel_traffic *traffic;
    DL_FOREACH(core->channels, traffic) {
        if (channel_is_quiet(core, traffic)) {
            traffic->session->channel = CHANNEL_LEFT;
            channel_say(core, traffic->session, SWITCH_TO_QUEUE);
        }
        traffic->n_moved = 0;
    }
    core->channels_due.ns = 0;
    if (core->channels)
        core->channels_due = mono_add_ms(core->now, core->config.channel_quiet_ms);
}
