#include "harness/cast.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/cast_member.h"
#include "harness/check.h"
#include "harness/user.h"

#define START_MS 60000

const char *cast_handle(int who) {
    static const char *const handles[CAST_N] = {"sender-0", "sender-1", "sender-2", "sender-3",
                                                "reader-0", "reader-1", "reader-2", "reader-3",
                                                "mover-0",  "mover-1"};
    return handles[who];
}

bool cast_is_member(int reader) {
    return reader == 0 || reader == 3;
}

unsigned long cast_mended(unsigned long number, bool *removes) {
    *removes = number % 8 == 6;
    if (number % 8 == 5)
        return number - 1;
    return *removes ? number - CAST_MENDED_AFTER : 0;
}

unsigned long cast_answered(unsigned long number) {
    return number % 8 == 2 ? number - 1 : number % 8 == 7 ? number - CAST_ANSWERED_AFTER : 0;
}

/* Mostly a line, sometimes more than a batch; each size and letter follows from the number. */
size_t cast_text(char text[CAST_TEXT_MAX], int sender, unsigned long number) {
    unsigned long mixed = (number + (unsigned long)sender) * 2654435761UL % 4294967296UL;
    size_t n = mixed % 61 == 0 ? mixed / 61 % (CAST_TEXT_MAX - 100) : mixed / 61 % 150;
    int head = snprintf(text, CAST_TEXT_MAX, "%lu ", number);
    memset(text + head, 'a' + (int)(mixed % 26), n);
    return (size_t)head + n;
}

struct cast_part {
    struct cast_talk *talk;
    int who;
};

static int cast_play(void *arg) {
    const struct cast_part *part = arg;
    if (part->who < CAST_SENDERS)
        return cast_sender(part->talk, part->who);
    if (part->who < CAST_TALKERS)
        return cast_reader(part->talk, part->who);
    return cast_mover(part->talk, part->who);
}

static void cast_start_one(struct cast *cast, int who) {
    struct cast_part part = {cast->talk, who};
    cast->pids[who] = user_start(cast->talk->uids[who], cast_play, &part);
}

static bool cast_all_ready(void *arg) {
    struct cast *cast = arg;
    for (int who = 0; who < CAST_N; who++)
        if (!atomic_load(&cast->talk->ready[who]))
            return false;
    return true;
}

static bool cast_readers_ready(void *arg) {
    struct cast *cast = arg;
    for (int who = CAST_SENDERS; who < CAST_N; who++)
        if (!atomic_load(&cast->talk->ready[who]))
            return false;
    return true;
}

bool cast_start(struct cast *cast, const char *dir, const char *books, const uid_t uids[2],
                unsigned seed) {
    *cast = (struct cast){.talk = check_shared(sizeof *cast->talk)};
    struct cast_talk *talk = cast->talk;
    snprintf(talk->dir, sizeof talk->dir, "%s", dir);
    snprintf(talk->books, sizeof talk->books, "%s", books);
    talk->seed = seed;
    for (int who = 0; who < CAST_N; who++)
        talk->uids[who] = uids[who % 2];
    for (int who = CAST_SENDERS; who < CAST_N; who++)
        cast_start_one(cast, who);
    bool ok = check_until(cast_readers_ready, cast, START_MS);
    for (int who = 0; who < CAST_SENDERS; who++)
        cast_start_one(cast, who);
    return ok && check_until(cast_all_ready, cast, START_MS) &&
           cast_keep_talking(cast, 100, START_MS);
}

void cast_restart(struct cast *cast, int who) {
    user_kill(cast->pids[who]);
    cast_start_one(cast, who);
}

void cast_look_after(struct cast *cast) {
    for (int who = 0; who < CAST_N; who++) {
        if (waitpid(cast->pids[who], NULL, WNOHANG) != cast->pids[who])
            continue;
        check_note("%s has ended by itself: %s", cast_handle(who), cast->talk->error[who]);
        cast->n_fallen++;
        cast_start_one(cast, who);
    }
}

struct cast_goal {
    struct cast_talk *talk;
    unsigned long n_acked, n_read;
};

static bool cast_reached(void *arg) {
    const struct cast_goal *goal = arg;
    return atomic_load(&goal->talk->n_acked) >= goal->n_acked &&
           atomic_load(&goal->talk->n_read) >= goal->n_read;
}

static void cast_tell_errors(const struct cast *cast) {
    for (int who = 0; who < CAST_N; who++)
        if (cast->talk->error[who][0])
            check_note("%s, last: %s", cast_handle(who), cast->talk->error[who]);
}

bool cast_keep_talking(struct cast *cast, unsigned long n, int ms) {
    struct cast_talk *talk = cast->talk;
    struct cast_goal goal = {talk, atomic_load(&talk->n_acked) + n, atomic_load(&talk->n_read) + n};
    if (check_until(cast_reached, &goal, ms))
        return true;
    check_note("too quiet: sent %lu, acknowledged %lu, read %lu, refused %lu",
               atomic_load(&talk->n_sent), atomic_load(&talk->n_acked), atomic_load(&talk->n_read),
               atomic_load(&talk->n_refused));
    cast_tell_errors(cast);
    cast_look_after(cast);
    return false;
}

static bool cast_end_one(struct cast *cast, int who, int ms) {
    int code = user_wait(cast->pids[who], ms);
    if (code != 0)
        check_note("%s does not come to an end (%d): %s", cast_handle(who), code,
                   cast->talk->error[who]);
    cast->pids[who] = 0;
    return code == 0;
}

bool cast_finish(struct cast *cast, int ms) {
    bool ok = true;
    atomic_store(&cast->talk->stop, true);
    for (int who = 0; who < CAST_N; who++)
        ok = cast_end_one(cast, who, ok ? ms : 1000) && ok;
    if (atomic_load(&cast->talk->n_refused) > 0)
        cast_tell_errors(cast);
    return ok;
}

bool cast_check_moves(struct cast *cast, int ms) {
    struct cast_talk *talk = cast->talk;
    unsigned long before = atomic_load(&talk->n_compared);
    bool ok = true;
    for (int who = CAST_TALKERS; who < CAST_N; who++) {
        cast_start_one(cast, who);
        ok = cast_end_one(cast, who, ms) && ok;
    }
    check_note("%lu changes were DONE, and looked at %lu times", atomic_load(&talk->n_moved),
               atomic_load(&talk->n_compared));
    ok = check(ok && atomic_load(&talk->n_compared) >= before + CAST_MOVERS,
               "what was changed can be looked at after the last start");
    check_note("%lu times an invitation had to be there; what is claimed was given %lu times",
               atomic_load(&talk->n_invited), atomic_load(&talk->n_held));
    check_note("%lu times something laid on somebody had to be there, %lu times a conversation of "
               "several",
               atomic_load(&talk->n_orders), atomic_load(&talk->n_direct));
    ok &= check(atomic_load(&talk->n_held) >= CAST_SENDERS && atomic_load(&talk->n_held_twice) == 0,
                "each has had it, and never two at the same time (%lu times)",
                atomic_load(&talk->n_held_twice));
    return check(atomic_load(&talk->n_moved) > 0 && atomic_load(&talk->n_broken) == 0,
                 "what was DONE was always so afterwards (%lu times not)",
                 atomic_load(&talk->n_broken)) &&
           ok;
}
