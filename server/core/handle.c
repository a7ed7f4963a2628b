/* Handles: who owns which, which sessions speak for it, whether somebody is there. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/people.h"

static bool handle_has_number(const struct core *core, uint32_t number) {
    return handle_of_number(core, number) != NULL;
}

static uint32_t handle_number_next(const struct core *core) {
    return number_next(core, core->last_handle, HANDLE_NUMBER_MAX,
                       HASH_CNT(hh_number, core->handles_by_number), handle_has_number);
}

static struct handle *handle_new(struct core *core, struct user *user, const struct name *name,
                                 const struct name *key, uint32_t number) {
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle)
        return NULL;
    handle->name = *name;
    handle->key = *key;
    handle->user = user;
    handle->login = user->login;
    handle->active = core->now;
    handle->number = core->last_handle = number;
    handle->born = core->n_born++;
    handle->direct = handle->rooms = handle->read = handle->seen = core->seq;
    HASH_ADD_KEYPTR(hh, core->handles, handle->key.s, handle->key.n, handle);
    if (handle->hh.tbl)
        HASH_ADD(hh_number, core->handles_by_number, number, sizeof handle->number, handle);
    if (!handle->hh_number.tbl) {
        if (handle->hh.tbl)
            HASH_DELETE(hh, core->handles, handle);
        free(handle);
        return NULL;
    }
    handle->alike = (struct alike_entry){.name = &handle->name, .user = user};
    lookalike_add(&core->alike_handles, &handle->alike);
    DL_APPEND2(user->handles, handle, prev_of_user, next_of_user);
    account_spend(&user->account, ACCOUNT_HANDLES, 1);
    account_spend(&user->account, ACCOUNT_MEMORY, HANDLE_BYTES);
    core->epoch++; /* a cached "no such user" is no longer true */
    return handle;
}

/* Whose it is. */

/* A login name that nobody knew, then or now, tells nothing. */
static bool is_of_login(const struct handle *handle, const struct name *login) {
    return handle->login.n == 0 || login->n == 0 || name_is_same(&handle->login, login);
}

bool handle_is_of_user(const struct handle *handle, const struct user *user) {
    return handle->user == user && is_of_login(handle, &user->login);
}

enum handle_holder core_handle_holder(struct core *core, const struct name *key, uid_t uid,
                                      const struct name *login, uid_t *owner) {
    const struct handle *handle = handle_find(core, key);
    if (!handle)
        return HANDLE_IS_FREE;
    *owner = handle->user->uid;
    return handle->user->uid == uid && is_of_login(handle, login) ? HANDLE_IS_OWN
                                                                  : HANDLE_IS_OTHERS;
}

/* Taking a name away: the handle gets another one, and keeps its number, and so its past. */

static bool add_by_name(struct core *core, struct handle *handle, const struct name *name,
                        const struct name *key) {
    handle->name = *name;
    handle->key = *key;
    lookalike_remove(&core->alike_handles, &handle->alike);
    lookalike_add(&core->alike_handles, &handle->alike);
    HASH_ADD_KEYPTR(hh, core->handles, handle->key.s, handle->key.n, handle);
    return handle->hh.tbl != NULL;
}

void handle_tell_name(struct core *core, struct handle *handle) {
    struct frame frame = {
        .type = FRAME_NEWS,
        .news = {.what = NEWS_NAMED, .who = name_bytes(&handle->name), .uid = handle->user->uid}};
    struct session *session;
    handle->is_named = false;
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        if (session->abilities & ABILITY_NAMED)
            (void)session_notify(core, handle->user, session, NOTICE_FOR_IT, &frame);
    }
}

static bool rename_away(struct core *core, struct handle *handle) {
    struct name name, key, old_name = handle->name, old_key = handle->key;
    if (!name_set_aside(core, &handle->name, handle->user->uid, &name, &key))
        return false;
    HASH_DELETE(hh, core->handles, handle);
    if (add_by_name(core, handle, &name, &key)) {
        if (persist_handle(core, handle)) {
            people_renamed(core, handle);
            core->epoch++;
            news_taken(core, handle, &old_name);
            handle->is_named = handle->sessions != NULL;
            if (!core->config.durable)
                handle_tell_name(core, handle);
            return true;
        }
        HASH_DELETE(hh, core->handles, handle);
    }
    (void)add_by_name(core, handle, &old_name,
                      &old_key); /* if that fails as well, it is found by its number only */
    return false;
}

/* Claiming. */

static enum fail_code refuse_taken(const struct handle *handle, const struct user *user,
                                   const struct name *name, char reason[256]) {
    if (handle->user == user)
        snprintf(
            reason, 256,
            "the handle %.32s was used by uid %u under the login name %.32s, which it has no more; "
            "choose another, or let an administrator release it",
            name->s, user->uid, handle->login.s);
    else
        snprintf(reason, 256, "the handle %s belongs to uid %u; choose another with --name",
                 name->s, handle->user->uid);
    return FAIL_HANDLE_TAKEN;
}

/* What the user is called by default: nobody is to be without that. */
static bool is_default(const struct user *user, const struct name *key) {
    struct name login;
    char plain[32];
    name_key(&login, &user->login);
    snprintf(plain, sizeof plain, "uid%u", user->uid);
    return bytes_equal(name_bytes(&login), name_bytes(key)) || strcmp(plain, key->s) == 0;
}

/* Between ASCII names, too: a handle is a person, and its owner is to be asked, or an
 * administrator. */
static enum fail_code handle_check_looks(const struct core *core, const struct user *user,
                                         const struct name *name, char reason[256]) {
    if (!lookalike_is_plain(name)) {
        snprintf(
            reason, 256,
            "the handle mixes letters or digits of several alphabets, which could be taken for "
            "another one; keep to one alphabet");
        return FAIL_BAD_NAME;
    }
    const struct alike_entry *other = lookalike_find(core->alike_handles, name, user);
    if (!other)
        return FAIL_NONE;
    snprintf(reason, 256,
             "the handle looks like %s, which belongs to uid %u; choose another, or let an "
             "administrator release that one",
             other->name->s, other->user->uid);
    return FAIL_HANDLE_TAKEN;
}

/* Whether the user may have one handle more, which would be called so: a name says something, too.
 */
static enum fail_code check_new(struct core *core, struct user *user, const struct name *name,
                                const struct name *key, char reason[256]) {
    if (is_default(user, key))
        return FAIL_NONE;
    if (sanction_holds(core, user, SANCTION_MUTE, reason))
        return FAIL_NOT_PERMITTED;
    if (!persist_may_change(core, user, reason))
        return FAIL_LIMIT;
    if (account_left(&user->account, ACCOUNT_HANDLES) == 0) {
        account_refuse(&user->account, ACCOUNT_HANDLES, reason);
        return FAIL_LIMIT;
    }
    if (!user_may_charge(user, HANDLE_BYTES, reason)) /* handle_new() charges it */
        return FAIL_LIMIT;
    return handle_check_looks(core, user, name, reason);
}

/* The name is free, or `old` has to give it up. */
static enum fail_code make_handle(struct core *core, struct user *user, const struct name *name,
                                  struct handle *old, struct handle **handle, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *handle = NULL;
    enum fail_code code = old ? FAIL_NONE : check_new(core, user, name, &key, reason);
    if (code != FAIL_NONE)
        return code;
    uint32_t number = handle_number_next(core);
    if (number == 0) {
        snprintf(reason, 256, "the hub has as many handles as it can number; use another one");
        return FAIL_LIMIT;
    }
    struct handle *new = handle_new(core, user, name, &key, number);
    bool is_ready = new && (!old || rename_away(core, old));
    if (is_ready && persist_handle(core, new)) {
        *handle = new;
        return FAIL_NONE;
    }
    if (new) /* what it says could not be shown after a restart */
        handle_free(core, new);
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

enum fail_code handle_make_unclaimed(struct core *core, struct user *by, struct handle **handle,
                                     char reason[256]) {
    const struct core_login *account = &core->mail_login;
    struct name key;
    struct user *user = core_user(core, account->uid);
    uint32_t number = handle_number_next(core);
    name_key(&key, &account->name);
    snprintf(reason, 256, "the hub is out of memory; try again later");
    *handle = user && number ? handle_new(core, user, &account->name, &key, number) : NULL;
    if (!*handle)
        return FAIL_LIMIT;
    (*handle)->login = account->login;
    (*handle)->is_unclaimed = true;
    core->n_unclaimed++;
    if (persist_handle_by(core, by, *handle))
        return FAIL_NONE;
    handle_free(core, *handle);
    return FAIL_LIMIT;
}

/* From now on it is known whose it is. If that cannot be stored, a later session tells it again. */
static void note_login(struct core *core, struct handle *handle) {
    if (handle->login.n > 0 || handle->user->login.n == 0)
        return;
    handle->login = handle->user->login;
    (void)persist_handle(core, handle);
}

static const struct handle *handle_of_user(struct core *core, const struct user *user,
                                           const struct name *name) {
    struct name key;
    name_key(&key, name);
    const struct handle *found = handle_find(core, &key);
    return found && handle_is_of_user(found, user) ? found : NULL;
}

/* Asked before the handle is claimed, or a refusal would leave one behind: a new one is in no room.
 */
bool handle_may_attach(struct core *core, struct user *user, unsigned abilities,
                       const struct name *name, char reason[256]) {
    const struct handle *own = handle_of_user(core, user, name);
    return !own || room_may_attach(user, own, abilities, reason);
}

enum fail_code handle_look_up(struct core *core, struct user *user, const struct name *name,
                              struct handle **handle, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *handle = handle_find(core, &key);
    if (*handle && handle_is_of_user(*handle, user))
        return FAIL_NONE;
    snprintf(reason, 256, "uid %u has not been here as %s", user->uid, name->s);
    return FAIL_NO_USER;
}

enum fail_code handle_claim(struct core *core, struct user *user, const struct name *name,
                            const struct core_right *right, struct handle **handle,
                            char reason[256]) {
    struct name key;
    name_key(&key, name);
    struct handle *found = handle_find(core, &key);
    *handle = found;
    if (found && found->user == user && found->number > HANDLE_NUMBER_MAX) {
        snprintf(reason, 256, "the handle %s has a number that is too great; use another handle",
                 name->s);
        return FAIL_LIMIT;
    }
    if (found && handle_is_of_user(found, user)) {
        note_login(core, found);
        persist_await_handle(core, found);
        return FAIL_NONE;
    }
    if (found && !(right->takes && right->from == found->user->uid))
        return refuse_taken(found, user, name, reason);
    return make_handle(core, user, name, found, handle, reason);
}

/* Releasing. */

static enum fail_code handle_release(struct core *core, const struct name *name, char reason[256]) {
    struct name key;
    name_key(&key, name);
    struct handle *handle = handle_find(core, &key);
    if (!handle) {
        snprintf(reason, 256, "there is no handle of this name; `earshot who --all` shows all");
        return FAIL_NO_USER;
    }
    if (handle->is_unclaimed ||
        (handle_is_of_user(handle, handle->user) && is_default(handle->user, &key))) {
        snprintf(reason, 256, "%s is the login name of uid %u, and so its handle as long as it is",
                 handle->name.s, handle->user->uid);
        return FAIL_NOT_PERMITTED;
    }
    if (rename_away(core, handle))
        return FAIL_NONE;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

static void handle_end_away(struct handle *handle) {
    if (handle->away)
        user_give_back(handle->user, TEXT_BYTES(strlen(handle->away)));
    free(handle->away);
    handle->away = NULL;
}

void handle_free(struct core *core, struct handle *handle) {
    news_forget_handle(core, handle);
    listing_leave_handle(handle);
    mail_drop_all(core, handle);
    unread_drop_all(core, handle);
    lookalike_remove(&core->alike_handles, &handle->alike);
    if (handle->hh.tbl)
        HASH_DELETE(hh, core->handles, handle);
    HASH_DELETE(hh_number, core->handles_by_number, handle);
    DL_DELETE2(handle->user->handles, handle, prev_of_user, next_of_user);
    account_give_back(&handle->user->account, ACCOUNT_HANDLES, 1);
    user_give_back(handle->user, HANDLE_BYTES);
    handle_end_away(handle);
    free(handle->was);
    free(handle);
}

int core_restore_handle(struct core *core, uint32_t number, uid_t uid, struct bytes text,
                        struct bytes login, uint64_t direct, uint64_t rooms, uint64_t read) {
    struct name name, key;
    struct user *user = core_user(core, uid);
    if (name_parse(&name, text) != NAME_OK || name_is_room(&name))
        return -EINVAL;
    name_key(&key, &name);
    struct handle *other = handle_find(core, &key);
    if (handle_of_number(core, number))
        return -EEXIST;
    if (number == 0)
        return -EINVAL;
    uint32_t last = core->last_handle;
    struct handle *handle = user ? handle_new(core, user, &name, &key, number) : NULL;
    if (last > core->last_handle)
        core->last_handle = last;
    if (!handle)
        return -ENOMEM;
    if (name_parse(&handle->login, login) != NAME_OK)
        handle->login = (struct name){0};
    handle->direct = direct;
    handle->rooms = rooms;
    handle->read = read;
    handle->last_direct = core->seq; /* nobody knows; at the first join the store is asked */
    if (!other)
        return 0;
    /* The hub was killed while it took the name from the older one: that was not stored any more.
     */
    return rename_away(core, other->number < number ? other : handle) ? 0 : -ENOMEM;
}

void handle_attach(struct core *core, struct handle *handle, struct session *session,
                   uint64_t after) {
    session->handle = handle;
    feed_begin(core, session, after);
    DL_APPEND2(handle->sessions, session, prev_of_handle, next_of_handle);
    if (!(session->abilities & ABILITY_PEEK)) {
        handle->active = core->now;
        mail_claim(core, handle);
    }
    if (!(session->abilities & ABILITY_LISTEN))
        return;
    handle->n_listening++;
    room_attach_all(core, session);
    news_presence(core, handle);
}

void handle_detach(struct core *core, struct session *session) {
    struct handle *handle = session->handle;
    DL_DELETE2(handle->sessions, session, prev_of_handle, next_of_handle);
    if (!(session->abilities & ABILITY_LISTEN))
        return;
    handle->n_listening--;
    news_presence(core, handle);
}

static enum fail_code handle_set_away(struct core *core, struct handle *handle, bool away,
                                      struct bytes text, char reason[256]) {
    char *copy = NULL;
    size_t old = handle->away ? TEXT_BYTES(strlen(handle->away)) : 0;
    size_t new = away ? TEXT_BYTES(text.n) : 0;
    if (new > old && !user_may_charge(handle->user, new - old, reason))
        return FAIL_LIMIT;
    if (away && !(copy = strndup(text.n > 0 ? text.data : "", text.n))) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    handle_end_away(handle);
    handle->away = copy;
    account_spend(&handle->user->account, ACCOUNT_MEMORY, away ? TEXT_BYTES(strlen(copy)) : 0);
    news_presence(core, handle);
    return FAIL_NONE;
}

/* Requests. */

void handle_receive_away(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    enum fail_code code =
        handle_set_away(core, session->handle, frame->away.away, frame->away.reason, reason);
    persist_finish(core, session, frame->away.request, code, reason);
}

bool core_awaits_right(struct core *core, struct session *session, const struct frame *frame) {
    struct user *user = session->user;
    struct name name, key;
    char reason[256];
    if (session->condemned || name_parse(&name, frame->nick.handle) != NAME_OK ||
        name_is_room(&name))
        return false;
    name_key(&key, &name);
    const struct handle *found = handle_find(core, &key);
    if (found ? handle_is_of_user(found, user)
              : check_new(core, user, &name, &key, reason) != FAIL_NONE)
        return false;
    account_spend(&user->account, ACCOUNT_LOOKUPS, 1);
    return true;
}

void handle_receive_nick(struct core *core, struct session *session, const struct frame *frame) {
    struct name name;
    char reason[256];
    struct handle *handle, *old = session->handle;
    enum name_outcome problem = name_parse(&name, frame->nick.handle);
    if (problem != NAME_OK || name_is_room(&name)) {
        snprintf(reason, sizeof reason, "the handle %s",
                 problem ? name_problem(problem) : "must not begin with #");
        session_fail(core, session, frame->nick.request, FAIL_BAD_NAME, reason);
        return;
    }
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_wait(core, session->user, reason) &&
        (name_is_same(&name, &old->name) ||
         handle_may_attach(core, session->user, session->abilities, &name, reason)))
        code = handle_claim(core, session->user, &name, &core->nick_right, &handle, reason);
    if (code == FAIL_NONE && handle != old) {
        bool held = session->held;
        session->abilities &= ~(unsigned)ABILITY_AFTER; /* that was said about the old handle */
        room_detach_all(core, session);
        handle_detach(core, session);
        handle_attach(core, handle, session, 0);
        if (!held)
            feed_ready(core, session);
        news_renamed(core, old, handle);
    }
    core->nick_right = (struct core_right){0};
    persist_finish(core, session, frame->nick.request, code, reason);
}

static enum fail_code release_name(struct core *core, struct session *session, struct bytes text,
                                   char reason[256]) {
    struct name name;
    enum name_outcome problem = name_parse(&name, text);
    if (!session_is_administrator(core, session)) {
        snprintf(reason, 256,
                 "only root, the hub's owner and the members of its --admin-group may release a "
                 "name; ask one of them");
        return FAIL_NOT_PERMITTED;
    }
    if (problem != NAME_OK) {
        snprintf(reason, 256, "the name %s", name_problem(problem));
        return FAIL_BAD_NAME;
    }
    enum fail_code code = name_is_room(&name) ? room_release(core, session, &name, reason)
                                              : handle_release(core, &name, reason);
    if (code == FAIL_NONE)
        order_note_act(core, session, "released", name.s, "");
    return code;
}

void handle_receive_release(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_wait(core, session->user, reason))
        code = release_name(core, session, frame->release.handle, reason);
    persist_finish(core, session, frame->release.request, code, reason);
}
