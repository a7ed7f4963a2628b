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
