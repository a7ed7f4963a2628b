/* Ping-pong: A sends to the relay, the relay into B's mailbox, B answers the same way back. */
#include <errno.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/samples.h"

#define RTT_TEXT 120
#define RTT_WARM_UP 200

enum { RELAY, PING, PONG, N_WORKERS };

struct ping_pong {
    int inbox, mailboxes[N_WORKERS]; /* by worker */
    unsigned n_trips;
    double p50_us;
};

static int relay(const struct ping_pong *game) {
    struct bare_batch batch;
    size_t n;
    while (bare_receive(game->inbox, &batch, &n)) {
        struct bare_frame frame;
        memcpy(&frame, batch.data, sizeof frame);
        if (!bare_send(game->mailboxes[frame.to], &batch, n))
            break;
    }
    return 0;
}

static int send_next(const struct ping_pong *game, uint16_t to, struct load *load) {
    struct bare_batch batch = {.mtype = BARE_HUB_MTYPE};
    size_t n = 0;
    bare_append(&batch, &n, to, load->text, load->n);
    load_next(load);
    return bare_send(game->inbox, &batch, n) ? 0 : 1;
}

static int expect_next(const struct ping_pong *game, unsigned self, struct load *expected,
                       struct crew_arena *arena) {
    struct bare_batch batch;
    struct bare_frame frame;
    size_t n, at = 0;
    if (!bare_receive(game->mailboxes[self], &batch, &n))
        return crew_fail(arena, "the mailbox is gone");
    const char *text = bare_next(&batch, &at, &frame);
    return load_check(expected, arena, text, frame.n);
}

static int ping(struct ping_pong *game, struct crew_arena *arena) {
    struct load out, in;
    struct samples samples;
    load_init(&out, PING, RTT_TEXT);
    load_init(&in, PONG, RTT_TEXT);
    if (samples_init(&samples, game->n_trips) != 0)
        return crew_fail(arena, "out of memory");
    crew_ready(arena);
    for (unsigned i = 0; i < game->n_trips + RTT_WARM_UP; i++) {
        mono_time start = mono_now();
        if (send_next(game, PONG, &out) != 0 || expect_next(game, PING, &in, arena) != 0)
            return 1;
        if (i >= RTT_WARM_UP)
            samples_add(&samples, start);
    }
    game->p50_us = samples_median_us(&samples);
    samples_deinit(&samples);
    crew_done(arena);
    return 0;
}

static int pong(struct ping_pong *game, struct crew_arena *arena) {
    struct load out, in;
    load_init(&out, PONG, RTT_TEXT);
    load_init(&in, PING, RTT_TEXT);
    crew_ready(arena);
    for (unsigned i = 0; i < game->n_trips + RTT_WARM_UP; i++)
        if (expect_next(game, PONG, &in, arena) != 0 || send_next(game, PING, &out) != 0)
            return 1;
    crew_done(arena);
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct ping_pong *game = arg;
    if (index == PING)
        return ping(game, arena);
    if (index == PONG)
        return pong(game, arena);
    crew_joined(arena);
    return relay(game);
}

static int play(struct bench *bench, struct ping_pong *game) {
    struct crew crew = {0};
    int r = crew_start(bench, &crew, N_WORKERS, work, game);
    if (r == 0)
        r = crew_await_ready(bench, &crew, N_WORKERS);
    if (r == 0) {
        crew_go(&crew);
        r = crew_await_done(bench, &crew, N_WORKERS - 1);
    }
    crew_stop(&crew);
    return r;
}

int bare_rtt(struct bench *bench, unsigned n_trips, double *p50_us) {
    int ids[N_WORKERS];
    struct ping_pong *game = shared_new(sizeof *game);
    if (!game)
        return -ENOMEM;
    int r = bare_queues_new(bench, ids, N_WORKERS);
    if (r == 0) {
        *game = (struct ping_pong){ids[RELAY], {-1, ids[PING], ids[PONG]}, n_trips, 0};
        r = play(bench, game);
        bare_queues_remove(ids, N_WORKERS);
    }
    *p50_us = game->p50_us;
    shared_free(game, sizeof *game);
    return r;
}
