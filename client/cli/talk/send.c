#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/talk/lines.h"
#include "cli/talk/sending.h"
#include "cli/words.h"

#define SEND_MS 30000 /* the time limit of a message that only has to be stored */

const struct cli_option cli_send_options[] = {
    {"wait", 0, CLI_CHOICE, CLI_AT(wait), "sent|stored|delivered|read", "when to end; else stored",
     cli_state_words, 0},
    {"lines", 0, CLI_FLAG, CLI_AT(lines), NULL, "standard input, each line a message", NULL, 0},
    {"strict", 0, CLI_FLAG, CLI_AT(strict), NULL,
     "--lines: a line that is too long or not UTF-8 ends it, and is not mended", NULL, 0},
    {"id", 0, CLI_STRING, CLI_AT(id), "UUID", "the message's id: makes a repeat harmless", NULL, 0},
    {"reply-to", 0, CLI_STRING, CLI_AT(reply_to), "UUID", "the message that this one answers", NULL,
     0},
    {"action", 0, CLI_SET, CLI_AT(kind), NULL, "what you do: * alice TEXT", NULL, EARSHOT_ACTION},
    {"notice", 0, CLI_SET, CLI_AT(kind), NULL, "a remark that nobody needs to answer", NULL,
     EARSHOT_NOTICE},
    {0},
};

static int check_id(const struct cli_options *options, const char *name, const char *text) {
    struct uuid id;
    if (!text || uuid_from_text(&id, text))
        return CLI_DONE;
    return cli_fail(options, CLI_USAGE, "usage",
                    "--%s cannot be \"%s\"; give a UUID, as uuidgen prints it", name, text);
}

static int send_check_options(const struct cli_options *options, const struct words_list *to,
                              bool has_text) {
    if (options->id && (options->lines || to->n > 1))
        return cli_fail(options, CLI_USAGE, "usage",
                        "--id names one message; leave --lines and further recipients away");
    if (options->strict && !options->lines)
        return cli_fail(options, CLI_USAGE, "usage", "--strict goes with --lines");
    if (options->lines && has_text)
        return cli_fail(options, CLI_USAGE, "usage",
                        "--lines reads standard input; leave TEXT away");
    int code = check_id(options, "id", options->id);
    return code != CLI_DONE ? code : check_id(options, "reply-to", options->reply_to);
}

/* Reads at most `limit` bytes of standard input. */
static int read_input(const struct cli_options *options, char *data, size_t limit, size_t *n) {
    *n = 0;
    while (*n < limit) {
        ssize_t r = read(STDIN_FILENO, data + *n, limit - *n);
        if (r == 0)
            break;
        if (r > 0)
            *n += (size_t)r;
        else if (errno != EINTR)
            return cli_fail(options, CLI_DATA, "bad-text", "cannot read standard input: %s",
                            strerror(errno));
        else if (cli_interrupted())
            return cli_interrupted();
    }
    return CLI_DONE;
}

/* The whole of standard input, less one newline at its end; one byte too many if it is too long. */
static int read_message(const struct cli_options *options, char **text, size_t *n) {
    size_t limit = EARSHOT_TEXT_MAX + 2;
    *text = cli_allocate(limit);
    if (isatty(STDIN_FILENO))
        cli_remark(options, "type the message; Ctrl-D at the start of a line ends it");
    int code = read_input(options, *text, limit, n);
    if (code == CLI_DONE && *n > 0 && (*text)[*n - 1] == '\n')
        (*n)--;
    return code;
}

static int take_text(const struct cli_options *options, int n_words, char **words, char **text,
                     size_t *n) {
    int code = CLI_DONE;
    if (n_words == 0 || (n_words == 1 && strcmp(words[0], "-") == 0)) {
        code = read_message(options, text, n);
    } else {
        *text = words_join(n_words, words);
        *n = strlen(*text);
    }
    if (code == CLI_DONE)
        code =
            words_check_text(options, (struct bytes){*text, *n}, EARSHOT_TEXT_MAX, "the message");
    if (code == CLI_DONE && *n == 0)
        code = cli_fail(options, CLI_DATA, "bad-text", "the message is empty; give a TEXT");
    return code;
}

static int send_one(struct sending *sending, const struct words_list *to, struct bytes text) {
    int code = CLI_DONE;
    for (size_t i = 0; code == CLI_DONE && i < to->n; i++)
        code = sending_put(sending, to->words[i], text, i + 1 < to->n);
    return code == CLI_DONE ? sending_finish(sending) : code;
}

static void start_limit(const struct cli_options *options) {
    bool ends_soon = options->wait <= EARSHOT_STORED && !options->lines;
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : ends_soon ? SEND_MS : -1);
}

/* text.data NULL: the lines of standard input */
static int send_run(const struct cli_options *options, const struct words_list *to,
                    struct bytes text) {
    struct sending sending = {.options = options};
    unsigned flags = options->wait == EARSHOT_SENT && !options->lines ? 0 : EARSHOT_RECONNECT;
    start_limit(options);
    int code = cli_open(&sending.link, options, flags);
    if (code != CLI_DONE)
        return code;
    if (text.data)
        code = send_one(&sending, to, text);
    else
        code = lines_send(&sending, to->words, to->n);
    earshot_close(sending.link);
    sending_free(&sending);
    return code != CLI_DONE ? code : sending.code;
}

int cli_send(const struct cli_options *options, int n_words, char **words) {
    struct words_list to;
    char *text = NULL;
    size_t n = 0;
    bool has_text = n_words > 2 || (n_words == 2 && strcmp(words[1], "-") != 0);
    int code = words_split_names(&to, options, words[0], false);
    if (code == CLI_DONE)
        code = send_check_options(options, &to, has_text);
    if (code == CLI_DONE && !options->lines)
        code = take_text(options, n_words - 1, words + 1, &text, &n);
    if (code == CLI_DONE)
        code = send_run(options, &to, (struct bytes){text, n});
    free(text);
    words_list_free(&to);
    return code;
}
