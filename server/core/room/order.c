/*
 * Order in a room: what its owner, those whom he makes operators, and administrators do there.
 *
 * What is laid on somebody is laid on his uid, which the kernel has proved, so no other handle,
 * session or lane helps. An operator is one by a handle of his, so that nobody inherits the right
 * with a uid. The right is looked up for each act. Nobody acts upon those above him: an operator
 * not upon the owner or another operator, nobody upon root and the hub's owner, or himself.
 *
 * Each act is told in the room, and to who is concerned: by NEWS_ORDER to his sessions, or, when
 * none of them can be told so, by a message that waits for him. The hub writes it into its log.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"
#include "core/room/name.h"
#include "core/room/order.h"
#include "core/room/room.h"

#define NO_MEMORY_FOR_ORDER "the hub is out of memory; try again later"
#define OWNER_AND_OPERATORS "its owner and operators"

/* Whom an act concerns. */
struct room_order_whom {
    uid_t uid;
    struct user *user;     /* NULL: was never here */
    struct handle *handle; /* by which he was named; NULL: by his uid */
};

/* What is laid on people. */

static struct room_order *room_order_of(const struct room *room, uid_t uid, enum laid_what what) {
    struct room_order_key key = {uid, what};
    struct room_order *order = NULL;
    if (room->orders)
        HASH_FIND(hh, room->orders, &key, sizeof key, order);
    return order;
}

static bool room_order_is_over(const struct core *core, const struct room_order *order) {
    return order->until_ms != 0 && core->wall.ms >= order->until_ms;
}

/* Who has the uid of a former operator is none. */
static bool room_order_is_for(const struct core *core, const struct room_order *order,
                              const struct user *user) {
    const struct handle *handle = handle_of_number(core, order->handle);
    return order->key.what != LAID_OPERATOR || (handle && handle_is_of_user(handle, user));
}

const struct room_order *room_order_find(const struct core *core, const struct room *room,
                                         const struct user *user, enum laid_what what) {
    const struct room_order *order = room_order_of(room, user->uid, what);
    return order && !room_order_is_over(core, order) && room_order_is_for(core, order, user) ? order
                                                                                             : NULL;
}

/* "bob (uid 1002)" or "uid 1002". */
#define WHOM_TEXT (NAME_BYTES_MAX + 32)
static void room_order_put_whom(const struct core *core, uint32_t handle_number, uid_t uid,
                                char text[WHOM_TEXT]) {
    const struct handle *handle = handle_of_number(core, handle_number);
    if (handle)
        snprintf(text, WHOM_TEXT, "%s (uid %u)", handle->name.s, uid);
    else
        snprintf(text, WHOM_TEXT, "uid %u", uid);
}

static void room_order_sentence(const struct core *core, const struct room *room,
                                const struct room_order *order, char *text, size_t size) {
    static const char *const is[] = {[LAID_MUTE] = "is muted in",
                                     [LAID_BAN] = "is banned from",
                                     [LAID_OPERATOR] = "is an operator of"};
    char until[48], whom[WHOM_TEXT];
    room_order_put_whom(core, order->handle, order->key.uid, whom);
    order_put_until(order->until_ms, until);
    int n = snprintf(text, size, "%s %s %s %s, by %s (uid %u)%s%s", whom, is[order->key.what],
                     room->name.s, until, order->by_name.s, order->by, order->why[0] ? ": " : "",
                     order->why);
    order_cut(text, size, n);
}

bool room_order_holds(const struct core *core, const struct room *room, const struct user *user,
                      enum laid_what what, char reason[256]) {
    const struct room_order *order = room_order_find(core, room, user, what);
    if (order && !room_is_owned_by(room, user))
        room_order_sentence(core, room, order, reason, 256);
    return order && !room_is_owned_by(room, user);
}

bool room_operators(const struct core *core, const struct room *room,
                    char text[OPERATORS_BYTES_MAX + 1]) {
    const struct room_order *order, *next;
    bool is_whole = true;
    size_t n = 0;
    text[0] = '\0';
    HASH_ITER(hh, room->orders, order, next) {
        const struct handle *handle =
            order->key.what == LAID_OPERATOR ? handle_of_number(core, order->handle) : NULL;
        bool fits = !handle || n + 1 + handle->name.n <= OPERATORS_BYTES_MAX;
        if (handle && fits)
            n += (size_t)snprintf(text + n, OPERATORS_BYTES_MAX + 1 - n, "%s%s", n > 0 ? " " : "",
                                  handle->name.s);
        is_whole = is_whole && fits;
    }
    return is_whole;
}

static void room_order_free(struct room *room, struct room_order *order) {
    HASH_DELETE(hh, room->orders, order);
    user_give_back(order->payer, ROOM_ORDER_BYTES);
    free(order);
}

/* A row that memory is out for stays behind, and holds for nobody once its room is gone. */
static void room_order_drop(struct core *core, struct room *room, struct room_order *order,
                            bool is_stored) {
    struct room_order_key key = order->key;
    struct user *payer = order->payer;
    room_order_free(room, order);
    if (is_stored)
        (void)persist_room_order(core, payer, room, &key);
}

void room_orders_drop(struct core *core, struct room *room, bool is_stored) {
    struct room_order *order, *next;
    bool was = core->persist.in_request;
    core->persist.in_request = false; /* nobody waits for these rows */
    HASH_ITER(hh, room->orders, order, next) {
        room_order_drop(core, room, order, is_stored);
    }
    core->persist.in_request = was;
}

static void room_orders_expire(struct core *core, struct room *room) {
    struct room_order *order, *next;
    bool was = core->persist.in_request;
    core->persist.in_request = false;
    HASH_ITER(hh, room->orders, order, next) {
        if (room_order_is_over(core, order))
            room_order_drop(core, room, order, true);
    }
    core->persist.in_request = was;
}

/* NULL: memory is out. */
static struct room_order *room_order_new(struct room *room, const struct room_order_key *key,
                                         struct user *payer) {
    struct room_order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    order->key = *key;
    HASH_ADD(hh, room->orders, key, sizeof order->key, order);
    if (!order->hh.tbl) {
        free(order);
        return NULL;
    }
    order->payer = payer;
    account_spend(&payer->account, ACCOUNT_MEMORY, ROOM_ORDER_BYTES);
    return order;
}

static void room_order_fill(struct room_order *order, const struct room_order *from) {
    order->handle = from->handle;
    order->until_ms = from->until_ms;
    order->by = from->by;
    order->by_name = from->by_name;
    memcpy(order->why, from->why, sizeof order->why);
}

int core_restore_room_order(struct core *core, uint32_t room_number,
                            const struct room_order *restored) {
    struct room *room = room_of_number(core, room_number);
    struct user *payer = core_user(core, restored->by);
    if (!room || room->is_closed || restored->key.what >= LAID_END || restored->until_ms < 0 ||
        room_order_of(room, restored->key.uid, (enum laid_what)restored->key.what))
        return -EINVAL;
    struct room_order *order = payer ? room_order_new(room, &restored->key, payer) : NULL;
    if (!order)
        return -ENOMEM;
    room_order_fill(order, restored);
    return 0;
}

/* Refusing. */

enum fail_code room_refuse_topic(const struct core *core, const struct session *session,
                                 const struct room *room, char reason[256]) {
    enum room_actor actor = core_actor(core, session, room);
    if (actor == ACTOR_STRANGER || actor == ACTOR_INVITED) {
        snprintf(reason, 256, "%s", TOPIC_NOT_MEMBER);
        return FAIL_NOT_MEMBER;
    }
    if (!room_order_holds(core, room, session->user, LAID_MUTE, reason) &&
        !room_order_holds(core, room, session->user, LAID_BAN, reason))
        snprintf(reason, 256, "the topic of %.100s is locked: its owner and operators set it",
                 room->name.s);
    return FAIL_NOT_PERMITTED;
}

/* Telling. */

static bool room_order_hears_news(const struct session *session, const struct room *room) {
    unsigned both = ABILITY_ORDER | ABILITY_NEWS;
    return (session->abilities & both) == both && listening_find(session, room);
}

/* To those of his sessions that the news of the room do not reach. False: he has none that can be
 * told so. */
static bool room_order_tell_sessions(struct core *core, struct session *by, struct user *user,
                                     struct room *room, const char *sentence) {
    struct session *session, *next;
    bool is_told = false;
    HASH_ITER(hh_link, user->links, session, next) {
        struct frame frame = {.type = FRAME_NEWS,
                              .news = {.what = NEWS_ORDER,
                                       .who = name_bytes(&by->handle->name),
                                       .uid = by->user->uid,
                                       .room = name_bytes(&room->name),
                                       .detail = bytes_of(sentence)}};
        if (session->dead || session->condemned || !(session->abilities & ABILITY_ORDER))
            continue;
        is_told |= room_order_hears_news(session, room) ||
                   session_notify(core, by->user, session, NOTICE_FOR_IT, &frame);
    }
    return is_told;
}

/* What was done; whom NULL: it concerns nobody more than others. */
static void room_order_tell(struct core *core, struct session *session, struct room *room,
                            const struct room_order_whom *whom, const struct uuid *id,
                            const char *sentence) {
    bool is_told =
        !whom || !whom->user || room_order_tell_sessions(core, session, whom->user, room, sentence);
    if (!is_told && whom->handle && !whom->handle->is_unclaimed && persist_may_number(core) &&
        route_notice(core, session, whom->handle, id, bytes_of(sentence)))
        account_note_message(&session->user->account, strlen(sentence));
    news_order(core, session->handle, room, sentence);
}

/* Acts. Each leaves the sentence that is told; "": nothing has changed. */

static enum fail_code room_order_no_memory(char reason[256]) {
    snprintf(reason, 256, NO_MEMORY_FOR_ORDER);
    return FAIL_LIMIT;
}

static enum fail_code room_order_may_lay(struct core *core, struct session *session,
                                         struct room *room, char reason[256]) {
    room_orders_expire(core, room);
    if (HASH_COUNT(room->orders) >= ROOM_ORDERS_MAX) {
        snprintf(reason, 256, "in %.100s %d people are operators, muted or banned; undo some first",
                 room->name.s, ROOM_ORDERS_MAX);
        return FAIL_LIMIT;
    }
    return user_may_charge(session->user, ROOM_ORDER_BYTES, reason) ? FAIL_NONE : FAIL_LIMIT;
}

/* In place of what was there of its uid and kind. */
static enum fail_code room_order_put(struct core *core, struct session *session, struct room *room,
                                     const struct room_order *wanted, char reason[256]) {
    struct room_order *order =
        room_order_of(room, wanted->key.uid, (enum laid_what)wanted->key.what);
    bool is_new = !order;
    if (is_new) {
        enum fail_code code = room_order_may_lay(core, session, room, reason);
        if (code != FAIL_NONE)
            return code;
        order = room_order_new(room, &wanted->key, session->user);
        if (!order)
            return room_order_no_memory(reason);
    }
    if (!persist_room_order(core, session->user, room, &wanted->key)) {
        if (is_new)
            room_order_free(room, order);
        return room_order_no_memory(reason);
    }
    room_order_fill(order, wanted);
    return FAIL_NONE;
}

static void room_order_take_back(struct core *core, struct room *room, uid_t uid,
                                 enum laid_what what) {
    struct room_order *order = room_order_of(room, uid, what);
    if (order)
        room_order_drop(core, room, order, true);
}

static enum fail_code room_order_lay(struct core *core, struct session *session, struct room *room,
                                     const struct room_order_whom *whom, enum laid_what what,
                                     const struct frame_govern *govern, char sentence[512],
                                     char reason[256]) {
    uint64_t most = (uint64_t)(ORDER_UNTIL_MS_MAX - core->wall.ms);
    uint64_t value = govern->value < most ? govern->value : most;
    bool is_for_ever = what == LAID_OPERATOR || value == 0;
    struct room_order wanted = {.key = {whom->uid, what},
                                .handle = whom->handle ? whom->handle->number : 0,
                                .until_ms = is_for_ever ? 0 : core->wall.ms + (int64_t)value,
                                .by = session->user->uid,
                                .by_name = session->handle->name};
    memcpy(wanted.why, govern->reason.data, govern->reason.n);
    enum fail_code code = room_order_put(core, session, room, &wanted, reason);
    if (code != FAIL_NONE)
        return code;
    if (what != LAID_OPERATOR)
        room_order_take_back(core, room, whom->uid, LAID_OPERATOR);
    if (what == LAID_BAN && whom->user)
        (void)room_throw_out(core, whom->user, room);
    room_order_sentence(core, room, &wanted, sentence, 512);
    return FAIL_NONE;
}

static enum fail_code room_order_lift(struct core *core, struct session *session, struct room *room,
                                      const struct room_order_whom *whom, enum laid_what what,
                                      char sentence[512]) {
    static const char *const undone[] = {[LAID_MUTE] = "is not muted any more in",
                                         [LAID_BAN] = "is not banned any more from",
                                         [LAID_OPERATOR] = "is not an operator any more of"};
    const struct room_order *order = room_order_of(room, whom->uid, what);
    char who[WHOM_TEXT];
    if (!order)
        return FAIL_NONE; /* it is as it is to be */
    uint32_t number = whom->handle ? whom->handle->number : order->handle;
    room_order_put_whom(core, number, whom->uid, who);
    room_order_take_back(core, room, whom->uid, what);
    int n = snprintf(sentence, 512, "%s %s %s, by %s (uid %u)", who, undone[what], room->name.s,
                     session->handle->name.s, session->user->uid);
    order_cut(sentence, 512, n);
    return FAIL_NONE;
}

static enum fail_code room_order_kick(struct core *core, struct session *session, struct room *room,
                                      const struct room_order_whom *whom,
                                      const struct frame_govern *govern, char sentence[512],
                                      char reason[256]) {
    char who[WHOM_TEXT], why[ORDER_REASON_MAX + 1] = "";
    room_order_put_whom(core, whom->handle ? whom->handle->number : 0, whom->uid, who);
    memcpy(why, govern->reason.data, govern->reason.n);
    if (!whom->user || !room_throw_out(core, whom->user, room)) {
        snprintf(reason, 256, "%.100s is not in %.100s", who, room->name.s);
        return FAIL_NOT_MEMBER;
    }
    int n = snprintf(sentence, 512, "%s was put out of %s, by %s (uid %u)%s%s", who, room->name.s,
                     session->handle->name.s, session->user->uid, *why ? ": " : "", why);
    order_cut(sentence, 512, n);
    return FAIL_NONE;
}

static enum fail_code room_order_make_operator(struct core *core, struct session *session,
                                               struct room *room,
                                               const struct room_order_whom *whom,
                                               const struct frame_govern *govern,
                                               char sentence[512], char reason[256]) {
    char operators[OPERATORS_BYTES_MAX + 1];
    bool is_in =
        whom->handle && (room->form == ROOM_OPEN ? membership_find(whom->handle, room) != NULL
                                                 : admission_has_joined(whom->user, room));
    if (!is_in) {
        snprintf(reason, 256, "an operator is made of a handle that is in %.100s", room->name.s);
        return FAIL_NOT_MEMBER;
    }
    if (room_order_holds(core, room, whom->user, LAID_MUTE, reason) ||
        room_order_holds(core, room, whom->user, LAID_BAN, reason))
        return FAIL_NOT_PERMITTED;
    enum fail_code code =
        room_order_lay(core, session, room, whom, LAID_OPERATOR, govern, sentence, reason);
    if (code != FAIL_NONE || room_operators(core, room, operators))
        return code;
    room_order_take_back(core, room, whom->uid, LAID_OPERATOR);
    snprintf(reason, 256, "%.100s has as many operators as a room may have; take that from one",
             room->name.s);
    return FAIL_LIMIT;
}

static enum fail_code room_order_lock(struct core *core, struct session *session, struct room *room,
                                      bool is_locked, char sentence[512], char reason[256]) {
    if (room->locks_topic == is_locked)
        return FAIL_NONE;
    room->locks_topic = is_locked;
    if (!persist_room(core, session->user, room)) {
        room->locks_topic = !is_locked;
        return room_order_no_memory(reason);
    }
    int n =
        snprintf(sentence, 512, "the topic of %s %s, by %s (uid %u)", room->name.s,
                 is_locked ? "is locked: only its owner and operators set it" : "is free for all",
                 session->handle->name.s, session->user->uid);
    order_cut(sentence, 512, n);
    return FAIL_NONE;
}

static enum fail_code room_order_act(struct core *core, struct session *session, struct room *room,
                                     const struct room_order_whom *whom,
                                     const struct frame_govern *govern, char sentence[512],
                                     char reason[256]) {
    switch ((enum order_what)govern->what) {
    case ORDER_MUTE:
        return room_order_lay(core, session, room, whom, LAID_MUTE, govern, sentence, reason);
    case ORDER_BAN:
        return room_order_lay(core, session, room, whom, LAID_BAN, govern, sentence, reason);
    case ORDER_UNMUTE:
        return room_order_lift(core, session, room, whom, LAID_MUTE, sentence);
    case ORDER_UNBAN:
        return room_order_lift(core, session, room, whom, LAID_BAN, sentence);
    case ORDER_NO_OPERATOR:
        return room_order_lift(core, session, room, whom, LAID_OPERATOR, sentence);
    case ORDER_MAKE_OPERATOR:
        return room_order_make_operator(core, session, room, whom, govern, sentence, reason);
    case ORDER_LOCK_TOPIC:
    case ORDER_UNLOCK_TOPIC:
        return room_order_lock(core, session, room, govern->what == ORDER_LOCK_TOPIC, sentence,
                               reason);
    default:
        return room_order_kick(core, session, room, whom, govern, sentence, reason);
    }
}

/* Whether it is his to do. */

static enum fail_code room_order_check_right(const struct core *core, const struct session *session,
                                             const struct room *room, enum order_what what,
                                             char reason[256]) {
    static const uint8_t acts[ORDER_ROOM_END] = {
        [ORDER_MUTE] = ACT_MUTE,
        [ORDER_UNMUTE] = ACT_MUTE,
        [ORDER_BAN] = ACT_BAN,
        [ORDER_UNBAN] = ACT_BAN,
        [ORDER_KICK] = ACT_KICK,
        [ORDER_MAKE_OPERATOR] = ACT_MAKE_OPERATOR,
        [ORDER_NO_OPERATOR] = ACT_MAKE_OPERATOR,
        [ORDER_LOCK_TOPIC] = ACT_LOCK_TOPIC,
        [ORDER_UNLOCK_TOPIC] = ACT_LOCK_TOPIC,
    };
    enum room_act act = (enum room_act)acts[what];
    switch (core_permission(core, session, room, act)) {
    case PERMISSION_ALLOWED:
        return FAIL_NONE;
    case PERMISSION_INVISIBLE:
        snprintf(reason, 256, ROOM_NOT_THERE);
        return FAIL_NO_ROOM;
    default:
        snprintf(reason, 256, "only %s may do this in %.100s",
                 act == ACT_MAKE_OPERATOR ? "its owner" : OWNER_AND_OPERATORS, room->name.s);
        return FAIL_NOT_PERMITTED;
    }
}

/* A uid need never have been here, and nothing is made for it. */
static enum fail_code room_order_find_whom(const struct core *core,
                                           const struct frame_govern *govern,
                                           struct room_order_whom *whom, char reason[256]) {
    struct name name, key;
    *whom = (struct room_order_whom){.uid = govern->uid};
    if (govern->who.n == 0 && govern->uid != UINT32_MAX) {
        HASH_FIND(hh, core->users, &whom->uid, sizeof whom->uid, whom->user);
        return FAIL_NONE;
    }
    if (name_parse(&name, govern->who) == NAME_OK && !name_is_room(&name)) {
        name_key(&key, &name);
        whom->handle = handle_find((struct core *)core, &key);
    }
    if (!whom->handle) {
        snprintf(reason, 256,
                 "nobody has this handle or uid; `earshot who --all` shows everybody's");
        return FAIL_NO_USER;
    }
    whom->user = whom->handle->user;
    whom->uid = whom->user->uid;
    return FAIL_NONE;
}

static enum fail_code room_order_check_whom(const struct core *core, const struct session *session,
                                            const struct room *room,
                                            const struct room_order_whom *whom, char reason[256]) {
    bool is_admin = session_is_administrator(core, session);
    bool is_owner = room_is_owned_by(room, session->user);
    if (whom->uid == 0 || whom->uid == core->config.uid)
        snprintf(reason, 256, "uid %u is %s, upon whom nobody acts", whom->uid,
                 whom->uid == 0 ? "root" : "the hub's owner");
    else if (whom->uid == session->user->uid)
        snprintf(reason, 256, "nobody keeps order over himself; /part leaves a room");
    else if (whom->user && room_is_owned_by(room, whom->user) && !is_admin)
        snprintf(reason, 256, "%.100s is his, whom no operator acts upon", room->name.s);
    else if (whom->user && room_order_find(core, room, whom->user, LAID_OPERATOR) && !is_admin &&
             !is_owner)
        snprintf(reason, 256, "he is an operator of %.100s, too; only its owner acts upon him",
                 room->name.s);
    else
        return FAIL_NONE;
    return FAIL_NOT_PERMITTED;
}

static bool room_order_is_of_somebody(const struct frame_govern *govern) {
    return govern->what != ORDER_LOCK_TOPIC && govern->what != ORDER_UNLOCK_TOPIC;
}

static enum fail_code room_order_check(const struct core *core, const struct session *session,
                                       const struct room *room, const struct frame_govern *govern,
                                       struct room_order_whom *whom, char reason[256]) {
    enum fail_code code =
        room_order_check_right(core, session, room, (enum order_what)govern->what, reason);
    if (code == FAIL_NONE && room->is_closed) {
        snprintf(reason, 256, "the room %.100s was closed", room->name.s);
        code = FAIL_NOT_PERMITTED;
    }
    if (code == FAIL_NONE && !news_takes_order(room)) {
        snprintf(reason, 256, "much is done in %.100s just now; try again in a moment",
                 room->name.s);
        code = FAIL_BUSY;
    }
    if (code != FAIL_NONE || !room_order_is_of_somebody(govern))
        return code;
    code = room_order_find_whom(core, govern, whom, reason);
    return code == FAIL_NONE ? room_order_check_whom(core, session, room, whom, reason) : code;
}

static enum fail_code room_order_do(struct core *core, struct session *session, struct room *room,
                                    const struct frame_govern *govern, char reason[256]) {
    struct room_order_whom whom = {0};
    char sentence[512] = "";
    if (!persist_may_change(core, session->user, reason))
        return FAIL_LIMIT;
    enum fail_code code = room_order_check(core, session, room, govern, &whom, reason);
    if (code == FAIL_NONE)
        code = room_order_act(core, session, room, &whom, govern, sentence, reason);
    if (code != FAIL_NONE || !*sentence)
        return code;
    order_note_act(core, session, "has decided:", sentence, "");
    room_order_tell(core, session, room, room_order_is_of_somebody(govern) ? &whom : NULL,
                    &govern->id, sentence);
    return FAIL_NONE;
}

void room_receive_order(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_govern *govern = &frame->govern;
    struct room *room = room_named(core, session, govern->request, govern->room);
    char reason[256];
    if (!room)
        return;
    room_hold(room);
    enum fail_code code = room_order_do(core, session, room, govern, reason);
    persist_finish(core, session, govern->request, code, reason);
    room_let_go(core, room);
}

/* Asking. */

static void room_order_tell_one(struct core *core, struct session *session, uint32_t request,
                                const struct room *room, const struct room_order *order) {
    const struct handle *handle = handle_of_number(core, order->handle);
    struct name name;
    session_answer(core, session,
                   &(struct frame){.type = FRAME_LAID,
                                   .laid = {.request = request,
                                            .room = room_name_for(session->user, room, &name),
                                            .what = (uint8_t)order->key.what,
                                            .handle = bytes_of(handle ? handle->name.s : ""),
                                            .uid = order->key.uid,
                                            .until = (uint64_t)order->until_ms,
                                            .by = name_bytes(&order->by_name),
                                            .by_uid = order->by,
                                            .reason = bytes_of(order->why)}});
}

void room_tell_laid(struct core *core, struct session *session, uint32_t request,
                    struct bytes text) {
    struct room *room = room_named(core, session, request, text);
    const struct room_order *order, *next;
    if (!room)
        return;
    if (core_permission(core, session, room, ACT_SEE) != PERMISSION_ALLOWED) {
        session_fail(core, session, request, FAIL_NO_ROOM, ROOM_NOT_THERE);
        return;
    }
    bool is_told = core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED ||
                   core_permission(core, session, room, ACT_KICK) == PERMISSION_ALLOWED;
    room_orders_expire(core, room);
    HASH_ITER(hh, room->orders, order, next) {
        if (is_told)
            room_order_tell_one(core, session, request, room, order);
    }
    session_done(core, session, request);
}
