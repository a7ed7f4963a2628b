/*
 * Programs that send one message after the other, plainly, and then do nothing more: not a call of
 * the library, for ever. All that they have sent arrives, whether they were through queues or
 * through a channel then, and whether one was alone or many had filled the lanes.
 * test: timeout=300
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/stage.h"
#include "lib/earshot.h"

#define SENDERS_MAX 8
#define ARRIVE_MS 60000
#define SIGNAL_MS 10000
#define TEXT_BYTES 120

struct sender {
    unsigned number;
    atomic_ulong n; /* messages */
    struct play *play;
};

struct play {
    struct stage stage;
    struct sender senders[SENDERS_MAX];
    unsigned n_senders;
    atomic_bool is_reading;
    atomic_ulong n_received[SENDERS_MAX], n_wrong, n_signals;
    atomic_bool hub_is_stopped, is_silent;
    char error[256];
};

static earshot *join(struct play *play, const char *handle, unsigned flags) {
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = handle, .flags = flags, .timeout_ms = 20000};
    earshot *link = NULL;
    if (earshot_open(&link, &options) == EARSHOT_OK)
        return link;
    snprintf(play->error, sizeof play->error, "%s: %s", handle, earshot_error(link));
    earshot_close(link);
    return NULL;
}

static void note(struct play *play, const char *text) {
    char *end;
    unsigned long sender = strtoul(text, &end, 10), number = strtoul(end, NULL, 10);
    if (sender >= play->n_senders || number != atomic_fetch_add(&play->n_received[sender], 1) + 1)
        atomic_fetch_add(&play->n_wrong, 1);
}

static int reader_main(void *arg) {
    struct play *play = arg;
    struct earshot_event event;
    earshot *link = join(play, "reader", EARSHOT_LISTEN);
    int r = link ? EARSHOT_OK : EARSHOT_NO_HUB;
    atomic_store(&play->is_reading, link != NULL);
    while (r == EARSHOT_OK && (r = earshot_next(link, &event, -1)) == EARSHOT_OK)
        if (event.type == EARSHOT_EVENT_MESSAGE)
            note(play, event.message.text);
    return 1;
}

static int sender_main(void *arg) {
    struct sender *sender = arg;
    char text[TEXT_BYTES + 1], handle[16];
    snprintf(handle, sizeof handle, "sender-%u", sender->number);
    earshot *link = join(sender->play, handle, 0);
    struct earshot_message message = {.to = "reader", .text = text, .text_n = TEXT_BYTES};
    for (unsigned long i = 1; link && i <= sender->n; i++) {
        snprintf(text, sizeof text, "%4u %-115lu", sender->number, i);
        if (earshot_send(link, &message, NULL) != EARSHOT_OK) {
            snprintf(sender->play->error, sizeof sender->play->error, "%s: %s", handle,
                     earshot_error(link));
            return 1;
        }
    }
    for (;;)
        pause();
}

static bool has_arrived(void *arg) {
    struct play *play = arg;
    for (unsigned i = 0; i < play->n_senders; i++)
        if (atomic_load(&play->n_received[i]) < play->senders[i].n)
            return false;
    return true;
}

static bool is_reading(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->is_reading);
}

/* Each as many as before, and so many more than the one before it. */
static void check_sends(struct play *play, unsigned n_senders, unsigned long n, unsigned step,
                        const char *what) {
    pid_t pids[SENDERS_MAX];
    play->n_senders = n_senders;
    play->error[0] = '\0';
    for (unsigned i = 0; i < n_senders; i++) {
        play->senders[i].number = i;
        play->senders[i].play = play;
        atomic_store(&play->senders[i].n, n + i * step);
        atomic_store(&play->n_received[i], 0);
        pids[i] = user_start(UID_ALICE, sender_main, &play->senders[i]);
    }
    bool all = check_until(has_arrived, play, ARRIVE_MS);
    unsigned long n_all = 0, n_there = 0;
    for (unsigned i = 0; i < n_senders; i++) {
        n_all += play->senders[i].n;
        n_there += atomic_load(&play->n_received[i]);
        user_kill(pids[i]);
    }
    check(all && atomic_load(&play->n_wrong) == 0, "%s: %lu of %lu arrive, in order", what, n_there,
          n_all);
    if (play->error[0])
        check_note("%s", play->error);
}

/* quiet: what --channel-quiet is told. */
static void check_road(struct play *play, const char *quiet, const char *road) {
    char what[96];
    play->stage.more[0] = "--channel-quiet";
    play->stage.more[1] = quiet;
    stage_start_hub(&play->stage, "open");
    atomic_store(&play->is_reading, false);
    pid_t reader = user_start(UID_BOB, reader_main, play);
    check(check_until(is_reading, play, 20000), "%s: there is a reader", road);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(what, sizeof what, "%s: one alone (%u)", road, i);
        check_sends(play, 1, 50 + 97 * i, 0, what);
    }
    for (unsigned i = 0; i < 5; i++) {
        snprintf(what, sizeof what, "%s: eight at once (%u)", road, i);
        check_sends(play, SENDERS_MAX, 2000 + 131 * i, 17, what);
    }
    user_kill(reader);
}

/* Signals, while the hub takes nothing out of the channel. */

#define SIGNAL_US 20000 /* to fill the channel takes less */
#define SIGNALS 3       /* that come while the hub is stopped */
#define ROUNDS 5
#define ENOUGH                                                                                     \
    3 /* of these: who is interrupted waits on for a second, and the machine may be busy */

static struct play *interrupted;

static void on_alarm(int signal) {
    (void)signal;
    atomic_fetch_add(&interrupted->n_signals, 1);
}

/* One after the other, until a signal has come during one while the hub was stopped. */
static int interrupted_main(void *arg) {
    struct play *play = interrupted = arg;
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval every = {{0, SIGNAL_US}, {0, SIGNAL_US}};
    char text[TEXT_BYTES + 1];
    struct earshot_message message = {.to = "reader", .text = text, .text_n = TEXT_BYTES};
    earshot *link = join(play, "sender-0", EARSHOT_CHANNEL);
    unsigned long n = 0;
    bool is_last = false;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    while (link && !is_last) {
        snprintf(text, sizeof text, "%4u %-115lu", 0U, ++n);
        bool is_stopped = atomic_load(&play->hub_is_stopped);
        unsigned long before = atomic_load(&play->n_signals);
        if (earshot_send(link, &message, NULL) != EARSHOT_OK)
            return 1;
        is_last = is_stopped && atomic_load(&play->n_signals) > before;
        atomic_store(&play->senders[0].n, n);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    atomic_store(&play->is_silent, true);
    for (;;)
        pause();
}

static bool has_begun(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->n_received[0]) > 2000;
}

static bool has_heard(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->n_signals) >= SIGNALS;
}

static bool is_through(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->is_silent) && has_arrived(play);
}

static bool signals_round(struct play *play) {
    play->n_senders = 1;
    atomic_store(&play->senders[0].n, 0);
    atomic_store(&play->n_received[0], 0);
    atomic_store(&play->is_silent, false);
    pid_t pid = user_start(UID_ALICE, interrupted_main, play);
    bool is_right = check_until(has_begun, play, ARRIVE_MS);
    kill(play->stage.hub.pid, SIGSTOP);
    atomic_store(&play->n_signals, 0);
    atomic_store(&play->hub_is_stopped, true);
    is_right = check_until(has_heard, play, ARRIVE_MS) && is_right;
    kill(play->stage.hub.pid, SIGCONT);
    is_right = check_until(is_through, play, SIGNAL_MS) && is_right;
    atomic_store(&play->hub_is_stopped, false);
    user_kill(pid);
    return is_right;
}

static void check_signals(struct play *play) {
    unsigned n = 0;
    pid_t reader = user_start(UID_BOB, reader_main, play);
    for (unsigned i = 0; i < ROUNDS; i++)
        n += signals_round(play);
    user_kill(reader);
    check(n >= ENOUGH, "signals while there is no room: %u of %d times the last one arrived", n,
          ROUNDS);
}

int main(void) {
    struct play *play = check_shared(sizeof *play);
    stage_prepare(&play->stage);
    check_road(play, "0", "through queues");
    check(hub_stop(&play->stage.hub) == 0, "the hub is stopped");
    check_road(play, "60", "through channels");
    check_signals(play);
    return stage_end(&play->stage);
}
