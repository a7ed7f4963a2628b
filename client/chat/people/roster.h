/*
 * Who and what is known: handles and rooms, from lists, news and messages. It feeds completion,
 * decides whose coming and going is worth a line, and holds who is ignored. Names compare as the
 * hub compares them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/earshot.h"

struct roster_entry;

/* Zero is the empty roster. */
struct roster {
    struct roster_entry *entries;
    size_t n_here; /* handles that are online or away */
};

void roster_deinit(struct roster *roster);

/* Nobody is here any more: the hub was lost, and a list will follow. */
void roster_forget_presence(struct roster *roster);

/* Whether the handle was here when that was done last. */
bool roster_was_here(const struct roster *roster, const char *handle);

/* away: "" or the reason. Names that break the grammar are not taken. */
void roster_presence(struct roster *roster, const char *handle, enum earshot_presence presence,
                     const char *away);
void roster_rename(struct roster *roster, const char *handle, const char *now);

bool roster_is_here(const struct roster *roster, const char *handle);

/* Whether there is such a handle, here or not, as far as this window has heard. */
bool roster_is_known(const struct roster *roster, const char *handle);

/* The handle is a member of a room that this window is in, also when it is not here. */
void roster_member(struct roster *roster, const char *handle);

/* The handle has spoken where this window could hear it. */
void roster_heard(struct roster *roster, const char *handle);

/* Whether a change of presence should be told: few are here, or it has spoken. */
bool roster_matters(const struct roster *roster, const char *handle);

/* The reason of one who is away ("" for none given); NULL when not away. Valid until a change. */
const char *roster_away(const struct roster *roster, const char *handle);

void roster_ignore(struct roster *roster, const char *handle, bool ignored);
bool roster_is_ignored(const struct roster *roster, const char *handle);

/* There is such a room; and whether this window is in it. */
void roster_know_room(struct roster *roster, const char *room);
void roster_room(struct roster *roster, const char *room, bool joined);
bool roster_is_joined(const struct roster *roster, const char *room);

/* The first room of those that this window is in, "" when there is none. Valid until a change. */
const char *roster_first_joined(const struct roster *roster);

/* Calls visit for every name that is known, with its spelling. Returns how many these are. */
enum roster_kind { ROSTER_KNOWN, ROSTER_IGNORED, ROSTER_ROOMS, ROSTER_JOINED };
size_t roster_each(const struct roster *roster, enum roster_kind kind,
                   void (*visit)(void *arg, const char *name), void *arg);
