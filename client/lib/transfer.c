#include "lib/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"
#include "base/thread.h"
#include "lib/check.h"

struct transfers *transfers_of(struct earshot *link) {
    if (!link->transfers) {
        link->transfers = calloc(1, sizeof *link->transfers);
        if (link->transfers)
            link->transfers->wake_fd = link->wake_fd;
    }
    return link->transfers;
}

void transfer_wake(void *arg) {
    struct transfers *transfers = arg;
    atomic_store(&transfers->news, true);
    event_set(transfers->wake_fd);
}

bool transfer_signal(struct earshot *link, const struct uuid *id, uint32_t uid, uint64_t to,
                     const struct signal *said) {
    struct frame frame = {.type = FRAME_SIGNAL,
                          .signal = {.offer = *id, .uid = uid, .link = to, .said = *said}};
    return outgoing_control(link, &frame) && outgoing_send(link, OUTGOING_LATER, true) >= 0;
}

/* Names of files are any bytes; what goes to the hub or is told as an error is UTF-8, and not
 * longer than is allowed. */
static struct bytes text_for_others(const char *text, char reason[OFFER_NAME_MAX]) {
    char repaired[TEXT_REPAIRED_MAX(OFFER_NAME_MAX)];
    size_t n_changed;
    size_t n =
        text_repair(repaired, (struct bytes){text, strnlen(text, OFFER_NAME_MAX)}, &n_changed);
    n = text_cut((struct bytes){repaired, n}, OFFER_NAME_MAX);
    memcpy(reason, repaired, n);
    return (struct bytes){reason, n};
}

void transfer_signal_end(struct earshot *link, const struct uuid *id, uint32_t uid, uint64_t to,
                         enum signal_what what, const char *text) {
    char reason[OFFER_NAME_MAX];
    (void)transfer_signal(
        link, id, uid, to,
        &(struct signal){.what = (uint8_t)what, .reason = text_for_others(text, reason)});
}

/* Events. */

void transfer_event(struct earshot *link, struct earshot_event *event, const struct uuid *id,
                    enum earshot_transfer_state state, bool outgoing, const struct name *peer,
                    const struct item_offer *what) {
    struct transfers *transfers = link->transfers;
    memcpy(transfers->peer, peer->s, (size_t)peer->n + 1);
    snprintf(transfers->name, sizeof transfers->name, "%s", what->name);
    transfers->path[0] = transfers->error[0] = '\0';
    event->type = EARSHOT_EVENT_TRANSFER;
    event->request = 0;
    event->transfer = (struct earshot_transfer){.state = state,
                                                .outgoing = outgoing,
                                                .peer = transfers->peer,
                                                .name = transfers->name,
                                                .size = what->size,
                                                .offered = what->size,
                                                .path = transfers->path,
                                                .error = transfers->error};
    uuid_format(id, event->transfer.id);
}

static unsigned public_reason(int result) {
    switch (result) {
    case TRANSFER_CANCELLED:
        return EARSHOT_REASON_CANCELLED;
    case TRANSFER_PEER_DIED:
        return EARSHOT_REASON_PEER_DIED;
    case TRANSFER_READER_GONE:
        return EARSHOT_REASON_READER_GONE;
    default:
        return EARSHOT_REASON_OTHER;
    }
}

/* Of what is no fault of the other side there is a reason behind the reason. */
void transfer_error_text(char *text, size_t size, int result, int error) {
    bool is_general = result == TRANSFER_UNREADABLE || result == TRANSFER_UNWRITABLE;
    if (result < 0)
        snprintf(text, size, "%s", strerror(-result));
    else if (is_general && error != 0)
        snprintf(text, size, "it cannot be %s: %s",
                 result == TRANSFER_UNREADABLE ? "read" : "written", strerror(error));
    else
        snprintf(text, size, "%s", transfer_outcome_text((enum transfer_outcome)result));
}

static void set_error(struct earshot *link, struct earshot_event *event, int result,
                      const char *where, int error) {
    char *text = link->transfers->error, why[512], repaired[OFFER_NAME_MAX];
    if (!where)
        where = "";
    struct bytes name = text_for_others(where, repaired);
    transfer_error_text(why, sizeof why, result, error);
    event->transfer.reason = public_reason(result);
    if (name.n > 0 && strcmp(where, link->transfers->name) != 0)
        snprintf(text, sizeof link->transfers->error, "%.*s: %s", (int)name.n, name.data, why);
    else
        snprintf(text, sizeof link->transfers->error, "%s", why);
}

void transfer_set_error(struct earshot *link, struct earshot_event *event, int result,
                        const char *where) {
    set_error(link, event, result, where, 0);
}

void transfer_ended(struct earshot *link, struct earshot_event *event,
                    const struct courier_news *news) {
    event->transfer.bytes = news->n_bytes;
    event->transfer.resumed = news->is_resumed;
    event->transfer.grown = news->has_grown;
    event->transfer.skipped = news->n_skipped;
    memcpy(link->transfers->path, news->name, sizeof news->name);
    memcpy(event->transfer.xxh3, news->digest, sizeof event->transfer.xxh3);
    if (news->reason == TRANSFER_OK) {
        event->transfer.state = EARSHOT_TRANSFER_DONE;
        if (event->transfer.offered != EARSHOT_SIZE_UNKNOWN)
            event->transfer.size = news->n_bytes;
        return;
    }
    event->transfer.state = EARSHOT_TRANSFER_FAILED;
    set_error(link, event, (int)news->reason, news->where, news->error);
    if (news->has_no_place)
        event->transfer.reason = EARSHOT_REASON_PLACE;
}

void transfer_fill_progress(struct earshot_transfer *transfer, const struct courier *courier) {
    struct courier_news news;
    courier_news(courier, &news);
    transfer->bytes = news.n_bytes;
    transfer->size = news.size;
}

void transfer_tick(struct earshot *link) {
    struct transfers *transfers = link->transfers;
    if (!transfers || transfers->again_at.ns == 0)
        return;
    if (mono_now().ns >= transfers->again_at.ns)
        atomic_store(&transfers->news, true); /* for offer_out_next() */
    else
        wait_arm(link, transfers->again_at);
}

int transfer_next(struct earshot *link, struct earshot_event *event) {
    if (!link->transfers || !atomic_exchange(&link->transfers->news, false))
        return 0;
    int r = offer_out_next(link, event);
    if (r == 0)
        r = offer_in_next(link, event);
    if (r != 0)
        atomic_store(&link->transfers->news, true); /* there may be others */
    return r;
}

/* Frames. */

int transfer_signalled(struct earshot *link, const struct frame *frame,
                       struct earshot_event *event) {
    const struct frame_signalled *signal = &frame->signalled;
    struct offer_out *out = offer_out_find(link, &signal->offer);
    struct offer_in *in = offer_in_of(link, &signal->offer, signal->uid);
    uint8_t what = signal->said.what;
    bool is_senders = what == SIGNAL_ATTACH || (what == SIGNAL_CANCEL && in);
    if (out && !is_senders)
        return offer_out_signalled(link, out, signal, event);
    return in ? offer_in_signalled(link, in, signal, event) : 0;
}

/* What is under way goes on without the hub, and without the offer. */
int transfer_withdrawn(struct earshot *link, const struct frame *frame,
                       struct earshot_event *event) {
    bool says_whose = frame->type == FRAME_WITHDRAWN; /* an old hub knows an id only once */
    uint8_t why = says_whose ? frame->withdrawn.why : frame->withdraw.why;
    struct offer_in *offer = says_whose
                                 ? offer_in_of(link, &frame->withdrawn.offer, frame->withdrawn.uid)
                                 : offer_in_find(link, &frame->withdraw.offer);
    if (!offer || offer->is_running)
        return 0;
    event->type = EARSHOT_EVENT_WITHDRAWN;
    uuid_format(&offer->called, event->withdrawn.id);
    event->withdrawn.was_taken = why == WITHDRAW_TAKEN;
    offer_in_free(link, offer);
    return 1;
}

/* A small file of ours. Its name is not known any more. */
int transfer_refused(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    const struct frame_state *state = &frame->state;
    struct item_offer what = {.name = "", .size = EARSHOT_SIZE_UNKNOWN};
    struct name by = {0};
    if (!transfers_of(link))
        return -ENOMEM;
    (void)name_parse(&by, state->by);
    transfer_event(link, event, &state->id, EARSHOT_TRANSFER_DECLINED, true, &by, &what);
    return 1;
}

/* For both directions. */

static struct offer_in *nth_in(const struct transfers *transfers, unsigned *n) {
    struct offer_in *offer;
    DL_FOREACH(transfers->in, offer) {
        if (offer->is_running && (*n)-- == 0)
            return offer;
    }
    return NULL;
}

static struct offer_taker *nth_out(const struct transfers *transfers, unsigned *n,
                                   struct offer_out **offer) {
    struct offer_taker *taker;
    DL_FOREACH(transfers->out, (*offer)) {
        DL_FOREACH((*offer)->takers, taker) {
            if (taker->courier && (*n)-- == 0)
                return taker;
        }
    }
    return NULL;
}

int earshot_progress(earshot *link, unsigned n, struct earshot_transfer *transfer) {
    int bad = check_pointer(link, transfer, "the transfer");
    if (bad != 0)
        return bad;
    struct earshot_event event;
    struct offer_out *out = NULL;
    struct transfers *transfers = transfers_of(link);
    if (!transfers)
        return -ENOMEM;
    struct offer_taker *taker = nth_out(transfers, &n, &out);
    struct offer_in *in = taker ? NULL : nth_in(transfers, &n);
    if (!taker && !in)
        return EARSHOT_AGAIN;
    if (taker)
        transfer_event(link, &event, &out->id, EARSHOT_TRANSFER_RUNNING, true, &taker->by,
                       &out->what);
    else
        transfer_event(link, &event, &in->called, EARSHOT_TRANSFER_RUNNING, false, &in->from,
                       &in->what);
    *transfer = event.transfer;
    transfer_fill_progress(transfer, taker ? taker->courier : in->courier);
    return EARSHOT_OK;
}

int earshot_cancel(earshot *link, const char *text) {
    struct uuid id;
    int r = check_id(link, text, "the offer", &id);
    if (r != 0 || !link->transfers)
        return r;
    struct offer_out *out = offer_out_find(link, &id);
    struct offer_in *in = offer_in_find(link, &id);
    if (out)
        offer_out_withdraw(link, out);
    if (in) {
        transfer_signal_end(link, &in->id, in->uid, in->link, SIGNAL_CANCEL, "it was cancelled");
        offer_in_free(link, in);
    }
    r = outgoing_send(link, OUTGOING_LATER, true);
    return r < 0 ? r : EARSHOT_OK;
}

void transfer_deinit(struct earshot *link) {
    struct transfers *transfers = link->transfers;
    if (!transfers)
        return;
    while (transfers->out)
        offer_out_free(link, transfers->out);
    while (transfers->in)
        offer_in_free(link, transfers->in);
    free(transfers);
    link->transfers = NULL;
}
