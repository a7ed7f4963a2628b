#include "io/database/right.h"

#include <stdio.h>
#include <string.h>

#include "io/database/resolver.h"

static enum right_outcome ask_uid(struct right *right, uid_t uid) {
    right->question =
        (struct login_question){.uid = uid, .gid = right->gid, .wants_groups = uid == right->uid};
    return RIGHT_ASKS;
}

static enum right_outcome ask_name(struct right *right) {
    right->question = (struct login_question){.name = right->wanted};
    return RIGHT_ASKS;
}

void right_answer(struct right *right, const struct login_answer *answer) {
    if (answer->error != 0) {
        right->error = answer->error;
        return;
    }
    if (right->question.name.n > 0) {
        right->knows_holder = true;
        right->holder = answer->uid;
    } else if (!right->knows_login) {
        right->knows_login = true;
        right->login = answer->login;
        right->in_group = answer->in_group;
        right->groups = answer->groups;
    } else {
        right->knows_rival = true;
        right->rival = right->question.uid;
        right->rival_login = answer->login;
    }
}

/*
 * The database cannot tell. Nobody gets a name because of that, or keeps one that another user may
 * have had under this uid; what is known stays as it is. But in a private hub there is nobody else,
 * and it counts as if there were no such entry. True: it goes on.
 */
static bool right_is_settled(const struct hub *hub, struct right *right) {
    bool is_about_rival = right->knows_login && right->question.name.n == 0;
    if (right->error == 0)
        return true;
    if (hub->options.mode != HUB_PRIVATE || is_about_rival)
        return false;
    right->error = 0;
    right_answer(right, &(struct login_answer){.uid = LOGIN_NOBODY});
    return true;
}

static enum right_outcome refuse_untold(const struct right *right, enum fail_code *code,
                                        char reason[256]) {
    *code = FAIL_BUSY;
    snprintf(reason, 256,
             "the user database of this machine cannot tell who has which login name (%s), so no "
             "handle can be given now; try again later",
             strerror(right->error));
    return RIGHT_REFUSED;
}

static enum right_outcome refuse_reserved(const struct right *right, enum fail_code *code,
                                          char reason[256]) {
    *code = FAIL_LOGIN_RESERVED;
    snprintf(reason, 256, "%s is somebody else's login name; choose another handle",
             right->wanted.s);
    return RIGHT_REFUSED;
}

/* It is the asker's by right, and somebody else has it: unless it is that one's as well. */
static enum right_outcome right_take(struct right *right, uid_t owner, enum fail_code *code,
                                     char reason[256]) {
    if (owner != right->uid && (!right->knows_rival || right->rival != owner))
        return ask_uid(right, owner);
    if (owner != right->uid && name_is_same(&right->rival_login, &right->wanted)) {
        *code = FAIL_HANDLE_TAKEN;
        snprintf(reason, 256,
                 "%s is the login name of uid %u as well, who was here first; "
                 "choose another with --name",
                 right->wanted.s, owner);
        return RIGHT_REFUSED;
    }
    right->take_from = owner;
    return RIGHT_GIVEN;
}

/* The name of a uid without a login name; else somebody's whom the database knows. */
static bool is_plain(const struct name *key, uid_t uid) {
    return login_uid_of_key(key) == uid;
}

static bool is_reserved(const struct right *right, const struct name *key) {
    uid_t plain = login_uid_of_key(key);
    return right->holder != LOGIN_NOBODY ? right->holder != right->uid
                                         : plain != LOGIN_NOBODY && plain != right->uid;
}

enum right_outcome right_step(struct hub *hub, struct right *right, enum fail_code *code,
                              char reason[256]) {
    struct name key;
    uid_t owner;
    right->take_from = LOGIN_NOBODY;
    if (!right_is_settled(hub, right))
        return refuse_untold(right, code, reason);
    if (!right->knows_login)
        return ask_uid(right, right->uid);
    if (right->wanted.n == 0 && right->login.n > 0)
        right->wanted = right->login;
    else if (right->wanted.n == 0)
        login_plain_handle(right->uid, &right->wanted);
    name_key(&key, &right->wanted);

    hub_enter(hub);
    enum handle_holder holder =
        core_handle_holder(&hub->core, &key, right->uid, &right->login, &owner);
    hub_leave(hub);
    if (holder == HANDLE_IS_OWN)
        return RIGHT_GIVEN;
    bool is_login = name_is_same(&right->wanted, &right->login);
    if (!is_login && !right->knows_holder)
        return ask_name(right);
    if (!is_login && is_reserved(right, &key))
        return refuse_reserved(right, code, reason);
    bool is_rightful = is_login || right->holder == right->uid || is_plain(&key, right->uid);
    if (holder == HANDLE_IS_FREE || !is_rightful)
        return RIGHT_GIVEN;
    return right_take(right, owner, code, reason);
}

bool right_wait(struct hub *hub, struct right *right, enum fail_code *code, char reason[256]) {
    struct login_answer answer;
    for (;;) {
        enum right_outcome outcome = right_step(hub, right, code, reason);
        if (outcome != RIGHT_ASKS)
            return outcome == RIGHT_GIVEN;
        if (hub->stopping || !resolver_wait(right->uid, &right->question, &answer, DATABASE_MS))
            break;
        right_answer(right, &answer);
    }
    *code = FAIL_BUSY;
    snprintf(reason, 256,
             "the user database of this machine does not tell whose name this is; try again later");
    return false;
}

static bool login_ask(struct hub *hub, uid_t asker, const struct login_question *question,
                      struct login_answer *answer) {
    return !hub->stopping && resolver_wait(asker, question, answer, DATABASE_MS) &&
           answer->error == 0;
}

bool right_is_in_group(struct hub *hub, uid_t uid, const struct name *group) {
    struct login_question question = {.uid = uid, .gid = (gid_t)-1, .group = *group};
    struct login_answer answer;
    return group->n > 0 && login_ask(hub, uid, &question, &answer) && answer.in_group;
}

void right_find_groups(struct hub *hub, uid_t uid, const struct name *group,
                       struct group_answer *groups, struct group_look *look) {
    struct login_question question = {
        .uid = uid, .gid = GROUP_NONE, .group = *group, .wants_groups = true, .is_fresh = true};
    struct login_answer answer;
    groups->is_told = look->is_told = false;
    if (!login_ask(hub, uid, &question, &answer))
        return;
    *groups = answer.groups;
    *look = answer.group;
}

/* Who is written to. */

static bool login_may_join(const struct hub *hub, uid_t uid, const struct login_answer *answer) {
    return hub->options.mode == HUB_OPEN || uid == 0 || uid == hub->core.config.uid ||
           (hub->options.mode == HUB_GROUP && answer->in_group);
}

static gid_t login_group(const struct hub *hub) {
    return hub->options.mode == HUB_GROUP ? hub->options.gid : (gid_t)-1;
}

/* Of the account itself: one uid may have several names, of which this one is its login name. */
static void login_find_uid(struct hub *hub, uid_t asker, const struct name *name, uid_t uid,
                           struct core_login *login) {
    struct login_question question = {.uid = uid, .gid = login_group(hub)};
    struct login_answer answer;
    if (!login_ask(hub, asker, &question, &answer))
        return;
    bool may_join = login_may_join(hub, uid, &answer);
    *login = (struct core_login){.what = may_join ? LOGIN_FOUND : LOGIN_NOBODYS,
                                 .uid = uid,
                                 .name = *name,
                                 .login = answer.login.n > 0 ? answer.login : *name};
    if (name_is_same(&answer.login, name))
        login->name = answer.login; /* as it is spelled */
}

void right_find_login(struct hub *hub, uid_t asker, const struct name *name,
                      struct core_login *login) {
    struct login_question question = {.name = *name};
    struct login_answer answer;
    *login = (struct core_login){.what = LOGIN_UNTOLD};
    if (hub->options.mode == HUB_PRIVATE) { /* nobody else can ever join */
        login_find_uid(hub, asker, name, hub->core.config.uid, login);
        if (login->what != LOGIN_FOUND || !name_is_same(&login->login, name))
            login->what = LOGIN_NOBODYS;
    } else if (login_ask(hub, asker, &question, &answer)) {
        login->what = LOGIN_NOBODYS;
        if (answer.uid != LOGIN_NOBODY) {
            login->what = LOGIN_UNTOLD;
            login_find_uid(hub, asker, name, answer.uid, login);
        }
    }
}
