#include "cli/file.h"

#include <stdio.h>

const char *const file_state_names[] = {"offered", "running", "done", "failed", "declined"};

static bool file_has_changed(const struct earshot_transfer *transfer) {
    return transfer->state == EARSHOT_TRANSFER_DONE && transfer->bytes != transfer->offered &&
           transfer->offered != EARSHOT_SIZE_UNKNOWN;
}

void file_change_text(const struct earshot_transfer *transfer, char text[FILE_CHANGE_TEXT]) {
    text[0] = '\0';
    if (file_has_changed(transfer))
        snprintf(text, FILE_CHANGE_TEXT,
                 "; it has changed since it was offered: %llu bytes then, %llu now",
                 (unsigned long long)transfer->offered, (unsigned long long)transfer->bytes);
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
        .left_out = transfer->skipped,
    };
}

struct file_skip file_skip_of(enum earshot_skip why) {
    static const struct file_skip skips[] = {
        [EARSHOT_SKIP_SPECIAL] = {"special", "it is a socket, a pipe or a device"},
        [EARSHOT_SKIP_DENIED] = {"denied", "it cannot be read"},
        [EARSHOT_SKIP_VANISHED] = {"vanished", "it is not there any more"},
        [EARSHOT_SKIP_TOO_DEEP] = {"too-deep", "its path is too long"},
        [EARSHOT_SKIP_CHANGED] = {"changed", "it was written to while it was read"},
        [EARSHOT_SKIP_REPLACED] = {"replaced",
                                   "somebody else may have put it there since it was offered"},
        [EARSHOT_SKIP_ENDLESS] = {"endless", "it has no size, and does not come to an end soon"},
    };
    return skips[why];
}

void file_size_text(uint64_t bytes, char text[SIZE_TEXT]) {
    if (bytes == EARSHOT_SIZE_UNKNOWN)
        text[0] = '\0';
    else
        size_text(bytes, text);
}
