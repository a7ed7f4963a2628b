/*
 * Small files in which programs of the user keep something from one time to the next. What somebody
 * else may have had a hand in is neither read nor added to (base/trust.h), and no file makes
 * anybody wait, whatever lies there.
 */
#pragma once

#include <stdio.h>

/* Opens it to be read. NULL: there is none, or none to be believed: *why, unless NULL, is then the
 * sentence, which the caller frees; else NULL. */
FILE *kept_open(const char *path, char **why);

/* Adds the text at its end; a new one is 0600. Returns 0, -EPERM when it is not to be believed, or
 * -errno. */
int kept_append(const char *path, const char *text);

/*
 * Writes it anew, 0600: whoever reads it finds the old one or the new one, whole. What cannot be
 * written leaves the old one.
 */
void kept_renew(const char *path, void (*write)(void *arg, FILE *out), void *arg);
