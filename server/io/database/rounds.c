#include "io/database/rounds.h"

#include <errno.h>
#include <stdlib.h>

#include "io/database/login.h"
#include "io/database/resolver.h"

#define ROUND_ANSWER_MS 3000 /* so long one answer is waited for; */
#define ROUND_SILENT_MAX 4   /* and after so many that did not come, for none */

struct rounds {
    pthread_t thread;
    pthread_cond_t due; /* with the hub's lock */
    mono_time next;     /* the next round; */
    bool is_wanted;     /* that is now */
};

/* What one round asks about. */
struct round {
    struct name *groups;
    uid_t *uids;
    unsigned n_groups, n_uids, n_silent;
};

/* False: no answer has come. */
static bool round_ask(struct round *round, uid_t asker, const struct login_question *question,
                      struct login_answer *answer) {
    if (round->n_silent < ROUND_SILENT_MAX &&
        resolver_wait(asker, question, answer, ROUND_ANSWER_MS))
        return true;
    round->n_silent++;
    return false;
}

/* It is the hub that asks about groups; about a user, he himself, so that one for whom the database
 * hangs keeps no other's question waiting. */
static void round_ask_group(struct hub *hub, struct round *round, const struct name *group) {
    struct login_question question = {.uid = LOGIN_NOBODY, .gid = GROUP_NONE, .group = *group};
    struct login_answer answer;
    if (!round_ask(round, LOGIN_NOBODY, &question, &answer))
        return;
    hub_enter(hub);
    core_note_gid(&hub->core, group, &answer.group);
    hub_leave(hub);
}

static void round_ask_user(struct hub *hub, struct round *round, uid_t uid) {
    struct login_question question = {
        .uid = uid, .gid = GROUP_NONE, .wants_groups = true, .is_fresh = true};
    struct login_answer answer;
    if (!round_ask(round, uid, &question, &answer))
        return;
    hub_enter(hub);
    core_note_groups(&hub->core, uid, &answer.groups);
    hub_leave(hub);
}

/* With the lock held. Without memory there is nothing in it. */
static void round_init(struct round *round, const struct core *core) {
    *round = (struct round){.n_groups = core_list_groups(core, NULL, 0),
                            .n_uids = core_list_uids(core, NULL, 0)};
    round->groups = calloc(round->n_groups + 1, sizeof *round->groups);
    round->uids = calloc(round->n_uids + 1, sizeof *round->uids);
    if (!round->groups || !round->uids)
        round->n_groups = round->n_uids = 0;
    core_list_groups(core, round->groups, round->n_groups);
    core_list_uids(core, round->uids, round->n_uids);
}

static void round_deinit(struct round *round) {
    free(round->groups);
    free(round->uids);
}

/* With the lock held; gives it back meanwhile. */
static void round_make(struct hub *hub) {
    struct round round;
    round_init(&round, &hub->core);
    hub_leave(hub);
    for (unsigned i = 0; i < round.n_groups && !hub->stopping; i++)
        round_ask_group(hub, &round, &round.groups[i]);
    for (unsigned i = 0; i < round.n_uids && !hub->stopping; i++)
        round_ask_user(hub, &round, round.uids[i]);
    round_deinit(&round);
    hub_enter(hub);
    core_forget_groups(&hub->core);
}

static bool rounds_have_work(const struct hub *hub) {
    return core_has_groups(&hub->core) && hub->core.n_sessions > 0;
}

/* The same. Idle it is not woken. */
static void rounds_rest(struct hub *hub, struct rounds *rounds) {
    struct timespec until = {rounds->next.ns / NS_PER_S, rounds->next.ns % NS_PER_S};
    hub_leave(hub);
    lock_take(&hub->lock);
    if (!rounds->is_wanted && !hub->stopping)
        lock_wait(&hub->lock, &rounds->due, rounds_have_work(hub) ? &until : NULL);
    lock_give(&hub->lock);
    hub_enter(hub);
}

static void *rounds_thread(void *arg) {
    struct hub *hub = arg;
    struct rounds *rounds = hub->rounds;
    hub_enter(hub);
    while (!hub->stopping) {
        bool is_due = rounds->is_wanted || mono_now().ns >= rounds->next.ns;
        rounds->is_wanted = false;
        if (rounds_have_work(hub) && is_due) {
            round_make(hub);
            rounds->next = mono_add_ms(mono_now(), GROUP_CHECK_MS);
        } else {
            rounds_rest(hub, rounds);
        }
    }
    hub_leave(hub);
    return NULL;
}

void rounds_wake(struct hub *hub) {
    hub->core.wants_groups = false;
    hub->rounds->is_wanted = true;
    pthread_cond_signal(&hub->rounds->due);
}

void rounds_note_joined(struct hub *hub) {
    if (hub->core.n_sessions == 1 && core_has_groups(&hub->core))
        pthread_cond_signal(&hub->rounds->due);
}

/* Before anybody joins: in which rooms he would be then has to be known. */
static void rounds_begin(struct hub *hub) {
    struct round round;
    lock_take(&hub->lock);
    round_init(&round, &hub->core);
    lock_give(&hub->lock);
    round.n_silent = ROUND_SILENT_MAX - 1;
    for (unsigned i = 0; i < round.n_groups; i++)
        round_ask_group(hub, &round, &round.groups[i]);
    round_deinit(&round);
}

int rounds_start(struct hub *hub) {
    pthread_condattr_t clock;
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (!rounds)
        return -ENOMEM;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&rounds->due, &clock);
    pthread_condattr_destroy(&clock);
    rounds_begin(hub);
    hub->rounds = rounds;
    int r = pthread_create(&rounds->thread, NULL, rounds_thread, hub);
    if (r == 0)
        return 0;
    pthread_cond_destroy(&rounds->due);
    free(rounds);
    hub->rounds = NULL;
    return -r;
}

void rounds_stop(struct hub *hub) {
    struct rounds *rounds = hub->rounds;
    if (!rounds)
        return;
    lock_take(&hub->lock);
    rounds_wake(hub);
    lock_give(&hub->lock);
    pthread_join(rounds->thread, NULL);
    pthread_cond_destroy(&rounds->due);
    free(rounds);
    hub->rounds = NULL;
}
