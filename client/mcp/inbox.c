#include "mcp/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json_object.h"
#include "cli/words.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"
#include "proto/fail.h"

#define FETCH_PAGE 100
#define FETCH_OTHERS 20 /* of one's own, which may stand between them */
#define INBOX_LIMIT 50
#define WAIT_SECONDS 60.0

struct fetch_conv {
    char *name;
    uint32_t n_unread;
};

struct fetch {
    struct call *call;
    unsigned limit;
    struct fetch_conv *convs;
    size_t n_convs, at;
    uint32_t request;
    json_t *messages; /* of the conversations that are done */
    uint64_t n_more;
    /* Of the one at `at`: */
    json_t *found, *page; /* oldest first */
    uint64_t before;
    uint32_t n_found, n_page;
};

struct fetch *fetch_new(struct call *call, const char *conv, unsigned limit) {
    struct fetch *fetch = cli_allocate(sizeof *fetch);
    *fetch = (struct fetch){.call = call, .limit = limit, .messages = json_array()};
    int result = earshot_unread(call->mcp->hands, conv, &fetch->request);
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, conv ? conv : "");
    call->request = fetch->request;
    return fetch;
}

void fetch_free(struct fetch *fetch) {
    if (!fetch)
        return;
    for (size_t i = 0; i < fetch->n_convs; i++)
        free(fetch->convs[i].name);
    free(fetch->convs);
    json_decref(fetch->messages);
    json_decref(fetch->found);
    json_decref(fetch->page);
    free(fetch);
}

static void fetch_add_conv(struct fetch *fetch, const struct earshot_event *event) {
    if (event->unread.unread == 0)
        return;
    fetch->convs = cli_grow(fetch->convs, fetch->n_convs, sizeof *fetch->convs);
    fetch->convs[fetch->n_convs++] =
        (struct fetch_conv){cli_copy(event->unread.conv), event->unread.unread};
}

static size_t fetch_room(const struct fetch *fetch) {
    size_t n = json_array_size(fetch->messages);
    return n < fetch->limit ? fetch->limit - n : 0;
}

/* Asks for the page before what was found. */
static void fetch_ask_page(struct fetch *fetch) {
    struct mcp *mcp = fetch->call->mcp;
    const struct fetch_conv *conv = &fetch->convs[fetch->at];
    uint32_t n = conv->n_unread - fetch->n_found + FETCH_OTHERS;
    fetch->page = json_array();
    fetch->n_page = n < FETCH_PAGE ? n : FETCH_PAGE;
    int result =
        earshot_history(mcp->hands, conv->name, fetch->before, 0, fetch->n_page, &fetch->request);
    if (result != EARSHOT_OK)
        call_fail_link(fetch->call, mcp->hands, result, conv->name);
    fetch->call->request = fetch->request;
}

/* True: there is none that would have room. */
static bool fetch_begin_conv(struct fetch *fetch) {
    for (; fetch->at < fetch->n_convs; fetch->at++) {
        if (fetch_room(fetch) > 0) {
            fetch->found = json_array();
            fetch->n_found = 0;
            fetch->before = 0;
            fetch_ask_page(fetch);
            return false;
        }
        fetch->n_more += fetch->convs[fetch->at].n_unread;
    }
    return true;
}

static bool fetch_is_own(const struct fetch *fetch, const json_t *message) {
    const char *from = json_string_value(json_object_get(message, "from"));
    return from && strcmp(from, fetch->call->mcp->handle) == 0;
}

/* The page stands before what was found already. Of that only the oldest are kept, as many as
 * there is room for: it goes on from there the next time. */
static void fetch_join_page(struct fetch *fetch) {
    const struct fetch_conv *conv = &fetch->convs[fetch->at];
    json_t *whole = json_array(), *message;
    size_t i, n = json_array_size(fetch->page);
    uint32_t n_others = 0;
    json_array_foreach(fetch->page, i, message) {
        n_others += !fetch_is_own(fetch, message);
    }
    if (n > 0)
        fetch->before =
            (uint64_t)json_integer_value(json_object_get(json_array_get(fetch->page, 0), "seq"));
    fetch->n_found += n_others;
    uint32_t n_before = fetch->n_found > conv->n_unread ? fetch->n_found - conv->n_unread : 0;
    json_array_foreach(fetch->page, i, message) {
        if (fetch_is_own(fetch, message))
            continue;
        if (n_before > 0)
            n_before--; /* it was read before */
        else
            json_array_append(whole, message);
    }
    json_array_extend(whole, fetch->found);
    while (json_array_size(whole) > fetch_room(fetch))
        json_array_remove(whole, json_array_size(whole) - 1);
    json_decref(fetch->found);
    json_decref(fetch->page);
    fetch->found = whole;
    fetch->page = NULL;
}

static void fetch_end_conv(struct fetch *fetch) {
    uint32_t n_unread = fetch->convs[fetch->at].n_unread;
    size_t n = json_array_size(fetch->found);
    json_array_extend(fetch->messages, fetch->found);
    json_decref(fetch->found);
    fetch->found = NULL;
    fetch->n_more += n_unread > n ? n_unread - n : 0;
    fetch->at++;
}

/* False: there is more to ask for. */
static bool fetch_take_page(struct fetch *fetch) {
    if (!fetch->page)
        return fetch_begin_conv(fetch);
    bool is_whole = json_array_size(fetch->page) < fetch->n_page;
    fetch_join_page(fetch);
    if (!is_whole && fetch->n_found < fetch->convs[fetch->at].n_unread) {
        fetch_ask_page(fetch);
        return false;
    }
    fetch_end_conv(fetch);
    return fetch_begin_conv(fetch);
}

enum fetch_outcome fetch_take(struct fetch *fetch, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_UNREAD)
        fetch_add_conv(fetch, event);
    else if (event->type == EARSHOT_EVENT_PAST && fetch->page)
        json_array_append_new(fetch->page, json_of_message(event));
    else if (event->type == EARSHOT_EVENT_FAILED)
        return event->failed.code == FAIL_LOST ? FETCH_LOST : FETCH_REFUSED;
    else if (event->type == EARSHOT_EVENT_DONE && fetch_take_page(fetch))
        return FETCH_DONE;
    return FETCH_GOES_ON;
}

size_t fetch_count(const struct fetch *fetch) {
    return json_array_size(fetch->messages);
}

uint64_t fetch_more(const struct fetch *fetch) {
    return fetch->n_more;
}

json_t *fetch_messages(struct fetch *fetch) {
    json_t *message, *seen = fetch->call->mcp->seen;
    size_t i;
    json_array_foreach(fetch->messages, i, message) {
        const char *conv = json_string_value(json_object_get(message, "conv"));
        json_t *seq = json_object_get(message, "seq");
        if (conv && json_integer_value(seq) > json_integer_value(json_object_get(seen, conv)))
            json_object_set(seen, conv, seq);
    }
    return json_incref(fetch->messages);
}

void inbox_settle(struct mcp *mcp) {
    const char *conv;
    json_t *seq;
    json_object_foreach(mcp->seen, conv, seq) {
        earshot_mark_seen(mcp->hands, conv, (uint64_t)json_integer_value(seq));
    }
    json_object_clear(mcp->seen);
}

/* inbox: what there is. */

static void inbox_finish(struct call *call) {
    uint64_t n_more = fetch_more(call->fetch);
    call_finish(call, json_pack("{s:o,s:I}", "messages", fetch_messages(call->fetch), "more",
                                (json_int_t)n_more));
}

void tool_inbox_start(struct call *call) {
    call->fetch = fetch_new(call, call_text(call, "conversation"),
                            (unsigned)call_number(call, "limit", INBOX_LIMIT));
}

void tool_inbox_take(struct call *call, const struct earshot_event *event) {
    enum fetch_outcome outcome = fetch_take(call->fetch, event);
    if (outcome == FETCH_DONE)
        inbox_finish(call);
    else if (outcome != FETCH_GOES_ON)
        call_fail_event(call, event, "");
}

/* wait_for_message: the same, when there is something. */

enum wait_stage { WAIT_LOOKS, WAIT_LOOKS_AGAIN, WAIT_LISTENS };

static void wait_look(struct call *call) {
    fetch_free(call->fetch);
    call->stage = WAIT_LOOKS;
    call->fetch = fetch_new(call, call_text(call, "conversation"), INBOX_LIMIT);
}

void tool_wait_start(struct call *call) {
    call_set_deadline(call, call_number(call, "timeout_seconds", WAIT_SECONDS));
    wait_look(call);
}

/* What comes while it looks may have come too late for that. */
static void wait_take_all(struct call *call) {
    if (fetch_count(call->fetch) > 0)
        inbox_finish(call);
    else if (call->stage == WAIT_LOOKS_AGAIN)
        wait_look(call);
    else
        call->stage = WAIT_LISTENS;
}

/* A hub that was away is asked anew. */
void tool_wait_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_BACK) {
        wait_look(call);
        return;
    }
    switch (call->request == event->request ? fetch_take(call->fetch, event) : FETCH_GOES_ON) {
    case FETCH_GOES_ON:
        break;
    case FETCH_DONE:
        wait_take_all(call);
        break;
    case FETCH_LOST:
        call->stage = WAIT_LISTENS;
        break;
    case FETCH_REFUSED:
        call_fail_event(call, event, "");
        break;
    }
}

void tool_wait_hear(struct call *call, const struct earshot_event *event) {
    const char *conv = call_text(call, "conversation");
    if (event->message.mine || (conv && !words_same_name(conv, event->message.conv)))
        return;
    if (call->stage == WAIT_LISTENS && earshot_is_joined(call->mcp->hands))
        wait_look(call);
    else if (call->stage == WAIT_LOOKS)
        call->stage = WAIT_LOOKS_AGAIN;
}

void tool_wait_late(struct call *call) {
    call_finish(call, json_pack("{s:[],s:i}", "messages", "more", 0));
}
