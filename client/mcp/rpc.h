/*
 * JSON-RPC 2.0 on standard input and output, a message in each line, as the Model Context Protocol
 * has it (modelcontextprotocol.io, "Transports"). Who drives this is our own user's program: its
 * lines are bounded, but it is not an attacker, and writing to it may block.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define RPC_LINE_MAX ((size_t)4 * 1024 * 1024) /* bytes; a longer line is answered as an error */

/* Codes of errors (jsonrpc.org/specification, section 5.1, and those of the protocol). */
enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_NO_METHOD = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_NO_RESOURCE = -32002,
};

struct rpc {
    char *data; /* what was read, from `at` on; the lines before are done */
    size_t at, n, size;
    bool is_skipping; /* the rest of a line that is too long */
    bool is_closed;   /* the other side wants no more, or has nothing more to say */
};

/* Several requests in one line get one answer, an array, when the last of them has its own. */
struct rpc_batch {
    json_t *answers;
    size_t n_open;
};

void rpc_close(struct rpc *rpc);

/* Takes what is there, without waiting. Sets is_closed at the end of the input. */
void rpc_fill(struct rpc *rpc);

/* The next message, which the caller owns; NULL: there is no whole line. What is no JSON has been
 * answered. */
json_t *rpc_take(struct rpc *rpc);

/* These free `result`; `id` stays the caller's. `batch` is NULL for a request of its own, and may
 * be freed by the call. */
void rpc_answer(struct rpc *rpc, struct rpc_batch *batch, const json_t *id, json_t *result);
void rpc_refuse(struct rpc *rpc, struct rpc_batch *batch, const json_t *id, enum rpc_code code,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* A request of a batch ends without an answer. */
void rpc_leave_batch(struct rpc *rpc, struct rpc_batch *batch);

/* Frees `params`. */
void rpc_notify(struct rpc *rpc, const char *method, json_t *params);
