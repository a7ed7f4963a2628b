/* The list. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "chat/files_inside.h"
#include "cli/records.h"
#include "cli/report.h"

#define KEPT_MAX 64 /* the oldest is forgotten; `earshot get` still finds it */
#define BLANKS " \t\n"

void file_free(struct chat *chat, struct file_item *item) {
    DL_DELETE(chat->files, item);
    if (item->message) {
        free((char *)item->message->message.file);
        free((char *)item->message->message.from);
    }
    free(item->message);
    free(item->peer);
    free(item->name);
    free(item);
}

void files_deinit(struct chat *chat) {
    while (chat->files)
        file_free(chat, chat->files);
}

struct file_item *file_find(struct chat *chat, const char *id) {
    struct file_item *item;
    DL_FOREACH(chat->files, item) {
        if (!item->message && strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

/* Only what has no transfer: that must stay in reach. */
static void forget_oldest(struct chat *chat) {
    struct file_item *item, *next, *oldest = NULL;
    unsigned n = 0;
    DL_FOREACH_SAFE(chat->files, item, next) {
        if (!(item->phase & (FILE_WAITS | FILE_SENT)))
            continue;
        n++;
        if (!oldest)
            oldest = item;
    }
    if (n >= KEPT_MAX)
        file_free(chat, oldest);
}

struct file_item *file_add(struct chat *chat, enum file_phase phase, const char *id,
                           const char *peer, const char *name, uint64_t size) {
    struct file_item *item = cli_allocate(sizeof *item);
    forget_oldest(chat);
    *item = (struct file_item){
        .phase = phase, .peer = cli_copy(peer), .name = cli_copy(name), .size = size};
    memcpy(item->id, id, sizeof item->id);
    DL_APPEND(chat->files, item);
    return item;
}

static void forget_closed(struct chat *chat) {
    struct file_item *item, *next;
    struct earshot_transfer offer;
    DL_FOREACH_SAFE(chat->files, item, next) {
        if (item->phase == FILE_OURS &&
            earshot_offered(chat->link, item->id, &offer) == EARSHOT_AGAIN)
            file_free(chat, item);
    }
}

void file_number_all(struct chat *chat) {
    struct file_item *item;
    unsigned number = 0;
    forget_closed(chat);
    DL_FOREACH(chat->files, item) {
        item->number = item->phase == FILE_SENT ? 0 : ++number;
    }
}

void file_cut_blanks(char *text) {
    size_t n = strlen(text);
    while (n > 0 && strchr(BLANKS, text[n - 1]))
        text[--n] = '\0';
}
