/* `inspect`: the kernel objects behind the hub, once or (--watch) as the road of the messages. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/look/live.h"
#include "cli/look/objects.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"

const struct cli_option cli_inspect_options[] = {
    {"watch", 'w', CLI_FLAG, CLI_AT(watch), NULL, "the road of the messages, again and again", NULL,
     0},
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "with --watch, end after N times", NULL, 0},
    {"every", 0, CLI_SECONDS, CLI_AT(every_ms), "SECONDS", "with --watch; else 2", NULL, 0},
    {0},
};

static void inspect_print(const struct cli_options *options, const struct objects *objects) {
    for (size_t i = 0; i < objects->n_queues; i++)
        if (options->json)
            json_queue(&objects->queues[i]);
        else
            text_queue(options, &objects->queues[i]);
    for (size_t i = 0; i < objects->n_segments; i++)
        if (options->json)
            json_segment(&objects->segments[i]);
        else
            text_segment(options, &objects->segments[i]);
}

/* The road: into the hub by lanes, out of it by mailboxes, beside it by rings. */

static void road_put_process(FILE *out, const char *verb, pid_t pid) {
    char program[PROCESS_NAME_SIZE];
    if (pid <= 0)
        return;
    process_name(pid, program);
    CLEANUP_FREE char *safe = text_safe(bytes_of(program), TEXT_ONE_LINE);
    fprintf(out, "  %s %d %s, %s", verb, (int)pid, safe && *safe ? safe : "?", objects_state(pid));
}

static void road_put_bar(FILE *out, size_t n, size_t max) {
    char bar[11] = "..........";
    size_t filled = max > 0 ? n * 10 / max : 0;
    memset(bar, '#', filled < 10 ? filled + (n > 0 && filled == 0) : 10);
    fprintf(out, "[%s] %3zu%%", bar, max > 0 ? n * 100 / max : 0);
}

static void road_put_queue(FILE *out, const struct cli_queue *queue) {
    static const char *const names[] = {"door", "lane", "mailbox"};
    char login[LOGIN_SIZE];
    cli_login(queue->uid, login);
    CLEANUP_FREE char *safe =
        text_safe(bytes_of(queue->role == EARSHOT_MAILBOX ? queue->handle : login), TEXT_ONE_LINE);
    fprintf(out, "%-8s%-16s ", names[queue->role], safe ? safe : "");
    road_put_bar(out, queue->info.n_bytes, queue->info.limit);
    fprintf(out, " %3zu", queue->info.n_messages);
    road_put_process(out, "from", queue->info.last_sender);
    road_put_process(out, "to", queue->role == EARSHOT_MAILBOX ? queue->pid : 0);
    fputc('\n', out);
}

static void road_put_ring(FILE *out, const struct cli_segment *segment) {
    const char *what = segment->is_gate ? "gate" : segment->is_channel ? "channel" : "ring";
    fprintf(out, "%-8s%-16d ", what, segment->info.shmid);
    if (segment->has_view) {
        road_put_bar(out, segment->view.fill, segment->view.layout.n_slots);
        fputs(segment->view.producer_waits   ? "      its sender waits"
              : segment->view.consumer_waits ? "      its recipient waits"
                                             : "     ",
              out);
    } else {
        fprintf(out, "%zu bytes, attached by %zu", segment->info.size, segment->info.n_attached);
    }
    road_put_process(out, "of", segment->info.creator);
    fputc('\n', out);
}

static void road_put(FILE *out, const struct objects *objects, pid_t hub) {
    bool has_hub = false;
    for (size_t i = 0; i < objects->n_queues; i++) {
        const struct cli_queue *queue = &objects->queues[i];
        if (queue->role == EARSHOT_MAILBOX && !has_hub) {
            fprintf(out, "hub     %d, %s\n", (int)hub, objects_state(hub));
            has_hub = true;
        }
        road_put_queue(out, queue);
    }
    for (size_t i = 0; i < objects->n_segments; i++)
        road_put_ring(out, &objects->segments[i]);
}

static int inspect_draw(struct live *live, FILE *out) {
    struct objects objects;
    struct earshot_hub_info hub;
    earshot *link = live->arg;
    int code = objects_ask(&objects, link, live->options);
    earshot_hub(link, &hub);
    if (code == CLI_DONE && live->options->json)
        inspect_print(live->options, &objects);
    else if (code == CLI_DONE)
        road_put(out, &objects, hub.pid);
    if (code == CLI_DONE && !live->options->json)
        fputs(live->is_screen ? "\nq ends\n" : "\n", out);
    objects_free(&objects);
    return code;
}

int cli_inspect(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct objects objects = {0};
    earshot *link;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    if (options->watch) {
        struct live live = {.options = options, .draw = inspect_draw, .arg = link};
        if (options->timeout_ms < 0)
            cli_limit_stop();
        code = live_run(&live);
    } else {
        code = objects_ask(&objects, link, options);
        if (code == CLI_DONE)
            inspect_print(options, &objects);
        code = code == CLI_DONE ? cli_flush() : code;
        objects_free(&objects);
    }
    earshot_close(link);
    return code;
}
