#include "chat/news.h"
#include "chat/login.h"
#include "cli/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NAMES_MAX 6 /* in one line; the others are counted */
#define GATHER_MS 400

struct news_item {
    enum earshot_news_what what;
    char *who;
    uid_t uid;
    char *room; /* "" for none; of RENAMED, the new handle */
    struct news_item *prev, *next;
};

static const struct {
    char sign;
    const char *verb;
} verbs[] = {
    [EARSHOT_NEWS_ONLINE] = {'+', "came"},
    [EARSHOT_NEWS_OFFLINE] = {'-', "left"},
    [EARSHOT_NEWS_JOINED] = {'+', "joined"},
    [EARSHOT_NEWS_LEFT] = {'-', "left"},
    [EARSHOT_NEWS_RENAMED] = {'=', "is now known as"},
};

static void item_free(struct chat *chat, struct news_item *item) {
    DL_DELETE(chat->news, item);
    free(item->who);
    free(item->room);
    free(item);
}

void news_deinit(struct chat *chat) {
    while (chat->news)
        item_free(chat, chat->news);
}

static bool is_rename(const struct news_item *item) {
    return item->what == EARSHOT_NEWS_RENAMED;
}

/* Who joins a room need not be announced as having come, too; likewise when leaving. */
static void drop_plain_presence(struct chat *chat, const char *who) {
    struct news_item *item, *next;
    DL_FOREACH_SAFE(chat->news, item, next) {
        if (!*item->room && words_same_name(item->who, who))
            item_free(chat, item);
    }
}

/* Another handle means leaving and joining everywhere, which is no news. */
static void drop_all_of(struct chat *chat, const char *who) {
    struct news_item *item, *next;
    DL_FOREACH_SAFE(chat->news, item, next) {
        if (!is_rename(item) && words_same_name(item->who, who))
            item_free(chat, item);
    }
}

static bool is_renamed_to(const struct chat *chat, const char *who) {
    const struct news_item *item;
    DL_FOREACH(chat->news, item) {
        if (is_rename(item) && words_same_name(item->room, who))
            return true;
    }
    return false;
}

static void news_gather(struct chat *chat, const struct earshot_event *event, const char *room) {
    const char *who = event->news.who;
    if (is_renamed_to(chat, who))
        return;
    if (*room)
        drop_plain_presence(chat, who);
    struct news_item *item = calloc(1, sizeof *item);
    if (!item)
        return;
    if (!chat->news)
        chat->news_due = mono_add_ms(mono_now(), GATHER_MS);
    item->what = event->news.what;
    item->uid = event->news.uid;
    item->who = strdup(who);
    item->room = strdup(room);
    DL_APPEND(chat->news, item);
    if (!item->who || !item->room)
        item_free(chat, item);
}

static bool same_line(const struct news_item *a, const struct news_item *b) {
    return !is_rename(a) && a->what == b->what && strcmp(a->room, b->room) == 0;
}

/* Prints one line for the first item and all that are like it, and removes them. */
static void line_flush(struct chat *chat) {
    struct news_item *first = chat->news, *item, *next;
    char *names = NULL;
    size_t n_bytes = 0, n = 0;
    FILE *out = open_memstream(&names, &n_bytes);
    DL_FOREACH_SAFE(first->next, item, next) {
        if (!same_line(first, item))
            continue;
        if (out && ++n < NAMES_MAX)
            fprintf(out, ", %s%s", item->who, login_first(chat, item->who, item->uid));
        item_free(chat, item);
    }
    if (out && n >= NAMES_MAX)
        fprintf(out, " and %zu others", n - NAMES_MAX + 1);
    if (out && fclose(out) == 0)
        view_note(&chat->view, VIEW_NEWS, "%c %s%s%s %s%s%s", verbs[first->what].sign, first->who,
                  login_first(chat, first->who, first->uid), names, verbs[first->what].verb,
                  *first->room ? " " : "", first->room);
    free(names);
    item_free(chat, first);
}

void news_flush(struct chat *chat) {
    while (chat->news)
        line_flush(chat);
}

void news_flush_due(struct chat *chat) {
    if (news_timeout_ms(chat) == 0)
        news_flush(chat);
}

int news_timeout_ms(const struct chat *chat) {
    if (!chat->news)
        return -1;
    int64_t ms = mono_ms_until(mono_now(), chat->news_due);
    return ms > 0 ? (int)ms : 0;
}

void news_known(struct chat *chat, const char *handle) {
    drop_plain_presence(chat, handle);
}

/* What the user does in another window concerns this one, but is no news. */
static void own_news(struct chat *chat, const struct earshot_event *event) {
    switch (event->news.what) {
    case EARSHOT_NEWS_JOINED:
        roster_room(&chat->roster, event->news.room, true);
        break;
    case EARSHOT_NEWS_LEFT:
        roster_room(&chat->roster, event->news.room, false);
        break;
    case EARSHOT_NEWS_TOPIC:
        view_note(&chat->view, VIEW_INFO, "topic of %s: %s", event->news.room, event->news.detail);
        break;
    case EARSHOT_NEWS_ALIKE:
        view_note(&chat->view, VIEW_INFO, "%s is not %s, which looks like it", event->news.room,
                  event->news.detail);
        break;
    default:
        break;
    }
}

static void news_renamed(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who, *now = event->news.detail;
    bool matters = roster_matters(&chat->roster, who);
    roster_rename(&chat->roster, who, now);
    drop_all_of(chat, who);
    drop_all_of(chat, now);
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
              "%s is called %s now: an administrator has freed its name for others", was, now);
    if (words_same_name(chat->target, was))
        chat_set_target(chat, now);
}

static void coming_and_going(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who;
    bool here = event->news.what == EARSHOT_NEWS_ONLINE;
    if (here == roster_is_here(&chat->roster, who))
        return; /* known from a list, or told as another handle of the same person */
    roster_presence(&chat->roster, who, here ? EARSHOT_ONLINE : EARSHOT_OFFLINE, "");
    if (roster_matters(&chat->roster, who) || words_same_name(who, chat->target))
        news_gather(chat, event, "");
}

static void away_and_back(struct chat *chat, const struct earshot_event *event) {
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

static void in_room(struct chat *chat, const struct earshot_event *event) {
    const char *who = event->news.who, *room = event->news.room;
    bool joined = roster_is_joined(&chat->roster, room);
    if (event->news.what != EARSHOT_NEWS_LEFT)
        roster_room(&chat->roster, room, joined);
    if (!joined)
        return;
    if (event->news.what == EARSHOT_NEWS_LEFT && !roster_is_here(&chat->roster, who))
        return; /* under another handle now */
    if (event->news.what == EARSHOT_NEWS_JOINED && !roster_away(&chat->roster, who))
        roster_presence(&chat->roster, who, EARSHOT_ONLINE, "");
    if (event->news.what == EARSHOT_NEWS_TOPIC)
        view_note(&chat->view, VIEW_INFO, "%s set the topic of %s: %s", who, room,
                  event->news.detail);
    else
        news_gather(chat, event, room);
}

void news_event(struct chat *chat, const struct earshot_event *event) {
    if (words_same_name(event->news.who, chat->me)) {
        own_news(chat, event);
        return;
    }
    if (roster_is_ignored(&chat->roster, event->news.who))
        return;
    switch (event->news.what) {
    case EARSHOT_NEWS_ONLINE:
    case EARSHOT_NEWS_OFFLINE:
        coming_and_going(chat, event);
        break;
    case EARSHOT_NEWS_AWAY:
    case EARSHOT_NEWS_BACK:
        away_and_back(chat, event);
        break;
    case EARSHOT_NEWS_RENAMED:
        if (event->news.who[0] == '#')
            news_room_renamed(chat, event);
        else
            news_renamed(chat, event);
        break;
    default:
        in_room(chat, event);
        break;
    }
}
