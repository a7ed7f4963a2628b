/* Files on their way, as `put` and `get` tell of them. */
#pragma once

#include "base/size.h"
#include "cli/options.h"

enum file_state { FILE_OFFERED, FILE_RUNNING, FILE_DONE, FILE_FAILED, FILE_DECLINED };

extern const char *const file_state_names[];

/* The strings are never NULL; "" is none. */
struct cli_file {
    const char *id;
    enum file_state state;
    const char *name;     /* as it was offered */
    uint64_t size, bytes; /* size: EARSHOT_SIZE_UNKNOWN of a stream */
    const char *from, *to;
    const char *path; /* where it was written */
    const char *xxh3;
    const char *via; /* "message" or "shm" */
    const char *error;
    bool resumed;  /* it went on behind what was there */
    uint64_t rate; /* bytes per second; 0: not known */
};

/* From what the library tells. `self` is one's own handle; the state is the event's. */
struct cli_file file_of(const struct earshot_transfer *transfer, const char *self);

/* "1.2 GiB"; "" when it is not known. */
void file_size_text(uint64_t bytes, char text[SIZE_TEXT]);
