/* `users`: what everybody uses of the hub. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"

static void users_add(void *arg, const struct earshot_event *event) {
    cli_accounts_add(arg, event->account);
}

int cli_users(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct cli_accounts accounts = {0};
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_accounts(link, true, &request);
    code = cli_request_wait(link, options, result, request, users_add, &accounts);
    earshot_close(link);
    cli_accounts_sort(&accounts);
    if (code == CLI_DONE && options->json)
        for (size_t i = 0; i < accounts.n; i++)
            json_account(&accounts.all[i]);
    else if (code == CLI_DONE)
        text_accounts(options, &accounts);
    cli_accounts_free(&accounts);
    return code == CLI_DONE ? cli_flush() : code;
}
