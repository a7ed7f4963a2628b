#include "chat/state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "chat/editor.h"
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

static int exit_code_of(const struct chat *chat, int result) {
    switch (result) {
    case EARSHOT_REFUSED:
        return earshot_fail_exit_code(earshot_fail_code(chat->link));
    case EARSHOT_BAD_NAME:
    case EARSHOT_BAD_ARGUMENT:
        return CLI_USAGE;
    case EARSHOT_BAD_TEXT:
        return CLI_DATA;
    case EARSHOT_AGAIN:
    case EARSHOT_LIMIT:
        return CLI_TRY_AGAIN;
    default:
        return CLI_FAILED;
    }
}

static const char *code_of(const struct chat *chat, int result) {
    switch (result) {
    case EARSHOT_REFUSED:
        return earshot_fail_name(earshot_fail_code(chat->link));
    case EARSHOT_BAD_NAME:
        return "bad-name";
    case EARSHOT_BAD_TEXT:
        return "bad-text";
    case EARSHOT_BAD_ARGUMENT:
        return "bad-argument";
    case EARSHOT_AGAIN:
    case EARSHOT_LIMIT:
        return "limit";
    default:
        return "internal";
    }
}

void chat_fail_link(struct chat *chat, int result, const char *what) {
    const char *why = result < 0 ? strerror(-result) : earshot_error(chat->link);
    chat_fail(chat, exit_code_of(chat, result), code_of(chat, result), "%s: %s", what, why);
}
