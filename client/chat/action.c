#include "chat/action.h"

#include <stdio.h>
#include <string.h>

#include "chat/ask.h"
#include "chat/talk.h"
#include "cli/report.h"

#define BLANKS " \t\n"

/* Cuts the first word off; returns what follows it. */
static char *cut_word(char *arguments) {
    size_t n = strcspn(arguments, BLANKS);
    char *rest = arguments + n + strspn(arguments + n, BLANKS);
    arguments[n] = '\0';
    return rest;
}

static int usage(struct chat *chat, const char *name) {
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

static int said(int outcome) {
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

int action_msg(struct chat *chat, char *arguments) {
    char *text = cut_word(arguments);
    if (!*arguments || !*text)
        return usage(chat, "msg");
    return said(talk_send(chat, plain_handle(arguments), text, strlen(text), EARSHOT_TEXT));
}

int action_me(struct chat *chat, char *arguments) {
    if (!*arguments)
        return usage(chat, "me");
    if (!*chat->target)
        return command_text(chat, arguments);
    return said(talk_send(chat, chat->target, arguments, strlen(arguments), EARSHOT_ACTION));
}

int action_query(struct chat *chat, char *arguments) {
    cut_word(arguments);
    const char *to = plain_handle(arguments);
    if (*to == '#' && !roster_is_joined(&chat->roster, to))
        return action_join(chat, arguments);
    if (*to && *to != '#' && !roster_same(to, to)) {
        chat_fail(chat, CLI_USAGE, "bad-name", "\"%s\" is no handle", to);
        return COMMAND_DONE;
    }
    chat_set_target(chat, *to ? to : chat_next_room(chat));
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
        return usage(chat, "join");
    room_name(room, arguments);
    int r = earshot_join(chat->link, room, false, &request);
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
        return usage(chat, "part");
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
        return usage(chat, "topic");
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
        return usage(chat, "unignore");
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
        return usage(chat, "nick");
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

int action_bell(struct chat *chat, char *arguments) {
    static const char *const meanings[] = {
        [CHAT_BELL_OFF] = "never",
        [CHAT_BELL_DM] = "for direct messages",
        [CHAT_BELL_ALL] = "for direct messages and mentions of you",
    };
    cut_word(arguments);
    bool known = !*arguments;
    for (int i = 0; command_bell_words[i]; i++) {
        if (strcmp(arguments, command_bell_words[i]) == 0) {
            chat->bell = (enum chat_bell)i;
            known = true;
        }
    }
    if (!known)
        return usage(chat, "bell");
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
