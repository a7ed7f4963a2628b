#include "irc/news.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "irc/channel.h"
#include "irc/monitor.h"
#include "irc/order.h"

const char *news_own_account(const struct conn *conn) {
    return conn->is_external ? view_login(geteuid()) : NULL;
}

const char *news_account(const struct conn *conn, const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return of ? news_own_account(of) : view_login(person->uid);
}

static struct say_tags news_tags(const struct conn *conn, const struct person *person) {
    return (struct say_tags){.account = news_account(conn, person)};
}

/* Saying. */

void news_say_join(struct conn *conn, const struct irc_channel *channel,
                   const struct person *person, bool is_answer) {
    char source[SOURCE_SIZE], extended[REALNAME_SIZE + 64] = "";
    struct say_tags tags = news_tags(conn, person);
    void (*say)(struct conn *, const struct say_tags *, const char *, ...) =
        is_answer ? say_answer : say_news;
    if (conn->caps & CAP_EXTENDED_JOIN)
        snprintf(extended, sizeof extended, " %s :%s", tags.account ? tags.account : "*",
                 person_realname(conn, person));
    say(conn, &tags, ":%s JOIN %s%s", person_source(conn, person, source), channel->name, extended);
}

static void news_say_away(struct conn *conn, const struct person *person) {
    char source[SOURCE_SIZE];
    struct say_tags tags = news_tags(conn, person);
    if (person_is_self(conn, person) || !(conn->caps & CAP_AWAY_NOTIFY))
        return;
    person_source(conn, person, source);
    if (person->away)
        say_news(conn, &tags, ":%s AWAY :%s", source, person->away);
    else
        say_news(conn, &tags, ":%s AWAY", source);
}

/* What happens, in the view of one connection. */

static void news_came(struct conn *conn, struct person *person) {
    struct irc_channel *channel, *next;
    if (person_is_here(person))
        return;
    person_set_state(person, EARSHOT_ONLINE, "");
    monitor_tell(conn, person, true);
    HASH_ITER(hh, conn->channels, channel, next) {
        if (member_find(channel, person))
            news_say_join(conn, channel, person, false);
    }
}

static void news_went(struct conn *conn, struct person *person, const char *reason) {
    char source[SOURCE_SIZE];
    struct say_tags tags = news_tags(conn, person);
    if (!person_is_here(person) || person_is_self(conn, person))
        return;
    if (view_shares_channel(conn, person))
        say_news(conn, &tags, ":%s QUIT :%s", person_source(conn, person, source), reason);
    person_set_state(person, EARSHOT_OFFLINE, "");
    monitor_tell(conn, person, false);
}

static void news_set_away(struct conn *conn, struct person *person, const char *away) {
    if (!person->away == !away && (!away || strcmp(person->away, away) == 0))
        return;
    person_set_state(person, away ? EARSHOT_AWAY : EARSHOT_ONLINE, away ? away : "");
    if (view_shares_channel(conn, person) ||
        ((conn->caps & CAP_EXTENDED_MONITOR) && monitor_has(conn, person)))
        news_say_away(conn, person);
}

static void news_entered(struct conn *conn, struct irc_channel *channel, struct person *person) {
    if (member_find(channel, person) || !member_add(channel, person))
        return;
    if (!person_is_here(person))
        news_came(conn, person);
    else
        news_say_join(conn, channel, person, false);
    if (person->away)
        news_say_away(conn, person);
}

static void news_left(struct conn *conn, struct irc_channel *channel, struct person *person,
                      const char *reason) {
    char source[SOURCE_SIZE];
    struct say_tags tags = news_tags(conn, person);
    if (!member_find(channel, person))
        return;
    if (person_is_here(person))
        say_news(conn, &tags, ":%s PART %s%s%s", person_source(conn, person, source), channel->name,
                 *reason ? " :" : "", reason);
    member_remove(channel, person);
}

static void news_was_renamed(struct conn *conn, struct person *person, const char *handle) {
    char source[SOURCE_SIZE], nick[SPELL_SIZE];
    struct say_tags tags = news_tags(conn, person);
    struct name name, key;
    const struct person *other = person_find(conn, handle);
    if (other && other != person && person_is_here(other))
        return;
    person_source(conn, person, source);
    spell_nick(nick, handle);
    bool shares = view_shares_channel(conn, person);
    bool is_other = name_parse(&name, bytes_of(handle)) == NAME_OK;
    if (is_other)
        name_key(&key, &name);
    is_other = is_other && !bytes_equal(name_bytes(&key), name_bytes(&person->key));
    if (is_other)
        monitor_tell(conn, person, false);
    if (shares)
        say_news(conn, &tags, ":%s NICK :%s", source, nick);
    person_rename(conn, person, handle);
    if (is_other)
        monitor_tell(conn, person, true);
}

static void news_new_topic(struct conn *conn, struct irc_channel *channel, const char *topic,
                           const char *source, const char *nick) {
    if (strcmp(channel->topic, topic) == 0)
        return;
    channel_set_topic(channel, topic, nick);
    say_news(conn, NULL, ":%s TOPIC %s :%s", source, channel->name, topic);
}

/* What the hub tells. */

/* Another connection of this door: it has told everything itself. */
static bool news_is_told(const struct conn *conn, const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return of && of != conn;
}

static void news_own_room(struct conn *conn, const char *room) {
    struct todo *todo = calloc(1, sizeof *todo), **end = &conn->todo;
    if (!todo)
        return;
    snprintf(todo->room, sizeof todo->room, "%s", room);
    while (*end)
        end = &(*end)->next;
    *end = todo;
}

void news_tell_lost_room(struct conn *conn) {
    char source[SOURCE_SIZE];
    struct irc_channel *channel = channel_find(conn, conn->lost_room);
    conn->lost_room[0] = '\0';
    if (!channel)
        return;
    say_news(conn, NULL, ":%s PART %s", conn_source(conn, source), channel->name);
    news_tell_left(conn, channel->name, "");
    channel_leave(conn, channel);
}

/* Why comes next. */
static void news_lose_room(struct conn *conn, const struct irc_channel *channel) {
    news_tell_lost_room(conn);
    snprintf(conn->lost_room, sizeof conn->lost_room, "%s", channel->name);
}

static void news_take_room(struct conn *conn, const struct earshot_event *event,
                           struct person *person) {
    struct irc_channel *channel = channel_find(conn, event->news.room);
    char source[SOURCE_SIZE];
    bool is_self = person_is_self(conn, person);
    if (is_self && event->news.what == EARSHOT_NEWS_JOINED && !channel)
        news_own_room(conn, event->news.room);
    if (!channel)
        return;
    if (event->news.what == EARSHOT_NEWS_JOINED)
        news_entered(conn, channel, person);
    else if (event->news.what == EARSHOT_NEWS_TOPIC)
        news_new_topic(conn, channel, event->news.detail, person_source(conn, person, source),
                       person->nick);
    else if (is_self)
        news_lose_room(conn, channel);
    else
        news_left(conn, channel, person, "");
}

static void news_take_person(struct conn *conn, const struct earshot_event *event,
                             struct person *person) {
    switch (event->news.what) {
    case EARSHOT_NEWS_ONLINE:
        news_came(conn, person);
        break;
    case EARSHOT_NEWS_OFFLINE:
        news_went(conn, person, "left");
        break;
    case EARSHOT_NEWS_AWAY:
        news_came(conn, person);
        news_set_away(conn, person, event->news.detail);
        break;
    case EARSHOT_NEWS_BACK:
        news_set_away(conn, person, NULL);
        break;
    case EARSHOT_NEWS_JOINED:
    case EARSHOT_NEWS_LEFT:
    case EARSHOT_NEWS_TOPIC:
        news_take_room(conn, event, person);
        break;
    default:
        break;
    }
}

static void news_take_renamed(struct conn *conn, const struct earshot_event *event) {
    struct irc_channel *channel =
        *event->news.who == '#' ? channel_find(conn, event->news.who) : NULL;
    struct person *person = *event->news.who == '#' ? NULL : person_find(conn, event->news.who);
    if (channel) {
        say_notice(conn, "%s is called %s from now on", event->news.who, event->news.detail);
        char source[SOURCE_SIZE];
        say_news(conn, NULL, ":%s PART %s :renamed to %s", conn_source(conn, source), channel->name,
                 event->news.detail);
        channel_rename(conn, channel, event->news.detail);
        news_show_channel(conn, channel);
    }
    if (person && !person_is_self(conn, person) && !news_is_told(conn, person))
        news_was_renamed(conn, person, event->news.detail);
}

/* An administrator has taken the name away. */
static void news_take_named(struct conn *conn, const struct earshot_event *event) {
    say_notice(conn, "an administrator has taken the name %s from you", event->news.who);
    news_tell_renamed(conn, event->news.detail);
}

void news_take(struct conn *conn, const struct earshot_event *event) {
    switch (event->news.what) {
    case EARSHOT_NEWS_RENAMED:
        news_take_renamed(conn, event);
        return;
    case EARSHOT_NEWS_NAMED:
        news_take_named(conn, event);
        return;
    case EARSHOT_NEWS_MANY:
        return;
    case EARSHOT_NEWS_ALIKE:
        say_notice(conn, "%s looks like %s, which is another room", event->news.room,
                   event->news.detail);
        return;
    case EARSHOT_NEWS_ORDER:
        order_take(conn, event);
        return;
    default:
        break;
    }
    struct person *person = person_know(conn, event->news.who, event->news.uid);
    if (person && !news_is_told(conn, person))
        news_take_person(conn, event, person);
}

void news_take_lost(struct conn *conn) {
    conn->is_lost = true;
    say_notice(conn, "the hub is gone; what you send waits until it is back");
}

void news_take_back(struct conn *conn) {
    conn->is_lost = false;
    say_notice(conn, "the hub is back");
}

void news_take_user(struct conn *conn, const struct earshot_event *event,
                    struct irc_channel *channel) {
    struct person *person = person_know(conn, event->user.handle, event->user.uid);
    if (!person)
        return;
    person->idle_s = event->user.idle_s;
    person_set_state(person, event->user.state, event->user.away);
    if (person_is_self(conn, person))
        for (size_t i = 0; i < event->user.n_pids; i++)
            person->is_elsewhere = person->is_elsewhere || event->user.pids[i] != getpid();
    if (channel)
        member_add(channel, person);
}

struct person *news_heard(struct conn *conn, const char *handle, uid_t uid) {
    return person_know(conn, handle, uid);
}

void news_show_channel(struct conn *conn, struct irc_channel *channel) {
    struct person *self = person_of_nick(conn, conn->nick);
    if (self)
        news_say_join(conn, channel, self, true);
    channel_say_topic(conn, channel, false);
    channel_say_names(conn, channel);
}

/* What one connection tells the others. */

struct conn *news_next(struct conn *conn, struct conn *other) {
    other = other ? other->next : conn->door->conns;
    while (other && (other == conn || !other->is_welcomed || other->is_dead))
        other = other->next;
    return other;
}

static struct person *news_self_in(const struct conn *conn, struct conn *other) {
    const struct person *self = person_of_nick(conn, conn->nick);
    return self ? person_know(other, self->handle, geteuid()) : NULL;
}

void news_tell_online(struct conn *conn) {
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct person *person = news_self_in(conn, other);
        if (person)
            news_came(other, person);
    }
}

/* As long as others speak for the handle, the hub tells when it has gone. */
void news_tell_quit(struct conn *conn, const char *reason) {
    const struct person *self = person_of_nick(conn, conn->nick);
    if (!self || self->is_elsewhere || person_conn(conn, self))
        return;
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct person *person = news_self_in(conn, other);
        char source[SOURCE_SIZE];
        if (!person || !person_is_here(person))
            continue;
        if (view_shares_channel(other, person))
            say_news(other, NULL, ":%s QUIT :%s", conn_source(conn, source), reason);
        person_set_state(person, EARSHOT_OFFLINE, "");
        monitor_tell(other, person, false);
    }
}

void news_tell_renamed(struct conn *conn, const char *handle) {
    char source[SOURCE_SIZE], nick[SPELL_SIZE];
    struct person *self = person_of_nick(conn, conn->nick);
    conn_source(conn, source);
    spell_nick(nick, handle);
    order_keep(conn);
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct person *person = news_self_in(conn, other);
        if (person)
            news_was_renamed(other, person, handle);
    }
    say_answer(conn, NULL, ":%s NICK :%s", source, nick);
    if (self)
        person_rename(conn, self, handle);
    snprintf(conn->nick, sizeof conn->nick, "%s", nick);
}

void news_tell_setname(struct conn *conn) {
    char source[SOURCE_SIZE];
    conn_source(conn, source);
    if (conn->caps & CAP_SETNAME)
        say_answer(conn, NULL, ":%s SETNAME :%s", source, conn->realname);
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct person *person = news_self_in(conn, other);
        if (person && (other->caps & CAP_SETNAME) &&
            (view_shares_channel(other, person) ||
             ((other->caps & CAP_EXTENDED_MONITOR) && monitor_has(other, person))))
            say_news(other, NULL, ":%s SETNAME :%s", source, conn->realname);
    }
}

void news_tell_away(struct conn *conn) {
    struct person *self = person_of_nick(conn, conn->nick);
    if (self)
        person_set_state(self, conn->away ? EARSHOT_AWAY : EARSHOT_ONLINE,
                         conn->away ? conn->away : "");
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct person *person = news_self_in(conn, other);
        if (person)
            news_set_away(other, person, conn->away);
    }
}

void news_tell_joined(struct conn *conn, const char *room) {
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct irc_channel *channel = channel_find(other, room);
        struct person *person = channel ? news_self_in(conn, other) : NULL;
        if (person)
            news_entered(other, channel, person);
    }
}

void news_tell_left(struct conn *conn, const char *room, const char *reason) {
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct irc_channel *channel = channel_find(other, room);
        struct person *person = channel ? news_self_in(conn, other) : NULL;
        if (person && !person_is_self(other, person))
            news_left(other, channel, person, reason);
    }
}

void news_tell_topic(struct conn *conn, const char *room, const char *topic) {
    char source[SOURCE_SIZE];
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct irc_channel *channel = channel_find(other, room);
        if (channel)
            news_new_topic(other, channel, topic, conn_source(conn, source), conn->nick);
    }
}

void news_tell_invited(struct conn *conn, const char *room, const char *nick) {
    char source[SOURCE_SIZE];
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        const struct irc_channel *channel = channel_find(other, room);
        const struct person *guest = person_of_nick(other, nick);
        if (channel && (other->caps & CAP_INVITE_NOTIFY) &&
            !(guest && person_is_self(other, guest)))
            say_news(other, NULL, ":%s INVITE %s %s", conn_source(conn, source), nick,
                     channel->name);
    }
}
