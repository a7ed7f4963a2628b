#include "cli/files/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/json.h"
#include "cli/report.h"

#define PERIOD_MS 500

const char *const progress_choices[] = {"auto", "none", "json", NULL};

/* One transfer, since when, and from where; to have its rate. */
struct progress_item {
    char id[EARSHOT_ID_SIZE];
    char *peer;
    mono_time since;
    uint64_t at_first;
};

static bool progress_has_terminal(const struct cli_options *options) {
    const char *term = getenv("TERM");
    return cli_has_reader(options) && term && strcmp(term, "dumb") != 0;
}

void progress_init(struct progress *progress, const struct cli_options *options, earshot *link,
                   const char *self) {
    *progress =
        (struct progress){.link = link, .self = self, .how = (enum progress_how)options->progress};
    if (progress->how == PROGRESS_AUTO && !progress_has_terminal(options))
        progress->how = PROGRESS_NONE;
    progress->next = mono_add_ms(mono_now(), PERIOD_MS);
}

void progress_free(struct progress *progress) {
    progress_clear(progress);
    for (size_t i = 0; i < progress->n_items; i++)
        free(progress->items[i].peer);
    free(progress->items);
    progress->items = NULL;
    progress->n_items = 0;
}

int progress_timeout(const struct progress *progress, bool is_running) {
    if (progress->how == PROGRESS_NONE || !is_running)
        return -1;
    int64_t left = mono_ms_until(mono_now(), progress->next);
    return left > 0 ? (int)left : 0;
}

static struct progress_item *progress_known(const struct progress *progress,
                                            const struct earshot_transfer *transfer) {
    for (size_t i = 0; i < progress->n_items; i++) {
        struct progress_item *item = &progress->items[i];
        if (strcmp(item->id, transfer->id) == 0 && strcmp(item->peer, transfer->peer) == 0)
            return item;
    }
    return NULL;
}

static struct progress_item *progress_find(struct progress *progress,
                                           const struct earshot_transfer *transfer) {
    struct progress_item *known = progress_known(progress, transfer);
    if (known)
        return known;
    progress->items = cli_grow(progress->items, progress->n_items, sizeof *progress->items);
    struct progress_item *item = &progress->items[progress->n_items++];
    *item = (struct progress_item){
        .peer = cli_copy(transfer->peer), .since = mono_now(), .at_first = transfer->bytes};
    memcpy(item->id, transfer->id, sizeof item->id);
    return item;
}

static uint64_t progress_rate(struct progress *progress, const struct earshot_transfer *transfer) {
    const struct progress_item *item = progress_find(progress, transfer);
    double s = (double)(mono_now().ns - item->since.ns) / (double)NS_PER_S;
    return s > 0.1 ? (uint64_t)((double)(transfer->bytes - item->at_first) / s) : 0;
}

struct progress_sum {
    unsigned n;
    uint64_t bytes, size, rate; /* size: EARSHOT_SIZE_UNKNOWN if it is of one of them */
};

static void progress_print_line(struct progress *progress, const struct progress_sum *sum,
                                const char *name) {
    char bytes[SIZE_TEXT], rate[SIZE_TEXT], what[64];
    char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
    snprintf(what, sizeof what, "%u transfers", sum->n);
    file_size_text(sum->bytes, bytes);
    file_size_text(sum->rate, rate);
    fprintf(stderr, "\r\033[K%.40s  %s", sum->n > 1 ? what : safe ? safe : "", bytes);
    if (sum->size != EARSHOT_SIZE_UNKNOWN && sum->size > 0)
        fprintf(stderr, "  %u%%", (unsigned)(100 * ((double)sum->bytes / (double)sum->size)));
    if (sum->rate > 0)
        fprintf(stderr, "  %s/s", rate);
    if (sum->rate > 0 && sum->size != EARSHOT_SIZE_UNKNOWN && sum->size > sum->bytes) {
        uint64_t left = (sum->size - sum->bytes) / sum->rate;
        fprintf(stderr, "  %u:%02u left", (unsigned)(left / 60), (unsigned)(left % 60));
    }
    free(safe);
    progress->is_shown = true;
}

static void progress_print_json(const struct progress *progress,
                                const struct earshot_transfer *transfer, uint64_t rate) {
    struct cli_file file = file_of(transfer, progress->self);
    file.rate = rate;
    json_file(stderr, &file);
}

void progress_tick(struct progress *progress) {
    struct earshot_transfer transfer;
    struct progress_sum sum = {0};
    char name[256] = "";
    if (progress->how == PROGRESS_NONE || mono_now().ns < progress->next.ns)
        return;
    progress->next = mono_add_ms(mono_now(), PERIOD_MS);
    while (earshot_progress(progress->link, sum.n, &transfer) == EARSHOT_OK) {
        uint64_t rate = progress_rate(progress, &transfer);
        if (progress->how == PROGRESS_JSON)
            progress_print_json(progress, &transfer, rate);
        bool is_known = transfer.size != EARSHOT_SIZE_UNKNOWN && sum.size != EARSHOT_SIZE_UNKNOWN;
        sum.size = is_known ? sum.size + transfer.size : EARSHOT_SIZE_UNKNOWN;
        sum.bytes += transfer.bytes;
        sum.rate += rate;
        sum.n++;
        snprintf(name, sizeof name, "%s", transfer.name);
    }
    if (progress->how == PROGRESS_AUTO && sum.n > 0)
        progress_print_line(progress, &sum, name);
}

void progress_clear(struct progress *progress) {
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

void progress_begin(struct progress *progress, const struct earshot_transfer *transfer) {
    (void)progress_find(progress, transfer);
}

/* "40 ms", "1.2 s", "3:05 min" */
static void progress_time_text(double s, char text[32]) {
    if (s < 1)
        snprintf(text, 32, "%u ms", (unsigned)(s * 1000));
    else if (s < 60)
        snprintf(text, 32, "%.1f s", s);
    else
        snprintf(text, 32, "%u:%02u min", (unsigned)s / 60, (unsigned)s % 60);
}

void progress_end_text(struct progress *progress, const struct earshot_transfer *transfer,
                       char text[PROGRESS_TEXT]) {
    const struct progress_item *item = progress_known(progress, transfer);
    char size[SIZE_TEXT], rate[SIZE_TEXT], time_text[32];
    file_size_text(transfer->bytes, size);
    snprintf(text, PROGRESS_TEXT, "%s", size);
    if (!item)
        return;
    double s = (double)(mono_now().ns - item->since.ns) / (double)NS_PER_S;
    s = s > 0.001 ? s : 0.001;
    file_size_text((uint64_t)((double)(transfer->bytes - item->at_first) / s), rate);
    progress_time_text(s, time_text);
    snprintf(text, PROGRESS_TEXT, "%s in %s, %s/s", size, time_text, rate);
}
