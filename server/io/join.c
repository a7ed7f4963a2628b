/*
 * The handshake: the kernel proves who is there.
 *
 * The client made its mailbox (IPC_PRIVATE, 0600), gave it to us (IPC_SET: owner = the hub's uid),
 * and sent a nonce into it. So the kernel has noted, and nobody can change:
 *   cuid         the client's uid: msgget(2) stamped it
 *   last sender  the client's PID: msgsnd(2) stamped it
 * HELLO names the mailbox and repeats the nonce. That the nonce matches shows that whoever sent
 * HELLO also wrote to the mailbox, or could read it; and besides us and root only cuid can. That
 * nobody has received from the mailbox yet shows that it is not the mailbox of a running session.
 * A pidfd is opened for the PID, and the process behind it must run under cuid; from then on a
 * death is seen at once and a PID that is used again cannot be mistaken for it. If it was used
 * again before that, by another process of the same uid, no READY will come for the session,
 * and it is ended after a while.
 */
#include "io/join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "io/database/resolver.h"
#include "io/database/right.h"
#include "io/database/rounds.h"
#include "io/entrance.h"
#include "io/lane.h"
#include "io/noted.h"
#include "io/sweep.h"
#include "io/tell.h"
#include "io/watch.h"
#include "ipc/process.h"
#include "proto/stranger.h"

/* What a handshake has shown so far. */
struct knock {
    struct resolver_job job;   /* first; what the user database is asked */
    struct entrance *entrance; /* where to go on with the answer; NULL: nowhere */
    struct hub *hub;
    int msqid;
    struct uuid nonce;
    uint16_t version;
    pid_t pid;
    uid_t uid; /* (uid_t)-1: not known yet */
    int pidfd;
    unsigned abilities;
    uint64_t link, after;
    uint8_t n_wanted; /* bytes of what HELLO gave as a handle */
    char text[UINT8_MAX];
    uint64_t behind; /* hub->n_deaths when it was proved */
    struct right right;
    struct knock *next; /* the entrance's, or of those who wait for the same dead */
};

/* The mailbox is not, or not surely, that of whoever sent HELLO: only the log hears of it. */
static void refuse_stranger(struct knock *knock, const char *reason) {
    struct queue_info info = {0};
    struct hub *hub = knock->hub;
    atomic_fetch_add_explicit(&hub->n_turned_away, 1, memory_order_relaxed);
    sweep_suspect(hub);
    if (!tell_may(TELL_STRANGER, knock->uid))
        return;
    (void)queue_stat(hub->rendezvous.record.msqid, &info);
    if (knock->uid != (uid_t)-1)
        log_warning("refused a HELLO for queue %d of uid %u pid %d (last sender was pid %d): %s",
                    knock->msqid, knock->uid, knock->pid, info.last_sender, reason);
    else
        log_warning("refused a HELLO for queue %d (last sender was pid %d): %s", knock->msqid,
                    info.last_sender, reason);
}

static void knock_refuse(struct knock *knock, enum fail_code code, const char *reason) {
    sweep_suspect(knock->hub);
    if (tell_may(TELL_REFUSED, knock->uid))
        log_warning("refused uid %u pid %d: %s", knock->uid, knock->pid, reason);
    struct queue_message message = {.mtype = knock->pid};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, 0});
    frame_put(&out,
              &(struct frame){.type = FRAME_FAIL, .fail = {0, (uint16_t)code, bytes_of(reason)}});
    (void)queue_send(knock->msqid, &message, cursor_out_used(&out), false);
}

/*
 * Step 1: the mailbox is fresh, ours to write to, its creator's to read, and nobody else's. Its
 * maker has sent into it and received from it once, so it is stamped with one PID; then came the
 * nonce.
 */
static bool check_mailbox(struct knock *knock, bool *nonce_is_noted) {
    struct queue_info info;
    if (queue_stat(knock->msqid, &info) != QUEUE_OK) {
        refuse_stranger(knock, "it cannot be read, or is gone");
        return false;
    }
    knock->uid = info.cuid;
    knock->pid = info.last_sender;
    if (info.key != IPC_PRIVATE || info.uid != geteuid() || info.mode != 0600 ||
        queue_tag_of(&info) != QUEUE_TAG_MAILBOX) {
        refuse_stranger(knock, "it is not a mailbox that was made for this hub");
        return false;
    }
    *nonce_is_noted = info.last_receiver == getpid() && info.n_messages == 0;
    if (!*nonce_is_noted && (info.last_receiver != info.last_sender || info.n_messages != 1)) {
        refuse_stranger(knock, "it is in use already");
        return false;
    }
    if (knock->pid > 0)
        return true;
    refuse_stranger(knock, "its last sender is in another PID namespace");
    return false;
}

static bool take_nonce(const struct knock *knock, struct uuid *nonce) {
    struct queue_message message;
    size_t n;
    return queue_receive(knock->msqid, &message, knock->pid, &n, false) == QUEUE_OK &&
           stranger_nonce(message.data, n, nonce);
}

/*
 * Step 2: whoever sent HELLO also wrote the nonce. Before anything waits in the name of the
 * mailbox's owner, or a stranger's HELLOs would take up his places.
 */
static bool check_nonce(struct knock *knock, bool is_noted) {
    struct uuid found;
    bool is_there = is_noted ? noted_take(knock->uid, knock->msqid, knock->pid, &found)
                             : take_nonce(knock, &found);
    if (!is_there) {
        refuse_stranger(knock, "it holds no nonce");
        return false;
    }
    if (uuid_equal(&found, &knock->nonce))
        return true;
    noted_put(knock->uid, knock->msqid, knock->pid, &found);
    refuse_stranger(knock, "it holds another nonce");
    return false;
}

/* It waited meanwhile: the mailbox may be gone, and its id another one's. */
static bool check_again(struct knock *knock) {
    uid_t uid = knock->uid;
    pid_t pid = knock->pid;
    bool nonce_is_taken;
    if (!check_mailbox(knock, &nonce_is_taken))
        return false;
    if (nonce_is_taken && knock->uid == uid && knock->pid == pid)
        return true;
    refuse_stranger(knock, "it is another one by now");
    return false;
}

/* Step 3: the process lives and runs under that uid. */
static bool check_process(struct knock *knock) {
    uid_t uid;
    int r = process_open(knock->pid, &knock->pidfd);
    if (r == -EMFILE || r == -ENFILE) {
        knock_refuse(knock, FAIL_LIMIT,
                     "the hub has no file descriptor left; raise its limit (ulimit -n)");
        return false;
    }
    if (r < 0) {
        if (tell_may(TELL_DIED, knock->uid))
            log_info("uid %u pid %d died in the handshake", knock->uid, knock->pid);
        (void)queue_remove(knock->msqid);
        return false;
    }
    if (process_uid(knock->pid, &uid) == 0 && uid != knock->uid) {
        knock_refuse(knock, FAIL_BAD_HANDSHAKE, "the process does not run under the mailbox's uid");
        return false;
    }
    return true;
}

/* Step 4: what it asks for, as far as the user database is not needed for it. */
static bool check_wishes(struct knock *knock) {
    char reason[256];
    struct right *right = &knock->right;
    *right = (struct right){.uid = knock->uid, .gid = knock->hub->options.wall_gid};
    if (knock->version != PROTO_VERSION) {
        snprintf(reason, sizeof reason,
                 "the hub speaks protocol version %d, the client %u; upgrade the %s", PROTO_VERSION,
                 knock->version, knock->version < PROTO_VERSION ? "client" : "hub");
        knock_refuse(knock, FAIL_VERSION, reason);
        return false;
    }
    if (knock->n_wanted == 0)
        return true;
    enum name_outcome problem =
        name_parse(&right->wanted, (struct bytes){knock->text, knock->n_wanted});
    if (problem == NAME_OK && !name_is_room(&right->wanted))
        return true;
    snprintf(reason, sizeof reason, "the handle %s",
             problem ? name_problem(problem) : "must not begin with #");
    knock_refuse(knock, FAIL_BAD_NAME, reason);
    return false;
}

/* One-shot: a dead process stays readable. The number, not a pointer, finds the session then. */
static bool watch_process(const struct hub *hub, int pidfd, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = number};
    return epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, pidfd, &event) == 0;
}

static void limit_reason(int r, char reason[256]) {
    if (r == -EIDRM)
        snprintf(reason, 256, "your lane was removed meanwhile; try again");
    else if (r == -ESHUTDOWN)
        snprintf(reason, 256, "the hub is being stopped; try again when it is back");
    else if (r == -EAGAIN)
        snprintf(reason, 256,
                 "the hub cannot start a thread for your lane; raise the limit of "
                 "threads of the hub's user (ulimit -u, TasksMax=)");
    else
        snprintf(reason, 256, "no lane can be made for you: %s",
                 r > 0 ? queue_outcome_text((enum queue_outcome)r) : strerror(-r));
}

static enum fail_code begin_locked(struct hub *hub, const struct core_join *join, struct lane *lane,
                                   char reason[256]) {
    struct session *session;
    if (lane->closed || hub->stopping) {
        limit_reason(hub->stopping ? -ESHUTDOWN : -EIDRM, reason);
        return FAIL_LIMIT;
    }
    core_evict_mailbox(&hub->core, join->seat->msqid);
    enum fail_code code = core_join(&hub->core, join, &session, reason);
    if (code != FAIL_NONE)
        return code;
    if (gate_is_there(&lane->gate))
        core_tell_gate(&hub->core, session, lane->gate.shmid);
    core_welcome(&hub->core, session, lane->msqid);
    rounds_note_joined(hub);
    if (!watch_process(hub, join->seat->pidfd, session->number)) {
        log_error("cannot watch pid %d: %s; its session is ended", join->pid, strerror(errno));
        core_end(&hub->core, session);
    }
    return FAIL_NONE;
}

/* Step 5: a session begins. On failure the caller still owns pidfd and mailbox. */
static enum fail_code knock_begin(struct knock *knock, struct user *user, struct lane *lane,
                                  char reason[256]) {
    struct core_join join = {
        .uid = user->uid,
        .pid = knock->pid,
        .seat = calloc(1, sizeof *join.seat),
        .abilities = knock->abilities & ABILITY_ALL,
        .handle = knock->right.wanted,
        .login = knock->right.login,
        .right = {.takes = knock->right.take_from != LOGIN_NOBODY, .from = knock->right.take_from},
        .link = knock->link,
        .after = knock->after,
        .may_wall = knock->right.in_group,
        .groups = &knock->right.groups};
    if (!join.seat || getrandom(&join.random, sizeof join.random, 0) != sizeof join.random) {
        free(join.seat);
        snprintf(reason, 256, "the hub is out of memory or randomness; try again later");
        return FAIL_LIMIT;
    }
    *join.seat = (struct seat){.msqid = knock->msqid, .pidfd = knock->pidfd, .lane = lane};
    hub_enter(knock->hub);
    enum fail_code code = begin_locked(knock->hub, &join, lane, reason);
    hub_leave(knock->hub);
    if (code != FAIL_NONE)
        free(join.seat);
    return code;
}

static bool knock_admit(struct knock *knock) {
    struct hub *hub = knock->hub;
    char reason[256];
    struct lane *lane;
    hub_enter(hub);
    struct user *user = core_user(&hub->core, knock->uid);
    hub_leave(hub);
    int r = user ? lane_for(hub, user, &lane) : -ENOMEM;
    if (r != 0) {
        limit_reason(r, reason);
        knock_refuse(knock, FAIL_LIMIT, reason);
        return false;
    }
    enum fail_code code = knock_begin(knock, user, lane, reason);
    if (code != FAIL_NONE) {
        hub_enter(hub);
        lane_release(lane);
        bool is_ending = hub->stopping; /* which its client sees, and starts another one */
        hub_leave(hub);
        if (!is_ending)
            knock_refuse(knock, code, reason);
        return false;
    }
    if (knock->right.take_from != LOGIN_NOBODY)
        log_warning("uid %u takes %s, its login name, from uid %u", knock->uid,
                    knock->right.wanted.s, knock->right.take_from);
    log_debug("uid %u pid %d joined as %s", knock->uid, knock->pid, knock->right.wanted.s);
    return true;
}

/* The steps in a row. */

void join_end(struct knock *knock) {
    if (knock->pidfd >= 0)
        close(knock->pidfd);
    free(knock);
}

struct knock *join_knock(struct hub *hub, const struct frame_hello *hello) {
    bool nonce_is_noted;
    struct knock *knock = calloc(1, sizeof *knock);
    if (!knock)
        return NULL; /* the client tries again */
    knock->hub = hub;
    knock->msqid = (int)hello->mailbox;
    knock->nonce = hello->nonce;
    knock->version = hello->version;
    knock->uid = (uid_t)-1;
    knock->pidfd = -1;
    knock->abilities = hello->abilities;
    knock->link = hello->link;
    knock->after = hello->after;
    knock->n_wanted = (uint8_t)hello->handle.n;
    memcpy(knock->text, hello->handle.n > 0 ? hello->handle.data : "", hello->handle.n);
    if (check_mailbox(knock, &nonce_is_noted) && check_nonce(knock, nonce_is_noted))
        return knock;
    free(knock);
    return NULL;
}

uid_t join_uid(const struct knock *knock) {
    return knock->uid;
}

struct knock **join_next(struct knock *knock) {
    return &knock->next;
}

/* Its HELLO comes again, and the nonce is not in the mailbox any more. */
void join_drop(struct knock *knock) {
    noted_put(knock->uid, knock->msqid, knock->pid, &knock->nonce);
    join_end(knock);
}

static void knock_pass_on(struct resolver_job *job) {
    struct knock *knock = (struct knock *)job;
    entrance_answered(knock->entrance, knock);
}

/* Now, or later in entrance_answered(). */
static bool knock_ask(struct knock *knock) {
    knock->job.asker = knock->uid;
    knock->job.question = knock->right.question;
    if (resolver_knows(&knock->job.question, &knock->job.answer))
        return true;
    if (!knock->entrance)
        return resolver_wait(knock->uid, &knock->job.question, &knock->job.answer, DATABASE_MS);
    knock->job.answered = knock_pass_on;
    return false;
}

static void refuse_unanswered(struct knock *knock) {
    knock_refuse(
        knock, FAIL_BUSY,
        "the user database of this machine does not tell your login name; try again later");
}

/* On with a knock that is proved, as far as answers of the database are at hand. */
static void knock_proceed(struct knock *knock) {
    char reason[256];
    enum fail_code code;
    for (;;) {
        enum right_outcome outcome = right_step(knock->hub, &knock->right, &code, reason);
        if (outcome == RIGHT_ASKS && knock_ask(knock)) {
            right_answer(&knock->right, &knock->job.answer);
            continue;
        }
        if (outcome == RIGHT_ASKS && knock->entrance && resolver_ask(&knock->job))
            return; /* it goes on in join_go_on() */
        if (outcome == RIGHT_ASKS)
            refuse_unanswered(knock);
        else if (outcome == RIGHT_REFUSED)
            knock_refuse(knock, code, reason);
        else if (knock_admit(knock))
            knock->pidfd = -1; /* the session's */
        join_end(knock);
        return;
    }
}

void join_go_on(struct knock *knock) {
    right_answer(&knock->right, &knock->job.answer);
    knock_proceed(knock);
}

/* Those who wait for the dead. */

/* With the lock held: the latest in a lane where one has died before the knock; NULL: none. */
static struct seat *knock_predecessor(const struct knock *knock, const struct user *user) {
    struct lane *lane;
    DL_FOREACH2(user->lanes, lane, next_of_user) {
        if (lane->dead && lane->dead->death <= knock->behind)
            return lane->dead->prev_dead;
    }
    return NULL;
}

/* With the lock held. Each has a descriptor, as a session has. False: too many of this user wait
 * already. */
static bool knock_wait_for(struct knock *knock, struct user *user, struct seat *seat) {
    if (user->n_successors >= ENTRANCE_WAITING_MAX ||
        user->n_successors >= account_left(&user->account, ACCOUNT_SESSIONS))
        return false;
    knock->next = seat->successors;
    seat->successors = knock;
    user->n_successors++;
    return true;
}

/* True: it does not go on now. */
static bool knock_waits(struct knock *knock) {
    struct hub *hub = knock->hub;
    lock_take(&hub->lock);
    struct user *user = core_user(&hub->core, knock->uid);
    struct seat *seat = user ? knock_predecessor(knock, user) : NULL;
    bool waits = seat && knock_wait_for(knock, user, seat);
    lock_give(&hub->lock);
    if (seat && !waits)
        join_drop(knock);
    return seat != NULL;
}

void join_call(struct hub *hub, struct seat *seat) {
    while (seat->successors) {
        struct knock *knock = seat->successors;
        seat->successors = knock->next;
        knock->next = hub->called;
        hub->called = knock;
        seat->lane->user->n_successors--;
        atomic_store(&hub->has_called, true);
    }
}

static struct knock *knock_take_called(struct hub *hub) {
    lock_take(&hub->lock);
    struct knock *called = hub->called;
    hub->called = NULL;
    atomic_store(&hub->has_called, false);
    lock_give(&hub->lock);
    return called;
}

void join_admit_called(struct hub *hub) {
    if (!atomic_load(&hub->has_called))
        return;
    for (struct knock *knock = knock_take_called(hub), *next; knock; knock = next) {
        next = knock->next;
        knock->next = NULL;
        if (!check_again(knock))
            join_end(knock);
        else if (!knock_waits(knock))
            knock_proceed(knock);
    }
}

void join_drop_called(struct hub *hub) {
    for (struct knock *knock = knock_take_called(hub), *next; knock; knock = next) {
        next = knock->next;
        join_end(knock);
    }
}

void join_admit(struct knock *knock, struct entrance *entrance) {
    struct hub *hub = knock->hub;
    knock->entrance = entrance;
    if (!check_again(knock) || !check_process(knock) || !check_wishes(knock)) {
        join_end(knock);
        return;
    }
    watch_note_deaths(hub);
    lock_take(&hub->lock);
    knock->behind = hub->n_deaths;
    lock_give(&hub->lock);
    if (!knock_waits(knock))
        knock_proceed(knock);
}

void join_hello(struct hub *hub, const struct frame_hello *hello) {
    struct knock *knock = join_knock(hub, hello);
    if (knock)
        join_admit(knock, NULL);
}
