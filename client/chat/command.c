#include "chat/command.h"

#include <stdlib.h>
#include <string.h>

#include "chat/action.h"
#include "chat/files.h"
#include "chat/talk.h"
#include "cli/report.h"

#define BLANKS " \t\n"
#define NEAR 2 /* this many typing mistakes make a word of the table unrecognisable */

const struct command command_table[] = {
    {"msg", "TO TEXT", "one message to a handle or a #room", ARGUMENT_CONV, action_msg},
    {"query", "[TO]", "plain lines go to TO from now on", ARGUMENT_CONV, action_query},
    {"join", "#ROOM", "enter a room and talk there", ARGUMENT_ROOM, action_join},
    {"part", "[#ROOM]", "leave a room", ARGUMENT_ROOM, action_part},
    {"who", "[#ROOM]", "who is here", ARGUMENT_ROOM, action_who},
    {"rooms", "", "which rooms there are", ARGUMENT_NONE, action_rooms},
    {"reply", "[N|ID] TEXT", "answer the last message here, the one N back, or the one with ID",
     ARGUMENT_NONE, action_reply},
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
    {"help", "[COMMAND]", "this list", ARGUMENT_COMMAND, action_help},
    {"quit", "", "leave (also Ctrl-D)", ARGUMENT_NONE, action_quit},
    {0},
};

static bool is_exact(const struct command *command, const char *word, size_t n) {
    return strlen(command->name) == n && strncasecmp(command->name, word, n) == 0;
}

/* The first row from `from` on whose name begins with the word. */
static const struct command *match(const struct command *from, const char *word, size_t n) {
    for (; from->name; from++)
        if (n > 0 && strncasecmp(from->name, word, n) == 0)
            return from;
    return NULL;
}

const struct command *command_find(const char *word, size_t n) {
    for (const struct command *command = command_table; command->name; command++)
        if (is_exact(command, word, n))
            return command;
    const struct command *first = match(command_table, word, n);
    return first && !match(first + 1, word, n) ? first : NULL;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The edit distance (Levenshtein); words longer than the row are as far as can be. */
static size_t distance(const char *a, size_t n_a, const char *b) {
    size_t row[32], n_b = strlen(b);
    if (n_b >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[n_b];
}

static const char *nearest(const char *word, size_t n) {
    const char *best = NULL;
    size_t best_distance = least(NEAR, n / 2) + 1;
    for (const struct command *command = command_table; command->name; command++) {
        size_t d = distance(word, n, command->name);
        if (d < best_distance) {
            best = command->name;
            best_distance = d;
        }
    }
    return best;
}

static void say_ambiguous(struct chat *chat, const char *word, size_t n) {
    char names[256] = "";
    size_t used = 0;
    const struct command *command = command_table;
    while ((command = match(command, word, n)) && used < sizeof names - 1) {
        int more = snprintf(names + used, sizeof names - used, "%s/%s", used > 0 ? ", " : "",
                            command->name);
        used += more > 0 ? (size_t)more : 0;
        command++;
    }
    chat_fail(chat, CLI_USAGE, "usage", "/%.*s could be %s; not sent", (int)n, word, names);
}

static void say_unknown(struct chat *chat, const char *word, size_t n) {
    const char *near = nearest(word, n);
    if (n > 40)
        n = 40;
    chat_fail(chat, CLI_USAGE, "usage",
              "no command /%.*s; %s%s%snot sent (// begins a text with /)", (int)n, word,
              near ? "/" : "", near ? near : "", near ? "? " : "");
}

static int run_command(struct chat *chat, const char *line) {
    size_t n = strcspn(line, BLANKS);
    const struct command *command = command_find(line, n);
    if (!command) {
        if (match(command_table, line, n))
            say_ambiguous(chat, line, n);
        else
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

int command_line(struct chat *chat, const char *line) {
    if (!line[strspn(line, BLANKS)])
        return COMMAND_DONE;
    if (line[0] == '/' && line[1] != '/')
        return run_command(chat, line + 1);
    return command_text(chat, line[0] == '/' ? line + 1 : line);
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
                  "a word may be cut short (/j #ops); Tab completes; // begins a text with /; "
                  "Ctrl-C clears the line");
}
