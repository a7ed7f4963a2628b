/*
 * Everything at once, by chance: clients talk, stop reading, die, come back where they stopped or
 * as somebody new; the store is slow, the hub is killed. A naive model says what each of them must
 * have received: everything for it, in order, once, and nothing else.
 *
 * MODEL_SEEDS=N tries that many seeds.
 */

#include <stdio.h>
#include <stdlib.h>

#include "unit/core/fake_store.h"

#define N_HANDLES 4
#define N_ROOMS 2
#define N_SEATS 7
#define N_STEPS 700
#define MESSAGES_MAX 4000

static const char *const rooms[N_ROOMS] = {"#tea", "#milk"};

/* Numbers of handles are 0..3, of rooms 4 and 5. */
struct said {
    uint64_t seq, link, text;
    struct uuid id;
    int from, to;
};

struct seat_of {
    struct client *client; /* NULL: nobody sits here */
    int handle;
    uint64_t link, begin, joined_seq, room_after[N_ROOMS];
    bool in_room[N_ROOMS], resumes;
    bool *had;     /* by the link, in an earlier hub: the library drops it */
    size_t n_seen; /* how many of what it is to have it has had */
    uint64_t last; /* the greatest number it has had */
};

static struct said said[MESSAGES_MAX];
static size_t n_said;
static struct seat_of seats[N_SEATS];
static uint64_t places[N_HANDLES]; /* up to where a handle has taken everything */
static uint64_t since[N_HANDLES][N_ROOMS], random_state, n_links, max_seq;
static bool member[N_HANDLES][N_ROOMS];
static bool is_durable;
static uint64_t seed;

static uint64_t random_below(uint64_t n) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state >> 33) % n;
}

static const char *name_of(int target) {
    static const char *const handles[N_HANDLES] = {"ann", "ben", "cat", "dan"};
    return target < N_HANDLES ? handles[target] : rooms[target - N_HANDLES];
}

static bool is_for(const struct seat_of *seat, const struct said *message) {
    bool own = message->from == seat->handle;
    if (own && message->link == seat->link)
        return false;
    if (own && !seat->resumes && message->seq <= seat->joined_seq && message->to != message->from)
        return false;
    if (message->to >= N_HANDLES) {
        int room = message->to - N_HANDLES;
        return seat->in_room[room] && message->seq > seat->room_after[room];
    }
    return (own || message->to == seat->handle) && message->seq > seat->begin;
}

/* The next message that it is to have. */
static const struct said *next_for(const struct seat_of *seat) {
    for (size_t i = 0; i < n_said; i++)
        if (said[i].seq > seat->last && is_for(seat, &said[i]))
            return &said[i];
    return NULL;
}

static void listen(struct seat_of *seat, int room, uint64_t after) {
    if (seat->in_room[room])
        return;
    seat->in_room[room] = true;
    seat->room_after[room] = after;
}

/* Reads what has arrived, and compares. */
static void check(struct seat_of *seat) {
    struct client *client = seat->client;
    while (client->at < client->n_in) {
        const struct frame *frame = &client->in[client->at++];
        cr_assert_neq(frame->type, FRAME_MISSED, "seed %lu", seed);
        if (frame->type != FRAME_MESSAGE)
            continue;
        const struct said *wanted = next_for(seat);
        uint64_t text = strtoull(frame->message.body.data, NULL, 10);
        cr_assert_not_null(wanted, "seed %lu: %s got %lu (%lu), and nothing is for it", seed,
                           name_of(seat->handle), frame->message.seq, text);
        cr_assert_eq(frame->message.seq, wanted->seq, "seed %lu: %s got %lu instead of %lu", seed,
                     name_of(seat->handle), frame->message.seq, wanted->seq);
        cr_assert_eq(text, wanted->text);
        cr_assert(uuid_equal(&frame->message.id, &wanted->id));
        cr_assert(bytes_equal(frame->message.from, bytes_of(name_of(wanted->from))));
        cr_assert(bytes_equal(frame->message.to, bytes_of(name_of(wanted->to))));
        seat->last = wanted->seq;
    }
}

static void check_all(void) {
    for (int i = 0; i < N_SEATS; i++)
        if (seats[i].client)
            check(&seats[i]);
}

static void sit_down(struct seat_of *seat, uint64_t link, bool resumes, uint64_t after) {
    unsigned abilities = HERE | (resumes ? ABILITY_AFTER : 0);
    int handle = seat->handle;
    *seat = (struct seat_of){.handle = handle,
                             .link = link,
                             .resumes = resumes,
                             .joined_seq = core.seq,
                             .begin = resumes ? after : places[handle]};
    seat->client = arrive(&(struct arrival){(uid_t)(2000 + handle), name_of(handle), abilities,
                                            link, after, .is_old = random_below(4) == 0});
    for (int room = 0; room < N_ROOMS; room++)
        if (member[handle][room])
            listen(seat, room,
                   since[handle][room] > seat->begin ? since[handle][room] : seat->begin);
    seat->last = seat->begin; /* nothing before it */
    for (int room = 0; room < N_ROOMS; room++)
        if (seat->in_room[room] && seat->room_after[room] < seat->last)
            seat->last = seat->room_after[room];
    if (resumes) /* a link that comes back says what it had, so that its place is that of its handle
                  */
        give(seat->client, &(struct frame){.type = FRAME_TAKEN, .taken = {after, 0}});
    if (resumes && after > places[handle])
        places[handle] = after;
    ready(seat->client);
}

static void get_up(struct seat_of *seat) {
    drain();
    check(seat);
    core_end(&core, seat->client->session);
    seat->client = NULL;
}

static void take_some(struct seat_of *seat) {
    check(seat);
    uint64_t seq = seat->last;
    if (random_below(3) == 0 && seq > 3)
        seq -= random_below(3);
    take(seat->client, seq, 0);
    if (seq > places[seat->handle])
        places[seat->handle] = seq;
}

static void come_or_go(struct seat_of *seat) {
    if (!seat->client) {
        bool returns = seat->link != 0 && random_below(2) == 0;
        uint64_t last = seat->last;
        if (!returns)
            seat->handle = (int)random_below(N_HANDLES);
        sit_down(seat, returns ? seat->link : ++n_links, returns, last);
        return;
    }
    if (random_below(2) == 0)
        take_some(seat);
    get_up(seat);
}

static void speak(const struct seat_of *seat) {
    char text[600];
    int to = (int)random_below(N_HANDLES + N_ROOMS);
    unsigned n = 1 + (unsigned)random_below(random_below(8) == 0 ? 40 : 3);
    for (unsigned i = 0; i < n && n_said < MESSAGES_MAX; i++) {
        if (to >= N_HANDLES && !member[0][to - N_HANDLES] && !member[1][to - N_HANDLES] &&
            !member[2][to - N_HANDLES] && !member[3][to - N_HANDLES])
            return;
        snprintf(text, sizeof text, "%zu %0*d", n_said, (int)random_below(500) + 1, 0);
        uint64_t before = core.seq;
        struct uuid id = say(seat->client, name_of(to), text);
        cr_assert_eq(core.seq, before + 1, "seed %lu: not taken", seed);
        cr_assert_gt(core.seq, max_seq, "seed %lu: a number was used twice", seed);
        max_seq = core.seq;
        said[n_said] = (struct said){core.seq, seat->link, n_said, id, seat->handle, to};
        n_said++;
        cr_assert_leq(seat->client->session->user->account.used[ACCOUNT_MEMORY],
                      ACCOUNT_MEMORY_BYTES);
    }
}

static void enter_room(const struct seat_of *seat) {
    int room = (int)random_below(N_ROOMS);
    int handle = seat->handle;
    give(seat->client, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of(rooms[room])}});
    if (!member[handle][room]) {
        member[handle][room] = true;
        since[handle][room] = core.seq;
    }
    for (int i = 0; i < N_SEATS; i++)
        if (seats[i].client && seats[i].handle == handle)
            listen(&seats[i], room, core.seq);
}

static void stop_or_go_on(struct seat_of *seat) {
    seat->client->is_full = !seat->client->is_full;
    if (!seat->client->is_full)
        ready(seat->client);
}

/* The hub is killed: what was not stored is gone, everywhere. */
static void kill_hub(void) {
    drain();
    check_all();
    if (core.persist.moved)
        pass_ms(POSITIONS_DELAY_MS);
    settle(); /* what the model knows about rooms and places is to be known after it, too */
    check_all();
    for (int i = 0; i < N_SEATS; i++)
        if (seats[i].client)
            seats[i].client->is_full = false;
    for (int i = 0; i < N_SEATS && n_said < MESSAGES_MAX - 50; i++)
        if (seats[i].client)
            speak(&seats[i]);
    if (random_below(2) == 0 && core_has_commit(&core)) {
        commit_take();
        if (random_below(2) == 0)
            commit_finish();
    }
    drain();
    check_all();
    for (int i = 0; i < N_SEATS; i++)
        seats[i].client = NULL;
    hub_crash();
    cr_assert_geq(core.seq, max_seq, "seed %lu", seed);
    size_t n = 0;
    for (size_t i = 0; i < n_said; i++)
        for (size_t j = 0; j < fake.n_messages; j++)
            if (fake.messages[j].seq == said[i].seq)
                said[n++] = said[i];
    n_said = n;
}

static void work_a_bit(void) {
    struct ask *ask;
    switch (random_below(5)) {
    case 0:
        drain();
        check_all();
        break;
    case 1:
        if (is_durable)
            commit_all();
        break;
    case 2:
        if ((ask = ask_take()))
            ask_answer(ask);
        break;
    case 3:
        pass_ms(ACK_DELAY_MS);
        break;
    default:
        break;
    }
}

static void do_something(void) {
    struct seat_of *seat = &seats[random_below(N_SEATS)];
    uint64_t what = random_below(20);
    if (!seat->client || what == 0)
        come_or_go(seat);
    else if (what < 9)
        speak(seat);
    else if (what == 9)
        enter_room(seat);
    else if (what < 12)
        stop_or_go_on(seat);
    else if (what == 12)
        take_some(seat);
    else
        work_a_bit();
    if (is_durable && random_below(150) == 0)
        kill_hub();
}

static void finish(void) {
    for (int i = 0; i < N_SEATS; i++)
        if (seats[i].client && seats[i].client->is_full)
            stop_or_go_on(&seats[i]);
    settle();
    check_all();
    for (int i = 0; i < N_SEATS; i++) {
        if (!seats[i].client)
            continue;
        const struct said *missing = next_for(&seats[i]);
        cr_assert_null(missing, "seed %lu: %s did not get %lu", seed, name_of(seats[i].handle),
                       missing ? missing->seq : 0);
        cr_assert(!seats[i].client->session->behind);
    }
}

static void begin(void) {
    n_said = 0;
    max_seq = 0;
    n_links = 1000;
    memset(seats, 0, sizeof seats);
    memset(member, 0, sizeof member);
    for (int handle = 0; handle < N_HANDLES; handle++) { /* everybody exists */
        seats[0].handle = handle;
        sit_down(&seats[0], ++n_links, false, 0);
        places[handle] = core.seq;
        get_up(&seats[0]);
    }
    memset(seats, 0, sizeof seats);
}

static void run_all(bool durable, size_t log_bytes_max, uint64_t n_seeds) {
    const char *wanted = getenv("MODEL_SEEDS");
    is_durable = durable;
    if (wanted)
        n_seeds = strtoull(wanted, NULL, 10);
    for (seed = 1; seed <= n_seeds; seed++) {
        random_state = seed * 7919;
        if (durable)
            durable_begin(log_bytes_max);
        else
            world_begin_with(log_bytes_max, false);
        begin();
        for (int i = 0; i < N_STEPS && n_said < MESSAGES_MAX - 400; i++)
            do_something();
        finish();
        if (durable)
            durable_end();
        else
            world_end();
    }
}

Test(core_model, 01_from_the_log) {
    run_all(false, (size_t)64 * 1024 * 1024, 30);
}

Test(core_model, 02_from_log_and_store) {
    run_all(true, 0, 30); /* the log keeps one block, and what is not committed */
}
