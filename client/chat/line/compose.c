#include "chat/line/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/text.h"
#include "base/trust.h"
#include "chat/files.h"
#include "cli/report.h"
#include "ipc/process.h"

#define COMPOSE_BYTES_MAX (4 * EARSHOT_TEXT_MAX) /* what is longer than a message is told then */

static const char *compose_program(void) {
    const char *program = getenv("VISUAL");
    if (!program || !*program)
        program = getenv("EDITOR");
    return program && *program ? program : "vi";
}

/* Not where others could put something else in its place while it is edited. */
static int compose_create_in(const char *dir, const char *name, char **path) {
    struct trust_fault fault;
    if (asprintf(path, "%s/%s-XXXXXX.txt", dir, name) < 0) {
        *path = NULL;
        return -ENOMEM;
    }
    int fd = mkostemps(*path, 4, O_CLOEXEC);
    if (fd < 0)
        return error_errno();
    int seen = trust_open(*path, O_RDONLY, &fault);
    if (seen >= 0) {
        close(seen);
        return fd;
    }
    unlink(*path);
    close(fd);
    return seen == TRUST_FAULTY ? -EPERM : seen;
}

/* Where programs of the user keep such files, else where all do. The name is in `path`. */
static int compose_create(const char *name, char **path) {
    const char *dir = getenv("TMPDIR");
    int fd = dir && *dir == '/' ? compose_create_in(dir, name, path) : -ENOENT;
    if (fd >= 0)
        return fd;
    free(*path);
    return compose_create_in("/tmp", name, path);
}

static bool compose_write(int fd, const char *text) {
    FILE *out = fdopen(fd, "w");
    if (!out) {
        close(fd);
        return false;
    }
    bool is_written = fputs(text, out) >= 0 && (!*text || fputc('\n', out) != EOF);
    return fclose(out) == 0 && is_written;
}

/*
 * In a process group of its own, so that the keys that send signals are the editor's. It cannot be
 * stopped, for no shell would continue it.
 */
static void compose_run(const char *path) {
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpid());
    signal(SIGTTOU, SIG_DFL);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGABRT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("EARSHOT_FILE", path, 1);
    CLEANUP_FREE char *command = NULL;
    if (asprintf(&command, "%s \"$EARSHOT_FILE\"", compose_program()) < 0)
        _exit(127);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void compose_await(struct chat *chat, pid_t pid) {
    int pidfd = -1;
    if (process_open(pid, &pidfd) < 0)
        return;
    struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN},
                           {.fd = chat->link_fd, .events = POLLIN}};
    while (!fds[0].revents) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents && earshot_tend(chat->link) != EARSHOT_OK)
            fds[1].fd = -1; /* the link has ended, which is told when it is asked again */
    }
    close(pidfd);
}

/* Whether the editor ended well. */
static bool compose_ran(struct chat *chat, const char *path) {
    int status = -1;
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
    pid_t pid = fork();
    if (pid == 0)
        compose_run(path);
    if (pid < 0)
        return false;
    compose_await(chat, pid);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGTTOU, &ignored, &before);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    sigaction(SIGTTOU, &before, NULL);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static char *compose_read(const char *path) {
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(COMPOSE_BYTES_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, COMPOSE_BYTES_MAX, in) : 0;
    if (in)
        fclose(in);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (text)
        text[n] = '\0';
    if (text && (strlen(text) != n || !text_is_valid((struct bytes){text, n}))) {
        free(text);
        return NULL;
    }
    return text;
}

/* A file with this text; the caller removes it and frees its path. NULL: the user was told. */
static char *compose_file(struct chat *chat, const char *name, const char *text) {
    char *path = NULL;
    int fd = compose_create(name, &path);
    if (fd >= 0 && compose_write(fd, text))
        return path;
    chat_fail(chat, OUTCOME_FILE_PLACE, "cannot write %s: %s", path ? path : "a file",
              strerror(fd < 0 ? -fd : errno));
    if (fd >= 0)
        unlink(path);
    free(path);
    return NULL;
}

char *compose_edit(struct chat *chat, const char *text) {
    CLEANUP_FREE char *path = compose_file(chat, "earshot", text);
    char *written = NULL;
    if (!path)
        return NULL;
    if (!compose_ran(chat, path))
        chat_fail(chat, OUTCOME_USAGE, "%s did not end well; the line is as it was",
                  compose_program());
    else if (!(written = compose_read(path)))
        chat_fail(chat, FAIL_BAD_TEXT, "what %s has written is no text in UTF-8",
                  compose_program());
    unlink(path);
    return written;
}

void compose_put(struct chat *chat, const char *text) {
    CLEANUP_FREE char *path = compose_file(chat, "pasted", text);
    if (!path)
        return;
    files_put_path(chat, chat->target, path);
    unlink(path);
}
