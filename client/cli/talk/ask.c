/*
 * Other messages that come while an answer is awaited are passed over: they stay for whoever
 * joins next under this handle.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"

struct question {
    const struct cli_options *options;
    earshot *link;
    const char *to;
    uint64_t old_seq; /* messages up to this one were there before the question */
    char id[EARSHOT_ID_SIZE];
    bool done;
    bool is_wait_told;
};

const struct cli_option cli_ask_options[] = {
    {"reply-to", 0, CLI_STRING, CLI_AT(reply_to), "UUID", "the message that the question answers",
     NULL, 0},
    {0},
};

/* Who was asked may answer: the handle, whoever is in the room there or to us alone. */
static bool ask_may_answer(const struct question *ask, const struct earshot_event *event) {
    bool asked_room = ask->to[0] == '#';
    if (asked_room && event->message.conv[0] != '#')
        return !event->message.mine;
    return words_same_name(asked_room ? event->message.conv : event->message.from, ask->to);
}

/* A reply to something else is somebody else's answer. */
static bool ask_is_answer(const struct question *ask, const struct earshot_event *event) {
    if (event->message.reply_to[0])
        return strcmp(event->message.reply_to, ask->id) == 0 && ask_may_answer(ask, event);
    return !event->message.mine && event->message.seq > ask->old_seq &&
           words_same_name(event->message.conv, ask->to);
}

/* For "$(earshot ask ...)" the answer is its text, and nothing else. */
static void ask_print(const struct question *ask, const struct earshot_event *event) {
    if (ask->options->json || isatty(STDOUT_FILENO))
        cli_print_message(ask->options, event);
    else
        text_bare(event);
}

static int ask_take_message(struct question *ask, const struct earshot_event *event) {
    if (!ask_is_answer(ask, event)) {
        if (!event->message.mine)
            earshot_pass_over(ask->link, event);
        return CLI_DONE;
    }
    ask_print(ask, event);
    int code = cli_flush();
    if (code == CLI_DONE)
        earshot_mark_read(ask->link, event);
    ask->done = true;
    return code;
}

static void ask_note_old(struct question *ask) {
    struct earshot_hub_info hub;
    earshot_hub(ask->link, &hub);
    if (hub.seq < ask->old_seq)
        ask->old_seq = hub.seq; /* the hub came back and has forgotten */
}

/* Once, to a person: why nothing happens. */
static void ask_tell_wait(struct question *ask) {
    if (ask->is_wait_told || ask->done || !cli_has_reader(ask->options))
        return;
    ask->is_wait_told = true;
    struct earshot_hub_info hub;
    earshot_hub(ask->link, &hub);
    cli_remark(ask->options,
               "waiting for %s%s%s to answer (/reply in the window, or earshot send %s TEXT); "
               "Ctrl-C ends it, and the answer comes to the next window then",
               ask->to[0] == '#' ? "somebody in " : "", ask->to,
               near_presence_text(ask->options, ask->to), ask->to[0] == '#' ? ask->to : hub.handle);
}

static int ask_take(void *arg, const struct earshot_event *event) {
    struct question *ask = arg;
    switch (event->type) {
    case EARSHOT_EVENT_EDITED:
    case EARSHOT_EVENT_REMOVED:
    case EARSHOT_EVENT_REACTION:
        earshot_pass_over(ask->link, event);
        return CLI_DONE;
    case EARSHOT_EVENT_MESSAGE:
        return ask_take_message(ask, event);
    case EARSHOT_EVENT_STATE:
        ask_tell_wait(ask);
        return CLI_DONE;
    case EARSHOT_EVENT_REFUSED:
        return near_fail_refused(ask->options, event);
    case EARSHOT_EVENT_FAILED:
        return cli_take_failed(ask->options, event);
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        if (event->type == EARSHOT_EVENT_BACK)
            ask_note_old(ask);
        cli_tell_hub(ask->options, event, "waiting for it to come back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

static int ask_fail_late(const struct question *ask) {
    if (earshot_n_unacknowledged(ask->link) > 0)
        return cli_fail(ask->options, FAIL_TIMED_OUT,
                        "the hub did not acknowledge the message within %g s; try again",
                        cli_limit_seconds());
    return cli_fail(ask->options, FAIL_TIMED_OUT,
                    "%s has the message, or will get it, but did not answer within %g s; the "
                    "answer will come to `earshot tail`",
                    ask->to, cli_limit_seconds());
}

static int ask_wait(struct question *ask) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !ask->done) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return ask_fail_late(ask);
        code = cli_take_next(ask->link, ask->options, -1, ask_take, ask);
    }
    return code;
}

static int ask_put(struct question *ask, const char *text) {
    struct earshot_hub_info hub;
    struct earshot_message message = {
        .to = ask->to,
        .text = text,
        .text_n = strlen(text),
        .reply_to = ask->options->reply_to,
        .flags = EARSHOT_ACK_NOW,
    };
    uint32_t request;
    if (message.reply_to)
        message.has_author =
            cli_request_author(ask->link, ask->options, ask->to, message.reply_to, &message.author);
    int result = EARSHOT_OK;
    earshot_hub(ask->link, &hub);
    ask->old_seq = hub.seq;
    if (ask->to[0] == '#')
        result = earshot_join(ask->link, ask->to, true, &request);
    if (result == EARSHOT_OK)
        result = earshot_send(ask->link, &message, ask->id);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(ask->options, ask->link, result);
}

static int ask_run(const struct cli_options *options, const char *to, const char *text) {
    struct question ask = {.options = options, .to = to};
    cli_limit_start(options->timeout_ms);
    int code = cli_open(&ask.link, options, EARSHOT_LISTEN | EARSHOT_RECONNECT);
    if (code == CLI_DONE)
        code = ask_put(&ask, text);
    if (code == CLI_DONE)
        code = ask_wait(&ask);
    earshot_close(ask.link);
    return code;
}

int cli_ask(const struct cli_options *options, int n_words, char **words) {
    char *text = words_join(n_words - 1, words + 1);
    int code = words_check_name(options, words[0]);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(text), EARSHOT_TEXT_MAX, "the message");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, FAIL_BAD_TEXT, "the message is empty; give a TEXT");
    if (code == CLI_DONE)
        code = ask_run(options, words[0], text);
    free(text);
    return code;
}
