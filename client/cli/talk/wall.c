#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

int cli_wall(const struct cli_options *options, int n_words, char **words) {
    earshot *link = NULL;
    uint32_t request = 0;
    CLEANUP_FREE char *text = words_join(n_words, words);
    int code = words_check_text(options, bytes_of(text), EARSHOT_WALL_MAX, "the notice");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, CLI_DATA, "bad-text", "the notice is empty; give a TEXT");
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_wall(link, text, &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    earshot_close(link);
    return code;
}
