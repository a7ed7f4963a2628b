/*
 * Small files of the past: somebody may have seen them as messages, so they are not unread any
 * more, but still wait. The hub lists them newest first and without content, and the oldest is to
 * be taken first; so the list is gone through to its end, and then each of those that wait is
 * asked for.
 */
#include <stdlib.h>

#include "cli/files/get_inside.h"
#include "cli/records.h"
#include "cli/report.h"

#define LISTED_MAX RECEIVED_MAX /* what was got of more might be got twice */

static int answer(const struct get *get, int result) {
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(get->options, get->link, result);
}

static int ask_page(struct get *get) {
    struct get_past *past = &get->past;
    uint64_t before = past->last;
    past->last = 0;
    return answer(get, earshot_posts(get->link, get->options->from, before, EARSHOT_PAGE_MAX,
                                     &past->request));
}

/* Of all messages before the next one, the newest. */
static int ask_file(struct get *get) {
    struct get_past *past = &get->past;
    past->request = 0;
    if (past->n_waiting == 0 || get_is_enough(get))
        return CLI_DONE;
    uint64_t seq = past->waiting[--past->n_waiting];
    return answer(get, earshot_history(get->link, NULL, seq + 1, 0, 1, &past->request));
}

int get_past_go_on(struct get *get) {
    const struct get_past *past = &get->past;
    return past->request != 0 || past->is_listing ? CLI_DONE : ask_file(get);
}

int get_past_ask(struct get *get) {
    get_past_free(get);
    if (get->wish->streams_only)
        return CLI_DONE;
    get->past.is_listing = true;
    return ask_page(get);
}

int get_past_take(struct get *get, const struct earshot_event *event) {
    struct get_past *past = &get->past;
    if (!past->is_listing)
        return get_take_message(get, event);
    past->last = event->message.seq;
    past->n_listed++;
    if (get_is_waiting(get, event)) {
        past->waiting = cli_grow(past->waiting, past->n_waiting, sizeof *past->waiting);
        past->waiting[past->n_waiting++] = past->last;
    }
    return CLI_DONE;
}

int get_past_done(struct get *get) {
    struct get_past *past = &get->past;
    bool is_end = past->last == 0 || get_is_enough(get);
    if (past->is_listing && !is_end && past->n_listed < LISTED_MAX)
        return ask_page(get);
    if (past->is_listing && !is_end)
        cli_remark(get->options,
                   "only the newest %d small files were looked at; --from HANDLE looks at those of "
                   "one sender only, and so further back",
                   LISTED_MAX);
    past->is_listing = false;
    return ask_file(get);
}

void get_past_free(struct get *get) {
    free(get->past.waiting);
    get->past = (struct get_past){0};
}
