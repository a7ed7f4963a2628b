/* Where processes may run; those that are forked later inherit it. */
#pragma once

#include <sched.h>

/* Binds this process to the first CPU that it may use, and stores where it could run before. */
int pin_to_one(cpu_set_t *before); /* 0 or -errno */

void pin_undo(const cpu_set_t *before);
