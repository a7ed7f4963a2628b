/*
 * Which offers a session knows of: a hash table of its own (open addressing, at most half full), so
 * that the end of a session does not look at offers, however many there are.
 */

#include <stdlib.h>

#include "core/internal.h"

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
