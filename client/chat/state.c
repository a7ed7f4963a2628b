#include "chat/state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "chat/editor.h"
#include "cli/outcome.h"
#include "cli/report.h"

static void first_room(void *arg, const char *name) {
    struct chat *chat = arg;
    if (!*chat->target)
        snprintf(chat->target, sizeof chat->target, "%s", name);
}

const char *chat_next_room(struct chat *chat) {
    static char next[CHAT_NAME_SIZE];
    char target[CHAT_NAME_SIZE];
    memcpy(target, chat->target, sizeof target);
    *chat->target = '\0';
    roster_each(&chat->roster, ROSTER_JOINED, first_room, chat);
    memcpy(next, chat->target, sizeof next);
    memcpy(chat->target, target, sizeof target);
    return next;
}

void chat_set_target(struct chat *chat, const char *name) {
    if (name != chat->target)
        snprintf(chat->target, sizeof chat->target, "%s", name);
    editor_target_changed(chat);
}

void chat_fail(struct chat *chat, int exit_code, const char *code, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    chat->n_failed++;
    if (n < 0)
        return;
    if (chat->view.windowed) {
        view_note(&chat->view, VIEW_ERROR, "%s", text);
    } else {
        cli_fail(chat->options, exit_code, code, "%s", text);
        if (chat->exit_code == CLI_DONE)
            chat->exit_code = exit_code;
    }
    free(text);
}

void chat_fail_link(struct chat *chat, int result, const char *what) {
    struct outcome outcome = outcome_of(chat->link, result);
    chat_fail(chat, outcome.exit_code, outcome.code, "%s: %s", what, outcome.text);
}
