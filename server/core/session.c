/* Sessions: how they begin and end. */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/group.h"

/* Beginning. */

/* One that was given back, else the next that was never used. */
static bool find_slot(const struct core *core, uint32_t *slot) {
    bool has_free = core->n_free_slots > 0;
    *slot = has_free ? core->free_slots[core->n_free_slots - 1] : core->n_slots;
    return has_free || core->n_slots < SESSIONS_MAX;
}

static void take_slot(struct core *core, struct session *session) {
    core->slots[session->slot] = session;
    core->n_sessions++;
    if (session->slot == core->n_slots)
        core->n_slots++;
    else
        core->n_free_slots--;
}

static void give_slot_back(struct core *core, const struct session *session) {
    core->slots[session->slot] = NULL;
    core->n_sessions--;
    core->free_slots[core->n_free_slots++] = session->slot;
}

/* A link that joins again before its old session has ended takes the place over. */
static bool enter_link(struct session *session) {
    struct session *old;
    if (!session->link)
        return true;
    HASH_REPLACE(hh_link, session->user->links, link, sizeof session->link, session, old);
    if (old)
        old->link = 0;
    return session->hh_link.tbl != NULL;
}

static void leave_link(struct session *session) {
    if (session->link)
        HASH_DELETE(hh_link, session->user->links, session);
    session->link = 0;
}

static struct session **mailbox_place(struct core *core, int msqid) {
    return &core->mailboxes[(unsigned)msqid % MAILBOX_PLACES];
}

static struct session *session_new(struct core *core, struct user *user,
                                   const struct core_join *join, uint32_t slot) {
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->user = user;
    session->link = join->link;
    session->mailbox = join->seat->msqid;
    if (!enter_link(session)) {
        free(session);
        return NULL;
    }
    LL_PREPEND2(*mailbox_place(core, session->mailbox), session, next_of_mailbox);
    session->slot = (uint16_t)slot;
    session->number = (join->random & ~SESSION_SLOT_MASK) | slot;
    session->seat = join->seat;
    session->pid = join->pid;
    session->abilities = join->abilities;
    if (join->abilities & ABILITY_PEEK)
        session->abilities &= ~(unsigned)(ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_NEWS);
    session->may_wall = join->may_wall || join->uid == 0 || join->uid == core->config.uid;
    session->since = core->now;
    take_slot(core, session);
    return session;
}

/*
 * Sessions that end by themselves: the first of each list is the next one. Their time passes in two
 * halves. While the hub is stopped or starved it sees nothing of what they say, or lets them see;
 * however long that lasts, it makes only one half pass, and in the other one all of it is seen.
 */

static mono_time half_ends_at(const struct session *first) {
    if (!first)
        return (mono_time){0}; /* an idle hub has nothing to wake up for */
    return mono_add_ms(first->since, (first->condemned ? CONDEMNED_MS : CONFIRM_MS) / 2);
}

static void set_ending_due(struct core *core) {
    core->ending_due = mono_earlier(half_ends_at(core->unconfirmed), half_ends_at(core->condemned));
}

static void await_confirmation(struct core *core, struct session *session) {
    DL_APPEND2(core->unconfirmed, session, prev_ending, next_ending);
    set_ending_due(core);
}

void session_confirm(struct core *core, struct session *session) {
    if (session->confirmed)
        return;
    session->confirmed = true;
    DL_DELETE2(core->unconfirmed, session, prev_ending, next_ending);
    set_ending_due(core);
}

static void session_drop_assembly(struct session *session) {
    if (session->assembly)
        account_give_back(&session->user->account, ACCOUNT_MEMORY,
                          assembly_bytes(session->assembly));
    free(session->assembly);
    session->assembly = NULL;
}

static void session_condemn(struct core *core, struct session *session, enum fail_code code,
                            const char *why) {
    struct frame fail = {.type = FRAME_FAIL, .fail = {0, (uint16_t)code, bytes_of(why)}};
    session_confirm(core, session);
    session->condemned = true;
    session->is_half_over = false;
    session->since = core->now;
    session_drop_assembly(session);
    DL_APPEND2(core->condemned, session, prev_ending, next_ending);
    set_ending_due(core);
    if (!session_put(core, session, &fail))
        session_break(core, session);
}

void core_condemn(struct core *core, struct session *session, const char *rule) {
    if (!session->condemned && !session->dead)
        session_condemn(core, session, FAIL_BAD_FRAME, rule);
}

void session_remove(struct core *core, struct session *session, const char *reason) {
    if (session->condemned || session->dead)
        return;
    run_close(core);
    offer_end_all(core, session);
    session_condemn(core, session, FAIL_NOT_PERMITTED, reason);
    session->behind = session->held = true; /* for good: READY does not count any more */
}

enum fail_code core_join(struct core *core, const struct core_join *join, struct session **session,
                         char reason[256]) {
    uint32_t slot;
    struct handle *handle;
    run_close(core); /* the new session gets nothing that was said before */
    struct user *user = core_user(core, join->uid);
    if (user && sanction_holds(core, user, SANCTION_BAN, reason))
        return FAIL_NOT_PERMITTED;
    if (!user || !find_slot(core, &slot)) {
        snprintf(reason, 256, "the hub has no room for another session; try again later");
        return FAIL_LIMIT;
    }
    if (!account_charge(&user->account, ACCOUNT_SESSIONS, 1)) {
        account_reason(&user->account, ACCOUNT_SESSIONS, reason);
        return FAIL_LIMIT;
    }
    if (!user_has_one_session(user) && !user_may_charge(user, SESSION_BYTES, reason)) {
        account_give_back(&user->account, ACCOUNT_SESSIONS, 1);
        return FAIL_LIMIT;
    }
    account_spend(&user->account, ACCOUNT_MEMORY, SESSION_BYTES);
    if (join->login.n > 0)
        user->login = join->login;
    enum fail_code code = FAIL_LIMIT;
    if (join->abilities & ABILITY_PEEK)
        code = handle_look_up(core, user, &join->handle, &handle, reason);
    else if (handle_may_attach(core, user, join->abilities, &join->handle, reason))
        code = handle_claim(core, user, &join->handle, &join->right, &handle, reason);
    struct session *new = code == FAIL_NONE ? session_new(core, user, join, slot) : NULL;
    if (!new) {
        account_give_back(&user->account, ACCOUNT_SESSIONS, 1);
        user_give_back(user, SESSION_BYTES);
        if (code == FAIL_NONE)
            snprintf(reason, 256, "the hub is out of memory; try again later");
        return code == FAIL_NONE ? FAIL_LIMIT : code;
    }
    core->counters.joins++;
    if (new->abilities & ABILITY_NEWS) {
        DL_APPEND2(core->news_sessions, new, prev_news, next_news);
        core->n_news_sessions++;
    }
    await_confirmation(core, new);
    group_note(core, user, handle, join->groups);
    handle_attach(core, handle, new, join->after);
    *session = new;
    return FAIL_NONE;
}

/* Those that WELCOME has no place for. */
static void session_tell_takes(struct core *core, struct session *session) {
    unsigned takes = session->abilities & ABILITY_TOLD;
    if (takes)
        session_answer(core, session, &(struct frame){.type = FRAME_TAKES, .takes = {takes}});
}

void core_welcome(struct core *core, struct session *session, int lane_msqid) {
    session_tell_takes(core, session);
    uint8_t files = session->abilities & ABILITY_FILES ? FRAME_TAKES_FILES : 0;
    bool takes_channel = (session->abilities & ABILITY_CHANNEL) && core->config.channel_bytes > 0;
    uint8_t heads = session->abilities & ABILITY_HEADS ? FRAME_TAKES_HEADS : 0;
    uint8_t channel = takes_channel ? FRAME_TAKES_CHANNEL : 0;
    uint8_t reads = session->abilities & ABILITY_READS ? FRAME_TAKES_READS : 0;
    uint8_t order = session->abilities & ABILITY_ORDER ? FRAME_TAKES_ORDER : 0;
    uint8_t claims = session->abilities & ABILITY_CLAIMS ? FRAME_TAKES_CLAIMS : 0;
    uint8_t rooms = session->abilities & ABILITY_ROOMS ? FRAME_TAKES_ROOMS : 0;
    uint8_t mends = (uint8_t)(session->abilities & ABILITY_MENDS ? FRAME_TAKES_MENDS : 0);
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_WELCOME,
                        .flags = files | channel | heads | reads | order | claims | rooms | mends,
                        .welcome = {.version = PROTO_VERSION,
                                    .lane = (uint32_t)lane_msqid,
                                    .mode = (uint8_t)core->config.mode,
                                    .instance = core->config.instance,
                                    .hub_name = bytes_of(core->config.name),
                                    .handle = name_bytes(&session->handle->name),
                                    .seq = core->seq,
                                    .keep_days = core->config.keep_days,
                                    .keep_bytes = core->config.keep_bytes}});
}

void core_tell_gate(struct core *core, struct session *session, int shmid) {
    if (session->abilities & ABILITY_GATE)
        session_answer(core, session,
                       &(struct frame){.type = FRAME_GATE, .gate = {(uint32_t)shmid}});
}

/* End. */

void session_free(struct core *core, struct session *session) {
    assert(session->dead && !session->outbox.in_flight && session->list == LIST_NONE);
    outbox_clear(&session->outbox, &core->pool);
    session_weigh(session);
    give_slot_back(core, session);
    user_give_back(session->user, SESSION_BYTES);
    free(session);
}

void core_end(struct core *core, struct session *session) {
    if (session->dead)
        return;
    run_close(core);
    session_confirm(core, session);
    if (session->condemned)
        DL_DELETE2(core->condemned, session, prev_ending, next_ending);
    set_ending_due(core);
    claim_drop_all(core, session);
    offer_end_all(core, session);
    ask_drop_of(core, session);
    listing_drop_all(session);
    leave_link(session);
    LL_DELETE2(*mailbox_place(core, session->mailbox), session, next_of_mailbox);
    pace_end(core, session);
    ack_cancel(core, session);
    session_drop_assembly(session);
    channel_end(core, session);
    session_unlist(core, session);
    if (session->abilities & ABILITY_NEWS) {
        news_forget_session(core, session);
        DL_DELETE2(core->news_sessions, session, prev_news, next_news);
        core->n_news_sessions--;
    }
    room_detach_all(core, session);
    handle_detach(core, session);
    account_give_back(&session->user->account, ACCOUNT_SESSIONS, 1);
    session->seat->next = core->ended;
    core->ended = session->seat;
    session->seat = NULL;
    session->dead = true;
    if (!session->outbox.in_flight)
        session_free(core, session);
}

/* The first of the list. */
static void half_is_over(struct core *core, struct session **list) {
    struct session *session = *list;
    if (session->is_half_over) {
        core_end(core, session);
        return;
    }
    session->is_half_over = true;
    session->since = core->now;
    DL_DELETE2(*list, session, prev_ending, next_ending);
    DL_APPEND2(*list, session, prev_ending, next_ending);
    set_ending_due(core);
}

/* Thousands may be due: after so many the lock is left, and the core is due again at once. */
#define ENDS_AT_ONCE 64

void session_end_due(struct core *core) {
    unsigned n = 0;
    for (; n < ENDS_AT_ONCE && core_is_due(core, half_ends_at(core->unconfirmed)); n++)
        half_is_over(core, &core->unconfirmed);
    for (; n < ENDS_AT_ONCE && core_is_due(core, half_ends_at(core->condemned)); n++)
        half_is_over(core, &core->condemned);
}

void core_evict_mailbox(struct core *core, int msqid) {
    struct session *session;
    LL_SEARCH_SCALAR2(*mailbox_place(core, msqid), session, mailbox, msqid, next_of_mailbox);
    if (!session)
        return;
    session->seat->msqid = -1;
    core_end(core, session);
}
