#include "io/road.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "ipc/shm.h"

struct road *road_new(uint64_t session, int shmid, uid_t creator) {
    struct road *road = calloc(1, sizeof *road);
    if (!road)
        return NULL;
    road->session = session;
    int r = channel_attach(&road->channel, shmid, creator);
    if (r == 0)
        return road;
    log_debug("no channel for uid %u: %s", creator,
              r > 0 ? shm_outcome_text((enum shm_outcome)r) : strerror(-r));
    free(road);
    return NULL;
}

void road_free(struct road *road) {
    channel_close(&road->channel);
    free(road);
}

void road_put_away(struct hub *hub, struct road *road) {
    LL_PREPEND(hub->left, road);
}

void road_begin(struct road *road, struct session *session) {
    struct lane *lane = session->seat->lane;
    session->seat->road = road;
    DL_APPEND(lane->roads, road);
    lane->n_roads++;
}

void road_leave(struct hub *hub, struct seat *seat) {
    struct road *road = seat->road;
    if (!road)
        return;
    seat->road = NULL;
    DL_DELETE(seat->lane->roads, road);
    seat->lane->n_roads--;
    road->is_left = true;
    if (!road->is_written)
        road_put_away(hub, road);
}

void road_lend(struct road *road) {
    if (road)
        road->is_written = true;
}

struct road *road_next(struct lane *lane) {
    struct road *road = lane->roads;
    DL_DELETE(lane->roads, road);
    DL_APPEND(lane->roads, road);
    return road;
}

void road_look_for_room(struct core *core, struct road *road, struct session *session) {
    const struct outbox *outbox = &session->outbox;
    bool waits = outbox->by_channel && outbox->stuck && !road->is_written;
    size_t n =
        outbox->head ? outbox->head->n : BATCH_BYTES_MAX; /* what waited may have been shed */
    if (waits && !batch_ring_writer_waits(&road->channel.down, n))
        core_channel_has_room(core, session);
}

/*
 * The bell of a client that has made room meanwhile has been heard in vain, for the outbox was not
 * there to be looked at; so it is looked at now.
 */
void road_returned(struct hub *hub, struct road *road) {
    if (!road)
        return;
    road->is_written = false;
    struct session *session = road->is_left ? NULL : core_session(&hub->core, road->session);
    if (road->is_left)
        road_put_away(hub, road);
    else if (session)
        road_look_for_room(&hub->core, road, session);
}

bool road_sleep_all(struct lane *lane) {
    struct core *core = &lane->hub->core;
    struct road *road;
    bool sleeps = true;
    DL_FOREACH(lane->roads, road) {
        struct session *session = core_session(core, road->session);
        if (!session)
            continue;
        road_look_for_room(core, road, session);
        if (session->condemned || !core_channel_is_read(session))
            continue;
        road->is_unwatched = batch_ring_reader_sleeps(&road->channel.up);
        sleeps &= road->is_unwatched;
    }
    return sleeps;
}

void road_wake(struct road *road) {
    if (road->is_unwatched)
        batch_ring_reader_wakes(&road->channel.up);
    road->is_unwatched = false;
}
