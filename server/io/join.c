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

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "io/lane.h"
#include "io/login.h"
#include "ipc/process.h"
#include "proto/stranger.h"

/* What a handshake has shown so far. */
struct claim {
    struct hub *hub;
    int msqid;
    pid_t pid;
    uid_t uid; /* (uid_t)-1: not known yet */
    int pidfd;
    unsigned abilities;
    uint64_t link, after;
    struct name handle;
};

/* Strangers must not fill the disk: the 1st, 2nd, 4th, 8th ... refusal of a uid is told. */
static bool is_told(struct claim *claim) {
    struct hub *hub = claim->hub;
    hub_enter(hub);
    struct user *user = claim->uid != (uid_t)-1 ? core_user(&hub->core, claim->uid) : NULL;
    uint64_t n = user ? ++user->n_rejected : ++hub->core.counters.rejected;
    hub_leave(hub);
    return (n & (n - 1)) == 0;
}

/* The mailbox is not, or not surely, that of whoever sent HELLO: only the log hears of it. */
static void refuse_stranger(struct claim *claim, const char *reason) {
    struct queue_info info = {0};
    hub_suspect(claim->hub);
    if (!is_told(claim))
        return;
    (void)queue_stat(claim->hub->rendezvous.record.msqid, &info);
    if (claim->uid != (uid_t)-1)
        log_warning("refused a HELLO for queue %d of uid %u pid %d (last sender was pid %d): %s",
                    claim->msqid, claim->uid, claim->pid, info.last_sender, reason);
    else
        log_warning("refused a HELLO for queue %d (last sender was pid %d): %s", claim->msqid,
                    info.last_sender, reason);
}

static void refuse(struct claim *claim, enum fail_code code, const char *reason) {
    hub_suspect(claim->hub);
    if (is_told(claim))
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
 * A nonce can be taken out only once, and a stranger's false HELLO for a fresh mailbox may come
 * before the true one. So nonces that did not match are noted for as many HELLOs as the
 * well-known queue can hold, and more.
 */
#define NOTED_MAX 512

static struct noted {
    int msqid;
    pid_t pid;
    struct uuid nonce;
} noted[NOTED_MAX]; /* used by the well-known queue's thread only */

static bool find_noted(const struct claim *claim, struct uuid *nonce) {
    for (size_t i = 0; i < NOTED_MAX; i++) {
        if (noted[i].pid != claim->pid || noted[i].msqid != claim->msqid)
            continue;
        *nonce = noted[i].nonce;
        noted[i] = (struct noted){0};
        return true;
    }
    return false;
}

static void note(const struct claim *claim, const struct uuid *nonce) {
    static size_t next;
    noted[next] = (struct noted){claim->msqid, claim->pid, *nonce};
    next = (next + 1) % NOTED_MAX;
}

/* Step 2: whoever sent HELLO also wrote the nonce. */
static bool check_nonce(struct claim *claim, const struct uuid *nonce, bool is_noted) {
    struct uuid found;
    if (!(is_noted ? find_noted(claim, &found) : take_nonce(claim, &found))) {
        refuse_stranger(claim, "it holds no nonce");
        return false;
    }
    if (uuid_equal(&found, nonce))
        return true;
    note(claim, &found);
    refuse_stranger(claim, "it holds another nonce");
    return false;
}

/* Step 3: the process lives and runs under that uid. */
static bool check_process(struct claim *claim) {
    uid_t uid;
    int r = process_open(claim->pid, &claim->pidfd);
    if (r == -EMFILE || r == -ENFILE) {
        refuse(claim, FAIL_LIMIT,
               "the hub has no file descriptor left; raise its limit (ulimit -n)");
        return false;
    }
    if (r < 0) {
        log_info("uid %u pid %d died in the handshake", claim->uid, claim->pid);
        (void)queue_remove(claim->msqid);
        return false;
    }
    if (process_uid(claim->pid, &uid) == 0 && uid != claim->uid) {
        refuse(claim, FAIL_BAD_HANDSHAKE, "the process does not run under the mailbox's uid");
        return false;
    }
    return true;
}

/* Step 4: what it asks for. */
static bool check_wishes(struct claim *claim, const struct frame_hello *hello) {
    char reason[256];
    uid_t owner;
    if (hello->version != PROTO_VERSION) {
        snprintf(reason, sizeof reason,
                 "the hub speaks protocol version %d, the client %u; upgrade the %s", PROTO_VERSION,
                 hello->version, hello->version < PROTO_VERSION ? "client" : "hub");
        refuse(claim, FAIL_VERSION, reason);
        return false;
    }
    if (hello->handle.n == 0) {
        login_default_handle(claim->uid, &claim->handle);
        return true;
    }
    enum name_outcome problem = name_parse(&claim->handle, hello->handle);
    if (problem != NAME_OK || name_is_room(&claim->handle)) {
        snprintf(reason, sizeof reason, "the handle %s",
                 problem ? name_problem(problem) : "must not begin with #");
        refuse(claim, FAIL_BAD_NAME, reason);
        return false;
    }
    hub_enter(claim->hub);
    bool owned = core_handle_owner(&claim->hub->core, &claim->handle, &owner);
    hub_leave(claim->hub);
    if (!owned && login_is_reserved(&claim->handle, claim->uid)) {
        snprintf(reason, sizeof reason, "%s is somebody else's login name; choose another handle",
                 claim->handle.s);
        refuse(claim, FAIL_LOGIN_RESERVED, reason);
        return false;
    }
    return true;
}

/* One-shot: a dead process stays readable. The number, not a pointer, finds the session then. */
static bool watch_process(const struct hub *hub, int pidfd, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = number};
    return epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, pidfd, &event) == 0;
}

static enum fail_code begin_locked(struct hub *hub, const struct core_join *join, struct lane *lane,
                                   char reason[256]) {
    struct session *session;
    if (lane->closed) {
        snprintf(reason, 256, "your lane was removed meanwhile; try again");
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
static enum fail_code begin(struct claim *claim, struct user *user, struct lane *lane,
                            char reason[256]) {
    struct core_join join = {.uid = user->uid,
                             .pid = claim->pid,
                             .seat = calloc(1, sizeof *join.seat),
                             .abilities = claim->abilities & ABILITY_ALL,
                             .handle = claim->handle,
                             .link = claim->link,
                             .after = claim->after,
                             .may_wall =
                                 login_is_in_group(claim->uid, claim->hub->options.wall_gid)};
    if (!join.seat || getrandom(&join.random, sizeof join.random, 0) != sizeof join.random) {
        free(join.seat);
        snprintf(reason, 256, "the hub is out of memory or randomness");
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

static void limit_reason(int r, char reason[256]) {
    if (r == -ESHUTDOWN)
        snprintf(reason, 256, "the hub is being stopped; try again when it is back");
    else if (r == -EAGAIN)
        snprintf(reason, 256,
                 "the hub cannot start a thread for your lane; raise the limit of "
                 "threads of the hub's user (ulimit -u, TasksMax=)");
    else
        snprintf(reason, 256, "no lane can be made for you: %s",
                 r > 0 ? queue_outcome_text((enum queue_outcome)r) : strerror(-r));
}

static bool admit(struct claim *claim) {
    struct hub *hub = claim->hub;
    char reason[256];
    struct lane *lane;
    hub_enter(hub);
    struct user *user = core_user(&hub->core, claim->uid);
    hub_leave(hub);
    int r = user ? lane_for(hub, user, &lane) : -ENOMEM;
    if (r != 0) {
        limit_reason(r, reason);
        refuse(claim, FAIL_LIMIT, reason);
        return false;
    }
    enum fail_code code = begin(claim, user, lane, reason);
    if (code != FAIL_NONE) {
        hub_enter(hub);
        lane_release(lane);
        hub_leave(hub);
        refuse(claim, code, reason);
        return false;
    }
    log_debug("uid %u pid %d joined as %s", claim->uid, claim->pid, claim->handle.s);
    return true;
}

void join_hello(struct hub *hub, const struct frame_hello *hello) {
    struct claim claim = {.hub = hub,
                          .msqid = (int)hello->mailbox,
                          .uid = (uid_t)-1,
                          .pidfd = -1,
                          .abilities = hello->abilities,
                          .link = hello->link,
                          .after = hello->after};
    bool nonce_is_noted;
    if (!check_mailbox(&claim, &nonce_is_noted) ||
        !check_nonce(&claim, &hello->nonce, nonce_is_noted))
        return;
    if (check_process(&claim) && check_wishes(&claim, hello) && admit(&claim))
        return;
    if (claim.pidfd >= 0)
        close(claim.pidfd);
}
