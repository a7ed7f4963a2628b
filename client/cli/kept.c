#include "cli/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/trust.h"

static FILE *kept_stream(int fd, const char *mode) {
    FILE *file = fd >= 0 ? fdopen(fd, mode) : NULL;
    if (!file && fd >= 0)
        close(fd);
    return file;
}

FILE *kept_open(const char *path, char **why) {
    char text[2 * PATH_MAX];
    struct trust_fault fault;
    int fd = trust_open(path, O_RDONLY, &fault);
    if (why)
        *why = NULL;
    if (why && fd == TRUST_FAULTY) {
        trust_text(&fault, path, text, sizeof text);
        *why = strdup(text);
    }
    return kept_stream(fd, "r");
}

int kept_append(const char *path, const char *text) {
    struct trust_fault fault;
    size_t n = strlen(text);
    CLEANUP_CLOSE int fd = trust_open(path, O_WRONLY | O_APPEND | O_CREAT, &fault);
    if (fd < 0)
        return fd == TRUST_FAULTY ? -EPERM : fd;
    ssize_t written = write(fd, text, n);
    if (written < 0)
        return error_errno();
    return (size_t)written == n ? 0 : -ENOSPC;
}

void kept_renew(const char *path, void (*write)(void *arg, FILE *out), void *arg) {
    CLEANUP_FREE char *fresh = NULL;
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0) {
        fresh = NULL;
        return;
    }
    int fd = mkostemp(fresh, O_CLOEXEC);
    FILE *out = kept_stream(fd, "w");
    if (out)
        write(arg, out);
    if (fd >= 0 && (!out || fclose(out) != 0 || rename(fresh, path) < 0))
        unlink(fresh);
}
