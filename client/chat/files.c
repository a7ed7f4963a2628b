/* What the hub and the link tell of files. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/macro.h"
#include "chat/ask.h"
#include "chat/files_inside.h"
#include "cli/file.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

#define LISTED_MAX 5 /* of older offers; more are only counted */

/* As much as a standing rule of the configuration allows; 0: none does. */
static uint64_t accepted_bytes(const struct file_item *item) {
    const struct cli_config *config = cli_config();
    for (size_t i = 0; i < config->n_accept; i++) {
        const struct config_accept *rule = &config->accept[i];
        bool is_from = strcmp(rule->from, "*") == 0 || words_same_name(rule->from, item->peer);
        if (is_from && (rule->bytes == UINT64_MAX || item->size <= rule->bytes))
            return rule->bytes > 0 ? rule->bytes : 1; /* of an empty file: nothing comes */
    }
    return 0;
}

/* Offers. */

static void tell_offer(struct chat *chat, const struct file_item *item) {
    char size[SIZE_TEXT];
    file_size_text(item->size, size);
    view_note(&chat->view, VIEW_INFO, "%s offers %s%s%s%s; /get or /decline", item->peer,
              item->name, *size ? " (" : "", size, *size ? ")" : "");
}

static void files_on_offer(struct chat *chat, const struct earshot_event *event) {
    if (roster_is_ignored(&chat->roster, event->offer.from) || file_find(chat, event->offer.id))
        return;
    struct file_item *item = file_add(chat, FILE_WAITS, event->offer.id, event->offer.from,
                                      event->offer.name, event->offer.size);
    if (event->offer.kind == EARSHOT_STREAM)
        item->size = EARSHOT_SIZE_UNKNOWN;
    uint64_t bytes = event->offer.kind == EARSHOT_STREAM ? 0 : accepted_bytes(item);
    if (bytes > 0) {
        file_take(chat, item, bytes);
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

static bool is_listed(const struct file_item *item) {
    return item->phase == FILE_WAITS && item->is_untold;
}

void files_tell_listed(struct chat *chat) {
    struct file_item *item;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        n += is_listed(item);
    }
    if (n > LISTED_MAX)
        view_note(&chat->view, VIEW_INFO, "%u files are offered to you; /files lists them", n);
    DL_FOREACH(chat->files, item) {
        if (!is_listed(item))
            continue;
        if (n <= LISTED_MAX)
            tell_offer(chat, item);
        item->is_untold = false;
    }
}

static void files_on_withdrawn(struct chat *chat, const struct earshot_event *event) {
    struct file_item *item = file_find(chat, event->withdrawn.id);
    if (!item)
        return;
    if (event->withdrawn.was_taken && item->phase == FILE_TAKEN)
        view_note(&chat->view, VIEW_INFO, "another program of yours takes %s", item->name);
    if (!event->withdrawn.was_taken && !item->is_untold)
        view_note(&chat->view, VIEW_INFO, "%s does not offer %s any more", item->peer, item->name);
    file_free(chat, item);
}

/* Transfers. */

/* A small file of ours has no name any more but in our list. */
static void tell_declined(struct chat *chat, const struct earshot_transfer *transfer) {
    struct file_item *item = file_find(chat, transfer->id);
    bool is_sent = item && item->phase == FILE_SENT;
    const char *name = *transfer->name ? transfer->name : is_sent ? item->name : NULL;
    if (name)
        view_note(&chat->view, VIEW_INFO, "%s does not want %s%s%s", transfer->peer, name,
                  *transfer->error ? ": " : "", transfer->error);
    if (name && is_sent && item->peer[0] != '#')
        file_free(chat, item);
}

void file_tell_transfer(struct chat *chat, const struct earshot_transfer *transfer) {
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
            view_note(&chat->view, VIEW_INFO, "%s from %s is here (%s)%s", transfer->path,
                      transfer->peer, size, change);
        if (!transfer->outgoing && transfer->skipped > 0)
            view_note(&chat->view, VIEW_INFO,
                      "it is not all of it: %llu of its entries were left out",
                      (unsigned long long)transfer->skipped);
        break;
    case EARSHOT_TRANSFER_FAILED:
        chat_fail(chat, CLI_FAILED, "transfer", "%s %s %s: %s", transfer->name,
                  transfer->outgoing ? "for" : "from", transfer->peer, transfer->error);
        break;
    case EARSHOT_TRANSFER_DECLINED:
        tell_declined(chat, transfer);
        break;
    }
}

static void files_on_transfer(struct chat *chat, const struct earshot_transfer *transfer) {
    struct file_item *item = transfer->outgoing ? NULL : file_find(chat, transfer->id);
    file_tell_transfer(chat, transfer);
    if (item && transfer->state != EARSHOT_TRANSFER_RUNNING)
        file_free(chat, item);
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

/* Small files. */

static struct earshot_event *copy_of(const struct earshot_event *event) {
    struct earshot_event *copy = cli_allocate(sizeof *copy);
    *copy = *event;
    copy->message.file = cli_copy(event->message.file);
    copy->message.from = cli_copy(event->message.from);
    return copy;
}

void files_message(struct chat *chat, const struct earshot_event *event) {
    if (!event->message.file || event->message.mine)
        return;
    struct earshot_transfer file;
    if (earshot_posted(chat->link, event, &file) != EARSHOT_OK) {
        (void)earshot_refuse(chat->link, event);
        return; /* its line says that it cannot be read */
    }
    struct file_item *item =
        file_add(chat, FILE_WAITS, event->message.id, event->message.from, file.name, file.size);
    item->message = copy_of(event);
    if (accepted_bytes(item) > 0)
        file_take(chat, item, 0);
    else
        tell_offer(chat, item);
}
