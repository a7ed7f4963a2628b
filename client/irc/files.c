#include "irc/files.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/home.h"
#include "base/size.h"

static void files_say(struct conn *conn, const char *format, ...) PRINTF_LIKE(2, 3);

static void files_say(struct conn *conn, const char *format, ...) {
    char text[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '?';
    say_news(conn, NULL, ":" FILES_NICK "!earshot@%s NOTICE %s :%s", conn->door->name, conn->nick,
             text);
}

/* What may be taken. */

static struct file_offer *files_find(struct conn *conn, const char *id) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (strcmp(conn->files[i].id, id) == 0)
            return &conn->files[i];
    return NULL;
}

static struct file_offer *files_numbered(struct conn *conn, int number) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (number > 0 && conn->files[i].number == (unsigned)number)
            return &conn->files[i];
    return NULL;
}

/* The oldest one is forgotten for it: it can still be taken with `earshot get`. */
static struct file_offer *files_add(struct conn *conn, const char *id) {
    struct file_offer *offer = files_find(conn, id);
    if (offer)
        return offer;
    offer = &conn->files[conn->n_files++ % FILES_MAX];
    *offer = (struct file_offer){.number = (unsigned)conn->n_files};
    memcpy(offer->id, id, EARSHOT_ID_SIZE);
    return offer;
}

static void files_tell(struct conn *conn, const struct file_offer *offer, const char *from,
                       uint64_t size) {
    char nick[SPELL_SIZE], text[SIZE_TEXT] = "of unknown size";
    if (size != EARSHOT_SIZE_UNKNOWN)
        size_text(size, text);
    files_say(conn, "%s has %s for you, %s: /msg " FILES_NICK " get %u", spell_nick(nick, from),
              offer->name, text, offer->number);
}

static void files_take_offer(struct conn *conn, const struct earshot_event *event) {
    if (files_find(conn, event->offer.id))
        return;
    struct file_offer *offer = files_add(conn, event->offer.id);
    snprintf(offer->name, sizeof offer->name, "%s", event->offer.name);
    files_tell(conn, offer, event->offer.from, event->offer.size);
}

void files_take_post(struct conn *conn, const struct earshot_event *event) {
    struct earshot_transfer file;
    if (earshot_event_file(conn->link, event, &file) != EARSHOT_OK ||
        files_find(conn, event->message.id))
        return;
    struct file_offer *offer = files_add(conn, event->message.id);
    offer->seq = event->message.seq;
    snprintf(offer->conv, sizeof offer->conv, "%s", event->message.conv);
    snprintf(offer->name, sizeof offer->name, "%s", file.name);
    files_tell(conn, offer, event->message.from, file.size);
}

static void files_take_transfer(struct conn *conn, const struct earshot_transfer *transfer) {
    struct file_offer *offer = files_find(conn, transfer->id);
    if (!offer || transfer->outgoing || transfer->state == EARSHOT_TRANSFER_RUNNING)
        return;
    if (transfer->state == EARSHOT_TRANSFER_DONE)
        files_say(conn, "%s is %s", offer->name, transfer->path ? transfer->path : "there");
    else
        files_say(conn, "%s did not come: %s", offer->name, transfer->error);
}

void files_take(struct conn *conn, const struct earshot_event *event) {
    struct file_offer *offer;
    switch (event->type) {
    case EARSHOT_EVENT_OFFER:
        files_take_offer(conn, event);
        break;
    case EARSHOT_EVENT_TRANSFER:
        files_take_transfer(conn, &event->transfer);
        break;
    default:
        offer = files_find(conn, event->withdrawn.id);
        if (offer)
            files_say(conn, "%s is not there any more", offer->name);
        break;
    }
}

/* Taking. */

static const char *files_directory(const struct conn *conn, char path[PATH_MAX]) {
    struct stat status;
    if (conn->door->options->dir)
        return conn->door->options->dir;
    char home[PATH_MAX];
    if (home_of_user(home) < 0)
        return "/tmp";
    int n = snprintf(path, PATH_MAX, "%s/Downloads", home);
    if (n >= PATH_MAX || stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        snprintf(path, PATH_MAX, "%s", home);
    return path;
}

static void files_say_failed(struct conn *conn, const struct file_offer *offer, int result) {
    if (result != EARSHOT_OK)
        files_say(conn, "cannot take %s: %s", offer->name,
                  result < 0 ? strerror(-result) : earshot_error(conn->link));
}

static void files_take_past(struct conn *conn, const struct earshot_event *event) {
    char path[PATH_MAX];
    struct earshot_target target = {.dir = files_directory(conn, path), .fd = -1};
    struct earshot_transfer file;
    struct file_offer *offer = files_numbered(conn, (int)conn->file_wanted);
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_PAST && offer && strcmp(event->message.id, offer->id) == 0) {
        int result = earshot_save(conn->link, event, &target, &file);
        if (result == EARSHOT_OK)
            files_say(conn, "%s is %s/%s", offer->name, target.dir, file.path);
        else
            files_say_failed(conn, offer, result);
    }
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED)
        conn->file_next(conn);
}

static void files_get(struct conn *conn, struct file_offer *offer) {
    char path[PATH_MAX];
    struct earshot_target target = {.dir = files_directory(conn, path), .fd = -1};
    if (!offer->seq) {
        files_say_failed(conn, offer, earshot_accept(conn->link, offer->id, &target));
        return;
    }
    conn->file_wanted = offer->number;
    int result = earshot_history(conn->link, offer->conv, offer->seq + 1, 0, 1, &conn->request);
    if (result == EARSHOT_OK)
        conn->take = files_take_past;
    else
        files_say_failed(conn, offer, result);
}

static void files_list(struct conn *conn) {
    size_t first = conn->n_files > FILES_MAX ? conn->n_files - FILES_MAX : 0;
    for (size_t i = first; i < conn->n_files; i++)
        files_say(conn, "%u %s", conn->files[i % FILES_MAX].number,
                  conn->files[i % FILES_MAX].name);
    if (conn->n_files == 0)
        files_say(conn, "nothing is offered to you");
}

void files_command(struct conn *conn, const char *text, command_handler *next) {
    size_t n = strcspn(text, " ");
    struct file_offer *offer = files_numbered(conn, line_number(text + n));
    bool is_get = n == 3 && strncasecmp(text, "get", n) == 0;
    bool is_decline = n == 7 && strncasecmp(text, "decline", n) == 0;
    conn->file_next = next;
    if (n == 4 && strncasecmp(text, "list", n) == 0)
        files_list(conn);
    else if (!is_get && !is_decline)
        files_say(conn, "get N takes a file, decline N refuses it, list tells which there are");
    else if (!offer)
        files_say(conn, "there is no file%.*s; list tells which there are",
                  (int)strnlen(text + n, 20), text + n);
    else if (is_get)
        files_get(conn, offer);
    else if (offer->seq)
        files_say(conn, "%s came as a message; leave it there", offer->name);
    else
        files_say_failed(conn, offer, earshot_decline(conn->link, offer->id, ""));
}
