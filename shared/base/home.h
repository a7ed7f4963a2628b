/*
 * Where the files of this user are: the one who this process is (geteuid()), whatever an
 * environment says that came along from somebody else, as by sudo -E or su -m.
 */
#pragma once

#include <limits.h>

/*
 * $HOME, if that directory belongs to this user; else the one of the user database, if that does;
 * else "". Returns 0, or -ENAMETOOLONG.
 */
int home_of_user(char path[PATH_MAX]);

/*
 * A base directory of the XDG Base Directory Specification: the absolute path in `variable`, unless
 * it, or what it would have to be made in, belongs to somebody else (root is nobody else); without
 * one `below` in the home directory; "" without that. Returns 0, or -ENAMETOOLONG.
 */
int home_base(char path[PATH_MAX], const char *variable, const char *below);

#define HOME_OF_OTHERS 1

/*
 * As mkdir -p: makes what is missing of an absolute or relative path, 0700; what is there stays as
 * it is. Nothing is made in a directory of somebody else: HOME_OF_OTHERS (root is nobody else).
 * Returns 0, or -errno.
 */
int home_make(const char *dir);
