/*
 * Mending: a message that edits or removes an earlier one, its target. It goes its way as any
 * message does (proto/mend.h); here it is judged before it is taken, and afterwards what it is
 * about is changed in the log in memory. The store changes it in the transaction that stores the
 * message.
 *
 * Who is refused learns nothing: whether there is no such message, or one that is not his, he is
 * told the same.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "core/past/pin.h"
#include "core/past/react.h"

#define MEND_NOTHING "there is no message of yours under this id in this conversation"

/* The messages of a user are known by id. */
struct mend_key {
    uid_t uid;
    struct uuid id;
};

static bool mend_key_of(const struct session *session, const struct mend *mend,
                        struct mend_key *key) {
    struct mend_removal removal;
    *key = (struct mend_key){session->user->uid, *mend->reply_to};
    if (mend->kind != KIND_REMOVE && mend->kind != KIND_REACT)
        return !uuid_is_nil(&key->id);
    if (!mend_removal_take(&removal, mend->text))
        return false;
    key->uid = removal.uid;
    return !uuid_is_nil(&key->id);
}

static struct log_entry *mend_target_in_log(const struct core *core, const struct mend_key *key) {
    struct user *user;
    HASH_FIND(hh, core->users, &key->uid, sizeof key->uid, user);
    return user ? route_find_in_log(core, user, &key->id) : NULL;
}

/* The hub looks for it in the store when the log does not have it. */
static bool mend_awaits(const struct core *core, const struct session *session,
                        const struct mend *mend, struct record *like) {
    struct mend_key key;
    if (!mend_key_of(session, mend, &key))
        return false;
    bool is_known = mend->kind != KIND_REACT || !react_awaits(core, key.uid, &key.id);
    if (is_known && mend_target_in_log(core, &key))
        return false;
    *like = (struct record){.uid = key.uid, .id = key.id};
    return true;
}

bool core_awaits_target(const struct core *core, const struct session *session,
                        const struct frame *frame, struct record *like) {
    const struct assembly *assembly = session->assembly;
    bool is_whole = !(frame->flags & FRAME_MORE_PARTS);
    static const struct uuid none;
    struct mend mend = {.kind = KIND_TEXT, .reply_to = &none};
    if (is_whole && frame->type == FRAME_SEND && !assembly)
        mend = (struct mend){frame->send.kind, &frame->send.reply_to, frame->send.to,
                             frame->send.body};
    else if (is_whole && frame->type == FRAME_PART && assembly)
        mend =
            (struct mend){assembly->kind, &assembly->reply_to, {0}, {assembly->text, assembly->n}};
    if (session->condemned || !core->config.durable)
        return false;
    if (frame->type == FRAME_PIN)
        return pin_awaits(core, frame, like);
    if (mend_is(mend.kind))
        return mend_awaits(core, session, &mend, like);
    return (mend.kind & KIND_ANSWER) && answer_awaits(core, &mend, like);
}

/* NULL: there is none. */
static const struct record *mend_find_target(const struct core *core, const struct mend_key *key) {
    const struct log_entry *entry = mend_target_in_log(core, key);
    const struct record *found = &core->target.record;
    if (entry)
        return &entry->record;
    return found->seq > 0 && found->uid == key->uid && uuid_equal(&found->id, &key->id) ? found
                                                                                        : NULL;
}

/* Where it was said, if who mends it may say something there. */
static bool mend_find_place(struct core *core, const struct session *session,
                            const struct record *record, struct mend_place *place) {
    uint32_t own = session->handle->number;
    *place = (struct mend_place){.conv = record->conv, .seq = record->seq};
    if (conv_is_room(record->conv)) {
        place->target.room = room_of_number(core, (uint32_t)-record->conv);
        return place->target.room && room_is_alive(place->target.room);
    }
    place->target.handle = handle_of_number(core, conv_other(record->conv, own));
    if (!conv_has(record->conv, own)) {
        place->also = handle_of_number(core, (uint32_t)record->conv);
        return place->target.handle && place->also && session_is_administrator(core, session);
    }
    return place->target.handle != NULL;
}

/* `to` need not say where. */
static bool mend_is_there(struct core *core, struct session *session, struct bytes to,
                          const struct mend_place *place) {
    struct target named;
    if (bytes_equal(to, bytes_of(MEND_TO)))
        return true;
    return target_find(core, session, to, &named) == FAIL_NONE &&
           named.room == place->target.room && named.handle == place->target.handle;
}

/* Of a message that is there, and whoever asks may see: whether it can be mended. */
static enum fail_code mend_judge_target(struct core *core, const struct record *record,
                                        uint8_t kind, bool is_by_right, char reason[256]) {
    int64_t age_ms = calendar_stamp(&core->calendar, core->wall) - record->at_ms;
    const char *why = NULL;
    if (record->flags & RECORD_REMOVED)
        why = "the message was removed already";
    else if (kind != KIND_REMOVE && record->kind == KIND_FILE)
        why = "a file cannot be edited; remove it, and send another one";
    if (why)
        snprintf(reason, 256, "%s", why);
    else if (!is_by_right && age_ms > core->config.mend_ms)
        snprintf(reason, 256,
                 "the message is older than the %" PRId64 " minutes in which this hub lets it be "
                 "changed",
                 core->config.mend_ms / 60000);
    else
        return FAIL_NONE;
    return FAIL_NOT_PERMITTED;
}

/* Whether he puts things in order there: then anybody's message, however old, can be removed. */
static bool mend_has_right(const struct core *core, const struct session *session,
                           const struct mend_place *place) {
    return place->target.room ? core_permission(core, session, place->target.room, ACT_REMOVE) ==
                                    PERMISSION_ALLOWED
                              : session_is_administrator(core, session);
}

static bool mend_may_edit(const struct core *core, const struct session *session,
                          const struct mend_place *place) {
    return !place->target.room ||
           core_permission(core, session, place->target.room, ACT_EDIT_OWN) == PERMISSION_ALLOWED;
}

enum fail_code mend_judge(struct core *core, struct session *session, const struct mend *mend,
                          struct mend_place *place, char reason[256]) {
    struct mend_key key;
    const struct record *record =
        mend_key_of(session, mend, &key) ? mend_find_target(core, &key) : NULL;
    snprintf(reason, 256, "%s", mend->kind == KIND_REACT ? REACT_NOTHING : MEND_NOTHING);
    if (!record || mend_is(record->kind) || !mend_find_place(core, session, record, place) ||
        !mend_is_there(core, session, mend->to, place))
        return FAIL_NOT_PERMITTED;
    if (mend->kind == KIND_REACT)
        return react_judge(core, session, mend, record, place, reason);
    bool is_own = record->uid == session->user->uid && mend_may_edit(core, session, place);
    bool is_by_right = mend->kind == KIND_REMOVE && mend_has_right(core, session, place);
    if (!is_own && !is_by_right)
        return FAIL_NOT_PERMITTED;
    return mend_judge_target(core, record, mend->kind, is_by_right, reason);
}

/* The log. An edited message has the text of its last edit, which lies later in the log, and so as
 * long as it does. */

static bool mend_has_own_text(const struct log_entry *entry) {
    return entry->record.text.data == (const char *)(entry + 1);
}

/* Overwrites the text that the entry has now, wherever it lies. */
static void mend_wipe(struct log_entry *entry) {
    char *text = (char *)entry->record.text.data;
    struct log_entry *owner = (struct log_entry *)(void *)text - 1;
    memset(text, 0, entry->record.text.n);
    if (mend_has_own_text(entry))
        return;
    owner->record.text.n = 0;
    owner->record.flags |= RECORD_PAST;
}

static void mend_change(struct log_entry *entry, const struct log_entry *by) {
    struct record *record = &entry->record;
    if (record->flags & RECORD_REMOVED)
        return;
    mend_wipe(entry);
    if (by->record.kind == KIND_REMOVE) {
        record->text = (struct bytes){(const char *)(entry + 1), 0};
        record->flags |= RECORD_REMOVED;
        record->link = by->record.from;
        return;
    }
    record->text = by->record.text;
    record->flags |= RECORD_EDITED;
    record->kind = (uint8_t)((record->kind & ~KIND_HEADED) | (by->record.kind & KIND_HEADED));
}

void mend_stored(struct core *core, const struct log_entry *by) {
    struct mend mend = {by->record.kind, &by->record.reply_to, {0}, by->record.text};
    struct mend_removal removal = {.uid = by->record.uid};
    if (mend.kind == KIND_REACT ||
        (mend.kind == KIND_REMOVE && !mend_removal_take(&removal, mend.text)))
        return;
    struct mend_key key = {removal.uid, by->record.reply_to};
    struct log_entry *entry = mend_target_in_log(core, &key);
    struct log_entry *first = NULL;
    if (mend.kind == KIND_REMOVE)
        react_forget(core, key.uid, &key.id);
    if (!entry || entry->record.conv != by->record.conv || mend_is(entry->record.kind))
        return;
    if (entry->copy_of >= core->log.first_seq && entry->copy_of != 0)
        first = log_entry_of(&core->log, entry->copy_of);
    mend_change(entry, by);
    if (entry->record.flags & RECORD_REMOVED)
        pin_drop_message(core, entry->record.seq);
    if (first)
        mend_change(first, by);
}
