#include <stddef.h>

#include "cli/commands.h"
#include "cli/files/get.h"
#include "cli/files/progress.h"
#include "cli/files/put.h"
#include "cli/report.h"

const struct cli_option cli_pipe_options[] = {
    {"from", 0, CLI_STRING, CLI_AT(from), "HANDLE", "what HANDLE sends, to standard output", NULL,
     0},
    {"progress", 0, CLI_CHOICE, CLI_AT(progress), "auto|none|json",
     "how far it is, on standard error", progress_choices, 0},
    {0},
};

int cli_pipe(const struct cli_options *options, int n_words, char **words) {
    static char input[] = "-";
    char *paths[] = {input};
    const struct get_wish wish = {.streams_only = true, .count = 1};
    if ((n_words == 1) == (options->from != NULL))
        return cli_fail(options, OUTCOME_USAGE,
                        "pipe: say either to whom, as in `earshot pipe bob`, or from whom, as in "
                        "`earshot pipe --from alice`");
    if (options->from)
        return get_offers(options, &wish);
    return put_all(options, words[0], 1, paths, "pipe");
}
