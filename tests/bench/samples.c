#include "bench/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

int samples_init(struct samples *samples, size_t capacity) {
    *samples = (struct samples){calloc(capacity, sizeof(double)), 0, capacity};
    return samples->us ? 0 : -ENOMEM;
}

void samples_deinit(struct samples *samples) {
    free(samples->us);
    *samples = (struct samples){0};
}

void samples_add(struct samples *samples, mono_time start) {
    if (samples->n < samples->capacity)
        samples->us[samples->n++] = (double)(mono_now().ns - start.ns) / 1000.0;
}

double samples_median_us(const struct samples *samples) {
    return median_of(samples->us, samples->n);
}

static int compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double median_of(const double *values, size_t n) {
    CLEANUP_FREE double *sorted = calloc(n + 1, sizeof *sorted);
    if (n == 0 || !sorted)
        return 0;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}
