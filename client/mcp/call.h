/*
 * A call of a tool that has not been answered yet. A tool starts it, and goes on with it when
 * something comes from the hub, when its time is over, or when another descriptor has something.
 */
#pragma once

#include "base/clock.h"
#include "cli/records.h"
#include "mcp/rpc.h"

struct mcp;
struct tool;
struct fetch;

struct call {
    struct mcp *mcp;
    const struct tool *tool;
    json_t *id;
    json_t *progress_token; /* NULL: the caller wants to hear nothing meanwhile */
    struct rpc_batch *batch;
    json_t *arguments; /* checked against the tool's parameters */
    struct call *prev, *next;

    uint32_t request; /* of the link `hands`; 0: none */
    bool has_deadline, is_over;
    mono_time began, deadline, told; /* told: when progress was */
    unsigned n_told;

    /* Of single tools. */
    unsigned stage;
    char message_id[EARSHOT_ID_SIZE]; /* a message or an offer */
    uid_t author;                     /* of the message that it answers, if it is known */
    bool has_author;
    uint64_t after;      /* an answer comes behind this one */
    json_t *lines;       /* of an answer of the hub, or its parts */
    struct fetch *fetch; /* inbox.h */
    int fd;              /* -1: none */
    struct cli_process process;
    struct cli_claim holder; /* handle NULL: nobody is known */
    unsigned place;
};

/* Takes over what is given. */
struct call *call_new(struct mcp *mcp, const struct tool *tool, json_t *id, json_t *arguments,
                      json_t *progress_token, struct rpc_batch *batch);

/*
 * These end the call; it is freed when nobody works on it any more (calls_reap()). `result` is what
 * the tool's output schema says, and is freed.
 */
void call_finish(struct call *call, json_t *result);
/* The sentence says what to do. */
void call_fail(struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);
/* Of a result of libearshot, or an event of the hub that refuses. `what` may be "". */
void call_fail_link(struct call *call, const earshot *link, int result, const char *what);
void call_fail_event(struct call *call, const struct earshot_event *event, const char *what);

/* Tells the caller, if he wants to hear. */
void call_progress(struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* From now on; what the tool's `late` does then. */
void call_set_deadline(struct call *call, double seconds);

/* Arguments; the default when it is not given. */
const char *call_text(const struct call *call, const char *name);
double call_number(const struct call *call, const char *name, double otherwise);
bool call_flag(const struct call *call, const char *name);

/* Whoever asked wants no answer any more. */
void calls_cancel(struct mcp *mcp, const json_t *id);
/* What is due: deadlines, and progress of those that wait long. */
void calls_tick(struct mcp *mcp, mono_time now);
/* Milliseconds until then; -1: nothing is. */
int calls_timeout_ms(const struct mcp *mcp, mono_time now);
void calls_reap(struct mcp *mcp);
void calls_free(struct mcp *mcp);
