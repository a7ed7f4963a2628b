/*
 * Valid frames with extreme values in any order, from six processes of three users, each with some
 * sessions that read or do not, that leave, are killed, and use each other's ids, links and
 * offers: the hub lives, nobody else is disturbed, and it stops. Under the sanitizers (make fuzz)
 * it reports nothing, either. SECONDS_EACH=N, SEED=N.
 * test: timeout=300
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/stage.h"

#define N_PLAYERS 6
#define N_USERS 3
#define N_SESSIONS 6
#define N_KNOWN 64
#define UID_PLAYER 61010
#define JOIN_MS 20000
#define MEMORY_KIB (N_USERS * 32L * 1024 + 96L * 1024)

/* What all players know of each other; racy by intent. */
struct known_names {
    struct uuid ids[N_KNOWN], offers[N_KNOWN];
    uint64_t links[N_KNOWN];
    uint32_t uids[N_KNOWN];
    atomic_ulong n_frames;
};

struct game {
    struct stage stage;
    struct known_names *known;
};

struct player {
    const struct game *game;
    unsigned number;
};

static struct known_names *known;
static uint64_t chance_state;
static char text[8000];

/* splitmix64, by Sebastiano Vigna, in the public domain. */
static unsigned chance_below(unsigned n) {
    uint64_t z = (chance_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z >> 32) % n);
}

static uint64_t some_number(void) {
    static const uint64_t extreme[] = {
        0, 1, 2, UINT16_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    return chance_below(3) ? chance_below(2000) : extreme[chance_below(ARRAY_LEN(extreme))];
}

static struct bytes some_text(size_t least, size_t most) {
    size_t n = chance_below(5) ? least + chance_below(60) : most;
    return (struct bytes){text, n < most ? n : most};
}

static struct bytes some_handle(void) {
    static const char *const names[] = {"h0", "h1", "h2", "H1", "alice", "bob", "no name", "h3"};
    return bytes_of(names[chance_below(ARRAY_LEN(names))]);
}

static struct bytes some_room(void) {
    static const char *const names[] = {"#a", "#b", "#c", "#d", "#B", "#"};
    return bytes_of(names[chance_below(ARRAY_LEN(names))]);
}

static struct bytes some_target(void) {
    return chance_below(2) ? some_handle() : some_room();
}

static struct uuid some_id(struct uuid *list) {
    if (chance_below(4) == 0)
        return list[chance_below(N_KNOWN)];
    return list[chance_below(N_KNOWN)] = uuid_random();
}

/* Messages and what is said about them. */
static bool make_words(unsigned what, struct frame *frame) {
    struct bytes body = some_text(0, 7000);
    unsigned other = chance_below(N_KNOWN);
    switch (what) {
    case FRAME_SEND:
        frame->flags = (uint8_t)(chance_below(16) << 1);
        frame->send = (struct frame_send){some_id(known->ids), (uint8_t)chance_below(KIND_END),
                                          some_target(),       some_id(known->ids),
                                          (uint32_t)body.n,    body};
        if (body.n > 0 && chance_below(50) == 0) {
            frame->flags |= FRAME_MORE_PARTS;
            frame->send.total += 1 + chance_below(20000);
        }
        return true;
    case FRAME_PART: /* mostly one that breaks the rules, so seldom */
        frame->flags = (uint8_t)chance_below(2);
        frame->part.body = some_text(1, 7000);
        return chance_below(20) == 0;
    case FRAME_RECEIPT:
        frame->receipt =
            (struct frame_receipt){known->ids[other], (uint8_t)(STATE_DELIVERED + chance_below(3)),
                                   known->links[other], known->uids[other]};
        return true;
    case FRAME_TAKEN:
        frame->taken = (struct frame_taken){some_number(), some_number()};
        return chance_below(20) == 0;
    case FRAME_WALL:
        frame->wall = (struct frame_wall){1, some_id(known->ids), some_text(1, 500)};
        return true;
    default:
        return false;
    }
}

static bool make_question(unsigned what, uint32_t request, struct frame *frame) {
    uint16_t limit = (uint16_t)(1 + chance_below(PAGE_MESSAGES_MAX));
    struct bytes conv = chance_below(2) ? bytes_of("") : some_target();
    switch (what) {
    case FRAME_LIST:
        frame->list = (struct frame_list){request, (uint8_t)chance_below(LIST_END), conv};
        return true;
    case FRAME_HISTORY:
        frame->history = (struct frame_history){request, conv, some_number(), some_number(), limit};
        return true;
    case FRAME_FIND:
        frame->find = (struct frame_find){
            request, conv, uuid_random(), (uint8_t)chance_below(FIND_END), some_number(), limit};
        return true;
    case FRAME_SEARCH:
        frame->search = (struct frame_search){
            request,
            conv,
            chance_below(2) ? bytes_of("") : some_handle(),
            some_number(),
            limit,
            chance_below(3) ? some_text(1, SEARCH_BYTES_MAX)
                            : bytes_of(" \"'*^:()- aa OR AND NEAR"),
        };
        return true;
    case FRAME_FORGET:
        frame->forget = (struct frame_forget){request, some_target()};
        return true;
    case FRAME_UNREAD:
        frame->unread = (struct frame_unread){request, conv};
        return true;
    case FRAME_ORDER:
        frame->order = (struct frame_order){request,
                                            (uint8_t)chance_below(ORDER_END),
                                            chance_below(2) ? bytes_of("") : some_handle(),
                                            (uint32_t)some_number(),
                                            chance_below(1000),
                                            some_text(0, ORDER_REASON_MAX)};
        return true;
    case FRAME_READ:
        frame->read = (struct frame_read){some_target(), some_number()};
        return true;
    case FRAME_CLAIM:
        frame->flags = (uint8_t)(FRAME_CLAIM_WAITS | FRAME_CLAIM_HAD << chance_below(2));
        frame->claim =
            (struct frame_claim){request,       some_target(), conv,         some_number(),
                                 some_number(), some_number(), some_number()};
        return true;
    case FRAME_UNCLAIM:
        frame->unclaim = (struct frame_unclaim){request, some_target()};
        return true;
    default:
        return false;
    }
}

static bool make_change(unsigned what, uint32_t request, struct frame *frame) {
    switch (what) {
    case FRAME_CHANGE:
        frame->change = (struct frame_change){
            request, some_room(), (uint8_t)chance_below(ROOM_CHANGE_END),
            chance_below(2) ? some_target() : bytes_of(chance_below(2) ? "on" : "all")};
        return true;
    case FRAME_GOVERN:
        frame->govern = (struct frame_govern){.request = request,
                                              .id = uuid_random(),
                                              .room = some_room(),
                                              .what = (uint8_t)(request % ORDER_RATE),
                                              .who = some_target(),
                                              .value = request % 1000,
                                              .reason = some_text(0, ORDER_REASON_MAX)};
        return true;
    case FRAME_PIN:
        frame->pin = (struct frame_pin){request, uuid_random(), (uint32_t)some_number(),
                                        (uint8_t)chance_below(PIN_END)};
        return true;
    case FRAME_INVITE:
        frame->invite = (struct frame_invite){request, uuid_random(), some_room(), some_target()};
        return true;
    case FRAME_GATHER:
        frame->gather = (struct frame_gather){request, some_text(1, 300)};
        if (chance_below(4))
            frame->gather.people = bytes_of(chance_below(2) ? "alice,bob mallory" : "bob alice");
        return true;
    case FRAME_JOIN:
        frame->flags = (uint8_t)chance_below(2);
        frame->join = (struct frame_join){request, some_room()};
        return true;
    case FRAME_LEAVE:
        frame->leave = (struct frame_leave){request, some_room()};
        return true;
    case FRAME_TOPIC:
        frame->topic = (struct frame_topic){request, some_room(), some_text(0, TOPIC_BYTES_MAX)};
        return true;
    case FRAME_AWAY:
        frame->away =
            (struct frame_away){request, (uint8_t)chance_below(2), some_text(0, AWAY_BYTES_MAX)};
        return true;
    case FRAME_NICK:
        frame->nick = (struct frame_nick){request, some_handle()};
        return true;
    default:
        return what == FRAME_READY;
    }
}

/* The values of the others are checked, and end the session: see tests/unit/proto. */
static struct signal some_signal(void) {
    struct signal signal = {.what = (uint8_t)chance_below(SIGNAL_END)};
    switch ((enum signal_what)signal.what) {
    case SIGNAL_ACCEPT:
        signal.accept = (struct signal_accept){1 | some_number(), uuid_random(), some_number()};
        return signal;
    case SIGNAL_ATTACH:
        signal.attach =
            (struct signal_attach){(uint32_t)some_number() & INT32_MAX, (uint32_t)some_number(),
                                   (uint32_t)some_number(), some_number()};
        return signal;
    default:
        signal.reason = some_text(0, OFFER_NAME_MAX);
        return signal;
    }
}

static bool make_offer(unsigned what, uint32_t request, struct frame *frame) {
    unsigned other = chance_below(N_KNOWN);
    switch (what) {
    case FRAME_OFFER:
        frame->offer = (struct frame_offer){request,
                                            some_id(known->offers),
                                            some_target(),
                                            (uint8_t)chance_below(OFFER_KIND_END),
                                            some_number(),
                                            (uint32_t)some_number(),
                                            some_number(),
                                            some_text(0, 255),
                                            some_text(0, OFFER_NAME_MAX)};
        return true;
    case FRAME_SIGNAL:
        frame->signal = (struct frame_signal){some_id(known->offers), known->uids[other],
                                              known->links[other], some_signal()};
        return true;
    case FRAME_WITHDRAW:
        frame->withdraw =
            (struct frame_withdraw){some_id(known->offers), (uint8_t)chance_below(WITHDRAW_END)};
        return true;
    default:
        return false;
    }
}

/* Of any type that a client may send. */
static void make_frame(struct frame *frame) {
    for (;;) {
        unsigned what = 1 + chance_below(FRAME_TYPE_END - 1);
        uint32_t request = chance_below(4) ? chance_below(10) : (uint32_t)some_number();
        *frame = (struct frame){.type = (uint8_t)what};
        if (make_words(what, frame) || make_question(what, request, frame) ||
            make_change(what, request, frame) || make_offer(what, request, frame))
            return;
    }
}

static bool player_join(const struct player *player, struct raw *raw) {
    struct frame hello;
    char handle[16];
    unsigned place = chance_below(N_KNOWN);
    snprintf(handle, sizeof handle, "h%u", player->number % N_USERS);
    if (raw_init(raw, player->game->stage.dir) || raw_make_mailbox(raw) || raw_give_mailbox(raw) ||
        raw_put_nonce(raw))
        return false;
    raw_fill_hello(raw, &hello, handle, chance_below(ABILITY_ALL + 1));
    hello.hello.link = chance_below(4) ? chance_below(1000) : known->links[place];
    hello.hello.after = some_number();
    known->links[place] = hello.hello.link;
    known->uids[place] = geteuid();
    raw_send_hello(raw, &hello);
    raw->never_ready = chance_below(3) == 0;
    if (raw_await_welcome(raw, JOIN_MS) == RAW_WELCOME)
        return true;
    raw_drop(raw);
    return false;
}

/* A batch, and what has come; false: the session is over. */
static bool player_talk(struct raw *raw) {
    struct raw_batch batch;
    struct frame frame;
    int r = QUEUE_OK;
    raw_batch_start(&batch, raw->session);
    for (unsigned n = 1 + chance_below(30); n > 0; n--) {
        make_frame(&frame);
        if (!raw_batch_add(&batch, &frame))
            break;
    }
    if (raw_batch_send(&batch, raw->lane, HUB_MTYPE) != QUEUE_OK)
        return false;
    atomic_fetch_add(&known->n_frames, batch.n_frames);
    for (int n = 0; n < 200 && r == QUEUE_OK && !raw->never_ready; n++)
        r = raw_next(raw, &frame, 0);
    return r == QUEUE_OK || r == QUEUE_EMPTY;
}

static int player_main(void *arg) {
    static struct raw sessions[N_SESSIONS];
    static bool is_here[N_SESSIONS];
    const struct player *player = arg;
    known = player->game->known;
    chance_state = (uint64_t)check_env("SEED", 1) * 1000 + player->number;
    memset(text, 'a', sizeof text);
    for (;;) {
        unsigned i = chance_below(N_SESSIONS), end = chance_below(200);
        if (!is_here[i]) {
            is_here[i] = player_join(player, &sessions[i]);
            continue;
        }
        is_here[i] = player_talk(&sessions[i]) && end > 1;
        if (!is_here[i] && end == 0)
            raw_leave(&sessions[i]);
        else if (!is_here[i])
            raw_drop(&sessions[i]);
        if (chance_below(5000) == 0)
            return 0; /* it dies; the next one takes its place */
    }
}

static void play(const struct game *game, long seconds) {
    struct player players[N_PLAYERS];
    pid_t pids[N_PLAYERS];
    mono_time until = mono_add_ms(mono_now(), seconds * 1000);
    for (unsigned i = 0; i < N_PLAYERS; i++) {
        players[i] = (struct player){game, i};
        pids[i] = user_start(UID_PLAYER + i % N_USERS, player_main, &players[i]);
    }
    while (mono_ms_until(mono_now(), until) > 0 && hub_is_alive(&game->stage.hub)) {
        for (unsigned i = 0; i < N_PLAYERS; i++)
            if (waitpid(pids[i], NULL, WNOHANG) == pids[i]) {
                players[i].number += N_PLAYERS * N_USERS;
                pids[i] = user_start(UID_PLAYER + i % N_USERS, player_main, &players[i]);
            }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    for (unsigned i = 0; i < N_PLAYERS; i++)
        user_kill(pids[i]);
}

static void check_game(bool durable) {
    struct game game = {.known = check_shared(sizeof *game.known)};
    const char *mode = durable ? "durable" : "ephemeral";
    stage_prepare(&game.stage);
    game.stage.durable = durable;
    stage_start_hub(&game.stage, "open");
    if (!bystanders_start(&game.stage.pair, game.stage.dir, 2000))
        check_die("the bystanders cannot talk: %s", game.stage.pair.talk->wrong);
    long before = hub_rss_kib(&game.stage.hub);
    play(&game, check_env("SECONDS_EACH", 3));
    check_note("%lu frames, seed %ld", atomic_load(&game.known->n_frames), check_env("SEED", 1));
    stage_check_talk(&game.stage, mode);
    stage_check_growth(&game.stage, before, MEMORY_KIB, mode);
    stage_remove_nameless();
    (void)stage_end(&game.stage);
}

int main(void) {
    check_begin();
    check_game(false);
    check_game(true);
    return check_end();
}
