#include "chat/complete_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/text.h"
#include "chat/files.h"

/* Links to directories are some. */
static bool is_directory(DIR *directory, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* A line has neither controls nor bytes that are no text; and blanks at its end are cut. */
static bool can_be_typed(const char *name) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
    return safe && strcmp(safe, name) == 0 && name[strlen(name) - 1] != ' ';
}

static bool path_is_wanted(const char *name, const char *begin) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && begin[0] != '.'))
        return false;
    return strncmp(name, begin, strlen(begin)) == 0 && can_be_typed(name);
}

static DIR *directory_of(const char *typed, int n) {
    CLEANUP_FREE char *path = NULL;
    if (n == 0)
        return opendir(".");
    if (asprintf(&path, "%.*s", n, typed) < 0)
        return NULL;
    CLEANUP_FREE char *full = files_expand(path);
    return opendir(full);
}

void complete_path_each(const char *typed, void (*visit)(const char *path)) {
    const char *slash = strrchr(typed, '/');
    const char *begin = slash ? slash + 1 : typed;
    int n = (int)(begin - typed);
    DIR *directory = directory_of(typed, n);
    struct dirent *entry;
    // cppcheck-suppress readdirCalled; one stream, one thread
    while (directory && (entry = readdir(directory))) {
        CLEANUP_FREE char *path = NULL;
        if (path_is_wanted(entry->d_name, begin) &&
            asprintf(&path, "%.*s%s%s", n, typed, entry->d_name,
                     is_directory(directory, entry) ? "/" : "") >= 0)
            visit(path);
    }
    if (directory)
        closedir(directory);
}
