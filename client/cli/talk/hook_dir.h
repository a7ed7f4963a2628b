/*
 * The directory of `earshot hook`: below it a directory for each conversation, with a FIFO `in` to
 * write into and a file `out` to read from.
 *
 * A name of the grammar of proto/name.h is a file name as it is: it has no slash and no leading
 * dot. Two spellings of one name are one conversation, and the first directory is its own.
 *
 * The directory is 0700 and ours, so whatever else lies in it is of our own making or our user's:
 * links are not followed, and what stands in the place of a FIFO or file of ours is removed. All is
 * reached from the open directory, not by its path.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/options.h"
#include "cli/talk/hook_spool.h"
#include "proto/name.h"

#define HOOK_CONVS_MAX 512                       /* of those for which there is a directory */
#define HOOK_CONVS_OTHERS_MAX 128                /* so many begin because somebody writes to us */
#define HOOK_BUFFER_BYTES (2 * EARSHOT_TEXT_MAX) /* of what is read at a time */
#define HOOK_OUT_BYTES                                                                             \
    (256 << 10) /* of `out`; then it is called `out.1`, instead of the older one */

struct hook_conv {
    struct name name, key; /* name: of its directory */
    int dir, in;           /* descriptors; in: -1 when there is none to be had */
    char *data;            /* what was read and not sent yet, from `at` on; NULL: nothing */
    size_t at, n, room;    /* bytes of it, and that it may have */
    uint64_t start;        /* offset of its first byte in the spool */
    struct hook_spool spool;
    size_t n_flying; /* messages that the hub has not answered */
    bool goes_on;    /* the beginning of this line was sent already */
    bool is_left;    /* data is what a killed process had read: nothing else is read before it */
    bool is_full;    /* there is no room for more messages just now */
    bool is_told;    /* that its FIFO cannot be made */
    bool is_heard;   /* for who serves it: a room has been joined */
};

struct hook_dir {
    const struct cli_options *options;
    char path[PATH_MAX];
    int fd, lock, place, inotify;
    int spools;                        /* the directory of what is not acknowledged */
    uint8_t secret[SIPHASH_KEY_BYTES]; /* of the ids of what is sent from here */
    int peek[2];                       /* a pipe that what stands in a FIFO is copied to */
    struct hook_conv *convs[HOOK_CONVS_MAX];
    size_t n_convs;
    bool is_many_told, is_unsafe_told;
    /* A conversation ends. */
    void (*forget)(void *user, const struct hook_conv *conv);
    void *user;
};

/* Makes and locks it; `path` NULL: in the user's runtime directory. Returns an exit code after
 * reporting the error. Close it in any case. */
int hook_dir_open(struct hook_dir *dir, const struct cli_options *options, const char *path);

/* Takes the FIFOs away: who writes to one that nobody reads would wait for ever. */
void hook_dir_close(struct hook_dir *dir);

/* Something has changed: takes up new directories, and mends what is not as it was. Returns an exit
 * code: the directory is gone. */
int hook_dir_scan(struct hook_dir *dir);

/* The conversation; makes its directory unless there are too many. NULL: there is none. */
struct hook_conv *hook_dir_conv(struct hook_dir *dir, const char *name);

/* Up to which message all has been written; and that it has. 0: not known. */
uint64_t hook_dir_place(const struct hook_dir *dir);
void hook_dir_set_place(struct hook_dir *dir, uint64_t seq);

/* Adds to its `out`, all of it or nothing. Returns 0 or -errno. */
int hook_conv_write(const struct hook_conv *conv, const char *text, size_t n);

/* Reads what has come into `data`, which is in the spool before it is not in the FIFO any more.
 * Returns what read(2) does; 0: every writer has closed it. */
ssize_t hook_conv_read(struct hook_dir *dir, struct hook_conv *conv);
/* The line that was read in part is a whole one: nothing more comes of it. */
void hook_conv_end_line(struct hook_dir *dir, struct hook_conv *conv);

/* The first `n` bytes of `data` are sent. */
void hook_conv_sent(struct hook_conv *conv, size_t n);
/* The hub has answered, and up to this offset it needs nothing again. */
void hook_conv_answered(struct hook_conv *conv, uint64_t offset);
/* Whether more may be read. */
bool hook_conv_has_room(const struct hook_conv *conv);

/* Every writer has closed it: waits for the next one. */
void hook_conv_reopen(struct hook_dir *dir, struct hook_conv *conv);

/* Nobody new can open it. */
void hook_conv_unlink(const struct hook_conv *conv);
