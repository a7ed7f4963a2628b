/*
 * Which rooms a session listens in. Each side knows its place in the other's list, and a session
 * in many rooms has an index of them by the room's number: so each step takes the same time,
 * however many there are.
 */

#include <stdlib.h>

#include "base/error.h"
#include "core/internal.h"

#define INDEX_FROM 16 /* in fewer rooms it is quicker to look through them */
#define LISTENINGS_MAX 32768

/* The index: open addressing, twice as many places as rooms; what stands there counts from one. */

static unsigned index_home(const struct session *session, uint32_t room) {
    return (room * UINT32_C(2654435769)) >> 7 & (session->index_size - 1);
}

static void index_put(struct session *session, unsigned at) {
    unsigned place = index_home(session, session->listenings[at].room->number);
    while (session->index[place])
        place = (place + 1) & (session->index_size - 1);
    session->index[place] = (uint16_t)(at + 1);
}

static unsigned index_find(const struct session *session, uint32_t room) {
    unsigned place = index_home(session, room);
    while (session->index[place] &&
           session->listenings[session->index[place] - 1].room->number != room)
        place = (place + 1) & (session->index_size - 1);
    return place;
}

/* Those behind it that would not be found any more move up. */
static void index_remove(struct session *session, uint32_t room) {
    unsigned mask = session->index_size - 1, gap = index_find(session, room);
    for (unsigned at = (gap + 1) & mask; session->index[at]; at = (at + 1) & mask) {
        uint32_t other = session->listenings[session->index[at] - 1].room->number;
        unsigned home = index_home(session, other);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        session->index[gap] = session->index[at];
        gap = at;
    }
    session->index[gap] = 0;
}

/* For one more than there are; the index is made anew when it is half full. */
static int index_reserve(struct session *session) {
    unsigned n = session->n_listenings + 1;
    if (n < INDEX_FROM || 2 * n <= session->index_size)
        return 0;
    unsigned size = session->index_size ? 2 * session->index_size : 4 * INDEX_FROM;
    uint16_t *index = calloc(size, sizeof *index);
    if (!index)
        return -ENOMEM;
    free(session->index);
    session->index = index;
    session->index_size = size;
    for (unsigned at = 0; at < session->n_listenings; at++)
        index_put(session, at);
    return 0;
}

struct listening *listening_find(const struct session *session, const struct room *room) {
    return listening_of(session, room->number);
}

struct listening *listening_of(const struct session *session, uint32_t room) {
    if (session->index_size > 0) {
        unsigned at = session->index[index_find(session, room)];
        return at ? &session->listenings[at - 1] : NULL;
    }
    for (unsigned i = 0; i < session->n_listenings; i++)
        if (session->listenings[i].room->number == room)
            return &session->listenings[i];
    return NULL;
}

/* Arrays double, and halve when three quarters are empty; a failure leaves them as they were. */

#define ARRAY_MIN 4

static bool array_resize(void **array, size_t n, size_t item) {
    void *resized = realloc(*array, n * item);
    if (resized)
        *array = resized;
    return resized != NULL;
}

static bool listenings_resize(struct session *session, unsigned n) {
    void *listenings = session->listenings;
    if (!array_resize(&listenings, n, sizeof *session->listenings))
        return false;
    session->listenings = listenings;
    session->listenings_size = n;
    return true;
}

static bool listeners_resize(struct room *room, unsigned n) {
    void *listeners = room->listeners, *places = room->listener_places;
    bool first = array_resize(&listeners, n, sizeof(*room->listeners));
    bool both = first && array_resize(&places, n, sizeof *room->listener_places);
    room->listeners = listeners;
    room->listener_places = places;
    if (both || (first && n < room->listeners_size)) /* the shorter one counts */
        room->listeners_size = n;
    return both;
}

static unsigned size_doubled(unsigned n) {
    return n ? 2 * n : ARRAY_MIN;
}

static bool grow_all(struct session *session, struct room *room) {
    if (session->n_listenings == session->listenings_size &&
        !listenings_resize(session, size_doubled(session->listenings_size)))
        return false;
    return room->n_listeners < room->listeners_size ||
           listeners_resize(room, size_doubled(room->listeners_size));
}

static bool is_sparse(unsigned n, unsigned size) {
    return size > ARRAY_MIN && n <= size / 4;
}

/* What somebody was in once takes no memory any more. */
static void shrink_all(struct session *session, struct room *room) {
    if (is_sparse(session->n_listenings, session->listenings_size))
        (void)listenings_resize(session, session->listenings_size / 2);
    if (is_sparse(room->n_listeners, room->listeners_size))
        (void)listeners_resize(room, room->listeners_size / 2);
    if (session->index_size > 0 && session->n_listenings < INDEX_FROM / 2) {
        free(session->index);
        session->index = NULL;
        session->index_size = 0;
    }
}

int listening_add(struct session *session, struct room *room, uint64_t after) {
    struct account *account = &session->user->account;
    if (session->n_listenings >= LISTENINGS_MAX || !grow_all(session, room) ||
        index_reserve(session) < 0)
        return -ENOMEM;
    account_spend(account, ACCOUNT_MEMORY, LISTENING_BYTES); /* who calls has asked */
    session->listenings[session->n_listenings] = (struct listening){room, room->n_listeners, after};
    room->listeners[room->n_listeners] = session;
    room->listener_places[room->n_listeners++] = session->n_listenings++;
    if (session->index_size > 0)
        index_put(session, session->n_listenings - 1);
    session->view++;
    room->named_epoch = 0;
    return 0;
}

/* The listener at `from` gets the place `to` in its room's list. */
static void listener_move(struct room *room, unsigned from, unsigned to) {
    room->listeners[to] = room->listeners[from];
    room->listener_places[to] = room->listener_places[from];
    room->listeners[to]->listenings[room->listener_places[to]].index = to;
}

/* The last of the session's takes the place of this one. */
static void listening_fill(struct session *session, unsigned at) {
    unsigned last = --session->n_listenings;
    if (at == last)
        return;
    struct listening *moved = &session->listenings[last];
    if (session->index_size > 0)
        session->index[index_find(session, moved->room->number)] = (uint16_t)(at + 1);
    session->listenings[at] = *moved;
    moved->room->listener_places[moved->index] = at;
}

void listening_remove(struct core *core, struct session *session, struct listening *listening) {
    struct room *room = listening->room;
    unsigned hole = news_listener_leaves(core, room, listening->index);
    if (hole != listening->index)
        listener_move(room, hole, listening->index);
    if (session->index_size > 0)
        index_remove(session, room->number);
    unsigned last = --room->n_listeners;
    if (hole != last)
        listener_move(room, last, hole);
    listening_fill(session, (unsigned)(listening - session->listenings));
    shrink_all(session, room);
    account_give_back(&session->user->account, ACCOUNT_MEMORY, LISTENING_BYTES);
}

void listening_deinit(struct session *session) {
    free(session->listenings);
    free(session->index);
    session->listenings = NULL;
    session->index = NULL;
    session->listenings_size = session->index_size = 0;
}
