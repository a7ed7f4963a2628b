#include "cli/received.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "cli/records.h"

#define LINES_MAX 4096 /* more than the messages of history that are looked at */

static char *path_of(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (state && state[0] == '/') {
        if (asprintf(&path, "%s/earshot/received", state) < 0)
            return NULL;
    } else if (home && asprintf(&path, "%s/.local/state/earshot/received", home) < 0) {
        return NULL;
    }
    return path;
}

static void append(struct received_list *list, const char *line) {
    list->lines = cli_grow(list->lines, list->n, sizeof *list->lines);
    list->lines[list->n++] = cli_copy(line);
}

void received_load(struct received_list *list) {
    char line[256];
    *list = (struct received_list){.path = path_of()};
    FILE *file = list->path ? fopen(list->path, "re") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        append(list, line);
    }
    if (file)
        fclose(file);
}

void received_free(struct received_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->lines[i]);
    free(list->lines);
    free(list->path);
    *list = (struct received_list){0};
}

static void line_of(char line[256], const char *id, const char *handle) {
    snprintf(line, 256, "%s %s", id, handle);
}

bool received_has_id(const struct received_list *list, const char *id, const char *handle) {
    char line[256];
    line_of(line, id, handle);
    for (size_t i = list->n; i > 0; i--)
        if (strcmp(list->lines[i - 1], line) == 0)
            return true;
    return false;
}

/* All directories above it; what is wrong with them shows when the file is opened. */
static void make_directories(char *path) {
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
}

static int write_lines(const char *path, const char *mode, char *const *lines, size_t n) {
    FILE *file = fopen(path, mode);
    if (!file)
        return error_errno();
    for (size_t i = 0; i < n; i++)
        fprintf(file, "%s\n", lines[i]);
    return fclose(file) == 0 ? 0 : error_errno();
}

/* Only the newer half is kept. */
static int rewrite(const struct received_list *list) {
    CLEANUP_FREE char *fresh = NULL;
    if (asprintf(&fresh, "%s.%d", list->path, (int)getpid()) < 0)
        return -ENOMEM;
    size_t first = list->n - LINES_MAX / 2;
    int r = write_lines(fresh, "we", list->lines + first, list->n - first);
    if (r == 0 && rename(fresh, list->path) != 0)
        r = error_errno();
    return r;
}

int received_add(struct received_list *list, const char *id, const char *handle) {
    char line[256];
    line_of(line, id, handle);
    append(list, line);
    if (!list->path)
        return -ENOENT;
    make_directories(list->path);
    if (list->n > LINES_MAX)
        return rewrite(list);
    return write_lines(list->path, "ae", &list->lines[list->n - 1], 1);
}
