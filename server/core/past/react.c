#include "core/past/react.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "core/past/reacted.h"
#include "core/room/permission.h"

/*
 * So many messages have their reactions in memory, the one that was changed first in front. What is
 * not stored yet is kept beyond that: it is bounded by what may wait to be stored.
 */
#define REACTIONS_MAX 4096
#define REACTIONS_BYTES_MAX ((size_t)4 * 1024 * 1024) /* and so much text of them */

struct reactions_key {
    struct uuid id;
    uint64_t uid;
};

struct reactions {
    struct reactions_key key;
    uint64_t changed; /* by this message; 0: they are as the store had them */
    char *text;
    size_t n, size;
    struct reactions *next, *prev;
    UT_hash_handle hh;
};

static struct reactions *reactions_find(const struct core *core, uint32_t uid,
                                        const struct uuid *id) {
    struct reactions_key key = {*id, uid};
    struct reactions *reactions = NULL;
    if (core->reactions)
        HASH_FIND(hh, core->reactions, &key, sizeof key, reactions);
    return reactions;
}

static void reactions_free(struct core *core, struct reactions *reactions) {
    assert(core->reactions);
    HASH_DELETE(hh, core->reactions, reactions);
    DL_DELETE(core->reactions_first, reactions);
    core->n_reactions--;
    core->reactions_bytes -= reactions->size;
    free(reactions->text);
    free(reactions);
}

void react_deinit(struct core *core) {
    while (core->reactions_first)
        reactions_free(core, core->reactions_first);
}

static void reactions_trim(struct core *core) {
    struct reactions *first, *next;
    DL_FOREACH_SAFE(core->reactions_first, first, next) {
        if (core->n_reactions < REACTIONS_MAX && core->reactions_bytes <= REACTIONS_BYTES_MAX)
            return;
        if (core->config.durable && first->changed > core->persist.committed)
            return;
        reactions_free(core, first);
    }
}

/* Room for one more line. */
static bool reactions_grow(struct core *core, struct reactions *reactions, size_t n) {
    size_t size = n + REACTED_LINE_MAX;
    if (reactions->size >= size)
        return true;
    char *text = realloc(reactions->text, size);
    if (!text)
        return false;
    core->reactions_bytes += size - reactions->size;
    reactions->text = text;
    reactions->size = size;
    return true;
}

/* As the store has them. NULL: memory is out. */
static struct reactions *reactions_new(struct core *core, const struct record *record) {
    const struct record *found = &core->target.record;
    struct bytes text = {0};
    reactions_trim(core);
    if (found->seq > 0 && found->uid == record->uid && uuid_equal(&found->id, &record->id))
        text = found->reactions;
    struct reactions *reactions = calloc(1, sizeof *reactions);
    if (!reactions)
        return NULL;
    reactions->key = (struct reactions_key){record->id, record->uid};
    if (reactions_grow(core, reactions, text.n))
        HASH_ADD(hh, core->reactions, key, sizeof reactions->key, reactions);
    if (!reactions->hh.tbl) {
        core->reactions_bytes -= reactions->size;
        free(reactions->text);
        free(reactions);
        return NULL;
    }
    if (text.n > 0)
        memcpy(reactions->text, text.data, text.n);
    reactions->n = text.n;
    DL_APPEND(core->reactions_first, reactions);
    core->n_reactions++;
    return reactions;
}

static struct bytes reactions_text(const struct reactions *reactions) {
    return (struct bytes){reactions->text, reactions->n};
}

struct bytes react_text(const struct core *core, const struct record *record) {
    const struct reactions *reactions = reactions_find(core, record->uid, &record->id);
    if (record->flags & RECORD_REMOVED)
        return (struct bytes){0};
    return reactions ? reactions_text(reactions) : record->reactions;
}

bool react_awaits(const struct core *core, uint32_t uid, const struct uuid *id) {
    return core->config.durable && !reactions_find(core, uid, id);
}

/* Whoever may read the message, and say something there. */
static enum fail_code react_judge_place(struct core *core, struct session *session,
                                        const struct record *record, const struct mend_place *place,
                                        char reason[256]) {
    const struct room *room = place->target.room;
    bool sees = room ? core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED &&
                           record->seq > room_past_after(session->user, room)
                     : !place->also && !forget_has(core, session->handle->number, record);
    snprintf(reason, 256, "%s", REACT_NOTHING);
    if (!sees)
        return FAIL_NOT_PERMITTED;
    if (room && core_permission(core, session, room, ACT_REACT) != PERMISSION_ALLOWED) {
        (void)room_may_speak(core, session, room, reason);
        return FAIL_NOT_PERMITTED;
    }
    if (!(record->flags & RECORD_REMOVED))
        return FAIL_NONE;
    snprintf(reason, 256, "the message was removed; there is nothing to react to any more");
    return FAIL_NOT_PERMITTED;
}

/* What it changes: one of each person and kind. */
static enum fail_code react_judge_change(struct core *core, const struct session *session,
                                         const struct reaction *reaction,
                                         const struct record *record, struct mend_place *place,
                                         char reason[256]) {
    struct reactions *reactions = reactions_find(core, record->uid, &record->id);
    struct reacted reacted;
    if (!reactions)
        reactions = reactions_new(core, record);
    if (!reactions || !reactions_grow(core, reactions, reactions->n)) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    struct bytes text = reactions_text(reactions);
    bool is_there = reacted_find(text, reaction->emoji, session->user->uid, &reacted);
    place->is_vain = is_there == reaction->on;
    place->vain_seq = is_there ? reacted.seq : record->seq;
    if (!reaction->on || is_there || reacted_has_place(text, reaction->emoji))
        return FAIL_NONE;
    snprintf(reason, 256,
             "the message has as many reactions as it may have: %d emoji, %d in all; use one that "
             "others have used, or write a reply",
             REACTION_KINDS_MAX, REACTION_PEOPLE_MAX);
    return FAIL_LIMIT;
}

enum fail_code react_judge(struct core *core, struct session *session, const struct mend *mend,
                           const struct record *record, struct mend_place *place,
                           char reason[256]) {
    struct reaction reaction;
    if (!reaction_take(&reaction, mend->text)) {
        snprintf(reason, 256, "a reaction is one emoji; write anything else as a reply");
        return FAIL_BAD_TEXT;
    }
    enum fail_code code = react_judge_place(core, session, record, place, reason);
    return code == FAIL_NONE ? react_judge_change(core, session, &reaction, record, place, reason)
                             : code;
}

void react_note(struct core *core, const struct record *record) {
    struct reaction reaction;
    if (!reaction_take(&reaction, record->text))
        return;
    struct reactions *reactions = reactions_find(core, reaction.uid, &record->reply_to);
    if (!reactions || reactions->size < reactions->n + REACTED_LINE_MAX)
        return;
    struct bytes text = reactions_text(reactions);
    struct reacted reacted = {reaction.emoji, record->uid, record->from, record->seq};
    reactions->n = reaction.on ? reacted_add(reactions->text, text, &reacted)
                               : reacted_remove(reactions->text, text, reaction.emoji, record->uid);
    reactions->changed = record->seq;
    DL_DELETE(core->reactions_first, reactions);
    DL_APPEND(core->reactions_first, reactions);
}

void react_forget(struct core *core, uint32_t uid, const struct uuid *id) {
    struct reactions *reactions = reactions_find(core, uid, id);
    if (reactions)
        reactions_free(core, reactions);
}

void react_undo(struct core *core, const struct record *record) {
    struct reaction reaction;
    if (reaction_take(&reaction, record->text))
        react_forget(core, reaction.uid, &record->reply_to);
}
