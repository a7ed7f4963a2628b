#include "cli/file.h"

#include <stdio.h>
#include <string.h>

const char *const file_state_names[] = {"offered", "running", "done", "failed", "declined"};

static bool file_has_changed(const struct earshot_transfer *transfer) {
    return transfer->state == EARSHOT_TRANSFER_DONE && transfer->bytes != transfer->offered &&
           transfer->offered != EARSHOT_SIZE_UNKNOWN;
}

void file_change_text(const struct earshot_transfer *transfer, char text[FILE_CHANGE_TEXT]) {
    int n = 0;
    text[0] = '\0';
    if (file_has_changed(transfer))
        n = snprintf(text, FILE_CHANGE_TEXT,
                     "; it has changed since it was offered: %llu bytes then, %llu now",
                     (unsigned long long)transfer->offered, (unsigned long long)transfer->bytes);
    if (transfer->grown)
        snprintf(text + n, FILE_CHANGE_TEXT - (size_t)n,
                 "; it went on growing while it was sent: this is its beginning");
}

const char *file_advice(const struct earshot_transfer *transfer) {
    bool is_stream = transfer->size == EARSHOT_SIZE_UNKNOWN;
    return transfer->outgoing && transfer->reason == EARSHOT_REASON_PEER_DIED && !is_stream
               ? "; offer it again: a file goes on where it stopped"
               : "";
}

struct cli_file file_of(const struct earshot_transfer *transfer, const char *self) {
    static const enum file_state states[] = {
        [EARSHOT_TRANSFER_RUNNING] = FILE_RUNNING,
        [EARSHOT_TRANSFER_DONE] = FILE_DONE,
        [EARSHOT_TRANSFER_FAILED] = FILE_FAILED,
        [EARSHOT_TRANSFER_DECLINED] = FILE_DECLINED,
    };
    return (struct cli_file){
        .id = transfer->id,
        .state = states[transfer->state],
        .name = transfer->name,
        .size = transfer->size,
        .bytes = transfer->bytes,
        .from = transfer->outgoing ? self : transfer->peer,
        .to = transfer->outgoing ? transfer->peer : self,
        .path = "",
        .xxh3 = transfer->xxh3,
        .via = "shm",
        .error = transfer->error,
        .resumed = transfer->resumed,
        .offered = transfer->offered,
        .has_changed = file_has_changed(transfer),
        .has_grown = transfer->grown,
        .left_out = transfer->skipped,
    };
}

struct skip_row {
    const char *word, *text;
};

static const struct skip_row skip_rows[] = {
    [EARSHOT_SKIP_SPECIAL] = {"special", "it is a socket, a pipe or a device"},
    [EARSHOT_SKIP_DENIED] = {"denied", "it cannot be read"},
    [EARSHOT_SKIP_VANISHED] = {"vanished", "it is not there any more"},
    [EARSHOT_SKIP_TOO_DEEP] = {"too-deep", "its path is too long"},
    [EARSHOT_SKIP_CHANGED] = {"changed", "it was written to while it was read"},
    [EARSHOT_SKIP_REPLACED] = {"replaced",
                               "somebody else may have put it there since it was offered"},
    [EARSHOT_SKIP_ENDLESS] = {"endless", "it has no size, and does not come to an end soon"},
};

const char *file_skip_word(enum earshot_skip why) {
    return skip_rows[why].word;
}

void file_skip_text(const struct earshot_event *event, char text[FILE_SKIP_TEXT]) {
    const char *why = skip_rows[event->skipped.why].text;
    const char *error = event->skipped.error ? strerror(event->skipped.error) : "";
    if (event->skipped.more > 0)
        snprintf(text, FILE_SKIP_TEXT, "%llu more of %s are not sent to %s, each because %s",
                 (unsigned long long)event->skipped.more, event->skipped.name, event->skipped.peer,
                 why);
    else
        snprintf(text, FILE_SKIP_TEXT, "%s/%s is not sent to %s: %s%s%s", event->skipped.name,
                 event->skipped.path, event->skipped.peer, why, *error ? ": " : "", error);
}

void file_size_text(uint64_t bytes, char text[SIZE_TEXT]) {
    if (bytes == EARSHOT_SIZE_UNKNOWN)
        text[0] = '\0';
    else
        size_text(bytes, text);
}

bool file_is_renamed(const char *path, const char *name) {
    size_t end = strlen(path), n;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (n = 0; n < end && path[end - n - 1] != '/'; n++)
        continue;
    const char *last = path + end - n;
    if (n == 0 || (n == 1 && last[0] == '.') || (n == 2 && strncmp(last, "..", 2) == 0))
        return false;
    return strlen(name) != n || strncmp(last, name, n) != 0;
}
