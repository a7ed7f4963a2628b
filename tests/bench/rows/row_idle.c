/* The context switches of a hub that has nothing to do. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/idle.h"

#define IDLE_SESSIONS 100
#define SETTLE_MS 500           /* so long without a switch, and the joins are over */
#define SETTLE_DEADLINE_MS 5000 /* then it is measured all the same */

struct idle_hub {
    struct hub hub;
    struct idle idle;
};

static int settle(struct bench *bench, const struct hub *hub) {
    mono_time deadline = mono_add_ms(mono_now(), SETTLE_DEADLINE_MS);
    unsigned long before = 0, now;
    int r = hub_switches(bench, hub, &now);
    while (r == 0 && now != before && mono_ms_until(mono_now(), deadline) > 0) {
        before = now;
        poll(NULL, 0, SETTLE_MS);
        r = hub_switches(bench, hub, &now);
    }
    return r;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario, (void)side;
    const struct idle_hub *idle_hub = state;
    unsigned long before = 0, after = 0;
    int r = settle(bench, &idle_hub->hub);
    if (r == 0)
        r = hub_switches(bench, &idle_hub->hub, &before);
    if (r == 0)
        poll(NULL, 0, bench->options.quick ? 2000 : 10000);
    if (r == 0)
        r = hub_switches(bench, &idle_hub->hub, &after);
    *value = (double)(after - before);
    return interrupt_came() ? -EINTR : r;
}

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    struct idle_hub *idle_hub = calloc(1, sizeof *idle_hub);
    (void)scenario, (void)sides;
    if (!idle_hub)
        return -ENOMEM;
    *state = idle_hub;
    int r = hub_start(bench, &idle_hub->hub);
    return r == 0 ? idle_start(bench, &idle_hub->idle, &idle_hub->hub, IDLE_SESSIONS) : r;
}

static void teardown(void *state) {
    struct idle_hub *idle_hub = state;
    if (!idle_hub)
        return;
    idle_stop(&idle_hub->idle);
    hub_stop(&idle_hub->hub);
    free(idle_hub);
}

static const struct row rows[] = {{"idle-switches",
                                   "context switches of an idle hub, 10 s",
                                   0,
                                   NO_REFERENCE,
                                   {.has_value = true, .value = 0}}};

static const struct scenario scenarios[] = {{
    .unit = "switches",
    .max_rounds = 1,
    .sides = {"earshot, 100 idle"},
    .rows = rows,
    .n_rows = ARRAY_LEN(rows),
    .setup = setup,
    .measure = measure,
    .teardown = teardown,
}};

const struct scenario_list row_idle = {scenarios, ARRAY_LEN(scenarios)};
