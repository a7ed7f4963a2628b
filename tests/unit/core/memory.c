/*
 * The first, second, third ... allocation of the core fails, until a whole day of the hub passes
 * without one: joining, names, rooms, direct messages, long ones, lists, topics, offers, the past,
 * somebody who lags, a store that fails, leaving. Nothing crashes, nothing leaks, and nobody is
 * told what is not so: what was acknowledged is stored and arrives, once and in order; what was
 * refused is not there; every request is answered, unless the session has ended; and everything
 * works again afterwards. Either only that allocation fails, or the next ones fail, too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "core/internal.h"
#include "unit/core/fake_store.h"

#define LOG_BYTES ((size_t)256 * 1024)
#define N_SENT_MAX 512
#define N_ASKED_MAX 512
#define TEXT_MAX 8192
#define N_LONG 60 /* messages: more than the log in memory holds */

/* The allocator: the linker puts these in the place of the real ones (--wrap). */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void __real_free(void *memory);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
void __wrap_free(void *memory);

static struct {
    bool on;
    unsigned n, at, n_failing; /* allocations until now; the first one that fails, and how many */
    long n_live;
} memory;

static bool is_hit(void) {
    if (!memory.on || own_memory_wanted)
        return false;
    memory.n++;
    return memory.n >= memory.at && memory.n < memory.at + memory.n_failing;
}

static void *count(void *block) {
    memory.n_live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t n) {
    return is_hit() ? NULL : count(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size) {
    return is_hit() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t n) {
    if (is_hit())
        return NULL;
    void *block = __real_realloc(old, n);
    return old ? block : count(block);
}

char *__wrap_strdup(const char *text) {
    return is_hit() ? NULL : count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t n) {
    return is_hit() ? NULL : count(__real_strndup(text, n));
}

void __wrap_free(void *block) {
    memory.n_live -= block != NULL;
    __real_free(block);
}

/* Who plays. Whoever's session has ended joins again, and goes on after what they had. */

struct player {
    const char *handle;
    uid_t uid;
    struct client *client;
    uint64_t seq, last_seq;
    bool is_notice; /* of the hub: an invitation */
    bool in_part;   /* a PART is to follow; `text` is what has come */
    struct bytes to;
    size_t n_text;
    char text[TEXT_MAX + 1];
};

static struct player players[] = {
    {.handle = "alice", .uid = ALICE},
    {.handle = "bob", .uid = BOB},
    {.handle = "carol", .uid = 1003},
    {.handle = "dave", .uid = 1004}, /* these make the room a crowd */
    {.handle = "erin", .uid = 1003},
};

static struct player *const alice = &players[0], *const bob = &players[1],
                            *const carol = &players[2];

static struct sent {
    struct uuid id;
    struct player *from;
    uint64_t session;
    const char *to;
    char text[32]; /* how it begins */
    size_t n;
    bool acked, refused, unstored;
    unsigned n_got; /* by bob, to whom or to whose room all go */
    uint64_t seq;
} sent[N_SENT_MAX];

static struct asked {
    uint64_t session;
    unsigned n_answers;
} asked[N_ASKED_MAX];

static unsigned n_sent, n_asked;
static bool durable;

static bool is_here(const struct player *player) {
    return player->client && !is_over(player->client);
}

/* What arrives. */

static struct sent *sent_of(const struct uuid *id) {
    for (unsigned i = 0; i < n_sent; i++)
        if (uuid_equal(&sent[i].id, id))
            return &sent[i];
    cr_assert_fail("nobody sent this");
    return NULL;
}

static void hear_ack(const struct player *player, const struct frame *frame) {
    struct sent *last = sent_of(&frame->ack.id);
    last->acked = true;
    for (struct sent *one = sent; (frame->flags & FRAME_UP_TO) && one < last; one++)
        one->acked |= one->from == player && one->session == last->session && !one->refused;
}

static void hear_whole(struct player *player) {
    player->text[player->n_text] = '\0';
    for (unsigned i = 0; i < n_sent; i++) {
        size_t n = strlen(sent[i].text);
        if (memcmp(player->text, sent[i].text, n) != 0 || player->text[n] != '.')
            continue;
        cr_assert_eq(player->n_text, sent[i].n, "%s arrives whole", sent[i].text);
        sent[i].n_got += player == bob;
        return;
    }
    cr_assert_fail("nobody wrote %.40s", player->text);
}

static void hear_body(struct player *player, struct bytes body, bool more) {
    cr_assert_leq(player->n_text + body.n, TEXT_MAX);
    memcpy(player->text + player->n_text, body.data, body.n);
    player->n_text += body.n;
    player->in_part = more;
    if (more)
        return;
    player->last_seq = player->seq; /* what is not whole when the session ends comes again */
    if (!player->is_notice)
        hear_whole(player);
}

static void hear_message(struct player *player, const struct frame *frame) {
    cr_assert_not(player->in_part, "a message within a message");
    cr_assert_gt(frame->message.seq, player->last_seq, "%s: ascending", player->handle);
    player->seq = frame->message.seq;
    player->n_text = 0;
    player->is_notice = frame->message.kind == KIND_NOTICE;
    hear_body(player, frame->message.body, frame->flags & FRAME_MORE_PARTS);
}

static void hear(struct player *player, const struct frame *frame) {
    bool more = (frame->flags & FRAME_MORE_PARTS) != 0;
    switch (frame->type) {
    case FRAME_ACK:
        hear_ack(player, frame);
        break;
    case FRAME_REFUSED:
        sent_of(&frame->refused.id)->refused = true;
        sent_of(&frame->refused.id)->unstored = frame->refused.code == FAIL_NOT_STORED;
        break;
    case FRAME_MESSAGE:
        hear_message(player, frame);
        break;
    case FRAME_PART:
        if (player->in_part) /* else of a message of the past */
            hear_body(player, frame->part.body, more);
        break;
    case FRAME_DONE:
    case FRAME_FAIL:
        if (frame->done.request == 0) /* what was done to a user is told to him */
            break;
        cr_assert_lt(frame->done.request, n_asked);
        asked[frame->done.request].n_answers++;
        break;
    default:
        break;
    }
}

static void hear_all(void) {
    for (size_t i = 0; i < ARRAY_LEN(players); i++) {
        struct client *client = players[i].client;
        while (client && client->at < client->n_in)
            hear(&players[i], &client->in[client->at++]);
    }
}

/* Everything that is under way gets there. */
static void pass(void) {
    pass_ms(5);
    if (durable)
        settle();
    else
        drain();
    hear_all();
}

static void come(struct player *player) {
    enum fail_code code;
    if (is_here(player))
        return;
    player->in_part = false;
    struct arrival arrival = {.uid = player->uid,
                              .handle = player->handle,
                              .abilities = HERE | ABILITY_NEWS,
                              .link = player->uid,
                              .after = player->last_seq};
    if (player->client)
        arrival.abilities |= ABILITY_AFTER;
    struct client *client = try_arrive(&arrival, &code);
    if (!client) {
        cr_assert_eq(code, FAIL_LIMIT);
        return;
    }
    player->client = client;
    ready(client);
    pass();
}

static void come_all(void) {
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        come(&players[i]);
}

/* What the players do, if they are here. */

static void ask(struct player *player, struct frame frame) {
    come(player);
    if (!is_here(player))
        return;
    cr_assert_lt(n_asked, N_ASKED_MAX);
    asked[n_asked] = (struct asked){.session = player->client->number};
    frame.join.request = n_asked++; /* the first field of every request */
    give(player->client, &frame);
    pass();
}

/* In one frame, or in several. */
static void send(struct player *player, const char *to, size_t n, size_t step) {
    static char text[TEXT_MAX];
    if (!is_here(player))
        return;
    cr_assert_lt(n_sent, N_SENT_MAX);
    struct sent *one = &sent[n_sent];
    *one = (struct sent){
        .id = new_id(), .from = player, .session = player->client->number, .to = to, .n = n};
    snprintf(one->text, sizeof one->text, "message %u of %s", n_sent++, player->handle);
    memset(text, '.', n);
    memcpy(text, one->text, strlen(one->text));
    give(player->client, &(struct frame){.type = FRAME_SEND,
                                         .flags = FRAME_ACK_NOW | FRAME_WANT_SEQ |
                                                  (step < n ? FRAME_MORE_PARTS : 0),
                                         .send = {.id = one->id,
                                                  .to = bytes_of(to),
                                                  .total = (uint32_t)n,
                                                  .body = {text, step < n ? step : n}}});
    for (size_t at = step; at < n && is_here(player); at += step)
        give(player->client, &(struct frame){.type = FRAME_PART,
                                             .flags = at + step < n ? FRAME_MORE_PARTS : 0,
                                             .part = {{text + at, at + step < n ? step : n - at}}});
}

static void talk(void) {
    for (int i = 0; i < 3; i++) {
        come_all();
        send(alice, "bob", 40, 8000);
        send(carol, "#ops", 40, 8000);
        send(alice, "#ops", 5000, 2000);
        send(alice, "bob", 5000, 2000);
        pass();
    }
}

static void enter_rooms(void) {
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        ask(&players[i], (struct frame){.type = FRAME_JOIN, .join = {.room = bytes_of("#ops")}});
    ask(alice, (struct frame){.type = FRAME_JOIN,
                              .flags = FRAME_SESSION_ONLY,
                              .join = {.room = bytes_of("#short")}});
}

/* Only a refusal is an answer. */
static void claim_something(struct player *player) {
    come(player);
    if (!is_here(player))
        return;
    asked[n_asked++] = (struct asked){.session = 0};
    give(player->client, &(struct frame){.type = FRAME_CLAIM,
                                         .flags = FRAME_CLAIM_WAITS,
                                         .claim = {.request = n_asked - 1,
                                                   .name = bytes_of("gpu0"),
                                                   .note = bytes_of("training")}});
    pass();
}

static void ask_all(void) {
    ask(bob,
        (struct frame){.type = FRAME_HISTORY, .history = {.conv = bytes_of("#ops"), .limit = 9}});
    ask(bob,
        (struct frame){.type = FRAME_SEARCH, .search = {.limit = 9, .words = bytes_of("mess")}});
    ask(alice, (struct frame){.type = FRAME_LIST, .list = {.what = LIST_USERS}});
    ask(alice, (struct frame){.type = FRAME_LIST, .list = {.what = LIST_ROOMS}});
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        claim_something(&players[i]);
    pass_ms(CLAIM_TELL_MS);
    ask(alice, (struct frame){.type = FRAME_LIST, .list = {.what = LIST_CLAIMS}});
    ask(carol, (struct frame){.type = FRAME_TOPIC,
                              .topic = {.room = bytes_of("#ops"), .topic = bytes_of("the topic")}});
    ask(carol,
        (struct frame){.type = FRAME_AWAY, .away = {.away = 1, .reason = bytes_of("lunch")}});
    pass_ms(200); /* news */
    ask(carol, (struct frame){.type = FRAME_AWAY, .away = {.away = 0}});
    ask(alice, (struct frame){.type = FRAME_OFFER,
                              .offer = {.id = new_id(),
                                        .to = bytes_of("bob"),
                                        .kind = OFFER_FILE,
                                        .size = 10,
                                        .name = bytes_of("a.txt")}});
    ask(alice, (struct frame){.type = FRAME_RELEASE, .release = {.handle = bytes_of("#short")}});
    ask(carol, (struct frame){.type = FRAME_FORGET, .forget = {.conv = bytes_of("alice")}});
}

static void change_room(struct player *player, const char *room, enum room_change what,
                        const char *argument) {
    ask(player, (struct frame){.type = FRAME_CHANGE,
                               .change = {.room = bytes_of(room),
                                          .what = (uint8_t)what,
                                          .argument = bytes_of(argument)}});
}

static void invite(struct player *player, const char *room, const char *handle) {
    ask(player,
        (struct frame){
            .type = FRAME_INVITE,
            .invite = {.id = new_id(), .room = bytes_of(room), .handle = bytes_of(handle)}});
}

static void give_order(enum order_what what, const char *who, uint64_t value) {
    come(alice);
    if (!is_here(alice))
        return;
    asked[n_asked] = (struct asked){.session = alice->client->number};
    give(alice->client, &(struct frame){.type = FRAME_ORDER,
                                        .order = {.request = n_asked++,
                                                  .what = (uint8_t)what,
                                                  .who = bytes_of(who),
                                                  .value = value}});
    pass();
}

/* A private room from its beginning to its end; and order is kept. */
static void govern(void) {
    change_room(carol, "#plan", ROOM_MAKE_PRIVATE, "");
    invite(carol, "#plan", "bob");
    invite(carol, "#plan", "dave");
    ask(bob, (struct frame){.type = FRAME_JOIN, .join = {.room = bytes_of("#plan")}});
    change_room(carol, "#plan", ROOM_SET_PAST, "all");
    change_room(carol, "#plan", ROOM_SET_ANNOUNCE, "on");
    change_room(carol, "#plan", ROOM_SET_NAME, "#plot");
    change_room(carol, "#plot", ROOM_SET_OWNER, "bob");
    ask(alice,
        (struct frame){.type = FRAME_LIST, .list = {.what = LIST_ROOM, .of = bytes_of("#ops")}});
    ask(carol, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of("#plot")}});
    change_room(bob, "#plot", ROOM_CLOSE, "");
    change_room(alice, "#short", ROOM_MAKE_PRIVATE, "");
    invite(alice, "#ops", "erin");
    give_order(ORDER_RATE, "erin", 1000);
    give_order(ORDER_RATE, "erin", 0);
    give_order(ORDER_KICK, "erin", 0);
}

/* What carol said in #ops, which bob pins, stars and looks at. */
static void pin_something(void) {
    static const uint8_t all[] = {PIN_ADD, STAR_ADD, PIN_REMOVE, STAR_ADD, PIN_ADD};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ask(bob, (struct frame){.type = FRAME_PIN,
                                .pin = {.id = sent[1].id, .uid = CAROL, .what = all[i]}});
        ask(bob, (struct frame){.type = FRAME_FIND,
                                .find = {.conv = bytes_of("#ops"), .what = FIND_PINS, .limit = 9}});
    }
    ask(bob, (struct frame){.type = FRAME_FIND, .find = {.what = FIND_STARS, .limit = 9}});
    pass_ms(200); /* news */
}

/* Bob does not read for so long that the store has to feed him. */
static void lag(void) {
    come_all();
    if (is_here(bob))
        bob->client->is_full = true;
    for (int i = 0; i < N_LONG; i++) {
        come(alice);
        send(alice, "bob", 7000, 7000);
        pass();
    }
    if (is_here(bob)) {
        bob->client->is_full = false;
        ready(bob->client);
    }
    pass();
}

/* The disk is full for a while. */
static void fail_to_store(void) {
    come_all();
    fake.fails = durable;
    send(alice, "bob", 40, 8000);
    ask(alice, (struct frame){.type = FRAME_JOIN, .join = {.room = bytes_of("#other")}});
    ask(carol, (struct frame){.type = FRAME_JOIN, .join = {.room = bytes_of("#other")}});
    if (durable && core_has_commit(&core)) {
        commit_take();
        ask(carol, (struct frame){.type = FRAME_JOIN, .join = {.room = bytes_of("#third")}});
        ask(carol, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of("#other")}});
    }
    pass();
    fake.fails = false;
    pass();
}

static void take_and_go(void) {
    come(bob);
    if (is_here(bob))
        take(bob->client, bob->last_seq, bob->last_seq);
    pass_ms(2000);
    pass();
    ask(carol, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of("#ops")}});
    if (is_here(carol))
        give(carol->client, &(struct frame){.type = FRAME_BYE});
    pass();
}

static void a_day(void) {
    come_all();
    enter_rooms();
    talk();
    ask_all();
    govern();
    pin_something();
    lag();
    fail_to_store();
    take_and_go();
}

/* The judge. */

static unsigned n_stored(const struct sent *one) {
    unsigned n = 0;
    for (size_t i = 0; i < fake.n_messages; i++) {
        if (!uuid_equal(&fake.messages[i].id, &one->id))
            continue;
        cr_assert_eq(fake.messages[i].text.n, one->n);
        n++;
    }
    return n;
}

static bool is_alive(uint64_t session) {
    return core_session(&core, session) != NULL;
}

static void check_sent(const struct sent *one) {
    unsigned n = n_stored(one);
    cr_assert(!(one->acked && one->refused), "%s: both", one->text);
    cr_assert(one->acked || one->refused || !is_alive(one->session), "%s: no answer", one->text);
    cr_assert_leq(one->n_got, 1, "%s: %u times", one->text, one->n_got);
    if (durable && one->acked)
        cr_assert_eq(n, 1, "%s: acknowledged, but not stored", one->text);
    if (one->refused)
        cr_assert_eq(n, 0, "%s: refused, but stored", one->text);
    if (one->refused && !one->unstored)
        cr_assert_eq(one->n_got, 0, "%s: refused, but delivered", one->text);
    if (one->acked && strcmp(one->to, "bob") == 0)
        cr_assert_eq(one->n_got, 1, "%s: acknowledged, but not delivered", one->text);
}

static void check_all(void) {
    come_all();
    pass();
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        cr_assert(is_here(&players[i]), "everybody can come");
    for (unsigned i = 0; i < n_sent; i++)
        check_sent(&sent[i]);
    for (unsigned i = 1; i < n_asked; i++)
        cr_assert(asked[i].n_answers == 1 ||
                      (asked[i].n_answers == 0 && !is_alive(asked[i].session)),
                  "request %u has %u answers", i, asked[i].n_answers);
}

/* Who is a member of #ops according to the hub is so after a restart. */
static void check_after_restart(void) {
    hub_crash();
    for (size_t i = 0; i < ARRAY_LEN(players); i++) {
        players[i].client = NULL; /* new ones, who get what nobody has received yet */
        players[i].last_seq = 0;
    }
    for (size_t i = 0; i < fake.n_messages; i++) {
        bool is_known = false;
        for (size_t j = 0; j < fake.n_handles; j++)
            is_known |= fake.handles[j].handle == fake.messages[i].from;
        cr_assert(is_known, "a message of nobody");
    }
    come_all();
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        cr_assert(is_here(&players[i]));
}

static unsigned run_with_failure(unsigned at, unsigned n_failing) {
    long before = memory.n_live;
    n_sent = 0;
    n_asked = 1;
    for (size_t i = 0; i < ARRAY_LEN(players); i++)
        players[i] = (struct player){.handle = players[i].handle, .uid = players[i].uid};
    if (durable)
        durable_begin(LOG_BYTES);
    else
        world_begin_with(4 * LOG_BYTES, false);
    core.config.uid = ALICE; /* she is an administrator */
    memory.at = at;
    memory.n_failing = n_failing;
    memory.n = 0;
    memory.on = true;
    a_day();
    memory.on = false;
    unsigned n = memory.n;
    check_all();
    enter_rooms();
    talk();
    check_all();
    if (durable)
        check_after_restart();
    if (durable)
        durable_end();
    else
        world_end();
    cr_assert_eq(memory.n_live, before, "%ld blocks leaked", memory.n_live - before);
    return n;
}

static void run_until_none(unsigned n_failing) {
    unsigned at = 1;
    while (run_with_failure(at, n_failing) >= at)
        at++;
    cr_assert_gt(at, 50);
}

Test(core_memory, 01_one_fails, .timeout = 250) {
    durable = true;
    run_until_none(1);
}

Test(core_memory, 02_five_fail, .timeout = 250) {
    durable = true;
    run_until_none(5);
}

Test(core_memory, 03_without_a_store, .timeout = 250) {
    durable = false;
    run_until_none(1);
}

/* A hub begins with what it had: the same handle and the same room twice, and names that look
 * alike.
 */
static void restore(void) {
    static const struct bytes topic = {"topic", 5}, none = {"", 0};
    (void)core_restore_handle(&core, 1, ALICE, bytes_of("node1"), none, 0, 0, 0);
    (void)core_restore_handle(&core, 2, BOB, bytes_of("nodel"), none, 0, 0, 0);
    (void)core_restore_handle(&core, 3, BOB, bytes_of("node1"), none, 0, 0, 0);
    (void)restore_open_room(1, ALICE, bytes_of("#0ps"), none, 0);
    (void)restore_open_room(2, ALICE, bytes_of("#ops"), topic, 0);
    (void)core_restore_member(&core, 2, 1, 0);
    (void)restore_open_room(3, BOB, bytes_of("#0ps"), topic, 5);
    (void)core_restore_pin(&core, 0, conv_of_room(2), 5, 1, 7000);
    (void)core_restore_pin(&core, 1, conv_of_room(2), 5, 1, 7000);
    (void)core_restored(&core);
}

static unsigned restore_with_failure(unsigned at) {
    long before = memory.n_live;
    durable_begin(LOG_BYTES);
    memory.at = at;
    memory.n_failing = 1;
    memory.n = 0;
    memory.on = true;
    restore();
    memory.on = false;
    unsigned n = memory.n;
    (void)restore_open_room(9, ALICE, bytes_of("#0pS"), (struct bytes){"", 0}, 0);
    durable_end();
    cr_assert_eq(memory.n_live, before, "%u: %ld blocks leaked", at, memory.n_live - before);
    return n;
}

Test(core_memory, 04_restoring, .timeout = 60) {
    unsigned at = 1;
    while (restore_with_failure(at) >= at)
        at++;
    cr_assert_gt(at, 20);
}

Test(core_memory, 05_a_forgetting_that_fails_leaves_no_place) {
    durable_begin(1024 * 1024);
    struct client *one = join(ALICE, "alice", HERE);
    struct client *other = join(BOB, "bob", HERE);
    say(other, "alice", "hello");
    settle();
    bool is_done = false;
    memory.n_failing = 1;
    for (unsigned at = 1; !is_done; at++) {
        cr_assert_lt(at, 20);
        memory.n = 0;
        memory.at = at;
        memory.on = true;
        cr_assert_null(
            give(one, &(struct frame){.type = FRAME_FORGET, .forget = {5, bytes_of("bob")}}));
        memory.on = false;
        is_done = core.forgotten && memory.n < at;
        if (core.forgotten)
            cr_assert_gt(changes_waiting(&core), 0, "the place is of something that is stored");
        settle();
        if (is_over(one))
            one = join(ALICE, "alice", HERE);
    }
    durable_end();
}
