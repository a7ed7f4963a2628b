/*
 * Pace: who floods is held to the pace of who reads it.
 *
 * A client sends no more than its window ahead of its acknowledgements. So while a recipient has
 * much waiting, its sender is held: its acknowledgements are not given. When the recipient has read
 * nearly all of it, the sender gets them, and may send the next window. The window and what may
 * wait before a sender is held fit together into an outbox: so nobody who reads falls behind, which
 * costs the hub more than hearing directly, and where there is no store also messages.
 *
 * It is bounded what anybody can do to others by that:
 *
 *   - Only who sends much is held; a single message is acknowledged at once.
 *   - A recipient that takes in nothing for PACE_TURN_MS has stalled: nobody waits for it any more,
 *     until it has read all. Where there is a store it has stalled also when it takes longer than
 *     that for all, for it can lose nothing.
 *   - Whoever is sent to by other users holds them no longer than that for each window, and his own
 *     senders no longer than PACE_TURNS_OWN times that, which is less than any client waits.
 *   - In a room so many must have much waiting that they are one in PACE_SHARE of those who read,
 *     of the sessions and of the users; and it is the one who is through soonest that holds.
 *
 * A sender is held by one recipient, so what is kept for a session does not grow with others.
 */

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

#define PACE_BURST_MS 1000
#define PACE_BURST_BYTES 16384 /* who sends so much in that time is held */
#define PACE_MESSAGE_BYTES 40  /* what a message takes besides its text, about */
#define PACE_TURN_MS 1000
#define PACE_TURNS_OWN 10
#define PACE_SHARE 4
#define PACE_CHECKS_MAX 256 /* at a time; then the lock is left */

void pace_note_sent(struct core *core, struct session *sender, size_t n) {
    uint32_t now_ms = (uint32_t)(core->now.ns / NS_PER_MS);
    if (now_ms - sender->burst_began_ms > PACE_BURST_MS) {
        sender->burst_began_ms = now_ms;
        sender->n_burst = 0;
    }
    if (sender->n_burst < PACE_BURST_BYTES)
        sender->n_burst += (uint32_t)n + PACE_MESSAGE_BYTES;
}

/* Who of two that have much waiting will probably be through sooner. */
static bool pace_is_sooner(const struct session *a, const struct session *b) {
    return a->behind != b->behind ? b->behind : a->outbox.n_chunks < b->outbox.n_chunks;
}

/* True: this user is counted for the first time in this delivery. */
static bool pace_count_user(uint64_t *round, const struct pace_look *look) {
    uint64_t now = look->round + 1; /* not 0, which they begin with */
    bool is_first = *round != now;
    *round = now;
    return is_first;
}

void pace_note_recipient(struct core *core, struct session *recipient) {
    struct pace_look *look = &core->pace_look;
    struct user *user = recipient->user;
    struct outbox_address address = session_address(core, recipient);
    if (recipient->held || (recipient->pace && recipient->pace->is_stalled))
        return;
    look->n_reading++;
    look->n_users_reading += pace_count_user(&user->pace_reading, look);
    if (!recipient->behind && !outbox_is_high(&recipient->outbox, &address))
        return;
    look->n_full++;
    look->n_users_full += pace_count_user(&user->pace_full, look);
    if (!look->full || pace_is_sooner(recipient, look->full))
        look->full = recipient;
}

/* Of the sessions, and of their users: else one user with many sessions would be a crowd. */
static bool pace_is_shared(const struct pace_look *look) {
    return look->n_full * PACE_SHARE >= look->n_reading &&
           look->n_users_full * PACE_SHARE >= look->n_users_reading;
}

/* Only who is held, holds others or has stalled has one. NULL: memory is out. */
static struct pace *pace_of(struct session *session) {
    if (session->pace)
        return session->pace;
    session->pace = calloc(1, sizeof *session->pace);
    if (session->pace)
        account_spend(&session->user->account, ACCOUNT_MEMORY, sizeof *session->pace);
    return session->pace;
}

static void pace_drop_unused(struct session *session) {
    const struct pace *pace = session->pace;
    if (!pace || pace->by || pace->held || pace->is_stalled)
        return;
    account_give_back(&session->user->account, ACCOUNT_MEMORY, sizeof *pace);
    free(session->pace);
    session->pace = NULL;
}

static void pace_hold(struct core *core, struct session *sender, struct session *recipient) {
    struct pace *pace = pace_of(recipient) ? pace_of(sender) : NULL;
    if (!pace) {
        pace_drop_unused(recipient);
        return;
    }
    ack_hold(core, sender);
    pace->by = recipient;
    pace->since = core->now;
    pace->n_turns = 0;
    pace->is_half_over = pace->is_taking = false;
    DL_APPEND2(recipient->pace->held, sender, pace->prev, pace->next);
    DL_APPEND2(core->held_senders, sender, pace->prev_held, pace->next_held);
}

void pace_judge(struct core *core, struct session *sender) {
    struct pace_look look = core->pace_look;
    core->pace_look = (struct pace_look){.round = look.round + 1};
    if (look.full && pace_is_shared(&look) && !session_is_held(sender) &&
        sender->n_burst >= PACE_BURST_BYTES && look.full != sender)
        pace_hold(core, sender, look.full);
}

static void pace_let_go(struct core *core, struct session *sender) {
    assert(session_is_held(sender));
    struct session *recipient = sender->pace->by;
    DL_DELETE2(recipient->pace->held, sender, pace->prev, pace->next);
    DL_DELETE2(core->held_senders, sender, pace->prev_held, pace->next_held);
    sender->pace->by = NULL;
    ack_resume(core, sender);
    pace_drop_unused(sender);
    pace_drop_unused(recipient);
}

static void pace_let_all_go(struct core *core, struct session *recipient) {
    while (recipient->pace && recipient->pace->held)
        pace_let_go(core, recipient->pace->held);
}

static void pace_stall(struct core *core, struct session *recipient) {
    recipient->pace->is_stalled = true;
    pace_let_all_go(core, recipient);
}

static void pace_recover(struct core *core, struct session *recipient) {
    if (!recipient->pace)
        return;
    recipient->pace->is_stalled = false;
    pace_let_all_go(core, recipient);
    pace_drop_unused(recipient);
}

void pace_settle(struct core *core, struct session *recipient) {
    if (!recipient->behind && outbox_is_low(&recipient->outbox))
        pace_recover(core, recipient);
}

void pace_note_taken(struct core *core, struct session *recipient) {
    if (recipient->pace)
        recipient->pace->took_at = core->now;
    pace_settle(core, recipient);
}

void pace_end(struct core *core, struct session *session) {
    pace_recover(core, session);
    if (session->pace)
        pace_let_go(core, session);
}

void pace_end_all(struct core *core) {
    while (core->held_senders)
        pace_let_go(core, core->held_senders);
}

static void pace_look_later(struct core *core, struct session *sender) {
    struct pace *pace = sender->pace;
    pace->since = core->now;
    DL_DELETE2(core->held_senders, sender, pace->prev_held, pace->next_held);
    DL_APPEND2(core->held_senders, sender, pace->prev_held, pace->next_held);
}

/* One turn is over, and its recipient has not read all yet. */
static void pace_end_turn(struct core *core, struct session *sender) {
    struct pace *pace = sender->pace;
    struct session *recipient = pace->by;
    if (core->config.durable || !pace->is_taking) {
        pace_stall(core, recipient);
    } else if (sender->user != recipient->user || ++pace->n_turns >= PACE_TURNS_OWN) {
        pace_let_go(core, sender);
    } else {
        pace->is_half_over = pace->is_taking = false;
        pace_look_later(core, sender);
    }
}

/* A turn has two halves: a hub that stood still sees in the second one what was taken meanwhile. */
static void pace_check(struct core *core, struct session *sender) {
    struct pace *pace = sender->pace;
    pace->is_taking |= pace->by->pace->took_at.ns >= pace->since.ns;
    if (pace->is_half_over) {
        pace_end_turn(core, sender);
        return;
    }
    pace->is_half_over = true;
    pace_look_later(core, sender);
}

/* The first was held first, or was looked at first. */
mono_time pace_due(const struct core *core) {
    const struct session *first = core->held_senders;
    return first ? mono_add_ms(first->pace->since, PACE_TURN_MS / 2) : (mono_time){0};
}

void pace_tick(struct core *core) {
    for (unsigned n = 0; n < PACE_CHECKS_MAX && core_is_due(core, pace_due(core)); n++)
        pace_check(core, core->held_senders);
}
