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

void run_close(struct core *core) {
    struct run *run = &core->run;
    unsigned n_reached = 0;
    if (!run->room)
        return;
    struct encoded encoded = {.frames = run->frames,
                              .n = run->n,
                              .what = ENCODED_MESSAGE,
                              .origin = run->origin,
                              .n_origin = run->n_origin};
    work_begin_delivery(core);
    encoded_share(&encoded, run->room->n_listeners);
    for (unsigned i = 0; i < run->room->n_listeners; i++)
        if (run->room->listeners[i] != run->sender)
            n_reached += session_deliver(core, run->room->listeners[i], &encoded, run->seq);
    encoded_shared(&encoded);
    core->counters.deliveries += (uint64_t)n_reached * run->n_messages;
    run->room = NULL;
}

void core_close_run(struct core *core) {
    run_close(core);
}

unsigned core_n_waiting_for_run(const struct core *core) {
    return core->run.room ? core->run.room->n_listeners : 0;
}

static size_t run_bytes_max(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_HEADER_BYTES;
}

/* What needs no ORIGIN can stand behind any. */
static bool run_goes_on(const struct run *run, const struct session *sender,
                        const struct room *room, const struct encoded *encoded) {
    if (run->room != room || run->sender != sender)
        return false;
    return encoded->n_origin == 0 || (encoded->n_origin == run->n_origin &&
                                      memcmp(encoded->origin, run->origin, run->n_origin) == 0);
}

bool run_add(struct core *core, struct session *sender, struct room *room, uint64_t seq,
             const struct encoded *encoded) {
    struct run *run = &core->run;
    bool is_next = run_goes_on(run, sender, room, encoded);
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
