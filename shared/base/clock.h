/*
 * Time as types, so that units and clocks cannot mix: mono_time counts nanoseconds of the
 * monotonic clock (for intervals), wall_time milliseconds since 1970 UTC (for people).
 * See clock_gettime(2).
 */
#pragma once

#include <stdint.h>
#include <time.h>

typedef struct {
    int64_t ns;
} mono_time;

typedef struct {
    int64_t ms;
} wall_time;

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

static inline mono_time mono_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (mono_time){ts.tv_sec * NS_PER_S + ts.tv_nsec};
}

/* Some milliseconds late, and several times cheaper: where it is asked for each message. */
static inline mono_time mono_coarse(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (mono_time){ts.tv_sec * NS_PER_S + ts.tv_nsec};
}

static inline wall_time wall_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (wall_time){ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS};
}

/* As mono_coarse(). */
static inline wall_time wall_coarse(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (wall_time){ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS};
}

static inline mono_time mono_add_ms(mono_time t, int64_t ms) {
    return (mono_time){t.ns + ms * NS_PER_MS};
}

/* How long from `from` until `to`, in milliseconds, rounded up; negative when `to` is past. */
static inline int64_t mono_ms_until(mono_time from, mono_time to) {
    int64_t ns = to.ns - from.ns;
    return ns > 0 ? (ns + NS_PER_MS - 1) / NS_PER_MS : ns / NS_PER_MS;
}

/* How long poll(2) is to wait until `due`: 0 when that is past. */
static inline int mono_poll_ms(mono_time due) {
    int64_t ms = mono_ms_until(mono_now(), due);
    return ms > 0 ? (int)ms : 0;
}
