#include "io/login.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWD_BUFFER 16384
#define GROUPS_MAX 4096 /* of one user */

static bool is_in_group(const struct passwd *user, gid_t gid) {
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    if (gid == (gid_t)-1 || getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
        return false;
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

static void look_up_uid(const struct login_question *question, struct login_answer *answer) {
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(question->uid, &entry, buffer, sizeof buffer, &found) != 0 || !found)
        return;
    if (name_parse(&answer->login, bytes_of(found->pw_name)) != NAME_OK ||
        name_is_room(&answer->login))
        answer->login = (struct name){0};
    answer->in_group = is_in_group(found, question->gid);
}

static uid_t uid_of(const char *login) {
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    return getpwnam_r(login, &entry, buffer, sizeof buffer, &found) == 0 && found ? found->pw_uid
                                                                                  : LOGIN_NOBODY;
}

void login_look_up(const struct login_question *question, struct login_answer *answer) {
    struct name key;
    *answer = (struct login_answer){.uid = LOGIN_NOBODY};
    if (question->name.n == 0) {
        look_up_uid(question, answer);
        return;
    }
    name_key(&key, &question->name);
    answer->uid = uid_of(key.s);
    if (answer->uid == LOGIN_NOBODY && strcmp(key.s, question->name.s) != 0)
        answer->uid = uid_of(question->name.s);
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
