#include "cli/file.h"

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

void file_size_text(uint64_t bytes, char text[SIZE_TEXT]) {
    if (bytes == EARSHOT_SIZE_UNKNOWN)
        text[0] = '\0';
    else
        size_text(bytes, text);
}
