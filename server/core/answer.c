/*
 * Replies. One that answers a message of its conversation is in the thread which that began, or is
 * in; and it has a number in its conversation, by which people name it (proto/answer.h). Numbers
 * are counted for each conversation alone, so they tell nothing of what is said elsewhere.
 *
 * What a reply is to is known by uid and id, as for what mends a message, and looked for in the
 * same way. Where it is not there the reply is one all the same, in no thread.
 */
#include "proto/answer.h"

#include <stdlib.h>

#include "base/error.h"
#include "core/internal.h"

/* The number of the latest reply in a conversation. */
struct numbering {
    conv_number conv;
    uint16_t last;
    struct user *payer;
    UT_hash_handle hh;
};

static struct numbering *numbering_find(const struct core *core, conv_number conv) {
    struct numbering *numbering;
    HASH_FIND(hh, core->numberings, &conv, sizeof conv, numbering);
    return numbering;
}

/* NULL: memory is out, or the user's is. */
static struct numbering *numbering_new(struct core *core, struct user *user, conv_number conv) {
    char reason[256];
    struct numbering *numbering =
        user_may_charge(user, sizeof *numbering, reason) ? calloc(1, sizeof *numbering) : NULL;
    if (!numbering)
        return NULL;
    numbering->conv = conv;
    numbering->payer = user;
    HASH_ADD(hh, core->numberings, conv, sizeof numbering->conv, numbering);
    if (!numbering->hh.tbl) {
        free(numbering);
        return NULL;
    }
    account_spend(&user->account, ACCOUNT_MEMORY, sizeof *numbering);
    return numbering;
}

static void numbering_free(struct core *core, struct numbering *numbering) {
    assert(core->numberings);
    HASH_DELETE(hh, core->numberings, numbering);
    user_give_back(numbering->payer, sizeof *numbering);
    free(numbering);
}

void answer_forget(struct core *core, conv_number conv) {
    struct numbering *numbering = core->numberings ? numbering_find(core, conv) : NULL;
    if (numbering)
        numbering_free(core, numbering);
}

void answer_deinit(struct core *core) {
    while (core->numberings)
        numbering_free(core, core->numberings);
}

static const struct log_entry *answer_in_log(const struct core *core, uint32_t uid,
                                             const struct uuid *id) {
    struct user *user;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    return user ? route_find_in_log(core, user, id) : NULL;
}

bool answer_awaits(const struct core *core, const struct mend *mend, struct record *like) {
    struct bytes text = mend->text;
    uint32_t uid;
    if (uuid_is_nil(mend->reply_to) || !answer_take_author(&uid, &text))
        return false;
    const struct log_entry *entry = answer_in_log(core, uid, mend->reply_to);
    *like = (struct record){.uid = uid, .id = *mend->reply_to};
    if (!entry)
        return true;
    *like = (struct record){.conv = entry->record.conv};
    return !numbering_find(core, entry->record.conv);
}

static const struct record *answer_look(const struct core *core, uint32_t uid,
                                        const struct uuid *id) {
    const struct log_entry *entry = answer_in_log(core, uid, id);
    const struct record *found = &core->target.record;
    if (entry)
        return &entry->record;
    return found->seq > 0 && found->uid == uid && uuid_equal(&found->id, id) ? found : NULL;
}

/* An older client does not say whose message it answers: the other one's, or its user's own. */
static const struct record *answer_guess(const struct core *core, const struct record *reply) {
    const struct handle *to = conv_is_room(reply->conv) ? NULL : handle_of_number(core, reply->to);
    const struct record *found = to ? answer_look(core, to->user->uid, &reply->reply_to) : NULL;
    return found ? found : answer_look(core, reply->uid, &reply->reply_to);
}

void answer_find_thread(struct core *core, const struct answer_author *author,
                        struct record *reply) {
    if (uuid_is_nil(&reply->reply_to) || mend_is(reply->kind))
        return;
    const struct record *found = author->is_told ? answer_look(core, author->uid, &reply->reply_to)
                                                 : answer_guess(core, reply);
    if (!found || found->conv != reply->conv || mend_is(found->kind))
        return;
    reply->thread = uuid_is_nil(&found->thread) ? found->id : found->thread;
}

static uint16_t answer_next(uint16_t last) {
    return (uint16_t)(last < ANSWER_FIRST || last >= ANSWER_LAST ? ANSWER_FIRST : last + 1);
}

void answer_number(struct core *core, struct user *user, struct record *reply) {
    struct numbering *numbering = numbering_find(core, reply->conv);
    bool is_known = numbering || !core->config.durable || core->target.conv == reply->conv;
    if (uuid_is_nil(&reply->thread) || !is_known)
        return;
    if (!numbering) {
        numbering = numbering_new(core, user, reply->conv);
        if (numbering && core->target.conv == reply->conv)
            numbering->last = core->target.last_n;
    }
    if (numbering)
        reply->n = numbering->last = answer_next(numbering->last);
}
