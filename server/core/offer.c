/*
 * Offers: what is to be handed from process to process. The hub introduces the two sides and
 * carries what they have to agree on; the bytes do not pass it. An offer lives as long as the
 * session that made it and does not outlive the hub. It stands for everybody it is addressed to:
 * one session of a handle may take it, and every member of a room. It is known by its sender's uid
 * and its id, so that nobody can be there first with an id that he has seen.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

struct offer {
    struct offer_key key;
    struct session *sender;
    struct handle *to; /* or */
    struct room *room;
    uint64_t taker;           /* to a handle: number of the session that takes it; 0: none */
    struct frame_offer frame; /* its views point into `strings` */
    struct offer *next_of_sender, *prev_of_sender;
    struct offer *next_to, *prev_to; /* of all to this handle or room */
    UT_hash_handle hh;
    char strings[];
};

static struct offer *offer_find(struct core *core, const struct uuid *id, uint32_t uid) {
    struct offer_key key = {*id, uid};
    struct offer *offer;
    HASH_FIND(hh, core->offers, &key, sizeof key, offer);
    return offer;
}

static struct offer **offers_to(const struct offer *offer) {
    return offer->to ? &offer->to->offers : &offer->room->offers;
}

/* The session that takes it may have ended. */
static bool is_taken(struct core *core, const struct offer *offer) {
    return offer->taker && core_session(core, offer->taker);
}

/* Whether the session may take it. */
static bool is_addressed(const struct offer *offer, const struct session *session) {
    if (session == offer->sender)
        return false;
    return offer->to ? session->handle == offer->to
                     : membership_find(session->handle, offer->room) != NULL;
}

/* Telling. */

static struct bytes target_name(const struct offer *offer) {
    return offer->to ? name_bytes(&offer->to->name) : name_bytes(&offer->room->name);
}

static struct frame offered(const struct offer *offer, uint32_t request) {
    const struct frame_offer *frame = &offer->frame;
    return (struct frame){.type = FRAME_OFFERED,
                          .offered = {.request = request,
                                      .id = offer->key.id,
                                      .from = name_bytes(&offer->sender->handle->name),
                                      .uid = offer->sender->user->uid,
                                      .link = offer->sender->link,
                                      .to = target_name(offer),
                                      .kind = frame->kind,
                                      .size = frame->size,
                                      .mode = frame->mode,
                                      .mtime_ns = frame->mtime_ns,
                                      .mime = frame->mime,
                                      .name = frame->name}};
}

/* Offers of several users can have one id. */
static struct frame withdrawn(const struct session *to, const struct offer_key *key,
                              enum withdraw_why why) {
    if (to->abilities & ABILITY_WITHDRAWN)
        return (struct frame){.type = FRAME_WITHDRAWN,
                              .withdrawn = {key->id, key->uid, (uint8_t)why}};
    return (struct frame){.type = FRAME_WITHDRAW, .withdraw = {key->id, (uint8_t)why}};
}

/* Whoever speaks of an offer that is over, or is not for him. */
static void answer_withdrawn(struct core *core, struct session *session,
                             const struct offer_key *key, enum withdraw_why why) {
    struct frame frame = withdrawn(session, key, why);
    session_answer(core, session, &frame);
}

typedef void tell_fn(struct core *core, const struct offer *offer, struct session *session,
                     unsigned arg);

/* Everybody who is addressed and listens now. */
static void tell_all(struct core *core, const struct offer *offer, tell_fn *tell, unsigned arg) {
    struct session *session;
    run_close(core);
    work_begin_delivery(core);
    if (offer->room) {
        for (unsigned i = 0; i < offer->room->n_listeners; i++)
            if (offer->room->listeners[i] != offer->sender)
                tell(core, offer, offer->room->listeners[i], arg);
        return;
    }
    DL_FOREACH2(offer->to->sessions, session, next_of_handle) {
        if ((session->abilities & ABILITY_LISTEN) && session != offer->sender)
            tell(core, offer, session, arg);
    }
}

static void tell_new(struct core *core, const struct offer *offer, struct session *session,
                     unsigned arg) {
    struct frame frame = offered(offer, arg);
    session_notify(core, offer->sender->user, session, NOTICE_MAY_BE_MISSED, &frame);
}

/* Who takes it has not lost it to somebody else; but may wait for a sender that is gone. */
static void tell_over(struct core *core, const struct offer *offer, struct session *session,
                      unsigned why) {
    struct frame frame = withdrawn(session, &offer->key, (enum withdraw_why)why);
    if (why != WITHDRAW_TAKEN || session->number != offer->taker)
        session_notify(core, offer->sender->user, session, NOTICE_MUST_ARRIVE, &frame);
}

/* Life. */

static void offer_free(struct core *core, struct offer *offer) {
    HASH_DEL(core->offers, offer);
    DL_DELETE2(offer->sender->offers, offer, prev_of_sender, next_of_sender);
    DL_DELETE2(*offers_to(offer), offer, prev_to, next_to);
    account_give_back(&offer->sender->user->account, ACCOUNT_OFFERS, 1);
    if (offer->room) {
        offer->room->n_offers--;
        room_settle(core, offer->room);
    }
    free(offer);
}

static struct bytes keep(char **at, struct bytes text) {
    char *copy = *at;
    if (text.n > 0)
        memcpy(copy, text.data, text.n);
    *at += text.n;
    return (struct bytes){copy, text.n};
}

static struct offer *offer_new(struct core *core, struct session *session,
                               const struct target *target, const struct frame_offer *frame) {
    struct offer *offer = calloc(1, sizeof *offer + frame->name.n + frame->mime.n + 1);
    if (!offer)
        return NULL;
    char *at = offer->strings;
    offer->key = (struct offer_key){frame->id, session->user->uid};
    offer->sender = session;
    offer->to = target->handle;
    offer->room = target->room;
    offer->frame = *frame;
    offer->frame.name = keep(&at, frame->name);
    offer->frame.mime = keep(&at, frame->mime);
    HASH_ADD(hh, core->offers, key, sizeof offer->key, offer);
    if (!offer->hh.tbl) {
        free(offer);
        return NULL;
    }
    DL_APPEND2(session->offers, offer, prev_of_sender, next_of_sender);
    DL_APPEND2(*offers_to(offer), offer, prev_to, next_to);
    if (offer->room)
        offer->room->n_offers++;
    return offer;
}

static bool offer_is_allowed(struct core *core, struct session *session,
                             const struct frame_offer *frame, char reason[256]) {
    if (session->link == 0)
        snprintf(reason, 256, "a program without a link number cannot offer anything");
    else if (offer_find(core, &frame->id, session->user->uid))
        snprintf(reason, 256, "there is an offer with this id already");
    else if (!account_charge(&session->user->account, ACCOUNT_OFFERS, 1))
        account_reason(&session->user->account, ACCOUNT_OFFERS, reason);
    else
        return true;
    return false;
}

void offer_make(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->offer.request;
    struct target target;
    char reason[256];
    enum fail_code code = target_find(core, session, frame->offer.to, &target);
    if (code == FAIL_NONE && target.room && target.room->n_members == 0)
        code = FAIL_NO_ROOM;
    if (code != FAIL_NONE) {
        target_reason(frame->offer.to, code, reason);
        session_fail(core, session, request, code, reason);
        return;
    }
    if (!offer_is_allowed(core, session, &frame->offer, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    struct offer *offer = offer_new(core, session, &target, &frame->offer);
    if (!offer) {
        account_give_back(&session->user->account, ACCOUNT_OFFERS, 1);
        session_fail(core, session, request, FAIL_LIMIT, "the hub is out of memory");
        return;
    }
    session_done(core, session, request);
    tell_all(core, offer, tell_new, 0);
}

void offer_withdraw(struct core *core, struct session *session, const struct frame *frame) {
    struct offer *offer = offer_find(core, &frame->withdraw.offer, session->user->uid);
    if (!offer || offer->sender != session)
        return; /* it is over already */
    tell_all(core, offer, tell_over, WITHDRAW_CANCELLED);
    offer_free(core, offer);
}

void offer_end_all(struct core *core, struct session *session) {
    while (session->offers) {
        struct offer *offer = session->offers;
        tell_all(core, offer, tell_over, WITHDRAW_LOST);
        offer_free(core, offer);
    }
}

static size_t keys_of(const struct offer *offer, struct offer_key *keys) {
    size_t n = 0;
    for (; offer; offer = offer->next_to, n++)
        if (keys)
            keys[n] = offer->key;
    return n;
}

size_t offer_keys(const struct session *session, struct offer_key *keys) {
    const struct membership *membership;
    size_t n = keys_of(session->handle->offers, keys);
    DL_FOREACH2(session->handle->memberships, membership, next_of_handle) {
        n += keys_of(membership->room->offers, keys ? keys + n : NULL);
    }
    return n;
}

size_t offer_count(const struct session *session) {
    return offer_keys(session, NULL);
}

void offer_tell(struct core *core, struct session *session, uint32_t request,
                const struct offer_key *key) {
    const struct offer *offer = offer_find(core, &key->id, key->uid);
    if (!offer || !is_addressed(offer, session) || is_taken(core, offer))
        return;
    struct frame frame = offered(offer, request);
    session_answer(core, session, &frame);
}

/* Signals. */

static void pass_on(struct core *core, const struct session *from, struct session *to,
                    const struct frame_signal *signal) {
    run_close(core);
    work_begin_delivery(core);
    session_notify(core, from->user, to, NOTICE_MUST_ARRIVE,
                   &(struct frame){.type = FRAME_SIGNALLED,
                                   .signalled = {.offer = signal->offer,
                                                 .uid = from->user->uid,
                                                 .link = from->link,
                                                 .pid = (uint32_t)from->pid,
                                                 .by = name_bytes(&from->handle->name),
                                                 .what = signal->what,
                                                 .a = signal->a,
                                                 .b = signal->b,
                                                 .digest = signal->digest,
                                                 .reason = signal->reason}});
}

static void signal_from_sender(struct core *core, struct session *session,
                               const struct offer *offer, const struct frame_signal *signal) {
    struct session *to = session_of_link(core, signal->uid, signal->link);
    if (signal->what != SIGNAL_ATTACH && signal->what != SIGNAL_CANCEL)
        core->broken_rule = "the sender of an offer cannot accept it";
    else if (to && is_addressed(offer, to))
        pass_on(core, session, to, signal);
}

static void signal_from_recipient(struct core *core, struct session *session, struct offer *offer,
                                  const struct frame_signal *signal) {
    if (signal->what == SIGNAL_ATTACH) {
        core->broken_rule = "the recipient of an offer has nothing to attach";
        return;
    }
    bool was_taken = is_taken(core, offer);
    if (offer->to && was_taken && offer->taker != session->number) {
        answer_withdrawn(core, session, &offer->key, WITHDRAW_TAKEN);
        return;
    }
    pass_on(core, session, offer->sender, signal);
    if (!offer->to || signal->what == SIGNAL_CANCEL)
        return;
    offer->taker = session->number;
    if (!was_taken)
        tell_all(core, offer, tell_over, WITHDRAW_TAKEN);
    if (signal->what == SIGNAL_DECLINE)
        offer_free(core, offer);
}

/*
 * Who takes an offer says whose it is. Whoever was in the room, or heard of an offer that is over,
 * does not break a rule by that.
 */
void offer_signal(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_signal *signal = &frame->signal;
    struct offer *own = offer_find(core, &signal->offer, session->user->uid);
    struct offer *offer = offer_find(core, &signal->offer, signal->uid);
    if (own && own->sender == session)
        signal_from_sender(core, session, own, signal);
    else if (offer && session->link != 0 && signal->link == offer->sender->link &&
             is_addressed(offer, session))
        signal_from_recipient(core, session, offer, signal);
    else
        answer_withdrawn(core, session, &(struct offer_key){signal->offer, signal->uid},
                         WITHDRAW_LOST);
}
