#include "mcp/rpc.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/json_object.h"
#include "cli/records.h"

#define RPC_READ_BYTES ((size_t)64 * 1024)

void rpc_close(struct rpc *rpc) {
    free(rpc->data);
    *rpc = (struct rpc){0};
}

/* A character that could do something to a terminal is written as an escape. */
static void rpc_write(struct rpc *rpc, json_t *message) {
    CLEANUP_FREE char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text)
        cli_out_of_memory();
    json_write_line(stdout, text);
    if (fflush(stdout) != 0)
        rpc->is_closed = true;
}

static void rpc_write_answer(struct rpc *rpc, struct rpc_batch *batch, json_t *answer) {
    if (!batch) {
        rpc_write(rpc, answer);
        return;
    }
    json_array_append_new(batch->answers, answer);
    rpc_leave_batch(rpc, batch);
}

void rpc_leave_batch(struct rpc *rpc, struct rpc_batch *batch) {
    if (!batch || --batch->n_open > 0)
        return;
    if (json_array_size(batch->answers) > 0)
        rpc_write(rpc, batch->answers);
    else
        json_decref(batch->answers);
    free(batch);
}

static json_t *rpc_head(const json_t *id) {
    json_t *answer = json_pack("{s:s}", "jsonrpc", "2.0");
    json_object_set_new(answer, "id", id ? json_deep_copy(id) : json_null());
    return answer;
}

void rpc_answer(struct rpc *rpc, struct rpc_batch *batch, const json_t *id, json_t *result) {
    json_t *answer = rpc_head(id);
    json_object_set_new(answer, "result", result);
    rpc_write_answer(rpc, batch, answer);
}

void rpc_refuse(struct rpc *rpc, struct rpc_batch *batch, const json_t *id, enum rpc_code code,
                const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *answer = rpc_head(id);
    json_object_set_new(answer, "error",
                        json_pack("{s:i,s:o}", "code", (int)code, "message", json_text(text)));
    rpc_write_answer(rpc, batch, answer);
}

void rpc_notify(struct rpc *rpc, const char *method, json_t *params) {
    json_t *message = json_pack("{s:s,s:s}", "jsonrpc", "2.0", "method", method);
    if (params)
        json_object_set_new(message, "params", params);
    rpc_write(rpc, message);
}

/* Room for more, behind what is not taken yet. */
static void rpc_make_room(struct rpc *rpc) {
    if (rpc->n > rpc->at)
        memmove(rpc->data, rpc->data + rpc->at, rpc->n - rpc->at);
    rpc->n -= rpc->at;
    rpc->at = 0;
    if (rpc->size - rpc->n >= RPC_READ_BYTES)
        return;
    size_t size = rpc->size + rpc->size / 2 + 2 * RPC_READ_BYTES;
    char *data = realloc(rpc->data, size);
    if (!data)
        cli_out_of_memory();
    rpc->data = data;
    rpc->size = size;
}

void rpc_fill(struct rpc *rpc) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    if (rpc->is_closed || poll(&fd, 1, 0) <= 0)
        return;
    rpc_make_room(rpc);
    ssize_t n = read(STDIN_FILENO, rpc->data + rpc->n, rpc->size - rpc->n);
    if (n > 0)
        rpc->n += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        rpc->is_closed = true;
}

/* Whether a whole line is there, or one that is too long: what there is of that is forgotten. */
static bool rpc_find_line(struct rpc *rpc, size_t *n) {
    const char *line = rpc->data + rpc->at;
    const char *end = rpc->n > rpc->at ? memchr(line, '\n', rpc->n - rpc->at) : NULL;
    *n = end ? (size_t)(end - line) : rpc->n - rpc->at;
    bool is_long = *n > RPC_LINE_MAX;
    if (is_long && !rpc->is_skipping)
        rpc_refuse(rpc, NULL, NULL, RPC_INVALID_REQUEST,
                   "a line of more than %zu bytes; send a large file with put_file", RPC_LINE_MAX);
    rpc->is_skipping |= is_long;
    if (!end && rpc->is_skipping)
        rpc->at = rpc->n;
    return end;
}

json_t *rpc_take(struct rpc *rpc) {
    size_t n;
    while (!(rpc->is_closed && rpc->at == rpc->n) && rpc_find_line(rpc, &n)) {
        const char *line = rpc->data + rpc->at;
        bool skips = rpc->is_skipping;
        json_error_t error;
        rpc->at += n + 1;
        rpc->is_skipping = false;
        if (skips || strspn(line, " \t\r") >= n)
            continue;
        json_t *message =
            json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (message)
            return message;
        rpc_refuse(rpc, NULL, NULL, RPC_PARSE_ERROR, "this line is no JSON: %s", error.text);
    }
    return NULL;
}
