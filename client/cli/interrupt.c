#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t signal_seen;
static volatile sig_atomic_t limit_seen;
static volatile sig_atomic_t ends_at_once;
static int limit_ms = -1;

/* Only what may be called in a signal handler. */
static void interrupt_end_now(int number) {
    static const char late[] = "earshot: the time limit has passed; allow more with --timeout\n";
    if (number == SIGALRM && !signal_seen) {
        ssize_t written = write(STDERR_FILENO, late, sizeof late - 1);
        (void)written;
        _exit(75); /* CLI_TRY_AGAIN */
    }
    _exit(128 + (number == SIGALRM ? signal_seen : number));
}

static void interrupt_take_signal(int number) {
    if (ends_at_once)
        interrupt_end_now(number);
    if (number == SIGALRM && !signal_seen) {
        limit_seen = 1;
        return;
    }
    if (number != SIGALRM)
        signal_seen = number;
    alarm(1);
}

void cli_interrupt_setup(void) {
    struct sigaction old, action = {.sa_handler = interrupt_take_signal};
    /* Also where a script's shell had it ignored for a background job: who sends it, means it. */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    /* nohup(1) */
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void cli_interrupt_at_once(bool on) {
    ends_at_once = on;
}

int cli_interrupted(void) {
    return signal_seen ? 128 + signal_seen : 0;
}

static void interrupt_set_timer(int first_ms, int again_ms) {
    struct itimerval timer = {
        .it_value = {first_ms / 1000, (first_ms % 1000) * 1000},
        .it_interval = {again_ms / 1000, (again_ms % 1000) * 1000},
    };
    setitimer(ITIMER_REAL, &timer, NULL);
}

void cli_limit_start(int ms) {
    limit_ms = ms;
    if (ms >= 0 && !signal_seen)
        interrupt_set_timer(ms > 0 ? ms : 1, 100);
}

void cli_limit_stop(void) {
    if (limit_ms >= 0 && !signal_seen)
        interrupt_set_timer(0, 0);
    limit_ms = -1;
}

bool cli_limit_passed(void) {
    return limit_seen && limit_ms >= 0;
}

double cli_limit_seconds(void) {
    return limit_ms / 1000.0;
}
