#include "io/tell.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/timerfd.h>

#include "base/log.h"

static const char *const kind_texts[TELL_KIND_END] = {
    [TELL_STRANGER] = "false HELLOs",
    [TELL_REFUSED] = "refused joins",
    [TELL_DIED] = "clients that died in the handshake",
    [TELL_REJECTED] = "frames that break the protocol",
    [TELL_MAILBOX] = "sessions whose mailbox was gone",
    [TELL_LANE] = "lanes that were removed",
};

/* One uid and kind; free when `began` is 0. The last entry of a kind stands for everybody else. */
struct entry {
    uid_t uid;
    enum tell_kind kind;
    mono_time began; /* of its minute */
    unsigned long n_left_out;
};

static struct {
    pthread_mutex_t guard;
    int timer_fd;
    bool is_armed;
    struct entry entries[TELL_ENTRIES_MAX];
    struct entry others[TELL_KIND_END];
} tell = {.guard = PTHREAD_MUTEX_INITIALIZER, .timer_fd = -1};

void tell_init(int timer_fd) {
    tell.timer_fd = timer_fd;
}

static bool entry_is_over(const struct entry *entry, mono_time now) {
    return now.ns - entry->began.ns >= TELL_EVERY_MS * NS_PER_MS;
}

static size_t entry_place(enum tell_kind kind, uid_t uid) {
    return (uid * UINT32_C(2654435761) + (unsigned)kind * UINT32_C(40503)) % TELL_ENTRIES_MAX;
}

/*
 * Its entry, or the one to be made; NULL when all are taken. An entry whose minute is over and that
 * owes nothing is as good as none, so nothing has to be deleted.
 */
static struct entry *find_entry(enum tell_kind kind, uid_t uid, mono_time now) {
    struct entry *unused = NULL;
    size_t place = entry_place(kind, uid);
    for (size_t i = 0; i < TELL_ENTRIES_MAX; i++) {
        struct entry *entry = &tell.entries[(place + i) % TELL_ENTRIES_MAX];
        if (entry->began.ns != 0 && entry->kind == kind && entry->uid == uid)
            return entry;
        bool is_unused =
            entry->began.ns == 0 || (entry->n_left_out == 0 && entry_is_over(entry, now));
        if (is_unused && !unused)
            unused = entry;
        if (entry->began.ns == 0)
            break; /* nothing was ever put behind it */
    }
    if (unused)
        *unused = (struct entry){.uid = uid, .kind = kind};
    return unused;
}

static void write_left_out(struct entry *entry, bool is_others) {
    if (entry->n_left_out == 0)
        return;
    if (is_others)
        log_warning("%lu more lines about %s of other users", entry->n_left_out,
                    kind_texts[entry->kind]);
    else if (entry->uid == TELL_NOBODY)
        log_warning("%lu more %s", entry->n_left_out, kind_texts[entry->kind]);
    else
        log_warning("uid %u: %lu more %s", entry->uid, entry->n_left_out, kind_texts[entry->kind]);
    entry->n_left_out = 0;
}

/* Once for all that is owed: an idle hub is woken once. */
static void tell_arm(void) {
    struct itimerspec when = {.it_value = {.tv_sec = TELL_EVERY_MS / 1000}};
    if (tell.is_armed || tell.timer_fd < 0)
        return;
    tell.is_armed = timerfd_settime(tell.timer_fd, 0, &when, NULL) == 0;
}

bool tell_may_at(enum tell_kind kind, uid_t uid, mono_time now) {
    pthread_mutex_lock(&tell.guard);
    struct entry *entry = find_entry(kind, uid, now);
    bool is_others = !entry;
    if (is_others) {
        entry = &tell.others[kind];
        entry->kind = kind;
    }
    bool may = !is_others && (entry->began.ns == 0 || entry_is_over(entry, now));
    if (may) {
        write_left_out(entry, false);
        entry->began = now;
    } else {
        entry->n_left_out++;
        tell_arm();
    }
    pthread_mutex_unlock(&tell.guard);
    return may;
}

/* Who is told of here begins another minute. */
static void entry_settle(struct entry *entry, bool is_others, mono_time now) {
    if (entry->n_left_out > 0)
        entry->began = now;
    write_left_out(entry, is_others);
}

void tell_rest_at(mono_time now) {
    pthread_mutex_lock(&tell.guard);
    tell.is_armed = false;
    for (size_t i = 0; i < TELL_ENTRIES_MAX; i++)
        entry_settle(&tell.entries[i], false, now);
    for (size_t i = 0; i < TELL_KIND_END; i++)
        entry_settle(&tell.others[i], true, now);
    pthread_mutex_unlock(&tell.guard);
}

bool tell_may(enum tell_kind kind, uid_t uid) {
    return tell_may_at(kind, uid, mono_now());
}

void tell_rest(void) {
    tell_rest_at(mono_now());
}
