/*
 * Claims: a name belongs to one session at a time, for as long as that session is there, and the
 * others wait for it in order. Nothing is stored: whoever has a name dies with the machine, too.
 *
 * When the hub is started again, the sessions come back one after the other, and the names must not
 * go to who is quickest. So what a session is told of its claim is sealed with a key that the next
 * hub in this place has as well: the number of the grant (whoever has the name under a later number
 * had it last), and the place of who waits (a ticket, and the grant behind which it waits). For
 * CLAIM_RETURN_MS nobody gets a name: claims gather. Then it goes to who had it, if no seal tells
 * of a later grant; else to those who waited, those who have heard of the latest grant first, by
 * their tickets; else to the new ones, in the order in which they came. Who shows an old seal of
 * his own again is behind everybody who can prove more, and who shows none is a new one. After this
 * time a seal counts no more, but for the session of one process that takes the place of its older
 * one.
 *
 * What is told to many, their places, is gathered, told to so many at a time, and charged to who
 * has changed it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/macro.h"
#include "core/internal.h"

#define GENERATION_SHIFT 40 /* so many bits of a number count the grants and tickets of one hub */
#define TELLS_AT_ONCE 64
#define SETTLES_AT_ONCE 64

/* What is charged for a claim: it may be the last one of its name, so that is paid for as well. */
static size_t claim_bytes(size_t n_note) {
    return sizeof(struct claim) + n_note + sizeof(struct claimed) + 256;
}

void claim_init(struct core *core) {
    core->claims.number = (uint64_t)core->config.generation << GENERATION_SHIFT;
    if (core->config.has_heirlooms)
        core->claims.settles = mono_add_ms(core->now, CLAIM_RETURN_MS);
}

/* Whether names that are new are unsettled. */
static bool claims_may_return(const struct core *core) {
    return core->now.ns < core->claims.settles.ns;
}

bool claim_is_held(const struct claim *claim) {
    const struct claimed *of = claim->of;
    return of->claims == claim && (!of->is_unsettled || claim->rank == CLAIM_HAD);
}

/* Who has the name, or is about to get it back; NULL: nobody. */
static const struct claim *claimed_holder(const struct claimed *of) {
    return of->claims && claim_is_held(of->claims) ? of->claims : NULL;
}

/* Seals. */

/* What one knows by which it is proved what one was told. */
struct claim_proof {
    uint32_t uid;
    uint8_t rank; /* CLAIM_HAD or CLAIM_WAITED */
    int64_t since_ms;
    uint64_t grant, ticket;
};

static uint64_t proof_seal(const struct core *core, const struct name *key,
                           const struct claim_proof *proof) {
    uint8_t bytes[64 + NAME_BYTES_MAX];
    struct cursor_out out = cursor_out_of(bytes, sizeof bytes);
    cursor_put_u32(&out, proof->uid);
    cursor_put_u8(&out, proof->rank);
    cursor_put_u64(&out, (uint64_t)proof->since_ms);
    cursor_put_u64(&out, proof->grant);
    cursor_put_u64(&out, proof->ticket);
    cursor_put(&out, key->s, key->n);
    return siphash(core->config.claim_key, bytes, cursor_out_used(&out));
}

/* What CLAIM says of it; CLAIM_FRESH: nothing that is proved. */
static struct claim_proof proof_of(const struct core *core, const struct session *session,
                                   const struct name *key, const struct frame *frame) {
    const struct frame_claim *wish = &frame->claim;
    struct claim_proof proof = {
        .uid = session->user->uid,
        .rank = frame->flags & FRAME_CLAIM_HAD ? CLAIM_HAD : CLAIM_WAITED,
        .since_ms = (int64_t)wish->since_ms,
        .grant = wish->grant,
        .ticket = wish->ticket,
    };
    bool is_said = frame->flags & (FRAME_CLAIM_HAD | FRAME_CLAIM_WAITED);
    if (!is_said || proof_seal(core, key, &proof) != wish->seal)
        return (struct claim_proof){.uid = proof.uid, .rank = CLAIM_FRESH};
    return proof;
}

/* Telling. */

static struct frame frame_of_claimed(const struct claimed *of, uint32_t request,
                                     enum claim_state state, unsigned place,
                                     const struct claim *who) {
    struct frame frame = {.type = FRAME_CLAIMED,
                          .claimed = {.request = request,
                                      .name = name_bytes(&of->name),
                                      .state = (uint8_t)state,
                                      .place = place}};
    if (!who)
        return frame;
    frame.claimed.handle = name_bytes(&who->session->handle->name);
    frame.claimed.uid = who->session->user->uid;
    frame.claimed.pid = (uint32_t)who->session->pid;
    frame.claimed.since_ms = (uint64_t)who->since_ms;
    frame.claimed.note = (struct bytes){who->note, who->n_note};
    return frame;
}

struct frame claim_frame(const struct claim *claim, uint32_t request, unsigned place) {
    return frame_of_claimed(claim->of, request, claim_is_held(claim) ? CLAIM_HELD : CLAIM_WAITING,
                            place, claim);
}

/* As its own session is told, with a seal. While the name is unsettled an older one says more. */
static struct frame frame_of_own(const struct core *core, const struct claim *claim,
                                 unsigned place) {
    const struct claimed *of = claim->of;
    bool is_held = claim_is_held(claim);
    struct frame frame = frame_of_claimed(of, claim->request, is_held ? CLAIM_HELD : CLAIM_WAITING,
                                          place, claimed_holder(of));
    if (of->is_unsettled)
        return frame;
    struct claim_proof proof = {.uid = claim->session->user->uid,
                                .rank = is_held ? CLAIM_HAD : CLAIM_WAITED,
                                .since_ms = is_held ? claim->since_ms : 0,
                                .grant = of->grant,
                                .ticket = claim->ticket};
    frame.claimed.grant = proof.grant;
    frame.claimed.ticket = proof.ticket;
    frame.claimed.seal = proof_seal(core, &of->key, &proof);
    return frame;
}

/* Somebody has it, and one does not wait: who that is comes before the reason. */
static void claim_refuse_taken(struct core *core, struct session *session, uint32_t request,
                               const struct claimed *of) {
    const struct claim *holder = claimed_holder(of);
    struct frame frame = frame_of_claimed(of, request, CLAIM_TAKEN, 0, holder);
    char reason[512];
    session_answer(core, session, &frame);
    snprintf(reason, sizeof reason,
             "\"%s\" is %s's (pid %d) for as long as that process lives; wait for it, or try again",
             of->name.s, holder->session->handle->name.s, (int)holder->session->pid);
    session_fail(core, session, request, FAIL_TAKEN, reason);
}

/* Those who wait. */

static void places_plan(struct core *core) {
    const struct claimed *first = core->claims.due;
    core->claims.tells = first ? first->tells : (mono_time){0};
}

static void places_add_due(struct core *core, struct claimed *of) {
    of->is_due = true;
    of->again = false;
    of->at = NULL;
    of->tells = mono_add_ms(core->now, CLAIM_TELL_MS);
    DL_APPEND2(core->claims.due, of, prev_due, next_due);
    places_plan(core);
}

static void places_forget(struct core *core, struct claimed *of) {
    if (of->is_due)
        DL_DELETE2(core->claims.due, of, prev_due, next_due);
    of->is_due = false;
    places_plan(core);
}

/* Those who wait for it have other places, because of this user. */
static void places_changed(struct core *core, struct claimed *of, struct user *by) {
    of->by = by;
    if (!of->is_due)
        places_add_due(core, of);
    else
        of->again |= of->at != NULL;
}

static void place_tell(struct core *core, struct claim *claim, unsigned place) {
    if (claim->told == place || !claim->waits)
        return;
    struct frame frame = frame_of_own(core, claim, place);
    if (session_notify(core, claim->of->by, claim->session, NOTICE_FOR_IT, &frame))
        claim->told = place;
}

/* The next ones of this name; returns how many were looked at. of->at NULL: that was all. */
static unsigned places_tell(struct core *core, struct claimed *of, unsigned n_max) {
    unsigned n = 0;
    if (!of->at) {
        of->at = claimed_holder(of) ? of->claims->next : of->claims;
        of->at_place = 1;
    }
    work_begin_delivery(core);
    for (; of->at && n < n_max; n++) {
        struct claim *claim = of->at;
        of->at = claim->next;
        place_tell(core, claim, of->at_place++);
    }
    return n;
}

/* Of a name that has changed meanwhile it is told once more, later. */
static void places_tick(struct core *core) {
    unsigned n_left = TELLS_AT_ONCE;
    while (n_left > 0 && core_is_due(core, core->claims.tells)) {
        struct claimed *of = core->claims.due;
        n_left -= places_tell(core, of, n_left);
        if (of->at)
            return;
        n_left -= n_left > 0;
        bool again = of->again;
        places_forget(core, of);
        if (again)
            places_add_due(core, of);
    }
}

/* Names. */

static struct claimed *claimed_find(const struct core *core, const struct name *key) {
    struct claimed *of;
    HASH_FIND(hh, core->claims.names, key->s, key->n, of);
    return of;
}

static struct claimed *claimed_new(struct core *core, const struct name *name,
                                   const struct name *key) {
    struct claimed *of = calloc(1, sizeof *of);
    if (!of)
        return NULL;
    of->name = *name;
    of->key = *key;
    HASH_ADD_KEYPTR(hh, core->claims.names, of->key.s, of->key.n, of);
    if (!of->hh.tbl) {
        free(of);
        return NULL;
    }
    of->alike = (struct alike_entry){.name = &of->name};
    lookalike_add(&core->claims.alike, &of->alike);
    of->is_unsettled = claims_may_return(core);
    if (of->is_unsettled)
        DL_APPEND2(core->claims.unsettled, of, prev_unsettled, next_unsettled);
    return of;
}

static void claimed_free(struct core *core, struct claimed *of) {
    places_forget(core, of);
    if (of->is_unsettled)
        DL_DELETE2(core->claims.unsettled, of, prev_unsettled, next_unsettled);
    lookalike_remove(&core->claims.alike, &of->alike);
    assert(core->claims.names);
    HASH_DELETE(hh, core->claims.names, of);
    free(of);
}

/* As of rooms: a name in ASCII is never refused. */
static enum fail_code claimed_check_looks(const struct core *core, const struct name *name,
                                          char reason[256]) {
    if (lookalike_is_ascii(name))
        return FAIL_NONE;
    const struct alike_entry *other = lookalike_find(core->claims.alike, name, NULL);
    if (lookalike_is_plain(name) && !other)
        return FAIL_NONE;
    if (other)
        snprintf(reason, 256, "it looks like %s, which is claimed; use that one, or another",
                 other->name->s);
    else
        snprintf(reason, 256,
                 "the name mixes letters or digits of several alphabets, which could "
                 "be taken for another one; keep to one alphabet");
    return FAIL_BAD_NAME;
}

/* Claims. */

/* Whether a claim comes before another one, once the name is settled. */
static bool claim_precedes(const struct claim *a, const struct claim *b) {
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->grant != b->grant)
        return a->grant > b->grant;
    return a->ticket < b->ticket;
}

static void claim_insert(struct claimed *of, struct claim *claim) {
    struct claim *before = of->claims ? of->claims->prev : NULL; /* the last one */
    while (before && claim_precedes(claim, before))
        before = before == of->claims ? NULL : before->prev;
    if (before)
        DL_APPEND_ELEM(of->claims, before, claim);
    else
        DL_PREPEND(of->claims, claim);
}

/* The first one gets the name. */
static void claim_grant(struct core *core, struct claimed *of, struct user *by) {
    struct claim *claim = of->claims;
    of->grant = ++core->claims.number;
    if (claim->rank != CLAIM_HAD)
        claim->since_ms = core->wall.ms;
    claim->rank = CLAIM_FRESH;
    claim->told = 0;
    core->claims.is_used = true;
    struct frame frame = frame_of_own(core, claim, 0);
    session_answer(core, claim->session, &frame);
    if (claim->next)
        places_changed(core, of, by);
}

static void claim_unlink(struct core *core, struct claim *claim) {
    struct claimed *of = claim->of;
    listing_leave_claim(claim);
    if (of->at == claim)
        of->at = claim->next;
    DL_DELETE(of->claims, claim);
    DL_DELETE2(claim->session->claims, claim, prev_of_session, next_of_session);
    core->claims.n--;
    of->n--;
}

/* For it, and for its name; false: `reason` says why not. */
static bool claim_charge(struct user *user, size_t n_note, char reason[256]) {
    if (!account_charge(&user->account, ACCOUNT_CLAIMS, 1)) {
        account_reason(&user->account, ACCOUNT_CLAIMS, reason);
        return false;
    }
    if (user_charge(user, claim_bytes(n_note), reason))
        return true;
    account_give_back(&user->account, ACCOUNT_CLAIMS, 1);
    return false;
}

static void claim_uncharge(struct user *user, size_t n_note) {
    account_give_back(&user->account, ACCOUNT_CLAIMS, 1);
    user_give_back(user, claim_bytes(n_note));
}

/* It ends; the name may end with it. */
static void claim_free(struct core *core, struct claim *claim) {
    struct claimed *of = claim->of;
    struct user *user = claim->session->user;
    bool was_held = claim_is_held(claim) && !of->is_unsettled;
    claim_unlink(core, claim);
    claim_uncharge(user, claim->n_note);
    free(claim);
    if (!of->claims)
        claimed_free(core, of);
    else if (was_held)
        claim_grant(core, of, user);
    else
        places_changed(core, of, user);
}

void claim_drop_all(struct core *core, struct session *session) {
    while (session->claims)
        claim_free(core, session->claims);
}

static struct claim *claim_of_session(const struct session *session, const struct claimed *of) {
    struct claim *claim;
    DL_FOREACH2(session->claims, claim, next_of_session) {
        if (claim->of == of)
            return claim;
    }
    return NULL;
}

/* After a restart. */

/* Who had the name, and somebody has had it since, is no better than a new one. */
static void claimed_demote_former(struct claimed *of) {
    struct claim *first = of->claims, *claim, *next;
    const struct claim *heir = first->grant == of->grant ? first : NULL;
    DL_FOREACH_SAFE(of->claims, claim, next) {
        if (claim->rank != CLAIM_HAD)
            break;
        if (claim == heir)
            continue;
        claim->rank = CLAIM_FRESH;
        DL_DELETE(of->claims, claim);
        DL_APPEND(of->claims, claim);
    }
}

static void claimed_settle(struct core *core, struct claimed *of) {
    struct claim *claim, *next;
    claimed_demote_former(of);
    of->is_unsettled = false;
    DL_DELETE2(core->claims.unsettled, of, prev_unsettled, next_unsettled);
    of->by = of->claims->session->user;
    claim_grant(core, of, of->by);
    for (claim = of->claims->next; claim; claim = next) {
        next = claim->next;
        claim->rank = CLAIM_FRESH;
        claim->told = 0;
        if (claim->waits)
            continue;
        claim_refuse_taken(core, claim->session, claim->request, of);
        claim_free(core, claim);
    }
}

static void claims_settle(struct core *core) {
    unsigned n = 0;
    while (core->claims.unsettled && n++ < SETTLES_AT_ONCE)
        claimed_settle(core, core->claims.unsettled);
    core->claims.settles = core->claims.unsettled ? core->now : (mono_time){0};
}

mono_time claim_due(const struct core *core) {
    return mono_earlier(core->claims.settles, core->claims.tells);
}

void claim_tick(struct core *core) {
    if (core_is_due(core, core->claims.settles))
        claims_settle(core);
    if (core_is_due(core, core->claims.tells))
        places_tick(core);
}

/* Frames. */

static enum fail_code claim_parse(struct bytes text, struct name *name, struct name *key,
                                  char reason[256]) {
    enum name_outcome outcome = name_parse_claim(name, text);
    if (outcome == NAME_OK) {
        name_key(key, name);
        return FAIL_NONE;
    }
    snprintf(reason, 256, "the name %s", name_problem(outcome));
    return FAIL_BAD_NAME;
}

/* A CLAIM. */
struct claim_wish {
    struct session *session;
    const struct frame_claim *says;
    bool waits;
    struct name name, key;
    struct claim_proof proof;
    struct claimed *of; /* NULL: nobody has claimed the name */
};

/*
 * The session that has the name is an older one of the same program, which is about to end: only
 * that one knows the seal of this grant.
 */
static void claim_pass_on(struct core *core, struct claim *claim, const struct claim_wish *wish) {
    DL_DELETE2(claim->session->claims, claim, prev_of_session, next_of_session);
    claim->session = wish->session;
    claim->request = wish->says->request;
    DL_APPEND2(claim->session->claims, claim, prev_of_session, next_of_session);
    struct frame frame = frame_of_own(core, claim, 0);
    session_answer(core, claim->session, &frame);
}

/* The session has claimed it before: how that stands is told once more. */
static void claim_repeat(struct core *core, struct claim *claim, const struct claim_wish *wish) {
    bool is_held = claim_is_held(claim);
    claim->request = wish->says->request;
    claim->waits |= wish->waits;
    if (claim->of->is_unsettled && is_held)
        return;
    struct frame answer = frame_of_own(core, claim, is_held ? 0 : claim->told);
    session_answer(core, claim->session, &answer);
}

static struct claim *claim_make(struct core *core, const struct claim_wish *wish) {
    struct claimed *of = wish->of;
    const struct claim_proof *proof = &wish->proof;
    struct bytes note = wish->says->note;
    struct claim *claim = calloc(1, sizeof *claim + note.n);
    if (!claim)
        return NULL;
    *claim = (struct claim){.of = of,
                            .session = wish->session,
                            .request = wish->says->request,
                            .rank = CLAIM_FRESH,
                            .waits = wish->waits,
                            .since_ms = core->wall.ms,
                            .ticket = ++core->claims.number,
                            .n_note = (uint8_t)note.n};
    if (note.n > 0)
        memcpy(claim->note, note.data, note.n);
    if (!of->is_unsettled || proof->rank == CLAIM_FRESH)
        return claim;
    claim->rank = proof->rank;
    claim->grant = proof->grant;
    claim->ticket = proof->ticket;
    claim->since_ms = proof->rank == CLAIM_HAD ? proof->since_ms : claim->since_ms;
    of->grant = proof->grant > of->grant ? proof->grant : of->grant;
    return claim;
}

/* At once, for it is sealed: the hub may die the next moment. */
static void claim_tell_last(struct core *core, struct claim *claim) {
    claim->told = claim->of->n - 1;
    struct frame frame = frame_of_own(core, claim, claim->told);
    session_answer(core, claim->session, &frame);
}

static void claim_begin(struct core *core, struct claim *claim) {
    struct claimed *of = claim->of;
    struct session *session = claim->session;
    bool is_free = !of->claims && !of->is_unsettled;
    claim_insert(of, claim);
    DL_APPEND2(session->claims, claim, prev_of_session, next_of_session);
    core->claims.n++;
    of->n++;
    if (is_free)
        claim_grant(core, of, session->user);
    else if (of->is_unsettled)
        places_changed(core, of, session->user);
    else
        claim_tell_last(core, claim);
}

static enum fail_code claim_try(struct core *core, struct claim_wish *wish, char reason[256]) {
    struct user *user = wish->session->user;
    size_t n_note = wish->says->note.n;
    bool is_new = !wish->of;
    enum fail_code code = is_new ? claimed_check_looks(core, &wish->name, reason) : FAIL_NONE;
    if (code != FAIL_NONE)
        return code;
    if (!claim_charge(user, n_note, reason))
        return FAIL_LIMIT;
    if (is_new)
        wish->of = claimed_new(core, &wish->name, &wish->key);
    struct claim *claim = wish->of ? claim_make(core, wish) : NULL;
    if (claim) {
        claim_begin(core, claim);
        return FAIL_NONE;
    }
    if (wish->of && is_new)
        claimed_free(core, wish->of);
    claim_uncharge(user, n_note);
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

/* True: nothing new is claimed, and it is answered. */
static bool claim_answer_known(struct core *core, const struct claim_wish *wish) {
    struct claimed *of = wish->of;
    struct claim *claim = of ? claim_of_session(wish->session, of) : NULL;
    if (claim) {
        claim_repeat(core, claim, wish);
        return true;
    }
    if (!of || of->is_unsettled)
        return false;
    if (wish->proof.rank == CLAIM_HAD && wish->proof.grant == of->grant &&
        of->claims->session->user == wish->session->user) {
        claim_pass_on(core, of->claims, wish);
        return true;
    }
    if (wish->waits)
        return false;
    claim_refuse_taken(core, wish->session, wish->says->request, of);
    return true;
}

void claim_receive(struct core *core, struct session *session, const struct frame *frame) {
    struct claim_wish wish = {
        .session = session, .says = &frame->claim, .waits = frame->flags & FRAME_CLAIM_WAITS};
    char reason[256] = "who only looks claims nothing; join without that";
    enum fail_code code = session->abilities & ABILITY_PEEK ? FAIL_NOT_PERMITTED : FAIL_NONE;
    if (code == FAIL_NONE)
        code = claim_parse(frame->claim.name, &wish.name, &wish.key, reason);
    if (code == FAIL_NONE) {
        wish.proof = proof_of(core, session, &wish.key, frame);
        wish.of = claimed_find(core, &wish.key);
        if (!claim_answer_known(core, &wish))
            code = claim_try(core, &wish, reason);
    }
    if (code != FAIL_NONE)
        session_fail(core, session, frame->claim.request, code, reason);
}

/* What one does not have one has given up. */
void claim_receive_end(struct core *core, struct session *session, const struct frame *frame) {
    struct name name, key;
    char reason[256];
    enum fail_code code = claim_parse(frame->unclaim.name, &name, &key, reason);
    if (code != FAIL_NONE) {
        session_fail(core, session, frame->unclaim.request, code, reason);
        return;
    }
    struct claimed *of = claimed_find(core, &key);
    struct claim *claim = of ? claim_of_session(session, of) : NULL;
    if (claim)
        claim_free(core, claim);
    session_done(core, session, frame->unclaim.request);
}

/* Lists. */

struct claim *claim_first(const struct core *core) {
    return core->claims.names ? core->claims.names->claims : NULL;
}

struct claim *claim_next(const struct claim *claim) {
    const struct claimed *next = claim->of->hh.next;
    return claim->next ? claim->next : next ? next->claims : NULL;
}
