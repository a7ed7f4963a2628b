#include "chat/people/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cli/hash.h"
#include "proto/name.h"

#define ROSTER_FEW 12 /* as long as so many are here, everybody matters */

struct roster_entry {
    struct name key;
    struct name name;
    enum earshot_presence presence;
    char *away;
    bool heard, ignored;
    bool member;   /* of a room that we are in: known, wherever they are */
    bool was_here; /* when the hub was lost */
    bool joined;   /* rooms */
    UT_hash_handle hh;
};

static bool roster_parse(const char *text, struct name *name, struct name *key) {
    if (name_parse(name, bytes_of(text)) != NAME_OK)
        return false;
    name_key(key, name);
    return true;
}

static struct roster_entry *roster_find(const struct roster *roster, const char *text) {
    struct name name, key;
    if (!roster_parse(text, &name, &key))
        return NULL;
    struct roster_entry *entry;
    HASH_FIND(hh, roster->entries, key.s, key.n, entry);
    return entry;
}

static struct roster_entry *roster_find_or_add(struct roster *roster, const char *text) {
    struct roster_entry *entry = roster_find(roster, text);
    struct name name, key;
    if (entry || !roster_parse(text, &name, &key))
        return entry;
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->name = name;
    entry->key = key;
    HASH_ADD(hh, roster->entries, key.s, entry->key.n, entry);
    return entry;
}

static void roster_drop(struct roster *roster, struct roster_entry *entry) {
    HASH_DEL(roster->entries, entry);
    free(entry->away);
    free(entry);
}

static void roster_set_presence(struct roster *roster, struct roster_entry *entry,
                                enum earshot_presence presence) {
    if (entry->presence != EARSHOT_OFFLINE)
        roster->n_here--;
    if (presence != EARSHOT_OFFLINE)
        roster->n_here++;
    entry->presence = presence;
    if (presence != EARSHOT_AWAY) {
        free(entry->away);
        entry->away = NULL;
    }
}

/* A handle of which nothing is known any more has no entry. */
static void roster_drop_unknown(struct roster *roster, struct roster_entry *entry) {
    if (!name_is_room(&entry->name) && entry->presence == EARSHOT_OFFLINE && !entry->heard &&
        !entry->ignored && !entry->member && !entry->was_here)
        roster_drop(roster, entry);
}

void roster_deinit(struct roster *roster) {
    struct roster_entry *entry, *next;
    HASH_ITER(hh, roster->entries, entry, next) {
        roster_drop(roster, entry);
    }
    *roster = (struct roster){0};
}

void roster_forget_presence(struct roster *roster) {
    struct roster_entry *entry, *next;
    HASH_ITER(hh, roster->entries, entry, next) {
        entry->was_here = entry->presence != EARSHOT_OFFLINE;
        roster_set_presence(roster, entry, EARSHOT_OFFLINE);
        roster_drop_unknown(roster, entry);
    }
}

bool roster_was_here(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    return entry && entry->was_here;
}

void roster_presence(struct roster *roster, const char *handle, enum earshot_presence presence,
                     const char *away) {
    struct roster_entry *entry = roster_find_or_add(roster, handle);
    if (!entry)
        return;
    roster_set_presence(roster, entry, presence);
    if (presence == EARSHOT_AWAY) {
        free(entry->away);
        entry->away = strdup(away);
    }
    roster_drop_unknown(roster, entry);
}

/* Whoever takes another handle is here, even if the end of the old one was told first. */
void roster_rename(struct roster *roster, const char *handle, const char *now) {
    struct roster_entry *old = roster_find(roster, handle);
    struct roster_entry *new = roster_find_or_add(roster, now);
    if (!new || new == old)
        return;
    if (new->presence == EARSHOT_OFFLINE)
        roster_set_presence(roster, new, EARSHOT_ONLINE);
    if (!old)
        return;
    new->heard |= old->heard;
    new->member |= old->member;
    new->ignored |= old->ignored;
    roster_set_presence(roster, old, EARSHOT_OFFLINE);
    roster_drop(roster, old);
}

bool roster_is_here(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    return entry && entry->presence != EARSHOT_OFFLINE;
}

bool roster_is_known(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    return entry && (entry->presence != EARSHOT_OFFLINE || entry->heard || entry->member);
}

void roster_member(struct roster *roster, const char *handle) {
    struct roster_entry *entry = roster_find_or_add(roster, handle);
    if (entry)
        entry->member = true;
}

void roster_heard(struct roster *roster, const char *handle) {
    struct roster_entry *entry = roster_find_or_add(roster, handle);
    if (entry)
        entry->heard = true;
}

bool roster_matters(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    return roster->n_here <= ROSTER_FEW || (entry && entry->heard);
}

const char *roster_away(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    if (!entry || entry->presence != EARSHOT_AWAY)
        return NULL;
    return entry->away ? entry->away : "";
}

void roster_ignore(struct roster *roster, const char *handle, bool ignored) {
    struct roster_entry *entry =
        ignored ? roster_find_or_add(roster, handle) : roster_find(roster, handle);
    if (!entry)
        return;
    entry->ignored = ignored;
    roster_drop_unknown(roster, entry);
}

bool roster_is_ignored(const struct roster *roster, const char *handle) {
    const struct roster_entry *entry = roster_find(roster, handle);
    return entry && entry->ignored;
}

void roster_know_room(struct roster *roster, const char *room) {
    (void)roster_find_or_add(roster, room);
}

void roster_room(struct roster *roster, const char *room, bool joined) {
    struct roster_entry *entry = roster_find_or_add(roster, room);
    if (entry)
        entry->joined = joined;
}

bool roster_is_joined(const struct roster *roster, const char *room) {
    const struct roster_entry *entry = roster_find(roster, room);
    return entry && entry->joined;
}

static bool roster_is_of_kind(const struct roster_entry *entry, enum roster_kind kind) {
    bool room = name_is_room(&entry->name);
    switch (kind) {
    case ROSTER_KNOWN:
        return !room && (entry->presence != EARSHOT_OFFLINE || entry->heard || entry->member);
    case ROSTER_IGNORED:
        return !room && entry->ignored;
    case ROSTER_ROOMS:
        return room;
    case ROSTER_JOINED:
        return room && entry->joined;
    }
    return false;
}

const char *roster_first_joined(const struct roster *roster) {
    for (const struct roster_entry *entry = roster->entries; entry; entry = entry->hh.next)
        if (roster_is_of_kind(entry, ROSTER_JOINED))
            return entry->name.s;
    return "";
}

size_t roster_each(const struct roster *roster, enum roster_kind kind,
                   void (*visit)(void *arg, const char *name), void *arg) {
    size_t n = 0;
    for (const struct roster_entry *entry = roster->entries; entry; entry = entry->hh.next) {
        if (!roster_is_of_kind(entry, kind))
            continue;
        visit(arg, entry->name.s);
        n++;
    }
    return n;
}
