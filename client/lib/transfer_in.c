/* Offers to us: told, accepted, received. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "files/attributes.h"
#include "lib/check.h"
#include "lib/transfer.h"

#define OFFERS_KNOWN_MAX 1024 /* a stranger's offers must not fill our memory */

struct offer_in *offer_in_find(struct earshot *link, const struct uuid *called) {
    struct offer_in *offer;
    if (!link->transfers)
        return NULL;
    DL_FOREACH(link->transfers->in, offer) {
        if (uuid_equal(&offer->called, called))
            return offer;
    }
    return NULL;
}

struct offer_in *offer_in_of(struct earshot *link, const struct uuid *id, uint32_t uid) {
    struct offer_in *offer;
    if (!link->transfers)
        return NULL;
    DL_FOREACH(link->transfers->in, offer) {
        if (offer->uid == uid && uuid_equal(&offer->id, id))
            return offer;
    }
    return NULL;
}

void offer_in_free(struct earshot *link, struct offer_in *offer) {
    courier_free(offer->courier);
    DL_DELETE(link->transfers->in, offer);
    free(offer);
}

/* Being told. */

static void copy_text(char *to, size_t size, struct bytes text) {
    snprintf(to, size, "%.*s", (int)text.n, text.n > 0 ? text.data : "");
}

/* Whoever has seen an id can offer something else under it: to the program these are two. */
static bool is_called(struct earshot *link, const struct uuid *id) {
    return offer_in_find(link, id) || offer_out_find(link, id);
}

static struct offer_in *offer_in_new(struct earshot *link, const struct frame_offered *offered) {
    struct offer_in *each, *offer;
    int n = 0;
    DL_SEARCH_SCALAR(link->transfers->in, offer, is_stale, true);
    DL_COUNT(link->transfers->in, each, n);
    if (n >= OFFERS_KNOWN_MAX && offer) {
        offer_in_free(link, offer);
        n--;
    }
    offer = n < OFFERS_KNOWN_MAX ? calloc(1, sizeof *offer) : NULL;
    if (!offer)
        return NULL;
    offer->id = offered->id;
    offer->called =
        is_called(link, &offered->id) ? uuid_next(&link->ids, wall_coarse()) : offered->id;
    offer->uid = offered->uid;
    offer->link = offered->link;
    (void)name_parse(&offer->from, offered->from);
    (void)name_parse(&offer->to, offered->to);
    offer->what = (struct item_offer){.kind = (enum entry_kind)offered->kind,
                                      .name = offer->name,
                                      .size = offered->size,
                                      .mode = offered->mode,
                                      .mtime_ns = (int64_t)offered->mtime_ns};
    copy_text(offer->name, sizeof offer->name, offered->name);
    copy_text(offer->mime, sizeof offer->mime, offered->mime);
    DL_APPEND(link->transfers->in, offer);
    return offer;
}

int transfer_offered(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    const struct frame_offered *offered = &frame->offered;
    if (!transfers_of(link))
        return -ENOMEM;
    struct offer_in *offer = offer_in_of(link, &offered->id, offered->uid);
    bool is_told = offer && offered->request == 0 && !offer->is_stale;
    if (is_told || (offered->request && !request_is_asked(link, offered->request)))
        return 0;
    if (offer && offer->is_stale) {
        offer_in_free(link, offer);
        offer = NULL;
    }
    if (!offer)
        offer = offer_in_new(link, offered);
    if (!offer || offer->courier)
        return 0;
    event->type = EARSHOT_EVENT_OFFER;
    event->request = offered->request;
    uuid_format(&offer->called, event->offer.id);
    event->offer.from = offer->from.s;
    event->offer.to = offer->to.s;
    event->offer.uid = offer->uid;
    event->offer.kind = (enum earshot_offer_kind)offer->what.kind;
    event->offer.name = offer->what.name;
    event->offer.mime = offer->mime;
    event->offer.size = offer->what.size;
    event->offer.mode = offer->what.mode;
    event->offer.mtime_ns = offer->what.mtime_ns;
    return 1;
}

int earshot_list_offers(earshot *link, uint32_t *request) {
    struct frame frame = {.type = FRAME_LIST, .list = {.what = LIST_OFFERS}};
    return request_ask(link, &frame, "", request);
}

void earshot_time(int64_t mtime_ns, struct timespec *time) {
    if (time)
        *time = attributes_unpack_time(mtime_ns);
}

/* Answering. */

static struct offer_in *offer_in_named(struct earshot *link, const char *text, int *r) {
    struct uuid id;
    *r = check_id(link, text, "the offer", &id);
    struct offer_in *offer = *r == 0 ? offer_in_find(link, &id) : NULL;
    if (offer && offer->is_stale)
        offer = NULL;
    if (!offer && *r == 0)
        *r = link_fail(link, EARSHOT_REFUSED, FAIL_BAD_TEXT,
                       "there is no such offer any more; ask for a new one");
    return offer;
}

/* 0, or what is wrong with the destination. Without a hub it is told when there is one again. */
static int send_accept(struct earshot *link, struct offer_in *offer) {
    struct item_prefix prefix;
    int r = courier_prefix(offer->courier, &prefix);
    if (r != 0 || link->phase != LINK_JOINED)
        return r;
    struct frame frame = {
        .type = FRAME_SIGNAL,
        .signal = {.offer = offer->id,
                   .uid = offer->uid,
                   .link = offer->link,
                   .said = {.what = SIGNAL_ACCEPT,
                            .accept = {.n_have = prefix.offset, .attempt = offer->attempt + 1}}}};
    if (prefix.offset > 0)
        memcpy(frame.signal.said.accept.digest.b, prefix.digest.bytes, sizeof prefix.digest.bytes);
    offer->is_accepted = outgoing_control(link, &frame);
    offer->attempt += offer->is_accepted;
    if (!offer->is_accepted)
        atomic_store(&link->transfers->news, true); /* no room just now */
    (void)outgoing_send(link, OUTGOING_LATER, true);
    return 0;
}

int earshot_accept(earshot *link, const char *id, const struct earshot_target *target) {
    int r = check_target(link, target);
    struct offer_in *offer = r == 0 ? offer_in_named(link, id, &r) : NULL;
    if (!offer || offer->courier)
        return r;
    struct courier_target where = {target->dir, target->fd, target->n_bytes_max};
    r = courier_receive(&offer->courier, &offer->what, offer->uid, &where, transfer_wake,
                        link->transfers);
    if (r > 0)
        return link_fail(link, EARSHOT_REFUSED, FAIL_NOT_PERMITTED, "%s: %s",
                         target->dir ? target->dir : "the output",
                         transfer_outcome_text((enum transfer_outcome)r));
    return r < 0 ? r : EARSHOT_OK;
}

int earshot_decline(earshot *link, const char *id, const char *reason) {
    int r = check_string(link, reason ? reason : "", OFFER_NAME_MAX, "the reason");
    struct offer_in *offer = r == 0 ? offer_in_named(link, id, &r) : NULL;
    if (!offer)
        return r;
    transfer_signal_end(link, &offer->id, offer->uid, offer->link, SIGNAL_DECLINE,
                        reason ? reason : "");
    offer_in_free(link, offer);
    return EARSHOT_OK;
}

/* Receiving. */

static int offer_in_fail(struct earshot *link, struct offer_in *offer, int result,
                         const char *reason, struct earshot_event *event) {
    transfer_event(link, event, &offer->called, EARSHOT_TRANSFER_FAILED, false, &offer->from,
                   &offer->what);
    transfer_set_error(link, event, result, reason);
    if (offer->courier && courier_has_no_place(offer->courier))
        event->transfer.reason = EARSHOT_REASON_PLACE;
    offer_in_free(link, offer);
    return 1;
}

static int offer_in_attach(struct earshot *link, struct offer_in *offer,
                           const struct frame_signalled *signal, struct earshot_event *event) {
    const struct signal_attach *ring = &signal->said.attach;
    struct courier_passage passage = {
        .shmid = (int)ring->shmid, .n_slots = ring->n_slots, .slot_bytes = ring->slot_bytes};
    int r = courier_attach(offer->courier, &passage, offer->uid, (pid_t)signal->pid);
    if (r != 0) {
        transfer_signal_end(link, &offer->id, offer->uid, offer->link, SIGNAL_CANCEL,
                            r > 0 ? transfer_outcome_text((enum transfer_outcome)r) : strerror(-r));
        return offer_in_fail(link, offer, r, NULL, event);
    }
    offer->is_running = true;
    transfer_event(link, event, &offer->called, EARSHOT_TRANSFER_RUNNING, false, &offer->from,
                   &offer->what);
    return 1;
}

/* What was said through a hub that has died may still come. */
static bool is_answer(const struct offer_in *offer, const struct signal *said) {
    return said->what == SIGNAL_ATTACH && said->attach.attempt == offer->attempt;
}

int offer_in_signalled(struct earshot *link, struct offer_in *offer,
                       const struct frame_signalled *signal, struct earshot_event *event) {
    char reason[1024 + 1];
    bool is_its_sender = signal->uid == offer->uid && signal->link == offer->link;
    if (!is_its_sender || !offer->is_accepted)
        return 0;
    if (!offer->is_running && is_answer(offer, &signal->said))
        return offer_in_attach(link, offer, signal, event);
    if (signal->said.what != SIGNAL_CANCEL)
        return 0;
    if (offer->is_running) {
        courier_cancel(offer->courier); /* its end is told by offer_in_next */
        return 0;
    }
    copy_text(reason, sizeof reason, signal->said.reason);
    return offer_in_fail(link, offer, TRANSFER_CANCELLED, reason, event);
}

static int offer_in_end(struct earshot *link, struct offer_in *offer, struct earshot_event *event) {
    struct courier_news news;
    courier_news(offer->courier, &news);
    transfer_event(link, event, &offer->called, EARSHOT_TRANSFER_DONE, false, &offer->from,
                   &offer->what);
    transfer_ended(link, event, &news);
    offer_in_free(link, offer);
    return 1;
}

int offer_in_next(struct earshot *link, struct earshot_event *event) {
    struct offer_in *offer;
    DL_FOREACH(link->transfers->in, offer) {
        if (offer->is_running && courier_is_over(offer->courier))
            return offer_in_end(link, offer, event);
        if (!offer->courier || offer->is_accepted || !courier_is_prepared(offer->courier))
            continue;
        int r = send_accept(link, offer);
        if (r != 0)
            return offer_in_fail(link, offer, r, NULL, event); /* it still stands for others */
    }
    return 0;
}

/*
 * To a new hub, or after a while without one. What was accepted is accepted again: its sender may
 * not have heard it, or we not its answer. If the sender is not there (yet), the hub says that the
 * offer is withdrawn.
 */
void offer_in_restore(struct earshot *link) {
    struct offer_in *offer, *next;
    DL_FOREACH_SAFE(link->transfers->in, offer, next) {
        if (!offer->courier)
            offer->is_stale = true; /* it will be offered again */
        else if (!offer->is_running)
            offer->is_accepted = false;
    }
    atomic_store(&link->transfers->news, true);
}
