/* The tools: a row for each, from which their schemas, the check of arguments and dispatch come. */
#pragma once

#include "mcp/call.h"

enum tool_type { TOOL_TEXT, TOOL_NUMBER, TOOL_WHOLE, TOOL_FLAG };

struct tool_parameter {
    const char *name; /* NULL ends a list */
    enum tool_type type;
    bool is_required;
    double min, max;            /* numbers; of a text: bytes */
    const char *const *choices; /* of a text: NULL-terminated, or NULL */
    const char *description;
};

enum tool_hint { TOOL_READS = 1, TOOL_REPEATS = 2 };

struct tool {
    const char *name, *title, *description;
    const struct tool_parameter *parameters;
    const char *output; /* the schema of its result, as JSON */
    unsigned hints;     /* enum tool_hint: changes nothing; twice is as once */
    /* Each may end the call. All but start may be NULL. */
    void (*start)(struct call *call);
    void (*take)(struct call *call, const struct earshot_event *event); /* of `hands` */
    void (*hear)(struct call *call, const struct earshot_event *event); /* of `ears` */
    void (*late)(struct call *call);   /* its deadline is over; NULL: it fails */
    void (*ready)(struct call *call);  /* its descriptor is readable */
    void (*forget)(struct call *call); /* it is cancelled */
};

extern const struct tool mcp_tools[]; /* name NULL ends it */

const struct tool *tool_find(const char *name);
json_t *tool_list(void);

/* False: `why` says what is wrong with the arguments, and what would be right. */
bool tool_check(const struct tool *tool, json_t *arguments, char *why, size_t size);

/*
 * talk.c, inbox.c, past.c, people.c, files.c, claims.c.
 */
void tool_send_start(struct call *call);
void tool_send_take(struct call *call, const struct earshot_event *event);
void tool_ask_start(struct call *call);
void tool_ask_take(struct call *call, const struct earshot_event *event);
void tool_ask_hear(struct call *call, const struct earshot_event *event);
void tool_ask_late(struct call *call);
void tool_inbox_start(struct call *call);
void tool_inbox_take(struct call *call, const struct earshot_event *event);
void tool_wait_start(struct call *call);
void tool_wait_take(struct call *call, const struct earshot_event *event);
void tool_wait_hear(struct call *call, const struct earshot_event *event);
void tool_wait_late(struct call *call);
void tool_history_start(struct call *call);
void tool_search_start(struct call *call);
void tool_past_take(struct call *call, const struct earshot_event *event);
void tool_who_start(struct call *call);
void tool_who_take(struct call *call, const struct earshot_event *event);
void tool_rooms_start(struct call *call);
void tool_rooms_take(struct call *call, const struct earshot_event *event);
void tool_join_start(struct call *call);
void tool_leave_start(struct call *call);
void tool_done_take(struct call *call, const struct earshot_event *event);
void tool_put_start(struct call *call);
void tool_put_take(struct call *call, const struct earshot_event *event);
void tool_put_late(struct call *call);
void tool_put_forget(struct call *call);
void tool_get_start(struct call *call);
void tool_get_take(struct call *call, const struct earshot_event *event);
void tool_get_late(struct call *call);
void tool_get_forget(struct call *call);
void tool_claim_start(struct call *call);
void tool_claim_take(struct call *call, const struct earshot_event *event);
void tool_claim_late(struct call *call);
void tool_claim_forget(struct call *call);
void tool_release_start(struct call *call);
void tool_release_take(struct call *call, const struct earshot_event *event);
void tool_claims_start(struct call *call);
void tool_claims_take(struct call *call, const struct earshot_event *event);
void tool_when_start(struct call *call);
void tool_when_ready(struct call *call);
void tool_when_late(struct call *call);
