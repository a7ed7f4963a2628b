/* What would keep a hub from starting. */
#pragma once

#include "io/options.h"

/*
 * Looks at directory, disk and store as a start would need them, without making or changing
 * anything, and prints on standard error what is in the way: "cannot start in DIR: ...". Returns
 * the exit code that the start would have; 0: nothing is.
 */
int check_start(const struct options *options);
