#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "ipc/gate.h"

struct queues {
    struct cli_queue *all;
    size_t n;
};

static void add_object(void *arg, const struct earshot_event *event) {
    struct queues *queues = arg;
    queues->all = cli_grow(queues->all, queues->n, sizeof *queues->all);
    queues->all[queues->n++] = (struct cli_queue){
        .role = event->object.role,
        .uid = event->object.uid,
        .pid = event->object.pid,
        .handle = cli_copy(event->object.handle),
        .info = {.msqid = event->object.id},
    };
}

static int by_role(const void *a, const void *b) {
    const struct cli_queue *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->info.msqid > y->info.msqid) - (x->info.msqid < y->info.msqid);
}

static int inspect_print(const struct cli_options *options, struct queues *queues) {
    if (queues->n > 1)
        qsort(queues->all, queues->n, sizeof *queues->all, by_role);
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

struct search {
    const struct cli_options *options;
    const struct queues *queues;
    struct cli_segment segment;
};

static bool is_of_this_hub(const struct queues *queues, pid_t pid) {
    for (size_t i = 0; i < queues->n; i++)
        if (queues->all[i].pid == pid)
            return true;
    return false;
}

static bool add_process(void *arg, pid_t pid) {
    struct cli_segment *segment = arg;
    segment->pids[segment->n_pids++] = pid;
    return segment->n_pids < SEGMENT_PIDS_MAX;
}

static bool visit_segment(void *arg, const struct shm_segment *info) {
    struct search *search = arg;
    struct cli_segment *segment = &search->segment;
    if (!ring_size_is_marked(info->size) || !is_of_this_hub(search->queues, info->creator))
        return true;
    *segment = (struct cli_segment){.info = *info};
    (void)shm_each_attached(info->shmid, add_process, segment);
    segment->is_gate = gate_size_is_marked(info->size);
    segment->has_view = !segment->is_gate && ring_look(info->shmid, &segment->view) == 0;
    if (search->options->json)
        json_segment(segment);
    else
        text_segment(search->options, segment);
    return true;
}

static int print_segments(const struct cli_options *options, const struct queues *queues) {
    struct search search = {.options = options, .queues = queues};
    int r = shm_each(visit_segment, &search);
    if (r < 0)
        return cli_fail(options, CLI_FAILED, "internal", "cannot list the segments: %s",
                        strerror(-r));
    return cli_flush();
}

int cli_inspect(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct queues queues = {0};
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_ask(link, EARSHOT_OBJECTS, NULL, &request);
    code = cli_request_wait(link, options, result, request, add_object, &queues);
    if (code == CLI_DONE)
        code = inspect_print(options, &queues);
    if (code == CLI_DONE)
        code = print_segments(options, &queues);
    earshot_close(link);
    for (size_t i = 0; i < queues.n; i++)
        free(queues.all[i].handle);
    free(queues.all);
    return code;
}
