/*
 * Offers: what is to be handed from process to process. The hub introduces the two sides and
 * carries what they have to agree on; the bytes do not pass it. An offer lives as long as the
 * session that made it and does not outlive the hub. It stands for everybody it is addressed to:
 * one session of a handle may take it, and every member of a room. It is known by its sender's uid
 * and its id, so that nobody can be there first with an id that he has seen.
 *
 * What a session is told follows what there is, so that it waits nowhere and cannot pile up: the
 * hub notes which sessions know of an offer. One that takes nothing in is not told of new ones
 * (offers_due); when it reads again it is told of those that are still open. Many sessions of one
 * user are told one after the other, if there is no memory for all at once. If one that it knows
 * of ends meanwhile, the key is kept for it (overs), in memory that was charged when it was told.
 * So whoever makes offers and takes them back again costs somebody who does not read nothing, and
 * what has to be told has its place.
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
    struct session *visitors; /* those whose announcing is at it */
    uint32_t *told;           /* a bit for each slot: who was in it knew of it; */
    uint32_t n_words;         /* of these */
    size_t n_bytes;           /* that its sender is charged */
    struct offer *next_of_sender, *prev_of_sender;
    struct offer *next_to, *prev_to; /* of all to this handle or room */
    UT_hash_handle hh;
    char strings[];
};

/* One that a session knows of and that is over. */
struct offer_over {
    struct offer_key key;
    enum withdraw_why why;
};

/* Who has sent signals to a session since all that waited for it was sent, and how many bytes. */
struct caller {
    struct user *user;
    size_t n_bytes;
    struct caller *next;
};

#define PASSED_OVER_MS 1000 /* before an offer is tried again that its sender had no memory for */
#define SIGNALS_BYTES_MAX 8192 /* of one user, that wait for one session */

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
    const struct membership *membership =
        offer->to ? NULL : membership_find(session->handle, offer->room);
    return offer->to ? session->handle == offer->to : membership && membership_holds(membership);
}

/* Telling. */

static struct bytes target_name(const struct offer *offer, const struct session *session,
                                struct name *name) {
    return offer->to ? name_bytes(&offer->to->name)
                     : room_name_for(session->user, offer->room, name);
}

/* As this session sees it; `name` is memory for that. */
static struct frame offered_frame(const struct offer *offer, const struct session *session,
                                  uint32_t request, struct name *name) {
    const struct frame_offer *frame = &offer->frame;
    return (struct frame){.type = FRAME_OFFERED,
                          .offered = {.request = request,
                                      .id = offer->key.id,
                                      .from = name_bytes(&offer->sender->handle->name),
                                      .uid = offer->sender->user->uid,
                                      .link = offer->sender->link,
                                      .to = target_name(offer, session, name),
                                      .kind = frame->kind,
                                      .size = frame->size,
                                      .mode = frame->mode,
                                      .mtime_ns = frame->mtime_ns,
                                      .mime = frame->mime,
                                      .name = frame->name}};
}

/* Offers of several users can have one id. */
static struct frame withdrawn_frame(const struct session *to, const struct offer_key *key,
                                    enum withdraw_why why) {
    if (to->abilities & ABILITY_WITHDRAWN)
        return (struct frame){.type = FRAME_WITHDRAWN,
                              .withdrawn = {key->id, key->uid, (uint8_t)why}};
    return (struct frame){.type = FRAME_WITHDRAW, .withdraw = {key->id, (uint8_t)why}};
}

/* Whoever speaks of an offer that is over, or is not for him. */
static void answer_withdrawn(struct core *core, struct session *session,
                             const struct offer_key *key, enum withdraw_why why) {
    struct frame frame = withdrawn_frame(session, key, why);
    session_answer(core, session, &frame);
}

/* Who knows of it. */

#define WORD_BITS 32u

/* So that there is a bit for the session; its sender pays. */
static bool told_reserve(struct offer *offer, const struct session *session) {
    uint32_t n = offer->n_words ? offer->n_words : 1;
    struct account *account = &offer->sender->user->account;
    if (session->slot / WORD_BITS < offer->n_words)
        return true;
    while (n <= session->slot / WORD_BITS)
        n *= 2;
    size_t n_more = (n - offer->n_words) * sizeof *offer->told;
    if (!account_charge(account, ACCOUNT_MEMORY, n_more))
        return false;
    uint32_t *told = realloc(offer->told, n * sizeof *told);
    if (!told) {
        account_give_back(account, ACCOUNT_MEMORY, n_more);
        return false;
    }
    memset(told + offer->n_words, 0, n_more);
    offer->told = told;
    offer->n_words = n;
    offer->n_bytes += n_more;
    return true;
}

/* For each that a session knows of there is a place among its overs, for which its user pays. */
static bool overs_reserve(struct session *session) {
    struct account *account = &session->user->account;
    unsigned size = session->overs_size ? 2 * session->overs_size : 4;
    if (session->n_told + session->n_overs < session->overs_size)
        return true;
    if (!session_leaves_memory(session))
        return false;
    struct offer_over *overs = realloc(session->overs, size * sizeof *overs);
    if (!overs)
        return false;
    account_spend(account, ACCOUNT_MEMORY, (size - session->overs_size) * sizeof *overs);
    session->overs = overs;
    session->overs_size = size;
    return true;
}

/* Whose memory it is that a session cannot be told for. */
enum lack { LACK_NOTHING, LACK_SENDERS, LACK_OWN };

static enum lack offer_note_known(struct offer *offer, struct session *session) {
    if (known_has(session, offer))
        return LACK_NOTHING;
    if (!overs_reserve(session) || !known_reserve(session))
        return LACK_OWN;
    if (!told_reserve(offer, session))
        return LACK_SENDERS;
    offer->told[session->slot / WORD_BITS] |= UINT32_C(1) << session->slot % WORD_BITS;
    known_add(session, offer);
    return LACK_NOTHING;
}

static void offer_note_unknown(struct offer *offer, struct session *session) {
    if (!known_has(session, offer))
        return;
    offer->told[session->slot / WORD_BITS] &= ~(UINT32_C(1) << session->slot % WORD_BITS);
    known_remove(session, offer);
}

static void overs_free(struct session *session) {
    account_give_back(&session->user->account, ACCOUNT_MEMORY,
                      session->overs_size * sizeof *session->overs);
    free(session->overs);
    session->overs = NULL;
    session->n_overs = session->overs_size = 0;
}

/* Telling that there is one. */

typedef void tell_fn(struct core *core, struct offer *offer, struct session *session);

/* Everybody who is addressed and listens now. */
static void tell_all(struct core *core, struct offer *offer, tell_fn *tell) {
    struct session *session;
    run_close(core);
    work_begin_delivery(core);
    if (offer->room) {
        for (unsigned i = 0; i < offer->room->n_listeners; i++)
            if (offer->room->listeners[i] != offer->sender)
                tell(core, offer, offer->room->listeners[i]);
        return;
    }
    DL_FOREACH2(offer->to->sessions, session, next_of_handle) {
        if ((session->abilities & ABILITY_LISTEN) && session != offer->sender)
            tell(core, offer, session);
    }
}

static enum lack offer_announce(struct core *core, struct offer *offer, struct session *session) {
    struct name name;
    struct frame frame = offered_frame(offer, session, 0, &name);
    enum lack lack = session->n_overs > 0 ? LACK_OWN : offer_note_known(offer, session);
    if (lack != LACK_NOTHING || session_tell(core, session, NOTICE_MAY_BE_MISSED, &frame))
        return lack;
    offer_note_unknown(offer, session);
    return LACK_OWN;
}

/* Its sender has no memory, which is nobody else's affair: the others are told first. */
static void offers_try_again(struct core *core, struct session *session) {
    if (session->offers_again.ns == 0)
        session->offers_again = mono_add_ms(core->now, PASSED_OVER_MS);
}

static void offer_tell_new(struct core *core, struct offer *offer, struct session *session) {
    session_charge_notice(core, offer->sender->user, session->user);
    if (session->dead || session->broken)
        return;
    enum lack lack = session->outbox.stuck || !session_leaves_memory(session)
                         ? LACK_OWN
                         : offer_announce(core, offer, session);
    if (lack == LACK_SENDERS) {
        offers_try_again(core, session);
    } else if (lack == LACK_OWN) {
        session->offers_due = true;
        session->announcing.again = session->announcing.is_under_way;
        session_touch(core, session);
    }
}

/*
 * Announcing: a session is told of all that is open and that it does not know of, in steps. Where
 * it has come to is kept, for there may be many.
 */

static void announcing_leave(struct session *session) {
    struct announcing *announcing = &session->announcing;
    if (announcing->at) // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in the list
        DL_DELETE2(announcing->at->visitors, session, announcing.prev_visitor,
                   announcing.next_visitor);
    announcing->at = NULL;
}

static void announcing_go_to(struct session *session, struct offer *offer) {
    announcing_leave(session);
    session->announcing.at = offer;
    if (offer)
        DL_APPEND2(offer->visitors, session, announcing.prev_visitor, announcing.next_visitor);
}

static void announcing_begin(struct session *session) {
    bool is_open = session->abilities & ABILITY_LISTEN;
    session->announcing.again = session->announcing.has_passed_over = false;
    session->announcing.list = 0;
    session->announcing.n_lists = 1 + session->n_listenings;
    session->announcing.view = session->view;
    session->announcing.is_under_way = true;
    announcing_go_to(session, is_open ? session->handle->offers : NULL);
}

/* False: there is none. */
static bool announcing_next_list(struct session *session) {
    unsigned list = ++session->announcing.list;
    if (list > session->n_listenings)
        return false;
    announcing_go_to(session, session->listenings[list - 1].room->offers);
    return true;
}

/* False: the session cannot be told more now. */
static bool announcing_step(struct core *core, struct session *session) {
    struct offer *offer = session->announcing.at;
    bool is_news = offer->sender != session && !known_has(session, offer) && !is_taken(core, offer);
    enum lack lack = is_news ? offer_announce(core, offer, session) : LACK_NOTHING;
    if (lack == LACK_OWN)
        return false;
    session->announcing.has_passed_over |= lack == LACK_SENDERS;
    announcing_go_to(session, offer->next_to);
    return true;
}

static bool announcing_is_stale(const struct session *session) {
    const struct announcing *announcing = &session->announcing;
    return !announcing->is_under_way || announcing->view != session->view ||
           announcing->n_lists != 1 + session->n_listenings;
}

static void announcing_end(struct core *core, struct session *session) {
    announcing_leave(session);
    session->announcing.is_under_way = false;
    session->offers_due = session->announcing.again;
    if (session->announcing.has_passed_over)
        offers_try_again(core, session);
}

/* What has no place in an empty outbox either is missed. */
static void announcing_go_on(struct core *core, struct session *session) {
    if (announcing_is_stale(session))
        announcing_begin(session);
    while (core->slice > 0 && session->outbox.n_notices < NOTICES_BYTES_MUST) {
        core_spend_slice(core, 1);
        if (session->announcing.at) {
            if (announcing_step(core, session))
                continue;
            if (outbox_is_idle(&session->outbox))
                announcing_end(core, session);
            return;
        }
        if (!announcing_next_list(session)) {
            announcing_end(core, session);
            return;
        }
    }
}

/* Telling that it is over. */

static bool put_over(struct core *core, struct session *session, const struct offer_over *over) {
    struct frame frame = withdrawn_frame(session, &over->key, over->why);
    return session_put(core, session, &frame);
}

/* Who takes it has not lost it to somebody else; but may wait for a sender that is gone. */
static void tell_over(struct core *core, struct offer *offer, struct session *session,
                      enum withdraw_why why) {
    struct offer_over over = {offer->key, why};
    if (why == WITHDRAW_TAKEN && session->number == offer->taker)
        return;
    session_charge_notice(core, offer->sender->user, session->user);
    offer_note_unknown(offer, session);
    if (session->dead || session->broken)
        return;
    if (!session->outbox.stuck && session->n_overs == 0 && session_leaves_memory(session) &&
        put_over(core, session, &over))
        return;
    session->overs[session->n_overs++] = over;
    session_touch(core, session);
}

/* To all who know of it. */
static void tell_all_over(struct core *core, struct offer *offer, enum withdraw_why why) {
    run_close(core);
    work_begin_delivery(core);
    for (uint32_t i = 0; i < offer->n_words; i++)
        for (uint32_t bits = offer->told[i]; bits != 0; bits &= bits - 1) {
            uint32_t slot = i * WORD_BITS + (uint32_t)__builtin_ctz(bits);
            struct session *session = core->slots[slot]; /* who knew of it may have ended */
            if (session && known_has(session, offer))
                tell_over(core, offer, session, why);
        }
}

/* When the outbox of the session has room. */
void offer_step(struct core *core, struct session *session) {
    unsigned n = 0;
    if (session->outbox.stuck || session->broken)
        return;
    while (n < session->n_overs && session->outbox.n_chunks < OUTBOX_CHUNKS_MAX &&
           put_over(core, session, &session->overs[n]))
        n++;
    core_spend_slice(core, n);
    session->n_overs -= n;
    if (n > 0)
        memmove(session->overs, session->overs + n, session->n_overs * sizeof *session->overs);
    if (!session->offers_due || session->n_overs > 0)
        return;
    announcing_go_on(core, session);
}

/* Life. */

/* Everybody who knows of it has been told. */
static void offer_free(struct core *core, struct offer *offer) {
    while (offer->visitors)
        announcing_go_to(offer->visitors, offer->next_to);
    HASH_DEL(core->offers, offer);
    DL_DELETE2(offer->sender->offers, offer, prev_of_sender, next_of_sender);
    DL_DELETE2(*offers_to(offer), offer, prev_to, next_to);
    account_give_back(&offer->sender->user->account, ACCOUNT_OFFERS, 1);
    account_give_back(&offer->sender->user->account, ACCOUNT_MEMORY, offer->n_bytes);
    if (offer->room) {
        offer->room->n_offers--;
        room_settle(core, offer->room);
    }
    free(offer->told);
    free(offer);
}

static struct bytes text_keep(char **at, struct bytes text) {
    char *copy = *at;
    if (text.n > 0)
        memcpy(copy, text.data, text.n);
    *at += text.n;
    return (struct bytes){copy, text.n};
}

static struct offer *offer_new(struct core *core, struct session *session,
                               const struct target *target, const struct frame_offer *frame,
                               size_t n_bytes) {
    struct offer *offer = calloc(1, n_bytes);
    if (!offer)
        return NULL;
    offer->n_bytes = n_bytes;
    char *at = offer->strings;
    offer->key = (struct offer_key){frame->id, session->user->uid};
    offer->sender = session;
    offer->to = target->handle;
    offer->room = target->room;
    offer->frame = *frame;
    offer->frame.name = text_keep(&at, frame->name);
    offer->frame.mime = text_keep(&at, frame->mime);
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

/* Charges it. */
static bool offer_is_allowed(struct core *core, struct session *session,
                             const struct frame_offer *frame, size_t n_bytes, char reason[256]) {
    struct account *account = &session->user->account;
    if (session->link == 0) {
        snprintf(reason, 256, "a program without a link number cannot offer anything");
        return false;
    }
    if (offer_find(core, &frame->id, session->user->uid)) {
        snprintf(reason, 256, "there is an offer with this id already");
        return false;
    }
    enum account_kind kind = ACCOUNT_OFFERS;
    if (account_charge(account, kind, 1)) {
        kind = ACCOUNT_MEMORY;
        if (account_charge(account, kind, n_bytes))
            return true;
        account_give_back(account, ACCOUNT_OFFERS, 1);
    }
    account_reason(account, kind, reason);
    return false;
}

void offer_make(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->offer.request;
    size_t n_bytes = sizeof(struct offer) + frame->offer.name.n + frame->offer.mime.n + 1;
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
    if (target.room && !room_may_speak(core, session, target.room, reason)) {
        session_fail(core, session, request, FAIL_NOT_PERMITTED, reason);
        return;
    }
    if (!offer_is_allowed(core, session, &frame->offer, n_bytes, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    struct offer *offer = offer_new(core, session, &target, &frame->offer, n_bytes);
    if (!offer) {
        account_give_back(&session->user->account, ACCOUNT_OFFERS, 1);
        account_give_back(&session->user->account, ACCOUNT_MEMORY, n_bytes);
        session_fail(core, session, request, FAIL_LIMIT,
                     "the hub is out of memory; try again later");
        return;
    }
    session_done(core, session, request);
    tell_all(core, offer, offer_tell_new);
}

static void offer_end(struct core *core, struct offer *offer, enum withdraw_why why) {
    tell_all_over(core, offer, why);
    offer_free(core, offer);
}

void offer_withdraw(struct core *core, struct session *session, const struct frame *frame) {
    struct offer *offer = offer_find(core, &frame->withdraw.offer, session->user->uid);
    if (offer && offer->sender == session) /* else it is over already */
        offer_end(core, offer, WITHDRAW_CANCELLED);
}

static void callers_free(struct session *session) {
    while (session->callers) {
        struct caller *caller = session->callers;
        session->callers = caller->next;
        account_give_back(&caller->user->account, ACCOUNT_MEMORY, sizeof *caller);
        free(caller);
    }
}

void offer_note_sent(struct core *core, struct session *session) {
    if (session->outbox.n_notices == 0)
        callers_free(session);
    if (session->offers_again.ns == 0 || session->offers_again.ns > core->now.ns)
        return;
    session->offers_again.ns = 0;
    session->offers_due = true;
}

void offer_end_all(struct core *core, struct session *session) {
    while (session->offers)
        offer_end(core, session->offers, WITHDRAW_LOST);
    announcing_leave(session);
    known_free(session);
    overs_free(session);
    callers_free(session);
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
        if (membership_holds(membership))
            n += keys_of(membership->room->offers, keys ? keys + n : NULL);
    }
    return n;
}

size_t offer_count(const struct session *session) {
    return offer_keys(session, NULL);
}

void offer_tell(struct core *core, struct session *session, uint32_t request,
                const struct offer_key *key) {
    struct offer *offer = offer_find(core, &key->id, key->uid);
    if (!offer || !is_addressed(offer, session) || is_taken(core, offer))
        return;
    struct name name;
    struct frame frame = offered_frame(offer, session, request, &name);
    (void)offer_note_known(offer, session); /* else it hears that it is over when it takes it */
    session_answer(core, session, &frame);
}

/*
 * Signals. Somebody who has an offer of a user, or made him one, may speak to a session of his; if
 * this does not read, there is a place for so much of it from each user, and who says more hears
 * that it did not arrive.
 */

static struct caller *caller_get(struct session *to, struct user *user) {
    struct caller *caller;
    LL_SEARCH_SCALAR(to->callers, caller, user, user);
    if (caller || !account_charge(&user->account, ACCOUNT_MEMORY, sizeof *caller))
        return caller;
    caller = calloc(1, sizeof *caller);
    if (!caller) {
        account_give_back(&user->account, ACCOUNT_MEMORY, sizeof *caller);
        return NULL;
    }
    caller->user = user;
    LL_PREPEND(to->callers, caller);
    return caller;
}

static bool caller_may_add(struct session *to, struct user *user, size_t n) {
    struct caller *caller = caller_get(to, user);
    if (!caller || caller->n_bytes + n > SIGNALS_BYTES_MAX)
        return false;
    caller->n_bytes += n;
    return true;
}

static struct frame signalled_frame(const struct session *from, const struct frame_signal *signal) {
    return (struct frame){.type = FRAME_SIGNALLED,
                          .signalled = {.offer = signal->offer,
                                        .uid = from->user->uid,
                                        .link = from->link,
                                        .pid = (uint32_t)from->pid,
                                        .by = name_bytes(&from->handle->name),
                                        .said = signal->said}};
}

/* Nothing comes of what whoever has sent it waits for; after a CANCEL nobody waits. */
static void signal_refuse(struct core *core, struct session *session, const struct session *to,
                          const struct frame_signal *signal) {
    struct frame_signal cancel = *signal;
    cancel.said = (struct signal){
        .what = SIGNAL_CANCEL,
        .reason =
            bytes_of("the program on the other side does not read what is sent to it, and too "
                     "much waits for it already; try again when it does")};
    struct frame frame = signalled_frame(to, &cancel);
    if (signal->said.what != SIGNAL_CANCEL)
        session_answer(core, session, &frame);
}

/* False: it has no place, and whoever sent it has been told. */
static bool signal_pass_on(struct core *core, struct session *from, struct session *to,
                           const struct frame_signal *signal) {
    struct frame frame = signalled_frame(from, signal);
    char muted[256];
    bool has_reason = signal->said.what == SIGNAL_DECLINE || signal->said.what == SIGNAL_CANCEL;
    if (has_reason && sanction_holds(core, from->user, SANCTION_MUTE, muted))
        frame.signalled.said.reason = (struct bytes){0};
    run_close(core);
    work_begin_delivery(core);
    if (caller_may_add(to, from->user, encode(&frame).n) &&
        session_notify(core, from->user, to, NOTICE_FOR_IT, &frame))
        return true;
    signal_refuse(core, from, to, signal);
    return false;
}

static void signal_from_sender(struct core *core, struct session *session,
                               const struct offer *offer, const struct frame_signal *signal) {
    struct session *to = session_of_link(core, signal->uid, signal->link);
    if (signal->said.what != SIGNAL_ATTACH && signal->said.what != SIGNAL_CANCEL)
        core->broken_rule = "the sender of an offer cannot accept it";
    else if (to && is_addressed(offer, to))
        (void)signal_pass_on(core, session, to, signal);
}

static void signal_from_recipient(struct core *core, struct session *session, struct offer *offer,
                                  const struct frame_signal *signal) {
    if (signal->said.what == SIGNAL_ATTACH) {
        core->broken_rule = "the recipient of an offer has nothing to attach";
        return;
    }
    bool was_taken = is_taken(core, offer);
    if (offer->to && was_taken && offer->taker != session->number) {
        answer_withdrawn(core, session, &offer->key, WITHDRAW_TAKEN);
        return;
    }
    if (!signal_pass_on(core, session, offer->sender, signal))
        return;
    (void)offer_note_known(offer, session);
    if (!offer->to || signal->said.what == SIGNAL_CANCEL)
        return;
    offer->taker = session->number;
    if (!was_taken)
        tell_all_over(core, offer, WITHDRAW_TAKEN);
    if (signal->said.what == SIGNAL_DECLINE) {
        offer_note_unknown(offer, session);
        offer_end(core, offer, WITHDRAW_TAKEN);
    }
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

/*
 * Which offers a session knows of: a hash table of its own (open addressing, at most half full), so
 * that the end of a session does not look at offers, however many there are.
 */

#define KNOWN_MIN 8

static unsigned known_home(const struct session *session, const struct offer *offer) {
    uint64_t hash = (uint64_t)(uintptr_t)offer * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(hash >> 32) & (session->known_size - 1);
}

/* Where it stands, or would. */
static unsigned known_find(const struct session *session, const struct offer *offer) {
    unsigned place = known_home(session, offer);
    while (session->known[place] && session->known[place] != offer)
        place = (place + 1) & (session->known_size - 1);
    return place;
}

bool known_has(const struct session *session, const struct offer *offer) {
    return session->known_size > 0 && session->known[known_find(session, offer)];
}

static bool known_resize(struct session *session, unsigned size) {
    struct offer **old = session->known, **new = calloc(size, sizeof(*new));
    unsigned old_size = session->known_size;
    struct account *account = &session->user->account;
    if (!new)
        return false;
    session->known = new;
    session->known_size = size;
    for (unsigned i = 0; i < old_size; i++)
        if (old[i])
            new[known_find(session, old[i])] = old[i];
    free(old);
    account_spend(account, ACCOUNT_MEMORY, size * sizeof(*new));
    account_give_back(account, ACCOUNT_MEMORY, old_size * sizeof(*new));
    return true;
}

bool known_reserve(struct session *session) {
    if (2 * (session->n_told + 1) <= session->known_size)
        return true;
    return session_leaves_memory(session) &&
           known_resize(session, session->known_size ? 2 * session->known_size : KNOWN_MIN);
}

void known_add(struct session *session, struct offer *offer) {
    session->known[known_find(session, offer)] = offer;
    session->n_told++;
}

/* Those behind it that would not be found any more move up. */
void known_remove(struct session *session, const struct offer *offer) {
    unsigned mask = session->known_size - 1, gap = known_find(session, offer);
    for (unsigned at = (gap + 1) & mask; session->known[at]; at = (at + 1) & mask) {
        unsigned home = known_home(session, session->known[at]);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        session->known[gap] = session->known[at];
        gap = at;
    }
    session->known[gap] = NULL;
    session->n_told--;
}

void known_free(struct session *session) {
    account_give_back(&session->user->account, ACCOUNT_MEMORY,
                      session->known_size * sizeof(*session->known));
    free(session->known);
    session->known = NULL;
    session->n_told = session->known_size = 0;
}
