#include <stdlib.h>
#include <strings.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"

const struct cli_option cli_who_options[] = {
    {"all", 'a', CLI_FLAG, CLI_AT(all), NULL, "every handle that the hub knows, here or not", NULL,
     0},
    {0},
};

struct who_users {
    struct cli_user *all;
    size_t n;
};

static void who_add(void *arg, const struct earshot_event *event) {
    struct who_users *users = arg;
    users->all = cli_grow(users->all, users->n, sizeof *users->all);
    users->all[users->n++] = cli_user_of(event);
}

static int who_by_handle(const void *a, const void *b) {
    return strcasecmp(((const struct cli_user *)a)->handle, ((const struct cli_user *)b)->handle);
}

static int who_print(const struct cli_options *options, const struct who_users *users) {
    if (users->n > 1)
        qsort(users->all, users->n, sizeof *users->all, who_by_handle);
    if (options->json)
        for (size_t i = 0; i < users->n; i++)
            json_user(&users->all[i]);
    else if (users->n > 0)
        text_users(options, users->all, users->n);
    else
        cli_remark(options, "nobody is here");
    return cli_flush();
}

static void who_free(struct who_users *users) {
    for (size_t i = 0; i < users->n; i++)
        cli_user_free(&users->all[i]);
    free(users->all);
}

int cli_who(const struct cli_options *options, int n_words, char **words) {
    const char *room = n_words > 0 ? words[0] : NULL;
    if (n_words > 0)
        words_take_conv(words[0]);
    if (room && room[0] != '#')
        return cli_fail(options, OUTCOME_USAGE,
                        "who: \"%s\" is not a room; a room begins with #, as in `earshot who "
                        "'#ops'`",
                        room);
    if (room && options->all)
        return cli_fail(options, OUTCOME_USAGE,
                        "who: --all lists every handle; leave out --all or %s", room);
    enum earshot_list list = options->all ? EARSHOT_HANDLES : EARSHOT_USERS;
    struct who_users users = {0};
    int code = cli_request_list(options, list, room, who_add, &users);
    if (code == CLI_DONE)
        code = who_print(options, &users);
    who_free(&users);
    return code;
}
