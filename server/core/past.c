/*
 * Questions about the past: HISTORY, SEARCH, FORGET. Everybody may read a room, as everybody may
 * join it; a direct conversation is for its two handles.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

/* Asking. */

static size_t n_memberships(const struct handle *handle) {
    const struct membership *membership;
    size_t n = 0;
    DL_COUNT2(handle->memberships, membership, n, next_of_handle);
    return n;
}

/* What the handle may see: one conversation, or its direct ones and the rooms it is in. */
static struct ask *ask_view(const struct session *session, enum ask_what what, conv_number conv) {
    const struct membership *membership;
    struct ask *ask = ask_new(session, what, n_memberships(session->handle) + 1);
    if (!ask)
        return NULL;
    ask->conv = conv;
    ask->direct = !conv_is_room(conv);
    if (conv_is_room(conv))
        ask->rooms[ask->n_rooms++] = (struct ask_room){conv, 0};
    if (conv == 0) {
        DL_FOREACH2(session->handle->memberships, membership, next_of_handle) {
            if (membership->joined || membership->n_listeners > 0)
                ask->rooms[ask->n_rooms++] =
                    (struct ask_room){conv_of_room(membership->room->number), 0};
        }
    }
    return ask;
}

/* Names. */

static bool find_conv(struct core *core, struct session *session, uint32_t request,
                      struct bytes text, conv_number *conv) {
    struct target target;
    char reason[256];
    *conv = 0;
    if (text.n == 0)
        return true;
    enum fail_code code = target_find(core, session, text, &target);
    if (code == FAIL_NONE && target.room) {
        *conv = conv_of_room(target.room->number);
        return true;
    }
    if (code == FAIL_NONE) {
        *conv = conv_of_pair(session->handle->number, target.handle->number);
        return true;
    }
    target_reason(text, code, reason);
    session_fail(core, session, request, code, reason);
    return false;
}

/* Answering. */

static bool put_past(struct core *core, struct session *session, uint32_t request,
                     const struct record *record) {
    struct encoded encoded;
    struct names names;
    if (!names_of(core, record, &names))
        return true;
    encode_past(core, record, &names, request, &encoded);
    return session_append(core, session, &encoded);
}

/* The newest ones are wanted, the oldest first. */
static bool is_backward(const struct ask *ask) {
    return ask->what == ASK_HISTORY && !ask->after;
}

/* How many make a page: from the end on that was asked for, so that the next page goes on there. */
static size_t page_of(const struct ask *ask, const struct record *records, size_t n) {
    size_t n_page = 0, n_bytes = 0;
    while (n_page < n && n_bytes < PAGE_BYTES_MAX) {
        n_page++;
        n_bytes += records[is_backward(ask) ? n - n_page : n_page - 1].text.n + PAGE_RECORD_BYTES;
    }
    return n_page;
}

void core_answered(struct core *core, const struct ask *ask, const struct record *records, size_t n,
                   const char *reason) {
    struct session *session = core_session(core, ask->session);
    ask_end(core, ask);
    if (!session)
        return;
    run_close(core);
    if (reason) {
        session_fail(core, session, ask->request, FAIL_STORE, reason);
        return;
    }
    size_t n_page = page_of(ask, records, n);
    if (is_backward(ask))
        records += n - n_page;
    for (size_t i = 0; i < n_page; i++)
        if (!put_past(core, session, ask->request, &records[i])) {
            session_fail(core, session, ask->request, FAIL_LIMIT, "the hub is out of memory");
            return;
        }
    /* Beyond the outbox's bound: whoever asked waits for it. */
    if (!session_put(core, session, &(struct frame){.type = FRAME_DONE, .done = {ask->request}}))
        session_break(core, session);
}

/* False: the session may not ask more; the why is in `reason`. */
static bool may_ask(const struct session *session, struct ask *ask, char reason[256]) {
    if (session->n_asks >= ASKS_PER_SESSION_MAX)
        snprintf(reason, 256,
                 "%u questions about the past wait for an answer, as many as one program may have; "
                 "take the answers first",
                 session->n_asks);
    else if (session->outbox.n_chunks >= OUTBOX_CHUNKS_MAX)
        snprintf(reason, 256, "answers wait to be read; take them first");
    else
        return ask_charge(ask, reason);
    return false;
}

/* Takes over the ask. */
static void past_submit(struct core *core, struct session *session, uint32_t request,
                        struct ask *ask) {
    char reason[256] = "the hub is out of memory";
    if (!ask || !may_ask(session, ask, reason)) {
        session_fail(core, session, request, FAIL_BUSY, reason);
        ask_free(ask);
        return;
    }
    ask->request = request;
    ask_enqueue(core, session, ask);
}

void past_history(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_history *history = &frame->history;
    conv_number conv;
    if (!find_conv(core, session, history->request, history->conv, &conv))
        return;
    struct ask *ask = ask_view(session, ASK_HISTORY, conv);
    if (ask) {
        ask->before = history->before;
        ask->after = history->after;
        ask->limit = history->limit;
    }
    past_submit(core, session, history->request, ask);
}

void past_search(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_search *search = &frame->search;
    struct target from = {0};
    conv_number conv;
    char reason[256];
    if (!find_conv(core, session, search->request, search->conv, &conv))
        return;
    if (search->from.n > 0) {
        enum fail_code code = target_find(core, session, search->from, &from);
        if (code == FAIL_NONE && !from.handle)
            code = FAIL_NO_USER;
        if (code != FAIL_NONE) {
            target_reason(search->from, code, reason);
            session_fail(core, session, search->request, code, reason);
            return;
        }
    }
    struct ask *ask = ask_view(session, ASK_SEARCH, conv);
    if (ask) {
        ask->from = from.handle ? from.handle->number : 0;
        ask->before = search->before;
        ask->limit = search->limit;
        ask->words = strndup(search->words.data, search->words.n);
        if (!ask->words) {
            ask_free(ask);
            ask = NULL;
        }
    }
    past_submit(core, session, search->request, ask);
}

void past_forget(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->forget.request;
    conv_number conv;
    char reason[256];
    if (!find_conv(core, session, request, frame->forget.conv, &conv))
        return;
    if (conv_is_room(conv)) {
        session_fail(core, session, request, FAIL_NOT_PERMITTED,
                     "a room's log belongs to all its members; only a direct conversation can be "
                     "forgotten");
        return;
    }
    if (!persist_may_change(core, session->user, reason) ||
        !forget_make_place(core, session->handle, conv, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    if (!persist_forget(core, session->handle, conv)) {
        forget_drop_place(core, session->handle, conv);
        session_fail(core, session, request, FAIL_LIMIT, "the hub is out of memory");
        return;
    }
    forget_now(core, session->handle, conv);
    persist_answer(core, session, request);
}
