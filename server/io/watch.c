#include "io/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "io/database/resolver.h"
#include "io/lane.h"
#include "io/options.h"
#include "io/tell.h"
#include "ipc/queue.h"

/* Not session numbers: the low 16 bits of those are a slot, and there are fewer slots than that. */
#define EVENT_SIGNAL UINT64_C(0xffff)
#define EVENT_TIMER UINT64_C(0xfffe)
#define EVENT_TELL UINT64_C(0xfffd)
#define EVENT_END UINT64_C(0xfffc)
#define EVENT_DEAD UINT64_C(0xfffb)

/* 0: it is the number of a session, whose process has died. */
static unsigned event_bit(uint64_t what) {
    return what >= EVENT_DEAD && what <= EVENT_SIGNAL ? 1U << (EVENT_SIGNAL - what) : 0;
}

static int watch_add(const struct hub *hub, int fd, uint64_t what) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};
    return epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? error_errno() : 0;
}

int watch_init(struct hub *hub) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    hub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    hub->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    hub->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    hub->tell_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    hub->end_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    hub->dead_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (hub->epoll_fd < 0 || hub->timer_fd < 0 || hub->signal_fd < 0 || hub->tell_fd < 0 ||
        hub->end_fd < 0 || hub->dead_fd < 0)
        return error_errno();
    tell_init(hub->tell_fd);
    int r = watch_add(hub, hub->timer_fd, EVENT_TIMER);
    if (r == 0)
        r = watch_add(hub, hub->tell_fd, EVENT_TELL);
    if (r == 0)
        r = watch_add(hub, hub->end_fd, EVENT_END);
    if (r == 0)
        r = watch_add(hub, hub->dead_fd, EVENT_DEAD);
    return r < 0 ? r : watch_add(hub, hub->signal_fd, EVENT_SIGNAL);
}

void watch_deinit(struct hub *hub) {
    int *fds[] = {&hub->epoll_fd, &hub->timer_fd, &hub->signal_fd,
                  &hub->tell_fd,  &hub->end_fd,   &hub->dead_fd};
    tell_init(-1);
    tell_rest();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

/* The names of the groups; who is in them is asked for each time that it is needed. */
static void read_rights(struct hub *hub) {
    struct name wall, admin;
    bool is_read = options_read_groups(hub->options.given, &wall, &admin);
    if (is_read) {
        hub_enter(hub);
        hub->options.wall_group = wall;
        hub->options.admin_group = admin;
        hub_leave(hub);
    }
    resolver_forget();
    if (is_read)
        log_info("SIGHUP: who may write to everybody, and who keeps order, was read again");
    else
        log_error("SIGHUP: hub.conf cannot be used; rights stay as they were");
}

static bool on_signal(struct hub *hub) {
    struct signalfd_siginfo info;
    bool stop = false;
    while (read(hub->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP) { /* also when the terminal is gone; a hub needs none */
            read_rights(hub);
            continue;
        }
        log_info("stopping on %s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        stop = true;
    }
    return stop;
}

static void on_tell(const struct hub *hub) {
    uint64_t n;
    while (read(hub->tell_fd, &n, sizeof n) > 0) {
    }
    tell_rest();
}

static void on_timer(struct hub *hub) {
    uint64_t n;
    while (read(hub->timer_fd, &n, sizeof n) > 0) {
    }
    hub_enter(hub);
    hub->armed.ns = 0;
    core_tick(&hub->core);
    hub_leave(hub);
}

/*
 * A client died. What it had sent before may still lie in its lane, and counts; so the hub says
 * BYE in its name, behind all that.
 */
static int say_bye_for(uint64_t number, int msqid) {
    struct queue_message message = {.mtype = OBITUARY_MTYPE};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, number});
    frame_put(&out, &(struct frame){.type = FRAME_BYE});
    return queue_send(msqid, &message, cursor_out_used(&out), false);
}

/*
 * The lane is full: its thread ends the session after it has received what is there now. If that
 * has been received meanwhile, there is room for the BYE. An empty lane that is full was made so
 * small by its owner, who then has nothing to lose.
 */
static void end_later(struct hub *hub, uint64_t number) {
    struct queue_info info;
    hub_enter(hub);
    struct session *session = core_session(&hub->core, number);
    if (session) {
        struct seat *seat = session->seat;
        bool waits = queue_stat(seat->lane->msqid, &info) == QUEUE_OK && info.n_messages > 0;
        if (waits && seat->dies_at == 0) {
            seat->dies_at = seat->lane->n_received + info.n_messages + LANE_DRAIN_MAX;
            seat->lane->n_dying++;
        } else if (!waits && say_bye_for(number, seat->lane->msqid) != QUEUE_OK) {
            core_end(&hub->core, session);
        }
    }
    hub_leave(hub);
}

/* With the lock held. The lane; -1: the session has ended by itself. */
static int note_death(struct hub *hub, uint64_t number) {
    struct session *session = core_session(&hub->core, number);
    if (!session)
        return -1;
    struct lane *lane = session->seat->lane;
    session->seat->death = ++hub->n_deaths;
    session->seat->session = number;
    DL_APPEND2(lane->dead, session->seat, prev_dead, next_dead);
    return lane->msqid;
}

/*
 * A user may read his lanes, and so take away what was said in the name of his dead. He keeps only
 * himself waiting by that, but not for ever, for the hub would keep mailbox and descriptor as long:
 * so it is said again as long as their sessions have not ended and nothing else is in the lane.
 */

#define DEAD_LOOK_S 2
#define DEAD_AT_ONCE 64

static void look_after_dead(const struct hub *hub) {
    static const struct itimerspec when = {.it_value = {.tv_sec = DEAD_LOOK_S}};
    if (timerfd_settime(hub->dead_fd, 0, &when, NULL) < 0)
        log_warning("the timer for the dead cannot be set: %s", strerror(errno));
}

struct dead {
    uint64_t session;
    int lane;
};

/* With the lock held. */
static size_t list_dead(const struct hub *hub, struct dead dead[DEAD_AT_ONCE]) {
    size_t n = 0;
    const struct lane *lane;
    DL_FOREACH(hub->lanes, lane) {
        const struct seat *seat;
        DL_FOREACH2(lane->dead, seat, next_dead) {
            if (n == DEAD_AT_ONCE)
                return n;
            dead[n++] = (struct dead){seat->session, lane->msqid};
        }
    }
    return n;
}

static void on_dead(struct hub *hub) {
    struct dead dead[DEAD_AT_ONCE];
    struct queue_info info;
    uint64_t n_fired;
    while (read(hub->dead_fd, &n_fired, sizeof n_fired) > 0) {
    }
    lock_take(&hub->lock);
    size_t n = list_dead(hub, dead);
    lock_give(&hub->lock);
    for (size_t i = 0; i < n; i++)
        if (queue_stat(dead[i].lane, &info) == QUEUE_OK && info.n_messages == 0)
            (void)say_bye_for(dead[i].session, dead[i].lane);
    if (n > 0)
        look_after_dead(hub);
}

#define EVENTS_AT_ONCE 64

/* Guards what epoll has told of deaths and nobody has noted yet. */
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

/*
 * What has happened: the deaths are noted, of the other events (one bit each, see event_bit()) it
 * is only told, for they stay until they are dealt with. Returns how many deaths.
 */
static unsigned take_events(struct hub *hub, unsigned *others) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int lanes[EVENTS_AT_ONCE];
    unsigned n_deaths = 0;
    pthread_mutex_lock(&telling);
    int n = epoll_wait(hub->epoll_fd, events, EVENTS_AT_ONCE, 0);
    lock_take(&hub->lock);
    for (int i = 0; i < n; i++) {
        lanes[i] = -1;
        if (event_bit(events[i].data.u64) != 0) {
            *others |= event_bit(events[i].data.u64);
        } else {
            lanes[i] = note_death(hub, events[i].data.u64);
            n_deaths++;
        }
    }
    lock_give(&hub->lock);
    pthread_mutex_unlock(&telling);
    if (n_deaths > 0)
        look_after_dead(hub);
    for (int i = 0; i < n; i++)
        if (lanes[i] >= 0 && say_bye_for(events[i].data.u64, lanes[i]) != QUEUE_OK)
            end_later(hub, events[i].data.u64);
    return n_deaths;
}

void watch_note_deaths(struct hub *hub) {
    unsigned others = 0;
    while (take_events(hub, &others) > 0)
        ;
}

/* The end of a hub that nobody is in. */

void watch_nobody_is_here(const struct hub *hub) {
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)hub->options.end_after_s}};
    if (hub->options.end_after_s > 0 && timerfd_settime(hub->end_fd, 0, &when, NULL) < 0)
        log_warning("the timer for the hub's end cannot be set: %s", strerror(errno));
}

/* Somebody knocks, or something is to be stored; and what is in memory only would be gone. */
static bool end_would_lose(struct hub *hub) {
    struct queue_info info;
    bool is_quiet =
        queue_stat(hub->rendezvous.record.msqid, &info) == QUEUE_OK && info.n_messages == 0;
    return !is_quiet || core_has_commit(&hub->core) || (!hub->storage && hub->core.log.n_bytes > 0);
}

/* The timer was set when the last session ended; there may be new ones. True: the hub ends. */
static bool on_end(struct hub *hub) {
    uint64_t n;
    while (read(hub->end_fd, &n, sizeof n) > 0) {
    }
    hub_enter(hub);
    bool is_empty = hub->core.n_sessions == 0;
    bool ends = is_empty && !end_would_lose(hub);
    hub->stopping = ends; /* from now on nobody is let in */
    if (is_empty && !ends)
        watch_nobody_is_here(hub);
    hub_leave(hub);
    if (ends)
        log_info("nobody has been here for %u s: the hub ends", hub->options.end_after_s);
    return ends;
}

void watch_run(struct hub *hub) {
    struct pollfd any = {.fd = hub->epoll_fd, .events = POLLIN};
    watch_nobody_is_here(hub);
    for (bool stop = false; !stop;) {
        unsigned others = 0;
        (void)poll(&any, 1, -1);
        (void)take_events(hub, &others);
        if (others & event_bit(EVENT_SIGNAL))
            stop = on_signal(hub);
        if (others & event_bit(EVENT_TIMER))
            on_timer(hub);
        if (others & event_bit(EVENT_TELL))
            on_tell(hub);
        if (others & event_bit(EVENT_DEAD))
            on_dead(hub);
        if (others & event_bit(EVENT_END))
            stop = on_end(hub) || stop;
    }
}
