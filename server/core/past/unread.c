/*
 * What is unread. A conversation has been read up to a message: the greatest of what the handle has
 * seen of everything (handle->seen) and its mark there. Clients say READ, for one conversation; of
 * those that cannot, TAKEN says it for all. How many messages lie behind is counted when somebody
 * asks (past.c), so that what comes costs nothing; and who asks finds out up to where nothing is
 * unread in any conversation, which makes the marks before it needless.
 */

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

#define MARKS_MAX 1024 /* of a handle; beyond it the oldest ones go */

static struct read_mark *mark_find(const struct core *core, const struct handle *handle,
                                   conv_number conv) {
    struct read_mark_key key = {conv, handle->number};
    struct read_mark *mark;
    HASH_FIND(hh, core->marks, &key, sizeof key, mark);
    return mark;
}

uint64_t unread_mark_of(const struct core *core, const struct handle *handle, conv_number conv) {
    const struct read_mark *mark = mark_find(core, handle, conv);
    return mark && mark->seq > handle->seen ? mark->seq : handle->seen;
}

/* It counts no more. */
static void mark_unlink(struct core *core, struct read_mark *mark) {
    struct handle *handle = mark->owner;
    assert(core->marks);
    HASH_DELETE(hh, core->marks, mark);
    DL_DELETE(handle->marks, mark);
    handle->n_marks--;
}

static void mark_free(struct core *core, struct read_mark *mark) {
    persist_no_mark(core, mark);
    user_give_back(mark->owner->user, sizeof *mark);
    free(mark);
}

/* What the store has of it is removed, or a user could fill the disk with marks; and until then its
 * memory is charged, so that what waits for that is bounded, too. */
static void mark_drop(struct core *core, struct read_mark *mark) {
    mark_unlink(core, mark);
    if (!mark->is_stored) {
        mark_free(core, mark);
        return;
    }
    mark->seq = 0;
    DL_APPEND(mark->owner->gone_marks, mark);
    persist_mark(core, mark);
}

void unread_taken(struct core *core, struct read_mark *mark) {
    persist_no_mark(core, mark);
    mark->is_stored = true;
    if (mark->seq != 0)
        return;
    DL_DELETE(mark->owner->gone_marks, mark);
    mark_free(core, mark);
}

/* Its row is to be removed. When memory is out it stays until the hub is started again. */
static struct read_mark *mark_gone_again(struct handle *handle, conv_number conv) {
    struct read_mark *mark = calloc(1, sizeof *mark);
    if (!mark)
        return NULL;
    mark->key = (struct read_mark_key){conv, handle->number};
    mark->owner = handle;
    DL_APPEND(handle->gone_marks, mark);
    account_spend(&handle->user->account, ACCOUNT_MEMORY, sizeof *mark);
    return mark;
}

void unread_not_stored(struct core *core, uint32_t number, conv_number conv, uint64_t seq) {
    struct handle *handle = handle_of_number(core, number);
    struct read_mark *mark = handle ? mark_find(core, handle, conv) : NULL;
    if (handle && !mark && seq == 0)
        mark = mark_gone_again(handle, conv);
    if (!mark)
        return;
    mark->is_stored = true; /* there may be a row of it */
    persist_mark(core, mark);
}

void unread_drop_all(struct core *core, struct handle *handle) {
    for (struct read_mark *mark; (mark = handle->marks);) {
        mark_unlink(core, mark);
        mark_free(core, mark);
    }
    for (struct read_mark *mark; (mark = handle->gone_marks);) {
        DL_DELETE(handle->gone_marks, mark);
        mark_free(core, mark);
    }
}

/* NULL: memory is out, or the user's is. */
static struct read_mark *mark_new(struct core *core, struct handle *handle, conv_number conv) {
    char reason[256];
    if (handle->n_marks >= MARKS_MAX)
        mark_drop(core, handle->marks);
    struct read_mark *mark =
        user_may_charge(handle->user, sizeof *mark, reason) ? calloc(1, sizeof *mark) : NULL;
    if (!mark)
        return NULL;
    mark->key = (struct read_mark_key){conv, handle->number};
    mark->owner = handle;
    HASH_ADD(hh, core->marks, key, sizeof mark->key, mark);
    if (!mark->hh.tbl) {
        free(mark);
        return NULL;
    }
    DL_APPEND(handle->marks, mark);
    handle->n_marks++;
    account_spend(&handle->user->account, ACCOUNT_MEMORY, sizeof *mark);
    return mark;
}

void unread_settle(struct core *core, struct handle *handle, uint64_t seq) {
    struct read_mark *mark, *next;
    if (seq <= handle->seen)
        return;
    handle->seen = seq;
    persist_position(core, handle);
    DL_FOREACH_SAFE(handle->marks, mark, next) {
        if (mark->seq <= seq)
            mark_drop(core, mark);
    }
}

/* The other windows of the handle show it, too. */
static void read_tell_others(struct core *core, struct session *from, struct bytes conv,
                             uint64_t seq) {
    struct frame frame = {.type = FRAME_READ, .read = {.conv = conv, .seq = seq}};
    unsigned wanted = ABILITY_READS | ABILITY_NEWS;
    struct session *session;
    DL_FOREACH2(from->handle->sessions, session, next_of_handle) {
        if (session != from && (session->abilities & wanted) == wanted)
            (void)session_notify(core, from->user, session, NOTICE_FOR_IT, &frame);
    }
}

/* A place is never ahead of what the hub has given a number, nor moved back. */
void unread_receive_read(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_read *read = &frame->read;
    struct handle *handle = session->handle;
    struct target target;
    if (read->seq > core->seq || target_find(core, session, read->conv, &target) != FAIL_NONE ||
        (target.room && !membership_find(handle, target.room)))
        return;
    conv_number conv = target.room ? conv_of_room(target.room->number)
                                   : conv_of_pair(handle->number, target.handle->number);
    if (read->seq <= unread_mark_of(core, handle, conv))
        return;
    struct read_mark *mark = mark_find(core, handle, conv);
    if (!mark)
        mark = mark_new(core, handle, conv);
    if (!mark)
        return;
    mark->seq = read->seq;
    DL_DELETE(handle->marks, mark);
    DL_APPEND(handle->marks, mark);
    persist_mark(core, mark);
    struct name name;
    read_tell_others(core, session,
                     target.room ? room_name_for(handle->user, target.room, &name)
                                 : name_bytes(&target.handle->name),
                     read->seq);
}

void core_restore_seen(struct core *core, uint32_t number, uint64_t seen) {
    struct handle *handle = handle_of_number(core, number);
    if (handle)
        handle->seen = seen;
}

int core_restore_mark(struct core *core, uint32_t number, conv_number conv, uint64_t seq) {
    struct handle *handle = handle_of_number(core, number);
    if (!handle || seq <= handle->seen || mark_find(core, handle, conv))
        return 0;
    struct read_mark *mark = mark_new(core, handle, conv);
    if (!mark) /* something is unread that was not */
        return 0;
    mark->seq = seq;
    mark->is_stored = true;
    return 0;
}
