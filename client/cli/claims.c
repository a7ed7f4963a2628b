#include "cli/claims.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/text.h"

void claims_fill(struct cli_claim *claim, const struct earshot_event *event) {
    *claim = (struct cli_claim){
        .name = cli_copy(event->claim.name),
        .handle = cli_copy(event->claim.handle),
        .note = cli_copy(event->claim.note),
        .is_held = event->claim.state == EARSHOT_CLAIM_HELD,
        .place = event->claim.place,
        .uid = event->claim.uid,
        .pid = event->claim.pid,
        .since_ms = event->claim.since_ms,
    };
    process_name(claim->pid, claim->program);
}

void claims_free(struct cli_claim *claim) {
    free(claim->name);
    free(claim->handle);
    free(claim->note);
    *claim = (struct cli_claim){0};
}

void claims_describe(const struct cli_claim *claim, char **text) {
    char since[32];
    int64_t ms = wall_now().ms - claim->since_ms;
    text_duration(ms > 0 ? (uint64_t)ms / 1000 : 0, since);
    if (asprintf(text, "%s has it (pid %d%s%s, for %s)%s%s", claim->handle, (int)claim->pid,
                 *claim->program ? " " : "", claim->program, since, *claim->note ? ": " : "",
                 claim->note) < 0)
        cli_out_of_memory();
}
