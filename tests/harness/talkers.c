#include "harness/talkers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check.h"
#include "harness/user.h"
#include "lib/earshot.h"

#define OPEN_MS 10000
#define PAUSE_MS 2

static earshot *talkers_join(struct talkers_talk *talk, int who, const char *handle) {
    struct earshot_options options = {.hub = talk->dir,
                                      .handle = handle,
                                      .flags = EARSHOT_LISTEN | EARSHOT_RECONNECT,
                                      .timeout_ms = OPEN_MS};
    earshot *link = NULL;
    if (earshot_open(&link, &options) == EARSHOT_OK)
        return link;
    snprintf(talk->error[who], sizeof talk->error[who], "%s", earshot_error(link));
    atomic_store(&talk->broken[who], true);
    return NULL;
}

static void talkers_note_end(struct talkers_talk *talk, int who, earshot *link, int r) {
    snprintf(talk->error[who], sizeof talk->error[who], "%d: %s", r, earshot_error(link));
    atomic_store(&talk->broken[who], true);
}

static void talkers_note_event(struct talkers_talk *talk, const struct earshot_event *event) {
    unsigned long number;
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
        number = strtoul(event->message.text, NULL, 10);
        if (number < atomic_load(&talk->last))
            atomic_fetch_add(&talk->n_late, 1);
        atomic_store(&talk->last, number);
        atomic_fetch_add(&talk->n_received, 1);
        break;
    case EARSHOT_EVENT_REFUSED:
        atomic_fetch_add(&talk->n_refused, 1);
        break;
    case EARSHOT_EVENT_LOST:
        atomic_fetch_add(&talk->n_lost, 1);
        break;
    case EARSHOT_EVENT_BACK:
        atomic_fetch_add(&talk->n_back, 1);
        break;
    default:
        break;
    }
}

/* All that is there within `ms`; not 0: the link has ended. */
static int talkers_take_events(struct talkers_talk *talk, earshot *link, int ms) {
    struct earshot_event event;
    int r;
    while ((r = earshot_next(link, &event, ms)) == EARSHOT_OK) {
        talkers_note_event(talk, &event);
        ms = 0;
    }
    return r == EARSHOT_AGAIN || r == -EINTR ? 0 : r;
}

static int talkers_bob_main(void *arg) {
    struct talkers_talk *talk = arg;
    earshot *link = talkers_join(talk, 1, "bob");
    int r = link ? 0 : 1;
    while (r == 0)
        r = talkers_take_events(talk, link, -1);
    if (link)
        talkers_note_end(talk, 1, link, r);
    return 1;
}

static int talkers_alice_main(void *arg) {
    struct talkers_talk *talk = arg;
    earshot *link = talkers_join(talk, 0, "alice");
    int r = link ? 0 : 1;
    for (unsigned long number = 1; r == 0; number++) {
        char text[32];
        int n = snprintf(text, sizeof text, "%lu", number);
        struct earshot_message message = {.to = "bob", .text = text, .text_n = (size_t)n};
        atomic_store(&talk->n_sent, number);
        r = earshot_send(link, &message, NULL);
        if (r == 0 || r == EARSHOT_AGAIN)
            r = talkers_take_events(talk, link, PAUSE_MS);
    }
    if (link)
        talkers_note_end(talk, 0, link, r);
    return 1;
}

void talkers_start(struct talkers *talkers, const char *dir) {
    talkers->talk = check_shared(sizeof *talkers->talk);
    snprintf(talkers->talk->dir, sizeof talkers->talk->dir, "%s", dir);
    talkers->bob = user_start(UID_BOB, talkers_bob_main, talkers->talk);
    talkers->alice = user_start(UID_ALICE, talkers_alice_main, talkers->talk);
}

struct talkers_goal {
    struct talkers_talk *talk;
    unsigned long number, n;
};

static bool talkers_reached(void *arg) {
    const struct talkers_goal *goal = arg;
    struct talkers_talk *talk = goal->talk;
    return (atomic_load(&talk->last) > goal->number && atomic_load(&talk->n_received) >= goal->n) ||
           atomic_load(&talk->broken[0]) || atomic_load(&talk->broken[1]);
}

bool talkers_keep_talking(struct talkers *talkers, unsigned long n, int ms) {
    struct talkers_talk *talk = talkers->talk;
    struct talkers_goal goal = {talk, atomic_load(&talk->n_sent),
                                atomic_load(&talk->n_received) + n};
    bool ok = check_until(talkers_reached, &goal, ms);
    for (int who = 0; who < 2; who++)
        if (atomic_load(&talk->broken[who]))
            check_note("%s: the link has ended: %s", who ? "bob" : "alice", talk->error[who]);
    if (!ok)
        check_note("talkers: sent %lu, received %lu, refused %lu, lost %lu, back %lu, last %lu",
                   atomic_load(&talk->n_sent), atomic_load(&talk->n_received),
                   atomic_load(&talk->n_refused), atomic_load(&talk->n_lost),
                   atomic_load(&talk->n_back), atomic_load(&talk->last));
    return ok && !atomic_load(&talk->broken[0]) && !atomic_load(&talk->broken[1]);
}

void talkers_stop(struct talkers *talkers) {
    if (talkers->alice > 0)
        user_kill(talkers->alice);
    if (talkers->bob > 0)
        user_kill(talkers->bob);
    talkers->alice = talkers->bob = 0;
}
