/*
 * Runs: consecutive messages of one sender to one room. All listeners get the same frames, so
 * these are gathered and then appended to each outbox at once, instead of message by message to
 * a thousand outboxes that no cache holds.
 *
 * A run is closed before anything else may go to a listener, so that nobody sees another order:
 * before a frame that does not continue it, before any answer, before the outboxes are taken,
 * before a tick, and before a session begins or ends (which may end the room).
 */

#include "core/internal.h"

static void append(struct core *core, struct session *to, const struct run *run,
                   unsigned *n_reached) {
    struct outbox_address address = {to->number, to->pid, core->config.batch};
    if (to->behind)
        return;
    struct encoded encoded = {run->frames, run->n, run->origin, run->n_origin};
    if (!session_takes_lines(to) ||
        outbox_append(&to->outbox, &core->pool, &address, &encoded) < 0) {
        feed_fall_behind(core, to, run->seq);
        return;
    }
    (*n_reached)++;
    session_touch(core, to);
}

void run_close(struct core *core) {
    struct run *run = &core->run;
    unsigned n_reached = 0;
    if (!run->room)
        return;
    for (unsigned i = 0; i < run->room->n_listeners; i++)
        if (run->room->listeners[i] != run->sender)
            append(core, run->room->listeners[i], run, &n_reached);
    core->counters.deliveries += (uint64_t)n_reached * run->n_messages;
    run->room = NULL;
}

unsigned core_n_waiting_for_run(const struct core *core) {
    return core->run.room ? core->run.room->n_listeners : 0;
}

static size_t run_bytes_max(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_HEADER_BYTES;
}

/* What needs no ORIGIN can stand behind any. */
static bool goes_on(const struct run *run, const struct session *sender, const struct room *room,
                    const struct encoded *encoded) {
    if (run->room != room || run->sender != sender)
        return false;
    return encoded->n_origin == 0 || (encoded->n_origin == run->n_origin &&
                                      memcmp(encoded->origin, run->origin, run->n_origin) == 0);
}

bool run_add(struct core *core, struct session *sender, struct room *room, uint64_t seq,
             const struct encoded *encoded) {
    struct run *run = &core->run;
    bool is_next = goes_on(run, sender, room, encoded);
    size_t n_origin = is_next ? run->n_origin : encoded->n_origin;
    size_t room_left = run_bytes_max(core) - n_origin;
    if (!is_next || run->n + encoded->n > room_left)
        run_close(core);
    if (encoded->n > room_left)
        return false;
    if (!run->room) {
        run->room = room;
        run->sender = sender;
        run->seq = seq;
        run->n = 0;
        run->n_messages = 0;
        run->n_origin = encoded->n_origin;
        if (encoded->n_origin > 0)
            memcpy(run->origin, encoded->origin, encoded->n_origin);
    }
    memcpy(run->frames + run->n, encoded->frames, encoded->n);
    run->n += encoded->n;
    run->n_messages++;
    return true;
}
