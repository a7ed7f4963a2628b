#include "harness/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/user.h"

#define LOG_BYTES (64 * 1024)

struct program_start {
    int program, log, input;
    const char *const *argv;
};

static int program_run(void *arg) {
    const struct program_start *start = arg;
    if (dup2(start->input, STDIN_FILENO) < 0 || dup2(start->log, STDOUT_FILENO) < 0 ||
        dup2(start->log, STDERR_FILENO) < 0)
        return 126;
    execveat(start->program, "", (char *const *)start->argv, environ, AT_EMPTY_PATH);
    return 127;
}

/* All is opened here: the other uid need not reach the paths. */
static int program_open_file(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        check_die("%s: %s", path, strerror(errno));
    return fd;
}

void program_start(struct program *program, const char *const *argv, const char *input) {
    const char *bin = getenv("BIN");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/earshot", bin ? bin : "build/bin");
    struct program_start start = {
        .program = program_open_file(path, O_PATH),
        .log = program_open_file(program->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND),
        .input = program_open_file(input ? input : "/dev/null", O_RDONLY),
        .argv = argv};
    program->pid = user_start(program->uid, program_run, &start);
    program->code = 0;
    close(start.program);
    close(start.log);
    close(start.input);
}

bool program_runs(struct program *program) {
    int status;
    if (program->pid == 0)
        return false;
    if (waitpid(program->pid, &status, WNOHANG) != program->pid)
        return true;
    program->ended = mono_now();
    program->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    program->pid = 0;
    return false;
}

static char *program_read_log(const struct program *program) {
    FILE *file = fopen(program->log, "re");
    char *text = calloc(1, LOG_BYTES);
    if (!file || !text)
        check_die("%s: %s", program->log, strerror(errno));
    text[fread(text, 1, LOG_BYTES - 1, file)] = '\0';
    fclose(file);
    return text;
}

bool program_said(const struct program *program, const char *text) {
    char *log = program_read_log(program);
    bool has = strstr(log, text) != NULL;
    free(log);
    return has;
}

void program_show(const struct program *program) {
    char *log = program_read_log(program), *rest = log, *line;
    while ((line = strsep(&rest, "\n")))
        if (*line)
            check_note("    %s", line);
    free(log);
}
