#include <errno.h>
#include <limits.h>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/start.h"
#include "ipc/rendezvous.h"

#define JOIN_MS 30000 /* how long to wait for a hub that is there but does not answer */

static int open_link(earshot **link, const struct cli_options *options, unsigned flags,
                     uint64_t after) {
    struct earshot_options wanted = {
        .hub = options->hub,
        .handle = options->name,
        .flags = flags,
        .after = after,
        .timeout_ms = options->timeout_ms >= 0 ? options->timeout_ms : JOIN_MS,
    };
    return earshot_open(link, &wanted);
}

/* Whether a hub may be started where we looked: the private place, or a named one if asked to. */
static bool may_start(const struct cli_options *options, char dir[PATH_MAX]) {
    enum rendezvous_origin origin;
    if (rendezvous_locate(dir, &origin, options->hub) != 0)
        return false;
    return origin == RENDEZVOUS_PRIVATE || (origin == RENDEZVOUS_NAMED && options->start);
}

static int fail_open(earshot **link, const struct cli_options *options, int result) {
    int code = cli_fail_link(options, *link, result);
    earshot_close(*link);
    *link = NULL;
    return code;
}

int cli_open(earshot **link, const struct cli_options *options, unsigned flags) {
    return cli_open_after(link, options, flags, 0);
}

int cli_open_after(earshot **link, const struct cli_options *options, unsigned flags,
                   uint64_t after) {
    char dir[PATH_MAX];
    *link = NULL;
    int result = open_link(link, options, flags, after);
    if (result == EARSHOT_OK)
        return CLI_DONE;
    if (result != EARSHOT_NO_HUB || !may_start(options, dir))
        return fail_open(link, options, result);
    earshot_close(*link);
    *link = NULL;
    int code = cli_start_hub(options, dir);
    if (code != CLI_DONE)
        return code;
    result = open_link(link, options, flags, after);
    return result == EARSHOT_OK ? CLI_DONE : fail_open(link, options, result);
}
