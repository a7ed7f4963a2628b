/*
 * `mentions`: the messages that name one's handle. The hub finds those that have its word in them,
 * the newest first; of these one's own, and those where the name only stands within another word,
 * do not count. As many as are wanted are kept, and printed in the order in which they were said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/mention.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

#define MENTIONS_DEFAULT 20
#define MENTIONS_PAGES_MAX 64 /* that are looked through */

const struct cli_option cli_mentions_options[] = {
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "the last N; else 20", NULL, 0},
    {0},
};

struct mentions {
    const struct cli_options *options;
    const char *self;
    unsigned long long n_wanted;
    struct earshot_event *all; /* the newest first; their strings are copies */
    size_t n;
    uint64_t last; /* message of a page; 0: it was empty */
};

static bool mentions_count(const struct mentions *mentions, const struct earshot_event *event) {
    bool is_own = event->message.mine || words_same_name(event->message.from, mentions->self);
    return !is_own && (text_mentions(bytes_of(event->message.text), mentions->self) ||
                       text_mentions(bytes_of(event->message.title), mentions->self));
}

static void mentions_take(void *arg, const struct earshot_event *event) {
    struct mentions *mentions = arg;
    if (mentions->options->timeout_ms < 0)
        cli_limit_stop(); /* the hub answers, and may have much to look through */
    mentions->last = event->message.seq;
    if (mentions->n >= mentions->n_wanted || !mentions_count(mentions, event))
        return;
    mentions->all = cli_grow(mentions->all, mentions->n, sizeof *mentions->all);
    struct earshot_event *copy = &mentions->all[mentions->n++];
    *copy = *event;
    copy->message.from = cli_copy(event->message.from);
    copy->message.to = cli_copy(event->message.to);
    copy->message.conv = cli_copy(event->message.conv);
    copy->message.text = cli_copy(event->message.text);
    copy->message.title = cli_copy(event->message.title);
    copy->message.file = NULL;
    copy->message.reactions = NULL;
    copy->message.n_reactions = 0;
}

static void mentions_free(struct mentions *mentions) {
    for (size_t i = 0; i < mentions->n; i++) {
        free((char *)mentions->all[i].message.from);
        free((char *)mentions->all[i].message.to);
        free((char *)mentions->all[i].message.conv);
        free((char *)mentions->all[i].message.text);
        free((char *)mentions->all[i].message.title);
    }
    free(mentions->all);
}

/*
 * Page by page, until there are enough. The star: also as part of a word, for a suffix of another
 * alphabet belongs to no name.
 */
static int mentions_find(earshot *link, const struct cli_options *options,
                         struct mentions *mentions) {
    CLEANUP_FREE char *words = NULL;
    unsigned n_pages = 0;
    int code;
    if (asprintf(&words, "%s*", mentions->self) < 0)
        cli_out_of_memory();
    do {
        uint32_t request = 0;
        uint64_t before = mentions->last;
        mentions->last = 0;
        int result = earshot_search(link, words, NULL, NULL, before, EARSHOT_PAGE_MAX, &request);
        code = cli_request_wait(link, options, result, request, mentions_take, mentions);
    } while (code == CLI_DONE && mentions->last > 0 && mentions->n < mentions->n_wanted &&
             ++n_pages < MENTIONS_PAGES_MAX);
    if (code == CLI_DONE && n_pages == MENTIONS_PAGES_MAX)
        cli_remark(options, "not all of the past was looked through: too much of it has %s in it",
                   mentions->self);
    return code;
}

static int mentions_print(const struct cli_options *options, const struct mentions *mentions) {
    int code = CLI_DONE;
    for (size_t i = mentions->n; code == CLI_DONE && i > 0; i--) {
        cli_print_message(options, &mentions->all[i - 1]);
        code = cli_flush();
    }
    if (mentions->n == 0)
        cli_remark(options, "nobody has named %s", mentions->self);
    return code;
}

int cli_mentions(const struct cli_options *options, int n_words, char **words) {
    struct earshot_hub_info hub;
    earshot *link;
    (void)n_words;
    (void)words;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    earshot_hub(link, &hub);
    struct mentions mentions = {.options = options,
                                .self = hub.handle,
                                .n_wanted = options->limit ? options->limit : MENTIONS_DEFAULT};
    code = mentions_find(link, options, &mentions);
    if (code == CLI_DONE)
        code = mentions_print(options, &mentions);
    mentions_free(&mentions);
    earshot_close(link);
    return code;
}
