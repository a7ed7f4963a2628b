/*
 * One file to several recipients: each piece of it is read and summed up once, by whoever needs it
 * first, and is kept in memory until the others have copied it (a shared scan).
 *
 * A group belongs to a file. Those who begin to send it at about the same time go through it as one
 * run; who begins later, or not at the beginning, is in another run or reads alone. At most
 * READ_GROUP_PIECES pieces of a run are in memory. So whoever is ahead of the last one by that much
 * waits for them, but no more than READ_GROUP_HOLD_MS in all while the own recipient has nothing to
 * do: then the last one goes on alone from the place where it is, and so does everybody when
 * reading fails. A run waits READ_GROUP_START_MS for those who may still join it, and at least
 * until READ_GROUP_OFFER_MS after the file was offered: whoever waits for it takes it about then.
 *
 *     group = read_group_get(&pool, &status, use)      for each offer of the file
 *     member = read_group_join(group, ...)             for each who begins to send it
 *     read_member_next(member, ...) until it returns READ_ALONE
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

struct digest_state;
struct read_group;
struct read_member;

#define READ_GROUP_PIECES 16
#define READ_GROUP_HOLD_MS 500
#define READ_GROUP_START_MS 25
#define READ_GROUP_OFFER_MS 100
#define READ_GROUP_RUNS_MAX 4 /* of a group at a time */

/* The groups of all files that are offered. Zeroed: none; it is empty again when all are dropped.
 */
struct read_pool {
    struct read_group *groups;
};

/* Who uses a group: an offer of the file to one or to several, or one of those who take it. */
enum read_use { READ_OFFER, READ_OFFER_TO_MANY, READ_TAKER, READ_USE_END };

/* The group of the file with this status. NULL: memory is out, and everybody reads alone. */
struct read_group *read_group_get(struct read_pool *pool, const struct stat *status,
                                  enum read_use use);

/* One more use. Takes NULL, and returns it. */
struct read_group *read_group_keep(struct read_group *group, enum read_use use);

/* The use has ended. Takes NULL. */
void read_group_drop(struct read_group *group, enum read_use use);

/* How a member reads. The descriptor is open on the group's file. */
struct read_joining {
    int fd;
    struct stat status; /* as it is now: all in a run have the same */
    size_t capacity;    /* how long a piece may be; the same for all in a run, too */
    struct digest_state *sum;
    const atomic_bool *stop;           /* NULL: none */
    bool (*is_starved)(void *context); /* whether its recipient has nothing to do; NULL: yes */
    void *context;
};

/* Whoever begins to read, if others may read along; NULL: alone. */
struct read_member *read_group_join(struct read_group *group, const struct read_joining *joining);

/*
 * The next piece: n bytes in buffer[0..capacity), or a hole; it is summed up already. READ_ALONE:
 * the member goes on by itself from here, and `sum` of its joining is that of all before; that is
 * also how the end is told. Returns 0 or one of these.
 */
enum read_outcome { READ_ALONE = 1, READ_STOPPED };
int read_member_next(struct read_member *member, void *buffer, size_t *n, uint64_t *hole);

/* Frees it. Takes NULL. */
void read_member_leave(struct read_member *member);
