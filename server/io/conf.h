/*
 * hub.conf: what the hub is to be like, a line of `key = value` for each option of the command line
 * that tells that (libinih).
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#define CONF_SYSTEM_FILE "/etc/earshot/hub.conf"

struct conf_value {
    char *text; /* owned by whoever reads; NULL: not given */
    int line;
};

enum conf_need {
    CONF_IF_MINE,  /* none is there, or in a directory that may not be entered: there is none */
    CONF_IF_THERE, /* none is there */
    CONF_MUST      /* the user has named it */
};

/*
 * Reads the values of these keys into `values`, in their order. Returns 0, -ENOENT when there is
 * no such file and need not be, or EX_CONFIG after telling on standard error all that is wrong,
 * with file and line. Whoever else could write to the file is not believed (base/trust.h).
 */
int conf_read(const char *path, enum conf_need need, const char *const *keys, size_t n_keys,
              struct conf_value *values);

/* Tells what is wrong in that line. Returns EX_CONFIG. */
int conf_fail(const char *path, int line, const char *text);

/* $XDG_CONFIG_HOME/earshot/hub.conf (~/.config/...), for the user's private hub; "": none. */
void conf_user_file(char path[PATH_MAX]);
