/* `pin`, `unpin` and `pins`; `star`, `unstar` and `stars`. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"

#define PINS_SAME_ID_MAX 100 /* messages of others under one id that are looked at */

const struct cli_option cli_pin_options[] = {
    {"in", 0, CLI_STRING, CLI_AT(in), "CONV", "in this conversation: a handle or #room", NULL, 0},
    {"from", 0, CLI_STRING, CLI_AT(from), "HANDLE", "it is the message of HANDLE with this ID",
     NULL, 0},
    {0},
};

/* An id is its user's own, so the hub is told whose message is meant. */
struct pin_search {
    const struct cli_options *options;
    uid_t author;
    unsigned n;
};

static void pin_note_author(void *arg, const struct earshot_event *event) {
    struct pin_search *search = arg;
    const char *from = search->options->from;
    if (from && !words_same_name(event->message.from, from))
        return;
    search->author = event->message.uid;
    search->n++;
}

static int pin_find_author(earshot *link, struct pin_search *search, const char *id) {
    const struct cli_options *options = search->options;
    uint32_t request = 0;
    int result = earshot_find(link, options->in, id, false, 0, PINS_SAME_ID_MAX, &request);
    int code = cli_request_wait(link, options, result, request, pin_note_author, search);
    if (code == CLI_DONE && search->n == 0)
        return cli_fail(options, FAIL_NOT_PERMITTED,
                        "there is no message %s that you may read; of a room that you are not in "
                        "name it: --in '#ROOM'",
                        id);
    if (code == CLI_DONE && search->n > 1)
        return cli_fail(options, OUTCOME_USAGE,
                        "%u messages have the id %s; say whose is meant: --from HANDLE, or where: "
                        "--in CONV",
                        search->n, id);
    return code;
}

static int pin_do(const struct cli_options *options, const char *id, enum earshot_pin_what what) {
    struct pin_search search = {.options = options};
    earshot *link = NULL;
    uint32_t request = 0;
    int code = words_check_id(options, id);
    if (code == CLI_DONE && options->in)
        code = words_check_name(options, options->in);
    if (code == CLI_DONE && options->from)
        code = words_check_name(options, options->from);
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code == CLI_DONE)
        code = pin_find_author(link, &search, id);
    if (code == CLI_DONE) {
        int result = earshot_pin(link, id, search.author, what, &request);
        code = cli_request_wait(link, options, result, request, NULL, NULL);
    }
    if (code == CLI_NO_NAME && options->in)
        near_tell(options, options->in);
    earshot_close(link);
    return code;
}

int cli_pin(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return pin_do(options, words[0], EARSHOT_PIN);
}

int cli_unpin(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return pin_do(options, words[0], EARSHOT_UNPIN);
}

int cli_star(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return pin_do(options, words[0], EARSHOT_STAR);
}

int cli_unstar(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    return pin_do(options, words[0], EARSHOT_UNSTAR);
}

/* Listing. */

struct pin_list {
    const struct cli_options *options;
    earshot *link;
    const char *conv; /* NULL: all */
    bool are_stars;
    char by[NAME_BYTES_MAX + 1]; /* of the message that comes next, */
    int64_t at_ms;
    uint64_t last; /* of the page; 0: it was empty */
    uint64_t n;
};

static void pins_take(void *arg, const struct earshot_event *event) {
    struct pin_list *list = arg;
    if (event->type == EARSHOT_EVENT_PINNED) {
        snprintf(list->by, sizeof list->by, "%s", event->pinned.by);
        list->at_ms = event->pinned.at_ms;
        return;
    }
    list->last = event->message.seq;
    list->n++;
    if (list->options->json)
        json_pinned(event, list->are_stars ? NULL : list->by, list->at_ms);
    else
        text_pinned(list->options, event, list->are_stars ? NULL : list->by, list->at_ms);
}

static int pins_print(struct pin_list *list) {
    int (*ask)(earshot *, const char *, uint64_t, unsigned, uint32_t *) =
        list->are_stars ? earshot_stars : earshot_pins;
    int code = CLI_DONE;
    do {
        uint32_t request = 0;
        uint64_t before = list->last;
        list->last = 0;
        int result = ask(list->link, list->conv, before, EARSHOT_PAGE_MAX, &request);
        code = cli_request_wait(list->link, list->options, result, request, pins_take, list);
        int closed = cli_flush();
        if (code == CLI_DONE)
            code = closed;
    } while (code == CLI_DONE && list->last > 0);
    return code;
}

static int pins_list(struct pin_list *list) {
    const struct cli_options *options = list->options;
    int code = list->conv ? words_check_name(options, list->conv) : CLI_DONE;
    if (code == CLI_DONE)
        code = cli_request_open(&list->link, options);
    if (code == CLI_DONE)
        code = pins_print(list);
    if (code == CLI_NO_NAME && list->conv)
        near_tell(options, list->conv);
    if (code == CLI_DONE && list->n == 0)
        cli_remark(options, "nothing is %s%s%s", list->are_stars ? "starred" : "pinned",
                   list->conv ? " in " : "", list->conv ? list->conv : "");
    earshot_close(list->link);
    return code;
}

int cli_pins(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    words_take_conv(words[0]);
    return pins_list(&(struct pin_list){.options = options, .conv = words[0]});
}

int cli_stars(const struct cli_options *options, int n_words, char **words) {
    if (n_words > 0)
        words_take_conv(words[0]);
    return pins_list(&(struct pin_list){
        .options = options, .conv = n_words > 0 ? words[0] : NULL, .are_stars = true});
}
