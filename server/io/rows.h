/* What the core has changed, as rows for the store. */
#pragma once

#include "core/persist.h"
#include "store/store.h"

/* Within a transaction; returns what the store returns. */
int rows_put(struct store *store, const struct change *change);
