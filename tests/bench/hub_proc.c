/* What /proc tells about the hub: proc_pid_smaps(5), proc_pid_status(5). */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bench/hub.h"

#define PROC_PATH_SIZE 96

/* Adds up the numbers behind the labels in a file of "label: number" lines. */
static int proc_sum(const char *path, const char *const labels[], unsigned long sums[], size_t n) {
    char line[256];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_errno();
    while (fgets(line, sizeof line, file))
        for (size_t i = 0; i < n; i++) {
            size_t length = strlen(labels[i]);
            if (strncmp(line, labels[i], length) == 0)
                sums[i] += strtoul(line + length, NULL, 10);
        }
    fclose(file);
    return 0;
}

int hub_memory(struct bench *bench, const struct hub *hub, struct hub_memory *memory) {
    static const char *const labels[] = {"Rss:", "Private_Dirty:"};
    unsigned long kib[ARRAY_LEN(labels)] = {0};
    char path[PROC_PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)hub->pid);
    int r = proc_sum(path, labels, kib, ARRAY_LEN(labels));
    if (r < 0)
        return bench_fail(bench, "%s: %s", path, strerror(-r));
    *memory = (struct hub_memory){kib[0] * 1024, kib[1] * 1024};
    return 0;
}

int hub_switches(struct bench *bench, const struct hub *hub, unsigned long *n) {
    static const char *const labels[] = {"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"};
    unsigned long sums[ARRAY_LEN(labels)] = {0};
    char path[PROC_PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task", (int)hub->pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return bench_fail(bench, "%s: %s", path, strerror(errno));
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)hub->pid, task->d_name);
        proc_sum(path, labels, sums, ARRAY_LEN(labels));
    }
    closedir(tasks);
    *n = sums[0] + sums[1];
    return 0;
}
