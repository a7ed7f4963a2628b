/*
 * An id is its user's own: a small file comes although a neighbour has sent one under the same id
 * before, or does so at the same time; and each comes once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/parcel.h"
#include "harness/program.h"
#include "harness/stage.h"

#define WAIT_MS 60000

static struct stage stage;
static struct program bob;
static char in[PATH_MAX / 2];

struct letter {
    const char *from, *name;
    struct uuid id;
};

/* A file whose content is who sends it. */
static struct bytes make_body(const struct letter *letter) {
    static char body[PARCEL_BODY_MAX];
    struct file_body file = {
        .mode = 0644, .name = bytes_of(letter->name), .content = bytes_of(letter->from)};
    return (struct bytes){body, parcel_pack(&file, false, body)};
}

static int send_letter(void *arg) {
    const struct letter *letter = arg;
    struct raw raw;
    struct frame frame;
    if (raw_join(&raw, stage.dir, letter->from, 0) != RAW_WELCOME)
        return 1;
    raw_fill_send(&frame, "bob", "");
    frame.send.id = letter->id;
    frame.send.kind = KIND_FILE;
    frame.send.body = make_body(letter);
    frame.send.total = (uint32_t)frame.send.body.n;
    if (raw_send(&raw, &frame) != 0 || raw_await(&raw, &frame, FRAME_ACK, WAIT_MS) != 0)
        return 2;
    raw_leave(&raw);
    return 0;
}

static void post(uid_t uid, const char *from, const char *name, const struct uuid *id) {
    struct letter letter = {from, name, *id};
    check(user_run(uid, send_letter, &letter, WAIT_MS) == 0, "%s sends %s", from, name);
}

static bool has_ended(void *program) {
    return !program_runs(program);
}

static int run_earshot(const char *const *argv) {
    program_start(&bob, argv, NULL);
    if (!check_until(has_ended, &bob, WAIT_MS))
        check_die("earshot %s does not end", argv[5]);
    return bob.code;
}

static void get_all(void) {
    const char *const argv[] = {"earshot", "--hub", stage.dir, "--name", "bob",
                                "get",     "--dir", in,        "--all",  NULL};
    check(run_earshot(argv) == 0, "bob takes what is there (%d)", bob.code);
}

static void check_came(const char *name, const char *from) {
    char path[PATH_MAX], content[64] = "";
    snprintf(path, sizeof path, "%s/%s", in, name);
    FILE *file = fopen(path, "re");
    if (file && fgets(content, sizeof content, file) == NULL)
        content[0] = '\0';
    if (file)
        fclose(file);
    check(strcmp(content, from) == 0, "%s's %s has come", from, name);
}

static void check_not_again(const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s (2)", in, name);
    check(access(path, F_OK) < 0, "%s comes once", name);
}

static void prepare(void) {
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    snprintf(in, sizeof in, "%s/in", stage.root);
    snprintf(bob.log, sizeof bob.log, "%s/bob.log", stage.root);
    if (mkdir(in, 0700) < 0 || chown(in, UID_BOB, UID_BOB) < 0)
        check_die("%s", in);
    setenv("XDG_STATE_HOME", in, 1);
    bob.uid = UID_BOB;
    const char *const argv[] = {"earshot", "--hub", stage.dir, "--name", "bob", "who", NULL};
    check(run_earshot(argv) == 0, "bob is known");
}

int main(void) {
    check_begin();
    user_need_root();
    prepare();
    struct uuid before = uuid_random(), meanwhile = uuid_random();
    post(UID_MALLORY, "mallory", "first", &before);
    get_all();
    check_came("first", "mallory");
    post(UID_ALICE, "alice", "second", &before);
    get_all();
    check_came("second", "alice");

    post(UID_MALLORY, "mallory", "third", &meanwhile);
    post(UID_ALICE, "alice", "fourth", &meanwhile);
    get_all();
    check_came("third", "mallory");
    check_came("fourth", "alice");

    get_all();
    static const char *const names[] = {"first", "second", "third", "fourth"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        check_not_again(names[i]);
    return stage_end(&stage);
}
