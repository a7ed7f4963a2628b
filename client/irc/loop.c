#include "irc/door.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "irc/conn.h"
#include "irc/loop.h"
#include "irc/peer.h"

#define EVENTS_MAX 64
#define IDLE_MS 60000

/* Brings epoll to what the watch wants. */
static void watch_set(struct irc_door *door, struct irc_watch *watch, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (watch->fd < 0 || watch->events == events)
        return;
    int op = !watch->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(door->epoll, op, watch->fd, &event) == 0)
        watch->events = events;
}

/* Whoever is not us is closed before a byte is read. */
static void door_accept(struct irc_door *door, const struct irc_watch *listener) {
    int on = 1;
    struct sockaddr_storage from;
    socklen_t n_from = sizeof from;
    int fd = accept4(listener->fd, (struct sockaddr *)&from, &n_from, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!peer_is_us(fd)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a Unix socket */
    conn_new(door, fd);
}

static void door_take(struct irc_door *door, const struct epoll_event *event) {
    struct irc_watch *watch = event->data.ptr;
    if (!watch->conn) {
        door_accept(door, watch);
    } else if (watch->is_link) {
        conn_hear(watch->conn);
    } else {
        if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
            conn_read(watch->conn);
    }
}

/* What one connection has said may be news for each other one, so all are looked after. */
static void door_settle(struct irc_door *door) {
    for (struct conn *conn = door->conns, *next; conn; conn = next) {
        next = conn->next;
        if (!conn->is_dead)
            conn_run(conn);
    }
    for (struct conn *conn = door->conns, *next; conn; conn = next) {
        next = conn->next;
        if (conn->is_dead) {
            watch_set(door, &conn->hub, 0);
            conn_free(conn);
        }
    }
    for (struct conn *conn = door->conns; conn; conn = conn->next) {
        watch_set(door, &conn->client, conn_client_events(conn));
        watch_set(door, &conn->hub, EPOLLIN);
    }
}

/* Milliseconds until somebody is too late; negative: nobody can be. */
static int door_wait_ms(struct irc_door *door) {
    if (!door->ends_idle || door->n_conns > 0) {
        door->idle_since = mono_now();
        return -1;
    }
    return mono_poll_ms(mono_add_ms(door->idle_since, IDLE_MS));
}

static bool door_is_over(const struct irc_door *door) {
    if (door->n_listeners == 0)
        return door->n_conns == 0;
    return door->ends_idle && door->n_conns == 0 &&
           mono_ms_until(mono_now(), mono_add_ms(door->idle_since, IDLE_MS)) <= 0;
}

int door_listen(struct irc_door *door, int fd) {
    struct irc_watch *watch = &door->listeners[door->n_listeners];
    if (door->n_listeners == ARRAY_LEN(door->listeners))
        return -EINVAL;
    *watch = (struct irc_watch){.fd = fd};
    watch_set(door, watch, EPOLLIN);
    door->n_listeners++;
    return 0;
}

int door_serve(struct irc_door *door, int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return conn_new(door, fd) ? 0 : -ENOMEM;
}

int door_run(struct irc_door *door) {
    struct epoll_event events[EVENTS_MAX];
    door_settle(door);
    door->idle_since = mono_now();
    while (!cli_interrupted() && !door_is_over(door)) {
        int n = epoll_wait(door->epoll, events, EVENTS_MAX, door_wait_ms(door));
        if (n < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < n; i++)
            door_take(door, &events[i]);
        door_settle(door);
    }
    return 0;
}

int door_init(struct irc_door *door, const struct cli_options *options, const char *hub_name) {
    *door = (struct irc_door){.options = options, .since = wall_now()};
    snprintf(door->name, sizeof door->name, "%s%s", *hub_name ? hub_name : "earshot",
             strchr(hub_name, '.') ? "" : ".earshot");
    for (char *at = door->name; *at; at++)
        if ((unsigned char)*at <= ' ' || strchr(":!@,", *at))
            *at = '-';
    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    return door->epoll < 0 ? -errno : 0;
}

void door_deinit(struct irc_door *door) {
    for (struct conn *conn = door->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_free(conn);
    }
    if (door->epoll >= 0)
        close(door->epoll);
}
