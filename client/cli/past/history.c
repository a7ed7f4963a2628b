/* `history`, `search` and `forget`. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/near.h"
#include "cli/past/past.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/frame.h"

#define HISTORY_DEFAULT 20 /* for people, of one conversation */
#define SEARCH_DEFAULT 20

const struct cli_option cli_history_options[] = {
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "the last N; with --after, the first N", NULL, 0},
    {"before", 0, CLI_COUNT, CLI_AT(before), "SEQ", "only what came before this message", NULL, 0},
    {"after", 0, CLI_SEQ, CLI_AT(since), "SEQ", "only what came after this message", NULL, 0},
    {"thread", 0, CLI_STRING, CLI_AT(thread), "ID",
     "only the thread of this message: what it began with, and the replies", NULL, 0},
    {0},
};

const struct cli_option cli_thread_options[] = {
    {"in", 0, CLI_STRING, CLI_AT(in), "CONV", "in this conversation: a handle or #room", NULL, 0},
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "the last N", NULL, 0},
    {"before", 0, CLI_COUNT, CLI_AT(before), "SEQ", "only what came before this message", NULL, 0},
    {0},
};

const struct cli_option cli_search_options[] = {
    {"in", 0, CLI_STRING, CLI_AT(in), "CONV", "in this conversation: a handle or #room", NULL, 0},
    {"from", 0, CLI_STRING, CLI_AT(from), "HANDLE", "only what HANDLE wrote", NULL, 0},
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "at most N messages; else 20", NULL, 0},
    {0},
};

/* With a link of its own; tells which names are near those that nobody has. */
static int history_run(struct past *past, int (*print)(struct past *past)) {
    const struct cli_options *options = past->options;
    int code = cli_request_open(&past->link, options);
    if (code != CLI_DONE)
        return code;
    code = print(past);
    if (code == CLI_NO_NAME && past->conv)
        near_tell(options, past->conv);
    if (code == CLI_NO_NAME && past->from)
        near_tell(options, past->from);
    earshot_close(past->link);
    return code;
}

/* To somebody who reads along. */
static void history_tell_more(const struct cli_options *options, uint64_t first, const char *conv) {
    bool is_room = conv && conv[0] == '#';
    cli_remark(options,
               "the last %d; -n N shows more, --before %llu what was before them, and "
               "`earshot history%s%s%s%s | less` all",
               HISTORY_DEFAULT, (unsigned long long)first, conv ? " " : "", is_room ? "'" : "",
               conv ? conv : "", is_room ? "'" : "");
}

static int history_thread(const struct cli_options *options, const char *conv, const char *id) {
    struct past past = {.options = options,
                        .conv = conv,
                        .before = options->before,
                        .n = options->limit,
                        .thread = id};
    int code = words_check_id(options, id);
    if (code == CLI_DONE && conv)
        code = words_check_name(options, conv);
    if (code == CLI_DONE)
        code = history_run(&past, past_print_thread);
    if (code == CLI_DONE && past.n_printed == 0)
        cli_remark(options, "there is no message %s%s%s; a room that you are not in is to be named",
                   id, conv ? " in " : "", conv ? conv : "");
    return code;
}

int cli_thread(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return history_thread(options, options->in, words[0]);
}

int cli_history(const struct cli_options *options, int n_words, char **words) {
    if (n_words > 0)
        words_take_conv(words[0]);
    if (options->thread)
        return options->since != CLI_NOT_GIVEN
                   ? cli_fail(options, OUTCOME_USAGE,
                              "history: --thread and --after cannot be combined; leave one out")
                   : history_thread(options, n_words > 0 ? words[0] : NULL, options->thread);
    bool has_after = options->since != CLI_NOT_GIVEN;
    struct past past = {
        .options = options,
        .conv = n_words > 0 ? words[0] : NULL,
        .before = options->before,
        .after = has_after ? options->since : 0,
        .n = options->limit,
        .newest = !has_after,
    };
    int code = past.conv ? words_check_name(options, past.conv) : CLI_DONE;
    bool is_read = cli_has_reader(options) && isatty(STDOUT_FILENO);
    bool is_page = past.n == 0 && past.newest && !options->json && (past.conv || is_read);
    if (is_page)
        past.n = HISTORY_DEFAULT;
    if (code == CLI_DONE)
        code = history_run(&past, past_print);
    if (code == CLI_DONE && is_page && is_read && past.n_printed == HISTORY_DEFAULT)
        history_tell_more(options, past.first_seq, past.conv);
    if (code == CLI_DONE && past.n_printed == 0)
        cli_remark(options, "nothing was said%s%s", past.conv ? " in the conversation " : "",
                   past.conv ? past.conv : "");
    return code;
}

static int search_check(const struct past *past) {
    int code = past->conv ? words_check_name(past->options, past->conv) : CLI_DONE;
    if (code == CLI_DONE && past->from)
        code = words_check_name(past->options, past->from);
    if (code == CLI_DONE)
        code =
            words_check_text(past->options, bytes_of(past->words), SEARCH_BYTES_MAX, "the search");
    if (code == CLI_DONE && !*past->words)
        code = cli_fail(past->options, OUTCOME_USAGE, "search: there is no word to search for");
    return code;
}

int cli_search(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *text = words_join(n_words, words);
    struct past past = {
        .options = options,
        .conv = options->in,
        .n = options->limit ? options->limit : SEARCH_DEFAULT,
        .words = text,
        .from = options->from,
    };
    int code = search_check(&past);
    if (code == CLI_DONE)
        code = history_run(&past, past_print_found);
    if (code == CLI_DONE && past.n_printed == 0)
        cli_remark(options, "nothing was found");
    return code;
}

int cli_forget(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    int code = words_check_name(options, words[0]);
    if (code == CLI_DONE && words[0][0] == '#')
        code = cli_fail(options, FAIL_NOT_PERMITTED,
                        "%s is a room: what is said there belongs to all its members; only a "
                        "conversation with a handle can be forgotten",
                        words[0]);
    if (code == CLI_DONE)
        code = cli_request_make(options, earshot_forget, words[0]);
    if (code == CLI_NO_NAME)
        near_tell(options, words[0]);
    return code;
}
