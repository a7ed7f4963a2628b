#include "chat/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/home.h"
#include "base/macro.h"
#include "chat/chat.h"
#include "cli/kept.h"

#define MEMORY_LINE_MAX 2048
#define MEMORY_ITEMS_MAX 1000 /* then the oldest is forgotten for a new one */

static void memory_free_item(struct memory *memory, struct memory_item *item) {
    DL_DELETE(memory->items, item);
    free(item->kind);
    free(item->name);
    free(item->value);
    free(item);
}

static void memory_clear(struct memory *memory) {
    while (memory->items)
        memory_free_item(memory, memory->items);
}

void memory_deinit(struct memory *memory) {
    memory_clear(memory);
    free(memory->path);
    *memory = (struct memory){0};
}

static struct memory_item *memory_find(const struct memory *memory, const char *kind,
                                       const char *name) {
    struct memory_item *item;
    DL_FOREACH(memory->items, item) {
        if (strcmp(item->kind, kind) == 0 && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

const char *memory_get(const struct memory *memory, const char *kind, const char *name) {
    const struct memory_item *item = memory_find(memory, kind, name);
    return item ? item->value : NULL;
}

void memory_each(const struct memory *memory, const char *kind,
                 void (*visit)(void *arg, const char *name, const char *value), void *arg) {
    const struct memory_item *item, *next;
    for (item = memory->items; item; item = next) {
        next = item->next;
        if (strcmp(item->kind, kind) == 0)
            visit(arg, item->name, item->value);
    }
}

static void memory_add(struct memory *memory, const char *kind, const char *name,
                       const char *value) {
    struct memory_item *item = calloc(1, sizeof *item);
    if (!item)
        return;
    item->kind = strdup(kind);
    item->name = strdup(name);
    item->value = strdup(value);
    DL_APPEND(memory->items, item);
    if (!item->kind || !item->name || !item->value)
        memory_free_item(memory, item);
}

static void memory_put(struct memory *memory, const char *kind, const char *name,
                       const char *value) {
    struct memory_item *old = memory_find(memory, kind, name);
    const struct memory_item *item;
    size_t n;
    DL_COUNT(memory->items, item, n);
    if (!old && value && n >= MEMORY_ITEMS_MAX)
        old = memory->items;
    if (old)
        memory_free_item(memory, old);
    if (value)
        memory_add(memory, kind, name, value);
}

/* A line is "KIND\tNAME\tVALUE". */
static void memory_read(struct memory *memory) {
    char line[MEMORY_LINE_MAX];
    size_t n = 0;
    FILE *in = kept_open(memory->path, NULL);
    if (!in)
        return;
    memory_clear(memory);
    while (n++ < MEMORY_ITEMS_MAX && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        char *name = strchr(line, '\t');
        char *value = name ? strchr(name + 1, '\t') : NULL;
        if (!value)
            continue;
        *name++ = *value++ = '\0';
        memory_add(memory, line, name, value);
    }
    fclose(in);
}

static void memory_write(void *arg, FILE *out) {
    const struct memory *memory = arg;
    const struct memory_item *item;
    DL_FOREACH(memory->items, item) {
        fprintf(out, "%s\t%s\t%s\n", item->kind, item->name, item->value);
    }
}

/* Another window may have changed something else meanwhile. */
void memory_set(struct memory *memory, const char *kind, const char *name, const char *value) {
    const char *is = memory_get(memory, kind, name);
    if (is == value || (is && value && strcmp(is, value) == 0) ||
        (value && strlen(kind) + strlen(name) + strlen(value) + 4 > MEMORY_LINE_MAX))
        return;
    if (memory->path)
        memory_read(memory);
    memory_put(memory, kind, name, value);
    if (memory->path)
        kept_renew(memory->path, memory_write, memory);
}

char *memory_path(const char *file) {
    char base[PATH_MAX];
    CLEANUP_FREE char *dir = NULL;
    char *path = NULL;
    if (home_base(base, "XDG_STATE_HOME", "/.local/state") < 0 || !base[0])
        return NULL;
    if (asprintf(&dir, "%s/earshot/window", base) < 0) {
        dir = NULL;
        return NULL;
    }
    if (home_make(dir) != 0 || asprintf(&path, "%s/%s", dir, file) < 0)
        return NULL;
    return path;
}

/* "alice!run!earshot" */
void memory_start(struct chat *chat) {
    struct earshot_hub_info hub;
    CLEANUP_FREE char *file = NULL;
    earshot_hub(chat->link, &hub);
    if (asprintf(&file, "%s%s", hub.handle, hub.dir) < 0) {
        file = NULL;
        return;
    }
    for (char *c = file; *c; c++)
        if (*c == '/')
            *c = '!';
    chat->memory.path = strlen(file) + sizeof ".XXXXXX" <= NAME_MAX ? memory_path(file) : NULL;
    if (chat->memory.path)
        memory_read(&chat->memory);
}
