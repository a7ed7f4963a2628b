/*
 * The ".part" that something is received into, in a directory that others may write to, too. It is
 * held open and locked; its name is used only to make it, to give it its final name, and to remove
 * it, and only while it still is what is open.
 *
 * A .part is ours when it is a regular file or a directory of our own uid, with no second link, not
 * locked by another process, and carries our mark: the attribute user.earshot, which says whose
 * offer it belongs to. Where the file system keeps no such attributes, a file is tried if it has
 * mode 0600, and is left alone when its content is not the beginning of what is offered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "files/filename.h"
#include "files/item.h"

#define PART_MARK_BYTES 64

/* Zeroed but for the file descriptors, which are -1: closed. */
struct part {
    int dir; /* the destination */
    int fd;
    bool is_directory;
    bool is_marked;
    bool is_changed; /* it was there, of another version of the offer */
    bool is_old;     /* it was there; `offset` bytes of it can be used */
    uint64_t offset;
    unsigned choice;       /* which of the names it is */
    struct filename clean; /* as it was offered, made fit */
    struct filename name;  /* of the .part; empty: none */
    struct filename final; /* after part_finish */
    uint8_t mark[PART_MARK_BYTES];
    size_t n_mark, n_same; /* n_same: of them, what is not size and time */
};

/*
 * Finds the .part of this offer, or makes one: the first choice of a name that is free. `dir` is
 * duplicated. Returns 0, -errno or an enum transfer_outcome: NO_NAME, DISTURBED.
 */
int part_open(struct part *part, int dir, const struct item_offer *offer, uid_t from);

/* Empties the file, or, when it may not be ours, makes another one. As part_open. */
int part_restart(struct part *part);

/* It is of this size and time, and not of those that were offered: so it can go on the next time.
 */
void part_set_version(struct part *part, uint64_t size, int64_t mtime_ns);

/* Syncs it to the disk: a file, or the file system that the directory is on. */
int part_sync(const struct part *part);

/*
 * Sets the attributes and gives it the first free choice of names, which must not be replaced.
 * Returns 0, -errno or an enum transfer_outcome: NO_NAME, DISTURBED.
 */
int part_finish(struct part *part, mode_t mode, int64_t mtime_ns);

/* After part_finish: syncs the name, too. */
int part_sync_name(const struct part *part);

/* Removes it, with all that is in it. Other processes' are not touched. */
void part_remove(struct part *part);

/* Whether it has something in it that can be resumed, and still has its name. */
bool part_is_worth_keeping(const struct part *part);

/* Safe twice. What is there stays there. */
void part_close(struct part *part);
