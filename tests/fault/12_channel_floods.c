/*
 * Two programs that flood each other through libearshot, and so through channels: blocking and with
 * a descriptor, because they asked for it and because they were busy; to queues and back, again and
 * again; while one of them is stopped; while the hub is killed and started again, and while one of
 * them is. Each message comes once, and in order.
 * test: timeout=400
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/stage.h"
#include "ipc/shm.h"
#include "lib/earshot.h"

#define FLOOD_MS 90000
#define FLOOD_N 15000
#define BURSTS 25
#define BURST_N 700
#define KILLS 10
#define KILL_EVERY 1200
#define TEXT_BYTES 100

/* One of the two, in memory that it shares with the test. */
struct flooder {
    const struct stage *stage;
    char handle[32], to[32]; /* others for each pair, so that none gets what another left */
    uid_t uid;
    unsigned flags;
    bool polls, corks;
    pid_t pid;
    atomic_ulong goal;        /* it sends up to this number, */
    unsigned long n_expected; /* and ends when it has sent and received so many */
    atomic_bool is_here;
    atomic_ulong n_sent, n_received, n_wrong, n_missed, n_back;
    char error[256];
};

struct pair {
    struct flooder side[2];
};

static int flooder_fail(struct flooder *flooder, earshot *link, int r) {
    snprintf(flooder->error, sizeof flooder->error, "%d: %s", r, earshot_error(link));
    return 1;
}

static void take_event(struct flooder *flooder, const struct earshot_event *event) {
    unsigned long number;
    if (event->type == EARSHOT_EVENT_MISSED || event->type == EARSHOT_EVENT_REFUSED)
        atomic_fetch_add(&flooder->n_missed, 1);
    if (event->type == EARSHOT_EVENT_BACK)
        atomic_fetch_add(&flooder->n_back, 1);
    if (event->type != EARSHOT_EVENT_MESSAGE)
        return;
    number = strtoul(event->message.text, NULL, 10);
    if (number != atomic_load(&flooder->n_received) + 1 || event->message.text_n != TEXT_BYTES) {
        atomic_fetch_add(&flooder->n_wrong, 1);
        check_note("%s: %lu after %lu, %zu bytes", flooder->handle, number,
                   atomic_load(&flooder->n_received), event->message.text_n);
    }
    atomic_store(&flooder->n_received, number);
}

/* All that is there, after a wait of at most `ms`. Not 0: the link has ended. */
static int take_events(struct flooder *flooder, earshot *link, int ms) {
    struct earshot_event event;
    int r = 0;
    if (flooder->polls && ms > 0) {
        struct pollfd fd = {.fd = earshot_fd(link), .events = POLLIN};
        poll(&fd, 1, ms);
        ms = 0;
    }
    while ((r = earshot_next(link, &event, ms)) == EARSHOT_OK) {
        take_event(flooder, &event);
        ms = 0;
    }
    return r == EARSHOT_AGAIN || r == -EINTR ? 0 : r;
}

static int send_next(struct flooder *flooder, earshot *link) {
    char text[TEXT_BYTES + 1];
    unsigned long number = atomic_load(&flooder->n_sent) + 1;
    snprintf(text, sizeof text, "%-*lu", TEXT_BYTES, number);
    struct earshot_message message = {.to = flooder->to, .text = text, .text_n = TEXT_BYTES};
    if (flooder->corks && number < atomic_load(&flooder->goal))
        message.flags = EARSHOT_CORK;
    int r = earshot_send(link, &message, NULL);
    if (r == EARSHOT_OK)
        atomic_store(&flooder->n_sent, number);
    if (r != EARSHOT_OK && r != EARSHOT_AGAIN && r != -EINTR)
        return r;
    bool looks = r == EARSHOT_AGAIN || number % 16 == 0;
    return looks ? take_events(flooder, link, r == EARSHOT_AGAIN ? 50 : 0) : 0;
}

static bool is_through(const struct flooder *flooder, const earshot *link) {
    return atomic_load(&flooder->n_sent) >= flooder->n_expected &&
           atomic_load(&flooder->n_received) >= flooder->n_expected &&
           earshot_n_unacknowledged(link) == 0;
}

static int flooder_main(void *arg) {
    struct flooder *flooder = arg;
    struct earshot_options options = {.hub = flooder->stage->dir,
                                      .handle = flooder->handle,
                                      .flags = EARSHOT_LISTEN | EARSHOT_RECONNECT | flooder->flags,
                                      .timeout_ms = 20000};
    earshot *link = NULL;
    int r = earshot_open(&link, &options);
    atomic_store(&flooder->is_here, r == 0);
    while (r == 0 && !is_through(flooder, link)) {
        if (atomic_load(&flooder->n_sent) < atomic_load(&flooder->goal))
            r = send_next(flooder, link);
        else
            r = take_events(flooder, link, 20);
    }
    if (r != 0)
        return flooder_fail(flooder, link, r);
    earshot_close(link);
    return 0;
}

/* --- the test --- */

static struct stage stage;

static void pair_go_on(struct pair *pair, unsigned long goal) {
    for (int i = 0; i < 2; i++)
        atomic_store(&pair->side[i].goal, goal);
}

static struct pair *pair_new(unsigned flags, bool polls, bool corks, unsigned long n) {
    static int n_pairs = 0;
    struct pair *pair = check_shared(sizeof *pair);
    n_pairs++;
    for (int i = 0; i < 2; i++) {
        struct flooder *side = &pair->side[i];
        *side = (struct flooder){.stage = &stage,
                                 .uid = i ? UID_BOB : UID_ALICE,
                                 .flags = flags,
                                 .polls = polls,
                                 .corks = corks,
                                 .n_expected = n};
        snprintf(side->handle, sizeof side->handle, "twin-%d-%d", n_pairs, i);
        snprintf(side->to, sizeof side->to, "twin-%d-%d", n_pairs, !i);
    }
    return pair;
}

static bool are_here(void *arg) {
    const struct pair *pair = arg;
    return atomic_load(&pair->side[0].is_here) && atomic_load(&pair->side[1].is_here);
}

/* They know each other before they begin. */
static void pair_start(struct pair *pair, unsigned long goal) {
    for (int i = 0; i < 2; i++)
        pair->side[i].pid = user_start(pair->side[i].uid, flooder_main, &pair->side[i]);
    check_until(are_here, pair, FLOOD_MS);
    pair_go_on(pair, goal);
}

/* Both end by themselves; `what` stands in the lines. */
static void pair_check(struct pair *pair, const char *what) {
    for (int i = 0; i < 2; i++) {
        struct flooder *side = &pair->side[i];
        int code = user_wait(side->pid, FLOOD_MS);
        unsigned long n = atomic_load(&side->n_received);
        check(code == 0 && n == side->n_expected && atomic_load(&side->n_wrong) == 0 &&
                  atomic_load(&side->n_missed) == 0,
              "%s: %s has sent %lu and received %lu of %lu, %lu of them wrong, %lu missed", what,
              side->handle, atomic_load(&side->n_sent), n, side->n_expected,
              atomic_load(&side->n_wrong), atomic_load(&side->n_missed));
        if (code != 0)
            check_note("%s: %d, %s", side->handle, code, side->error);
    }
}

static bool count_one(void *arg, const struct shm_segment *segment) {
    (void)segment;
    ++*(size_t *)arg;
    return true;
}

static size_t n_channels(void) {
    size_t n = 0;
    (void)shm_each(count_one, &n);
    return n;
}

static bool has_channels(void *arg) {
    (void)arg;
    return n_channels() > 0;
}

static bool has_both(void *arg) {
    (void)arg;
    return n_channels() == 2;
}

static bool has_none(void *arg) {
    (void)arg;
    return n_channels() == 0;
}

/* Until that is shown, the two talk on. */
static void check_flood(unsigned flags, bool polls, bool corks) {
    char what[100];
    snprintf(what, sizeof what, "%s, %s, %s", polls ? "with a descriptor" : "blocking",
             corks ? "in bulk" : "one at a time",
             flags & EARSHOT_CHANNEL ? "as they asked for it" : "as they were busy");
    struct pair *pair = pair_new(flags, polls, corks, FLOOD_N);
    pair_start(pair, FLOOD_N);
    check(check_until(has_channels, NULL, FLOOD_MS), "%s: channels are used", what);
    pair_check(pair, what);
}

static bool has_taken(void *arg) {
    const struct pair *pair = arg;
    for (int i = 0; i < 2; i++)
        if (atomic_load(&pair->side[i].n_received) < atomic_load(&pair->side[i].goal))
            return false;
    return true;
}

/* A burst, and then it is quiet until the hub has taken the channels back. */
static void check_bursts(bool polls) {
    const char *what = polls ? "bursts, with a descriptor" : "bursts, blocking";
    struct pair *pair = pair_new(EARSHOT_CHANNEL, polls, false, BURSTS * BURST_N);
    unsigned n_with = 0, n_without = 0;
    pair_start(pair, 0);
    for (int burst = 1; burst <= BURSTS; burst++) {
        pair_go_on(pair, (unsigned long)burst * BURST_N);
        n_with += check_until(has_channels, NULL, 500);
        if (!check_until(has_taken, pair, FLOOD_MS))
            break;
        n_without += check_until(has_none, NULL, FLOOD_MS);
    }
    check(n_with > 0 && n_without == BURSTS,
          "%s: %u times there were channels, and none when it was quiet %u times", what, n_with,
          n_without);
    pair_check(pair, what);
}

struct progress {
    const struct flooder *side;
    unsigned long number;
};

static bool has_moved(void *arg) {
    const struct progress *progress = arg;
    return atomic_load(&progress->side->n_received) >= progress->number;
}

/* In the middle: as soon as both have come a bit further, and talk through channels. */
static void check_killed_hub(bool polls) {
    const char *what = polls ? "hub killed, with a descriptor" : "hub killed, blocking";
    struct pair *pair = pair_new(EARSHOT_CHANNEL, polls, true, FLOOD_N);
    unsigned n_kills = 0;
    pair_start(pair, FLOOD_N);
    while (n_kills < KILLS) {
        struct progress progress = {&pair->side[n_kills % 2], (n_kills + 1) * KILL_EVERY};
        if (!check_until(has_moved, &progress, FLOOD_MS) || !check_until(has_both, NULL, FLOOD_MS))
            break;
        hub_kill(&stage.hub);
        n_kills++;
        stage_start_hub(&stage, "open");
    }
    check(n_kills == KILLS, "%s: %u times", what, n_kills);
    pair_check(pair, what);
}

/* What it had in its channel when it was stopped, and what came meanwhile, is there afterwards. */
static void check_stopped(void) {
    struct pair *pair = pair_new(EARSHOT_CHANNEL, false, true, FLOOD_N);
    struct flooder *stopped = &pair->side[1];
    pair_start(pair, FLOOD_N);
    check(check_until(has_both, NULL, FLOOD_MS), "both have a channel");
    struct progress begun = {stopped, 100}, full = {stopped, 200};
    check_until(has_moved, &begun, FLOOD_MS);
    kill(stopped->pid, SIGSTOP);
    stage_check_talk(&stage, "one of them is stopped");
    kill(stopped->pid, SIGCONT);
    check(check_until(has_moved, &full, FLOOD_MS), "it goes on");
    pair_check(pair, "one was stopped");
}

/* Its channel goes with it, and so does nothing else. */
static void check_killed(void) {
    struct pair *pair = pair_new(EARSHOT_CHANNEL, false, true, FLOOD_N);
    pair_start(pair, FLOOD_N);
    check(check_until(has_both, NULL, FLOOD_MS), "both have a channel");
    for (int i = 0; i < 2; i++) {
        struct progress begun = {&pair->side[i], 100};
        check_until(has_moved, &begun, FLOOD_MS);
        user_kill(pair->side[i].pid);
    }
    stage_check_no_segment("both were killed", FLOOD_MS);
    stage_check_talk(&stage, "both were killed");
}

int main(void) {
    stage_prepare(&stage);
    stage.durable = true;
    stage.more[0] = "--channel-quiet";
    stage.more[1] = "0.1";
    stage_start_hub(&stage, "open");
    if (!bystanders_start(&stage.pair, stage.dir, 1000))
        check_die("the bystanders cannot talk: %s", stage.pair.talk->wrong);
    for (int i = 0; i < 8; i++)
        check_flood(i & 1 ? EARSHOT_CHANNEL : 0, i & 2, i & 4);
    check_bursts(false);
    check_bursts(true);
    check_stopped();
    check_killed();
    bystanders_stop(&stage.pair);
    check_killed_hub(false);
    check_killed_hub(true);
    return stage_end(&stage);
}
