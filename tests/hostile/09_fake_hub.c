/*
 * False hubs, and traps in the rendezvous directory: what a client refuses to trust, and where a
 * hub refuses to live.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/stage.h"
#include "ipc/rendezvous_record.h"
#include "lib/earshot.h"

struct trap {
    const char *name;
    uid_t dir_owner;
    mode_t dir_mode;
    uid_t key_owner;
    mode_t key_mode; /* S_IFREG, or S_IFIFO, S_IFLNK, S_IFDIR; 0: no key file */
    uid_t queue_owner;
    uid_t record_uid;
    uid_t only_uid; /* the victim takes it for this user's private directory; 0: named */
    enum rendezvous_outcome outcome;
    bool garbage;
    bool not_for_hub; /* a hub of UID_HUB must not start there either */
};

static const struct trap traps[] = {
    {"the attacker's directory where one's private one should be", UID_MALLORY, 0755, UID_MALLORY,
     S_IFREG | 0644, UID_MALLORY, UID_MALLORY, UID_ALICE, RENDEZVOUS_NOT_TRUSTED, false, true},
    {"a directory where everybody can write", UID_HUB, 01777, UID_HUB, S_IFREG | 0644, UID_HUB,
     UID_HUB, 0, RENDEZVOUS_NOT_TRUSTED, false, true},
    {"a directory where the group can write", UID_HUB, 0775, UID_HUB, S_IFREG | 0644, UID_HUB,
     UID_HUB, 0, RENDEZVOUS_NOT_TRUSTED, false, true},
    {"the attacker's key file in the hub's directory", UID_HUB, 0755, UID_MALLORY, S_IFREG | 0644,
     UID_MALLORY, UID_MALLORY, 0, RENDEZVOUS_NOT_TRUSTED, false, true},
    {"a key file that others can write", UID_HUB, 0755, UID_HUB, S_IFREG | 0666, UID_HUB, UID_HUB,
     0, RENDEZVOUS_NOT_TRUSTED, false, true},
    {"the attacker's queue in the hub's key file", UID_HUB, 0755, UID_HUB, S_IFREG | 0644,
     UID_MALLORY, UID_HUB, 0, RENDEZVOUS_IMPOSTOR, false, false},
    {"a key file that names another uid than its owner's", UID_HUB, 0755, UID_HUB, S_IFREG | 0644,
     UID_HUB, UID_BOB, 0, RENDEZVOUS_BAD_RECORD, false, false},
    {"a key file full of garbage", UID_HUB, 0755, UID_HUB, S_IFREG | 0644, UID_HUB, UID_HUB, 0,
     RENDEZVOUS_BAD_RECORD, true, false},
    {"a symbolic link as key file", UID_HUB, 0755, UID_HUB, S_IFLNK, UID_HUB, UID_HUB, 0,
     RENDEZVOUS_NOT_TRUSTED, false, true},
    {"a FIFO as key file", UID_HUB, 0755, UID_HUB, S_IFIFO | 0644, UID_HUB, UID_HUB, 0,
     RENDEZVOUS_BAD_RECORD, false, true},
    {"a directory as key file", UID_HUB, 0755, UID_HUB, S_IFDIR | 0755, UID_HUB, UID_HUB, 0,
     RENDEZVOUS_BAD_RECORD, false, true},
    {"no key file", UID_HUB, 0755, UID_HUB, 0, UID_HUB, UID_HUB, 0, RENDEZVOUS_NO_HUB, false,
     false},
};

struct scene {
    const struct trap *trap;
    char dir[PATH_MAX], key_path[PATH_MAX + 8], victim_file[PATH_MAX];
};

static void must(bool ok, const char *what) {
    if (!ok)
        check_die("%s: %s", what, strerror(errno));
}

static int make_queue(void *arg) {
    const struct scene *scene = arg;
    int msqid = msgget(record_key(scene->dir, 'E'), IPC_CREAT | IPC_EXCL | 0622);
    return msqid < 0;
}

/* Writes the record and holds the lock on it, as a hub would. Returns the descriptor. */
static int write_record(const struct scene *scene) {
    int fd = open(scene->key_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    bool locked;
    must(fd >= 0 && record_lock(fd, &locked) == 0, scene->key_path);
    must(user_run(scene->trap->queue_owner, make_queue, (void *)(uintptr_t)scene, 5000) == 0,
         "msgget");
    struct rendezvous_record record = {
        .pid = getpid(),
        .uid = scene->trap->record_uid,
        .instance = uuid_random(),
        .proj = 'E',
        .msqid = msgget(record_key(scene->dir, 'E'), 0),
        .mode = HUB_OPEN,
    };
    must(record_write(fd, &record) == 0, "write");
    for (int i = 0; scene->trap->garbage && i < 1000; i++)
        must(pwrite(fd, "garbage\xff\0\n ", 11, i * 11) == 11, "write");
    must(fchown(fd, scene->trap->key_owner, scene->trap->key_owner) == 0, "chown");
    must(fchmod(fd, scene->trap->key_mode & 07777) == 0, "chmod");
    return fd;
}

static int set_trap(struct scene *scene, const struct stage *stage, const struct trap *trap) {
    int fd = -1;
    scene->trap = trap;
    snprintf(scene->dir, sizeof scene->dir, "%s/trap", stage->root);
    snprintf(scene->key_path, sizeof scene->key_path, "%s/hub", scene->dir);
    snprintf(scene->victim_file, sizeof scene->victim_file, "%s/precious", stage->root);
    must(mkdir(scene->dir, 0755) == 0, scene->dir);
    FILE *file = fopen(scene->victim_file, "we");
    must(file && fputs("precious\n", file) > 0 && fclose(file) == 0, scene->victim_file);
    must(chown(scene->victim_file, UID_HUB, UID_HUB) == 0, "chown");
    if (S_ISLNK(trap->key_mode))
        must(symlink(scene->victim_file, scene->key_path) == 0, "symlink");
    else if (S_ISFIFO(trap->key_mode))
        must(mkfifo(scene->key_path, 0644) == 0, "mkfifo");
    else if (S_ISDIR(trap->key_mode))
        must(mkdir(scene->key_path, 0755) == 0, "mkdir");
    else if (trap->key_mode)
        fd = write_record(scene);
    must(lchown(scene->key_path, trap->key_owner, trap->key_owner) == 0 || errno == ENOENT,
         "chown");
    must(chown(scene->dir, trap->dir_owner, trap->dir_owner) == 0, "chown");
    must(chmod(scene->dir, trap->dir_mode) == 0, "chmod");
    return fd;
}

static bool remove_any(void *arg, const struct queue_info *info) {
    (void)arg;
    queue_remove(info->msqid);
    return true;
}

static void clear_trap(const struct scene *scene, int fd) {
    if (fd >= 0)
        close(fd);
    if (unlink(scene->key_path) < 0)
        rmdir(scene->key_path);
    rmdir(scene->dir);
    queue_each(remove_any, NULL);
}

static int victim(void *arg) {
    const struct scene *scene = arg;
    const struct trap *trap = scene->trap;
    struct rendezvous_record record;
    mono_time begin = mono_now();
    int r = rendezvous_find(scene->dir, trap->only_uid ? trap->only_uid : (uid_t)-1, &record);
    int64_t ms = -mono_ms_until(mono_now(), begin);
    check(r == (int)trap->outcome && ms < 10000, "%s: a client finds that it %s", trap->name,
          r < 0 ? strerror(-r) : rendezvous_outcome_text((enum rendezvous_outcome)r));
    if (trap->only_uid)
        return 0;
    struct earshot_options options = {.hub = scene->dir, .handle = "alice", .timeout_ms = 3000};
    earshot *link = NULL;
    r = earshot_open(&link, &options);
    check(r == EARSHOT_NOT_TRUSTED || r == EARSHOT_NO_HUB, "%s: the library refuses it: %s",
          trap->name, earshot_error(link));
    earshot_close(link);
    return 0;
}

static bool is_precious(const struct scene *scene) {
    char text[32] = "";
    FILE *file = fopen(scene->victim_file, "re");
    bool same = file && fgets(text, sizeof text, file) && strcmp(text, "precious\n") == 0;
    if (file)
        fclose(file);
    return same;
}

/* The lock is let go first: what must keep the hub out is the trap. */
static void check_hub_refuses(struct stage *stage, const struct scene *scene) {
    struct hub hub;
    struct hub_options options = {
        .uid = UID_HUB, .dir = scene->dir, .mode = "open", .log = stage->log};
    bool started = hub_start(&hub, &options);
    check(!started && (hub.exit_code == 77 || hub.exit_code == 78 || hub.exit_code == 73),
          "%s: a hub does not start there, exit code %d", scene->trap->name, hub.exit_code);
    check(is_precious(scene), "%s: no other file was touched", scene->trap->name);
    if (started)
        hub_stop(&hub);
}

static void play(struct stage *stage, const struct trap *trap) {
    struct scene scene;
    int fd = set_trap(&scene, stage, trap);
    check(user_run(UID_ALICE, victim, &scene, 20000) == 0, "%s: the client does not hang",
          trap->name);
    if (fd >= 0)
        close(fd);
    if (trap->not_for_hub)
        check_hub_refuses(stage, &scene);
    clear_trap(&scene, -1);
}

/* Everybody may read the key file, and so lock it: that must keep no hub away. */
static int hold_lock(void *arg) {
    const struct stage *stage = arg;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/hub", stage->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fd < 0 || flock(fd, LOCK_EX) < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
        return 1;
    pause();
    return 1;
}

static bool is_locked(void *arg) {
    const struct stage *stage = arg;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/hub", stage->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    return locked;
}

static void locked_out(struct stage *stage) {
    stage_start_hub(stage, "open");
    hub_kill(&stage->hub);
    pid_t holder = user_start(UID_MALLORY, hold_lock, stage);
    check(check_until(is_locked, stage, 5000), "mallory locks the key file of a dead hub");
    stage_start_hub(stage, "open");
    check(true, "and the next hub starts all the same");
    user_kill(holder);
    check(bystanders_start(&stage->pair, stage->dir, 1000), "alice and bob talk");
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    for (size_t i = 0; i < ARRAY_LEN(traps); i++)
        play(&stage, &traps[i]);
    locked_out(&stage);
    return stage_end(&stage);
}
