/*
 * Users who join as fast as they can, while the hub is stopped: it ends soon, whatever it has just
 * taken from the well-known queue. In every second round the HELLOs wait before a hub that stands
 * still as it is told to stop, so that it takes them at that very moment.
 * test: timeout=300
 */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "harness/stage.h"

#define N_ROUNDS 24
#define N_USERS 6
#define STOP_MS 5000
#define ANSWER_MS 200

struct storm {
    struct stage stage;
    atomic_int is_over;
    atomic_long n_sent, n_welcomed;
    long mark;
};

static struct storm *storm;

/* One handshake. A mailbox is gone at the end, whatever became of it. */
static void try_to_join(void) {
    static struct raw raw;
    struct frame hello;
    raw.mailbox = -1;
    if (raw_init(&raw, storm->stage.dir) == 0 && raw_make_mailbox(&raw) == 0 &&
        raw_give_mailbox(&raw) == 0 && raw_put_nonce(&raw) == 0) {
        raw_fill_hello(&raw, &hello, user_handle(), ABILITY_LISTEN);
        if (raw_send_hello(&raw, &hello) == 0)
            atomic_fetch_add(&storm->n_sent, 1);
        if (raw_await_welcome(&raw, ANSWER_MS) == RAW_WELCOME)
            atomic_fetch_add(&storm->n_welcomed, 1);
    }
    raw_drop(&raw);
}

static int join_and_join(void *arg) {
    (void)arg;
    while (!atomic_load(&storm->is_over))
        try_to_join();
    return 0;
}

static bool some_are_sent(void *arg) {
    (void)arg;
    return atomic_load(&storm->n_sent) >= storm->mark + N_USERS;
}

static bool some_are_welcomed(void *arg) {
    (void)arg;
    return atomic_load(&storm->n_welcomed) >= storm->mark + N_USERS;
}

/* As many more as there are users. */
static void await_more(bool (*state)(void *), atomic_long *count) {
    storm->mark = atomic_load(count);
    check_until(state, NULL, 10000);
}

static int stop_in_time(struct hub *hub, bool stands_still) {
    if (stands_still)
        hub_pause(hub);
    await_more(stands_still ? some_are_sent : some_are_welcomed,
               stands_still ? &storm->n_sent : &storm->n_welcomed);
    kill(hub->pid, SIGTERM);
    if (stands_still)
        hub_resume(hub);
    int code = user_wait(hub->pid, STOP_MS);
    hub->pid = 0;
    return code;
}

static int run_round(int round) {
    pid_t users[N_USERS];
    struct stage *stage = &storm->stage;
    stage->durable = round % 4 >= 2;
    stage_start_hub(stage, "open");
    atomic_store(&storm->is_over, 0);
    for (uid_t i = 0; i < N_USERS; i++)
        users[i] = user_start(61100 + i, join_and_join, NULL);
    int code = stop_in_time(&stage->hub, round % 2 == 1);
    atomic_store(&storm->is_over, 1);
    for (int i = 0; i < N_USERS; i++)
        user_wait(users[i], 20000);
    return code;
}

int main(void) {
    int n_stopped = 0;
    storm = check_shared(sizeof *storm);
    stage_prepare(&storm->stage);
    for (int round = 0; round < N_ROUNDS; round++)
        n_stopped += run_round(round) == 0;
    check(n_stopped == N_ROUNDS, "%d of %d hubs ended within %d ms, amid %ld joins", n_stopped,
          N_ROUNDS, STOP_MS, atomic_load(&storm->n_sent));
    return stage_end(&storm->stage);
}
