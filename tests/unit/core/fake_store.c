#include "unit/core/fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "core/past/reacted.h"
#include "proto/mend.h"

#define WALL_MS INT64_C(1700000000000)

struct fake_store fake;

static struct commit commit;
static bool is_committing, is_failing;

/* Writing. */

static enum stored find_stored(void *arg, const struct record *like, uint64_t *seq) {
    (void)arg;
    for (size_t i = 0; i < fake.n_messages; i++) {
        const struct record *found = &fake.messages[i];
        if (found->uid != like->uid || !uuid_equal(&found->id, &like->id))
            continue;
        *seq = found->seq;
        return record_is_same(found, like) ? STORED_SAME : STORED_OTHER;
    }
    return STORED_NOTHING;
}

static struct record *stored_message(uint32_t uid, const struct uuid *id) {
    for (size_t i = 0; i < fake.n_messages; i++)
        if (fake.messages[i].uid == uid && uuid_equal(&fake.messages[i].id, id))
            return &fake.messages[i];
    return NULL;
}

bool fake_find(struct record *record) {
    const struct record *found = stored_message(record->uid, &record->id);
    if (found)
        *record = *found;
    record->text = (struct bytes){0};
    return found != NULL;
}

/* As storage_find_target(). */
void fake_find_target(const struct record *like, struct core_target *target) {
    *target = (struct core_target){.record = *like, .conv = like->conv};
    if (!uuid_is_nil(&like->id) && fake_find(&target->record))
        target->conv = target->record.conv;
    else
        target->record.seq = 0;
    for (size_t i = 0; i < fake.n_messages && target->conv; i++)
        if (fake.messages[i].conv == target->conv && fake.messages[i].n > 0)
            target->last_n = fake.messages[i].n;
}

static void set_text(struct record *record, struct bytes text) {
    char *copy = own_memory(NULL, text.n + 1);
    if (text.n > 0)
        memcpy(copy, text.data, text.n);
    free((char *)record->text.data);
    record->text = (struct bytes){copy, text.n};
}

static void react_to_message(const struct record *by) {
    struct reaction reaction;
    struct reacted before;
    if (!reaction_take(&reaction, by->text))
        return;
    struct record *target = stored_message(reaction.uid, &by->reply_to);
    if (!target || target->conv != by->conv || (target->flags & RECORD_REMOVED) ||
        reacted_find(target->reactions, reaction.emoji, by->uid, &before) == reaction.on)
        return;
    char *text = own_memory(NULL, target->reactions.n + REACTED_LINE_MAX);
    struct reacted reacted = {reaction.emoji, by->uid, by->from, by->seq};
    size_t n = reaction.on ? reacted_add(text, target->reactions, &reacted)
                           : reacted_remove(text, target->reactions, reaction.emoji, by->uid);
    free((char *)target->reactions.data);
    target->reactions = (struct bytes){text, n};
}

/* As store/mend.c. Edits before the last one are passed over wherever they are read. */
static void mend_message(const struct record *by) {
    struct mend_removal removal = {.uid = by->uid};
    if (by->kind == KIND_REACT) {
        react_to_message(by);
        return;
    }
    if (by->kind == KIND_REMOVE && !mend_removal_take(&removal, by->text))
        return;
    struct record *target = stored_message(removal.uid, &by->reply_to);
    if (!target || target->conv != by->conv || (target->flags & RECORD_REMOVED))
        return;
    for (size_t i = 0; i + 1 < fake.n_messages; i++) {
        struct record *edit = &fake.messages[i];
        if (mend_is(edit->kind) && edit->uid == by->uid &&
            uuid_equal(&edit->reply_to, &by->reply_to)) {
            set_text(edit, (struct bytes){0});
            edit->flags |= RECORD_PAST;
            edit->conv = 0;
        }
    }
    set_text(target, by->kind == KIND_REMOVE ? (struct bytes){0} : by->text);
    target->flags |= by->kind == KIND_REMOVE ? RECORD_REMOVED : RECORD_EDITED;
    if (by->kind == KIND_REMOVE)
        target->link = by->from;
}

static void put_message(const struct record *record) {
    uint64_t first = 0;
    enum stored known = find_stored(NULL, record, &first);
    if (known != STORED_NOTHING) {
        cr_assert_eq(commit_judge(&commit, record->seq, known == STORED_SAME ? first : 0), 0);
        return;
    }
    if (fake.n_messages > 0)
        cr_assert_gt(record->seq, fake.messages[fake.n_messages - 1].seq, "ascending");
    fake.messages = own_memory(fake.messages, (fake.n_messages + 1) * sizeof *fake.messages);
    char *text = own_memory(NULL, record->text.n + 1);
    memcpy(text, record->text.data, record->text.n);
    fake.messages[fake.n_messages] = *record;
    fake.messages[fake.n_messages++].text.data = text;
    if (mend_is(record->kind))
        mend_message(record);
}

static bool is_same(const struct change *a, const struct change *b) {
    if (a->what != b->what)
        return false;
    switch (a->what) {
    case CHANGE_HANDLE:
        return a->handle == b->handle;
    case CHANGE_ROOM:
        return a->room == b->room;
    case CHANGE_FORGET:
    case CHANGE_MARK:
        return a->handle == b->handle && a->conv == b->conv;
    case CHANGE_SANCTION:
        return a->uid == b->uid && a->sanction == b->sanction;
    case CHANGE_ROOM_ORDER:
        return a->room == b->room && a->uid == b->uid && a->sanction == b->sanction;
    case CHANGE_PIN:
        return a->handle == b->handle && a->seq == b->seq;
    default:
        return a->handle == b->handle && a->room == b->room;
    }
}

static void put_row(struct change *rows, size_t *n, size_t max, const struct change *change) {
    size_t at = 0;
    while (at < *n && !is_same(&rows[at], change))
        at++;
    cr_assert_lt(at, max);
    if (at < *n)
        free(rows[at].topic);
    *n += at == *n;
    rows[at] = *change;
    rows[at].topic = NULL;
    if (change->topic) {
        rows[at].topic = own_memory(NULL, strlen(change->topic) + 1);
        memcpy(rows[at].topic, change->topic, strlen(change->topic) + 1);
    }
}

static void remove_row(struct change *rows, size_t *n, const struct change *change) {
    for (size_t at = 0; at < *n; at++)
        if (is_same(&rows[at], change)) {
            free(rows[at].topic);
            rows[at] = rows[--*n];
            return;
        }
}

static bool has_room(uint32_t number) {
    for (size_t i = 0; i < fake.n_rooms; i++)
        if (fake.rooms[i].room == number)
            return true;
    return false;
}

static bool has_handle(uint32_t number) {
    for (size_t i = 0; i < fake.n_handles; i++)
        if (fake.handles[i].handle == number)
            return true;
    return false;
}

/* What it says is there is there. */
static void check_rows(void) {
    for (size_t i = 0; i < fake.n_members; i++) {
        cr_assert(has_room(fake.members[i].room), "a member of no room");
        cr_assert(has_handle(fake.members[i].handle), "a member that is nobody");
    }
    for (size_t i = 0; i < fake.n_messages; i++) {
        const struct record *record = &fake.messages[i];
        bool to_room = conv_is_room(record->conv);
        cr_assert(has_handle(record->from), "a message of nobody");
        cr_assert(to_room ? has_room(record->to) : has_handle(record->to), "a message to nobody");
    }
}

static void empty_room(uint32_t room) {
    for (size_t i = 0; i < fake.n_members;)
        if (fake.members[i].room == room)
            fake.members[i] = fake.members[--fake.n_members];
        else
            i++;
    for (size_t i = 0; i < fake.n_admissions;)
        if (fake.admissions[i].room == room)
            fake.admissions[i] = fake.admissions[--fake.n_admissions];
        else
            i++;
    for (size_t i = 0; i < fake.n_pins;)
        if (fake.pins[i].handle == 0 && fake.pins[i].conv == conv_of_room(room))
            fake.pins[i] = fake.pins[--fake.n_pins];
        else
            i++;
    for (size_t i = 0; i < fake.n_orders;)
        if (fake.orders[i].room == room) {
            free(fake.orders[i].topic);
            fake.orders[i] = fake.orders[--fake.n_orders];
        } else {
            i++;
        }
}

static void remove_room(const struct change *change) {
    struct change like = *change;
    for (size_t i = 0; i < fake.n_messages; i++)
        cr_assert_neq(fake.messages[i].conv, conv_of_room(change->room), "it has a past");
    like.what = CHANGE_ROOM;
    remove_row(fake.rooms, &fake.n_rooms, &like);
    empty_room(change->room);
}

static void put_change(const struct change *change) {
    struct change like = *change;
    fake.n_rows++;
    switch (change->what) {
    case CHANGE_HANDLE:
        put_row(fake.handles, &fake.n_handles, ARRAY_LEN(fake.handles), change);
        break;
    case CHANGE_ROOM:
        put_row(fake.rooms, &fake.n_rooms, ARRAY_LEN(fake.rooms), change);
        if (change->rules & ROOM_CLOSED)
            empty_room(change->room);
        break;
    case CHANGE_ADMISSION:
        put_row(fake.admissions, &fake.n_admissions, ARRAY_LEN(fake.admissions), change);
        break;
    case CHANGE_NO_ADMISSION:
        like.what = CHANGE_ADMISSION;
        remove_row(fake.admissions, &fake.n_admissions, &like);
        break;
    case CHANGE_ROOM_ORDER:
        put_row(fake.orders, &fake.n_orders, ARRAY_LEN(fake.orders), change);
        break;
    case CHANGE_NO_ROOM_ORDER:
        like.what = CHANGE_ROOM_ORDER;
        remove_row(fake.orders, &fake.n_orders, &like);
        break;
    case CHANGE_PIN:
        put_row(fake.pins, &fake.n_pins, ARRAY_LEN(fake.pins), change);
        break;
    case CHANGE_NO_PIN:
        like.what = CHANGE_PIN;
        remove_row(fake.pins, &fake.n_pins, &like);
        break;
    case CHANGE_NO_ROOM:
        remove_room(change);
        break;
    case CHANGE_FORGET:
        put_row(fake.forgotten, &fake.n_forgotten, ARRAY_LEN(fake.forgotten), change);
        break;
    case CHANGE_MARK:
        if (change->seq == 0)
            remove_row(fake.marks, &fake.n_marks, change);
        else
            put_row(fake.marks, &fake.n_marks, ARRAY_LEN(fake.marks), change);
        break;
    case CHANGE_MEMBER:
        put_row(fake.members, &fake.n_members, ARRAY_LEN(fake.members), change);
        break;
    case CHANGE_NO_MEMBER:
        like.what = CHANGE_MEMBER;
        remove_row(fake.members, &fake.n_members, &like);
        break;
    case CHANGE_SANCTION:
        put_row(fake.sanctions, &fake.n_sanctions, ARRAY_LEN(fake.sanctions), change);
        break;
    case CHANGE_NO_SANCTION:
        like.what = CHANGE_SANCTION;
        remove_row(fake.sanctions, &fake.n_sanctions, &like);
    }
}

void commit_take(void) {
    cr_assert(!is_committing);
    core_take_commit(&core, &commit);
    is_committing = true;
    is_failing = fake.fails;
}

void commit_finish(void) {
    cr_assert(is_committing);
    is_committing = false;
    fake.n_commits++;
    for (size_t i = 0; i < commit.n_spans && !is_failing; i++) {
        size_t at = 0;
        for (const struct log_entry *entry; (entry = log_span_next(&commit.spans[i], &at));)
            put_message(&entry->record);
    }
    for (size_t i = 0; i < commit.changes.n && !is_failing; i++)
        put_change(&commit.changes.list[i]);
    check_rows();
    if (commit.seq_limit && !is_failing)
        fake.seq_limit = commit.seq_limit;
    core_committed(&core, &commit, is_failing ? "no room on the disk" : NULL);
    cr_assert_eq(commit.changes.n, 0);
}

void commit_all(void) {
    while (core_has_commit(&core)) {
        commit_take();
        commit_finish();
        if (is_failing)
            return;
    }
}

/* Reading. */

struct ask *ask_take(void) {
    struct ask *ask = core_take_ask(&core, true);
    if (!ask)
        ask = core_take_ask(&core, false);
    fake.n_asks += ask != NULL;
    return ask;
}

static uint64_t forgotten_upto(const struct ask *ask, conv_number conv) {
    for (size_t i = 0; i < fake.n_forgotten; i++)
        if (fake.forgotten[i].handle == ask->handle && fake.forgotten[i].conv == conv)
            return fake.forgotten[i].seq;
    return 0;
}

static bool is_in_view(const struct ask *ask, const struct record *record) {
    if (ask->conv && record->conv != ask->conv)
        return false;
    if (!conv_is_room(record->conv))
        return ask->direct && conv_has(record->conv, ask->handle) &&
               record->seq > ask->direct_after && record->seq > forgotten_upto(ask, record->conv);
    for (size_t i = 0; i < ask->n_rooms; i++)
        if (ask->rooms[i].conv == record->conv)
            return record->seq > ask->rooms[i].after;
    return false;
}

static void feed(struct ask *ask, struct record *page) {
    size_t n = 0;
    uint64_t upto = fake.n_messages > 0 ? fake.messages[fake.n_messages - 1].seq : 0;
    for (size_t i = 0; i < fake.n_messages; i++) {
        if (!is_in_view(ask, &fake.messages[i]))
            continue;
        page[n++] = fake.messages[i];
        if (n == ask->limit) {
            upto = page[n - 1].seq;
            break;
        }
    }
    core_fed(&core, ask, page, n, upto, NULL);
}

/* As store_pick() does it. */
static void pick_pins(struct ask *ask, struct record *page) {
    size_t n = 0;
    for (size_t i = 0; i < ask->n_pins && n < ask->limit; i++) {
        const struct record *found = NULL;
        if (ask->before && ask->pins[i].seq >= ask->before)
            continue;
        for (size_t j = 0; j < fake.n_messages; j++)
            if (fake.messages[j].seq == ask->pins[i].seq &&
                !(fake.messages[j].flags & RECORD_REMOVED))
                found = &fake.messages[j];
        ask->pins[i].is_gone = !found;
        if (found && is_in_view(ask, found))
            page[n++] = *found;
    }
    core_answered(&core, ask, page, n, NULL);
}

/* The newest ones before `before`; searching is looking for a piece of text here. */
static void answer(struct ask *ask, struct record *page) {
    size_t n = 0;
    for (size_t i = fake.n_messages; i-- > 0 && n < ask->limit;) {
        const struct record *record = &fake.messages[i];
        bool fits = ask->what == ASK_FIND
                        ? ask_finds(ask, record)
                        : ask->what == ASK_HISTORY || memmem(record->text.data, record->text.n,
                                                             ask->words, strlen(ask->words));
        if (is_in_view(ask, record) && fits && !mend_is(record->kind) &&
            (!ask->before || record->seq < ask->before))
            page[n++] = *record;
    }
    for (size_t i = 0; ask->what != ASK_SEARCH && i < n / 2; i++) {
        struct record swap = page[i];
        page[i] = page[n - 1 - i];
        page[n - 1 - i] = swap;
    }
    core_answered(&core, ask, page, n, NULL);
}

static void count_all(struct ask *ask) {
    for (size_t i = 0; i < fake.n_messages; i++)
        if (is_in_view(ask, &fake.messages[i]))
            cr_assert_eq(ask_count(ask, &fake.messages[i]), 0);
    core_counted(&core, ask, NULL);
}

void ask_answer(struct ask *ask) {
    if (ask->what == ASK_UNREAD) {
        count_all(ask);
        ask_free(ask);
        return;
    }
    struct record *page = own_memory(NULL, ask->limit * sizeof *page);
    if (ask->what == ASK_FEED)
        feed(ask, page);
    else if (ask->what == ASK_PINS)
        pick_pins(ask, page);
    else
        answer(ask, page);
    free(page);
    ask_free(ask);
}

void ask_refuse(struct ask *ask) {
    if (ask->what == ASK_FEED)
        core_fed(&core, ask, NULL, 0, 0, "it cannot be read");
    else if (ask->what == ASK_UNREAD)
        core_counted(&core, ask, "it cannot be read");
    else
        core_answered(&core, ask, NULL, 0, "it cannot be read");
    ask_free(ask);
}

static bool answer_all(void) {
    bool any = false;
    for (struct ask *ask; (ask = ask_take()); any = true)
        ask_answer(ask);
    return any;
}

void settle(void) {
    do {
        drain();
        if (is_committing)
            commit_finish();
        if (!fake.fails)
            commit_all();
        drain();
    } while (answer_all() || (core_has_commit(&core) && !fake.fails));
}

/* Life. */

/* One row for each message does as well as one for each sender. */
static void restore_unclaimed(uint32_t handle) {
    core_restore_unclaimed(&core, handle);
    for (size_t i = 0; i < fake.n_messages; i++) {
        const struct record *record = &fake.messages[i];
        if (!conv_is_room(record->conv) && record->to == handle)
            cr_assert_eq(core_restore_mail(&core, handle, record->uid, 1, record->text.n,
                                           record->seq, record->at_ms),
                         0);
    }
}

static void restore_more(const struct change *row) {
    core_restore_seen(&core, row->handle, row->seen);
    if (row->is_unclaimed)
        restore_unclaimed(row->handle);
}

static void restore_order(const struct change *row) {
    struct room_order order = {.key = {row->uid, row->sanction},
                               .handle = row->handle,
                               .until_ms = row->until_ms,
                               .by = row->by,
                               .by_name = row->name};
    memcpy(order.why, row->topic, strlen(row->topic));
    cr_assert_eq(core_restore_room_order(&core, row->room, &order), 0);
}

static void restore_sanction(const struct change *row) {
    struct sanction sanction = {.what = row->sanction,
                                .until_ms = row->until_ms,
                                .rate = row->rate,
                                .by = row->by,
                                .by_name = row->name};
    snprintf(sanction.why, sizeof sanction.why, "%s", row->topic);
    cr_assert_eq(core_restore_sanction(&core, row->uid, &sanction), 0);
}

static void hub_start(void) {
    core.config.find_stored = find_stored;
    core_restore_seq(&core, fake.seq_limit);
    for (size_t i = 0; i < fake.n_handles; i++) {
        const struct change *row = &fake.handles[i];
        cr_assert_eq(core_restore_handle(&core, row->handle, row->uid, name_bytes(&row->name),
                                         name_bytes(&row->login), row->direct, row->rooms,
                                         row->read),
                     0);
    }
    for (size_t i = 0; i < fake.n_handles; i++)
        restore_more(&fake.handles[i]);
    for (size_t i = 0; i < fake.n_marks; i++)
        cr_assert_eq(
            core_restore_mark(&core, fake.marks[i].handle, fake.marks[i].conv, fake.marks[i].seq),
            0);
    for (size_t i = 0; i < fake.n_rooms; i++) {
        const struct change *row = &fake.rooms[i];
        uint64_t last_seq = 0;
        for (size_t j = 0; j < fake.n_messages; j++)
            if (fake.messages[j].conv == conv_of_room(row->room))
                last_seq = fake.messages[j].seq;
        struct room_restored restored = {.number = row->room,
                                         .creator = row->uid,
                                         .owner = row->owner,
                                         .name = name_bytes(&row->name),
                                         .topic = bytes_of(row->topic ? row->topic : ""),
                                         .form = row->form,
                                         .rules = row->rules,
                                         .people = bytes_of(row->people.s),
                                         .private_since = row->private_since,
                                         .group = name_bytes(&row->group),
                                         .last_seq = last_seq};
        cr_assert_eq(core_restore_room(&core, &restored), 0);
    }
    for (size_t i = 0; i < fake.n_members; i++) {
        const struct change *row = &fake.members[i];
        int r = core_restore_member(&core, row->room, row->handle, row->seq);
        cr_assert(r == 0 || r == -EINVAL); /* of a room that is there twice */
    }
    for (size_t i = 0; i < fake.n_sanctions; i++)
        restore_sanction(&fake.sanctions[i]);
    for (size_t i = 0; i < fake.n_admissions; i++) {
        const struct change *row = &fake.admissions[i];
        cr_assert_eq(core_restore_admission(&core, row->room, row->handle, row->uid, row->seq,
                                            row->has_joined, name_bytes(&row->name)),
                     0);
    }
    for (size_t i = 0; i < fake.n_orders; i++)
        restore_order(&fake.orders[i]);
    for (size_t i = 0; i < fake.n_pins; i++)
        cr_assert_eq(core_restore_pin(&core, fake.pins[i].handle, fake.pins[i].conv,
                                      fake.pins[i].seq, fake.pins[i].by, fake.pins[i].until_ms),
                     0);
    cr_assert_eq(core_restored(&core), 0);
    if (!fake.fails)
        commit_all(); /* before the first message: the numbers are reserved */
}

static void free_changes(void) {
    free(commit.verdicts);
    for (size_t i = 0; i < commit.changes.n; i++)
        free(commit.changes.list[i].topic);
    free(commit.changes.list);
}

void hub_crash(void) {
    struct core_config config = core.config;
    if (is_committing)
        free_changes();
    is_committing = false;
    mono_time now = core.now;
    core_deinit(&core);
    cr_assert_eq(core_init(&core, &config, now), 0);
    core_set_time(&core, now, (wall_time){WALL_MS});
    hub_start();
}

void durable_begin(size_t log_bytes_max) {
    world_store = commit_all;
    world_begin_with(log_bytes_max, true);
    fake = (struct fake_store){0};
    is_committing = false;
    hub_start();
}

void durable_begin_with_two(struct client **alice, struct client **bob) {
    durable_begin(1024 * 1024);
    *alice = join(ALICE, "alice", HERE);
    *bob = join(BOB, "bob", HERE);
    settle();
}

void durable_end(void) {
    if (is_committing)
        commit_finish();
    world_end();
    for (size_t i = 0; i < fake.n_messages; i++) {
        free((char *)fake.messages[i].text.data);
        free((char *)fake.messages[i].reactions.data);
    }
    free(fake.messages);
    for (size_t i = 0; i < fake.n_rooms; i++)
        free(fake.rooms[i].topic);
    for (size_t i = 0; i < fake.n_sanctions; i++)
        free(fake.sanctions[i].topic);
    for (size_t i = 0; i < fake.n_orders; i++)
        free(fake.orders[i].topic);
    fake = (struct fake_store){0};
}
