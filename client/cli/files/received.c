#include "cli/files/received.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/home.h"
#include "base/macro.h"
#include "base/trust.h"
#include "cli/hash.h"
#include "cli/records.h"
#include "ipc/rendezvous.h"

#define LINE_SIZE 256

struct received_line {
    UT_hash_handle hh;
    char text[];
};

static char *received_path(void) {
    char state[PATH_MAX], *path = NULL;
    if (rendezvous_private_state(state) < 0 || !state[0] ||
        asprintf(&path, "%s/received", state) < 0)
        return NULL;
    return path;
}

static struct received_line *received_find(const struct received_list *list, const char *text) {
    struct received_line *line;
    HASH_FIND_STR(list->lines, text, line);
    return line;
}

static struct received_line *received_append(struct received_list *list, const char *text) {
    struct received_line *line = received_find(list, text);
    if (line)
        return line;
    size_t size = strlen(text) + 1;
    line = cli_allocate(sizeof *line + size);
    memcpy(line->text, text, size);
    HASH_ADD_STR(list->lines, text, line);
    return line;
}

static void received_drop(struct received_list *list, struct received_line *line) {
    HASH_DEL(list->lines, line);
    free(line);
}

/* `first` and `n` - 1 lines behind it. */
static int received_write(const char *path, int flags, const struct received_line *first,
                          unsigned n) {
    struct trust_fault fault;
    int fd = trust_open(path, O_WRONLY | O_CREAT | flags, &fault);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file && fd >= 0)
        close(fd);
    if (!file)
        return fd == TRUST_FAULTY ? -EPERM : fd < 0 ? fd : -ENOMEM;
    for (const struct received_line *line = first; line && n > 0; line = line->hh.next, n--)
        fprintf(file, "%s\n", line->text);
    return fclose(file) == 0 ? 0 : error_errno();
}

/* Only the newer half is kept. If it cannot be written, the next who reads the list tries it. */
static void received_forget_oldest(struct received_list *list) {
    CLEANUP_FREE char *fresh = NULL;
    while (HASH_COUNT(list->lines) > RECEIVED_FILES_MAX)
        received_drop(list, list->lines);
    if (asprintf(&fresh, "%s.%d", list->path, (int)getpid()) < 0)
        return;
    if (received_write(fresh, O_TRUNC, list->lines, RECEIVED_FILES_MAX) != 0 ||
        rename(fresh, list->path) != 0)
        (void)unlink(fresh);
}

/* Who can write to it could keep files from us, or have us write into another file of ours. */
static FILE *received_open(struct received_list *list) {
    char why[2 * PATH_MAX];
    struct trust_fault fault;
    int fd = list->path ? trust_open(list->path, O_RDONLY, &fault) : -ENOENT;
    if (fd == TRUST_FAULTY) {
        trust_text(&fault, list->path, why, sizeof why);
        list->distrust = cli_copy(why);
    }
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!file && fd >= 0)
        close(fd);
    return file;
}

void received_load(struct received_list *list) {
    char line[LINE_SIZE];
    *list = (struct received_list){.path = received_path()};
    FILE *file = received_open(list);
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        received_append(list, line);
    }
    if (file)
        fclose(file);
    if (HASH_COUNT(list->lines) > 2 * RECEIVED_FILES_MAX)
        received_forget_oldest(list);
}

void received_free(struct received_list *list) {
    while (list->lines)
        received_drop(list, list->lines);
    free(list->path);
    free(list->distrust);
    *list = (struct received_list){0};
}

static void received_line_text(char line[LINE_SIZE], const char *id, uid_t uid,
                               const char *handle) {
    snprintf(line, LINE_SIZE, "%s %u %s", id, uid, handle);
}

bool received_has_id(const struct received_list *list, const char *id, uid_t uid,
                     const char *handle) {
    char line[LINE_SIZE], old[LINE_SIZE];
    received_line_text(line, id, uid, handle);
    snprintf(old, sizeof old, "%s %s", id, handle);
    return received_find(list, line) || received_find(list, old);
}

/* What is wrong with the directories above it shows when the file is opened. */
static void received_make_way(const char *path) {
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    (void)home_make(dir);
}

int received_add(struct received_list *list, const char *id, uid_t uid, const char *handle) {
    char line[LINE_SIZE];
    received_line_text(line, id, uid, handle);
    const struct received_line *added = received_append(list, line);
    if (!list->path)
        return -ENOENT;
    if (list->distrust)
        return -EPERM;
    received_make_way(list->path);
    return received_write(list->path, O_APPEND, added, 1);
}
