#include "cli/records.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

void cli_login(uid_t uid, char login[LOGIN_SIZE]) {
    const struct passwd *entry = getpwuid(uid);
    if (entry && strlen(entry->pw_name) < LOGIN_SIZE)
        snprintf(login, LOGIN_SIZE, "%s", entry->pw_name);
    else
        snprintf(login, LOGIN_SIZE, "%u", uid);
}

static void *checked(void *memory) {
    if (!memory)
        exit(cli_fail(NULL, CLI_FAILED, "internal", "out of memory"));
    return memory;
}

void *cli_grow(void *array, size_t n, size_t size) {
    /* Powers of two: whatever n is, the array was last grown at the power below it. */
    if (n & (n - 1))
        return array;
    return checked(reallocarray(array, n ? 2 * n : 1, size));
}

void *cli_allocate(size_t size) {
    return checked(malloc(size));
}

char *cli_copy(const char *string) {
    return checked(strdup(string));
}
