#include "chat/revive.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/report.h"
#include "cli/start.h"
#include "ipc/rendezvous.h"

#define REVIVE_DELAY_MS 1000      /* a service manager, or whoever stopped it, may start it again */
#define REVIVE_DELAY_MS_MAX 60000 /* for a hub that ends soon, each time */
#define REVIVE_SOON_MS 60000
#define REVIVE_SOON_MAX 2 /* in a row with the first delay; then each is twice the one before */

/* What ended the hub may end the next one, too: the more often in a row, the longer it waits. */
static int revive_delay_ms(struct revive *revive) {
    mono_time soon = mono_add_ms(revive->started, REVIVE_SOON_MS);
    bool is_soon = revive->started.ns != 0 && mono_ms_until(mono_now(), soon) > 0;
    int ms = REVIVE_DELAY_MS;
    revive->n_soon = is_soon ? revive->n_soon + 1 : 0;
    for (unsigned n = REVIVE_SOON_MAX; n < revive->n_soon && ms < REVIVE_DELAY_MS_MAX; n++)
        ms *= 2;
    return ms < REVIVE_DELAY_MS_MAX ? ms : REVIVE_DELAY_MS_MAX;
}

void revive_lost(struct chat *chat) {
    int ms = revive_delay_ms(&chat->revive);
    chat->revive.due = mono_add_ms(mono_now(), ms);
    if (ms > REVIVE_DELAY_MS)
        view_note(&chat->view, VIEW_INFO,
                  "it has ended soon after its start several times; its log says why");
}

void revive_back(struct chat *chat) {
    chat->revive.due = (mono_time){0};
}

int revive_timeout_ms(const struct chat *chat) {
    if (chat->revive.due.ns == 0)
        return -1;
    return mono_poll_ms(chat->revive.due);
}

/* Where the private hub is started; false: this window is not at a private hub. */
static bool revive_find_private(const struct chat *chat, const char *hub_dir, char dir[PATH_MAX]) {
    enum rendezvous_origin origin;
    return rendezvous_locate(dir, &origin, chat->options->hub) == 0 &&
           origin == RENDEZVOUS_PRIVATE && strcmp(hub_dir, RENDEZVOUS_SYSTEM_DIR) != 0;
}

/* A clean stop removes the key file. */
static bool revive_was_stopped(const char *dir) {
    char path[PATH_MAX + sizeof RENDEZVOUS_KEY_FILE];
    snprintf(path, sizeof path, "%s/%s", dir, RENDEZVOUS_KEY_FILE);
    return access(path, F_OK) < 0;
}

/* The child is over. */
static void revive_forget(struct chat *chat) {
    if (chat->revive.errors >= 0)
        close(chat->revive.errors);
    chat->revive.errors = -1;
    chat->revive.pid = 0;
}

static void revive_start(struct chat *chat, const char *hub_dir) {
    char program[PATH_MAX], dir_option[] = "--dir", dir[PATH_MAX], name[PATH_MAX];
    char *argv[] = {name, dir_option, dir, NULL};
    snprintf(name, sizeof name, "%s", cli_hub_program(program));
    snprintf(dir, sizeof dir, "%s", hub_dir);
    chat->revive.errors = memfd_create("hub-errors", MFD_CLOEXEC);
    int r = child_start(&chat->revive.pid, argv, &(struct child_files){-1, -1, chat->revive.errors},
                        true);
    chat->revive.started = mono_now();
    if (r == 0) {
        view_note(&chat->view, VIEW_INFO, "starting the hub again");
        return;
    }
    revive_forget(chat);
    view_note(&chat->view, VIEW_ERROR, "cannot start %s: %s", name, strerror(-r));
}

void revive_tick(struct chat *chat) {
    struct earshot_hub_info hub;
    char dir[PATH_MAX];
    if (revive_timeout_ms(chat) != 0)
        return;
    chat->revive.due = (mono_time){0};
    earshot_hub(chat->link, &hub);
    if (earshot_is_joined(chat->link) || chat->revive.pid > 0 ||
        !revive_find_private(chat, hub.dir, dir))
        return;
    if (revive_was_stopped(hub.dir))
        view_note(&chat->view, VIEW_INFO,
                  "it was stopped; any other `earshot` command starts it again");
    else
        revive_start(chat, dir);
}

void revive_reap(struct chat *chat) {
    int status;
    if (chat->revive.pid <= 0 || waitpid(chat->revive.pid, &status, WNOHANG) <= 0)
        return;
    struct earshot_hub_info hub;
    struct rendezvous_record record;
    char why[CLI_WHY_SIZE], dir[PATH_MAX];
    cli_explain_start(chat->revive.errors, status, why, sizeof why);
    revive_forget(chat);
    earshot_hub(chat->link, &hub);
    bool is_there = revive_find_private(chat, hub.dir, dir) &&
                    rendezvous_find(dir, geteuid(), &record) == RENDEZVOUS_OK;
    if (child_exit_code(status) == CLI_DONE || is_there) /* another one was first */
        return;
    view_note(&chat->view, VIEW_ERROR, "the hub does not start: %s", why);
}
