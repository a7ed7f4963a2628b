#include "cli/talk/sending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"

static bool sending_follows_each(const struct sending *sending) {
    return sending->options->json || sending->options->wait >= EARSHOT_DELIVERED;
}

static unsigned sending_flags(const struct cli_options *options, bool more) {
    unsigned flags = more ? EARSHOT_CORK : 0;
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
    case EARSHOT_EVENT_BACK:
        sending->lost = event->type == EARSHOT_EVENT_LOST;
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

int sending_flush(struct sending *sending) {
    int result, code = CLI_DONE;
    while (code == CLI_DONE && (result = earshot_flush(sending->link)) != EARSHOT_OK)
        code = sending_settle(sending, result);
    if (code != CLI_DONE)
        return code;
    if (sending->options->wait == EARSHOT_SENT)
        return sending_finish_sent(sending);
    return sending_drain(sending);
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
        return cli_fail(options, CLI_NO_HUB, "hub-lost",
                        "the hub went away and did not come back within %g s; try again with the "
                        "same --id",
                        cli_limit_seconds());
    if (n_lost > 0)
        return cli_fail(options, CLI_TRY_AGAIN, "timed-out",
                        "the hub did not acknowledge the message within %g s; try again with the "
                        "same --id",
                        cli_limit_seconds());
    return cli_fail(options, CLI_TRY_AGAIN, "timed-out",
                    "the message is stored, but was not %s within %g s; it will be when they read",
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

int sending_put(struct sending *sending, const char *to, struct bytes text, bool more) {
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
    };
    int result, code = CLI_DONE;
    if (options->wait >= EARSHOT_DELIVERED && sending->n_open >= SENDING_RECEIPTS_MAX)
        code = sending_wait(sending, SENDING_RECEIPTS_MAX / 2);
    while (code == CLI_DONE) {
        result = earshot_send(sending->link, &message, id);
        if (result == EARSHOT_OK)
            break;
        code = sending_settle(sending, result);
    }
    if (code == CLI_DONE && sending_follows_each(sending))
        sending_follow(sending, id);
    return code;
}

int sending_finish(struct sending *sending) {
    int code = sending_wait(sending, 0);
    if (sending->is_stream && sending->n_refused > 1)
        cli_fail(sending->options, sending->code, "refused", "%llu messages were refused in all",
                 sending->n_refused);
    return code;
}

void sending_free(struct sending *sending) {
    free(sending->items);
    sending->items = NULL;
}
