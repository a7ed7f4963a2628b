#include "chat/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/action.h"
#include "chat/files.h"
#include "chat/talk.h"
#include "cli/report.h"
#include "cli/suggest.h"

#define BLANKS " \t\n"

/* Where a beginning fits several, the first row is meant: what people mean most stands first. */
const struct command command_table[] = {
    {"msg", "TO TEXT", "one message to a handle or a #room", ARGUMENT_CONV, action_msg},
    {"query", "[TO]", "plain lines go to TO from now on", ARGUMENT_CONV, action_query},
    {"join", "#ROOM", "enter a room and talk there", ARGUMENT_ROOM, action_join},
    {"part", "[#ROOM]", "leave a room", ARGUMENT_ROOM, action_part},
    {"who", "[#ROOM]", "who is here", ARGUMENT_ROOM, action_who},
    {"reply", "[N|ID] TEXT", "answer the last message here, the one N back, or the one with ID",
     ARGUMENT_NONE, action_reply},
    {"names", "[#ROOM]", "who is in this room", ARGUMENT_ROOM, action_names},
    {"rooms", "", "which rooms there are", ARGUMENT_NONE, action_rooms},
    {"help", "[COMMAND]", "this list", ARGUMENT_COMMAND, action_help},
    {"history", "[N]", "the last N messages here", ARGUMENT_NONE, action_history},
    {"search", "WORDS", "the last messages with all of these words", ARGUMENT_NONE, action_search},
    {"put", "[TO] PATH", "hand over a file or a directory", ARGUMENT_PATH, files_put},
    {"get", "[N|HANDLE|NAME]", "take the last file offered, or the one with this number in /files",
     ARGUMENT_HANDLE, files_get},
    {"decline", "[N|HANDLE|NAME]", "refuse it, withdraw one's own, or stop what is under way",
     ARGUMENT_HANDLE, files_decline},
    {"files", "", "which files wait for you or others, and how far transfers are", ARGUMENT_NONE,
     files_list},
    {"me", "TEXT", "say what you do: * alice waves", ARGUMENT_NONE, action_me},
    {"away", "[TEXT]", "tell others that you are not there", ARGUMENT_NONE, action_away},
    {"back", "", "you are there again", ARGUMENT_NONE, action_back},
    {"topic", "[#ROOM] [TEXT]", "show or set the topic of a room", ARGUMENT_ROOM, action_topic},
    {"ignore", "[HANDLE]", "show nothing of them in this window", ARGUMENT_HANDLE, action_ignore},
    {"unignore", "HANDLE", "show them again", ARGUMENT_HANDLE, action_unignore},
    {"nick", "HANDLE", "change your handle", ARGUMENT_NONE, action_nick},
    {"clear", "", "clear the screen", ARGUMENT_NONE, action_clear},
    {"status", "", "the hub, and what waits for it", ARGUMENT_NONE, action_status},
    {"bell", "[off|dm|all|every]", "ring never, for direct messages, mentions too, or all",
     ARGUMENT_BELL, action_bell},
    {"quit", "", "leave (also Ctrl-D)", ARGUMENT_NONE, action_quit},
    {0},
};

/* What people type who come from elsewhere. */
static const struct command_alias {
    const char *word, *means;
} aliases[] = {
    {"dm", "msg"}, {"exit", "quit"}, {"leave", "part"}, {"list", "rooms"}, {0},
};

/* Whether the word is the name, or with `is_beginning` begins it. */
static bool is_called(const char *name, const char *word, size_t n, bool is_beginning) {
    return n > 0 && strncasecmp(name, word, n) == 0 && (is_beginning || name[n] == '\0');
}

static const struct command *find_row(const char *word, size_t n, bool is_beginning) {
    for (const struct command *row = command_table; row->name; row++)
        if (is_called(row->name, word, n, is_beginning))
            return row;
    return NULL;
}

/* Only whole: none of them shows in /help, and their beginnings would quit or leave. */
static const struct command *find_alias(const char *word, size_t n) {
    for (const struct command_alias *alias = aliases; alias->word; alias++)
        if (is_called(alias->word, word, n, false))
            return find_row(alias->means, strlen(alias->means), false);
    return NULL;
}

const struct command *command_find(const char *word, size_t n) {
    const struct command *found = find_row(word, n, false);
    if (!found)
        found = find_alias(word, n);
    return found ? found : find_row(word, n, true);
}

static void say_unknown(struct chat *chat, const char *word, size_t n) {
    char shown[41];
    struct suggest suggest;
    snprintf(shown, sizeof shown, "%.*s", (int)n, word);
    suggest_init(&suggest, shown);
    for (const struct command *command = command_table; command->name; command++)
        suggest_consider(&suggest, command->name);
    const char *near = suggest.nearest;
    chat_fail(chat, CLI_USAGE, "usage", "no command /%s; %s%s%snot sent (// begins a text with /)",
              shown, near ? "/" : "", near ? near : "", near ? "? " : "");
}

static int run_command(struct chat *chat, const char *line) {
    size_t n = strcspn(line, BLANKS);
    const struct command *command = command_find(line, n);
    if (!command) {
        say_unknown(chat, line, n);
        return COMMAND_DONE;
    }
    CLEANUP_FREE char *arguments = strdup(line + n + strspn(line + n, BLANKS));
    return arguments ? command->run(chat, arguments) : COMMAND_DONE;
}

int command_text(struct chat *chat, const char *text) {
    if (!*chat->target) {
        chat_fail(chat, CLI_USAGE, "usage",
                  "not sent: this line has nowhere to go; /join #ROOM or /query HANDLE first, or "
                  "/msg HANDLE TEXT");
        return COMMAND_DONE;
    }
    int r = talk_send(chat, chat->target, text, EARSHOT_TEXT, NULL);
    return r == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

/*
 * What is typed behind a command that was refused may be meant for where that would have led, and
 * for nobody else: it is asked about once. Where lines come from a program nobody can be asked.
 */
static bool is_held(struct chat *chat) {
    bool held = chat->is_doubtful && chat->view.windowed && *chat->target;
    chat->is_doubtful = false;
    if (held)
        view_note(&chat->view, VIEW_ERROR,
                  "not sent yet, for the command before it was not done: %s sends it to %s",
                  chat->has_editor ? "Enter" : "the same line again", chat->target);
    return held;
}

int command_line(struct chat *chat, const char *line) {
    if (!line[strspn(line, BLANKS)])
        return COMMAND_DONE;
    if (line[0] == '/' && line[1] != '/') {
        chat->n_failed = 0;
        int r = run_command(chat, line + 1);
        chat->is_doubtful = chat->n_failed > 0;
        return r;
    }
    bool is_escaped = line[0] == '/'; /* as the refusal said */
    if (!is_escaped && is_held(chat))
        return COMMAND_HELD;
    return command_text(chat, line + is_escaped);
}

static void help_line(struct chat *chat, const struct command *command) {
    char usage[64];
    snprintf(usage, sizeof usage, "/%s %s", command->name, command->arguments);
    view_note(&chat->view, VIEW_INFO, "%-24s %s", usage, command->help);
}

void command_help(struct chat *chat, const char *name) {
    if (*name == '/')
        name++;
    const struct command *one = *name ? command_find(name, strlen(name)) : NULL;
    if (*name && !one) {
        chat_fail(chat, CLI_USAGE, "usage", "no command /%s; /help lists them", name);
        return;
    }
    for (const struct command *command = command_table; command->name; command++)
        if (!one || command == one)
            help_line(chat, command);
    if (!one)
        view_note(&chat->view, VIEW_INFO,
                  "a word may be cut short: /q is /query, /r is /reply, /p is /part, the first one "
                  "above that fits; so are /dm, /list, /leave and /exit known");
    if (!one)
        view_note(&chat->view, VIEW_INFO,
                  "Tab completes; Alt-Enter breaks a line; // begins a text with /; Ctrl-C "
                  "clears the line");
}
