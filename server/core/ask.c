/*
 * Who is read for next. Questions about the past wait at their user, in the order in which they
 * came; whoever reads takes one of each user in turn, so that nobody waits for all that somebody
 * else has asked. Sessions that are to be fed wait in the same way, but apart: their questions are
 * made when they are taken, so that a thousand laggards cost a thousand pointers.
 */
#include "core/ask.h"

#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

void ask_free(struct ask *ask) {
    if (ask) {
        for (size_t i = 0; i < ask->page.n; i++)
            free((char *)ask->page.records[i].text.data);
        free(ask->page.records);
        free(ask->rooms);
        free(ask->words);
    }
    free(ask);
}

struct ask *ask_new(const struct session *session, enum ask_what what, size_t n_rooms) {
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return NULL;
    *ask = (struct ask){.what = what,
                        .session = session->number,
                        .user = session->user,
                        .handle = session->handle->number};
    ask->rooms = calloc(n_rooms + 1, sizeof *ask->rooms);
    if (ask->rooms)
        return ask;
    free(ask);
    return NULL;
}

/* Questions. */

bool ask_charge(struct ask *ask, char reason[256]) {
    struct account *account = &ask->user->account;
    enum account_kind kind = ACCOUNT_QUESTIONS;
    size_t n = PAGE_BYTES_MAX + ask->n_rooms * sizeof *ask->rooms; /* with the answer */
    if (account_charge(account, kind, 1)) {
        kind = ACCOUNT_MEMORY;
        if (account_charge(account, kind, n)) {
            ask->n_charged = n;
            return true;
        }
        account_give_back(account, ACCOUNT_QUESTIONS, 1);
    }
    account_reason(account, kind, reason);
    return false;
}

void ask_enqueue(struct core *core, struct session *session, struct ask *ask) {
    struct user *user = session->user;
    session->n_asks++;
    if (!user->asks)
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
    DL_APPEND(user->asks, ask);
}

void ask_put_back(struct core *core, struct ask *ask) {
    struct user *user = ask->user;
    if (!user->asks)
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
    DL_PREPEND(user->asks, ask);
}

static void ask_dequeue(struct core *core, struct ask *ask) {
    struct user *user = ask->user;
    DL_DELETE(user->asks, ask);
    DL_DELETE2(core->asking, user, prev_asking, next_asking);
    if (user->asks) /* behind everybody else */
        DL_APPEND2(core->asking, user, prev_asking, next_asking);
}

void ask_end(struct core *core, const struct ask *ask) {
    struct session *session = core_session(core, ask->session);
    account_give_back(&ask->user->account, ACCOUNT_QUESTIONS, 1);
    account_give_back(&ask->user->account, ACCOUNT_MEMORY, ask->n_charged);
    if (session)
        session->n_asks--;
}

static void ask_drop(struct core *core, struct ask *ask) {
    ask_dequeue(core, ask);
    ask_end(core, ask);
    ask_free(ask);
}

/* Feeding. */

void ask_feed(struct core *core, struct session *session) {
    struct user *user = session->user;
    session->is_asking = session->awaits_feed = true;
    if (!user->feeds)
        DL_APPEND2(core->feeding, user, prev_feeding, next_feeding);
    DL_APPEND2(user->feeds, session, prev_feed, next_feed);
}

static void feed_dequeue(struct core *core, struct session *session) {
    struct user *user = session->user;
    session->awaits_feed = false;
    DL_DELETE2(user->feeds, session, prev_feed, next_feed);
    DL_DELETE2(core->feeding, user, prev_feeding, next_feeding);
    if (user->feeds)
        DL_APPEND2(core->feeding, user, prev_feeding, next_feeding);
}

/* What the session is to get from the store, as it stands now; NULL when memory is out. */
static struct ask *ask_for_feed(const struct core *core, const struct session *session) {
    struct ask *ask = ask_new(session, ASK_FEED, session->n_listenings);
    if (!ask)
        return NULL;
    uint64_t before = session->feed_next - 1;
    ask->view = session->view;
    ask->stored = core->persist.committed;
    ask->direct = (session->abilities & ABILITY_LISTEN) != 0;
    ask->direct_after = session->direct_after > before ? session->direct_after : before;
    for (unsigned i = 0; i < session->n_listenings; i++) {
        const struct listening *listening = &session->listenings[i];
        ask->rooms[ask->n_rooms++] =
            (struct ask_room){conv_of_room(listening->room->number),
                              listening->after > before ? listening->after : before};
    }
    ask->limit = FEED_PAGE_MESSAGES;
    return ask;
}

static struct ask *take_feed(struct core *core) {
    struct session *session = core->feeding ? core->feeding->feeds : NULL;
    struct ask *ask = session ? ask_for_feed(core, session) : NULL;
    if (ask) /* else the next time */
        feed_dequeue(core, session);
    return ask;
}

/* Taking. */

struct ask *core_take_ask(struct core *core, bool feed) {
    if (feed)
        return take_feed(core);
    struct ask *ask = core->asking ? core->asking->asks : NULL;
    if (ask)
        ask_dequeue(core, ask);
    return ask;
}

bool core_has_ask(const struct core *core, bool feed) {
    return feed ? core->feeding != NULL : core->asking != NULL;
}

bool core_ask_is_wanted(const struct core *core, const struct ask *ask) {
    const struct session *session = core_session((struct core *)core, ask->session);
    return session && (ask->what != ASK_FEED || ask->view == session->view);
}

/* Ends. */

void ask_drop_of(struct core *core, struct session *session) {
    struct ask *ask, *next;
    if (session->awaits_feed)
        feed_dequeue(core, session);
    if (session->n_asks == 0)
        return;
    DL_FOREACH_SAFE(session->user->asks, ask, next) {
        if (ask->session == session->number)
            ask_drop(core, ask);
    }
}
