#include "cli/file.h"

#include <stdio.h>

#include "base/macro.h"

const char *const file_state_names[] = {"offered", "running", "done", "failed", "declined"};

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
    };
}

void file_size_text(uint64_t bytes, char text[FILE_SIZE_TEXT]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes == EARSHOT_SIZE_UNKNOWN) {
        text[0] = '\0';
    } else if (bytes < 1024) {
        snprintf(text, FILE_SIZE_TEXT, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    } else {
        for (; size >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
            size /= 1024;
        snprintf(text, FILE_SIZE_TEXT, size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    }
}
