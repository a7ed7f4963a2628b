#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
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

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static atomic_int current_level = LOG_LEVEL_INFO;

/* Between log_keep() and log_move(). */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static char *kept;
static size_t n_kept;

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

void log_move(int fd) {
    pthread_mutex_lock(&kept_lock);
    write_all(fd, kept, n_kept);
    dup2(fd, STDERR_FILENO);
    free(kept);
    kept = NULL;
    n_kept = 0;
    pthread_mutex_unlock(&kept_lock);
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
    pthread_mutex_lock(&kept_lock);
    if (kept && n <= KEPT_BYTES - n_kept) {
        memcpy(kept + n_kept, line, n);
        n_kept += n;
    }
    write_all(STDERR_FILENO, line, n);
    pthread_mutex_unlock(&kept_lock);
    errno = saved_errno;
}
