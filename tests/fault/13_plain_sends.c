/*
 * Programs that send one message after the other, plainly, and then do nothing more: not a call of
 * the library, for ever. All that they have sent arrives, whether they were through queues or
 * through a channel then, and whether one was alone or many had filled the lanes.
 * test: timeout=300
 */
#include <errno.h>
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
    atomic_ulong n_received[SENDERS_MAX], n_wrong;
    struct sender *interrupted;
    atomic_ulong n_signals;
    int signal_us;
    atomic_bool hub_is_stopped, was_not_taken, is_silent;
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

/* quiet: what --channel-quiet is told. Returns the reader. */
static pid_t check_road(struct play *play, const char *quiet, const char *road) {
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
    return reader;
}

/*
 * Signals, while the hub takes nothing out of the channel. Either the channel is full, then the
 * message is taken and goes out; or the window is, then it is not taken, and the program is told.
 */

#define SIGNAL_US 20000 /* to fill the channel mostly takes less; on a busy machine more, */
#define SIGNAL_US_MAX                                                                              \
    200000        /* but all of them come within the second that the library waits on              \
                   */
#define SIGNALS 3 /* that come while the hub is stopped */
#define ROUNDS 5  /* in which the channel was full */
#define TRIES_MAX 50

static struct play *alarmed;

static void on_alarm(int signal) {
    (void)signal;
    atomic_fetch_add(&alarmed->n_signals, 1);
}

/* One message. True: it was taken, and a signal came meanwhile. */
static bool send_interrupted(struct play *play, earshot *link,
                             const struct earshot_message *message) {
    for (;;) {
        unsigned long before = atomic_load(&play->n_signals);
        int r = earshot_send(link, message, NULL);
        if (r == EARSHOT_OK)
            return atomic_load(&play->n_signals) > before;
        if (r != -EINTR) {
            snprintf(play->error, sizeof play->error, "sender-0: %s", earshot_error(link));
            _exit(1);
        }
        if (atomic_load(&play->hub_is_stopped))
            atomic_store(&play->was_not_taken, true);
    }
}

/* One after the other, until a signal has come during one while the hub was stopped. */
static int interrupted_main(void *arg) {
    struct sender *sender = arg;
    struct play *play = alarmed = sender->play;
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval every = {{0, play->signal_us}, {0, play->signal_us}};
    char text[TEXT_BYTES + 1];
    struct earshot_message message = {.to = "reader", .text = text, .text_n = TEXT_BYTES};
    earshot *link = join(play, "sender-0", EARSHOT_CHANNEL);
    bool is_last = false;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (unsigned long i = 1; link && !is_last; i++) {
        snprintf(text, sizeof text, "%4u %-115lu", sender->number, i);
        bool is_stopped = atomic_load(&play->hub_is_stopped);
        is_last = send_interrupted(play, link, &message) && is_stopped;
        atomic_store(&sender->n, i);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    atomic_store(&play->is_silent, link != NULL);
    while (pause() < 0) {
    }
    return 1;
}

static unsigned long n_arrived(const struct play *play) {
    return atomic_load(&play->n_received[play->interrupted->number]);
}

static bool has_begun(void *arg) {
    return n_arrived(arg) > 2000;
}

static bool has_heard(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->n_signals) >= SIGNALS || atomic_load(&play->is_silent);
}

static bool is_through(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->is_silent) && n_arrived(play) >= atomic_load(&play->interrupted->n);
}

/*
 * False: the window was full instead; or the machine is so busy that a signal came before the
 * channel was full, or that the library, which waits on for a second, may have given up.
 */
static bool was_interrupted(const struct play *play) {
    return !atomic_load(&play->was_not_taken) && !atomic_load(&play->is_silent);
}

/* Returns whether the channel was full. What this sender leaves may arrive during the next round,
 * whose sender has another number. */
static bool signals_round(struct play *play, unsigned number, bool *is_right) {
    struct sender *sender = play->interrupted = &play->senders[number];
    sender->number = number;
    atomic_store(&sender->n, 0);
    atomic_store(&play->n_received[number], 0);
    atomic_store(&play->is_silent, false);
    atomic_store(&play->was_not_taken, false);
    pid_t pid = user_start(UID_ALICE, interrupted_main, sender);
    *is_right = check_until(has_begun, play, ARRIVE_MS);
    kill(play->stage.hub.pid, SIGSTOP);
    atomic_store(&play->n_signals, 0);
    atomic_store(&play->hub_is_stopped, true);
    *is_right = check_until(has_heard, play, ARRIVE_MS) && *is_right;
    kill(play->stage.hub.pid, SIGCONT);
    bool is_met = was_interrupted(play);
    if (is_met)
        *is_right = check_until(is_through, play, ARRIVE_MS) && *is_right;
    atomic_store(&play->hub_is_stopped, false);
    user_kill(pid);
    return is_met;
}

static void check_signals(struct play *play) {
    unsigned n = 0, n_tries = 0;
    bool is_right = true;
    play->n_senders = SENDERS_MAX;
    play->error[0] = '\0';
    play->signal_us = SIGNAL_US;
    for (; n < ROUNDS && n_tries < TRIES_MAX && is_right; n_tries++) {
        bool is_met = signals_round(play, n_tries % SENDERS_MAX, &is_right);
        n += is_met && is_right;
        if (!is_met && play->signal_us < SIGNAL_US_MAX)
            play->signal_us += SIGNAL_US;
    }
    check(n == ROUNDS && atomic_load(&play->n_wrong) == 0,
          "signals while there is no room: %u of %d times the last one arrived, in order", n,
          ROUNDS);
    check_note("in %u tries%s%s", n_tries, play->error[0] ? "; " : "", play->error);
}

int main(void) {
    struct play *play = check_shared(sizeof *play);
    stage_prepare(&play->stage);
    user_kill(check_road(play, "0", "through queues"));
    check(hub_stop(&play->stage.hub) == 0, "the hub is stopped");
    pid_t reader = check_road(play, "60", "through channels");
    check_signals(play);
    user_kill(reader);
    return stage_end(&play->stage);
}
