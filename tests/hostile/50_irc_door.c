/*
 * A door is its user's own. Another user is closed on both kinds of socket before a byte is read,
 * whatever he has sent by then and whenever he goes away; the owner gets in meanwhile. What clients
 * do that send nothing, or read nothing, is no other client's affair.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/stage.h"

#define TRIES 200    /* of a stranger, on each socket */
#define N_SILENT 200 /* clients that say nothing, or read nothing */
#define ANSWER_MS 20000

struct door_test {
    struct stage stage;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path], log[PATH_MAX / 2];
    int port;
    pid_t pid;
};

static int door_connect_tcp(const struct door_test *test) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)test->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int door_connect_unix(const struct door_test *test) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, test->path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void door_say(int fd, const char *text) {
    ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)n; /* whoever is closed already hears nothing */
}

/* Reads until it has come, or the other side closes; how many bytes have. */
static size_t door_hear(int fd, const char *wanted) {
    char text[65536];
    size_t n = 0;
    struct pollfd poll_fd = {fd, POLLIN, 0};
    text[0] = '\0';
    while (n < sizeof text - 1 && !(wanted && strstr(text, wanted)) &&
           poll(&poll_fd, 1, ANSWER_MS) > 0) {
        ssize_t more = read(fd, text + n, sizeof text - 1 - n);
        if (more <= 0)
            return wanted ? 0 : n;
        n += (size_t)more;
        text[n] = '\0';
    }
    return n;
}

static const char hello[] = "NICK %s\r\nUSER me 0 * :me\r\nPING ready\r\n";

static bool door_lets_in(int fd, const char *nick) {
    char text[256];
    snprintf(text, sizeof text, hello, nick);
    door_say(fd, text);
    bool is_in = fd >= 0 && door_hear(fd, " PONG ") > 0;
    return is_in;
}

static int owner(void *arg) {
    const struct door_test *test = arg;
    int tcp = door_connect_tcp(test), local = door_connect_unix(test);
    check(door_lets_in(tcp, "alice-tcp"), "its owner is let in on 127.0.0.1");
    check(door_lets_in(local, "alice-unix"), "and on the Unix socket");
    close(tcp);
    close(local);
    return 0;
}

/* All kinds of leaving: he stays, goes at once, closes one direction, or has another one hold it.
 */
static unsigned stranger_tries(const struct door_test *test,
                               int (*to)(const struct door_test *test)) {
    unsigned n_heard = 0;
    for (int i = 0; i < TRIES; i++) {
        int fd = to(test);
        if (fd < 0)
            continue;
        if (i % 4 != 1)
            door_say(fd, "NICK mallory\r\nUSER m 0 * :m\r\nPRIVMSG alice :in your name\r\n");
        if (i % 4 == 2)
            shutdown(fd, SHUT_WR);
        if (i % 4 != 3)
            n_heard += door_hear(fd, NULL) > 0;
        close(fd);
    }
    return n_heard;
}

static int stranger(void *arg) {
    const struct door_test *test = arg;
    check(stranger_tries(test, door_connect_tcp) == 0, "a stranger hears nothing on 127.0.0.1");
    check(stranger_tries(test, door_connect_unix) == 0, "nor on a Unix socket that he can open");
    return 0;
}

/* 200 that hang about, half of them with a great answer that they do not read. */
static int crowd(void *arg) {
    const struct door_test *test = arg;
    int fds[N_SILENT], n_in = 0;
    char nick[32];
    for (int i = 0; i < N_SILENT; i++) {
        fds[i] = door_connect_unix(test);
        snprintf(nick, sizeof nick, "quiet-%d", i);
        if (i % 2 == 0)
            n_in += door_lets_in(fds[i], nick);
        for (int j = 0; i % 2 == 0 && j < 200; j++)
            send(fds[i], "HELP\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    check(n_in == N_SILENT / 2, "%d clients are let in beside %d that say nothing", n_in,
          N_SILENT / 2);
    int fd = door_connect_tcp(test);
    check(door_lets_in(fd, "alice"), "and one more, while none of them reads");
    close(fd);
    for (int i = 0; i < N_SILENT; i++)
        close(fds[i]);
    return 0;
}

static bool door_is_open(void *arg) {
    const struct door_test *test = arg;
    int fd = door_connect_unix(test);
    close(fd);
    return fd >= 0;
}

/* A port that nobody has just now. */
static int door_free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) < 0)
        check_die("there is no port: %s", strerror(errno));
    close(fd);
    return ntohs(address.sin_port);
}

static void door_show_log(const struct door_test *test) {
    char line[512];
    FILE *log = fopen(test->log, "r");
    while (log && fgets(line, sizeof line, log))
        check_note("%s", line);
    if (log)
        fclose(log);
}

static void door_open(struct door_test *test) {
    char where[PATH_MAX], open_dir[PATH_MAX];
    test->port = door_free_port();
    if (snprintf(test->path, sizeof test->path, "%s/open/door", test->stage.root) >=
        (int)sizeof test->path)
        check_die("%s is too long for a socket", test->stage.root);
    snprintf(test->log, sizeof test->log, "%s/door.log", test->stage.root);
    snprintf(open_dir, sizeof open_dir, "%s", test->path);
    snprintf(where, sizeof where, "unix:%s,127.0.0.1:%d", test->path, test->port);
    open_dir[strlen(open_dir) - strlen("/door")] = '\0';
    mkdir(open_dir, 0777); /* the path is open to all: only who connects is looked at */
    chmod(open_dir, 0777);
    const char *const argv[] = {"earshot", "--hub",    test->stage.dir, "--name", user_handle(),
                                "irc",     "--listen", where,           NULL};
    test->pid = hub_spawn(UID_ALICE, "earshot", argv, test->log, 0);
    if (!check(check_until(door_is_open, test, ANSWER_MS), "the door of alice opens"))
        door_show_log(test);
    struct stat status;
    check(stat(test->path, &status) == 0 && (status.st_mode & 0777) == 0600,
          "its Unix socket is hers alone");
    chmod(test->path, 0666);
}

int main(void) {
    static struct door_test test;
    check_begin();
    stage_prepare(&test.stage);
    stage_start_hub(&test.stage, "open");
    door_open(&test);
    user_run(UID_ALICE, owner, &test, 60000);
    user_run(UID_MALLORY, stranger, &test, 60000);
    user_run(0, stranger, &test, 60000);
    user_run(UID_ALICE, crowd, &test, 60000);
    user_run(UID_ALICE, owner, &test, 60000);
    kill(test.pid, SIGTERM);
    check(user_wait(test.pid, ANSWER_MS) == 0, "and closes when it is told to");
    check(access(test.path, F_OK) < 0, "its socket is gone");
    return stage_end(&test.stage);
}
