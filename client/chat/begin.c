#include "chat/begin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/command.h"
#include "chat/inquiry.h"
#include "chat/past.h"
#include "cli/words.h"
#include "proto/name.h"

#define BEGIN_ROOMS_MAX 64
#define BEGIN_MEMBERS_MAX 500 /* of a room that is asked, but for that of the last time */

struct begin {
    char rooms[BEGIN_ROOMS_MAX][CHAT_NAME_SIZE];
    size_t n, n_asked;
    char last[CHAT_NAME_SIZE]; /* the conversation of the last time, "" for none */
    bool tells;
};

void begin_deinit(struct chat *chat) {
    free(chat->begin);
    chat->begin = NULL;
}

void begin_start(struct chat *chat, bool tells) {
    const char *last = memory_get(&chat->memory, MEMORY_TARGET, "");
    chat->begin = calloc(1, sizeof *chat->begin);
    if (!chat->begin)
        return;
    chat->begin->tells = tells;
    if (tells && last && words_is_name(last))
        snprintf(chat->begin->last, sizeof chat->begin->last, "%s", last);
    if (*chat->begin->last == '#')
        past_open(chat, chat->begin->last); /* what waits there is to stand below its last lines */
    else if (*chat->begin->last)
        command_go(chat, chat->begin->last);
    inquiry_list(chat, EARSHOT_ROOMS, NULL, INQUIRY_BEGIN_ROOMS, "");
}

void begin_room(struct chat *chat, const char *room, unsigned n_members) {
    struct begin *begin = chat->begin;
    bool is_last = begin && words_same_name(begin->last, room);
    roster_know_room(&chat->roster, room);
    if (!begin || n_members == 0 || (n_members > BEGIN_MEMBERS_MAX && !is_last))
        return;
    if (begin->n < BEGIN_ROOMS_MAX)
        begin->n++;
    else if (!is_last)
        return;
    snprintf(begin->rooms[begin->n - 1], CHAT_NAME_SIZE, "%s", room);
}

/* Telling. */

struct begin_names {
    FILE *out;
    size_t n;
    const char *first;
};

static void begin_add_name(void *arg, const char *room) {
    struct begin_names *names = arg;
    if (names->n == 0)
        names->first = room;
    fprintf(names->out, "%s%s%s", names->n++ > 0 ? ", " : "", conv_sign(room), conv_rest(room));
}

static void begin_hint(struct chat *chat, const char *rooms, const char *first) {
    const char *at = conv_sign(chat->target), *rest = conv_rest(chat->target);
    if (*rooms && *chat->target)
        view_note(&chat->view, VIEW_INFO, "you are in %s; what you type goes to %s%s", rooms, at,
                  rest);
    else if (*rooms)
        view_note(&chat->view, VIEW_INFO, "you are in %s; /query %s talks there; /help", rooms,
                  first);
    else if (*chat->target)
        view_note(&chat->view, VIEW_INFO, "what you type goes to %s%s; /join #lobby enters a room",
                  at, rest);
    else
        view_note(&chat->view, VIEW_INFO,
                  "/join #lobby enters a room, /msg HANDLE TEXT talks to one; /help");
}

/* The only room that one is in is where one was. */
static void begin_choose(struct chat *chat, const struct begin_names *names) {
    const char *last = chat->begin->last;
    if (*last == '#' && !roster_is_joined(&chat->roster, last))
        past_open_failed(chat, last);
    if (*chat->target)
        return;
    if (*last == '#' && roster_is_joined(&chat->roster, last))
        command_go(chat, last);
    else if (names->n == 1)
        command_go(chat, names->first);
}

static void begin_done(struct chat *chat) {
    char *text = NULL;
    size_t n_text = 0;
    struct begin_names names = {.out = open_memstream(&text, &n_text)};
    if (names.out)
        roster_each(&chat->roster, ROSTER_JOINED, begin_add_name, &names);
    if (names.out && fclose(names.out) == 0 && chat->begin->tells) {
        begin_choose(chat, &names);
        begin_hint(chat, text, names.first);
    }
    if (*chat->begin->last == '#')
        past_ask(chat, chat->begin->last);
    free(text);
    begin_deinit(chat);
}

static void begin_ask_next(struct chat *chat) {
    struct begin *begin = chat->begin;
    if (!begin)
        return;
    const char *room = begin->n_asked < begin->n ? begin->rooms[begin->n_asked++] : NULL;
    if (!room || !inquiry_list(chat, EARSHOT_USERS, room, INQUIRY_BEGIN_MEMBERS, room))
        begin_done(chat);
}

void begin_rooms_done(struct chat *chat) {
    begin_ask_next(chat);
}

void begin_room_done(struct chat *chat, const char *room, bool is_member) {
    if (is_member) {
        roster_room(&chat->roster, room, true);
        unread_know(chat, room);
    }
    begin_ask_next(chat);
}
