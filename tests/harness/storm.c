#include "harness/storm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"
#include "harness/check.h"
#include "harness/witness.h"

#define SESSIONS_MAX 4096
#define HANDLES 250
#define ROOMS 255
#define OFFERS 64
#define ANSWER_MS 60000
#define UID_POPULACE 62000
#define POPULACE_HANDLES 200
#define POPULACE_ROOMS 100

static struct raw sessions[SESSIONS_MAX];
static long n_sessions;
static struct uuid offers[OFFERS];
static char long_text[7000];

/* Frames. */

static void make_ready(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_READY};
}

static void make_send(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    raw_fill_send(frame, "mallory", "x");
    frame->flags = 0;
}

static void make_send_room(const struct raw *raw, unsigned long i, struct frame *frame) {
    make_send(raw, i, frame);
    frame->send.to = bytes_of("#storm");
}

/* Near to many names that there are, and none of them. */
static void make_send_unknown(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char name[64];
    make_send(raw, i, frame);
    snprintf(name, sizeof name, "somebody-with-a-long-name-%lux", i % 1000);
    frame->send.to = bytes_of(name);
}

static void make_part(const struct raw *raw, unsigned long i, struct frame *frame) {
    make_send(raw, i, frame);
    if (i % 2 == 0) {
        frame->flags = FRAME_MORE_PARTS;
        frame->send.total = 1000;
        frame->send.body = (struct bytes){long_text, 10};
        return;
    }
    *frame = (struct frame){.type = FRAME_PART, .part = {{long_text, 990}}};
}

static void make_join(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    if (i % 2 == 0)
        *frame = (struct frame){.type = FRAME_JOIN, .join = {3, bytes_of("#storm")}};
    else
        *frame = (struct frame){.type = FRAME_LEAVE, .leave = {4, bytes_of("#storm")}};
}

static void make_room(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char name[32];
    make_join(raw, i, frame);
    snprintf(name, sizeof name, "#room-%lu", i / 2 % ROOMS);
    *(i % 2 == 0 ? &frame->join.room : &frame->leave.room) = bytes_of(name);
}

static void make_topic(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_TOPIC,
                            .topic = {5, bytes_of("#storm"), {long_text, 1 + i % 500}}};
}

static void make_away(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame =
        (struct frame){.type = FRAME_AWAY, .away = {6, i % 2 == 0, {long_text, i % 2 ? 0 : 200}}};
}

static void make_nick(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame =
        (struct frame){.type = FRAME_NICK, .nick = {7, bytes_of(i % 2 ? "mallory" : "mallory-2")}};
}

static void make_list(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_LIST, .list = {8, (uint8_t)(i % LIST_END), bytes_of("")}};
}

static void make_unread(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_UNREAD, .unread = {8, bytes_of("")}};
}

static void make_read(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame =
        (struct frame){.type = FRAME_READ, .read = {bytes_of(i % 2 ? "mallory" : "#storm"), i}};
}

/* Claimed, waited for, shown again with false seals, and given up. */
static void make_claim(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char name[32];
    (void)raw;
    snprintf(name, sizeof name, "claim-%lu", i / 4 % 300);
    if (i % 4 == 3) {
        *frame = (struct frame){.type = FRAME_UNCLAIM, .unclaim = {8, bytes_of(name)}};
        return;
    }
    *frame = (struct frame){.type = FRAME_CLAIM,
                            .flags = i % 2 ? FRAME_CLAIM_WAITS : FRAME_CLAIM_HAD,
                            .claim = {8, bytes_of(name), {long_text, i % 256}, 0, 0, 0, 0}};
}

/* Many of one user wait for one name, and come and go. */
static void make_claim_crowd(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    if (i % 3 == 2)
        *frame = (struct frame){.type = FRAME_UNCLAIM, .unclaim = {8, bytes_of("the one")}};
    else
        *frame = (struct frame){.type = FRAME_CLAIM,
                                .flags = FRAME_CLAIM_WAITS,
                                .claim = {8, bytes_of("the one"), bytes_of("mine"), 0, 0, 0, 0}};
}

static void make_change(const struct raw *raw, unsigned long i, struct frame *frame) {
    static const char *const arguments[ROOM_CHANGE_END] = {"", "",   "mallory", "#storm",
                                                           "", "on", "all"};
    (void)raw;
    *frame = (struct frame){.type = FRAME_CHANGE,
                            .change = {8, bytes_of(i % 3 ? "#storm" : "#hidden"),
                                       (uint8_t)(i % ROOM_CHANGE_END),
                                       bytes_of(arguments[i % ROOM_CHANGE_END])}};
}

static void make_invite(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_INVITE,
                            .invite = {8, uuid_random(), bytes_of(i % 2 ? "#storm" : "#hidden"),
                                       bytes_of(i % 3 ? "alice" : "bob")}};
}

/* Always others, so that a room is made each time. */
static void make_gather(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char people[64];
    (void)raw;
    snprintf(people, sizeof people, "alice bob %s-%lu", i % 2 ? "mallory" : "nobody", i % 64);
    *frame = (struct frame){.type = FRAME_GATHER, .gather = {8, bytes_of(people)}};
}

/* Upon somebody who is there, somebody who was never here, and in rooms of others. */
static void make_govern(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_GOVERN,
                            .govern = {.request = 8,
                                       .id = uuid_random(),
                                       .room = bytes_of(i % 3 ? "#storm" : "#hidden"),
                                       .what = (uint8_t)(i / 2 % ORDER_RATE),
                                       .who = bytes_of(i % 2 ? "bob" : ""),
                                       .uid = (uint32_t)(500000 + i % 300),
                                       .value = i % 1000,
                                       .reason = bytes_of("a reason that is told to everybody")}};
}

/* Of nothing: so the store is asked each time. */
static void make_pin(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_PIN,
                            .pin = {8, uuid_random(), UID_MALLORY, (uint8_t)(i % PIN_END)}};
}

/* One that is there, again and again, before a crowd that is told. */
static void make_pin_told(const struct raw *raw, unsigned long i, struct frame *frame) {
    static struct uuid id;
    if (i == 0) {
        make_send_room(raw, i, frame);
        id = frame->send.id;
        return;
    }
    *frame = (struct frame){.type = FRAME_PIN,
                            .pin = {8, id, UID_MALLORY, (uint8_t)(i % 2 ? PIN_ADD : PIN_REMOVE)}};
}

static void make_receipt(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_RECEIPT,
                            .receipt = {uuid_random(), STATE_READ, UID_MALLORY, UID_MALLORY}};
}

/* Under the links that they have, see bystanders.h and witness.h. */
static const struct victim {
    const char *handle;
    uid_t uid;
} victims[] = {{"alice", UID_ALICE}, {"bob", UID_BOB}, {"carol", UID_CAROL}, {"dave", UID_DAVE}};

/* The hub cannot know whether there was such a message; who is told can. */
static void make_receipt_of_others(const struct raw *raw, unsigned long i, struct frame *frame) {
    uid_t uid = victims[i % ARRAY_LEN(victims)].uid;
    make_receipt(raw, i, frame);
    frame->receipt.link = frame->receipt.uid = uid;
}

static void make_taken(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_TAKEN, .taken = {i % 2, i % 2}};
}

static void make_history(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_HISTORY,
                            .history = {.request = 9, .conv = bytes_of(""), .limit = 1000}};
}

static void make_find(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_FIND,
                            .find = {.request = 9,
                                     .conv = bytes_of(""),
                                     .id = uuid_random(),
                                     .what = FIND_THREAD,
                                     .limit = 1000}};
}

static void make_search(const struct raw *raw, unsigned long i, struct frame *frame) {
    static const char words[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_SEARCH,
                            .search = {.request = 10,
                                       .conv = bytes_of(""),
                                       .from = bytes_of(""),
                                       .limit = 1,
                                       .words = bytes_of(words)}};
}

static void make_forget(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_FORGET, .forget = {11, bytes_of("mallory")}};
}

static void make_channel(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_CHANNEL, .channel = {(uint32_t)i}};
}

static void make_switch(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_SWITCH, .switch_to = {(uint8_t)(i % SWITCH_TO_END)}};
}

static void make_release(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_RELEASE, .release = {12, bytes_of("alice")}};
}

/* Who may not, and upon whom nobody may. */
static void make_order(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_ORDER,
                            .order = {.request = 12,
                                      .what = (uint8_t)(i % ORDER_END),
                                      .who = bytes_of(i % 3 ? "alice" : ""),
                                      .uid = (uint32_t)i,
                                      .value = i % 1000,
                                      .reason = {long_text, ORDER_REASON_MAX}}};
}

static void make_accounts(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_LIST,
                            .list = {8, i % 2 ? LIST_ACCOUNT : LIST_ACCOUNTS, bytes_of("")}};
}

static void make_offer_of(const struct uuid *id, struct frame *frame) {
    *frame = (struct frame){.type = FRAME_OFFER,
                            .offer = {.request = 12,
                                      .id = *id,
                                      .to = bytes_of("mallory"),
                                      .kind = OFFER_FILE,
                                      .size = UINT64_MAX - 1,
                                      .mode = 0644,
                                      .mime = bytes_of(""),
                                      .name = {long_text, 1000}}};
}

static void make_offer(const struct raw *raw, unsigned long i, struct frame *frame) {
    static struct uuid id;
    (void)raw;
    if (i % 2 == 0) {
        id = uuid_random();
        make_offer_of(&id, frame);
        return;
    }
    *frame = (struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, WITHDRAW_CANCELLED}};
}

/* Offered, signalled and withdrawn, to each of them in turn. */
static void make_offer_to_others(const struct raw *raw, unsigned long i, struct frame *frame) {
    static struct uuid id;
    const struct victim *victim = &victims[i / 3 % ARRAY_LEN(victims)];
    (void)raw;
    switch (i % 3) {
    case 0:
        id = uuid_random();
        make_offer_of(&id, frame);
        frame->offer.to = bytes_of(victim->handle);
        return;
    case 1:
        *frame = (struct frame){
            .type = FRAME_SIGNAL,
            .signal = {id, victim->uid, victim->uid, {SIGNAL_CANCEL, .reason = {long_text, 500}}}};
        return;
    default:
        *frame = (struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, WITHDRAW_CANCELLED}};
    }
}

static void make_signal(const struct raw *raw, unsigned long i, struct frame *frame) {
    *frame = (struct frame){.type = FRAME_SIGNAL,
                            .signal = {.offer = offers[i % OFFERS],
                                       .uid = UID_MALLORY,
                                       .link = raw->session,
                                       .said = {SIGNAL_CANCEL, .reason = {long_text, 500}}}};
}

/* Of offers that there are not, or not any more. */
static void make_withdraw(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw;
    *frame = (struct frame){.type = FRAME_WITHDRAW,
                            .withdraw = {offers[i % OFFERS], WITHDRAW_CANCELLED}};
}

static void make_wall(const struct raw *raw, unsigned long i, struct frame *frame) {
    (void)raw, (void)i;
    *frame = (struct frame){.type = FRAME_WALL, .wall = {13, uuid_random(), {long_text, 100}}};
}

/* Talking. */

static void storm_join(const struct storm_shared *shared, struct raw *raw, const char *handle) {
    unsigned abilities =
        ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_NEWS | ABILITY_LINES | ABILITY_CHANNEL;
    while (raw_join_link(raw, shared->dir, handle, abilities, getuid()) != RAW_WELCOME)
        raw_drop(raw);
}

static void storm_drain(struct raw *raw) {
    struct frame frame;
    while (raw_next(raw, &frame, 0) == QUEUE_OK)
        ;
}

/* As many frames as fit into a batch; whose session is over comes again. */
static void storm_pour_once(struct storm_shared *shared, struct raw *raw, unsigned long *i) {
    struct raw_batch batch;
    struct frame frame;
    raw_batch_start(&batch, raw->session);
    for (;; (*i)++) {
        shared->row->make(raw, *i, &frame);
        if (!raw_batch_add(&batch, &frame))
            break;
    }
    int r = raw_batch_send(&batch, raw->lane, HUB_MTYPE);
    atomic_fetch_add(&shared->n_frames, batch.n_frames);
    if (r == QUEUE_OK) {
        storm_drain(raw);
        return;
    }
    raw_drop(raw);
    storm_join(shared, raw, "mallory");
}

static void storm_pour(struct storm_shared *shared) {
    unsigned long n = 0;
    unsigned long *counts = calloc((size_t)n_sessions, sizeof *counts);
    if (!counts)
        check_die("out of memory");
    for (;; n++)
        storm_pour_once(shared, &sessions[n % (unsigned long)n_sessions],
                        &counts[n % (unsigned long)n_sessions]);
}

/* A user who reads nothing of what he is told. */
static void storm_silently(struct storm_shared *shared) {
    struct raw_batch batch;
    struct frame frame;
    for (long n = 0;; n = (n + 1) % n_sessions) {
        raw_batch_start(&batch, sessions[n].session);
        do
            raw_fill_send(&frame, "no such name, and none that there could be", "");
        while (raw_batch_add(&batch, &frame));
        if (raw_batch_send(&batch, sessions[n].lane, HUB_MTYPE) != QUEUE_OK) {
            raw_drop(&sessions[n]);
            storm_join(shared, &sessions[n], "mallory");
        }
        atomic_fetch_add(&shared->n_frames, batch.n_frames);
    }
}

/* Rooms that stay, each with a topic, and offers to oneself with long names. */
static void make_own_room(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char name[32];
    (void)raw;
    snprintf(name, sizeof name, "#own-%lu", i / 2);
    if (i % 2 == 0)
        *frame = (struct frame){
            .type = FRAME_JOIN, .flags = FRAME_SESSION_ONLY, .join = {3, bytes_of(name)}};
    else
        *frame = (struct frame){.type = FRAME_TOPIC,
                                .topic = {5, bytes_of(name), {long_text, TOPIC_BYTES_MAX}}};
}

static void make_new_handle(const struct raw *raw, unsigned long i, struct frame *frame) {
    static char name[32];
    (void)raw;
    snprintf(name, sizeof name, "mallory-%lu", i % HANDLES);
    *frame = (struct frame){.type = FRAME_NICK, .nick = {7, bytes_of(name)}};
}

static void make_new_offer(const struct raw *raw, unsigned long i, struct frame *frame) {
    struct uuid id = uuid_random();
    (void)raw, (void)i;
    make_offer_of(&id, frame);
}

static void make_send_asking(const struct raw *raw, unsigned long i, struct frame *frame) {
    make_send(raw, i, frame);
    frame->flags = FRAME_WANT_SEQ | FRAME_WANT_RECEIPT;
    frame->send.total = (uint32_t)(1 + i % 2000);
    frame->send.body = (struct bytes){long_text, 1 + i % 2000};
}

/* It is never continued. */
static void make_beginning(const struct raw *raw, unsigned long i, struct frame *frame) {
    make_send(raw, i, frame);
    frame->flags = FRAME_MORE_PARTS;
    frame->send.total = MESSAGE_TEXT_MAX;
    frame->send.body = (struct bytes){long_text, 10};
}

/* Whatever can be kept for a user, all of it, by sessions that read nothing. */
static void storm_everything(struct storm_shared *shared) {
    static void (*const makers[])(const struct raw *, unsigned long, struct frame *) = {
        make_own_room, make_own_room,  make_send_asking, make_send_room, make_topic,
        make_away,     make_new_offer, make_list,        make_history,   make_search,
        make_receipt,  make_taken,     make_new_handle,  make_forget};
    struct raw_batch batch;
    struct queue_info info;
    struct frame frame;
    for (unsigned long i = 0;; i++) {
        struct raw *raw = &sessions[i % (unsigned long)n_sessions];
        if (queue_stat(raw->mailbox, &info) != QUEUE_OK) {
            raw_drop(raw);
            storm_join(shared, raw, "mallory");
        }
        raw_batch_start(&batch, raw->session);
        for (unsigned long j = 0; j < 8; j++) {
            makers[(i + j) % ARRAY_LEN(makers)](raw, i + j, &frame);
            (void)raw_batch_add(&batch, &frame);
        }
        make_beginning(raw, i, &frame);
        if (i % 16 == 0)
            (void)raw_batch_add(&batch, &frame);
        (void)raw_batch_send(&batch, raw->lane, HUB_MTYPE);
        atomic_fetch_add(&shared->n_frames, batch.n_frames);
    }
}

/* Coming and going. */

static void storm_come_and_go(struct storm_shared *shared) {
    for (;;) {
        storm_join(shared, &sessions[0], "mallory");
        raw_leave(&sessions[0]);
        atomic_fetch_add(&shared->n_frames, 2);
    }
}

static void storm_false_hellos(struct storm_shared *shared) {
    struct raw *raw = &sessions[0];
    struct frame hello;
    if (raw_init(raw, shared->dir) || raw_make_mailbox(raw) || raw_give_mailbox(raw) ||
        raw_put_nonce(raw))
        exit(1);
    raw->nonce = uuid_random();
    raw_fill_hello(raw, &hello, "mallory", ABILITY_ALL);
    for (;; atomic_fetch_add(&shared->n_frames, 1))
        raw_send_hello(raw, &hello);
}

static void storm_die(struct storm_shared *shared) {
    pid_t self = getpid();
    for (;; atomic_fetch_add(&shared->n_frames, 1)) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != self)
                _exit(1); /* it was killed before */
            storm_join(shared, &sessions[0], "mallory");
            kill(getpid(), SIGKILL);
        }
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
}

/* The table. */

const struct storm_row storm_rows[] = {
    {"ready", FRAME_READY, STORM_ONE, 1, true, false, make_ready, NULL},
    {"send", FRAME_SEND, STORM_ONE, 4, true, false, make_send, NULL},
    {"send-unknown", FRAME_SEND, STORM_HANDLES, 1, false, false, make_send_unknown, NULL},
    {"send-room", FRAME_SEND, STORM_CROWD, 1, false, false, make_send_room, NULL},
    {"silent", FRAME_SEND, STORM_CROWD, 1, true, false, NULL, storm_silently},
    {"everything", FRAME_SEND, STORM_CROWD, 1, true, false, NULL, storm_everything},
    {"part", FRAME_PART, STORM_ONE, 1, true, false, make_part, NULL},
    {"join", FRAME_JOIN, STORM_ONE, 1, true, false, make_join, NULL},
    {"join-rooms", FRAME_JOIN, STORM_ROOMS, 1, false, false, make_room, NULL},
    {"leave", FRAME_LEAVE, STORM_CROWD, 1, true, false, make_join, NULL},
    {"topic", FRAME_TOPIC, STORM_ONE, 1, true, false, make_topic, NULL},
    {"topic-crowd", FRAME_TOPIC, STORM_CROWD, 1, false, false, make_topic, NULL},
    {"away", FRAME_AWAY, STORM_ONE, 1, true, false, make_away, NULL},
    {"away-crowd", FRAME_AWAY, STORM_CROWD, 1, false, false, make_away, NULL},
    {"nick", FRAME_NICK, STORM_ROOMS, 1, true, false, make_nick, NULL},
    {"nick-crowd", FRAME_NICK, STORM_CROWD, 1, false, false, make_nick, NULL},
    {"list", FRAME_LIST, STORM_ONE, 1, true, false, make_list, NULL},
    {"list-crowd", FRAME_LIST, STORM_CROWD, 1, false, false, make_list, NULL},
    {"list-handles", FRAME_LIST, STORM_HANDLES, 1, false, false, make_list, NULL},
    {"list-offers", FRAME_LIST, STORM_OFFERS, 1, false, false, make_list, NULL},
    {"receipt", FRAME_RECEIPT, STORM_ONE, 1, true, false, make_receipt, NULL},
    {"receipt-others", FRAME_RECEIPT, STORM_CROWD, 1, true, false, make_receipt_of_others, NULL},
    {"taken", FRAME_TAKEN, STORM_ONE, 1, true, false, make_taken, NULL},
    {"history", FRAME_HISTORY, STORM_LOG, 1, true, false, make_history, NULL},
    {"find", FRAME_FIND, STORM_LOG, 1, true, false, make_find, NULL},
    {"search", FRAME_SEARCH, STORM_LOG, 1, true, false, make_search, NULL},
    {"forget", FRAME_FORGET, STORM_LOG, 1, true, false, make_forget, NULL},
    {"unread", FRAME_UNREAD, STORM_LOG, 1, true, false, make_unread, NULL},
    {"read", FRAME_READ, STORM_LOG, 1, true, false, make_read, NULL},
    {"read-crowd", FRAME_READ, STORM_CROWD, 1, false, false, make_read, NULL},
    {"claim", FRAME_CLAIM, STORM_ONE, 1, true, false, make_claim, NULL},
    {"claim-crowd", FRAME_CLAIM, STORM_CROWD, 1, false, false, make_claim_crowd, NULL},
    {"unclaim", FRAME_UNCLAIM, STORM_CROWD, 1, true, false, make_claim_crowd, NULL},
    {"change", FRAME_CHANGE, STORM_ONE, 1, true, false, make_change, NULL},
    {"change-crowd", FRAME_CHANGE, STORM_CROWD, 1, false, false, make_change, NULL},
    {"invite", FRAME_INVITE, STORM_ONE, 1, true, false, make_invite, NULL},
    {"govern", FRAME_GOVERN, STORM_ONE, 1, true, false, make_govern, NULL},
    {"govern-crowd", FRAME_GOVERN, STORM_CROWD, 1, false, false, make_govern, NULL},
    {"pin", FRAME_PIN, STORM_LOG, 1, true, false, make_pin, NULL},
    {"pin-crowd", FRAME_PIN, STORM_CROWD, 1, false, false, make_pin_told, NULL},
    {"order", FRAME_ORDER, STORM_ONE, 1, true, false, make_order, NULL},
    {"accounts", FRAME_LIST, STORM_CROWD, 1, false, false, make_accounts, NULL},
    {"channel", FRAME_CHANNEL, STORM_ONE, 1, true, false, make_channel, NULL},
    {"switch", FRAME_SWITCH, STORM_ONE, 1, true, false, make_switch, NULL},
    {"offer", FRAME_OFFER, STORM_ONE, 1, true, false, make_offer, NULL},
    {"offer-crowd", FRAME_OFFER, STORM_CROWD, 1, false, false, make_offer, NULL},
    {"offer-others", FRAME_OFFER, STORM_CROWD, 1, true, false, make_offer_to_others, NULL},
    {"signal", FRAME_SIGNAL, STORM_OFFERS, 1, true, false, make_signal, NULL},
    {"withdraw", FRAME_WITHDRAW, STORM_OFFERS, 1, true, false, make_withdraw, NULL},
    {"wall", FRAME_WALL, STORM_ONE, 1, true, false, make_wall, NULL},
    {"hello", FRAME_HELLO, STORM_NOBODY, 4, true, true, NULL, storm_come_and_go},
    {"bye", FRAME_BYE, STORM_ROOMS, 1, true, true, NULL, storm_come_and_go},
    {"hello-false", FRAME_HELLO, STORM_NOBODY, 2, true, true, NULL, storm_false_hellos},
    {"kill", FRAME_NONE, STORM_NOBODY, 2, true, true, NULL, storm_die},
    /* The last one: the user database is asked for each, so a lane full of them takes half a
     * minute, which would keep the next storm of the same user waiting. */
    {"gather", FRAME_GATHER, STORM_ONE, 1, true, false, make_gather, NULL},
    {"gather-crowd", FRAME_GATHER, STORM_CROWD, 1, false, false, make_gather, NULL},
    {"release", FRAME_RELEASE, STORM_ONE, 1, true, false, make_release, NULL},
};
const size_t n_storm_rows = ARRAY_LEN(storm_rows);

void storm_check_table(void) {
    for (unsigned type = 0; type < FRAME_TYPE_END; type++) {
        const struct frame_row *row = frame_row(type);
        size_t n = 0;
        if (!row || !(row->from & (FROM_CLIENT | FROM_STRANGER)))
            continue;
        for (size_t i = 0; i < n_storm_rows; i++)
            n += storm_rows[i].type == type && storm_rows[i].is_short;
        check(n > 0, "%s has a storm", row->name);
    }
}

/* Populations. */

static void storm_ask(struct raw *raw, const struct frame *frame) {
    (void)raw_ask(raw, frame, 1, ANSWER_MS);
}

static void populate_rooms(struct raw *raw, const char *prefix, int n) {
    char name[128];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "#%s-%d", prefix, i);
        storm_ask(raw, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of(name)}});
    }
}

static void populate_handles(struct raw *raw, const char *prefix, int n) {
    char name[128];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s-%d", prefix, i);
        storm_ask(raw, &(struct frame){.type = FRAME_NICK, .nick = {1, bytes_of(name)}});
    }
}

static void populate_log(struct raw *raw, long n_bytes) {
    struct frame frame;
    for (long n = 0; n < n_bytes; n += (long)sizeof long_text) {
        raw_fill_send(&frame, "mallory", "");
        frame.flags = 0;
        frame.send.total = sizeof long_text;
        frame.send.body = (struct bytes){long_text, sizeof long_text};
        raw_send(raw, &frame);
        storm_drain(raw);
    }
    for (long n = 0; n < n_bytes / 100; n += 20) {
        raw_fill_send(&frame, "mallory", "aaa");
        frame.flags = 0;
        raw_send(raw, &frame);
        storm_drain(raw);
    }
}

static void populate_offers(struct raw *raw) {
    struct frame frame;
    for (int i = 0; i < OFFERS; i++) {
        offers[i] = uuid_random();
        make_offer_of(&offers[i], &frame);
        frame.offer.request = 1;
        storm_ask(raw, &frame);
    }
}

/* Until the user may have no more, or as many as are wanted. */
static void populate_sessions(const struct storm_shared *shared) {
    unsigned abilities =
        ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_NEWS | ABILITY_LINES | ABILITY_CHANNEL;
    long wanted = shared->row->population == STORM_CROWD ? shared->n_sessions : 1;
    storm_join(shared, &sessions[0], "mallory");
    for (n_sessions = 1; n_sessions < wanted && n_sessions < SESSIONS_MAX; n_sessions++) {
        struct raw *raw = &sessions[n_sessions];
        enum raw_answer answer = raw_join(raw, shared->dir, "mallory", abilities);
        if (answer == RAW_WELCOME)
            continue;
        raw_drop(raw);
        if (answer == RAW_FAILED && raw->fail == FAIL_LIMIT)
            break;
        n_sessions--;
    }
}

static void storm_prepare(const struct storm_shared *shared) {
    struct raw *raw = &sessions[0];
    memset(long_text, 'a', sizeof long_text);
    if (shared->row->population == STORM_NOBODY)
        return;
    populate_sessions(shared);
    storm_ask(raw, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#storm")}});
    switch (shared->row->population) {
    case STORM_ROOMS:
        populate_rooms(raw, "room", ROOMS);
        storm_ask(raw, &(struct frame){.type = FRAME_NICK, .nick = {1, bytes_of("mallory-2")}});
        populate_rooms(raw, "room", ROOMS);
        break;
    case STORM_HANDLES:
        populate_handles(raw, "somebody-with-a-long-name", HANDLES);
        break;
    case STORM_LOG:
        populate_log(raw, shared->log_bytes);
        break;
    case STORM_OFFERS:
        populate_offers(raw);
        break;
    default:
        break;
    }
}

/* He reads meanwhile, so that he does not begin as one who lags. */
static void storm_wait(const struct storm_shared *shared) {
    while (!atomic_load(&shared->may_begin)) {
        if (n_sessions > 0)
            storm_drain(&sessions[0]);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

int storm_main(void *arg) {
    struct storm_shared *shared = arg;
    storm_prepare(shared);
    atomic_fetch_add(&shared->n_ready, 1);
    storm_wait(shared);
    if (shared->row->run)
        shared->row->run(shared);
    else
        storm_pour(shared);
    return 1;
}

static int populace_main(void *arg) {
    const struct storm_shared *shared = arg;
    char name[32];
    struct raw raw;
    snprintf(name, sizeof name, "user-%u", (unsigned)getuid());
    storm_join(shared, &raw, name);
    populate_rooms(&raw, name, POPULACE_ROOMS);
    populate_handles(&raw, name, POPULACE_HANDLES);
    raw_leave(&raw);
    return 0;
}

void storm_populate(const struct storm_shared *shared, int n_users) {
    for (int i = 0; i < n_users; i++)
        (void)user_run((uid_t)(UID_POPULACE + i), populace_main, (void *)(uintptr_t)shared,
                       ANSWER_MS);
}
