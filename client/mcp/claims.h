/* Names that this program has claimed: when one is lost, its caller is told. */
#pragma once

#include "mcp/mcp.h"

struct claimed;

/* True: the event was about one of them. */
bool claimed_take(struct mcp *mcp, const struct earshot_event *event);
void claimed_free(struct mcp *mcp);
