#include "core/calendar.h"

#include "core/record.h"

static bool is_set(int64_t ms) {
    return ms >= TIME_DATED_FROM;
}

void calendar_begin(struct calendar *calendar, mono_time now, wall_time wall,
                    const struct calendar_memory *memory, int64_t newest_ms) {
    *calendar = (struct calendar){.memory = *memory, .seen_at = now, .is_told = true};
    int64_t *seen_ms = &calendar->memory.seen_ms;
    if (*seen_ms == 0 && is_set(newest_ms) && (newest_ms < wall.ms || !is_set(wall.ms)))
        *seen_ms = newest_ms;
    if (*seen_ms == 0)
        *seen_ms = is_set(wall.ms) ? wall.ms : CALENDAR_UNSET_MS;
    calendar_observe(calendar, now, wall);
}

/* The clock goes on from where it leapt to; ahead perhaps by some hours more, of sleep. */
static bool calendar_goes_on(int64_t leap_ms, int64_t off_ms) {
    int64_t more_ms = off_ms - leap_ms;
    int64_t most_ms = leap_ms > 0 ? CALENDAR_DAY_MS : CALENDAR_SLACK_MS;
    return leap_ms != 0 && more_ms >= -CALENDAR_SLACK_MS && more_ms <= most_ms;
}

static void calendar_believe(struct calendar *calendar, wall_time wall) {
    bool was_trouble = calendar_is_trouble(calendar);
    calendar->memory = (struct calendar_memory){.seen_ms = wall.ms};
    if (was_trouble)
        calendar->is_told = false;
}

static void calendar_doubt(struct calendar *calendar, int64_t off_ms, int64_t passed_ms,
                           wall_time wall) {
    struct calendar_memory *memory = &calendar->memory;
    if (calendar_goes_on(memory->leap_ms, off_ms)) {
        memory->leap_ms = off_ms;
        memory->settled_ms += passed_ms;
        if (is_set(wall.ms) && memory->settled_ms >= CALENDAR_SETTLE_MS)
            calendar_believe(calendar, wall);
        return;
    }
    bool was_trouble = calendar_is_trouble(calendar);
    memory->leap_ms = off_ms;
    memory->settled_ms = 0;
    if (was_trouble || calendar_is_trouble(calendar))
        calendar->is_told = false;
}

void calendar_observe(struct calendar *calendar, mono_time now, wall_time wall) {
    int64_t passed_ms = (now.ns - calendar->seen_at.ns) / NS_PER_MS;
    if (calendar->memory.seen_ms == 0) {
        calendar_begin(calendar, now, wall, &(struct calendar_memory){0}, 0);
        return;
    }
    if (passed_ms < 0)
        passed_ms = 0;
    calendar->memory.seen_ms += passed_ms;
    calendar->seen_at.ns += passed_ms * NS_PER_MS;
    int64_t off_ms = wall.ms - calendar->memory.seen_ms;
    if (is_set(wall.ms) && off_ms >= -CALENDAR_DAY_MS && off_ms <= CALENDAR_SLACK_MS)
        calendar_believe(calendar, wall);
    else
        calendar_doubt(calendar, off_ms, passed_ms, wall);
}

int64_t calendar_stamp(struct calendar *calendar, wall_time wall) {
    const struct calendar_memory *memory = &calendar->memory;
    int64_t ms = memory->leap_ms < 0 || !is_set(wall.ms) ? memory->seen_ms : wall.ms;
    if (ms < calendar->stamp_ms && calendar->stamp_ms - ms <= CALENDAR_SLACK_MS)
        ms = calendar->stamp_ms;
    calendar->stamp_ms = ms;
    return ms;
}

bool calendar_is_trouble(const struct calendar *calendar) {
    int64_t leap_ms = calendar->memory.leap_ms;
    return leap_ms < 0 || leap_ms > CALENDAR_TOLD_MS;
}

int64_t calendar_age_now(const struct calendar *calendar, wall_time wall) {
    if (calendar_is_trouble(calendar) || !is_set(wall.ms) || !is_set(calendar->memory.seen_ms))
        return 0;
    return calendar->memory.seen_ms < wall.ms ? calendar->memory.seen_ms : wall.ms;
}
