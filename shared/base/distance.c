#include "base/distance.h"

#include <stdint.h>

#include "base/macro.h"

static size_t size_least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* One row of the table is enough: what is above and what is diagonal is read before it is lost. */
size_t distance(struct bytes a, struct bytes b) {
    size_t row[DISTANCE_BYTES_MAX + 1];
    if (b.n >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t i = 0; i <= b.n; i++)
        row[i] = i;
    for (size_t at = 0; at < a.n; at++) {
        size_t diagonal = row[0]++;
        for (size_t i = 1; i <= b.n; i++) {
            size_t change = diagonal + (a.data[at] != b.data[i - 1]);
            diagonal = row[i];
            row[i] = size_least(change, size_least(row[i - 1], row[i]) + 1);
        }
    }
    return row[b.n];
}
