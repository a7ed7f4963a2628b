/*
 * Wrong command lines and impossible directories: each ends with its exit code and a message that
 * names what is wrong.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/stage.h"

#define ROOM 8
#define ENDS_MS 10000

/* "@" at the start of an argument stands for the stage's root directory. */
struct bad_line {
    const char *name;
    const char *args[ROOM];
    int code, or_code;
    const char *word; /* what the message must name; NULL: anything */
};

#define DIR_ARGS(dir)                                                                              \
    { "--dir", dir, "--ephemeral", "--foreground" }

static const struct bad_line lines[] = {
    {"an unknown option", {"--no-such-option"}, 64, 64, "no-such-option"},
    {"an unknown short option", {"-Z"}, 64, 64, "Z"},
    {"an unknown mode", {"--dir", "@/x", "--mode", "public"}, 64, 64, "public"},
    {"an unknown log level", {"--dir", "@/x", "--log-level", "loud"}, 64, 64, "loud"},
    {"--dir without a directory", {"--dir"}, 64, 64, "dir"},
    {"an empty directory name", {"--dir", "", "--foreground"}, 64, 78, NULL},
    {"an argument that is no option", {"--dir", "@/x", "surplus"}, 64, 64, "surplus"},
    {"group mode without a group", {"--dir", "@/x", "--mode", "group"}, 64, 64, "group"},
    {"a group that does not exist",
     {"--dir", "@/x", "--mode", "group", "--group", "no-such-group", "--foreground"},
     78,
     64,
     "no"},
    {"a missing parent", DIR_ARGS("@/missing/hub"), 73, 73, "missing"},
    {"a file as directory", DIR_ARGS("@/file"), 73, 78, "file"},
    {"a file as parent", DIR_ARGS("@/file/hub"), 73, 78, "file"},
    {"root's directory", DIR_ARGS("@/roots"), 77, 77, "roots"},
    {"a directory that may not be entered", DIR_ARGS("@/closed"), 77, 77, "closed"},
    {"a new directory where one may not write", DIR_ARGS("@/roots/new"), 77, 77, "roots"},
    {"another user's directory", DIR_ARGS("@/alices"), 77, 78, "alices"},
    {"a directory where all can write", DIR_ARGS("@/open"), 77, 78, "open"},
    {"a read-only file system", DIR_ARGS("@/readonly"), 73, 73, "readonly"},
    {"a new directory on a read-only file system", DIR_ARGS("@/readonly/new"), 73, 73, "readonly"},
    {"a full file system", DIR_ARGS("@/full/new"), 73, 73, "full"},
    {"--stop without a hub", {"--dir", "@/rendezvous", "--stop"}, 69, 69, "hub"},
    {"--stop in a directory that does not exist", {"--dir", "@/nowhere", "--stop"}, 69, 69, NULL},
    {"--help", {"--help"}, 0, 0, "ephemeral"},
    {"--version", {"--version"}, 0, 0, NULL},
};

static void make_dir(const struct stage *stage, const char *name, uid_t owner, mode_t mode) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", stage->root, name);
    if (mkdir(path, 0755) < 0 || chown(path, owner, owner) < 0 || chmod(path, mode) < 0)
        check_die("%s: %s", path, strerror(errno));
}

static void mount_at(const struct stage *stage, const char *name, unsigned long flags,
                     const char *data) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", stage->root, name);
    if (mount("tmpfs", path, "tmpfs", flags, data) < 0)
        check_die("mount %s: %s", path, strerror(errno));
    if (chown(path, UID_HUB, UID_HUB) < 0 && errno != EROFS)
        check_die("%s: %s", path, strerror(errno));
}

static void fill_up(const struct stage *stage) {
    char path[PATH_MAX];
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "%s/full/%d", stage->root, i);
        if (mkdir(path, 0755) < 0)
            return;
    }
    check_die("the file system does not get full");
}

/* In a mount namespace of its own, so that nothing stays mounted. */
static void make_places(const struct stage *stage) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/file", stage->root);
    FILE *file = fopen(path, "we");
    if (!file || fclose(file) != 0)
        check_die("%s: %s", path, strerror(errno));
    make_dir(stage, "roots", 0, 0755);
    make_dir(stage, "closed", 0, 0700);
    make_dir(stage, "alices", UID_ALICE, 0755);
    make_dir(stage, "open", UID_HUB, 0777);
    make_dir(stage, "readonly", UID_HUB, 0755);
    make_dir(stage, "full", UID_HUB, 0755);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        check_skip("cannot make a mount namespace: %s", strerror(errno));
    mount_at(stage, "readonly", MS_RDONLY, "mode=0755");
    mount_at(stage, "full", 0, "mode=0755,nr_inodes=4");
    fill_up(stage);
}

static void expand(char *out, size_t size, const struct stage *stage, const char *arg) {
    if (arg[0] == '@')
        snprintf(out, size, "%s%s", stage->root, arg + 1);
    else
        snprintf(out, size, "%s", arg);
}

/* A full path would be found in every message; so the word is looked for behind the root's. */
static void check_command(struct stage *stage, const struct bad_line *line) {
    static char expanded[ROOM][PATH_MAX];
    const char *argv[ROOM + 2] = {"earshotd"};
    for (size_t i = 0; i < ROOM && line->args[i]; i++) {
        expand(expanded[i], sizeof expanded[i], stage, line->args[i]);
        argv[i + 1] = expanded[i];
    }
    struct hub hub = {.options = {.log = stage->log}};
    long mark = hub_log_mark(&hub);
    int code = user_wait(hub_spawn(UID_HUB, "earshotd", argv, stage->log, 0), ENDS_MS);
    bool said =
        line->word ? hub_log_has(&hub, mark, line->word, NULL, 0) : hub_log_mark(&hub) > mark;
    check(code == line->code || code == line->or_code, "%s: exit code %d", line->name, code);
    if (!check(said, "%s: the message says what is wrong", line->name))
        hub_log_show(&hub, mark);
}

static void check_long_name(struct stage *stage) {
    static char name[6000];
    memset(name, 'd', sizeof name - 1);
    name[0] = '/';
    const char *argv[] = {"earshotd", "--dir", name, "--foreground", NULL};
    int code = user_wait(hub_spawn(UID_HUB, "earshotd", argv, stage->log, 0), ENDS_MS);
    check(code == 73 || code == 78 || code == 64, "a directory name of 6,000 bytes: exit code %d",
          code);
}

/* A second hub is refused and tells the first one's PID; the first goes on. */
static void check_second(struct stage *stage) {
    stage_start_hub(stage, "open");
    check(bystanders_start(&stage->pair, stage->dir, 1000), "alice and bob talk");
    char pid[32];
    snprintf(pid, sizeof pid, "%d", stage->hub.pid);
    for (int i = 0; i < 5; i++) {
        struct hub second;
        struct hub_options options = stage->hub.options;
        long mark = hub_log_mark(&stage->hub);
        check(!hub_start(&second, &options) && second.exit_code == 73,
              "a second hub in the same directory: exit code %d", second.exit_code);
        check(hub_log_has(&stage->hub, mark, pid, NULL, 0), "and it names PID %s", pid);
    }
    stage_check_talk(stage, "second hubs");
}

static void check_stop(struct stage *stage) {
    const char *argv[] = {"earshotd", "--dir", stage->dir, "--stop", NULL};
    bystanders_stop(&stage->pair);
    int code = user_wait(hub_spawn(UID_MALLORY, "earshotd", argv, stage->log, 0), ENDS_MS);
    check(code == 77 && hub_is_alive(&stage->hub), "--stop by another user: exit code %d", code);
    pid_t stopper = hub_spawn(UID_HUB, "earshotd", argv, stage->log, 0);
    check(user_wait(stage->hub.pid, ENDS_MS) == 0, "--stop by its owner: the hub ends with 0");
    check(user_wait(stopper, ENDS_MS) == 0, "--stop by its owner: exit code 0");
    stage->hub.pid = 0;
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    make_places(&stage);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        check_command(&stage, &lines[i]);
    check_long_name(&stage);
    check_second(&stage);
    check_stop(&stage);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/readonly", stage.root);
    umount2(path, MNT_DETACH);
    snprintf(path, sizeof path, "%s/full", stage.root);
    umount2(path, MNT_DETACH);
    return stage_end(&stage);
}
