/*
 * One user does one thing as fast as he can: every frame that a client may send, false and true
 * HELLOs, deaths, silence. The others go on, lose nothing, and get their answers; the hub's memory
 * stays within what one user may cost, and it stops. STORM_MS=N of each; STORMS="join topic"
 * chooses; SESSIONS=N of a crowd. With MEASURE=1 (make storm) the figures are held against bars,
 * and a table is printed, worst first.
 * test: alone, timeout=300
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/floor.h"
#include "harness/stage.h"
#include "harness/storm.h"
#include "harness/witness.h"

#define ANSWER_MS 10000 /* without a bar: everybody is answered within */
#define READY_MS 120000
#define MEMORY_MIB 16.0
#define LOG_MIB 64.0 /* of everybody's messages, in the memory of an ephemeral hub */
#define SILENCE_MS 100.0
#define SILENCE_OF_JOINS_MS 200.0
#define JOIN_MS 1000.0
#define IDLE_MS 2000.0
#define IDLE_LOOKS 5 /* in a row */
#define STOP_MS 5000
#define QUIET_MS 1500
#define POPULACE_USERS 8
#define RESULTS_MAX 256

struct figures {
    double silence, p99, ack_p99, bare_p99, join, search, fetch; /* ms; bare: of letters */
};

struct result {
    const struct storm_row *row;
    bool durable, keeps_log;
    double per_s, memory, idle_ms, stop_ms, badness;
    int n_wrong;
    struct figures quiet, storm;
    char verdict[128];
};

/*
 * How long the letters of all hubs with a store took before their storms. Each has about a hundred
 * of them, of which the 99th in a hundred is what the disk did at one moment; all of them together
 * say what it does when all is quiet.
 */
#define QUIET_ACKS_MAX 16384
static int64_t quiet_acks[QUIET_ACKS_MAX];
static size_t n_quiet_acks;

static struct floor_figures floors[STORM_PROCS_MAX + 1];
static struct result results[RESULTS_MAX];
static size_t n_results;
static bool is_measuring;
static long duration_ms;

struct scene {
    struct stage stage;
    struct witness witness;
    struct letters letters; /* of a hub with a store, when measuring */
    struct storm_shared *shared;
};

/* Where the samples of all begin. */
struct marks {
    unsigned long rounds, frames;
    unsigned acks, bare, joins, searches, fetches;
    mono_time at;
};

static void pass_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static double ms_since(mono_time begin) {
    return (double)(mono_now().ns - begin.ns) / 1e6;
}

static struct marks marks_now(const struct scene *scene) {
    const struct witness_talk *talk = scene->witness.talk;
    return (struct marks){.rounds = atomic_load(&scene->stage.pair.talk->n_rounds),
                          .frames = atomic_load(&scene->shared->n_frames),
                          .acks = atomic_load(&talk->acks.n),
                          .bare = scene->letters.times ? atomic_load(&scene->letters.times->n) : 0,
                          .joins = atomic_load(&talk->joins.n),
                          .searches = atomic_load(&talk->searches.n),
                          .fetches = atomic_load(&talk->fetches.n),
                          .at = mono_now()};
}

static double letters_p99(const struct letters *letters, unsigned from) {
    return letters->times ? (double)witness_percentile(letters->times, from, 99) / 1e6 : 0;
}

static struct figures figures_since(const struct scene *scene, const struct marks *from,
                                    double round_open_ms) {
    const struct witness_talk *talk = scene->witness.talk;
    double longest = (double)bystanders_percentile(&scene->stage.pair, from->rounds, 100) / 1e6;
    return (struct figures){
        .silence = longest > round_open_ms ? longest : round_open_ms,
        .p99 = (double)bystanders_percentile(&scene->stage.pair, from->rounds, 99) / 1e6,
        .ack_p99 = (double)witness_percentile(&talk->acks, from->acks, 99) / 1e6,
        .bare_p99 = letters_p99(&scene->letters, from->bare),
        .join = (double)witness_longest(&talk->joins, from->joins) / 1e6,
        .search = (double)witness_longest(&talk->searches, from->searches) / 1e6,
        .fetch = (double)witness_longest(&talk->fetches, from->fetches) / 1e6};
}

/* For `ms`, looking at memory and at whether alice and bob have fallen silent. */
static struct figures watch(const struct scene *scene, long ms, double *memory_mib) {
    struct marks from = marks_now(scene);
    unsigned long last = from.rounds;
    mono_time last_at = from.at;
    double most = 0;
    while (ms_since(from.at) < (double)ms) {
        pass_ms(5);
        unsigned long now = atomic_load(&scene->stage.pair.talk->n_rounds);
        if (now != last)
            last_at = mono_now();
        last = now;
        double mib = (double)hub_rss_kib(&scene->stage.hub) / 1024;
        most = mib > most ? mib : most;
    }
    *memory_mib = most;
    return figures_since(scene, &from, ms_since(last_at));
}

static long hub_cpu_ms(pid_t pid) {
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
        sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system);
    if (file)
        fclose(file);
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* How much the hub works in 200 ms while only the bystanders are there. */
static long cpu_in_200_ms(const struct scene *scene) {
    long before = hub_cpu_ms(scene->stage.hub.pid);
    pass_ms(200);
    return hub_cpu_ms(scene->stage.hub.pid) - before;
}

static bool is_idle(const struct scene *scene, long quiet_cpu) {
    return cpu_in_200_ms(scene) <= 2 * quiet_cpu + 20;
}

static double ms_until_idle(const struct scene *scene, long quiet_cpu) {
    mono_time begin = mono_now();
    while (!is_idle(scene, quiet_cpu))
        if (ms_since(begin) > ANSWER_MS)
            break;
    double ms = ms_since(begin) - 200;
    return ms > 0 ? ms : 0;
}

/*
 * The index of the parts of words follows the log behind its commits, and is tens of thousands of
 * messages behind when the log has just been filled. That is the work of the filling and not of
 * the storm: so it is over before one begins. A wait for the disk is not the end of it.
 */
static void await_index(const struct scene *scene, long quiet_cpu) {
    mono_time begin = mono_now();
    int n = 0;
    while (n < IDLE_LOOKS && ms_since(begin) < READY_MS)
        n = is_idle(scene, quiet_cpu) ? n + 1 : 0;
    if (n < IDLE_LOOKS)
        check_note("the hub is not idle %.0f ms after the log was filled", ms_since(begin));
}

/* The scene. */

static void scene_begin(struct scene *scene, bool durable) {
    scene->stage.durable = durable;
    stage_start_hub(&scene->stage, "open");
    if (!bystanders_start(&scene->stage.pair, scene->stage.dir, 5000) ||
        !witness_start(&scene->witness, scene->stage.dir))
        check_die("the bystanders cannot talk: %s%s", scene->stage.pair.talk->wrong,
                  scene->witness.talk ? scene->witness.talk->wrong : "");
    if (durable && is_measuring)
        letters_start(&scene->letters, scene->stage.root);
    scene->shared = check_shared(sizeof *scene->shared);
    snprintf(scene->shared->dir, sizeof scene->shared->dir, "%s", scene->stage.dir);
    scene->shared->n_sessions = check_env("SESSIONS", is_measuring ? 1000 : 60);
    scene->shared->log_bytes = check_env("LOG_BYTES", is_measuring ? 64l << 20 : 1l << 20);
}

static int scene_wrong(const struct scene *scene) {
    return atomic_load(&scene->stage.pair.talk->n_wrong) +
           atomic_load(&scene->witness.talk->n_wrong);
}

static void say_wrong(const struct scene *scene) {
    check_note("%s %s", scene->stage.pair.talk->wrong, scene->witness.talk->wrong);
    hub_log_show(&scene->stage.hub, 0);
}

static double scene_end(struct scene *scene, const char *what) {
    bystanders_stop(&scene->stage.pair);
    witness_stop(&scene->witness);
    if (scene->letters.times)
        letters_stop(&scene->letters);
    mono_time begin = mono_now();
    bool alive = hub_is_alive(&scene->stage.hub);
    int code = alive ? hub_stop(&scene->stage.hub) : -1;
    double ms = ms_since(begin);
    check(alive && code == 0, "%s: the hub lives and stops (%d) in %.0f ms", what, code, ms);
    return ms;
}

/* A storm. */

static bool storm_is_ready(void *arg) {
    const struct scene *scene = arg;
    return atomic_load(&scene->shared->n_ready) >= scene->shared->row->n_procs;
}

/* Everybody has done each of their things once more. */
static bool all_are_served(const struct scene *scene) {
    struct marks from = marks_now(scene), now;
    do {
        pass_ms(5);
        now = marks_now(scene);
        if (ms_since(from.at) > ANSWER_MS || scene_wrong(scene) > 0) {
            check_note("in %.0f ms %lu rounds, %u letters stored, %u joins, %u times mail fetched, "
                       "%u searches",
                       ms_since(from.at), now.rounds - from.rounds, now.acks - from.acks,
                       now.joins - from.joins, now.fetches - from.fetches,
                       now.searches - from.searches);
            return false;
        }
    } while (now.rounds < from.rounds + 2 || now.acks < from.acks + 2 ||
             now.joins < from.joins + 2 || now.searches < from.searches + 2);
    return true;
}

static void storm_start(struct scene *scene, const struct storm_row *row, pid_t *pids) {
    scene->shared->row = row;
    atomic_store(&scene->shared->n_ready, 0);
    atomic_store(&scene->shared->may_begin, false);
    for (int i = 0; i < row->n_procs; i++)
        pids[i] = user_start(UID_MALLORY, storm_main, scene->shared);
    if (!check_until(storm_is_ready, scene, READY_MS))
        check_note("%s: the storm is not ready", row->name);
}

static void storm_stop(const struct storm_row *row, const pid_t *pids) {
    for (int i = 0; i < row->n_procs; i++)
        user_kill(pids[i]);
}

/* What one user may cost, and what an ephemeral hub keeps of what everybody said. */
static double memory_bar(const struct scene *scene) {
    return MEMORY_MIB + (scene->stage.durable ? 0 : LOG_MIB);
}

/* The short round: nothing here depends on how fast the machine is. */
static void check_storm(struct scene *scene, const struct storm_row *row) {
    pid_t pids[STORM_PROCS_MAX];
    double before = (double)hub_rss_kib(&scene->stage.hub) / 1024, most;
    storm_start(scene, row, pids);
    atomic_store(&scene->shared->may_begin, true);
    (void)watch(scene, duration_ms, &most);
    bool served = all_are_served(scene);
    storm_stop(row, pids);
    const char *mode = scene->stage.durable ? "durable" : "ephemeral";
    if (!check(served, "%s, %s: everybody is served, nothing is lost", row->name, mode))
        say_wrong(scene);
    stage_check_growth(&scene->stage, (long)(before * 1024), (long)(2 * memory_bar(scene) * 1024),
                       row->name);
}

static bool is_chosen(const struct storm_row *row) {
    const char *chosen = getenv("STORMS");
    char list[1024], word[64];
    if (!chosen || !*chosen)
        return is_measuring || row->is_short;
    snprintf(list, sizeof list, " %s ", chosen);
    snprintf(word, sizeof word, " %s ", row->name);
    return strstr(list, word) != NULL;
}

static void check_all(bool durable) {
    struct scene scene = {0};
    stage_prepare(&scene.stage);
    scene_begin(&scene, durable);
    for (size_t i = 0; i < n_storm_rows; i++)
        if (is_chosen(&storm_rows[i]))
            check_storm(&scene, &storm_rows[i]);
    scene_end(&scene, durable ? "durable" : "ephemeral");
    stage_remove_nameless();
    stage_check_nothing_left("at the end");
}

/* Measuring: a hub for each storm. */

static void judge_one(struct result *result, const char *what, double value, double bar) {
    size_t n = strlen(result->verdict);
    if (value / bar > result->badness)
        result->badness = value / bar;
    if (value > bar)
        snprintf(result->verdict + n, sizeof result->verdict - n, "%s%s %.3g > %.3g", n ? ", " : "",
                 what, value, bar);
}

static double greater(double a, double b) {
    return a > b ? a : b;
}

static void quiet_note_acks(const struct witness_times *acks, unsigned from) {
    unsigned to = atomic_load(&acks->n);
    for (unsigned i = from; i < to && n_quiet_acks < QUIET_ACKS_MAX; i++)
        quiet_acks[n_quiet_acks++] = acks->ns[i % WITNESS_SAMPLES];
}

static void judge(struct result *result, double quiet_stored) {
    const struct floor_figures *bare = &floors[result->row->n_procs];
    double floor = 1.5 * (double)bare->silence_ns / 1e6;
    double silence = result->row->joins ? SILENCE_OF_JOINS_MS : SILENCE_MS;
    judge_one(result, "silence", result->storm.silence, greater(silence, floor));
    if (result->durable)
        judge_one(result, "stored", result->storm.ack_p99,
                  greater(3 * quiet_stored, 1.5 * result->storm.bare_p99));
    judge_one(result, "memory", result->memory, MEMORY_MIB + (result->keeps_log ? LOG_MIB : 0));
    judge_one(result, "join", result->storm.join, greater(JOIN_MS, floor));
    judge_one(result, "idle", result->idle_ms, IDLE_MS);
    judge_one(result, "stop", result->stop_ms, STOP_MS);
    judge_one(result, "wrong", result->n_wrong, 0.5);
}

static void measure(const struct storm_row *row, bool durable) {
    struct result *result = &results[n_results++];
    struct scene scene = {0};
    pid_t pids[STORM_PROCS_MAX];
    double idle_mib, most;
    stage_prepare(&scene.stage);
    *result = (struct result){.row = row, .durable = durable};
    result->keeps_log = !durable && (row->population == STORM_LOG || row->type == FRAME_SEND ||
                                     row->type == FRAME_PART || row->type == FRAME_INVITE);
    scene_begin(&scene, durable);
    if (row->population == STORM_HANDLES)
        storm_populate(scene.shared, POPULACE_USERS);
    long quiet_cpu = cpu_in_200_ms(&scene);
    unsigned n_acks = marks_now(&scene).acks;
    result->quiet = watch(&scene, QUIET_MS, &idle_mib);
    if (durable)
        quiet_note_acks(&scene.witness.talk->acks, n_acks);
    storm_start(&scene, row, pids);
    if (row->population == STORM_LOG)
        await_index(&scene, quiet_cpu);
    atomic_store(&scene.shared->may_begin, true);
    struct marks from = marks_now(&scene);
    result->storm = watch(&scene, duration_ms, &most);
    result->per_s =
        (double)(atomic_load(&scene.shared->n_frames) - from.frames) * 1000 / ms_since(from.at);
    result->memory = most - idle_mib;
    storm_stop(row, pids);
    result->idle_ms = ms_until_idle(&scene, quiet_cpu);
    if (!all_are_served(&scene))
        check_note("%s: not everybody is served after it", row->name);
    result->n_wrong = scene_wrong(&scene);
    if (result->n_wrong > 0)
        say_wrong(&scene);
    result->stop_ms = scene_end(&scene, row->name);
}

static int worst_first(const void *a, const void *b) {
    double x = ((const struct result *)a)->badness, y = ((const struct result *)b)->badness;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_table(double quiet_stored) {
    qsort(results, n_results, sizeof *results, worst_first);
    printf("quiet: stored p99 %.2f ms, of %zu letters\nfloor:", quiet_stored, n_quiet_acks);
    for (int n = 1; n <= STORM_PROCS_MAX; n++)
        if (floors[n].p99_ns > 0)
            printf(" %d processes: longest %.1f ms, p99 %.2f ms;", n,
                   (double)floors[n].silence_ns / 1e6, (double)floors[n].p99_ns / 1e6);
    printf("\n%-14s %-9s %9s %9s %13s %15s %15s %8s %8s %8s %7s %6s %6s %5s  %s\n", "storm", "hub",
           "frames/s", "silence", "p99 (quiet)", "stored (quiet)", "bare (quiet)", "join", "search",
           "fetch", "MiB", "idle", "stop", "wrong", "verdict");
    for (size_t i = 0; i < n_results; i++) {
        const struct result *r = &results[i];
        printf("%-14s %-9s %9.0f %9.1f %6.1f (%4.1f) %7.1f (%5.1f) %7.1f (%5.1f) %8.1f %8.1f %8.1f "
               "%7.1f %6.0f %6.0f %5d  %s\n",
               r->row->name, r->durable ? "durable" : "ephemeral", r->per_s, r->storm.silence,
               r->storm.p99, r->quiet.p99, r->storm.ack_p99, r->quiet.ack_p99, r->storm.bare_p99,
               r->quiet.bare_p99, r->storm.join, r->storm.search, r->storm.fetch, r->memory,
               r->idle_ms, r->stop_ms, r->n_wrong, r->verdict[0] ? r->verdict : "ok");
    }
}

static void measure_floors(void) {
    for (size_t i = 0; i < n_storm_rows; i++) {
        int n = storm_rows[i].n_procs;
        if (is_chosen(&storm_rows[i]) && floors[n].p99_ns == 0)
            floor_measure(n, (int)duration_ms + QUIET_MS, &floors[n]);
    }
}

static void measure_all(void) {
    struct stage stage;
    int n_bad = 0;
    stage_prepare(&stage);
    measure_floors();
    for (size_t i = 0; i < n_storm_rows; i++)
        for (int durable = 0; durable < 2; durable++)
            if (is_chosen(&storm_rows[i]))
                measure(&storm_rows[i], durable != 0);
    double quiet_stored = (double)check_percentile(quiet_acks, n_quiet_acks, 99) / 1e6;
    for (size_t i = 0; i < n_results; i++)
        judge(&results[i], quiet_stored);
    print_table(quiet_stored);
    for (size_t i = 0; i < n_results; i++)
        n_bad += results[i].verdict[0] != '\0';
    check(n_bad == 0, "%d of %zu storms beyond a bar", n_bad, n_results);
}

int main(void) {
    struct rlimit files = {9000, 9000};
    check_begin();
    user_need_root();
    (void)setrlimit(RLIMIT_NOFILE, &files);
    is_measuring = check_env("MEASURE", 0) != 0;
    duration_ms = check_env("STORM_MS", is_measuring ? 3000 : 200);
    storm_check_table();
    if (is_measuring) {
        measure_all();
        return check_end();
    }
    check_all(false);
    check_all(true);
    return check_end();
}
