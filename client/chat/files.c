#include "chat/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/macro.h"
#include "chat/ask.h"
#include "chat/command.h"
#include "cli/file.h"
#include "cli/received.h"
#include "cli/records.h"
#include "cli/report.h"

#define WAITING_MAX 64 /* the oldest is forgotten; `earshot get` still finds it */
#define LISTED_MAX 5   /* of older offers; more are only counted */
#define BLANKS " \t\n"

/*
 * Waits for /get or /decline; or, `is_taken`, for its sender to begin; or, `is_ours`, is a small
 * file of ours that nobody has saved yet.
 */
struct file_item {
    char id[EARSHOT_ID_SIZE];
    char *from, *name;
    uint64_t size;
    struct earshot_event *message; /* it came as a message; its strings are copies */
    bool is_ours, is_taken;
    bool is_untold; /* it was in the hub's list */
    struct file_item *prev, *next;
};

static void item_free(struct chat *chat, struct file_item *item) {
    DL_DELETE(chat->files, item);
    if (item->message) {
        free((char *)item->message->message.file);
        free((char *)item->message->message.from);
    }
    free(item->message);
    free(item->from);
    free(item->name);
    free(item);
}

void files_deinit(struct chat *chat) {
    while (chat->files)
        item_free(chat, chat->files);
}

static struct file_item *item_find(struct chat *chat, const char *id) {
    struct file_item *item;
    DL_FOREACH(chat->files, item) {
        if (strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

static struct file_item *item_add(struct chat *chat, const char *id, const char *from,
                                  const char *name, uint64_t size) {
    struct file_item *each, *item = cli_allocate(sizeof *item);
    int n = 0;
    DL_COUNT(chat->files, each, n);
    if (n >= WAITING_MAX)
        item_free(chat, chat->files);
    *item = (struct file_item){.from = cli_copy(from), .name = cli_copy(name), .size = size};
    memcpy(item->id, id, sizeof item->id);
    DL_APPEND(chat->files, item);
    return item;
}

/* Standing rules of the configuration: whose files are taken without a question. */

static void take(struct chat *chat, struct file_item *item, uint64_t n_bytes_max);

/* As much as the rule allows; 0: none does. */
static uint64_t accepted_bytes(const struct file_item *item, uint64_t size) {
    const struct cli_config *config = cli_config();
    for (size_t i = 0; i < config->n_accept; i++) {
        const struct config_accept *rule = &config->accept[i];
        bool is_from = strcmp(rule->from, "*") == 0 || roster_same(rule->from, item->from);
        if (is_from && (rule->bytes == UINT64_MAX || size <= rule->bytes))
            return rule->bytes > 0 ? rule->bytes : 1; /* of an empty file: nothing comes */
    }
    return 0;
}

/* Events. */

static void tell_offer(struct chat *chat, const struct file_item *item) {
    char size[SIZE_TEXT];
    file_size_text(item->size, size);
    view_note(&chat->view, VIEW_INFO, "%s offers %s%s%s%s; /get or /decline", item->from,
              item->name, *size ? " (" : "", size, *size ? ")" : "");
}

static void offered(struct chat *chat, const struct earshot_event *event) {
    if (roster_is_ignored(&chat->roster, event->offer.from) || item_find(chat, event->offer.id))
        return;
    struct file_item *item =
        item_add(chat, event->offer.id, event->offer.from, event->offer.name, event->offer.size);
    uint64_t bytes = accepted_bytes(item, event->offer.size);
    if (event->offer.kind != EARSHOT_STREAM && bytes > 0) {
        take(chat, item, bytes);
        return;
    }
    item->is_untold = event->request != 0;
    if (!item->is_untold)
        tell_offer(chat, item);
}

void files_ask(struct chat *chat) {
    uint32_t request = 0;
    int result = earshot_offers(chat->link, &request);
    ask_made(chat, result, request, ASK_OFFERS, "");
}

void files_tell_listed(struct chat *chat) {
    struct file_item *item;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        n += item->is_untold;
    }
    if (n > LISTED_MAX)
        view_note(&chat->view, VIEW_INFO, "%u files are offered to you; /files lists them", n);
    DL_FOREACH(chat->files, item) {
        if (item->is_untold && n <= LISTED_MAX)
            tell_offer(chat, item);
        item->is_untold = false;
    }
}

static void withdrawn(struct chat *chat, const struct earshot_event *event) {
    struct file_item *item = item_find(chat, event->withdrawn.id);
    if (!item)
        return;
    if (event->withdrawn.was_taken && item->is_taken)
        view_note(&chat->view, VIEW_INFO, "another program of yours takes %s", item->name);
    if (!event->withdrawn.was_taken && !item->is_untold)
        view_note(&chat->view, VIEW_INFO, "%s does not offer %s any more", item->from, item->name);
    item_free(chat, item);
}

/* A small file of ours has no name any more but in our list. */
static void declined(struct chat *chat, const struct earshot_transfer *transfer) {
    struct file_item *item = item_find(chat, transfer->id);
    const char *name = *transfer->name ? transfer->name : item && item->is_ours ? item->name : NULL;
    if (name)
        view_note(&chat->view, VIEW_INFO, "%s does not want %s%s%s", transfer->peer, name,
                  *transfer->error ? ": " : "", transfer->error);
    if (name && item && item->is_ours && item->from[0] != '#')
        item_free(chat, item);
}

/* Its transfer says from here on how it goes. */
static void forget_taken(struct chat *chat, const struct earshot_transfer *transfer) {
    struct file_item *item = transfer->outgoing ? NULL : item_find(chat, transfer->id);
    if (item && item->is_taken)
        item_free(chat, item);
}

static void transferred(struct chat *chat, const struct earshot_transfer *transfer) {
    char size[SIZE_TEXT];
    file_size_text(transfer->bytes, size);
    forget_taken(chat, transfer);
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
            view_note(&chat->view, VIEW_INFO, "%s has %s (%s)", transfer->peer, transfer->name,
                      size);
        else
            view_note(&chat->view, VIEW_INFO, "%s from %s is here (%s)", transfer->path,
                      transfer->peer, size);
        break;
    case EARSHOT_TRANSFER_FAILED:
        chat_fail(chat, CLI_FAILED, "transfer", "%s %s %s: %s", transfer->name,
                  transfer->outgoing ? "for" : "from", transfer->peer, transfer->error);
        break;
    case EARSHOT_TRANSFER_DECLINED:
        declined(chat, transfer);
        break;
    }
}

void files_event(struct chat *chat, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_OFFER)
        offered(chat, event);
    else if (event->type == EARSHOT_EVENT_SKIPPED)
        view_note(&chat->view, VIEW_INFO, "%s/%s is not sent to %s: %s", event->skipped.name,
                  event->skipped.path, event->skipped.peer,
                  event->skipped.why == EARSHOT_SKIP_SPECIAL ? "it is a socket, a pipe or a device"
                                                             : "it cannot be read");
    else if (event->type == EARSHOT_EVENT_WITHDRAWN)
        withdrawn(chat, event);
    else
        transferred(chat, &event->transfer);
}

/* "[file NAME, SIZE]" */
static char *name_of(const struct earshot_event *event) {
    static const char before[] = "[file ";
    const char *text = event->message.text, *end = strrchr(text, ',');
    size_t n = sizeof before - 1;
    if (strncmp(text, before, n) != 0 || !end || end < text + n)
        return cli_copy("a file");
    char *name = cli_copy(text + n);
    name[end - text - (ptrdiff_t)n] = '\0';
    return name;
}

void files_message(struct chat *chat, const struct earshot_event *event) {
    if (!event->message.file || event->message.mine)
        return;
    CLEANUP_FREE char *name = name_of(event);
    struct file_item *item =
        item_add(chat, event->message.id, event->message.from, name, EARSHOT_SIZE_UNKNOWN);
    item->message = cli_allocate(sizeof *item->message);
    *item->message = *event;
    item->message->message.file = cli_copy(event->message.file);
    item->message->message.from = cli_copy(event->message.from);
    if (accepted_bytes(item, strlen(event->message.file) / 4 * 3) > 0) /* it is in base64 */
        take(chat, item, 0);
}

void files_state(struct chat *chat, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_STATE || event->state.state != EARSHOT_READ)
        return;
    struct file_item *item = item_find(chat, event->state.id);
    if (!item || !item->is_ours)
        return;
    view_note(&chat->view, VIEW_INFO, "%s has %s", event->state.by, item->name);
    if (item->from[0] != '#')
        item_free(chat, item);
}

/* /put */

/* "~/" is one's own directory. */
static char *expand(const char *path) {
    const char *home = getenv("HOME");
    char *full = NULL;
    if (path[0] == '~' && path[1] == '/' && home && asprintf(&full, "%s%s", home, path + 1) >= 0)
        return full;
    return cli_copy(path);
}

static void cut_blanks(char *text) {
    size_t n = strlen(text);
    while (n > 0 && strchr(BLANKS, text[n - 1]))
        text[--n] = '\0';
}

static void fail_file(struct chat *chat, const char *path, int result) {
    if (result < 0)
        chat_fail(chat, CLI_DATA, "file", "cannot read %s: %s", path, strerror(-result));
    else
        chat_fail_link(chat, result, "cannot hand it over");
}

static void put(struct chat *chat, const char *to, const char *path) {
    struct earshot_transfer file;
    struct earshot_source source = {.path = path};
    uint32_t request = 0;
    int result = earshot_post(chat->link, to, path, &file);
    if (result == EARSHOT_OK) {
        item_add(chat, file.id, to, file.name, file.size)->is_ours = true;
        view_note(&chat->view, VIEW_INFO, "%s was sent to %s", file.name, to);
        return;
    }
    if (result == EARSHOT_LIMIT)
        result = earshot_offer(chat->link, to, &source, NULL, &request);
    if (result != EARSHOT_OK) {
        fail_file(chat, path, result);
        return;
    }
    ask_made(chat, result, request, ASK_OFFER, to);
    view_note(&chat->view, VIEW_INFO, "%s is offered to %s", path, to);
}

int files_put(struct chat *chat, char *arguments) {
    cut_blanks(arguments);
    CLEANUP_FREE char *whole = expand(arguments);
    size_t n = strcspn(arguments, BLANKS);
    if (!*arguments || (!arguments[n] && !*chat->target)) {
        chat_fail(chat, CLI_USAGE, "usage", "usage: /put [TO] PATH");
        return COMMAND_DONE;
    }
    if (!arguments[n] || (*chat->target && access(whole, F_OK) == 0)) {
        put(chat, chat->target, whole);
        return COMMAND_DONE;
    }
    CLEANUP_FREE char *path = expand(arguments + n + strspn(arguments + n, BLANKS));
    arguments[n] = '\0';
    put(chat, arguments, path);
    return COMMAND_DONE;
}

/* /get, /decline */

static const char *directory(void) {
    const char *configured = cli_config()->directory;
    return configured ? configured : ".";
}

/* So that it is not got once more out of the history. */
static void note_received(const struct chat *chat, const char *id) {
    struct received_list received;
    received_load(&received);
    (void)received_add(&received, id, chat->me);
    received_free(&received);
}

static void save(struct chat *chat, const struct file_item *item) {
    struct earshot_target target = {.dir = directory()};
    struct earshot_transfer file;
    int result = earshot_save(chat->link, item->message, &target, &file);
    if (result < 0) {
        chat_fail(chat, CLI_CANNOT_CREATE, "file", "cannot write to %s: %s", target.dir,
                  strerror(-result));
        return;
    }
    transferred(chat, &file);
    if (result == EARSHOT_OK)
        note_received(chat, item->id);
}

static void take(struct chat *chat, struct file_item *item, uint64_t n_bytes_max) {
    struct earshot_target target = {.dir = directory(), .n_bytes_max = n_bytes_max};
    int result = EARSHOT_OK;
    if (item->message)
        save(chat, item);
    else
        result = earshot_accept(chat->link, item->id, &target);
    if (result < 0)
        chat_fail(chat, CLI_CANNOT_CREATE, "file", "cannot write to %s: %s", target.dir,
                  strerror(-result));
    else if (result != EARSHOT_OK)
        chat_fail_link(chat, result, "cannot get it");
    item->is_taken = !item->message && result == EARSHOT_OK;
    if (!item->is_taken)
        item_free(chat, item);
}

/* Asked for: all of it. */
static void get(struct chat *chat, struct file_item *item) {
    take(chat, item, 0);
}

static void decline(struct chat *chat, struct file_item *item) {
    if (item->message) {
        (void)earshot_refuse(chat->link, item->message);
        note_received(chat, item->id);
    } else {
        (void)earshot_decline(chat->link, item->id, "");
    }
    view_note(&chat->view, VIEW_INFO, "%s is refused", item->name);
    item_free(chat, item);
}

static bool is_waiting(const struct file_item *item) {
    return !item->is_ours && !item->is_taken;
}

/* Which ones a word means: a number in /files, a handle: all of theirs, none: the last one. */
static bool is_meant(const struct file_item *item, const char *word, unsigned long number) {
    if (!is_waiting(item))
        return false;
    if (!*word)
        return true;
    char *end;
    unsigned long wanted = strtoul(word, &end, 10);
    return *end ? roster_same(item->from, word) : wanted == number;
}

static int each_meant(struct chat *chat, char *word,
                      void (*act)(struct chat *, struct file_item *)) {
    struct file_item *item, *next, *last = NULL;
    unsigned long number = 0;
    bool is_found = false;
    cut_blanks(word);
    DL_FOREACH_SAFE(chat->files, item, next) {
        number += is_waiting(item);
        if (!is_meant(item, word, number))
            continue;
        is_found = true;
        if (*word)
            act(chat, item);
        else
            last = item;
    }
    if (last)
        act(chat, last);
    if (!is_found)
        chat_fail(chat, CLI_NO_NAME, "no-file", "nothing like that waits for you; see /files");
    return COMMAND_DONE;
}

int files_get(struct chat *chat, char *arguments) {
    return each_meant(chat, arguments, get);
}

int files_decline(struct chat *chat, char *arguments) {
    return each_meant(chat, arguments, decline);
}

/* /files */

static void list_running(struct chat *chat, unsigned *n) {
    struct earshot_transfer transfer;
    char bytes[SIZE_TEXT], size[SIZE_TEXT];
    for (; earshot_progress(chat->link, *n, &transfer) == EARSHOT_OK; (*n)++) {
        file_size_text(transfer.bytes, bytes);
        file_size_text(transfer.size, size);
        view_note(&chat->view, VIEW_INFO, "%s %s %s: %s%s%s", transfer.name,
                  transfer.outgoing ? "for" : "from", transfer.peer, bytes, *size ? " of " : "",
                  size);
    }
}

int files_list(struct chat *chat, char *arguments) {
    (void)arguments;
    const struct file_item *item;
    char size[SIZE_TEXT];
    unsigned number = 0, n = 0;
    DL_FOREACH(chat->files, item) {
        if (!is_waiting(item))
            continue;
        number++;
        file_size_text(item->size, size);
        view_note(&chat->view, VIEW_INFO, "%u. %s from %s%s%s", number, item->name, item->from,
                  *size ? ", " : "", size);
    }
    list_running(chat, &n);
    if (number == 0 && n == 0)
        view_note(&chat->view, VIEW_INFO, "no file waits, none is under way");
    return COMMAND_DONE;
}
