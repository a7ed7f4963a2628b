/*
 * News: who came, went, is away, joined. Gathered for NEWS_DELAY_MS, so that somebody who comes
 * and goes makes none and a crowd makes one line; told only to sessions that asked for it, and
 * news of a room only to those in the room.
 *
 * What is gathered is bounded by what there is: a handle has one change of its presence and one
 * new name, a room one topic and so many who joined or left, beyond which they are counted. Then
 * all that has been gathered is told, while the next is being gathered. Telling goes in steps, for
 * thousands may listen: after NEWS_SLICE of them the lock is left, and the core is due again at
 * once. Whoever has caused it pays for it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/past/pin.h"

#define NEWS_EACH_MAX 32     /* of one kind; more are told as a number */
#define NEWS_ORDERS_MAX 8    /* acts of order in a room that wait to be told */
#define NEWS_MOVES_MAX 64    /* handles in a room that are known one by one */
#define NEWS_SLICE 2000      /* sessions that are told, or handles that are looked at, at a time */
#define NEWS_SLICE_SHORT 512 /* where memory is short, these are sent before others are told */
#define NEWS_TELL_NS 100     /* what telling one session takes, about */

/* In one room. */
struct room_news {
    struct room *room;
    struct {
        uint32_t handle;
        bool came; /* or it left */
    } moves[NEWS_MOVES_MAX];
    unsigned n_moves, n_came, n_left; /* those that are counted are beyond the moves */
    struct {
        uint32_t by; /* a handle */
        char *sentence;
    } orders[NEWS_ORDERS_MAX];
    unsigned n_orders;
    uint32_t topic_by;  /* 0: it was not changed */
    uint32_t pins_by;   /* the same of what is pinned; */
    char *pins;         /* NULL: more than once */
    struct name was;    /* what it was called; n 0: the same */
    struct user *payer; /* of this memory */
    struct room_news **list;
    struct room_news *next, *prev;
};

/* Gathering. */

static void news_begin(struct core *core) {
    if (core->news_due.ns == 0)
        core->news_due = mono_add_ms(core->now, NEWS_DELAY_MS);
}

static void news_append_handle(struct news *news, struct handle *handle) {
    handle->news_list = &news->handles[news->round % 2];
    DL_APPEND2(*handle->news_list, handle, prev_news, next_news);
}

static void news_list_handle(struct core *core, struct handle *handle) {
    if (handle->news_list)
        return;
    news_append_handle(&core->news, handle);
    news_begin(core);
}

static void news_unlist_handle(struct handle *handle) {
    DL_DELETE2(*handle->news_list, handle, prev_news, next_news);
    handle->news_list = NULL;
}

void news_presence(struct core *core, struct handle *handle) {
    handle->in_news = true;
    news_list_handle(core, handle);
}

/* Whoever goes back to his old name before it was told of has not changed it. */
void news_renamed(struct core *core, struct handle *from, struct handle *to) {
    if (!core->news_sessions)
        return;
    if (to->renamed_to == from->number) {
        to->renamed_to = 0;
        return;
    }
    from->renamed_to = to->number;
    news_list_handle(core, from);
}

/* If the name changes twice before it is told, the first one is what others know. */
void news_taken(struct core *core, struct handle *handle, const struct name *was) {
    if (!core->news_sessions || handle->was)
        return;
    handle->was = strdup(was->s);
    if (handle->was)
        news_list_handle(core, handle);
}

static struct room_news *news_of_room(struct core *core, struct room *room, struct user *payer) {
    if (room->news || !core->news_sessions)
        return room->news;
    if (account_left(&payer->account, ACCOUNT_MEMORY) < sizeof(struct room_news))
        return NULL;
    struct room_news *news = calloc(1, sizeof *news);
    if (!news)
        return NULL; /* no news are better than a hub that ends */
    news->room = room;
    news->payer = payer;
    account_spend(&payer->account, ACCOUNT_MEMORY, sizeof *news);
    news->list = &core->news.rooms[core->news.round % 2];
    room->news = news;
    DL_APPEND(*news->list, news);
    news_begin(core);
    return news;
}

static void room_news_free(struct room_news *news) {
    DL_DELETE(*news->list, news);
    news->room->news = NULL;
    account_give_back(&news->payer->account, ACCOUNT_MEMORY, sizeof *news);
    while (news->n_orders > 0)
        free(news->orders[--news->n_orders].sentence);
    free(news->pins);
    free(news);
}

static void news_move(struct core *core, const struct handle *who, struct room *room, bool came) {
    struct room_news *news = news_of_room(core, room, who->user);
    if (!news)
        return;
    for (unsigned i = 0; i < news->n_moves; i++) {
        if (news->moves[i].handle != who->number)
            continue;
        if (news->moves[i].came != came) /* it came and left again: there is nothing to tell */
            news->moves[i] = news->moves[--news->n_moves];
        return;
    }
    if (news->n_moves < NEWS_MOVES_MAX) {
        news->moves[news->n_moves].handle = who->number;
        news->moves[news->n_moves++].came = came;
    } else if (came) {
        news->n_came++;
    } else {
        news->n_left++;
    }
}

void news_joined(struct core *core, const struct handle *who, struct room *room) {
    news_move(core, who, room, true);
}

void news_left(struct core *core, const struct handle *who, struct room *room) {
    news_move(core, who, room, false);
}

void news_topic(struct core *core, const struct handle *who, struct room *room) {
    struct room_news *news = news_of_room(core, room, who->user);
    if (news)
        news->topic_by = who->number;
}

bool news_takes_order(const struct room *room) {
    return !room->news || room->news->n_orders < NEWS_ORDERS_MAX;
}

void news_order(struct core *core, const struct handle *who, struct room *room,
                const char *sentence) {
    struct room_news *news = news_of_room(core, room, who->user);
    if (!news || news->n_orders == NEWS_ORDERS_MAX ||
        !(news->orders[news->n_orders].sentence = strdup(sentence)))
        return;
    news->orders[news->n_orders++].by = who->number;
}

void news_pins(struct core *core, const struct handle *who, struct room *room,
               const char *sentence) {
    struct room_news *news = news_of_room(core, room, who->user);
    if (!news)
        return;
    bool is_first = news->pins_by == 0;
    free(news->pins);
    news->pins = is_first ? strdup(sentence) : NULL;
    news->pins_by = who->number;
}

/* If the name changes twice before it is told, the first one is what others know. */
void news_room_renamed(struct core *core, struct user *by, struct room *room,
                       const struct name *was) {
    struct room_news *news = news_of_room(core, room, by);
    if (news && news->was.n == 0)
        news->was = *was;
}

/* What is gone. */

void news_forget_room(struct core *core, struct room *room) {
    if (room->news)
        room_news_free(room->news);
    if (core->news.room == room)
        core->news.room = NULL;
}

void news_forget_handle(struct core *core, struct handle *handle) {
    if (core->news.unsettled == handle)
        core->news.unsettled = handle->next_news;
    if (handle->news_list)
        news_unlist_handle(handle);
}

void news_forget_session(struct core *core, const struct session *session) {
    if (core->news.next == session)
        core->news.next = session->next_news;
}

/* Those before `at` have been told: so that the last one, which is to fill the gap, has not. */
unsigned news_listener_leaves(struct core *core, const struct room *room, unsigned index) {
    if (core->news.room != room || index >= core->news.at)
        return index;
    return --core->news.at;
}

void news_deinit(struct core *core) {
    for (int i = 0; i < 2; i++)
        while (core->news.rooms[i])
            room_news_free(core->news.rooms[i]);
}

/* Telling: frames are written once, and then go to everybody whom they concern. */

static void news_tell_session(struct core *core, struct session *session) {
    struct encoded encoded = {
        .frames = core->news.frames, .n = core->news.n, .what = ENCODED_NOTICE};
    if ((session->abilities & ABILITY_NEWS) &&
        session_takes_notice(core, session, NOTICE_MAY_BE_MISSED, encoded.n))
        (void)session_append(core, session, &encoded);
}

static bool news_is_for(const struct session *session, const struct frame *frame) {
    return (session->abilities & ABILITY_NEWS) &&
           (frame->news.what != NEWS_ORDER || (session->abilities & ABILITY_ORDER)) &&
           (frame->news.what != NEWS_PINS || (session->abilities & ABILITY_PINS));
}

/* To who calls the room otherwise, or does not know all of them: the same frames, one by one. */
static void news_tell_each(struct core *core, struct session *session, const struct room *room) {
    bool is_renamed = room_is_renamed_for(session->user, room);
    struct cursor_in in = cursor_in_of(core->news.frames, core->news.n);
    struct frame frame;
    struct name name;
    while (cursor_in_left(&in) > 0 && frame_take(&in, &frame, FROM_HUB) == FRAME_OK) {
        if (frame.news.room.n > 0)
            frame.news.room = room_name_for(session->user, room, &name);
        if ((frame.news.what != NEWS_RENAMED || !is_renamed) && news_is_for(session, &frame))
            (void)session_tell(core, session, NOTICE_MAY_BE_MISSED, &frame);
    }
}

static void news_tell_listener(struct core *core, struct session *session, struct room *room) {
    bool is_old = core->news.needs & ~session->abilities;
    if (is_old || (room_has_renamed(core, room) && room_is_renamed_for(session->user, room)))
        news_tell_each(core, session, room);
    else
        news_tell_session(core, session);
}

static void news_tell(struct core *core, unsigned *slice) {
    struct news *news = &core->news;
    for (; news->room && news->at<news->room->n_listeners && * slice> 0; --*slice)
        news_tell_listener(core, news->room->listeners[news->at++], news->room);
    for (; news->next && *slice > 0; --*slice) {
        struct session *session = news->next;
        news->next = session->next_news;
        news_tell_session(core, session);
    }
    if (news->room && news->at >= news->room->n_listeners)
        news->room = NULL;
}

/* Writing. False: there is no place for it among the frames. */
static bool news_write_as(struct core *core, enum news_what what, const struct user *user,
                          struct bytes name, const struct room *room, struct bytes detail) {
    struct news *news = &core->news;
    struct cursor_out out = cursor_out_of(news->frames + news->n, sizeof news->frames - news->n);
    struct frame frame = {.type = FRAME_NEWS,
                          .news = {.what = (uint8_t)what,
                                   .who = name,
                                   .uid = user->uid,
                                   .room = room ? name_bytes(&room->name) : (struct bytes){0},
                                   .detail = detail}};
    if (!frame_put(&out, &frame))
        return false;
    news->n += cursor_out_used(&out);
    return true;
}

static bool news_write(struct core *core, enum news_what what, const struct handle *who,
                       const struct room *room, struct bytes detail) {
    return news_write_as(core, what, who->user, name_bytes(&who->name), room, detail);
}

static bool news_write_many(struct core *core, const struct handle *who, const struct room *room,
                            unsigned n_came, unsigned n_left) {
    char detail[64];
    snprintf(detail, sizeof detail, "%u came, %u left", n_came, n_left);
    return news_write(core, NEWS_MANY, who, room, bytes_of(detail));
}

/* His own sessions are no others' attention; that all of them hear it is assumed in his favour. */
static void news_charge(struct core *core, const struct handle *who, size_t n_sessions) {
    uint64_t n_own = who->user->account.used[ACCOUNT_SESSIONS];
    uint64_t n_others = n_sessions > n_own ? n_sessions - n_own : 0,
             n_users = HASH_COUNT(core->users);
    if (n_others >= n_users) /* one each: what more a user hears with many sessions is his own */
        n_others = n_users > 0 ? n_users - 1 : 0;
    if (n_others > 0)
        account_spend(&who->user->account, ACCOUNT_NOTICES, n_others);
    core_spend_time(core, who->user, (int64_t)(n_sessions * NEWS_TELL_NS));
}

/* Rooms. */

/* Before anything else is told of it under its new name. */
static bool write_room_was(struct core *core, struct room_news *news) {
    if (news->was.n > 0 && !news_write_as(core, NEWS_RENAMED, news->payer, name_bytes(&news->was),
                                          NULL, name_bytes(&news->room->name)))
        return false;
    news->was.n = 0;
    return true;
}

static bool write_topic(struct core *core, struct room_news *news) {
    const struct handle *who = handle_of_number(core, news->topic_by);
    const char *topic = news->room->topic;
    if (who && !news_write(core, NEWS_TOPIC, who, news->room, bytes_of(topic ? topic : "")))
        return false;
    if (who)
        news_charge(core, who, news->room->n_listeners);
    news->topic_by = 0;
    return true;
}

static bool write_pins(struct core *core, struct room_news *news) {
    const struct handle *who = handle_of_number(core, news->pins_by);
    const char *sentence = news->pins ? news->pins : "changed what is pinned";
    if (who && !news_write(core, NEWS_PINS, who, news->room, bytes_of(sentence)))
        return false;
    core->news.needs |= ABILITY_PINS;
    if (who)
        news_charge(core, who, news->room->n_listeners);
    news->pins_by = 0;
    return true;
}

static bool write_order(struct core *core, struct room_news *news) {
    const struct handle *who = handle_of_number(core, news->orders[0].by);
    if (who && !news_write(core, NEWS_ORDER, who, news->room, bytes_of(news->orders[0].sentence)))
        return false;
    core->news.needs |= ABILITY_ORDER;
    if (who)
        news_charge(core, who, news->room->n_listeners);
    free(news->orders[0].sentence);
    memmove(news->orders, news->orders + 1, --news->n_orders * sizeof *news->orders);
    return true;
}

static bool write_move(struct core *core, struct room_news *news, unsigned i) {
    const struct handle *who = handle_of_number(core, news->moves[i].handle);
    enum news_what what = news->moves[i].came ? NEWS_JOINED : NEWS_LEFT;
    if (who && !news_write(core, what, who, news->room, (struct bytes){0}))
        return false;
    if (who)
        news_charge(core, who, news->room->n_listeners);
    return true;
}

static bool write_moves_as_many(struct core *core, struct room_news *news) {
    const struct handle *who = NULL;
    unsigned n_came = news->n_came, n_left = news->n_left;
    for (unsigned i = 0; i < news->n_moves; i++) {
        n_came += news->moves[i].came;
        n_left += !news->moves[i].came;
        who = who ? who : handle_of_number(core, news->moves[i].handle);
    }
    if (who && !news_write_many(core, who, news->room, n_came, n_left))
        return false;
    news->n_moves = news->n_came = news->n_left = 0;
    return true;
}

/* As much as there is place for; what is left over is told next. */
static bool write_room(struct core *core, struct room_news *news) {
    unsigned n = 0, n_all = news->n_moves + news->n_came + news->n_left;
    if (!write_room_was(core, news) || (news->topic_by && !write_topic(core, news)) ||
        (news->pins_by && !write_pins(core, news)))
        return false;
    while (news->n_orders > 0)
        if (!write_order(core, news))
            return false;
    if (n_all > NEWS_EACH_MAX)
        return write_moves_as_many(core, news);
    while (n < news->n_moves && write_move(core, news, n))
        n++;
    news->n_moves -= n;
    memmove(news->moves, news->moves + n, news->n_moves * sizeof *news->moves);
    return news->n_moves == 0;
}

static void tell_room_next(struct core *core, struct room_news *next) {
    struct room *room = next->room;
    core->news.n = 0;
    core->news.needs = 0;
    if (write_room(core, next))
        room_news_free(next);
    if (core->news.n > 0) {
        core->news.room = room;
        core->news.at = 0;
    }
}

/* Handles. */

/* What its presence has become since it was told last; NEWS_END: what it was. */
static enum news_what presence_news(const struct handle *handle) {
    enum presence was = handle->announced, is = handle_presence(handle);
    if (!handle->in_news || (is == was && is != PRESENCE_AWAY))
        return NEWS_END;
    if (is == PRESENCE_OFFLINE)
        return NEWS_OFFLINE;
    if (is == PRESENCE_AWAY)
        return NEWS_AWAY;
    return was == PRESENCE_AWAY ? NEWS_BACK : NEWS_ONLINE;
}

/* Of those that are always told one by one a user has so many at a time; the rest waits. */
static bool news_has_turn(struct core *core, struct user *user, unsigned n) {
    if (user->news_round != core->news.round)
        user->n_news = 0;
    user->news_round = core->news.round;
    if (user->n_news + n > NEWS_EACH_MAX)
        return false;
    user->n_news += n;
    return true;
}

/* Looks at the next handle: it waits, or it is settled what is to be told. */
static void settle_next(struct core *core) {
    struct news *news = &core->news;
    struct handle *handle = news->unsettled;
    enum news_what what = presence_news(handle);
    bool is_alone = what == NEWS_AWAY || what == NEWS_BACK;
    unsigned n_alone =
        (is_alone ? 1U : 0U) + (handle->renamed_to ? 1U : 0U) + (handle->was ? 1U : 0U);
    news->unsettled = handle->next_news;
    if (n_alone > 0 && !news_has_turn(core, handle->user, n_alone)) {
        news_unlist_handle(handle);
        news_append_handle(news, handle);
        return;
    }
    news->n_came += what == NEWS_ONLINE;
    news->n_left += what == NEWS_OFFLINE;
    handle->in_news = false;
    handle->announced = handle_presence(handle);
    handle->news_what = (uint8_t)what;
    if (what == NEWS_END && !handle->renamed_to && !handle->was)
        news_unlist_handle(handle);
}

/* Before anything else is told of it under its new name. */
static bool write_was(struct core *core, struct handle *handle) {
    if (!handle->was)
        return true;
    if (!news_write_as(core, NEWS_RENAMED, handle->user, bytes_of(handle->was), NULL,
                       name_bytes(&handle->name)))
        return false;
    news_charge(core, handle, core->n_news_sessions);
    free(handle->was);
    handle->was = NULL;
    return true;
}

static bool write_handle(struct core *core, struct handle *handle) {
    struct news *news = &core->news;
    enum news_what what = (enum news_what)handle->news_what;
    bool is_one_of_many = (what == NEWS_ONLINE || what == NEWS_OFFLINE) &&
                          news->n_came + news->n_left > NEWS_EACH_MAX;
    const struct handle *other = handle_of_number(core, handle->renamed_to);
    const char *away = what == NEWS_AWAY && handle->away ? handle->away : "";
    if (!write_was(core, handle))
        return false;
    if (is_one_of_many && !news->told_many) {
        if (!news_write_many(core, handle, NULL, news->n_came, news->n_left))
            return false;
        news->told_many = true;
    }
    if (what != NEWS_END && !is_one_of_many) {
        if (!news_write(core, what, handle, NULL, bytes_of(away)))
            return false;
        news_charge(core, handle, core->n_news_sessions);
    }
    handle->news_what = NEWS_END;
    if (other && !news_write(core, NEWS_RENAMED, handle, NULL, name_bytes(&other->name)))
        return false;
    if (other)
        news_charge(core, handle, core->n_news_sessions);
    handle->renamed_to = 0;
    return true;
}

static void tell_handles_next(struct core *core, struct handle **handles, unsigned *slice) {
    struct news *news = &core->news;
    news->n = 0;
    for (; *handles && *slice > 0; --*slice) {
        struct handle *handle = *handles;
        if (!write_handle(core, handle))
            break;
        news_unlist_handle(handle);
        if (handle->in_news) /* it has changed again meanwhile */
            news_list_handle(core, handle);
    }
    if (news->n > 0)
        news->next = core->news_sessions;
}

/* All that was gathered is told now, and what comes from here on the next time. */
static void news_begin_round(struct core *core) {
    struct news *news = &core->news;
    news->unsettled = news->handles[news->round % 2];
    news->n_came = news->n_left = 0;
    news->told_many = false;
    news->round++;
}

/* False: all is told. */
static bool news_step(struct core *core, unsigned *slice) {
    struct news *news = &core->news;
    unsigned now = (news->round + 1) % 2;
    if (news->room || news->next) {
        news_tell(core, slice);
    } else if (news->unsettled) {
        --*slice;
        settle_next(core);
    } else if (news->handles[now]) {
        tell_handles_next(core, &news->handles[now], slice);
    } else if (news->rooms[now]) {
        --*slice;
        tell_room_next(core, news->rooms[now]);
    } else {
        return false;
    }
    return true;
}

void news_tick(struct core *core) {
    struct news *news = &core->news;
    unsigned slice = NEWS_SLICE;
    core->news_due.ns = 0;
    if (!news->is_telling)
        news_begin_round(core);
    news->is_telling = true;
    while (slice > (core->wants_flush ? NEWS_SLICE - NEWS_SLICE_SHORT : 0) && news->is_telling)
        news->is_telling = news_step(core, &slice);
    if (news->is_telling)
        core->news_due = core->now; /* the lock is left, and it goes on */
    else if (news->rooms[news->round % 2] || news->handles[news->round % 2])
        core->news_due = mono_add_ms(core->now, NEWS_DELAY_MS);
}
