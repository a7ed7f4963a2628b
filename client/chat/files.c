#include "chat/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utlist.h>

#include "base/home.h"
#include "base/macro.h"
#include "chat/command.h"
#include "chat/inquiry.h"
#include "chat/talk.h"
#include "cli/file.h"
#include "cli/files/received.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

#define FILES_KEPT_MAX 64  /* the oldest is forgotten; `earshot get` still finds it */
#define FILES_LISTED_MAX 5 /* of older offers; more are only counted */
#define FILES_ID_MIN 4     /* letters of an id by which it can be meant */

enum files_phase {
    FILES_WAITS = 1, /* for /get or /decline */
    FILES_TAKEN = 2, /* by us, until its transfer has ended */
    FILES_OURS = 4,  /* an offer of ours, until nobody can take it any more */
    FILES_SENT = 8,  /* a small file of ours that nobody has saved yet */
};

struct files_item {
    char id[EARSHOT_ID_SIZE];
    enum files_phase phase;
    char *peer, *name;             /* peer: from whom, or to whom */
    uint64_t size;                 /* EARSHOT_SIZE_UNKNOWN of a stream */
    unsigned number;               /* in /files; 0: it is not shown there */
    struct earshot_event *message; /* it came as a message; its strings are copies */
    uint32_t request;              /* of the offer, while the hub has not answered it; else 0 */
    bool is_untold; /* the user has not been told: it comes from the hub's list, or the hub has not
                       got it yet */
    bool is_marked; /* by files_mark() */
    bool is_directory;
    struct files_item *prev, *next;
};

/* The list of the files that concern this window. */

static void files_free(struct chat *chat, struct files_item *item) {
    DL_DELETE(chat->files, item);
    if (item->message) {
        free((char *)item->message->message.file);
        free((char *)item->message->message.from);
    }
    free(item->message);
    free(item->peer);
    free(item->name);
    free(item);
}

void files_deinit(struct chat *chat) {
    while (chat->files)
        files_free(chat, chat->files);
}

/* An offer, or something of ours; NULL: there is none. What came as a message has no such id. */
static struct files_item *files_find(struct chat *chat, const char *id) {
    struct files_item *item;
    DL_FOREACH(chat->files, item) {
        if (!item->message && strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

/* Of somebody who is ignored: it is there, for when the user sees them again, and is not shown. */
static bool files_is_hidden(const struct chat *chat, const struct files_item *item) {
    return item->phase == FILES_WAITS && roster_is_ignored(&chat->roster, item->peer);
}

/* What has a transfer stays, so that it can be stopped. What is hidden takes nobody's place. */
static void files_forget_oldest(struct chat *chat) {
    struct files_item *item, *oldest = NULL, *hidden = NULL;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        if (!(item->phase & (FILES_WAITS | FILES_SENT)))
            continue;
        n++;
        if (!oldest)
            oldest = item;
        if (!hidden && files_is_hidden(chat, item))
            hidden = item;
    }
    if (n >= FILES_KEPT_MAX)
        files_free(chat, hidden ? hidden : oldest);
}

static struct files_item *files_add(struct chat *chat, enum files_phase phase, const char *id,
                                    const char *peer, const char *name, uint64_t size) {
    struct files_item *item = cli_allocate(sizeof *item);
    files_forget_oldest(chat);
    *item = (struct files_item){
        .phase = phase, .peer = cli_copy(peer), .name = cli_copy(name), .size = size};
    memcpy(item->id, id, sizeof item->id);
    DL_APPEND(chat->files, item);
    return item;
}

/* Offers of ours that have ended. */
static void files_forget_closed(struct chat *chat) {
    struct files_item *item, *next;
    struct earshot_transfer offer;
    DL_FOREACH_SAFE(chat->files, item, next) {
        if (item->phase == FILES_OURS &&
            earshot_own_offer(chat->link, item->id, &offer) == EARSHOT_AGAIN)
            files_free(chat, item);
    }
}

/* Gives everything that /files shows its number, after forgetting what has ended meanwhile. */
static void files_number_all(struct chat *chat) {
    struct files_item *item;
    unsigned number = 0;
    files_forget_closed(chat);
    DL_FOREACH(chat->files, item) {
        bool is_shown = item->phase != FILES_SENT && !files_is_hidden(chat, item);
        item->number = is_shown ? ++number : 0;
    }
}

static bool files_is_stream(const struct files_item *item) {
    return item->size == EARSHOT_SIZE_UNKNOWN;
}

/* What is told of them. */

/* As `ls -F` has it. */
static const char *files_sign(const struct files_item *item) {
    return item->is_directory ? "/" : "";
}

static void files_tell_offer(struct chat *chat, const struct files_item *item) {
    char size[SIZE_TEXT];
    file_size_text(item->size, size);
    view_note(&chat->view, VIEW_INFO, "%s offers %s%s%s%s%s; /get or /decline", item->peer,
              item->name, files_sign(item), *size ? " (" : "", size, *size ? ")" : "");
}

/* When a small file of ours is refused only its id comes back; its name is in the list. */
static void files_tell_declined(struct chat *chat, const struct earshot_transfer *transfer) {
    struct files_item *item = files_find(chat, transfer->id);
    bool is_sent = item && item->phase == FILES_SENT;
    const char *name = *transfer->name ? transfer->name : is_sent ? item->name : NULL;
    if (name)
        view_note(&chat->view, VIEW_INFO, "%s does not want %s%s%s", transfer->peer, name,
                  *transfer->error ? ": " : "", transfer->error);
    if (name && is_sent && item->peer[0] != '#')
        files_free(chat, item);
}

static const char *files_directory(void) {
    const char *configured = cli_config()->directory;
    return configured ? configured : ".";
}

/* With its directory: nobody remembers where a window began. The caller frees it. */
static char *files_place(const struct earshot_transfer *transfer) {
    const char *dir = files_directory();
    CLEANUP_FREE char *here = strcmp(dir, ".") == 0 ? get_current_dir_name() : NULL;
    char *place = NULL;
    if (asprintf(&place, "%s/%s", here ? here : dir, transfer->path) < 0)
        return cli_copy(transfer->path);
    return place;
}

/* Where it is; and, if it has another name there, how its sender calls it. */
static void files_tell_arrived(struct chat *chat, const struct earshot_transfer *transfer,
                               const char *size, const char *change) {
    const char *slash = strrchr(transfer->path, '/');
    bool is_renamed = strcmp(slash ? slash + 1 : transfer->path, transfer->name) != 0;
    CLEANUP_FREE char *place = files_place(transfer);
    view_note(&chat->view, VIEW_INFO, "%s from %s is here (%s)%s", place, transfer->peer, size,
              change);
    if (is_renamed && *transfer->name)
        view_note(&chat->view, VIEW_INFO,
                  "%s calls it %s; here that name was taken, or could not be used", transfer->peer,
                  transfer->name);
    if (transfer->skipped > 0)
        view_note(&chat->view, VIEW_INFO,
                  "it is not all of it: %llu of its entries could not be sent",
                  (unsigned long long)transfer->skipped);
}

static void files_tell_failed(struct chat *chat, const struct earshot_transfer *transfer) {
    bool is_part = !transfer->outgoing && *transfer->path;
    CLEANUP_FREE char *place = is_part ? files_place(transfer) : cli_copy("");
    chat_fail(chat, OUTCOME_TRANSFER, "%s %s %s: %s%s%s%s%s", transfer->name,
              transfer->outgoing ? "for" : "from", transfer->peer, transfer->error,
              file_advice(transfer), is_part ? "; what has come is in " : "", place,
              is_part && transfer->size != EARSHOT_SIZE_UNKNOWN
                  ? ", and goes on there when it is offered again"
                  : "");
}

/* The line of a transfer that begins or ends. */
static void files_tell_transfer(struct chat *chat, const struct earshot_transfer *transfer) {
    char size[SIZE_TEXT], change[FILE_CHANGE_TEXT];
    file_size_text(transfer->bytes, size);
    file_change_text(transfer, change);
    switch (transfer->state) {
    case EARSHOT_TRANSFER_RUNNING:
        if (transfer->outgoing)
            view_note(&chat->view, VIEW_INFO, "%s takes %s", transfer->peer, transfer->name);
        else
            view_note(&chat->view, VIEW_INFO, "%s is coming from %s", transfer->name,
                      transfer->peer);
        break;
    case EARSHOT_TRANSFER_DONE:
        if (transfer->outgoing)
            view_note(&chat->view, VIEW_INFO, "%s has %s (%s)%s", transfer->peer, transfer->name,
                      size, change);
        else
            files_tell_arrived(chat, transfer, size, change);
        break;
    case EARSHOT_TRANSFER_FAILED:
        files_tell_failed(chat, transfer);
        break;
    case EARSHOT_TRANSFER_DECLINED:
        files_tell_declined(chat, transfer);
        break;
    }
}

static void files_tell_left_out(struct chat *chat, const struct files_item *item) {
    view_note(&chat->view, VIEW_INFO,
              "%s from %s is left out: a stream whose end nobody knows; /get %u takes it",
              item->name, item->peer, item->number);
}

static void files_fail_none(struct chat *chat) {
    chat_fail(chat, OUTCOME_NO_FILE,
              "nothing like that waits for you; see /files; `earshot get` has small old ones, too");
}

static void files_fail_many(struct chat *chat, const char *word) {
    chat_fail(chat, OUTCOME_USAGE, "%s may be one of several; /files has their numbers", word);
}

/* Taking. */

/* So that `earshot get` does not take it out of the history once more. */
static void files_note_received(const struct chat *chat, const struct files_item *item) {
    struct received_list received;
    received_load(&received);
    (void)received_add(&received, item->id, item->message->message.uid, chat->me);
    received_free(&received);
}

static void files_fail(struct chat *chat, int result, enum outcome_use use, const char *path) {
    struct outcome outcome = outcome_of_file(chat->link, result, use);
    CLEANUP_FREE char *reason = chat_reason(chat, outcome.text);
    chat_fail(chat, outcome.code, "cannot %s %s: %s", use == OUTCOME_WRITE ? "write to" : "read",
              path, reason ? reason : "");
}

/* A small file is here already. What cannot be written stays in the list. */
static void files_save(struct chat *chat, struct files_item *item,
                       const struct earshot_target *target) {
    struct earshot_transfer file;
    int result = earshot_save(chat->link, item->message, target, &file);
    if (result < 0) {
        files_fail(chat, result, OUTCOME_WRITE, target->dir);
        return;
    }
    files_tell_transfer(chat, &file);
    if (result != EARSHOT_OK)
        return;
    files_note_received(chat, item);
    files_free(chat, item);
}

/* A larger one comes now, and its end is told by a TRANSFER event. */
static void files_accept(struct chat *chat, struct files_item *item,
                         const struct earshot_target *target) {
    int result = earshot_accept(chat->link, item->id, target);
    if (result == EARSHOT_OK) {
        item->phase = FILES_TAKEN;
        return;
    }
    if (result < 0)
        files_fail(chat, result, OUTCOME_WRITE, target->dir);
    else
        chat_fail_link(chat, result, "cannot get it");
    files_free(chat, item);
}

/* Takes it, at most so many bytes (0: all of it). It may be gone from the list then. */
static void files_take(struct chat *chat, struct files_item *item, uint64_t n_bytes_max) {
    struct earshot_target target = {.dir = files_directory(), .n_bytes_max = n_bytes_max};
    if (item->message)
        files_save(chat, item, &target);
    else
        files_accept(chat, item, &target);
}

/* How much of it the configuration allows to take without a question; 0: nothing. */
static uint64_t files_accepted_bytes(const struct files_item *item) {
    const struct cli_config *config = cli_config();
    for (size_t i = 0; i < config->n_accept; i++) {
        const struct config_accept *rule = &config->accept[i];
        bool is_from = strcmp(rule->from, "*") == 0 || words_same_name(rule->from, item->peer);
        if (is_from && (rule->bytes == UINT64_MAX || item->size <= rule->bytes))
            return rule->bytes > 0 ? rule->bytes : 1; /* a rule for empty files allows them */
    }
    return 0;
}

/* Takes what a rule allows; false: there is none. */
static bool files_take_allowed(struct chat *chat, struct files_item *item) {
    bool is_closed = files_is_stream(item) || files_is_hidden(chat, item);
    uint64_t bytes = is_closed ? 0 : files_accepted_bytes(item);
    if (bytes > 0)
        files_take(chat, item, item->message ? 0 : bytes);
    return bytes > 0;
}

static void files_tell_new(struct chat *chat, struct files_item *item) {
    if (files_is_hidden(chat, item))
        return;
    files_tell_offer(chat, item);
    item->is_untold = false;
}

void files_unignored(struct chat *chat) {
    struct files_item *item, *next;
    DL_FOREACH_SAFE(chat->files, item, next) {
        bool is_new = item->phase == FILES_WAITS && item->is_untold;
        if (is_new && !files_take_allowed(chat, item))
            files_tell_new(chat, item);
    }
}

/* Offers and transfers. */

static void files_on_offer(struct chat *chat, const struct earshot_event *event) {
    if (files_find(chat, event->offer.id))
        return;
    struct files_item *item = files_add(chat, FILES_WAITS, event->offer.id, event->offer.from,
                                        event->offer.name, event->offer.size);
    item->is_directory = event->offer.kind == EARSHOT_DIRECTORY;
    if (event->offer.kind == EARSHOT_STREAM)
        item->size = EARSHOT_SIZE_UNKNOWN;
    item->is_untold = true;
    if (!files_take_allowed(chat, item) && event->request == 0)
        files_tell_new(chat, item);
}

void files_ask(struct chat *chat) {
    uint32_t request = 0;
    int result = earshot_list_offers(chat->link, &request);
    inquiry_made(chat, result, request, INQUIRY_OFFERS, "");
}

static bool files_is_untold_offer(const struct chat *chat, const struct files_item *item) {
    return item->phase == FILES_WAITS && item->is_untold && !files_is_hidden(chat, item);
}

void files_tell_listed(struct chat *chat) {
    struct files_item *item;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        n += files_is_untold_offer(chat, item);
    }
    if (n > FILES_LISTED_MAX)
        view_note(&chat->view, VIEW_INFO, "%u files are offered to you; /files lists them", n);
    DL_FOREACH(chat->files, item) {
        if (!files_is_untold_offer(chat, item))
            continue;
        if (n <= FILES_LISTED_MAX)
            files_tell_offer(chat, item);
        item->is_untold = false;
    }
}

static void files_on_withdrawn(struct chat *chat, const struct earshot_event *event) {
    struct files_item *item = files_find(chat, event->withdrawn.id);
    if (!item)
        return;
    if (event->withdrawn.was_taken && item->phase == FILES_TAKEN)
        view_note(&chat->view, VIEW_INFO, "another program of yours takes %s", item->name);
    if (!event->withdrawn.was_taken && !item->is_untold)
        view_note(&chat->view, VIEW_INFO, "%s does not offer %s any more", item->peer, item->name);
    files_free(chat, item);
}

static void files_on_transfer(struct chat *chat, const struct earshot_transfer *transfer) {
    struct files_item *item = transfer->outgoing ? NULL : files_find(chat, transfer->id);
    files_tell_transfer(chat, transfer);
    if (item && transfer->state != EARSHOT_TRANSFER_RUNNING)
        files_free(chat, item);
}

static void files_on_skipped(struct chat *chat, const struct earshot_event *event) {
    char text[FILE_SKIP_TEXT];
    file_skip_text(event, text);
    view_note(&chat->view, VIEW_INFO, "%s", text);
}

void files_event(struct chat *chat, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_OFFER)
        files_on_offer(chat, event);
    else if (event->type == EARSHOT_EVENT_SKIPPED)
        files_on_skipped(chat, event);
    else if (event->type == EARSHOT_EVENT_WITHDRAWN)
        files_on_withdrawn(chat, event);
    else
        files_on_transfer(chat, &event->transfer);
}

/* Small files, which come as messages. */

static struct earshot_event *files_copy_message(const struct earshot_event *event) {
    struct earshot_event *copy = cli_allocate(sizeof *copy);
    *copy = *event;
    char *file = cli_allocate(event->message.file_n + 1);
    memcpy(file, event->message.file, event->message.file_n);
    copy->message.file = file;
    copy->message.from = cli_copy(event->message.from);
    return copy;
}

void files_message(struct chat *chat, const struct earshot_event *event) {
    bool is_ignored = roster_is_ignored(&chat->roster, event->message.from);
    if (!event->message.file || event->message.mine)
        return;
    struct earshot_transfer file;
    if (earshot_event_file(chat->link, event, &file) != EARSHOT_OK) {
        if (!is_ignored)
            (void)earshot_refuse(chat->link, event);
        return; /* its line says that it cannot be read */
    }
    struct files_item *item =
        files_add(chat, FILES_WAITS, event->message.id, event->message.from, file.name, file.size);
    item->message = files_copy_message(event);
    item->is_untold = true;
    if (!files_take_allowed(chat, item))
        files_tell_new(chat, item);
}

/* /get and /decline: which files a word means. */

static void files_cut_blanks(char *text) {
    size_t n = strlen(text);
    while (n > 0 && strchr(COMMAND_BLANKS, text[n - 1]))
        text[--n] = '\0';
}

static bool files_has_number(const struct files_item *item, const char *word) {
    char *end;
    unsigned long number = strtoul(word, &end, 10);
    return !*end && item->number == number;
}

static bool files_is_of(const struct files_item *item, const char *word) {
    return words_same_name(item->peer, word);
}

static bool files_has_name(const struct files_item *item, const char *word) {
    return strcmp(item->name, word) == 0;
}

/* Digits alone are a number, and so few of an id that others may have. */
static bool files_begins(const struct files_item *item, const char *word) {
    size_t n = strlen(word);
    if (strspn(word, "0123456789") == n && n < FILES_ID_MIN)
        return false;
    return strncmp(item->name, word, n) == 0 ||
           (n >= FILES_ID_MIN && strncasecmp(item->id, word, n) == 0);
}

/* Marks those in one of these phases that are like the word; returns how many. */
static unsigned files_mark(struct chat *chat, unsigned phases, const char *word,
                           bool (*is_like)(const struct files_item *, const char *)) {
    struct files_item *item;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        bool is_there = (item->phase & phases) && !files_is_hidden(chat, item);
        item->is_marked = is_there && is_like(item, word);
        n += item->is_marked;
    }
    return n;
}

static void files_each_marked(struct chat *chat, void (*act)(struct chat *, struct files_item *)) {
    struct files_item *item, *next;
    DL_FOREACH_SAFE(chat->files, item, next) {
        if (item->is_marked)
            act(chat, item);
    }
}

/* The last one that waits. */
static struct files_item *files_last_waiting(struct chat *chat, bool with_streams) {
    struct files_item *item, *last = NULL;
    DL_FOREACH(chat->files, item) {
        bool waits = item->phase == FILES_WAITS && !files_is_hidden(chat, item);
        if (waits && (with_streams || !files_is_stream(item)))
            last = item;
    }
    return last;
}

/*
 * What a word means is looked for in this order: the number in /files; the handle of the other
 * side, and then all of theirs, what waits before anything else; the name of a file; the beginning
 * of a name or an id. It must be that of one file only, since whoever offers a file chooses its
 * name.
 */
static void files_act_on(struct chat *chat, unsigned phases, const char *word,
                         void (*act)(struct chat *, struct files_item *),
                         void (*act_on_all)(struct chat *, struct files_item *)) {
    if (files_mark(chat, phases, word, files_has_number) > 0) {
        files_each_marked(chat, act);
        return;
    }
    if (files_mark(chat, FILES_WAITS, word, files_is_of) > 0 ||
        files_mark(chat, phases, word, files_is_of) > 0) {
        files_each_marked(chat, act_on_all);
        return;
    }
    unsigned n = files_mark(chat, phases, word, files_has_name);
    if (n == 0)
        n = files_mark(chat, phases, word, files_begins);
    if (n == 1)
        files_each_marked(chat, act);
    else if (n > 1)
        files_fail_many(chat, word);
    else
        files_fail_none(chat);
}

/* The user asked for it: all of it. */
static void files_get_one(struct chat *chat, struct files_item *item) {
    files_take(chat, item, 0);
}

static void files_get_unless_stream(struct chat *chat, struct files_item *item) {
    if (files_is_stream(item))
        files_tell_left_out(chat, item);
    else
        files_get_one(chat, item);
}

static void files_get_last(struct chat *chat) {
    struct files_item *last = files_last_waiting(chat, true);
    struct files_item *file = files_last_waiting(chat, false);
    if (!last)
        files_fail_none(chat);
    if (last && last != file)
        files_tell_left_out(chat, last);
    if (file)
        files_get_one(chat, file);
}

int files_get(struct chat *chat, char *word) {
    files_cut_blanks(word);
    files_number_all(chat);
    if (*word)
        files_act_on(chat, FILES_WAITS, word, files_get_one, files_get_unless_stream);
    else
        files_get_last(chat);
    return COMMAND_DONE;
}

static void files_refuse(struct chat *chat, const struct files_item *item) {
    if (item->message) {
        (void)earshot_refuse(chat->link, item->message);
        files_note_received(chat, item);
    } else {
        (void)earshot_decline(chat->link, item->id, "");
    }
    view_note(&chat->view, VIEW_INFO, "%s is refused", item->name);
}

/* What has come of it may stay, and be of use. */
static void files_tell_stopped(struct chat *chat, const struct files_item *item) {
    CLEANUP_FREE char *part = NULL;
    if (asprintf(&part, "%s/%s.part", files_directory(), item->name) < 0)
        part = NULL;
    bool is_kept = part && !strchr(item->name, '/') && access(part, F_OK) == 0;
    const char *place = is_kept && strncmp(part, "./", 2) == 0 ? part + 2 : part;
    view_note(&chat->view, VIEW_INFO, "%s from %s is stopped%s%s%s", item->name, item->peer,
              is_kept ? "; what has come is in " : "", is_kept ? place : "",
              is_kept && !files_is_stream(item) ? ", and goes on there when it is offered again"
                                                : "");
}

static void files_decline_one(struct chat *chat, struct files_item *item) {
    if (item->phase == FILES_WAITS) {
        files_refuse(chat, item);
    } else {
        (void)earshot_cancel(chat->link, item->id);
        if (item->phase == FILES_TAKEN)
            files_tell_stopped(chat, item);
        else
            view_note(&chat->view, VIEW_INFO, "%s is not offered to %s any more", item->name,
                      item->peer);
    }
    files_free(chat, item);
}

int files_decline(struct chat *chat, char *word) {
    struct files_item *last = files_last_waiting(chat, true);
    files_cut_blanks(word);
    files_number_all(chat);
    if (*word)
        files_act_on(chat, FILES_WAITS | FILES_TAKEN | FILES_OURS, word, files_decline_one,
                     files_decline_one);
    else if (last)
        files_decline_one(chat, last);
    else
        files_fail_none(chat);
    return COMMAND_DONE;
}

/* /put, and what the hub says of it. */

/* "~/" is the user's home directory. */
char *files_expand(const char *path) {
    char home[PATH_MAX], *full = NULL;
    if (path[0] == '~' && path[1] == '/' && home_of_user(home) == 0 && home[0] &&
        asprintf(&full, "%s%s", home, path + 1) >= 0)
        return full;
    return cli_copy(path);
}

/* To read from a pipe or a device can take for ever: that is for a program that may wait. */
static bool files_put_refused(struct chat *chat, const char *to, const char *path) {
    struct stat status;
    if (stat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return false;
    if (S_ISSOCK(status.st_mode))
        chat_fail(chat, OUTCOME_FILE, "%s is a socket, which cannot be sent", path);
    else
        chat_fail(chat, OUTCOME_FILE, "%s is a %s; from a shell: earshot put %s %s", path,
                  S_ISFIFO(status.st_mode) ? "pipe" : "device", to, path);
    return true;
}

static void files_put_failed(struct chat *chat, const char *path, int result) {
    if (result < 0)
        files_fail(chat, result, OUTCOME_READ, path);
    else
        chat_fail_link(chat, result, "cannot hand it over");
}

/* `request` is that of an offer; 0: it went as a message. */
static void files_put_done(struct chat *chat, const char *to, const struct earshot_transfer *file,
                           uint32_t request) {
    enum files_phase phase = request == 0 ? FILES_SENT : FILES_OURS;
    struct files_item *item = files_add(chat, phase, file->id, to, file->name, file->size);
    item->request = request;
    item->is_untold = request == 0;
    if (request == 0)
        talk_sent_file(chat, file->id, file->name);
    else
        inquiry_made(chat, EARSHOT_OK, request, INQUIRY_OFFER, to);
}

void files_put_path(struct chat *chat, const char *to, const char *path) {
    struct earshot_source source = {.path = path};
    struct earshot_transfer file;
    uint32_t request;
    if (files_put_refused(chat, to, path))
        return;
    int result = earshot_put(chat->link, to, &source, &file, &request);
    if (result == EARSHOT_OK && file_is_renamed(path, file.name))
        view_note(&chat->view, VIEW_INFO, "%s is called %s there", path, file.name);
    if (result == EARSHOT_OK)
        files_put_done(chat, to, &file, request);
    else
        files_put_failed(chat, path, result);
}

int files_put(struct chat *chat, char *arguments) {
    files_cut_blanks(arguments);
    CLEANUP_FREE char *whole = files_expand(arguments);
    size_t n = strcspn(arguments, COMMAND_BLANKS);
    if (!*arguments || (!arguments[n] && !*chat->target))
        return command_usage(chat, "put");
    if (!arguments[n] || (*chat->target && access(whole, F_OK) == 0)) {
        files_put_path(chat, chat->target, whole);
        return COMMAND_DONE;
    }
    CLEANUP_FREE char *path = files_expand(arguments + command_skip_word(arguments));
    arguments[n] = '\0';
    files_put_path(chat, arguments, path);
    return COMMAND_DONE;
}

void files_offered(struct chat *chat, uint32_t request) {
    struct files_item *item;
    DL_FOREACH(chat->files, item) {
        if (item->phase != FILES_OURS || item->request != request)
            continue;
        view_note(&chat->view, VIEW_INFO, "%s is offered to %s", item->name, item->peer);
        item->request = 0;
        return;
    }
}

void files_tell_ended(struct chat *chat) {
    const struct files_item *item;
    files_forget_closed(chat);
    DL_FOREACH(chat->files, item) {
        if (item->phase == FILES_OURS)
            cli_remark(chat->options,
                       "%s is not offered to %s any more; `earshot put` waits until it is taken",
                       item->name, item->peer);
    }
}

void files_state(struct chat *chat, const struct earshot_event *event) {
    struct files_item *item = files_find(chat, event->state.id);
    if (!item || item->phase != FILES_SENT || event->state.state < EARSHOT_STORED)
        return;
    if (item->is_untold)
        view_note(&chat->view, VIEW_INFO, "%s was sent to %s", item->name, item->peer);
    item->is_untold = false;
    if (event->state.state != EARSHOT_READ)
        return;
    view_note(&chat->view, VIEW_INFO, "%s has %s", event->state.by, item->name);
    if (item->peer[0] != '#')
        files_free(chat, item);
}

void files_refused(struct chat *chat, const struct earshot_event *event) {
    struct files_item *item = files_find(chat, event->failed.id);
    if (item && item->phase == FILES_SENT)
        files_free(chat, item);
}

/* /files. */

/* How far the transfers of this file are; false: there is none. */
static bool files_list_running(struct chat *chat, const struct files_item *item) {
    struct earshot_transfer transfer;
    char bytes[SIZE_TEXT], size[SIZE_TEXT];
    bool is_running = false;
    for (unsigned n = 0; earshot_progress(chat->link, n, &transfer) == EARSHOT_OK; n++) {
        if (strcmp(transfer.id, item->id) != 0)
            continue;
        file_size_text(transfer.bytes, bytes);
        file_size_text(transfer.size, size);
        view_note(&chat->view, VIEW_INFO, "%u. %s %s %s: %s%s%s", item->number, transfer.name,
                  transfer.outgoing ? "for" : "from", transfer.peer, bytes, *size ? " of " : "",
                  size);
        is_running = true;
    }
    return is_running;
}

static void files_list_item(struct chat *chat, const struct files_item *item, const char *remark) {
    char size[SIZE_TEXT];
    file_size_text(item->size, size);
    view_note(&chat->view, VIEW_INFO, "%u. %s%s %s %s, %s%s", item->number, item->name,
              files_sign(item), item->phase == FILES_OURS ? "for" : "from", item->peer,
              files_is_stream(item) ? "a stream" : size, remark);
}

/* What is offered to a room can be taken several times. */
static bool files_is_open_to_others(const struct files_item *item) {
    return item->phase == FILES_OURS && item->peer[0] == '#';
}

static void files_list_show(struct chat *chat, const struct files_item *item) {
    if (item->phase == FILES_WAITS)
        files_list_item(chat, item, "");
    else if (!files_list_running(chat, item) || files_is_open_to_others(item))
        files_list_item(chat, item, item->phase == FILES_OURS ? ": offered" : ": not begun yet");
}

int files_list(struct chat *chat, char *arguments) {
    (void)arguments;
    const struct files_item *item;
    unsigned n = 0;
    files_number_all(chat);
    DL_FOREACH(chat->files, item) {
        if (item->number == 0)
            continue;
        files_list_show(chat, item);
        n++;
    }
    if (n == 0)
        view_note(&chat->view, VIEW_INFO, "no file waits, none is under way");
    return COMMAND_DONE;
}
