/* claim, release, claims and when_process_ends. */
#include "mcp/claims.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <utlist.h>

#include "cli/claims.h"
#include "cli/json_object.h"
#include "cli/words.h"
#include "mcp/tool.h"
#include "proto/fail.h"

struct claimed {
    char *name;
    uint32_t request;
    struct claimed *next;
};

static void claimed_add(struct mcp *mcp, const char *name, uint32_t request) {
    struct claimed *one = cli_allocate(sizeof *one);
    *one = (struct claimed){.name = cli_copy(name), .request = request};
    LL_PREPEND(mcp->claimed, one);
}

static void claimed_remove(struct mcp *mcp, struct claimed *one) {
    LL_DELETE(mcp->claimed, one);
    free(one->name);
    free(one);
}

bool claimed_take(struct mcp *mcp, const struct earshot_event *event) {
    struct claimed *one;
    LL_SEARCH_SCALAR(mcp->claimed, one, request, event->request);
    if (!one)
        return false;
    if (event->type != EARSHOT_EVENT_FAILED)
        return true;
    rpc_notify(&mcp->rpc, "notifications/message",
               json_pack("{s:s,s:s,s:{s:s,s:o,s:o}}", "level", "warning", "logger", "claims",
                         "data", "event", "claim-lost", "name", json_text(one->name), "reason",
                         json_text(event->failed.reason)));
    claimed_remove(mcp, one);
    return true;
}

void claimed_free(struct mcp *mcp) {
    while (mcp->claimed)
        claimed_remove(mcp, mcp->claimed);
}

/* claim. */

static json_t *claim_result(const struct call *call, bool is_held) {
    json_t *result = json_pack("{s:s,s:b,s:I}", "name", call_text(call, "name"), "held",
                               (int)is_held, "place", (json_int_t)call->place);
    bool is_known = !is_held && call->holder.handle && *call->holder.handle;
    json_object_set_new(result, "holder", is_known ? json_of_claim(&call->holder) : json_null());
    return result;
}

void tool_claim_start(struct call *call) {
    double seconds = call_number(call, "wait_seconds", 0);
    int result = earshot_claim(call->mcp->hands, call_text(call, "name"), call_text(call, "note"),
                               seconds > 0 ? EARSHOT_CLAIM_WAIT : 0, &call->request);
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, call_text(call, "name"));
    else if (seconds > 0)
        call_set_deadline(call, seconds);
}

static void claim_note_holder(struct call *call, const struct earshot_event *event) {
    CLEANUP_FREE char *text = NULL;
    claims_free(&call->holder);
    claims_fill(&call->holder, event);
    call->place = event->claim.place;
    if (event->claim.state != EARSHOT_CLAIM_WAITING || !*call->holder.handle)
        return;
    claims_describe(&call->holder, &text);
    call_progress(call, "waiting, at place %u: %s", call->place, text);
}

void tool_claim_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_FAILED && event->failed.code == FAIL_TAKEN)
        call_finish(call, claim_result(call, false));
    else if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, call_text(call, "name"));
    else if (event->type == EARSHOT_EVENT_CLAIM && event->claim.state == EARSHOT_CLAIM_HELD) {
        call->place = 0;
        claimed_add(call->mcp, call_text(call, "name"), call->request);
        call_finish(call, claim_result(call, true));
    } else if (event->type == EARSHOT_EVENT_CLAIM) {
        claim_note_holder(call, event);
    }
}

/* Waits no more. */
void tool_claim_forget(struct call *call) {
    uint32_t request;
    (void)earshot_unclaim(call->mcp->hands, call_text(call, "name"), &request);
}

void tool_claim_late(struct call *call) {
    tool_claim_forget(call);
    call_finish(call, claim_result(call, false));
}

/* release. */

void tool_release_start(struct call *call) {
    int result = earshot_unclaim(call->mcp->hands, call_text(call, "name"), &call->request);
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, call_text(call, "name"));
}

void tool_release_take(struct call *call, const struct earshot_event *event) {
    const char *name = call_text(call, "name");
    struct claimed *one, *next;
    bool was_held = false;
    if (event->type == EARSHOT_EVENT_FAILED) {
        call_fail_event(call, event, name);
        return;
    }
    if (event->type != EARSHOT_EVENT_DONE)
        return;
    LL_FOREACH_SAFE(call->mcp->claimed, one, next) {
        if (strcasecmp(one->name, name) != 0)
            continue;
        was_held = true;
        claimed_remove(call->mcp, one);
    }
    if (was_held)
        call_finish(call, json_pack("{s:s}", "released", name));
    else
        call_fail(call, "\"%s\" was not yours; `claims` tells whose each name is", name);
}

/* claims. */

void tool_claims_start(struct call *call) {
    call->lines = json_array();
    int result = earshot_claims(call->mcp->hands, &call->request);
    if (result != EARSHOT_OK)
        call_fail_link(call, call->mcp->hands, result, "");
}

static json_t *claims_line(const struct earshot_event *event) {
    struct cli_claim claim;
    claims_fill(&claim, event);
    json_t *line = json_pack("{s:o,s:s,s:I}", "name", json_text(claim.name), "state",
                             claim.is_held ? "held" : "waiting", "place", (json_int_t)claim.place);
    json_t *who = json_of_claim(&claim);
    json_object_update(line, who);
    json_decref(who);
    claims_free(&claim);
    return line;
}

void tool_claims_take(struct call *call, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_CLAIM)
        json_array_append_new(call->lines, claims_line(event));
    else if (event->type == EARSHOT_EVENT_FAILED)
        call_fail_event(call, event, "");
    else if (event->type == EARSHOT_EVENT_DONE)
        call_finish(call, json_pack("{s:O}", "claims", call->lines));
}

/* when_process_ends. */

static void when_fail(struct call *call, int pid, int error) {
    if (error == -ESRCH || error == -EINVAL) /* EINVAL: a thread's */
        call_fail(call, "there is no process %d (any more); `ps` lists those that there are", pid);
    else
        call_fail(call, "cannot watch process %d: %s", pid, strerror(-error));
}

void tool_when_start(struct call *call) {
    struct cli_process *process = &call->process;
    process->pid = (pid_t)call_number(call, "pid", 0);
    int r = process_open(process->pid, &call->fd);
    if (r < 0) {
        call->fd = -1;
        when_fail(call, (int)process->pid, r);
        return;
    }
    process_name(process->pid, process->program);
    process->began = process_began(process->pid);
    process->has_uid = process_uid(process->pid, &process->uid) == 0;
    struct pollfd fd = {.fd = call->fd, .events = POLLIN};
    if (poll(&fd, 1, 0) > 0) { /* what was read may be of another one with this number */
        when_fail(call, (int)process->pid, -ESRCH);
        return;
    }
    if (process->has_uid)
        cli_login(process->uid, process->login);
    if (json_object_get(call->arguments, "timeout_seconds"))
        call_set_deadline(call, call_number(call, "timeout_seconds", 0));
}

static void when_finish(struct call *call, bool has_ended) {
    json_t *process = json_of_process(&call->process);
    if (!has_ended)
        json_object_set_new(process, "ended", json_null());
    if (!has_ended)
        json_object_set_new(process, "ran_ms", json_null());
    call_finish(call, json_pack("{s:b,s:o}", "ended", (int)has_ended, "process", process));
}

void tool_when_ready(struct call *call) {
    call->process.ended = wall_now();
    when_finish(call, true);
}

void tool_when_late(struct call *call) {
    when_finish(call, false);
}
