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
#include "io/entrance.h"
#include "io/lane.h"
#include "io/noted.h"
#include "io/resolver.h"
#include "io/right.h"
#include "io/sweep.h"
#include "io/tell.h"
#include "io/watch.h"
#include "ipc/process.h"
#include "proto/stranger.h"

/* What a handshake has shown so far. */
struct claim {
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
    struct claim *next; /* the entrance's, or of those who wait for the same dead */
};

/* The mailbox is not, or not surely, that of whoever sent HELLO: only the log hears of it. */
static void refuse_stranger(struct claim *claim, const char *reason) {
    struct queue_info info = {0};
    struct hub *hub = claim->hub;
    atomic_fetch_add_explicit(&hub->n_turned_away, 1, memory_order_relaxed);
    sweep_suspect(hub);
    if (!tell_may(TELL_STRANGER, claim->uid))
        return;
    (void)queue_stat(hub->rendezvous.record.msqid, &info);
    if (claim->uid != (uid_t)-1)
        log_warning("refused a HELLO for queue %d of uid %u pid %d (last sender was pid %d): %s",
                    claim->msqid, claim->uid, claim->pid, info.last_sender, reason);
    else
        log_warning("refused a HELLO for queue %d (last sender was pid %d): %s", claim->msqid,
                    info.last_sender, reason);
}

static void claim_refuse(struct claim *claim, enum fail_code code, const char *reason) {
    sweep_suspect(claim->hub);
    if (tell_may(TELL_REFUSED, claim->uid))
        log_warning("refused uid %u pid %d: %s", claim->uid, claim->pid, reason);
    struct queue_message message = {.mtype = claim->pid};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, 0});
    frame_put(&out,
              &(struct frame){.type = FRAME_FAIL, .fail = {0, (uint16_t)code, bytes_of(reason)}});
    (void)queue_send(claim->msqid, &message, cursor_out_used(&out), false);
}

/*
 * Step 1: the mailbox is fresh, ours to write to, its creator's to read, and nobody else's. Its
 * maker has sent into it and received from it once, so it is stamped with one PID; then came the
 * nonce.
 */
static bool check_mailbox(struct claim *claim, bool *nonce_is_noted) {
    struct queue_info info;
    if (queue_stat(claim->msqid, &info) != QUEUE_OK) {
        refuse_stranger(claim, "it cannot be read, or is gone");
        return false;
    }
    claim->uid = info.cuid;
    claim->pid = info.last_sender;
    if (info.key != IPC_PRIVATE || info.uid != geteuid() || info.mode != 0600 ||
        queue_tag_of(&info) != QUEUE_TAG_MAILBOX) {
        refuse_stranger(claim, "it is not a mailbox that was made for this hub");
        return false;
    }
    *nonce_is_noted = info.last_receiver == getpid() && info.n_messages == 0;
    if (!*nonce_is_noted && (info.last_receiver != info.last_sender || info.n_messages != 1)) {
        refuse_stranger(claim, "it is in use already");
        return false;
    }
    if (claim->pid > 0)
        return true;
    refuse_stranger(claim, "its last sender is in another PID namespace");
    return false;
}

static bool take_nonce(const struct claim *claim, struct uuid *nonce) {
    struct queue_message message;
    size_t n;
    return queue_receive(claim->msqid, &message, claim->pid, &n, false) == QUEUE_OK &&
           stranger_nonce(message.data, n, nonce);
}

/*
 * Step 2: whoever sent HELLO also wrote the nonce. Before anything waits in the name of the
 * mailbox's owner, or a stranger's HELLOs would take up his places.
 */
static bool check_nonce(struct claim *claim, bool is_noted) {
    struct uuid found;
    bool is_there = is_noted ? noted_take(claim->uid, claim->msqid, claim->pid, &found)
                             : take_nonce(claim, &found);
    if (!is_there) {
        refuse_stranger(claim, "it holds no nonce");
        return false;
    }
    if (uuid_equal(&found, &claim->nonce))
        return true;
    noted_put(claim->uid, claim->msqid, claim->pid, &found);
    refuse_stranger(claim, "it holds another nonce");
    return false;
}

/* It waited meanwhile: the mailbox may be gone, and its id another one's. */
static bool check_again(struct claim *claim) {
    uid_t uid = claim->uid;
    pid_t pid = claim->pid;
    bool nonce_is_taken;
    if (!check_mailbox(claim, &nonce_is_taken))
        return false;
    if (nonce_is_taken && claim->uid == uid && claim->pid == pid)
        return true;
    refuse_stranger(claim, "it is another one by now");
    return false;
}

/* Step 3: the process lives and runs under that uid. */
static bool check_process(struct claim *claim) {
    uid_t uid;
    int r = process_open(claim->pid, &claim->pidfd);
    if (r == -EMFILE || r == -ENFILE) {
        claim_refuse(claim, FAIL_LIMIT,
                     "the hub has no file descriptor left; raise its limit (ulimit -n)");
        return false;
    }
    if (r < 0) {
        if (tell_may(TELL_DIED, claim->uid))
            log_info("uid %u pid %d died in the handshake", claim->uid, claim->pid);
        (void)queue_remove(claim->msqid);
        return false;
    }
    if (process_uid(claim->pid, &uid) == 0 && uid != claim->uid) {
        claim_refuse(claim, FAIL_BAD_HANDSHAKE, "the process does not run under the mailbox's uid");
        return false;
    }
    return true;
}

/* Step 4: what it asks for, as far as the user database is not needed for it. */
static bool check_wishes(struct claim *claim) {
    char reason[256];
    struct right *right = &claim->right;
    *right = (struct right){.uid = claim->uid, .gid = claim->hub->options.wall_gid};
    if (claim->version != PROTO_VERSION) {
        snprintf(reason, sizeof reason,
                 "the hub speaks protocol version %d, the client %u; upgrade the %s", PROTO_VERSION,
                 claim->version, claim->version < PROTO_VERSION ? "client" : "hub");
        claim_refuse(claim, FAIL_VERSION, reason);
        return false;
    }
    if (claim->n_wanted == 0)
        return true;
    enum name_outcome problem =
        name_parse(&right->wanted, (struct bytes){claim->text, claim->n_wanted});
    if (problem == NAME_OK && !name_is_room(&right->wanted))
        return true;
    snprintf(reason, sizeof reason, "the handle %s",
             problem ? name_problem(problem) : "must not begin with #");
    claim_refuse(claim, FAIL_BAD_NAME, reason);
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
    if (!watch_process(hub, join->seat->pidfd, session->number)) {
        log_error("cannot watch pid %d: %s; its session is ended", join->pid, strerror(errno));
        core_end(&hub->core, session);
    }
    return FAIL_NONE;
}

/* Step 5: a session begins. On failure the caller still owns pidfd and mailbox. */
static enum fail_code claim_begin(struct claim *claim, struct user *user, struct lane *lane,
                                  char reason[256]) {
    struct core_join join = {
        .uid = user->uid,
        .pid = claim->pid,
        .seat = calloc(1, sizeof *join.seat),
        .abilities = claim->abilities & ABILITY_ALL,
        .handle = claim->right.wanted,
        .login = claim->right.login,
        .right = {.takes = claim->right.take_from != LOGIN_NOBODY, .from = claim->right.take_from},
        .link = claim->link,
        .after = claim->after,
        .may_wall = claim->right.in_group};
    if (!join.seat || getrandom(&join.random, sizeof join.random, 0) != sizeof join.random) {
        free(join.seat);
        snprintf(reason, 256, "the hub is out of memory or randomness; try again later");
        return FAIL_LIMIT;
    }
    *join.seat = (struct seat){.msqid = claim->msqid, .pidfd = claim->pidfd, .lane = lane};
    hub_enter(claim->hub);
    enum fail_code code = begin_locked(claim->hub, &join, lane, reason);
    hub_leave(claim->hub);
    if (code != FAIL_NONE)
        free(join.seat);
    return code;
}

static bool claim_admit(struct claim *claim) {
    struct hub *hub = claim->hub;
    char reason[256];
    struct lane *lane;
    hub_enter(hub);
    struct user *user = core_user(&hub->core, claim->uid);
    hub_leave(hub);
    int r = user ? lane_for(hub, user, &lane) : -ENOMEM;
    if (r != 0) {
        limit_reason(r, reason);
        claim_refuse(claim, FAIL_LIMIT, reason);
        return false;
    }
    enum fail_code code = claim_begin(claim, user, lane, reason);
    if (code != FAIL_NONE) {
        hub_enter(hub);
        lane_release(lane);
        bool is_ending = hub->stopping; /* which its client sees, and starts another one */
        hub_leave(hub);
        if (!is_ending)
            claim_refuse(claim, code, reason);
        return false;
    }
    if (claim->right.take_from != LOGIN_NOBODY)
        log_warning("uid %u takes %s, its login name, from uid %u", claim->uid,
                    claim->right.wanted.s, claim->right.take_from);
    log_debug("uid %u pid %d joined as %s", claim->uid, claim->pid, claim->right.wanted.s);
    return true;
}

/* The steps in a row. */

void join_end(struct claim *claim) {
    if (claim->pidfd >= 0)
        close(claim->pidfd);
    free(claim);
}

struct claim *join_knock(struct hub *hub, const struct frame_hello *hello) {
    bool nonce_is_noted;
    struct claim *claim = calloc(1, sizeof *claim);
    if (!claim)
        return NULL; /* the client tries again */
    claim->hub = hub;
    claim->msqid = (int)hello->mailbox;
    claim->nonce = hello->nonce;
    claim->version = hello->version;
    claim->uid = (uid_t)-1;
    claim->pidfd = -1;
    claim->abilities = hello->abilities;
    claim->link = hello->link;
    claim->after = hello->after;
    claim->n_wanted = (uint8_t)hello->handle.n;
    memcpy(claim->text, hello->handle.n > 0 ? hello->handle.data : "", hello->handle.n);
    if (check_mailbox(claim, &nonce_is_noted) && check_nonce(claim, nonce_is_noted))
        return claim;
    free(claim);
    return NULL;
}

uid_t join_uid(const struct claim *claim) {
    return claim->uid;
}

struct claim **join_next(struct claim *claim) {
    return &claim->next;
}

/* Its HELLO comes again, and the nonce is not in the mailbox any more. */
void join_drop(struct claim *claim) {
    noted_put(claim->uid, claim->msqid, claim->pid, &claim->nonce);
    join_end(claim);
}

static void claim_pass_on(struct resolver_job *job) {
    struct claim *claim = (struct claim *)job;
    entrance_answered(claim->entrance, claim);
}

/* Now, or later in entrance_answered(). */
static bool claim_ask(struct claim *claim) {
    claim->job.asker = claim->uid;
    claim->job.question = claim->right.question;
    if (resolver_knows(&claim->job.question, &claim->job.answer))
        return true;
    if (!claim->entrance)
        return resolver_wait(claim->uid, &claim->job.question, &claim->job.answer, DATABASE_MS);
    claim->job.answered = claim_pass_on;
    return false;
}

static void refuse_unanswered(struct claim *claim) {
    claim_refuse(
        claim, FAIL_BUSY,
        "the user database of this machine does not tell your login name; try again later");
}

/* On with a claim that is proved, as far as answers of the database are at hand. */
static void claim_proceed(struct claim *claim) {
    char reason[256];
    enum fail_code code;
    for (;;) {
        enum right_outcome outcome = right_step(claim->hub, &claim->right, &code, reason);
        if (outcome == RIGHT_ASKS && claim_ask(claim)) {
            right_answer(&claim->right, &claim->job.answer);
            continue;
        }
        if (outcome == RIGHT_ASKS && claim->entrance && resolver_ask(&claim->job))
            return; /* it goes on in join_go_on() */
        if (outcome == RIGHT_ASKS)
            refuse_unanswered(claim);
        else if (outcome == RIGHT_REFUSED)
            claim_refuse(claim, code, reason);
        else if (claim_admit(claim))
            claim->pidfd = -1; /* the session's */
        join_end(claim);
        return;
    }
}

void join_go_on(struct claim *claim) {
    right_answer(&claim->right, &claim->job.answer);
    claim_proceed(claim);
}

/* Those who wait for the dead. */

/* With the lock held: the latest in a lane where one has died before the claim; NULL: none. */
static struct seat *claim_predecessor(const struct claim *claim, const struct user *user) {
    struct lane *lane;
    DL_FOREACH2(user->lanes, lane, next_of_user) {
        if (lane->dead && lane->dead->death <= claim->behind)
            return lane->dead->prev_dead;
    }
    return NULL;
}

/* With the lock held. Each has a descriptor, as a session has. False: too many of this user wait
 * already. */
static bool claim_wait_for(struct claim *claim, struct user *user, struct seat *seat) {
    if (user->n_successors >= ENTRANCE_WAITING_MAX ||
        user->n_successors >= account_left(&user->account, ACCOUNT_SESSIONS))
        return false;
    claim->next = seat->successors;
    seat->successors = claim;
    user->n_successors++;
    return true;
}

/* True: it does not go on now. */
static bool claim_waits(struct claim *claim) {
    struct hub *hub = claim->hub;
    lock_take(&hub->lock);
    struct user *user = core_user(&hub->core, claim->uid);
    struct seat *seat = user ? claim_predecessor(claim, user) : NULL;
    bool waits = seat && claim_wait_for(claim, user, seat);
    lock_give(&hub->lock);
    if (seat && !waits)
        join_drop(claim);
    return seat != NULL;
}

void join_call(struct hub *hub, struct seat *seat) {
    while (seat->successors) {
        struct claim *claim = seat->successors;
        seat->successors = claim->next;
        claim->next = hub->called;
        hub->called = claim;
        seat->lane->user->n_successors--;
        atomic_store(&hub->has_called, true);
    }
}

static struct claim *claim_take_called(struct hub *hub) {
    lock_take(&hub->lock);
    struct claim *called = hub->called;
    hub->called = NULL;
    atomic_store(&hub->has_called, false);
    lock_give(&hub->lock);
    return called;
}

void join_admit_called(struct hub *hub) {
    if (!atomic_load(&hub->has_called))
        return;
    for (struct claim *claim = claim_take_called(hub), *next; claim; claim = next) {
        next = claim->next;
        claim->next = NULL;
        if (!check_again(claim))
            join_end(claim);
        else if (!claim_waits(claim))
            claim_proceed(claim);
    }
}

void join_drop_called(struct hub *hub) {
    for (struct claim *claim = claim_take_called(hub), *next; claim; claim = next) {
        next = claim->next;
        join_end(claim);
    }
}

void join_admit(struct claim *claim, struct entrance *entrance) {
    struct hub *hub = claim->hub;
    claim->entrance = entrance;
    if (!check_again(claim) || !check_process(claim) || !check_wishes(claim)) {
        join_end(claim);
        return;
    }
    watch_note_deaths(hub);
    lock_take(&hub->lock);
    claim->behind = hub->n_deaths;
    lock_give(&hub->lock);
    if (!claim_waits(claim))
        claim_proceed(claim);
}

void join_hello(struct hub *hub, const struct frame_hello *hello) {
    struct claim *claim = join_knock(hub, hello);
    if (claim)
        join_admit(claim, NULL);
}
