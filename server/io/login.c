#include "io/login.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define PASSWD_BUFFER 16384
#define GROUPS_MAX 4096 /* of one user */

void login_default_handle(uid_t uid, struct name *handle) {
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
        name_parse(handle, bytes_of(found->pw_name)) == NAME_OK && !name_is_room(handle))
        return;
    handle->n = (uint8_t)snprintf(handle->s, sizeof handle->s, "uid%u", uid);
}

static bool belongs_to_other(const char *login, uid_t uid) {
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    return getpwnam_r(login, &entry, buffer, sizeof buffer, &found) == 0 && found &&
           found->pw_uid != uid;
}

bool login_is_reserved(const struct name *handle, uid_t uid) {
    struct name key;
    name_key(&key, handle);
    return belongs_to_other(key.s, uid) || belongs_to_other(handle->s, uid);
}

bool login_is_in_group(uid_t uid, gid_t gid) {
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    if (gid == (gid_t)-1 || getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || !found ||
        getgrouplist(found->pw_name, found->pw_gid, groups, &n) < 0)
        return false;
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return true;
    return false;
}
