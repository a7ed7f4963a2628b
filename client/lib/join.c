/*
 * Joining a hub, leaving it, and joining again after it was lost.
 *
 * To join, the link makes its mailbox, gives it to the hub's uid, puts a nonce into it, so that
 * the kernel notes its PID, and sends HELLO to the well-known queue; the answer comes into the
 * mailbox.
 *
 * Nonce and answer are both addressed to our PID, so a receive would take the nonce away from the
 * hub: until the hub has taken it the mailbox is looked at, not read, a few times within the
 * first millisecond.
 *
 * Nothing here blocks: what must be waited for is a phase with a time at which it is
 * tried again, and wait.c waits. So the same code serves earshot_open(), a program that blocks
 * in earshot_next(), and one that polls.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ipc/process.h"
#include "lib/link.h"

uid_t join_only_uid(const struct earshot *link) {
    return link->origin == RENDEZVOUS_PRIVATE ? geteuid() : (uid_t)-1;
}

/* --- leaving a hub, by wish or because it is gone --- */

void join_leave(struct earshot *link) {
    struct inbox_batch *batch;
    wait_stop(link);
    writer_stop(&link->writer);
    while ((batch = reader_take(&link->reader)))
        receive_recycle(link, batch);
    conduit_close(&link->conduit);
    if (link->mailbox >= 0)
        queue_remove(link->mailbox);
    link->mailbox = -1;
    if (link->hub_fd >= 0)
        close(link->hub_fd);
    link->hub_fd = -1;
    atomic_store(&link->lane, -1);
    gate_close(&link->gate);
    link->session = 0;
}

static void leave_end(struct earshot *link, int outcome) {
    link->phase = LINK_ENDED;
    link->ended = outcome;
    wait_nudge(link);
}

static void back_off(struct earshot *link) {
    link->phase = LINK_BACKOFF;
    link->retry_at = mono_add_ms(mono_now(), link->backoff_ms);
    link->backoff_ms *= 2;
    if (link->backoff_ms > LINK_BACKOFF_MAX_MS)
        link->backoff_ms = LINK_BACKOFF_MAX_MS;
    wait_arm(link, link->retry_at);
}

/*
 * The hub may be there and not let us in. While it starts, that may be so for a moment only: an
 * outcome is told when it has come twice in a row, and then not again.
 */
static void join_tell_shut_out(struct earshot *link, int outcome) {
    bool is_told = outcome != link->failed || outcome == link->told_failed;
    link->failed = outcome;
    if (is_told || outcome == EARSHOT_NO_HUB || link->fail_code == FAIL_BUSY)
        return;
    struct inbox_note *note = note_new(EARSHOT_EVENT_SHUT_OUT);
    if (!note)
        return;
    note_set_reason(note, bytes_of(link->error));
    note->event.lost.reason = note->reason;
    absorb_note(link, note);
    link->told_failed = outcome;
}

/*
 * This attempt to join failed. A link that was joined before tries again later, unless that is
 * `final`. Returns 0 then, else the outcome.
 */
static int join_fail(struct earshot *link, int outcome, bool final) {
    join_leave(link);
    if (!link->was_joined || final) {
        leave_end(link, outcome);
        return outcome;
    }
    join_tell_shut_out(link, outcome);
    back_off(link);
    return 0;
}

static bool hub_is_dead(const struct earshot *link) {
    struct pollfd hub = {.fd = link->hub_fd, .events = POLLIN};
    return poll(&hub, 1, 0) > 0;
}

void join_release_lane(void *arg) {
    struct earshot *link = arg;
    struct rendezvous_record found;
    struct queue_info info;
    int lane = atomic_load(&link->lane);
    if (lane < 0 || queue_stat(lane, &info) != 0 || info.cuid != link->hub.uid)
        return;
    /* The well-known queue may have a new hub by now, which reads it. */
    if (lane == link->hub.msqid && rendezvous_find(link->dir, join_only_uid(link), &found) == 0 &&
        found.msqid == lane)
        return;
    queue_remove(lane);
}

void join_note_rejected(struct earshot *link, const struct frame_fail *fail) {
    size_t n = text_cut(fail->reason, sizeof link->rejection - 1);
    memcpy(link->rejection, fail->reason.data, n);
    link->rejection[n] = '\0';
    link->is_rejected = true;
    link->is_removed = fail->code == FAIL_NOT_PERMITTED;
}

static void note_lost(struct earshot *link) {
    struct inbox_note *note = note_new(EARSHOT_EVENT_LOST);
    if (note) {
        note_set_reason(note, bytes_of(link->is_rejected ? link->error : ""));
        note->event.lost.reason = note->reason;
        absorb_note(link, note);
    }
    request_lose_all(link);
}

static int fail_rejected(struct earshot *link) {
    if (link->is_removed)
        return link_fail(link, EARSHOT_REFUSED, FAIL_NOT_PERMITTED,
                         "the hub in %s has ended the session: %s", link->dir, link->rejection);
    return link_fail(link, EARSHOT_REFUSED, FAIL_BAD_FRAME,
                     "the hub in %s (PID %d) ended the session, because this program broke the "
                     "protocol: %s; that is a fault of the program, or of libearshot: report it",
                     link->dir, (int)link->hub.pid, link->rejection);
}

/* The session is over: what came still counts; what was sent and not acknowledged goes again. */
static void end_session(struct earshot *link) {
    wait_stop(link);
    receive_drain(link);
    absorb_all(link);
    taken_end(link);
    link->said_bye = false;
    if (link->is_rejected)
        fail_rejected(link);
    if (atomic_load(&link->lane) != link->hub.msqid && hub_is_dead(link))
        join_release_lane(link);
    note_lost(link);
    join_leave(link);
    control_clear(&link->control);
    pending_rewind(&link->pending);
    outgoing_reset(link);
}

void join_lose(struct earshot *link, const char *why) {
    if (link->phase == LINK_BACKOFF || link->phase == LINK_ENDED)
        return;
    char waiting[64] = "";
    if (link->pending.n_waiting > 0)
        snprintf(waiting, sizeof waiting, "; it had not acknowledged %u message%s",
                 link->pending.n_waiting, link->pending.n_waiting == 1 ? "" : "s");
    link_fail(link, EARSHOT_NO_HUB, FAIL_LOST,
              "the hub in %s (PID %d) %s%s; if it does not come back, start it: earshotd --dir %s",
              link->dir, (int)link->hub.pid, why, waiting, link->dir);
    if (link->phase != LINK_JOINED) {
        join_fail(link, EARSHOT_NO_HUB, false);
        return;
    }
    end_session(link);
    link->n_rejected = link->is_rejected ? link->n_rejected + 1 : 0;
    int outcome = link->is_rejected ? EARSHOT_REFUSED : EARSHOT_NO_HUB;
    link->is_rejected = false;
    if (!link->is_removed && (link->flags & EARSHOT_RECONNECT) &&
        link->n_rejected < LINK_REJECTED_MAX)
        back_off(link);
    else
        leave_end(link, outcome);
}

/* --- joining one --- */

static int rendezvous_outcome_told(enum rendezvous_outcome outcome, enum fail_code *code) {
    switch (outcome) {
    case RENDEZVOUS_DENIED:
        *code = FAIL_NOT_PERMITTED;
        return EARSHOT_NOT_PERMITTED;
    case RENDEZVOUS_NOT_A_DIRECTORY:
    case RENDEZVOUS_NOT_TRUSTED:
    case RENDEZVOUS_EXPOSED:
    case RENDEZVOUS_IMPOSTOR:
        *code = FAIL_NOT_TRUSTED;
        return EARSHOT_NOT_TRUSTED;
    case RENDEZVOUS_OTHER_NAMESPACE:
        *code = FAIL_OTHER_NAMESPACE;
        return EARSHOT_OTHER_NAMESPACE;
    default:
        *code = FAIL_NO_HUB;
        return EARSHOT_NO_HUB;
    }
}

static int find_hub(struct earshot *link) {
    enum fail_code code;
    /* Whoever started it again may have had another environment. */
    if (link->origin == RENDEZVOUS_PRIVATE)
        (void)rendezvous_locate_private(link->dir);
    int r = rendezvous_find(link->dir, join_only_uid(link), &link->hub);
    if (r < 0)
        return r;
    if (r > 0) {
        int outcome = rendezvous_outcome_told((enum rendezvous_outcome)r, &code);
        return link_fail(link, outcome, code, "%s %s", link->dir,
                         rendezvous_outcome_text((enum rendezvous_outcome)r));
    }
    r = process_open(link->hub.pid, &link->hub_fd);
    if (r == -ESRCH)
        return link_fail(link, EARSHOT_NO_HUB, FAIL_NO_HUB,
                         "the hub in %s (PID %d) has just died; start it again: earshotd --dir %s",
                         link->dir, (int)link->hub.pid, link->dir);
    return r;
}

static int fail_queue(struct earshot *link, int r) {
    if (r < 0)
        return r;
    return link_fail(link, EARSHOT_LIMIT, FAIL_LIMIT, "cannot create a mailbox: %s",
                     queue_outcome_text((enum queue_outcome)r));
}

/* A batch of one frame outside of a session. */
static int send_single(int msqid, long mtype, const struct frame *frame) {
    struct queue_message message = {.mtype = mtype};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){.version = PROTO_VERSION, .n_frames = 1});
    frame_put(&out, frame);
    return queue_send(msqid, &message, cursor_out_used(&out), false);
}

static int make_mailbox(struct earshot *link) {
    int r = queue_create_private(&link->mailbox);
    if (r != 0)
        return fail_queue(link, r);
    r = queue_set(link->mailbox, link->hub.uid, (gid_t)-1, 0600, QUEUE_TAG_MAILBOX);
    if (r != 0)
        return fail_queue(link, r);
    link->nonce = uuid_random();
    r = send_single(link->mailbox, link->pid,
                    &(struct frame){.type = FRAME_NONCE, .nonce = {link->nonce}});
    return r == 0 ? 0 : fail_queue(link, r);
}

/*
 * Each pause is twice as long as the one before: a thousand that join at once must leave the hub
 * the processor to answer them.
 */
static void pause_before_retry(struct earshot *link, int64_t max_ns) {
    link->retry_at = (mono_time){mono_now().ns + link->pause_ns};
    link->pause_ns = link->pause_ns * 2 < max_ns ? link->pause_ns * 2 : max_ns;
}

static int send_hello(struct earshot *link) {
    uint64_t after;
    bool is_known = bookmark_is_known(&link->bookmark, &after);
    unsigned wanted = link->flags & (ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_NEWS);
    struct frame hello = {
        .type = FRAME_HELLO,
        .hello = {.version = PROTO_VERSION,
                  .mailbox = (uint32_t)link->mailbox,
                  .nonce = link->nonce,
                  .abilities = wanted | ABILITY_LINES | ABILITY_GATE | ABILITY_WITHDRAWN |
                               ABILITY_ALIKE | ABILITY_FILES | ABILITY_NAMED | ABILITY_CHANNEL |
                               ABILITY_HEADS | ABILITY_READS | ABILITY_ORDER | ABILITY_CLAIMS |
                               ABILITY_ROOMS | ABILITY_MENDS | ABILITY_FORMS | ABILITY_TOLD |
                               (link->flags & EARSHOT_PEEK ? ABILITY_PEEK : 0) |
                               (is_known ? ABILITY_AFTER : 0),
                  .handle = name_bytes(&link->handle),
                  .link = link->number,
                  .after = after},
    };
    int r = send_single(link->hub.msqid, HUB_MTYPE, &hello);
    if (r == QUEUE_FULL) {
        link->phase = LINK_HELLO;
        pause_before_retry(link, LINK_HELLO_MAX_NS);
        return 0;
    }
    if (r == QUEUE_OK) {
        link->phase = LINK_PROOF;
        link->pause_ns = LINK_PROOF_MIN_NS;
        pause_before_retry(link, LINK_PROOF_MAX_NS);
        return 0;
    }
    if (r < 0)
        return r;
    if (r == QUEUE_DENIED)
        return link_fail(link, EARSHOT_NOT_PERMITTED, FAIL_NOT_PERMITTED,
                         "no permission to talk to the hub in %s; ask its owner (uid %u) for "
                         "membership in the hub's group",
                         link->dir, (unsigned)link->hub.uid);
    return link_fail(link, EARSHOT_NO_HUB, FAIL_NO_HUB, "the hub in %s: %s; try again", link->dir,
                     queue_outcome_text((enum queue_outcome)r));
}

static int join_attempt(struct earshot *link) {
    int r = find_hub(link);
    if (r == 0)
        r = make_mailbox(link);
    if (r == 0)
        r = wait_add_hub(link);
    if (r == 0)
        r = send_hello(link);
    return r;
}

int join_begin(struct earshot *link) {
    link->answer_by = mono_add_ms(mono_now(), LINK_HANDSHAKE_MS / 2);
    link->is_half_over = false;
    link->pause_ns = LINK_HELLO_MIN_NS;
    link->hub_abilities = 0;
    int r = join_attempt(link);
    if (r < 0)
        link_fail(link, EARSHOT_NO_HUB, FAIL_INTERNAL, "cannot join the hub in %s: %s", link->dir,
                  strerror(-r));
    if (r != 0)
        return join_fail(link, r, false);
    wait_arm(link, join_due(link));
    return 0;
}

mono_time join_due(const struct earshot *link) {
    switch (link->phase) {
    case LINK_BACKOFF:
        return link->retry_at;
    case LINK_HELLO:
    case LINK_PROOF:
        return link->retry_at.ns < link->answer_by.ns ? link->retry_at : link->answer_by;
    case LINK_WELCOME:
        return link->answer_by;
    default:
        return WAIT_NOT;
    }
}

/*
 * Whether the mailbox may be read: the hub was the last to receive, or has answered. A refusal
 * may come without the nonce being taken.
 */
static int look_at_mailbox(struct earshot *link) {
    struct queue_info info;
    int r = queue_stat(link->mailbox, &info);
    if (r != 0)
        return r < 0 ? r
                     : link_fail(link, EARSHOT_NO_HUB, FAIL_NO_HUB,
                                 "this program's mailbox was removed before the hub in %s "
                                 "answered; try again",
                                 link->dir);
    if (info.last_receiver == link->hub.pid || info.n_messages != 1) {
        link->phase = LINK_WELCOME;
        return wait_start(link);
    }
    pause_before_retry(link, LINK_PROOF_MAX_NS);
    return 0;
}

void join_tick(struct earshot *link) {
    mono_time due = join_due(link);
    if (due.ns == 0 || mono_now().ns < due.ns)
        return;
    if ((link->phase == LINK_HELLO || link->phase == LINK_PROOF) && due.ns < link->answer_by.ns) {
        int r = link->phase == LINK_HELLO ? send_hello(link) : look_at_mailbox(link);
        if (r != 0)
            join_fail(link, r, false);
        return;
    }
    if (link->phase != LINK_BACKOFF &&
        !link->is_half_over) { /* perhaps we stood still, and it was */
        link->is_half_over = true;
        link->answer_by = mono_add_ms(mono_now(), LINK_HANDSHAKE_MS / 2);
        return;
    }
    if (link->phase != LINK_BACKOFF) /* HELLO was not answered in time */
        join_leave(link);
    join_begin(link);
}

static void copy_name(struct name *name, struct bytes source) {
    name->n = (uint8_t)source.n;
    memcpy(name->s, source.data, source.n);
    name->s[source.n] = '\0';
}

static void note_back(struct earshot *link) {
    struct inbox_note *note = link->was_joined ? note_new(EARSHOT_EVENT_BACK) : NULL;
    if (note) {
        note->seq = link->bookmark.resume;
        absorb_note(link, note);
    }
    link->was_joined = true;
}

static void begin_session(struct earshot *link, const struct frame_welcome *welcome, uint8_t flags,
                          uint64_t session) {
    link->phase = LINK_JOINED;
    link->session = session;
    link->backoff_ms = LINK_BACKOFF_MIN_MS;
    link->failed = link->told_failed = EARSHOT_OK;
    link->hub.mode = (enum hub_mode)welcome->mode;
    link->hub.instance = welcome->instance;
    atomic_store(&link->lane, (int)welcome->lane);
    copy_name(&link->handle, welcome->handle);
    memcpy(link->hub_name, welcome->hub_name.data, welcome->hub_name.n);
    link->hub_name[welcome->hub_name.n] = '\0';
    link->keep_days = welcome->keep_days;
    link->keep_bytes = welcome->keep_bytes;
    link->joined_seq = welcome->seq;
    link->hub_takes_files = flags & FRAME_TAKES_FILES;
    link->hub_takes_heads = flags & FRAME_TAKES_HEADS;
    link->hub_takes_reads = flags & FRAME_TAKES_READS;
    link->hub_takes_order = flags & FRAME_TAKES_ORDER;
    link->hub_takes_claims = flags & FRAME_TAKES_CLAIMS;
    link->hub_takes_rooms = flags & FRAME_TAKES_ROOMS;
    link->hub_takes_mends = flags & FRAME_TAKES_MENDS;

    pending_rewind(&link->pending);
    control_clear(&link->control);
    outgoing_reset(link);
    bookmark_begin(&link->bookmark, welcome->seq);
    request_restore(link); /* rooms first: they begin where the session begins, at READY */
    taken_begin(link);
    link_begin_channel(link, flags & FRAME_TAKES_CHANNEL);
    note_back(link);
    outgoing_send(link, OUTGOING_LATER, true);
}

static void fail_version(struct earshot *link, unsigned version) {
    link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
              "the hub in %s speaks protocol version %u, this program %d; upgrade %s", link->dir,
              version, PROTO_VERSION,
              version < PROTO_VERSION ? "the hub, or start it again if that was done"
                                      : "this program");
    join_fail(link, EARSHOT_OTHER_VERSION, true);
}

/* Whether asking again, later, can help. */
static bool is_final(unsigned code) {
    return code == FAIL_VERSION || code == FAIL_HANDLE_TAKEN || code == FAIL_LOGIN_RESERVED ||
           code == FAIL_NOT_PERMITTED || code == FAIL_BAD_NAME;
}

static void join_refused(struct earshot *link, const struct frame_fail *fail) {
    int outcome = fail->code == FAIL_VERSION ? EARSHOT_OTHER_VERSION : EARSHOT_REFUSED;
    link_fail(link, outcome, (enum fail_code)fail->code, "the hub in %s: %.*s", link->dir,
              (int)fail->reason.n, fail->reason.data);
    join_fail(link, outcome, is_final(fail->code));
}

bool join_answer(struct earshot *link, struct inbox_batch *batch) {
    struct frame frame;
    if (batch->n > 0 && batch->message.data[0] != PROTO_VERSION) {
        fail_version(link, batch->message.data[0]);
        return false;
    }
    while (batch->n_frames > 0 && frame_take(&batch->in, &frame, FROM_HUB) == FRAME_OK) {
        batch->n_frames--;
        if (frame.type == FRAME_FAIL && frame.fail.request == 0) {
            join_refused(link, &frame.fail);
            return false;
        }
        if (frame.type == FRAME_GATE)
            outgoing_gate(link, &frame.gate);
        if (frame.type == FRAME_TAKES)
            link->hub_abilities = frame.takes.abilities;
        if (frame.type != FRAME_WELCOME || batch->session == 0)
            continue;
        if (frame.welcome.version != PROTO_VERSION) {
            fail_version(link, frame.welcome.version);
            return false;
        }
        begin_session(link, &frame.welcome, frame.flags, batch->session);
        return batch->n_frames > 0;
    }
    return false;
}
