/*
 * Valid frames with extreme values, millions of them, given to the core as the hub gives them: a
 * fuzzer of what frames mean, not of how they are written. Around the core there is a hub in
 * little: clients that read or do not, deliveries under way, a store that is slow or fails,
 * allocations that fail, clocks that leap, deaths at any time. A book of what was said, by whom,
 * and who could hear it then tells whether what comes out may come out.
 *
 *   semantic FRAMES [SEED]
 *
 * The same numbers make the same run on every machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "core/past/past.h"

#define N_UIDS 5 /* the first one is root */
#define N_CLIENTS_MAX 200
#define N_HANDLES 64 /* a bit each */
#define N_ROOMS_MAX 320
#define N_SENT_MAX 128                     /* of one client without an answer */
#define N_ASKED_MAX 128                    /* the same, of requests */
#define CLAIM_REQUEST UINT32_C(0x5a5a5a5a) /* of every CLAIM: only a refusal answers it */
#define N_HELD_MAX 12                      /* deliveries under way */

extern struct core core;
extern uint64_t seed;

/* --- chance (main.c) --- */
uint64_t chance_next(void);
unsigned chance_below(unsigned n); /* 0 ... n - 1 */
static inline bool chance_one_in(unsigned n) {
    return chance_below(n) == 0;
}

/* Prints what was promised and how to see it again, and aborts. */
_Noreturn void broken(const char *file, int line, const char *promise);
#define MUST(promise)                                                                              \
    do {                                                                                           \
        if (!(promise))                                                                            \
            broken(__FILE__, __LINE__, #promise);                                                  \
    } while (0)

/* What this stretch of the run is like; chosen by chance. */
struct weather {
    bool durable;
    unsigned n_clients, n_handles, n_rooms;
    unsigned fail_one_in;        /* allocations; 0: none fails */
    unsigned store_fails_one_in; /* commits and questions; 0: never */
    unsigned silent_one_in;      /* clients that do not read for long */
};
extern struct weather weather;

/* --- clients (client.c) --- */

/* How a SEND was answered. MAYBE: it need not be, or it cannot be told. */
enum sent_state { SENT_OPEN, SENT_MAYBE, SENT_ACKED, SENT_REFUSED };

struct sent {
    struct uuid id;
    enum sent_state state;
    bool must_fail;
};

/* A message whose parts come in. */
struct incoming_parts {
    bool on, is_past;
    uint32_t uid;
    struct uuid id, reply_to;
    uint64_t seq, hash;
    uint32_t total, n;
    int from, to;
    uint8_t kind;
    bool is_binary, is_base64; /* a file, as it is, or for who does not know files */
    char quartet[4];           /* what it ends with, not decoded yet */
    unsigned n_quartet;
    uint32_t n_decoded;
};

/* A message whose parts go out. */
struct outgoing_parts {
    bool on;
    struct uuid id, reply_to;
    uint64_t hash;
    uint32_t total, n;
    uint8_t kind;
    bool is_binary;
    int to;
};

struct client {
    bool is_here;
    struct session *session;
    uint64_t number, link;
    struct seat seat;
    uid_t uid;
    pid_t pid;
    unsigned abilities;
    uint64_t handles; /* that its session has had, as bits */
    int handle;
    uint64_t last_seq;       /* of what it got last */
    bool early[N_ROOMS_MAX]; /* rooms that it joined before its first READY: it hears them from
                                HELLO on */
    bool is_condemned;       /* it broke the protocol, and nothing is answered any more */
    bool welcomed, is_full, is_silent, owes_ready;
    struct sent sent[N_SENT_MAX];
    uint64_t n_sent;    /* since the last rest; the latest N_SENT_MAX stand in the ring */
    bool has_forgotten; /* one that may be answered is not in the ring any more */
    struct {
        uint32_t request;
        bool is_open, is_nick;
    } asked[N_ASKED_MAX];
    uint32_t next_request;
    unsigned n_nicks; /* that are not answered: old and new handle have each their own order */
    struct incoming_parts in;
    struct outgoing_parts out;
};
extern struct client clients[N_CLIENTS_MAX];

void clients_forget(void); /* before a new core */
void client_join(struct client *client);
/* A batch of valid frames from it. Returns how many. */
unsigned client_talk(struct client *client);
void client_end(struct client *client);
void client_ready(struct client *client);
/* Sessions that the core has ended meanwhile. */
void clients_collect(void);
/* Whose outbox is full may lack answers. */
struct client *client_of_number(uint64_t number);
/* Everything is answered: for a client that reads, at rest. */
void client_check_answered(struct client *client);

/* --- what comes out (receive.c) --- */
void receive_batch(struct client *client, const struct chunk *chunk);

/* --- deliveries (deliver.c) --- */
void deliver_some(size_t max);
void deliver_return(unsigned max);
/* All that there is, to clients that read. */
void deliver_all(void);

/* --- the frames (frames.c) --- */

/* A frame that is valid on the wire; false: it has none to send now. */
bool frames_make(struct client *client, struct frame *frame);
/* How often each type was made. */
extern uint64_t n_made[FRAME_TYPE_END];

/* --- the book (book.c) --- */

/* Handles are 0 ... N_HANDLES - 1, rooms from N_HANDLES on; -1: some other name. */
int book_index(struct bytes name);

struct said {
    struct uuid id, reply_to;
    uint32_t uid;
    int from, to;
    uint64_t hearers; /* the handles that may hear it */
    uint64_t hash;
    uint32_t n;
    uint8_t kind;
    bool is_wall, is_invitation;
    uint32_t next; /* of the same id, or bucket */
};

void book_clear(void);
bool book_is_full(void);
void book_say(const struct client *from, const struct said *said);
/* Something that came to a client. */
void book_heard(const struct client *client, const struct incoming_parts *heard);
uint64_t book_hash(uint64_t hash, struct bytes bytes);
/* The core's counts are what they count; nothing waits any more. */
void book_check_stocks(bool is_settled);

/* --- the store (store.c) --- */
void store_begin(void);
void store_work(void);   /* a step */
bool store_settle(void); /* does what there is to be done; whether there was anything */
void store_end(void);
enum stored store_find(void *arg, const struct record *like, uint64_t *seq);

/* --- allocations (memory.c) --- */
void memory_let_fail(unsigned one_in);
size_t memory_live_bytes(void);
long memory_n_live(void);
void *memory_own(size_t n); /* never fails, is not counted */
void memory_own_free(void *block);
