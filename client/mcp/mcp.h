/*
 * `earshot mcp`: a server of the Model Context Protocol (modelcontextprotocol.io) on standard input
 * and output, so that an agent talks as a handle of its own. It has no right but its user's.
 *
 * There are two links. `ears` listens: what comes there is looked at and let go, for the hub counts
 * what is unread and keeps it. `hands` asks and sends, so that an answer never stands behind what
 * others say.
 */
#pragma once

#include "cli/options.h"
#include "mcp/call.h"
#include "mcp/rpc.h"

struct subscription;

struct mcp {
    const struct cli_options *options;
    char *handle; /* ours */
    earshot *ears, *hands;
    struct rpc rpc;
    struct call *calls;
    struct subscription *subscriptions; /* resource.h */
    struct claimed *claimed;            /* claims.c */
    struct listing *listings;           /* resource.c: requests about resources */
    json_t *seen;                       /* conversation: up to which message the caller knows it */
    bool is_initialized;
    bool has_batches; /* of the revision that was agreed on */
};
