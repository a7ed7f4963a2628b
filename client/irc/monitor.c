#include "irc/monitor.h"

#include <string.h>

#include "irc/command.h"

static size_t monitor_find(const struct conn *conn, const struct name *key) {
    for (size_t i = 0; i < conn->n_monitored; i++)
        if (bytes_equal(name_bytes(&conn->monitored[i]), name_bytes(key)))
            return i;
    return MONITOR_MAX;
}

bool monitor_has(const struct conn *conn, const struct person *person) {
    return monitor_find(conn, &person->key) < MONITOR_MAX;
}

void monitor_tell(struct conn *conn, const struct person *person, bool is_here) {
    char source[SOURCE_SIZE];
    if (!monitor_has(conn, person))
        return;
    say_news(conn, NULL, ":%s %d %s :%s", conn->door->name,
             is_here ? NUMERIC_MONONLINE : NUMERIC_MONOFFLINE, conn->nick,
             is_here ? person_source(conn, person, source) : person->nick);
}

static void monitor_say(struct conn *conn, const char *nick) {
    char source[SOURCE_SIZE];
    const struct person *person = person_of_nick(conn, nick);
    if (person && person_is_here(person))
        say_numeric(conn, NUMERIC_MONONLINE, ":%s", person_source(conn, person, source));
    else
        say_numeric(conn, NUMERIC_MONOFFLINE, ":%s", nick);
}

static bool monitor_add(struct conn *conn, const char *nick) {
    struct name key;
    if (!spell_key(&key, nick) || *nick == '#') /* whoever cannot be is not here */
        return true;
    if (monitor_find(conn, &key) < MONITOR_MAX)
        return true;
    if (conn->n_monitored == MONITOR_MAX)
        return false;
    conn->monitored[conn->n_monitored++] = key;
    return true;
}

static void monitor_remove(struct conn *conn, const char *nick) {
    struct name key;
    size_t i = spell_key(&key, nick) ? monitor_find(conn, &key) : MONITOR_MAX;
    if (i < MONITOR_MAX)
        conn->monitored[i] = conn->monitored[--conn->n_monitored];
}

static void monitor_change(struct conn *conn, bool is_more) {
    char nick[SPELL_SIZE];
    const char *list = command_param(conn, 1);
    for (size_t i = 0; command_word(list, i, nick, sizeof nick); i++) {
        if (!*nick)
            continue;
        if (!is_more)
            monitor_remove(conn, nick);
        else if (monitor_add(conn, nick))
            monitor_say(conn, nick);
        else
            say_numeric(conn, NUMERIC_MONLISTFULL, "%d %s", MONITOR_MAX, nick);
    }
}

static const char *monitor_nick(const struct conn *conn, size_t i, char out[SPELL_SIZE]) {
    struct person *person;
    HASH_FIND(hh, conn->people, conn->monitored[i].s, conn->monitored[i].n, person);
    return person ? person->nick : spell_nick(out, conn->monitored[i].s);
}

static void monitor_list(struct conn *conn, bool with_state) {
    char nick[SPELL_SIZE];
    for (size_t i = 0; i < conn->n_monitored; i++) {
        const char *name = monitor_nick(conn, i, nick);
        if (with_state)
            monitor_say(conn, name);
        else
            say_numeric(conn, NUMERIC_MONLIST, ":%s", name);
    }
    if (!with_state)
        say_plain(conn, NUMERIC_ENDOFMONLIST);
}

void irc_monitor(struct conn *conn) {
    switch (conn->line.params[0][0]) {
    case '+':
    case '-':
        monitor_change(conn, conn->line.params[0][0] == '+');
        break;
    case 'C':
    case 'c':
        conn->n_monitored = 0;
        break;
    case 'L':
    case 'l':
        monitor_list(conn, false);
        break;
    case 'S':
    case 's':
        monitor_list(conn, true);
        break;
    default:
        break;
    }
}
