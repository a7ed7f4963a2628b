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

#include "cli/options.h"
#include "proto/name.h"

#define HOOK_CONVS_MAX 512        /* of those for which there is a directory */
#define HOOK_CONVS_OTHERS_MAX 128 /* so many begin because somebody writes to us */
#define HOOK_OUT_BYTES                                                                             \
    (256 << 10) /* of `out`; then it is called `out.1`, instead of the older one */

struct hook_conv {
    struct name name, key; /* name: of its directory */
    int dir, in;           /* descriptors; in: -1 when there is none to be had */
    char *data;            /* what was read and not sent yet; NULL: nothing */
    size_t n;
    bool goes_on;  /* the beginning of this line was sent already */
    bool is_full;  /* there is no room for more messages just now */
    bool is_told;  /* that its FIFO cannot be made */
    bool is_heard; /* for who serves it: a room has been joined */
};

struct hook_dir {
    const struct cli_options *options;
    char path[PATH_MAX];
    int fd, lock, place, inotify;
    struct hook_conv *convs[HOOK_CONVS_MAX];
    size_t n_convs;
    bool is_many_told;
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

/* Every writer has closed it: waits for the next one. */
void hook_conv_reopen(struct hook_dir *dir, struct hook_conv *conv);

/* Nobody new can open it. */
void hook_conv_unlink(const struct hook_conv *conv);
