#include "cli/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/config.h"
#include "cli/filter.h"
#include "cli/interrupt.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"

#define HELP_COLUMN 26
#define HELP_WORDS_MIN 20 /* columns for the second one; on less nothing is wrapped */
#define HELP_DETAILS_COLUMNS 98

const struct cli_command cli_commands[] = {
    {"chat", "[#ROOM...]", "talk interactively; this is what `earshot` alone does",
     "Joins the rooms named. Inside, /help lists the commands. Without a terminal it reads lines\n"
     "from standard input and writes plain lines.",
     NULL, 0, -1, cli_chat},
    {"send", "TO [TEXT...]", "send one message to a handle or #room",
     "TO may be several names, separated by commas; a room that is not there is made. Without "
     "TEXT,\n"
     "or with `-`, the message is all of standard input, less one newline at its end.",
     cli_send_options, 1, -1, cli_send},
    {"tail", "[CONV...]", "print what arrives, for ever",
     "CONV is a handle, a #room, or your own handle for all direct messages; without any, these\n"
     "and the rooms of your handle.",
     cli_tail_options, 0, -1, cli_tail},
    {"edit", "ID TEXT...", "give a message of yours another text",
     "The old one goes for good. Everybody who can see the message is told, once and in order. ID\n"
     "is what `earshot --json` shows. The hub sets for how long this can be done, else for a day.",
     cli_edit_options, 2, -1, cli_edit},
    {"delete", "ID", "take a message of yours back",
     "Its text goes for good, also from the hub's disk; who said it, and when, is still shown. "
     "Root,\n"
     "the hub's owner and the owner of a room may remove the messages of others, too.",
     cli_delete_options, 1, 1, cli_delete},
    {"react", "ID EMOJI", "react to a message with an emoji",
     "EMOJI is one, or its name between colons, such as :+1: or :tada:. Each user has each emoji "
     "once\n"
     "on a message. Everybody who can see the message is told, quietly.",
     cli_react_options, 2, 2, cli_react},
    {"ask", "TO TEXT...", "send a message, wait for the answer and print it",
     "The answer is a reply to that message, else the next message from TO. Without --timeout it\n"
     "waits for ever. Other messages that come meanwhile are left for the next one who joins.",
     cli_ask_options, 2, -1, cli_ask},
    {"history", "[CONV]", "print what was said in a conversation",
     "CONV is a handle or #room; without it, everything that you may see. Prints the last 20\n"
     "messages of CONV, and on a terminal also without CONV; else, and with --json, all of them.",
     cli_history_options, 0, 1, cli_history},
    {"thread", "ID", "print a thread: a message and the replies to it",
     "ID may also be that of a reply. Of rooms that your handle is not in, --in names the room.",
     cli_thread_options, 1, 1, cli_thread},
    {"pins", "CONV", "print what is pinned in a conversation, the newest message first",
     "CONV is a handle or #room. Each with who pinned it, and when.", NULL, 1, 1, cli_pins},
    {"pin", "ID", "pin a message where it was said, for all who are there",
     "ID is what `earshot --json` shows. In a room whoever may set its topic does so, 50 at a\n"
     "time. The others are told calmly. What is deleted, or too old to be kept, is pinned no more.",
     cli_pin_options, 1, 1, cli_pin},
    {"unpin", "ID", "undo that", NULL, cli_pin_options, 1, 1, cli_unpin},
    {"stars", "[CONV]", "print the messages that you have starred, the newest first",
     "Of CONV, a handle or #room, or all. What you may not read any more is left out.", NULL, 0, 1,
     cli_stars},
    {"star", "ID", "star a message for yourself: nobody else sees that",
     "A handle has up to 1,000 stars.", cli_pin_options, 1, 1, cli_star},
    {"unstar", "ID", "undo that", NULL, cli_pin_options, 1, 1, cli_unstar},
    {"search", "WORDS...", "find messages with all of these words, the newest first",
     "Whole words first; parts of words when there are none, or at once with a star: `disk*`.",
     cli_search_options, 1, -1, cli_search},
    {"mentions", "", "print the messages that name your handle, the newest last",
     "Those of others, of direct conversations and of the rooms of your handle.",
     cli_mentions_options, 0, 0, cli_mentions},
    {"forget", "HANDLE", "see nothing any more of what was said with HANDLE until now",
     "HANDLE still sees it, until they forget it, too; then it is deleted.", NULL, 1, 1,
     cli_forget},
    {"release", "CONV", "for administrators: free the name of a handle or room",
     "The owner of a handle keeps mail and past under another name, which is told. A login name\n"
     "cannot be taken from its user. A room goes on under another name, with members and past.",
     NULL, 1, 1, cli_release},
    {"put", "TO PATH...", "hand files, directories or standard input to a handle or #room",
     "TO may be several names, separated by commas. PATH `-` is standard input. Waits until\n"
     "everything was taken: by the members of a room that are here now. The other side runs\n"
     "`earshot get`. The hub keeps files of up to 32 KiB for those who are away. Sockets, pipes "
     "and\n"
     "devices in a directory are left out, and named.",
     cli_put_options, 2, -1, cli_put},
    {"get", "", "take the files that others offer you",
     "Takes one offer, and waits for it if need be. Prints under which name it was written. What\n"
     "exists is never overwritten.",
     cli_get_options, 0, 0, cli_get},
    {"pipe", "[TO]", "join two shells: what goes in here comes out there",
     "`earshot pipe bob` sends standard input; bob gets it with `earshot pipe --from alice`, on\n"
     "standard output. It flows as fast as it is read.",
     cli_pipe_options, 0, 1, cli_pipe},
    {"who", "[#ROOM]", "list who is here, or the members of a room", NULL, cli_who_options, 0, 1,
     cli_who},
    {"whois", "HANDLE", "tell who somebody is: login, programs, since when, rooms in common",
     "Uid, terminal, program and since when it runs are what the kernel says.", NULL, 1, 1,
     cli_whois},
    {"unread", "[CONV...]", "print how much is unread, for a prompt or a login script",
     "One conversation a line; nothing, when nothing is unread. Quick, and without a sound where "
     "no\n"
     "hub is, or none that answers at once: then it ends with 69 or 75. Nobody sees it, and "
     "nothing "
     "is\n"
     "marked as read. Never starts a hub.",
     cli_unread_options, 0, -1, cli_unread},
    {"rooms", "", "list the rooms", NULL, NULL, 0, 0, cli_rooms},
    {"topic", "#ROOM [TEXT...]", "show or set the topic of a room",
     "An empty TEXT (\"\") removes the topic.", NULL, 1, -1, cli_topic},
    {"room", "#ROOM", "show a room, make it, or change it",
     "With an option it makes a room that is not there, which is yours then; an open one is also "
     "made\n"
     "by whoever first joins it. A private room stays private. What you may not see is answered as "
     "if\n"
     "it was not there.",
     cli_room_options, 1, 1, cli_room},
    {"invite", "#ROOM HANDLE...", "invite into a room",
     "Only who was invited can join a private room. Who is away is told at the next join.", NULL, 2,
     -1, cli_invite},
    {"away", "[TEXT...]", "mark your handle as away, with a reason", NULL, NULL, 0, -1, cli_away},
    {"back", "", "mark your handle as here again", NULL, NULL, 0, 0, cli_back},
    {"status", "", "show the hub: process, uptime, sessions, counters", NULL, NULL, 0, 0,
     cli_status},
    {"top", "", "watch who uses how much of the hub, and how its queues fill",
     "Administrators see every user, others themselves. A terminal shows it anew in one place: a\n"
     "key sorts, q ends. Else one picture after the other.",
     cli_top_options, 0, 0, cli_top},
    {"inspect", "", "show the hub's queues and segments as the kernel sees them",
     "With --watch the road of the messages: lanes, hub, mailboxes and rings, how full they are, "
     "and\n"
     "which processes sleep.",
     cli_inspect_options, 0, 0, cli_inspect},
    {"doctor", "", "check the machine and the hub, and say what to do",
     "Limits of the kernel, permissions, leftovers of dead hubs and clients, the log and its "
     "disk,\n"
     "what happens at logout, versions. Each line is ok, a warning or a problem. Ends with 1 when\n"
     "there is a problem. Never starts a hub.",
     cli_doctor_options, 0, 0, cli_doctor},
    {"irc", "", "let your IRC client in",
     "An IRC server for yourself, until a signal comes: on a Unix socket in your runtime "
     "directory,\n"
     "on 127.0.0.1, or on both with a comma between them. Programs of other users are closed at\n"
     "once. The nick is the handle, rooms are channels; what waited comes at connect.",
     cli_irc_options, 0, 0, cli_irc},
    {"listen", "[CONV...]", "run a command for each message that arrives",
     "CONV is a handle, a #room, or your own handle for all direct messages; without any, these "
     "and\n"
     "the rooms of your handle. CMD is for the shell. It finds the message on its standard input,\n"
     "as one JSON object, and in its environment EARSHOT_FROM, EARSHOT_CONV (where an answer "
     "goes),\n"
     "EARSHOT_ID and EARSHOT_HUB. What arrives while all jobs are busy waits. Commands that still\n"
     "run when listen ends are ended.",
     cli_listen_options, 0, -1, cli_listen},
    {"hook", "[DIR]", "a directory of pipes: what is written into NAME/in is sent to NAME",
     "For programs that can only write to a file: mkdir DIR/NAME, then a line that is written "
     "into\n"
     "DIR/NAME/in is a message to NAME, a handle or #room, and what is said there stands in\n"
     "DIR/NAME/out. Without DIR: earshot-hook in the user's runtime directory. Nothing counts as\n"
     "read, but with --name. With --json `out` has an object a line.",
     NULL, 0, 1, cli_hook},
    {"notify", "", "tell on this terminal when somebody begins to write to you",
     "One line for each sender until their messages were read, as long as mesg(1) lets others "
     "write\n"
     "to the terminal. What has come still waits for the window. Ends with the terminal. Never "
     "starts\n"
     "a hub.",
     NULL, 0, 0, cli_notify},
    {"run", "-- CMD...", "run a command and let a conversation watch its output",
     "The output appears here as usual. Others can watch, and do nothing else. Ends with the exit\n"
     "code of CMD.",
     cli_run_options, 1, -1, cli_run},
    {"claim", "NAME [-- CMD...]", "have a name to yourself, for as long as CMD runs",
     "A lock that holds for those who ask for it. Somebody else who claims NAME meanwhile waits, "
     "in\n"
     "order, and is told who has it. Without CMD it is yours until Ctrl-C. Whatever ends this\n"
     "process gives the name to the next. Ends with the exit code of CMD; with 75 when the name "
     "is\n"
     "taken, and it does not wait, or no longer.",
     cli_claim_options, 1, -1, cli_claim},
    {"claims", "", "list what is claimed, by whom, and who waits", NULL, NULL, 0, 0, cli_claims},
    {"when", "PID [TEXT...]", "wait for the end of a process, and tell of it",
     "Of anybody's process. Tells its program and user, and how long it ran; not how it ended, "
     "for\n"
     "only its parent knows. TEXT stands before that.",
     cli_when_options, 1, -1, cli_when},
    {"mcp", "", "serve an agent that speaks the Model Context Protocol",
     "On standard input and output, as the program that runs the agent expects it; earshot-mcp(7)\n"
     "says what to put into its configuration. The handle is --name, else your login name with\n"
     "-agent behind it.",
     NULL, 0, 0, cli_mcp},
    {"wall", "TEXT...", "write to everybody who is here",
     "Only root, the hub's owner and the members of the hub's --wall-group may. Who is not here\n"
     "gets nothing later.",
     NULL, 1, -1, cli_wall},
    {"users", "", "for administrators: what each user does, and takes of the hub",
     "Who takes most of its time comes first. Administrators are root, the hub's owner and the\n"
     "members of its --admin-group.",
     NULL, 0, 0, cli_users},
    {"mute", "@hub|#ROOM HANDLE", "a user may read, but say nothing, on the hub or in a room",
     "In a room for its owner and operators, on the hub for administrators. HANDLE may be a uid;\n"
     "whatever handle it uses, the user is meant. Who is concerned is told, and so is the room; "
     "it\n"
     "stands in the hub's log.",
     cli_mute_options, 2, 2, cli_mute},
    {"unmute", "@hub|#ROOM HANDLE", "undo that", NULL, NULL, 2, 2, cli_unmute},
    {"ban", "@hub|#ROOM HANDLE",
     "end a user's sessions or put it out of a room, and admit no other",
     "HANDLE may be a uid, also of who was never here; another handle does not help. Root and the "
     "hub's\n"
     "owner cannot be banned, nor can the owner of a room from it.",
     cli_mute_options, 2, 2, cli_ban},
    {"unban", "@hub|#ROOM HANDLE", "undo that", NULL, NULL, 2, 2, cli_unban},
    {"kick", "@hub|#ROOM HANDLE", "end a user's sessions, or put it out of a room",
     "On the hub the programs are told why, and do not come again by themselves. A private room\n"
     "must be joined by a new invitation.",
     cli_kick_options, 2, 2, cli_kick},
    {"op", "#ROOM HANDLE", "make a member an operator of your room",
     "Operators mute, ban, put out, remove messages and lock the topic, but not each other.", NULL,
     2, 2, cli_op},
    {"deop", "#ROOM HANDLE", "undo that", NULL, NULL, 2, 2, cli_deop},
    {"limit", "@hub HANDLE N", "for administrators: at most N messages a second of a user",
     "N may be off. Whoever sends more waits in his own program; nothing is lost.",
     cli_kick_options, 3, 3, cli_limit},
    {"complete", "WORD...", "print what could come next on a command line",
     "For the shells' completion: the last WORD is the one to be completed, and may be empty. Put\n"
     "-- before the first. The answer is one candidate a line, a tab, and what it is; `:files` "
     "and\n"
     "`:directories` leave it to the shell. Never starts a hub.",
     NULL, 1, -1, cli_complete},
    {"help", "[COMMAND]", "explain the program or one command", NULL, NULL, 0, 1, cli_help},
    {0},
};

const struct cli_command *cli_command_find(const char *name) {
    for (const struct cli_command *command = cli_commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static const char *command_nearest(const char *word) {
    struct near near;
    near_init(&near, word);
    for (const struct cli_command *command = cli_commands; command->name; command++)
        near_consider(&near, command->name);
    return near.n > 0 ? cli_command_find(near_best(&near))->name : NULL;
}

/* Help, made from the tables. */

/* Up to this column on a terminal; elsewhere a line is as long as it is. */
static size_t help_width(void) {
    int width = cli_width();
    return width > HELP_COLUMN + HELP_WORDS_MIN ? (size_t)width : SIZE_MAX;
}

/* Words from the column `at` on; further lines begin at `indent`. */
static void help_print_words(const char *text, size_t at, size_t indent) {
    for (bool is_first = true; *(text += strspn(text, " \n")); is_first = false) {
        size_t n = strcspn(text, " \n");
        bool fits = is_first || at + 1 + n < help_width();
        if (!fits)
            printf("\n%*s", (int)indent, "");
        else if (!is_first)
            putchar(' ');
        at = (fits ? at + (is_first ? 0 : 1) : indent) + n;
        printf("%.*s", (int)n, text);
        text += n;
    }
    putchar('\n');
}

/* Two columns; a long first one gets a line of its own. */
static void help_print_pair(const char *text, const char *summary) {
    if (strlen(text) > HELP_COLUMN)
        printf("  %s\n  %-*s ", text, HELP_COLUMN, "");
    else
        printf("  %-*s ", HELP_COLUMN, text);
    help_print_words(summary, HELP_COLUMN + 3, HELP_COLUMN + 3);
}

/* As they stand, but where the terminal is narrower than they were written for. */
static void help_print_details(const char *text) {
    if (help_width() > HELP_DETAILS_COLUMNS)
        printf("%s\n", text);
    else
        help_print_words(text, 0, 0);
}

static void help_print_option(const struct cli_option *option) {
    char text[64];
    snprintf(text, sizeof text, "%c%c%s--%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    help_print_pair(text, option->summary);
}

static void help_print_options(const char *title, const struct cli_option *options) {
    printf("\n%s:\n", title);
    for (; options->name; options++)
        help_print_option(options);
}

static int help_program(void) {
    printf("Talk with everybody who is logged in to this machine.\n\n"
           "usage: earshot [OPTION...] [COMMAND [WORD...]]\n\ncommands:\n");
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        char text[64];
        snprintf(text, sizeof text, "%s %s", command->name, command->words);
        help_print_pair(text, command->summary);
    }
    help_print_options("options, before or after the command", cli_global_options);
    printf("\nA room is written #name; quote it for the shell: earshot send '#ops' hello\n"
           "`earshot help COMMAND` tells more about one command.\n");
    return cli_flush();
}

static int help_command(const struct cli_command *command) {
    printf("usage: earshot %s%s%s%s\n\n", command->name, command->options ? " [OPTION...]" : "",
           *command->words ? " " : "", command->words);
    help_print_words(command->summary, 0, 0);
    if (command->details)
        help_print_details(command->details);
    if (command->options)
        help_print_options("options", command->options);
    help_print_options("global options", cli_global_options);
    return cli_flush();
}

static int help_version(void) {
    printf("earshot %s\n", EARSHOT_VERSION);
    return cli_flush();
}

int cli_help(const struct cli_options *options, int n_words, char **words) {
    if (n_words == 0)
        return help_program();
    const struct cli_command *command = cli_command_find(words[0]);
    if (command)
        return help_command(command);
    const char *nearest = command_nearest(words[0]);
    return cli_fail(options, OUTCOME_USAGE,
                    "there is no command \"%s\" to explain; try `earshot help%s%s`", words[0],
                    nearest ? " " : "", nearest ? nearest : "");
}

/* Running. */

static int command_fail_unknown(const struct cli_options *options, const char *word) {
    const char *nearest = command_nearest(word);
    if (nearest)
        return cli_fail(options, OUTCOME_USAGE,
                        "there is no command \"%s\"; did you mean `earshot %s`?", word, nearest);
    return cli_fail(options, OUTCOME_USAGE, "there is no command \"%s\"; `earshot help` lists them",
                    word);
}

static int command_check_words(const struct cli_options *options, const struct cli_command *command,
                               int n_words) {
    bool too_many = command->max_words >= 0 && n_words > command->max_words;
    if (!too_many && n_words >= command->min_words)
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE, "%s: too %s words; usage: earshot %s%s%s",
                    command->name, too_many ? "many" : "few", command->name,
                    *command->words ? " " : "", command->words);
}

static int command_run(struct cli_options *options, const struct cli_command *command, int argc,
                       char **argv) {
    int first;
    static const struct cli_option none[1];
    int code =
        cli_options_parse(options, command->options ? command->options : none, argc, argv, &first);
    if (code != CLI_DONE)
        return code;
    if (options->help)
        return help_command(command);
    if (options->version)
        return help_version();
    options->json_errors = options->json;
    options->json |= options->jq != NULL;
    code = command_check_words(options, command, argc - first);
    if (code == CLI_DONE && options->jq)
        code = filter_open(options);
    if (code == CLI_DONE && command->run != cli_help)
        code = cli_config_load(options);
    if (code != CLI_DONE)
        return code;
    return command->run(options, argc - first, argv + first);
}

static int command_dispatch(int argc, char **argv) {
    static char chat[] = "chat";
    char *alone[] = {chat, NULL};
    struct cli_options options;
    int first;
    cli_options_init(&options);
    int code = cli_options_parse(&options, NULL, argc, argv, &first);
    if (code != CLI_DONE)
        return code;
    if (first == argc && options.help)
        return help_program();
    if (first == argc)
        return command_run(&options, cli_command_find(chat), 1, alone);
    const struct cli_command *command = cli_command_find(argv[first]);
    if (!command && options.help)
        return help_program();
    if (!command)
        return command_fail_unknown(&options, argv[first]);
    return command_run(&options, command, argc - first, argv + first);
}

int cli_main(int argc, char **argv) {
    cli_interrupt_setup();
    if (argc < 1)
        return CLI_USAGE;
    int code = filter_close(command_dispatch(argc, argv));
    return code == CLI_CLOSED ? CLI_DONE : code;
}
