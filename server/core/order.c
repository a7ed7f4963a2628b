/*
 * Order among people: what root, the hub's owner and the members of its --admin-group may do to
 * others. It is done to a uid, which the kernel has proved, so no other handle, session or lane
 * helps. The right is looked up for each act: who has lost it has none any more, also in the middle
 * of something. Nobody can act upon root and the hub's owner, and a member of the group not upon
 * himself: or he would lift what another one has laid on him.
 *
 * What was done is told to the sessions of that uid, by NEWS_ORDER and in each refusal, and is
 * written into the log by the hub, which finds it in core->act.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"

/* Sentences. */

/* Days since 1970, in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static void order_put_date(int64_t day, char text[16]) {
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153, of_month = of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    snprintf(text, 16, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)of_month % 100);
}

void order_put_until(int64_t until_ms, char text[48]) {
    char date[16];
    int64_t s = until_ms / 1000;
    if (until_ms == 0) {
        snprintf(text, 48, "until that is undone");
        return;
    }
    order_put_date(s / 86400, date);
    snprintf(text, 48, "until %s %02d:%02d:%02d UTC", date, (int)(s / 3600 % 24),
             (int)(s / 60 % 60), (int)(s % 60));
}

void order_cut(char *text, size_t size, int wanted) {
    if (wanted >= (int)size)
        text[text_cut((struct bytes){text, size - 1}, size - 5)] = '\0';
}

/* "bob (uid 1002)", by the login, which people know; "uid 4711" of who has never been here. */
#define ORDER_USER_TEXT (NAME_BYTES_MAX + 32)
static void order_put_user(const struct user *user, char text[ORDER_USER_TEXT]) {
    if (user->login.n > 0)
        snprintf(text, ORDER_USER_TEXT, "%s (uid %u)", user->login.s, user->uid);
    else
        snprintf(text, ORDER_USER_TEXT, "uid %u", user->uid);
}

static void sanction_sentence(const struct user *user, const struct sanction *sanction, char *text,
                              size_t size) {
    static const char *const is[] = {[SANCTION_MUTE] = "is muted on this hub",
                                     [SANCTION_BAN] = "is banned from this hub",
                                     [SANCTION_RATE] = "is held to"};
    char until[48], rate[48] = "", whom[ORDER_USER_TEXT];
    order_put_user(user, whom);
    order_put_until(sanction->until_ms, until);
    if (sanction->what == SANCTION_RATE)
        snprintf(rate, sizeof rate, " %u messages a second", sanction->rate);
    int n = snprintf(text, size, "%s %s%s %s, by %s (uid %u)%s%s", whom, is[sanction->what], rate,
                     until, sanction->by_name.s, sanction->by, sanction->why[0] ? ": " : "",
                     sanction->why);
    order_cut(text, size, n);
}

void order_note_act(struct core *core, const struct session *session, const char *did,
                    const char *whom, const char *why) {
    int n = snprintf(core->act, sizeof core->act, "%s (uid %u) %s %s%s%s", session->handle->name.s,
                     session->user->uid, did, whom, *why ? ": " : "", why);
    order_cut(core->act, sizeof core->act, n);
}

/* What is laid on a user. */

struct sanction *sanction_find(const struct user *user, enum sanction_what what) {
    struct sanction *sanction = user ? user->sanctions : NULL;
    while (sanction && sanction->what != what)
        sanction = sanction->next;
    return sanction;
}

static void sanction_drop(struct user *user, struct sanction *sanction) {
    if (sanction->what == SANCTION_RATE)
        account_set_rate(&user->account, 0);
    LL_DELETE(user->sanctions, sanction);
    free(sanction);
}

void sanction_free_all(struct user *user) {
    while (user->sanctions)
        sanction_drop(user, user->sanctions);
}

/* NULL: there is none, or none any more. */
static struct sanction *sanction_now(struct core *core, struct user *user,
                                     enum sanction_what what) {
    struct sanction *sanction = sanction_find(user, what);
    if (!sanction || sanction->until_ms == 0 || core->wall.ms < sanction->until_ms)
        return sanction;
    sanction_drop(user, sanction);
    (void)persist_sanction(core, user, user, what); /* else it is dropped after a restart */
    return NULL;
}

bool sanction_holds(struct core *core, struct user *user, enum sanction_what what,
                    char reason[256]) {
    const struct sanction *sanction = sanction_now(core, user, what);
    if (sanction)
        sanction_sentence(user, sanction, reason, 256);
    return sanction != NULL;
}

/* A copy of it takes the place of what was there. */
static struct sanction *sanction_lay(struct user *user, const struct sanction *wanted) {
    struct sanction *sanction = sanction_find(user, (enum sanction_what)wanted->what);
    struct sanction *next = sanction ? sanction->next : user->sanctions;
    if (!sanction && !(sanction = malloc(sizeof *sanction)))
        return NULL;
    if (!sanction_find(user, (enum sanction_what)wanted->what))
        user->sanctions = sanction;
    *sanction = *wanted;
    sanction->next = next;
    if (sanction->what == SANCTION_RATE)
        account_set_rate(&user->account, sanction->rate);
    return sanction;
}

int core_restore_sanction(struct core *core, uid_t uid, const struct sanction *sanction) {
    struct user *user = core_user(core, uid);
    if (sanction->what >= SANCTION_END || sanction->until_ms < 0 ||
        (sanction->what == SANCTION_RATE && sanction->rate == 0))
        return -EINVAL;
    if (user && user_is_above(core, user)) /* the store was another owner's */
        return 0;
    return user && sanction_lay(user, sanction) ? 0 : -ENOMEM;
}

/* Acts. */

/* To all sessions of the user that know of it. */
static void order_tell(struct core *core, const struct session *by, const struct user *user,
                       const char *sentence) {
    struct frame frame = {.type = FRAME_NEWS,
                          .news = {.what = NEWS_ORDER,
                                   .who = name_bytes(&by->handle->name),
                                   .uid = by->user->uid,
                                   .detail = bytes_of(sentence)}};
    for (uint32_t slot = 0; slot < core->n_slots; slot++) {
        struct session *session = core->slots[slot];
        if (session && session->user == user && !session->dead && !session->condemned &&
            (session->abilities & ABILITY_ORDER))
            (void)session_notify(core, by->user, session, NOTICE_FOR_IT, &frame);
    }
}

static void order_end_sessions(struct core *core, const struct user *user, const char *reason) {
    for (uint32_t slot = 0; slot < core->n_slots; slot++)
        if (core->slots[slot] && core->slots[slot]->user == user)
            session_remove(core, core->slots[slot], reason);
}

static enum fail_code order_lay(struct core *core, struct session *session, struct user *user,
                                const struct frame_order *order, char reason[256]) {
    static const uint8_t whats[ORDER_END] = {
        [ORDER_MUTE] = SANCTION_MUTE, [ORDER_BAN] = SANCTION_BAN, [ORDER_RATE] = SANCTION_RATE};
    bool is_rate = order->what == ORDER_RATE, is_for_ever = is_rate || order->value == 0;
    uint64_t most = (uint64_t)(ORDER_UNTIL_MS_MAX - core->wall.ms);
    uint64_t value = order->value < most ? order->value : most;
    char sentence[512];
    struct sanction wanted = {.what = whats[order->what],
                              .until_ms = is_for_ever ? 0 : core->wall.ms + (int64_t)value,
                              .rate = is_rate ? (uint32_t)order->value : 0,
                              .by = session->user->uid,
                              .by_name = session->handle->name};
    memcpy(wanted.why, order->reason.data, order->reason.n);
    const struct sanction *sanction = sanction_lay(user, &wanted);
    if (!sanction ||
        !persist_sanction(core, session->user, user, (enum sanction_what)wanted.what)) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    sanction_sentence(user, sanction, sentence, sizeof sentence);
    order_note_act(core, session, "has decided:", sentence, "");
    if (order->what == ORDER_BAN)
        order_end_sessions(core, user, sentence);
    else
        order_tell(core, session, user, sentence);
    return FAIL_NONE;
}

static enum fail_code order_lift(struct core *core, struct session *session, struct user *user,
                                 enum sanction_what what, char reason[256]) {
    static const char *const dids[] = {[SANCTION_MUTE] = "unmuted",
                                       [SANCTION_BAN] = "unbanned",
                                       [SANCTION_RATE] = "lifted the rate limit of"};
    char whom[ORDER_USER_TEXT];
    struct sanction *sanction = sanction_find(user, what);
    if (!sanction)
        return FAIL_NONE; /* it is as it is to be */
    if (!persist_sanction(core, session->user, user, what)) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    sanction_drop(user, sanction);
    order_put_user(user, whom);
    order_note_act(core, session, dids[what], whom, "");
    order_tell(core, session, user, core->act);
    return FAIL_NONE;
}

static enum fail_code order_kick(struct core *core, struct session *session, struct user *user,
                                 const struct frame_order *order) {
    char whom[ORDER_USER_TEXT], why[ORDER_REASON_MAX + 1] = "";
    memcpy(why, order->reason.data, order->reason.n);
    order_put_user(user, whom);
    order_note_act(core, session, "ended the sessions of", whom, why);
    order_end_sessions(core, user, core->act);
    return FAIL_NONE;
}

static enum fail_code order_act(struct core *core, struct session *session, struct user *user,
                                const struct frame_order *order, char reason[256]) {
    switch ((enum order_what)order->what) {
    case ORDER_UNMUTE:
        return order_lift(core, session, user, SANCTION_MUTE, reason);
    case ORDER_UNBAN:
        return order_lift(core, session, user, SANCTION_BAN, reason);
    case ORDER_KICK:
        return order_kick(core, session, user, order);
    case ORDER_RATE:
        if (order->value == 0)
            return order_lift(core, session, user, SANCTION_RATE, reason);
        return order_lay(core, session, user, order, reason);
    default:
        return order_lay(core, session, user, order, reason);
    }
}

/* Upon whom: the user of a handle, or a uid, which need never have been here. */
static enum fail_code order_find(struct core *core, const struct frame_order *order,
                                 struct user **user, char reason[256]) {
    struct name name, key;
    *user = NULL;
    if (order->who.n == 0) {
        *user = order->uid != UINT32_MAX ? core_user(core, order->uid) : NULL;
    } else if (name_parse(&name, order->who) == NAME_OK && !name_is_room(&name)) {
        name_key(&key, &name);
        const struct handle *handle = handle_find(core, &key);
        *user = handle ? handle->user : NULL;
    }
    if (*user)
        return FAIL_NONE;
    snprintf(reason, 256,
             "nobody here has this handle or uid; `earshot who --all` and `earshot users` show "
             "all");
    return FAIL_NO_USER;
}

static enum fail_code order_check(const struct core *core, const struct session *session,
                                  const struct user *user, char reason[256]) {
    if (user_is_above(core, user)) {
        snprintf(reason, 256, "uid %u is %s, who cannot be muted, banned or kicked", user->uid,
                 user->uid == 0 ? "root" : "the hub's owner");
        return FAIL_NOT_PERMITTED;
    }
    if (user == session->user) {
        snprintf(reason, 256, "nobody keeps order over himself; ask another administrator");
        return FAIL_NOT_PERMITTED;
    }
    return FAIL_NONE;
}

static enum fail_code order_do(struct core *core, struct session *session,
                               const struct frame_order *order, char reason[256]) {
    struct user *user;
    if (!session_is_administrator(core, session)) {
        snprintf(reason, 256,
                 "only root, the hub's owner and the members of its --admin-group keep order on "
                 "this hub; ask one of them");
        return FAIL_NOT_PERMITTED;
    }
    if (!persist_may_wait(core, session->user, reason))
        return FAIL_LIMIT;
    enum fail_code code = order_find(core, order, &user, reason);
    if (code == FAIL_NONE)
        code = order_check(core, session, user, reason);
    return code == FAIL_NONE ? order_act(core, session, user, order, reason) : code;
}

void order_receive(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    enum fail_code code = order_do(core, session, &frame->order, reason);
    persist_finish(core, session, frame->order.request, code, reason);
}

bool core_needs_right(struct core *core, struct session *session, const struct frame *frame) {
    bool is_act = frame->type == FRAME_ORDER || frame->type == FRAME_RELEASE ||
                  frame->type == FRAME_WALL || frame->type == FRAME_GOVERN ||
                  (frame->type == FRAME_LIST && frame->list.what == LIST_ACCOUNTS);
    if (!is_act || session->condemned || user_is_above(core, session->user))
        return false;
    account_spend(&session->user->account, ACCOUNT_LOOKUPS, 1);
    return true;
}

/*
 * What says something to others, besides messages, which route.c refuses. All of these begin with
 * the number of the request.
 */
static bool order_is_said(const struct frame *frame) {
    switch (frame->type) {
    case FRAME_AWAY:
        return frame->away.away && frame->away.reason.n > 0;
    case FRAME_PIN:
        return frame->pin.what == PIN_ADD || frame->pin.what == PIN_REMOVE;
    case FRAME_TOPIC:
    case FRAME_NICK:
    case FRAME_OFFER:
    case FRAME_WALL:
    case FRAME_CHANGE:
    case FRAME_INVITE:
    case FRAME_GATHER:
    case FRAME_GOVERN:
        return true;
    default:
        return false;
    }
}

bool order_refuses(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    if (!order_is_said(frame) || !sanction_holds(core, session->user, SANCTION_MUTE, reason))
        return false;
    session_fail(core, session, frame->topic.request, FAIL_NOT_PERMITTED, reason);
    return true;
}

/* Accounts. */

static uint64_t sanction_until(struct core *core, struct user *user, enum sanction_what what) {
    const struct sanction *sanction = sanction_now(core, user, what);
    if (!sanction)
        return 0;
    return sanction->until_ms ? (uint64_t)sanction->until_ms : ORDER_FOR_EVER;
}

/* All that is laid on the user, in a sentence each. */
static void order_put_sentences(const struct user *user, char *text, size_t size) {
    const struct sanction *sanction;
    size_t n = 0;
    text[0] = '\0';
    LL_FOREACH(user->sanctions, sanction) {
        if (n > 0 && n + 3 < size)
            n += (size_t)snprintf(text + n, size - n, "; ");
        if (n + 8 < size)
            sanction_sentence(user, sanction, text + n, size - n);
        n += strlen(text + n);
    }
}

void order_tell_account(struct core *core, struct session *session, uint32_t request,
                        struct user *user) {
    struct account *account = &user->account;
    const struct sanction *rate = sanction_now(core, user, SANCTION_RATE);
    char orders[1024];
    struct account_use minute = account_used_in(account, ACCOUNT_MINUTE, core->now);
    struct account_use hour = account_used_in(account, ACCOUNT_HOUR, core->now);
    struct account_use day = account_used_in(account, ACCOUNT_DAY, core->now);
    uint64_t muted = sanction_until(core, user, SANCTION_MUTE);
    uint64_t banned = sanction_until(core, user, SANCTION_BAN);
    order_put_sentences(user, orders, sizeof orders);
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_ACCOUNT,
                        .account = {.request = request,
                                    .uid = user->uid,
                                    .login = name_bytes(&user->login),
                                    .sessions = (uint32_t)account->used[ACCOUNT_SESSIONS],
                                    .memory = account->used[ACCOUNT_MEMORY],
                                    .rate = rate ? rate->rate : 0,
                                    .muted = muted,
                                    .banned = banned,
                                    .orders = bytes_of(orders),
                                    .messages = account->use.messages,
                                    .bytes = account->use.bytes,
                                    .refused = account->use.refused,
                                    .lock_us = account->use.lock_ns / 1000,
                                    .minute_messages = minute.messages,
                                    .minute_bytes = minute.bytes,
                                    .minute_refused = minute.refused,
                                    .minute_lock_us = minute.lock_ns / 1000,
                                    .hour_messages = hour.messages,
                                    .hour_bytes = hour.bytes,
                                    .hour_refused = hour.refused,
                                    .hour_lock_us = hour.lock_ns / 1000,
                                    .day_messages = day.messages,
                                    .day_bytes = day.bytes,
                                    .day_refused = day.refused,
                                    .day_lock_us = day.lock_ns / 1000}});
}
