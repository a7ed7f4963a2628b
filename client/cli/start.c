#include "cli/start.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/interrupt.h"
#include "cli/report.h"

#define HUB_PROGRAM "earshotd"

const char *cli_hub_program(char path[PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof HUB_PROGRAM - 1);
    if (n <= 0)
        return HUB_PROGRAM;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return HUB_PROGRAM;
    memcpy(slash + 1, HUB_PROGRAM, sizeof HUB_PROGRAM);
    return access(path, X_OK) == 0 ? path : HUB_PROGRAM;
}

struct start {
    const struct cli_options *options;
    const char *program, *dir;
    pid_t pid;
    int errors; /* a file in memory that takes what the hub prints until it answers */
};

static int start_wait(const struct start *start, int *status) {
    while (waitpid(start->pid, status, 0) < 0) {
        if (errno != EINTR)
            return cli_fail(start->options, FAIL_INTERNAL, "cannot wait for " HUB_PROGRAM ": %s",
                            strerror(errno));
        if (cli_interrupted() || cli_limit_passed()) {
            kill(start->pid, SIGTERM);
            return cli_fail_link(start->options, NULL, -EINTR);
        }
    }
    return CLI_DONE;
}

/* The end of what the hub printed. */
static ssize_t start_read_errors(int errors, char *text, size_t size) {
    struct stat status;
    if (errors < 0 || fstat(errors, &status) < 0)
        return 0;
    off_t from = status.st_size > (off_t)size - 1 ? status.st_size - (off_t)size + 1 : 0;
    return pread(errors, text, size - 1, from);
}

void cli_explain_start(int errors, int status, char *text, size_t size) {
    char printed[CLI_WHY_SIZE];
    ssize_t n = start_read_errors(errors, printed, sizeof printed);
    while (n > 0 && printed[n - 1] == '\n')
        n--;
    printed[n > 0 ? n : 0] = '\0';
    const char *line = strrchr(printed, '\n');
    if (n > 0)
        snprintf(text, size, "%s", line ? line + 1 : printed);
    else if (WIFSIGNALED(status))
        snprintf(text, size, "it was killed by signal %d", WTERMSIG(status));
    else
        snprintf(text, size, "it ended with exit code %d", WEXITSTATUS(status));
}

int cli_fail_start(const struct cli_options *options, const char *dir, const char *why) {
    char program[PATH_MAX];
    return cli_fail(options, FAIL_NO_HUB,
                    "the hub did not start: %s; to see more: %s --dir %s --foreground", why,
                    cli_hub_program(program), dir);
}

static int start_check(const struct start *start, int status, char why[CLI_WHY_SIZE]) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return CLI_DONE;
    cli_explain_start(start->errors, status, why, CLI_WHY_SIZE);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
    if (code == CLI_CANNOT_CREATE || code == CLI_TRY_AGAIN)
        return code;
    code = cli_fail_start(start->options, start->dir, why);
    why[0] = '\0';
    return code;
}

static int start_run(struct start *start, char why[CLI_WHY_SIZE]) {
    char program[PATH_MAX], dir_option[] = "--dir", dir[PATH_MAX];
    char *argv[] = {program, dir_option, dir, NULL};
    int status;
    snprintf(program, sizeof program, "%s", start->program);
    snprintf(dir, sizeof dir, "%s", start->dir);
    int r = child_start(&start->pid, argv, &(struct child_files){-1, -1, start->errors}, false);
    if (r < 0)
        return cli_fail(start->options, FAIL_NO_HUB,
                        "cannot start %s for %s: %s; is " HUB_PROGRAM " installed?", start->program,
                        start->dir, strerror(-r));
    int code = start_wait(start, &status);
    return code == CLI_DONE ? start_check(start, status, why) : code;
}

int cli_start_hub(const struct cli_options *options, const char *dir, char why[CLI_WHY_SIZE]) {
    char path[PATH_MAX];
    struct start start = {
        .options = options,
        .program = cli_hub_program(path),
        .dir = dir,
        .errors = memfd_create("hub-errors", MFD_CLOEXEC),
    };
    why[0] = '\0';
    int code = start_run(&start, why);
    if (start.errors >= 0)
        close(start.errors);
    return code;
}

int cli_check_hub(const char *dir, char *text, size_t size) {
    char program[PATH_MAX], path[PATH_MAX], check[] = "--check", dir_option[] = "--dir",
                                            to[PATH_MAX];
    char *argv[] = {program, check, dir_option, to, NULL};
    int status = 0;
    pid_t pid;
    snprintf(program, sizeof program, "%s", cli_hub_program(path));
    snprintf(to, sizeof to, "%s", dir);
    CLEANUP_CLOSE int errors = memfd_create("hub-errors", MFD_CLOEXEC);
    int r = child_start(&pid, argv, &(struct child_files){-1, -1, errors}, false);
    if (r < 0)
        // cppcheck-suppress resourceLeak; CLEANUP_CLOSE closes it
        return r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    ssize_t n = start_read_errors(errors, text, size);
    text[n > 0 ? n : 0] = '\0';
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}
