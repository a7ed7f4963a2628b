#include "cli/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/words.h"

#define BUFFER_BYTES (4 * EARSHOT_TEXT_MAX)
#define ACKNOWLEDGE_MS 30000 /* the time limit for the last lines, once input has ended */

struct lines {
    struct sending *sending;
    char **to;
    size_t n_to;
    char *data; /* what was read and not yet sent */
    size_t n;
    unsigned long long n_lines;
    bool ended;
};

static int send_line(struct lines *lines, struct bytes line) {
    char what[48];
    snprintf(what, sizeof what, "line %llu", ++lines->n_lines);
    int code = words_check_text(lines->sending->options, line, EARSHOT_TEXT_MAX, what);
    for (size_t i = 0; code == CLI_DONE && i < lines->n_to; i++)
        code = sending_put(lines->sending, lines->to[i], line, true);
    return code;
}

/* What is left without a newline: it goes at the end of input, and is an error when too long. */
static int send_rest(struct lines *lines, struct bytes rest) {
    if (rest.n > EARSHOT_TEXT_MAX || (lines->ended && rest.n > 0))
        return send_line(lines, rest);
    memmove(lines->data, rest.data, rest.n);
    lines->n = rest.n;
    return CLI_DONE;
}

/* Sends the whole lines in the buffer; stops at the first that is refused. */
static int send_buffer(struct lines *lines) {
    char *at = lines->data, *end = at + lines->n, *newline;
    int code = CLI_DONE;
    while (code == CLI_DONE && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        code = send_line(lines, (struct bytes){at, (size_t)(newline - at)});
        at = newline + 1;
        if (lines->sending->code != CLI_DONE)
            return code;
    }
    return code != CLI_DONE ? code : send_rest(lines, (struct bytes){at, (size_t)(end - at)});
}

static int read_more(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    for (;;) {
        ssize_t r = read(STDIN_FILENO, lines->data + lines->n, BUFFER_BYTES - lines->n);
        if (r >= 0) {
            lines->n += (size_t)r;
            lines->ended = r == 0;
            return CLI_DONE;
        }
        if (errno != EINTR)
            return cli_fail(options, CLI_DATA, "bad-text", "cannot read standard input: %s",
                            strerror(errno));
        if (cli_interrupted())
            return cli_interrupted();
    }
}

/* The time limit is for the hub: it does not run while we wait for input. */
static int pump(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    cli_limit_stop();
    int code = read_more(lines);
    if (code != CLI_DONE)
        return code;
    cli_limit_start(options->timeout_ms);
    code = send_buffer(lines);
    int flushed = sending_flush(lines->sending);
    return code != CLI_DONE ? code : flushed;
}

static int finish(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    int limit = options->wait <= EARSHOT_STORED ? ACKNOWLEDGE_MS : -1;
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : limit);
    return sending_finish(lines->sending);
}

int lines_send(struct sending *sending, char **to, size_t n_to) {
    struct lines lines = {.sending = sending, .to = to, .n_to = n_to};
    lines.data = cli_allocate(BUFFER_BYTES);
    sending->is_stream = true;
    int code = CLI_DONE;
    while (code == CLI_DONE && sending->code == CLI_DONE && !lines.ended)
        code = pump(&lines);
    free(lines.data);
    /* Bad input ends the reading, not the messages before it. */
    if (code == CLI_DONE || code == CLI_DATA) {
        int finished = finish(&lines);
        code = code != CLI_DONE ? code : finished;
    }
    return code;
}
