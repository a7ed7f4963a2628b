/* /help: the table of commands, for people. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "chat/command.h"
#include "cli/report.h"

#define COMMAND_HELP_COLUMN 26 /* where the words begin that say what it does */

static void command_help_line(struct chat *chat, const struct command *command) {
    char usage[64];
    CLEANUP_FREE char *line = NULL;
    snprintf(usage, sizeof usage, "/%s %s", command->name, command->arguments);
    if (asprintf(&line, "%-*s %s", COMMAND_HELP_COLUMN - 1, usage, command->help) < 0)
        line = NULL;
    else
        view_note_wrapped(&chat->view, COMMAND_HELP_COLUMN, line);
}

void command_help(struct chat *chat, const char *name) {
    static const char *const rules[] = {
        "a word may be cut short: /q is /query, /r is /reply, /p is /part, the first one above "
        "that fits; so are /dm, /list, /leave and /exit known",
        "Tab completes; Alt-Enter breaks a line; Ctrl-X Ctrl-E opens $EDITOR; Ctrl-C clears the "
        "line; // begins a text with /",
        "Alt-A goes to where something is new, and in the end back; Alt-1 to Alt-9 as /unread "
        "numbers them",
    };
    if (*name == '/')
        name++;
    const struct command *one = *name ? command_find(name, strlen(name)) : NULL;
    if (*name && !one) {
        chat_fail(chat, OUTCOME_USAGE, "no command /%s; /help lists them", name);
        return;
    }
    for (const struct command *command = command_table; command->name; command++)
        if (!one || command == one)
            command_help_line(chat, command);
    for (size_t i = 0; !one && i < ARRAY_LEN(rules); i++)
        view_note_wrapped(&chat->view, 0, rules[i]);
}
