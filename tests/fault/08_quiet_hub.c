/*
 * Nothing comes: earshot_next() with a timeout returns when the time is over, not before, and
 * costs no CPU time meanwhile; whether the link listens or not, with the descriptor or without.
 */
#include <stdio.h>
#include <sys/resource.h>

#include "harness/stage.h"
#include "lib/earshot.h"

#define WAIT_MS 120
#define N_WAITS 3
#define CPU_MS_MAX 40

struct visit {
    const struct stage *stage;
    unsigned flags;
    bool polls;
};

static long cpu_ms(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* The first answer may be news of one's own coming. */
static int wait_for_nothing(void *arg) {
    const struct visit *visit = arg;
    struct earshot_options options = {
        .hub = visit->stage->dir, .handle = user_handle(), .flags = visit->flags};
    struct earshot_event event;
    earshot *link = NULL;
    if (earshot_open(&link, &options) != EARSHOT_OK)
        return 1;
    if (visit->polls && earshot_fd(link) < 0)
        return 1;
    long cpu = cpu_ms();
    int n_over = 0;
    for (int i = 0; i < N_WAITS; i++) {
        mono_time begin = mono_now();
        int r = earshot_next(link, &event, WAIT_MS);
        n_over += r == EARSHOT_AGAIN && mono_now().ns - begin.ns >= (WAIT_MS - 1) * NS_PER_MS;
    }
    cpu = cpu_ms() - cpu;
    earshot_close(link);
    check(n_over == N_WAITS, "flags %u%s: %d of %d waits end when their time is over", visit->flags,
          visit->polls ? ", with descriptor" : "", n_over, N_WAITS);
    check(cpu < CPU_MS_MAX, "and take %ld ms of CPU time", cpu);
    return 0;
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    for (unsigned i = 0; i < 4; i++) {
        struct visit visit = {&stage, i & 1 ? EARSHOT_LISTEN : 0, i >= 2};
        check(user_run(UID_MALLORY, wait_for_nothing, &visit, 5000) == 0,
              "flags %u%s: the waits come to an end", visit.flags,
              visit.polls ? ", with descriptor" : "");
    }
    return stage_end(&stage);
}
