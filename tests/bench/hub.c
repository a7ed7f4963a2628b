#include "bench/hub.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "bench/crew.h"
#include "ipc/rendezvous.h"

#define HUB_DEADLINE_MS 10000
#define HUB_LOG "log"

int hub_program(struct bench *bench, char path[PATH_MAX], const char *name) {
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return error_errno();
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    int used = snprintf(path, PATH_MAX, "%.*s%s", (int)(slash - self) + 1, self, name);
    if (used >= PATH_MAX || access(path, X_OK) < 0)
        return bench_fail(bench, "%s: %s; build it first", path, strerror(errno));
    return 0;
}

enum { START_DURABLE = 1, START_OPEN = 2 };

/*
 * A group of its own, so that Ctrl-C reaches it through its parent only. No session: the kernel
 * shares the processors out by session (sched(7), autogroup), and the hub's half would be another
 * measurement than the bare relays'.
 */
void hub_exec(const struct hub *hub, const char *const *argv, int death_signal) {
    char log[HUB_DIR_SIZE + sizeof "/" HUB_LOG];
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, death_signal);
    snprintf(log, sizeof log, "%s/" HUB_LOG, hub->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

static void become_hub(const struct bench *bench, const struct hub *hub, const char *program,
                       unsigned how) {
    const char *argv[8 + BENCH_HUB_OPTIONS_MAX] = {program, "--dir", hub->dir, "--foreground"};
    size_t n = 4;
    if (!(how & START_DURABLE))
        argv[n++] = "--ephemeral";
    if (how & START_OPEN) {
        argv[n++] = "--mode";
        argv[n++] = "open";
    }
    for (size_t i = 0; i < bench->options.n_hub_options; i++)
        argv[n++] = bench->options.hub_options[i];
    hub_exec(hub, argv, SIGTERM);
}

/* The last line of the hub's log, as the reason behind a failure. */
static void last_words(const struct hub *hub, char *text, size_t n) {
    char log[HUB_DIR_SIZE + sizeof "/" HUB_LOG];
    char line[BENCH_TEXT_SIZE / 2];
    snprintf(text, n, "its log is empty");
    snprintf(log, sizeof log, "%s/" HUB_LOG, hub->dir);
    FILE *file = fopen(log, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        snprintf(text, n, "%.*s", (int)strcspn(line, "\n"), line);
    fclose(file);
}

static int hub_await(struct bench *bench, struct hub *hub) {
    mono_time deadline = mono_add_ms(mono_now(), HUB_DEADLINE_MS);
    char words[BENCH_TEXT_SIZE / 2];
    int status;
    for (;;) {
        struct rendezvous_record record;
        if (rendezvous_find(hub->dir, (uid_t)-1, &record) == RENDEZVOUS_OK)
            return 0;
        bool dead = waitpid(hub->pid, &status, WNOHANG) == hub->pid;
        if (dead)
            hub->pid = 0;
        if (interrupt_came())
            return -EINTR;
        if (dead || mono_ms_until(mono_now(), deadline) < 0) {
            last_words(hub, words, sizeof words);
            return bench_fail(bench, "the hub %s: %s", dead ? "ended" : "does not answer", words);
        }
        poll(NULL, 0, 5);
    }
}

static int start(struct bench *bench, struct hub *hub, unsigned how) {
    char program[PATH_MAX];
    *hub = (struct hub){.dir = "/tmp/earshot-bench-XXXXXX"};
    int r = hub_program(bench, program, "earshotd");
    if (r != 0)
        return r;
    if (!mkdtemp(hub->dir))
        return error_errno();
    if (how & START_OPEN && chmod(hub->dir, 0755) < 0)
        return error_errno();
    hub->pid = fork();
    if (hub->pid < 0)
        return error_errno();
    if (hub->pid == 0)
        become_hub(bench, hub, program, how);
    return hub_await(bench, hub);
}

int hub_start(struct bench *bench, struct hub *hub) {
    return start(bench, hub, 0);
}

int hub_start_durable(struct bench *bench, struct hub *hub) {
    return start(bench, hub, START_DURABLE);
}

int hub_start_open(struct bench *bench, struct hub *hub) {
    return start(bench, hub, START_OPEN);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    remove(path);
    return 0;
}

void hub_stop(struct hub *hub) {
    if (hub->pid > 0) {
        mono_time deadline = mono_add_ms(mono_now(), HUB_DEADLINE_MS);
        kill(hub->pid, SIGTERM);
        while (waitpid(hub->pid, NULL, WNOHANG) == 0) {
            if (mono_ms_until(mono_now(), deadline) < 0) {
                kill(hub->pid, SIGKILL);
                waitpid(hub->pid, NULL, 0);
                break;
            }
            poll(NULL, 0, 5);
        }
    }
    if (hub->dir[0] != '\0' && !strstr(hub->dir, "XXXXXX"))
        nftw(hub->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    *hub = (struct hub){0};
}

int hub_setup(struct bench *bench, const struct scenario *scenario, unsigned sides, void **state) {
    (void)scenario, (void)sides;
    *state = calloc(1, sizeof(struct hub));
    return *state ? hub_start(bench, *state) : -ENOMEM;
}

void hub_teardown(void *state) {
    if (state)
        hub_stop(state);
    free(state);
}
