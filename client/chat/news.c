#include "chat/news.h"
#include "base/macro.h"
#include "chat/command.h"
#include "chat/people/login.h"
#include "cli/words.h"
#include "proto/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NEWS_NAMES_MAX 6 /* in one line; the others are counted */
#define NEWS_GATHER_MS 400
#define NEWS_BACK_MS 60000 /* after the hub is back, others come to it again */

struct news_item {
    enum earshot_news_what what;
    char *who;
    uid_t uid;
    char *object; /* the room, or "" for none; of RENAMED the new handle */
    struct news_item *prev, *next;
};

static const struct {
    char sign;
    const char *verb;
} news_verbs[] = {
    [EARSHOT_NEWS_ONLINE] = {'+', "came"},
    [EARSHOT_NEWS_OFFLINE] = {'-', "left"},
    [EARSHOT_NEWS_JOINED] = {'+', "joined"},
    [EARSHOT_NEWS_LEFT] = {'-', "left"},
    [EARSHOT_NEWS_RENAMED] = {'=', "is now known as"},
};

static void news_free(struct chat *chat, struct news_item *item) {
    DL_DELETE(chat->news, item);
    free(item->who);
    free(item->object);
    free(item);
}

void news_deinit(struct chat *chat) {
    while (chat->news)
        news_free(chat, chat->news);
}

static bool news_is_rename(const struct news_item *item) {
    return item->what == EARSHOT_NEWS_RENAMED;
}

/* A line that somebody joined a room says also that they came; likewise when leaving. */
static void news_drop_presence(struct chat *chat, const char *who) {
    struct news_item *item, *next;
    DL_FOREACH_SAFE(chat->news, item, next) {
        if (!*item->object && words_same_name(item->who, who))
            news_free(chat, item);
    }
}

/* With another handle a user leaves and joins all rooms, which need not be told. */
static void news_drop_all(struct chat *chat, const char *who) {
    struct news_item *item, *next;
    DL_FOREACH_SAFE(chat->news, item, next) {
        if (!news_is_rename(item) && words_same_name(item->who, who))
            news_free(chat, item);
    }
}

static bool news_is_renamed_to(const struct chat *chat, const char *who) {
    const struct news_item *item;
    DL_FOREACH(chat->news, item) {
        if (news_is_rename(item) && words_same_name(item->object, who))
            return true;
    }
    return false;
}

/* Whether both together are nothing: who came and left, or left and came, within a moment. */
static bool news_is_undone(const struct news_item *item, enum earshot_news_what what) {
    static const enum earshot_news_what undoes[] = {
        [EARSHOT_NEWS_ONLINE] = EARSHOT_NEWS_OFFLINE,
        [EARSHOT_NEWS_OFFLINE] = EARSHOT_NEWS_ONLINE,
        [EARSHOT_NEWS_JOINED] = EARSHOT_NEWS_LEFT,
        [EARSHOT_NEWS_LEFT] = EARSHOT_NEWS_JOINED,
    };
    return !news_is_rename(item) && (size_t)what < ARRAY_LEN(undoes) && item->what == undoes[what];
}

/* True: it takes back what is not told yet. */
static bool news_takes_back(struct chat *chat, const struct earshot_event *event,
                            const char *object) {
    struct news_item *item, *next;
    DL_FOREACH_SAFE(chat->news, item, next) {
        if (words_same_name(item->who, event->news.who) && strcmp(item->object, object) == 0 &&
            news_is_undone(item, event->news.what)) {
            news_free(chat, item);
            return true;
        }
    }
    return false;
}

static void news_gather(struct chat *chat, const struct earshot_event *event, const char *object) {
    const char *who = event->news.who;
    if (news_is_renamed_to(chat, who) || news_takes_back(chat, event, object))
        return;
    if (*object)
        news_drop_presence(chat, who);
    struct news_item *item = calloc(1, sizeof *item);
    if (!item)
        return;
    if (!chat->news)
        chat->news_due = mono_add_ms(mono_now(), NEWS_GATHER_MS);
    item->what = event->news.what;
    item->uid = event->news.uid;
    item->who = strdup(who);
    item->object = strdup(object);
    DL_APPEND(chat->news, item);
    if (!item->who || !item->object)
        news_free(chat, item);
}

static bool news_same_line(const struct news_item *a, const struct news_item *b) {
    return !news_is_rename(a) && a->what == b->what && strcmp(a->object, b->object) == 0;
}

/* "+ alice, bob joined #ops" */
static void news_tell(struct chat *chat, const struct news_item *first, const char *others) {
    char *text = NULL;
    bool is_people = conv_is_people(first->object);
    if (asprintf(&text, "%c %s%s%s %s%s%s%s", news_verbs[first->what].sign, first->who,
                 login_first(chat, first->who, first->uid), others, news_verbs[first->what].verb,
                 *first->object ? " " : "", is_people ? "@" : "", conv_rest(first->object)) < 0)
        return;
    view_news(&chat->view, text);
    free(text);
}

/* Prints one line for the first item and all that fit into its line, and removes them. */
static void news_flush_line(struct chat *chat) {
    struct news_item *first = chat->news, *item, *next;
    char *names = NULL;
    size_t n_bytes = 0, n = 0;
    FILE *out = open_memstream(&names, &n_bytes);
    DL_FOREACH_SAFE(first->next, item, next) {
        if (!news_same_line(first, item))
            continue;
        if (out && ++n < NEWS_NAMES_MAX)
            fprintf(out, ", %s%s", item->who, login_first(chat, item->who, item->uid));
        news_free(chat, item);
    }
    if (out && n >= NEWS_NAMES_MAX)
        fprintf(out, " and %zu others", n - NEWS_NAMES_MAX + 1);
    if (out && fclose(out) == 0)
        news_tell(chat, first, names);
    free(names);
    news_free(chat, first);
}

void news_flush(struct chat *chat) {
    while (chat->news)
        news_flush_line(chat);
}

void news_flush_due(struct chat *chat) {
    if (news_timeout_ms(chat) == 0)
        news_flush(chat);
}

int news_timeout_ms(const struct chat *chat) {
    if (!chat->news)
        return -1;
    return mono_poll_ms(chat->news_due);
}

void news_known(struct chat *chat, const char *handle) {
    news_drop_presence(chat, handle);
}

static void news_named(struct chat *chat, const struct earshot_event *event) {
    const char *was = event->news.who, *now = event->news.detail;
    view_note(&chat->view, VIEW_INFO,
              "you are now known as %s: an administrator has freed the name %s, or the user whose "
              "login it is has joined",
              now, was);
    if (words_same_name(chat->target, was))
        chat_set_target(chat, now);
    snprintf(chat->me, sizeof chat->me, "%s", now);
}

/* Put out, the room closed, or left in another window: a line that is half typed is not for another
 * room, and goes nowhere until the user says where. */
static void news_out_of(struct chat *chat, const char *room) {
    bool was_in = roster_is_joined(&chat->roster, room);
    roster_room(&chat->roster, room, false);
    unread_forget(chat, room);
    if (!was_in || !words_same_name(chat->target, room))
        return;
    view_note(&chat->view, VIEW_INFO,
              "you are not in %s%s any more; /join #ROOM or /query HANDLE says where lines go now",
              conv_sign(room), conv_rest(room));
    chat_set_target(chat, "");
}

/* What the user does in another window concerns this one, but is no news. */
static void news_own(struct chat *chat, const struct earshot_event *event) {
    switch (event->news.what) {
    case EARSHOT_NEWS_JOINED:
        roster_room(&chat->roster, event->news.room, true);
        unread_know(chat, event->news.room);
        break;
    case EARSHOT_NEWS_LEFT:
        news_out_of(chat, event->news.room);
        break;
    case EARSHOT_NEWS_TOPIC:
        view_note(&chat->view, VIEW_INFO, "topic of %s%s: %s", conv_sign(event->news.room),
                  conv_rest(event->news.room), event->news.detail);
        break;
    case EARSHOT_NEWS_ALIKE:
        view_note(&chat->view, VIEW_INFO, "%s is not %s, which looks like it", event->news.room,
                  event->news.detail);
        break;
    case EARSHOT_NEWS_NAMED:
        news_named(chat, event);
        break;
    default:
        break;
    }
}

static void news_renamed(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who, *now = event->news.detail;
    bool matters = roster_matters(&chat->roster, who);
    if (words_same_name(now, chat->me)) { /* which was told as it was done */
        roster_presence(&chat->roster, who, EARSHOT_OFFLINE, "");
        news_drop_all(chat, who);
        return;
    }
    roster_rename(&chat->roster, who, now);
    news_drop_all(chat, who);
    news_drop_all(chat, now);
    if (matters)
        news_gather(chat, event, now);
    if (*chat->target && words_same_name(chat->target, who))
        chat_set_target(chat, now);
}

static void news_room_renamed(struct chat *chat, const struct earshot_event *event) {
    const char *was = event->news.who, *now = event->news.detail;
    roster_room(&chat->roster, was, false);
    roster_room(&chat->roster, now, true);
    view_note(&chat->view, VIEW_INFO,
              "%s is called %s now: its owner renamed it, or an administrator has freed its name",
              was, now);
    if (words_same_name(chat->target, was))
        chat_set_target(chat, now);
}

/* Who was here before the hub died comes again, as this window does: for people that is nothing. */
static bool news_is_return(const struct chat *chat, const char *who) {
    return chat->back_at.ns != 0 && roster_was_here(&chat->roster, who) &&
           mono_ms_until(mono_now(), mono_add_ms(chat->back_at, NEWS_BACK_MS)) > 0;
}

static void news_presence(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who;
    bool here = event->news.what == EARSHOT_NEWS_ONLINE;
    if (here == roster_is_here(&chat->roster, who))
        return; /* known from a list, or told as another handle of the same person */
    roster_presence(&chat->roster, who, here ? EARSHOT_ONLINE : EARSHOT_OFFLINE, "");
    if (here && news_is_return(chat, who))
        return;
    if (roster_matters(&chat->roster, who) || words_same_name(who, chat->target))
        news_gather(chat, event, "");
}

static void news_away(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who, *reason = event->news.detail;
    bool away = event->news.what == EARSHOT_NEWS_AWAY;
    roster_presence(&chat->roster, who, away ? EARSHOT_AWAY : EARSHOT_ONLINE, reason);
    if (!roster_matters(&chat->roster, who))
        return;
    if (away)
        view_note(&chat->view, VIEW_NEWS, "- %s is away%s%s", who, *reason ? ": " : "", reason);
    else
        view_note(&chat->view, VIEW_NEWS, "+ %s is back", who);
}

static void news_in_room(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who, *room = event->news.room;
    bool joined = roster_is_joined(&chat->roster, room);
    if (event->news.what != EARSHOT_NEWS_LEFT)
        roster_know_room(&chat->roster, room);
    if (!joined)
        return;
    if (event->news.what == EARSHOT_NEWS_LEFT && !roster_is_here(&chat->roster, who))
        return; /* under another handle now */
    if (event->news.what == EARSHOT_NEWS_JOINED && !roster_away(&chat->roster, who))
        roster_presence(&chat->roster, who, EARSHOT_ONLINE, "");
    if (event->news.what == EARSHOT_NEWS_JOINED && news_is_return(chat, who))
        return; /* to a hub that has forgotten its rooms */
    if (event->news.what == EARSHOT_NEWS_TOPIC)
        view_note(&chat->view, VIEW_INFO, "%s set the topic of %s%s: %s", who, conv_sign(room),
                  conv_rest(room), event->news.detail);
    else
        news_gather(chat, event, room);
}

void news_event(struct chat *chat, const struct earshot_event *event) {
    if (event->news.what == EARSHOT_NEWS_ORDER) { /* also of whom one ignores */
        view_note(&chat->view, VIEW_ERROR, "%s", event->news.detail);
        return;
    }
    if (words_same_name(event->news.who, chat->me)) {
        news_own(chat, event);
        return;
    }
    if (roster_is_ignored(&chat->roster, event->news.who))
        return;
    switch (event->news.what) {
    case EARSHOT_NEWS_ONLINE:
    case EARSHOT_NEWS_OFFLINE:
        news_presence(chat, event);
        break;
    case EARSHOT_NEWS_AWAY:
    case EARSHOT_NEWS_BACK:
        news_away(chat, event);
        break;
    case EARSHOT_NEWS_PINS:
        pins_news(chat, event);
        break;
    case EARSHOT_NEWS_RENAMED:
        if (event->news.who[0] == '#')
            news_room_renamed(chat, event);
        else
            news_renamed(chat, event);
        break;
    default:
        news_in_room(chat, event);
        break;
    }
}
