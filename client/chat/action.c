#include "chat/action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "chat/ask.h"
#include "chat/past.h"
#include "chat/talk.h"
#include "cli/report.h"
#include "cli/words.h"

#define BLANKS " \t\n"
#define HISTORY_LINES 20

/* Cuts the first word off; returns what follows it. */
static char *cut_word(char *arguments) {
    size_t n = strcspn(arguments, BLANKS);
    char *rest = arguments + n + strspn(arguments + n, BLANKS);
    arguments[n] = '\0';
    return rest;
}

static int action_usage(struct chat *chat, const char *name) {
    const struct command *command = command_find(name, strlen(name));
    chat_fail(chat, CLI_USAGE, "usage", "usage: /%s %s: %s", name, command->arguments,
              command->help);
    return COMMAND_DONE;
}

/* A room is meant, so the `#` may be left out. */
static void room_name(char name[CHAT_NAME_SIZE], const char *word) {
    size_t n = word[0] == '#' ? 0 : 1;
    name[0] = '#';
    snprintf(name + n, CHAT_NAME_SIZE - n, "%s", word);
}

/* `@bob` and `bob:` are how people write a handle. */
static const char *plain_handle(char *word) {
    size_t n = strlen(word);
    if (n > 1 && (word[n - 1] == ':' || word[n - 1] == ','))
        word[n - 1] = '\0';
    return word[0] == '@' ? word + 1 : word;
}

static int action_outcome(int outcome) {
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

int action_msg(struct chat *chat, char *arguments) {
    char *text = cut_word(arguments);
    if (!*arguments || !*text)
        return action_usage(chat, "msg");
    return action_outcome(talk_send(chat, plain_handle(arguments), text, EARSHOT_TEXT, NULL));
}

int action_me(struct chat *chat, char *arguments) {
    if (!*arguments)
        return action_usage(chat, "me");
    if (!*chat->target)
        return command_text(chat, arguments);
    return action_outcome(talk_send(chat, chat->target, arguments, EARSHOT_ACTION, NULL));
}

int action_query(struct chat *chat, char *arguments) {
    cut_word(arguments);
    const char *to = plain_handle(arguments);
    if (*to == '#' && !roster_is_joined(&chat->roster, to))
        return action_join(chat, arguments);
    if (*to && *to != '#' && !words_same_name(to, to)) {
        chat_fail(chat, CLI_USAGE, "bad-name", "\"%s\" is no handle", to);
        return COMMAND_DONE;
    }
    chat_set_target(chat, *to ? to : chat_next_room(chat));
    if (*to && *to != '#') {
        past_open(chat, to);
        past_ask(chat, to);
    }
    const char *away = roster_away(&chat->roster, to);
    if (away)
        view_note(&chat->view, VIEW_INFO, "%s is away%s%s", to, *away ? ": " : "", away);
    return COMMAND_DONE;
}

int action_join(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    uint32_t request = 0;
    cut_word(arguments);
    if (!*arguments)
        return action_usage(chat, "join");
    room_name(room, arguments);
    int r = earshot_join(chat->link, room, false, &request);
    if (r == EARSHOT_OK)
        past_open(chat, room);
    ask_made(chat, r, request, ASK_JOIN, room);
    if (r == EARSHOT_OK) /* what is typed next is for this room, and stays behind the request */
        chat_set_target(chat, room);
    return COMMAND_DONE;
}

int action_part(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    uint32_t request = 0;
    cut_word(arguments);
    if (!*arguments && chat->target[0] != '#')
        return action_usage(chat, "part");
    room_name(room, *arguments ? arguments : chat->target);
    int r = earshot_part(chat->link, room, &request);
    ask_made(chat, r, request, ASK_PART, room);
    return COMMAND_DONE;
}

int action_who(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    cut_word(arguments);
    room_name(room, arguments);
    const char *of = *arguments ? room : NULL;
    ask_list(chat, EARSHOT_USERS, of, ASK_WHO, of ? of : "");
    return COMMAND_DONE;
}

int action_names(struct chat *chat, char *arguments) {
    cut_word(arguments);
    if (!*arguments && chat->target[0] != '#')
        return action_usage(chat, "names");
    char room[CHAT_NAME_SIZE];
    room_name(room, *arguments ? arguments : chat->target);
    ask_list(chat, EARSHOT_USERS, room, ASK_WHO, room);
    return COMMAND_DONE;
}

int action_rooms(struct chat *chat, char *arguments) {
    (void)arguments;
    ask_list(chat, EARSHOT_ROOMS, NULL, ASK_ROOMS, "");
    return COMMAND_DONE;
}

int action_away(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    int r = earshot_away(chat->link, arguments, &request);
    ask_made(chat, r, request, ASK_AWAY, "");
    return COMMAND_DONE;
}

int action_back(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    (void)arguments;
    int r = earshot_away(chat->link, NULL, &request);
    ask_made(chat, r, request, ASK_BACK, "");
    return COMMAND_DONE;
}

int action_topic(struct chat *chat, char *arguments) {
    char room[CHAT_NAME_SIZE];
    char *text = arguments;
    uint32_t request = 0;
    if (arguments[0] == '#') {
        text = cut_word(arguments);
        room_name(room, arguments);
    } else if (chat->target[0] == '#') {
        room_name(room, chat->target);
    } else {
        return action_usage(chat, "topic");
    }
    if (!*text) {
        ask_list(chat, EARSHOT_ROOMS, NULL, ASK_TOPIC, room);
        return COMMAND_DONE;
    }
    int r = earshot_topic(chat->link, room, text, &request);
    ask_made(chat, r, request, ASK_TOPIC_SET, room);
    return COMMAND_DONE;
}

static void ignored_visit(void *arg, const char *name) {
    struct chat *chat = arg;
    view_note(&chat->view, VIEW_INFO, "ignored: %s; /unignore %s ends that", name, name);
}

int action_ignore(struct chat *chat, char *arguments) {
    cut_word(arguments);
    const char *handle = plain_handle(arguments);
    if (*handle) {
        roster_ignore(&chat->roster, handle, true);
        if (!roster_is_ignored(&chat->roster, handle))
            chat_fail(chat, CLI_USAGE, "bad-name", "\"%s\" is no handle", handle);
    }
    roster_each(&chat->roster, ROSTER_IGNORED, ignored_visit, chat);
    return COMMAND_DONE;
}

int action_unignore(struct chat *chat, char *arguments) {
    cut_word(arguments);
    const char *handle = plain_handle(arguments);
    if (!*handle)
        return action_usage(chat, "unignore");
    bool was = roster_is_ignored(&chat->roster, handle);
    roster_ignore(&chat->roster, handle, false);
    view_note(&chat->view, VIEW_INFO, was ? "you see %s again" : "%s was not ignored", handle);
    return COMMAND_DONE;
}

static void rejoin_visit(void *arg, const char *room) {
    struct chat *chat = arg;
    uint32_t request = 0;
    int r = earshot_join(chat->link, room, false, &request);
    ask_made(chat, r, request, ASK_REJOIN, room);
}

/* It is the handle that is in a room; so the new one enters them, at once after the change. */
int action_nick(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    cut_word(arguments);
    if (!*arguments)
        return action_usage(chat, "nick");
    int r = earshot_nick(chat->link, arguments, &request);
    ask_made(chat, r, request, ASK_NICK, arguments);
    if (r == EARSHOT_OK)
        roster_each(&chat->roster, ROSTER_JOINED, rejoin_visit, chat);
    return COMMAND_DONE;
}

int action_clear(struct chat *chat, char *arguments) {
    (void)arguments;
    view_clear(&chat->view);
    return COMMAND_DONE;
}

int action_status(struct chat *chat, char *arguments) {
    struct earshot_hub_info hub;
    (void)arguments;
    earshot_hub(chat->link, &hub);
    view_note(&chat->view, VIEW_INFO, "hub %s: pid %ld, uid %ld, queue %d, in %s", hub.name,
              (long)hub.pid, (long)hub.uid, hub.msqid, hub.dir);
    view_note(&chat->view, VIEW_INFO, "you are %s; %zu messages wait for the hub%s", chat->me,
              earshot_n_unacknowledged(chat->link),
              earshot_is_waiting(chat->link) ? ", its queue is full or it is gone" : "");
    ask_list(chat, EARSHOT_COUNTERS, NULL, ASK_STATUS, "");
    return COMMAND_DONE;
}

/* What a reply is to. */
struct replied {
    const char *conv, *id;
};

static void reply_to(struct replied *to, const struct recent_message *message) {
    *to = (struct replied){message->conv, message->id};
}

/* Whether the first word names a message: so many back, or an id in *id. */
static bool is_named(struct chat *chat, const char *word, char id[EARSHOT_ID_SIZE],
                     struct replied *to) {
    size_t n = strcspn(word, BLANKS);
    const struct recent_message *message = NULL;
    struct uuid uuid;
    if (n < 4 && strspn(word, "0123456789") == n)
        message = recent_back(&chat->recent, chat->target, strtoul(word, NULL, 10));
    snprintf(id, EARSHOT_ID_SIZE, "%.*s", (int)n, word);
    if (n == EARSHOT_ID_SIZE - 1 && uuid_from_text(&uuid, id)) {
        message = recent_meant(&chat->recent, id, chat->target);
        if (!message)
            message = recent_meant(&chat->recent, id, "");
        *to = (struct replied){chat->target, id};
    }
    if (message)
        reply_to(to, message);
    return to->id != NULL;
}

int action_reply(struct chat *chat, char *arguments) {
    char id[EARSHOT_ID_SIZE];
    struct replied to = {0};
    const char *text = arguments + strcspn(arguments, BLANKS);
    text += strspn(text, BLANKS);
    if (!*arguments)
        return action_usage(chat, "reply");
    if (!*text || !is_named(chat, arguments, id, &to)) {
        const struct recent_message *last = recent_back(&chat->recent, chat->target, 1);
        text = arguments;
        if (last)
            reply_to(&to, last);
    }
    if (to.id && *to.conv)
        return action_outcome(talk_send(chat, to.conv, text, EARSHOT_TEXT, to.id));
    if (*chat->target)
        chat_fail(chat, CLI_USAGE, "usage",
                  "not sent: nobody said anything in %s that this window has shown", chat->target);
    else
        chat_fail(chat, CLI_USAGE, "usage", "not sent: /join #ROOM or /query HANDLE first");
    return COMMAND_DONE;
}

int action_history(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    cut_word(arguments);
    char *end;
    unsigned long n = *arguments ? strtoul(arguments, &end, 10) : HISTORY_LINES;
    if (*arguments && (*end || n == 0 || arguments[0] == '-'))
        return action_usage(chat, "history");
    if (!*chat->target) {
        chat_fail(chat, CLI_USAGE, "usage", "history of what? /join #ROOM or /query HANDLE first");
        return COMMAND_DONE;
    }
    if (n > EARSHOT_PAGE_MAX)
        n = EARSHOT_PAGE_MAX;
    int r = earshot_history(chat->link, chat->target, 0, 0, (unsigned)n, &request);
    ask_made(chat, r, request, ASK_HISTORY, chat->target);
    return COMMAND_DONE;
}

int action_search(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    if (!*arguments)
        return action_usage(chat, "search");
    int r = earshot_search(chat->link, arguments, NULL, NULL, 0, HISTORY_LINES, &request);
    ask_made(chat, r, request, ASK_SEARCH, arguments);
    return COMMAND_DONE;
}

int action_bell(struct chat *chat, char *arguments) {
    static const char *const meanings[] = {
        [CONFIG_WHEN_OFF] = "never",
        [CONFIG_WHEN_DM] = "for direct messages",
        [CONFIG_WHEN_ALL] = "for direct messages and mentions of you",
        [CONFIG_WHEN_EVERY] = "for every message",
    };
    cut_word(arguments);
    bool known = !*arguments;
    for (int i = 0; config_when_words[i]; i++) {
        if (strcmp(arguments, config_when_words[i]) == 0) {
            chat->bell = (enum config_when)i;
            known = true;
        }
    }
    if (!known)
        return action_usage(chat, "bell");
    view_note(&chat->view, VIEW_INFO, "the bell rings %s", meanings[chat->bell]);
    return COMMAND_DONE;
}

int action_help(struct chat *chat, char *arguments) {
    cut_word(arguments);
    command_help(chat, arguments);
    return COMMAND_DONE;
}

int action_quit(struct chat *chat, char *arguments) {
    (void)arguments;
    chat->leaving = true;
    return COMMAND_DONE;
}
