/*
 * The hub answers with a page at a time, at most EARSHOT_PAGE_MAX messages, fewer when they are
 * long. To print the newest n, oldest first, without keeping them, their place is looked for from
 * the end on; then they are printed from there.
 */
#include "cli/past/past.h"

#include <stdio.h>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "proto/name.h"

static int past_ask_page(struct past *past, uint64_t before, uint64_t after, uint64_t limit,
                         request_line *line, void *arg) {
    uint32_t request = 0;
    unsigned n = limit > 0 && limit < EARSHOT_PAGE_MAX ? (unsigned)limit : EARSHOT_PAGE_MAX;
    if (past->direct_only)
        n = EARSHOT_PAGE_MAX;
    int result = past->words ? earshot_search(past->link, past->words, past->conv, past->from,
                                              before, n, &request)
                             : earshot_history(past->link, past->conv, before, after, n, &request);
    return cli_request_wait(past->link, past->options, result, request, line, arg);
}

static bool past_is_wanted(const struct past *past, const struct earshot_event *event) {
    return !past->direct_only || conv_is_direct(event->message.conv);
}

/* Backwards: where the newest n begin. */
struct past_backwards {
    const struct past *past;
    uint64_t oldest; /* of the page, wanted or not; 0: it was empty */
    uint64_t seqs[EARSHOT_PAGE_MAX];
    size_t n; /* the wanted ones of the page */
};

static void past_note_seq(void *arg, const struct earshot_event *event) {
    struct past_backwards *backwards = arg;
    if (backwards->oldest == 0)
        backwards->oldest = event->message.seq;
    if (past_is_wanted(backwards->past, event) && backwards->n < EARSHOT_PAGE_MAX)
        backwards->seqs[backwards->n++] = event->message.seq;
}

static int past_find_start(struct past *past) {
    struct past_backwards page = {.past = past};
    uint64_t before = past->before, missing = past->n, start = past->before;
    while (missing > 0 && before > 1) {
        page.n = page.oldest = 0;
        int code = past_ask_page(past, before, 0, missing, past_note_seq, &page);
        if (code != CLI_DONE)
            return code;
        if (page.oldest == 0 || page.oldest >= before)
            break;
        uint64_t n = page.n < missing ? page.n : missing;
        if (n > 0)
            start = page.seqs[page.n - n];
        missing -= n;
        before = page.oldest;
    }
    if (start > past->after)
        past->after = start - 1;
    return CLI_DONE;
}

/* A page is printed as it comes. */
struct past_page {
    struct past *past;
    uint64_t last; /* message of it; 0: it was empty */
};

static bool past_is_full(const struct past *past) {
    return past->n > 0 && past->n_printed >= past->n;
}

static void past_print_line(void *arg, const struct earshot_event *event) {
    struct past_page *page = arg;
    struct past *past = page->past;
    /* The hub answers; whoever reads our output may now take as long as they want. */
    if (past->options->timeout_ms < 0)
        cli_limit_stop();
    page->last = event->message.seq;
    if (event->message.seq >= past->before || past_is_full(past) || !past_is_wanted(past, event))
        return;
    cli_print_message(past->options, event);
    if (past->n_printed++ == 0)
        past->first_seq = event->message.seq;
    past->last_seq = event->message.seq;
}

/* "After 0" asks for the newest ones, so the very first message is asked for as the one before 2.
 */
static int past_print_forwards(struct past *past) {
    struct past_page page = {.past = past};
    uint64_t after = past->after > 0 ? past->after : 1;
    int code = CLI_DONE;
    if (past->after == 0)
        code = past_ask_page(past, 2, 0, 1, past_print_line, &page);
    do {
        page.last = 0;
        if (code == CLI_DONE && after + 1 < past->before && !past_is_full(past))
            code = past_ask_page(past, past->before, after, past->n - past->n_printed,
                                 past_print_line, &page);
        int closed = cli_flush();
        if (code == CLI_DONE)
            code = closed;
        after = page.last;
    } while (code == CLI_DONE && page.last > 0);
    return code;
}

int past_print(struct past *past) {
    struct earshot_hub_info hub;
    earshot_hub(past->link, &hub);
    if (past->before == 0)
        past->before = hub.seq + 1;
    int code = past->newest && past->n > 0 ? past_find_start(past) : CLI_DONE;
    return code == CLI_DONE ? past_print_forwards(past) : code;
}

/* What the thread began with: the message itself, unless it is a reply. */
struct past_root {
    char id[EARSHOT_ID_SIZE];
    size_t n;
};

static void past_note_root(void *arg, const struct earshot_event *event) {
    struct past_root *root = arg;
    const char *id = *event->message.thread ? event->message.thread : event->message.id;
    if (root->n++ == 0)
        snprintf(root->id, sizeof root->id, "%s", id);
}

int past_print_thread(struct past *past) {
    struct past_page page = {.past = past};
    struct past_root root = {.n = 0};
    uint32_t request = 0;
    uint64_t n = past->n > 0 && past->n < EARSHOT_PAGE_MAX ? past->n : EARSHOT_PAGE_MAX;
    int result = earshot_find(past->link, past->conv, past->thread, false, 0, 1, &request);
    int code = cli_request_wait(past->link, past->options, result, request, past_note_root, &root);
    if (code != CLI_DONE || root.n == 0)
        return code;
    uint64_t before = past->before;
    past->before = before > 0 ? before : UINT64_MAX;
    result = earshot_find(past->link, past->conv, root.id, true, before, (unsigned)n, &request);
    code = cli_request_wait(past->link, past->options, result, request, past_print_line, &page);
    int closed = cli_flush();
    return code == CLI_DONE ? closed : code;
}

/* A page is shorter than what was asked for when its messages are long: then it goes on. */
int past_print_found(struct past *past) {
    struct past_page page = {.past = past};
    int code;
    past->before = UINT64_MAX;
    do {
        uint64_t before = page.last;
        page.last = 0;
        code = past_ask_page(past, before, 0, past->n - past->n_printed, past_print_line, &page);
        int closed = cli_flush();
        if (code == CLI_DONE)
            code = closed;
    } while (code == CLI_DONE && page.last > 0 && !past_is_full(past));
    return code;
}
