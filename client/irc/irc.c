/*
 * `earshot irc`: where the door listens. On a Unix socket in the user's runtime directory, on
 * 127.0.0.1 if that is asked for, on what systemd hands over, or on standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macro.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "irc/loop.h"
#include "irc/peer.h"
#include "lib/earshot.h"

#define BACKLOG 64
#define SYSTEMD_FIRST 3 /* sd_listen_fds(3) */

const struct cli_option cli_irc_options[] = {
    {"listen", 0, CLI_STRING, CLI_AT(listen), "WHERE", "unix[:PATH], 127.0.0.1:PORT; or both", NULL,
     0},
    {"dir", 0, CLI_STRING, CLI_AT(dir), "DIR", "where files are written; else ~/Downloads, or home",
     NULL, 0},
    {"inetd", 0, CLI_FLAG, CLI_AT(inetd), NULL, "serve standard input, and end with it", NULL, 0},
    {0},
};

struct irc_listener {
    int fd;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path]; /* "": none is to be removed */
};

struct irc_run {
    const struct cli_options *options;
    struct irc_door door;
    struct irc_listener listeners[2];
    size_t n;
};

static int irc_fail_listen(const struct irc_run *run, const char *where, int error) {
    return cli_fail(run->options, OUTCOME_FILE_PLACE, "cannot listen on %s: %s", where,
                    strerror(error));
}

/* A directory that is ours and that nobody else may enter. */
static int irc_make_directory(const char *dir) {
    struct stat status;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(dir, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077))
        return -EPERM;
    return 0;
}

static int irc_default_path(char *path, size_t size) {
    struct stat status;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char dir[PATH_MAX];
    if (runtime && *runtime == '/' && stat(runtime, &status) == 0 && status.st_uid == geteuid())
        snprintf(dir, sizeof dir, "%s/earshot-irc", runtime);
    else
        snprintf(dir, sizeof dir, "/tmp/earshot-irc-%u", geteuid());
    int r = irc_make_directory(dir);
    if (r < 0)
        return r;
    return snprintf(path, size, "%s/socket", dir) < (int)size ? 0 : -ENAMETOOLONG;
}

/* A socket that nobody answers on any more is of a door that was killed. */
static bool irc_is_stale(const struct sockaddr_un *address) {
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat status;
    return fd >= 0 && lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_uid == geteuid() &&
           connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 &&
           errno == ECONNREFUSED;
}

static int irc_bind_unix(int fd, const struct sockaddr_un *address) {
    mode_t mask = umask(0177);
    int r = bind(fd, (const struct sockaddr *)address, sizeof *address);
    if (r < 0 && errno == EADDRINUSE && irc_is_stale(address)) {
        unlink(address->sun_path);
        r = bind(fd, (const struct sockaddr *)address, sizeof *address);
    }
    int error = errno;
    umask(mask);
    errno = error;
    return r < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int irc_listen_unix(struct irc_run *run, const char *path) {
    struct irc_listener *listener = &run->listeners[run->n];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int r = 0;
    if (path)
        r = snprintf(listener->path, sizeof listener->path, "%s", path) < (int)sizeof listener->path
                ? 0
                : -ENAMETOOLONG;
    else
        r = irc_default_path(listener->path, sizeof listener->path);
    memcpy(address.sun_path, listener->path, sizeof address.sun_path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r == 0)
        r = listener->fd < 0 ? -errno : irc_bind_unix(listener->fd, &address);
    if (r < 0) {
        int code = irc_fail_listen(run, listener->path, -r);
        *listener->path = '\0';
        return code;
    }
    run->n++;
    cli_remark(run->options, "listening on %s", listener->path);
    return CLI_DONE;
}

static int irc_listen_tcp(struct irc_run *run, const char *port) {
    struct irc_listener *listener = &run->listeners[run->n];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)line_number(port))};
    int on = 1;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener->fd, BACKLOG) < 0)
        return irc_fail_listen(run, port, errno);
    run->n++;
    cli_remark(run->options, "listening on 127.0.0.1:%s", port);
    return CLI_DONE;
}

static bool irc_is_port(const char *text) {
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5 &&
           line_number(text) > 0 && line_number(text) < 65536;
}

static int irc_listen_one(struct irc_run *run, const char *where) {
    static const char loopback[] = "127.0.0.1:", path[] = "unix:";
    if (run->n == ARRAY_LEN(run->listeners))
        return cli_fail(run->options, OUTCOME_USAGE, "--listen takes two places at most");
    if (strcmp(where, "unix") == 0)
        return irc_listen_unix(run, NULL);
    if (strncmp(where, path, sizeof path - 1) == 0 && where[sizeof path - 1])
        return irc_listen_unix(run, where + sizeof path - 1);
    if (strncmp(where, loopback, sizeof loopback - 1) == 0 &&
        irc_is_port(where + sizeof loopback - 1))
        return irc_listen_tcp(run, where + sizeof loopback - 1);
    return cli_fail(run->options, OUTCOME_USAGE,
                    "--listen cannot be \"%s\"; give unix, unix:PATH or 127.0.0.1:PORT", where);
}

static int irc_listen_all(struct irc_run *run) {
    const char *list = run->options->listen ? run->options->listen : "unix";
    char word[PATH_MAX];
    int code = CLI_DONE;
    for (size_t n; code == CLI_DONE && *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : 0), list);
        code = irc_listen_one(run, word);
    }
    return code;
}

/* What systemd hands over, sd_listen_fds(3); the number of sockets. */
static size_t irc_take_systemd(struct irc_run *run) {
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    if (!pid || !n || line_number(pid) != getpid())
        return 0;
    for (int i = 0; i < line_number(n) && run->n < ARRAY_LEN(run->listeners); i++)
        run->listeners[run->n++] = (struct irc_listener){.fd = SYSTEMD_FIRST + i};
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    run->door.ends_idle = run->n > 0;
    return run->n;
}

static int irc_serve_input(struct irc_run *run) {
    struct stat status;
    if (fstat(STDIN_FILENO, &status) < 0 || !S_ISSOCK(status.st_mode) || !peer_is_us(STDIN_FILENO))
        return cli_fail(run->options, FAIL_NOT_PERMITTED,
                        "standard input is no connection of this user's");
    int fd = dup(STDIN_FILENO);
    int r = fd < 0 ? -errno : door_serve(&run->door, fd);
    return r < 0 ? irc_fail_listen(run, "standard input", -r) : CLI_DONE;
}

static int irc_open_all(struct irc_run *run) {
    int code = CLI_DONE;
    if (run->options->inetd)
        return irc_serve_input(run);
    if (irc_take_systemd(run) == 0)
        code = irc_listen_all(run);
    for (size_t i = 0; i < run->n && code == CLI_DONE; i++) {
        int r = door_listen(&run->door, run->listeners[i].fd);
        if (r < 0)
            code = irc_fail_listen(run, run->listeners[i].path, -r);
    }
    return code;
}

static void irc_close_all(struct irc_run *run) {
    for (size_t i = 0; i < run->n; i++) {
        close(run->listeners[i].fd);
        if (*run->listeners[i].path)
            unlink(run->listeners[i].path);
    }
}

/* A connection is two descriptors here and some of its session's. */
static void irc_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cli_irc(const struct cli_options *options, int n_words, char **words) {
    struct irc_run run = {.options = options};
    struct earshot_hub_info hub;
    earshot *link = NULL;
    (void)n_words;
    (void)words;
    irc_raise_limit();
    int code = cli_open(&link, options, 0); /* starts a hub when there is none */
    if (code != CLI_DONE)
        return code;
    earshot_hub(link, &hub);
    int r = door_init(&run.door, options, hub.name);
    earshot_close(link);
    if (r < 0)
        return cli_fail(options, FAIL_INTERNAL, "cannot wait for clients: %s", strerror(-r));
    code = irc_open_all(&run);
    if (code == CLI_DONE && (r = door_run(&run.door)) < 0)
        code = cli_fail(options, FAIL_INTERNAL, "cannot wait for clients: %s", strerror(-r));
    irc_close_all(&run);
    door_deinit(&run.door);
    return code;
}
