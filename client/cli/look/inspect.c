#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "ipc/channel.h"
#include "ipc/gate.h"

struct inspect_queues {
    struct cli_queue *all;
    size_t n;
};

static void inspect_add_queue(void *arg, const struct earshot_event *event) {
    struct inspect_queues *queues = arg;
    queues->all = cli_grow(queues->all, queues->n, sizeof *queues->all);
    queues->all[queues->n++] = (struct cli_queue){
        .role = event->object.role,
        .uid = event->object.uid,
        .pid = event->object.pid,
        .handle = cli_copy(event->object.handle),
        .info = {.msqid = event->object.id},
    };
}

static int inspect_by_role(const void *a, const void *b) {
    const struct cli_queue *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->info.msqid > y->info.msqid) - (x->info.msqid < y->info.msqid);
}

static int inspect_print_queues(const struct cli_options *options, struct inspect_queues *queues) {
    if (queues->n > 1)
        qsort(queues->all, queues->n, sizeof *queues->all, inspect_by_role);
    for (size_t i = 0; i < queues->n; i++) {
        struct cli_queue *queue = &queues->all[i];
        /* One that was removed since the hub answered is left out. */
        if (queue_stat_any(queue->info.msqid, &queue->info) != QUEUE_OK)
            continue;
        queue->info.last_sender = process_of_thread(queue->info.last_sender);
        queue->info.last_receiver = process_of_thread(queue->info.last_receiver);
        if (options->json)
            json_queue(queue);
        else
            text_queue(options, queue);
    }
    return cli_flush();
}

/* Segments: what the clients have made for transfers, and the hub for its lanes. */

struct inspect {
    const struct cli_options *options;
    const struct inspect_queues *queues;
    struct cli_segment segment;
};

static bool inspect_is_of_hub(const struct inspect_queues *queues, pid_t pid) {
    for (size_t i = 0; i < queues->n; i++)
        if (queues->all[i].pid == pid)
            return true;
    return false;
}

static bool inspect_add_process(void *arg, pid_t pid) {
    struct cli_segment *segment = arg;
    segment->pids[segment->n_pids++] = pid;
    return segment->n_pids < SEGMENT_PIDS_MAX;
}

static bool inspect_print_segment(void *arg, const struct shm_segment *info) {
    struct inspect *inspect = arg;
    struct cli_segment *segment = &inspect->segment;
    if (!ring_size_is_marked(info->size) || !inspect_is_of_hub(inspect->queues, info->creator))
        return true;
    *segment = (struct cli_segment){.info = *info};
    (void)shm_each_attached(info->shmid, inspect_add_process, segment);
    segment->is_gate = gate_size_is_marked(info->size);
    segment->is_channel = info->size == channel_bytes();
    segment->has_view =
        !segment->is_gate && !segment->is_channel && ring_look(info->shmid, &segment->view) == 0;
    if (inspect->options->json)
        json_segment(segment);
    else
        text_segment(inspect->options, segment);
    return true;
}

static int inspect_print_segments(const struct cli_options *options,
                                  const struct inspect_queues *queues) {
    struct inspect inspect = {.options = options, .queues = queues};
    int r = shm_each(inspect_print_segment, &inspect);
    if (r < 0)
        return cli_fail(options, FAIL_INTERNAL, "cannot list the segments: %s", strerror(-r));
    return cli_flush();
}

int cli_inspect(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct inspect_queues queues = {0};
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_ask(link, EARSHOT_OBJECTS, NULL, &request);
    code = cli_request_wait(link, options, result, request, inspect_add_queue, &queues);
    if (code == CLI_DONE)
        code = inspect_print_queues(options, &queues);
    if (code == CLI_DONE)
        code = inspect_print_segments(options, &queues);
    earshot_close(link);
    for (size_t i = 0; i < queues.n; i++)
        free(queues.all[i].handle);
    free(queues.all);
    return code;
}
