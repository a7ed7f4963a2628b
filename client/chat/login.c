#include "chat/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "cli/records.h"
#include "cli/words.h"

struct login_known {
    uid_t uid;
    char login[LOGIN_SIZE];
    UT_hash_handle hh;
};

/* A handle that was told of, of this uid. */
struct login_told {
    UT_hash_handle hh;
    char key[]; /* "1001 bob" */
};

void login_deinit(struct chat *chat) {
    struct login_known *known, *next;
    struct login_told *told, *next_told;
    HASH_ITER(hh, chat->logins, known, next) {
        HASH_DEL(chat->logins, known);
        free(known);
    }
    HASH_ITER(hh, chat->logins_told, told, next_told) {
        HASH_DEL(chat->logins_told, told);
        free(told);
    }
}

static const char *login_of(struct chat *chat, uid_t uid) {
    struct login_known *known;
    HASH_FIND(hh, chat->logins, &uid, sizeof uid, known);
    if (known)
        return known->login;
    known = calloc(1, sizeof *known);
    if (!known)
        return "";
    known->uid = uid;
    cli_login(uid, known->login);
    HASH_ADD(hh, chat->logins, uid, sizeof known->uid, known);
    return known->login;
}

const char *login_remark(struct chat *chat, const char *handle, uid_t uid) {
    static char remark[LOGIN_SIZE + 16];
    const char *login = uid == geteuid() ? "" : login_of(chat, uid);
    bool has_login = *login && strspn(login, "0123456789") != strlen(login);
    remark[0] = '\0';
    if (*login && !words_same_name(login, handle))
        snprintf(remark, sizeof remark, " (%s %s)", has_login ? "login" : "uid", login);
    return remark;
}

const char *login_first(struct chat *chat, const char *handle, uid_t uid) {
    char key[CHAT_NAME_SIZE + 16];
    struct login_told *told;
    const char *remark = login_remark(chat, handle, uid);
    if (!*remark || !chat->view.windowed)
        return "";
    int n = snprintf(key, sizeof key, "%u %s", (unsigned)uid, handle);
    HASH_FIND_STR(chat->logins_told, key, told);
    if (told)
        return "";
    told = malloc(sizeof *told + (size_t)n + 1);
    if (!told)
        return remark;
    memcpy(told->key, key, (size_t)n + 1);
    HASH_ADD_STR(chat->logins_told, key, told);
    return remark;
}
