/* send and ask_human. */
#include <string.h>

#include "cli/json_object.h"
#include "cli/words.h"
#include "mcp/inbox.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"
#include "proto/head.h"

#define ANSWER_LIMIT 50

/* send. */

static enum earshot_priority talk_priority(const struct call *call) {
    const char *word = call_text(call, "priority");
    for (int i = HEAD_MIN; word && i <= HEAD_MAX; i++)
        if (strcmp(word, head_words[i - HEAD_MIN]) == 0)
            return (enum earshot_priority)i;
    return EARSHOT_PRIORITY_DEFAULT;
}

static int talk_send(struct call *call, const char *text, unsigned flags) {
    struct earshot_message message = {
        .to = call_text(call, "to"),
        .text = text,
        .text_n = strlen(text),
        .reply_to = call_text(call, "reply_to"),
        .author = call->author,
        .has_author = call->has_author,
        .title = call_text(call, "title"),
        .priority = talk_priority(call),
        .flags = flags | EARSHOT_ACK_NOW | EARSHOT_WANT_SEQ,
    };
    return earshot_send(call->mcp->hands, &message, call->message_id);
}

/* Whether the event is about the message that the call has sent. */
static bool talk_is_ours(const struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_STATE)
        return strcmp(event->state.id, call->message_id) == 0;
    return event->type == EARSHOT_EVENT_REFUSED && strcmp(event->failed.id, call->message_id) == 0;
}

enum send_stage { SEND_LOOKS, SEND_WAITS };

static void send_now(struct call *call) {
    call->stage = SEND_WAITS;
    int result = talk_send(call, call_text(call, "text"), EARSHOT_MAKE_ROOM);
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, call_text(call, "to"));
}

/* A reply is in the thread of the message only with the uid of who wrote that. */
void tool_send_start(struct call *call) {
    const char *reply_to = call_text(call, "reply_to");
    call_set_deadline(call, 60);
    int result = EARSHOT_OTHER_VERSION; /* then it is a reply all the same */
    if (reply_to)
        result = earshot_find(call->mcp->hands, call_text(call, "to"), reply_to, false, 0, 1,
                              &call->request);
    if (result == EARSHOT_BAD_NAME || result == EARSHOT_BAD_ARGUMENT)
        call_fail_link(call, call->mcp->hands, result, reply_to);
    else if (result != EARSHOT_OK)
        send_now(call);
}

/* What is not there is answered all the same. */
static void send_look(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_PAST) {
        call->author = event->message.uid;
        call->has_author = true;
    } else if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        send_now(call);
    }
}

void tool_send_take(struct call *call, const struct earshot_event *event) {
    if (call->stage == SEND_LOOKS && call->request != 0 && event->request == call->request)
        send_look(call, event);
    if (!talk_is_ours(call, event))
        return;
    if (event->type == EARSHOT_EVENT_REFUSED)
        call_fail_event(call, event, event->failed.to);
    else if (event->state.state >= EARSHOT_STORED)
        call_finish(call, json_pack("{s:s,s:o,s:s}", "id", call->message_id, "seq",
                                    event->state.seq ? json_integer((json_int_t)event->state.seq)
                                                     : json_null(),
                                    "state", cli_state_words[event->state.state]));
}

/* ask_human: a reply to the question, or the next thing that is said there. */

enum ask_stage { ASK_ASKS, ASK_WAITS, ASK_FETCHES };

void tool_ask_start(struct call *call) {
    struct mcp *mcp = call->mcp;
    const char *to = call_text(call, "to");
    struct earshot_hub_info hub;
    uint32_t request;
    earshot_hub(mcp->ears, &hub);
    call->after = hub.seq;
    int result = EARSHOT_OK;
    if (to[0] == '#')
        result = earshot_join(mcp->ears, to, true, &request);
    if (result == EARSHOT_OK)
        result = talk_send(call, call_text(call, "question"), EARSHOT_WANT_RECEIPT);
    if (result != EARSHOT_OK)
        call_fail_link(call, mcp->hands, result, to);
    if (json_object_get(call->arguments, "timeout_seconds"))
        call_set_deadline(call, call_number(call, "timeout_seconds", 0));
}

static void ask_take_state(struct call *call, const struct earshot_event *event) {
    const char *to = call_text(call, "to");
    call->stage = call->stage == ASK_ASKS ? ASK_WAITS : call->stage;
    if (event->state.state == EARSHOT_STORED && event->state.seq > call->after)
        call->after = event->state.seq;
    if (event->state.state == EARSHOT_STORED)
        call_progress(call, "the hub has the question for %s", to);
    else if (event->state.state == EARSHOT_DELIVERED)
        call_progress(call, "%s has the question", *event->state.by ? event->state.by : to);
    else if (event->state.state == EARSHOT_READ)
        call_progress(call, "%s has read the question", *event->state.by ? event->state.by : to);
}

static void ask_finish(struct call *call) {
    json_t *earlier = fetch_messages(call->fetch), *message;
    size_t i;
    const char *id = json_string_value(json_object_get(call->lines, "id"));
    json_t *others = json_array();
    json_array_foreach(earlier, i, message) {
        const char *other = json_string_value(json_object_get(message, "id"));
        if (!other || !id || strcmp(other, id) != 0)
            json_array_append(others, message);
    }
    json_decref(earlier);
    call_finish(call, json_pack("{s:b,s:s,s:O,s:O,s:o}", "answered", 1, "question_id",
                                call->message_id, "answer", json_object_get(call->lines, "text"),
                                "message", call->lines, "also_unread", others));
}

void tool_ask_take(struct call *call, const struct earshot_event *event) {
    bool is_of_fetch = call->stage == ASK_FETCHES && event->request == call->request;
    if (is_of_fetch && fetch_take(call->fetch, event) != FETCH_GOES_ON)
        ask_finish(call);
    else if (!talk_is_ours(call, event))
        return;
    else if (event->type == EARSHOT_EVENT_REFUSED)
        call_fail_event(call, event, event->failed.to);
    else
        ask_take_state(call, event);
}

static bool ask_is_answered_by(const struct call *call, const struct earshot_event *event) {
    const char *to = call_text(call, "to");
    if (event->message.mine || call->stage == ASK_FETCHES)
        return false;
    if (event->message.reply_to[0])
        return strcmp(event->message.reply_to, call->message_id) == 0;
    return event->message.seq > call->after && words_same_name(to, event->message.conv);
}

/* What else is unread there is handed over with it, for both count as read then. */
void tool_ask_hear(struct call *call, const struct earshot_event *event) {
    if (!ask_is_answered_by(call, event))
        return;
    call->lines = json_of_message(event);
    call->stage = ASK_FETCHES;
    call->has_deadline = false;
    call->fetch = fetch_new(call, event->message.conv, ANSWER_LIMIT);
}

void tool_ask_late(struct call *call) {
    call_finish(
        call, json_pack("{s:b,s:s,s:n}", "answered", 0, "question_id", call->message_id, "answer"));
}
