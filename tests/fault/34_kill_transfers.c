/*
 * Files, trees and streams go from one user to another, while the sender, the receiver or the hub,
 * or two of them, are killed with -9 at a random moment: somewhere between their start and the last
 * byte. Afterwards diff(1) and cmp(1) judge what is in the destination: it is whole under its
 * name, or the beginning of it in a .part, or there is nothing. Whoever is left ends soon; a hub
 * that dies disturbs nobody; no segment and no queue is left.
 *
 * TRANSFERS: how many (40). SEED: as printed by an earlier run.
 * test: alone, timeout=300
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/goods.h"
#include "harness/program.h"
#include "harness/stage.h"
#include "ipc/shm.h"

#define KNOWS_MS 5000   /* a second, and what a loaded machine takes */
#define SILENT_MS 400   /* who has said nothing by then has nothing under way, and is interrupted */
#define FINISH_MS 60000 /* of a transfer that is not to be disturbed */
#define BEGIN_MS 20000
#define N_WRONG_MAX 5

enum victim { SENDER = 1, RECEIVER = 2, HUB = 4 };
/* A while after the start; just after the offer, when both agree on the ring; part of the way. */
enum moment { AT_START, AT_OFFER, AT_PART, N_MOMENTS };

struct plan {
    enum goods_kind kind;
    unsigned victims;
    enum moment moment;
    long us;     /* AT_START, AT_OFFER, of a tree: then */
    double part; /* AT_PART: of the bytes that have been written */
};

struct scene {
    struct stage stage;
    struct goods goods;
    struct program sender, receiver;
    struct plan plan;
    unsigned round;
    pid_t pids[8]; /* all senders of this round, also those that were started again */
    unsigned n_pids;
    int64_t *known_ms; /* how long the survivors took */
    unsigned n_known, n_late, n_wrong;
    unsigned n_killed[8], n_whole, n_parts, n_absent, n_undisturbed, n_resumed, n_unremoved;
};

/* Something is not as it should be: says what, with all that is needed to see why. */
static void wrong(struct scene *scene, const char *what) {
    static const char *const MOMENTS[] = {"start", "offer", "part"};
    const struct plan *plan = &scene->plan;
    scene->n_wrong++;
    check_note("round %u, %s, killed:%s%s%s, %s %ld us or %.2f: %s", scene->round,
               GOODS[plan->kind].name, plan->victims & SENDER ? " sender" : "",
               plan->victims & RECEIVER ? " receiver" : "", plan->victims & HUB ? " hub" : "",
               MOMENTS[plan->moment], plan->us, plan->part, what);
    check_note("  the sender (%d):", scene->sender.code);
    program_show(&scene->sender);
    check_note("  the receiver (%d):", scene->receiver.code);
    program_show(&scene->receiver);
}

/* --- a round --- */

static void pause_us(long us) {
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void start_sender(struct scene *scene) {
    char path[PATH_MAX];
    bool is_stream = scene->plan.kind == STREAM;
    snprintf(path, sizeof path, "%s/%s", scene->goods.sources, GOODS[scene->plan.kind].source);
    const char *const argv[] = {
        "earshot", "--hub", scene->stage.dir,       "--name", "alice", "--json",
        "put",     "bob",   is_stream ? "-" : path, NULL};
    program_start(&scene->sender, argv, is_stream ? path : NULL);
    if (scene->n_pids < ARRAY_LEN(scene->pids))
        scene->pids[scene->n_pids++] = scene->sender.pid;
}

static void start_receiver(struct scene *scene) {
    const char *const argv[] = {"earshot", "--hub", scene->stage.dir,    "--name", "bob", "--json",
                                "get",     "--dir", scene->goods.target, NULL};
    program_start(&scene->receiver, argv, NULL);
}

static bool is_under_way(const struct scene *scene) {
    return program_said(&scene->sender, "\"running\"") &&
           program_said(&scene->receiver, "\"running\"");
}

static bool moment_is_there(struct scene *scene) {
    const struct plan *plan = &scene->plan;
    bool runs = program_runs(&scene->sender);
    if (plan->moment == AT_START || !program_runs(&scene->receiver) || !runs)
        return true;
    if (plan->moment == AT_OFFER)
        return program_said(&scene->sender, "\"offered\"");
    long n = goods_written(&scene->goods, plan->kind);
    return n >= 0 && is_under_way(scene) &&
           (double)n >= plan->part * (double)GOODS[plan->kind].n_bytes;
}

static void await_moment(struct scene *scene) {
    const struct plan *plan = &scene->plan;
    mono_time deadline = mono_add_ms(mono_now(), BEGIN_MS);
    while (!moment_is_there(scene)) {
        if (mono_now().ns > deadline.ns) {
            wrong(scene, "it does not begin");
            return;
        }
        pause_us(50);
    }
    if (plan->moment != AT_PART || plan->kind == TREE)
        pause_us(plan->us);
}

static void kill_program(struct program *program) {
    if (!program_runs(program))
        return;
    kill(program->pid, SIGKILL);
    while (program_runs(program))
        pause_us(50);
}

static void kill_victims(struct scene *scene) {
    struct hub *hub = &scene->stage.hub;
    struct hub_options options = hub->options;
    unsigned victims = scene->plan.victims;
    scene->n_killed[victims]++;
    if (victims == HUB && is_under_way(scene) && program_runs(&scene->sender))
        scene->n_undisturbed++;
    if (victims & SENDER)
        kill_program(&scene->sender);
    if (victims & RECEIVER)
        kill_program(&scene->receiver);
    if (victims & HUB) {
        hub_kill(hub);
        hub_launch(hub, &options);
    }
}

/* --- who is left --- */

static bool is_over(void *arg) {
    return !program_runs(arg);
}

static void interrupt_program(struct scene *scene, struct program *program) {
    if (program_runs(program))
        kill(program->pid, SIGINT);
    if (!check_until(is_over, program, KNOWS_MS)) {
        scene->n_late++;
        wrong(scene, "it does not end when it is interrupted");
        kill_program(program);
    }
}

/* Its partner is dead: it ends by itself if it had begun, or goes on waiting for another one. */
static void await_survivor(struct scene *scene, struct program *program, mono_time killed) {
    bool is_late = !check_until(is_over, program, SILENT_MS);
    if (is_late && program_said(program, "\"running\""))
        is_late = !check_until(is_over, program, KNOWS_MS);
    else if (is_late) {
        interrupt_program(scene, program);
        return;
    }
    if (is_late) {
        scene->n_late++;
        wrong(scene, "it does not notice");
        kill_program(program);
    } else if (program->ended.ns > killed.ns) {
        scene->known_ms[scene->n_known++] = mono_ms_until(killed, program->ended);
    }
}

/* Whether it ended before it had joined, and may be started again. */
static bool had_not_joined(struct program *program) {
    return !program_runs(program) && (program->code == 69 || program->code == 75) &&
           !program_said(program, "\"file\"");
}

/* Only the hub died: both come to a good end. */
static bool both_come_through(struct scene *scene) {
    mono_time deadline = mono_add_ms(mono_now(), FINISH_MS);
    while (program_runs(&scene->sender) || program_runs(&scene->receiver) ||
           had_not_joined(&scene->sender) || had_not_joined(&scene->receiver)) {
        if (mono_now().ns > deadline.ns)
            return false;
        if (had_not_joined(&scene->sender))
            start_sender(scene);
        if (had_not_joined(&scene->receiver))
            start_receiver(scene);
        pause_us(2000);
    }
    return scene->sender.code == 0 && scene->receiver.code == 0;
}

static void come_to_an_end(struct scene *scene, mono_time killed) {
    unsigned victims = scene->plan.victims;
    if (victims & HUB && !hub_wait_ready(&scene->stage.hub, BEGIN_MS))
        check_die("the hub does not come back");
    if (victims == HUB && !both_come_through(scene))
        wrong(scene, "a hub that dies has disturbed it");
    if (victims & SENDER && !(victims & RECEIVER))
        await_survivor(scene, &scene->receiver, killed);
    if (victims & RECEIVER && !(victims & SENDER))
        await_survivor(scene, &scene->sender, killed);
    kill_program(&scene->receiver);
    kill_program(&scene->sender);
}

/* --- the judge --- */

static void judge_target(struct scene *scene) {
    char whole[PATH_MAX], part[PATH_MAX];
    const char *name = GOODS[scene->plan.kind].name;
    struct stat status;
    DIR *dir = opendir(scene->goods.target);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, name, strlen(name)) != 0)
            wrong(scene, "there is something else in the destination");
    if (dir)
        closedir(dir);
    snprintf(whole, sizeof whole, "%s/%s", scene->goods.target, name);
    snprintf(part, sizeof part, "%s/%s.part", scene->goods.target, name);
    bool has_whole = lstat(whole, &status) == 0, has_part = lstat(part, &status) == 0;
    if (has_whole && !goods_are_whole(&scene->goods, scene->plan.kind, whole))
        wrong(scene, "a damaged file has the final name");
    if (has_part && !goods_are_begun(&scene->goods, scene->plan.kind, part))
        wrong(scene, "what is in the .part was never sent");
    if (!has_whole && (scene->sender.code == 0 || scene->receiver.code == 0))
        wrong(scene, "somebody was told that it is there");
    scene->n_whole += has_whole;
    scene->n_parts += has_part;
    scene->n_absent += !has_whole && !has_part;
    scene->n_resumed += program_said(&scene->sender, "\"resumed\"");
}

struct segments {
    const struct scene *scene;
    unsigned n, n_unremoved;
};

static bool count_segment(void *arg, const struct shm_segment *segment) {
    struct segments *segments = arg;
    for (unsigned i = 0; i < segments->scene->n_pids; i++) {
        if (segment->creator != segments->scene->pids[i])
            continue;
        segments->n += segment->is_removed;
        segments->n_unremoved += !segment->is_removed;
    }
    return true;
}

static bool no_mailbox(void *arg) {
    (void)arg;
    return stage_n_tagged(QUEUE_TAG_MAILBOX) == 0;
}

/* A segment that is not marked as removed is of a sender that died in the two system calls between
 * making and removing it; the next ring that is made sweeps it away. */
static void judge_kernel(struct scene *scene) {
    struct segments segments = {.scene = scene};
    shm_each(count_segment, &segments);
    if (segments.n > 0)
        wrong(scene, "a segment is left");
    scene->n_unremoved += segments.n_unremoved;
    if (geteuid() == 0 && !check_until(no_mailbox, NULL, KNOWS_MS))
        wrong(scene, "a mailbox is left");
}

/* --- all rounds --- */

static struct plan make_plan(void) {
    static const unsigned VICTIMS[] = {SENDER, SENDER,       RECEIVER,       RECEIVER,         HUB,
                                       HUB,    SENDER | HUB, RECEIVER | HUB, SENDER | RECEIVER};
    struct plan plan = {.kind = (enum goods_kind)(random() % N_KINDS),
                        .victims = VICTIMS[(size_t)random() % ARRAY_LEN(VICTIMS)]};
    plan.moment = (enum moment)(random() % N_MOMENTS);
    plan.us = random() % (plan.moment == AT_START ? 60000 : 5000);
    plan.part = (double)(random() % 1001) / 1000;
    return plan;
}

static void play(struct scene *scene) {
    struct plan plan = make_plan();
    bool keep = random() % 2 == 0;
    plan.kind = keep && scene->round > 1 ? scene->plan.kind : plan.kind;
    scene->plan = plan;
    scene->n_pids = 0;
    goods_clear(&scene->goods, keep);
    if (random() % 2 == 0) {
        start_sender(scene);
        start_receiver(scene);
    } else {
        start_receiver(scene);
        start_sender(scene);
    }
    await_moment(scene);
    kill_victims(scene);
    come_to_an_end(scene, mono_now());
    judge_target(scene);
    judge_kernel(scene);
}

/* Without a kill: what was left in between is swept away, and everything still works. */
static void play_last(struct scene *scene) {
    scene->plan = (struct plan){.kind = MIDDLE};
    goods_clear(&scene->goods, false);
    start_sender(scene);
    start_receiver(scene);
    check(both_come_through(scene) && scene->n_wrong == 0, "left in peace, a file arrives");
    struct segments segments = {.scene = scene};
    shm_each(count_segment, &segments);
    check(segments.n + segments.n_unremoved == 0, "no segment is left");
}

static void tell(struct scene *scene) {
    check_note("killed: sender %u, receiver %u, hub %u, sender and hub %u, receiver and hub %u, "
               "both %u",
               scene->n_killed[SENDER], scene->n_killed[RECEIVER], scene->n_killed[HUB],
               scene->n_killed[SENDER | HUB], scene->n_killed[RECEIVER | HUB],
               scene->n_killed[SENDER | RECEIVER]);
    check_note("then it was whole %u times, a .part %u, absent %u; %u went on behind a .part; "
               "%u segments were caught before they were removed",
               scene->n_whole, scene->n_parts, scene->n_absent, scene->n_resumed,
               scene->n_unremoved);
    int64_t most = check_percentile(scene->known_ms, scene->n_known, 100);
    check_note("%u survivors ended after %lld ms at most, %lld ms in the middle", scene->n_known,
               (long long)most, (long long)check_percentile(scene->known_ms, scene->n_known, 50));
    check(scene->n_wrong == 0, "%u transfers: whole, or .part, or absent; nothing is left",
          scene->round);
    check(scene->n_late == 0, "the other side always knew soon");
    check_note("%u were under way when the hub died, and arrived", scene->n_undisturbed);
}

static void take_part(struct program *program, const struct stage *stage, uid_t uid,
                      const char *handle) {
    program->uid = geteuid() == 0 ? uid : geteuid();
    snprintf(program->log, sizeof program->log, "%s/%s.log", stage->root, handle);
    const char *const argv[] = {"earshot", "--hub", stage->dir, "--name", handle, "rooms", NULL};
    program_start(program, argv, NULL);
    if (!check_until(is_over, program, BEGIN_MS) || program->code != 0)
        check_die("%s cannot join (%d)", handle, program->code);
}

int main(void) {
    static struct scene scene;
    stage_prepare_somehow(&scene.stage);
    unsigned n = (unsigned)check_env("TRANSFERS", 40);
    unsigned seed = (unsigned)check_env("SEED", (long)(time(NULL) % 1000000));
    srandom(seed);
    check_note("SEED=%u TRANSFERS=%u%s", seed, n,
               geteuid() == 0 ? "" : " (SKIPPED: a second uid, which needs root)");
    scene.known_ms = calloc(n + 1, sizeof *scene.known_ms);
    scene.stage.durable = true;
    stage_start_hub(&scene.stage, geteuid() == 0 ? "open" : NULL);
    take_part(&scene.sender, &scene.stage, UID_ALICE, "alice");
    take_part(&scene.receiver, &scene.stage, UID_BOB, "bob");
    goods_make(&scene.goods, &scene.stage, scene.sender.uid, scene.receiver.uid);
    for (scene.round = 1; scene.round <= n && scene.n_wrong <= N_WRONG_MAX; scene.round++)
        play(&scene);
    scene.round--;
    tell(&scene);
    play_last(&scene);
    int code = hub_stop(&scene.stage.hub);
    check(code == 0, "the hub ends cleanly (exit code %d)", code);
    if (geteuid() == 0) {
        stage_remove_nameless();
        stage_check_nothing_left("after the hub's stop");
    }
    free(scene.known_ms);
    return check_end();
}
