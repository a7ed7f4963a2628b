#include "irc/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "irc/channel.h"
#include "irc/files.h"
#include "irc/message.h"
#include "irc/news.h"
#include "irc/session.h"

#define EVENTS_AT_ONCE 256 /* of the hub for one client, before others have their turn */

struct conn *conn_new(struct irc_door *door, int fd) {
    struct conn *conn = door->n_conns < CONN_MAX ? calloc(1, sizeof *conn) : NULL;
    if (!conn) {
        close(fd);
        return NULL;
    }
    conn->door = door;
    conn->client = (struct irc_watch){.conn = conn, .fd = fd};
    conn->hub = (struct irc_watch){.conn = conn, .is_link = true, .fd = -1};
    conn->next = door->conns;
    if (conn->next)
        conn->next->prev = conn;
    door->conns = conn;
    door->n_conns++;
    return conn;
}

static void conn_free_todo(struct conn *conn) {
    while (conn->todo) {
        struct todo *todo = conn->todo;
        conn->todo = todo->next;
        free(todo);
    }
}

void conn_free(struct conn *conn) {
    struct irc_door *door = conn->door;
    session_leave(conn, "Connection closed");
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        door->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    door->n_conns--;
    earshot_close(conn->link);
    close(conn->client.fd);
    say_drop(conn);
    view_free(conn);
    conn_free_todo(conn);
    free(conn->multiline.text);
    free(conn->state);
    free(conn->text);
    free(conn->away);
    free(conn->out);
    free(conn);
}

/* The client. */

static bool conn_has_line(const struct conn *conn) {
    return memchr(conn->in, '\n', conn->n_in) != NULL;
}

uint32_t conn_client_events(const struct conn *conn) {
    bool reads = !conn->is_closing && !conn->at_end && conn->n_in < IN_SIZE;
    return (reads ? EPOLLIN : 0U) | (conn->n_out > 0 ? EPOLLOUT : 0U) | EPOLLRDHUP * reads;
}

void conn_read(struct conn *conn) {
    if (conn->n_in == IN_SIZE || conn->is_closing)
        return;
    ssize_t n = read(conn->client.fd, conn->in + conn->n_in, IN_SIZE - conn->n_in);
    if (n > 0)
        conn->n_in += (size_t)n;
    else if (n == 0)
        conn->at_end = true;
    else if (errno != EAGAIN && errno != EINTR)
        conn->is_dead = true;
}

static void conn_write(struct conn *conn) {
    while (conn->n_out > 0 && !conn->is_dead) {
        ssize_t n = write(conn->client.fd, conn->out, conn->n_out);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            conn->is_dead = true;
        if (n <= 0)
            return;
        conn->n_out -= (size_t)n;
        memmove(conn->out, conn->out + n, conn->n_out);
    }
    if (conn->is_closing)
        conn->is_dead = true;
}

static void conn_drop_input(struct conn *conn, size_t n) {
    conn->n_in -= n;
    memmove(conn->in, conn->in + n, conn->n_in);
}

/* A line that does not fit is passed over to its end, and refused once. */
static void conn_pass_over(struct conn *conn) {
    const char *end = memchr(conn->in, '\n', conn->n_in);
    if (!end && conn->n_in == IN_SIZE && !conn->skips) {
        conn->skips = true;
        say_plain(conn, NUMERIC_INPUTTOOLONG);
    }
    if (conn->skips) {
        conn_drop_input(conn, end ? (size_t)(end + 1 - conn->in) : conn->n_in);
        conn->skips = !end;
    }
}

static bool conn_run_line(struct conn *conn) {
    conn_pass_over(conn);
    char *end = memchr(conn->in, '\n', conn->n_in);
    if (!end)
        return false;
    size_t n = (size_t)(end + 1 - conn->in);
    *end = '\0';
    command_run(conn, conn->in, n - 1);
    conn_drop_input(conn, n);
    return true;
}

void conn_run(struct conn *conn) {
    bool more = true;
    while (more && !conn->is_dead && !conn->is_closing && !conn->take && !conn->again &&
           conn->n_out < OUT_HIGH)
        more = channel_do_todo(conn) || conn_run_line(conn);
    if (conn->at_end && !conn->take && !conn->again && !conn->is_closing && !conn_has_line(conn))
        session_end(conn, "Connection closed");
    conn_write(conn);
}

/* The hub. */

static void conn_take_event(struct conn *conn, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
        message_take(conn, event);
        break;
    case EARSHOT_EVENT_EDITED:
    case EARSHOT_EVENT_REMOVED:
        message_take_mend(conn, event);
        break;
    case EARSHOT_EVENT_NEWS:
        news_take(conn, event);
        break;
    case EARSHOT_EVENT_LOST:
        news_take_lost(conn);
        break;
    case EARSHOT_EVENT_BACK:
        news_take_back(conn);
        break;
    case EARSHOT_EVENT_SHUT_OUT:
        say_notice(conn, "the hub does not let you in: %s", event->lost.reason);
        break;
    case EARSHOT_EVENT_MISSED:
        say_notice(conn, "up to %llu messages are not in the hub's log any more",
                   (unsigned long long)event->missed);
        break;
    case EARSHOT_EVENT_OFFER:
    case EARSHOT_EVENT_WITHDRAWN:
    case EARSHOT_EVENT_TRANSFER:
        files_take(conn, event);
        break;
    case EARSHOT_EVENT_STATE:
    case EARSHOT_EVENT_REFUSED:
        message_take_outcome(conn, event);
        break;
    default:
        if (conn->take)
            conn->take(conn, event);
        break;
    }
}

void conn_hear(struct conn *conn) {
    struct earshot_event event;
    int result = EARSHOT_OK;
    for (int i = 0; i < EVENTS_AT_ONCE && !conn->is_dead && !conn->is_closing; i++) {
        if (conn->n_out >= OUT_HIGH) {
            result = earshot_tend(conn->link);
            break;
        }
        result = earshot_next(conn->link, &event, 0);
        if (result != EARSHOT_OK)
            break;
        conn_take_event(conn, &event);
        if (i == 0) /* it goes out before it is asked whether there is more */
            conn_write(conn);
    }
    news_tell_lost_room(conn);
    if (conn->again && !conn->is_dead && !conn->is_closing)
        command_again(conn);
    if (result != EARSHOT_OK && result != EARSHOT_AGAIN && result != -EINTR)
        session_end(conn, result < 0 ? strerror(-result) : earshot_error(conn->link));
}
