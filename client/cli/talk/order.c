/* Order among people: `mute`, `unmute`, `ban`, `unban`, `kick` and `limit`, of the hub as a whole.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macro.h"
#include "cli/commands.h"
#include "cli/near.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

#define ORDER_HUB "@hub" /* which no handle can be called */

const struct cli_option cli_mute_options[] = {
    {"for", 0, CLI_STRING, CLI_AT(span), "TIME", "only for so long: 90s, 10m, 2h, 7d", NULL, 0},
    {"reason", 0, CLI_STRING, CLI_AT(reason), "TEXT", "what is told to who is concerned", NULL, 0},
    {0},
};

const struct cli_option cli_kick_options[] = {
    {"reason", 0, CLI_STRING, CLI_AT(reason), "TEXT", "what is told to who is concerned", NULL, 0},
    {0},
};

static int order_check_place(const struct cli_options *options, const char *word) {
    if (strcmp(word, ORDER_HUB) == 0)
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE,
                    "\"%s\" is not %s, the hub as a whole, where its administrators keep order",
                    word, ORDER_HUB);
}

/* A number is a uid, whoever is called so. */
static int order_check_whom(const struct cli_options *options, const char *word,
                            struct earshot_order *order) {
    char *end;
    bool is_number = *word && word[strspn(word, "0123456789")] == '\0';
    unsigned long long uid = is_number ? strtoull(word, &end, 10) : 0;
    if (!is_number) {
        order->handle = word;
        return words_check_name(options, word);
    }
    order->uid = (uid_t)uid;
    if (strlen(word) <= 10 && uid < UINT32_MAX)
        return CLI_DONE;
    return cli_fail(options, FAIL_BAD_NAME, "\"%s\" is no uid: it is too great", word);
}

static int order_take_span(const struct cli_options *options, struct earshot_order *order) {
    static const char units[] = "smhd";
    static const uint64_t seconds[] = {1, 60, 3600, 86400};
    char *end;
    if (!options->span)
        return CLI_DONE;
    unsigned long long n = strtoull(options->span, &end, 10);
    const char *unit = *end && !end[1] ? strchr(units, *end) : NULL;
    if (end == options->span || options->span[0] == '-' || !unit || n == 0 || n > 36500)
        return cli_fail(options, OUTCOME_USAGE,
                        "--for cannot be \"%s\"; give a time such as 90s, 10m, 2h or 7d",
                        options->span);
    order->value = n * seconds[unit - units] * 1000;
    return CLI_DONE;
}

static int order_check(const struct cli_options *options, char **words,
                       struct earshot_order *order) {
    int code = order_check_place(options, words[0]);
    if (code == CLI_DONE)
        code = order_check_whom(options, words[1], order);
    if (code == CLI_DONE)
        code = order_take_span(options, order);
    if (code == CLI_DONE && options->reason)
        code =
            words_check_text(options, bytes_of(options->reason), EARSHOT_REASON_MAX, "the reason");
    order->reason = options->reason;
    return code;
}

static int order_make(const struct cli_options *options, const struct earshot_order *order) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_order(link, order, &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    earshot_close(link);
    if (code == CLI_NO_NAME && order->handle)
        near_tell(options, order->handle);
    return code;
}

static int order_run(const struct cli_options *options, char **words,
                     enum earshot_order_what what) {
    struct earshot_order order = {.what = what};
    int code = order_check(options, words, &order);
    return code == CLI_DONE ? order_make(options, &order) : code;
}

int cli_mute(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run(options, words, EARSHOT_MUTE);
}

int cli_unmute(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run(options, words, EARSHOT_UNMUTE);
}

int cli_ban(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run(options, words, EARSHOT_BAN);
}

int cli_unban(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run(options, words, EARSHOT_UNBAN);
}

int cli_kick(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run(options, words, EARSHOT_KICK);
}

int cli_limit(const struct cli_options *options, int n_words, char **words) {
    struct earshot_order order = {.what = EARSHOT_RATE};
    (void)n_words;
    char *end;
    bool is_off = strcmp(words[2], "off") == 0;
    unsigned long long rate = is_off ? 0 : strtoull(words[2], &end, 10);
    int code = order_check(options, words, &order);
    if (code == CLI_DONE && !is_off &&
        (*end || end == words[2] || words[2][0] == '-' || rate == 0 || rate > EARSHOT_RATE_MAX))
        code = cli_fail(options, OUTCOME_USAGE,
                        "\"%s\" is no number of messages a second, from 1 to %d, nor off", words[2],
                        EARSHOT_RATE_MAX);
    order.value = rate;
    return code == CLI_DONE ? order_make(options, &order) : code;
}
