#include "cli/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/child.h"
#include "cli/config.h"

#define NOTIFY_CALM_MS 2000
#define STUCK_MS 10000 /* a command that runs longer is ended */
#define TEXT_BYTES 400
#define ARGUMENTS_MAX 64

void notify_reap(struct notify *notify) {
    if (notify->pid > 0 && waitpid(notify->pid, NULL, WNOHANG) != 0)
        notify->pid = 0;
}

static bool notify_is_stuck(const struct notify *notify, mono_time now) {
    return mono_ms_until(mono_add_ms(notify->started, STUCK_MS), now) > 0;
}

bool notify_is_due(struct notify *notify, mono_time now) {
    notify_reap(notify);
    if (notify->pid > 0 && notify_is_stuck(notify, now))
        kill(-notify->pid, SIGKILL); /* reaped when SIGCHLD comes */
    bool calm = !notify->started.ns || mono_ms_until(notify->started, now) >= NOTIFY_CALM_MS;
    if (notify->pid > 0 || !calm) {
        notify->n_held_back++;
        return false;
    }
    notify->started = now;
    return true;
}

/* One line; a text that looks like an option gets a blank before it. */
static char *notify_argument(const char *text, unsigned n_more) {
    struct bytes all = bytes_of(text);
    size_t n = text_cut(all, all.n < TEXT_BYTES ? all.n : TEXT_BYTES);
    CLEANUP_FREE char *safe = text_safe((struct bytes){text, n}, TEXT_ONE_LINE);
    char more[48] = "", *argument = NULL;
    if (!safe)
        return NULL;
    if (n_more > 0)
        snprintf(more, sizeof more, " (and %u more)", n_more);
    if (asprintf(&argument, "%s%s%s%s", safe[0] == '-' ? " " : "", safe, n < all.n ? "..." : "",
                 more) < 0)
        return NULL;
    return argument;
}

void notify_run(struct notify *notify, const char *from, const char *conv, const char *text,
                mono_time now) {
    const struct config_list *command = &cli_config()->command;
    CLEANUP_FREE char *sender = notify_argument(from, 0);
    CLEANUP_FREE char *said = notify_argument(text, notify->n_held_back);
    struct child_files nothing = {-1, -1, -1};
    char *argv[ARGUMENTS_MAX + 3];
    notify->n_held_back = 0;
    if (command->n == 0 || command->n > ARGUMENTS_MAX || !sender || !said)
        return;
    memcpy(argv, command->words, command->n * sizeof *argv);
    argv[command->n] = sender;
    argv[command->n + 1] = said;
    argv[command->n + 2] = NULL;
    setenv("EARSHOT_CONV", conv, 1);
    notify->started = now;
    if (child_start(&notify->pid, argv, &nothing, true) < 0)
        notify->pid = 0;
}

void notify_deinit(struct notify *notify) {
    notify_reap(notify);
    if (notify->pid <= 0)
        return;
    kill(-notify->pid, SIGKILL);
    waitpid(notify->pid, NULL, 0);
    notify->pid = 0;
}
