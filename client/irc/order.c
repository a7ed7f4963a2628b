#include "irc/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "irc/channel.h"
#include "irc/news.h"
#include "proto/fail.h"

#define NOT_OPERATOR "%s :You're not channel operator"
#define MASK_SIZE (SPELL_SIZE + 32)

/* Ranks. */

void order_keep(struct conn *conn) {
    struct irc_channel *channel, *next;
    const struct person *self = person_of_nick(conn, conn->nick);
    HASH_ITER(hh, conn->channels, channel, next) {
        if (self && channel_has_operator(conn, channel, self))
            channel->rank = RANK_OPERATOR;
    }
}

bool order_is_of_another_nick(const struct conn *conn, const struct irc_channel *channel) {
    const struct person *self = person_of_nick(conn, conn->nick);
    if (!self || channel_has_operator(conn, channel, self))
        return false;
    for (const struct member *member = channel->members; member; member = member->hh.next)
        if (person_conn(conn, member->who) && channel_has_operator(conn, channel, member->who))
            return true;
    return false;
}

/* Saying what was done, to each client of the door that is in the room. */

typedef void order_show(struct conn *conn, struct irc_channel *channel, const char *source,
                        bool is_answer, const void *what);

static void order_tell(struct conn *conn, const char *room, order_show *show, const void *what) {
    char source[SOURCE_SIZE];
    struct irc_channel *channel = channel_find(conn, room);
    conn_source(conn, source);
    for (struct conn *other = NULL; (other = news_next(conn, other));) {
        struct irc_channel *there = channel_find(other, room);
        if (there)
            show(other, there, source, false, what);
    }
    if (channel) /* the last one: it may leave by that */
        show(conn, channel, source, true, what);
}

struct order_kick {
    uid_t uid;            /* who is put out: all of this uid; */
    const char *own_nick; /* or, not NULL, only this one */
    const char *reason;
};

static bool kick_is_of(const struct conn *conn, const struct order_kick *kick,
                       const struct person *person) {
    const struct person *own = kick->own_nick ? person_of_nick(conn, kick->own_nick) : NULL;
    return kick->own_nick ? person == own : person->uid == kick->uid;
}

static void kick_show(struct conn *conn, struct irc_channel *channel, const char *source,
                      bool is_answer, const void *what) {
    const struct order_kick *kick = what;
    void (*say)(struct conn *, const struct say_tags *, const char *, ...) =
        is_answer ? say_answer : say_news;
    bool leaves = false;
    struct member *member, *next;
    HASH_ITER(hh, channel->members, member, next) {
        const struct person *person = member->who;
        if (!kick_is_of(conn, kick, person))
            continue;
        if (person_is_here(person))
            say(conn, NULL, ":%s KICK %s %s :%s", source, channel->name, person->nick,
                kick->reason);
        leaves = leaves || person_is_self(conn, person);
        member_remove(channel, person);
    }
    if (leaves)
        channel_leave(conn, channel);
}

struct order_mode {
    char mode[3];
    char parameter[MASK_SIZE]; /* a nick, or a mask; "": none */
};

static void mode_apply_person(struct conn *conn, struct irc_channel *channel,
                              const struct order_mode *mode) {
    const struct person *whom = person_of_nick(conn, mode->parameter);
    bool is_on = mode->mode[0] == '+', is_operator = mode->mode[1] == 'o';
    if (whom && is_operator && !person_conn(conn, whom))
        channel_set_operator(channel, whom, is_on);
    if (!whom || !person_is_self(conn, whom))
        return;
    if (is_operator)
        channel->rank = is_on ? RANK_OPERATOR : RANK_NONE;
    else
        channel->has_voice = is_on;
}

static void mode_show(struct conn *conn, struct irc_channel *channel, const char *source,
                      bool is_answer, const void *what) {
    const struct order_mode *mode = what;
    bool is_on = mode->mode[0] == '+';
    void (*say)(struct conn *, const struct say_tags *, const char *, ...) =
        is_answer ? say_answer : say_news;
    say(conn, NULL, ":%s MODE %s %s%s%s", source, channel->name, mode->mode,
        *mode->parameter ? " " : "", mode->parameter);
    switch (mode->mode[1]) {
    case 'm':
        channel->announces = is_on;
        break;
    case 't':
        channel->locks_topic = is_on;
        break;
    case 'i':
    case 's':
        channel->is_private = is_on;
        break;
    case 'o':
    case 'v':
        mode_apply_person(conn, channel, mode);
        break;
    default:
        break;
    }
}

/* KICK. */

static void kick_take_about(struct conn *conn, const struct earshot_event *event) {
    const char *room = conn->line.params[0];
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_DONE)
        say_numeric(conn, NUMERIC_NOTONCHANNEL, "%s", room);
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", room);
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED)
        command_done(conn);
}

static const char *kick_reason(const struct conn *conn) {
    const char *reason = command_param(conn, 2);
    return *reason ? reason : conn->nick;
}

static void kick_take(struct conn *conn, const struct earshot_event *event) {
    const struct irc_channel *channel = channel_find(conn, conn->line.params[0]);
    const struct person *whom = person_of_nick(conn, conn->line.params[1]);
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, "%s :%s", conn->line.params[0],
                    event->failed.reason);
    else if (event->type == EARSHOT_EVENT_DONE && channel && whom)
        order_tell(conn, channel->name, kick_show,
                   &(struct order_kick){.uid = whom->uid, .reason = kick_reason(conn)});
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED)
        command_done(conn);
}

/* Another client of this door leaves the room, as if it had said PART. */
static void kick_own(struct conn *conn, const struct irc_channel *channel,
                     const struct person *whom, const struct conn *other) {
    uint32_t request;
    char nick[SPELL_SIZE], room[NAME_BYTES_MAX + 1];
    if (earshot_part(other->link, channel->name, &request) != EARSHOT_OK) {
        say_fail(conn, "KICK", "CANNOT_COMPLETE", "", earshot_error(other->link));
        return;
    }
    snprintf(nick, sizeof nick, "%s", whom->nick);
    snprintf(room, sizeof room, "%s", channel->name);
    order_tell(conn, room, kick_show,
               &(struct order_kick){.own_nick = nick, .reason = kick_reason(conn)});
}

static void kick_ask(struct conn *conn, const struct irc_channel *channel,
                     const struct person *whom) {
    char reason[EARSHOT_REASON_MAX + 1];
    size_t n = text_cut(bytes_of(command_param(conn, 2)), EARSHOT_REASON_MAX);
    snprintf(reason, sizeof reason, "%.*s", (int)n, command_param(conn, 2));
    struct earshot_order order = {.handle = whom->handle, .reason = reason};
    command_await(conn,
                  earshot_govern(conn->link, channel->name, EARSHOT_KICK, &order, &conn->request),
                  kick_take);
}

void irc_kick(struct conn *conn) {
    const char *room = conn->line.params[0];
    const struct irc_channel *channel = channel_find(conn, room);
    const struct person *self = person_of_nick(conn, conn->nick);
    const struct person *whom = person_of_nick(conn, conn->line.params[1]);
    if (!channel_is_name(conn, room))
        return;
    if (!channel || !self)
        command_await(conn, earshot_about(conn->link, room, &conn->request), kick_take_about);
    else if (!channel_has_operator(conn, channel, self))
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, NOT_OPERATOR, room);
    else if (!whom)
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", conn->line.params[1]);
    else if (!member_find(channel, whom))
        say_numeric(conn, NUMERIC_USERNOTINCHANNEL, "%s %s", whom->nick, channel->name);
    else if (person_conn(conn, whom))
        kick_own(conn, channel, whom, person_conn(conn, whom));
    else
        kick_ask(conn, channel, whom);
}

/* MODE. */

struct mode_work {
    size_t at, arg; /* of the letter that is next; of the parameter that is */
    struct order_mode mode;
};

static void mode_next(struct conn *conn);

static void mode_done(struct conn *conn, const struct irc_channel *channel,
                      const struct order_mode *mode) {
    char room[NAME_BYTES_MAX + 1];
    snprintf(room, sizeof room, "%s", channel->name);
    order_tell(conn, room, mode_show, mode);
}

static void mode_take(struct conn *conn, const struct earshot_event *event) {
    const struct mode_work *work = conn->state;
    const struct irc_channel *channel = channel_find(conn, conn->line.params[0]);
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(
            conn,
            event->failed.code == FAIL_NO_USER ? NUMERIC_NOSUCHNICK : NUMERIC_CHANOPRIVSNEEDED,
            "%s :%s",
            event->failed.code == FAIL_NO_USER ? work->mode.parameter : conn->line.params[0],
            event->failed.reason);
    else if (event->type == EARSHOT_EVENT_DONE && channel)
        mode_done(conn, channel, &work->mode);
    if (event->type == EARSHOT_EVENT_FAILED || event->type == EARSHOT_EVENT_DONE)
        mode_next(conn);
}

static void mode_change(struct conn *conn, const struct irc_channel *channel, const char *mode) {
    bool is_on = mode[0] == '+';
    command_await(conn,
                  mode[1] == 'm'
                      ? earshot_change_room(conn->link, channel->name, EARSHOT_SET_ANNOUNCE,
                                            is_on ? "on" : "off", &conn->request)
                      : earshot_change_room(conn->link, channel->name,
                                            is_on ? EARSHOT_MAKE_PRIVATE : EARSHOT_MAKE_OPEN, NULL,
                                            &conn->request),
                  mode_take);
}

static void mode_govern(struct conn *conn, const struct irc_channel *channel, unsigned what,
                        const struct earshot_order *order) {
    command_await(conn, earshot_govern(conn->link, channel->name, what, order, &conn->request),
                  mode_take);
}

/* Bans are by uid: that of a nick, or of a host, as uid1001. */
static bool mode_find_mask(struct conn *conn, const char *mask, struct earshot_order *order,
                           char handle[SPELL_SIZE]) {
    static const char any[] = "*!*@uid";
    char nick[SPELL_SIZE], *end;
    if (strncmp(mask, any, sizeof any - 1) == 0) {
        unsigned long uid = strtoul(mask + sizeof any - 1, &end, 10);
        order->uid = (uid_t)uid;
        return end != mask + sizeof any - 1 && !*end && uid < UINT32_MAX;
    }
    size_t n = strcspn(mask, "!@");
    if (n >= sizeof nick || (mask[n] && strcmp(mask + n, "!*@*") != 0))
        return false;
    snprintf(nick, sizeof nick, "%.*s", (int)n, mask);
    const struct person *whom = person_of_nick(conn, nick);
    if (whom)
        order->uid = whom->uid;
    else if (spell_handle(handle, nick))
        order->handle = handle;
    return whom || order->handle;
}

static void mode_ban(struct conn *conn, const struct irc_channel *channel, struct order_mode *mode,
                     const char *mask) {
    struct earshot_order order = {0};
    char handle[SPELL_SIZE];
    if (!mode_find_mask(conn, mask, &order, handle)) {
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED,
                    "%s :Bans are by uid: +b nick or +b *!*@uid1001", channel->name);
        return;
    }
    if (order.handle)
        snprintf(mode->parameter, sizeof mode->parameter, "%s", mask);
    else
        snprintf(mode->parameter, sizeof mode->parameter, "*!*@uid%u", order.uid);
    mode_govern(conn, channel, mode->mode[0] == '+' ? EARSHOT_BAN : EARSHOT_UNBAN, &order);
}

static void mode_person(struct conn *conn, const struct irc_channel *channel,
                        struct order_mode *mode, const char *nick) {
    const struct person *whom = person_of_nick(conn, nick);
    bool is_on = mode->mode[0] == '+';
    if (!whom || !person_is_here(whom)) {
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", nick);
    } else if (!member_find(channel, whom)) {
        say_numeric(conn, NUMERIC_USERNOTINCHANNEL, "%s %s", whom->nick, channel->name);
    } else if (person_conn(conn, whom)) {
        snprintf(mode->parameter, sizeof mode->parameter, "%s", whom->nick);
        mode_done(conn, channel, mode);
    } else if (mode->mode[1] == 'o') {
        struct earshot_order order = {.handle = whom->handle};
        snprintf(mode->parameter, sizeof mode->parameter, "%s", whom->nick);
        mode_govern(conn, channel, is_on ? EARSHOT_MAKE_OPERATOR : EARSHOT_NO_OPERATOR, &order);
    } else {
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED,
                    "%s :Rooms give no voice: where not all speak, operators do (+o)",
                    channel->name);
    }
}

static void mode_take_bans(struct conn *conn, const struct earshot_event *event) {
    char by[SPELL_SIZE];
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_LAID && event->laid.what == EARSHOT_LAID_BAN)
        say_numeric(conn, NUMERIC_BANLIST, "%s *!*@uid%u %s 0", event->laid.room, event->laid.uid,
                    spell_nick(by, event->laid.by));
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        say_numeric(conn, NUMERIC_ENDOFBANLIST, "%s", conn->line.params[0]);
        mode_next(conn);
    }
}

/* The letter that is next. */
static void mode_set(struct conn *conn, const struct irc_channel *channel, struct mode_work *work) {
    static const struct earshot_order nobody;
    const struct person *self = person_of_nick(conn, conn->nick);
    char mode = work->mode.mode[1];
    bool is_on = work->mode.mode[0] == '+';
    const char *parameter = strchr("bovk", mode) ? command_param(conn, work->arg++) : "";
    *work->mode.parameter = '\0';
    if (mode == 'b' && !*parameter)
        command_await(conn, earshot_laid(conn->link, channel->name, &conn->request),
                      mode_take_bans);
    else if (!strchr("imstbov", mode))
        say_numeric(conn, NUMERIC_UNKNOWNMODE, "%c :is unknown mode char to me", mode);
    else if (!self || !channel_has_operator(conn, channel, self))
        say_numeric(conn, NUMERIC_CHANOPRIVSNEEDED, NOT_OPERATOR, channel->name);
    else if (mode == 't')
        mode_govern(conn, channel, is_on ? EARSHOT_LOCK_TOPIC : EARSHOT_UNLOCK_TOPIC, &nobody);
    else if (mode == 'b')
        mode_ban(conn, channel, &work->mode, parameter);
    else if (mode == 'o' || mode == 'v')
        mode_person(conn, channel, &work->mode, parameter);
    else
        mode_change(conn, channel, work->mode.mode);
}

static void mode_next(struct conn *conn) {
    struct mode_work *work = conn->state;
    const char *text = command_param(conn, 1);
    conn->take = NULL;
    while (!conn->take && conn->state && text[work->at]) {
        const struct irc_channel *channel = channel_find(conn, conn->line.params[0]);
        char letter = text[work->at++];
        if (letter == '+' || letter == '-')
            work->mode.mode[0] = letter;
        work->mode.mode[1] = letter;
        if (channel && letter != '+' && letter != '-')
            mode_set(conn, channel, work);
    }
    if (!conn->take && conn->state)
        command_done(conn);
}

static void mode_begin(struct conn *conn) {
    struct mode_work *work = calloc(1, sizeof *work);
    if (!work)
        return;
    work->arg = 2;
    work->mode.mode[0] = '+';
    conn->state = work;
    mode_next(conn);
}

static void mode_say_self(struct conn *conn, char sign, char letter) {
    char source[SOURCE_SIZE];
    say_answer(conn, NULL, ":%s MODE %s :%c%c", conn_source(conn, source), conn->nick, sign,
               letter);
}

/* Who is invisible is found only by who shares a room with him, or knows his nick. An operator can
 * only cease to be one. */
static void mode_set_self(struct conn *conn, const char *text) {
    char sign = '+';
    bool is_unknown = false;
    for (; *text; text++) {
        bool is_on = sign == '+';
        if (*text == '+' || *text == '-')
            sign = *text;
        else if (*text == 'i') {
            conn->is_invisible = is_on;
            mode_say_self(conn, sign, 'i');
        } else if (*text == 'o' && conn->is_oper && !is_on) {
            conn->is_oper = false;
            mode_say_self(conn, sign, 'o');
        } else if (*text != 'o')
            is_unknown = true;
    }
    if (is_unknown)
        say_plain(conn, NUMERIC_UMODEUNKNOWNFLAG);
}

static void mode_of_self(struct conn *conn) {
    const char *text = command_param(conn, 1);
    const struct person *whom = person_of_nick(conn, conn->line.params[0]);
    if (!whom || !person_is_here(whom))
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", conn->line.params[0]);
    else if (!person_is_self(conn, whom))
        say_plain(conn, NUMERIC_USERSDONTMATCH);
    else if (!*text)
        say_numeric(conn, NUMERIC_UMODEIS, "+%s%s", conn->is_invisible ? "i" : "",
                    conn->is_oper ? "o" : "");
    else
        mode_set_self(conn, text);
}

static void mode_take_about(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_ROOM && conn->line.n_params > 1)
        say_numeric(conn, NUMERIC_NOTONCHANNEL, "%s", event->room.name);
    else if (event->type == EARSHOT_EVENT_ROOM)
        say_numeric(conn, NUMERIC_CHANNELMODEIS, "%s +%s%s%s", event->room.name,
                    event->room.form == EARSHOT_ROOM_OPEN ? "" : "is",
                    event->room.announces ? "m" : "", event->room.locks_topic ? "t" : "");
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", conn->line.params[0]);
    if (event->type == EARSHOT_EVENT_FAILED || event->type == EARSHOT_EVENT_DONE)
        command_done(conn);
}

void irc_mode(struct conn *conn) {
    const char *room = conn->line.params[0];
    const struct irc_channel *channel = channel_find(conn, room);
    if (*room != '#')
        mode_of_self(conn);
    else if (channel && conn->line.n_params > 1)
        mode_begin(conn);
    else if (channel_is_name(conn, room))
        command_await(conn, earshot_about(conn->link, room, &conn->request), mode_take_about);
}

/* What the hub tells of. */

/* "bob (uid 1001) was put out of #ops, by alice (uid 1000): loud": who, and what follows. */
static const char *order_read_whom(const char *text, char who[NAME_BYTES_MAX + 1], uid_t *uid) {
    size_t n = strcspn(text, " ");
    char *end;
    who[0] = '\0';
    if (strncmp(text + n, " (uid ", 6) == 0 && n <= NAME_BYTES_MAX) {
        snprintf(who, NAME_BYTES_MAX + 1, "%.*s", (int)n, text);
        text += n + 2;
    }
    if (strncmp(text, "uid ", 4) != 0)
        return NULL;
    *uid = (uid_t)strtoul(text + 4, &end, 10);
    end += *who && *end == ')';
    return *end == ' ' ? end + 1 : NULL;
}

static bool order_begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void order_show_kick(struct conn *conn, struct irc_channel *channel, const char *source,
                            uid_t uid, const char *rest) {
    const char *by = strstr(rest, ", by "), *reason = by ? strstr(by, "): ") : NULL;
    kick_show(conn, channel, source, false,
              &(struct order_kick){.uid = uid, .reason = reason ? reason + 3 : "put out"});
}

/* False: it is none that IRC has a word for. */
static bool order_show_act(struct conn *conn, struct irc_channel *channel, const char *source,
                           const char *text) {
    static const struct {
        const char *begin, *mode;
    } acts[] = {{"is banned from ", "+b"},
                {"is not banned any more from ", "-b"},
                {"is an operator of ", "+o"},
                {"is not an operator any more of ", "-o"}};
    char who[NAME_BYTES_MAX + 1];
    struct order_mode mode = {0};
    uid_t uid = 0;
    const char *rest = order_read_whom(text, who, &uid);
    if (rest && order_begins(rest, "was put out of ")) {
        order_show_kick(conn, channel, source, uid, rest);
        return true;
    }
    for (size_t i = 0; rest && i < ARRAY_LEN(acts) && !*mode.mode; i++)
        if (order_begins(rest, acts[i].begin))
            snprintf(mode.mode, sizeof mode.mode, "%s", acts[i].mode);
    if (!*mode.mode || (mode.mode[1] == 'o' && !*who))
        return false;
    if (mode.mode[1] == 'b')
        snprintf(mode.parameter, sizeof mode.parameter, "*!*@uid%u", uid);
    else
        spell_nick(mode.parameter, who);
    mode_show(conn, channel, source, false, &mode);
    return true;
}

static bool order_show_topic(struct conn *conn, struct irc_channel *channel, const char *source,
                             const char *text) {
    const char *rest = text + strlen("the topic of ") + strlen(channel->name);
    struct order_mode mode = {.mode = "+t"};
    if (!order_begins(text, "the topic of ") || strlen(text) < (size_t)(rest - text))
        return false;
    if (order_begins(rest, " is free"))
        mode.mode[0] = '-';
    else if (!order_begins(rest, " is locked"))
        return false;
    mode_show(conn, channel, source, false, &mode);
    return true;
}

void order_take(struct conn *conn, const struct earshot_event *event) {
    struct irc_channel *channel = channel_find(conn, event->news.room);
    const struct person *by = channel ? person_know(conn, event->news.who, event->news.uid) : NULL;
    char source[SOURCE_SIZE];
    if (by && person_conn(conn, by))
        return; /* it has told that itself */
    if (by) {
        person_source(conn, by, source);
        if (order_show_act(conn, channel, source, event->news.detail) ||
            order_show_topic(conn, channel, source, event->news.detail))
            return;
    }
    say_notice(conn, "%s: %s", event->news.who, event->news.detail);
}
