/*
 * Small files that nobody can save, because whoever sent them made them by hand: each is told once,
 * counts as declined for its sender, and keeps nobody from the files that come after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/parcel.h"
#include "harness/program.h"
#include "harness/stage.h"

#define WAIT_MS 20000

static struct stage stage;
static struct program alice, bob;
static char in[PATH_MAX / 2];

enum damage { GARBAGE, EMPTY, OTHER_DIGEST, NO_TEXT, SLASH, N_DAMAGES };

static size_t make_body(enum damage damage, char *body) {
    struct file_body file = {.mode = 0644, .name = bytes_of("file"), .content = bytes_of("hello")};
    size_t n;
    switch (damage) {
    case GARBAGE:
        memcpy(body, "!!!!", 4);
        return 4;
    case OTHER_DIGEST: /* as base64, of an old client */
        n = parcel_pack(&file, true, body);
        memcpy(body + n - 4, "AAAA", 4);
        return n;
    case NO_TEXT:
        n = parcel_pack(&file, false, body);
        return n - 1;
    case SLASH:
        file.name = bytes_of("../file");
        return parcel_pack(&file, false, body);
    default:
        return 0;
    }
}

static void send_damaged(struct raw *raw, enum damage damage, struct uuid *id) {
    static char body[PARCEL_BODY_MAX];
    struct frame frame;
    raw_fill_send(&frame, "bob", "");
    size_t n = make_body(damage, body);
    frame.send.kind = KIND_FILE;
    frame.flags = FRAME_WANT_RECEIPT;
    frame.send.body = (struct bytes){body, n};
    frame.send.total = (uint32_t)n;
    *id = frame.send.id;
    if (raw_send(raw, &frame) != 0 || raw_await(raw, &frame, FRAME_ACK, WAIT_MS) != 0)
        check_die("the hub did not take a file");
}

static bool has_ended(void *program) {
    return !program_runs(program);
}

/* The program's exit code. */
static int run_earshot(struct program *program, const char *const *argv) {
    program_start(program, argv, NULL);
    if (!check_until(has_ended, program, WAIT_MS))
        check_die("earshot %s does not end", argv[5]);
    return program->code;
}

static int get(const char *how, const char *number) {
    const char *const argv[] = {"earshot", "--hub",     stage.dir, "--name", "bob",  "get", "--dir",
                                in,        "--timeout", "10",      how,      number, NULL};
    return run_earshot(&bob, argv);
}

static void put(const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", stage.root, name);
    FILE *file = fopen(path, "we");
    if (!file || fputs("good", file) < 0 || fclose(file) != 0)
        check_die("%s", path);
    const char *const argv[] = {"earshot", "--hub",     stage.dir, "--name", "alice",
                                "put",     "--no-wait", "bob",     path,     NULL};
    check(run_earshot(&alice, argv) == 0, "alice sends %s", name);
    unlink(path);
}

static unsigned n_damaged_told(void) {
    char line[1024];
    unsigned n = 0;
    FILE *log = fopen(bob.log, "re");
    while (log && fgets(line, sizeof line, log))
        n += strstr(line, "it is damaged") != NULL;
    if (log)
        fclose(log);
    return n;
}

static void check_here(const char *name, const char *what) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", in, name);
    check(access(path, F_OK) == 0, "%s", what);
}

static void check_declined(struct raw *raw, const struct uuid *ids) {
    unsigned n = 0;
    struct frame frame;
    while (n < N_DAMAGES && raw_await(raw, &frame, FRAME_STATE, WAIT_MS) == 0) {
        if (frame.state.state != STATE_DECLINED)
            continue;
        for (unsigned i = 0; i < N_DAMAGES; i++)
            n += uuid_equal(&frame.state.id, &ids[i]);
    }
    check(n == N_DAMAGES, "their sender hears that nobody wants them (%u)", n);
}

static void prepare(void) {
    stage_prepare_somehow(&stage);
    stage_start_hub(&stage, "open");
    snprintf(in, sizeof in, "%s/in", stage.root);
    snprintf(alice.log, sizeof alice.log, "%s/alice.log", stage.root);
    snprintf(bob.log, sizeof bob.log, "%s/bob.log", stage.root);
    setenv("XDG_STATE_HOME", stage.root, 1);
    alice.uid = bob.uid = geteuid();
    if (mkdir(in, 0755) < 0)
        check_die("%s", in);
    const char *const argv[] = {"earshot", "--hub", stage.dir, "--name", "bob", "who", NULL};
    check(run_earshot(&bob, argv) == 0, "bob is known");
}

int main(void) {
    struct raw raw;
    struct uuid ids[N_DAMAGES], others[N_DAMAGES];
    check_begin();
    prepare();
    if (raw_join_link(&raw, stage.dir, "mallory", 0, 4711) != RAW_WELCOME)
        check_die("mallory is not welcome");
    for (int i = 0; i < N_DAMAGES; i++)
        send_damaged(&raw, (enum damage)i, &ids[i]);
    put("good");
    check(get("--all", NULL) == 1, "get --all says that something failed (%d)", bob.code);
    check(n_damaged_told() == N_DAMAGES, "each is told (%u)", n_damaged_told());
    check_here("good", "and the good one came");
    check_declined(&raw, ids);
    check(get("--all", NULL) == 0 && n_damaged_told() == 0, "none is told again");

    for (int i = 0; i < N_DAMAGES; i++)
        send_damaged(&raw, (enum damage)i, &others[i]);
    put("better");
    check(get("--count", "1") == 1, "get --count 1 says so, too (%d)", bob.code);
    check_here("better", "and goes on to the good one");
    send_damaged(&raw, GARBAGE, &others[0]);
    check(get("--count", "1") == 1, "one that is all there is ends it (%d)", bob.code);
    raw_leave(&raw);
    return stage_end(&stage);
}
