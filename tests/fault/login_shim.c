/*
 * Loaded into a client by LD_PRELOAD: the directory of users answers for nobody but the user
 * himself as long as the file exists that LOGIN_GATE names.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void login_await(void) {
    const char *gate = getenv("LOGIN_GATE");
    if (!gate)
        _exit(126); /* a run without it would prove nothing */
    while (access(gate, F_OK) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
    struct passwd *next;
    *found = NULL;
    if (uid != getuid())
        login_await();
    FILE *file = fopen("/etc/passwd", "re");
    if (!file)
        return errno;
    while (fgetpwent_r(file, entry, buffer, size, &next) == 0)
        if (next->pw_uid == uid && (*found = next))
            break;
    fclose(file);
    return 0;
}
