#include "harness/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "harness/stage.h"

#define SHELL_MS 20000

static void run_shell(const char *script) {
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || user_wait(pid, SHELL_MS) != 0)
        check_die("cannot run: %s", script);
}

/* Into the stage: the hub's uid need not reach the place where it was built. */
static void copy_shim(struct disk *disk, const struct stage *stage) {
    const char *build = getenv("BUILD");
    char script[2 * PATH_MAX];
    snprintf(disk->shim, sizeof disk->shim, "%s/shim.so", stage->root);
    snprintf(script, sizeof script,
             "cp '%s/tests/fault/disk_faults_shim.so' '%s' && chmod 755 '%s'",
             build ? build : "build", disk->shim, disk->shim);
    run_shell(script);
}

void disk_prepare(struct disk *disk, const struct stage *stage) {
    char path[PATH_MAX];
    void *memory = MAP_FAILED;
    copy_shim(disk, stage);
    snprintf(path, sizeof path, "%s/orders", stage->root);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, sizeof *disk->orders) == 0 && fchmod(fd, 0666) == 0)
        memory = mmap(NULL, sizeof *disk->orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        check_die("%s: %s", path, strerror(errno));
    close(fd);
    disk->orders = memory;
    if (!realpath(stage->state, disk->orders->dir))
        check_die("%s: %s", stage->state, strerror(errno));
    setenv("DISK_FAULTS", path, 1);
}

bool disk_start_hub(struct disk *disk, struct stage *stage, const struct disk_fault *fault) {
    struct hub_options options = {.uid = UID_HUB,
                                  .dir = stage->dir,
                                  .mode = "open",
                                  .log = stage->log,
                                  .state = stage->state};
    disk->orders->fault = *fault;
    atomic_store(&disk->orders->n, 0);
    char shims[2 * PATH_MAX];
    const char *others = getenv("LD_PRELOAD"); /* tests/isolate may have set it */
    CLEANUP_FREE char *before = strdup(others ? others : "");
    snprintf(shims, sizeof shims, "%s:%s", disk->shim, before ? before : "");
    setenv("LD_PRELOAD", shims, 1);
    bool is_up = hub_start(&stage->hub, &options);
    setenv("LD_PRELOAD", before ? before : "", 1);
    return is_up;
}

void disk_copy_state(const char *from, const char *to) {
    char script[3 * PATH_MAX];
    snprintf(script, sizeof script,
             "rm -rf '%s' && mkdir -m 700 '%s' && { [ -z '%s' ] || cp -a '%s/.' '%s/'; }", to, to,
             from ? from : "", from ? from : "", to);
    run_shell(script);
    snprintf(script, sizeof script, "chown -R %u:%u '%s'", UID_HUB, UID_HUB, to);
    run_shell(script);
}

bool disk_has_damaged(const char *state) {
    char pattern[PATH_MAX];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*.db.damaged-*", state);
    bool any = glob(pattern, 0, NULL, &found) == 0;
    if (any)
        globfree(&found);
    return any;
}
