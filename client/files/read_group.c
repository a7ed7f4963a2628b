#include "files/read_group.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "files/source_scan.h"

#define READING_TICK_MS 100 /* how often who waits for another's read looks at its stop flag */
#define ROOM_TICK_MS 5      /* how often who waits for room looks whether its recipient starves */

/* Whoever waits for room is woken when so many pieces are free: each wake-up costs time. */
#define PIECES_PER_WAKE (READ_GROUP_PIECES / 4)

struct read_piece {
    struct read_chunk *chunk;
    struct source_place *before; /* where the scan was before it */
};

/* Numbers of pieces count from the beginning; number i lies at i % READ_GROUP_PIECES. */
struct read_run {
    struct source *scan;
    size_t capacity;
    mono_time joinable_until, charged_until;
    unsigned n_joined;
    bool is_failed;    /* everybody goes on alone; before the piece that failed its place is kept */
    bool is_reading;   /* by a member, who alone uses the scan and the next piece meanwhile */
    bool is_held;      /* and that waits for room */
    unsigned n_asleep; /* for the next piece */
    uint64_t first, end; /* pieces from `first` to before `end` are in memory */
    struct read_piece pieces[READ_GROUP_PIECES];
    struct read_chunk *spare[READ_GROUP_PIECES]; /* taken from the end: the caches hold the last */
    unsigned n_spare;
    pthread_cond_t changed;
    struct read_member *members;
    struct read_run *prev, *next;
};

struct read_member {
    struct read_group *group;
    struct read_run *run;       /* NULL: alone, behind what it has in hand, */
    struct source_place *place; /* from here on */
    struct read_joining how;
    uint64_t at;              /* its next piece */
    struct read_chunk *chunk; /* in hand: it is given from it without the lock */
    size_t n_given;
    bool is_asleep;  /* its thread goes on with the run: it cannot be taken out */
    int64_t held_ns; /* so long the others' recipients had nothing to do because of it */
    struct read_member *prev, *next;
};

struct read_file_key {
    dev_t dev;
    ino_t ino;
};

struct read_group {
    struct read_file_key key;
    struct read_pool *pool;
    pthread_mutex_t lock; /* of all that follows, and of the members */
    unsigned n_uses[READ_USE_END];
    mono_time offered_at; /* the last time */
    struct read_run *runs;
    UT_hash_handle hh;
};

/* --- groups --- */

static struct read_group *read_group_new(struct read_pool *pool, const struct read_file_key *key) {
    struct read_group *group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->key = *key;
    group->pool = pool;
    HASH_ADD(hh, pool->groups, key, sizeof group->key, group);
    if (!group->hh.tbl) {
        free(group);
        return NULL;
    }
    pthread_mutex_init(&group->lock, NULL);
    return group;
}

struct read_group *read_group_get(struct read_pool *pool, const struct stat *status,
                                  enum read_use use) {
    struct read_group *group;
    struct read_file_key key = {.dev = status->st_dev, .ino = status->st_ino};
    HASH_FIND(hh, pool->groups, &key, sizeof key, group);
    group = read_group_keep(group ? group : read_group_new(pool, &key), use);
    if (group) {
        pthread_mutex_lock(&group->lock);
        group->offered_at = mono_now();
        pthread_mutex_unlock(&group->lock);
    }
    return group;
}

struct read_group *read_group_keep(struct read_group *group, enum read_use use) {
    if (!group)
        return NULL;
    pthread_mutex_lock(&group->lock);
    group->n_uses[use]++;
    pthread_mutex_unlock(&group->lock);
    return group;
}

void read_group_drop(struct read_group *group, enum read_use use) {
    unsigned n_uses = 0;
    if (!group)
        return;
    pthread_mutex_lock(&group->lock);
    group->n_uses[use]--;
    for (size_t i = 0; i < READ_USE_END; i++)
        n_uses += group->n_uses[i];
    pthread_mutex_unlock(&group->lock);
    if (n_uses > 0)
        return;
    HASH_DEL(group->pool->groups, group);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

/* --- runs; from here on the group is locked --- */

/* One user less of it, who may have been the last one. run NULL: it is of none any more. */
static void read_chunk_drop(struct read_run *run, struct read_chunk *chunk) {
    if (!chunk || --chunk->n_users > 0)
        return;
    if (run && run->n_spare < READ_GROUP_PIECES)
        run->spare[run->n_spare++] = chunk;
    else
        free(chunk);
}

static void read_piece_clear(struct read_run *run, struct read_piece *piece) {
    read_chunk_drop(run, piece->chunk);
    source_place_free(piece->before);
    *piece = (struct read_piece){0};
}

static void read_run_free(struct read_group *group, struct read_run *run) {
    DL_DELETE(group->runs, run);
    for (size_t i = 0; i < READ_GROUP_PIECES; i++)
        read_piece_clear(NULL, &run->pieces[i]);
    while (run->n_spare > 0)
        free(run->spare[--run->n_spare]);
    source_free(run->scan);
    pthread_cond_destroy(&run->changed);
    free(run);
}

static void read_run_init_condition(struct read_run *run) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static mono_time read_group_patience(const struct read_group *group) {
    mono_time start = mono_add_ms(mono_now(), READ_GROUP_START_MS);
    mono_time offer = mono_add_ms(group->offered_at, READ_GROUP_OFFER_MS);
    return start.ns > offer.ns ? start : offer;
}

static struct read_run *read_run_new(struct read_group *group, const struct read_joining *how) {
    struct read_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->scan = source_scan_new(how->source);
    run->capacity = how->capacity;
    run->joinable_until = read_group_patience(group);
    read_run_init_condition(run);
    DL_APPEND(group->runs, run);
    if (run->scan)
        return run;
    read_run_free(group, run);
    return NULL;
}

/* Whether more than so many may take it. */
static bool read_group_is_for_more(const struct read_group *group, unsigned n) {
    return group->n_uses[READ_OFFER_TO_MANY] > 0 || group->n_uses[READ_OFFER] > n;
}

static size_t read_run_n_free(const struct read_run *run) {
    return READ_GROUP_PIECES - (size_t)(run->end - run->first);
}

static bool read_run_is_young(const struct read_run *run) {
    return mono_now().ns < run->joinable_until.ns;
}

/* Its beginning is kept for others as long as there is room for what follows. */
static bool read_run_may_be_joined(const struct read_group *group, const struct read_run *run) {
    bool has_room = read_run_n_free(run) > 0 && !source_scan_is_tree(run->scan);
    return run->first == 0 && read_group_is_for_more(group, run->n_joined) &&
           (has_room || read_run_is_young(run));
}

/* Gives back the pieces that nobody needs any more. */
static void read_run_release(const struct read_group *group, struct read_run *run) {
    uint64_t needed = run->end;
    const struct read_member *member;
    DL_FOREACH(run->members, member) {
        if (member->at < needed)
            needed = member->at;
    }
    if (run->first == needed || read_run_may_be_joined(group, run))
        return;
    for (; run->first < needed; run->first++)
        read_piece_clear(run, &run->pieces[run->first % READ_GROUP_PIECES]);
}

static void read_run_sleep(struct read_group *group, struct read_run *run, int64_t ms) {
    mono_time until = mono_add_ms(mono_now(), ms);
    struct timespec deadline = {.tv_sec = until.ns / NS_PER_S, .tv_nsec = until.ns % NS_PER_S};
    pthread_cond_timedwait(&run->changed, &group->lock, &deadline);
}

/* --- members --- */

static bool read_member_is_stopped(const struct read_member *member) {
    return member->how.stop && *member->how.stop;
}

static void read_member_remove(struct read_member *member) {
    struct read_run *run = member->run;
    DL_DELETE(run->members, member);
    member->run = NULL;
    if (!run->members)
        read_run_free(member->group, run);
    else if (run->is_held)
        pthread_cond_broadcast(&run->changed);
}

/* From here on alone. If it is at the end, nobody reads. */
static void read_member_part(struct read_member *member) {
    const struct read_run *run = member->run;
    const struct read_piece *next = &run->pieces[member->at % READ_GROUP_PIECES];
    bool is_at_scan = member->at == run->end && !run->is_failed;
    member->place = is_at_scan ? source_place_of(run->scan) : source_place_copy(next->before);
    read_member_remove(member);
}

static bool read_member_is_starved(const struct read_member *member) {
    return !member->how.is_starved || member->how.is_starved(member->how.context);
}

/* Since then somebody has had nothing to do because of those who are last. */
static void read_run_charge_last(struct read_run *run, mono_time since) {
    struct read_member *member, *next;
    mono_time now = mono_now();
    int64_t ns = now.ns - (since.ns > run->charged_until.ns ? since : run->charged_until).ns;
    run->charged_until = now;
    DL_FOREACH_SAFE(run->members, member, next) {
        if (member->at > run->first)
            continue;
        member->held_ns += ns;
        if (member->held_ns >= READ_GROUP_HOLD_MS * NS_PER_MS && !member->is_asleep)
            read_member_part(member);
    }
}

/* Sleeps while the run has no room. */
static void read_member_sleep_held(struct read_member *member) {
    struct read_run *run = member->run;
    mono_time start = mono_now();
    read_run_sleep(member->group, run, ROOM_TICK_MS);
    if (run->is_held && read_run_n_free(run) == 0 && read_member_is_starved(member))
        read_run_charge_last(run, start);
}

/* Whether there is room for one more piece; false: it was stopped. */
static bool read_member_await_room(struct read_member *member) {
    struct read_group *group = member->group;
    struct read_run *run = member->run;
    read_run_release(group, run);
    run->is_held = read_run_n_free(run) == 0;
    while (run->is_held && !read_member_is_stopped(member)) {
        read_member_sleep_held(member);
        read_run_release(group, run);
        run->is_held = read_run_n_free(run) == 0;
    }
    bool is_stopped = run->is_held;
    run->is_held = false;
    return !is_stopped;
}

/* The next piece, with the lock left meanwhile. Returns as source_scan_read(). */
static int read_member_read_piece(struct read_member *member, struct read_piece *piece) {
    struct read_run *run = member->run;
    struct read_chunk *chunk = run->n_spare > 0 ? run->spare[--run->n_spare] : NULL;
    pthread_mutex_unlock(&member->group->lock);
    source_place_free(piece->before);
    piece->before = source_place_of(run->scan);
    if (!chunk)
        chunk = source_scan_chunk(run->scan, run->capacity);
    int r = chunk && piece->before
                ? source_scan_read(run->scan, chunk, run->capacity, member->how.source)
                : SCAN_FAILED;
    pthread_mutex_lock(&member->group->lock);
    if (chunk)
        chunk->n_users = 1;
    if (r == 0)
        piece->chunk = chunk;
    else
        read_chunk_drop(run, chunk);
    return r;
}

/* READ_STOPPED or 0: then there is one more, or the run has failed. */
static int read_member_read(struct read_member *member) {
    struct read_run *run = member->run;
    run->is_reading = true;
    int r = SCAN_STOPPED;
    if (read_member_await_room(member))
        r = read_member_read_piece(member, &run->pieces[run->end % READ_GROUP_PIECES]);
    if (r == 0)
        run->end++;
    run->is_failed = r == SCAN_FAILED;
    run->is_reading = false;
    if (run->n_asleep > 0)
        pthread_cond_broadcast(&run->changed);
    return r == SCAN_STOPPED ? READ_STOPPED : 0;
}

/* Its next piece, which is in memory. */
static void read_member_take(struct read_member *member) {
    struct read_run *run = member->run;
    member->chunk = run->pieces[member->at % READ_GROUP_PIECES].chunk;
    member->chunk->n_users++;
    member->n_given = 0;
    member->at++;
    read_run_release(member->group, run);
    if (run->is_held && read_run_n_free(run) >= PIECES_PER_WAKE)
        pthread_cond_broadcast(&run->changed);
}

static void read_member_put_down(struct read_member *member) {
    read_chunk_drop(member->run, member->chunk);
    member->chunk = NULL;
}

/* At the end of what was read: whether there is no sense in reading on together. */
static bool read_member_is_better_alone(const struct read_member *member) {
    const struct read_run *run = member->run;
    bool is_only_one = run->members == member && !member->next;
    return run->is_failed || (is_only_one && !read_run_may_be_joined(member->group, run));
}

/* Somebody reads it, or waits for room, perhaps with a recipient who is stopped. */
static void read_member_await_piece(struct read_member *member) {
    struct read_run *run = member->run;
    run->n_asleep++;
    member->is_asleep = true;
    if (run->is_held)
        read_member_sleep_held(member);
    else
        read_run_sleep(member->group, run, READING_TICK_MS);
    member->is_asleep = false;
    run->n_asleep--;
}

/* Until its next piece is in memory: 0, or as read_member_next. */
static int read_member_get_piece(struct read_member *member) {
    while (member->run && member->at == member->run->end) {
        int r = 0;
        if (read_member_is_stopped(member))
            return READ_STOPPED;
        if (member->run->is_reading)
            read_member_await_piece(member);
        else if (read_member_is_better_alone(member))
            read_member_part(member);
        else
            r = read_member_read(member);
        if (r != 0)
            return r;
    }
    return member->run ? 0 : READ_ALONE;
}

/* The chunk that follows is in hand: 0, or as read_member_next. */
static int read_member_turn(struct read_member *member) {
    pthread_mutex_lock(&member->group->lock);
    read_member_put_down(member);
    int r = read_member_get_piece(member);
    if (r == 0)
        read_member_take(member);
    pthread_mutex_unlock(&member->group->lock);
    return r;
}

int read_member_next(struct read_member *member, const struct read_entry **entry) {
    bool has_more = member->chunk && member->n_given < member->chunk->n_entries;
    int r = has_more ? 0 : read_member_turn(member);
    if (r == 0)
        *entry = &member->chunk->entries[member->n_given++];
    return r;
}

struct source_place *read_member_place(const struct read_member *member) {
    return member->place;
}

void read_member_leave(struct read_member *member) {
    if (!member)
        return;
    pthread_mutex_lock(&member->group->lock);
    read_member_put_down(member);
    if (member->run)
        read_member_remove(member);
    pthread_mutex_unlock(&member->group->lock);
    source_place_free(member->place);
    free(member);
}

/* --- joining --- */

static bool read_run_is_open_to(const struct read_group *group, const struct read_run *run,
                                const struct read_joining *how) {
    return !run->is_failed && run->capacity == how->capacity && run->first == 0 &&
           (read_run_is_young(run) || !source_scan_is_tree(run->scan)) &&
           source_scan_serves(run->scan, run->members->how.source, how->source) &&
           read_group_is_for_more(group, 1);
}

/* One that has just begun, or a new one. */
static struct read_run *read_run_to_join(struct read_group *group, const struct read_joining *how) {
    struct read_run *run;
    unsigned n_runs = 0;
    DL_FOREACH(group->runs, run) {
        n_runs++;
        if (read_run_is_open_to(group, run, how))
            return run;
    }
    if (n_runs == READ_GROUP_RUNS_MAX || !read_group_is_for_more(group, 1))
        return NULL;
    return read_run_new(group, how);
}

struct read_member *read_group_join(struct read_group *group, const struct read_joining *how) {
    struct read_member *member = group ? calloc(1, sizeof *member) : NULL;
    if (!member)
        return NULL;
    member->group = group;
    member->how = *how;
    pthread_mutex_lock(&group->lock);
    member->run = read_run_to_join(group, how);
    if (member->run) {
        DL_APPEND(member->run->members, member);
        member->run->n_joined++;
    }
    pthread_mutex_unlock(&group->lock);
    if (!member->run) {
        free(member);
        return NULL;
    }
    return member;
}
