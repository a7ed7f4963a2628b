#include "cli/talk/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/words.h"

#define BUFFER_BYTES (4 * EARSHOT_TEXT_MAX)
#define UTF8_BYTES_MAX 4
#define ACKNOWLEDGE_MS 30000 /* the time limit for the last lines, once input has ended */

struct lines {
    struct sending *sending;
    char **to;
    size_t n_to;
    char *data; /* what was read and not yet sent */
    size_t n;
    char *mended; /* room for a buffer of bytes that are no text */
    unsigned long long n_lines, n_mended, n_cut;
    bool goes_on;           /* the beginning of this line was sent already */
    bool is_mended, is_cut; /* this line */
    bool ended;
};

static int lines_put(struct lines *lines, struct bytes text) {
    int code = CLI_DONE;
    for (size_t i = 0; code == CLI_DONE && i < lines->n_to; i++)
        code = sending_put(lines->sending, lines->to[i], text, true);
    return code;
}

/* --strict: what is not text ends the reading. */
static int lines_put_strictly(struct lines *lines, struct bytes line) {
    char what[48];
    snprintf(what, sizeof what, "line %llu", lines->n_lines + 1);
    int code = words_check_text(lines->sending->options, line, EARSHOT_TEXT_MAX, what);
    return code == CLI_DONE ? lines_put(lines, line) : code;
}

/* In as many messages as it takes, with what is no text shown as what it is. */
static int lines_put_mended(struct lines *lines, struct bytes line) {
    size_t n_changed = 0;
    struct bytes rest = line;
    bool is_valid = text_is_valid(line);
    if (!is_valid)
        rest = (struct bytes){lines->mended, text_repair(lines->mended, line, &n_changed)};
    lines->is_mended |= n_changed > 0;
    lines->is_cut |= rest.n > EARSHOT_TEXT_MAX;
    int code = CLI_DONE;
    do {
        size_t n = text_cut(rest, EARSHOT_TEXT_MAX);
        code = lines_put(lines, (struct bytes){rest.data, n});
        rest = (struct bytes){rest.data + n, rest.n - n};
    } while (code == CLI_DONE && rest.n > 0);
    return code;
}

static int send_line(struct lines *lines, struct bytes line) {
    return lines->sending->options->strict ? lines_put_strictly(lines, line)
                                           : lines_put_mended(lines, line);
}

/* A line that has not ended, and is longer than a message: what fits into one goes. */
static int send_beginning(struct lines *lines, struct bytes *rest) {
    size_t n = text_cut(*rest, EARSHOT_TEXT_MAX);
    int code = send_line(lines, (struct bytes){rest->data, n});
    lines->goes_on = lines->is_cut = true;
    *rest = (struct bytes){rest->data + n, rest->n - n};
    return code;
}

/* What is left without a newline: it goes at the end of input, or when it is too long to wait. */
static int send_rest(struct lines *lines, struct bytes rest) {
    int code = CLI_DONE;
    if (lines->sending->options->strict && rest.n > EARSHOT_TEXT_MAX)
        return send_line(lines, rest);
    while (code == CLI_DONE && rest.n > EARSHOT_TEXT_MAX + UTF8_BYTES_MAX)
        code = send_beginning(lines, &rest);
    if (code == CLI_DONE && lines->ended && rest.n > 0)
        return send_line(lines, rest);
    memmove(lines->data, rest.data, rest.n);
    lines->n = rest.n;
    return code;
}

static void line_end(struct lines *lines) {
    lines->n_lines++;
    lines->n_mended += lines->is_mended;
    lines->n_cut += lines->is_cut;
    lines->goes_on = lines->is_mended = lines->is_cut = false;
}

/* Sends the whole lines in the buffer; stops at the first that is refused. */
static int send_buffer(struct lines *lines) {
    char *at = lines->data, *end = at + lines->n, *newline;
    int code = CLI_DONE;
    while (code == CLI_DONE && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (newline > at || !lines->goes_on) /* else all of it has gone */
            code = send_line(lines, (struct bytes){at, (size_t)(newline - at)});
        line_end(lines);
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
static int lines_pump(struct lines *lines) {
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

static int lines_finish(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    int limit = options->wait <= EARSHOT_STORED ? ACKNOWLEDGE_MS : -1;
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : limit);
    return sending_finish(lines->sending);
}

/* Once, at the end. */
static void tell_changes(const struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    if (lines->n_mended > 0)
        cli_remark(options,
                   "%llu line%s had bytes that are not UTF-8, or NULs; these were sent as <E9>, "
                   "<00>, ... (--strict ends at such a line)",
                   lines->n_mended, lines->n_mended == 1 ? "" : "s");
    if (lines->n_cut > 0)
        cli_remark(options,
                   "%llu line%s longer than %d bytes and went as several messages (--strict ends "
                   "at such a line)",
                   lines->n_cut, lines->n_cut == 1 ? " was" : "s were", EARSHOT_TEXT_MAX);
}

int lines_send(struct sending *sending, char **to, size_t n_to) {
    struct lines lines = {.sending = sending, .to = to, .n_to = n_to};
    lines.data = cli_allocate(BUFFER_BYTES);
    lines.mended = cli_allocate(TEXT_REPAIRED_MAX(BUFFER_BYTES));
    sending->is_stream = true;
    int code = CLI_DONE;
    while (code == CLI_DONE && sending->code == CLI_DONE && !lines.ended)
        code = lines_pump(&lines);
    line_end(&lines); /* the last one may lack its newline */
    free(lines.data);
    free(lines.mended);
    tell_changes(&lines);
    /* Bad input ends the reading, not the messages before it. */
    if (code == CLI_DONE || code == CLI_DATA) {
        int finished = lines_finish(&lines);
        code = code != CLI_DONE ? code : finished;
    }
    return code;
}
