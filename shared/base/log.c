#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_BYTES 2048 /* a longer line is cut; one write(2) keeps lines of threads apart */
#define CODE_POINT_BYTES 4
#define KEPT_BYTES ((size_t)16 * 1024)
#define QUEUE_BYTES ((size_t)64 * 1024)
#define STALLED_MS 1000 /* nobody waits longer for who does not read the log */

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static atomic_int current_level = LOG_LEVEL_INFO;

/* For all that follows. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/* Between log_keep() and log_move(). */
static char *kept;
static size_t n_kept;

/*
 * Between log_start() and log_stop(): lines that wait for the thread that writes them. It takes one
 * half with all that is in there; meanwhile the other one is filled.
 */
static struct {
    bool is_on, stops;
    bool is_writing; /* the half that is not being filled */
    char halves[2][QUEUE_BYTES];
    unsigned filling; /* which half */
    size_t n;
    unsigned long n_left_out; /* after these n bytes, and then every line until they are taken */
    pthread_t thread;
    pthread_cond_t filled, written;
} queue = {.filled = PTHREAD_COND_INITIALIZER, .written = PTHREAD_COND_INITIALIZER};

int log_level_from_name(const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (strcmp(name, level_names[i]) == 0)
            return (int)i;
    return -1;
}

void log_set_level(enum log_level level) {
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

/* "2024-05-01T12:00:00.123Z info " */
static size_t put_head(char *line, size_t size, enum log_level level) {
    wall_time now = wall_now();
    time_t seconds = (time_t)(now.ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    int rest = snprintf(line + n, size - n, ".%03dZ %s ", (int)(now.ms % 1000), level_names[level]);
    return n + (size_t)rest;
}

static void write_all(int fd, const char *data, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, data, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nowhere to complain */
        data += written;
        n -= (size_t)written;
    }
}

void log_keep(void) {
    kept = malloc(KEPT_BYTES); /* without it they go to standard error alone */
}

/* With the guard. False: who should read does not. */
static bool await_written(void) {
    struct timespec until;
    int r = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STALLED_MS / 1000;
    while (r == 0 && (queue.n > 0 || queue.is_writing))
        r = pthread_cond_timedwait(&queue.written, &guard, &until);
    return r == 0;
}

void log_move(int fd) {
    pthread_mutex_lock(&guard);
    await_written();
    if (kept)
        queue.n = 0; /* what is not written yet is among what was kept */
    write_all(fd, kept, n_kept);
    dup2(fd, STDERR_FILENO);
    free(kept);
    kept = NULL;
    n_kept = 0;
    pthread_mutex_unlock(&guard);
}

static void write_left_out(unsigned long n) {
    char line[LINE_BYTES];
    size_t at = put_head(line, sizeof line, LOG_LEVEL_WARNING);
    int rest = snprintf(line + at, sizeof line - at,
                        "%lu lines were left out: the log was not read for too long\n", n);
    write_all(STDERR_FILENO, line, at + (size_t)rest);
}

/* With the guard, which it leaves for writing. */
static void write_queued(void) {
    const char *data = queue.halves[queue.filling];
    size_t n = queue.n;
    unsigned long n_left_out = queue.n_left_out;
    queue.filling = !queue.filling;
    queue.n = 0;
    queue.n_left_out = 0;
    queue.is_writing = true;
    pthread_mutex_unlock(&guard);
    write_all(STDERR_FILENO, data, n);
    if (n_left_out > 0)
        write_left_out(n_left_out);
    pthread_mutex_lock(&guard);
    queue.is_writing = false;
    pthread_cond_broadcast(&queue.written);
}

static void *log_thread(void *arg) {
    pthread_mutex_lock(&guard);
    while (queue.n > 0 || !queue.stops) {
        if (queue.n > 0)
            write_queued();
        else
            pthread_cond_wait(&queue.filled, &guard);
    }
    pthread_mutex_unlock(&guard);
    return arg;
}

int log_start(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the other threads */
    queue.stops = false;
    int r = pthread_create(&queue.thread, NULL, log_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    queue.is_on = r == 0;
    return -r;
}

void log_stop(void) {
    if (!queue.is_on)
        return;
    pthread_mutex_lock(&guard);
    queue.stops = true;
    pthread_cond_signal(&queue.filled);
    bool is_written = await_written();
    queue.is_on = !is_written; /* else it hangs until the process ends */
    pthread_mutex_unlock(&guard);
    if (is_written)
        pthread_join(queue.thread, NULL);
}

/* With the guard. */
static void queue_line(const char *line, size_t n) {
    if (queue.n_left_out > 0 || n > QUEUE_BYTES - queue.n) {
        queue.n_left_out++;
        return;
    }
    memcpy(queue.halves[queue.filling] + queue.n, line, n);
    queue.n += n;
    pthread_cond_signal(&queue.filled);
}

void log_write(enum log_level level, const char *format, ...) {
    if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed))
        return;
    int saved_errno = errno;
    char line[LINE_BYTES];
    size_t n = put_head(line, sizeof line, level);

    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    if (wanted > 0 && (size_t)wanted < sizeof line - n)
        n += (size_t)wanted;
    else if (wanted > 0)
        n = text_cut((struct bytes){line, sizeof line - 1}, sizeof line - CODE_POINT_BYTES - 1);
    line[n++] = '\n';
    pthread_mutex_lock(&guard);
    if (kept && n <= KEPT_BYTES - n_kept) {
        memcpy(kept + n_kept, line, n);
        n_kept += n;
    }
    if (queue.is_on)
        queue_line(line, n);
    else
        write_all(STDERR_FILENO, line, n);
    pthread_mutex_unlock(&guard);
    errno = saved_errno;
}
