#include "chat/inquiry.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/macro.h"
#include "chat/begin.h"
#include "chat/command.h"
#include "chat/files.h"
#include "chat/news.h"
#include "chat/past.h"
#include "chat/people/login.h"
#include "chat/people/whois.h"
#include "chat/reply.h"
#include "chat/show.h"
#include "cli/near.h"
#include "cli/outcome.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"
#include "ipc/process.h"
#include "proto/fail.h"
#include "proto/name.h"

#define INQUIRY_NAMES_MAX 12 /* in one line; the others are counted */
#define INQUIRY_MENTIONS_MAX 40
#define INQUIRY_MENTION_PAGES 16 /* that are looked through for them */

/* What was asked, until the answer is complete. */
struct inquiry {
    uint32_t number; /* of the request */
    enum inquiry_kind kind;
    char about[CHAT_NAME_SIZE];
    size_t n;        /* lines of the answer that count */
    size_t n_wanted; /* of HISTORY */
    size_t n_page;   /* of OLDER: how many messages the page had; of MENTIONS: pages before this */
    uint64_t before, oldest; /* of HISTORY: where the page ends, and begins; of NEWEST: that one */
    int64_t oldest_ms;       /* when that was said */
    FILE *out;               /* writes `text`: an answer that is shown as one line */
    char *text;
    size_t n_text;
    char *topic;               /* of TOPIC, JOINED, MEMBERS */
    struct past_message *held; /* of OPENED, SEARCH: shown when all are here */
    struct near near;          /* of NEAR, QUERIED */
    char back[CHAT_NAME_SIZE]; /* of QUERIED; of GATHER: the target meanwhile */
    bool is_told;              /* by the refusal of a text to nobody */
    struct inquiry *prev, *next;
};

/* What is done with an answer, by inquiry_kind. */
struct inquiry_row {
    const char *purpose; /* "cannot join #ops: ..." */
    void (*line)(struct chat *chat, struct inquiry *inquiry, const struct earshot_event *event);
    void (*done)(struct chat *chat, struct inquiry *inquiry);
    void (*failed)(struct chat *chat, struct inquiry *inquiry); /* instead of done */
    bool is_silent; /* the user did not ask for it: the hub's refusal is not told */
};

static const struct inquiry_row inquiry_rows[INQUIRY_KINDS];

static void inquiry_free(struct chat *chat, struct inquiry *inquiry) {
    DL_DELETE(chat->inquiries, inquiry);
    fclose(inquiry->out);
    free(inquiry->text);
    free(inquiry->topic);
    past_free(&inquiry->held);
    free(inquiry);
}

void inquiry_deinit(struct chat *chat) {
    while (chat->inquiries)
        inquiry_free(chat, chat->inquiries);
}

static void inquiry_fail(struct chat *chat, enum inquiry_kind kind, const char *about,
                         struct outcome outcome) {
    const char *blank = *about ? " " : "";
    CLEANUP_FREE char *reason = chat_reason(chat, outcome.text);
    if (about[0] == '#' && kind == INQUIRY_WHO)
        blank = " in ";
    chat_fail(chat, outcome.code, "cannot %s%s%s: %s", inquiry_rows[kind].purpose, blank, about,
              reason ? reason : "");
}

static struct inquiry *inquiry_new(enum inquiry_kind kind, const char *about) {
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (!inquiry)
        return NULL;
    inquiry->out = open_memstream(&inquiry->text, &inquiry->n_text);
    if (!inquiry->out) {
        free(inquiry);
        return NULL;
    }
    inquiry->kind = kind;
    snprintf(inquiry->about, sizeof inquiry->about, "%s", about);
    return inquiry;
}

struct inquiry *inquiry_made(struct chat *chat, int result, uint32_t number, enum inquiry_kind kind,
                             const char *about) {
    if (result != EARSHOT_OK) {
        inquiry_fail(chat, kind, about, outcome_of(chat->link, result));
        return NULL;
    }
    struct inquiry *inquiry = inquiry_new(kind, about);
    if (!inquiry)
        return NULL;
    inquiry->number = number;
    DL_APPEND(chat->inquiries, inquiry);
    return inquiry;
}

struct inquiry *inquiry_list(struct chat *chat, enum earshot_list what, const char *of,
                             enum inquiry_kind kind, const char *about) {
    uint32_t number = 0;
    int r = earshot_ask(chat->link, what, of, &number);
    return inquiry_made(chat, r, number, kind, about);
}

void inquiry_unread(struct chat *chat, const char *conv) {
    uint32_t number = 0;
    if (chat->view.windowed && earshot_unread(chat->link, conv, &number) == EARSHOT_OK)
        (void)inquiry_made(chat, EARSHOT_OK, number, INQUIRY_UNREAD, conv ? conv : "");
}

static void inquiry_unread_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    (void)inquiry;
    unread_counted(chat, event);
}

/* "alice, bob, carol and 7 others" */
static void inquiry_add_name(struct inquiry *inquiry, const char *name, const char *remark) {
    inquiry->n++;
    if (inquiry->n <= INQUIRY_NAMES_MAX)
        fprintf(inquiry->out, "%s%s%s", inquiry->n > 1 ? ", " : "", name, remark);
}

static const char *inquiry_end_names(struct inquiry *inquiry) {
    if (inquiry->n > INQUIRY_NAMES_MAX)
        fprintf(inquiry->out, " and %zu others", inquiry->n - INQUIRY_NAMES_MAX);
    fflush(inquiry->out);
    return inquiry->text;
}

/* Rooms. */

static void inquiry_join_done(struct chat *chat, struct inquiry *inquiry) {
    roster_room(&chat->roster, inquiry->about, true);
    unread_know(chat, inquiry->about);
    past_ask(chat, inquiry->about);
    if (chat->view.windowed)
        inquiry_list(chat, EARSHOT_ROOMS, NULL, INQUIRY_JOINED, inquiry->about);
}

static void inquiry_join_failed(struct chat *chat, struct inquiry *inquiry) {
    past_open_failed(chat, inquiry->about);
    if (words_same_name(chat->target, inquiry->about) &&
        !roster_is_joined(&chat->roster, inquiry->about))
        chat_set_target(chat, roster_first_joined(&chat->roster));
}

static void inquiry_topic_line(struct chat *chat, struct inquiry *inquiry,
                               const struct earshot_event *event) {
    roster_know_room(&chat->roster, event->room.name);
    if (!words_same_name(event->room.name, inquiry->about))
        return;
    inquiry->n++;
    free(inquiry->topic);
    inquiry->topic = *event->room.topic ? strdup(event->room.topic) : NULL;
}

static void inquiry_joined_done(struct chat *chat, struct inquiry *inquiry) {
    struct inquiry *members =
        inquiry_list(chat, EARSHOT_USERS, inquiry->about, INQUIRY_MEMBERS, inquiry->about);
    if (!members)
        return;
    members->topic = inquiry->topic;
    inquiry->topic = NULL;
}

/* Members of a room may be elsewhere, and get what is said there when they come. */
static void inquiry_member_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    static const char *const remarks[] = {
        [EARSHOT_OFFLINE] = " (not here)", [EARSHOT_ONLINE] = "", [EARSHOT_AWAY] = " (away)"};
    char remark[LOGIN_SIZE + 32];
    news_known(chat, event->user.handle);
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    roster_member(&chat->roster, event->user.handle);
    if (words_same_name(event->user.handle, chat->me))
        return;
    const char *login = inquiry->n < INQUIRY_NAMES_MAX
                            ? login_first(chat, event->user.handle, event->user.uid)
                            : "";
    snprintf(remark, sizeof remark, "%s%s", login, remarks[event->user.state]);
    inquiry_add_name(inquiry, event->user.handle, remark);
}

static void inquiry_members_done(struct chat *chat, struct inquiry *inquiry) {
    const char *names = inquiry_end_names(inquiry);
    const char *topic = inquiry->topic ? inquiry->topic : "";
    const char *before = *topic ? "; topic: " : "";
    if (inquiry->n > 0)
        view_note(&chat->view, VIEW_INFO, "%s: you and %s%s%s", inquiry->about, names, before,
                  topic);
    else
        view_note(&chat->view, VIEW_INFO, "%s: nobody else is here yet%s%s", inquiry->about, before,
                  topic);
}

static void inquiry_part_done(struct chat *chat, struct inquiry *inquiry) {
    roster_room(&chat->roster, inquiry->about, false);
    unread_forget(chat, inquiry->about);
    view_note(&chat->view, VIEW_INFO, "you left %s%s", conv_is_people(inquiry->about) ? "@" : "",
              conv_rest(inquiry->about));
    if (words_same_name(chat->target, inquiry->about))
        chat_set_target(chat, roster_first_joined(&chat->roster));
}

static void inquiry_topic_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        chat_fail(chat, FAIL_NO_ROOM, "there is no room %s; /rooms lists them", inquiry->about);
    else
        view_note(&chat->view, VIEW_INFO, "topic of %s: %s", inquiry->about,
                  inquiry->topic ? inquiry->topic : "none; /topic TEXT sets one");
}

static void inquiry_room_line(struct chat *chat, struct inquiry *inquiry,
                              const struct earshot_event *event) {
    roster_know_room(&chat->roster, event->room.name);
    inquiry->n++;
    view_note(&chat->view, VIEW_INFO, "%s%s, %u member%s%s%s%s", conv_sign(event->room.name),
              conv_rest(event->room.name), event->room.members, event->room.members == 1 ? "" : "s",
              roster_is_joined(&chat->roster, event->room.name) ? ", joined" : "",
              *event->room.topic ? ": " : "", event->room.topic);
}

static void inquiry_about_line(struct chat *chat, struct inquiry *inquiry,
                               const struct earshot_event *event) {
    static const char *const forms[] = {"open", "private", "of the group", "direct"};
    (void)inquiry;
    view_note(&chat->view, VIEW_INFO, "%s%s is %s%s%s, %u member%s, and belongs to %s%s%s%s%s",
              conv_sign(event->room.name), conv_rest(event->room.name), forms[event->room.form],
              *event->room.group ? " " : "", event->room.group, event->room.members,
              event->room.members == 1 ? "" : "s", event->room.owner,
              event->room.announces ? "; only its owner and operators speak" : "",
              event->room.invited ? "; you are invited" : "", *event->room.topic ? ": " : "",
              event->room.topic);
}

/* What the conversation of several is called. */
static void inquiry_gather_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    snprintf(inquiry->about, sizeof inquiry->about, "%s", event->room.name);
    roster_room(&chat->roster, inquiry->about, true);
}

static void inquiry_gather_done(struct chat *chat, struct inquiry *inquiry) {
    if (*inquiry->back && words_same_name(chat->target, inquiry->back))
        command_go(chat, inquiry->about);
}

static void inquiry_gather_failed(struct chat *chat, struct inquiry *inquiry) {
    if (*inquiry->back && words_same_name(chat->target, inquiry->back))
        chat_set_target(chat, roster_first_joined(&chat->roster));
}

bool inquiry_gather(struct chat *chat, const char *conv, bool goes) {
    uint32_t number = 0;
    int r = earshot_gather(chat->link, conv_rest(conv), &number);
    struct inquiry *inquiry = inquiry_made(chat, r, number, INQUIRY_GATHER, conv_rest(conv));
    if (inquiry && goes) {
        snprintf(inquiry->back, sizeof inquiry->back, "%s", conv);
        chat_set_target(chat, conv);
    }
    return inquiry != NULL;
}

static void inquiry_change_done(struct chat *chat, struct inquiry *inquiry) {
    view_note(&chat->view, VIEW_INFO, "%s was changed", inquiry->about);
}

static void inquiry_invite_done(struct chat *chat, struct inquiry *inquiry) {
    view_note(&chat->view, VIEW_INFO, "%s is invited, and was told", inquiry->about);
}

static void inquiry_rooms_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        view_note(&chat->view, VIEW_INFO, "there is no room yet; /join #lobby makes one");
}

/* People. */

static void inquiry_who_line(struct chat *chat, struct inquiry *inquiry,
                             const struct earshot_event *event) {
    roster_presence(&chat->roster, event->user.handle, event->user.state, event->user.away);
    inquiry->n++;
    whois_tell_short(chat, event);
}

static void inquiry_who_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n == 0)
        view_note(&chat->view, VIEW_INFO, "nobody is here");
}

static void inquiry_here_again_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    chat->here_known = true;
}

static void inquiry_here_done(struct chat *chat, struct inquiry *inquiry) {
    const char *names = inquiry_end_names(inquiry);
    chat->here_known = true;
    if (inquiry->n > 0)
        view_note(&chat->view, VIEW_INFO, "here: %s", names);
    else
        view_note(&chat->view, VIEW_INFO, "nobody else is here yet");
}

static void inquiry_away_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    attention_leave(chat);
    view_note(&chat->view, VIEW_INFO, "you are away; /back ends that");
}

static void inquiry_back_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    view_note(&chat->view, VIEW_INFO, "you are back");
}

static void inquiry_nick_done(struct chat *chat, struct inquiry *inquiry) {
    snprintf(chat->me, sizeof chat->me, "%s", inquiry->about);
    view_note(&chat->view, VIEW_INFO, "you are now known as %s", chat->me);
}

/* The past. */

static void inquiry_keep_line(struct chat *chat, struct inquiry *inquiry,
                              const struct earshot_event *event) {
    if (inquiry->kind == INQUIRY_SEARCH && roster_is_ignored(&chat->roster, event->message.from))
        return;
    inquiry->n++;
    past_keep(&inquiry->held, event);
}

static void inquiry_opened_done(struct chat *chat, struct inquiry *inquiry) {
    past_opened(chat, inquiry->about, &inquiry->held);
}

static void inquiry_opened_failed(struct chat *chat, struct inquiry *inquiry) {
    past_open_failed(chat, inquiry->about);
}

void inquiry_page(struct inquiry *inquiry, uint64_t before, unsigned n) {
    if (!inquiry)
        return;
    inquiry->before = before;
    inquiry->n_wanted = n;
}

static void inquiry_history_line(struct chat *chat, struct inquiry *inquiry,
                                 const struct earshot_event *event) {
    if (inquiry->n++ == 0) {
        view_note(&chat->view, VIEW_INFO,
                  "what was said %s %s%s:", inquiry->about[0] == '#' ? "in" : "with",
                  inquiry->about, inquiry->before > 0 ? " before" : "");
        inquiry->oldest = event->message.seq;
        inquiry->oldest_ms = event->message.at_ms;
    }
    if (!roster_is_ignored(&chat->roster, event->message.from))
        show_message(chat, event, SHOW_PAST);
}

/* Whether there is anything before the page that was just shown; what is told of it waits for that.
 */
static void inquiry_ask_older(struct chat *chat, const struct inquiry *page) {
    uint32_t request = 0;
    int r = earshot_history(chat->link, page->about, page->oldest, 0, 1, &request);
    struct inquiry *inquiry = inquiry_made(chat, r, request, INQUIRY_OLDER, page->about);
    if (!inquiry)
        return;
    inquiry->n_page = page->n;
    inquiry->n_wanted = page->n_wanted;
    inquiry->oldest_ms = page->oldest_ms;
}

static void inquiry_history_done(struct chat *chat, struct inquiry *inquiry) {
    const char *conv = inquiry->about;
    if (inquiry->n > 0) {
        unread_set_page(chat, conv, inquiry->oldest);
        inquiry_ask_older(chat, inquiry);
    } else if (inquiry->before > 0) {
        past_tell_beginning(chat, inquiry->about, inquiry->oldest_ms, "");
    } else {
        view_note(&chat->view, VIEW_INFO, "nothing was said in %s%s yet",
                  conv_is_people(conv) ? "@" : "", conv_rest(conv));
    }
}

static void inquiry_older_line(struct chat *chat, struct inquiry *inquiry,
                               const struct earshot_event *event) {
    (void)chat;
    (void)event;
    inquiry->n++;
}

static void inquiry_older_done(struct chat *chat, struct inquiry *inquiry) {
    char page[64];
    snprintf(page, sizeof page, "%zu message%s%s; ", inquiry->n_page,
             inquiry->n_page == 1 ? "" : "s",
             inquiry->n_wanted > EARSHOT_PAGE_MAX ? ", no more at a time" : "");
    if (inquiry->n > 0)
        view_note(&chat->view, VIEW_INFO, "%s/history goes further back", page);
    else
        past_tell_beginning(chat, inquiry->about, inquiry->oldest_ms, page);
}

static void inquiry_search_done(struct chat *chat, struct inquiry *inquiry) {
    past_found(chat, &inquiry->held);
    if (inquiry->n < INQUIRY_SEARCH_LINES)
        view_note(&chat->view, VIEW_INFO, "%zu message%s found with: %s", inquiry->n,
                  inquiry->n == 1 ? "" : "s", inquiry->about);
    else
        view_note(&chat->view, VIEW_INFO, "the newest %zu messages with: %s; more words find fewer",
                  inquiry->n, inquiry->about);
}

/* The hub. */

static void inquiry_counter_line(struct chat *chat, struct inquiry *inquiry,
                                 const struct earshot_event *event) {
    const char *key = event->counter.key;
    (void)chat;
    if (event->counter.value > 0 && strncmp(key, "limit_", 6) != 0 &&
        strncmp(key, "account_", 8) != 0)
        fprintf(inquiry->out, "%s%s %llu", inquiry->n++ > 0 ? ", " : "counters: ", key,
                (unsigned long long)event->counter.value);
}

static void inquiry_status_done(struct chat *chat, struct inquiry *inquiry) {
    fprintf(inquiry->out, "; in a shell `earshot status` tells the limits, too");
    fflush(inquiry->out);
    view_note_wrapped(&chat->view, 0, inquiry->text);
}

/* The lines of the answer of OFFERS are OFFER events. */
static void inquiry_offers_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->kind == INQUIRY_OFFER)
        files_offered(chat, inquiry->number);
    else
        files_tell_listed(chat);
}

/* Near names. */

void inquiry_near(struct chat *chat, const char *word) {
    struct near near;
    const struct inquiry *under_way;
    DL_SEARCH_SCALAR(chat->inquiries, under_way, kind, INQUIRY_NEAR);
    if (!chat->view.windowed || under_way || !near_init(&near, word))
        return;
    enum earshot_list list = name_is_room(&near.key) ? EARSHOT_ROOMS : EARSHOT_HANDLES;
    struct inquiry *inquiry = inquiry_list(chat, list, NULL, INQUIRY_NEAR, word);
    if (inquiry)
        inquiry->near = near;
}

static void inquiry_near_line(struct chat *chat, struct inquiry *inquiry,
                              const struct earshot_event *event) {
    (void)chat;
    near_consider(&inquiry->near,
                  event->type == EARSHOT_EVENT_USER ? event->user.handle : event->room.name);
}

/* The room of this name, if one is in it. */
static void inquiry_near_room(const struct chat *chat, struct inquiry *inquiry) {
    char room[CHAT_NAME_SIZE + 1];
    snprintf(room, sizeof room, "#%s", inquiry->about);
    if (roster_is_joined(&chat->roster, room))
        near_consider(&inquiry->near, room);
}

static void inquiry_near_done(struct chat *chat, struct inquiry *inquiry) {
    char text[NEAR_TEXT_SIZE];
    inquiry_near_room(chat, inquiry);
    near_text(&inquiry->near, text);
    if (*text)
        view_note(&chat->view, VIEW_INFO, "near %s: %s", inquiry->about, text);
}

static void inquiry_newest_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    if (!show_is_own(chat, event))
        inquiry->oldest = event->message.seq;
}

static void inquiry_newest_done(struct chat *chat, struct inquiry *inquiry) {
    past_newest(chat, inquiry->oldest);
}

/* Where the window begins. */

static void inquiry_begin_room_line(struct chat *chat, struct inquiry *inquiry,
                                    const struct earshot_event *event) {
    (void)inquiry;
    begin_room(chat, event->room.name, event->room.members);
}

static void inquiry_begin_rooms_done(struct chat *chat, struct inquiry *inquiry) {
    (void)inquiry;
    begin_rooms_done(chat);
}

static void inquiry_begin_member_line(struct chat *chat, struct inquiry *inquiry,
                                      const struct earshot_event *event) {
    inquiry->n += words_same_name(event->user.handle, chat->me);
}

static void inquiry_begin_members_done(struct chat *chat, struct inquiry *inquiry) {
    begin_room_done(chat, inquiry->about, inquiry->n > 0);
}

/* Whether somebody exists. */

void inquiry_queried(struct chat *chat, const char *handle, const char *back, bool has_text) {
    struct near near;
    if (!chat->view.windowed || !near_init(&near, handle))
        return;
    struct inquiry *inquiry = inquiry_list(chat, EARSHOT_HANDLES, NULL, INQUIRY_QUERIED, handle);
    if (!inquiry)
        return;
    inquiry->near = near;
    snprintf(inquiry->back, sizeof inquiry->back, "%s", back);
    inquiry->is_told = has_text;
}

static void inquiry_queried_line(struct chat *chat, struct inquiry *inquiry,
                                 const struct earshot_event *event) {
    (void)chat;
    inquiry->n += words_same_name(event->user.handle, inquiry->about);
    near_consider(&inquiry->near, event->user.handle);
}

/* Who has a login may come. */
static void inquiry_queried_done(struct chat *chat, struct inquiry *inquiry) {
    char text[NEAR_TEXT_SIZE];
    // cppcheck-suppress getpwnamCalled; no other thread asks for a user
    if (inquiry->n > 0 || getpwnam(inquiry->about))
        return;
    inquiry_near_room(chat, inquiry);
    near_text(&inquiry->near, text);
    if (!inquiry->is_told)
        chat_fail(chat, FAIL_NO_USER, "there is nobody called %s%s%s", inquiry->about,
                  *text ? "; near: " : "", text);
    chat->is_doubtful = true;
    if (words_same_name(chat->target, inquiry->about))
        chat_set_target(chat, inquiry->back);
    unread_forget(chat, inquiry->about);
}

static void inquiry_whois_line(struct chat *chat, struct inquiry *inquiry,
                               const struct earshot_event *event) {
    near_consider(&inquiry->near, event->user.handle);
    if (!words_same_name(event->user.handle, inquiry->about))
        return;
    inquiry->n++;
    whois_tell(chat, event);
}

static void inquiry_whois_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n > 0)
        return;
    chat_fail(chat, FAIL_NO_USER, "there is nobody called %s", inquiry->about);
    inquiry_near(chat, inquiry->about);
}

/*
 * Mentions: all messages with the name in them, of which only those count that name the user: not
 * what was said by oneself, nor where it stands within another word. So it is gone through page by
 * page, up to a bound.
 */
static void inquiry_mention_line(struct chat *chat, struct inquiry *inquiry,
                                 const struct earshot_event *event) {
    inquiry->oldest = event->message.seq;
    if (!show_is_naming(chat, event) || roster_is_ignored(&chat->roster, event->message.from) ||
        inquiry->n >= INQUIRY_MENTIONS_MAX)
        return;
    inquiry->n++;
    past_keep(&inquiry->held, event);
}

/* The star: also as part of a word, for a suffix of another alphabet belongs to no name. */
static struct inquiry *inquiry_ask_mentions(struct chat *chat, uint64_t before) {
    char words[CHAT_NAME_SIZE + 1];
    uint32_t request = 0;
    snprintf(words, sizeof words, "%s*", chat->me);
    int r = earshot_search(chat->link, words, NULL, NULL, before, EARSHOT_PAGE_MAX, &request);
    return inquiry_made(chat, r, request, INQUIRY_MENTIONS, chat->me);
}

void inquiry_mentions(struct chat *chat) {
    (void)inquiry_ask_mentions(chat, 0);
}

static void inquiry_mentions_done(struct chat *chat, struct inquiry *inquiry) {
    bool goes_on = inquiry->oldest > 0 && inquiry->n < INQUIRY_MENTIONS_MAX &&
                   inquiry->n_page + 1 < INQUIRY_MENTION_PAGES;
    struct inquiry *next = goes_on ? inquiry_ask_mentions(chat, inquiry->oldest) : NULL;
    if (next) {
        next->n = inquiry->n;
        next->n_page = inquiry->n_page + 1;
        next->held = inquiry->held;
        inquiry->held = NULL;
        return;
    }
    past_found(chat, &inquiry->held);
    view_note(&chat->view, VIEW_INFO, "%zu message%s you", inquiry->n,
              inquiry->n == 1 ? " names" : "s name");
}

static void inquiry_thread_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    if (inquiry->n++ == 0)
        view_note(&chat->view, VIEW_INFO,
                  "the thread %s %s:", inquiry->about[0] == '#' ? "in" : "with", inquiry->about);
    if (!roster_is_ignored(&chat->roster, event->message.from))
        show_message(chat, event, SHOW_PAST);
}

static void inquiry_thread_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->n < 2)
        view_note(&chat->view, VIEW_INFO,
                  inquiry->n == 1 ? "nobody has replied to it" : "it is not there any more");
}

static void inquiry_number_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    (void)inquiry;
    reply_tell_number(chat, event);
}

/* Of claims, pins and stars. */
static void inquiry_listed_line(struct chat *chat, struct inquiry *inquiry,
                                const struct earshot_event *event) {
    inquiry->n++;
    if (inquiry->kind == INQUIRY_CLAIMS)
        govern_claim_line(chat, event);
    else
        pins_line(chat, event, inquiry->kind);
}

static void inquiry_listed_done(struct chat *chat, struct inquiry *inquiry) {
    if (inquiry->kind != INQUIRY_CLAIMS)
        pins_done(chat, inquiry->kind, inquiry->about, inquiry->n);
    else if (inquiry->n == 0)
        view_note(&chat->view, VIEW_INFO, "nothing is claimed; `earshot claim NAME` does");
}

static const struct inquiry_row inquiry_rows[INQUIRY_KINDS] = {
    [INQUIRY_PIN] = {.purpose = "pin it in", .done = inquiry_listed_done},
    [INQUIRY_UNPIN] = {.purpose = "unpin it in", .done = inquiry_listed_done},
    [INQUIRY_STAR] = {.purpose = "star it in", .done = inquiry_listed_done},
    [INQUIRY_UNSTAR] = {.purpose = "unstar it in", .done = inquiry_listed_done},
    [INQUIRY_PINS] = {"show the pins of", inquiry_listed_line, inquiry_listed_done, NULL, false},
    [INQUIRY_STARS] = {"show your stars of", inquiry_listed_line, inquiry_listed_done, NULL, false},
    [INQUIRY_THREAD] = {.purpose = "show the thread in",
                        .line = inquiry_thread_line,
                        .done = inquiry_thread_done},
    [INQUIRY_NUMBER] = {.line = inquiry_number_line, .is_silent = true},
    [INQUIRY_CLAIMS] = {.purpose = "ask what is claimed",
                        .line = inquiry_listed_line,
                        .done = inquiry_listed_done},
    [INQUIRY_BEGIN_ROOMS] = {.purpose = "ask for the rooms",
                             .line = inquiry_begin_room_line,
                             .done = inquiry_begin_rooms_done,
                             .failed = inquiry_begin_rooms_done,
                             .is_silent = true},
    [INQUIRY_BEGIN_MEMBERS] = {.purpose = "ask who is in",
                               .line = inquiry_begin_member_line,
                               .done = inquiry_begin_members_done,
                               .failed = inquiry_begin_members_done,
                               .is_silent = true},
    [INQUIRY_NEWEST] = {.purpose = "ask for",
                        .line = inquiry_newest_line,
                        .done = inquiry_newest_done,
                        .failed = inquiry_newest_done,
                        .is_silent = true},
    [INQUIRY_QUERIED] = {.purpose = "ask who there is",
                         .line = inquiry_queried_line,
                         .done = inquiry_queried_done,
                         .is_silent = true},
    [INQUIRY_WHOIS] = {.purpose = "ask for",
                       .line = inquiry_whois_line,
                       .done = inquiry_whois_done},
    [INQUIRY_MENTIONS] = {.purpose = "search for",
                          .line = inquiry_mention_line,
                          .done = inquiry_mentions_done},
    [INQUIRY_UNREAD] = {.purpose = "ask what is unread",
                        .line = inquiry_unread_line,
                        .is_silent = true},
    [INQUIRY_JOIN] = {.purpose = "join", .done = inquiry_join_done, .failed = inquiry_join_failed},
    [INQUIRY_REJOIN] = {.purpose = "join"},
    [INQUIRY_PART] = {.purpose = "leave", .done = inquiry_part_done},
    [INQUIRY_TOPIC_SET] = {.purpose = "set the topic of"},
    [INQUIRY_ABOUT] = {.purpose = "ask about", .line = inquiry_about_line},
    [INQUIRY_GATHER] = {.purpose = "write to",
                        .line = inquiry_gather_line,
                        .done = inquiry_gather_done,
                        .failed = inquiry_gather_failed},
    [INQUIRY_CHANGE] = {.purpose = "change", .done = inquiry_change_done},
    [INQUIRY_INVITE] = {.purpose = "invite", .done = inquiry_invite_done},
    [INQUIRY_TOPIC] = {.purpose = "ask for the topic of",
                       .line = inquiry_topic_line,
                       .done = inquiry_topic_done},
    [INQUIRY_AWAY] = {.purpose = "go away", .done = inquiry_away_done},
    [INQUIRY_BACK] = {.purpose = "come back", .done = inquiry_back_done},
    [INQUIRY_NICK] = {.purpose = "become", .done = inquiry_nick_done},
    [INQUIRY_WHO] = {.purpose = "ask who is here",
                     .line = inquiry_who_line,
                     .done = inquiry_who_done},
    [INQUIRY_ROOMS] = {.purpose = "ask for the rooms",
                       .line = inquiry_room_line,
                       .done = inquiry_rooms_done},
    [INQUIRY_STATUS] = {.purpose = "ask for the status",
                        .line = inquiry_counter_line,
                        .done = inquiry_status_done},
    [INQUIRY_HERE] = {.purpose = "ask who is here",
                      .line = inquiry_member_line,
                      .done = inquiry_here_done},
    [INQUIRY_HERE_AGAIN] = {.purpose = "ask who is here",
                            .line = inquiry_member_line,
                            .done = inquiry_here_again_done},
    [INQUIRY_JOINED] = {.purpose = "ask for the topic of",
                        .line = inquiry_topic_line,
                        .done = inquiry_joined_done},
    [INQUIRY_MEMBERS] = {.purpose = "ask who is in",
                         .line = inquiry_member_line,
                         .done = inquiry_members_done},
    [INQUIRY_OPENED] = {.purpose = "show the last lines of",
                        .line = inquiry_keep_line,
                        .done = inquiry_opened_done,
                        .failed = inquiry_opened_failed,
                        .is_silent = true},
    [INQUIRY_HISTORY] = {.purpose = "show the history of",
                         .line = inquiry_history_line,
                         .done = inquiry_history_done},
    [INQUIRY_OLDER] = {.purpose = "show the history of",
                       .line = inquiry_older_line,
                       .done = inquiry_older_done},
    [INQUIRY_SEARCH] = {.purpose = "search for",
                        .line = inquiry_keep_line,
                        .done = inquiry_search_done},
    [INQUIRY_OFFER] = {.purpose = "offer a file to", .done = inquiry_offers_done},
    [INQUIRY_OFFERS] = {.purpose = "ask for the files that wait",
                        .done = inquiry_offers_done,
                        .failed = inquiry_offers_done,
                        .is_silent = true},
    [INQUIRY_NEAR] = {"ask who there is", inquiry_near_line, inquiry_near_done, NULL, true},
};

/* What is granted and only could not be stored holds until the hub ends. */
static void inquiry_end(struct chat *chat, struct inquiry *inquiry,
                        const struct earshot_event *event) {
    const struct inquiry_row *row = &inquiry_rows[inquiry->kind];
    bool is_failed = event->type == EARSHOT_EVENT_FAILED;
    bool is_granted = !is_failed || event->failed.code == FAIL_NOT_STORED;
    void (*act)(struct chat *, struct inquiry *) = is_granted ? row->done : row->failed;
    if (is_failed && is_granted)
        view_note(&chat->view, VIEW_ERROR, "%s", event->failed.reason);
    if (act)
        act(chat, inquiry);
    if (!is_granted && !row->is_silent)
        inquiry_fail(chat, inquiry->kind, inquiry->about, outcome_of_event(event));
    inquiry_free(chat, inquiry);
}

void inquiry_event(struct chat *chat, const struct earshot_event *event) {
    struct inquiry *inquiry;
    DL_SEARCH_SCALAR(chat->inquiries, inquiry, number, event->request);
    if (!inquiry)
        return;
    void (*line)(struct chat *, struct inquiry *, const struct earshot_event *) =
        inquiry_rows[inquiry->kind].line;
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED)
        inquiry_end(chat, inquiry, event);
    else if (line)
        line(chat, inquiry, event);
}

size_t inquiry_n(const struct chat *chat) {
    const struct inquiry *inquiry;
    size_t n = 0;
    DL_COUNT(chat->inquiries, inquiry, n);
    return n;
}
