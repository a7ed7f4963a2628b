/*
 * The account of one user (a uid): what he has used up of everything the hub has to give. Every
 * charge goes through here, and every limit is one row of ACCOUNT_KINDS; `earshot status` shows
 * them and the asker's own account, and every refusal is told by account_reason().
 *
 * There are two sorts of things:
 *
 *   a stock  is given back by whoever has charged it, exactly as much; so at the end of a user
 *            every stock is empty, which account_deinit() asserts. What would go beyond the limit
 *            is refused.
 *   a rate   has happened already when it is charged, and wears off with time. Who is beyond the
 *            limit is read later: account_wait_ns() says how much later. Nothing is dropped.
 *
 * Who pays: whoever has caused it, except for what is done for a recipient's sake. A sender pays
 * for a delivery to each uid once; what more a uid gets because it has many sessions is its own
 * (core_spend_time()). Memory is paid for by the uid that it is kept for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

enum account_sort { ACCOUNT_STOCK, ACCOUNT_RATE };

#define ACCOUNT_SESSIONS_MAX 4096 /* or less, when the hub may open few files */
#define ACCOUNT_MEMORY_BYTES (UINT64_C(6) * 1024 * 1024)
#define ACCOUNT_STORING_BYTES (UINT64_C(2) * 1024 * 1024)
#define ACCOUNT_CHANNELS_BYTES (UINT64_C(14) * 1024 * 1024) /* a room of a hundred of one user */

/*
 * Constant, name in status, sort, limit, what wears off of a rate per second (of time: of the whole
 * hub's, which those who are at work share), what is counted, what to do.
 */
/* clang-format off */
#define ACCOUNT_KINDS(R)                                                                           \
    R(TIME, "time", ACCOUNT_RATE, 20 * NS_PER_MS, NS_PER_S,                                        \
      "ns of the hub's time in use", "ask for less at a time")                                     \
    R(NOTICES, "notices", ACCOUNT_RATE, 2048, 1024,                                                \
      "notices to other users", "wait a little")                                                   \
    R(MEMORY, "memory", ACCOUNT_STOCK, ACCOUNT_MEMORY_BYTES, 0,                                    \
      "bytes of the hub's memory", "let your programs read what waits for them, or end some")      \
    R(STORING, "storing", ACCOUNT_STOCK, ACCOUNT_STORING_BYTES, 0,                                 \
      "bytes that wait for the disk", "wait until the disk has taken them")                        \
    R(QUESTIONS, "questions", ACCOUNT_STOCK, 32, 0,                                                \
      "questions about the past that wait for an answer", "take the answers first")                \
    R(SESSIONS, "sessions", ACCOUNT_STOCK, ACCOUNT_SESSIONS_MAX, 0,                                \
      "sessions", "end some of them first")                                                        \
    R(HANDLES, "handles", ACCOUNT_STOCK, 256, 0,                                                   \
      "handles", "use one of them")                                                                \
    R(ROOMS, "rooms", ACCOUNT_STOCK, 4096, 0,                                                      \
      "rooms that it made", "leave some first")                                                    \
    R(OFFERS, "offers", ACCOUNT_STOCK, 64, 0,                                                      \
      "open offers", "wait until some are taken, or cancel some")                                  \
    R(CHANNELS, "channels", ACCOUNT_STOCK, ACCOUNT_CHANNELS_BYTES, 0,                              \
      "bytes of channels for busy sessions", "the others go on without one")                       \
    R(MAIL, "mail", ACCOUNT_STOCK, 256 * 1024, 0,                                                  \
      "bytes of mail to people who never joined", "wait until some of them have")                  \
    R(MAILED, "mailed", ACCOUNT_STOCK, 32, 0,                                                      \
      "recipients who never joined", "wait until some of them have")                               \
    R(INVITATIONS, "invitations", ACCOUNT_STOCK, 256, 0,                                           \
      "invitations that nobody has answered", "wait until some are answered")                      \
    R(LOOKUPS, "lookups", ACCOUNT_RATE, 256, 64,                                                   \
      "look-ups of login names", "wait a little")                                                  \
    R(CLAIMS, "claims", ACCOUNT_STOCK, 256, 0,                                                     \
      "claims, those that wait among them", "give some of them up")
/* clang-format on */

enum account_kind {
#define ACCOUNT_ENUM(NAME, ...) ACCOUNT_##NAME,
    ACCOUNT_KINDS(ACCOUNT_ENUM)
#undef ACCOUNT_ENUM
        ACCOUNT_KIND_END
};

/* What each user may have; the table, but for what the hub's configuration says. */
struct account_limits {
    uint64_t max[ACCOUNT_KIND_END];
};

/* What a user has done, and what that took. */
struct account_use {
    uint64_t messages, bytes; /* of their texts */
    uint64_t refused;         /* messages and requests */
    uint64_t lock_ns;
};

enum account_span { ACCOUNT_MINUTE, ACCOUNT_HOUR, ACCOUNT_DAY, ACCOUNT_SPANS };

/*
 * How much of it was in the last minute, hour or day: it is noted how much there was at the end of
 * each quarter of one. So a message costs two additions, and a user a few hundred bytes. What was
 * done between two of these times counts as done evenly.
 */
#define ACCOUNT_QUARTERS 4

struct account_marks {
    int64_t last; /* the number of the quarter that began last; its mark is at [last % 5] */
    struct account_use at[ACCOUNT_QUARTERS + 1];
};

struct body_share;

struct account {
    const struct account_limits *limits; /* the hub's */
    uid_t uid;
    uint64_t used[ACCOUNT_KIND_END];  /* of a rate: what has not worn off yet */
    uint64_t spent[ACCOUNT_KIND_END]; /* of a rate: all that there ever was */
    uint64_t n_refused[ACCOUNT_KIND_END];
    double rest[ACCOUNT_KIND_END]; /* of a rate: less than 1, worn off, and not taken off yet */
    mono_time worn_at;
    struct body_share *latest_share; /* what it pays for since last of these; NULL: given back */
    struct account_use use, seen;    /* ever; and when the marks were looked at last */
    struct account_marks marks[ACCOUNT_SPANS];
    int64_t message_ns; /* each message takes so long of its own time; 0: it may send any number */
    int64_t owed_ns;    /* of that, what has not passed yet */
};

void account_limits_init(struct account_limits *limits);

void account_init(struct account *account, const struct account_limits *limits, uid_t uid,
                  mono_time now);
/* Every stock must have been given back. */
void account_deinit(struct account *account);

/* The name of a kind, as it stands in status. */
const char *account_name(enum account_kind kind);

/* Charges a stock. False: it would be over the limit; nothing is charged, a refusal is counted. */
bool account_charge(struct account *account, enum account_kind kind, uint64_t n);
/* Charges what has happened already, or cannot be refused: a rate, or a stock over its limit. */
void account_spend(struct account *account, enum account_kind kind, uint64_t n);
/* A refusal is counted; the sentence for it. Where a stock is looked at before it is charged. */
void account_refuse(struct account *account, enum account_kind kind, char reason[256]);
/* Of a stock. */
void account_give_back(struct account *account, enum account_kind kind, uint64_t n);

/* How much more of a stock may be charged. */
static inline uint64_t account_left(const struct account *account, enum account_kind kind) {
    uint64_t used = account->used[kind], max = account->limits->max[kind];
    return used < max ? max - used : 0;
}

/* A message of so many bytes was taken. */
static inline void account_note_message(struct account *account, size_t n_bytes) {
    account->use.messages++;
    account->use.bytes += n_bytes;
    account->owed_ns += account->message_ns;
}

/* From now on it is read so that it sends no more than this in a second; 0: as fast as it can. */
void account_set_rate(struct account *account, uint32_t messages_per_second);

/* Time has passed: to be called before or soon after what is counted. */
void account_turn(struct account *account, mono_time now);
/* What it did in the last minute, hour or day. */
struct account_use account_used_in(struct account *account, enum account_span span, mono_time now);

/* Lets the rates wear off; n_sharing users are at work, this one among them. */
void account_wear_off(struct account *account, mono_time now, unsigned n_sharing);
/* How long until no rate is over its limit, after account_wear_off(); 0: none is. */
int64_t account_wait_ns(const struct account *account, unsigned n_sharing);

/* The sentence for whoever is refused: which limit, whose, and what to do. */
void account_reason(const struct account *account, enum account_kind kind, char reason[256]);
