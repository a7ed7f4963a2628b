/* Leaving a hub, by wish or because it is gone, and when to look for it again. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/link.h"

void join_leave(struct earshot *link) {
    struct inbox_batch *batch;
    wait_stop(link);
    writer_stop(&link->writer);
    while ((batch = reader_take(&link->reader)))
        receive_recycle(link, batch);
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

int join_fail(struct earshot *link, int outcome, bool final) {
    join_leave(link);
    if (!link->was_joined || final) {
        leave_end(link, outcome);
        return outcome;
    }
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
    link_fail(link, EARSHOT_NO_HUB, FAIL_LOST,
              "the hub in %s (PID %d) %s; it had not acknowledged %u messages; if it does not come "
              "back, start it: earshotd --dir %s",
              link->dir, (int)link->hub.pid, why, link->pending.n_waiting, link->dir);
    if (link->phase != LINK_JOINED) {
        join_fail(link, EARSHOT_NO_HUB, false);
        return;
    }
    end_session(link);
    link->n_rejected = link->is_rejected ? link->n_rejected + 1 : 0;
    int outcome = link->is_rejected ? EARSHOT_REFUSED : EARSHOT_NO_HUB;
    link->is_rejected = false;
    if ((link->flags & EARSHOT_RECONNECT) && link->n_rejected < LINK_REJECTED_MAX)
        back_off(link);
    else
        leave_end(link, outcome);
}
