/*
 * Resources: the recent past of each conversation, as earshot://conversation/NAME, the name being
 * encoded as RFC 3986 has it. Who subscribes to one is told when something is said there.
 */
#pragma once

#include "mcp/mcp.h"

struct subscription;
struct listing;

/* Requests: each is answered, at once or when the hub has. `id` is taken over. */
void resource_list(struct mcp *mcp, json_t *id, struct rpc_batch *batch);
void resource_list_templates(struct mcp *mcp, json_t *id, struct rpc_batch *batch);
void resource_read(struct mcp *mcp, json_t *id, const char *uri, struct rpc_batch *batch);
void resource_subscribe(struct mcp *mcp, json_t *id, const char *uri, struct rpc_batch *batch);
void resource_unsubscribe(struct mcp *mcp, json_t *id, const char *uri, struct rpc_batch *batch);

/* Whoever asked wants no answer any more. */
void resource_cancel(struct mcp *mcp, const json_t *id);

/* An event of `hands`; true: it was the answer to one of these. */
bool resource_take(struct mcp *mcp, const struct earshot_event *event);

/* Something was said or changed there; resource_flush() tells it, once for all. */
void resource_note(struct mcp *mcp, const char *conv);
void resource_flush(struct mcp *mcp);

void resources_free(struct mcp *mcp);
