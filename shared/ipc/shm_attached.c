/*
 * Who has a segment attached. The kernel counts but does not name them; proc(5) shows each
 * mapping of a segment as the file /SYSV<key>, whose inode number is the segment's id.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/macro.h"
#include "ipc/shm.h"

#define PROC_PATH_SIZE 64

/* Ids mean something only within one IPC namespace. */
static bool shares_namespace(const char *pid) {
    char path[PROC_PATH_SIZE];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%.20s/ns/ipc", pid);
    return stat(path, &theirs) == 0 && stat("/proc/self/ns/ipc", &ours) == 0 &&
           theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static bool is_mapping_of(const char *line, unsigned long shmid) {
    unsigned long inode;
    int path_at = 0;
    return sscanf(line, "%*s %*s %*s %*s %lu %n", &inode, &path_at) == 1 && path_at > 0 &&
           inode == shmid && strncmp(line + path_at, "/SYSV", 5) == 0;
}

static bool has_attached(const char *pid, unsigned long shmid) {
    char path[PROC_PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%.20s/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return false;
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (!found && getline(&line, &size, maps) >= 0)
        found = is_mapping_of(line, shmid);
    fclose(maps);
    return found;
}

int shm_each_attached(int shmid, bool (*visit)(void *arg, pid_t pid), void *arg) {
    DIR *proc = opendir("/proc");
    if (!proc)
        return error_errno();
    // cppcheck-suppress readdirCalled; one stream, one thread
    for (struct dirent *entry; (entry = readdir(proc));) {
        const char *name = entry->d_name;
        if (!isdigit((unsigned char)name[0]) || !shares_namespace(name))
            continue;
        if (has_attached(name, (unsigned long)shmid) && !visit(arg, (pid_t)strtol(name, NULL, 10)))
            break;
    }
    closedir(proc);
    return 0;
}
