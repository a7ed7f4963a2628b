#include "chat/line/recall.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/macro.h"
#include "chat/memory.h"

#define RECALL_LINES 1000
#define RECALL_FILE "lines"           /* no handle and hub have this name: these have a "!" in it */
#define RECALL_BYTES_MAX (512 * 1024) /* then only the last lines are kept */

static char *recall_path; /* NULL: nothing is written down */

/* Reads up to RECALL_LINES of it. */
static void recall_load(void) {
    char line[4096];
    int fd = open(recall_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!in && fd >= 0)
        close(fd);
    while (in && fgets(line, sizeof line, in)) {
        size_t n = strcspn(line, "\n");
        if (n == 0 || line[n] != '\n')
            continue;
        line[n] = '\0';
        add_history(line);
    }
    if (in)
        fclose(in);
}

static void recall_shorten(void) {
    struct stat status;
    if (stat(recall_path, &status) < 0 || status.st_size < RECALL_BYTES_MAX)
        return;
    CLEANUP_FREE char *new = NULL;
    if (asprintf(&new, "%s.XXXXXX", recall_path) < 0) {
        new = NULL;
        return;
    }
    int fd = mkostemp(new, O_CLOEXEC);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (int i = history_base; i < history_base + history_length; i++)
        fprintf(out, "%s\n", history_get(i)->line);
    if (fclose(out) != 0 || rename(new, recall_path) < 0)
        unlink(new);
}

void recall_start(void) {
    stifle_history(RECALL_LINES);
    using_history();
    recall_path = memory_path(RECALL_FILE);
    if (!recall_path)
        return;
    recall_load();
    recall_shorten();
}

void recall_stop(void) {
    clear_history();
    free(recall_path);
    recall_path = NULL;
}

/* Words that stand beside what is nobody's business. */
static bool recall_is_secret(const char *line) {
    static const char *const signs[] = {"passw",       "passphrase",     "secret",  "token",
                                        "apikey",      "api_key",        "api-key", "credential",
                                        "private key", "authorization:", "bearer ", "identify "};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strcasestr(line, signs[i]))
            return true;
    return false;
}

static void recall_write(const char *line) {
    CLEANUP_FREE char *text = NULL;
    if (!recall_path || line[0] == ' ' || strchr(line, '\n') || recall_is_secret(line))
        return;
    int n = asprintf(&text, "%s\n", line);
    if (n < 0) {
        text = NULL;
        return;
    }
    int fd = open(recall_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    ssize_t written = write(fd, text, (size_t)n); /* else it is known to this window only */
    (void)written;
    close(fd);
}

void recall_add(const char *line) {
    using_history();
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || (last && strcmp(last->line, line) == 0))
        return;
    add_history(line);
    recall_write(line);
}
