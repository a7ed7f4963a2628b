#include "chat/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "chat/files.h"
#include "chat/login.h"
#include "chat/news.h"
#include "chat/past.h"
#include "chat/show.h"
#include "cli/near.h"
#include "cli/outcome.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"
#include "ipc/process.h"
#include "proto/fail.h"

#define NAMES_MAX 12 /* in one line; the others are counted */

struct ask {
    uint32_t number;
    enum ask_kind kind;
    char about[CHAT_NAME_SIZE];
    char *topic;
    struct past_message *held; /* of the past */
    struct near near;          /* of NEAR */
    size_t n;                  /* lines of the answer that count */
    FILE *names;               /* for the answers that become one line */
    char *buffer;
    size_t n_buffer;
    struct ask *prev, *next;
};

/* What is done with the lines of an answer and at its end, by ask_kind. */
struct ask_row {
    const char *purpose; /* "cannot join #ops: ..." */
    void (*line)(struct chat *chat, struct ask *ask, const struct earshot_event *event);
    void (*done)(struct chat *chat, struct ask *ask);
};

static const struct ask_row rows[ASK_KINDS];

static void ask_free(struct chat *chat, struct ask *ask) {
    DL_DELETE(chat->asks, ask);
    fclose(ask->names);
    free(ask->buffer);
    free(ask->topic);
    past_free(&ask->held);
    free(ask);
}

void ask_deinit(struct chat *chat) {
    while (chat->asks)
        ask_free(chat, chat->asks);
}

static void report_failure(struct chat *chat, int result, enum ask_kind kind, const char *about) {
    char what[CHAT_NAME_SIZE + 64];
    snprintf(what, sizeof what, "cannot %s%s%s", rows[kind].purpose, *about ? " " : "", about);
    chat_fail_link(chat, result, what);
}

static struct ask *ask_new(enum ask_kind kind, const char *about) {
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return NULL;
    ask->names = open_memstream(&ask->buffer, &ask->n_buffer);
    if (!ask->names) {
        free(ask);
        return NULL;
    }
    ask->kind = kind;
    snprintf(ask->about, sizeof ask->about, "%s", about);
    return ask;
}

void ask_made(struct chat *chat, int result, uint32_t number, enum ask_kind kind,
              const char *about) {
    if (result != EARSHOT_OK) {
        report_failure(chat, result, kind, about);
        return;
    }
    struct ask *ask = ask_new(kind, about);
    if (!ask)
        return;
    ask->number = number;
    DL_APPEND(chat->asks, ask);
}

void ask_list(struct chat *chat, enum earshot_list what, const char *of, enum ask_kind kind,
              const char *about) {
    uint32_t number = 0;
    int r = earshot_ask(chat->link, what, of, &number);
    ask_made(chat, r, number, kind, about);
}

/* "alice, bob, carol and 7 others" */
static void name_add(struct ask *ask, const char *name, const char *remark) {
    ask->n++;
    if (ask->n <= NAMES_MAX)
        fprintf(ask->names, "%s%s%s", ask->n > 1 ? ", " : "", name, remark);
}

static const char *names_end(struct ask *ask) {
    if (ask->n > NAMES_MAX)
        fprintf(ask->names, " and %zu others", ask->n - NAMES_MAX);
    fflush(ask->names);
    return ask->buffer;
}

static void note_text(struct chat *chat, const char *text) {
    view_note(&chat->view, VIEW_INFO, "%s", text);
}

/* Rooms. */

static void join_done(struct chat *chat, struct ask *ask) {
    roster_room(&chat->roster, ask->about, true);
    past_ask(chat, ask->about);
    if (chat->view.windowed)
        ask_list(chat, EARSHOT_ROOMS, NULL, ASK_JOINED, ask->about);
}

static void room_seen(struct chat *chat, const char *room) {
    roster_room(&chat->roster, room, roster_is_joined(&chat->roster, room));
}

static void topic_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    room_seen(chat, event->room.name);
    if (!words_same_name(event->room.name, ask->about))
        return;
    ask->n++;
    free(ask->topic);
    ask->topic = *event->room.topic ? strdup(event->room.topic) : NULL;
}

static void joined_done(struct chat *chat, struct ask *ask) {
    ask_list(chat, EARSHOT_USERS, ask->about, ASK_MEMBERS, ask->about);
    struct ask *members = chat->asks ? chat->asks->prev : NULL;
    if (members && members->kind == ASK_MEMBERS) {
        members->topic = ask->topic;
        ask->topic = NULL;
    }
}

/* Members of a room may be elsewhere, and get what is said there when they come. */
static void member_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    static const char *const remarks[] = {
        [EARSHOT_OFFLINE] = " (not here)", [EARSHOT_ONLINE] = "", [EARSHOT_AWAY] = " (away)"};
    char remark[LOGIN_SIZE + 32];
    news_known(chat, event->user.handle);
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    roster_member(&chat->roster, event->user.handle);
    if (words_same_name(event->user.handle, chat->me))
        return;
    const char *login =
        ask->n < NAMES_MAX ? login_first(chat, event->user.handle, event->user.uid) : "";
    snprintf(remark, sizeof remark, "%s%s", login, remarks[event->user.state]);
    name_add(ask, event->user.handle, remark);
}

static void members_done(struct chat *chat, struct ask *ask) {
    const char *names = names_end(ask);
    const char *topic = ask->topic ? ask->topic : "";
    const char *before = *topic ? "; topic: " : "";
    if (ask->n > 0)
        view_note(&chat->view, VIEW_INFO, "%s: you and %s%s%s", ask->about, names, before, topic);
    else
        view_note(&chat->view, VIEW_INFO, "%s: nobody else is here yet%s%s", ask->about, before,
                  topic);
}

static void part_done(struct chat *chat, struct ask *ask) {
    roster_room(&chat->roster, ask->about, false);
    view_note(&chat->view, VIEW_INFO, "you left %s", ask->about);
    if (words_same_name(chat->target, ask->about))
        chat_set_target(chat, chat_next_room(chat));
}

static void topic_done(struct chat *chat, struct ask *ask) {
    if (ask->n == 0)
        chat_fail(chat, CLI_NO_NAME, "no-room", "there is no room %s", ask->about);
    else
        view_note(&chat->view, VIEW_INFO, "topic of %s: %s", ask->about,
                  ask->topic ? ask->topic : "none; /topic TEXT sets one");
}

static void room_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    room_seen(chat, event->room.name);
    ask->n++;
    view_note(&chat->view, VIEW_INFO, "%s, %u member%s%s%s%s", event->room.name,
              event->room.members, event->room.members == 1 ? "" : "s",
              roster_is_joined(&chat->roster, event->room.name) ? ", joined" : "",
              *event->room.topic ? ": " : "", event->room.topic);
}

static void rooms_done(struct chat *chat, struct ask *ask) {
    if (ask->n == 0)
        note_text(chat, "there is no room yet; /join #lobby makes one");
}

/* People. */

static void idle_text(uint32_t seconds, char text[32]) {
    if (seconds < 60)
        *text = '\0';
    else if (seconds < 3600)
        snprintf(text, 32, ", idle %u min", seconds / 60);
    else
        snprintf(text, 32, ", idle %u h %u min", seconds / 3600, seconds / 60 % 60);
}

static void ttys_text(const struct earshot_event *event, char text[PROCESS_TTY_SIZE + 8]) {
    *text = '\0';
    for (size_t i = 0; i < event->user.n_pids && !*text; i++) {
        char tty[PROCESS_TTY_SIZE];
        process_tty(event->user.pids[i], tty);
        if (*tty)
            snprintf(text, PROCESS_TTY_SIZE + 8, " on %s", tty);
    }
}

static void who_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    char idle[32], tty[PROCESS_TTY_SIZE + 8];
    bool away = event->user.state == EARSHOT_AWAY;
    const char *reason = away ? event->user.away : "";
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    ask->n++;
    idle_text(event->user.idle_s, idle);
    ttys_text(event, tty);
    view_note(&chat->view, VIEW_INFO, "%s%s%s%s%s%s%s%s", event->user.handle,
              words_same_name(event->user.handle, chat->me) ? " (you)" : "",
              login_remark(chat, event->user.handle, event->user.uid), tty, idle,
              away ? ", away" : "", *reason ? ": " : "", reason);
}

static void who_done(struct chat *chat, struct ask *ask) {
    if (ask->n == 0)
        note_text(chat, "nobody is here");
}

static void here_again_done(struct chat *chat, struct ask *ask) {
    (void)ask;
    chat->here_known = true;
}

static void here_done(struct chat *chat, struct ask *ask) {
    const char *names = names_end(ask);
    chat->here_known = true;
    if (ask->n > 0)
        view_note(&chat->view, VIEW_INFO, "here: %s", names);
    else
        note_text(chat, "nobody else is here yet");
    if (!*chat->target)
        note_text(chat, "/join #lobby enters a room, /msg HANDLE TEXT talks to one; /help");
}

static void away_done(struct chat *chat, struct ask *ask) {
    (void)ask;
    note_text(chat, "you are away; /back ends that");
}

static void back_done(struct chat *chat, struct ask *ask) {
    (void)ask;
    note_text(chat, "you are back");
}

static void nick_done(struct chat *chat, struct ask *ask) {
    snprintf(chat->me, sizeof chat->me, "%s", ask->about);
    view_note(&chat->view, VIEW_INFO, "you are now known as %s", chat->me);
}

/* The past. */

static void held_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    (void)chat;
    ask->n++;
    past_keep(&ask->held, event);
}

static void opened_done(struct chat *chat, struct ask *ask) {
    past_opened(chat, ask->about, &ask->held);
}

static void history_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    if (ask->n++ == 0)
        view_note(&chat->view, VIEW_INFO, "what was said in %s:", ask->about);
    show_message(chat, event, SHOW_PAST);
}

static void history_done(struct chat *chat, struct ask *ask) {
    if (ask->n == 0)
        view_note(&chat->view, VIEW_INFO, "nothing was said in %s yet", ask->about);
    else
        view_note(&chat->view, VIEW_INFO, "so far %s, %zu message%s", ask->about, ask->n,
                  ask->n == 1 ? "" : "s");
}

static void search_done(struct chat *chat, struct ask *ask) {
    past_found(chat, &ask->held);
    view_note(&chat->view, VIEW_INFO, "%zu message%s found with: %s", ask->n,
              ask->n == 1 ? "" : "s", ask->about);
}

/* The hub. */

static void counter_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    (void)chat;
    fprintf(ask->names, "%s%s %llu", ask->n++ > 0 ? ", " : "", event->counter.key,
            (unsigned long long)event->counter.value);
}

static void status_done(struct chat *chat, struct ask *ask) {
    fflush(ask->names);
    view_note(&chat->view, VIEW_INFO, "counters: %s", ask->buffer);
}

static void offer_done(struct chat *chat, struct ask *ask) {
    files_offered(chat, ask->number);
}

/* The lines of the answer are OFFER events. */
static void offers_done(struct chat *chat, struct ask *ask) {
    (void)ask;
    files_tell_listed(chat);
}

/* Near names. */

void ask_near(struct chat *chat, const char *word) {
    struct near near;
    const struct ask *asked;
    DL_SEARCH_SCALAR(chat->asks, asked, kind, ASK_NEAR);
    if (!chat->view.windowed || asked || !near_init(&near, word))
        return;
    ask_list(chat, name_is_room(&near.key) ? EARSHOT_ROOMS : EARSHOT_HANDLES, NULL, ASK_NEAR, word);
    struct ask *ask = chat->asks ? chat->asks->prev : NULL;
    if (ask && ask->kind == ASK_NEAR)
        ask->near = near;
}

static void near_line(struct chat *chat, struct ask *ask, const struct earshot_event *event) {
    (void)chat;
    near_consider(&ask->near,
                  event->type == EARSHOT_EVENT_USER ? event->user.handle : event->room.name);
}

static void near_done(struct chat *chat, struct ask *ask) {
    char text[NEAR_TEXT_SIZE];
    near_text(&ask->near, text);
    if (*text)
        view_note(&chat->view, VIEW_INFO, "near %s: %s", ask->about, text);
}

static const struct ask_row rows[ASK_KINDS] = {
    [ASK_JOIN] = {"join", NULL, join_done},
    [ASK_REJOIN] = {"join", NULL, NULL},
    [ASK_PART] = {"leave", NULL, part_done},
    [ASK_TOPIC_SET] = {"set the topic of", NULL, NULL},
    [ASK_TOPIC] = {"ask for the topic of", topic_line, topic_done},
    [ASK_AWAY] = {"go away", NULL, away_done},
    [ASK_BACK] = {"come back", NULL, back_done},
    [ASK_NICK] = {"become", NULL, nick_done},
    [ASK_WHO] = {"ask who is here", who_line, who_done},
    [ASK_ROOMS] = {"ask for the rooms", room_line, rooms_done},
    [ASK_STATUS] = {"ask for the status", counter_line, status_done},
    [ASK_HERE] = {"ask who is here", member_line, here_done},
    [ASK_HERE_AGAIN] = {"ask who is here", member_line, here_again_done},
    [ASK_JOINED] = {"ask for the topic of", topic_line, joined_done},
    [ASK_MEMBERS] = {"ask who is in", member_line, members_done},
    [ASK_OPENED] = {"show the last lines of", held_line, opened_done},
    [ASK_HISTORY] = {"show the history of", history_line, history_done},
    [ASK_SEARCH] = {"search for", held_line, search_done},
    [ASK_OFFER] = {"offer a file to", NULL, offer_done},
    [ASK_OFFERS] = {"ask for the files that wait", NULL, offers_done},
    [ASK_NEAR] = {"ask who there is", near_line, near_done},
};

static void ask_failed(struct chat *chat, const struct ask *ask,
                       const struct earshot_event *event) {
    if (ask->kind == ASK_OPENED || ask->kind == ASK_JOIN)
        past_open_failed(chat, ask->about);
    if (ask->kind == ASK_OFFERS)
        files_tell_listed(chat);
    if (ask->kind == ASK_OPENED || ask->kind == ASK_OFFERS ||
        ask->kind == ASK_NEAR) /* a comfort that nobody asked for */
        return;
    struct outcome outcome = outcome_of_event(event);
    chat_fail(chat, outcome.exit_code, outcome.code, "cannot %s%s%s: %s", rows[ask->kind].purpose,
              *ask->about ? " " : "", ask->about, outcome.text);
    if (ask->kind == ASK_JOIN && words_same_name(chat->target, ask->about) &&
        !roster_is_joined(&chat->roster, ask->about))
        chat_set_target(chat, chat_next_room(chat));
}

void ask_event(struct chat *chat, const struct earshot_event *event) {
    struct ask *ask;
    DL_SEARCH_SCALAR(chat->asks, ask, number, event->request);
    if (!ask)
        return;
    const struct ask_row *row = &rows[ask->kind];
    bool is_failed = event->type == EARSHOT_EVENT_FAILED;
    bool holds = is_failed && event->failed.code == FAIL_NOT_STORED; /* for now */
    if (holds)
        view_note(&chat->view, VIEW_ERROR, "%s", event->failed.reason);
    if (is_failed && !holds) {
        ask_failed(chat, ask, event);
    } else if (!is_failed && event->type != EARSHOT_EVENT_DONE) {
        if (row->line)
            row->line(chat, ask, event);
        return;
    } else if (row->done) {
        row->done(chat, ask);
    }
    ask_free(chat, ask);
}

size_t ask_n(const struct chat *chat) {
    const struct ask *ask;
    size_t n = 0;
    DL_COUNT(chat->asks, ask, n);
    return n;
}
