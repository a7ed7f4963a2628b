#include "io/database/login.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWD_BYTES 1024 /* of one entry, at first */
#define PASSWD_BYTES_MAX ((size_t)1024 * 1024)
#define GROUPS_MAX 4096 /* of one user */

#define GROUP_BYTES 4096 /* of one entry, at first: its members stand in it */
#define GROUP_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* What group and passwd call errors that say only that there is no such entry, see getgrnam_r(3)
 * and getpwuid_r(3). */
static bool login_is_absent(int error) {
    return error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static struct group_look gid_of_group(const char *name) {
    struct group entry, *found = NULL;
    char *buffer = NULL;
    int error = ERANGE;
    for (size_t size = GROUP_BYTES; error == ERANGE && size <= GROUP_BYTES_MAX; size *= 4) {
        char *larger = realloc(buffer, size);
        if (!larger)
            break;
        buffer = larger;
        do
            error = getgrnam_r(name, &entry, buffer, size, &found);
        while (error == EINTR);
    }
    struct group_look look = {.is_told = error == 0 || login_is_absent(error), .gid = GROUP_NONE};
    if (error == 0 && found)
        look.gid = found->gr_gid;
    free(buffer);
    return look;
}

static void groups_of_user(const struct passwd *user, const struct login_question *question,
                           struct login_answer *answer) {
    gid_t groups[GROUPS_MAX];
    gid_t gid = question->group.n > 0 ? answer->group.gid : question->gid;
    int n = GROUPS_MAX;
    if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
        n = GROUPS_MAX;
    for (int i = 0; i < n; i++)
        answer->in_group |= gid != GROUP_NONE && groups[i] == gid;
    answer->groups.n = n < GROUP_GIDS_MAX ? (unsigned)n : GROUP_GIDS_MAX;
    memcpy(answer->groups.gids, groups, answer->groups.n * sizeof *groups);
}

/* One entry, and the memory that its texts are in. */
struct passwd_entry {
    struct passwd entry;
    const struct passwd *found; /* NULL: there is none */
    char *buffer;
};

static int passwd_try(const char *name, uid_t uid, struct passwd_entry *entry, size_t size) {
    struct passwd *found = NULL;
    char *buffer = realloc(entry->buffer, size);
    if (!buffer)
        return ENOMEM;
    entry->buffer = buffer;
    int error = name ? getpwnam_r(name, &entry->entry, buffer, size, &found)
                     : getpwuid_r(uid, &entry->entry, buffer, size, &found);
    entry->found = error == 0 ? found : NULL;
    return error;
}

/* By name, or (NULL) by uid. 0, or an errno: it cannot be told. */
static int passwd_find(const char *name, uid_t uid, struct passwd_entry *entry) {
    size_t size = PASSWD_BYTES;
    int error;
    *entry = (struct passwd_entry){0};
    while ((error = passwd_try(name, uid, entry, size)) == EINTR || error == ERANGE) {
        if (error == ERANGE && (size *= 2) > PASSWD_BYTES_MAX)
            break;
    }
    return login_is_absent(error) ? 0 : error;
}

static void login_of_uid(const struct login_question *question, struct login_answer *answer) {
    struct passwd_entry entry;
    answer->error = passwd_find(NULL, question->uid, &entry);
    if (entry.found) {
        if (name_parse(&answer->login, bytes_of(entry.found->pw_name)) != NAME_OK ||
            name_is_room(&answer->login))
            answer->login = (struct name){0};
        if (question->group.n > 0 || question->gid != GROUP_NONE || question->wants_groups)
            groups_of_user(entry.found, question, answer);
    }
    answer->groups.is_told = question->wants_groups && answer->error == 0;
    free(entry.buffer);
}

static void uid_of_login(const char *login, struct login_answer *answer) {
    struct passwd_entry entry;
    answer->error = passwd_find(login, 0, &entry);
    if (entry.found)
        answer->uid = entry.found->pw_uid;
    free(entry.buffer);
}

void login_look_up(const struct login_question *question, struct login_answer *answer) {
    struct name key;
    *answer = (struct login_answer){.uid = LOGIN_NOBODY};
    if (question->name.n == 0) {
        if (question->group.n > 0)
            answer->group = gid_of_group(question->group.s);
        if (question->uid != LOGIN_NOBODY)
            login_of_uid(question, answer);
        return;
    }
    name_key(&key, &question->name);
    uid_of_login(key.s, answer);
    if (answer->error == 0 && answer->uid == LOGIN_NOBODY && strcmp(key.s, question->name.s) != 0)
        uid_of_login(question->name.s, answer);
}

uid_t login_uid_of_key(const struct name *key) {
    char *end;
    struct name plain;
    if (strncmp(key->s, "uid", 3) != 0 || key->s[3] < '0' || key->s[3] > '9')
        return LOGIN_NOBODY;
    unsigned long long uid = strtoull(key->s + 3, &end, 10);
    if (*end || uid >= UINT32_MAX)
        return LOGIN_NOBODY;
    login_plain_handle((uid_t)uid, &plain); /* uid007 is a name like any other */
    return strcmp(plain.s, key->s) == 0 ? (uid_t)uid : LOGIN_NOBODY;
}

void login_plain_handle(uid_t uid, struct name *handle) {
    handle->n = (uint8_t)snprintf(handle->s, sizeof handle->s, "uid%u", uid);
}
