#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"

static void status_add(void *arg, const struct earshot_event *event) {
    struct cli_status *status = arg;
    if (strcmp(event->counter.key, "uptime_s") == 0) {
        status->uptime_s = event->counter.value;
    } else if (strcmp(event->counter.key, "sessions") == 0) {
        status->sessions = event->counter.value;
    } else if (strcmp(event->counter.key, "store_messages") == 0) {
        status->store_messages = event->counter.value;
    } else if (strcmp(event->counter.key, "store_bytes") == 0) {
        status->store_bytes = event->counter.value;
    } else {
        status->counters = cli_grow(status->counters, status->n_counters, sizeof *status->counters);
        status->counters[status->n_counters++] = (struct cli_counter){
            .key = cli_copy(event->counter.key), .value = event->counter.value};
    }
}

static int status_print(earshot *link, const struct cli_options *options,
                        struct cli_status *status) {
    earshot_hub(link, &status->hub);
    int r = queue_stat_any(status->hub.msqid, &status->queue);
    if (r != 0)
        return cli_fail(options, FAIL_LOST,
                        "the kernel has no queue %d any more: the hub has just ended; try again",
                        status->hub.msqid);
    if (options->json)
        json_status(status);
    else
        text_status(status);
    return cli_flush();
}

int cli_status(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct cli_status status = {0};
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_ask(link, EARSHOT_COUNTERS, NULL, &request);
    code = cli_request_wait(link, options, result, request, status_add, &status);
    if (code == CLI_DONE)
        code = status_print(link, options, &status);
    earshot_close(link);
    for (size_t i = 0; i < status.n_counters; i++)
        free(status.counters[i].key);
    free(status.counters);
    return code;
}
