/*
 * One file or tree to several recipients: each piece of it is read and summed up once, by whoever
 * needs it first, and is kept in memory until the others have taken it (a shared scan). What is in
 * a piece is the business of files/source_scan.h.
 *
 * A group belongs to a file or to the top directory of a tree. Those who begin to send it at about
 * the same time go through it as one run; who begins later, or not at the beginning, is in another
 * run or reads alone. At most READ_GROUP_PIECES pieces of a run are in memory, and one more for
 * each member. So whoever is ahead of the last one by that much waits for them, but no more than
 * READ_GROUP_HOLD_MS in all while the own recipient has nothing to do: then the last one goes on
 * alone from the place where it is, and so does everybody when reading fails. A run waits
 * READ_GROUP_START_MS for those who may still join it, and at least until READ_GROUP_OFFER_MS after
 * it was offered: whoever waits for it takes it about then. Of a tree nobody joins it later, for
 * what was read of it may have changed since; of a file that shows.
 *
 *     group = read_group_get(&pool, &status, use)      for each offer of it
 *     member = read_group_join(group, ...)             for each who begins to send it
 *     read_member_next(member, ...) up to ITEM_END, or until it returns READ_ALONE
 *     read_member_leave(member), read_group_drop(group, use)
 *
 * A member is used by one thread, the members of a group by several at once. One thread at a time
 * gets, keeps and drops the groups of a pool.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct read_entry;
struct read_group;
struct read_member;
struct source;
struct source_place;

#define READ_GROUP_PIECES 16
#define READ_GROUP_HOLD_MS 500
#define READ_GROUP_START_MS 25
#define READ_GROUP_OFFER_MS 100
#define READ_GROUP_RUNS_MAX 4 /* of a group at a time */

/* The groups of all that is offered. Zeroed: none; it is empty again when all are dropped.
 */
struct read_pool {
    struct read_group *groups;
};

/* Who uses a group: an offer to one or to several, or one of those who take it. */
enum read_use { READ_OFFER, READ_OFFER_TO_MANY, READ_TAKER, READ_USE_END };

/* The group of the file or directory with this status. NULL: memory is out, and everybody reads
 * alone. */
struct read_group *read_group_get(struct read_pool *pool, const struct stat *status,
                                  enum read_use use);

/* One more use. Takes NULL, and returns it. */
struct read_group *read_group_keep(struct read_group *group, enum read_use use);

/* The use has ended. Takes NULL. */
void read_group_drop(struct read_group *group, enum read_use use);

/* How a member reads. */
struct read_joining {
    const struct source *source;       /* which it sends, and which has just been opened */
    size_t capacity;                   /* how long an item may be; the same for all in a run */
    const atomic_bool *stop;           /* NULL: none */
    bool (*is_starved)(void *context); /* whether its recipient has nothing to do; NULL: yes */
    void *context;
};

/* Whoever begins to read, if others may read along; NULL: alone. */
struct read_member *read_group_join(struct read_group *group, const struct read_joining *joining);

/* The next of what is read, valid until the next call. Returns 0 or one of these; READ_ALONE: the
 * member goes on by itself. */
enum read_outcome { READ_ALONE = 1, READ_STOPPED };
int read_member_next(struct read_member *member, const struct read_entry **entry);

/* Then from here; the member keeps it. NULL: memory is out, or there is no descriptor. */
struct source_place *read_member_place(const struct read_member *member);

/* Frees it. Takes NULL. */
void read_member_leave(struct read_member *member);
