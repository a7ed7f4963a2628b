#include "cli/look/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/request.h"
#include "ipc/channel.h"
#include "ipc/gate.h"

static void objects_add_queue(void *arg, const struct earshot_event *event) {
    struct objects *objects = arg;
    objects->queues = cli_grow(objects->queues, objects->n_queues, sizeof *objects->queues);
    objects->queues[objects->n_queues++] = (struct cli_queue){
        .role = event->object.role,
        .uid = event->object.uid,
        .pid = event->object.pid,
        .handle = cli_copy(event->object.handle),
        .info = {.msqid = event->object.id},
    };
}

static int queues_by_role(const void *a, const void *b) {
    const struct cli_queue *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->info.msqid > y->info.msqid) - (x->info.msqid < y->info.msqid);
}

/* One that was removed since the hub answered is left out. */
static void objects_look_at_queues(struct objects *objects) {
    size_t n = 0;
    for (size_t i = 0; i < objects->n_queues; i++) {
        struct cli_queue queue = objects->queues[i];
        if (queue_stat_any(queue.info.msqid, &queue.info) != QUEUE_OK) {
            free(queue.handle);
            continue;
        }
        queue.info.last_sender = process_of_thread(queue.info.last_sender);
        queue.info.last_receiver = process_of_thread(queue.info.last_receiver);
        objects->queues[n++] = queue;
    }
    objects->n_queues = n;
    if (n > 1)
        qsort(objects->queues, n, sizeof *objects->queues, queues_by_role);
}

/* Segments: what the clients have made for transfers and channels, and the hub for its lanes. */

static bool objects_has_process(const struct objects *objects, pid_t pid) {
    for (size_t i = 0; i < objects->n_queues; i++)
        if (objects->queues[i].pid == pid)
            return true;
    return false;
}

static bool objects_add_process(void *arg, pid_t pid) {
    struct cli_segment *segment = arg;
    segment->pids[segment->n_pids++] = pid;
    return segment->n_pids < SEGMENT_PIDS_MAX;
}

static bool objects_add_segment(void *arg, const struct shm_segment *info) {
    struct objects *objects = arg;
    if (!ring_size_is_marked(info->size) || !objects_has_process(objects, info->creator))
        return true;
    objects->segments = cli_grow(objects->segments, objects->n_segments, sizeof *objects->segments);
    struct cli_segment *segment = &objects->segments[objects->n_segments++];
    *segment = (struct cli_segment){.info = *info};
    (void)shm_each_attached(info->shmid, objects_add_process, segment);
    segment->is_gate = gate_size_is_marked(info->size);
    segment->is_channel = info->size == channel_bytes();
    segment->has_view =
        !segment->is_gate && !segment->is_channel && ring_look(info->shmid, &segment->view) == 0;
    return true;
}

int objects_ask(struct objects *objects, earshot *link, const struct cli_options *options) {
    uint32_t request = 0;
    *objects = (struct objects){0};
    int result = earshot_ask(link, EARSHOT_OBJECTS, NULL, &request);
    int code = cli_request_wait(link, options, result, request, objects_add_queue, objects);
    if (code != CLI_DONE)
        return code;
    objects_look_at_queues(objects);
    int r = shm_each(objects_add_segment, objects);
    return r < 0 ? cli_fail(options, FAIL_INTERNAL, "cannot list the segments: %s", strerror(-r))
                 : CLI_DONE;
}

void objects_free(struct objects *objects) {
    for (size_t i = 0; i < objects->n_queues; i++)
        free(objects->queues[i].handle);
    free(objects->queues);
    free(objects->segments);
    *objects = (struct objects){0};
}

const char *objects_state(pid_t pid) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
    line[n] = '\0';
    if (file)
        fclose(file);
    const char *end = strrchr(line, ')'); /* of the program's name, in which there may be any */
    if (!end || end[1] != ' ')
        return "gone";
    switch (end[2]) {
    case 'R':
        return "runs";
    case 'T':
    case 't':
        return "stopped";
    case 'Z':
    case 'X':
        return "gone";
    default:
        return "sleeps";
    }
}
