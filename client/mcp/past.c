/* history and search. */
#include "cli/json_object.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"

#define PAST_LIMIT 50

static void past_begin(struct call *call, int result) {
    call->lines = json_array();
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, "");
}

/* Without a thread, of the conversation. */
void tool_history_start(struct call *call) {
    const char *thread = call_text(call, "thread");
    uint64_t before = (uint64_t)call_number(call, "before", 0);
    unsigned limit = (unsigned)call_number(call, "limit", PAST_LIMIT);
    if (thread && json_object_get(call->arguments, "after"))
        call_fail(call,
                  "a thread is read backwards; leave out \"after\", and go on with \"before\"");
    else if (thread)
        past_begin(call, earshot_find(call->mcp->hands, call_text(call, "conversation"), thread,
                                      true, before, limit, &call->request));
    else
        past_begin(call,
                   earshot_history(call->mcp->hands, call_text(call, "conversation"), before,
                                   (uint64_t)call_number(call, "after", 0), limit, &call->request));
}

void tool_search_start(struct call *call) {
    past_begin(call,
               earshot_search(call->mcp->hands, call_text(call, "words"),
                              call_text(call, "conversation"), call_text(call, "from"),
                              (uint64_t)call_number(call, "before", 0),
                              (unsigned)call_number(call, "limit", PAST_LIMIT), &call->request));
}

void tool_past_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_PAST)
        json_array_append_new(call->lines, json_of_message(event));
    else if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, "");
    else if (event->type == EARSHOT_EVENT_DONE)
        call_finish(call, json_pack("{s:O}", "messages", call->lines));
}
