#include "bench/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/crew.h"
#include "bench/peer.h"
#include "bench/samples.h"

static bool is_by_message(const struct handover *handover) {
    return handover->way == HANDOVER_MESSAGE || handover->way == HANDOVER_PIECES;
}

/* The most memory that this process ever had resident. */
static uint64_t peak_bytes(void) {
    char line[128];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

static void recipient_name(char name[PEER_NAME_SIZE], unsigned number) {
    snprintf(name, PEER_NAME_SIZE, HANDOVER_RECIPIENT);
    name[sizeof HANDOVER_RECIPIENT - 2] = (char)('0' + number);
}

/* --- the sender --- */

static int offer_to(struct peer *peer, const struct handover *handover, const char *to) {
    struct earshot_source source = {.path = handover->from, .fd = -1};
    struct earshot_transfer file;
    uint32_t request;
    int r = handover->way == HANDOVER_MESSAGE
                ? earshot_post(peer->link, to, handover->from, &file)
                : earshot_offer(peer->link, to, &source, NULL, &request);
    if (r == 0)
        return 0;
    return crew_fail(peer->arena, "offer: %s (%d)",
                     r < 0 ? strerror(-r) : earshot_error(peer->link), r);
}

/* Whether this is the word of a recipient that it has all. */
static bool is_word(const struct handover *handover, const struct earshot_event *event) {
    if (handover->way == HANDOVER_PIECES)
        return event->type == EARSHOT_EVENT_MESSAGE;
    if (handover->way == HANDOVER_MESSAGE)
        return event->type == EARSHOT_EVENT_STATE && event->state.state == EARSHOT_READ;
    return event->type == EARSHOT_EVENT_TRANSFER && event->transfer.state == EARSHOT_TRANSFER_DONE;
}

static int await_words(struct peer *peer, const struct handover *handover) {
    struct earshot_event event;
    for (unsigned n = 0; n < handover->n_recipients;) {
        if (peer_next(peer, &event) != 0)
            return 1;
        n += is_word(handover, &event);
    }
    return 0;
}

static int send_once(struct peer *peer, struct handover *handover, unsigned time) {
    char to[PEER_NAME_SIZE];
    int r = 0;
    handover->offered_ns[time] = mono_now().ns;
    if (handover->way == HANDOVER_PIECES)
        r = handover_send_pieces(peer, handover);
    for (unsigned i = 0; r == 0 && i < handover->n_recipients; i++) {
        recipient_name(to, i);
        r = handover->way == HANDOVER_PIECES ? 0 : offer_to(peer, handover, to);
    }
    if (r == 0)
        r = await_words(peer, handover);
    handover->done_ns[0][time] = mono_now().ns;
    return r;
}

/* Until all recipients have removed their copies. */
static void await_cleared(struct handover *handover, unsigned n) {
    for (unsigned now; (now = atomic_load(&handover->n_cleared)) < n;)
        futex_wait(&handover->n_cleared, now, -1);
}

static int send_all(struct crew_arena *arena, struct handover *handover) {
    struct peer peer;
    if (peer_open(&peer, arena, handover->hub, HANDOVER_SENDER, EARSHOT_LISTEN) != 0)
        return 1;
    crew_ready(arena);
    for (unsigned i = 0; i < handover->n_times; i++) {
        if (send_once(&peer, handover, i) != 0)
            return 1;
        await_cleared(handover, (i + 1) * handover->n_recipients);
    }
    peer_close(&peer);
    return 0;
}

/* --- a recipient --- */

struct taking {
    struct peer peer;
    struct handover *handover;
    unsigned number;
    char path[PATH_MAX + 1024]; /* of the copy */
    int fd;
};

static int open_target(struct taking *taking) {
    if (taking->handover->way != HANDOVER_TO_FD)
        return 0;
    snprintf(taking->path, sizeof taking->path, "%s/taken-%u", taking->handover->dir,
             taking->number);
    taking->fd = open(taking->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (taking->fd < 0)
        return crew_fail(taking->peer.arena, "%s: %s", taking->path, strerror(errno));
    return 0;
}

/* Two recipients get different names for it. */
static void note_name(struct taking *taking, const struct earshot_transfer *transfer) {
    if (taking->handover->way != HANDOVER_TO_FD)
        snprintf(taking->path, sizeof taking->path, "%s/%s", taking->handover->dir, transfer->path);
}

static struct earshot_target target_of(const struct taking *taking) {
    bool to_fd = taking->handover->way == HANDOVER_TO_FD;
    return (struct earshot_target){.dir = to_fd ? NULL : taking->handover->dir, .fd = taking->fd};
}

static int save_message(struct taking *taking, const struct earshot_event *event) {
    struct earshot_target target = target_of(taking);
    struct earshot_transfer file;
    if (taking->handover->way == HANDOVER_PIECES) {
        snprintf(taking->path, sizeof taking->path, "%s/pieces", taking->handover->dir);
        return handover_take_pieces(&taking->peer, taking->handover, event);
    }
    int r = earshot_save(taking->peer.link, event, &target, &file);
    if (r != EARSHOT_OK)
        return crew_fail(taking->peer.arena, "a file cannot be saved (%d)", r);
    note_name(taking, &file);
    return 0;
}

static int take_offer(struct taking *taking, struct earshot_event *event) {
    struct earshot_target target = target_of(taking);
    int r = earshot_accept(taking->peer.link, event->offer.id, &target);
    if (r != EARSHOT_OK)
        return crew_fail(taking->peer.arena, "accept: %s (%d)", earshot_error(taking->peer.link),
                         r);
    do
        if (peer_next(&taking->peer, event) != 0)
            return 1;
    while (event->type != EARSHOT_EVENT_TRANSFER || event->transfer.state != EARSHOT_TRANSFER_DONE);
    note_name(taking, &event->transfer);
    return 0;
}

static int clear(struct taking *taking) {
    struct stat status;
    if (stat(taking->path, &status) < 0)
        return crew_fail(taking->peer.arena, "%s: %s", taking->path, strerror(errno));
    if ((uint64_t)status.st_size != taking->handover->n_bytes)
        return crew_fail(taking->peer.arena, "violation: the copy has another size");
    if (taking->handover->way == HANDOVER_TO_FD)
        close(taking->fd);
    unlink(taking->path);
    atomic_fetch_add(&taking->handover->n_cleared, 1);
    futex_wake_all(&taking->handover->n_cleared);
    return 0;
}

static int take_once(struct taking *taking, unsigned time) {
    struct handover *handover = taking->handover;
    bool by_message = is_by_message(handover);
    struct earshot_event event;
    do
        if (peer_next(&taking->peer, &event) != 0)
            return 1;
    while (event.type != (by_message ? EARSHOT_EVENT_MESSAGE : EARSHOT_EVENT_OFFER));
    handover->accepted_ns[taking->number][time] = mono_now().ns;
    int r = by_message ? save_message(taking, &event) : take_offer(taking, &event);
    handover->done_ns[1 + taking->number][time] = mono_now().ns;
    return r;
}

static int take_all(struct crew_arena *arena, struct handover *handover, unsigned number) {
    struct taking taking = {.handover = handover, .number = number, .fd = -1};
    char name[PEER_NAME_SIZE];
    recipient_name(name, number);
    if (peer_open(&taking.peer, arena, handover->hub, name, EARSHOT_LISTEN) != 0)
        return 1;
    /* Nothing is waited for here: the first call tells the hub that this one listens. */
    crew_ready(arena);
    for (unsigned i = 0; i < handover->n_times; i++)
        if (open_target(&taking) != 0 || take_once(&taking, i) != 0 || clear(&taking) != 0)
            return 1;
    peer_close(&taking.peer);
    return 0;
}

/* --- both --- */

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct handover *handover = arg;
    int r = index == 0 ? send_all(arena, handover) : take_all(arena, handover, index - 1);
    handover->peak_bytes[index] = peak_bytes();
    if (r == 0)
        crew_done(arena);
    return r;
}

struct handover *handover_new(const struct hub *hub, const struct copies *copies,
                              enum handover_way way, unsigned n_recipients, unsigned n_times) {
    struct handover *handover = shared_new(sizeof *handover);
    if (!handover)
        return NULL;
    memcpy(handover->hub, hub->dir, sizeof handover->hub);
    memcpy(handover->from, copies->from, sizeof handover->from);
    snprintf(handover->dir, sizeof handover->dir, "%s/to", copies->dir);
    handover->n_bytes = copies->n_bytes;
    handover->way = way;
    handover->n_recipients = n_recipients;
    handover->n_times = n_times;
    return handover;
}

static double seconds_between(int64_t from_ns, int64_t to_ns) {
    return (double)(to_ns - from_ns) / (double)NS_PER_S;
}

static void sum_up(const struct handover *handover, struct handover_result *result) {
    double from_offer[HANDOVER_TIMES_MAX], from_accept[HANDOVER_TIMES_MAX];
    for (unsigned i = 0; i < handover->n_times; i++) {
        int64_t accepted = INT64_MAX, done = 0;
        for (unsigned j = 0; j <= handover->n_recipients; j++)
            if (handover->done_ns[j][i] > done)
                done = handover->done_ns[j][i];
        for (unsigned j = 0; j < handover->n_recipients; j++)
            if (handover->accepted_ns[j][i] < accepted)
                accepted = handover->accepted_ns[j][i];
        from_offer[i] = seconds_between(handover->offered_ns[i], done);
        from_accept[i] = seconds_between(accepted, done);
    }
    result->from_offer = median_of(from_offer, handover->n_times);
    result->from_accept = median_of(from_accept, handover->n_times);
    result->peak_bytes = 0;
    for (unsigned j = 0; j <= handover->n_recipients; j++)
        if (handover->peak_bytes[j] > result->peak_bytes)
            result->peak_bytes = handover->peak_bytes[j];
}

int handover_run(struct bench *bench, struct handover *handover, struct handover_result *result) {
    struct crew crew = {0};
    int r = crew_start(bench, &crew, 1 + handover->n_recipients, work, handover);
    if (r == 0)
        r = crew_run(bench, &crew);
    crew_stop(&crew);
    sum_up(handover, result);
    return r;
}
