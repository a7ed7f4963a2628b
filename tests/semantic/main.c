/* The run: stretches of different weather, each of which ends with everything at rest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/macro.h"
#include "semantic/semantic.h"

#define FRAMES_PER_REST 4000 /* then everything is settled and counted */
#define RESTS_PER_STRETCH 8
#define BATCH_LEAST 2560
#define ROUNDS_TO_REST_MAX 100000

struct core core;
struct weather weather;
uint64_t seed;

static uint64_t chance_state, n_frames;
static mono_time now;
static wall_time wall;

/* splitmix64, by Sebastiano Vigna, in the public domain. */
uint64_t chance_next(void) {
    uint64_t z = (chance_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned chance_below(unsigned n) {
    return (unsigned)((chance_next() >> 32) * n >> 32);
}

void broken(const char *file, int line, const char *promise) {
    fprintf(stderr, "semantic: broken at %s:%d: %s\n", file, line, promise);
    fprintf(stderr,
            "after %" PRIu64
            " frames: durable %d, %u clients, %u handles, %u rooms, 1 in %u allocations "
            "and 1 in %u commits fail\nsee it again: semantic %" PRIu64 " %" PRIu64 "\n",
            n_frames, weather.durable, weather.n_clients, weather.n_handles, weather.n_rooms,
            weather.fail_one_in, weather.store_fails_one_in, n_frames + FRAMES_PER_REST, seed);
    abort();
}

/* Time. */

static void time_pass(int64_t ms) {
    static const int64_t leaps[] = {0, 1, INT64_C(4102444800000), INT64_C(253402300799000)};
    now = mono_add_ms(now, ms);
    wall.ms += ms;
    if (chance_one_in(200))
        wall.ms = leaps[chance_below(ARRAY_LEN(leaps))];
    else if (chance_one_in(200))
        wall.ms = INT64_C(1700000000000);
    core_set_time(&core, now, wall);
    mono_time due = core_due(&core);
    if (due.ns != 0 && due.ns <= now.ns)
        core_tick(&core);
}

/* Steps. */

static struct client *some_client_here(void) {
    struct client *client = &clients[chance_below(weather.n_clients)];
    return client->is_here ? client : NULL;
}

static void step_come_or_go(void) {
    struct client *client = &clients[chance_below(weather.n_clients)];
    if (!client->is_here)
        client_join(client);
    else if (chance_one_in(4))
        client_end(client);
}

static void step_read(void) {
    struct client *client = some_client_here();
    if (!client || (client->is_silent && !chance_one_in(100)))
        return;
    client->is_full = chance_one_in(3);
    if (!client->is_full && client->owes_ready)
        client_ready(client);
}

static void step_time(void) {
    static const int64_t ms[] = {0, 1, 1, 4, 10, 100, 200, 1000};
    time_pass(chance_one_in(300) ? 20000 : ms[chance_below(ARRAY_LEN(ms))]);
}

static void step_talk(void) {
    struct client *client = some_client_here();
    if (client)
        n_frames += client_talk(client);
}

static void step(void) {
    unsigned what = chance_below(100);
    if (what < 40)
        step_talk();
    else if (what < 60)
        deliver_some(1 + chance_below(N_HELD_MAX));
    else if (what < 70)
        deliver_return(1 + chance_below(N_HELD_MAX));
    else if (what < 80)
        step_read();
    else if (what < 85)
        step_come_or_go();
    else if (what < 95)
        store_work();
    else
        step_time();
    clients_collect();
}

/* Rest. */

static bool rest_read(void) {
    bool any = false;
    for (unsigned i = 0; i < weather.n_clients; i++) {
        struct client *client = &clients[i];
        client->is_full = false;
        if (!client->is_here || !client->owes_ready)
            continue;
        client_ready(client);
        any = true;
    }
    return any;
}

/* Nothing fails any more, everybody reads: then everything is answered, and nothing is left. */
static void rest(void) {
    unsigned store_fails = weather.store_fails_one_in, n_rounds = 0;
    bool any = true;
    memory_let_fail(0);
    weather.store_fails_one_in = 0;
    for (unsigned i = 0; i < weather.n_clients; i++)
        if (clients[i].is_here)
            client_ready(&clients[i]); /* whoever never said it gets nothing */
    while (any) {
        deliver_all();
        clients_collect();
        any = rest_read();
        any |= store_settle();
        any |= core.turns[LIST_TOUCHED] != NULL;
        mono_time due = core_due(&core);
        any |= due.ns != 0;
        time_pass(due.ns > now.ns ? (due.ns - now.ns) / NS_PER_MS + 1 : 0);
        MUST(n_rounds++ < ROUNDS_TO_REST_MAX);
    }
    for (unsigned i = 0; i < weather.n_clients; i++)
        if (clients[i].is_here)
            client_check_answered(&clients[i]);
    book_check_stocks(true);
    weather.store_fails_one_in = store_fails;
}

/* Stretches. */

static void weather_change(void) {
    static const unsigned n_clients[] = {1, 3, 20, 20, 60, N_CLIENTS_MAX};
    static const unsigned n_handles[] = {N_UIDS, 12, N_HANDLES - N_HANDLES % N_UIDS};
    static const unsigned n_rooms[] = {1, 4, 20, N_ROOMS_MAX};
    weather = (struct weather){.durable = chance_one_in(2),
                               .n_clients = n_clients[chance_below(ARRAY_LEN(n_clients))],
                               .n_handles = n_handles[chance_below(ARRAY_LEN(n_handles))],
                               .n_rooms = n_rooms[chance_below(ARRAY_LEN(n_rooms))],
                               .fail_one_in = chance_one_in(3) ? 10 + chance_below(2000) : 0,
                               .store_fails_one_in = chance_one_in(3) ? 2 + chance_below(10) : 0,
                               .silent_one_in = chance_one_in(2) ? 2 + chance_below(4) : 0};
}

static void stretch_begin(void) {
    static const size_t log_bytes[] = {0, (size_t)256 << 10, (size_t)2 << 20};
    weather_change();
    struct core_config config = {.batch = chance_one_in(2) ? BATCH_LEAST : BATCH_BYTES_MAX,
                                 .uid = 61000,
                                 .mode = HUB_OPEN,
                                 .sessions_per_user = chance_one_in(4) ? 3 : 1000,
                                 .name = "semantic",
                                 .durable = weather.durable,
                                 .log_bytes_max = log_bytes[chance_below(ARRAY_LEN(log_bytes))],
                                 .find_stored = weather.durable ? store_find : NULL};
    clients_forget();
    book_clear();
    wall = (wall_time){INT64_C(1700000000000)};
    MUST(core_init(&core, &config, now) == 0);
    core_set_time(&core, now, wall);
    store_begin();
}

static void stretch_run(uint64_t n_wanted) {
    for (unsigned i = 0; i < RESTS_PER_STRETCH && n_frames < n_wanted && !book_is_full(); i++) {
        uint64_t until = n_frames + FRAMES_PER_REST;
        memory_let_fail(weather.fail_one_in);
        for (uint64_t n_steps = 0; n_frames < until && n_steps < 20 * FRAMES_PER_REST; n_steps++)
            step();
        memory_let_fail(0);
        book_check_stocks(false);
        rest();
    }
}

static void stretch_end(void) {
    if (chance_one_in(2))
        core_say_bye(&core);
    deliver_all();
    clients_collect();
    core_deinit(&core); /* asserts that nothing is left */
    store_end();
    MUST(memory_n_live() == 0 && memory_live_bytes() == 0);
}

static void say_what_was_made(void) {
    printf("%" PRIu64 " frames, seed %" PRIu64 ":", n_frames, seed);
    for (unsigned type = 0; type < FRAME_TYPE_END; type++)
        if (n_made[type] > 0)
            printf(" %s %" PRIu64, frame_row(type)->name, n_made[type]);
    printf("\n");
}

static bool read_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *text != '\0' && *end == '\0';
}

int main(int argc, char **argv) {
    uint64_t n_wanted;
    seed = 1;
    if (argc < 2 || argc > 3 || !read_number(argv[1], &n_wanted) ||
        (argc > 2 && !read_number(argv[2], &seed))) {
        fprintf(stderr, "usage: %s FRAMES [SEED]\n", argv[0]);
        return EX_USAGE;
    }
    chance_state = seed;
    now = (mono_time){1000 * NS_PER_S};
    while (n_frames < n_wanted) {
        stretch_begin();
        stretch_run(n_wanted);
        stretch_end();
    }
    say_what_was_made();
    return EXIT_SUCCESS;
}
