/*
 * Waiting: for the mailbox in msgrcv(2), with the watch for everything else, or, once the
 * program has asked for a descriptor, for one epoll descriptor that the reader feeds.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "lib/check.h"

enum wait_source {
    WAIT_SOURCE_WAKE,
    WAIT_SOURCE_TIMER,
    WAIT_SOURCE_WRITER,
    WAIT_SOURCE_READER,
    WAIT_SOURCE_HUB,
    N_WAIT_SOURCES
};

static int control_source(struct earshot *link, int operation, int fd, enum wait_source source,
                          bool enabled) {
    struct epoll_event event = {.events = enabled ? EPOLLIN : 0, .data.u32 = source};
    return epoll_ctl(link->epoll_fd, operation, fd, &event) < 0 ? error_errno() : 0;
}

int wait_init(struct earshot *link) {
    link->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (link->epoll_fd < 0)
        return error_errno();
    link->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (link->timer_fd < 0)
        return error_errno();
    link->wake_fd = event_open();
    if (link->wake_fd < 0)
        return link->wake_fd;
    const int fds[] = {
        [WAIT_SOURCE_WAKE] = link->wake_fd,
        [WAIT_SOURCE_TIMER] = link->timer_fd,
        [WAIT_SOURCE_WRITER] = link->writer.done_fd,
        [WAIT_SOURCE_READER] = link->reader.ready_fd,
    };
    int r = 0;
    for (unsigned i = 0; i < ARRAY_LEN(fds) && r == 0; i++)
        r = control_source(link, EPOLL_CTL_ADD, fds[i], (enum wait_source)i, true);
    return r;
}

void wait_deinit(struct earshot *link) {
    const int fds[] = {link->epoll_fd, link->timer_fd, link->wake_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    link->epoll_fd = link->timer_fd = link->wake_fd = -1;
}

/* Closing the descriptor takes it away again. */
int wait_add_hub(struct earshot *link) {
    return control_source(link, EPOLL_CTL_ADD, link->hub_fd, WAIT_SOURCE_HUB, true);
}

void wait_set_stalled(struct earshot *link, bool stalled) {
    if (link->stalled == stalled)
        return;
    link->stalled = stalled;
    control_source(link, EPOLL_CTL_MOD, link->reader.ready_fd, WAIT_SOURCE_READER, !stalled);
}

void wait_arm(struct earshot *link, mono_time at) {
    if (at.ns == 0 || at.ns == INT64_MAX || (link->timer_at.ns != 0 && link->timer_at.ns <= at.ns))
        return;
    struct itimerspec when = {.it_value = {at.ns / NS_PER_S, at.ns % NS_PER_S}};
    timerfd_settime(link->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    link->timer_at = at;
}

void wait_nudge(struct earshot *link) {
    if (link->pollable)
        event_set(link->wake_fd);
}

int wait_start(struct earshot *link) {
    link->watch.epoll_fd = link->epoll_fd;
    link->watch.hub_fd = link->hub_fd;
    link->watch.mailbox = link->mailbox;
    link->watch.pid = link->pid;
    link->watch.release_lane = join_release_lane;
    link->watch.arg = link;
    link->conduit.mailbox = link->mailbox;
    link->conduit.pid = link->pid;
    link->conduit.room_fd = link->writer.done_fd; /* either way there is room again */
    return link->pollable ? reader_start(&link->reader, &link->conduit) : 0;
}

void wait_stop(struct earshot *link) {
    watch_stop(&link->watch);
    reader_stop(&link->reader);
}

static void wait_serve(struct earshot *link, enum wait_source source) {
    switch (source) {
    case WAIT_SOURCE_WAKE:
        event_clear(link->wake_fd);
        break;
    case WAIT_SOURCE_TIMER:
        event_clear(link->timer_fd);
        link->timer_at = WAIT_NOT;
        break;
    case WAIT_SOURCE_WRITER:
        event_clear(link->writer.done_fd);
        outgoing_send(link, OUTGOING_LATER, false);
        break;
    case WAIT_SOURCE_READER:
        if (reader_is_gone(&link->reader))
            join_lose(link, receive_why_gone(link));
        break;
    case WAIT_SOURCE_HUB:
        join_lose(link, "died");
        break;
    case N_WAIT_SOURCES:
        break;
    }
}

bool wait_service(struct earshot *link) {
    struct epoll_event events[N_WAIT_SOURCES];
    int n = epoll_wait(link->epoll_fd, events, N_WAIT_SOURCES, 0);
    for (int i = 0; i < n; i++)
        wait_serve(link, (enum wait_source)events[i].data.u32);
    join_tick(link);
    wait_arm(link, join_due(link));
    transfer_tick(link);
    taken_tick(link);
    if (link->watch.running && watch_has_fired(&link->watch))
        watch_rearm(&link->watch);
    return n > 0;
}

/* The mailbox has nothing in it but what is for us. */
static bool may_read(const struct earshot *link) {
    return link->phase == LINK_WELCOME || link->phase == LINK_JOINED;
}

static bool is_over(mono_time until) {
    return until.ns != INT64_MAX && mono_now().ns >= until.ns;
}

/* For the descriptor: when there is one, or nothing can be taken from a mailbox. */
static int step_poll(struct earshot *link, mono_time until) {
    int r = outgoing_send(link, OUTGOING_LATER, true);
    if (r < 0)
        return r;
    if (wait_service(link))
        return 0;
    if (is_over(until))
        return EARSHOT_AGAIN;
    int64_t left = until.ns == INT64_MAX ? -1 : mono_ms_until(mono_now(), until);
    struct pollfd all = {.fd = link->epoll_fd, .events = POLLIN};
    r = poll(&all, 1, left > INT_MAX ? INT_MAX : (int)left);
    return r < 0 ? error_errno() : 0;
}

/* What is there now, without blocking; then what is to be sent, and all the other sources. */
static int step_now(struct earshot *link, bool to_inbox) {
    int r = receive_batch(link, CONDUIT_NOW, to_inbox);
    if (r != QUEUE_EMPTY)
        return r < 0 ? r : 0;
    r = outgoing_send(link, OUTGOING_LATER, true);
    if (r < 0)
        return r;
    return watch_has_fired(&link->watch) && wait_service(link) ? 0 : EARSHOT_AGAIN;
}

static int step_mailbox(struct earshot *link, mono_time until, bool to_inbox) {
    bool over = until.ns == 0 || is_over(until);
    if (over || watch_has_fired(&link->watch) || outgoing_has_frames(link)) {
        int r = step_now(link, to_inbox);
        if (over && r == EARSHOT_AGAIN)
            wait_service(link);
        if (over || r != EARSHOT_AGAIN)
            return r;
        if (!may_read(link))
            return 0;
    }
    int r = watch_start(&link->watch);
    if (r < 0)
        return r;
    wait_arm(link, until);
    if (watch_has_fired(&link->watch))
        return 0;
    r = receive_batch(link, CONDUIT_WAIT, to_inbox);
    if (r == QUEUE_INTERRUPTED)
        return -EINTR;
    return r < 0 ? r : 0;
}

int wait_step(struct earshot *link, mono_time until, bool to_inbox) {
    if (link->pollable || !may_read(link) || link->stalled)
        return step_poll(link, until);
    return step_mailbox(link, until, to_inbox);
}

static mono_time until_of(int timeout_ms) {
    if (timeout_ms < 0)
        return WAIT_FOREVER;
    return timeout_ms == 0 ? WAIT_NOT : mono_add_ms(mono_now(), timeout_ms);
}

/* What can be told without waiting: 1 an event, 0 none, or -errno. */
static int take_event(struct earshot *link, struct earshot_event *event) {
    wait_set_stalled(link, false);
    event->request = 0;
    int r = incoming_next(link, event);
    if (r == 0)
        r = transfer_next(link, event);
    if (r == 0 && atomic_load(&link->woken) && atomic_exchange(&link->woken, false)) {
        event->type = EARSHOT_EVENT_WOKEN;
        r = 1;
    }
    return r;
}

int earshot_next(earshot *link, struct earshot_event *event, int timeout_ms) {
    int bad = check_pointer(link, event, "the event");
    if (bad != 0)
        return bad;
    mono_time until = until_of(timeout_ms);
    taken_next(link);
    for (int waited = 0;;) {
        int r = take_event(link, event);
        if (r != 0)
            return r < 0 ? r : 0;
        if (link->phase == LINK_ENDED)
            return link->ended;
        if (waited == EARSHOT_AGAIN) {
            r = outgoing_send(link, OUTGOING_LATER, true); /* what was taken may need an answer */
            return r < 0 ? r : EARSHOT_AGAIN;
        }
        waited = wait_step(link, until, false);
        if (waited < 0)
            return waited;
    }
}

/* Messages stay in the reader, and are no reason to wake the program; a hub's answer is taken. */
int earshot_tend(earshot *link) {
    struct inbox_batch *batch;
    int r = check_pointer(link, link, "the link");
    if (r != 0)
        return r;
    r = outgoing_send(link, OUTGOING_LATER, true);
    wait_service(link);
    while (link->phase == LINK_WELCOME && (batch = reader_take(&link->reader)))
        receive_accept(link, batch, true);
    wait_set_stalled(link, link->phase == LINK_JOINED);
    if (r < 0)
        return r;
    return link->phase == LINK_ENDED ? link->ended : 0;
}

bool earshot_is_joined(const earshot *link) {
    return link && link->phase == LINK_JOINED;
}

int earshot_fd(earshot *link) {
    if (!link)
        return -EINVAL;
    taken_start(link);
    if (!link->pollable) {
        watch_stop(&link->watch);
        link->pollable = true;
        wait_nudge(link);
        int r = may_read(link) ? wait_start(link) : 0;
        if (r < 0)
            return r;
    }
    return link->epoll_fd;
}

void earshot_wake(earshot *link) {
    if (!link)
        return;
    atomic_store(&link->woken, true);
    event_set(link->wake_fd);
}
