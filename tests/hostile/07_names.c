/* Login names and handles of others, by HELLO and by NICK, in every spelling. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "harness/stage.h"

struct name_case {
    const char *handle;
    unsigned fail; /* the code that must come */
};

static const struct name_case cases[] = {
    {"root", FAIL_LOGIN_RESERVED},
    {"daemon", FAIL_LOGIN_RESERVED},
    {"Daemon", FAIL_LOGIN_RESERVED},
    {"DAEMON", FAIL_LOGIN_RESERVED},
    {"nobody", FAIL_LOGIN_RESERVED},
    {"\xef\xbd\x92\xef\xbd\x8f\xef\xbd\x8f\xef\xbd\x94", FAIL_LOGIN_RESERVED}, /* fullwidth root */
    {"alice", FAIL_HANDLE_TAKEN},
    {"ALICE", FAIL_HANDLE_TAKEN},
    {"Alice", FAIL_HANDLE_TAKEN},
    {"\xef\xbd\x81lice", FAIL_HANDLE_TAKEN}, /* fullwidth a */
    {"carol", FAIL_HANDLE_TAKEN},            /* her only session has ended */
};

static int by_hello(void *arg) {
    const struct stage *stage = arg;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw raw;
        enum raw_answer answer = raw_join(&raw, stage->dir, cases[i].handle, ABILITY_LISTEN);
        check(answer == RAW_FAILED && raw.fail == cases[i].fail, "HELLO as \"%s\": refused, %s",
              cases[i].handle, answer == RAW_FAILED ? fail_name(raw.fail) : "not at all");
        raw_leave(&raw);
    }
    return 0;
}

static int by_nick(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    if (raw_join(&raw, stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME)
        return 1;
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct frame frame = {.type = FRAME_NICK, .nick = {100 + i, bytes_of(cases[i].handle)}};
        int r = raw_ask(&raw, &frame, 100 + i, 5000);
        check(r == (int)cases[i].fail, "NICK \"%s\": refused, %s", cases[i].handle,
              r > 0 ? fail_name((unsigned)r) : "not at all");
    }
    struct frame frame = {.type = FRAME_NICK, .nick = {1, bytes_of("Mallory2")}};
    check(raw_ask(&raw, &frame, 1, 5000) == 0, "NICK to a free name works");
    raw_leave(&raw);
    return 0;
}

static int join_once(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    enum raw_answer answer = raw_join(&raw, stage->dir, "carol", ABILITY_LISTEN);
    raw_leave(&raw);
    return (int)answer;
}

/* Somebody who has a login name. */
static int as_daemon(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    check(raw_join(&raw, stage->dir, "", ABILITY_LISTEN) == RAW_WELCOME &&
              strcmp(raw.handle, "daemon") == 0,
          "daemon without a handle becomes \"%s\"", raw.handle);
    raw_leave(&raw);
    check(raw_join(&raw, stage->dir, "Daemon", ABILITY_LISTEN) == RAW_WELCOME,
          "daemon may spell it \"%s\"", raw.handle);
    raw_leave(&raw);
    check(raw_join(&raw, stage->dir, "nobody", ABILITY_LISTEN) == RAW_FAILED &&
              raw.fail == FAIL_LOGIN_RESERVED,
          "daemon cannot be nobody: %s", raw.reason);
    raw_leave(&raw);
    return 0;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    const struct passwd *daemon = getpwnam("daemon");
    if (!daemon)
        check_die("this test needs the system user daemon");
    uid_t daemon_uid = daemon->pw_uid;
    check(user_run(UID_BOB, join_once, &stage, 20000) == RAW_WELCOME, "bob's uid takes carol");
    long mark = hub_log_mark(&stage.hub);
    user_run(UID_MALLORY, by_hello, &stage, 60000);
    stage_check_logged(&stage, mark, UID_MALLORY, 0, "others' names by HELLO");
    stage_check_talk(&stage, "others' names by HELLO");
    check(user_run(UID_MALLORY, by_nick, &stage, 60000) == 0, "others' names by NICK: done");
    stage_check_talk(&stage, "others' names by NICK");
    user_run(daemon_uid, as_daemon, &stage, 20000);
    check(user_run(UID_BOB, join_once, &stage, 20000) == RAW_WELCOME, "carol's owner comes back");
    return stage_end(&stage);
}
