#include "cli/command.h"
#include "cli/near.h"
#include "cli/past/past.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

#define HISTORY_LINES 20 /* for people, of one conversation */
#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_history_options[] = {
    {"limit", 'n', CLI_COUNT, AT(limit), "N", "the last N; with --after, the first N", NULL, 0},
    {"before", 0, CLI_COUNT, AT(before), "SEQ", "only what came before this message", NULL, 0},
    {"after", 0, CLI_SEQ, AT(since), "SEQ", "only what came after this message", NULL, 0},
    {0},
};

int cli_history(const struct cli_options *options, int n_words, char **words) {
    struct past past = {
        .options = options,
        .conv = n_words > 0 ? words[0] : NULL,
        .before = options->before,
        .after = options->since == CLI_NOT_GIVEN ? 0 : options->since,
        .n = options->limit,
        .newest = options->since == CLI_NOT_GIVEN,
    };
    int code = past.conv ? words_check_name(options, past.conv) : CLI_DONE;
    if (code != CLI_DONE)
        return code;
    if (past.n == 0 && past.newest && past.conv && !options->json)
        past.n = HISTORY_LINES;
    code = cli_request_open(&past.link, options);
    if (code != CLI_DONE)
        return code;
    code = past_print(&past);
    if (code == CLI_NO_NAME)
        near_tell(options, past.conv);
    if (code == CLI_DONE && past.n_printed == 0)
        cli_remark(options, "nothing was said%s%s", past.conv ? " in the conversation " : "",
                   past.conv ? past.conv : "");
    earshot_close(past.link);
    return code;
}
