/*
 * Old and new clients with this hub, and this client with old and new hubs: they work together, or
 * say clearly which side is to be upgraded. The client of version 1 is a tape of what it wrote.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"
#include "harness/tape.h"
#include "hostile/version_1.h"

#define ANSWER_MS 5000
#define TYPE_FAIL 20
#define FAIL_CODE 8    /* in the frame: behind the header and the request */
#define FAIL_REASON 12 /* behind the code and the length of the text */
#define EXIT_NO_HUB 69

static uid_t player(void) {
    return geteuid() == 0 ? UID_ALICE : geteuid();
}

/* --- a client of version 1 -------------------------------------------------------------------- */

static bool is_answer(const struct tape_frame *wanted, const uint8_t *frame) {
    size_t n = wanted->tail ? strlen(wanted->tail) : 0;
    return tape_type(frame) == wanted->type && frame[3] == wanted->flags &&
           tape_length(frame) == wanted->length &&
           (n == 0 || memcmp(frame + tape_length(frame) - n, wanted->tail, n) == 0);
}

/* Each answer on the tape comes once, and nothing that the old client would not know. */
static bool is_answered(struct tape_end *end, const struct tape_step *step) {
    bool seen[32] = {false};
    for (size_t i = 0; i < step->n_answers; i++) {
        const uint8_t *frame = tape_next(end, ANSWER_MS);
        size_t k = 0;
        while (frame && k < step->n_answers && (seen[k] || !is_answer(&step->answers[k], frame)))
            k++;
        if (!frame || k == step->n_answers) {
            check_note("%s: frame type %d, flags %d, %d bytes is not on the tape", step->name,
                       frame ? tape_type(frame) : 0, frame ? frame[3] : 0,
                       frame ? tape_length(frame) : 0);
            return false;
        }
        seen[k] = true;
    }
    return true;
}

static bool is_gone(void *arg) {
    struct queue_info info;
    return queue_stat(*(const int *)arg, &info) != QUEUE_OK;
}

static int replay(void *arg) {
    const struct stage *stage = arg;
    struct tape_end end;
    if (!tape_open(&end, stage->dir))
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(version_1_steps); i++) {
        const struct tape_step *step = &version_1_steps[i];
        bool sent = tape_send(&end, step->bytes, step->n) == QUEUE_OK;
        if (!check(sent && is_answered(&end, step), "a client of version 1: %s", step->name))
            return 1;
    }
    check(check_until(is_gone, &end.mailbox, ANSWER_MS),
          "a client of version 1: its mailbox is removed when it has left");
    return 0;
}

/* --- clients of other versions -----------------------------------------------------------------
 */

struct other {
    const char *name;
    uint8_t envelope;
    uint16_t version;
    size_t more, less; /* bytes that its HELLO has more or less than that of version 1 */
    const char *advice;
};

static const struct other others[] = {
    {"an older client", PROTO_VERSION, PROTO_VERSION - 1, 0, 0, "upgrade the client"},
    {"a newer client", PROTO_VERSION, PROTO_VERSION + 1, 0, 0, "upgrade the hub"},
    {"an older client with a shorter HELLO", PROTO_VERSION - 1, PROTO_VERSION - 1, 0, 16,
     "upgrade the client"},
    {"a newer client with a longer HELLO", PROTO_VERSION + 1, PROTO_VERSION + 1, 40, 0,
     "upgrade the hub"},
    {"a client of a far day", 255, UINT16_MAX, 2000, 0, "upgrade the hub"},
};

struct attempt {
    const struct stage *stage;
    const struct other *other;
};

static void put_length(uint8_t *batch, size_t n) {
    uint16_t length = (uint16_t)(n - TAPE_FRAME);
    memcpy(batch + TAPE_FRAME, &length, sizeof length);
}

static bool say_hello(const struct tape_end *end, const struct other *other) {
    static uint8_t hello[TAPE_BATCH_MAX], nonce[TAPE_BATCH_MAX];
    size_t n = sizeof version_1_hello + other->more - other->less;
    memcpy(hello, version_1_hello, sizeof version_1_hello);
    memcpy(nonce, version_1_nonce, sizeof version_1_nonce);
    hello[TAPE_VERSION] = nonce[TAPE_VERSION] = other->envelope;
    memcpy(hello + TAPE_HELLO_VERSION, &other->version, sizeof other->version);
    put_length(hello, n);
    return tape_send(end, nonce, sizeof version_1_nonce) == QUEUE_OK &&
           tape_send(end, hello, n) == QUEUE_OK;
}

static int attempt(void *arg) {
    const struct attempt *attempt = arg;
    const struct other *other = attempt->other;
    struct tape_end end;
    uint16_t code = 0;
    char reason[512] = "";
    if (!tape_open(&end, attempt->stage->dir) || !say_hello(&end, other))
        return 1;
    const uint8_t *frame = tape_next(&end, ANSWER_MS);
    if (frame && tape_type(frame) == TYPE_FAIL && tape_length(frame) < sizeof reason) {
        memcpy(&code, frame + FAIL_CODE, sizeof code);
        memcpy(reason, frame + FAIL_REASON, (size_t)tape_length(frame) - FAIL_REASON);
    }
    check(code == FAIL_VERSION && strstr(reason, other->advice), "%s: \"%s\"", other->name, reason);
    queue_remove(end.mailbox);
    return 0;
}

/* --- hubs of other versions ---------------------------------------------------------------------
 */

struct false_hub {
    const char *name;
    uint8_t envelope;
    uint8_t type; /* of its answer */
    const char *reason;
    const char *advice;
};

static const struct false_hub false_hubs[] = {
    {"a newer hub", PROTO_VERSION + 1, 14, "", "upgrade this program"},
    {"an older hub", PROTO_VERSION - 1, 14, "", "upgrade the hub"},
    {"a newer hub that refuses", PROTO_VERSION, TYPE_FAIL, "versions differ; upgrade the client",
     "upgrade the client"},
};

/* What a hub of any version does: takes HELLO and nonce, and answers into the mailbox. */
static bool answer_hello(const struct rendezvous *rendezvous, const struct false_hub *hub) {
    static struct queue_message message;
    struct queue_info info;
    uint32_t mailbox, request = 0;
    uint16_t code = FAIL_VERSION, n_reason = (uint16_t)strlen(hub->reason);
    size_t n;
    if (queue_receive(rendezvous->record.msqid, &message, 0, &n, true) != QUEUE_OK)
        return false;
    memcpy(&mailbox, message.data + TAPE_HELLO_MAILBOX, sizeof mailbox);
    if (queue_stat((int)mailbox, &info) != QUEUE_OK ||
        queue_receive((int)mailbox, &message, info.last_sender, &n, false) != QUEUE_OK)
        return false;
    uint8_t batch[512] = {[TAPE_VERSION] = hub->envelope, [2] = 1};
    uint8_t *frame = batch + TAPE_FRAME;
    frame[2] = hub->type;
    memcpy(frame + 4, &request, sizeof request);
    memcpy(frame + FAIL_CODE, &code, sizeof code);
    memcpy(frame + FAIL_CODE + 2, &n_reason, sizeof n_reason);
    memcpy(frame + FAIL_REASON, hub->reason, n_reason);
    put_length(batch, (size_t)TAPE_FRAME + FAIL_REASON + n_reason);
    return raw_send_bytes((int)mailbox, info.last_sender, batch,
                          (size_t)TAPE_FRAME + FAIL_REASON + n_reason) == QUEUE_OK;
}

static void read_file(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
    unlink(path);
}

static void meet_false_hub(const struct stage *stage, const struct false_hub *hub) {
    static struct rendezvous rendezvous;
    char dir[PATH_MAX / 2], output[PATH_MAX / 2], text[1024];
    snprintf(dir, sizeof dir, "%s/other", stage->root);
    snprintf(output, sizeof output, "%s/output", stage->root);
    if (rendezvous_open(&rendezvous, dir, HUB_PRIVATE, getegid()) != RENDEZVOUS_OK)
        check_die("no false hub in %s", dir);
    const char *argv[] = {"earshot", "--hub", dir, "who", NULL};
    pid_t pid = hub_spawn(geteuid(), "earshot", argv, output, 0);
    bool answered = answer_hello(&rendezvous, hub);
    int code = user_wait(pid, 20000);
    rendezvous_close(&rendezvous);
    rmdir(dir);
    read_file(output, text, sizeof text);
    check(answered && code == EXIT_NO_HUB && strstr(text, hub->advice), "%s: exit code %d, \"%s\"",
          hub->name, code, text);
}

static void start_hub(struct stage *stage) {
    struct hub_options options = {.uid = stage->uid_hub,
                                  .dir = stage->dir,
                                  .mode = geteuid() == 0 ? "open" : "private",
                                  .log = stage->log,
                                  .more = {"--name", "tape"}};
    if (!hub_start(&stage->hub, &options))
        check_die("the hub does not start");
}

int main(void) {
    struct stage stage;
    stage_prepare_somehow(&stage);
    start_hub(&stage);
    if (getenv("RECORD"))
        return tape_record(stage.dir) && hub_stop(&stage.hub) == 0 ? 0 : 1;
    check(user_run(player(), replay, &stage, 60000) == 0, "a client of version 1 goes its way");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct attempt play = {&stage, &others[i]};
        check(user_run(player(), attempt, &play, 20000) == 0, "%s goes on", others[i].name);
    }
    check(hub_stop(&stage.hub) == 0, "the hub is not impressed, and ends as it should");
    for (size_t i = 0; i < ARRAY_LEN(false_hubs); i++)
        meet_false_hub(&stage, &false_hubs[i]);
    stage_check_nothing_left("after all versions");
    return check_end();
}
