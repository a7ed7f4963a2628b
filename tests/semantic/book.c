/* What was said, by whom, and who could hear it then. */
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/macro.h"
#include "core/internal.h"
#include "semantic/semantic.h"

#define N_SAID_MAX (1u << 17)
#define N_BUCKETS (1u << 16)
#define N_SEQS (1u << 17)

static struct said said_list[N_SAID_MAX]; /* 0 is nothing */
static uint32_t n_said, buckets[N_BUCKETS];

/* Which message has a number: the latest N_SEQS numbers. */
static struct {
    uint64_t seq;
    uint32_t uid;
    struct uuid id;
} numbers[N_SEQS];

void book_clear(void) {
    n_said = 1;
    memset(buckets, 0, sizeof buckets);
    memset(numbers, 0, sizeof numbers);
}

bool book_is_full(void) {
    return n_said >= N_SAID_MAX - 64;
}

uint64_t book_hash(uint64_t hash, struct bytes bytes) {
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (uint8_t)bytes.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int book_index(struct bytes name) {
    size_t at = name.n > 0 && name.data[0] == '#';
    bool is_room = at == 1;
    int number = 0;
    const char *owner = memchr(name.data, '~', name.n);
    size_t n = owner ? (size_t)(owner - name.data) : name.n;
    if (n < at + 2 || n > at + 4 || (name.data[at] | 0x20) != (is_room ? 'r' : 'h'))
        return -1;
    for (at++; at < name.n && name.data[at] != '~'; at++)
        number = number * 10 + (name.data[at] - '0');
    return is_room ? N_HANDLES + number : number;
}

static uint32_t book_bucket(const struct uuid *id) {
    uint32_t hash = 0;
    for (size_t i = 0; i < sizeof id->b; i++)
        hash = hash * 31 + id->b[i];
    return (hash ^ hash >> 16) % N_BUCKETS;
}

/* The members of a room, as bits; of a handle: itself. */
static uint64_t book_hearers(int to) {
    char text[16];
    struct membership *membership;
    uint64_t bits = 0;
    if (to < 0)
        return 0;
    if (to < N_HANDLES)
        return UINT64_C(1) << to;
    int n = snprintf(text, sizeof text, "#r%d", to - N_HANDLES);
    const struct room *room; /* there may be several of one name */
    for (room = core.rooms_by_number; room; room = room->hh_number.next) {
        if (!bytes_equal(name_bytes(&room->key), (struct bytes){text, (size_t)n}))
            continue;
        DL_FOREACH2(room->memberships, membership, next_of_room) {
            int handle = book_index(name_bytes(&membership->handle->name));
            if (handle >= 0)
                bits |= UINT64_C(1) << handle;
        }
    }
    return bits;
}

/* A wall has an id for each recipient: it is known by what it says. */
static struct uuid book_wall_id(uint64_t hash) {
    struct uuid id = {{0}};
    memcpy(id.b, &hash, sizeof hash);
    return id;
}

void book_say(const struct client *from, const struct said *said) {
    struct said *entry = &said_list[n_said];
    *entry = *said;
    entry->uid = from->uid;
    entry->from = from->handle;
    if (entry->is_invitation) {
        entry->hearers = UINT64_MAX;
    } else if (entry->is_wall) {
        entry->id = book_wall_id(entry->hash);
        entry->hearers = UINT64_MAX;
    } else {
        entry->hearers = book_hearers(entry->to) | UINT64_C(1) << entry->from;
    }
    uint32_t *bucket = &buckets[book_bucket(&entry->id)];
    entry->next = *bucket;
    *bucket = n_said++;
}

static bool book_is_same(const struct said *said, const struct incoming_parts *heard) {
    if (said->is_invitation) /* in the hub's words */
        return said->uid == heard->uid && said->from == heard->from &&
               (heard->kind & ~KIND_HEADED) == KIND_NOTICE;
    return said->uid == heard->uid && said->from == heard->from && said->n == heard->n &&
           said->hash == heard->hash &&
           heard->kind == (heard->kind & KIND_HEADED ? said->kind : said->kind & ~KIND_HEADED) &&
           (said->is_wall ||
            (said->to == heard->to && uuid_equal(&said->reply_to, &heard->reply_to)));
}

/* A room's past is open to everybody. */
static bool book_is_open(const struct client *client, const struct incoming_parts *heard) {
    return heard->to >= N_HANDLES && (heard->is_past || client->early[heard->to - N_HANDLES]);
}

/* What was said under this id in these words; an id that was used again has several. */
static bool book_was_said(const struct client *client, const struct incoming_parts *heard,
                          const struct uuid *id) {
    bool may_hear = false, was_said = false;
    for (uint32_t at = buckets[book_bucket(id)]; at; at = said_list[at].next) {
        const struct said *said = &said_list[at];
        if (!uuid_equal(&said->id, id) || !book_is_same(said, heard))
            continue;
        was_said = true;
        may_hear |= (said->hearers & client->handles) != 0 || book_is_open(client, heard);
    }
    MUST(!was_said || may_hear);
    return was_said;
}

void book_heard(const struct client *client, const struct incoming_parts *heard) {
    struct uuid wall = book_wall_id(heard->hash);
    MUST(heard->n == heard->total);
    bool was_said = book_was_said(client, heard, &heard->id) ||
                    (heard->kind == KIND_NOTICE && book_was_said(client, heard, &wall));
    MUST(was_said);
    MUST(heard->seq != 0);
    if (numbers[heard->seq % N_SEQS].seq == heard->seq) {
        MUST(numbers[heard->seq % N_SEQS].uid == heard->uid);
        MUST(uuid_equal(&numbers[heard->seq % N_SEQS].id, &heard->id));
    }
    numbers[heard->seq % N_SEQS].seq = heard->seq;
    numbers[heard->seq % N_SEQS].uid = heard->uid;
    numbers[heard->seq % N_SEQS].id = heard->id;
}

/* Stocks. */

static void book_check_user(const struct user *user) {
    unsigned n_sessions = 0, n_handles = 0, n_rooms = 0;
    for (uint32_t slot = 0; slot < core.n_slots; slot++)
        n_sessions += core.slots[slot] && !core.slots[slot]->dead && core.slots[slot]->user == user;
    for (const struct handle *handle = core.handles; handle; handle = handle->hh.next)
        n_handles += handle->user == user;
    for (const struct room *room = core.rooms_by_number; room; room = room->hh_number.next)
        n_rooms += room->creator == user;
    MUST(user->account.used[ACCOUNT_SESSIONS] == n_sessions);
    MUST(user->account.used[ACCOUNT_HANDLES] == n_handles);
    MUST(user->account.used[ACCOUNT_ROOMS] == n_rooms);
    MUST(n_sessions <= core.limits.max[ACCOUNT_SESSIONS]);
    MUST(n_handles <= core.limits.max[ACCOUNT_HANDLES]);
    MUST(n_rooms <= core.limits.max[ACCOUNT_ROOMS]);
    MUST(user->account.used[ACCOUNT_OFFERS] <= core.limits.max[ACCOUNT_OFFERS]);
}

static void book_check_room(const struct room *room) {
    const struct membership *membership;
    unsigned n_listeners = 0;
    DL_FOREACH2(room->memberships, membership, next_of_room) {
        n_listeners += membership->n_listeners;
    }
    MUST(n_listeners == room->n_listeners);
}

void book_check_stocks(bool is_settled) {
    size_t n_offers = 0, n_claims = 0;
    const struct claimed *of;
    const struct claim *claim;
    for (of = core.claims.names; of; of = of->hh.next) {
        MUST(of->claims);
        DL_FOREACH(of->claims, claim) {
            MUST(claim->of == of && !claim->session->dead);
            n_claims++;
        }
    }
    MUST(n_claims == core.claims.n);
    for (const struct user *user = core.users; user; user = user->hh.next) {
        book_check_user(user);
        n_offers += user->account.used[ACCOUNT_OFFERS];
        MUST(user->account.used[ACCOUNT_CLAIMS] <= core.limits.max[ACCOUNT_CLAIMS]);
        n_claims -= user->account.used[ACCOUNT_CLAIMS];
        MUST(!is_settled || user->account.used[ACCOUNT_STORING] == 0);
        MUST(!is_settled || user->account.used[ACCOUNT_QUESTIONS] == 0);
    }
    for (const struct room *room = core.rooms_by_number; room; room = room->hh_number.next)
        book_check_room(room);
    MUST(n_claims == 0);
    MUST(n_offers > 0 || !core.offers);
    MUST(memory_live_bytes() <
         ((size_t)16 << 20) * N_UIDS + 2 * core.config.log_bytes_max + ((size_t)4 << 20));
    if (is_settled)
        MUST(core.pool.n_used == 0 && core.persist.uncommitted == 0 && !core.turns[LIST_TOUCHED] &&
             !core.turns[LIST_DEFERRED] && !core_has_ask(&core, false) &&
             !core_has_ask(&core, true));
}
