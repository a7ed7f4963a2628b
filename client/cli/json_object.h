/* The objects that json.h prints, for who puts them into others. Each is the caller's; NULL: out of
 * memory. */
#pragma once

#include <jansson.h>

#include "cli/records.h"

/* Of others, and names of files: there may be any bytes in it, but in JSON only UTF-8. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text); /* null for "" */

/* RFC 3339, UTC; with milliseconds unless `seconds` says otherwise. */
json_t *json_instant(int64_t ms, bool seconds);

json_t *json_of_message(const struct earshot_event *event);
json_t *json_of_user(const struct cli_user *user);
json_t *json_of_claim(const struct cli_claim *claim);
json_t *json_of_process(const struct cli_process *process);
