#include "cli/records.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

#define PASSWD_SIZE 16384 /* more than any entry has that a login can have */

const char *const cli_state_words[] = {"sent", "stored", "delivered", "read", NULL};
const char *const cli_presence_words[] = {"offline", "online", "away"};
const char *const cli_mode_words[] = {"private", "group", "open"};

void cli_login(uid_t uid, char login[LOGIN_SIZE]) {
    struct passwd entry, *found = NULL;
    char buffer[PASSWD_SIZE];
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
        strlen(found->pw_name) < LOGIN_SIZE)
        snprintf(login, LOGIN_SIZE, "%s", found->pw_name);
    else
        snprintf(login, LOGIN_SIZE, "%u", uid);
}

void cli_out_of_memory(void) {
    exit(cli_fail(NULL, FAIL_INTERNAL, "out of memory"));
}

static void *records_checked(void *memory) {
    if (!memory)
        cli_out_of_memory();
    return memory;
}

void *cli_grow(void *array, size_t n, size_t size) {
    /* Powers of two: whatever n is, the array was last grown at the power below it. */
    if (n & (n - 1))
        return array;
    return records_checked(reallocarray(array, n ? 2 * n : 1, size));
}

void *cli_allocate(size_t size) {
    return records_checked(malloc(size));
}

char *cli_copy(const char *string) {
    return records_checked(strdup(string));
}

static void records_add_sessions(struct cli_user *user, const struct earshot_event *event) {
    for (size_t i = 0; i < event->user.n_pids; i++) {
        user->sessions = cli_grow(user->sessions, i, sizeof *user->sessions);
        struct cli_session *session = &user->sessions[user->n_sessions++];
        *session = (struct cli_session){.pid = event->user.pids[i]};
        process_tty(session->pid, session->tty);
        process_name(session->pid, session->program);
    }
}

struct cli_user cli_user_of(const struct earshot_event *event) {
    struct cli_user user = {
        .handle = cli_copy(event->user.handle),
        .away = cli_copy(event->user.away),
        .uid = event->user.uid,
        .state = event->user.state,
        .idle_s = event->user.idle_s,
    };
    cli_login(user.uid, user.login);
    records_add_sessions(&user, event);
    return user;
}

void cli_user_free(struct cli_user *user) {
    free(user->handle);
    free(user->away);
    free(user->sessions);
    *user = (struct cli_user){0};
}

int64_t cli_user_since(const struct cli_user *user) {
    int64_t since_ms = 0;
    for (size_t i = 0; i < user->n_sessions; i++)
        if (user->sessions[i].since_ms > 0 &&
            (since_ms == 0 || user->sessions[i].since_ms < since_ms))
            since_ms = user->sessions[i].since_ms;
    return since_ms;
}
