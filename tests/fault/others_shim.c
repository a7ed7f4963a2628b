/*
 * Loaded into everything that a test starts, by LD_PRELOAD, on a machine that has other people: the
 * names that tests take (alice, bob) may be somebody's login there, and so belong to nobody else.
 * Here these people are not to be found: ordinary users, but whoever runs the tests.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#define OTHERS_FIRST 1000 /* before them are the system's users */
#define OTHERS_NOBODY 65534

typedef int by_uid_fn(uid_t, struct passwd *, char *, size_t, struct passwd **);
typedef int by_name_fn(const char *, struct passwd *, char *, size_t, struct passwd **);

static bool is_other(const struct passwd *entry) {
    return entry && entry->pw_uid >= OTHERS_FIRST && entry->pw_uid != OTHERS_NOBODY &&
           entry->pw_uid != getuid();
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
    by_uid_fn *next = (by_uid_fn *)dlsym(RTLD_NEXT, "getpwuid_r");
    int error = next(uid, entry, buffer, size, found);
    if (error == 0 && is_other(*found))
        *found = NULL;
    return error;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
               struct passwd **found) {
    by_name_fn *next = (by_name_fn *)dlsym(RTLD_NEXT, "getpwnam_r");
    int error = next(name, entry, buffer, size, found);
    if (error == 0 && is_other(*found))
        *found = NULL;
    return error;
}
