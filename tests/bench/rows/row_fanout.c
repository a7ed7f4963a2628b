/*
 * One sender floods a room, as far as a credit lets it; every member is a process of its own and
 * must get everything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/hub.h"
#include "bench/peer.h"

#define ROOM "#bench"
#define ROOM_TEXT 120
#define DELIVERIES 2000000 /* of one round */

enum { BARE, EARSHOT };
enum { SENDER, FIRST_MEMBER };

struct fanout_room {
    char dir[HUB_DIR_SIZE];
    unsigned n_messages;
    struct crowd_credit credit;
    struct span spans[]; /* by worker */
};

static int flood(struct crew_arena *arena, struct fanout_room *room) {
    struct peer peer;
    struct load load;
    if (peer_open(&peer, arena, room->dir, "bench-flood", 0) != 0)
        return 1;
    load_init(&load, SENDER, ROOM_TEXT);
    const unsigned window = credit_window(ROOM_TEXT);
    crew_ready(arena);
    room->spans[SENDER].first_ns = mono_now().ns;
    for (unsigned i = 0; i < room->n_messages; i++) {
        if (!credit_left(&room->credit.credit, i, window)) {
            earshot_flush(peer.link);
            credit_await(&room->credit.credit, i, window);
        }
        if (peer_send(&peer, ROOM, &load, 0) != 0)
            return 1;
    }
    if (peer_settle(&peer) != 0)
        return 1;
    crew_done(arena);
    peer_close(&peer);
    return 0;
}

static int attend(struct crew_arena *arena, struct fanout_room *room, unsigned index) {
    struct peer peer;
    struct load expected;
    char handle[PEER_NAME_SIZE];
    snprintf(handle, sizeof handle, "member-%u", index % PEER_CROWD_HANDLES);
    load_init(&expected, SENDER, ROOM_TEXT);
    if (peer_open(&peer, arena, room->dir, handle, EARSHOT_LISTEN | EARSHOT_ALL_ROOMS) != 0 ||
        peer_join(&peer, ROOM) != 0)
        return 1;
    crew_ready(arena);
    while (expected.number < room->n_messages) {
        if (peer_expect(&peer, &expected) != 0)
            return 1;
        crowd_credit_give(&room->credit, expected.number);
    }
    room->spans[index].last_ns = mono_now().ns;
    crew_done(arena);
    peer_close(&peer);
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    return index == SENDER ? flood(arena, arg) : attend(arena, arg, index);
}

static int measure_hub(struct bench *bench, const struct hub *hub, unsigned n_members,
                       unsigned n_messages, double *per_second) {
    struct crew crew = {0};
    unsigned n_workers = FIRST_MEMBER + n_members;
    size_t size = sizeof(struct fanout_room) + n_workers * sizeof(struct span);
    struct fanout_room *room = shared_new(size);
    if (!room)
        return -ENOMEM;
    memcpy(room->dir, hub->dir, sizeof room->dir);
    room->n_messages = n_messages;
    room->credit.n_members = n_members;
    room->credit.step = credit_step(ROOM_TEXT);
    int r = crew_start(bench, &crew, n_workers, work, room);
    if (r == 0)
        r = crew_run(bench, &crew);
    crew_stop(&crew);
    if (r == 0)
        *per_second = (double)n_members * n_messages / spans_seconds(room->spans, n_workers);
    shared_free(room, size);
    return r;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    unsigned n_members = *(const unsigned *)scenario->params;
    unsigned n_messages = DELIVERIES / n_members / (bench->options.quick ? 10 : 1);
    if (side == BARE)
        return bare_fanout(bench, n_members, ROOM_TEXT, n_messages, value);
    return measure_hub(bench, state, n_members, n_messages, value);
}

#define FANOUT_GOAL                                                                                \
    { .has_ratio = true, .ratio = 0.6, .has_value = true, .value = 1000000 }

static const struct row small_rows[] = {{"fanout-100",
                                         "room of 100, 120 B, a credit holds the sender back",
                                         EARSHOT, BARE, FANOUT_GOAL}};
static const struct row large_rows[] = {{"fanout-1000",
                                         "room of 1000, 120 B, a credit holds the sender back",
                                         EARSHOT, BARE, FANOUT_GOAL}};

#define SCENARIO(rows_, n_members_)                                                                \
    {                                                                                              \
        .unit = "deliveries/s", .more_is_better = true, .sides = {"bare", "earshot"},              \
        .rows = rows_, .n_rows = ARRAY_LEN(rows_), .params = &(const unsigned){n_members_},        \
        .setup = hub_setup, .measure = measure, .teardown = hub_teardown                           \
    }

static const struct scenario scenarios[] = {SCENARIO(small_rows, 100), SCENARIO(large_rows, 1000)};

const struct scenario_list row_fanout = {scenarios, ARRAY_LEN(scenarios)};
