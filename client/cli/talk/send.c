/*
 * `send`: messages on their way, and how far each one has come.
 *
 * Single messages are followed only where somebody wants to know about them: with --json, or to
 * wait for delivery. Else the library's count of unacknowledged messages is enough.
 *
 * Functions return an exit code after reporting the error, or CLI_CLOSED. A refused message is no
 * error of theirs: it is reported and leaves its exit code in sending->code.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/head.h"
#include "proto/name.h"

/*
 * Receipts that a sender does not take in time are dropped by the hub, so no more messages than
 * this are under way to where --wait delivered or read wants to see them.
 */
#define SENDING_RECEIPTS_MAX 128
#define SEND_MS 30000 /* the time limit of a message that only has to be stored */
#define BUFFER_BYTES (4 * EARSHOT_TEXT_MAX)
#define UTF8_BYTES_MAX 4
#define UNSENT_BYTES_MAX (16 << 20) /* of input that is read only to count its lines */
#define ACKNOWLEDGE_MS 30000        /* the time limit for the last lines, once input has ended */

const struct cli_option cli_send_options[] = {
    {"wait", 0, CLI_CHOICE, CLI_AT(wait), "sent|stored|delivered|read", "when to end; else stored",
     cli_state_words, 0},
    {"together", 0, CLI_FLAG, CLI_AT(together), NULL,
     "to the direct conversation of all in TO, and not to each of them", NULL, 0},
    {"lines", 0, CLI_FLAG, CLI_AT(lines), NULL, "standard input, each line a message", NULL, 0},
    {"strict", 0, CLI_FLAG, CLI_AT(strict), NULL,
     "--lines: a line that is too long or not UTF-8 ends it, and is not mended", NULL, 0},
    {"id", 0, CLI_STRING, CLI_AT(id), "UUID", "the message's id: makes a repeat harmless", NULL, 0},
    {"reply-to", 0, CLI_STRING, CLI_AT(reply_to), "UUID", "the message that this one answers", NULL,
     0},
    {"edit", 0, CLI_STRING, CLI_AT(edit), "UUID", "the message of yours whose text this is now",
     NULL, 0},
    {"title", 0, CLI_STRING, CLI_AT(title), "TITLE", "a line above the text", NULL, 0},
    {"priority", 0, CLI_CHOICE, CLI_AT(priority), "min|low|default|high|max",
     "how urgent it is: who it rings for", head_words, 0},
    {"action", 0, CLI_SET, CLI_AT(kind), NULL, "what you do: * alice TEXT", NULL, EARSHOT_ACTION},
    {"notice", 0, CLI_SET, CLI_AT(kind), NULL, "a remark that nobody needs to answer", NULL,
     EARSHOT_NOTICE},
    {0},
};

struct sending_item {
    struct cli_sent sent;
    bool stored; /* acknowledged by the hub; a receipt can be faster than this */
    bool done;   /* printed, or refused */
};

struct sending {
    const struct cli_options *options;
    earshot *link;
    struct sending_item *items;
    size_t n_items, first_open; /* every item before first_open is done */
    size_t n_open;              /* items that are not done */
    bool is_stream;             /* of many messages: only the first refusal is reported singly */
    unsigned long long n_refused;
    size_t n_sent;
    char id[EARSHOT_ID_SIZE]; /* of the last one sent */
    bool lost;                /* the hub is gone just now */
    int code;                 /* of the first message that was refused */
    uid_t author;             /* of what is answered, */
    bool has_author;          /* if that is known */
};

static bool sending_follows_each(const struct sending *sending) {
    return sending->options->json || sending->options->wait >= EARSHOT_DELIVERED;
}

static unsigned sending_flags(const struct cli_options *options, bool more) {
    unsigned flags = EARSHOT_MAKE_ROOM | (more ? EARSHOT_CORK : 0);
    if (options->wait >= EARSHOT_STORED && !more)
        flags |= EARSHOT_ACK_NOW;
    if (options->wait >= EARSHOT_STORED && options->json)
        flags |= EARSHOT_WANT_SEQ;
    if (options->wait >= EARSHOT_DELIVERED)
        flags |= EARSHOT_WANT_RECEIPT;
    return flags;
}

static int sending_print(struct sending *sending, struct sending_item *item) {
    item->done = true;
    sending->n_open--;
    if (!sending->options->json)
        return CLI_DONE;
    json_sent(&item->sent);
    return cli_flush();
}

/* Whether it has come as far as it should. */
static bool sending_has_arrived(const struct sending *sending, const struct sending_item *item) {
    int wait = sending->options->wait;
    return wait == EARSHOT_SENT || (item->stored && (int)item->sent.state >= wait);
}

static int sending_update(struct sending *sending, struct sending_item *item,
                          const struct earshot_event *event, bool named) {
    if (item->done)
        return CLI_DONE;
    if (named && event->state.seq)
        item->sent.seq = event->state.seq;
    if (event->state.state > item->sent.state)
        item->sent.state = event->state.state;
    item->stored |= event->state.state == EARSHOT_STORED;
    if (!sending_has_arrived(sending, item))
        return CLI_DONE;
    /* Receipts can be faster than the disk: then it has come further than was asked for. */
    if ((int)item->sent.state > sending->options->wait)
        item->sent.state = (enum earshot_state)sending->options->wait;
    return sending_print(sending, item);
}

static void sending_skip_done(struct sending *sending) {
    while (sending->first_open < sending->n_items && sending->items[sending->first_open].done)
        sending->first_open++;
}

/* The index of the open item with this id; n_items when there is none. */
static size_t sending_find(const struct sending *sending, const char *id) {
    size_t i = sending->first_open;
    while (i < sending->n_items && strcmp(sending->items[i].sent.id, id) != 0)
        i++;
    return i;
}

static int sending_take_state(struct sending *sending, const struct earshot_event *event) {
    size_t last = sending_find(sending, event->state.id);
    if (last == sending->n_items)
        return CLI_DONE;
    int code = CLI_DONE;
    for (size_t i = event->state.up_to ? sending->first_open : last; i <= last; i++) {
        if (code == CLI_DONE)
            code = sending_update(sending, &sending->items[i], event, i == last);
    }
    sending_skip_done(sending);
    return code;
}

static void sending_take_refusal(struct sending *sending, const struct earshot_event *event) {
    size_t i = sending_find(sending, event->failed.id);
    sending->n_refused++;
    if (!sending->is_stream || sending->n_refused == 1) {
        int code = near_fail_refused(sending->options, event);
        if (sending->code == CLI_DONE)
            sending->code = code;
    }
    if (i < sending->n_items && !sending->items[i].done) {
        sending->items[i].done = true;
        sending->n_open--;
    }
    sending_skip_done(sending);
}

static int sending_take(void *arg, const struct earshot_event *event) {
    struct sending *sending = arg;
    switch (event->type) {
    case EARSHOT_EVENT_STATE:
        return sending_take_state(sending, event);
    case EARSHOT_EVENT_REFUSED:
        sending_take_refusal(sending, event);
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        sending->lost = event->type != EARSHOT_EVENT_BACK;
        cli_tell_hub(sending->options, event, "waiting for it to come back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* A signal of ours: the user's, or the time limit. After any other the call is made again. */
static bool sending_is_end(int result) {
    return result != -EINTR || cli_interrupted() || cli_limit_passed();
}

/* Takes the answers that have come. */
static int sending_drain(struct sending *sending) {
    struct earshot_event event;
    int result, code = CLI_DONE;
    while (code == CLI_DONE && (result = earshot_next(sending->link, &event, 0)) == EARSHOT_OK)
        code = sending_take(sending, &event);
    if (code != CLI_DONE || result == EARSHOT_AGAIN || !sending_is_end(result))
        return code;
    return cli_fail_link(sending->options, sending->link, result);
}

/* A call that sends did not succeed. CLI_DONE: it is to be made again. */
static int sending_settle(struct sending *sending, int result) {
    if (result == EARSHOT_AGAIN)
        return sending_drain(sending);
    if (!sending_is_end(result))
        return CLI_DONE;
    return cli_fail_link(sending->options, sending->link, result);
}

static void sending_follow(struct sending *sending, const char *id) {
    sending->items = cli_grow(sending->items, sending->n_items, sizeof *sending->items);
    struct sending_item *item = &sending->items[sending->n_items++];
    *item = (struct sending_item){.sent.state = EARSHOT_SENT};
    sending->n_open++;
    memcpy(item->sent.id, id, EARSHOT_ID_SIZE);
}

/* With --wait sent a message is done as soon as the lane took it. */
static int sending_finish_sent(struct sending *sending) {
    int code = CLI_DONE;
    for (; code == CLI_DONE && sending->first_open < sending->n_items; sending->first_open++)
        code = sending_print(sending, &sending->items[sending->first_open]);
    return code;
}

static int sending_flush(struct sending *sending) {
    int result, code = CLI_DONE;
    while (code == CLI_DONE && (result = earshot_flush(sending->link)) != EARSHOT_OK)
        code = sending_settle(sending, result);
    if (code != CLI_DONE)
        return code;
    if (sending->options->wait == EARSHOT_SENT)
        return sending_finish_sent(sending);
    return sending_drain(sending);
}

/* Nobody knows whether they came. The id, which was made here, makes a repeat harmless. */
static int sending_fail_unknown(const struct sending *sending, unsigned code, const char *what) {
    if (sending->n_sent == 1)
        return cli_fail(sending->options, code,
                        "%s within %g s; the message may have come: to send it again, and not "
                        "twice, add --id %s",
                        what, cli_limit_seconds(), sending->id);
    return cli_fail(sending->options, code,
                    "%s within %g s; the last %zu of %zu messages may have come, or not", what,
                    cli_limit_seconds(), earshot_n_unacknowledged(sending->link), sending->n_sent);
}

/* The time is up: tells how far the messages came. */
static int sending_fail_late(struct sending *sending) {
    const struct cli_options *options = sending->options;
    size_t n_lost = earshot_n_unacknowledged(sending->link);
    for (size_t i = sending->first_open; i < sending->n_items; i++)
        if (!sending->items[i].done)
            sending_print(sending, &sending->items[i]);
    cli_flush();
    if (sending->lost)
        return sending_fail_unknown(sending, FAIL_LOST, "the hub went away and did not come back");
    if (n_lost > 0)
        return sending_fail_unknown(sending, FAIL_TIMED_OUT,
                                    "the hub did not acknowledge what was sent");
    return cli_fail(options, FAIL_TIMED_OUT,
                    "the message is stored and waits for them, but was not %s within %g s",
                    cli_state_words[options->wait], cli_limit_seconds());
}

static size_t sending_n_open(const struct sending *sending) {
    return sending_follows_each(sending) ? sending->n_open
                                         : earshot_n_unacknowledged(sending->link);
}

/* Waits until at most n messages are not as far as --wait says. */
static int sending_wait(struct sending *sending, size_t n) {
    int code = sending_flush(sending);
    while (code == CLI_DONE && sending->options->wait > EARSHOT_SENT &&
           sending_n_open(sending) > n) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return sending_fail_late(sending);
        code = cli_take_next(sending->link, sending->options, -1, sending_take, sending);
    }
    return code;
}

static int sending_put(struct sending *sending, const char *to, struct bytes text, bool more) {
    const struct cli_options *options = sending->options;
    char id[EARSHOT_ID_SIZE];
    struct earshot_message message = {
        .to = to,
        .text = text.data,
        .text_n = text.n,
        .kind = (enum earshot_kind)options->kind,
        .id = options->id,
        .reply_to = options->reply_to,
        .flags = sending_flags(options, more),
        .priority = (enum earshot_priority)(options->priority + EARSHOT_PRIORITY_MIN),
        .title = options->title,
        .author = sending->author,
        .has_author = sending->has_author,
    };
    int result, code = CLI_DONE;
    if (options->wait >= EARSHOT_DELIVERED && sending->n_open >= SENDING_RECEIPTS_MAX)
        code = sending_wait(sending, SENDING_RECEIPTS_MAX / 2);
    while (code == CLI_DONE) {
        result = options->edit ? earshot_edit(sending->link, options->edit, &message, id)
                               : earshot_send(sending->link, &message, id);
        if (result == EARSHOT_OK)
            break;
        code = sending_settle(sending, result);
    }
    if (code != CLI_DONE)
        return code;
    sending->n_sent++;
    memcpy(sending->id, id, sizeof id);
    if (sending_follows_each(sending))
        sending_follow(sending, id);
    return code;
}

static int sending_finish(struct sending *sending) {
    int code = sending_wait(sending, 0);
    if (sending->is_stream && sending->n_refused > 1)
        cli_fail(sending->options, OUTCOME_REFUSED, "%llu messages were refused in all",
                 sending->n_refused);
    return code;
}

static void sending_free(struct sending *sending) {
    free(sending->items);
    sending->items = NULL;
}

/* --lines: each line of standard input is one message. */

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

static int lines_send_line(struct lines *lines, struct bytes line) {
    return lines->sending->options->strict ? lines_put_strictly(lines, line)
                                           : lines_put_mended(lines, line);
}

/* A line that has not ended, and is longer than a message: what fits into one goes. */
static int lines_send_beginning(struct lines *lines, struct bytes *rest) {
    size_t n = text_cut(*rest, EARSHOT_TEXT_MAX);
    int code = lines_send_line(lines, (struct bytes){rest->data, n});
    lines->goes_on = lines->is_cut = true;
    *rest = (struct bytes){rest->data + n, rest->n - n};
    return code;
}

static void lines_keep(struct lines *lines, struct bytes rest) {
    memmove(lines->data, rest.data, rest.n);
    lines->n = rest.n;
}

/* What is left without a newline: it goes at the end of input, or when it is too long to wait. */
static int lines_send_rest(struct lines *lines, struct bytes rest) {
    int code = CLI_DONE;
    if (lines->sending->options->strict && rest.n > EARSHOT_TEXT_MAX)
        return lines_send_line(lines, rest);
    while (code == CLI_DONE && rest.n > EARSHOT_TEXT_MAX + UTF8_BYTES_MAX)
        code = lines_send_beginning(lines, &rest);
    if (code == CLI_DONE && lines->ended && rest.n > 0) {
        code = lines_send_line(lines, rest);
        rest.n = 0;
    }
    lines_keep(lines, rest);
    return code;
}

static void lines_end(struct lines *lines) {
    lines->n_lines++;
    lines->n_mended += lines->is_mended;
    lines->n_cut += lines->is_cut;
    lines->goes_on = lines->is_mended = lines->is_cut = false;
}

/* Sends the whole lines in the buffer; stops at the first that is refused. */
static int lines_send_buffer(struct lines *lines) {
    char *at = lines->data, *end = at + lines->n, *newline;
    int code = CLI_DONE;
    while (code == CLI_DONE && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (newline > at || !lines->goes_on) /* else all of it has gone */
            code = lines_send_line(lines, (struct bytes){at, (size_t)(newline - at)});
        lines_end(lines);
        at = newline + 1;
        if (lines->sending->code != CLI_DONE) {
            lines_keep(lines, (struct bytes){at, (size_t)(end - at)});
            return code;
        }
    }
    return code != CLI_DONE ? code : lines_send_rest(lines, (struct bytes){at, (size_t)(end - at)});
}

static int lines_read(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    for (;;) {
        ssize_t r = read(STDIN_FILENO, lines->data + lines->n, BUFFER_BYTES - lines->n);
        if (r >= 0) {
            lines->n += (size_t)r;
            lines->ended = r == 0;
            return CLI_DONE;
        }
        if (errno != EINTR)
            return cli_fail(options, FAIL_BAD_TEXT, "cannot read standard input: %s",
                            strerror(errno));
        if (cli_interrupted())
            return cli_interrupted();
    }
}

/* The time limit is for the hub: it does not run while we wait for input. */
static int lines_pump(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    cli_limit_stop();
    int code = lines_read(lines);
    if (code != CLI_DONE)
        return code;
    cli_limit_start(options->timeout_ms);
    code = lines_send_buffer(lines);
    int flushed = sending_flush(lines->sending);
    return code != CLI_DONE ? code : flushed;
}

static int lines_finish(struct lines *lines) {
    const struct cli_options *options = lines->sending->options;
    int limit = options->wait <= EARSHOT_STORED ? ACKNOWLEDGE_MS : -1;
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : limit);
    return sending_finish(lines->sending);
}

/* How many lines were changed, once at the end. */
static void lines_tell_changes(const struct lines *lines) {
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

/* The lines that are kept, and those that come without being waited for: *is_all, up to the end. */
static unsigned long long lines_count_unsent(struct lines *lines, bool *is_all) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned long long n = 0;
    bool is_begun = false; /* a line that lacks its newline */
    for (size_t n_read = 0;; n_read += lines->n) {
        for (size_t i = 0; i < lines->n; i++)
            n += lines->data[i] == '\n';
        if (lines->n > 0)
            is_begun = lines->data[lines->n - 1] != '\n';
        lines->n = 0;
        if (lines->ended || n_read > UNSENT_BYTES_MAX || poll(&input, 1, 0) != 1 ||
            lines_read(lines) != CLI_DONE)
            break;
    }
    *is_all = lines->ended;
    return n + is_begun;
}

/* After a refusal: what was left out. */
static void lines_tell_unsent(struct lines *lines, unsigned long long n_sent) {
    const struct cli_options *options = lines->sending->options;
    bool is_all;
    unsigned long long n = lines_count_unsent(lines, &is_all);
    if (n > 0)
        cli_fail(options, OUTCOME_REFUSED, "%s%llu line%s not sent, from line %llu on; send %s",
                 is_all ? "" : "at least ", n, n == 1 ? " was" : "s were", n_sent + 1,
                 n == 1 ? "it again" : "these again");
    else if (!is_all)
        cli_fail(options, OUTCOME_REFUSED, "nothing is sent from line %llu on; begin again there",
                 n_sent + 1);
}

/* Everybody in `to` gets them as they come; lines that come together go together. */
static int lines_send(struct sending *sending, char **to, size_t n_to) {
    struct lines lines = {.sending = sending, .to = to, .n_to = n_to};
    lines.data = cli_allocate(BUFFER_BYTES);
    lines.mended = cli_allocate(TEXT_REPAIRED_MAX(BUFFER_BYTES));
    sending->is_stream = true;
    int code = CLI_DONE;
    while (code == CLI_DONE && sending->code == CLI_DONE && !lines.ended)
        code = lines_pump(&lines);
    bool is_stopped = code == CLI_DONE && sending->code != CLI_DONE;
    unsigned long long n_sent = lines.n_lines;
    lines_end(&lines); /* the last one may lack its newline */
    lines_tell_changes(&lines);
    /* Bad input ends the reading, not the messages before it. */
    if (code == CLI_DONE || code == CLI_DATA) {
        int finished = lines_finish(&lines);
        code = code != CLI_DONE ? code : finished;
    }
    if (is_stopped)
        lines_tell_unsent(&lines, n_sent);
    free(lines.data);
    free(lines.mended);
    return code;
}

/* The command. */

static int send_check_id(const struct cli_options *options, const char *name, const char *text) {
    struct uuid id;
    if (!text || uuid_from_text(&id, text))
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE,
                    "--%s cannot be \"%s\"; give a UUID, as uuidgen prints it", name, text);
}

static int send_check_options(const struct cli_options *options, const struct words_list *to,
                              bool has_text) {
    if (options->id && (options->lines || to->n > 1))
        return cli_fail(options, OUTCOME_USAGE,
                        "--id names one message; leave out --lines and further recipients");
    if (options->edit &&
        (options->lines || options->reply_to || to->n > 1 || options->wait > EARSHOT_STORED))
        return cli_fail(options, OUTCOME_USAGE,
                        "--edit gives one message another text; leave out --lines, --reply-to, "
                        "further recipients and --wait delivered or read");
    if (options->strict && !options->lines)
        return cli_fail(options, OUTCOME_USAGE, "--strict goes with --lines");
    if (options->lines && has_text)
        return cli_fail(options, OUTCOME_USAGE, "--lines reads standard input; leave out TEXT");
    int code = send_check_id(options, "id", options->id);
    if (code == CLI_DONE)
        code = send_check_id(options, "edit", options->edit);
    return code != CLI_DONE ? code : send_check_id(options, "reply-to", options->reply_to);
}

/* Reads at most `limit` bytes of standard input. */
static int send_read_input(const struct cli_options *options, char *data, size_t limit, size_t *n) {
    *n = 0;
    while (*n < limit) {
        ssize_t r = read(STDIN_FILENO, data + *n, limit - *n);
        if (r == 0)
            break;
        if (r > 0)
            *n += (size_t)r;
        else if (errno != EINTR)
            return cli_fail(options, FAIL_BAD_TEXT, "cannot read standard input: %s",
                            strerror(errno));
        else if (cli_interrupted())
            return cli_interrupted();
        else if (cli_limit_passed())
            return cli_fail(options, FAIL_TIMED_OUT,
                            "standard input did not end within %g s; nothing was sent; allow more "
                            "with --timeout",
                            cli_limit_seconds());
    }
    return CLI_DONE;
}

/* What is too long to be sent is read on, only to tell how long it is. */
static int send_count_rest(const struct cli_options *options, size_t *n) {
    char rest[16384];
    size_t n_read = sizeof rest;
    int code = CLI_DONE;
    while (code == CLI_DONE && n_read == sizeof rest && *n < UNSENT_BYTES_MAX) {
        code = send_read_input(options, rest, sizeof rest, &n_read);
        *n += n_read;
    }
    return code;
}

/* The whole of standard input, less one newline at its end. */
static int send_read_message(const struct cli_options *options, char **text, size_t *n) {
    size_t limit = EARSHOT_TEXT_MAX + 2;
    *text = cli_allocate(limit);
    if (isatty(STDIN_FILENO))
        cli_remark(options, "type the message; Ctrl-D at the start of a line ends it");
    int code = send_read_input(options, *text, limit, n);
    if (code == CLI_DONE && *n == limit)
        return send_count_rest(options, n);
    if (code == CLI_DONE && *n > 0 && (*text)[*n - 1] == '\n')
        (*n)--;
    return code;
}

static int send_take_text(const struct cli_options *options, int n_words, char **words, char **text,
                          size_t *n) {
    int code = CLI_DONE;
    if (n_words == 0 || (n_words == 1 && strcmp(words[0], "-") == 0)) {
        code = send_read_message(options, text, n);
    } else {
        *text = words_join(n_words, words);
        *n = strlen(*text);
    }
    if (code == CLI_DONE)
        code =
            words_check_text(options, (struct bytes){*text, *n}, EARSHOT_TEXT_MAX, "the message");
    if (code == CLI_DONE && *n == 0)
        code = cli_fail(options, FAIL_BAD_TEXT, "the message is empty; give a TEXT");
    return code;
}

static int send_one(struct sending *sending, const struct words_list *to, struct bytes text) {
    int code = CLI_DONE;
    for (size_t i = 0; code == CLI_DONE && i < to->n; i++)
        code = sending_put(sending, to->words[i], text, i + 1 < to->n);
    return code == CLI_DONE ? sending_finish(sending) : code;
}

static void send_start_limit(const struct cli_options *options) {
    bool ends_soon = options->wait <= EARSHOT_STORED && !options->lines;
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : ends_soon ? SEND_MS : -1);
}

struct send_gathered {
    char name[NAME_BYTES_MAX + 1];
};

static void send_take_gathered(void *arg, const struct earshot_event *event) {
    struct send_gathered *gathered = arg;
    if (event->type == EARSHOT_EVENT_ROOM)
        snprintf(gathered->name, sizeof gathered->name, "%s", event->room.name);
}

/* What a conversation of several is called is asked for; it is made, if there is none. */
static int send_gather(const struct cli_options *options, earshot *link, char **word,
                       struct send_gathered *gathered) {
    uint32_t request = 0;
    const char *people = *word + (**word == '#' || **word == '@');
    int result = earshot_gather(link, people, &request);
    int code = cli_request_wait(link, options, result, request, send_take_gathered, gathered);
    if (code == CLI_DONE)
        *word = gathered->name;
    return code;
}

/* A count stands in a name that only the hub can have given. */
static bool send_is_set(const struct cli_options *options, const char *word) {
    return options->together || (conv_is_people(word) && !strpbrk(word, "+~"));
}

/* text.data NULL: the lines of standard input */
static int send_run(const struct cli_options *options, const struct words_list *to,
                    struct bytes text) {
    struct sending sending = {.options = options};
    unsigned flags = options->wait == EARSHOT_SENT && !options->lines ? 0 : EARSHOT_RECONNECT;
    send_start_limit(options);
    for (size_t i = 0; i < to->n && !send_is_set(options, to->words[i]); i++)
        near_tell_new(options, to->words[i]);
    struct send_gathered gathered = {{0}};
    int code = cli_open(&sending.link, options, flags);
    if (code != CLI_DONE)
        return code;
    if (to->n == 1 && send_is_set(options, to->words[0]))
        code = send_gather(options, sending.link, &to->words[0], &gathered);
    if (code == CLI_DONE && options->reply_to)
        sending.has_author = cli_request_author(sending.link, options, to->words[0],
                                                options->reply_to, &sending.author);
    if (code != CLI_DONE)
        sending.code = code;
    else if (text.data)
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
    int code = CLI_DONE;
    if (options->together)
        words_list_one(&to, words[0]);
    else
        code = words_split_names(&to, options, words[0], false);
    if (code == CLI_DONE)
        code = send_check_options(options, &to, has_text);
    cli_limit_start(options->timeout_ms);
    if (code == CLI_DONE && !options->lines)
        code = send_take_text(options, n_words - 1, words + 1, &text, &n);
    if (code == CLI_DONE)
        code = send_run(options, &to, (struct bytes){text, n});
    free(text);
    words_list_free(&to);
    return code;
}
