/*
 * Requests: asked, answered, and what of their effect a new hub must be told again. The hub keeps
 * rooms and presence in memory only, so after a reconnect the link joins its rooms anew and says
 * again that it is away; these requests are its own, and their answers stay within.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/check.h"
#include "lib/transfer.h"

struct request {
    uint32_t number;
    uint8_t type;
    bool own; /* asked by the link itself */
    bool session_only;
    bool enters; /* a room that is made by it */
    bool away;
    char *text; /* room, handle or reason */
    struct request *prev, *next;
};

struct joined_room {
    struct name name, key;
    bool session_only;
    struct joined_room *prev, *next;
};

static void free_request(struct request *request) {
    free(request->text);
    free(request);
}

static struct request *request_find(const struct earshot *link, uint32_t number) {
    struct request *request;
    DL_FOREACH(link->requests, request) {
        if (request->number == number)
            return request;
    }
    return NULL;
}

bool request_is_asked(const struct earshot *link, uint32_t number) {
    return request_find(link, number) != NULL;
}

/* Rooms that the link is in. */

static struct joined_room *find_room(const struct earshot *link, const struct name *key) {
    struct joined_room *room;
    DL_FOREACH(link->rooms, room) {
        if (bytes_equal(name_bytes(&room->key), name_bytes(key)))
            return room;
    }
    return NULL;
}

static void enter_room(struct earshot *link, const struct request *request) {
    struct joined_room *room = calloc(1, sizeof *room);
    if (!room || name_parse(&room->name, bytes_of(request->text)) != NAME_OK) {
        free(room);
        return;
    }
    name_key(&room->key, &room->name);
    struct joined_room *known = find_room(link, &room->key);
    if (known) {
        known->session_only = known->session_only && request->session_only;
        free(room);
        return;
    }
    room->session_only = request->session_only;
    DL_APPEND(link->rooms, room);
}

static void leave_room(struct earshot *link, const char *text) {
    struct name name, key;
    if (name_parse(&name, bytes_of(text)) != NAME_OK)
        return;
    name_key(&key, &name);
    struct joined_room *room = find_room(link, &key);
    if (room) {
        DL_DELETE(link->rooms, room);
        free(room);
    }
}

void request_room_renamed(struct earshot *link, struct bytes was, struct bytes now) {
    struct name name, key;
    if (name_parse(&name, was) != NAME_OK || !name_is_room(&name))
        return;
    name_key(&key, &name);
    struct joined_room *room = find_room(link, &key);
    if (!room || name_parse(&name, now) != NAME_OK)
        return;
    room->name = name;
    name_key(&room->key, &name);
}

static void set_away(struct earshot *link, struct request *request) {
    free(link->away);
    link->away = request->away ? request->text : NULL;
    if (request->away)
        request->text = NULL;
}

static void request_apply(struct earshot *link, struct request *request) {
    struct name name;
    switch (request->type) {
    case FRAME_JOIN:
        enter_room(link, request);
        break;
    case FRAME_LEAVE:
        leave_room(link, request->text);
        break;
    case FRAME_CHANGE:
        if (request->enters)
            enter_room(link, request);
        break;
    case FRAME_AWAY:
        set_away(link, request);
        break;
    case FRAME_NICK:
        if (name_parse(&name, bytes_of(request->text)) != NAME_OK)
            break;
        link->handle = name;
        bookmark_renamed(&link->bookmark);
        break;
    default:
        break;
    }
}

bool request_done(struct earshot *link, uint32_t number) {
    struct request *request = request_find(link, number);
    if (!request)
        return false;
    bool asked = !request->own;
    DL_DELETE(link->requests, request);
    if (asked) {
        link->n_rejected = 0;
        request_apply(link, request);
    }
    free_request(request);
    return asked;
}

/* What could not be stored holds nevertheless, until the hub ends. */
bool request_failed(struct earshot *link, uint32_t number, enum fail_code code, bool *own) {
    struct request *request = request_find(link, number);
    bool holds = code == FAIL_NOT_STORED;
    *own = request && request->own;
    if (!request)
        return false;
    if (holds && !request->own)
        request_apply(link, request);
    else if (!holds && request->own && request->type == FRAME_JOIN)
        leave_room(link, request->text);
    if (request->type == FRAME_OFFER)
        offer_out_refused(link, number);
    DL_DELETE(link->requests, request);
    free_request(request);
    return true;
}

void request_note_failed(struct earshot *link, uint32_t number, enum fail_code code,
                         const char *reason) {
    struct inbox_note *note = note_new(EARSHOT_EVENT_FAILED);
    if (!note)
        return;
    note_set_reason(note, bytes_of(reason));
    note->event.request = number;
    note->event.failed.code = code;
    note->event.failed.to = "";
    note->event.failed.reason = note->reason;
    absorb_note(link, note);
}

static void note_lost(struct earshot *link, uint32_t number) {
    request_note_failed(link, number, FAIL_LOST, "the hub went away before it answered; ask again");
}

void request_give_up(struct earshot *link, uint32_t number) {
    struct request *request = request_find(link, number);
    if (!request)
        return;
    request_note_failed(link, number, FAIL_BUSY, "it was cancelled before it was its turn");
    DL_DELETE(link->requests, request);
    free_request(request);
}

/* An offer, which the next hub is asked for in its place (transfer_restore). */
static bool waits_for_hub(const struct earshot *link, const struct request *request) {
    return request->type == FRAME_OFFER && (link->flags & EARSHOT_RECONNECT);
}

void request_lose_all(struct earshot *link) {
    struct request *request, *next;
    DL_FOREACH_SAFE(link->requests, request, next) {
        if (waits_for_hub(link, request) && offer_out_is_made_by(link, request->number))
            continue;
        DL_DELETE(link->requests, request);
        if (!request->own)
            note_lost(link, request->number);
        free_request(request);
    }
}

uint32_t request_number(struct earshot *link) {
    if (++link->last_request == 0)
        ++link->last_request;
    return link->last_request;
}

static struct request *request_new(struct earshot *link, uint8_t type, const char *text) {
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->number = request_number(link);
    request->type = type;
    request->text = strdup(text);
    if (!request->text) {
        free(request);
        return NULL;
    }
    return request;
}

bool request_ask_again(struct earshot *link, struct frame *frame, const char *text,
                       uint32_t *number) {
    struct request *request = request_new(link, frame->type, text);
    if (!request)
        return false;
    request->own = true;
    frame->join.request = request->number; /* the first field of every request */
    if (!control_append(&link->control, 0, frame)) {
        free_request(request);
        return false;
    }
    DL_APPEND(link->requests, request);
    *number = request->number;
    return true;
}

void request_restore(struct earshot *link) {
    struct joined_room *room;
    uint32_t number;
    if (link->away)
        request_ask_again(link,
                          &(struct frame){.type = FRAME_AWAY,
                                          .away = {.away = 1, .reason = bytes_of(link->away)}},
                          link->away, &number);
    DL_FOREACH(link->rooms, room) {
        request_ask_again(link,
                          &(struct frame){.type = FRAME_JOIN,
                                          .flags = room->session_only ? FRAME_SESSION_ONLY : 0,
                                          .join = {.room = name_bytes(&room->name)}},
                          room->name.s, &number);
    }
    claim_restore(link);
    transfer_restore(link); /* behind the rooms, to which it may be offered */
}

void request_deinit(struct earshot *link) {
    struct request *request, *next_request;
    DL_FOREACH_SAFE(link->requests, request, next_request) {
        DL_DELETE(link->requests, request);
        free_request(request);
    }
    struct joined_room *room, *next_room;
    DL_FOREACH_SAFE(link->rooms, room, next_room) {
        DL_DELETE(link->rooms, room);
        free(room);
    }
    free(link->away);
    link->away = NULL;
}

_Static_assert(
    offsetof(struct frame_join, request) == 0 && offsetof(struct frame_leave, request) == 0 &&
        offsetof(struct frame_topic, request) == 0 && offsetof(struct frame_away, request) == 0 &&
        offsetof(struct frame_nick, request) == 0 && offsetof(struct frame_list, request) == 0 &&
        offsetof(struct frame_history, request) == 0 &&
        offsetof(struct frame_search, request) == 0 &&
        offsetof(struct frame_forget, request) == 0 && offsetof(struct frame_wall, request) == 0 &&
        offsetof(struct frame_offer, request) == 0 && offsetof(struct frame_change, request) == 0 &&
        offsetof(struct frame_invite, request) == 0 && offsetof(struct frame_find, request) == 0 &&
        offsetof(struct frame_gather, request) == 0 && offsetof(struct frame_pin, request) == 0,
    "the number is set through the first of them");

/* Sends the request, or tells at once that there is no hub to answer it. */
static int request_submit(struct earshot *link, struct frame *frame, struct request *request) {
    if (link->phase != LINK_JOINED && waits_for_hub(link, request)) {
        DL_APPEND(link->requests, request);
        return 0;
    }
    if (link->phase != LINK_JOINED) {
        note_lost(link, request->number);
        free_request(request);
        return 0;
    }
    frame->join.request = request->number;
    if (!outgoing_control(link, frame)) {
        free_request(request);
        return link_fail(link, EARSHOT_AGAIN, FAIL_BUSY,
                         "too many requests wait for the hub in %s; try again later", link->dir);
    }
    DL_APPEND(link->requests, request);
    int r = outgoing_send(link, OUTGOING_LATER, true);
    return r < 0 ? r : 0;
}

/* Whether the hub would take it: what breaks the protocol ends the session. */
static int check_frame(struct earshot *link, const struct frame *frame) {
    uint8_t bytes[BATCH_BYTES_MAX];
    struct frame back;
    struct cursor_out out = cursor_out_of(bytes, link->limits.batch - ENVELOPE_BYTES);
    if (!frame_put(&out, frame))
        return link_fail(link, EARSHOT_LIMIT, FAIL_LIMIT,
                         "this does not fit into one message of this system, which may have %zu "
                         "bytes; raise the limit: sysctl kernel.msgmax=8192",
                         link->limits.batch);
    struct cursor_in in = cursor_in_of(bytes, cursor_out_used(&out));
    enum frame_outcome outcome = frame_take(&in, &back, FROM_CLIENT);
    return outcome == FRAME_OK
               ? 0
               : check_failed(link, "the hub would not take this: %s %s",
                              frame_row(frame->type)->name, frame_outcome_text(outcome));
}

static int request_begin(struct earshot *link, const struct frame *frame, const char *text,
                         struct request **request) {
    int r = check_pointer(link, link, "the link");
    if (r == 0)
        r = check_frame(link, frame);
    if (r == 0 && link->phase == LINK_ENDED)
        r = link->ended;
    if (r != 0)
        return r;
    *request = request_new(link, frame->type, text);
    return *request ? 0 : -ENOMEM;
}

int request_hold(struct earshot *link, const struct frame *frame, const char *text,
                 uint32_t *number) {
    struct request *request;
    int r = request_begin(link, frame, text, &request);
    if (r != 0)
        return r;
    *number = request->number;
    DL_APPEND(link->requests, request);
    return 0;
}

int request_ask(struct earshot *link, struct frame *frame, const char *text, uint32_t *number) {
    struct request *request;
    int r = request_begin(link, frame, text, &request);
    if (r != 0)
        return r;
    request->session_only = frame->type == FRAME_JOIN && (frame->flags & FRAME_SESSION_ONLY);
    request->enters = frame->type == FRAME_CHANGE && frame->change.what <= ROOM_MAKE_PRIVATE;
    request->away = frame->type == FRAME_AWAY && frame->away.away;
    if (number)
        *number = request->number;
    return request_submit(link, frame, request);
}

/* --- what a program can ask for: the arguments checked and made into frames --- */

int earshot_join(earshot *link, const char *room, bool session_only, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_JOIN,
                          .flags = session_only ? FRAME_SESSION_ONLY : 0,
                          .join = {.room = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_part(earshot *link, const char *room, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LEAVE, .leave = {.room = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_topic(earshot *link, const char *room, const char *topic, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r == 0)
        r = check_string(link, topic, TOPIC_BYTES_MAX, "the topic");
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_TOPIC,
                          .topic = {.room = name_bytes(&name), .topic = bytes_of(topic)}};
    return request_ask(link, &frame, name.s, request);
}

/* A hub that does not know these would end the session. */
static int check_takes_rooms(struct earshot *link) {
    if (link->phase != LINK_JOINED || link->hub_takes_rooms)
        return 0;
    return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                     "the hub in %s is older, and its rooms have no owner; start it again",
                     link->dir);
}

static int ask_of_room(earshot *link, const char *room, uint8_t what, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r == 0)
        r = check_takes_rooms(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST, .list = {.what = what, .of = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_about(earshot *link, const char *room, uint32_t *request) {
    return ask_of_room(link, room, LIST_ROOM, request);
}

int earshot_change_room(earshot *link, const char *room, enum earshot_room_change what,
                        const char *argument, uint32_t *request) {
    struct name name;
    const char *text = argument ? argument : "";
    int r = check_room(link, room, &name);
    if (r == 0)
        r = check_number(link, what, ROOM_CHANGE_END, "the change");
    if (r == 0)
        r = check_string(link, text, NAME_BYTES_MAX, "the argument");
    if (r == 0)
        r = check_takes_rooms(link);
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_CHANGE,
        .change = {.room = name_bytes(&name), .what = (uint8_t)what, .argument = bytes_of(text)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_invite(earshot *link, const char *room, const char *handle, uint32_t *request) {
    struct name name, guest;
    int r = check_room(link, room, &name);
    if (r == 0)
        r = check_handle(link, handle, "the handle", &guest);
    if (r == 0)
        r = check_takes_rooms(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_INVITE,
                          .invite = {.id = uuid_next(&link->ids, wall_coarse()),
                                     .room = name_bytes(&name),
                                     .handle = name_bytes(&guest)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_gather(earshot *link, const char *people, uint32_t *request) {
    int r = check_string(link, people, PEOPLE_BYTES_MAX, "the list of handles");
    if (r == 0 && link->phase == LINK_JOINED && !(link->hub_abilities & ABILITY_DIRECT))
        r = link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                      "the hub in %s is older, and knows no direct conversation of several; start "
                      "it again",
                      link->dir);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_GATHER, .gather = {.people = bytes_of(people)}};
    return request_ask(link, &frame, people, request);
}

int earshot_away(earshot *link, const char *reason, uint32_t *request) {
    int r = check_string(link, reason ? reason : "", AWAY_BYTES_MAX, "the reason");
    if (r != 0)
        return r;
    const char *text = reason ? reason : "";
    struct frame frame = {.type = FRAME_AWAY,
                          .away = {.away = reason != NULL, .reason = bytes_of(text)}};
    return request_ask(link, &frame, text, request);
}

int earshot_nick(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = check_handle(link, handle, "the handle", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_NICK, .nick = {.handle = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_release(earshot *link, const char *conv, uint32_t *request) {
    struct name name;
    int r = check_conv(link, conv, "the handle or room", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_RELEASE, .release = {.handle = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

static int request_check_order(struct earshot *link) {
    if (link->phase != LINK_JOINED || link->hub_takes_order)
        return 0;
    return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                     "the hub in %s is older, and keeps no order; start it again", link->dir);
}

int earshot_order(earshot *link, const struct earshot_order *order, uint32_t *request) {
    struct name name = {0};
    int r = check_pointer(link, order, "the order");
    if (r == 0)
        r = check_number(link, order->what, EARSHOT_RATE + 1, "what is to be done");
    if (r == 0 && order->handle)
        r = check_handle(link, order->handle, "the handle", &name);
    const char *reason = r == 0 && order->reason ? order->reason : "";
    if (r == 0)
        r = check_string(link, reason, EARSHOT_REASON_MAX, "the reason");
    if (r == 0 && order->what == EARSHOT_RATE && order->value > EARSHOT_RATE_MAX)
        r = check_failed(link, "a rate is at most %d messages in a second", EARSHOT_RATE_MAX);
    if (r == 0)
        r = request_check_order(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_ORDER,
                          .order = {.what = (uint8_t)order->what,
                                    .who = name_bytes(&name),
                                    .uid = order->uid,
                                    .value = order->value,
                                    .reason = bytes_of(reason)}};
    return request_ask(link, &frame, "", request);
}

static int request_check_govern(struct earshot *link, unsigned what,
                                const struct earshot_order *order, struct name *who) {
    bool is_known = what != EARSHOT_RATE && what < EARSHOT_ROOM_ORDERS;
    int r = check_pointer(link, order, "the order");
    if (r == 0 && !is_known)
        r = check_failed(link, "there is no order %u in a room", what);
    if (r == 0 && order->handle)
        r = check_handle(link, order->handle, "the handle", who);
    if (r == 0)
        r = check_string(link, order->reason ? order->reason : "", EARSHOT_REASON_MAX,
                         "the reason");
    return r == 0 ? check_takes_rooms(link) : r;
}

int earshot_govern(earshot *link, const char *room, unsigned what,
                   const struct earshot_order *order, uint32_t *request) {
    struct name name, who = {0};
    int r = check_room(link, room, &name);
    if (r == 0)
        r = request_check_govern(link, what, order, &who);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_GOVERN,
                          .govern = {.id = uuid_next(&link->ids, wall_coarse()),
                                     .room = name_bytes(&name),
                                     .what = (uint8_t)what,
                                     .who = name_bytes(&who),
                                     .uid = order->uid,
                                     .value = order->value,
                                     .reason = bytes_of(order->reason ? order->reason : "")}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_laid(earshot *link, const char *room, uint32_t *request) {
    return ask_of_room(link, room, LIST_LAID, request);
}

int earshot_accounts(earshot *link, bool all, uint32_t *request) {
    int r = check_pointer(link, link, "the link");
    if (r == 0)
        r = request_check_order(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST, .list = {.what = all ? LIST_ACCOUNTS : LIST_ACCOUNT}};
    return request_ask(link, &frame, "", request);
}

int earshot_ask(earshot *link, enum earshot_list what, const char *of, uint32_t *request) {
    struct name name = {0};
    int r = check_number(link, what, EARSHOT_HANDLES + 1, "the list");
    if (r == 0 && of)
        r = check_room(link, of, &name);
    if (r == 0 && of && what != EARSHOT_USERS)
        r = check_failed(link, "only EARSHOT_USERS can be asked for of a room");
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST,
                          .list = {.what = (uint8_t)what, .of = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

/* NULL for all. */
static int check_conv_or_all(struct earshot *link, const char *conv, struct name *name) {
    *name = (struct name){0};
    return conv ? check_conv(link, conv, "the conversation", name) : 0;
}

int earshot_history(earshot *link, const char *conv, uint64_t before, uint64_t after,
                    unsigned limit, uint32_t *request) {
    struct name name;
    int r = check_page(link, limit);
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_HISTORY,
        .history = {
            .conv = name_bytes(&name), .before = before, .after = after, .limit = (uint16_t)limit}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_find(earshot *link, const char *conv, const char *id, bool is_thread, uint64_t before,
                 unsigned limit, uint32_t *request) {
    struct name name;
    struct uuid uuid;
    int r = check_page(link, limit);
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r == 0)
        r = check_id(link, id, "the id", &uuid);
    if (r != 0)
        return r;
    if (link->phase == LINK_JOINED && !(link->hub_abilities & ABILITY_ANSWERS))
        return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                         "the hub in %s is older, and knows no threads; start it again", link->dir);
    struct frame frame = {.type = FRAME_FIND,
                          .find = {.conv = name_bytes(&name),
                                   .id = uuid,
                                   .what = is_thread ? FIND_THREAD : FIND_MESSAGE,
                                   .before = before,
                                   .limit = (uint16_t)limit}};
    return request_ask(link, &frame, name.s, request);
}

static int check_takes_pins(struct earshot *link) {
    if (link->phase != LINK_JOINED || (link->hub_abilities & ABILITY_PINS))
        return 0;
    return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                     "the hub in %s is older, and pins nothing; start it again", link->dir);
}

int earshot_pin(earshot *link, const char *id, uid_t author, enum earshot_pin_what what,
                uint32_t *request) {
    struct uuid uuid;
    int r = check_number(link, what, PIN_END, "what is to be done");
    if (r == 0)
        r = check_id(link, id, "the id", &uuid);
    if (r == 0)
        r = check_takes_pins(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_PIN,
                          .pin = {.id = uuid, .uid = author, .what = (uint8_t)what}};
    return request_ask(link, &frame, "", request);
}

static int ask_for_pins(struct earshot *link, const struct name *name, enum find_what what,
                        uint64_t before, unsigned limit, uint32_t *request) {
    int r = check_page(link, limit);
    if (r == 0)
        r = check_takes_pins(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_FIND,
                          .find = {.conv = name_bytes(name),
                                   .what = (uint8_t)what,
                                   .before = before,
                                   .limit = (uint16_t)limit}};
    return request_ask(link, &frame, name->s, request);
}

int earshot_pins(earshot *link, const char *conv, uint64_t before, unsigned limit,
                 uint32_t *request) {
    struct name name;
    int r = check_conv(link, conv, "the conversation", &name);
    return r == 0 ? ask_for_pins(link, &name, FIND_PINS, before, limit, request) : r;
}

int earshot_stars(earshot *link, const char *conv, uint64_t before, unsigned limit,
                  uint32_t *request) {
    struct name name;
    int r = check_pointer(link, link, "the link");
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    return r == 0 ? ask_for_pins(link, &name, FIND_STARS, before, limit, request) : r;
}

int earshot_unread(earshot *link, const char *conv, uint32_t *request) {
    struct name name;
    int r = check_pointer(link, request, "the request");
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r != 0)
        return r;
    if (link->phase == LINK_JOINED && !link->hub_takes_reads)
        return link_fail(
            link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
            "the hub in %s is older, and does not count what is unread; start it again", link->dir);
    struct frame frame = {.type = FRAME_UNREAD, .unread = {.conv = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_search(earshot *link, const char *words, const char *conv, const char *from,
                   uint64_t before, unsigned limit, uint32_t *request) {
    struct name name, sender = {0};
    int r = check_string(link, words, SEARCH_BYTES_MAX, "the search");
    if (r == 0 && !words[strspn(words, " \t\n")])
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "nothing to search for; give words");
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r == 0 && from)
        r = check_handle(link, from, "the handle", &sender);
    if (r == 0)
        r = check_page(link, limit);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.conv = name_bytes(&name),
                                     .from = name_bytes(&sender),
                                     .before = before,
                                     .limit = (uint16_t)limit,
                                     .words = bytes_of(words)}};
    return request_ask(link, &frame, "", request);
}

/* A search for blanks only: no word has to be found in them. */
int earshot_list_posts(earshot *link, const char *from, uint64_t before, unsigned limit,
                       uint32_t *request) {
    struct name sender = {0};
    int r = check_page(link, limit);
    if (r == 0 && from)
        r = check_handle(link, from, "the handle", &sender);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.from = name_bytes(&sender),
                                     .before = before,
                                     .limit = (uint16_t)limit,
                                     .words = bytes_of(" ")}};
    return request_ask(link, &frame, "", request);
}

int earshot_wall(earshot *link, const char *text, uint32_t *request) {
    int r = check_string(link, text, EARSHOT_WALL_MAX, "the notice");
    if (r == 0 && !*text)
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "the notice is empty; give a text");
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_WALL,
        .wall = {.id = uuid_next(&link->ids, wall_coarse()), .body = bytes_of(text)}};
    return request_ask(link, &frame, "", request);
}

int earshot_forget(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = check_handle(link, handle, "the handle", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_FORGET, .forget = {.conv = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}
