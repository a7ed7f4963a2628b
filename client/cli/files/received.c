#include "cli/files/received.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "cli/hash.h"
#include "cli/kept.h"
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

static void received_append(struct received_list *list, const char *text) {
    if (received_find(list, text))
        return;
    size_t size = strlen(text) + 1;
    struct received_line *line = cli_allocate(sizeof *line + size);
    memcpy(line->text, text, size);
    HASH_ADD_STR(list->lines, text, line);
}

static void received_drop(struct received_list *list, struct received_line *line) {
    HASH_DEL(list->lines, line);
    free(line);
}

static void received_write(void *arg, FILE *out) {
    const struct received_list *list = arg;
    for (const struct received_line *line = list->lines; line; line = line->hh.next)
        fprintf(out, "%s\n", line->text);
}

/* Only the newer half is kept. If it cannot be written, the next who reads the list tries it. */
static void received_forget_oldest(struct received_list *list) {
    while (HASH_COUNT(list->lines) > RECEIVED_FILES_MAX)
        received_drop(list, list->lines);
    kept_renew(list->path, received_write, list);
}

void received_load(struct received_list *list) {
    char line[LINE_SIZE];
    *list = (struct received_list){.path = received_path()};
    /* Who can write to it could keep files from us, or have us write into another file of ours. */
    FILE *file = list->path ? kept_open(list->path, &list->distrust) : NULL;
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
    char line[LINE_SIZE], with_end[LINE_SIZE + 1];
    received_line_text(line, id, uid, handle);
    received_append(list, line);
    if (!list->path)
        return -ENOENT;
    if (list->distrust)
        return -EPERM;
    received_make_way(list->path);
    snprintf(with_end, sizeof with_end, "%s\n", line);
    return kept_append(list->path, with_end);
}
