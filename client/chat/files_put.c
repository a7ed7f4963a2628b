/* /put, and what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/home.h"
#include "base/macro.h"
#include "chat/ask.h"
#include "chat/command.h"
#include "chat/files_inside.h"
#include "chat/talk.h"
#include "cli/records.h"
#include "cli/report.h"

#define BLANKS " \t\n"

/* "~/" is one's own directory. */
char *files_expand(const char *path) {
    char home[PATH_MAX], *full = NULL;
    if (path[0] == '~' && path[1] == '/' && home_of_user(home) == 0 && home[0] &&
        asprintf(&full, "%s%s", home, path + 1) >= 0)
        return full;
    return cli_copy(path);
}

/* To read from a pipe or a device can take for ever: that is for a program that may wait. */
static bool is_refused(struct chat *chat, const char *to, const char *path) {
    struct stat status;
    if (stat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return false;
    if (S_ISSOCK(status.st_mode))
        chat_fail(chat, CLI_DATA, "file", "%s is a socket, which cannot be sent", path);
    else
        chat_fail(chat, CLI_DATA, "file", "%s is a %s; from a shell: earshot put %s %s", path,
                  S_ISFIFO(status.st_mode) ? "pipe" : "device", to, path);
    return true;
}

static void fail_file(struct chat *chat, const char *path, int result) {
    if (result < 0)
        chat_fail(chat, CLI_DATA, "file", "cannot read %s: %s", path, strerror(-result));
    else
        chat_fail_link(chat, result, "cannot hand it over");
}

static int file_post(struct chat *chat, const char *to, const char *path) {
    struct earshot_transfer file;
    int result = earshot_post(chat->link, to, path, &file);
    if (result != EARSHOT_OK)
        return result;
    file_add(chat, FILE_SENT, file.id, to, file.name, file.size)->is_untold = true;
    talk_sent_file(chat, file.id, file.name);
    return EARSHOT_OK;
}

static int file_offer(struct chat *chat, const char *to, const char *path) {
    char id[EARSHOT_ID_SIZE];
    struct earshot_source source = {.path = path};
    struct earshot_transfer file;
    uint32_t request = 0;
    int result = earshot_offer(chat->link, to, &source, id, &request);
    if (result != EARSHOT_OK)
        return result;
    if (earshot_offered(chat->link, id, &file) == EARSHOT_OK)
        file_add(chat, FILE_OURS, id, to, file.name, file.size)->request = request;
    ask_made(chat, EARSHOT_OK, request, ASK_OFFER, to);
    return EARSHOT_OK;
}

static void file_put(struct chat *chat, const char *to, const char *path) {
    if (is_refused(chat, to, path))
        return;
    int result = file_post(chat, to, path);
    if (result == EARSHOT_LIMIT)
        result = file_offer(chat, to, path);
    if (result != EARSHOT_OK)
        fail_file(chat, path, result);
}

int files_put(struct chat *chat, char *arguments) {
    file_cut_blanks(arguments);
    CLEANUP_FREE char *whole = files_expand(arguments);
    size_t n = strcspn(arguments, BLANKS);
    if (!*arguments || (!arguments[n] && !*chat->target)) {
        chat_fail(chat, CLI_USAGE, "usage", "usage: /put [TO] PATH");
        return COMMAND_DONE;
    }
    if (!arguments[n] || (*chat->target && access(whole, F_OK) == 0)) {
        file_put(chat, chat->target, whole);
        return COMMAND_DONE;
    }
    CLEANUP_FREE char *path = files_expand(arguments + n + strspn(arguments + n, BLANKS));
    arguments[n] = '\0';
    file_put(chat, arguments, path);
    return COMMAND_DONE;
}

/* What the hub says. */

void files_offered(struct chat *chat, uint32_t request) {
    struct file_item *item;
    DL_FOREACH(chat->files, item) {
        if (item->phase != FILE_OURS || item->request != request)
            continue;
        view_note(&chat->view, VIEW_INFO, "%s is offered to %s", item->name, item->peer);
        item->request = 0;
        return;
    }
}

void files_state(struct chat *chat, const struct earshot_event *event) {
    struct file_item *item = file_find(chat, event->state.id);
    if (!item || item->phase != FILE_SENT || event->state.state < EARSHOT_STORED)
        return;
    if (item->is_untold)
        view_note(&chat->view, VIEW_INFO, "%s was sent to %s", item->name, item->peer);
    item->is_untold = false;
    if (event->state.state != EARSHOT_READ)
        return;
    view_note(&chat->view, VIEW_INFO, "%s has %s", event->state.by, item->name);
    if (item->peer[0] != '#')
        file_free(chat, item);
}

void files_refused(struct chat *chat, const struct earshot_event *event) {
    struct file_item *item = file_find(chat, event->failed.id);
    if (item && item->phase == FILE_SENT)
        file_free(chat, item);
}
