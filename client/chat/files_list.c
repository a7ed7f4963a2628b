/* /files */
#include <string.h>
#include <utlist.h>

#include "chat/command.h"
#include "chat/files_inside.h"
#include "cli/file.h"

/* How far the transfers of this file are; false: there is none. */
static bool list_running(struct chat *chat, const struct file_item *item) {
    struct earshot_transfer transfer;
    char bytes[SIZE_TEXT], size[SIZE_TEXT];
    bool is_running = false;
    for (unsigned n = 0; earshot_progress(chat->link, n, &transfer) == EARSHOT_OK; n++) {
        if (strcmp(transfer.id, item->id) != 0)
            continue;
        file_size_text(transfer.bytes, bytes);
        file_size_text(transfer.size, size);
        view_note(&chat->view, VIEW_INFO, "%u. %s %s %s: %s%s%s", item->number, transfer.name,
                  transfer.outgoing ? "for" : "from", transfer.peer, bytes, *size ? " of " : "",
                  size);
        is_running = true;
    }
    return is_running;
}

static void list_item(struct chat *chat, const struct file_item *item, const char *remark) {
    char size[SIZE_TEXT];
    file_size_text(item->size, size);
    bool is_stream = item->size == EARSHOT_SIZE_UNKNOWN;
    view_note(&chat->view, VIEW_INFO, "%u. %s %s %s, %s%s", item->number, item->name,
              item->phase == FILE_OURS ? "for" : "from", item->peer, is_stream ? "a stream" : size,
              remark);
}

/* Others of a room may take it, too. */
static bool is_open_to_others(const struct file_item *item) {
    return item->phase == FILE_OURS && item->peer[0] == '#';
}

static void files_list_show(struct chat *chat, const struct file_item *item) {
    if (item->phase == FILE_WAITS)
        list_item(chat, item, "");
    else if (!list_running(chat, item) || is_open_to_others(item))
        list_item(chat, item, item->phase == FILE_OURS ? ": offered" : ": not begun yet");
}

int files_list(struct chat *chat, char *arguments) {
    (void)arguments;
    const struct file_item *item;
    unsigned n = 0;
    file_number_all(chat);
    DL_FOREACH(chat->files, item) {
        if (item->number == 0)
            continue;
        files_list_show(chat, item);
        n++;
    }
    if (n == 0)
        view_note(&chat->view, VIEW_INFO, "no file waits, none is under way");
    return COMMAND_DONE;
}
