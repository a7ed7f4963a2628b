#include "lib/received.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void received_deinit(struct received *received) {
    free(received->ring);
    free(received->sorted);
    *received = (struct received){0};
}

void received_note(struct received *received, uint32_t uid, const struct uuid *id) {
    if (!received->ring)
        received->ring = malloc(RECEIVED_MAX * sizeof *received->ring);
    if (!received->ring)
        return;
    received->ring[received->next] = (struct received_message){uid, *id};
    received->next = (received->next + 1) % RECEIVED_MAX;
    if (received->n < RECEIVED_MAX)
        received->n++;
}

/* Without padding, so that bytes can be compared. */
_Static_assert(sizeof(struct received_message) == sizeof(uint32_t) + sizeof(struct uuid), "");

static int received_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct received_message));
}

int received_index(struct received *received) {
    if (received->n == 0)
        return 0;
    if (!received->sorted)
        received->sorted = malloc(RECEIVED_MAX * sizeof *received->sorted);
    if (!received->sorted)
        return -ENOMEM;
    memcpy(received->sorted, received->ring, received->n * sizeof *received->ring);
    received->n_sorted = received->n;
    qsort(received->sorted, received->n_sorted, sizeof *received->sorted, received_compare);
    return 0;
}

bool received_has(const struct received *received, uint32_t uid, const struct uuid *id) {
    const struct received_message wanted = {uid, *id};
    return received->n_sorted > 0 && bsearch(&wanted, received->sorted, received->n_sorted,
                                             sizeof wanted, received_compare) != NULL;
}
