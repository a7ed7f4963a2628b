#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/start.h"
#include "ipc/rendezvous.h"

#define JOIN_MS 30000   /* how long to wait for a hub that is there but does not answer */
#define MACHINE_MS 2000 /* how long to wait for the machine's hub to be started again */
#define OTHER_MS 10000  /* how long to wait for a hub that has our store */
#define TAKEN_MS 1000   /* and for one that had our place, which perhaps is just starting */
#define MACHINE_KEY_FILE RENDEZVOUS_SYSTEM_DIR "/" RENDEZVOUS_KEY_FILE

static enum rendezvous_origin open_origin(const struct cli_options *options) {
    char dir[PATH_MAX];
    enum rendezvous_origin origin;
    return rendezvous_locate(dir, &origin, options->hub) == 0 ? origin : RENDEZVOUS_NAMED;
}

/* In the machine's place there may be a private hub, which lets only its user in. */
static bool open_is_closed(const struct cli_options *options) {
    struct rendezvous_record record;
    char login[LOGIN_SIZE];
    if (open_origin(options) != RENDEZVOUS_PRIVATE || access(MACHINE_KEY_FILE, F_OK) < 0 ||
        rendezvous_find(RENDEZVOUS_SYSTEM_DIR, (uid_t)-1, &record) != RENDEZVOUS_OK ||
        record.mode != HUB_PRIVATE)
        return false;
    cli_login(record.uid, login);
    cli_remark(options,
               "the hub in " RENDEZVOUS_SYSTEM_DIR
               " is private, only %s may join it; this is your private one. An administrator opens "
               "that one for everybody with --mode open (earshotd(8))",
               login);
    return true;
}

/*
 * A hub of the machine that died has left its key file, and is about to be started again. In the
 * private place we would meet nobody meanwhile.
 */
static void open_await_machine(const struct cli_options *options) {
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    mono_time end = mono_add_ms(mono_now(), MACHINE_MS);
    if (open_is_closed(options))
        return;
    while (open_origin(options) == RENDEZVOUS_PRIVATE && access(MACHINE_KEY_FILE, F_OK) == 0 &&
           !cli_interrupted() && !cli_limit_passed()) {
        if (mono_ms_until(mono_now(), end) <= 0) {
            cli_remark(options, "the machine's hub, in " RENDEZVOUS_SYSTEM_DIR
                                ", has died and is not started again; this is your private one");
            return;
        }
        nanosleep(&pause, NULL);
    }
}

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
static bool open_may_start(const struct cli_options *options, char dir[PATH_MAX]) {
    enum rendezvous_origin origin;
    if (rendezvous_locate(dir, &origin, options->hub) != 0)
        return false;
    return origin == RENDEZVOUS_PRIVATE || (origin == RENDEZVOUS_NAMED && options->start);
}

static int open_fail(earshot **link, const struct cli_options *options, int result) {
    int code = cli_fail_link(options, *link, result);
    earshot_close(*link);
    *link = NULL;
    return code;
}

/* A hub that could not start may have met another one, which is about to answer. */
static int open_started(earshot **link, const struct cli_options *options, unsigned flags,
                        uint64_t after, int wait_ms) {
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    mono_time end = mono_add_ms(mono_now(), wait_ms);
    int result = open_link(link, options, flags, after);
    while (result == EARSHOT_NO_HUB && mono_ms_until(mono_now(), end) > 0 && !cli_interrupted() &&
           !cli_limit_passed()) {
        earshot_close(*link);
        nanosleep(&pause, NULL);
        result = open_link(link, options, flags, after);
    }
    return result;
}

int cli_open(earshot **link, const struct cli_options *options, unsigned flags) {
    return cli_open_after(link, options, flags, 0);
}

int cli_open_after(earshot **link, const struct cli_options *options, unsigned flags,
                   uint64_t after) {
    char dir[PATH_MAX], why[CLI_WHY_SIZE];
    *link = NULL;
    open_await_machine(options);
    int result = open_link(link, options, flags, after);
    if (result == EARSHOT_OK)
        return CLI_DONE;
    if (result != EARSHOT_NO_HUB || !open_may_start(options, dir))
        return open_fail(link, options, result);
    earshot_close(*link);
    *link = NULL;
    int code = cli_start_hub(options, dir, why);
    if (code != CLI_DONE && !why[0])
        return code;
    int wait_ms = !why[0] ? 0 : code == CLI_TRY_AGAIN ? OTHER_MS : TAKEN_MS;
    result = open_started(link, options, flags, after, wait_ms);
    if (result == EARSHOT_NO_HUB && why[0]) {
        earshot_close(*link);
        *link = NULL;
        return cli_fail_start(options, dir, why);
    }
    return result == EARSHOT_OK ? CLI_DONE : open_fail(link, options, result);
}
