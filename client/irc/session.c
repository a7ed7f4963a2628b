#include "irc/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "irc/news.h"
#include "irc/server.h"
#include "proto/fail.h"

#define JOIN_MS 5000
#define ROOMS_MAX 64    /* of which it is asked whether the handle is in them */
#define MEMBERS_MAX 500 /* of such a room */
#define CAP_LINE_MAX 400

/* CAP. */

static const struct {
    const char *name, *value;
} session_caps[] = {
#define CAP_ROW(NAME, name, value) {name, value},
    CAPS(CAP_ROW)
#undef CAP_ROW
};

static int cap_of_name(const char *name, size_t n) {
    for (int i = 0; i < CAP_BIT_END; i++)
        if (strlen(session_caps[i].name) == n && strncmp(session_caps[i].name, name, n) == 0)
            return i;
    return -1;
}

static const char *cap_client(const struct conn *conn) {
    return *conn->nick ? conn->nick : "*";
}

/* All of `caps`, in as many lines as they take; several only for who has said 302. */
static void cap_say(struct conn *conn, const char *verb, unsigned caps, bool with_values) {
    char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < CAP_BIT_END; i++) {
        if (!(caps & 1U << i))
            continue;
        if (n > CAP_LINE_MAX && conn->has_caps_302) {
            say_answer(conn, NULL, ":%s CAP %s %s * :%s", conn->door->name, cap_client(conn), verb,
                       text);
            n = 0;
        }
        const char *value = with_values ? session_caps[i].value : NULL;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s%s", n > 0 ? " " : "",
                              session_caps[i].name, value ? "=" : "", value ? value : "");
    }
    say_answer(conn, NULL, ":%s CAP %s %s :%s", conn->door->name, cap_client(conn), verb, text);
}

/* All of them, or none. */
static bool cap_change(unsigned *caps, const char *list) {
    for (size_t n; *list; list += n) {
        list += strspn(list, " ");
        bool is_off = *list == '-';
        list += is_off;
        n = strcspn(list, " ");
        int i = cap_of_name(list, n);
        if (n == 0 && !is_off)
            break;
        if (i < 0)
            return false;
        *caps = is_off ? *caps & ~(1U << i) : *caps | 1U << i;
    }
    return true;
}

static void cap_request(struct conn *conn) {
    unsigned caps = conn->caps;
    const char *list = command_param(conn, 1);
    bool is_taken = cap_change(&caps, list);
    if (is_taken)
        conn->caps = caps;
    say_answer(conn, NULL, ":%s CAP %s %s :%s", conn->door->name, cap_client(conn),
               is_taken ? "ACK" : "NAK", list);
}

static void cap_list(struct conn *conn) {
    conn->has_caps_302 = conn->has_caps_302 || line_number(command_param(conn, 1)) >= 302;
    if (conn->has_caps_302)
        conn->caps |= CAP_CAP_NOTIFY;
    cap_say(conn, "LS", (1U << CAP_BIT_END) - 1, conn->has_caps_302);
}

void irc_cap(struct conn *conn) {
    char *verb = conn->line.params[0];
    for (char *at = verb; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    if (!conn->is_registered && (strcmp(verb, "LS") == 0 || strcmp(verb, "REQ") == 0))
        conn->negotiates = true;
    if (strcmp(verb, "LS") == 0)
        cap_list(conn);
    else if (strcmp(verb, "LIST") == 0)
        cap_say(conn, "LIST", conn->caps, false);
    else if (strcmp(verb, "REQ") == 0)
        cap_request(conn);
    else if (strcmp(verb, "END") != 0)
        say_numeric(conn, NUMERIC_INVALIDCAPCMD, "%s", verb);
    else if (conn->negotiates) {
        conn->negotiates = false;
        session_try(conn);
    }
}

/* SASL: there is one mechanism, for the door has asked the kernel before it read a byte. */

static void authenticate_external(struct conn *conn) {
    char source[SOURCE_SIZE];
    conn->is_external = true;
    say_numeric(conn, NUMERIC_LOGGEDIN, "%s %s :You are now logged in as %s",
                *conn->nick ? conn_source(conn, source) : "*", view_login(geteuid()),
                view_login(geteuid()));
    say_plain(conn, NUMERIC_SASLSUCCESS);
}

void irc_authenticate(struct conn *conn) {
    const char *word = conn->line.params[0];
    bool began = conn->authenticates;
    conn->authenticates = false;
    if (conn->is_external)
        say_plain(conn, NUMERIC_SASLALREADY);
    else if (strcmp(word, "*") == 0)
        say_plain(conn, NUMERIC_SASLABORTED);
    else if (began)
        authenticate_external(conn);
    else if (strcasecmp(word, "EXTERNAL") == 0) {
        conn->authenticates = true;
        say_answer(conn, NULL, "AUTHENTICATE +");
    } else {
        say_numeric(conn, NUMERIC_SASLMECHS, "EXTERNAL");
        say_plain(conn, NUMERIC_SASLFAIL);
    }
}

void irc_pass(struct conn *conn) {
    if (conn->is_registered)
        say_plain(conn, NUMERIC_ALREADYREGISTERED);
}

/* Names. */

/* Two clients under one nick are meant by who has said EXTERNAL; else the second one takes another
 * nick, as it would anywhere. */
static bool session_nick_is_taken(const struct conn *conn, const char *nick) {
    struct name key, other;
    if (conn->is_external || !spell_key(&key, nick))
        return false;
    for (const struct conn *at = conn->door->conns; at; at = at->next)
        if (at != conn && at->is_registered && !at->is_dead && !at->is_closing &&
            spell_key(&other, at->nick) && bytes_equal(name_bytes(&key), name_bytes(&other)))
            return true;
    return false;
}

static void session_refuse_nick(struct conn *conn, const char *nick, unsigned code,
                                const char *reason) {
    bool is_bad = code == FAIL_BAD_NAME;
    say_numeric(conn, is_bad ? NUMERIC_ERRONEUSNICKNAME : NUMERIC_NICKNAMEINUSE, "%s :%s",
                *nick ? nick : "*", reason);
}

/* For WHOWAS: the newest overwrites the oldest. */
static void session_note_was(const struct conn *conn) {
    struct irc_door *door = conn->door;
    struct whowas *was = &door->whowas[door->n_whowas % WHOWAS_MAX];
    if (!spell_key(&was->key, conn->nick))
        return;
    door->n_whowas++;
    snprintf(was->nick, sizeof was->nick, "%s", conn->nick);
    snprintf(was->realname, sizeof was->realname, "%s", conn->realname);
    conn_user(conn, was->user);
    conn_host(was->host);
}

static void session_take_follow(struct conn *conn, const struct earshot_event *event) {
    if (event->request == conn->request &&
        (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED))
        command_done(conn);
}

/* At the hub the rooms are the handle's; on IRC one stays in them under another nick. */
static void session_follow(struct conn *conn) {
    struct irc_channel *channel, *next;
    int result = EARSHOT_AGAIN;
    HASH_ITER(hh, conn->channels, channel, next) {
        result = earshot_join(conn->link, channel->name, false, &conn->request);
    }
    if (result == EARSHOT_OK)
        conn->take = session_take_follow;
    else
        command_done(conn);
}

static void session_take_nick(struct conn *conn, const struct earshot_event *event) {
    struct earshot_hub_info hub;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_FAILED) {
        session_refuse_nick(conn, conn->line.params[0], event->failed.code, event->failed.reason);
        command_done(conn);
    } else if (event->type == EARSHOT_EVENT_DONE) {
        earshot_hub(conn->link, &hub);
        session_note_was(conn);
        news_tell_renamed(conn, hub.handle);
        session_follow(conn);
    }
}

static void session_change_nick(struct conn *conn, const char *handle) {
    struct earshot_hub_info hub;
    earshot_hub(conn->link, &hub);
    if (strcmp(hub.handle, handle) == 0)
        return;
    command_await(conn, earshot_nick(conn->link, handle, &conn->request), session_take_nick);
}

void irc_nick(struct conn *conn) {
    char handle[SPELL_SIZE];
    struct name name;
    const char *nick = command_param(conn, 0);
    if (!*nick) {
        say_plain(conn, NUMERIC_NONICKNAMEGIVEN);
    } else if (!spell_handle(handle, nick) || name_parse(&name, bytes_of(handle)) != NAME_OK ||
               name_is_room(&name)) {
        session_refuse_nick(conn, nick, FAIL_BAD_NAME, "Erroneous nickname");
    } else if (session_nick_is_taken(conn, nick)) {
        session_refuse_nick(conn, nick, FAIL_HANDLE_TAKEN, "Nickname is already in use");
    } else if (conn->is_registered) {
        session_change_nick(conn, name.s);
    } else {
        spell_nick(conn->nick, name.s);
        session_try(conn);
    }
}

static bool session_user_is_plain(const char *user) {
    for (; *user; user++)
        if ((unsigned char)*user <= ' ' || (unsigned char)*user >= 0x7f || strchr("!@:*,", *user))
            return false;
    return true;
}

void irc_user(struct conn *conn) {
    const char *user = conn->line.params[0], *realname = conn->line.params[3];
    if (conn->is_registered) {
        say_plain(conn, NUMERIC_ALREADYREGISTERED);
        return;
    }
    if (!*user || !*realname) {
        say_numeric(conn, NUMERIC_NEEDMOREPARAMS, "USER");
        return;
    }
    snprintf(conn->user, sizeof conn->user - 1, "%s",
             session_user_is_plain(user) ? user : view_login(geteuid()));
    snprintf(conn->realname, sizeof conn->realname, "%s", realname);
    session_try(conn);
}

void irc_setname(struct conn *conn) {
    if (!*conn->line.params[0] || strlen(conn->line.params[0]) >= REALNAME_SIZE) {
        say_fail(conn, "SETNAME", "INVALID_REALNAME", "", "Realname is not valid");
        return;
    }
    snprintf(conn->realname, sizeof conn->realname, "%s", conn->line.params[0]);
    news_tell_setname(conn);
}

/* Beginning. */

struct session_begin {
    char rooms[ROOMS_MAX][NAME_BYTES_MAX + 1];
    size_t n_rooms, at;
    enum { BEGIN_USERS, BEGIN_ROOMS, BEGIN_MEMBERS } stage;
};

static void session_welcome(struct conn *conn) {
    struct irc_channel *channel, *next;
    uint32_t offers;
    conn->is_welcomed = true;
    server_welcome(conn);
    news_tell_online(conn);
    HASH_ITER(hh, conn->channels, channel, next) {
        news_show_channel(conn, channel);
    }
    (void)earshot_list_offers(conn->link, &offers); /* each is an event */
    command_done(conn);
}

/* Whether the handle is in a room is told by the list of its members only. */
static void session_ask_next(struct conn *conn);

static void session_settle_room(struct conn *conn, const char *name) {
    struct irc_channel *channel = channel_find(conn, name);
    struct person *self = person_of_nick(conn, conn->nick);
    if (channel && (!self || !member_find(channel, self)))
        channel_leave(conn, channel);
}

static void session_take_begin(struct conn *conn, const struct earshot_event *event) {
    struct session_begin *begin = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_USER)
        news_take_user(
            conn, event,
            begin->stage == BEGIN_MEMBERS ? channel_find(conn, begin->rooms[begin->at - 1]) : NULL);
    if (event->type == EARSHOT_EVENT_ROOM && begin->n_rooms < ROOMS_MAX &&
        event->room.members > 0 && event->room.members <= MEMBERS_MAX) {
        struct irc_channel *channel = channel_enter(conn, event->room.name);
        if (channel)
            channel_describe(channel, event);
        snprintf(begin->rooms[begin->n_rooms++], NAME_BYTES_MAX + 1, "%s", event->room.name);
    }
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        if (begin->stage == BEGIN_MEMBERS)
            session_settle_room(conn, begin->rooms[begin->at - 1]);
        session_ask_next(conn);
    }
}

static void session_ask_next(struct conn *conn) {
    struct session_begin *begin = conn->state;
    int result;
    if (begin->stage == BEGIN_USERS) {
        begin->stage = BEGIN_ROOMS;
        result = earshot_ask(conn->link, EARSHOT_ROOMS, NULL, &conn->request);
    } else if (begin->at < begin->n_rooms) {
        begin->stage = BEGIN_MEMBERS;
        result = earshot_ask(conn->link, EARSHOT_USERS, begin->rooms[begin->at++], &conn->request);
    } else {
        session_welcome(conn);
        return;
    }
    if (result != EARSHOT_OK)
        session_end(conn, earshot_error(conn->link));
}

static void session_open_failed(struct conn *conn, int result) {
    char text[400];
    unsigned code = result == EARSHOT_REFUSED ? earshot_fail_code(conn->link) : FAIL_NONE;
    snprintf(text, sizeof text, "%s", result < 0 ? strerror(-result) : earshot_error(conn->link));
    earshot_close(conn->link);
    conn->link = NULL;
    if (code == FAIL_HANDLE_TAKEN || code == FAIL_LOGIN_RESERVED || code == FAIL_BAD_NAME ||
        code == FAIL_NOT_PERMITTED) {
        char nick[SPELL_SIZE];
        memcpy(nick, conn->nick, sizeof nick);
        *conn->nick = '\0';
        session_refuse_nick(conn, nick, code, text);
        return;
    }
    session_end(conn, text);
}

static void session_begin(struct conn *conn) {
    struct earshot_hub_info hub;
    char handle[SPELL_SIZE];
    struct earshot_options wanted = {
        .hub = conn->door->options->hub,
        .handle = spell_handle(handle, conn->nick) ? handle : NULL,
        .flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_NEWS | EARSHOT_RECONNECT,
        .timeout_ms = JOIN_MS,
    };
    int result = earshot_open(&conn->link, &wanted);
    if (result != EARSHOT_OK) {
        session_open_failed(conn, result);
        return;
    }
    earshot_hub(conn->link, &hub);
    spell_nick(conn->nick, hub.handle);
    conn->hub.fd = earshot_fd(conn->link);
    conn->state = calloc(1, sizeof(struct session_begin));
    if (conn->hub.fd < 0 || !conn->state || !person_know(conn, hub.handle, geteuid()) ||
        earshot_ask(conn->link, EARSHOT_USERS, NULL, &conn->request) != EARSHOT_OK) {
        session_end(conn, earshot_error(conn->link));
        return;
    }
    conn->is_registered = true;
    conn->since = wall_now();
    conn->spoke = mono_now();
    conn->take = session_take_begin;
}

void session_try(struct conn *conn) {
    if (conn->is_registered || conn->negotiates || !*conn->nick || !*conn->user)
        return;
    if (session_nick_is_taken(conn, conn->nick)) {
        session_refuse_nick(conn, conn->nick, FAIL_HANDLE_TAKEN, "Nickname is already in use");
        *conn->nick = '\0';
        return;
    }
    session_begin(conn);
}

/* Staying, and ending. */

static void session_pong(struct conn *conn) {
    say_answer(conn, NULL, ":%s PONG %s :%s", conn->door->name, conn->door->name,
               command_param(conn, 0));
}

static void session_take_ping(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request ||
        (event->type != EARSHOT_EVENT_DONE && event->type != EARSHOT_EVENT_FAILED))
        return;
    session_pong(conn);
    command_done(conn);
}

/*
 * It goes to the hub and back, so that the time it takes is that of a message, and all that came
 * before has been said. What is asked for there is the cheapest that there is: to give up a claim
 * that this session does not have.
 */
void irc_ping(struct conn *conn) {
    if (!conn->is_registered || conn->is_lost ||
        earshot_unclaim(conn->link, "irc-ping", &conn->request) != EARSHOT_OK)
        session_pong(conn);
    else
        conn->take = session_take_ping;
}

void irc_pong(struct conn *conn) {
    (void)conn;
}

void irc_oper(struct conn *conn) {
    struct earshot_hub_info hub;
    earshot_hub(conn->link, &hub);
    if (geteuid() != 0 && geteuid() != hub.uid) {
        say_numeric(conn, NUMERIC_NOOPERHOST,
                    ":No password makes an operator: the kernel knows that the hub is not yours");
        return;
    }
    conn->is_oper = true;
    say_plain(conn, NUMERIC_YOUREOPER);
    say_answer(conn, NULL, ":%s MODE %s +o", conn->nick, conn->nick);
}

static void session_take_kill(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_FAILED)
        say_numeric(conn, NUMERIC_NOPRIVILEGES, ":%s", event->failed.reason);
    if (event->type == EARSHOT_EVENT_FAILED || event->type == EARSHOT_EVENT_DONE)
        command_done(conn);
}

static void session_kill_conn(struct conn *conn, struct conn *other, const char *reason) {
    char source[SOURCE_SIZE], text[256];
    say_news(other, NULL, ":%s KILL %s :%s", conn_source(conn, source), other->nick, reason);
    snprintf(text, sizeof text, "Killed (%s (%s))", conn->nick, reason);
    session_end(other, text);
}

/* A client of this door is closed; of others all sessions, which the hub allows who keeps order. */
void irc_kill(struct conn *conn) {
    const char *nick = conn->line.params[0], *reason = command_param(conn, 1);
    const struct person *person = person_of_nick(conn, nick);
    struct conn *other = person ? person_conn(conn, person) : NULL;
    struct earshot_order order = {.what = EARSHOT_KICK,
                                  .handle = person ? person->handle : NULL,
                                  .reason = *reason ? reason : NULL};
    if (!conn->is_oper)
        say_plain(conn, NUMERIC_NOPRIVILEGES);
    else if (!person || !person_is_here(person))
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", nick);
    else if (other)
        session_kill_conn(conn, other, *reason ? reason : "no reason");
    else
        command_await(conn, earshot_order(conn->link, &order, &conn->request), session_take_kill);
}

void session_leave(struct conn *conn, const char *reason) {
    if (!conn->is_welcomed)
        return;
    session_note_was(conn);
    conn->is_welcomed = false;
    news_tell_quit(conn, reason);
}

void session_end(struct conn *conn, const char *reason) {
    if (conn->is_closing)
        return;
    session_leave(conn, reason);
    say_answer(conn, NULL, "ERROR :Closing link: %s", reason);
    conn->is_closing = true;
    conn->take = NULL;
}

void irc_quit(struct conn *conn) {
    char reason[256];
    snprintf(reason, sizeof reason, "Quit: %s", command_param(conn, 0));
    session_end(conn, conn->line.n_params > 0 ? reason : "Client quit");
}
