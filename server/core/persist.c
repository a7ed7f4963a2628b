#include "core/persist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

/* Positions. */

void persist_position(struct core *core, struct handle *handle) {
    if (!core->config.durable || handle->is_moved)
        return;
    handle->is_moved = true;
    DL_APPEND2(core->persist.moved, handle, prev_moved, next_moved);
    if (core->positions_due.ns == 0)
        core->positions_due = mono_add_ms(core->now, POSITIONS_DELAY_MS);
}

void persist_tick(struct core *core) {
    core->positions_due.ns = 0;
    core->persist.flush_positions = true;
}

/* Numbers of messages. */

void persist_init(struct core *core) {
    core->persist.taken = core->persist.committed = core->seq;
    core->persist.seq_limit = core->persist.seq_stored = core->seq;
    log_init(&core->log, core->seq + 1);
}

void persist_deinit(struct core *core) {
    free(core->persist.repeats);
    log_deinit(&core->log);
}

void core_restore_seq(struct core *core, uint64_t seq_limit) {
    core->seq = seq_limit;
    log_deinit(&core->log);
    persist_init(core);
}

uint64_t core_last_seq(const struct core *core) {
    return core->seq;
}

/* Messages. */

/*
 * While others store something, too, a user may have less waiting for the disk: what he has waiting
 * goes in one commit with theirs, and they wait for all of it, and for all of the commit before it.
 * This is about a hundred short messages, which SQLite writes in about the time of a sync. But who
 * only talks must not wait for a disk that takes long: for each turn that it lets a commit wait, or
 * is at one, he may have as much once more, which is more than people and programs say, unless they
 * flood.
 */
#define STORING_SHARED_BYTES ((uint64_t)16 * 1024)
#define STORING_SHARED_MS 1000
/* And so much that a full disk could not take. */
#define STORING_UNSTORED_BYTES ((uint64_t)128 * 1024)
/*
 * Who has as much waiting as he may is read later, but not never: what he reads is told through the
 * same lanes. So on a disk that hangs what waits would grow for ever. With twice as much more is
 * refused; then his lanes are read as always, for nothing waits any more.
 *
 * What a full disk could not take does not wait in this sense: messages are refused, changes hold
 * for now and are tried again; and these have a bound of their own.
 */
#define STORING_REFUSED_TIMES 2

static bool is_disk_shared(const struct core *core) {
    mono_time at = core->persist.shared_at;
    return at.ns != 0 && mono_add_ms(at, STORING_SHARED_MS).ns > core->now.ns;
}

void persist_charge(struct core *core, struct user *user, size_t n) {
    struct persist *persist = &core->persist;
    if (persist->uncommitted == 0)
        persist->waits_since = core->now;
    account_spend(&user->account, ACCOUNT_STORING, n);
    persist->uncommitted += n;
}

void persist_note_storing(struct core *core, const struct user *user) {
    struct persist *persist = &core->persist;
    if (persist->last_storing && persist->last_storing != user)
        persist->shared_at = core->now;
    persist->last_storing = user;
}

/* What the store could not take is tried again, but nothing waits for it. */
static uint64_t storing_waits(const struct user *user) {
    return user->account.used[ACCOUNT_STORING] - user->unstored;
}

static uint64_t storing_refused_from(const struct core *core) {
    return STORING_REFUSED_TIMES * core->limits.max[ACCOUNT_STORING];
}

static uint64_t storing_shared_max(const struct core *core) {
    int64_t ns = core->now.ns - core->persist.waits_since.ns;
    int64_t n_turns = ns / (CORE_DISK_TURN_MS * NS_PER_MS);
    return STORING_SHARED_BYTES * (uint64_t)(n_turns > 0 ? n_turns + 1 : 1);
}

bool core_awaits_disk(const struct core *core, const struct user *user) {
    uint64_t waits = storing_waits(user), max = core->limits.max[ACCOUNT_STORING];
    if (waits >= storing_refused_from(core))
        return false;
    if (is_disk_shared(core) && waits >= storing_shared_max(core))
        return true;
    return waits >= max || (core->persist.uncommitted >= UNCOMMITTED_MAX && waits >= max / 32);
}

bool persist_may_wait(const struct core *core, struct user *user, char reason[256]) {
    if (!core->config.durable || storing_waits(user) < storing_refused_from(core))
        return true;
    account_refuse(&user->account, ACCOUNT_STORING, reason);
    return false;
}

bool persist_may_change(const struct core *core, struct user *user, char reason[256]) {
    const char *trouble = core->persist.trouble;
    uint64_t used = user->account.used[ACCOUNT_STORING];
    if (!trouble || used < STORING_UNSTORED_BYTES)
        return persist_may_wait(core, user, reason);
    user->account.n_refused[ACCOUNT_STORING]++;
    snprintf(reason, 256,
             "%s, and %" PRIu64
             " bytes of uid %u wait to be stored already: no more can be changed "
             "until there is room; try again later",
             trouble, used, user->uid);
    return false;
}

/*
 * Marks. Each costs a row, which is charged until it is taken; whoever has many of them does not
 * wait for them any longer, because he would be read later meanwhile.
 */
#define MARK_ROW_BYTES 128

void persist_mark(struct core *core, struct read_mark *mark) {
    struct user *user = mark->owner->user;
    if (!core->config.durable || mark->is_moved)
        return;
    mark->is_moved = true;
    DL_APPEND2(core->persist.moved_marks, mark, prev_moved, next_moved);
    account_spend(&user->account, ACCOUNT_STORING, MARK_ROW_BYTES);
    core->persist.uncommitted += MARK_ROW_BYTES;
    persist_note_storing(core, user);
    core->persist.flush_positions |= storing_waits(user) >= STORING_SHARED_BYTES / 2;
    if (core->positions_due.ns == 0)
        core->positions_due = mono_add_ms(core->now, POSITIONS_DELAY_MS);
}

void persist_no_mark(struct core *core, struct read_mark *mark) {
    if (!mark->is_moved)
        return;
    mark->is_moved = false;
    DL_DELETE2(core->persist.moved_marks, mark, prev_moved, next_moved);
    account_give_back(&mark->owner->user->account, ACCOUNT_STORING, MARK_ROW_BYTES);
    core->persist.uncommitted -= MARK_ROW_BYTES;
}

/* Of messages that go in a row many are of the same two. */
struct gone {
    struct core *core;
    struct handle *to, *from;
};

static struct handle *gone_handle(struct core *core, struct handle *last, uint32_t number) {
    return last && last->number == number ? last : handle_of_number(core, number);
}

static void note_lost_room(struct core *core, struct room *room, uint64_t seq) {
    room->lost = seq;
    if (room_is_alive(room) || room->is_lost)
        return;
    room->is_lost = true; /* somebody may be using it just now */
    DL_APPEND2(core->lost_rooms, room, prev_lost, next_lost);
}

static void note_gone(void *arg, const struct log_entry *entry) {
    struct gone *gone = arg;
    const struct record *record = &entry->record;
    bool is_of_room = conv_is_room(record->conv);
    struct room *room = is_of_room ? room_of_number(gone->core, record->to) : NULL;
    if (room)
        note_lost_room(gone->core, room, record->seq);
    if (is_of_room)
        return;
    gone->to = gone_handle(gone->core, gone->to, record->to);
    gone->from = gone_handle(gone->core, gone->from, record->from);
    if (gone->to)
        gone->to->lost_to = record->seq;
    if (gone->from)
        gone->from->lost_from = record->seq;
}

void persist_trim(struct core *core) {
    struct gone gone = {.core = core};
    log_trim(&core->log, core->persist.committed, core->config.log_bytes_max,
             core->config.durable ? NULL : note_gone, &gone);
}

/*
 * The ids of one user are sorted in the database. Those that begin with the time at which they were
 * made, as the library's do, stand beside each other there; any other one is a page of its own to
 * be written, however short the message.
 */
#define ID_NEAR_MS 2000
#define ID_FAR_BYTES 4096
/* What mends another message changes that one, and its words in both indexes, too. */
#define MEND_BYTES 16384

size_t persist_cost(const struct log_entry *entry) {
    int64_t off_ms = uuid_ms(&entry->record.id) - (int64_t)entry->record.at_ms;
    bool is_near = off_ms > -ID_NEAR_MS && off_ms < ID_NEAR_MS;
    return entry->size + (is_near ? 0 : ID_FAR_BYTES) +
           (mend_is(entry->record.kind) ? MEND_BYTES : 0);
}

struct log_entry *persist_message(struct core *core, const struct session *session,
                                  const struct record *record, unsigned ack_flags) {
    struct log_entry *entry = log_append(&core->log, record);
    if (!entry)
        return NULL;
    entry->session = session->number;
    entry->ack_flags = (uint8_t)ack_flags;
    if (core->config.durable) {
        persist_charge(core, session->user, persist_cost(entry));
        persist_note_storing(core, session->user);
    } else {
        core->persist.taken = core->persist.committed = record->seq;
    }
    persist_trim(core);
    return entry;
}

/* It is answered after what was sent before it: the acknowledgement covers that, too. */
bool persist_repeat(struct core *core, const struct session *session, const struct uuid *id,
                    uint64_t seq, uint64_t after, unsigned flags) {
    struct persist *persist = &core->persist;
    if (persist->n_repeats == persist->repeats_size) {
        size_t size = persist->repeats_size ? 2 * persist->repeats_size : 64;
        struct repeat *repeats = realloc(persist->repeats, size * sizeof *repeats);
        if (!repeats)
            return false; /* no acknowledgement: it will be sent again */
        persist->repeats = repeats;
        persist->repeats_size = size;
    }
    persist->repeats[persist->n_repeats++] =
        (struct repeat){session->number, seq, after, *id, session->user->uid, (uint8_t)flags};
    persist_charge(core, session->user, sizeof(struct repeat));
    return true;
}

bool persist_may_number(const struct core *core) {
    return core->seq < (core->config.durable ? core->persist.seq_stored : SEQ_MAX);
}
