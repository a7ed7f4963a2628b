#include "core/past/pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"
#include "core/room/order.h"

/* Whoever is refused learns nothing of what he may not read. */
#define PIN_NOTHING "there is no message under this id that you may read"

struct pin_key {
    uint64_t whose, seq; /* whose: number of the handle that starred it; 0: it is pinned */
};

struct pin {
    struct pin_key key;
    conv_number conv;
    int64_t at_ms;
    uint32_t by; /* number of a handle */
    struct user *payer;
    struct pin_list *list;
    struct pin *next, *prev;
    UT_hash_handle hh;
};

/* What is pinned in a conversation (whose 0), or starred by a handle (conv 0). */
struct pin_list_key {
    conv_number conv;
    uint64_t whose;
};

struct pin_list {
    struct pin_list_key key;
    struct pin *pins;
    unsigned n;
    UT_hash_handle hh;
};

#define PIN_BYTES (sizeof(struct pin) + 64) /* with its part of the tables */

static struct pin *pin_find(const struct core *core, uint32_t whose, uint64_t seq) {
    struct pin_key key = {whose, seq};
    struct pin *pin;
    HASH_FIND(hh, core->pins, &key, sizeof key, pin);
    return pin;
}

static struct pin_list *pin_list_find(const struct core *core, uint32_t whose, conv_number conv) {
    struct pin_list_key key = {whose ? 0 : conv, whose};
    struct pin_list *list;
    HASH_FIND(hh, core->pin_lists, &key, sizeof key, list);
    return list;
}

static struct pin_list *pin_list_make(struct core *core, uint32_t whose, conv_number conv) {
    struct pin_list *list = pin_list_find(core, whose, conv);
    if (list)
        return list;
    list = calloc(1, sizeof *list);
    if (!list)
        return NULL;
    list->key = (struct pin_list_key){whose ? 0 : conv, whose};
    HASH_ADD(hh, core->pin_lists, key, sizeof list->key, list);
    if (list->hh.tbl)
        return list;
    free(list);
    return NULL;
}

static void pin_list_settle(struct core *core, struct pin_list *list) {
    if (list->n > 0)
        return;
    assert(core->pin_lists);
    HASH_DELETE(hh, core->pin_lists, list);
    free(list);
}

static void pin_free(struct core *core, struct pin *pin) {
    struct pin_list *list = pin->list;
    DL_DELETE(list->pins, pin);
    list->n--;
    assert(core->pins);
    HASH_DELETE(hh, core->pins, pin);
    account_give_back(&pin->payer->account, ACCOUNT_MEMORY, PIN_BYTES);
    free(pin);
    pin_list_settle(core, list);
}

/* NULL: memory is out. */
static struct pin *pin_new(struct core *core, const struct pin_key *key, conv_number conv,
                           struct user *payer) {
    struct pin_list *list = pin_list_make(core, (uint32_t)key->whose, conv);
    struct pin *pin = list ? calloc(1, sizeof *pin) : NULL;
    if (pin) {
        pin->key = *key;
        HASH_ADD(hh, core->pins, key, sizeof pin->key, pin);
    }
    if (!pin || !pin->hh.tbl) {
        free(pin);
        if (list)
            pin_list_settle(core, list);
        return NULL;
    }
    pin->conv = conv;
    pin->payer = payer;
    pin->list = list;
    DL_APPEND(list->pins, pin);
    list->n++;
    account_spend(&payer->account, ACCOUNT_MEMORY, PIN_BYTES);
    return pin;
}

void pin_deinit(struct core *core) {
    while (core->pins)
        pin_free(core, core->pins);
}

/* It is no more, also in the store: the row that is written is none. Nobody waits for that. */
static void pin_end(struct core *core, struct pin *pin) {
    struct pin_key key = pin->key;
    struct user *payer = pin->payer;
    bool in_request = core->persist.in_request;
    pin_free(core, pin);
    core->persist.in_request = false;
    (void)persist_pin(core, payer, (uint32_t)key.whose, key.seq);
    core->persist.in_request = in_request;
}

void pin_drop_message(struct core *core, uint64_t seq) {
    struct pin *pin = core->pins ? pin_find(core, 0, seq) : NULL;
    if (pin)
        pin_end(core, pin);
}

void pin_drop_room(struct core *core, conv_number conv) {
    struct pin_list *list = core->pin_lists ? pin_list_find(core, 0, conv) : NULL;
    for (unsigned n = list ? list->n : 0; n > 0; n--)
        pin_free(core, list->pins);
}

/* What an ephemeral hub has let go of is gone. */
static bool pin_is_gone(const struct core *core, const struct pin *pin) {
    return !core->config.durable && pin->key.seq < core->log.first_seq;
}

static bool pin_may_see(const struct core *core, const struct session *session,
                        const struct record *record) {
    uint32_t own = session->handle->number;
    if (!conv_is_room(record->conv))
        return conv_has(record->conv, own) && !forget_has(core, own, record);
    const struct room *room = room_of_number(core, (uint32_t)-record->conv);
    return room && room_is_alive(room) && !room->is_closed &&
           core_permission(core, session, room, ACT_READ) == PERMISSION_ALLOWED &&
           record->seq > room_past_after(session->user, room);
}

/* A star of what one may not read any more is not shown, and is dropped for want of room. */
static bool pin_is_lost(const struct core *core, const struct session *session,
                        const struct pin *pin) {
    struct record where = {.conv = pin->conv, .seq = pin->key.seq};
    return pin->key.whose && !pin_may_see(core, session, &where);
}

static void pin_list_clean(struct core *core, const struct session *session, uint32_t whose,
                           conv_number conv) {
    struct pin_list *list = pin_list_find(core, whose, conv);
    struct pin *pin, *next;
    unsigned n = list ? list->n : 0;
    for (pin = list ? list->pins : NULL; n > 0; n--, pin = next) {
        next = pin->next;
        if (pin_is_gone(core, pin) || pin_is_lost(core, session, pin))
            pin_end(core, pin);
    }
}

/* Asked for. */

static int pin_compare(const void *a, const void *b) {
    uint64_t left = ((const struct ask_pin *)a)->seq, right = ((const struct ask_pin *)b)->seq;
    return left > right ? -1 : left < right;
}

int pin_list(const struct core *core, uint32_t whose, conv_number conv, struct ask_pin **pins,
             size_t *n) {
    const struct pin_list *list = pin_list_find(core, whose, conv);
    const struct pin *pin;
    *n = 0;
    *pins = calloc(list ? list->n : 1, sizeof **pins);
    if (!*pins)
        return -ENOMEM;
    for (pin = list ? list->pins : NULL; pin; pin = pin->next) {
        if (conv == 0 || pin->conv == conv)
            (*pins)[(*n)++] = (struct ask_pin){pin->key.seq, pin->conv, pin->at_ms, pin->by,
                                               pin_is_gone(core, pin)};
    }
    if (*n > 0)
        qsort(*pins, *n, sizeof **pins, pin_compare);
    return 0;
}

void pin_drop_gone(struct core *core, const struct ask *ask) {
    for (size_t i = 0; i < ask->n_pins; i++) {
        struct pin *pin = ask->pins[i].is_gone && ask->pins[i].seq <= ask->stored
                              ? pin_find(core, ask->pins_of, ask->pins[i].seq)
                              : NULL;
        if (pin)
            pin_end(core, pin);
    }
}

/* Which message. */

static const struct record *pin_in_log(const struct core *core, const struct frame_pin *asked) {
    struct user *user;
    uid_t uid = asked->uid;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    const struct log_entry *entry = user ? route_find_in_log(core, user, &asked->id) : NULL;
    return entry ? &entry->record : NULL;
}

bool pin_awaits(const struct core *core, const struct frame *frame, struct record *like) {
    if (uuid_is_nil(&frame->pin.id) || pin_in_log(core, &frame->pin))
        return false;
    *like = (struct record){.uid = frame->pin.uid, .id = frame->pin.id};
    return true;
}

static const struct record *pin_look(const struct core *core, const struct frame_pin *asked) {
    const struct record *record = pin_in_log(core, asked);
    const struct record *found = &core->target.record;
    if (!record && found->seq > 0 && found->uid == asked->uid && uuid_equal(&found->id, &asked->id))
        record = found;
    return record && !mend_is(record->kind) ? record : NULL;
}

/* Who may. */

static enum fail_code pin_refuse(const struct core *core, const struct session *session,
                                 const struct room *room, char reason[256]) {
    enum room_actor actor = core_actor(core, session, room);
    if (actor == ACTOR_STRANGER || actor == ACTOR_INVITED) {
        snprintf(reason, 256, "only a handle that is in %.100s pins messages there; join it first",
                 room->name.s);
        return FAIL_NOT_MEMBER;
    }
    if (!room_order_holds(core, room, session->user, LAID_MUTE, reason) &&
        !room_order_holds(core, room, session->user, LAID_BAN, reason))
        snprintf(
            reason, 256,
            "only the owner and the operators of %.100s pin messages there, where only they %s",
            room->name.s, room->announces ? "speak" : "set the topic");
    return FAIL_NOT_PERMITTED;
}

static enum fail_code pin_judge(const struct core *core, const struct session *session,
                                const struct frame_pin *asked, const struct record *record,
                                char reason[256]) {
    snprintf(reason, 256, PIN_NOTHING);
    if (!record || !pin_may_see(core, session, record))
        return FAIL_NOT_PERMITTED;
    if (record->flags & RECORD_REMOVED) {
        snprintf(reason, 256, "the message was removed");
        return FAIL_NOT_PERMITTED;
    }
    const struct room *room =
        conv_is_room(record->conv) ? room_of_number(core, (uint32_t)-record->conv) : NULL;
    bool is_star = asked->what == STAR_ADD || asked->what == STAR_REMOVE;
    if (is_star || !room || core_permission(core, session, room, ACT_PIN) == PERMISSION_ALLOWED)
        return FAIL_NONE;
    return pin_refuse(core, session, room, reason);
}

static bool pin_has_place(struct core *core, const struct session *session, uint32_t whose,
                          conv_number conv, char reason[256]) {
    unsigned max = whose ? STARS_PER_HANDLE_MAX : PINS_PER_CONV_MAX;
    const struct pin_list *list = pin_list_find(core, whose, conv);
    if (list && list->n >= max)
        pin_list_clean(core, session, whose, conv);
    list = pin_list_find(core, whose, conv);
    if (!list || list->n < max)
        return true;
    if (whose)
        snprintf(reason, 256,
                 "you have starred %u messages, as many as one handle may; `earshot stars` lists "
                 "them: unstar one first",
                 list->n);
    else
        snprintf(reason, 256,
                 "%u messages are pinned there, as many as may be; `earshot pins` lists them: "
                 "unpin one first",
                 list->n);
    return false;
}

/* Telling: calmly, as of a topic. */

static void pin_tell_handle(struct core *core, const struct session *by, const struct handle *to,
                            const struct handle *other, const char *sentence) {
    const unsigned both = ABILITY_NEWS | ABILITY_PINS;
    struct session *session, *next;
    struct frame frame = {.type = FRAME_NEWS,
                          .news = {.what = NEWS_PINS,
                                   .who = name_bytes(&by->handle->name),
                                   .uid = by->user->uid,
                                   .room = name_bytes(&other->name),
                                   .detail = bytes_of(sentence)}};
    DL_FOREACH_SAFE2(to->sessions, session, next, next_of_handle) {
        if ((session->abilities & both) == both)
            (void)session_notify(core, by->user, session, NOTICE_MAY_BE_MISSED, &frame);
    }
}

static void pin_tell(struct core *core, struct session *session, const struct record *record,
                     bool is_on) {
    const struct handle *from = handle_of_number(core, record->from);
    char sentence[NAME_BYTES_MAX + 64];
    snprintf(sentence, sizeof sentence, "%s a message of %s", is_on ? "pinned" : "unpinned",
             from ? from->name.s : "somebody");
    if (conv_is_room(record->conv)) {
        news_pins(core, session->handle, room_of_number(core, (uint32_t)-record->conv), sentence);
        return;
    }
    const struct handle *own = session->handle;
    const struct handle *other = handle_of_number(core, conv_other(record->conv, own->number));
    if (!other)
        return;
    pin_tell_handle(core, session, own, other, sentence);
    if (other != own)
        pin_tell_handle(core, session, other, own, sentence);
}

/* Doing it. */

static enum fail_code pin_add(struct core *core, struct session *session, uint32_t whose,
                              const struct record *record, char reason[256]) {
    struct user *user = session->user;
    struct pin *pin = pin_find(core, whose, record->seq);
    bool is_new = !pin;
    if (is_new &&
        (!pin_has_place(core, session, whose, record->conv, reason) ||
         !persist_may_change(core, user, reason) || !user_may_charge(user, PIN_BYTES, reason)))
        return FAIL_LIMIT;
    if (is_new) {
        pin = pin_new(core, &(struct pin_key){whose, record->seq}, record->conv, user);
        if (pin) {
            pin->by = session->handle->number;
            pin->at_ms = calendar_stamp(&core->calendar, core->wall);
        }
    }
    if (pin && persist_pin(core, user, whose, record->seq)) {
        if (is_new && !whose)
            pin_tell(core, session, record, true);
        return FAIL_NONE;
    }
    if (pin && is_new)
        pin_free(core, pin);
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

static enum fail_code pin_remove(struct core *core, struct session *session, uint32_t whose,
                                 const struct record *record, char reason[256]) {
    struct pin *pin = pin_find(core, whose, record->seq);
    if (!pin)
        return FAIL_NONE;
    if (!persist_pin(core, session->user, whose, record->seq)) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    pin_free(core, pin);
    if (!whose)
        pin_tell(core, session, record, false);
    return FAIL_NONE;
}

void pin_receive(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_pin *asked = &frame->pin;
    const struct record *record = pin_look(core, asked);
    bool is_star = asked->what == STAR_ADD || asked->what == STAR_REMOVE;
    uint32_t whose = is_star ? session->handle->number : 0;
    char reason[256];
    enum fail_code code;
    /* One's own star can be taken back, whatever one may still read. */
    bool is_own_star = record && asked->what == STAR_REMOVE && pin_find(core, whose, record->seq);
    code = is_own_star ? FAIL_NONE : pin_judge(core, session, asked, record, reason);
    if (code == FAIL_NONE)
        code = (asked->what == PIN_ADD || asked->what == STAR_ADD ? pin_add : pin_remove)(
            core, session, whose, record, reason);
    persist_finish(core, session, asked->request, code, reason);
}

/* Storing. */

bool pin_row(const struct core *core, const struct dirty_key *key, struct change *row) {
    const struct pin *pin = pin_find(core, key->handle, (uint64_t)key->place);
    row->what = pin ? CHANGE_PIN : CHANGE_NO_PIN;
    row->handle = key->handle;
    row->seq = (uint64_t)key->place;
    if (pin) {
        row->conv = pin->conv;
        row->by = pin->by;
        row->until_ms = pin->at_ms;
    }
    return true;
}

/* Whose memory it is: who pinned it, or whose star it is. */
static struct user *pin_payer(const struct core *core, uint32_t whose, uint32_t by) {
    const struct handle *handle = handle_of_number(core, whose ? whose : by);
    return handle ? handle->user : NULL;
}

int core_restore_pin(struct core *core, uint32_t whose, conv_number conv, uint64_t seq, uint32_t by,
                     int64_t at_ms) {
    struct user *payer = pin_payer(core, whose, by);
    bool is_there = conv_is_room(conv) ? room_of_number(core, (uint32_t)-conv) != NULL : conv > 0;
    if (!payer || !is_there || pin_find(core, whose, seq))
        return -EINVAL;
    struct pin *pin = pin_new(core, &(struct pin_key){whose, seq}, conv, payer);
    if (!pin)
        return -ENOMEM;
    pin->by = by;
    pin->at_ms = at_ms;
    return 0;
}
