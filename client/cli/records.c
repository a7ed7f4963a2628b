#include "cli/records.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/report.h"

#define LOGINS_KNOWN 256
#define LOGIN_HOLDS_MS 1000
#define PASSWD_SIZE 16384 /* more than any entry has that a login can have */

const char *const cli_state_words[] = {"sent", "stored", "delivered", "read", NULL};
const char *const cli_presence_words[] = {"offline", "online", "away"};
const char *const cli_mode_words[] = {"private", "group", "open"};

static void records_look_up_login(uid_t uid, char login[LOGIN_SIZE]) {
    struct passwd entry, *found = NULL;
    char buffer[PASSWD_SIZE];
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
        strlen(found->pw_name) < LOGIN_SIZE)
        snprintf(login, LOGIN_SIZE, "%s", found->pw_name);
    else
        snprintf(login, LOGIN_SIZE, "%u", uid);
}

/* A list may have thousands of handles of a few users, and the database takes its time for each
 * question: an answer holds for a moment. */
void cli_login(uid_t uid, char login[LOGIN_SIZE]) {
    static struct {
        uid_t uid;
        mono_time until;
        char login[LOGIN_SIZE];
    } known[LOGINS_KNOWN];
    mono_time now = mono_now();
    size_t at = uid % LOGINS_KNOWN;
    if (known[at].uid != uid || known[at].until.ns <= now.ns) {
        records_look_up_login(uid, known[at].login);
        known[at].uid = uid;
        known[at].until = mono_add_ms(now, LOGIN_HOLDS_MS);
    }
    memcpy(login, known[at].login, LOGIN_SIZE);
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

/* The hub may know no login name of a uid that it has from its store. */
void cli_accounts_add(struct cli_accounts *accounts, const struct earshot_account *account) {
    accounts->all = cli_grow(accounts->all, accounts->n, sizeof *accounts->all);
    struct cli_account *new = &accounts->all[accounts->n++];
    *new = (struct cli_account){.account = *account, .orders = cli_copy(account->orders)};
    if (*account->login && strlen(account->login) < LOGIN_SIZE)
        snprintf(new->login, LOGIN_SIZE, "%s", account->login);
    else
        cli_login(account->uid, new->login);
    new->account.login = new->account.orders = NULL;
}

static int accounts_compare(const void *a, const void *b) {
    const struct earshot_account *x = &((const struct cli_account *)a)->account;
    const struct earshot_account *y = &((const struct cli_account *)b)->account;
    const uint64_t pairs[][2] = {{x->minute.lock_us, y->minute.lock_us},
                                 {x->minute.messages, y->minute.messages},
                                 {x->hour.messages, y->hour.messages},
                                 {x->day.messages, y->day.messages},
                                 {y->uid, x->uid}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] > pairs[i][1] ? -1 : 1;
    return 0;
}

void cli_accounts_sort(struct cli_accounts *accounts) {
    if (accounts->n > 1)
        qsort(accounts->all, accounts->n, sizeof *accounts->all, accounts_compare);
}

void cli_accounts_free(struct cli_accounts *accounts) {
    for (size_t i = 0; i < accounts->n; i++)
        free(accounts->all[i].orders);
    free(accounts->all);
    *accounts = (struct cli_accounts){0};
}
