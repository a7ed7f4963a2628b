#include "irc/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "irc/news.h"
#include "irc/order.h"
#include "proto/fail.h"

#define TOPIC_MAX 390
#define NAMES_MAX 380 /* bytes of the names in one line */

/* Showing. */

/* The hub does not say who has set a topic, and when; another client of this door may know. */
static void channel_learn_topic(const struct conn *conn, struct irc_channel *channel) {
    for (const struct conn *other = conn->door->conns; other; other = other->next) {
        const struct irc_channel *there = channel_find(other, channel->name);
        if (there && there != channel && there->topic_at.ms &&
            strcmp(there->topic, channel->topic) == 0) {
            memcpy(channel->topic_by, there->topic_by, sizeof channel->topic_by);
            channel->topic_at = there->topic_at;
        }
    }
}

const char *channel_prefix(const struct conn *conn, const struct irc_channel *channel,
                           const struct person *person) {
    bool has_voice = channel_gives_voice(conn, channel, person);
    if (!channel_has_operator(conn, channel, person))
        return has_voice ? "+" : "";
    return has_voice && (conn->caps & CAP_MULTI_PREFIX) ? "@+" : "@";
}

void channel_say_topic(struct conn *conn, const struct irc_channel *channel, bool also_none) {
    if (*channel->topic) {
        say_numeric(conn, NUMERIC_TOPIC, "%s :%s", channel->name, channel->topic);
        if (channel->topic_at.ms)
            say_numeric(conn, NUMERIC_TOPICWHOTIME, "%s %s %lld", channel->name, channel->topic_by,
                        (long long)(channel->topic_at.ms / 1000));
    } else if (also_none) {
        say_numeric(conn, NUMERIC_NOTOPIC, "%s", channel->name);
    }
}

static const char *names_one(const struct conn *conn, const struct irc_channel *channel,
                             const struct person *person, char out[2 * SOURCE_SIZE]) {
    char source[SOURCE_SIZE];
    snprintf(out, 2 * SOURCE_SIZE, "%s%s", channel_prefix(conn, channel, person),
             conn->caps & CAP_HOST_IN_NAMES ? person_source(conn, person, source) : person->nick);
    return out;
}

void channel_say_names(struct conn *conn, const struct irc_channel *channel) {
    struct member *member, *next;
    char names[NAMES_MAX + 2 * SOURCE_SIZE] = "", one[2 * SOURCE_SIZE];
    size_t n = 0;
    const char *sign = channel->is_private ? "@" : "=";
    HASH_ITER(hh, channel->members, member, next) {
        if (!person_is_here(member->who))
            continue;
        names_one(conn, channel, member->who, one);
        if (n > 0 && n + strlen(one) > NAMES_MAX) {
            say_numeric(conn, NUMERIC_NAMREPLY, "%s %s :%s", sign, channel->name, names);
            n = 0;
        }
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? " " : "", one);
    }
    if (n > 0)
        say_numeric(conn, NUMERIC_NAMREPLY, "%s %s :%s", sign, channel->name, names);
    say_numeric(conn, NUMERIC_ENDOFNAMES, "%s", channel->name);
}

/* JOIN. */

struct channel_work {
    char room[NAME_BYTES_MAX + 1];
    enum { WORK_JOIN, WORK_ABOUT, WORK_MEMBERS } stage;
};

static void join_next(struct conn *conn);

static void join_failed(struct conn *conn, const char *room, const struct earshot_event *event) {
    const char *why = event->failed.reason;
    switch (event->failed.code) {
    case FAIL_LIMIT:
        say_numeric(conn, NUMERIC_TOOMANYCHANNELS, "%s :%s", room, why);
        break;
    case FAIL_NOT_PERMITTED:
        say_numeric(
            conn, strstr(why, " is banned from ") ? NUMERIC_BANNEDFROMCHAN : NUMERIC_INVITEONLYCHAN,
            "%s :%s", room, why);
        break;
    default:
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", room);
        break;
    }
}

static void join_ask(struct conn *conn, int result) {
    if (result == EARSHOT_OK)
        return;
    say_fail(conn, "JOIN", "CANNOT_COMPLETE", "", earshot_error(conn->link));
    command_done(conn);
}

static void join_entered(struct conn *conn, const char *room) {
    struct irc_channel *channel = channel_enter(conn, room);
    struct person *self = person_of_nick(conn, conn->nick);
    if (!channel || !self || !member_add(channel, self))
        return;
    news_say_join(conn, channel, self, true);
    news_tell_joined(conn, room);
}

/* It is in; then what the room is; then who is in it. */
static void join_advance(struct conn *conn, struct channel_work *work) {
    struct irc_channel *channel;
    switch (work->stage) {
    case WORK_JOIN:
        join_entered(conn, work->room);
        work->stage = WORK_ABOUT;
        join_ask(conn, earshot_about(conn->link, work->room, &conn->request));
        break;
    case WORK_ABOUT:
        work->stage = WORK_MEMBERS;
        join_ask(conn, earshot_ask(conn->link, EARSHOT_USERS, work->room, &conn->request));
        break;
    case WORK_MEMBERS:
        channel = channel_find(conn, work->room);
        if (channel) {
            channel_learn_topic(conn, channel);
            channel_say_topic(conn, channel, false);
            channel_say_names(conn, channel);
        }
        join_next(conn);
        break;
    }
}

static void join_take(struct conn *conn, const struct earshot_event *event) {
    struct channel_work *work = conn->state;
    struct irc_channel *channel = channel_find(conn, work->room);
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_ROOM && channel)
        channel_describe(channel, event);
    if (event->type == EARSHOT_EVENT_USER)
        news_take_user(conn, event, channel);
    if (event->type == EARSHOT_EVENT_FAILED && work->stage == WORK_JOIN &&
        event->failed.code != FAIL_NOT_STORED) {
        join_failed(conn, work->room, event);
        join_next(conn);
    } else if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        join_advance(conn, work);
    }
}

/* Whether it is being entered now; else it is another word's turn. */
static bool join_begin(struct conn *conn, const char *room) {
    struct name name;
    struct channel_work *work = conn->state;
    if (*room != '#' || name_parse(&name, bytes_of(room)) != NAME_OK) {
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", room);
        return false;
    }
    if (channel_find(conn, name.s))
        return false;
    *work = (struct channel_work){.stage = WORK_JOIN};
    snprintf(work->room, sizeof work->room, "%s", name.s);
    conn->take = join_take;
    join_ask(conn, earshot_join(conn->link, work->room, false, &conn->request));
    return true;
}

static void join_next(struct conn *conn) {
    char room[LINE_BYTES_MAX];
    while (conn->text && command_word(command_param(conn, 0), conn->at, room, sizeof room)) {
        conn->at++;
        if (join_begin(conn, room))
            return;
    }
    command_done(conn);
}

static void part_next(struct conn *conn);

void irc_join(struct conn *conn) {
    conn->state = calloc(1, sizeof(struct channel_work));
    if (conn->state)
        join_next(conn);
}

bool channel_do_todo(struct conn *conn) {
    struct todo *todo = conn->todo;
    struct channel_work *work;
    if (!todo || conn->take || conn->again || !(work = calloc(1, sizeof *work)))
        return false;
    conn->todo = todo->next;
    snprintf(work->room, sizeof work->room, "%s", todo->room);
    free(todo);
    if (channel_find(conn, work->room)) {
        free(work);
        return true;
    }
    work->stage = WORK_ABOUT;
    conn->state = work;
    conn->take = join_take;
    join_entered(conn, work->room);
    join_ask(conn, earshot_about(conn->link, work->room, &conn->request));
    return true;
}

/* PART. */

static void part_take(struct conn *conn, const struct earshot_event *event) {
    char room[LINE_BYTES_MAX], source[SOURCE_SIZE];
    if (event->request != conn->request ||
        (event->type != EARSHOT_EVENT_DONE && event->type != EARSHOT_EVENT_FAILED))
        return;
    command_word(command_param(conn, 0), conn->at - 1, room, sizeof room);
    struct irc_channel *channel = channel_find(conn, room);
    const char *reason = command_param(conn, 1);
    if (channel) {
        say_answer(conn, NULL, ":%s PART %s%s%s", conn_source(conn, source), channel->name,
                   *reason ? " :" : "", reason);
        news_tell_left(conn, channel->name, reason);
        channel_leave(conn, channel);
    }
    part_next(conn);
}

static void part_next(struct conn *conn) {
    char room[LINE_BYTES_MAX];
    while (command_word(command_param(conn, 0), conn->at, room, sizeof room)) {
        const struct irc_channel *channel = channel_find(conn, room);
        conn->at++;
        if (!channel) {
            say_numeric(conn, NUMERIC_NOTONCHANNEL, "%s", room);
            continue;
        }
        command_await(conn, earshot_part(conn->link, channel->name, &conn->request), part_take);
        return;
    }
    command_done(conn);
}

void irc_part(struct conn *conn) {
    part_next(conn);
}

/* TOPIC. */

static void topic_take(struct conn *conn, const struct earshot_event *event) {
    char source[SOURCE_SIZE];
    struct irc_channel *channel = channel_find(conn, conn->line.params[0]);
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_FAILED && event->failed.code != FAIL_NOT_STORED) {
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, "%s :%s", conn->line.params[0],
                    event->failed.reason);
        command_done(conn);
    } else if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        const char *topic = conn->line.params[1];
        if (channel) {
            channel_set_topic(channel, topic, conn->nick);
            say_answer(conn, NULL, ":%s TOPIC %s :%s", conn_source(conn, source), channel->name,
                       topic);
            news_tell_topic(conn, channel->name, topic);
        }
        command_done(conn);
    }
}

static void topic_take_about(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_ROOM && *event->room.topic)
        say_numeric(conn, NUMERIC_TOPIC, "%s :%s", event->room.name, event->room.topic);
    else if (event->type == EARSHOT_EVENT_ROOM)
        say_numeric(conn, NUMERIC_NOTOPIC, "%s", event->room.name);
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", conn->line.params[0]);
    if (event->type == EARSHOT_EVENT_FAILED || event->type == EARSHOT_EVENT_DONE)
        command_done(conn);
}

/* Of a room that one is not in, only its topic is told. */
bool channel_is_name(struct conn *conn, const char *room) {
    struct name name;
    if (*room == '#' && name_parse(&name, bytes_of(room)) == NAME_OK)
        return true;
    say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", room);
    return false;
}

void irc_topic(struct conn *conn) {
    const char *room = conn->line.params[0];
    const struct irc_channel *channel = channel_find(conn, room);
    if (channel && conn->line.n_params == 1) {
        channel_say_topic(conn, channel, true);
    } else if (conn->line.n_params == 1) {
        if (channel_is_name(conn, room))
            command_await(conn, earshot_about(conn->link, room, &conn->request), topic_take_about);
    } else if (!channel_is_name(conn, room)) {
        return;
    } else if (!channel) {
        say_numeric(conn, NUMERIC_NOTONCHANNEL, "%s", room);
    } else if (channel->locks_topic && order_is_of_another_nick(conn, channel)) {
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, "%s :You're not channel operator", room);
    } else {
        conn->line.params[1][strnlen(conn->line.params[1], TOPIC_MAX)] = '\0';
        command_await(conn, earshot_topic(conn->link, room, conn->line.params[1], &conn->request),
                      topic_take);
    }
}

/* NAMES and LIST. */

static void names_take(struct conn *conn, const struct earshot_event *event) {
    char source[SOURCE_SIZE];
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_USER && event->user.state != EARSHOT_OFFLINE) {
        const struct person *person = person_know(conn, event->user.handle, event->user.uid);
        if (person)
            say_numeric(conn, NUMERIC_NAMREPLY, "= %s :%s", conn->line.params[0],
                        conn->caps & CAP_HOST_IN_NAMES ? person_source(conn, person, source)
                                                       : person->nick);
    }
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        say_numeric(conn, NUMERIC_ENDOFNAMES, "%s", conn->line.params[0]);
        command_done(conn);
    }
}

void irc_names(struct conn *conn) {
    const char *room = command_param(conn, 0);
    const struct irc_channel *channel = channel_find(conn, room);
    struct name name;
    if (channel)
        channel_say_names(conn, channel);
    else if (*room == '#' && name_parse(&name, bytes_of(room)) == NAME_OK)
        command_await(conn, earshot_ask(conn->link, EARSHOT_USERS, room, &conn->request),
                      names_take);
    else
        say_numeric(conn, NUMERIC_ENDOFNAMES, "%s", *room ? room : "*");
}

/* Each condition of a list has to be met, and one of the masks. */
static bool list_fits(const struct conn *conn, const char *room, unsigned n_members) {
    char word[LINE_BYTES_MAX];
    bool any = true, found = false;
    for (size_t i = 0; command_word(command_param(conn, 0), i, word, sizeof word); i++) {
        if (*word == '>' && n_members <= (unsigned)line_number(word + 1))
            return false;
        if (*word == '<' && n_members >= (unsigned)line_number(word + 1))
            return false;
        if (*word == '!' && line_mask_matches(word + 1, room))
            return false;
        if (!*word || strchr("<>!", *word))
            continue;
        any = false;
        found = found || line_mask_matches(word, room);
    }
    return any || found;
}

/* All handles of a user see his private rooms. One that another client of this door is in is secret
 * to this one, as it would be anywhere. */
static bool list_is_secret(const struct conn *conn, const char *room) {
    if (channel_find(conn, room))
        return false;
    for (const struct conn *other = conn->door->conns; other; other = other->next) {
        const struct irc_channel *channel = channel_find(other, room);
        if (channel && channel->is_private)
            return true;
    }
    return false;
}

static void list_take(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_ROOM && event->room.members > 0 &&
        !list_is_secret(conn, event->room.name) &&
        list_fits(conn, event->room.name, event->room.members))
        say_numeric(conn, NUMERIC_LIST, "%s %u :%s", event->room.name, event->room.members,
                    event->room.topic);
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        say_plain(conn, NUMERIC_LISTEND);
        command_done(conn);
    }
}

void irc_list(struct conn *conn) {
    say_numeric(conn, NUMERIC_LISTSTART, "Channel");
    command_await(conn, earshot_ask(conn->link, EARSHOT_ROOMS, NULL, &conn->request), list_take);
}

/* INVITE. */

static void invite_take(struct conn *conn, const struct earshot_event *event) {
    const char *nick = conn->line.params[0], *room = conn->line.params[1];
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_DONE) {
        say_numeric(conn, NUMERIC_INVITING, "%s %s", nick, room);
        news_tell_invited(conn, room, nick);
        command_done(conn);
    } else if (event->type == EARSHOT_EVENT_FAILED) {
        if (event->failed.code == FAIL_NO_USER)
            say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", nick);
        else
            say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, "%s :%s", room, event->failed.reason);
        command_done(conn);
    }
}

/* All handles of a user see his private rooms; so one of his own is only told. */
static bool invite_own(struct conn *conn, const struct irc_channel *channel,
                       const struct person *person) {
    char source[SOURCE_SIZE];
    struct conn *other = channel->is_private ? person_conn(conn, person) : NULL;
    if (!other)
        return false;
    say_news(other, NULL, ":%s INVITE %s %s", conn_source(conn, source), other->nick,
             channel->name);
    say_numeric(conn, NUMERIC_INVITING, "%s %s", person->nick, channel->name);
    news_tell_invited(conn, channel->name, person->nick);
    return true;
}

void irc_invite(struct conn *conn) {
    char handle[SPELL_SIZE];
    if (conn->line.n_params < 2) {
        say_numeric(conn, NUMERIC_NEEDMOREPARAMS, "INVITE");
        return;
    }
    const char *nick = conn->line.params[0], *room = conn->line.params[1];
    const struct irc_channel *channel = channel_find(conn, room);
    const struct person *person = person_of_nick(conn, nick);
    if (!channel_is_name(conn, room))
        return;
    if (!spell_handle(handle, nick) || !person)
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", nick);
    else if (!channel)
        say_numeric(conn, NUMERIC_NOTONCHANNEL, "%s", room);
    else if (member_find(channel, person))
        say_numeric(conn, NUMERIC_USERONCHANNEL, "%s %s", person->nick, channel->name);
    else if (channel->is_private && channel->rank == RANK_NONE)
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, "%s :You're not channel operator", room);
    else if (!invite_own(conn, channel, person))
        command_await(conn, earshot_invite(conn->link, room, person->handle, &conn->request),
                      invite_take);
}
