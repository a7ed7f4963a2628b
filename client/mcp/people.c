/* who, rooms, join_room and leave_room. */
#include "cli/json_object.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"

static void people_begin(struct call *call, int result, const char *what) {
    call->lines = json_array();
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, what);
}

void tool_who_start(struct call *call) {
    const char *room = call_text(call, "room");
    if (room && call_flag(call, "all"))
        call_fail(call, "\"all\" lists every handle there is; leave out \"all\" or \"room\"");
    else
        people_begin(call,
                     earshot_ask(call->mcp->hands,
                                 call_flag(call, "all") ? EARSHOT_HANDLES : EARSHOT_USERS, room,
                                 &call->request),
                     room ? room : "");
}

void tool_who_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_USER) {
        struct cli_user user = cli_user_of(event);
        json_array_append_new(call->lines, json_of_user(&user));
        cli_user_free(&user);
    } else if (event->type == EARSHOT_EVENT_FAILED) {
        call_fail_event(call, event, "");
    } else if (event->type == EARSHOT_EVENT_DONE) {
        call_finish(call, json_pack("{s:O}", "users", call->lines));
    }
}

void tool_rooms_start(struct call *call) {
    people_begin(call, earshot_ask(call->mcp->hands, EARSHOT_ROOMS, NULL, &call->request), "");
}

void tool_rooms_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_ROOM)
        json_array_append_new(call->lines,
                              json_pack("{s:o,s:I,s:o}", "name", json_text(event->room.name),
                                        "members", (json_int_t)event->room.members, "topic",
                                        json_text_or_null(event->room.topic)));
    else if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, "");
    else if (event->type == EARSHOT_EVENT_DONE)
        call_finish(call, json_pack("{s:O}", "rooms", call->lines));
}

/* The link that listens hears what is said there because the handle is in the room. */
void tool_join_start(struct call *call) {
    const char *room = call_text(call, "room");
    people_begin(call, earshot_join(call->mcp->hands, room, false, &call->request), room);
}

void tool_leave_start(struct call *call) {
    const char *room = call_text(call, "room");
    people_begin(call, earshot_part(call->mcp->hands, room, &call->request), room);
}

void tool_done_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, call_text(call, "room"));
    else if (event->type == EARSHOT_EVENT_DONE)
        call_finish(call, json_pack("{s:s}", "room", call_text(call, "room")));
}
