#include <stdlib.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/past/past.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/frame.h"

#define SEARCH_LINES 20
#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_search_options[] = {
    {"in", 0, CLI_STRING, AT(in), "CONV", "in this conversation: a handle or #room", NULL, 0},
    {"from", 0, CLI_STRING, AT(from), "HANDLE", "only what HANDLE wrote", NULL, 0},
    {"limit", 'n', CLI_COUNT, AT(limit), "N", "at most N messages; else 20", NULL, 0},
    {0},
};

struct search {
    const struct cli_options *options;
    uint64_t last; /* of the page, the oldest; 0: it was empty */
    unsigned long long n_printed;
};

static void search_print_line(void *arg, const struct earshot_event *event) {
    struct search *search = arg;
    /* The hub answers; whoever reads our output may now take as long as they want. */
    if (search->options->timeout_ms < 0)
        cli_limit_stop();
    cli_print_message(search->options, event);
    search->last = event->message.seq;
    search->n_printed++;
}

/* A page is shorter than what was asked for when its messages are long: then it goes on. */
static int print_pages(struct search *search, earshot *link, const char *text) {
    const struct cli_options *options = search->options;
    unsigned long long n = options->limit ? options->limit : SEARCH_LINES;
    uint64_t before;
    int code = CLI_DONE;
    do {
        unsigned long long missing = n - search->n_printed;
        unsigned limit = missing < EARSHOT_PAGE_MAX ? (unsigned)missing : EARSHOT_PAGE_MAX;
        uint32_t request = 0;
        before = search->last;
        search->last = 0;
        int result =
            earshot_search(link, text, options->in, options->from, before, limit, &request);
        code = cli_request_wait(link, options, result, request, search_print_line, search);
        int closed = cli_flush();
        if (code == CLI_DONE)
            code = closed;
    } while (code == CLI_DONE && search->last > 0 && search->n_printed < n);
    return code;
}

static int search_run(const struct cli_options *options, const char *text) {
    struct search search = {.options = options};
    earshot *link;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    code = print_pages(&search, link, text);
    if (code == CLI_DONE && search.n_printed == 0)
        cli_remark(options, "nothing was found");
    if (code == CLI_NO_NAME && options->in)
        near_tell(options, options->in);
    if (code == CLI_NO_NAME && options->from)
        near_tell(options, options->from);
    earshot_close(link);
    return code;
}

int cli_search(const struct cli_options *options, int n_words, char **words) {
    char *text = words_join(n_words, words);
    int code = CLI_DONE;
    if (options->in)
        code = words_check_name(options, options->in);
    if (code == CLI_DONE && options->from)
        code = words_check_name(options, options->from);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(text), SEARCH_BYTES_MAX, "the search");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, CLI_USAGE, "usage", "search: there is no word to search for");
    if (code == CLI_DONE)
        code = search_run(options, text);
    free(text);
    return code;
}
