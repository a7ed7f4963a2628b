/* Frames that a client may send: every type of the table, with usual and with extreme values. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "proto/mend.h"
#include "proto/reaction.h"
#include "semantic/semantic.h"

#define N_IDS 256
#define TEXT_MOST 7000

uint64_t n_made[FRAME_TYPE_END];

/* Seen by everybody: so that somebody else's ids, links and offers are used, too. */
static struct uuid ids[N_IDS], offers[N_IDS];
static char letters[2][TEXT_MOST];

static uint64_t extreme_number(void) {
    static const uint64_t numbers[] = {
        0,          1,          2,          100,           INT64_MAX, (uint64_t)INT64_MAX + 1,
        UINT64_MAX, UINT32_MAX, UINT16_MAX, UINT64_MAX - 1};
    return chance_one_in(3) ? numbers[chance_below(ARRAY_LEN(numbers))]
                            : core.seq - 50 + chance_below(100);
}

static struct bytes some_text(size_t least, size_t most) {
    size_t n = chance_one_in(8) ? most : least + chance_below(40);
    char *text = letters[chance_below(2)];
    if (text[0] == 0) {
        memset(letters[0], 'a', TEXT_MOST);
        memset(letters[1], 'b', TEXT_MOST);
    }
    return (struct bytes){text, n > most ? most : n};
}

/* Of a body: as long as the frame may be. */
static uint32_t body_most(void) {
    size_t most = core.config.batch - FRAME_TEXT_RESERVE;
    return most < TEXT_MOST ? (uint32_t)most : TEXT_MOST;
}

/* A view that is valid until some more were made. */
static struct bytes spelled(const char *format, unsigned number) {
    static char texts[16][24];
    static unsigned at;
    char *text = texts[at++ % ARRAY_LEN(texts)];
    snprintf(text, sizeof texts[0], format, number);
    return bytes_of(text);
}

/* One in some is spelled in another way, unknown or no name at all. */
static struct bytes some_handle(const struct client *client) {
    unsigned n = chance_below(weather.n_handles), kind = chance_below(40);
    if (kind == 0)
        return spelled("x%u", n);
    if (kind == 1)
        return bytes_of("no name");
    if (kind < 8)
        n = (unsigned)client->handle;
    return spelled(kind == 2 ? "H%u" : "h%u", n);
}

static struct bytes some_room(void) {
    unsigned n = chance_below(weather.n_rooms), kind = chance_below(40);
    if (chance_one_in(2))
        n %= 4;
    if (kind == 0)
        return bytes_of("#");
    return spelled(kind == 1 ? "#R%u" : "#r%u", n);
}

static struct bytes some_target(const struct client *client) {
    return chance_one_in(2) ? some_room() : some_handle(client);
}

static struct uuid some_id(void) {
    return ids[chance_below(N_IDS)];
}

/* Of which there is no other one. */
static struct uuid unused_id(void) {
    static uint64_t n;
    struct uuid id = {.b = {'u', 'n', 'u', 's', 'e', 'd'}};
    n++;
    memcpy(id.b + sizeof id.b - sizeof n, &n, sizeof n);
    return id;
}

static struct uuid fresh_id(void) {
    struct uuid id;
    uint64_t halves[2] = {chance_next(), chance_next()};
    memcpy(id.b, halves, sizeof id.b);
    if (chance_one_in(500))
        memset(id.b, chance_one_in(2) ? 0 : 0xff, sizeof id.b);
    ids[chance_below(N_IDS)] = id;
    return id;
}

static const struct client *some_client(void) {
    return &clients[chance_below(weather.n_clients)];
}

/* Messages. */

static void note_said(const struct client *client, bool is_wall) {
    const struct outgoing_parts *out = &client->out;
    book_say(client, &(struct said){.id = out->id,
                                    .reply_to = out->reply_to,
                                    .to = out->to,
                                    .hash = out->hash,
                                    .n = out->n,
                                    .kind = out->kind,
                                    .is_wall = is_wall});
}

static void note_sent(struct client *client, const struct uuid *id, enum sent_state state) {
    const struct sent *old = &client->sent[client->n_sent % N_SENT_MAX];
    client->has_forgotten |= client->n_sent >= N_SENT_MAX && old->state == SENT_MAYBE;
    client->sent[client->n_sent++ % N_SENT_MAX] = (struct sent){*id, state, false};
}

static bool may_send(const struct client *client) {
    return client->n_sent < N_SENT_MAX ||
           client->sent[client->n_sent % N_SENT_MAX].state != SENT_OPEN;
}

/* As long as this text: of a file, from its beginning on or later. */
static struct bytes some_binary(size_t n, bool is_begin) {
    static char binary[TEXT_MOST + 1] = {FILE_BODY_FORM};
    for (size_t i = 1; binary[TEXT_MOST] == 0 && i <= TEXT_MOST; i++)
        binary[i] = (char)(i * 37 | 128);
    return (struct bytes){binary + !is_begin, n};
}

/* An edit, a removal or a reaction of what nobody has said: it is refused, whoever sends it
 * wherever. */
static bool make_mend(struct client *client, struct frame *frame) {
    static char removal[MEND_REMOVE_MAX];
    static char reaction[REACTION_BODY_MAX];
    uint8_t kind = (uint8_t)(KIND_EDIT + chance_below(3));
    struct mend_removal what = {some_client()->uid, some_text(0, MEND_REASON_MAX / 4)};
    struct bytes body = some_text(0, body_most());
    struct reaction reacts = {what.uid, chance_one_in(2), bytes_of("👍")};
    if (kind == KIND_REMOVE)
        body = (struct bytes){removal, mend_removal_put(removal, &what)};
    if (kind == KIND_REACT)
        body = (struct bytes){reaction, reaction_put(reaction, &reacts)};
    if (!may_send(client) || client->out.on)
        return false;
    frame->send =
        (struct frame_send){.id = unused_id(),
                            .reply_to = unused_id(),
                            .kind = kind,
                            .to = chance_one_in(2) ? bytes_of(MEND_TO) : some_target(client),
                            .total = (uint32_t)body.n,
                            .body = body};
    note_sent(client, &frame->send.id, SENT_OPEN);
    client->sent[(client->n_sent - 1) % N_SENT_MAX].must_fail = true;
    return true;
}

static bool make_send(struct client *client, struct frame *frame) {
    struct bytes body = some_text(0, body_most());
    uint8_t kind = (uint8_t)chance_below(KIND_FILE + 1);
    if (chance_one_in(12))
        return make_mend(client, frame);
    if (kind < KIND_FILE && chance_one_in(4))
        kind |= KIND_HEADED;
    bool has_more = chance_one_in(6) && body.n > 0;
    bool is_binary = kind == KIND_FILE && body.n > 0 && chance_one_in(2);
    if (is_binary)
        body = some_binary(body.n, true);
    if (!may_send(client))
        return false;
    frame->flags = (uint8_t)(chance_below(16) << 1);
    frame->send = (struct frame_send){.id = chance_one_in(6) ? some_id() : fresh_id(),
                                      .kind = kind,
                                      .to = some_target(client),
                                      .total = (uint32_t)body.n,
                                      .body = body};
    if (chance_one_in(4))
        frame->send.reply_to = some_id();
    if (has_more) {
        frame->flags |= FRAME_MORE_PARTS;
        frame->send.total += 1 + (chance_one_in(8) ? chance_below(50000) : chance_below(6000));
        if (is_binary && frame->send.total > FILE_BODY_MAX)
            frame->send.total = FILE_BODY_MAX;
    }
    client->out = (struct outgoing_parts){.on = has_more,
                                          .id = frame->send.id,
                                          .reply_to = frame->send.reply_to,
                                          .hash = book_hash(0, body),
                                          .total = frame->send.total,
                                          .n = (uint32_t)body.n,
                                          .kind = frame->send.kind,
                                          .is_binary = is_binary,
                                          .to = book_index(frame->send.to)};
    note_sent(client, &frame->send.id, has_more ? SENT_MAYBE : SENT_OPEN);
    if (!has_more)
        note_said(client, false);
    return true;
}

/* One that does not add up, or belongs to nothing. */
static void make_wrong_part(struct client *client, struct frame *frame) {
    uint32_t left = client->out.on ? client->out.total - client->out.n : 10;
    frame->part.body = some_text(body_most(), body_most());
    if (left < body_most())
        frame->part.body.n = left + 1;
    else
        frame->part.body.n = body_most() - 1;
    frame->flags = left < body_most() && chance_one_in(2) ? FRAME_MORE_PARTS : 0;
    client->out.on = false;
}

static bool make_part(struct client *client, struct frame *frame) {
    struct outgoing_parts *out = &client->out;
    if (chance_one_in(400)) {
        make_wrong_part(client, frame);
        return true;
    }
    if (!out->on)
        return false;
    uint32_t left = out->total - out->n, most = left < body_most() ? left : body_most();
    struct bytes body = some_text(TEXT_MOST, TEXT_MOST);
    body.n = chance_one_in(4) ? 1 + chance_below(most) : most;
    if (out->is_binary)
        body = some_binary(body.n, false);
    frame->flags = (out->is_binary ? FRAME_BINARY : 0) | (body.n < left ? FRAME_MORE_PARTS : 0);
    frame->part.body = body;
    out->hash = book_hash(out->hash, body);
    out->n += (uint32_t)body.n;
    if (body.n < left)
        return true;
    struct sent *sent = &client->sent[(client->n_sent - 1) % N_SENT_MAX];
    if (sent->state == SENT_MAYBE) /* else it was refused with its first part */
        sent->state = SENT_OPEN;
    note_said(client, false);
    out->on = false;
    return true;
}

static bool make_receipt(struct client *client, struct frame *frame) {
    const struct client *other = some_client();
    (void)client;
    frame->receipt = (struct frame_receipt){
        some_id(), (uint8_t)(STATE_DELIVERED + chance_below(STATE_END - STATE_DELIVERED)),
        other->link, chance_one_in(20) ? (uint32_t)extreme_number() : other->uid};
    return true;
}

static bool make_taken(struct client *client, struct frame *frame) {
    uint64_t seq = chance_one_in(8) ? extreme_number() : client->last_seq;
    frame->taken = (struct frame_taken){seq, chance_one_in(4) ? extreme_number() : seq};
    return true;
}

/* Requests. */

static bool take_request(struct client *client, uint32_t *request) {
    if (client->next_request == CLAIM_REQUEST) /* whose refusals are looked at apart */
        client->next_request++;
    *request = client->next_request;
    if (client->asked[*request % N_ASKED_MAX].is_open)
        return false;
    client->asked[*request % N_ASKED_MAX].request = *request;
    client->asked[*request % N_ASKED_MAX].is_open = true;
    client->asked[*request % N_ASKED_MAX].is_nick = false;
    client->next_request++;
    return true;
}

static bool make_join(struct client *client, struct frame *frame) {
    frame->flags = chance_one_in(4) ? FRAME_SESSION_ONLY : 0;
    frame->join.room = some_room();
    return take_request(client, &frame->join.request);
}

static bool make_leave(struct client *client, struct frame *frame) {
    frame->leave.room = some_room();
    return take_request(client, &frame->leave.request);
}

static bool make_topic(struct client *client, struct frame *frame) {
    frame->topic.room = some_room();
    frame->topic.topic = some_text(0, TOPIC_BYTES_MAX);
    return take_request(client, &frame->topic.request);
}

static bool make_away(struct client *client, struct frame *frame) {
    frame->away.away = (uint8_t)chance_below(2);
    frame->away.reason = some_text(0, AWAY_BYTES_MAX);
    return take_request(client, &frame->away.request);
}

static bool make_nick(struct client *client, struct frame *frame) {
    unsigned n = chance_below(weather.n_handles);
    if (chance_one_in(4)) /* else one of its own user's */
        frame->nick.handle = chance_one_in(8) ? bytes_of("no name") : spelled("H%u", n);
    else
        frame->nick.handle =
            spelled("h%u", (n - n % N_UIDS + client->uid % N_UIDS) % weather.n_handles);
    if (!take_request(client, &frame->nick.request))
        return false;
    client->asked[frame->nick.request % N_ASKED_MAX].is_nick = true;
    client->n_nicks++;
    return true;
}

static bool make_list(struct client *client, struct frame *frame) {
    frame->list.what = (uint8_t)chance_below(LIST_END);
    frame->list.of = chance_one_in(2) ? some_room() : bytes_of("");
    return take_request(client, &frame->list.request);
}

static uint16_t some_limit(void) {
    return (uint16_t)(chance_one_in(10) ? PAGE_MESSAGES_MAX : 1 + chance_below(20));
}

static bool make_history(struct client *client, struct frame *frame) {
    frame->history =
        (struct frame_history){.conv = chance_one_in(2) ? some_target(client) : bytes_of(""),
                               .before = chance_one_in(2) ? extreme_number() : 0,
                               .after = chance_one_in(2) ? extreme_number() : 0,
                               .limit = some_limit()};
    return take_request(client, &frame->history.request);
}

static bool make_find(struct client *client, struct frame *frame) {
    frame->find = (struct frame_find){.conv = chance_one_in(2) ? some_target(client) : bytes_of(""),
                                      .id = fresh_id(),
                                      .what = (uint8_t)chance_below(FIND_END),
                                      .before = chance_one_in(2) ? extreme_number() : 0,
                                      .limit = some_limit()};
    return take_request(client, &frame->find.request);
}

/* What somebody has said, or nothing. */
static bool make_pin(struct client *client, struct frame *frame) {
    frame->pin = (struct frame_pin){.id = some_id(),
                                    .uid = chance_one_in(8) ? 4242 : some_client()->uid,
                                    .what = (uint8_t)chance_below(PIN_END)};
    return take_request(client, &frame->pin.request);
}

static bool make_search(struct client *client, struct frame *frame) {
    frame->search =
        (struct frame_search){.conv = chance_one_in(2) ? some_target(client) : bytes_of(""),
                              .from = chance_one_in(2) ? some_handle(client) : bytes_of(""),
                              .before = chance_one_in(2) ? extreme_number() : 0,
                              .limit = some_limit(),
                              .words = chance_one_in(3) ? bytes_of(" \"'*^:()- aa OR AND")
                                                        : some_text(1, SEARCH_BYTES_MAX)};
    return take_request(client, &frame->search.request);
}

static bool make_forget(struct client *client, struct frame *frame) {
    frame->forget.conv = chance_one_in(10) ? some_room() : some_handle(client);
    return take_request(client, &frame->forget.request);
}

/* Of those who may not. */
static bool make_release(struct client *client, struct frame *frame) {
    frame->release.handle = some_handle(client);
    return client->uid != 0 && take_request(client, &frame->release.request);
}

/* One wall is told to everybody under ids of its own: root only, and seldom. */
static bool make_wall(struct client *client, struct frame *frame) {
    frame->wall.id = fresh_id();
    frame->wall.body = some_text(1, body_most());
    if (!take_request(client, &frame->wall.request))
        return false;
    struct outgoing_parts parts = client->out;
    client->out = (struct outgoing_parts){.id = frame->wall.id,
                                          .hash = book_hash(0, frame->wall.body),
                                          .n = (uint32_t)frame->wall.body.n,
                                          .kind = KIND_NOTICE};
    note_said(client, true);
    client->out = parts;
    return true;
}

/* Offers. */

static bool make_offer(struct client *client, struct frame *frame) {
    struct uuid id = chance_one_in(8) ? offers[chance_below(N_IDS)] : fresh_id();
    offers[chance_below(N_IDS)] = id;
    frame->offer = (struct frame_offer){.id = id,
                                        .to = some_target(client),
                                        .kind = (uint8_t)chance_below(OFFER_KIND_END),
                                        .size = extreme_number(),
                                        .mode = (uint32_t)extreme_number(),
                                        .mtime_ns = extreme_number(),
                                        .mime = some_text(0, 255),
                                        .name = some_text(0, OFFER_NAME_MAX)};
    return take_request(client, &frame->offer.request);
}

static struct signal some_signal(void) {
    struct signal signal = {.what = (uint8_t)chance_below(SIGNAL_END)};
    switch ((enum signal_what)signal.what) {
    case SIGNAL_ACCEPT:
        signal.accept.attempt = extreme_number();
        signal.accept.n_have = chance_one_in(2) ? 0 : extreme_number();
        if (signal.accept.n_have > 0)
            signal.accept.digest = (struct uuid){{1, (uint8_t)chance_next()}};
        return signal;
    case SIGNAL_ATTACH:
        signal.attach = (struct signal_attach){(uint32_t)extreme_number() & INT32_MAX,
                                               (uint32_t)extreme_number(),
                                               (uint32_t)extreme_number(), extreme_number()};
        return signal;
    default:
        signal.reason = some_text(0, OFFER_NAME_MAX);
        return signal;
    }
}

static bool make_signal(struct client *client, struct frame *frame) {
    const struct client *other = some_client();
    (void)client;
    frame->signal = (struct frame_signal){.offer = offers[chance_below(N_IDS)],
                                          .uid = other->uid,
                                          .link = other->link,
                                          .said = some_signal()};
    return true;
}

static bool make_withdraw(struct client *client, struct frame *frame) {
    (void)client;
    frame->withdraw =
        (struct frame_withdraw){offers[chance_below(N_IDS)], (uint8_t)chance_below(WITHDRAW_END)};
    return true;
}

static bool make_ready(struct client *client, struct frame *frame) {
    (void)frame;
    client->owes_ready = false;
    return true;
}

static bool make_bye(struct client *client, struct frame *frame) {
    (void)client, (void)frame;
    return true;
}

static bool make_channel(struct client *client, struct frame *frame) {
    (void)client;
    frame->channel.shmid = chance_below(4);
    return true;
}

static bool make_switch(struct client *client, struct frame *frame) {
    (void)client;
    frame->switch_to.to = (uint8_t)chance_below(SWITCH_TO_END);
    return true;
}

static bool make_unread(struct client *client, struct frame *frame) {
    frame->unread.conv = chance_one_in(2) ? (struct bytes){0} : some_target(client);
    return take_request(client, &frame->unread.request);
}

static bool make_read(struct client *client, struct frame *frame) {
    frame->read = (struct frame_read){some_target(client), chance_below(200)};
    return true;
}

/* Upon uids that nobody has: else the book would have to know who may do what. */
static bool make_order(struct client *client, struct frame *frame) {
    frame->order = (struct frame_order){
        .what = (uint8_t)chance_below(ORDER_END),
        .uid = 500000 + chance_below(4),
        .value = chance_below(1000),
    };
    return take_request(client, &frame->order.request);
}

/* Few names, and seals that are false; and nobody can know one that is true. */
static struct bytes some_claim(void) {
    static const char *const names[] = {"gpu0",      "GPU0", "the test database",
                                        "\u0261pu0", "#no",  ""};
    return bytes_of(names[chance_below(sizeof names / sizeof *names - 1)]);
}

static bool make_claim(struct client *client, struct frame *frame) {
    static const uint8_t flags[] = {0, FRAME_CLAIM_WAITS, FRAME_CLAIM_WAITS, FRAME_CLAIM_HAD,
                                    FRAME_CLAIM_WAITED | FRAME_CLAIM_WAITS};
    (void)client;
    frame->flags = flags[chance_below(sizeof flags)];
    frame->claim =
        (struct frame_claim){.request = CLAIM_REQUEST, .name = some_claim(), .note = some_claim()};
    if (frame->flags & (FRAME_CLAIM_HAD | FRAME_CLAIM_WAITED))
        frame->claim.grant = frame->claim.ticket = frame->claim.seal = chance_below(50);
    return true;
}

static bool make_unclaim(struct client *client, struct frame *frame) {
    frame->unclaim.name = some_claim();
    return take_request(client, &frame->unclaim.request);
}

static bool make_change(struct client *client, struct frame *frame) {
    static const char *const words[] = {"on", "off", "all", "invited"};
    struct frame_change *change = &frame->change;
    change->room = some_target(client);
    change->what = (uint8_t)chance_below(ROOM_CHANGE_END);
    change->argument = chance_one_in(2) ? bytes_of(words[chance_below(4)]) : some_handle(client);
    return take_request(client, &change->request);
}

/* Upon uids that nobody has, as above. */
static bool make_govern(struct client *client, struct frame *frame) {
    frame->govern = (struct frame_govern){
        .id = fresh_id(),
        .room = some_target(client),
        .what = (uint8_t)chance_below(ORDER_KICK),
        .uid = 500000 + chance_below(4),
        .value = chance_below(1000),
    };
    return take_request(client, &frame->govern.request);
}

static bool make_invite(struct client *client, struct frame *frame) {
    frame->invite.id = fresh_id();
    frame->invite.room = some_target(client);
    frame->invite.handle = some_target(client);
    if (book_is_full())
        return false;
    book_say(client, &(struct said){.id = frame->invite.id, .is_invitation = true});
    return take_request(client, &frame->invite.request);
}

static bool make_gather(struct client *client, struct frame *frame) {
    static char people[4 * NAME_BYTES_MAX];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        struct bytes one = some_handle(client);
        n += (size_t)snprintf(people + n, sizeof people - n, "%.*s ", (int)one.n, one.data);
    }
    frame->gather.people = (struct bytes){people, n};
    return take_request(client, &frame->gather.request);
}

/* One row per type that a client may send, and how often: a type without one ends the run. */
static const struct {
    bool (*make)(struct client *client, struct frame *frame);
    unsigned weight;
} rows[FRAME_TYPE_END] = {
    [FRAME_READY] = {make_ready, 40},     [FRAME_SEND] = {make_send, 300},
    [FRAME_PART] = {make_part, 100},      [FRAME_JOIN] = {make_join, 60},
    [FRAME_LEAVE] = {make_leave, 30},     [FRAME_TOPIC] = {make_topic, 20},
    [FRAME_AWAY] = {make_away, 20},       [FRAME_NICK] = {make_nick, 10},
    [FRAME_LIST] = {make_list, 10},       [FRAME_RECEIPT] = {make_receipt, 40},
    [FRAME_BYE] = {make_bye, 1},          [FRAME_TAKEN] = {make_taken, 40},
    [FRAME_HISTORY] = {make_history, 10}, [FRAME_SEARCH] = {make_search, 10},
    [FRAME_FORGET] = {make_forget, 10},   [FRAME_OFFER] = {make_offer, 40},
    [FRAME_SIGNAL] = {make_signal, 60},   [FRAME_WITHDRAW] = {make_withdraw, 20},
    [FRAME_WALL] = {make_wall, 2},        [FRAME_RELEASE] = {make_release, 5},
    [FRAME_CHANNEL] = {make_channel, 5},  [FRAME_SWITCH] = {make_switch, 1},
    [FRAME_UNREAD] = {make_unread, 10},   [FRAME_READ] = {make_read, 10},
    [FRAME_ORDER] = {make_order, 5},      [FRAME_CLAIM] = {make_claim, 20},
    [FRAME_UNCLAIM] = {make_unclaim, 10}, [FRAME_CHANGE] = {make_change, 20},
    [FRAME_INVITE] = {make_invite, 10},   [FRAME_FIND] = {make_find, 10},
    [FRAME_GATHER] = {make_gather, 5},    [FRAME_GOVERN] = {make_govern, 5},
    [FRAME_PIN] = {make_pin, 10},
};

static unsigned frames_weight(void) {
    static unsigned sum;
    if (sum > 0)
        return sum;
    for (unsigned type = 0; type < FRAME_TYPE_END; type++) {
        const struct frame_row *row = frame_row(type);
        bool is_sent = row && (row->from & FROM_CLIENT);
        MUST(is_sent == (rows[type].make != NULL)); /* a new type needs a row here */
        sum += rows[type].weight;
    }
    return sum;
}

static unsigned frames_pick(const struct client *client) {
    unsigned at = chance_below(frames_weight());
    if (client->out.on && !chance_one_in(8))
        return FRAME_PART;
    for (unsigned type = 0; type < FRAME_TYPE_END; type++) {
        if (at < rows[type].weight)
            return type;
        at -= rows[type].weight;
    }
    return FRAME_READY;
}

bool frames_make(struct client *client, struct frame *frame) {
    unsigned type = frames_pick(client);
    *frame = (struct frame){.type = (uint8_t)type};
    if (!rows[type].make(client, frame))
        return false;
    n_made[type]++;
    return true;
}
