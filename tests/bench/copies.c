#include "bench/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/bare_ring.h"

static void random_fill(unsigned char *bytes, size_t n, uint64_t *state) {
    for (size_t i = 0; i + 8 <= n; i += 8) { // xorshift64
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        memcpy(bytes + i, state, 8);
    }
}

static int make_source(struct bench *bench, const struct copies *copies) {
    FILE *file = fopen(copies->from, "we");
    unsigned char *block = malloc(MIB);
    uint64_t state = 88172645463325252U;
    bool ok = file && block;
    for (uint64_t left = copies->n_bytes; ok && left > 0;) {
        size_t n = left < MIB ? (size_t)left : MIB;
        random_fill(block, MIB, &state);
        ok = fwrite(block, n, 1, file) == 1;
        left -= n;
    }
    free(block);
    if (file && fclose(file) != 0)
        ok = false;
    return ok ? 0 : bench_fail(bench, "%s: %s", copies->from, strerror(errno));
}

int copies_open(struct bench *bench, struct copies *copies, uint64_t n_bytes) {
    const char *base = getenv("TMPDIR");
    *copies = (struct copies){.n_bytes = n_bytes};
    snprintf(copies->dir, sizeof copies->dir, "%s/earshot-bench-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(copies->dir)) {
        int r = bench_fail(bench, "%s: %s", copies->dir, strerror(errno));
        copies->dir[0] = '\0';
        return r;
    }
    snprintf(copies->from, sizeof copies->from, "%s/from", copies->dir);
    snprintf(copies->to, sizeof copies->to, "%s/to", copies->dir);
    if (mkdir(copies->to, 0700) < 0)
        return error_errno();
    snprintf(copies->to, sizeof copies->to, "%s/to/copy", copies->dir);
    return make_source(bench, copies);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    remove(path);
    return 0;
}

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)ftw;
    if (type == FTW_F)
        unlink(path);
    return 0;
}

void copies_close(struct copies *copies) {
    if (copies->dir[0])
        nftw(copies->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    copies->dir[0] = '\0';
}

int copies_clear(struct bench *bench, const struct copies *copies) {
    char to[PATH_MAX];
    snprintf(to, sizeof to, "%s/to", copies->dir);
    nftw(to, remove_file, 8, FTW_PHYS);
    int dir = open(to, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir < 0 || syncfs(dir) < 0)
        return bench_fail(bench, "%s: %s", to, strerror(errno));
    close(dir);
    return 0;
}

int copies_check(struct bench *bench, const struct copies *copies) {
    struct stat status;
    if (stat(copies->to, &status) < 0)
        return bench_fail(bench, "%s: %s", copies->to, strerror(errno));
    if ((uint64_t)status.st_size != copies->n_bytes)
        return bench_fail(bench, "violation: %s has %jd bytes instead of %ju", copies->to,
                          (intmax_t)status.st_size, (uintmax_t)copies->n_bytes);
    return 0;
}

int copies_run(struct bench *bench, char *const argv[], double *seconds) {
    pid_t pid;
    int status = 0;
    mono_time start = mono_now();
    int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (r != 0)
        return bench_fail(bench, "%s: %s", argv[0], strerror(r));
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return bench_fail(bench, "%s ended with status %#x", argv[0], (unsigned)status);
    *seconds = (double)(mono_now().ns - start.ns) / (double)NS_PER_S;
    return 0;
}

int copies_by_cp(struct bench *bench, struct copies *copies, unsigned n, bool synced,
                 double *seconds) {
    char cp[] = "cp", sync[] = "sync", to[PATH_MAX + 16];
    *seconds = 0;
    for (unsigned i = 0; i < n; i++) {
        double copying = 0, syncing = 0;
        snprintf(to, sizeof to, i == 0 ? "%s" : "%s-%u", copies->to, i);
        char *const copy[] = {cp, copies->from, to, NULL};
        char *const after[] = {sync, to, NULL};
        int r = copies_run(bench, copy, &copying);
        if (r == 0 && synced)
            r = copies_run(bench, after, &syncing);
        if (r != 0)
            return r;
        *seconds += copying + syncing;
    }
    return copies_check(bench, copies);
}

int copies_by_ring(struct bench *bench, struct copies *copies, double *seconds) {
    const struct ring_layout layout = {RING_N_SLOTS, RING_SLOT_BYTES};
    struct ring_copy *copy = ring_copy_new(copies->from, copies->to, layout);
    if (!copy)
        return -ENOMEM;
    int r = ring_copy_run(bench, copy, seconds);
    shared_free(copy, sizeof *copy);
    return r == 0 ? copies_check(bench, copies) : r;
}

double copies_rate(const struct copies *copies, unsigned n, double seconds) {
    return seconds > 0 ? (double)copies->n_bytes * n / 1e6 / seconds : 0;
}
