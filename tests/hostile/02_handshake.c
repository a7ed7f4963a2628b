/*
 * Handshakes that are wrong in one thing each. None may end in a session, each is logged with the
 * PID. Only who has proved whose the mailbox is gets an answer.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

#define UID_STRANGERS 61300
#define UID_VICTIM 61290 /* of whom nothing was logged before */

enum whose { OWN, ALICES, WELL_KNOWN, ALICES_LANE, NO_SUCH, NEGATIVE };
enum nonce { RIGHT, NONE, OTHER, AT_ALICES_PID, AS_TEXT, TWO_FRAMES };

struct wrong {
    const char *name;
    bool not_given; /* leave out the owner change */
    bool to_bob;    /* give it to somebody else */
    mode_t mode;    /* 0: 0600 */
    enum nonce nonce;
    enum whose whose;
    int version;      /* to add to the right one */
    uint8_t envelope; /* version of the envelope, 0: the right one */
    uint64_t session; /* of the envelope */
    unsigned abilities;
    const char *handle; /* NULL: user_handle() */
    bool is_quiet;      /* one of several alike, of which one a minute is logged */
    unsigned fail;      /* the code of the FAIL that must come; 0: any, or silence */
};

static const struct wrong wrongs[] = {
    {.name = "mailbox not given to the hub", .not_given = true},
    {.name = "mailbox given to bob", .to_bob = true, .is_quiet = true},
    {.name = "mailbox of mode 0666", .mode = 0666},
    {.name = "mailbox of mode 0622", .mode = 0622},
    {.name = "mailbox of mode 0640", .mode = 0640},
    {.name = "no nonce in the mailbox", .nonce = NONE},
    {.name = "another nonce", .nonce = OTHER},
    {.name = "the nonce at alice's PID", .nonce = AT_ALICES_PID},
    {.name = "the nonce in another frame", .nonce = AS_TEXT},
    {.name = "protocol version one higher", .version = 1, .fail = FAIL_VERSION},
    {.name = "protocol version 0", .version = -PROTO_VERSION, .fail = FAIL_VERSION},
    {.name = "another envelope version", .envelope = 9, .is_quiet = true},
    {.name = "HELLO that claims a session", .session = 1, .is_quiet = true},
    {.name = "alice's mailbox", .whose = ALICES},
    {.name = "the well-known queue as mailbox", .whose = WELL_KNOWN},
    {.name = "alice's lane as mailbox", .whose = ALICES_LANE, .is_quiet = true},
    {.name = "a mailbox that does not exist", .whose = NO_SUCH, .is_quiet = true},
    {.name = "mailbox -1", .whose = NEGATIVE, .is_quiet = true},
    {.name = "a room as handle", .handle = "#ops", .fail = FAIL_BAD_NAME},
    {.name = "a handle with a leading dot", .handle = ".mallory", .fail = FAIL_BAD_NAME},
    {.name = "a handle with a leading dash", .handle = "-mallory", .fail = FAIL_BAD_NAME},
    {.name = "a handle with a space", .handle = "mal lory", .fail = FAIL_BAD_NAME},
    {.name = "a handle with an escape", .handle = "m\033[31m", .fail = FAIL_BAD_NAME},
    {.name = "a handle of 33 characters",
     .handle = "abcdefghijklmnopqrstuvwxyz0123456",
     .fail = FAIL_BAD_NAME},
    {.name = "a handle that is not UTF-8", .handle = "m\xff\xfe", .is_quiet = true},
};

struct play {
    struct stage *stage;
    const struct wrong *wrong;
};

static void put_nonce(struct raw *raw, const struct play *play) {
    struct frame frame = {.type = FRAME_NONCE, .nonce = {.nonce = raw->nonce}};
    struct raw_batch batch;
    long mtype = raw->pid;
    if (play->wrong->nonce == NONE)
        return;
    if (play->wrong->nonce == OTHER)
        frame.nonce.nonce = uuid_random();
    if (play->wrong->nonce == AT_ALICES_PID)
        mtype = atomic_load(&play->stage->pair.talk->alice_pid);
    if (play->wrong->nonce == AS_TEXT)
        frame = (struct frame){.type = FRAME_PART, .part = {.body = {(char *)raw->nonce.b, 0}}};
    raw_batch_start(&batch, 0);
    raw_batch_add(&batch, &frame);
    raw_batch_send(&batch, raw->mailbox, mtype);
}

static uint32_t mailbox_of(const struct raw *raw, const struct play *play) {
    const struct bystanders_talk *talk = play->stage->pair.talk;
    switch (play->wrong->whose) {
    case ALICES:
        return (uint32_t)atomic_load(&talk->alice_mailbox);
    case WELL_KNOWN:
        return (uint32_t)raw->hub.msqid;
    case ALICES_LANE:
        return (uint32_t)atomic_load(&talk->alice_lane);
    case NO_SUCH:
        return 0x7ffffff0;
    case NEGATIVE:
        return UINT32_MAX;
    default:
        return (uint32_t)raw->mailbox;
    }
}

/* A text field that is not UTF-8 passes frame_put(): only readers check. */
static void say_hello(struct raw *raw, const struct play *play) {
    const struct wrong *wrong = play->wrong;
    struct raw_batch batch;
    struct frame hello;
    raw_fill_hello(raw, &hello, wrong->handle ? wrong->handle : user_handle(), wrong->abilities);
    hello.hello.version = (uint16_t)(PROTO_VERSION + wrong->version);
    hello.hello.mailbox = mailbox_of(raw, play);
    raw_batch_start(&batch, wrong->session);
    raw_batch_add(&batch, &hello);
    if (wrong->envelope)
        batch.message.data[0] = wrong->envelope;
    raw_batch_send(&batch, raw->hub.msqid, HUB_MTYPE);
}

/* The exit code: what the hub answered, and the FAIL code above it. */
static int attempt(void *arg) {
    const struct play *play = arg;
    const struct wrong *wrong = play->wrong;
    struct raw raw;
    if (raw_init(&raw, play->stage->dir) != RENDEZVOUS_OK || raw_make_mailbox(&raw) != QUEUE_OK)
        return 200;
    if (!wrong->not_given)
        queue_set(raw.mailbox, wrong->to_bob ? UID_BOB : raw.hub.uid, (gid_t)-1,
                  wrong->mode ? wrong->mode : 0600, QUEUE_TAG_MAILBOX);
    put_nonce(&raw, play);
    say_hello(&raw, play);
    enum raw_answer answer = raw_await_welcome(&raw, wrong->fail ? 5000 : 300);
    raw_drop(&raw);
    return answer == RAW_FAILED ? (int)(100 + raw.fail) : (int)answer;
}

static void check_wrong(struct stage *stage, const struct wrong *wrong) {
    struct play play = {stage, wrong};
    long mark = hub_log_mark(&stage->hub);
    uid_t uid = UID_STRANGERS + (uid_t)(wrong - wrongs); /* each a new name in the log */
    pid_t pid = user_start(uid, attempt, &play);
    int r = user_wait(pid, 20000);
    if (wrong->fail)
        check(r == (int)(100 + wrong->fail), "%s: refused, %s", wrong->name,
              r > 100 && r < 200 ? fail_name((unsigned)r - 100) : "but not as it should be");
    else
        check(r == RAW_SILENCE || (r > 100 && r < 200), "%s: no session (%s)", wrong->name,
              r > 100 && r < 200 ? fail_name((unsigned)r - 100) : "silence");
    if (!wrong->is_quiet)
        stage_check_logged(stage, mark, 0, pid, wrong->name);
}

/*
 * The hub's answer makes the hub the last sender of the mailbox. A nonce that waits at the hub's
 * own PID must not turn the next HELLO into a session of the hub's process.
 */
static int borrow_hub_pid(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct frame frame;
    raw_init(&raw, stage->dir);
    raw_make_mailbox(&raw);
    raw_give_mailbox(&raw);
    raw.pid = stage->hub.pid;
    for (int i = 0; i < 3; i++)
        raw_fill_hello(&raw, &frame, "mallory", ABILITY_LISTEN);
    int welcomed = 0;
    for (int i = 0; i < 3; i++) {
        raw.pid = getpid();
        raw_send_hello(&raw, &frame);
        welcomed += raw_await_welcome(&raw, 300) == RAW_WELCOME;
        raw.pid = stage->hub.pid;
        welcomed += raw_await_welcome(&raw, 0) == RAW_WELCOME;
    }
    raw_drop(&raw);
    return welcomed;
}

/* Another process of the same uid: it may name the mailbox, but the session is the maker's. */
static int sibling(void *arg) {
    struct raw *raw = arg;
    struct frame frame;
    raw_fill_hello(raw, &frame, "sibling", ABILITY_LISTEN);
    frame.hello.nonce = uuid_random();
    raw_send_hello(raw, &frame);
    return 0;
}

static int with_sibling(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct frame frame;
    if (raw_init(&raw, stage->dir) || raw_make_mailbox(&raw) || raw_give_mailbox(&raw) ||
        raw_put_nonce(&raw))
        return 200;
    user_wait(user_start(UID_MALLORY, sibling, &raw), 5000);
    enum raw_answer answer = raw_await_welcome(&raw, 300);
    check(answer != RAW_WELCOME, "HELLO for another process's mailbox without its nonce: refused");
    raw_fill_hello(&raw, &frame, "mallory", ABILITY_LISTEN);
    raw_send_hello(&raw, &frame);
    check(raw_await_welcome(&raw, 5000) == RAW_WELCOME,
          "and the process itself can still join with it");
    raw_leave(&raw);
    return 0;
}

/* Alice's mailbox lies ready, and mallory is faster with a HELLO for it. */
struct race {
    const struct stage *stage;
    struct raw *raw; /* shared */
    atomic_int *phase;
};

static bool phase_is_1(void *arg) {
    return atomic_load(((struct race *)arg)->phase) == 1;
}

static bool phase_is_2(void *arg) {
    return atomic_load(((struct race *)arg)->phase) == 2;
}

static int victim(void *arg) {
    const struct race *race = arg;
    struct raw *raw = race->raw;
    struct frame hello;
    if (raw_init(raw, race->stage->dir) || raw_make_mailbox(raw) || raw_give_mailbox(raw) ||
        raw_put_nonce(raw))
        return 200;
    atomic_store(race->phase, 1);
    if (!check_until(phase_is_2, arg, 5000))
        return 200;
    raw_fill_hello(raw, &hello, "victim", 0);
    raw_send_hello(raw, &hello);
    enum raw_answer answer = raw_await_welcome(raw, 3000);
    raw_leave(raw);
    return (int)answer;
}

static int thief(void *arg) {
    const struct race *race = arg;
    struct raw raw;
    struct frame hello;
    if (raw_init(&raw, race->stage->dir))
        return 1;
    raw.mailbox = race->raw->mailbox;
    for (int i = 0; i < 3; i++) {
        raw.nonce = uuid_random();
        raw_fill_hello(&raw, &hello, "mallory", ABILITY_LISTEN);
        raw_send_hello(&raw, &hello);
    }
    struct raw own; /* behind them in the same queue: when it is in, they have been looked at */
    bool joined = raw_join(&own, race->stage->dir, "mallory", 0) == RAW_WELCOME;
    raw_leave(&own);
    return !joined;
}

static void check_race(struct stage *stage) {
    struct race race = {stage, check_shared(sizeof *race.raw), check_shared(sizeof(atomic_int))};
    long mark = hub_log_mark(&stage->hub);
    pid_t owner = user_start(UID_VICTIM, victim, &race);
    check(check_until(phase_is_1, &race, 5000), "somebody's mailbox lies ready");
    check(user_run(UID_MALLORY, thief, &race, 10000) == 0, "mallory says HELLO for it");
    atomic_store(race.phase, 2);
    check(user_wait(owner, 10000) == RAW_WELCOME, "and its owner is welcomed all the same");
    check(hub_log_has(&stage->hub, mark, NULL, NULL, 5000), "the foreign HELLO is logged");
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++)
        check_wrong(&stage, &wrongs[i]);
    stage_check_talk(&stage, "wrong handshakes");
    check(user_run(UID_MALLORY, borrow_hub_pid, &stage, 20000) == 0,
          "a mailbox that the hub wrote to last gives no session of the hub's PID");
    user_run(UID_MALLORY, with_sibling, &stage, 20000);
    check_race(&stage);
    stage_check_talk(&stage, "other processes' mailboxes");
    return stage_end(&stage);
}
