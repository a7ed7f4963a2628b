#include <stdlib.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/past.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/frame.h"

#define SEARCH_LINES 20
#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_search_options[] = {
    {"in", 0, CLI_STRING, AT(in), "CONV", "in this conversation: a handle or #room", NULL, 0},
    {"from", 0, CLI_STRING, AT(from), "HANDLE", "only what HANDLE wrote", NULL, 0},
    {"limit", 'n', CLI_COUNT, AT(limit), "N", "at most N messages, up to 1000; else 20", NULL, 0},
    {0},
};

struct search {
    const struct cli_options *options;
    unsigned n_printed;
};

static void print_line(void *arg, const struct earshot_event *event) {
    struct search *search = arg;
    past_print_message(search->options, event);
    search->n_printed++;
}

static int run(const struct cli_options *options, const char *text) {
    struct search search = {.options = options};
    unsigned limit = options->limit ? (unsigned)options->limit : SEARCH_LINES;
    uint32_t request = 0;
    earshot *link;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_search(link, text, options->in, options->from, limit, &request);
    code = cli_request_wait(link, options, result, request, print_line, &search);
    int closed = cli_flush();
    if (code == CLI_DONE && search.n_printed == 0)
        cli_remark(options, "nothing was found");
    earshot_close(link);
    return code == CLI_DONE ? closed : code;
}

int cli_search(const struct cli_options *options, int n_words, char **words) {
    char *text = words_join(n_words, words);
    int code = CLI_DONE;
    if (options->limit > EARSHOT_PAGE_MAX)
        code = cli_fail(options, CLI_USAGE, "usage",
                        "search: -n can be at most %d; narrow the search with --in, --from or "
                        "another word",
                        EARSHOT_PAGE_MAX);
    if (code == CLI_DONE && options->in)
        code = words_check_name(options, options->in);
    if (code == CLI_DONE && options->from)
        code = words_check_name(options, options->from);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(text), SEARCH_BYTES_MAX, "the search");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, CLI_USAGE, "usage", "search: there is no word to search for");
    if (code == CLI_DONE)
        code = run(options, text);
    free(text);
    return code;
}
