#include "cli/command.h"
#include "cli/near.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

int cli_forget(const struct cli_options *options, int n_words, char **words) {
    uint32_t request = 0;
    earshot *link;
    (void)n_words;
    int code = words_check_name(options, words[0]);
    if (code == CLI_DONE && words[0][0] == '#')
        code = cli_fail(options, CLI_NOT_PERMITTED, "not-permitted",
                        "%s is a room: what is said there belongs to all its members; only a "
                        "conversation with a handle can be forgotten",
                        words[0]);
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_forget(link, words[0], &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    if (code == CLI_NO_NAME)
        near_tell(options, words[0]);
    earshot_close(link);
    return code;
}
