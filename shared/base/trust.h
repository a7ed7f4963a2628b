/*
 * Who may have had a hand in what a path leads to.
 *
 * A path is walked name by name, as the kernel does it, through every link in it. A directory on
 * the way that others can write to lets them put something else in the next one's place, unless it
 * is sticky and what is there is not theirs; and whoever owns a directory or a link can change it.
 * So all of them must belong to the user, to root, or to `other` where one is named, and nobody
 * else may write to them. Who owns "/" is taken for root (in a user namespace root is a stranger).
 *
 * Below the home directory the walk begins there: what is above it has been decided by whoever
 * made this user an account.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

enum trust_why {
    TRUST_OWNER,     /* `at` belongs to `uid` */
    TRUST_WRITABLE,  /* others can write to the file, `at` */
    TRUST_DIRECTORY, /* others can replace what is in the directory `at` */
    TRUST_LINK,      /* `at` is a link of `uid` */
    TRUST_NO_FILE,   /* `at` is neither a regular file nor a directory */
    TRUST_IS_DIRECTORY,
};

struct trust_fault {
    enum trust_why why;
    uid_t uid;
    char at[PATH_MAX]; /* the path of it; cut off when it is too long */
};

#define TRUST_FAULTY (-100000)

/*
 * Opens a regular file, and never waits, whatever lies there. With O_CREAT in `flags` it is made
 * when it is missing, 0600, and its directory is there. Returns the descriptor; -errno (also when
 * somebody could have put a file there, and nobody has); or TRUST_FAULTY, and tells in *fault.
 */
int trust_open(const char *path, int flags, struct trust_fault *fault);

/*
 * Opens a directory (O_PATH), of which only the way to it is looked at, with its links. `other` is
 * believed besides the user and root.
 */
int trust_reach(const char *path, uid_t other, struct trust_fault *fault);

/* The whole sentence: what is wrong with the file at `path`, and what to do. */
void trust_text(const struct trust_fault *fault, const char *path, char *text, size_t size);
