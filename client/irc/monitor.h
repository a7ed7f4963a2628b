/* MONITOR: whose coming and going a client wants to be told. */
#pragma once

#include "irc/view.h"

bool monitor_has(const struct conn *conn, const struct person *person);

/* Says that somebody who is watched came or went. */
void monitor_tell(struct conn *conn, const struct person *person, bool is_here);
