#include "harness/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct shared { atomic_int n_ok, n_failed; } * shared;

void *check_shared(size_t n) {
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        check_die("no shared memory: %s", strerror(errno));
    return memory;
}

void check_begin(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    shared = check_shared(sizeof *shared);
}

/* One write per line, so that lines of several processes stay whole. */
static void check_say(const char *head, const char *format, va_list args) {
    char line[1024];
    int n = snprintf(line, sizeof line, "%s", head);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    size_t used = (size_t)n + (m < 0 ? 0 : (size_t)m);
    if (used > sizeof line - 2)
        used = sizeof line - 2;
    line[used] = '\n';
    if (write(STDOUT_FILENO, line, used + 1) < 0)
        _exit(1);
}

bool check_line(bool ok, const char *format, ...) {
    va_list args;
    va_start(args, format);
    check_say(ok ? "ok - " : "not ok - ", format, args);
    va_end(args);
    atomic_fetch_add(ok ? &shared->n_ok : &shared->n_failed, 1);
    return ok;
}

void check_note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    check_say("# ", format, args);
    va_end(args);
}

void check_skip(const char *format, ...) {
    va_list args;
    va_start(args, format);
    check_say("SKIPPED ", format, args);
    va_end(args);
    exit(77);
}

void check_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    check_say("not ok - harness: ", format, args);
    va_end(args);
    if (shared)
        atomic_fetch_add(&shared->n_failed, 1);
    exit(1);
}

int check_end(void) {
    int n_ok = atomic_load(&shared->n_ok), n_failed = atomic_load(&shared->n_failed);
    check_note("%d ok, %d not ok", n_ok, n_failed);
    return n_failed == 0 && n_ok > 0 ? 0 : 1;
}

void check_pause(int *us) {
    *us = *us == 0 ? 250 : *us < 5000 ? *us * 2 : 10000;
    struct timespec pause = {.tv_nsec = *us * 1000L};
    nanosleep(&pause, NULL);
}

/* A program under a sanitizer is several times slower. */
static int check_patience(void) {
    const char *sanitizer = getenv("SANITIZE");
    return sanitizer && *sanitizer ? 5 : 1;
}

bool check_until(check_state state, void *arg, int ms) {
    mono_time deadline = mono_add_ms(mono_now(), (int64_t)ms * check_patience());
    int us = 0;
    while (!state(arg)) {
        if (mono_ms_until(mono_now(), deadline) <= 0)
            return state(arg);
        check_pause(&us);
    }
    return true;
}

long check_env(const char *name, long otherwise) {
    const char *text = getenv(name);
    if (!text || !*text)
        return otherwise;
    char *end;
    long value = strtol(text, &end, 10);
    return *end ? otherwise : value;
}

static int check_compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t check_percentile(int64_t *samples, size_t n, double p) {
    if (n == 0)
        return 0;
    qsort(samples, n, sizeof *samples, check_compare);
    size_t at = (size_t)((double)n * p / 100.0);
    return samples[at < n ? at : n - 1];
}
