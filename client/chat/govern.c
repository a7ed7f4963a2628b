/* What is done with a room, besides talking in it; and which people have one of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "chat/command.h"
#include "chat/inquiry.h"
#include "chat/past.h"
#include "chat/people/roster.h"
#include "chat/talk.h"
#include "cli/claims.h"
#include "cli/report.h"
#include "cli/words.h"

/* What a room may be told, in words. */
static const struct {
    const char *word;
    enum earshot_room_change what;
    bool has_argument;
} govern_words[] = {
    {"private", EARSHOT_MAKE_PRIVATE, false}, {"open", EARSHOT_MAKE_OPEN, false},
    {"owner", EARSHOT_SET_OWNER, true},       {"rename", EARSHOT_SET_NAME, true},
    {"announce", EARSHOT_SET_ANNOUNCE, true}, {"past", EARSHOT_SET_PAST, true},
    {"close", EARSHOT_CLOSE, false},          {"group", EARSHOT_MAKE_GROUP, true},
};

const char *const govern_change_words[] = {"private", "open",  "owner", "rename", "announce",
                                           "past",    "close", "group", NULL};

/* One that is made is one to talk in. */
static void govern_change(struct chat *chat, const char *room, enum earshot_room_change what,
                          const char *argument) {
    char name[CHAT_NAME_SIZE];
    uint32_t request = 0;
    snprintf(name, sizeof name, "%s", room); /* which may be the target, that is set here */
    bool makes = what <= EARSHOT_MAKE_PRIVATE && !roster_is_joined(&chat->roster, room);
    int r = earshot_change_room(chat->link, room, what, argument, &request);
    if (r == EARSHOT_OK && makes)
        past_open(chat, room);
    inquiry_made(chat, r, request, makes ? INQUIRY_JOIN : INQUIRY_CHANGE, room);
    if (r == EARSHOT_OK && makes)
        chat_set_target(chat, name);
}

/* Cuts the first word off; returns what is behind it. */
static char *govern_cut(char *words) {
    char *end = words + strcspn(words, COMMAND_BLANKS);
    char *rest = end + strspn(end, COMMAND_BLANKS);
    *end = '\0';
    return rest;
}

/* The room named, or the one that plain lines go to; NULL: there is none. Returns what is behind
 * it.
 */
static char *govern_take_room(const struct chat *chat, char *arguments, const char **room) {
    bool is_named = *arguments == '#';
    *room = is_named ? arguments : chat->target;
    char *rest = is_named ? govern_cut(arguments) : arguments;
    return **room == '#' ? rest : NULL;
}

/* Alone, what the room is; else it is made, or changed. */
int govern_room(struct chat *chat, char *arguments) {
    const char *room;
    uint32_t request = 0;
    char *word = govern_take_room(chat, arguments, &room);
    char *argument = word ? govern_cut(word) : NULL;
    if (word && !*word) {
        int r = earshot_about(chat->link, room, &request);
        inquiry_made(chat, r, request, INQUIRY_ABOUT, room);
        return COMMAND_DONE;
    }
    for (size_t i = 0; word && i < ARRAY_LEN(govern_words); i++)
        if (strcmp(govern_words[i].word, word) == 0 &&
            govern_words[i].has_argument == (*argument != '\0')) {
            govern_cut(argument);
            govern_change(chat, room, govern_words[i].what, argument);
            return COMMAND_DONE;
        }
    return command_usage(chat, "room");
}

int govern_topic(struct chat *chat, char *arguments) {
    const char *room;
    uint32_t request = 0;
    const char *text = govern_take_room(chat, arguments, &room);
    if (!text)
        return command_usage(chat, "topic");
    if (!*text) {
        inquiry_list(chat, EARSHOT_ROOMS, NULL, INQUIRY_TOPIC, room);
        return COMMAND_DONE;
    }
    int r = earshot_topic(chat->link, room, text, &request);
    inquiry_made(chat, r, request, INQUIRY_TOPIC_SET, room);
    return COMMAND_DONE;
}

int govern_invite(struct chat *chat, char *arguments) {
    const char *room;
    uint32_t request = 0;
    char *handle = govern_take_room(chat, arguments, &room);
    if (!handle || !*handle)
        return command_usage(chat, "invite");
    govern_cut(handle);
    handle += *handle == '@';
    int r = earshot_invite(chat->link, room, handle, &request);
    inquiry_made(chat, r, request, INQUIRY_INVITE, handle);
    return COMMAND_DONE;
}

int govern_claims(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    (void)arguments;
    int r = earshot_claims(chat->link, &request);
    inquiry_made(chat, r, request, INQUIRY_CLAIMS, "");
    return COMMAND_DONE;
}

void govern_claim_line(struct chat *chat, const struct earshot_event *event) {
    struct cli_claim claim;
    CLEANUP_FREE char *text = NULL;
    claims_fill(&claim, event);
    if (claim.is_held)
        claims_describe(&claim, &text);
    if (text)
        view_note(&chat->view, VIEW_INFO, "%s: %s", claim.name, text);
    else
        view_note(&chat->view, VIEW_INFO, "%s: %s waits, as number %u%s%s", claim.name,
                  claim.handle, claim.place, *claim.note ? ": " : "", claim.note);
    claims_free(&claim);
}

/* People. */

/* "alice,bob", with or without an "@": several handles, and no room among them. */
bool govern_is_people(const char *word) {
    size_t n = strcspn(word, COMMAND_BLANKS), n_handles = 0;
    for (size_t i = 0; i < n; i++)
        if (word[i] == '#')
            return false;
        else if (word[i] != ',' && (i == 0 || word[i - 1] == ','))
            n_handles++;
    return n_handles > 1;
}

/* What is said is sent behind the request, so that it comes before what is typed next. */
int govern_talk_to_people(struct chat *chat, const char *people, const char *text, bool goes) {
    char conv[CHAT_NAME_SIZE];
    int n = snprintf(conv, sizeof conv, "#%s", people + (*people == '@'));
    if ((size_t)n >= sizeof conv || !words_is_name(conv)) {
        chat_fail(chat, FAIL_BAD_NAME, "\"%s\" cannot be the people of a conversation", people);
        return COMMAND_DONE;
    }
    if (!inquiry_gather(chat, conv, goes) || !*text)
        return COMMAND_DONE;
    return talk_send(chat, conv, text, EARSHOT_TEXT, NULL) == TALK_FULL ? COMMAND_KEEP
                                                                        : COMMAND_DONE;
}

/* Order. */

/* A number is a uid, whoever is called so. */
static void govern_whom(char *word, struct earshot_order *order) {
    char *end;
    word += *word == '@';
    unsigned long long uid = strtoull(word, &end, 10);
    bool is_uid = end != word && *end == '\0' && *word != '-' && uid < UINT32_MAX;
    order->handle = is_uid ? NULL : word;
    order->uid = is_uid ? (uid_t)uid : 0;
}

/* Takes the time that stands before the reason, if one does; returns the reason. */
static char *govern_take_time(char *words, struct earshot_order *order) {
    char *behind = words + strcspn(words, COMMAND_BLANKS);
    char was = *behind;
    *behind = '\0';
    if (words_take_span(words, &order->value))
        return was ? behind + 1 + strspn(behind + 1, COMMAND_BLANKS) : behind;
    *behind = was;
    return words;
}

static int govern_order(struct chat *chat, const char *command, unsigned what, char *arguments) {
    const char *room;
    uint32_t request = 0;
    struct earshot_order order = {0};
    char *whom = govern_take_room(chat, arguments, &room);
    char *reason = whom ? govern_cut(whom) : NULL;
    if (!whom || !*whom)
        return command_usage(chat, command);
    govern_whom(whom, &order);
    bool lasts = what == EARSHOT_MUTE || what == EARSHOT_BAN;
    order.reason = lasts ? govern_take_time(reason, &order) : reason;
    int r = earshot_govern(chat->link, room, what, &order, &request);
    inquiry_made(chat, r, request, INQUIRY_CHANGE, room);
    return COMMAND_DONE;
}

int govern_kick(struct chat *chat, char *arguments) {
    return govern_order(chat, "kick", EARSHOT_KICK, arguments);
}

int govern_mute(struct chat *chat, char *arguments) {
    return govern_order(chat, "mute", EARSHOT_MUTE, arguments);
}

int govern_unmute(struct chat *chat, char *arguments) {
    return govern_order(chat, "unmute", EARSHOT_UNMUTE, arguments);
}

int govern_ban(struct chat *chat, char *arguments) {
    return govern_order(chat, "ban", EARSHOT_BAN, arguments);
}

int govern_unban(struct chat *chat, char *arguments) {
    return govern_order(chat, "unban", EARSHOT_UNBAN, arguments);
}

int govern_op(struct chat *chat, char *arguments) {
    return govern_order(chat, "op", EARSHOT_MAKE_OPERATOR, arguments);
}

int govern_deop(struct chat *chat, char *arguments) {
    return govern_order(chat, "deop", EARSHOT_NO_OPERATOR, arguments);
}

int govern_lock(struct chat *chat, char *arguments) {
    const char *room;
    uint32_t request = 0;
    const char *word = govern_take_room(chat, arguments, &room);
    bool is_off = word && strcmp(word, "off") == 0;
    if (!word || (*word && !is_off && strcmp(word, "on") != 0))
        return command_usage(chat, "lock");
    unsigned what = is_off ? EARSHOT_UNLOCK_TOPIC : EARSHOT_LOCK_TOPIC;
    int r = earshot_govern(chat->link, room, what, &(struct earshot_order){0}, &request);
    inquiry_made(chat, r, request, INQUIRY_CHANGE, room);
    return COMMAND_DONE;
}
