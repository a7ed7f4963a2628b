/* Whether a text names somebody. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* Whether valid UTF-8 names `handle`, without case, as a word. False also without memory. */
bool text_mentions(struct bytes text, const char *handle);
