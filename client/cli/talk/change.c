/* What only changes something at the hub: `away`, `back`, `wall` and `release`. */
#include <stdlib.h>

#include "base/macro.h"
#include "cli/commands.h"
#include "cli/near.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/frame.h"

int cli_away(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *reason = words_join(n_words, words);
    int code = words_check_text(options, bytes_of(reason), AWAY_BYTES_MAX, "the reason");
    return code == CLI_DONE ? cli_request_make(options, earshot_away, reason) : code;
}

int cli_back(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    return cli_request_make(options, earshot_away, NULL);
}

int cli_wall(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *text = words_join(n_words, words);
    int code = words_check_text(options, bytes_of(text), EARSHOT_WALL_MAX, "the notice");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, FAIL_BAD_TEXT, "the notice is empty; give a TEXT");
    return code == CLI_DONE ? cli_request_make(options, earshot_wall, text) : code;
}

int cli_release(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    int code = words_check_name(options, words[0]);
    if (code == CLI_DONE)
        code = cli_request_make(options, earshot_release, words[0]);
    if (code == CLI_NO_NAME)
        near_tell(options, words[0]);
    return code;
}
