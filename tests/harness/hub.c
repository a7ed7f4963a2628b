#include "harness/hub.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/user.h"

#define START_MS 10000
#define STOP_MS 20000
#define LOG_TAIL 3000  /* bytes */
#define PROGRAM_FD 200 /* of the hub, for strace */

/* LeakSanitizer traces the process itself, and fails where strace does. */
static void forget_leaks(void) {
    char options[1024];
    const char *given = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof options, "%s:detect_leaks=0", given ? given : "");
    setenv("ASAN_OPTIONS", options, 1);
}

static _Noreturn void run_program(int program, int log, uid_t uid, const char *const *argv,
                                  long n_files) {
    struct rlimit files = {(rlim_t)n_files, (rlim_t)n_files};
    if (n_files > 0 && setrlimit(RLIMIT_NOFILE, &files) < 0)
        _exit(126);
    if (uid != geteuid() &&
        (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    if (strcmp(argv[0], "strace") != 0) {
        execveat(program, "", (char *const *)argv, environ, AT_EMPTY_PATH);
        _exit(127);
    }
    forget_leaks();
    if (dup2(program, PROGRAM_FD) >= 0)
        execvp("strace", (char *const *)argv);
    _exit(127);
}

/* Opened here and executed by descriptor: the other uid need not reach the path. */
pid_t hub_spawn(uid_t uid, const char *program, const char *const *argv, const char *log,
                long n_files) {
    const char *bin = getenv("BIN");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", bin ? bin : "build/bin", program);
    int program_fd = open(path, O_PATH | O_CLOEXEC);
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (program_fd < 0 || log_fd < 0)
        check_die("%s or %s: %s", path, log, strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        run_program(program_fd, log_fd, uid, argv, n_files);
    if (pid < 0)
        check_die("fork: %s", strerror(errno));
    close(program_fd);
    close(log_fd);
    return pid;
}

struct ready {
    struct hub *hub;
    bool ended;
};

static bool is_ready(void *arg) {
    struct ready *ready = arg;
    struct hub *hub = ready->hub;
    int status;
    if (waitpid(hub->pid, &status, WNOHANG) == hub->pid) {
        hub->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        hub->pid = 0;
        ready->ended = true;
        return true;
    }
    return rendezvous_find(hub->options.dir, (uid_t)-1, &hub->record) == RENDEZVOUS_OK &&
           hub->record.pid == hub->pid;
}

bool hub_wait_ready(struct hub *hub, int ms) {
    struct ready ready = {.hub = hub};
    return check_until(is_ready, &ready, ms) && !ready.ended;
}

/* With strace it is the same process: strace runs beside it (-D), not above it. */
static size_t put_strace(const char **argv, size_t n, const char *inject) {
    static char expression[256], program[32];
    snprintf(expression, sizeof expression, "inject=%s", inject);
    snprintf(program, sizeof program, "/proc/self/fd/%d", PROGRAM_FD);
    const char *const strace[] = {"strace", "-D",          "-f", "-q",       "-o",   "/dev/null",
                                  "-e",     "signal=none", "-e", expression, program};
    memcpy(argv + n, strace, sizeof strace);
    return n + ARRAY_LEN(strace);
}

void hub_launch(struct hub *hub, const struct hub_options *options) {
    const char *argv[32];
    size_t n = options->inject ? put_strace(argv, 0, options->inject) : 0;
    if (n == 0)
        argv[n++] = "earshotd";
    const char *const usual[] = {"--foreground", "--log-level", "info", "--dir", options->dir};
    memcpy(argv + n, usual, sizeof usual);
    n += ARRAY_LEN(usual);
    argv[n++] = options->state ? "--state" : "--ephemeral";
    if (options->state)
        argv[n++] = options->state;
    if (options->mode) {
        argv[n++] = "--mode";
        argv[n++] = options->mode;
    }
    if (options->group) {
        argv[n++] = "--group";
        argv[n++] = options->group;
    }
    for (size_t i = 0; i < ARRAY_LEN(options->more) && options->more[i]; i++)
        argv[n++] = options->more[i];
    argv[n] = NULL;
    *hub = (struct hub){.options = *options, .exit_code = -1};
    hub->pid = hub_spawn(options->uid, "earshotd", argv, options->log, options->n_files);
}

bool hub_start(struct hub *hub, const struct hub_options *options) {
    hub_launch(hub, options);
    return hub_wait_ready(hub, START_MS);
}

bool hub_can_inject(void) {
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        execlp("strace", "strace", "-f", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true",
               (char *)NULL);
        _exit(127);
    }
    return pid > 0 && user_wait(pid, 10000) == 0;
}

int hub_stop(struct hub *hub) {
    if (hub->pid <= 0)
        return hub->exit_code;
    kill(hub->pid, SIGTERM);
    hub->exit_code = user_wait(hub->pid, STOP_MS);
    hub->pid = 0;
    return hub->exit_code;
}

void hub_kill(struct hub *hub) {
    if (hub->pid > 0)
        user_kill(hub->pid);
    hub->pid = 0;
}

void hub_pause(const struct hub *hub) {
    int status;
    kill(hub->pid, SIGSTOP);
    if (waitpid(hub->pid, &status, WUNTRACED) != hub->pid || !WIFSTOPPED(status))
        check_die("the hub cannot be stopped");
}

void hub_resume(const struct hub *hub) {
    kill(hub->pid, SIGCONT);
}

bool hub_is_alive(const struct hub *hub) {
    siginfo_t info = {0};
    if (hub->pid <= 0)
        return false;
    return waitid(P_PID, (id_t)hub->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

long hub_rss_kib(const struct hub *hub) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", hub->pid);
    FILE *file = fopen(path, "re");
    long kib = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    if (file)
        fclose(file);
    return kib;
}

size_t hub_n_files(const struct hub *hub) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", hub->pid);
    DIR *dir = opendir(path);
    size_t n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n > 2 ? n - 2 : 0;
}

long hub_log_mark(const struct hub *hub) {
    FILE *file = fopen(hub->options.log, "re");
    if (!file)
        return 0;
    fseek(file, 0, SEEK_END);
    long at = ftell(file);
    fclose(file);
    return at;
}

static bool has_word(const char *line, const char *word) {
    size_t n = strlen(word);
    for (const char *at = strstr(line, word); at; at = strstr(at + 1, word)) {
        bool starts = at == line || !isalnum((unsigned char)at[-1]);
        if (starts && !isalnum((unsigned char)at[n]))
            return true;
    }
    return false;
}

struct log_search {
    const char *path, *word, *other;
    long mark;
};

static bool log_has(void *arg) {
    const struct log_search *search = arg;
    FILE *file = fopen(search->path, "re");
    if (!file)
        return false;
    char line[2048];
    bool found = false;
    fseek(file, search->mark, SEEK_SET);
    while (!found && fgets(line, sizeof line, file))
        found = (!search->word || has_word(line, search->word)) &&
                (!search->other || has_word(line, search->other));
    fclose(file);
    return found;
}

bool hub_log_has(const struct hub *hub, long mark, const char *word, const char *other, int ms) {
    struct log_search search = {hub->options.log, word, other, mark};
    return check_until(log_has, &search, ms);
}

void hub_log_show(const struct hub *hub, long mark) {
    FILE *file = fopen(hub->options.log, "re");
    char line[512];
    if (!file)
        return;
    fseek(file, 0, SEEK_END);
    long from = ftell(file) - LOG_TAIL;
    fseek(file, from > mark ? from : mark, SEEK_SET);
    while (fgets(line, sizeof line, file))
        check_note("hub: %.*s", (int)strcspn(line, "\n"), line);
    fclose(file);
}
