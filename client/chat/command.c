#include "chat/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "chat/files.h"
#include "chat/inquiry.h"
#include "chat/mend.h"
#include "chat/past.h"
#include "chat/reply.h"
#include "chat/talk.h"
#include "cli/near.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

#define COMMAND_HISTORY_LINES 20

size_t command_skip_word(const char *line) {
    size_t n = strcspn(line, COMMAND_BLANKS);
    return n + strspn(line + n, COMMAND_BLANKS);
}

char *command_cut_word(char *arguments) {
    char *rest = arguments + command_skip_word(arguments);
    arguments[strcspn(arguments, COMMAND_BLANKS)] = '\0';
    return rest;
}

int command_usage(struct chat *chat, const char *name) {
    const struct command *command = command_find(name, strlen(name));
    chat_fail(chat, OUTCOME_USAGE, "usage: /%s%s%s: %s", name, *command->arguments ? " " : "",
              command->arguments, command->help);
    return COMMAND_DONE;
}

/* A room is meant, so the `#` may be left out; a conversation of several is written with an `@`. */
static void action_room_name(char name[CHAT_NAME_SIZE], const char *word) {
    size_t n = word[0] == '#' || (word[0] == '@' && strchr(word, ',')) ? 0 : 1;
    snprintf(name + n, CHAT_NAME_SIZE - n, "%s", word);
    name[0] = '#';
}

/* `@bob` and `bob:` are how people write a handle. */
static const char *action_handle(char *word) {
    size_t n = strlen(word);
    if (n > 1 && (word[n - 1] == ':' || word[n - 1] == ','))
        word[n - 1] = '\0';
    if (word[0] == '@' && strchr(word, ','))
        word[0] = '#';
    return word[0] == '@' ? word + 1 : word;
}

static int action_sent(int outcome) {
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

/* How many of the names have it already: those before the one that it stopped at, in this line. */
static size_t action_n_told(const struct chat *chat, const char *arguments) {
    const struct chat_halt *halt = &chat->halt;
    return halt->arguments && strcmp(halt->arguments, arguments) == 0 ? halt->n_told : 0;
}

static void action_forget_halt(struct chat *chat) {
    free(chat->halt.arguments);
    chat->halt = (struct chat_halt){0};
}

/* To the direct conversation of some handles, or to each of some rooms and handles; separated by
 * commas. */
static int action_msg(struct chat *chat, char *arguments) {
    if (govern_is_people(arguments)) {
        char *said = command_cut_word(arguments);
        if (!*said)
            return command_usage(chat, "msg");
        return govern_talk_to_people(chat, arguments, said, false);
    }
    CLEANUP_FREE char *whole = strdup(arguments);
    size_t n = 0, n_told = whole ? action_n_told(chat, whole) : 0;
    char *text = command_cut_word(arguments), *rest = arguments;
    if (!*arguments || !*text)
        return command_usage(chat, "msg");
    int outcome = TALK_SENT;
    for (char *to; outcome != TALK_FULL && (to = strsep(&rest, ",")); n++)
        if (*to && n >= n_told)
            outcome = talk_send(chat, action_handle(to), text, EARSHOT_TEXT, NULL);
    action_forget_halt(chat);
    if (outcome == TALK_FULL) {
        chat->halt = (struct chat_halt){whole, n - 1};
        whole = NULL;
    }
    return action_sent(outcome);
}

static int action_me(struct chat *chat, char *arguments) {
    if (!*arguments)
        return command_usage(chat, "me");
    if (!*chat->target)
        return command_text(chat, arguments);
    return action_sent(talk_send(chat, chat->target, arguments, EARSHOT_ACTION, NULL));
}

static void action_join_room(struct chat *chat, const char *word) {
    char room[CHAT_NAME_SIZE];
    uint32_t request = 0;
    action_room_name(room, word);
    int r = earshot_join(chat->link, room, false, &request);
    if (r == EARSHOT_OK)
        past_open(chat, room);
    inquiry_made(chat, r, request, INQUIRY_JOIN, room);
    if (r == EARSHOT_OK) /* what is typed next is sent behind the request, and so to the room */
        chat_set_target(chat, room);
}

/* Behind the first room only others may stand, with their sign: no key, as elsewhere, and no text.
 */
static const char *action_join_stranger(const char *rest) {
    for (; *rest; rest += command_skip_word(rest))
        if (*rest != '#')
            return rest;
    return NULL;
}

static int action_join(struct chat *chat, char *arguments) {
    char *rest = command_cut_word(arguments);
    const char *stranger = action_join_stranger(rest);
    if (!*arguments)
        return command_usage(chat, "join");
    if (stranger) {
        const char *sign = *arguments == '#' ? "" : "#";
        chat_fail(chat, OUTCOME_USAGE,
                  "not joined: \"%.*s\" is no room. /join %s%s enters it, /join %s%s #OTHER both; "
                  "/msg %s%s TEXT says something there",
                  (int)strcspn(stranger, COMMAND_BLANKS), stranger, sign, arguments, sign,
                  arguments, sign, arguments);
        return COMMAND_DONE;
    }
    for (char *word = arguments, *next; *word; word = next) {
        next = word == arguments ? rest : command_cut_word(word);
        for (char *room; (room = strsep(&word, ","));)
            if (*room)
                action_join_room(chat, room);
    }
    return COMMAND_DONE;
}

void command_go(struct chat *chat, const char *conv) {
    char name[CHAT_NAME_SIZE];
    snprintf(name, sizeof name, "%s", conv); /* which may be in what is changed now */
    chat_set_target(chat, name);
    past_open(chat, name);
    past_ask(chat, name);
    talk_tell_if_away(chat, name);
}

/* Where the way through what is new began, unless that room was left. */
static const char *action_tour_start(const struct chat *chat) {
    const char *from = chat->tour.from;
    bool is_gone = *from == '#' && !roster_is_joined(&chat->roster, from);
    return *from && !is_gone ? from : NULL;
}

bool command_next(struct chat *chat) {
    struct chat_tour *tour = &chat->tour;
    bool goes_on = *tour->at && words_same_name(chat->target, tour->at);
    const char *conv = unread_next(chat), *back = goes_on ? action_tour_start(chat) : NULL;
    if (conv && !goes_on)
        snprintf(tour->from, sizeof tour->from, "%s", chat->target);
    if (conv || back)
        command_go(chat, conv ? conv : back);
    snprintf(tour->at, sizeof tour->at, "%s", conv ? chat->target : "");
    return conv || back;
}

static int action_next(struct chat *chat, char *arguments) {
    (void)arguments;
    if (!command_next(chat))
        view_note(&chat->view, VIEW_INFO, "nothing is new elsewhere");
    return COMMAND_DONE;
}

static int action_unread(struct chat *chat, char *arguments) {
    (void)arguments;
    unread_list(chat);
    return COMMAND_DONE;
}

static int action_query(struct chat *chat, char *arguments) {
    char back[CHAT_NAME_SIZE];
    const char *text = command_cut_word(arguments);
    if (govern_is_people(arguments)) {
        return govern_talk_to_people(chat, arguments, text, true);
    }
    const char *to = action_handle(arguments);
    if (!*to)
        return action_unread(chat, arguments);
    if (!words_is_name(to)) {
        chat_fail(chat, FAIL_BAD_NAME, "\"%s\" is no handle; /who lists who is here", to);
        return COMMAND_DONE;
    }
    snprintf(back, sizeof back, "%s", chat->target);
    if (*to == '#' && !roster_is_joined(&chat->roster, to))
        action_join_room(chat, to);
    else
        command_go(chat, to);
    if (*to != '#' && !roster_is_known(&chat->roster, to))
        inquiry_queried(chat, to, back, *text != '\0');
    if (*text && words_same_name(chat->target, to)) /* not where one was */
        return command_text(chat, text);
    return COMMAND_DONE;
}

static void action_tell_level(struct chat *chat, const char *conv) {
    static const char *const meanings[] = {
        [UNREAD_DEFAULT] = "rings as /bell says",
        [UNREAD_EVERY] = "rings for each message",
        [UNREAD_MENTIONS] = "rings for what names you",
        [UNREAD_OFF] = "does not ring, and is not in the prompt, but for what names you",
        [UNREAD_MUTE] = "is not shown while you are elsewhere, but for what names you",
    };
    view_note(&chat->view, VIEW_INFO, "%s%s %s", conv_sign(conv), conv_rest(conv),
              meanings[unread_level(chat, conv)]);
}

/* A handle or room; of a word without `#` the room is meant, where no such handle is known. */
static const char *action_conv(const struct chat *chat, char *word, char room[CHAT_NAME_SIZE]) {
    const char *conv = action_handle(word);
    action_room_name(room, conv);
    bool is_room = *conv && *conv != '#' && !roster_is_known(&chat->roster, conv) &&
                   roster_is_joined(&chat->roster, room);
    return is_room ? room : conv;
}

/* With "" it only shows the level. */
static int action_level(struct chat *chat, const char *conv, const char *word,
                        const char *command) {
    enum unread_level level;
    if (!words_is_name(conv) || (*word && !unread_level_of(word, &level)))
        return command_usage(chat, command);
    if (*word)
        unread_set_level(chat, conv, level);
    action_tell_level(chat, conv);
    return COMMAND_DONE;
}

/* "CONV LEVEL", "LEVEL" for where one is, or "CONV" alone, which shows it. */
static int action_notify(struct chat *chat, char *arguments) {
    char *word = command_cut_word(arguments);
    enum unread_level level;
    command_cut_word(word);
    bool is_here = !*arguments || (!*word && unread_level_of(arguments, &level));
    char room[CHAT_NAME_SIZE];
    const char *conv = is_here ? chat->target : action_conv(chat, arguments, room);
    return action_level(chat, conv, is_here ? arguments : word, "notify");
}

/* "#ROOM HANDLE": somebody is meant, and not what one sees oneself. */
static bool action_is_order(const char *arguments) {
    return arguments[0] == '#' && arguments[command_skip_word(arguments)];
}

static int action_set_level(struct chat *chat, char *arguments, const char *word,
                            const char *command) {
    char room[CHAT_NAME_SIZE];
    if (*command_cut_word(arguments)) /* meant for somebody in a room, which is not named */
        return command_usage(chat, command);
    const char *conv = *arguments ? action_conv(chat, arguments, room) : chat->target;
    return action_level(chat, conv, word, command);
}

static int action_mute(struct chat *chat, char *arguments) {
    return action_is_order(arguments) ? govern_mute(chat, arguments)
                                      : action_set_level(chat, arguments, "mute", "mute");
}

static int action_unmute(struct chat *chat, char *arguments) {
    return action_is_order(arguments) ? govern_unmute(chat, arguments)
                                      : action_set_level(chat, arguments, "default", "unmute");
}

static int action_mentions(struct chat *chat, char *arguments) {
    (void)arguments;
    inquiry_mentions(chat);
    return COMMAND_DONE;
}

static int action_part(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    uint32_t request = 0;
    command_cut_word(arguments);
    if (!*arguments && chat->target[0] != '#')
        return command_usage(chat, "part");
    action_room_name(room, *arguments ? arguments : chat->target);
    int r = earshot_part(chat->link, room, &request);
    inquiry_made(chat, r, request, INQUIRY_PART, room);
    return COMMAND_DONE;
}

static int action_whois(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    const char *handle = action_handle(arguments);
    if (!words_is_name(handle) || *handle == '#')
        return command_usage(chat, "whois");
    inquiry_list(chat, EARSHOT_HANDLES, NULL, INQUIRY_WHOIS, handle);
    return COMMAND_DONE;
}

/* Of a word without `#` the handle is meant, if it is one that is known. */
static int action_who(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    command_cut_word(arguments);
    action_room_name(room, arguments);
    bool is_room = *arguments == '#' || roster_is_joined(&chat->roster, room);
    if (*arguments && !is_room)
        return action_whois(chat, arguments);
    const char *of = *arguments ? room : NULL;
    inquiry_list(chat, EARSHOT_USERS, of, INQUIRY_WHO, of ? of : "");
    return COMMAND_DONE;
}

static int action_names(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    if (!*arguments && chat->target[0] != '#')
        return command_usage(chat, "names");
    char room[CHAT_NAME_SIZE];
    action_room_name(room, *arguments ? arguments : chat->target);
    inquiry_list(chat, EARSHOT_USERS, room, INQUIRY_WHO, room);
    return COMMAND_DONE;
}

static int action_rooms(struct chat *chat, char *arguments) {
    (void)arguments;
    inquiry_list(chat, EARSHOT_ROOMS, NULL, INQUIRY_ROOMS, "");
    return COMMAND_DONE;
}

static int action_away(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    int r = earshot_away(chat->link, arguments, &request);
    inquiry_made(chat, r, request, INQUIRY_AWAY, "");
    return COMMAND_DONE;
}

static int action_back(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    (void)arguments;
    int r = earshot_away(chat->link, NULL, &request);
    inquiry_made(chat, r, request, INQUIRY_BACK, "");
    return COMMAND_DONE;
}

static void action_tell_ignored(void *arg, const char *name) {
    struct chat *chat = arg;
    view_note(&chat->view, VIEW_INFO, "ignored: %s; /unignore %s ends that", name, name);
}

static int action_ignore(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    const char *handle = action_handle(arguments);
    if (*handle == '#') {
        chat_fail(chat, FAIL_BAD_NAME, "people are ignored, by their handle; /mute %s hides a room",
                  handle);
        return COMMAND_DONE;
    }
    if (words_is_name(handle))
        roster_ignore(&chat->roster, handle, true);
    else if (*handle)
        chat_fail(chat, FAIL_BAD_NAME, "\"%s\" is no handle; /who lists who is here", handle);
    if (!roster_each(&chat->roster, ROSTER_IGNORED, action_tell_ignored, chat))
        view_note(&chat->view, VIEW_INFO, "nobody is ignored");
    return COMMAND_DONE;
}

static int action_unignore(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    const char *handle = action_handle(arguments);
    if (!*handle)
        return command_usage(chat, "unignore");
    bool was = roster_is_ignored(&chat->roster, handle);
    roster_ignore(&chat->roster, handle, false);
    view_note(&chat->view, VIEW_INFO, was ? "you see %s again" : "%s was not ignored", handle);
    files_unignored(chat);
    return COMMAND_DONE;
}

static void action_rejoin_visit(void *arg, const char *room) {
    struct chat *chat = arg;
    uint32_t request = 0;
    int r = earshot_join(chat->link, room, false, &request);
    inquiry_made(chat, r, request, INQUIRY_REJOIN, room);
}

/* Members of a room are handles: so the new handle joins the rooms that the old one is in. */
static int action_nick(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    const char *rest = command_cut_word(arguments);
    if (!*arguments || *rest)
        return command_usage(chat, "nick");
    int r = earshot_nick(chat->link, arguments, &request);
    inquiry_made(chat, r, request, INQUIRY_NICK, arguments);
    if (r == EARSHOT_OK)
        roster_each(&chat->roster, ROSTER_JOINED, action_rejoin_visit, chat);
    return COMMAND_DONE;
}

static int action_clear(struct chat *chat, char *arguments) {
    (void)arguments;
    view_clear(&chat->view);
    return COMMAND_DONE;
}

static int action_status(struct chat *chat, char *arguments) {
    struct earshot_hub_info hub;
    (void)arguments;
    earshot_hub(chat->link, &hub);
    view_note(&chat->view, VIEW_INFO, "hub %s: pid %ld, uid %ld, queue %d, in %s", hub.name,
              (long)hub.pid, (long)hub.uid, hub.msqid, hub.dir);
    view_note(&chat->view, VIEW_INFO, "you are %s; %zu messages wait for the hub%s", chat->me,
              earshot_n_unacknowledged(chat->link),
              earshot_is_waiting(chat->link) ? ", its queue is full or it is gone" : "");
    inquiry_list(chat, EARSHOT_COUNTERS, NULL, INQUIRY_STATUS, "");
    return COMMAND_DONE;
}

static int action_history(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    char *end;
    unsigned long n = *arguments ? strtoul(arguments, &end, 10) : COMMAND_HISTORY_LINES;
    if (*arguments && (*end || n == 0 || arguments[0] == '-'))
        return command_usage(chat, "history");
    if (!*chat->target) {
        chat_fail(chat, OUTCOME_USAGE, "history of what? /join #ROOM or /query HANDLE first");
        return COMMAND_DONE;
    }
    past_page(chat, chat->target, n < UINT_MAX ? (unsigned)n : UINT_MAX, *arguments != '\0');
    return COMMAND_DONE;
}

static int action_search(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    if (!*arguments)
        return command_usage(chat, "search");
    int r = earshot_search(chat->link, arguments, NULL, NULL, 0, INQUIRY_SEARCH_LINES, &request);
    inquiry_made(chat, r, request, INQUIRY_SEARCH, arguments);
    return COMMAND_DONE;
}

static int action_help(struct chat *chat, char *arguments) {
    command_cut_word(arguments);
    command_help(chat, arguments);
    return COMMAND_DONE;
}

static int action_quit(struct chat *chat, char *arguments) {
    (void)arguments;
    chat->leaving = true;
    return COMMAND_DONE;
}

/* The table. */

/* A beginning that fits several rows means the first: what people mean most stands first. */
const struct command command_table[] = {
    {"msg", "TO[,TO...] TEXT", "a message; several handles are one conversation", ARGUMENT_CONV, -1,
     action_msg},
    {"query", "[TO [TEXT]]", "plain lines, and TEXT, go to TO; alone, as /unread", ARGUMENT_CONV,
     -1, action_query},
    {"join", "#ROOM...", "enter a room and talk there", ARGUMENT_ROOM, -1, action_join},
    {"part", "[#ROOM]", "leave a room", ARGUMENT_ROOM, 1, action_part},
    {"who", "[#ROOM|HANDLE]", "who is here, or in a room; who somebody is", ARGUMENT_CONV, 1,
     action_who},
    {"reply", "[N|ID] TEXT",
     "answer the last message here, the one N back (from 10 on, with this number), or with ID",
     ARGUMENT_NONE, -1, reply_run},
    {"thread", "[N|ID]",
     "the thread of the last reply here, of the one with N, or of the one with ID", ARGUMENT_NONE,
     1, reply_thread},
    {"pin", "[N|ID]", "pin the last message here for all, the one N back, or the one with ID",
     ARGUMENT_NONE, 1, pins_pin},
    {"pins", "[CONV]", "what is pinned here, by whom and when", ARGUMENT_CONV, 1, pins_list},
    {"unpin", "[N|ID]", "pin it no more", ARGUMENT_NONE, 1, pins_unpin},
    {"star", "[N|ID]", "the same for yourself alone", ARGUMENT_NONE, 1, pins_star},
    {"stars", "[CONV]", "what you have starred", ARGUMENT_CONV, 1, pins_list_stars},
    {"unstar", "[N|ID]", "star it no more", ARGUMENT_NONE, 1, pins_unstar},
    {"react", "[N|ID] EMOJI", "an emoji for the last message here, or that one; again: not",
     ARGUMENT_EMOJI, -1, react_run},
    {"edit", "[TEXT]", "another text for what you said last here; alone, to change it in the line",
     ARGUMENT_NONE, -1, mend_edit},
    {"names", "[#ROOM]", "who is in this room", ARGUMENT_ROOM, 1, action_names},
    {"unread", "", "your conversations, and what is new in each", ARGUMENT_NONE, 0, action_unread},
    {"next", "", "to the next one with something new, then back (also Alt-A)", ARGUMENT_NONE, 0,
     action_next},
    {"rooms", "", "which rooms there are", ARGUMENT_NONE, 0, action_rooms},
    {"help", "[COMMAND]", "this list", ARGUMENT_COMMAND, 1, action_help},
    {"history", "[N]", "the last N messages here; alone, further back each time", ARGUMENT_NONE, 1,
     action_history},
    {"search", "WORDS", "the last messages with all of these words", ARGUMENT_NONE, -1,
     action_search},
    {"put", "[TO] PATH", "hand over a file or a directory", ARGUMENT_PATH, -1, files_put},
    {"get", "[N|HANDLE|NAME|ID]",
     "take the last file offered, or the one with this number in /files; the beginning of a name "
     "will do",
     ARGUMENT_HANDLE, -1, files_get},
    {"decline", "[N|HANDLE|NAME]", "refuse it, withdraw one's own, or stop what is under way",
     ARGUMENT_HANDLE, -1, files_decline},
    {"delete", "[REASON]", "take back what you said last here", ARGUMENT_NONE, -1, mend_delete},
    {"files", "", "which files wait for you or others, and how far transfers are", ARGUMENT_NONE, 0,
     files_list},
    {"me", "TEXT", "say what you do: * alice waves", ARGUMENT_NONE, -1, action_me},
    {"away", "[TEXT]", "tell others that you are not there", ARGUMENT_NONE, -1, action_away},
    {"back", "", "you are there again", ARGUMENT_NONE, 0, action_back},
    {"topic", "[#ROOM] [TEXT]", "show or set the topic of a room", ARGUMENT_ROOM, -1, govern_topic},
    {"room", "[#ROOM] [CHANGE]",
     "what it is; private, open, close; group, owner, rename, announce, past with a word",
     ARGUMENT_CHANGE, 3, govern_room},
    {"invite", "[#ROOM] HANDLE", "invite somebody into a room", ARGUMENT_HANDLE, 2, govern_invite},
    {"whois", "HANDLE", "login, programs, since when, as the kernel says", ARGUMENT_HANDLE, 1,
     action_whois},
    {"claims", "", "what is claimed, by whom, and who waits", ARGUMENT_NONE, 0, govern_claims},
    {"mentions", "", "the last messages that name you", ARGUMENT_NONE, 0, action_mentions},
    {"mute", "[CONV]|#ROOM HANDLE [10m] [WHY]",
     "show nothing of it while you are elsewhere; in your room, who says nothing there",
     ARGUMENT_CONV, -1, action_mute},
    {"unmute", "[CONV]|#ROOM HANDLE", "show it again; who may speak again", ARGUMENT_CONV, 2,
     action_unmute},
    {"notify", "[CONV] [LEVEL]", "default, every, mentions, off or mute", ARGUMENT_LEVEL, 2,
     action_notify},
    {"ignore", "[HANDLE]", "show nothing of them in this window", ARGUMENT_HANDLE, 1,
     action_ignore},
    {"unignore", "HANDLE", "show them again", ARGUMENT_HANDLE, 1, action_unignore},
    {"nick", "HANDLE", "change your handle", ARGUMENT_NONE, 1, action_nick},
    {"clear", "", "clear the screen", ARGUMENT_NONE, 0, action_clear},
    {"status", "", "the hub, and what waits for it", ARGUMENT_NONE, 0, action_status},
    {"bell", "[off|dm|all|every]", "ring never, for direct messages, mentions too, or all",
     ARGUMENT_BELL, 1, setting_bell},
    {"set", "[KEY [VALUE]]", "what the configuration has, and change it in this window",
     ARGUMENT_NONE, -1, setting_set},
    {"alias", "[WORD [COMMAND]]", "a command of your own for a longer one", ARGUMENT_NONE, -1,
     setting_alias},
    {"kick", "[#ROOM] HANDLE [WHY]", "in your room: put somebody out", ARGUMENT_HANDLE, -1,
     govern_kick},
    {"ban", "[#ROOM] HANDLE|UID [10m] [WHY]", "put out, and let in no more, by whatever handle",
     ARGUMENT_HANDLE, -1, govern_ban},
    {"unban", "[#ROOM] HANDLE|UID", "let in again", ARGUMENT_HANDLE, 2, govern_unban},
    {"op", "[#ROOM] HANDLE", "who keeps order in your room, too", ARGUMENT_HANDLE, 2, govern_op},
    {"deop", "[#ROOM] HANDLE", "who does no more", ARGUMENT_HANDLE, 2, govern_deop},
    {"lock", "[#ROOM] [off]", "only who keeps order there sets the topic", ARGUMENT_ROOM, 2,
     govern_lock},
    {"quit", "", "leave (also Ctrl-D)", ARGUMENT_NONE, -1, action_quit},
    {0},
};

/* What people type who come from elsewhere. */
static const struct command_alias {
    const char *word, *means;
} command_aliases[] = {
    {"dm", "msg"}, {"exit", "quit"}, {"leave", "part"}, {"list", "rooms"}, {0},
};

/* Whether the word is the name, or with `is_beginning` begins it. */
static bool command_is_called(const char *name, const char *word, size_t n, bool is_beginning) {
    return n > 0 && strncasecmp(name, word, n) == 0 && (is_beginning || name[n] == '\0');
}

/* These act upon others, whom nobody puts out by a slip of the hand. */
static bool command_is_whole(const struct command *row) {
    static const char *const names[] = {"ban", "deop", "kick", "lock", "op", "unban"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(row->name, names[i]) == 0)
            return true;
    return false;
}

static const struct command *command_find_row(const char *word, size_t n, bool is_beginning) {
    for (const struct command *row = command_table; row->name; row++)
        if (command_is_called(row->name, word, n, is_beginning && !command_is_whole(row)))
            return row;
    return NULL;
}

/*
 * Only the whole word: /help shows none of them, and by their beginnings one would leave by
 * mistake.
 */
static const struct command *command_find_alias(const char *word, size_t n) {
    for (const struct command_alias *alias = command_aliases; alias->word; alias++)
        if (command_is_called(alias->word, word, n, false))
            return command_find_row(alias->means, strlen(alias->means), false);
    return NULL;
}

const struct command *command_find(const char *word, size_t n) {
    const struct command *found = command_find_row(word, n, false);
    if (!found)
        found = command_find_alias(word, n);
    return found ? found : command_find_row(word, n, true);
}

static void command_unknown(struct chat *chat, const char *word, size_t n) {
    char shown[41];
    struct near near;
    snprintf(shown, sizeof shown, "%.*s", (int)n, word);
    near_init(&near, shown);
    for (const struct command *command = command_table; command->name; command++)
        near_consider(&near, command->name);
    for (const struct command_alias *alias = command_aliases; alias->word; alias++)
        near_consider(&near, alias->word);
    const char *meant = near_best(&near);
    chat_fail(chat, OUTCOME_USAGE, "no command /%s; %s%s%snot sent (// begins a text with /)",
              shown, meant ? "/" : "", meant ? meant : "", meant ? "? " : "");
}

/* The line that an alias stands for; the caller frees it. NULL: it is none. */
static char *command_expanded(const struct chat *chat, const char *line) {
    size_t n = strcspn(line, COMMAND_BLANKS);
    CLEANUP_FREE char *word = strndup(line, n);
    const char *meaning = word ? memory_get(&chat->memory, MEMORY_ALIAS, word) : NULL;
    const char *rest = line + command_skip_word(line);
    char *whole = NULL;
    if (!meaning || command_find_row(line, n, false))
        return NULL;
    if (asprintf(&whole, "%s%s%s", meaning, *rest ? " " : "", rest) < 0)
        return NULL;
    return whole;
}

/* Whether there are more words than it takes: half of what was typed is not to be lost. */
static bool command_has_more(const struct command *command, const char *arguments) {
    for (int n = 0; command->n_words >= 0 && *arguments; n++) {
        if (n == command->n_words)
            return true;
        arguments += command_skip_word(arguments);
    }
    return false;
}

/* What it refuses cannot have been the way to where the next line is to go. */
static bool command_leads_nowhere(const struct command *command) {
    static int (*const runs[])(struct chat * chat, char *arguments) = {
        files_put,    files_get,   files_decline, action_history, action_search,
        action_whois, action_mute, action_unmute, action_notify,  action_ignore,
        setting_bell, setting_set, setting_alias, action_help,
    };
    for (size_t i = 0; i < ARRAY_LEN(runs); i++)
        if (runs[i] == command->run)
            return true;
    return false;
}

static int command_run(struct chat *chat, const char *typed) {
    CLEANUP_FREE char *expanded = command_expanded(chat, typed);
    const char *line = expanded ? expanded : typed;
    size_t n = strcspn(line, COMMAND_BLANKS);
    const struct command *command = command_find(line, n);
    if (!command) {
        command_unknown(chat, line, n);
        return COMMAND_DONE;
    }
    CLEANUP_FREE char *arguments = strdup(line + command_skip_word(line));
    int r = COMMAND_DONE;
    if (arguments && command_has_more(command, arguments))
        command_usage(chat, command->name);
    else if (arguments)
        r = command->run(chat, arguments);
    if (command_leads_nowhere(command))
        chat->n_failed = 0;
    return r;
}

int command_text(struct chat *chat, const char *text) {
    if (!*chat->target) {
        chat_fail(chat, OUTCOME_USAGE,
                  "not sent: this line has nowhere to go; /join #ROOM or /query HANDLE first, or "
                  "/msg HANDLE TEXT");
        return COMMAND_DONE;
    }
    int r = talk_send(chat, chat->target, text, EARSHOT_TEXT, NULL);
    return r == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

/*
 * A line typed behind a command that failed may be meant for the room or person that the command
 * would have led to. So a window does not send it to the target at once, but asks, by one more
 * Enter. Where lines come from a program nobody can be asked.
 */
static bool command_is_held(struct chat *chat) {
    bool held = chat->is_doubtful && chat->view.windowed && *chat->target;
    chat->is_doubtful = false;
    if (held)
        view_note(&chat->view, VIEW_ERROR,
                  "not sent yet, for the command before it was not done: %s sends it to %s",
                  chat->has_editor ? "Enter" : "the same line again", chat->target);
    return held;
}

static int command_take(struct chat *chat, const char *line) {
    if (!line[strspn(line, COMMAND_BLANKS)])
        return COMMAND_DONE;
    if (line[0] == '/' && line[1] != '/') {
        chat->n_failed = 0;
        int r = command_run(chat, line + 1);
        chat->is_doubtful = chat->n_failed > 0;
        return r;
    }
    bool is_escaped = line[0] == '/'; /* "//" begins a text with "/" */
    if (!is_escaped && command_is_held(chat))
        return COMMAND_HELD;
    return command_text(chat, is_escaped ? line + 1 : line);
}

int command_line(struct chat *chat, const char *line) {
    int outcome = command_take(chat, line);
    if (outcome != COMMAND_KEEP)
        action_forget_halt(chat);
    return outcome;
}
