/*
 * The hub as a service of Type=notify: it says READY=1 when it answers and STOPPING=1 when it is
 * told to end, on the socket that it was given, by path or by abstract name. In the background it
 * is not the service that was meant, and says nothing.
 */
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/hub.h"
#include "harness/user.h"

#define WAIT_MS 20000

struct manager {
    char root[256], dir[300], log[300];
    int fd;
};

static void listen_at(struct manager *manager, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(manager->fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
        check_die("cannot bind %s", name);
    setenv("NOTIFY_SOCKET", name, 1);
}

/* Whether the next datagram within `ms` is exactly this one. */
static bool hears(const struct manager *manager, const char *wanted, int ms) {
    char text[128];
    struct pollfd poll_fd = {.fd = manager->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, ms) != 1)
        return false;
    ssize_t n = recv(manager->fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    if (strcmp(text, wanted) != 0)
        check_note("heard \"%s\"", text);
    return strcmp(text, wanted) == 0;
}

static bool is_silent(const struct manager *manager) {
    struct pollfd poll_fd = {.fd = manager->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 0;
}

static void check_service(struct manager *manager, const char *name, const char *what) {
    struct hub hub;
    struct hub_options options = {.uid = geteuid(), .dir = manager->dir, .log = manager->log};
    listen_at(manager, name);
    check(hub_start(&hub, &options), "%s: the hub starts", what);
    check(hears(manager, "READY=1", WAIT_MS), "%s: it says that it is ready", what);
    check(is_silent(manager), "%s: once", what);
    check(hub_stop(&hub) == 0, "%s: it ends", what);
    check(hears(manager, "STOPPING=1", WAIT_MS), "%s: it said so", what);
    close(manager->fd);
}

static int run(const struct manager *manager, const char *last) {
    const char *argv[] = {"earshotd", "--dir", manager->dir, "--ephemeral", last, NULL};
    return user_wait(hub_spawn(geteuid(), "earshotd", argv, manager->log, 0), WAIT_MS);
}

static void check_background(struct manager *manager) {
    char name[300];
    snprintf(name, sizeof name, "%s/background", manager->root);
    listen_at(manager, name);
    check(run(manager, NULL) == 0, "a hub in the background starts");
    check(run(manager, "--stop") == 0, "and ends");
    check(is_silent(manager), "without a word to the service manager");
    close(manager->fd);
    unlink(name);
}

static void check_nobody_there(struct manager *manager) {
    struct hub hub;
    struct hub_options options = {.uid = geteuid(), .dir = manager->dir, .log = manager->log};
    static const char *const names[] = {"/nowhere/at/all", "nonsense"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        check(hub_start(&hub, &options) && hub_stop(&hub) == 0,
              "NOTIFY_SOCKET=%s does not keep it from its work", names[i]);
    }
}

int main(void) {
    struct manager manager = {.fd = -1};
    const char *temporary = getenv("TMPDIR");
    char name[320];
    check_begin();
    snprintf(manager.root, sizeof manager.root, "%s/notify.XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(manager.root))
        check_die("cannot make %s", manager.root);
    snprintf(manager.dir, sizeof manager.dir, "%s/hub", manager.root);
    snprintf(manager.log, sizeof manager.log, "%s/log", manager.root);
    snprintf(name, sizeof name, "%s/socket", manager.root);
    check_service(&manager, name, "a path");
    unlink(name);
    snprintf(name, sizeof name, "@earshot-test-%d", (int)getpid());
    check_service(&manager, name, "an abstract name");
    check_background(&manager);
    check_nobody_there(&manager);
    unlink(manager.log);
    rmdir(manager.dir);
    rmdir(manager.root);
    return check_end();
}
