/* Order among people: `mute`, `unmute`, `ban`, `unban` and `kick`, on the hub as a whole or in a
 * room; `limit` there, and `op` and `deop` here. */
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

static bool order_is_of_hub(const char *word) {
    return strcmp(word, ORDER_HUB) == 0;
}

static int order_check_hub(const struct cli_options *options, const char *word) {
    if (order_is_of_hub(word))
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
    if (!options->span || words_take_span(options->span, &order->value))
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE,
                    "--for cannot be \"%s\"; give a time such as 90s, 10m, 2h or 7d",
                    options->span);
}

static int order_check(const struct cli_options *options, char **words,
                       struct earshot_order *order) {
    int code = order_is_of_hub(words[0]) ? CLI_DONE : words_check_room(options, words[0]);
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

static int order_make(const struct cli_options *options, const char *place, unsigned what,
                      const struct earshot_order *order) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = order_is_of_hub(place) ? earshot_order(link, order, &request)
                                        : earshot_govern(link, place, what, order, &request);
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
    return code == CLI_DONE ? order_make(options, words[0], what, &order) : code;
}

static int order_run_operator(const struct cli_options *options, char **words, unsigned what) {
    struct earshot_order order = {0};
    int code = words_check_room(options, words[0]);
    if (code == CLI_DONE)
        code = order_check(options, words, &order);
    return code == CLI_DONE ? order_make(options, words[0], what, &order) : code;
}

int cli_op(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run_operator(options, words, EARSHOT_MAKE_OPERATOR);
}

int cli_deop(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return order_run_operator(options, words, EARSHOT_NO_OPERATOR);
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
    int code = order_check_hub(options, words[0]);
    if (code == CLI_DONE)
        code = order_check(options, words, &order);
    if (code == CLI_DONE && !is_off &&
        (*end || end == words[2] || words[2][0] == '-' || rate == 0 || rate > EARSHOT_RATE_MAX))
        code = cli_fail(options, OUTCOME_USAGE,
                        "\"%s\" is no number of messages a second, from 1 to %d, nor off", words[2],
                        EARSHOT_RATE_MAX);
    order.value = rate;
    return code == CLI_DONE ? order_make(options, words[0], EARSHOT_RATE, &order) : code;
}
