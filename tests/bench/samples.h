/* Times of single events in one worker, and the statistics of rounds. */
#pragma once

#include <stddef.h>

#include "base/clock.h"

struct samples {
    double *us;
    size_t n, capacity;
};

int samples_init(struct samples *samples, size_t capacity); /* 0 or -ENOMEM */
void samples_deinit(struct samples *samples);

/* Adds the time since `start`. */
void samples_add(struct samples *samples, mono_time start);
double samples_median_us(const struct samples *samples);

/* The median, leaving the values as they are; 0 of none. */
double median_of(const double *values, size_t n);
