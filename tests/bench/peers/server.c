#include "bench/peers/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define START_MS 10000

int server_prepare(struct bench *bench, struct router *router) {
    snprintf(router->hub.dir, sizeof router->hub.dir, "/tmp/earshot-bench-XXXXXX");
    if (mkdtemp(router->hub.dir) && chmod(router->hub.dir, 0755) == 0)
        return 0;
    return bench_fail(bench, "%s: %s", router->hub.dir, strerror(errno));
}

void server_path(const struct router *router, char path[SERVER_PATH_SIZE], const char *name) {
    snprintf(path, SERVER_PATH_SIZE, "%s/%s", router->hub.dir, name);
}

int server_write(struct bench *bench, const struct router *router, char path[SERVER_PATH_SIZE],
                 const char *name, const char *text) {
    server_path(router, path, name);
    FILE *file = fopen(path, "we");
    bool good = file && fputs(text, file) >= 0;
    if (file && fclose(file) != 0)
        good = false;
    return good ? 0 : bench_fail(bench, "%s: %s", path, strerror(errno));
}

int server_find_port(struct bench *bench, struct router *router) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (const struct sockaddr *)&address, n) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &n) == 0;
    if (fd >= 0)
        close(fd);
    router->port = ntohs(address.sin_port);
    return found ? 0 : bench_fail(bench, "no port is free: %s", strerror(errno));
}

/* In the child. Some servers are content with the soft limit of descriptors. */
static void server_become(const struct router *router, const char *program,
                          const char *const *options) {
    const char *argv[SERVER_OPTIONS_MAX + 2] = {program};
    struct rlimit files;
    for (size_t i = 0; i < SERVER_OPTIONS_MAX && options[i]; i++)
        argv[1 + i] = options[i];
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    hub_exec(&router->hub, argv, SIGKILL);
}

static int server_connect(const struct router *router) {
    char path[SERVER_PATH_SIZE];
    if (router->port != 0)
        return wire_dial_port(router->port);
    server_path(router, path, SERVER_SOCKET);
    return wire_dial_path(path);
}

static int server_await(struct bench *bench, struct router *router) {
    mono_time deadline = mono_add_ms(mono_now(), START_MS);
    char path[SERVER_PATH_SIZE];
    for (;;) {
        int fd = server_connect(router);
        if (fd >= 0) {
            close(fd);
            break;
        }
        if (waitpid(router->pid, NULL, WNOHANG) == router->pid) {
            router->pid = 0;
            return bench_fail(bench, "%s has ended", router->kind->name);
        }
        if (interrupt_came())
            return -EINTR;
        if (mono_ms_until(mono_now(), deadline) < 0)
            return bench_fail(bench, "%s does not answer", router->kind->name);
        poll(NULL, 0, 5);
    }
    server_path(router, path, SERVER_SOCKET);
    if (router->port == 0 && chmod(path, 0777) < 0)
        return error_errno();
    return 0;
}

int server_start(struct bench *bench, struct router *router, const char *const *options) {
    char program[PATH_MAX];
    if (!router_program(router->kind, program))
        return bench_fail(bench, "%s is not installed", router->kind->program);
    fflush(NULL);
    router->pid = fork();
    if (router->pid < 0)
        return error_errno();
    if (router->pid == 0)
        server_become(router, program, options);
    return server_await(bench, router);
}

void server_stop(struct router *router) {
    router_kill(router);
    hub_stop(&router->hub); /* there is none, but its directory */
}

int server_dial(struct client *client) {
    struct wire *wire = client->own = calloc(1, sizeof *wire);
    if (!wire)
        return CLIENT_FAILED;
    wire->fd = server_connect(client->router);
    return wire->fd >= 0 ? CLIENT_OK : CLIENT_FAILED;
}
