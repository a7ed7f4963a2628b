/* Offers of ours: made, accepted by somebody, delivered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/check.h"
#include "lib/transfer.h"

#define OFFER_PATIENCE_MS 5000 /* the recipient may come to a new hub so much later than we */
#define OFFER_AGAIN_MS 250

struct offer_out *offer_out_find(struct earshot *link, const struct uuid *id) {
    struct offer_out *offer;
    if (!link->transfers)
        return NULL;
    DL_FOREACH(link->transfers->out, offer) {
        if (uuid_equal(&offer->id, id))
            return offer;
    }
    return NULL;
}

static struct offer_out *made_by(const struct earshot *link, uint32_t request) {
    struct offer_out *offer;
    if (!link->transfers)
        return NULL;
    DL_FOREACH(link->transfers->out, offer) {
        if (offer->request == request)
            return offer;
    }
    return NULL;
}

bool offer_out_is_made_by(const struct earshot *link, uint32_t request) {
    return made_by(link, request) != NULL;
}

void offer_out_refused(struct earshot *link, uint32_t request) {
    struct offer_out *offer = made_by(link, request);
    if (offer)
        offer_out_free(link, offer);
}

static void taker_free(struct offer_out *offer, struct offer_taker *taker) {
    courier_free(taker->courier);
    DL_DELETE(offer->takers, taker);
    free(taker);
}

void offer_out_free(struct earshot *link, struct offer_out *offer) {
    if (offer->again)
        (void)request_done(link, offer->again);
    while (offer->takers)
        taker_free(offer, offer->takers);
    DL_DELETE(link->transfers->out, offer);
    *(offer->is_held ? &link->transfers->n_held : &link->transfers->n_standing) -= 1;
    source_free(offer->source);
    free(offer);
    if (link->transfers->n_held > 0)
        transfer_wake(link->transfers); /* for offers_release() */
}

/* Offering. */

static struct frame frame_of(const struct offer_out *offer) {
    return (struct frame){.type = FRAME_OFFER,
                          .offer = {.id = offer->id,
                                    .to = name_bytes(&offer->to),
                                    .kind = (uint8_t)offer->what.kind,
                                    .size = offer->what.size,
                                    .mode = offer->what.mode,
                                    .mtime_ns = (uint64_t)offer->what.mtime_ns,
                                    .mime = bytes_of(offer->mime),
                                    .name = bytes_of(offer->what.name)}};
}

/* By the name's ending; the recipient may look at the content. */
static const char *guess_mime(const struct item_offer *what) {
    static const struct {
        const char *ending, *mime;
    } rows[] = {{".txt", "text/plain"},
                {".md", "text/markdown"},
                {".c", "text/x-c"},
                {".html", "text/html"},
                {".json", "application/json"},
                {".pdf", "application/pdf"},
                {".gz", "application/gzip"},
                {".zip", "application/zip"},
                {".png", "image/png"},
                {".jpg", "image/jpeg"},
                {".svg", "image/svg+xml"},
                {".iso", "application/x-iso9660-image"}};
    const char *ending = strrchr(what->name, '.');
    if (what->kind == ENTRY_DIRECTORY)
        return "inode/directory";
    for (size_t i = 0; ending && i < ARRAY_LEN(rows); i++)
        if (strcmp(ending, rows[i].ending) == 0)
            return rows[i].mime;
    return "application/octet-stream";
}

/*
 * Opens what is offered, once. What cannot be offered is told as the system's error, or as the
 * courier's. A program that polls is never made to wait.
 */
static int open_source(struct earshot *link, const struct name *to, struct source **source,
                       const struct earshot_source *what) {
    const char *name = what->name ? what->name : "stream";
    struct source_options options = {
        .pool = &link->transfers->pool, .is_for_many = name_is_room(to), .no_wait = link->pollable};
    int r = what->path ? source_open(source, what->path, &options)
                       : source_open_stream(source, what->fd, name, &options);
    if (r > 0)
        return link_fail(link, EARSHOT_REFUSED, FAIL_BAD_TEXT, "%s: %s",
                         what->path ? what->path : name,
                         transfer_outcome_text((enum transfer_outcome)r));
    return r;
}

/* NULL when memory is out; then the source is freed. */
static struct offer_out *offer_out_new(struct earshot *link, struct source *source) {
    struct offer_out *offer = calloc(1, sizeof *offer);
    if (!offer) {
        source_free(source);
        return NULL;
    }
    offer->source = source;
    offer->what = *source_offer(source);
    offer->mime = guess_mime(&offer->what);
    DL_APPEND(link->transfers->out, offer);
    offer->is_held = link->transfers->n_standing >= EARSHOT_STANDING_MAX;
    *(offer->is_held ? &link->transfers->n_held : &link->transfers->n_standing) += 1;
    atomic_store(&link->transfers->news, true); /* what is left out */
    return offer;
}

static int check_source(struct earshot *link, const struct earshot_source *source) {
    int r = check_pointer(link, source, "the source");
    if (r == 0 && !source->path && source->fd < 0)
        r = check_failed(link, "the source has neither a path nor a descriptor; give one");
    if (r == 0 && !source->path && source->name)
        r = check_string(link, source->name, OFFER_NAME_MAX, "the name of the stream");
    return r;
}

/* What is wrong with the arguments, or with what is to be opened. */
static int check_and_open(struct earshot *link, const char *to, const struct earshot_source *what,
                          struct name *name, struct source **opened) {
    int r = check_conv(link, to, "the recipient", name);
    if (r == 0)
        r = check_source(link, what);
    if (r == 0)
        r = transfers_of(link) ? open_source(link, name, opened, what) : -ENOMEM;
    return r;
}

/* Takes the source. */
static int offer_source(struct earshot *link, const struct name *to, struct source *source,
                        struct offer_out **made) {
    struct offer_out *offer = offer_out_new(link, source);
    if (!offer)
        return -ENOMEM;
    offer->to = *to;
    offer->id = uuid_next(&link->ids, wall_coarse());
    struct frame frame = frame_of(offer);
    int r = offer->is_held ? request_hold(link, &frame, to->s, &offer->request)
                           : request_ask(link, &frame, to->s, &offer->request);
    if (r == 0)
        *made = offer;
    else
        offer_out_free(link, offer);
    return r;
}

/* Name and size of an offer that stands. */
static void offer_tell(struct earshot *link, const struct offer_out *offer,
                       struct earshot_transfer *transfer) {
    struct earshot_event event;
    transfer_event(link, &event, &offer->id, EARSHOT_TRANSFER_RUNNING, true, &offer->to,
                   &offer->what);
    *transfer = event.transfer;
}

int earshot_offer(earshot *link, const char *to, const struct earshot_source *what,
                  char id[EARSHOT_ID_SIZE], uint32_t *request) {
    struct name name;
    struct source *source = NULL;
    struct offer_out *offer = NULL;
    int r = check_and_open(link, to, what, &name, &source);
    if (r == 0)
        r = offer_source(link, &name, source, &offer);
    if (r == 0 && request)
        *request = offer->request;
    if (r == 0 && id)
        uuid_format(&offer->id, id);
    return r;
}

int earshot_put(earshot *link, const char *to, const struct earshot_source *what,
                struct earshot_transfer *file, uint32_t *request) {
    struct name name;
    struct source *source = NULL;
    struct offer_out *offer = NULL;
    bool is_small = false;
    int r = check_pointer(link, file, "the file");
    if (r == 0)
        r = check_pointer(link, request, "the request");
    if (r == 0)
        r = check_and_open(link, to, what, &name, &source);
    if (r != 0)
        return r;
    *request = 0;
    r = post_source(link, to, source, file, &is_small);
    if (is_small) {
        source_free(source);
        return r;
    }
    r = offer_source(link, &name, source, &offer);
    if (r == 0) {
        *request = offer->request;
        offer_tell(link, offer, file);
    }
    return r;
}

int earshot_own_offer(earshot *link, const char *text, struct earshot_transfer *transfer) {
    struct uuid id;
    int r = check_id(link, text, "the offer", &id);
    if (r == 0)
        r = check_pointer(link, transfer, "the transfer");
    if (r != 0)
        return r;
    const struct offer_out *offer = offer_out_find(link, &id);
    if (!offer)
        return link_fail(link, EARSHOT_AGAIN, FAIL_BAD_TEXT, "there is no offer %s of ours", text);
    offer_tell(link, offer, transfer);
    return EARSHOT_OK;
}

/* Without a hub the next one is told of it (transfer_restore). False: no room just now. */
static bool offer_release(struct earshot *link, struct offer_out *offer) {
    struct frame frame = frame_of(offer);
    frame.offer.request = offer->request;
    if (link->phase == LINK_JOINED && !outgoing_control(link, &frame))
        return false;
    offer->is_held = false;
    link->transfers->n_held--;
    link->transfers->n_standing++;
    return true;
}

/* The hub is told of the offers whose turn it is. */
static void offers_release(struct earshot *link) {
    struct transfers *transfers = link->transfers;
    struct offer_out *offer;
    if (transfers->n_held == 0 || transfers->n_standing >= EARSHOT_STANDING_MAX)
        return;
    DL_FOREACH(transfers->out, offer) {
        if (transfers->n_standing >= EARSHOT_STANDING_MAX)
            break;
        if (offer->is_held && !offer_release(link, offer)) {
            atomic_store(&transfers->news, true);
            break;
        }
    }
    (void)outgoing_send(link, OUTGOING_LATER, true);
}

/* Whether everybody who has taken it has also got our answer. */
static bool is_under_way(const struct offer_out *offer) {
    const struct offer_taker *taker;
    DL_FOREACH(offer->takers, taker) {
        if (!courier_is_over(taker->courier) && !courier_is_met(taker->courier))
            return false;
    }
    return offer->takers != NULL;
}

/* Again, with a new hub. */

static void offer_wait(struct earshot *link, struct offer_out *offer) {
    mono_time *first = &link->transfers->again_at;
    offer->again_at = mono_add_ms(mono_now(), OFFER_AGAIN_MS);
    if (first->ns == 0 || offer->again_at.ns < first->ns)
        *first = offer->again_at;
    wait_arm(link, *first);
}

static void offer_make_again(struct earshot *link, struct offer_out *offer) {
    struct frame frame = frame_of(offer);
    offer->again_at = WAIT_NOT;
    if (!request_ask_again(link, &frame, offer->to.s, &offer->again))
        offer_wait(link, offer); /* there is no room for it just now */
}

/* What is due; without a hub the next one is told of it (transfer_restore). */
static void offers_make_again(struct earshot *link) {
    struct transfers *transfers = link->transfers;
    struct offer_out *offer;
    mono_time now = mono_now(), next = WAIT_NOT;
    if (transfers->again_at.ns == 0 || now.ns < transfers->again_at.ns)
        return;
    transfers->again_at = WAIT_NOT;
    if (link->phase != LINK_JOINED)
        return;
    DL_FOREACH(transfers->out, offer) {
        if (offer->again_at.ns != 0 && offer->again_at.ns <= now.ns)
            offer_make_again(link, offer);
        if (offer->again_at.ns != 0 && (next.ns == 0 || offer->again_at.ns < next.ns))
            next = offer->again_at;
    }
    transfers->again_at = next;
    wait_arm(link, next);
    (void)outgoing_send(link, OUTGOING_LATER, true);
}

void transfer_restore(struct earshot *link) {
    struct offer_out *offer;
    if (!link->transfers)
        return;
    link->transfers->again_at = WAIT_NOT;
    DL_FOREACH(link->transfers->out, offer) {
        offer->again = 0; /* the hub took its request with it */
        offer->again_at = WAIT_NOT;
        offer->patient_until = mono_add_ms(mono_now(), OFFER_PATIENCE_MS);
        if (!offer->is_held && !offer->is_gone && !is_under_way(offer))
            offer_make_again(link, offer);
    }
    offer_in_restore(link);
}

struct offer_out *offer_out_made_again_by(const struct earshot *link, uint32_t request) {
    struct offer_out *offer;
    if (!link->transfers || request == 0)
        return NULL;
    DL_FOREACH(link->transfers->out, offer) {
        if (offer->again == request)
            return offer;
    }
    return NULL;
}

uint32_t offer_out_answered(struct earshot *link, uint32_t request) {
    struct offer_out *offer = offer_out_made_again_by(link, request);
    if (!offer)
        return request;
    offer->again = 0;
    (void)request_done(link, request);
    return offer->request;
}

/* Of what may be otherwise soon: who is to get it comes back, too. */
static bool offer_may_succeed(const struct offer_out *offer, enum fail_code code) {
    bool is_early = mono_now().ns < offer->patient_until.ns;
    return is_early && (code == FAIL_NO_USER || code == FAIL_NO_ROOM || code == FAIL_NOT_MEMBER ||
                        code == FAIL_BUSY);
}

bool offer_out_is_patient(struct earshot *link, uint32_t request, enum fail_code code) {
    struct offer_out *again = offer_out_made_again_by(link, request);
    struct offer_out *offer = again ? again : made_by(link, request);
    if (!offer || (!again && !request_is_asked(link, request)))
        return false;
    if (!again && (offer->again || offer->again_at.ns != 0))
        return true; /* of the old hub, which does not count any more */
    if (!offer_may_succeed(offer, code))
        return false;
    (void)offer_out_answered(link, offer->again);
    offer_wait(link, offer);
    return true;
}

int offer_out_lost(struct earshot *link, struct offer_out *offer, const struct frame_fail *fail,
                   struct earshot_event *event) {
    struct bytes reason = fail->reason.n > 0 ? fail->reason : bytes_of(fail_text(fail->code));
    struct offer_taker *taker;
    DL_FOREACH(offer->takers, taker) {
        if (!courier_is_over(taker->courier) && !courier_is_met(taker->courier))
            courier_cancel(taker->courier); /* its recipient cannot hear of it any more */
    }
    offer->is_gone = true;
    if (offer->takers && !name_is_room(&offer->to))
        return 0; /* its end is told by offer_out_next */
    transfer_event(link, event, &offer->id, EARSHOT_TRANSFER_FAILED, true, &offer->to,
                   &offer->what);
    event->transfer.reason = EARSHOT_REASON_OTHER;
    snprintf(link->transfers->error, sizeof link->transfers->error, "%.*s", (int)reason.n,
             reason.data);
    if (!offer->takers)
        offer_out_free(link, offer);
    return 1;
}

void offer_out_withdraw(struct earshot *link, struct offer_out *offer) {
    bool is_known = !offer->is_held && offer->again_at.ns == 0;
    if (!is_known || offer->again || link->phase != LINK_JOINED)
        request_give_up(link, offer->request);
    if (is_known)
        outgoing_control(link, &(struct frame){.type = FRAME_WITHDRAW,
                                               .withdraw = {offer->id, WITHDRAW_CANCELLED}});
    offer_out_free(link, offer);
}

/* Delivering. */

static struct offer_taker *taker_find(const struct offer_out *offer, uint32_t uid, uint64_t to) {
    struct offer_taker *taker;
    DL_FOREACH(offer->takers, taker) {
        if (taker->uid == uid && taker->link == to)
            return taker;
    }
    return NULL;
}

static bool send_passage(struct earshot *link, const struct offer_out *offer,
                         const struct offer_taker *taker, const struct courier_passage *passage) {
    struct signal said = {.what = SIGNAL_ATTACH,
                          .attach = {.shmid = (uint32_t)passage->shmid,
                                     .n_slots = passage->n_slots,
                                     .slot_bytes = passage->slot_bytes,
                                     .attempt = taker->attempt}};
    return transfer_signal(link, &offer->id, taker->uid, taker->link, &said);
}

/* The recipient's courier has it all; an offer to one handle is over then. */
static void end_offer(struct earshot *link, struct offer_out *offer) {
    if ((name_is_room(&offer->to) && !offer->is_gone) || offer->takers)
        return;
    outgoing_control(
        link, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {offer->id, WITHDRAW_CANCELLED}});
    (void)outgoing_send(link, OUTGOING_LATER, true);
    offer_out_free(link, offer);
}

static int taker_fail(struct earshot *link, struct offer_out *offer, struct offer_taker *taker,
                      int result, struct earshot_event *event) {
    transfer_event(link, event, &offer->id, EARSHOT_TRANSFER_FAILED, true, &taker->by,
                   &offer->what);
    transfer_set_error(link, event, result, NULL);
    transfer_signal_end(link, &offer->id, taker->uid, taker->link, SIGNAL_CANCEL,
                        event->transfer.error);
    taker_free(offer, taker);
    end_offer(link, offer);
    return 1;
}

/* Of a stream there is one: who comes to it later would get the rest, or nothing. */
static bool is_spent(const struct offer_out *offer, const struct offer_taker *new) {
    bool is_alone = offer->takers == new && !new->next;
    return source_fd(offer->source) >= 0 && (offer->is_spent || !is_alone);
}

static int taker_begin(struct earshot *link, struct offer_out *offer,
                       const struct frame_signalled *signal, struct earshot_event *event) {
    const struct signal_accept *accept = &signal->said.accept;
    struct item_prefix prefix = {.offset = accept->n_have};
    struct courier_passage passage;
    struct offer_taker *taker = calloc(1, sizeof *taker);
    if (!taker)
        return -ENOMEM;
    taker->uid = signal->uid;
    taker->link = signal->link;
    taker->attempt = accept->attempt;
    (void)name_parse(&taker->by, signal->by);
    memcpy(prefix.digest.bytes, accept->digest.b, sizeof prefix.digest.bytes);
    DL_APPEND(offer->takers, taker);
    int r = is_spent(offer, taker)
                ? TRANSFER_SPENT
                : courier_send(&taker->courier, offer->source, signal->uid, (pid_t)signal->pid,
                               &prefix, &passage, transfer_wake, link->transfers);
    if (r == 0 && !send_passage(link, offer, taker, &passage))
        r = -EAGAIN;
    if (r != 0)
        return taker_fail(link, offer, taker, r, event);
    transfer_event(link, event, &offer->id, EARSHOT_TRANSFER_RUNNING, true, &taker->by,
                   &offer->what);
    return 1;
}

/* Our answer was lost with a hub: the recipient has asked again, and has not come to the ring. */
static bool taker_may_begin_again(const struct offer_taker *taker) {
    return !courier_is_over(taker->courier) && !courier_is_met(taker->courier);
}

static int on_decline(struct earshot *link, struct offer_out *offer,
                      const struct frame_signalled *signal, struct earshot_event *event) {
    struct name by = {0};
    (void)name_parse(&by, signal->by);
    transfer_event(link, event, &offer->id, EARSHOT_TRANSFER_DECLINED, true, &by, &offer->what);
    snprintf(link->transfers->error, sizeof link->transfers->error, "%.*s",
             (int)signal->said.reason.n, signal->said.reason.data);
    if (!name_is_room(&offer->to))
        offer_out_free(link, offer);
    return 1;
}

/* The program has been told that it runs, and does not hear that twice. */
static int taker_begin_again(struct earshot *link, struct offer_out *offer,
                             struct offer_taker *taker, const struct frame_signalled *signal,
                             struct earshot_event *event) {
    if (!taker_may_begin_again(taker))
        return 0;
    taker_free(offer, taker);
    int r = taker_begin(link, offer, signal, event);
    return r == 1 && event->transfer.state == EARSHOT_TRANSFER_RUNNING ? 0 : r;
}

int offer_out_signalled(struct earshot *link, struct offer_out *offer,
                        const struct frame_signalled *signal, struct earshot_event *event) {
    struct offer_taker *taker = taker_find(offer, signal->uid, signal->link);
    switch ((enum signal_what)signal->said.what) {
    case SIGNAL_ACCEPT:
        return taker ? taker_begin_again(link, offer, taker, signal, event)
                     : taker_begin(link, offer, signal, event);
    case SIGNAL_DECLINE:
        return taker ? 0 : on_decline(link, offer, signal, event);
    case SIGNAL_CANCEL:
        if (taker)
            courier_cancel(taker->courier); /* its end is told by offer_out_next */
        return 0;
    default:
        return 0;
    }
}

static int tell_skip(struct earshot *link, const struct offer_out *offer, const struct name *peer,
                     const struct courier_skip *skip, struct earshot_event *event) {
    static const enum earshot_skip reasons[] = {
        [SKIP_SPECIAL] = EARSHOT_SKIP_SPECIAL,   [SKIP_DENIED] = EARSHOT_SKIP_DENIED,
        [SKIP_VANISHED] = EARSHOT_SKIP_VANISHED, [SKIP_TOO_DEEP] = EARSHOT_SKIP_TOO_DEEP,
        [SKIP_CHANGED] = EARSHOT_SKIP_CHANGED,   [SKIP_REPLACED] = EARSHOT_SKIP_REPLACED,
        [SKIP_ENDLESS] = EARSHOT_SKIP_ENDLESS,
    };
    struct transfers *transfers = link->transfers;
    memcpy(transfers->peer, peer->s, (size_t)peer->n + 1);
    snprintf(transfers->name, sizeof transfers->name, "%s", offer->what.name);
    snprintf(transfers->path, sizeof transfers->path, "%s", skip->path ? skip->path : "");
    event->type = EARSHOT_EVENT_SKIPPED;
    event->request = 0;
    uuid_format(&offer->id, event->skipped.id);
    event->skipped.peer = transfers->peer;
    event->skipped.name = transfers->name;
    event->skipped.path = transfers->path;
    event->skipped.why = reasons[skip->why];
    event->skipped.error = skip->error;
    event->skipped.more = skip->more;
    return 1;
}

/* Of what was found out when it was offered, the next: what has a name, then the others. */
static bool next_left_out(struct offer_out *offer, struct courier_skip *skip) {
    if (!offer->are_named_told)
        offer->told = source_left_out(offer->source, offer->told);
    if (!offer->are_named_told && offer->told) {
        *skip = (struct courier_skip){
            .path = offer->told->path, .why = offer->told->why, .error = offer->told->error};
        return true;
    }
    offer->are_named_told = true;
    while (offer->unnamed_told < SKIP_END) {
        enum source_skip why = offer->unnamed_told++;
        *skip = (struct courier_skip){.why = why, .more = source_n_unnamed(offer->source, why)};
        if (skip->more > 0)
            return true;
    }
    return false;
}

static int taker_end(struct earshot *link, struct offer_out *offer, struct offer_taker *taker,
                     struct earshot_event *event) {
    struct courier_news news;
    courier_news(taker->courier, &news);
    transfer_event(link, event, &offer->id, EARSHOT_TRANSFER_DONE, true, &taker->by, &offer->what);
    transfer_ended(link, event, &news);
    offer->is_spent = offer->is_spent || news.n_bytes > 0 || news.reason == TRANSFER_OK;
    taker_free(offer, taker);
    end_offer(link, offer);
    return 1;
}

int offer_out_next(struct earshot *link, struct earshot_event *event) {
    struct offer_out *offer;
    struct offer_taker *taker;
    struct courier_skip skip;
    offers_make_again(link);
    offers_release(link);
    DL_FOREACH(link->transfers->out, offer) {
        if (next_left_out(offer, &skip))
            return tell_skip(link, offer, &offer->to, &skip, event);
        DL_FOREACH(offer->takers, taker) {
            bool is_over = courier_is_over(taker->courier); /* asked before: nothing follows */
            if (courier_next_skip(taker->courier, &skip))
                return tell_skip(link, offer, &taker->by, &skip, event);
            if (is_over)
                return taker_end(link, offer, taker, event);
        }
    }
    return 0;
}
