#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "irc/channel.h"
#include "irc/news.h"
#include "irc/server.h"

#define WHO_FIELDS "tcuihsnfdlaor" /* of WHOX, in the order in which they are said */

/* WHO. */

static void who_flags(const struct conn *conn, const struct irc_channel *channel,
                      const struct person *person, char out[4]) {
    const struct conn *of = person_conn(conn, person);
    snprintf(out, 4, "%s%s%s", person->away ? "G" : "H", of && of->is_oper ? "*" : "",
             channel ? channel_prefix(conn, channel, person) : "");
}

static uint32_t who_idle(const struct conn *conn, const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return of ? (uint32_t)(-mono_ms_until(mono_now(), of->spoke) / 1000) : person->idle_s;
}

static void who_say_plain(struct conn *conn, const struct irc_channel *channel,
                          const struct person *person) {
    char user[USER_SIZE + 1], host[32], flags[4];
    who_flags(conn, channel, person, flags);
    say_numeric(conn, NUMERIC_WHOREPLY, "%s %s %s %s %s %s :0 %s", channel ? channel->name : "*",
                person_user(conn, person, user), person_host(person, host), conn->door->name,
                person->nick, flags, person_realname(conn, person));
}

static const char *who_field(const struct conn *conn, const struct irc_channel *channel,
                             const struct person *person, char field, char out[SOURCE_SIZE]) {
    const char *account = news_account(conn, person);
    switch (field) {
    case 'c':
        return channel ? channel->name : "*";
    case 'u':
        return person_user(conn, person, out);
    case 'i':
        return "255.255.255.255"; /* "servers may send this instead" */
    case 'h':
        return person_host(person, out);
    case 's':
        return conn->door->name;
    case 'n':
        return person->nick;
    case 'f':
        who_flags(conn, channel, person, out);
        return out;
    case 'd':
        return "0";
    case 'l':
        snprintf(out, SOURCE_SIZE, "%u", who_idle(conn, person));
        return out;
    case 'a':
        return account ? account : "0";
    case 'o':
        return "n/a";
    default:
        return person_realname(conn, person);
    }
}

static void who_say_fields(struct conn *conn, const struct irc_channel *channel,
                           const struct person *person, const char *wanted) {
    char text[LINE_BYTES_MAX] = "", field[SOURCE_SIZE];
    const char *token = strchr(wanted, ',');
    size_t n_wanted = strcspn(wanted, ","), n = 0;
    for (const char *at = WHO_FIELDS; *at && n < sizeof text - 1; at++) {
        if (!memchr(wanted, *at, n_wanted) || (*at == 't' && !token))
            continue;
        n += (size_t)snprintf(
            text + n, sizeof text - n, "%s%s%s", n > 0 ? " " : "", *at == 'r' ? ":" : "",
            *at == 't' ? token + 1 : who_field(conn, channel, person, *at, field));
    }
    say_numeric(conn, NUMERIC_WHOSPCRPL, "%s", text);
}

static void who_say(struct conn *conn, const struct irc_channel *channel,
                    const struct person *person) {
    const char *fields = command_param(conn, 1);
    if (!person_is_here(person))
        return;
    if (*fields == '%')
        who_say_fields(conn, channel, person, fields + 1);
    else
        who_say_plain(conn, channel, person);
}

static bool who_is_seen(const struct conn *conn, const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return !of || of == conn || !of->is_invisible || view_shares_channel(conn, person);
}

void irc_who(struct conn *conn) {
    const char *mask = command_param(conn, 0);
    const struct irc_channel *channel = channel_find(conn, mask);
    const struct person *found = person_of_nick(conn, mask);
    struct person *person, *next;
    struct member *member, *next_member;
    if (channel) {
        HASH_ITER(hh, channel->members, member, next_member) {
            who_say(conn, channel, member->who);
        }
    } else if (found) {
        who_say(conn, NULL, found);
    } else if (*mask != '#') {
        HASH_ITER(hh, conn->people, person, next) {
            if (line_mask_matches(*mask ? mask : "*", person->nick) && who_is_seen(conn, person))
                who_say(conn, NULL, person);
        }
    }
    say_numeric(conn, NUMERIC_ENDOFWHO, "%s", *mask ? mask : "*");
}

/* WHOIS. */

static void whois_say_channels(struct conn *conn, const struct person *person) {
    struct irc_channel *channel, *next;
    char text[LINE_BYTES_MAX] = "";
    size_t n = 0;
    HASH_ITER(hh, conn->channels, channel, next) {
        if (!member_find(channel, person))
            continue;
        if (n + strlen(channel->name) + 3 > 300) {
            say_numeric(conn, NUMERIC_WHOISCHANNELS, "%s :%s", person->nick, text);
            n = 0;
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", n > 0 ? " " : "",
                              channel_prefix(conn, channel, person), channel->name);
    }
    if (n > 0)
        say_numeric(conn, NUMERIC_WHOISCHANNELS, "%s :%s", person->nick, text);
}

static void whois_say(struct conn *conn, const struct person *person) {
    char user[USER_SIZE + 1], host[32];
    const struct conn *of = person_conn(conn, person);
    const char *account = news_account(conn, person);
    say_numeric(conn, NUMERIC_WHOISUSER, "%s %s %s * :%s", person->nick,
                person_user(conn, person, user), person_host(person, host),
                person_realname(conn, person));
    whois_say_channels(conn, person);
    say_numeric(conn, NUMERIC_WHOISSERVER, "%s %s :%s", person->nick, conn->door->name,
                SERVER_ABOUT);
    if (person->away)
        say_numeric(conn, NUMERIC_AWAY, "%s :%s", person->nick, person->away);
    if (of && of->is_oper)
        say_numeric(conn, NUMERIC_WHOISOPERATOR, "%s", person->nick);
    if (account)
        say_numeric(conn, NUMERIC_WHOISACCOUNT, "%s %s", person->nick, account);
    say_numeric(conn, NUMERIC_WHOISIDLE, "%s %u %lld", person->nick, who_idle(conn, person),
                (long long)((of ? of->since.ms : wall_now().ms) / 1000));
}

void irc_whois(struct conn *conn) {
    const char *nick = command_param(conn, conn->line.n_params > 1 ? 1 : 0);
    char word[LINE_BYTES_MAX];
    if (!*nick) {
        say_plain(conn, NUMERIC_NONICKNAMEGIVEN);
        return;
    }
    command_word(nick, 0, word, sizeof word);
    const struct person *person = person_of_nick(conn, word);
    if (person && person_is_here(person))
        whois_say(conn, person);
    else
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", word);
    say_numeric(conn, NUMERIC_ENDOFWHOIS, "%s", word);
}

/* Those that were clients of this door, the newest first. */
void irc_whowas(struct conn *conn) {
    const struct irc_door *door = conn->door;
    const char *nick = command_param(conn, 0);
    int limit = line_number(command_param(conn, 1)), n = 0;
    struct name key;
    if (!*nick) {
        say_plain(conn, NUMERIC_NONICKNAMEGIVEN);
        return;
    }
    bool is_nick = spell_key(&key, nick);
    size_t oldest = door->n_whowas > WHOWAS_MAX ? door->n_whowas - WHOWAS_MAX : 0;
    for (size_t i = door->n_whowas; is_nick && i > oldest && (limit <= 0 || n < limit); i--) {
        const struct whowas *was = &door->whowas[(i - 1) % WHOWAS_MAX];
        if (!bytes_equal(name_bytes(&was->key), name_bytes(&key)))
            continue;
        n++;
        say_numeric(conn, NUMERIC_WHOWASUSER, "%s %s %s * :%s", was->nick, was->user, was->host,
                    was->realname);
    }
    if (n == 0)
        say_numeric(conn, NUMERIC_WASNOSUCHNICK, "%s", nick);
    say_numeric(conn, NUMERIC_ENDOFWHOWAS, "%s", nick);
}

/* ISON and USERHOST: every parameter may hold several nicks. */

static size_t who_add_userhost(const struct conn *conn, const struct person *person, char *out,
                               size_t size) {
    char user[USER_SIZE + 1], host[32];
    return (size_t)snprintf(out, size, "%s=%c%s@%s ", person->nick, person->away ? '-' : '+',
                            person_user(conn, person, user), person_host(person, host));
}

static void who_list(struct conn *conn, enum numeric numeric) {
    char text[LINE_BYTES_MAX] = "", nick[SPELL_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < conn->line.n_params; i++)
        for (const char *at = conn->line.params[i]; *at; at += strspn(at, " ")) {
            size_t length = strcspn(at, " ");
            snprintf(nick, sizeof nick, "%.*s", (int)(length < SPELL_SIZE ? length : 0), at);
            at += length;
            const struct person *person = person_of_nick(conn, nick);
            if (!person || !person_is_here(person) || n + SOURCE_SIZE + 2 > sizeof text)
                continue;
            n += numeric == NUMERIC_ISON
                     ? (size_t)snprintf(text + n, sizeof text - n, "%s ", person->nick)
                     : who_add_userhost(conn, person, text + n, sizeof text - n);
        }
    if (n > 0)
        text[n - 1] = '\0';
    say_numeric(conn, numeric, ":%s", text);
}

void irc_ison(struct conn *conn) {
    who_list(conn, NUMERIC_ISON);
}

void irc_userhost(struct conn *conn) {
    who_list(conn, NUMERIC_USERHOST);
}

/* AWAY. */

static void away_take(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request ||
        (event->type != EARSHOT_EVENT_DONE && event->type != EARSHOT_EVENT_FAILED))
        return;
    if (event->type == EARSHOT_EVENT_DONE) {
        const char *reason = command_param(conn, 0);
        free(conn->away);
        conn->away = *reason ? strdup(reason) : NULL;
        news_tell_away(conn);
        say_plain(conn, conn->away ? NUMERIC_NOWAWAY : NUMERIC_UNAWAY);
    } else {
        say_fail(conn, "AWAY", "CANNOT_COMPLETE", "", event->failed.reason);
    }
    command_done(conn);
}

void irc_away(struct conn *conn) {
    const char *reason = command_param(conn, 0);
    command_await(conn, earshot_away(conn->link, *reason ? reason : NULL, &conn->request),
                  away_take);
}
