/* The beginning and the end of a link, and what is known about its hub. */
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mention.h"
#include "base/text.h"
#include "lib/check.h"

#define DEFAULT_TIMEOUT_MS 5000
#define CLOSE_MS 1000 /* what is not sent yet may take this long */
#define CLOSE_RETRY_MS 2

int link_fail(struct earshot *link, int outcome, enum fail_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(link->error, sizeof link->error, format, args);
    va_end(args);
    link->fail_code = code;
    return outcome;
}

/* The login name, or "uid1000" when there is none that can be a handle. */
static void default_handle(struct name *name) {
    struct passwd entry, *found = NULL;
    char buffer[4096], text[32];
    uid_t uid = getuid();
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
        name_parse(name, bytes_of(found->pw_name)) == NAME_OK && !name_is_room(name))
        return;
    snprintf(text, sizeof text, "uid%u", (unsigned)uid);
    enum name_outcome outcome = name_parse(name, bytes_of(text));
    assert(outcome == NAME_OK);
}

/* Random, and never 0. */
static uint64_t link_number(void) {
    struct uuid id = uuid_random();
    uint64_t number;
    memcpy(&number, id.b, sizeof number); /* four of these 64 bits are the UUID's version */
    return number ? number : 1;
}

#define KNOWN_FLAGS                                                                                \
    (EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_NEWS | EARSHOT_AFTER | EARSHOT_RECONNECT |       \
     EARSHOT_UNTIL_READ | EARSHOT_CHANNEL | EARSHOT_PEEK)

static int open_check_options(struct earshot *link, const struct earshot_options *options) {
    int r = check_pointer(link, options, "the options");
    return r == 0 ? check_flags(link, options->flags, KNOWN_FLAGS, "the options' flags") : r;
}

static int set_options(struct earshot *link, const struct earshot_options *options) {
    link->flags = options->flags;
    link->number = link_number();
    link->bookmark.counts = (options->flags & (EARSHOT_LISTEN | EARSHOT_ALL_ROOMS)) != 0;
    link->bookmark.has_begin = (options->flags & EARSHOT_AFTER) != 0;
    link->bookmark.begin = options->after;
    link->bookmark.until_read = (options->flags & EARSHOT_UNTIL_READ) != 0;
    link->pid = getpid();
    link->backoff_ms = LINK_BACKOFF_MIN_MS;
    int r = rendezvous_locate(link->dir, &link->origin, options->hub);
    if (r < 0)
        return link_fail(link, EARSHOT_NO_HUB, FAIL_NO_HUB,
                         "the name of the hub's directory is too long; name a shorter one");
    if (options->handle)
        return check_handle(link, options->handle, "the handle", &link->handle);
    default_handle(&link->handle);
    return 0;
}

/* The zero state that earshot_close() can free. */
static struct earshot *link_new(void) {
    struct earshot *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->phase = LINK_ENDED;
    link->ended = EARSHOT_NO_HUB;
    link->hub_fd = link->mailbox = -1;
    link->epoll_fd = link->timer_fd = link->wake_fd = -1;
    atomic_init(&link->lane, -1);
    return link;
}

static int init_parts(struct earshot *link) {
    int watch = watch_init(&link->watch);
    int reader = reader_init(&link->reader);
    int writer = writer_init(&link->writer);
    if (watch < 0 || reader < 0 || writer < 0)
        return watch < 0 ? watch : reader < 0 ? reader : writer;
    int r = wait_init(link);
    if (r == 0)
        r = pending_init(&link->pending);
    return r == 0 ? control_init(&link->control) : r;
}

static int read_limits(struct earshot *link) {
    int r = queue_limits_read(&link->limits);
    if (r <= 0)
        return r;
    return link_fail(link, EARSHOT_LIMIT, FAIL_LIMIT, "message queues cannot be used here: %s",
                     queue_outcome_text((enum queue_outcome)r));
}

static int fail_timeout(struct earshot *link) {
    const char *what =
        link->phase == LINK_HELLO ? "has a full queue and does not read it" : "does not answer";
    int r = link_fail(link, EARSHOT_AGAIN, FAIL_TIMED_OUT,
                      "the hub in %s (PID %d) %s; is it stopped, or very busy? Look at it: "
                      "ps %d",
                      link->dir, (int)link->hub.pid, what, (int)link->hub.pid);
    join_leave(link);
    link->phase = LINK_ENDED;
    link->ended = r;
    return r;
}

/* Until it has joined or failed for good, or (EARSHOT_AGAIN) the time is over. */
static int join_wait_until(struct earshot *link, mono_time until) {
    int r = 0;
    while (r == 0 && link->phase != LINK_JOINED) {
        r = wait_step(link, until, false);
        if (link->phase == LINK_ENDED)
            return link->ended;
    }
    return link->phase == LINK_JOINED && r == EARSHOT_AGAIN ? 0 : r;
}

/* In two halves: a program that was stopped may have the answer, and not have seen it yet. */
static int join_and_wait(struct earshot *link, int timeout_ms) {
    int half_ms = (timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS) / 2 + 1;
    int r = join_begin(link);
    if (r == 0 && timeout_ms < 0)
        return join_wait_until(link, WAIT_FOREVER);
    for (int half = 0; r == 0 && half < 2; half++) {
        r = join_wait_until(link, mono_add_ms(mono_now(), half_ms));
        if (r != EARSHOT_AGAIN)
            return r;
        r = half == 0 ? 0 : r;
    }
    return r == EARSHOT_AGAIN ? fail_timeout(link) : r;
}

int earshot_open(earshot **result, const struct earshot_options *options) {
    if (!result)
        return EARSHOT_BAD_ARGUMENT;
    earshot *link = *result = link_new();
    if (!link)
        return -ENOMEM;
    int r = init_parts(link);
    if (r == 0)
        r = open_check_options(link, options);
    if (r == 0)
        r = set_options(link, options);
    if (r == 0)
        r = read_limits(link);
    if (r == 0)
        r = join_and_wait(link, options->timeout_ms);
    if (r < 0 && !link->error[0])
        link_fail(link, EARSHOT_LIMIT, FAIL_INTERNAL, "cannot join: %s", strerror(-r));
    return r;
}

/* A short wait that the hub's death and the writer end. */
static void pause_briefly(struct earshot *link) {
    struct pollfd fds[] = {
        {.fd = link->hub_fd, .events = POLLIN},
        {.fd = link->writer.done_fd, .events = POLLIN},
    };
    if (poll(fds, 2, CLOSE_RETRY_MS) > 0 && fds[0].revents)
        join_lose(link, "died");
}

static void say_bye(struct earshot *link) {
    mono_time until = mono_add_ms(mono_now(), CLOSE_MS);
    bookmark_take(&link->bookmark);
    taken_tell(link);
    link->pending.is_closing = true;
    while (link->phase == LINK_JOINED && (outgoing_has_frames(link) || link->writer.given) &&
           mono_now().ns < until.ns) {
        int r = outgoing_send(link, OUTGOING_TRY, true);
        if (r < 0)
            break;
        if (r > 0 || link->writer.given)
            pause_briefly(link);
    }
    if (link->phase != LINK_JOINED)
        return;
    outgoing_control(link, &(struct frame){.type = FRAME_BYE});
    outgoing_send(link, OUTGOING_TRY, true);
}

static void free_incoming(struct earshot *link) {
    inbox_deinit(&link->inbox);
    free(link->current);
    free(link->spare);
    free(link->shown);
    reassembly_deinit(&link->reassembly);
    event_store_deinit(&link->store);
    received_deinit(&link->received);
}

void earshot_close(earshot *link) {
    if (!link)
        return;
    link->flags &= ~(unsigned)EARSHOT_RECONNECT;
    say_bye(link);
    transfer_deinit(link);
    join_leave(link);
    watch_deinit(&link->watch);
    reader_deinit(&link->reader);
    writer_deinit(&link->writer);
    wait_deinit(link);
    free_incoming(link);
    request_deinit(link);
    claim_deinit(link);
    pending_deinit(&link->pending);
    receipts_deinit(&link->receipts);
    control_deinit(&link->control);
    free(link);
}

void earshot_hub(const earshot *link, struct earshot_hub_info *info) {
    struct queue_info queue;
    if (!info)
        return;
    *info = (struct earshot_hub_info){0};
    if (!link)
        return;
    *info = (struct earshot_hub_info){
        .dir = link->dir,
        .name = link->hub_name,
        .handle = link->handle.s,
        .pid = link->hub.pid,
        .uid = link->hub.uid,
        .mode = (enum earshot_mode)link->hub.mode,
        .msqid = link->hub.msqid,
        .seq = link->joined_seq,
        .keep_days = link->keep_days,
        .keep_bytes = link->keep_bytes,
    };
    if (queue_stat_any(link->hub.msqid, &queue) == 0)
        info->key = queue.key;
    uuid_format(&link->hub.instance, info->instance);
}

const char *earshot_error(const earshot *link) {
    if (!link)
        return "there is no link; open one with earshot_open()";
    return link->error[0] ? link->error : "no error";
}

unsigned earshot_fail_code(const earshot *link) {
    return link ? link->fail_code : FAIL_BAD_ARGUMENT;
}

const char *earshot_fail_name(unsigned code) {
    return fail_name(code);
}

int earshot_fail_exit_code(unsigned code) {
    return fail_exit_code(code);
}

char *earshot_safe(const char *text, size_t n, bool keep_lines) {
    return text_safe((struct bytes){text ? text : "", text ? n : 0},
                     keep_lines ? TEXT_KEEP_LINES : TEXT_ONE_LINE);
}

bool earshot_mentions(const char *text, size_t n, const char *handle) {
    struct bytes bytes = {text, n};
    return text && handle && text_is_valid(bytes) && text_mentions(bytes, handle);
}
