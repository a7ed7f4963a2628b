#include "irc/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/records.h"

/* People. */

static bool view_key(struct name *key, const char *text) {
    struct name name;
    if (name_parse(&name, bytes_of(text)) != NAME_OK)
        return false;
    name_key(key, &name);
    return true;
}

static struct person *person_of_key(const struct conn *conn, const struct name *key) {
    struct person *person;
    HASH_FIND(hh, conn->people, key->s, key->n, person);
    return person;
}

struct person *person_find(const struct conn *conn, const char *handle) {
    struct name key;
    return view_key(&key, handle) ? person_of_key(conn, &key) : NULL;
}

struct person *person_of_nick(const struct conn *conn, const char *nick) {
    struct name key;
    return *nick != '#' && spell_key(&key, nick) ? person_of_key(conn, &key) : NULL;
}

struct person *person_know(struct conn *conn, const char *handle, uid_t uid) {
    struct name key;
    struct person *person = NULL;
    if (!view_key(&key, handle) || (person = person_of_key(conn, &key)))
        return person;
    person = calloc(1, sizeof *person);
    if (!person || !(person->handle = strdup(handle))) {
        free(person);
        return NULL;
    }
    person->key = key;
    person->uid = uid;
    spell_nick(person->nick, handle);
    HASH_ADD(hh, conn->people, key.s, person->key.n, person);
    return person;
}

void person_set_state(struct person *person, enum earshot_presence state, const char *away) {
    free(person->away);
    person->away = state == EARSHOT_AWAY ? strdup(away) : NULL;
    person->state = state;
}

static void person_drop(struct conn *conn, struct person *person) {
    struct irc_channel *channel, *next;
    HASH_ITER(hh, conn->channels, channel, next) {
        member_remove(channel, person);
    }
    HASH_DEL(conn->people, person);
    free(person->handle);
    free(person->away);
    free(person);
}

void person_rename(struct conn *conn, struct person *person, const char *handle) {
    struct name key;
    char *copy = strdup(handle);
    if (!copy || !view_key(&key, handle)) {
        free(copy);
        return;
    }
    struct person *other = person_of_key(conn, &key);
    if (other && other != person)
        person_drop(conn, other);
    HASH_DEL(conn->people, person);
    free(person->handle);
    person->handle = copy;
    person->key = key;
    spell_nick(person->nick, handle);
    HASH_ADD(hh, conn->people, key.s, person->key.n, person);
}

bool person_is_self(const struct conn *conn, const struct person *person) {
    struct name key;
    return spell_key(&key, conn->nick) && bytes_equal(name_bytes(&key), name_bytes(&person->key));
}

struct conn *person_conn(const struct conn *conn, const struct person *person) {
    if (conn->is_welcomed && person_is_self(conn, person))
        return (struct conn *)conn;
    for (struct conn *other = conn->door->conns; other; other = other->next)
        if (other->is_welcomed && !other->is_dead && person_is_self(other, person))
            return other;
    return NULL;
}

/* Sources. */

struct view_login {
    uid_t uid;
    char login[LOGIN_SIZE];
    UT_hash_handle hh;
};

const char *view_login(uid_t uid) {
    static struct view_login *logins;
    struct view_login *known;
    HASH_FIND(hh, logins, &uid, sizeof uid, known);
    if (known)
        return known->login;
    known = calloc(1, sizeof *known);
    if (!known)
        return "user";
    known->uid = uid;
    cli_login(uid, known->login);
    for (char *at = known->login; *at; at++)
        if (strchr(" !@:,*?", *at))
            *at = '_';
    HASH_ADD(hh, logins, uid, sizeof known->uid, known);
    return known->login;
}

const char *conn_user(const struct conn *conn, char out[USER_SIZE + 1]) {
    snprintf(out, USER_SIZE + 1, "~%s", conn->user);
    return out;
}

static const char *view_host(uid_t uid, char out[32]) {
    snprintf(out, 32, "uid%u", uid);
    return out;
}

const char *conn_host(char out[32]) {
    return view_host(geteuid(), out);
}

const char *conn_source(const struct conn *conn, char out[SOURCE_SIZE]) {
    char user[USER_SIZE + 1], host[32];
    snprintf(out, SOURCE_SIZE, "%s!%s@%s", conn->nick, conn_user(conn, user), conn_host(host));
    return out;
}

const char *person_user(const struct conn *conn, const struct person *person,
                        char out[USER_SIZE + 1]) {
    const struct conn *of = person_conn(conn, person);
    if (of)
        return conn_user(of, out);
    snprintf(out, USER_SIZE + 1, "%s", view_login(person->uid));
    return out;
}

const char *person_host(const struct person *person, char out[32]) {
    return view_host(person->uid, out);
}

const char *person_source(const struct conn *conn, const struct person *person,
                          char out[SOURCE_SIZE]) {
    char user[USER_SIZE + 1], host[32];
    snprintf(out, SOURCE_SIZE, "%s!%s@%s", person->nick, person_user(conn, person, user),
             person_host(person, host));
    return out;
}

const char *person_realname(const struct conn *conn, const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return of ? of->realname : person->handle;
}

/* Rooms. */

struct irc_channel *channel_find(const struct conn *conn, const char *name) {
    struct name key;
    struct irc_channel *channel = NULL;
    if (*name == '#' && view_key(&key, name))
        HASH_FIND(hh, conn->channels, key.s, key.n, channel);
    return channel;
}

static void channel_free(struct irc_channel *channel) {
    struct member *member, *next;
    HASH_ITER(hh, channel->members, member, next) {
        HASH_DEL(channel->members, member);
        free(member);
    }
    free(channel->name);
    free(channel->topic);
    free(channel->owner);
    free(channel->operators);
    free(channel);
}

struct irc_channel *channel_enter(struct conn *conn, const char *name) {
    struct irc_channel *channel = channel_find(conn, name);
    struct name key;
    if (channel || !view_key(&key, name))
        return channel;
    channel = calloc(1, sizeof *channel);
    if (!channel)
        return NULL;
    channel->key = key;
    channel->name = strdup(name);
    channel->topic = strdup("");
    channel->owner = strdup("");
    channel->operators = strdup("");
    if (!channel->name || !channel->topic || !channel->owner || !channel->operators) {
        channel_free(channel);
        return NULL;
    }
    HASH_ADD(hh, conn->channels, key.s, channel->key.n, channel);
    return channel;
}

void channel_leave(struct conn *conn, struct irc_channel *channel) {
    HASH_DEL(conn->channels, channel);
    channel_free(channel);
}

void channel_rename(struct conn *conn, struct irc_channel *channel, const char *name) {
    struct name key;
    char *copy = strdup(name);
    if (!copy || !view_key(&key, name) || channel_find(conn, name)) {
        free(copy);
        return;
    }
    HASH_DEL(conn->channels, channel);
    free(channel->name);
    channel->name = copy;
    channel->key = key;
    HASH_ADD(hh, conn->channels, key.s, channel->key.n, channel);
}

/* What there is stays when memory is out. */
static void view_replace(char **text, const char *with) {
    char *copy = strdup(with ? with : "");
    if (!copy)
        return;
    free(*text);
    *text = copy;
}

void channel_describe(struct irc_channel *channel, const struct earshot_event *event) {
    view_replace(&channel->name, event->room.name);
    view_replace(&channel->topic, event->room.topic);
    if (!event->room.owner)
        return;
    view_replace(&channel->owner, event->room.owner);
    view_replace(&channel->operators, event->room.operators);
    channel->is_private = event->room.form != EARSHOT_ROOM_OPEN;
    channel->announces = event->room.announces;
    channel->locks_topic = event->room.locks_topic;
}

void channel_set_topic(struct irc_channel *channel, const char *topic, const char *by_nick) {
    view_replace(&channel->topic, topic);
    snprintf(channel->topic_by, sizeof channel->topic_by, "%s", by_nick);
    channel->topic_at = wall_now();
}

struct member *member_find(const struct irc_channel *channel, const struct person *person) {
    struct member *member = NULL;
    HASH_FIND_PTR(channel->members, &person, member);
    return member;
}

bool member_add(struct irc_channel *channel, struct person *person) {
    if (member_find(channel, person))
        return true;
    struct member *member = calloc(1, sizeof *member);
    if (!member)
        return false;
    member->who = person;
    HASH_ADD_PTR(channel->members, who, member);
    return true;
}

void member_remove(struct irc_channel *channel, const struct person *person) {
    struct member *member = member_find(channel, person);
    if (!member)
        return;
    HASH_DEL(channel->members, member);
    free(member);
}

static bool view_has_word(const char *words, const struct name *key) {
    char word[NAME_BYTES_MAX + 1];
    struct name other;
    for (size_t n; *words; words += n) {
        words += strspn(words, " ");
        n = strcspn(words, " ");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : 0), words);
        if (n > 0 && view_key(&other, word) && bytes_equal(name_bytes(&other), name_bytes(key)))
            return true;
    }
    return false;
}

static const struct irc_channel *channel_of_client(const struct conn *conn,
                                                   const struct irc_channel *channel,
                                                   const struct person *person) {
    const struct conn *of = person_conn(conn, person);
    return of ? channel_find(of, channel->name) : NULL;
}

bool channel_has_operator(const struct conn *conn, const struct irc_channel *channel,
                          const struct person *person) {
    const struct irc_channel *own = channel_of_client(conn, channel, person);
    if (own && own->rank != RANK_OF_HUB)
        return own->rank == RANK_OPERATOR;
    return view_has_word(channel->owner, &person->key) ||
           view_has_word(channel->operators, &person->key);
}

bool channel_gives_voice(const struct conn *conn, const struct irc_channel *channel,
                         const struct person *person) {
    const struct irc_channel *own = channel_of_client(conn, channel, person);
    return own && own->has_voice;
}

/* Memory that is out leaves it as it was, until the room is described again. */
void channel_set_operator(struct irc_channel *channel, const struct person *person, bool is_one) {
    char word[NAME_BYTES_MAX + 1], *words = malloc(strlen(channel->operators) + NAME_BYTES_MAX + 2);
    struct name key;
    size_t n = 0;
    if (!words)
        return;
    words[0] = '\0';
    for (const char *at = channel->operators; *at;) {
        at += strspn(at, " ");
        size_t n_word = strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", (int)n_word, at);
        if (view_key(&key, word) && !bytes_equal(name_bytes(&key), name_bytes(&person->key)))
            n += (size_t)snprintf(words + n, sizeof word + 1, "%s%s", n > 0 ? " " : "", word);
        at += n_word;
    }
    if (is_one)
        snprintf(words + n, sizeof word + 1, "%s%s", n > 0 ? " " : "", person->handle);
    free(channel->operators);
    channel->operators = words;
}

bool view_shares_channel(const struct conn *conn, const struct person *person) {
    struct irc_channel *channel, *next;
    HASH_ITER(hh, conn->channels, channel, next) {
        if (member_find(channel, person))
            return true;
    }
    return false;
}

void view_free(struct conn *conn) {
    struct irc_channel *channel, *next_channel;
    struct person *person, *next;
    HASH_ITER(hh, conn->channels, channel, next_channel) {
        channel_leave(conn, channel);
    }
    HASH_ITER(hh, conn->people, person, next) {
        person_drop(conn, person);
    }
}
