#include "mcp/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/claims.h"
#include "cli/json_object.h"
#include "cli/outcome.h"
#include "mcp/inbox.h"
#include "mcp/mcp.h"
#include "mcp/tool.h"

#define PROGRESS_EVERY_MS 10000 /* so that the caller does not give up waiting */

struct call *call_new(struct mcp *mcp, const struct tool *tool, json_t *id, json_t *arguments,
                      json_t *progress_token, struct rpc_batch *batch) {
    struct call *call = cli_allocate(sizeof *call);
    *call = (struct call){.mcp = mcp,
                          .tool = tool,
                          .id = id,
                          .progress_token = progress_token,
                          .batch = batch,
                          .arguments = arguments,
                          .began = mono_now(),
                          .fd = -1};
    call->told = call->began;
    DL_APPEND(mcp->calls, call);
    return call;
}

static void call_free(struct call *call) {
    if (call->fd >= 0)
        close(call->fd);
    json_decref(call->id);
    json_decref(call->progress_token);
    json_decref(call->arguments);
    json_decref(call->lines);
    fetch_free(call->fetch);
    claims_free(&call->holder);
    free(call);
}

/* Ending. */

/* A result is structured, and the same as text for callers that know no other. */
static void call_end(struct call *call, const char *text, json_t *structured, bool is_error) {
    json_t *result =
        json_pack("{s:[{s:s,s:o}]}", "content", "type", "text", "text", json_text(text));
    if (structured)
        json_object_set_new(result, "structuredContent", structured);
    json_object_set_new(result, "isError", json_boolean(is_error));
    rpc_answer(&call->mcp->rpc, call->batch, call->id, result);
    call->is_over = true;
}

void call_finish(struct call *call, json_t *result) {
    CLEANUP_FREE char *text = result ? json_dumps(result, JSON_COMPACT) : NULL;
    if (!text)
        cli_out_of_memory();
    if (!call->is_over)
        call_end(call, text, result, false);
}

void call_fail(struct call *call, const char *format, ...) {
    CLEANUP_FREE char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        cli_out_of_memory();
    va_end(args);
    if (!call->is_over)
        call_end(call, text, NULL, true);
}

static void call_fail_outcome(struct call *call, struct outcome outcome, const char *what) {
    call_fail(call, "%s%s%s (%s)", what, *what ? ": " : "", outcome.text,
              outcome_name(outcome.code));
}

void call_fail_link(struct call *call, const earshot *link, int result, const char *what) {
    call_fail_outcome(call, outcome_of(link, result), what);
}

void call_fail_event(struct call *call, const struct earshot_event *event, const char *what) {
    call_fail_outcome(call, outcome_of_event(event), what);
}

/* Meanwhile. */

void call_progress(struct call *call, const char *format, ...) {
    CLEANUP_FREE char *text = NULL;
    va_list args;
    if (!call->progress_token || call->is_over)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        cli_out_of_memory();
    va_end(args);
    call->told = mono_now();
    rpc_notify(&call->mcp->rpc, "notifications/progress",
               json_pack("{s:O,s:i,s:o}", "progressToken", call->progress_token, "progress",
                         (int)++call->n_told, "message", json_text(text)));
}

void call_set_deadline(struct call *call, double seconds) {
    call->has_deadline = true;
    call->deadline = mono_add_ms(mono_now(), (int64_t)(seconds * 1000));
}

const char *call_text(const struct call *call, const char *name) {
    return json_string_value(json_object_get(call->arguments, name));
}

double call_number(const struct call *call, const char *name, double otherwise) {
    const json_t *value = json_object_get(call->arguments, name);
    return value ? json_number_value(value) : otherwise;
}

bool call_flag(const struct call *call, const char *name) {
    return json_is_true(json_object_get(call->arguments, name));
}

/* All of them. */

void calls_cancel(struct mcp *mcp, const json_t *id) {
    struct call *call;
    DL_FOREACH(mcp->calls, call) {
        if (call->is_over || !json_equal(call->id, id))
            continue;
        if (call->tool->forget)
            call->tool->forget(call);
        rpc_leave_batch(&mcp->rpc, call->batch);
        call->is_over = true;
    }
}

static void call_tell_wait(struct call *call, mono_time now) {
    int64_t s = (now.ns - call->began.ns) / NS_PER_S;
    call_progress(call, "%s: waiting since %lld s", call->tool->name, (long long)s);
}

void calls_tick(struct mcp *mcp, mono_time now) {
    struct call *call;
    DL_FOREACH(mcp->calls, call) {
        if (call->is_over)
            continue;
        if (call->has_deadline && call->deadline.ns <= now.ns) {
            call->has_deadline = false;
            if (call->tool->late)
                call->tool->late(call);
            else
                call_fail(call, "the hub did not answer in time; call it again, and if that does "
                                "not help, a person can look with `earshot doctor`");
        } else if (call->progress_token &&
                   mono_ms_until(now, mono_add_ms(call->told, PROGRESS_EVERY_MS)) <= 0) {
            call_tell_wait(call, now);
        }
    }
}

static int calls_sooner(int ms, int64_t other) {
    int64_t least = other > 0 ? other : 0;
    if (least > INT32_MAX)
        least = INT32_MAX;
    return ms < 0 || least < ms ? (int)least : ms;
}

int calls_timeout_ms(const struct mcp *mcp, mono_time now) {
    const struct call *call;
    int ms = -1;
    DL_FOREACH(mcp->calls, call) {
        if (call->is_over)
            continue;
        if (call->has_deadline)
            ms = calls_sooner(ms, mono_ms_until(now, call->deadline) + 1);
        if (call->progress_token)
            ms = calls_sooner(ms,
                              mono_ms_until(now, mono_add_ms(call->told, PROGRESS_EVERY_MS)) + 1);
    }
    return ms;
}

void calls_reap(struct mcp *mcp) {
    struct call *call, *next;
    DL_FOREACH_SAFE(mcp->calls, call, next) {
        if (!call->is_over)
            continue;
        DL_DELETE(mcp->calls, call);
        call_free(call);
    }
}

void calls_free(struct mcp *mcp) {
    struct call *call;
    DL_FOREACH(mcp->calls, call) {
        call->is_over = true;
    }
    calls_reap(mcp);
}
