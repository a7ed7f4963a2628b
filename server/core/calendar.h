/*
 * What time it is, as far as it can be believed. A clock that is not set says 1970, or what the
 * firmware remembers; somebody sets it to the wrong year. Messages that were written meanwhile get
 * a believable time, and nothing is deleted for an age that has leapt.
 *
 * The expected time goes on with the monotonic clock, and over restarts from when the store was
 * last seen. The clock may be a little off, or up to a day behind, and is believed at once; what is
 * more is a leap. Ahead, it is believed for what is written from now on; but the age of what was
 * written before is not, until the clock has gone on like that for a day. Times that are not before
 * TIME_DATED_FROM are needed for all of it.
 *
 * Pure; all times in milliseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define CALENDAR_SLACK_MS INT64_C(300000)
#define CALENDAR_DAY_MS INT64_C(86400000)
#define CALENDAR_SETTLE_MS CALENDAR_DAY_MS     /* so long a leap is doubted, while the hub runs */
#define CALENDAR_TOLD_MS (7 * CALENDAR_DAY_MS) /* a hub may rest over some days */
#define CALENDAR_UNSET_MS                                                                          \
    INT64_C(1640995200000) /* 2022-01-01: where it begins with nothing known */

/* What outlives the hub. */
struct calendar_memory {
    int64_t seen_ms;    /* the time that was believed; 0: none */
    int64_t leap_ms;    /* so much the clock was ahead of it, or (negative) behind; 0: believed */
    int64_t settled_ms; /* and has been for so long */
};

struct calendar {
    struct calendar_memory memory; /* seen_ms: at seen_at */
    mono_time seen_at;
    int64_t stamp_ms; /* the time of the last message */
    bool is_told;     /* the present state is in the log */
};

/* Before the first observation; newest_ms: of the newest message, 0: none. */
void calendar_begin(struct calendar *calendar, mono_time now, wall_time wall,
                    const struct calendar_memory *memory, int64_t newest_ms);

/* What the clocks say now. */
void calendar_observe(struct calendar *calendar, mono_time now, wall_time wall);

/* The time of a message that is written now: never behind the one before by more than a day. */
int64_t calendar_stamp(struct calendar *calendar, wall_time wall);

/* By which messages are old; 0: it cannot be told, and nothing is. */
int64_t calendar_age_now(const struct calendar *calendar, wall_time wall);

/* The clock has leapt so far that somebody should look at it. */
bool calendar_is_trouble(const struct calendar *calendar);
