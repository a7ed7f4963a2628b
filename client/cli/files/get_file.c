/* What `get` says, and small files, which come as messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/files/get_inside.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"

static void note_failure(struct get *get, int code) {
    if (get->code == CLI_DONE)
        get->code = code;
}

bool get_is_enough(const struct get *get) {
    return get->has_no_place ||
           (!get->wish->all && get->n_taken - get->n_failed >= get->wish->count);
}

/* To standard output something may have gone already: there is no other one then. */
void get_note_failed(struct get *get) {
    get->n_failed += get->wish->dir != NULL;
}

bool get_is_from(const struct get *get, const char *handle) {
    struct name name, key;
    if (get->from.n == 0)
        return true;
    if (name_parse(&name, bytes_of(handle)) != NAME_OK)
        return false;
    name_key(&key, &name);
    return bytes_equal(name_bytes(&key), name_bytes(&get->from));
}

/* Telling. */

static char *full_path(const struct get *get, const char *name) {
    CLEANUP_FREE char *here = get->wish->dir[0] == '/' ? NULL : get_current_dir_name();
    const char *dir = strcmp(get->wish->dir, ".") == 0 ? "" : get->wish->dir;
    char *path = NULL;
    if (asprintf(&path, "%s%s%s%s%s", here ? here : "", here && *dir ? "/" : "", dir,
                 *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", name) < 0)
        return cli_copy(name);
    return path;
}

static int print(struct get *get, const struct earshot_transfer *transfer, const char *path,
                 const char *via) {
    struct cli_file file = file_of(transfer, get->self);
    file.via = via;
    FILE *out = get->wish->dir ? stdout : stderr;
    file.path = path;
    if (get->options->json)
        json_file(out, &file);
    else if (transfer->state == EARSHOT_TRANSFER_DONE && get->wish->dir) {
        CLEANUP_FREE char *safe = text_safe(bytes_of(path), TEXT_ONE_LINE);
        puts(safe ? safe : "");
    }
    return cli_flush();
}

/* Whether it is not what was offered, or not all of it. */
static void tell_difference(struct get *get, const struct earshot_transfer *transfer) {
    char change[FILE_CHANGE_TEXT];
    file_change_text(transfer, change);
    if (*change)
        cli_remark(get->options, "%s from %s is here%s", transfer->name, transfer->peer, change);
    if (transfer->skipped > 0)
        cli_remark(get->options,
                   "%s from %s is not all of it: %llu of its entries were left out there",
                   transfer->name, transfer->peer, (unsigned long long)transfer->skipped);
}

int get_tell(struct get *get, const struct earshot_transfer *transfer, const char *via) {
    CLEANUP_FREE char *path =
        get->wish->dir && *transfer->path ? full_path(get, transfer->path) : cli_copy("");
    progress_clear(&get->progress);
    int code = print(get, transfer, path, via);
    if (transfer->state == EARSHOT_TRANSFER_DONE)
        tell_difference(get, transfer);
    if (transfer->state != EARSHOT_TRANSFER_FAILED)
        return code;
    if (!get->wish->dir && transfer->reason == EARSHOT_REASON_READER_GONE)
        return CLI_CLOSED;
    bool has_no_place = transfer->reason == EARSHOT_REASON_PLACE;
    get->has_no_place = get->has_no_place || has_no_place;
    note_failure(get, cli_fail(get->options, has_no_place ? CLI_CANNOT_CREATE : CLI_FAILED,
                               "transfer", "%s from %s: %s%s%s", transfer->name, transfer->peer,
                               transfer->error, *path ? "; what has come is in " : "", path));
    return code;
}

int get_fail(struct get *get, int result) {
    const char *dir = get->wish->dir, *where = !dir ? "standard output" : *dir ? dir : "\"\"";
    if (result < 0 && result != -EINTR && result != -ENOMEM)
        return cli_fail(get->options, CLI_CANNOT_CREATE, "file", "cannot write to %s: %s", where,
                        strerror(-result));
    return cli_fail_link(get->options, get->link, result);
}

/* Small files come as messages: now, or long ago. */

static bool has_file(const struct get *get, const struct earshot_event *event) {
    return event->message.file &&
           received_has_id(&get->received, event->message.id, event->message.uid, get->self);
}

bool get_is_waiting(const struct get *get, const struct earshot_event *event) {
    return event->message.file && !event->message.mine && !get->wish->streams_only &&
           get_is_from(get, event->message.from) && !has_file(get, event);
}

/* It stays in the history, but is not asked about again. */
static void note_received(struct get *get, const struct earshot_event *event) {
    int r = received_add(&get->received, event->message.id, event->message.uid, get->self);
    if (r < 0 && !get->received.distrust)
        cli_remark(get->options, "cannot write down in %s that this file was got: %s",
                   get->received.path ? get->received.path : "the state directory", strerror(-r));
}

/* It counts, but under no id: a message and an offer may have the same one. */
static void get_count_message(struct get *get) {
    get->taken = cli_grow(get->taken, get->n_taken, sizeof *get->taken);
    get->taken[get->n_taken++][0] = '\0';
}

static int get_refuse_message(struct get *get, const struct earshot_event *event) {
    get_count_message(get);
    get->n_over++;
    int result = earshot_refuse(get->link, event);
    if (result != EARSHOT_OK)
        return get_fail(get, result);
    note_received(get, event);
    return CLI_DONE;
}

/* It never can be saved: its sender is told, and it is not met again. */
static void drop_damaged(struct get *get, const struct earshot_event *event) {
    (void)earshot_refuse(get->link, event);
    note_received(get, event);
    get->n_failed++;
}

static int get_save_message(struct get *get, const struct earshot_event *event) {
    struct earshot_target target = {.dir = get->wish->dir, .fd = get->out};
    struct earshot_transfer file;
    get_count_message(get);
    int result = earshot_save(get->link, event, &target, &file);
    get->n_over++;
    if (result < 0)
        return get_fail(get, result);
    if (result == EARSHOT_OK)
        note_received(get, event);
    else if (file.reason == EARSHOT_REASON_DAMAGED)
        drop_damaged(get, event);
    else
        get_note_failed(get);
    return get_tell(get, &file, "message");
}

/* What is not taken stays for whoever joins next under this handle. */
int get_take_message(struct get *get, const struct earshot_event *event) {
    bool is_past = event->type == EARSHOT_EVENT_PAST;
    if (event->message.mine || has_file(get, event))
        return CLI_DONE;
    if (get_is_waiting(get, event) && !get_is_enough(get))
        return get->wish->decline ? get_refuse_message(get, event) : get_save_message(get, event);
    if (!is_past)
        earshot_pass_over(get->link, event);
    return CLI_DONE;
}
