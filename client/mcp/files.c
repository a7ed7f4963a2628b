/* put_file and get_file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_object.h"
#include "cli/outcome.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"

#define POSTS_LISTED_MAX 20 /* the newest */

static const char *const file_kinds[] = {"file", "directory", "stream"};

/* put_file. */

enum put_stage { PUT_OFFERS, PUT_WAITS };

static void put_begin(struct call *call) {
    double seconds = call_number(call, "wait_seconds", 0);
    call->stage = PUT_OFFERS;
    call_set_deadline(call, seconds > 0 ? seconds : 60);
}

void tool_put_start(struct call *call) {
    struct mcp *mcp = call->mcp;
    struct earshot_source source = {.path = call_text(call, "path"), .fd = -1};
    struct earshot_transfer file = {0};
    put_begin(call);
    int result = earshot_put(mcp->hands, call_text(call, "to"), &source, &file, &call->request);
    if (result != EARSHOT_OK) {
        struct outcome outcome = outcome_of_file(mcp->hands, result, OUTCOME_READ);
        call_fail(call, "%s: %s (%s)", source.path, outcome.text, outcome_name(outcome.code));
        return;
    }
    memcpy(call->message_id, file.id, sizeof call->message_id);
    call->lines = json_pack(
        "{s:s,s:o,s:o}", "id", file.id, "name", json_text(file.name), "size",
        file.size == EARSHOT_SIZE_UNKNOWN ? json_null() : json_integer((json_int_t)file.size));
}

static void put_finish(struct call *call, const char *state) {
    json_object_set_new(call->lines, "state", json_string(state));
    call_finish(call, json_incref(call->lines));
}

static bool put_waits(const struct call *call) {
    return call_number(call, "wait_seconds", 0) > 0;
}

/* The hub has it, or tells of it: enough for who does not wait. */
static void put_is_known(struct call *call, const char *state) {
    call->stage = PUT_WAITS;
    if (!put_waits(call))
        put_finish(call, state);
    else
        call_progress(call, "%s: waiting for %s to take it", state, call_text(call, "to"));
}

static void put_take_state(struct call *call, const struct earshot_event *event) {
    if (event->state.state == EARSHOT_READ)
        put_finish(call, "taken");
    else if (call->stage == PUT_OFFERS && event->state.state >= EARSHOT_STORED)
        put_is_known(call, "stored");
}

static void put_take_transfer(struct call *call, const struct earshot_event *event) {
    const struct earshot_transfer *transfer = &event->transfer;
    if (strcmp(transfer->id, call->message_id) != 0)
        return;
    if (transfer->state == EARSHOT_TRANSFER_RUNNING) {
        call_progress(call, "%s takes it", transfer->peer);
    } else if (transfer->state == EARSHOT_TRANSFER_DONE) {
        json_object_set_new(call->lines, "xxh3", json_text_or_null(transfer->xxh3));
        put_finish(call, "taken");
    } else {
        call_fail(call, "%s %s it: %s", *transfer->peer ? transfer->peer : "the hub",
                  transfer->state == EARSHOT_TRANSFER_DECLINED ? "declined" : "did not get",
                  transfer->error);
    }
}

void tool_put_take(struct call *call, const struct earshot_event *event) {
    bool is_asked = event->request != 0 && event->request == call->request;
    if (event->type == EARSHOT_EVENT_STATE && strcmp(event->state.id, call->message_id) == 0)
        put_take_state(call, event);
    else if (event->type == EARSHOT_EVENT_REFUSED &&
             strcmp(event->failed.id, call->message_id) == 0)
        call_fail_event(call, event, event->failed.to);
    else if (event->type == EARSHOT_EVENT_TRANSFER)
        put_take_transfer(call, event);
    else if (event->type == EARSHOT_EVENT_FAILED && is_asked)
        call_fail_event(call, event, call_text(call, "to"));
    else if (event->type == EARSHOT_EVENT_DONE && is_asked)
        put_is_known(call, "offered");
}

/* It stands on. */
void tool_put_late(struct call *call) {
    if (call->stage == PUT_WAITS)
        put_finish(call, call->request ? "offered" : "stored");
    else
        call_fail(call, "the hub did not answer in time; call it again");
}

void tool_put_forget(struct call *call) {
    if (call->request)
        (void)earshot_cancel(call->mcp->hands, call->message_id);
}

/* get_file: without an id what there is, with it that one. */

enum get_stage { GET_OFFERS, GET_POSTS, GET_NAMES, GET_CONTENT, GET_TRANSFER };

static bool get_is_wanted(const struct call *call, const char *id) {
    const char *wanted = call_text(call, "id");
    return !wanted || strcmp(wanted, id) == 0;
}

static void get_ask(struct call *call, int result) {
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, "");
}

void tool_get_start(struct call *call) {
    call->lines = json_array();
    call->stage = GET_OFFERS;
    get_ask(call, earshot_list_offers(call->mcp->hands, &call->request));
}

static void get_take_offer(struct call *call, const struct earshot_event *event) {
    const char *from = call_text(call, "from");
    if (!get_is_wanted(call, event->offer.id) || (from && strcmp(from, event->offer.from) != 0))
        return;
    json_array_append_new(call->lines, json_pack("{s:s,s:o,s:o,s:s,s:o,s:s}", "id", event->offer.id,
                                                 "from", json_text(event->offer.from), "name",
                                                 json_text(event->offer.name), "kind",
                                                 file_kinds[event->offer.kind], "size",
                                                 event->offer.size == EARSHOT_SIZE_UNKNOWN
                                                     ? json_null()
                                                     : json_integer((json_int_t)event->offer.size),
                                                 "via", "offer"));
}

/* The list has no contents, and so no names. */
static void get_take_post(struct call *call, const struct earshot_event *event) {
    if (get_is_wanted(call, event->message.id))
        json_array_append_new(call->lines,
                              json_pack("{s:s,s:o,s:s,s:s,s:I}", "id", event->message.id, "from",
                                        json_text(event->message.from), "kind", "file", "via",
                                        "message", "seq", (json_int_t)event->message.seq));
}

/* The next one without a name; false: all have theirs. One that is there no more has none. */
static bool get_ask_name(struct call *call) {
    for (; call->place < json_array_size(call->lines); call->place++) {
        json_t *file = json_array_get(call->lines, call->place);
        if (json_object_get(file, "name"))
            continue;
        uint64_t seq = (uint64_t)json_integer_value(json_object_get(file, "seq"));
        json_object_set_new(file, "name", json_string(""));
        call->stage = GET_NAMES;
        get_ask(call, earshot_history(call->mcp->hands, NULL, seq + 1, 0, 1, &call->request));
        return true;
    }
    return false;
}

static void get_take_name(struct call *call, const struct earshot_event *event) {
    json_t *line = json_array_get(call->lines, call->place);
    const char *id = json_string_value(json_object_get(line, "id"));
    struct earshot_transfer file;
    if (!id || strcmp(id, event->message.id) != 0 ||
        earshot_event_file(call->mcp->hands, event, &file) != EARSHOT_OK)
        return;
    json_object_set_new(line, "name", json_text(file.name));
    json_object_set_new(line, "size", json_integer((json_int_t)file.size));
}

static const char *get_dir(const struct call *call) {
    const char *dir = call_text(call, "dir");
    return dir ? dir : ".";
}

static void get_fail_place(struct call *call, int result) {
    struct outcome outcome = outcome_of_file(call->mcp->hands, result, OUTCOME_WRITE);
    call_fail(call, "%s: %s (%s)", get_dir(call), outcome.text, outcome_name(outcome.code));
}

/* The one that is wanted, as it was listed. */
static void get_accept(struct call *call) {
    struct mcp *mcp = call->mcp;
    const json_t *file = json_array_get(call->lines, 0);
    const char *id = call_text(call, "id");
    struct earshot_target target = {.dir = get_dir(call), .fd = -1};
    if (!file) {
        call_fail(call, "there is no such file for you; call get_file without an id to see those "
                        "that there are");
        return;
    }
    snprintf(call->message_id, sizeof call->message_id, "%s", id);
    if (strcmp(json_string_value(json_object_get(file, "via")), "message") == 0) {
        uint64_t seq = (uint64_t)json_integer_value(json_object_get(file, "seq"));
        call->stage = GET_CONTENT;
        get_ask(call, earshot_history(mcp->hands, NULL, seq + 1, 0, 1, &call->request));
        return;
    }
    int result = earshot_accept(mcp->hands, id, &target);
    call->stage = GET_TRANSFER;
    call->request = 0;
    if (result != EARSHOT_OK)
        get_fail_place(call, result);
    else if (json_object_get(call->arguments, "timeout_seconds"))
        call_set_deadline(call, call_number(call, "timeout_seconds", 0));
}

static void get_finish(struct call *call, const struct earshot_transfer *transfer) {
    CLEANUP_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", get_dir(call), transfer->path) < 0)
        cli_out_of_memory();
    call_finish(call, json_pack("{s:s,s:o,s:I,s:o}", "id", call->message_id, "path",
                                json_text(path), "bytes", (json_int_t)transfer->bytes, "xxh3",
                                json_text_or_null(transfer->xxh3)));
}

static void get_take_content(struct call *call, const struct earshot_event *event) {
    struct earshot_target target = {.dir = get_dir(call), .fd = -1};
    struct earshot_transfer file = {0};
    if (strcmp(event->message.id, call->message_id) != 0)
        return;
    int result = earshot_save(call->mcp->hands, event, &target, &file);
    if (result == EARSHOT_OK)
        get_finish(call, &file);
    else if (result == EARSHOT_REFUSED)
        call_fail(call, "it cannot be saved: %s", file.error);
    else
        get_fail_place(call, result);
}

static void get_take_transfer(struct call *call, const struct earshot_event *event) {
    const struct earshot_transfer *transfer = &event->transfer;
    if (strcmp(transfer->id, call->message_id) != 0)
        return;
    if (transfer->state == EARSHOT_TRANSFER_DONE)
        get_finish(call, transfer);
    else if (transfer->state != EARSHOT_TRANSFER_RUNNING)
        call_fail(call, "%s%s%s", transfer->error,
                  *transfer->path ? "; a part of it is in the directory as " : "", transfer->path);
}

static void get_take_done(struct call *call) {
    if (call->stage == GET_OFFERS && !(call_text(call, "id") && json_array_size(call->lines))) {
        call->stage = GET_POSTS;
        get_ask(call, earshot_list_posts(call->mcp->hands, call_text(call, "from"), 0,
                                         POSTS_LISTED_MAX, &call->request));
    } else if (call->stage == GET_CONTENT) {
        call_fail(call, "the file is not there any more");
    } else if (call_text(call, "id")) {
        get_accept(call);
    } else if (!get_ask_name(call)) {
        call_finish(call, json_pack("{s:O}", "files", call->lines));
    }
}

void tool_get_take(struct call *call, const struct earshot_event *event) {
    bool is_asked = event->request != 0 && event->request == call->request;
    if (event->type == EARSHOT_EVENT_TRANSFER && call->stage == GET_TRANSFER)
        get_take_transfer(call, event);
    else if (event->type == EARSHOT_EVENT_WITHDRAWN && call->stage == GET_TRANSFER &&
             strcmp(event->withdrawn.id, call->message_id) == 0)
        call_fail(call, "its sender has withdrawn it, or another program of yours has taken it");
    else if (!is_asked)
        return;
    else if (event->type == EARSHOT_EVENT_OFFER)
        get_take_offer(call, event);
    else if (event->type == EARSHOT_EVENT_PAST && call->stage == GET_POSTS)
        get_take_post(call, event);
    else if (event->type == EARSHOT_EVENT_PAST && call->stage == GET_NAMES)
        get_take_name(call, event);
    else if (event->type == EARSHOT_EVENT_PAST)
        get_take_content(call, event);
    else if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, "");
    else if (event->type == EARSHOT_EVENT_DONE)
        get_take_done(call);
}

void tool_get_forget(struct call *call) {
    if (call->stage == GET_TRANSFER)
        (void)earshot_cancel(call->mcp->hands, call->message_id);
}

void tool_get_late(struct call *call) {
    tool_get_forget(call);
    call_fail(call, "it did not come in time; what came of it is kept, and it goes on from there "
                    "when you take it again");
}
