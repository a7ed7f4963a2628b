/*
 * News: who came, went, is away, joined. Gathered for NEWS_DELAY_MS, so that somebody who comes
 * and goes makes none and a crowd makes one line; told only to sessions that asked for it, and
 * news of a room only to those in the room.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

#define NEWS_EACH_MAX 32 /* of one kind; more are told as a number */
#define NEWS_WAITING_MAX 65536

struct news {
    enum news_what what;
    struct handle *who;
    struct room *room;    /* NULL: of the whole hub */
    struct handle *other; /* NEWS_RENAMED */
    char *detail;
    struct news *next, *prev;
};

static void news_free(struct core *core, struct news *news) {
    DL_DELETE(core->news, news);
    core->n_news--;
    free(news->detail);
    free(news);
}

void news_deinit(struct core *core) {
    while (core->news)
        news_free(core, core->news);
}

/* NULL when it is better dropped: nobody listens, too many wait, or memory is out. */
static struct news *news_add(struct core *core, enum news_what what) {
    if (core->n_news >= NEWS_WAITING_MAX)
        return NULL;
    struct news *news = calloc(1, sizeof *news);
    if (!news)
        return NULL;
    news->what = what;
    DL_APPEND(core->news, news);
    core->n_news++;
    if (core->news_due.ns == 0)
        core->news_due = mono_add_ms(core->now, NEWS_DELAY_MS);
    return news;
}

void news_presence(struct core *core, struct handle *handle) {
    if (handle->in_news)
        return;
    struct news *news = news_add(core, NEWS_ONLINE); /* which one is seen when it is told */
    if (!news)
        return;
    news->who = handle;
    handle->in_news = true;
}

void news_room(struct core *core, enum news_what what, const struct handle *who,
               const struct room *room, struct bytes detail) {
    if (!core->news_sessions)
        return;
    struct news *news = news_add(core, what);
    if (!news)
        return;
    news->who = (struct handle *)who;
    news->room = (struct room *)room;
    news->detail = detail.n > 0 ? strndup(detail.data, detail.n) : NULL;
    if (detail.n > 0 && !news->detail)
        news_free(core, news); /* no news are better than wrong ones */
}

void news_renamed(struct core *core, const struct handle *from, const struct handle *to) {
    struct news *news = core->news_sessions ? news_add(core, NEWS_RENAMED) : NULL;
    if (!news)
        return;
    news->who = (struct handle *)from;
    news->other = (struct handle *)to;
}

void news_forget_room(struct core *core, const struct room *room) {
    struct news *news, *next;
    if (core->n_news == 0)
        return;
    DL_FOREACH_SAFE(core->news, news, next) {
        if (news->room == room)
            news_free(core, news);
    }
}

/* Telling. */

static void tell(struct core *core, const struct room *room, const struct frame *frame) {
    struct session *session;
    if (!room) {
        DL_FOREACH2(core->news_sessions, session, next_news) {
            if (outbox_takes_messages(&session->outbox))
                session_answer(core, session, frame);
        }
        return;
    }
    for (unsigned i = 0; i < room->n_listeners; i++) {
        session = room->listeners[i];
        if ((session->abilities & ABILITY_NEWS) && outbox_takes_messages(&session->outbox))
            session_answer(core, session, frame);
    }
}

static void tell_one(struct core *core, const struct news *news) {
    struct bytes detail = {0};
    if (news->other)
        detail = name_bytes(&news->other->name);
    else if (news->detail)
        detail = bytes_of(news->detail);
    tell(core, news->room,
         &(struct frame){
             .type = FRAME_NEWS,
             .news = {.what = (uint8_t)news->what,
                      .who = name_bytes(&news->who->name),
                      .uid = news->who->user->uid,
                      .room = news->room ? name_bytes(&news->room->name) : (struct bytes){0},
                      .detail = detail}});
}

static void tell_many(struct core *core, const struct news *like, unsigned n_came,
                      unsigned n_left) {
    char detail[64];
    snprintf(detail, sizeof detail, "%u came, %u left", n_came, n_left);
    tell(core, like->room,
         &(struct frame){
             .type = FRAME_NEWS,
             .news = {.what = NEWS_MANY,
                      .who = name_bytes(&like->who->name),
                      .uid = like->who->user->uid,
                      .room = like->room ? name_bytes(&like->room->name) : (struct bytes){0},
                      .detail = bytes_of(detail)}});
}

/* What a handle's presence changed to since it was told last; drops what changed back. */
static void settle_presence(struct core *core) {
    struct news *news, *next;
    DL_FOREACH_SAFE(core->news, news, next) {
        if (news->what != NEWS_ONLINE || news->room)
            continue;
        enum presence was = news->who->announced, is = handle_presence(news->who);
        news->who->in_news = false;
        news->who->announced = is;
        if (is == was && is != PRESENCE_AWAY) {
            news_free(core, news);
            continue;
        }
        if (is == PRESENCE_OFFLINE)
            news->what = NEWS_OFFLINE;
        else if (is == PRESENCE_ONLINE && was == PRESENCE_AWAY)
            news->what = NEWS_BACK;
        else if (is == PRESENCE_AWAY) {
            news->what = NEWS_AWAY;
            news->detail = strdup(news->who->away);
        }
    }
}

static bool is_coming(const struct news *news) {
    return news->what == NEWS_ONLINE || news->what == NEWS_JOINED;
}

static bool is_going(const struct news *news) {
    return news->what == NEWS_OFFLINE || news->what == NEWS_LEFT;
}

/* Tells all news of one place, and takes them off the list. */
static void tell_place(struct core *core, struct room *room) {
    struct news *news, *next;
    unsigned n_came = 0, n_left = 0;
    DL_FOREACH(core->news, news) {
        n_came += news->room == room && is_coming(news);
        n_left += news->room == room && is_going(news);
    }
    bool many = n_came + n_left > NEWS_EACH_MAX, told = false;
    DL_FOREACH_SAFE(core->news, news, next) {
        if (news->room != room)
            continue;
        if (!many || !(is_coming(news) || is_going(news)))
            tell_one(core, news);
        else if (!told)
            tell_many(core, news, n_came, n_left);
        told = told || is_coming(news) || is_going(news);
        news_free(core, news);
    }
}

void news_tick(struct core *core) {
    core->news_due.ns = 0;
    settle_presence(core);
    while (core->news)
        tell_place(core, core->news->room);
}
