#include "harness/goods.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/user.h"

#define N_TREE_FILES 24
#define TOOL_MS 60000

const struct goods_row GOODS[N_KINDS] = {
    [SMALL] = {"small", "small", 40000},      [MIDDLE] = {"middle", "middle", 3000000},
    [LARGE] = {"large", "large", 48000000},   [TREE] = {"tree", "tree", 0},
    [STREAM] = {"stream", "stdin", 12000000},
};

static void goods_write_random(const char *path, long n, uid_t owner) {
    static unsigned char bytes[64 * 1024];
    FILE *file = fopen(path, "we");
    if (!file)
        check_die("%s: %s", path, strerror(errno));
    while (n > 0) {
        size_t some = n < (long)sizeof bytes ? (size_t)n : sizeof bytes;
        for (size_t i = 0; i < some; i += sizeof(int)) {
            int value = (int)random();
            memcpy(bytes + i, &value, sizeof value);
        }
        n -= (long)fwrite(bytes, 1, some, file);
    }
    if (fclose(file) != 0 || chmod(path, 0600) < 0 || chown(path, owner, owner) < 0)
        check_die("%s: %s", path, strerror(errno));
}

static void goods_make_place(char *path, size_t size, const struct stage *stage, const char *name,
                             uid_t owner) {
    snprintf(path, size, "%s/%s", stage->root, name);
    if (mkdir(path, 0755) < 0 || chown(path, owner, owner) < 0)
        check_die("%s: %s", path, strerror(errno));
}

void goods_make(struct goods *goods, const struct stage *stage, uid_t from, uid_t to) {
    char path[PATH_MAX];
    goods_make_place(goods->sources, sizeof goods->sources, stage, "sources", from);
    goods_make_place(goods->target, sizeof goods->target, stage, "target", to);
    for (enum goods_kind kind = 0; kind < N_KINDS; kind++) {
        snprintf(path, sizeof path, "%s/%s", goods->sources, GOODS[kind].source);
        if (kind != TREE)
            goods_write_random(path, GOODS[kind].n_bytes, from);
    }
    goods_make_place(path, sizeof path, stage, "sources/tree", from);
    for (int i = 0; i < N_TREE_FILES; i++) {
        snprintf(path, sizeof path, "%s/tree/%02d", goods->sources, i);
        goods_write_random(path, random() % 8 == 0 ? random() % 3000000 : random() % 50000, from);
    }
}

/* --- what has come --- */

static int goods_run_child(void *arg) {
    char *const *argv = arg;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDOUT_FILENO);
    execvp(argv[0], argv);
    return 127;
}

/* Runs a program of the system to its end: its exit code. */
static int goods_tool(const char *const *argv) {
    return user_run(geteuid(), goods_run_child, (void *)(uintptr_t)argv, TOOL_MS);
}

void goods_clear(const struct goods *goods, bool keep) {
    DIR *dir = opendir(goods->target);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[PATH_MAX];
        size_t n = strlen(entry->d_name);
        bool is_part = n > 5 && strcmp(entry->d_name + n - 5, ".part") == 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (keep && is_part))
            continue;
        snprintf(path, sizeof path, "%s/%s", goods->target, entry->d_name);
        goods_tool((const char *const[]){"rm", "-rf", "--", path, NULL});
    }
    if (dir)
        closedir(dir);
}

long goods_written(const struct goods *goods, enum goods_kind kind) {
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s.part", goods->target, GOODS[kind].name);
    return stat(path, &status) < 0 ? -1 : status.st_size;
}

bool goods_are_whole(const struct goods *goods, enum goods_kind kind, const char *path) {
    char source[PATH_MAX];
    snprintf(source, sizeof source, "%s/%s", goods->sources, GOODS[kind].source);
    return goods_tool(
               (const char *const[]){"diff", "-rq", "--no-dereference", source, path, NULL}) == 0;
}

bool goods_are_begun(const struct goods *goods, enum goods_kind kind, const char *path) {
    char source[PATH_MAX], n[32];
    struct stat status;
    snprintf(source, sizeof source, "%s/%s", goods->sources, GOODS[kind].source);
    if (kind == TREE)
        return true;
    if (stat(path, &status) < 0)
        return false;
    snprintf(n, sizeof n, "%lld", (long long)status.st_size);
    return goods_tool((const char *const[]){"cmp", "-s", "-n", n, source, path, NULL}) == 0;
}
