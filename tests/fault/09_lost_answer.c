/*
 * The answer to a recipient is lost with a hub: it says once more that it takes the offer, and gets
 * an answer to that. The sender's program hears once that it runs, and once how it ends.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"
#include "lib/earshot.h"

#define ANSWER_MS 10000
#define RUN_MS 30000
#define N_ACCEPTS 3

struct play {
    const struct stage *stage;
    unsigned n_running, n_over;
};

static int sender_main(void *arg) {
    struct play *play = arg;
    struct earshot_options options = {.hub = play->stage->dir, .handle = "alice"};
    struct earshot_source source = {.path = "/etc/passwd"};
    struct earshot_event event;
    earshot *link = NULL;
    uint32_t request;
    int r = earshot_open(&link, &options);
    if (r == EARSHOT_OK)
        r = earshot_offer(link, "bob", &source, NULL, &request);
    while (r == EARSHOT_OK && play->n_over == 0) {
        r = earshot_next(link, &event, ANSWER_MS);
        if (r != EARSHOT_OK || event.type != EARSHOT_EVENT_TRANSFER)
            continue;
        bool runs = event.transfer.state == EARSHOT_TRANSFER_RUNNING;
        play->n_running += runs;
        play->n_over += !runs;
    }
    earshot_close(link);
    return r;
}

static void signal_sender(struct raw *bob, const struct frame_offered *offered,
                          struct signal said) {
    struct frame frame = {
        .type = FRAME_SIGNAL,
        .signal = {.offer = offered->id, .uid = offered->uid, .link = offered->link, .said = said}};
    check(raw_send(bob, &frame) == QUEUE_OK, "signal %d is sent", said.what);
}

static void accept_often(struct raw *bob) {
    struct frame offered, answer;
    if (!check(raw_await(bob, &offered, FRAME_OFFERED, ANSWER_MS) == QUEUE_OK, "an offer comes"))
        return;
    const struct frame_offered offer = offered.offered;
    for (uint64_t attempt = 1; attempt <= N_ACCEPTS; attempt++) {
        uint64_t answered = 0;
        signal_sender(bob, &offer,
                      (struct signal){.what = SIGNAL_ACCEPT, .accept.attempt = attempt});
        if (raw_await(bob, &answer, FRAME_SIGNALLED, ANSWER_MS) == QUEUE_OK &&
            answer.signalled.said.what == SIGNAL_ATTACH)
            answered = answer.signalled.said.attach.attempt;
        check(answered == attempt, "attempt %d is answered", (int)attempt);
    }
    signal_sender(bob, &offer, (struct signal){.what = SIGNAL_CANCEL});
}

/* As a program that may take offers, which has a link number. */
static bool join(struct raw *bob, const char *dir) {
    struct frame hello;
    if (raw_init(bob, dir) != 0 || raw_make_mailbox(bob) != 0 || raw_give_mailbox(bob) != 0 ||
        raw_put_nonce(bob) != 0)
        return false;
    raw_fill_hello(bob, &hello, "bob", ABILITY_LISTEN);
    hello.hello.link = 4711;
    return raw_send_hello(bob, &hello) == 0 && raw_await_welcome(bob, ANSWER_MS) == RAW_WELCOME &&
           raw_send(bob, &(struct frame){.type = FRAME_READY}) == 0;
}

int main(void) {
    struct stage stage;
    static struct raw bob;
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    struct play *play = check_shared(sizeof *play);
    play->stage = &stage;
    if (!join(&bob, stage.dir))
        check_die("bob cannot join: %s", bob.reason);
    pid_t sender = user_start(UID_ALICE, sender_main, play);
    accept_often(&bob);
    check(user_wait(sender, RUN_MS) == 0, "the sender has heard all");
    check(play->n_running == 1 && play->n_over == 1, "it runs once (%u) and ends once (%u)",
          play->n_running, play->n_over);
    raw_leave(&bob);
    return stage_end(&stage);
}
