/*
 * Small files between a client that knows them as they are and one of before that: each gets what
 * the other one sends. The old client is its frames.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "files/parcel.h"
#include "harness/program.h"
#include "harness/stage.h"

#define WAIT_MS 20000
#define CONTENT_BYTES 20000

static struct stage stage;
static struct program program;
static char content[CONTENT_BYTES], path[PATH_MAX];

static bool has_ended(void *arg) {
    return !program_runs(arg);
}

static int run_earshot(const char *const *argv) {
    program_start(&program, argv, NULL);
    if (!check_until(has_ended, &program, WAIT_MS))
        check_die("earshot %s does not end", argv[5]);
    return program.code;
}

static bool is_in_file(const char *name) {
    static char found[CONTENT_BYTES + 1];
    FILE *file = fopen(name, "re");
    size_t n = file ? fread(found, 1, sizeof found, file) : 0;
    if (file)
        fclose(file);
    return n == sizeof content && memcmp(found, content, n) == 0;
}

/* In frames of 5,000 bytes, as base64. */
static void send_old(struct raw *raw) {
    static char body[PARCEL_BODY_MAX];
    struct file_body file = {
        .mode = 0644, .name = bytes_of("from-old"), .content = {content, sizeof content}};
    struct frame frame;
    struct bytes rest = {body, parcel_pack(&file, true, body)};
    raw_fill_send(&frame, "new", "");
    frame.send.kind = KIND_FILE;
    frame.send.total = (uint32_t)rest.n;
    for (bool is_first = true; rest.n > 0; is_first = false) {
        struct bytes part = {rest.data, rest.n < 5000 ? rest.n : 5000};
        rest = (struct bytes){rest.data + part.n, rest.n - part.n};
        if (is_first)
            frame.send.body = part;
        else
            frame = (struct frame){.type = FRAME_PART, .part = {part}};
        frame.flags = rest.n > 0 ? FRAME_MORE_PARTS : 0;
        check(raw_send(raw, &frame) == QUEUE_OK, "the old client sends %zu bytes", part.n);
    }
    check(raw_await(raw, &frame, FRAME_ACK, WAIT_MS) == 0, "the hub takes it");
}

/* What comes is base64, in parts that are text. */
static size_t await_old(struct raw *raw, char *body) {
    struct frame frame;
    size_t n = 0, total;
    if (raw_await(raw, &frame, FRAME_MESSAGE, WAIT_MS) != 0 || frame.message.kind != KIND_FILE)
        check_die("no file comes to the old client");
    total = frame.message.total;
    memcpy(body, frame.message.body.data, frame.message.body.n);
    n = frame.message.body.n;
    while (n < total && raw_await(raw, &frame, FRAME_PART, WAIT_MS) == 0 &&
           frame.part.body.n <= total - n) {
        check(!(frame.flags & FRAME_BINARY), "a part is text");
        memcpy(body + n, frame.part.body.data, frame.part.body.n);
        n += frame.part.body.n;
    }
    return n;
}

static void check_old(char *body, size_t n) {
    struct file_body file;
    check(n % 4 == 0 && body[0] == 'A', "it is base64");
    parcel_normalize(body, &n);
    bool is_whole = parcel_open(&file, (struct bytes){body, n});
    check(is_whole && bytes_equal(file.content, (struct bytes){content, sizeof content}) &&
              bytes_equal(file.name, bytes_of("from-new")),
          "it is the file that the new client sent");
}

static void prepare(void) {
    stage_prepare_somehow(&stage);
    stage_start_hub(&stage, "open");
    setenv("XDG_STATE_HOME", stage.root, 1);
    snprintf(program.log, sizeof program.log, "%s/log", stage.root);
    program.uid = geteuid();
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * 31 + (i >> 8));
    snprintf(path, sizeof path, "%s/from-new", stage.root);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(content, 1, sizeof content, file) != sizeof content || fclose(file) != 0)
        check_die("%s", path);
    const char *const who[] = {"earshot", "--hub", stage.dir, "--name", "new", "who", NULL};
    check(run_earshot(who) == 0, "the new client is known");
}

int main(void) {
    static char body[PARCEL_BODY_MAX];
    struct raw old;
    check_begin();
    prepare();
    if (raw_join_link(&old, stage.dir, "old", ABILITY_LISTEN | ABILITY_LINES, 4711) != RAW_WELCOME)
        check_die("the old client is not welcome");
    send_old(&old);
    const char *const get[] = {"earshot", "--hub", stage.dir,  "--name", "new",
                               "get",     "--dir", stage.root, "--all",  NULL};
    check(run_earshot(get) == 0, "the new client takes what the old one sent");
    snprintf(path, sizeof path, "%s/from-old", stage.root);
    check(is_in_file(path), "which is the same");
    unlink(path);

    snprintf(path, sizeof path, "%s/from-new", stage.root);
    const char *const put[] = {"earshot", "--hub",     stage.dir, "--name", "new",
                               "put",     "--no-wait", "old",     path,     NULL};
    check(run_earshot(put) == 0, "the new client sends one");
    check_old(body, await_old(&old, body));
    unlink(path);
    raw_leave(&old);
    return stage_end(&stage);
}
