/*
 * `earshot hook`: a door for whatever can only write a line into a file, or read one.
 *
 * A line is read from a FIFO only while the library takes messages: whoever floods waits in his own
 * write(2). What was read is kept in a file until the hub has acknowledged it (hook_spool.h). What
 * has come is written before the next event is taken; if it cannot be, as on a full disk, it is
 * tried again, and the rest waits at the hub. So is the place up to which all is written: it comes
 * once, however often this process or the hub is killed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/talk/hook_dir.h"
#include "cli/text.h"

#define HOOK_UTF8_BYTES_MAX 4
#define HOOK_RETRY_MS 1000 /* until what could not be written is tried again */
#define HOOK_FULL_MS 100   /* until a message that found no room is sent again, at the latest */
#define HOOK_END_MS 5000   /* what is sent in the end may take so long to be stored */

/* A message that the hub has not answered. */
struct hook_flight {
    char id[EARSHOT_ID_SIZE];
    struct hook_conv *conv; /* NULL: it is gone */
    uint64_t start;         /* offset of its text */
    struct hook_flight *prev, *next;
};

struct hook {
    const struct cli_options *options;
    earshot *link;
    int link_fd;
    struct hook_dir dir;
    char self[NAME_BYTES_MAX + 1];
    /* What could not be written: then no event is taken. */
    char *held; /* NULL: nothing */
    struct name held_by;
    size_t held_n;
    uint64_t held_seq;
    bool is_failure_told;
    struct hook_flight *flights; /* in the order in which they were sent */
};

/* `out`. */

static void hook_put_lines(FILE *out, const char *when, const char *who, const char *text) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_KEEP_LINES);
    CLEANUP_FREE char *name = text_safe(bytes_of(who), TEXT_ONE_LINE);
    char *rest = safe, *line;
    while (rest && name && (line = strsep(&rest, "\n")))
        fprintf(out, "%s %s %s\n", when, name, line);
}

/* Each line of a text has its own beginning, so that none can pass for another message. */
static void hook_put_text(FILE *out, const struct earshot_event *event) {
    time_t seconds = (time_t)(event->message.at_ms / 1000);
    struct tm at;
    char when[32] = "-", who[NAME_BYTES_MAX + 8];
    bool is_mend = event->type != EARSHOT_EVENT_MESSAGE;
    CLEANUP_FREE char *text = NULL;
    if (gmtime_r(&seconds, &at))
        strftime(when, sizeof when, "%FT%TZ", &at);
    if (is_mend && asprintf(&text, "%s %s: %s", event->message.from,
                            event->type == EARSHOT_EVENT_EDITED ? "edited" : "removed a message",
                            event->message.text) < 0)
        text = NULL;
    if (!is_mend)
        text = text_headed(event->message.title, event->message.priority,
                           (struct bytes){event->message.text, event->message.text_n});
    bool is_action = !is_mend && event->message.kind == EARSHOT_ACTION;
    snprintf(who, sizeof who, is_mend ? "--" : is_action ? "* %s" : "<%s>", event->message.from);
    if (text)
        hook_put_lines(out, when, who, text);
}

/* As it is to stand in `out`; the caller frees it. NULL: memory is out. */
static char *hook_format(const struct hook *hook, const struct earshot_event *event, size_t *n) {
    char *text = NULL;
    FILE *out = open_memstream(&text, n);
    if (!out)
        return NULL;
    if (hook->options->json)
        json_message_to(out, event);
    else
        hook_put_text(out, event);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* Under a handle of its own nobody else reads what comes; under the login name the windows do. */
static void hook_written(struct hook *hook, const struct earshot_event *event) {
    hook_dir_set_place(&hook->dir, event->message.seq);
    if (hook->options->name)
        earshot_mark_read(hook->link, event);
}

static void hook_hold(struct hook *hook, struct hook_conv *conv, char *text, size_t n, int error) {
    hook->held_by = conv->name;
    hook->held = text;
    hook->held_n = n;
    if (!hook->is_failure_told)
        cli_fail(hook->options, OUTCOME_FILE_PLACE,
                 "cannot write to %s/%s/out: %s; what comes waits until that is possible",
                 hook->dir.path, conv->name.s, strerror(error));
    hook->is_failure_told = true;
}

static void hook_take_message(struct hook *hook, const struct earshot_event *event) {
    struct hook_conv *conv = hook_dir_conv(&hook->dir, event->message.conv);
    size_t n = 0; /* what this process or one before it has sent, stands there */
    bool is_noted = conv && event->message.mine && event->type == EARSHOT_EVENT_MESSAGE &&
                    hook_spool_is_own(&conv->spool, event->message.id);
    char *text = conv && !is_noted ? hook_format(hook, event, &n) : NULL;
    int r = text ? hook_conv_write(conv, text, n) : 0;
    if (r < 0) {
        hook->held_seq = event->message.seq;
        hook_hold(hook, conv, text, n, -r);
        return;
    }
    free(text);
    hook_written(hook, event);
}

/* Whether nothing is held any more. Its directory may be another one by now. */
static bool hook_try_again(struct hook *hook) {
    if (!hook->held)
        return true;
    struct hook_conv *conv = hook_dir_conv(&hook->dir, hook->held_by.s);
    if (conv && hook_conv_write(conv, hook->held, hook->held_n) < 0)
        return false;
    free(hook->held);
    hook->held = NULL;
    hook->is_failure_told = false;
    hook_dir_set_place(&hook->dir, hook->held_seq);
    cli_remark(hook->options, "%s can be written to again", hook->dir.path);
    return true;
}

/* What was sent, or became of it, beside what others say. */
static void hook_note_own(struct hook *hook, struct hook_conv *conv, enum earshot_kind kind,
                          const char *text, size_t n) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct earshot_event event = {.type = EARSHOT_EVENT_MESSAGE};
    event.message.at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
    event.message.kind = kind;
    event.message.uid = geteuid();
    event.message.from = hook->self;
    event.message.to = event.message.conv = conv->name.s;
    event.message.text = text;
    event.message.text_n = n;
    event.message.title = "";
    event.message.mine = true;
    size_t out_n = 0;
    CLEANUP_FREE char *out = hook_format(hook, &event, &out_n);
    if (out)
        (void)hook_conv_write(conv, out, out_n);
}

/* `in`. */

static void hook_fly(struct hook *hook, struct hook_conv *conv, const char *id) {
    struct hook_flight *flight = cli_allocate(sizeof *flight);
    *flight = (struct hook_flight){.conv = conv, .start = conv->start};
    snprintf(flight->id, sizeof flight->id, "%s", id);
    DL_APPEND(hook->flights, flight);
    conv->n_flying++;
}

/* Where the first begins that is still on its way; what is not sent yet, else. */
static uint64_t hook_first_offset(const struct hook *hook, const struct hook_conv *conv) {
    const struct hook_flight *flight;
    DL_FOREACH(hook->flights, flight) {
        if (flight->conv == conv)
            return flight->start;
    }
    return conv->start;
}

static void hook_land(struct hook *hook, struct hook_flight *flight) {
    struct hook_conv *conv = flight->conv;
    DL_DELETE(hook->flights, flight);
    free(flight);
    if (!conv)
        return;
    conv->n_flying--;
    hook_conv_answered(conv, hook_first_offset(hook, conv));
}

static void hook_take_answer(struct hook *hook, const char *id, bool up_to) {
    struct hook_flight *flight, *next, *last = NULL;
    DL_FOREACH(hook->flights, flight) {
        if (strcmp(flight->id, id) == 0) {
            last = flight;
            break;
        }
    }
    if (!last)
        return;
    if (!up_to) {
        hook_land(hook, last);
        return;
    }
    DL_FOREACH_SAFE(hook->flights, flight, next) {
        bool is_last = flight == last;
        hook_land(hook, flight);
        if (is_last)
            break;
    }
}

static void hook_forget(void *user, const struct hook_conv *conv) {
    struct hook *hook = user;
    struct hook_flight *flight;
    DL_FOREACH(hook->flights, flight) {
        if (flight->conv == conv)
            flight->conv = NULL;
    }
}

static void hook_take_refusal(struct hook *hook, const struct earshot_event *event) {
    hook_take_answer(hook, event->failed.id, false);
    struct hook_conv *conv = hook_dir_conv(&hook->dir, event->failed.to);
    CLEANUP_FREE char *text = NULL;
    (void)cli_fail_event(hook->options, event);
    if (conv && asprintf(&text, "this was not sent: %s", event->failed.reason) >= 0)
        hook_note_own(hook, conv, EARSHOT_NOTICE, text, strlen(text));
}

/* A piece of at most a message. True: it is sent, or never can be. */
static bool hook_send(struct hook *hook, struct hook_conv *conv, struct bytes piece, bool more,
                      int *result) {
    CLEANUP_FREE char *mended = NULL;
    size_t n_changed;
    struct bytes text = piece;
    if (!text_is_valid(piece)) {
        mended = cli_allocate(TEXT_REPAIRED_MAX(piece.n) + 1);
        text = (struct bytes){mended, text_repair(mended, piece, &n_changed)};
    }
    char id[EARSHOT_ID_SIZE];
    hook_spool_id(&conv->spool, conv->start, id);
    struct earshot_message message = {.to = conv->name.s,
                                      .text = text.data,
                                      .text_n = text.n,
                                      .id = id,
                                      .flags = EARSHOT_MAKE_ROOM | (more ? EARSHOT_CORK : 0)};
    do
        *result = earshot_send(hook->link, &message, NULL);
    while (*result == -EINTR && !cli_interrupted());
    if (*result == EARSHOT_AGAIN || *result == -EINTR)
        return false;
    if (*result == EARSHOT_OK)
        hook_fly(hook, conv, id);
    if (*result == EARSHOT_OK && conv->start >= conv->spool.head.sent) { /* else it is there */
        CLEANUP_FREE char *copy = strndup(text.data, text.n);
        if (copy)
            hook_note_own(hook, conv, EARSHOT_TEXT, copy, text.n);
    }
    return true;
}

/* How much of a line goes into the next message: of what is to be mended less, for it grows. */
static size_t hook_piece(struct bytes line) {
    size_t n = text_cut(line, EARSHOT_TEXT_MAX);
    return text_is_valid((struct bytes){line.data, n})
               ? n
               : text_cut(line, EARSHOT_TEXT_MAX / TEXT_REPAIRED_MAX(1));
}

/*
 * The next piece of what was read, as `send --lines` cuts it; *n_used with its newline. False: more
 * is to be read first. It depends on nothing else: so it is the same after a killed process.
 */
static bool hook_cut(const struct hook_conv *conv, struct bytes *piece, size_t *n_used) {
    const char *data = conv->data + conv->at, *newline = memchr(data, '\n', conv->n);
    size_t n = newline ? (size_t)(newline - data) : conv->n;
    if (!newline && n <= EARSHOT_TEXT_MAX + HOOK_UTF8_BYTES_MAX)
        return false;
    piece->data = data;
    piece->n = hook_piece((struct bytes){data, n});
    *n_used = piece->n + (newline && piece->n == n);
    return true;
}

/* Sends what was read, as far as there is room. Returns an exit code. */
static int hook_pump(struct hook *hook, struct hook_conv *conv) {
    struct bytes piece;
    size_t n_used;
    int result = EARSHOT_OK;
    conv->is_full = false;
    while (conv->n > 0 && hook_cut(conv, &piece, &n_used)) {
        bool is_rest = conv->goes_on && piece.n == 0; /* all of this line has gone */
        bool more = n_used < conv->n;
        conv->is_full = !is_rest && !hook_send(hook, conv, piece, more, &result);
        if (conv->is_full)
            break;
        if (result != EARSHOT_OK && result != EARSHOT_BAD_NAME && result != EARSHOT_BAD_TEXT)
            return cli_fail_link(hook->options, hook->link, result);
        conv->goes_on = n_used == piece.n;
        hook_conv_sent(conv, n_used);
    }
    (void)earshot_flush(hook->link);
    return CLI_DONE;
}

static int hook_serve(struct hook *hook, struct hook_conv *conv) {
    ssize_t r = hook_conv_read(&hook->dir, conv);
    if (r < 0)
        return CLI_DONE;
    if (r == 0)
        hook_conv_end_line(&hook->dir, conv);
    int code = hook_pump(hook, conv);
    if (r == 0 && !conv->is_full) {
        conv->goes_on = false;
        hook_conv_reopen(&hook->dir, conv);
    }
    return code;
}

/* The link. */

static int hook_take(struct hook *hook, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
    case EARSHOT_EVENT_EDITED:
    case EARSHOT_EVENT_REMOVED:
        hook_take_message(hook, event);
        return CLI_DONE;
    case EARSHOT_EVENT_STATE:
        if (event->state.state >= EARSHOT_STORED)
            hook_take_answer(hook, event->state.id, event->state.up_to);
        return CLI_DONE;
    case EARSHOT_EVENT_REFUSED:
        hook_take_refusal(hook, event);
        return CLI_DONE;
    case EARSHOT_EVENT_FAILED:
        (void)cli_take_failed(hook->options, event); /* of one room */
        return CLI_DONE;
    case EARSHOT_EVENT_MISSED:
        cli_fail(hook->options, OUTCOME_MISSED,
                 "up to %llu messages are not in the hub's log any more, and not written",
                 (unsigned long long)event->missed);
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        cli_tell_hub(hook->options, event, "what is written waits for it to come back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

static int hook_take_all(struct hook *hook) {
    struct earshot_event event;
    while (hook_try_again(hook)) {
        int result = earshot_next(hook->link, &event, 0);
        if (result == EARSHOT_AGAIN || result == -EINTR)
            return CLI_DONE;
        int code = result == EARSHOT_OK ? hook_take(hook, &event)
                                        : cli_fail_link(hook->options, hook->link, result);
        if (code != CLI_DONE)
            return code;
    }
    int result = earshot_tend(hook->link);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(hook->options, hook->link, result);
}

/* What is said in rooms for which the user has made a directory is heard, too. */
static int hook_join(struct hook *hook) {
    uint32_t request;
    for (size_t i = 0; i < hook->dir.n_convs; i++) {
        struct hook_conv *conv = hook->dir.convs[i];
        bool is_new_room = conv->name.s[0] == '#' && !conv->is_heard;
        int result =
            is_new_room ? earshot_join(hook->link, conv->name.s, true, &request) : EARSHOT_OK;
        if (result == EARSHOT_AGAIN)
            continue;
        if (result != EARSHOT_OK)
            return cli_fail_link(hook->options, hook->link, result);
        conv->is_heard = true;
    }
    return CLI_DONE;
}

static int hook_scan(struct hook *hook) {
    int code = hook_dir_scan(&hook->dir);
    return code == CLI_DONE ? hook_join(hook) : code;
}

/* Waiting. */

enum { HOOK_LINK, HOOK_INOTIFY, HOOK_FIRST_CONV };

static int hook_wait(const struct hook *hook, struct pollfd *fds, size_t n) {
    int ms = hook->held ? HOOK_RETRY_MS : -1;
    fds[HOOK_LINK] = (struct pollfd){hook->link_fd, POLLIN, 0};
    fds[HOOK_INOTIFY] = (struct pollfd){hook->dir.inotify, POLLIN, 0};
    for (size_t i = 0; i < n; i++) {
        const struct hook_conv *conv = hook->dir.convs[i];
        fds[HOOK_FIRST_CONV + i] =
            (struct pollfd){hook_conv_has_room(conv) ? conv->in : -1, POLLIN, 0};
        if (conv->is_full)
            ms = HOOK_FULL_MS;
    }
    return poll(fds, (nfds_t)(n + HOOK_FIRST_CONV), ms);
}

/* Of what was written to them; then those whose writers waited for room. */
static int hook_serve_all(struct hook *hook, const struct pollfd *fds, size_t n) {
    int code = CLI_DONE;
    for (size_t i = 0; code == CLI_DONE && i < n; i++) {
        struct hook_conv *conv = hook->dir.convs[i];
        if (conv->is_full)
            code = hook_pump(hook, conv);
        else if (fds[HOOK_FIRST_CONV + i].revents && hook_conv_has_room(conv))
            code = hook_serve(hook, conv);
    }
    return code;
}

static int hook_follow(struct hook *hook) {
    struct pollfd fds[HOOK_CONVS_MAX + HOOK_FIRST_CONV];
    int code = CLI_DONE;
    while (code == CLI_DONE && !cli_interrupted()) {
        code = hook_take_all(hook);
        size_t n = hook->dir.n_convs; /* those that begin meanwhile come next time */
        if (code == CLI_DONE && hook_wait(hook, fds, n) < 0)
            continue;
        if (code == CLI_DONE)
            code = hook_serve_all(hook, fds, n);
        if (code == CLI_DONE && fds[HOOK_INOTIFY].revents)
            code = hook_scan(hook);
    }
    return code != CLI_DONE ? code : cli_interrupted();
}

/* What stands in the FIFOs is sent and stored; what comes meanwhile comes again next time. */
static void hook_end(struct hook *hook) {
    mono_time end = mono_add_ms(mono_now(), HOOK_END_MS);
    struct earshot_event event;
    int result = EARSHOT_OK;
    bool is_over = false;
    for (size_t i = 0; i < hook->dir.n_convs; i++)
        hook_conv_unlink(hook->dir.convs[i]);
    while (!is_over && mono_ms_until(mono_now(), end) > 0) {
        is_over = true;
        for (size_t i = 0; i < hook->dir.n_convs; i++) {
            struct hook_conv *conv = hook->dir.convs[i];
            bool may_read = hook_conv_has_room(conv) && conv->in >= 0;
            ssize_t r = may_read ? hook_conv_read(&hook->dir, conv) : 0;
            if (may_read && r <= 0)
                hook_conv_end_line(&hook->dir, conv);
            if (hook_pump(hook, conv) != CLI_DONE)
                return;
            is_over = is_over && r <= 0 && hook_conv_has_room(conv);
        }
        while ((result = earshot_next(hook->link, &event, 0)) == EARSHOT_OK)
            if (event.type == EARSHOT_EVENT_REFUSED || event.type == EARSHOT_EVENT_STATE)
                (void)hook_take(hook, &event);
        if (result != EARSHOT_AGAIN && result != -EINTR)
            return;
        is_over = is_over && earshot_n_unacknowledged(hook->link) == 0;
        struct pollfd fd = {.fd = hook->link_fd, .events = POLLIN};
        if (!is_over)
            (void)poll(&fd, 1, HOOK_FULL_MS);
    }
}

static void hook_free_flights(struct hook *hook) {
    struct hook_flight *flight, *next;
    DL_FOREACH_SAFE(hook->flights, flight, next) {
        DL_DELETE(hook->flights, flight);
        free(flight);
    }
}

/* The command. */

static int hook_open(struct hook *hook) {
    struct earshot_hub_info hub;
    uint64_t place = hook_dir_place(&hook->dir);
    unsigned flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_UNTIL_READ | EARSHOT_RECONNECT |
                     (place > 0 ? EARSHOT_AFTER : 0);
    int code = cli_open_after(&hook->link, hook->options, flags, place);
    if (code != CLI_DONE)
        return code;
    earshot_hub(hook->link, &hub);
    snprintf(hook->self, sizeof hook->self, "%s", hub.handle);
    code = hook_scan(hook); /* before the first event: rooms begin at that place, too */
    hook->link_fd = earshot_fd(hook->link);
    if (code == CLI_DONE && hook->link_fd < 0)
        code = cli_fail_link(hook->options, hook->link, hook->link_fd);
    return code;
}

int cli_hook(const struct cli_options *options, int n_words, char **words) {
    struct hook hook = {.options = options};
    int code = hook_dir_open(&hook.dir, options, n_words > 0 ? words[0] : NULL);
    hook.dir.forget = hook_forget;
    hook.dir.user = &hook;
    if (code == CLI_DONE)
        code = hook_open(&hook);
    if (code == CLI_DONE) {
        cli_remark(options, "in %s: mkdir NAME, then echo TEXT >NAME/in, and tail -F NAME/out",
                   hook.dir.path);
        code = hook_follow(&hook);
        hook_end(&hook);
    }
    earshot_close(hook.link);
    hook_dir_close(&hook.dir);
    hook_free_flights(&hook);
    free(hook.held);
    return code;
}
