#include "irc/server.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SERVER_VERSION "earshot-" EARSHOT_VERSION
#define HELP_SUBJECT "index"

static const char *const server_support[] = {
    "CASEMAPPING=ascii CHANTYPES=# CHANNELLEN=33 NICKLEN=34 USERLEN=19 TOPICLEN=390 AWAYLEN=255 "
    "PREFIX=(ov)@+ CHANMODES=b,,,imst MODES=1",
    "ELIST=MNU MONITOR=100 NAMELEN=150 WHOX UTF8ONLY UTF8MAPPING=rfc8265 "
    "CLIENTTAGDENY=*,-draft/reply,-reply CHATHISTORY=1000 MSGREFTYPES=msgid,timestamp",
    "TARGMAX=JOIN:,PART:,PRIVMSG:4,NOTICE:4,NAMES:1,LIST:,KICK:1,WHOIS:1,WHOWAS:1,MONITOR: "
    "MAXLIST=b:0 CHANLIMIT=#:1024",
};

static const char *server_time(wall_time at, char out[64]) {
    time_t seconds = (time_t)(at.ms / 1000);
    struct tm tm;
    strftime(out, 64, "%a %b %d %Y at %H:%M:%S %Z", localtime_r(&seconds, &tm));
    return out;
}

static unsigned server_count(const struct conn *conn) {
    struct person *person, *next;
    unsigned n = 0;
    HASH_ITER(hh, conn->people, person, next) {
        n += person_is_here(person);
    }
    return n;
}

static void lusers_say(struct conn *conn, unsigned n_rooms) {
    unsigned n = server_count(conn), n_unknown = 0, n_opers = 0, n_hidden = 0,
             n_max = conn->door->n_users_max;
    for (const struct conn *other = conn->door->conns; other; other = other->next) {
        n_unknown += !other->is_registered && !other->is_closing && !other->is_dead;
        n_opers += other->is_welcomed && other->is_oper;
        n_hidden += other->is_welcomed && other->is_invisible;
    }
    conn->door->n_users_max = n_max = n > n_max ? n : n_max;
    say_numeric(conn, NUMERIC_LUSERCLIENT, ":There are %u users and %u invisible on 1 servers",
                n - n_hidden, n_hidden);
    say_numeric(conn, NUMERIC_LUSEROP, "%u", n_opers);
    say_numeric(conn, NUMERIC_LUSERUNKNOWN, "%u", n_unknown);
    say_numeric(conn, NUMERIC_LUSERCHANNELS, "%u", n_rooms);
    say_numeric(conn, NUMERIC_LUSERME, ":I have %u clients and 0 servers", n);
    say_numeric(conn, NUMERIC_LOCALUSERS, "%u %u :Current local users %u, max %u", n, n_max, n,
                n_max);
    say_numeric(conn, NUMERIC_GLOBALUSERS, "%u %u :Current global users %u, max %u", n, n_max, n,
                n_max);
}

static void lusers_take(struct conn *conn, const struct earshot_event *event) {
    if (event->request != conn->request)
        return;
    conn->at += event->type == EARSHOT_EVENT_ROOM && event->room.members > 0;
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        lusers_say(conn, (unsigned)conn->at);
        command_done(conn);
    }
}

void irc_lusers(struct conn *conn) {
    command_await(conn, earshot_ask(conn->link, EARSHOT_ROOMS, NULL, &conn->request), lusers_take);
}

void irc_motd(struct conn *conn) {
    struct earshot_hub_info hub;
    earshot_hub(conn->link, &hub);
    say_numeric(conn, NUMERIC_MOTDSTART, ":- %s Message of the day -", conn->door->name);
    say_numeric(conn, NUMERIC_MOTD, ":- %s", SERVER_ABOUT);
    say_numeric(conn, NUMERIC_MOTD,
                ":- The hub is %s, process %d; you are %s, by the kernel's "
                "word.",
                hub.dir, (int)hub.pid, view_login(geteuid()));
    say_numeric(conn, NUMERIC_MOTD,
                ":- /JOIN #lobby enters a room, or makes it; /HELP lists the "
                "commands.");
    say_plain(conn, NUMERIC_ENDOFMOTD);
}

void server_welcome(struct conn *conn) {
    char text[SOURCE_SIZE + 64], source[SOURCE_SIZE];
    const char *name = conn->door->name;
    say_numeric(conn, NUMERIC_WELCOME, ":Welcome to Earshot, %s", conn_source(conn, source));
    say_numeric(conn, NUMERIC_YOURHOST, ":Your host is %s, running version " SERVER_VERSION, name);
    say_numeric(conn, NUMERIC_CREATED, ":This door was opened %s",
                server_time(conn->door->since, text));
    say_numeric(conn, NUMERIC_MYINFO, "%s " SERVER_VERSION " io bimosv bov", name);
    for (size_t i = 0; i < ARRAY_LEN(server_support); i++)
        say_numeric(conn, NUMERIC_ISUPPORT, "%s", server_support[i]);
    lusers_say(conn, HASH_COUNT(conn->channels));
    irc_motd(conn);
}

/* The name of another server; nothing, or a mask, or a nick, means this one. */
static bool server_is_other(struct conn *conn, const char *target) {
    const struct person *person = person_of_nick(conn, target);
    if (!*target || line_mask_matches(target, conn->door->name) ||
        (person && person_is_here(person)))
        return false;
    say_numeric(conn, NUMERIC_NOSUCHSERVER, "%s", target);
    return true;
}

void irc_version(struct conn *conn) {
    if (server_is_other(conn, command_param(conn, 0)))
        return;
    say_numeric(conn, NUMERIC_VERSION, SERVER_VERSION " %s :%s", conn->door->name, SERVER_ABOUT);
    for (size_t i = 0; i < ARRAY_LEN(server_support); i++)
        say_numeric(conn, NUMERIC_ISUPPORT, "%s", server_support[i]);
}

void irc_time(struct conn *conn) {
    char text[64];
    if (!server_is_other(conn, command_param(conn, 0)))
        say_numeric(conn, NUMERIC_TIME, "%s :%s", conn->door->name, server_time(wall_now(), text));
}

void irc_admin(struct conn *conn) {
    struct earshot_hub_info hub;
    if (server_is_other(conn, command_param(conn, 0)))
        return;
    earshot_hub(conn->link, &hub);
    say_numeric(conn, NUMERIC_ADMINME, "%s", conn->door->name);
    say_numeric(conn, NUMERIC_ADMINLOC1, ":The hub in %s", hub.dir);
    say_numeric(conn, NUMERIC_ADMINLOC2, ":belongs to %s", view_login(hub.uid));
    say_numeric(conn, NUMERIC_ADMINEMAIL, ":%s@localhost", view_login(hub.uid));
}

void irc_info(struct conn *conn) {
    if (server_is_other(conn, command_param(conn, 0)))
        return;
    say_numeric(conn, NUMERIC_INFO, ":%s", SERVER_ABOUT);
    say_numeric(conn, NUMERIC_INFO, ":This is a door for IRC clients; see earshot(1)");
    say_plain(conn, NUMERIC_ENDOFINFO);
}

/* There is one server, and nothing to be linked to. */
void irc_links(struct conn *conn) {
    say_numeric(conn, NUMERIC_ENDOFLINKS, "*");
}

void irc_help(struct conn *conn) {
    char name[32];
    const char *subject = command_param(conn, 0);
    size_t n = 0;
    for (; n < sizeof name - 1 && subject[n]; n++)
        name[n] = (char)toupper((unsigned char)subject[n]);
    name[n] = '\0';
    const struct irc_command *found = irc_command_find(name);
    if (*subject && !found) {
        say_numeric(conn, NUMERIC_HELPNOTFOUND, "%s", subject);
        return;
    }
    subject = found ? found->name : HELP_SUBJECT;
    say_numeric(conn, NUMERIC_HELPSTART, "%s :%s", subject,
                found ? found->help : "The commands of this door:");
    if (found)
        say_numeric(conn, NUMERIC_HELPTXT, "%s :earshot(1) tells the rest", subject);
    for (const struct irc_command *at = irc_commands; !found && at->name; at++)
        say_numeric(conn, NUMERIC_HELPTXT, "%s :%s", subject, at->help);
    say_numeric(conn, NUMERIC_ENDOFHELP, "%s :End of help", subject);
}
