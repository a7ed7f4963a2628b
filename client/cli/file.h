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
    uint64_t offered;     /* the size when it was offered, if it has changed */
    uint64_t left_out;    /* entries of a directory */
    const char *from, *to;
    const char *path; /* where it was written */
    const char *xxh3;
    const char *via; /* "message" or "shm" */
    const char *error;
    bool has_changed, has_grown;
    bool resumed;  /* it went on behind what was there */
    uint64_t rate; /* bytes per second; 0: not known */
};

/* From what the library tells. `self` is one's own handle; the state is the event's. */
struct cli_file file_of(const struct earshot_transfer *transfer, const char *self);

/* Why an entry of a directory is not sent, for programs; and the whole of a SKIPPED event, for
 * people. */
const char *file_skip_word(enum earshot_skip why);
#define FILE_SKIP_TEXT 6144
void file_skip_text(const struct earshot_event *event, char text[FILE_SKIP_TEXT]);

/* What changed since it was offered, behind the line of a transfer that is done; "" when nothing
 * did. */
#define FILE_CHANGE_TEXT 256
void file_change_text(const struct earshot_transfer *transfer, char text[FILE_CHANGE_TEXT]);

/* "; ..." of a transfer of ours that failed, if it can go on: what to do. Else "". */
const char *file_advice(const struct earshot_transfer *transfer);

/* "1.2 GiB"; "" when it is not known. */
void file_size_text(uint64_t bytes, char text[SIZE_TEXT]);

/* Whether a file of this path goes over under another name than it has: a leading dot is left out.
 */
bool file_is_renamed(const char *path, const char *name);
