#include "chat/inquiry.h"

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

struct inquiry {
    uint32_t number;
    enum inquiry_kind kind;
    char about[CHAT_NAME_SIZE];
    char *topic;
    struct past_message *held; /* of the past */
    struct near near;          /* of NEAR */
    size_t n;                  /* lines of the answer that count */
    FILE *names;               /* for the answers that become one line */
    char *buffer;
    size_t n_buffer;
    struct inquiry *prev, *next;
};

/* What is done with the lines of an answer and at its end, by inquiry_kind. */
struct inquiry_row {
    const char *purpose; /* "cannot join #ops: ..." */
    void (*line)(struct chat *chat, struct inquiry *inquiry, const struct earshot_event *event);
    void (*done)(struct chat *chat, struct inquiry *inquiry);
};

static const struct inquiry_row rows[INQUIRY_KINDS];

static void inquiry_free(struct chat *chat, struct inquiry *inquiry) {
    DL_DELETE(chat->inquiries, inquiry);
    fclose(inquiry->names);
    free(inquiry->buffer);
    free(inquiry->topic);
    past_free(&inquiry->held);
    free(inquiry);
}

void inquiry_deinit(struct chat *chat) {
    while (chat->inquiries)
        inquiry_free(chat, chat->inquiries);
}

static void report_failure(struct chat *chat, int result, enum inquiry_kind kind,
                           const char *about) {
    char what[CHAT_NAME_SIZE + 64];
    snprintf(what, sizeof what, "cannot %s%s%s", rows[kind].purpose, *about ? " " : "", about);
    chat_fail_link(chat, result, what);
}

static struct inquiry *inquiry_new(enum inquiry_kind kind, const char *about) {
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (!inquiry)
        return NULL;
    inquiry->names = open_memstream(&inquiry->buffer, &inquiry->n_buffer);
    if (!inquiry->names) {
        free(inquiry);
        return NULL;
    }
    inquiry->kind = kind;
    snprintf(inquiry->about, sizeof inquiry->about, "%s", about);
    return inquiry;
}

void inquiry_made(struct chat *chat, int result, uint32_t number, enum inquiry_kind kind,
                  const char *about) {
    if (result != EARSHOT_OK) {
        report_failure(chat, result, kind, about);
        return;
    }
    struct inquiry *inquiry = inquiry_new(kind, about);
    if (!inquiry)
        return;
    inquiry->number = number;
    DL_APPEND(chat->inquiries, inquiry);
}

void inquiry_list(struct chat *chat, enum earshot_list what, const char *of, enum inquiry_kind kind,
                  const char *about) {
    uint32_t number = 0;
    int r = earshot_ask(chat->link, what, of, &number);
    inquiry_made(chat, r, number, kind, about);
}

/* "alice, bob, carol and 7 others" */
static void name_add(struct inquiry *inquiry, const char *name, const char *remark) {
    inquiry->n++;
    if (inquiry->n <= NAMES_MAX)
        fprintf(inquiry->names, "%s%s%s", inquiry->n > 1 ? ", " : "", name, remark);
}

static const char *names_end(struct inquiry *inquiry) {
    if (inquiry->n > NAMES_MAX)
        fprintf(inquiry->names, " and %zu others", inquiry->n - NAMES_MAX);
    fflush(inquiry->names);
    return inquiry->buffer;
}

static void note_text(struct chat *chat, const char *text) {
    view_note(&chat->view, VIEW_INFO, "%s", text);
}

/* Rooms. */

static void join_done(struct chat *chat, struct inquiry *inquiry) {
    roster_room(&chat->roster, inquiry->about, true);
    past_ask(chat, inquiry->about);
    if (chat->view.windowed)
        inquiry_list(chat, EARSHOT_ROOMS, NULL, INQUIRY_JOINED, inquiry->about);
}

static void room_seen(struct chat *chat, const char *room) {
    roster_room(&chat->roster, room, roster_is_joined(&chat->roster, room));
}

static void topic_line(struct chat *chat, struct inquiry *inquiry,
                       const struct earshot_event *event) {
    room_seen(chat, event->room.name);
    if (!words_same_name(event->room.name, inquiry->about))
        return;
    inquiry->n++;
    free(inquiry->topic);
    inquiry->topic = *event->room.topic ? strdup(event->room.topic) : NULL;
}

static void joined_done(struct chat *chat, struct inquiry *inquiry) {
    inquiry_list(chat, EARSHOT_USERS, inquiry->about, INQUIRY_MEMBERS, inquiry->about);
    struct inquiry *members = chat->inquiries ? chat->inquiries->prev : NULL;
    if (members && members->kind == INQUIRY_MEMBERS) {
        members->topic = inquiry->topic;
        inquiry->topic = NULL;
    }
}

/* Members of a room may be elsewhere, and get what is said there when they come. */
static void member_line(struct chat *chat, struct inquiry *inquiry,
                        const struct earshot_event *event) {
    static const char *const remarks[] = {
        [EARSHOT_OFFLINE] = " (not here)", [EARSHOT_ONLINE] = "", [EARSHOT_AWAY] = " (away)"};
    char remark[LOGIN_SIZE + 32];
    news_known(chat, event->user.handle);
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    roster_member(&chat->roster, event->user.handle);
    if (words_same_name(event->user.handle, chat->me))
        return;
    const char *login =
        inquiry->n < NAMES_MAX ? login_first(chat, event->user.handle, event->user.uid) : "";
    snprintf(remark, sizeof remark, "%s%s", login, remarks[event->user.state]);
    name_add(inquiry, event->user.handle, remark);
}

static void members_done(struct chat *chat, struct inquiry *inquiry) {
    const char *names = names_end(inquiry);
    const char *topic = inquiry->topic ? inquiry->topic : "";
    const char *before = *topic ? "; topic: " : "";
    if (inquiry->n > 0)
        view_note(&chat->view, VIEW_INFO, "%s: you and %s%s%s", inquiry->about, names, before,
                  topic);
    else
        view_note(&chat->view, VIEW_INFO, "%s: nobody else is here yet%s%s", inquiry->about, before,
                  topic);
}

static void part_done(struct chat *chat, struct inquiry *inquiry) {
    roster_room(&chat->roster, inquiry->about, false);
    view_note(&chat->view, VIEW_INFO, "you left %s", inquiry->about);
    if (words_same_name(chat->target, inquiry->about))
        chat_set_target(chat, chat_next_room(chat));
}

static void topic_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        chat_fail(chat, FAIL_NO_ROOM, "there is no room %s", inquiry->about);
    else
        view_note(&chat->view, VIEW_INFO, "topic of %s: %s", inquiry->about,
                  inquiry->topic ? inquiry->topic : "none; /topic TEXT sets one");
}

static void room_line(struct chat *chat, struct inquiry *inquiry,
                      const struct earshot_event *event) {
    room_seen(chat, event->room.name);
    inquiry->n++;
    view_note(&chat->view, VIEW_INFO, "%s, %u member%s%s%s%s", event->room.name,
              event->room.members, event->room.members == 1 ? "" : "s",
              roster_is_joined(&chat->roster, event->room.name) ? ", joined" : "",
              *event->room.topic ? ": " : "", event->room.topic);
}

static void rooms_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
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

static void who_line(struct chat *chat, struct inquiry *inquiry,
                     const struct earshot_event *event) {
    char idle[32], tty[PROCESS_TTY_SIZE + 8];
    bool away = event->user.state == EARSHOT_AWAY;
    const char *reason = away ? event->user.away : "";
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    inquiry->n++;
    idle_text(event->user.idle_s, idle);
    ttys_text(event, tty);
    view_note(&chat->view, VIEW_INFO, "%s%s%s%s%s%s%s%s", event->user.handle,
              words_same_name(event->user.handle, chat->me) ? " (you)" : "",
              login_remark(chat, event->user.handle, event->user.uid), tty, idle,
              away ? ", away" : "", *reason ? ": " : "", reason);
}

static void who_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        note_text(chat, "nobody is here");
}

static void here_again_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    chat->here_known = true;
}

static void here_done(struct chat *chat, struct inquiry *inquiry) {
    const char *names = names_end(inquiry);
    chat->here_known = true;
    if (inquiry->n > 0)
        view_note(&chat->view, VIEW_INFO, "here: %s", names);
    else
        note_text(chat, "nobody else is here yet");
    if (!*chat->target)
        note_text(chat, "/join #lobby enters a room, /msg HANDLE TEXT talks to one; /help");
}

static void away_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    note_text(chat, "you are away; /back ends that");
}

static void back_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    note_text(chat, "you are back");
}

static void nick_done(struct chat *chat, struct inquiry *inquiry) {
    snprintf(chat->me, sizeof chat->me, "%s", inquiry->about);
    view_note(&chat->view, VIEW_INFO, "you are now known as %s", chat->me);
}

/* The past. */

static void held_line(struct chat *chat, struct inquiry *inquiry,
                      const struct earshot_event *event) {
    (void)chat;
    inquiry->n++;
    past_keep(&inquiry->held, event);
}

static void opened_done(struct chat *chat, struct inquiry *inquiry) {
    past_opened(chat, inquiry->about, &inquiry->held);
}

static void history_line(struct chat *chat, struct inquiry *inquiry,
                         const struct earshot_event *event) {
    if (inquiry->n++ == 0)
        view_note(&chat->view, VIEW_INFO, "what was said in %s:", inquiry->about);
    show_message(chat, event, SHOW_PAST);
}

static void history_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        view_note(&chat->view, VIEW_INFO, "nothing was said in %s yet", inquiry->about);
    else
        view_note(&chat->view, VIEW_INFO, "so far %s, %zu message%s", inquiry->about, inquiry->n,
                  inquiry->n == 1 ? "" : "s");
}

static void search_done(struct chat *chat, struct inquiry *inquiry) {
    past_found(chat, &inquiry->held);
    view_note(&chat->view, VIEW_INFO, "%zu message%s found with: %s", inquiry->n,
              inquiry->n == 1 ? "" : "s", inquiry->about);
}

/* The hub. */

static void counter_line(struct chat *chat, struct inquiry *inquiry,
                         const struct earshot_event *event) {
    (void)chat;
    fprintf(inquiry->names, "%s%s %llu", inquiry->n++ > 0 ? ", " : "", event->counter.key,
            (unsigned long long)event->counter.value);
}

static void status_done(struct chat *chat, struct inquiry *inquiry) {
    fflush(inquiry->names);
    view_note(&chat->view, VIEW_INFO, "counters: %s", inquiry->buffer);
}

static void offer_done(struct chat *chat, struct inquiry *inquiry) {
    files_offered(chat, inquiry->number);
}

/* The lines of the answer are OFFER events. */
static void offers_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    files_tell_listed(chat);
}

/* Near names. */

void inquiry_near(struct chat *chat, const char *word) {
    struct near near;
    const struct inquiry *asked;
    DL_SEARCH_SCALAR(chat->inquiries, asked, kind, INQUIRY_NEAR);
    if (!chat->view.windowed || asked || !near_init(&near, word))
        return;
    inquiry_list(chat, name_is_room(&near.key) ? EARSHOT_ROOMS : EARSHOT_HANDLES, NULL,
                 INQUIRY_NEAR, word);
    struct inquiry *inquiry = chat->inquiries ? chat->inquiries->prev : NULL;
    if (inquiry && inquiry->kind == INQUIRY_NEAR)
        inquiry->near = near;
}

static void near_line(struct chat *chat, struct inquiry *inquiry,
                      const struct earshot_event *event) {
    (void)chat;
    near_consider(&inquiry->near,
                  event->type == EARSHOT_EVENT_USER ? event->user.handle : event->room.name);
}

static void near_done(struct chat *chat, struct inquiry *inquiry) {
    char text[NEAR_TEXT_SIZE];
    near_text(&inquiry->near, text);
    if (*text)
        view_note(&chat->view, VIEW_INFO, "near %s: %s", inquiry->about, text);
}

static const struct inquiry_row rows[INQUIRY_KINDS] = {
    [INQUIRY_JOIN] = {"join", NULL, join_done},
    [INQUIRY_REJOIN] = {"join", NULL, NULL},
    [INQUIRY_PART] = {"leave", NULL, part_done},
    [INQUIRY_TOPIC_SET] = {"set the topic of", NULL, NULL},
    [INQUIRY_TOPIC] = {"ask for the topic of", topic_line, topic_done},
    [INQUIRY_AWAY] = {"go away", NULL, away_done},
    [INQUIRY_BACK] = {"come back", NULL, back_done},
    [INQUIRY_NICK] = {"become", NULL, nick_done},
    [INQUIRY_WHO] = {"ask who is here", who_line, who_done},
    [INQUIRY_ROOMS] = {"ask for the rooms", room_line, rooms_done},
    [INQUIRY_STATUS] = {"ask for the status", counter_line, status_done},
    [INQUIRY_HERE] = {"ask who is here", member_line, here_done},
    [INQUIRY_HERE_AGAIN] = {"ask who is here", member_line, here_again_done},
    [INQUIRY_JOINED] = {"ask for the topic of", topic_line, joined_done},
    [INQUIRY_MEMBERS] = {"ask who is in", member_line, members_done},
    [INQUIRY_OPENED] = {"show the last lines of", held_line, opened_done},
    [INQUIRY_HISTORY] = {"show the history of", history_line, history_done},
    [INQUIRY_SEARCH] = {"search for", held_line, search_done},
    [INQUIRY_OFFER] = {"offer a file to", NULL, offer_done},
    [INQUIRY_OFFERS] = {"ask for the files that wait", NULL, offers_done},
    [INQUIRY_NEAR] = {"ask who there is", near_line, near_done},
};

static void inquiry_failed(struct chat *chat, const struct inquiry *inquiry,
                           const struct earshot_event *event) {
    if (inquiry->kind == INQUIRY_OPENED || inquiry->kind == INQUIRY_JOIN)
        past_open_failed(chat, inquiry->about);
    if (inquiry->kind == INQUIRY_OFFERS)
        files_tell_listed(chat);
    if (inquiry->kind == INQUIRY_OPENED || inquiry->kind == INQUIRY_OFFERS ||
        inquiry->kind == INQUIRY_NEAR) /* a comfort that nobody asked for */
        return;
    struct outcome outcome = outcome_of_event(event);
    chat_fail(chat, outcome.code, "cannot %s%s%s: %s", rows[inquiry->kind].purpose,
              *inquiry->about ? " " : "", inquiry->about, outcome.text);
    if (inquiry->kind == INQUIRY_JOIN && words_same_name(chat->target, inquiry->about) &&
        !roster_is_joined(&chat->roster, inquiry->about))
        chat_set_target(chat, chat_next_room(chat));
}

void inquiry_event(struct chat *chat, const struct earshot_event *event) {
    struct inquiry *inquiry;
    DL_SEARCH_SCALAR(chat->inquiries, inquiry, number, event->request);
    if (!inquiry)
        return;
    const struct inquiry_row *row = &rows[inquiry->kind];
    bool is_failed = event->type == EARSHOT_EVENT_FAILED;
    bool holds = is_failed && event->failed.code == FAIL_NOT_STORED; /* for now */
    if (holds)
        view_note(&chat->view, VIEW_ERROR, "%s", event->failed.reason);
    if (is_failed && !holds) {
        inquiry_failed(chat, inquiry, event);
    } else if (!is_failed && event->type != EARSHOT_EVENT_DONE) {
        if (row->line)
            row->line(chat, inquiry, event);
        return;
    } else if (row->done) {
        row->done(chat, inquiry);
    }
    inquiry_free(chat, inquiry);
}

size_t inquiry_n(const struct chat *chat) {
    const struct inquiry *inquiry;
    size_t n = 0;
    DL_COUNT(chat->inquiries, inquiry, n);
    return n;
}
