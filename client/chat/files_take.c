/* /get and /decline: which files are meant, and what is done with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "chat/command.h"
#include "chat/files_inside.h"
#include "cli/files/received.h"
#include "cli/report.h"
#include "cli/words.h"

/* Taking. */

static const char *file_directory(void) {
    const char *configured = cli_config()->directory;
    return configured ? configured : ".";
}

void file_note_received(const struct chat *chat, const struct file_item *item) {
    struct received_list received;
    received_load(&received);
    (void)received_add(&received, item->id, item->message->message.uid, chat->me);
    received_free(&received);
}

/* Of a small file; both have been told. */
enum { SAVED = EARSHOT_OK, NOT_SAVED = -EAGAIN };

static int file_save(struct chat *chat, const struct file_item *item,
                     const struct earshot_target *target) {
    struct earshot_transfer file;
    int result = earshot_save(chat->link, item->message, target, &file);
    if (result < 0)
        return result;
    file_tell_transfer(chat, &file);
    if (result == EARSHOT_OK)
        file_note_received(chat, item);
    return result == EARSHOT_OK ? SAVED : NOT_SAVED;
}

void file_take(struct chat *chat, struct file_item *item, uint64_t n_bytes_max) {
    struct earshot_target target = {.dir = file_directory(), .n_bytes_max = n_bytes_max};
    int result = item->message ? file_save(chat, item, &target)
                               : earshot_accept(chat->link, item->id, &target);
    bool is_waiting = item->message && result < 0; /* it waits until it can be written */
    if (result < 0 && result != NOT_SAVED)
        chat_fail(chat, CLI_CANNOT_CREATE, "file", "cannot write to %s: %s", target.dir,
                  strerror(-result));
    else if (result > 0)
        chat_fail_link(chat, result, "cannot get it");
    if (!item->message && result == EARSHOT_OK)
        item->phase = FILE_TAKEN;
    else if (!is_waiting)
        file_free(chat, item);
}

/* Declining. */

static void file_refuse(struct chat *chat, const struct file_item *item) {
    if (item->message) {
        (void)earshot_refuse(chat->link, item->message);
        file_note_received(chat, item);
    } else {
        (void)earshot_decline(chat->link, item->id, "");
    }
    view_note(&chat->view, VIEW_INFO, "%s is refused", item->name);
}

static void file_decline(struct chat *chat, struct file_item *item) {
    if (item->phase == FILE_WAITS) {
        file_refuse(chat, item);
    } else {
        (void)earshot_cancel(chat->link, item->id);
        if (item->phase == FILE_TAKEN)
            view_note(&chat->view, VIEW_INFO, "%s from %s is stopped", item->name, item->peer);
        else
            view_note(&chat->view, VIEW_INFO, "%s is not offered to %s any more", item->name,
                      item->peer);
    }
    file_free(chat, item);
}

/* Which ones a word means. */

static bool has_number(const struct file_item *item, const char *word) {
    char *end;
    unsigned long number = strtoul(word, &end, 10);
    return !*end && item->number == number;
}

static bool is_of(const struct file_item *item, const char *word) {
    return words_same_name(item->peer, word);
}

static bool has_name(const struct file_item *item, const char *word) {
    return strcmp(item->name, word) == 0;
}

static unsigned file_mark(struct chat *chat, unsigned phases, const char *word,
                          bool (*is_like)(const struct file_item *, const char *)) {
    struct file_item *item;
    unsigned n = 0;
    DL_FOREACH(chat->files, item) {
        item->is_meant = (item->phase & phases) && is_like(item, word);
        n += item->is_meant;
    }
    return n;
}

static bool is_stream(const struct file_item *item) {
    return item->size == EARSHOT_SIZE_UNKNOWN;
}

static void tell_left_out(struct chat *chat, const struct file_item *item) {
    view_note(&chat->view, VIEW_INFO,
              "%s from %s is left out: a stream whose end nobody knows; /get %u takes it",
              item->name, item->peer, item->number);
}

static void fail_none(struct chat *chat) {
    chat_fail(chat, CLI_NO_NAME, "no-file", "nothing like that waits for you; see /files");
}

static void fail_many(struct chat *chat, const char *word) {
    chat_fail(chat, CLI_USAGE, "usage", "several have the name %s; /files has their numbers", word);
}

static void each_meant(struct chat *chat, void (*act)(struct chat *, struct file_item *)) {
    struct file_item *item, *next;
    DL_FOREACH_SAFE(chat->files, item, next) {
        if (item->is_meant)
            act(chat, item);
    }
}

/* Of what waits, the last one. */
static struct file_item *last_waiting(struct chat *chat, bool with_streams) {
    struct file_item *item, *last = NULL;
    DL_FOREACH(chat->files, item) {
        if (item->phase == FILE_WAITS && (with_streams || !is_stream(item)))
            last = item;
    }
    return last;
}

/* Asked for: all of it. */
static void file_get(struct chat *chat, struct file_item *item) {
    file_take(chat, item, 0);
}

static void get_unless_stream(struct chat *chat, struct file_item *item) {
    if (is_stream(item))
        tell_left_out(chat, item);
    else
        file_get(chat, item);
}

static void get_last(struct chat *chat) {
    struct file_item *last = last_waiting(chat, true);
    struct file_item *file = last_waiting(chat, false);
    if (!last)
        fail_none(chat);
    if (last && last != file)
        tell_left_out(chat, last);
    if (file)
        file_get(chat, file);
}

/*
 * A number in /files, a handle: all of theirs, what waits before anything else, or the name of a
 * file, which must be no other's: whoever offers it has chosen that.
 */
static void act_on(struct chat *chat, unsigned phases, const char *word,
                   void (*act)(struct chat *, struct file_item *),
                   void (*act_on_all)(struct chat *, struct file_item *)) {
    unsigned n = file_mark(chat, phases, word, has_number);
    if (n == 0 &&
        (file_mark(chat, FILE_WAITS, word, is_of) > 0 || file_mark(chat, phases, word, is_of) > 0))
        each_meant(chat, act_on_all);
    else if (n > 0 || (n = file_mark(chat, phases, word, has_name)) == 1)
        each_meant(chat, act);
    else if (n > 1)
        fail_many(chat, word);
    else
        fail_none(chat);
}

int files_get(struct chat *chat, char *word) {
    file_cut_blanks(word);
    file_number_all(chat);
    if (*word)
        act_on(chat, FILE_WAITS, word, file_get, get_unless_stream);
    else
        get_last(chat);
    return COMMAND_DONE;
}

int files_decline(struct chat *chat, char *word) {
    struct file_item *last = last_waiting(chat, true);
    file_cut_blanks(word);
    file_number_all(chat);
    if (*word)
        act_on(chat, FILE_WAITS | FILE_TAKEN | FILE_OURS, word, file_decline, file_decline);
    else if (last)
        file_decline(chat, last);
    else
        fail_none(chat);
    return COMMAND_DONE;
}
