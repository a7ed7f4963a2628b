/*
 * Loaded into everything that a test starts, by LD_PRELOAD, on a machine that has other people: the
 * names that tests take (alice, bob) may be somebody's login there, and so belong to nobody else.
 * Here these people are not to be found: ordinary users; whoever runs the tests only if OTHERS_SELF
 * is set, because such a name is his.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define OTHERS_FIRST 1000 /* before them are the system's users */
#define OTHERS_NOBODY 65534

typedef int by_uid_fn(uid_t, struct passwd *, char *, size_t, struct passwd **);
typedef int by_name_fn(const char *, struct passwd *, char *, size_t, struct passwd **);
typedef struct passwd *uid_fn(uid_t);
typedef struct passwd *name_fn(const char *);

static bool is_other(const struct passwd *entry) {
    return entry && entry->pw_uid >= OTHERS_FIRST && entry->pw_uid != OTHERS_NOBODY &&
           (entry->pw_uid != getuid() || getenv("OTHERS_SELF"));
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

/* For id(1) and tmux(1). */
struct passwd *getpwuid(uid_t uid) {
    struct passwd *found = ((uid_fn *)dlsym(RTLD_NEXT, "getpwuid"))(uid);
    return is_other(found) ? NULL : found;
}

struct passwd *getpwnam(const char *name) {
    struct passwd *found = ((name_fn *)dlsym(RTLD_NEXT, "getpwnam"))(name);
    return is_other(found) ? NULL : found;
}
