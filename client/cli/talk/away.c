/* `away` and `back`. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/frame.h"

/* reason NULL: back */
static int away_change(const struct cli_options *options, const char *reason) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_away(link, reason, &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    earshot_close(link);
    return code;
}

int cli_away(const struct cli_options *options, int n_words, char **words) {
    char *reason = words_join(n_words, words);
    int code = words_check_text(options, bytes_of(reason), AWAY_BYTES_MAX, "the reason");
    if (code == CLI_DONE)
        code = away_change(options, reason);
    free(reason);
    return code;
}

int cli_back(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    return away_change(options, NULL);
}
