/* Claims, as the hub tells of them, with what the kernel and the user database know. */
#pragma once

#include "cli/records.h"

/* From a CLAIM event; claims_free() frees what is in it, safe on the zero state. */
void claims_fill(struct cli_claim *claim, const struct earshot_event *event);
void claims_free(struct cli_claim *claim);

/* "bob has it (pid 777 python, for 12 min): training"; the caller frees it. */
void claims_describe(const struct cli_claim *claim, char **text);
