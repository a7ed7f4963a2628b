#include "io/intake.h"

#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/text.h"
#include "io/database/right.h"
#include "io/database/rounds.h"
#include "io/join.h"
#include "io/road.h"
#include "io/storage.h"
#include "io/tell.h"
#include "proto/stranger.h"

#define BULK_BYTES 4096 /* a batch of so many bytes was gathered, not sent at once */
#define FLUSH_TURNS 8   /* drains of a flooded lane before the outboxes are flushed */

/* To so many recipients, looking for more first costs less than sending once more. */
#define CROWD 4

#define SLICE_NS NS_PER_MS        /* then the lock is left, if somebody is due for it */
#define FLUSH_SLICES 4            /* after so many, what was delivered is sent */
#define DELIVERY_COST 8           /* see FRAME_TYPES */
#define PAUSE_NS (20 * NS_PER_MS) /* at most at a time: a hub that stops waits for it */
#define PAUSE_MS_MAX 1000

#define WAITED_NS 3000 /* a receive that took longer found the queue empty and slept */

#define ROADS_TURN_BYTES                                                                           \
    ((size_t)256 * 1024) /* out of the channels, before what they make is sent */
#define ROADS_PART_BYTES ((size_t)32 * 1024) /* then it is looked who waits in the lane itself */
#define BELL_COST 16                         /* of a batch without frames */

/* What a lane thread works on. */
struct intake {
    struct lane *lane;
    struct queue_message messages[LANE_DRAIN_MAX];
    size_t sizes[LANE_DRAIN_MAX];
    int n;
    bool is_drained;       /* nothing else was there */
    bool is_lone;          /* one small batch, which was waited for: none will be behind it */
    bool is_flood;         /* last time several came */
    bool owes_leave;       /* some mailboxes were full, and are to be tried again */
    bool has_dying;        /* the lane has sessions that end when it is empty */
    bool has_roads;        /* some use channels */
    size_t n_road_bytes;   /* out of these, in the last turn */
    uint8_t *records;      /* CHANNEL_RING_BYTES; NULL: there was no channel yet */
    mono_time came;        /* when the first batch was received, or a little later */
    mono_time slice;       /* when the lane took the lock, or was charged last */
    uint32_t cost;         /* of what it did since it looked at the clock */
    unsigned n_slices;     /* after which somebody else had the lock */
    uint64_t n_deliveries; /* as they were when it looked last */
};

struct intake *intake_new(struct lane *lane) {
    struct intake *intake = calloc(1, sizeof *intake);
    if (intake)
        intake->lane = lane;
    return intake;
}

void intake_free(struct intake *intake) {
    if (intake)
        free(intake->records);
    free(intake);
}

/* A broken rule is counted, and told in the log. */
static void lane_reject(struct lane *lane, const char *what) {
    struct queue_info info = {0};
    struct hub *hub = lane->hub;
    hub->core.counters.rejected++;
    uint64_t n = lane->user ? ++lane->user->n_rejected : hub->core.counters.rejected;
    if (!tell_may(TELL_REJECTED, lane->user ? lane->user->uid : TELL_NOBODY))
        return;
    (void)queue_stat(lane->msqid, &info);
    if (lane->user)
        log_warning("rejected from uid %u (last sender pid %d): %s (%llu so far)", lane->user->uid,
                    info.last_sender, what, (unsigned long long)n);
    else
        log_warning("rejected at the well-known queue (last sender pid %d): %s (%llu so far)",
                    info.last_sender, what, (unsigned long long)n);
}

/* Slices. */

/* With the lock held: charges what the slice took. */
static void slice_charge(struct intake *intake) {
    mono_time now = mono_now();
    struct core *core = &intake->lane->hub->core;
    if (intake->lane->user)
        core_spend_time(core, intake->lane->user, now.ns - intake->slice.ns);
    intake->slice = now;
}

static void slice_begin_at(struct intake *intake, mono_time now) {
    hub_enter_at(intake->lane->hub, now);
    intake->slice = intake->lane->hub->core.now;
    intake->cost = 0;
}

static void slice_begin(struct intake *intake) {
    slice_begin_at(intake, mono_now());
}

/* Whether the lane's user is over his share of the hub, or has too much that the disk has not taken
 * yet. */
static bool slice_is_over(const struct intake *intake) {
    struct core *core = &intake->lane->hub->core;
    struct user *user = intake->lane->user;
    return user && (core_awaits_disk(core, user) || core_throttle_ns(core, user) > 0);
}

/* A rate is the user's: so that all of his lanes together keep to it, each waits as long as they
 * take for a message each. Else 1. */
static int64_t slice_n_lanes(const struct intake *intake) {
    const struct user *user = intake->lane->user;
    const struct lane *lane;
    int64_t n = 1;
    if (!user || user->account.message_ns == 0)
        return n;
    DL_COUNT2(user->lanes, lane, n, next_of_user);
    return n > 0 ? n : 1;
}

/*
 * Sleeps while that is so; also in the middle of a batch. So the lane is read later, and the user
 * blocks in his own msgsnd(2). Not for ever, for READY and TAKEN come through it, too. With the
 * lock held, which is left meanwhile.
 */
static void slice_pause(struct intake *intake) {
    struct hub *hub = intake->lane->hub;
    mono_time until = mono_add_ms(hub->core.now, PAUSE_MS_MAX * slice_n_lanes(intake));
    while (slice_is_over(intake) && hub->core.now.ns < until.ns && !hub->stopping) {
        int64_t ns = core_throttle_ns(&hub->core, intake->lane->user);
        hub_leave(hub);
        if (ns > 0)
            nanosleep(&(struct timespec){0, ns < PAUSE_NS ? (long)ns : PAUSE_NS}, NULL);
        slice_begin(intake);
        if (ns == 0 && core_awaits_disk(&hub->core, intake->lane->user) && !hub->stopping) {
            storage_wait_for_disk(hub, mono_add_ms(hub->core.now, CORE_DISK_TURN_MS));
            intake->slice = hub->core.now;
        }
    }
}

/*
 * Between two frames. After a slice the lock is left if anybody is due for it; what was delivered
 * is sent when the lane is through, or now if that may take long. True: it was left.
 */
static bool slice_check(struct intake *intake, uint16_t cost) {
    struct hub *hub = intake->lane->hub;
    uint64_t n_deliveries = hub->core.counters.deliveries;
    intake->cost += cost + (uint32_t)(n_deliveries - intake->n_deliveries) * DELIVERY_COST;
    intake->n_deliveries = n_deliveries;
    bool has_rate = intake->lane->user && intake->lane->user->account.message_ns > 0;
    if (intake->cost < FRAME_COST_MANY && !has_rate)
        return false;
    intake->cost = 0;
    bool awaits_disk = intake->lane->user && core_awaits_disk(&hub->core, intake->lane->user);
    if (!awaits_disk && !has_rate && !hub->core.wants_flush &&
        mono_now().ns - intake->slice.ns < SLICE_NS)
        return false;
    slice_charge(intake);
    if (slice_is_over(intake)) {
        slice_pause(intake);
    } else if (hub->core.wants_flush || lock_is_due(&hub->lock, intake->slice)) {
        if (hub->core.wants_flush || ++intake->n_slices % FLUSH_SLICES == 0)
            hub_leave(hub);
        else
            lock_give(&hub->lock);
        slice_begin(intake);
    } else {
        return false;
    }
    return true;
}

/* Frames. */

/* Whoever asks more often than he may waits first: now, for slice_check() would see a slice that
 * has just begun. */
static void leave_for_database(struct intake *intake) {
    slice_charge(intake);
    if (slice_is_over(intake))
        slice_pause(intake);
    hub_leave(intake->lane->hub);
}

/*
 * Login names are looked up outside the lock, because NSS may ask a network; the session may end
 * meanwhile.
 */
static bool may_be_called(struct intake *intake, struct session **session,
                          const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    char reason[256];
    enum fail_code code;
    uint64_t number = (*session)->number;
    struct right right = {.uid = (*session)->user->uid, .gid = hub->options.wall_gid};
    if (!core_awaits_right(&hub->core, *session, frame))
        return true;
    (void)name_parse(&right.wanted, frame->nick.handle);
    leave_for_database(intake);
    bool may = right_wait(hub, &right, &code, reason);
    slice_begin(intake);
    *session = core_session(&hub->core, number);
    hub->core.nick_right =
        (struct core_right){may && right.take_from != LOGIN_NOBODY, right.take_from};
    if (*session && !may)
        core_refuse(&hub->core, *session, frame->nick.request, code, reason);
    return may;
}

/* What belongs to a right that can be taken away is looked up for each time that it is used.
 * Returns the session; NULL: it ended meanwhile. */
static struct session *look_up_right(struct intake *intake, struct session *session,
                                     const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    uint64_t number = session->number;
    uid_t uid = session->user->uid;
    bool is_wall = frame->type == FRAME_WALL;
    struct name group = is_wall ? hub->options.wall_group : hub->options.admin_group;
    if (!core_needs_right(&hub->core, session, frame))
        return session;
    leave_for_database(intake);
    bool is_in = right_is_in_group(hub, uid, &group);
    slice_begin(intake);
    session = core_session(&hub->core, number);
    if (session && is_wall)
        session->may_wall = is_in;
    else if (session)
        session->user->is_in_admin_group = is_in;
    return session;
}

/* What an administrator has done. */
static void log_act(struct core *core) {
    if (core->act[0] == '\0')
        return;
    CLEANUP_FREE char *safe = text_safe(bytes_of(core->act), TEXT_ONE_LINE);
    log_warning("%s", safe ? safe : "an administrator has acted; there is no memory to say how");
    core->act[0] = '\0';
}

/* Of a recipient who is nobody's handle, it is looked up whether that is a login name. Returns the
 * session; NULL: it ended meanwhile. */
static struct session *find_recipient(struct intake *intake, struct session *session,
                                      const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    struct name name;
    struct core_login login;
    uint64_t number = session->number;
    uid_t uid = session->user->uid;
    if (!core_awaits_login(&hub->core, session, frame, &name))
        return session;
    leave_for_database(intake);
    right_find_login(hub, uid, &name, &login);
    slice_begin(intake);
    session = core_session(&hub->core, number);
    if (session)
        hub->core.mail_login = login;
    return session;
}

/* Who joins a room of a group, or makes one: in which groups he is now. Returns the session; NULL:
 * it ended meanwhile. */
static struct session *look_up_groups(struct intake *intake, struct session *session,
                                      const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    struct name group;
    struct group_answer groups;
    struct group_look look;
    uint64_t number = session->number;
    uid_t uid = session->user->uid;
    if (!core_awaits_groups(&hub->core, session, frame, &group))
        return session;
    leave_for_database(intake);
    right_find_groups(hub, uid, &group, &groups, &look);
    slice_begin(intake);
    core_note_groups(&hub->core, uid, &groups);
    hub->core.group_look = look;
    return core_session(&hub->core, number);
}

/* The same of all whom a GATHER names. */
static struct session *find_people(struct intake *intake, struct session *session,
                                   const struct frame *frame,
                                   struct core_login logins[PEOPLE_MAX]) {
    struct hub *hub = intake->lane->hub;
    uint64_t number = session->number;
    uid_t uid = session->user->uid;
    struct name name;
    unsigned n = 0;
    while (session && core_awaits_person(&hub->core, session, frame, logins, n, &name)) {
        leave_for_database(intake);
        right_find_login(hub, uid, &name, &logins[n]);
        n++;
        slice_begin(intake);
        session = core_session(&hub->core, number);
    }
    hub->core.people_logins = logins;
    hub->core.n_people_logins = n;
    return session;
}

/* What a message is about that mends or answers another one is looked for outside the lock, which
 * its sender pays for. Returns the session; NULL: it ended meanwhile. */
static struct session *find_target(struct intake *intake, struct session *session,
                                   const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    struct user *user = session->user;
    uint64_t number = session->number;
    struct record like;
    if (!core_awaits_target(&hub->core, session, frame, &like))
        return session;
    struct core_target target = {0};
    slice_charge(intake);
    hub_leave(hub);
    mono_time began = mono_now();
    storage_find_target(hub, &like, &target);
    int64_t ns = mono_now().ns - began.ns;
    slice_begin(intake);
    core_spend_time(&hub->core, user, ns);
    session = core_session(&hub->core, number);
    if (session)
        hub->core.target = target;
    else
        free((char *)target.record.reactions.data);
    return session;
}

static void forget_target(struct core *core) {
    free((char *)core->target.record.reactions.data);
    core->target.record.reactions = (struct bytes){0};
    core->target.record.seq = 0;
    core->target.conv = 0;
    core->target.last_n = 0;
}

/* Breaking the protocol: it is told, in the log too, and the session ends. */
static void break_off(struct lane *lane, struct session *session, const char *rule) {
    lane_reject(lane, rule);
    core_condemn(&lane->hub->core, session, rule);
}

/* Outside the lock; the session may end meanwhile. NULL: it has no use for a segment, or for this.
 */
static struct road *intake_attach(struct intake *intake, struct session *session, int shmid) {
    struct hub *hub = intake->lane->hub;
    struct user *user = session->user;
    uint64_t number = session->number;
    if (!core_channel_may_begin(&hub->core, session))
        return NULL;
    if (!intake->records)
        intake->records = malloc(CHANNEL_RING_BYTES);
    if (!intake->records)
        return NULL;
    slice_charge(intake);
    hub_leave(hub);
    mono_time began = mono_now();
    struct road *road = road_new(number, shmid, user->uid);
    int64_t ns = mono_now().ns - began.ns;
    slice_begin(intake);
    core_spend_time(&hub->core, user, ns);
    return road;
}

static const char *take_channel(struct intake *intake, uint64_t number, const struct frame *frame) {
    struct core *core = &intake->lane->hub->core;
    struct road *road =
        intake_attach(intake, core_session(core, number), (int)frame->channel.shmid);
    struct session *session = core_session(core, number);
    core->channel_is_there = road != NULL;
    const char *broken = session ? core_receive(core, session, frame) : NULL;
    session = core_session(core, number);
    if (road && session && session->channel != CHANNEL_NONE)
        road_begin(road, session);
    else if (road)
        road_put_away(intake->lane->hub, road);
    return broken;
}

static const char *take_switch(struct intake *intake, struct session *session,
                               const struct frame *frame) {
    struct hub *hub = intake->lane->hub;
    uint64_t number = session->number;
    const char *broken = core_receive(&hub->core, session, frame);
    session = core_session(&hub->core, number);
    if (session && session->channel == CHANNEL_NONE)
        road_leave(hub, session->seat);
    return broken;
}

/* Returns the session; NULL when there is nothing to be done with the rest of the batch. */
static struct session *take_frame(struct intake *intake, struct session *session,
                                  const struct frame *frame) {
    struct lane *lane = intake->lane;
    struct core *core = &lane->hub->core;
    uint64_t number = session->number;
    const char *broken = NULL;
    if (frame->type == FRAME_LIST && frame->list.what == LIST_OBJECTS)
        lane_list_all(lane->hub, session, frame->list.request);
    bool is_allowed = frame->type != FRAME_NICK || may_be_called(intake, &session, frame);
    if (session)
        session = look_up_right(intake, session, frame);
    if (session && (frame->type == FRAME_JOIN || frame->type == FRAME_CHANGE))
        session = look_up_groups(intake, session, frame);
    if (session && (frame->type == FRAME_SEND || frame->type == FRAME_PART))
        session = find_recipient(intake, session, frame);
    struct core_login logins[PEOPLE_MAX];
    if (session && frame->type == FRAME_GATHER)
        session = find_people(intake, session, frame, logins);
    if (session &&
        (frame->type == FRAME_SEND || frame->type == FRAME_PART || frame->type == FRAME_PIN))
        session = find_target(intake, session, frame);
    if (!session)
        return NULL; /* it ended meanwhile */
    if (frame->type == FRAME_CHANNEL)
        broken = take_channel(intake, number, frame);
    else if (frame->type == FRAME_SWITCH)
        broken = take_switch(intake, session, frame);
    else if (is_allowed)
        broken = core_receive(core, session, frame);
    log_act(core);
    session = core_session(core, number);
    if (session)
        session->user->is_in_admin_group = false; /* it was looked up for this frame */
    core->mail_login.what = LOGIN_NOT_ASKED;
    core->n_people_logins = 0;
    forget_target(core);
    core->group_look.is_told = false;
    if (core->wants_groups)
        rounds_wake(lane->hub);
    if (broken)
        lane_reject(lane, broken);
    return session;
}

/* Each frame: length, type, fields; dispatch. */
static void take_frames(struct intake *intake, struct session *session, struct cursor_in *in) {
    struct core *core = &intake->lane->hub->core;
    struct frame frame;
    uint64_t number = session->number;
    if (cursor_in_left(in) == 0 && slice_check(intake, BELL_COST))
        return;
    while (session && !session->condemned && cursor_in_left(in) > 0) {
        enum frame_outcome outcome = frame_take(in, &frame, FROM_CLIENT);
        const char *broken = outcome != FRAME_OK ? frame_outcome_text(outcome) : NULL;
        if (!broken && frame.type == FRAME_SWITCH && cursor_in_left(in) > 0)
            broken = "a frame behind a switch";
        if (broken) {
            break_off(intake->lane, session, broken);
            return;
        }
        uint16_t cost = frame_row(frame.type)->cost;
        session = take_frame(intake, session, &frame); /* NULL: it said BYE, or takes in nothing */
        if (session && slice_check(intake, cost))
            session = core_session(core, number);
    }
}

/* Channels. */

/* One batch out of the ring of this session. False: nothing more of the ring counts. */
static bool take_record(struct intake *intake, uint64_t number, struct bytes batch) {
    struct lane *lane = intake->lane;
    struct core *core = &lane->hub->core;
    struct session *session = core_session(core, number);
    struct cursor_in in = cursor_in_of(batch.data, batch.n);
    struct envelope envelope;
    if (!session || session->condemned)
        return false;
    core->counters.batches_in++;
    core_channel_moved(core, session, 1);
    const char *broken = NULL;
    if (!core_channel_is_read(session))
        broken = "a batch behind the switch to the lane";
    else if (!envelope_take(&in, &envelope))
        broken = "a batch without a valid envelope";
    else if (envelope.session != number)
        broken = "a batch in the ring of another session";
    if (broken)
        break_off(lane, session, broken);
    else
        take_frames(intake, session, &in);
    return !broken;
}

/* False: it will not wake up by itself, and cannot be woken. */
static bool ring_bell(const struct session *session) {
    int r = queue_ring_bell(session->seat->msqid, session->pid, session->number);
    return r == QUEUE_OK || r == QUEUE_FULL;
}

/*
 * What lies in the ring of a road now: the client may go on filling it meanwhile. Returns how many
 * bytes; afterwards the session may have ended, and the road with it.
 */
static size_t take_road(struct intake *intake, struct road *road) {
    struct lane *lane = intake->lane;
    struct batch_ring *up = &road->channel.up;
    struct session *session = core_session(&lane->hub->core, road->session);
    uint64_t number = road->session;
    struct bytes batch;
    size_t n = 0, at = 0;
    road_wake(road);
    if (!session || session->condemned)
        return 0;
    road_look_for_room(&lane->hub->core, road, session);
    if (!core_channel_is_read(session))
        return 0;
    int r = batch_ring_take_records(up, intake->records, CHANNEL_RING_BYTES, &n);
    if (r == BATCH_RING_BROKEN)
        break_off(lane, session, "a ring that makes no sense");
    if (r != BATCH_RING_OK)
        return 0;
    if (batch_ring_is_writer_due(up) && !ring_bell(session)) {
        core_end(&lane->hub->core, session);
        return 0;
    }
    while (batch_record_next(intake->records, n, &at, &batch) && take_record(intake, number, batch))
        ;
    return n;
}

/* Whether something waits in the lane itself, besides bells. */
static bool lane_is_waited_in(const struct intake *intake) {
    struct queue_info info;
    for (int i = 0; i < intake->n; i++)
        if (intake->sizes[i] > ENVELOPE_BYTES)
            return true;
    return queue_stat(intake->lane->msqid, &info) == QUEUE_OK &&
           info.n_bytes > info.n_messages * ENVELOPE_BYTES;
}

/*
 * Each in turn, with the lock held; what is not looked at now comes first the next time. A part is
 * enough for now when somebody waits in the lane itself: else who says something now and then would
 * wait for all that his user's floods have in their rings.
 */
static size_t take_roads(struct intake *intake) {
    struct lane *lane = intake->lane;
    size_t n_bytes = 0, until = ROADS_PART_BYTES;
    for (unsigned n = lane->n_roads; n > 0 && lane->roads && n_bytes < ROADS_TURN_BYTES; n--) {
        n_bytes += take_road(intake, road_next(lane));
        if (n_bytes < until)
            continue;
        if (lane_is_waited_in(intake))
            break;
        until = n_bytes + ROADS_PART_BYTES;
    }
    return n_bytes;
}

/*
 * A session that uses its channel has sent something in another way, or has died: what it has put
 * into the ring before comes first. Returns it; NULL: it has ended.
 */
static struct session *take_road_first(struct intake *intake, struct session *session) {
    uint64_t number = session->number;
    if (!core_channel_is_read(session))
        return session;
    (void)take_road(intake, session->seat->road);
    return core_session(&intake->lane->hub->core, number);
}

/* Whose batch it is; NULL when it is nobody's who may send here. */
static struct session *sender_of(struct lane *lane, const struct queue_message *message, size_t n,
                                 struct cursor_in *in) {
    struct envelope envelope;
    *in = cursor_in_of(message->data, n);
    if (!envelope_take(in, &envelope)) {
        lane_reject(lane, "a batch without a valid envelope");
        return NULL;
    }
    struct session *session = core_session(&lane->hub->core, envelope.session);
    if (!session && message->mtype == OBITUARY_MTYPE)
        return NULL; /* it had said BYE itself */
    if (!session || session->seat->lane != lane) {
        lane_reject(lane, "a batch for a session that is not the sender's");
        return NULL;
    }
    return session;
}

/* The order of checks: envelope, session, lane; then each frame. */
static void take_batch(struct intake *intake, const struct queue_message *message, size_t n) {
    struct lane *lane = intake->lane;
    struct cursor_in in;
    struct session *session = sender_of(lane, message, n, &in);
    bool is_obituary = message->mtype == OBITUARY_MTYPE;
    lane->hub->core.counters.batches_in++;
    if (session && message->mtype != HUB_MTYPE && !is_obituary)
        break_off(lane, session, "a message that is not addressed to the hub");
    if (session && cursor_in_left(&in) > 0)
        session = take_road_first(intake, session);
    if (session && cursor_in_left(&in) > 0 && core_channel_is_read(session) && !is_obituary)
        break_off(lane, session, "a frame in the lane of a session that uses its channel");
    if (session)
        take_frames(intake, session, &in);
}

/* A batch of session 0 holds one HELLO. It is dealt with outside the lock. */
static bool take_hello(struct lane *lane, const struct queue_message *message, size_t n) {
    struct cursor_in in = cursor_in_of(message->data, n);
    struct envelope envelope;
    struct frame frame;
    if (!lane->is_well_known || message->mtype != HUB_MTYPE)
        return false;
    if (stranger_hello(message->data, n, &frame.hello)) {
        join_hello(lane->hub, &frame.hello);
        return true;
    }
    if (!envelope_take(&in, &envelope) || envelope.session != 0)
        return false;
    if (cursor_in_left(&in) == 0)
        return true; /* nothing, politely */
    if (frame_take(&in, &frame, FROM_STRANGER) != FRAME_OK)
        return false;
    join_hello(lane->hub, &frame.hello);
    return true;
}

static int intake_receive(struct intake *intake, bool wait) {
    int i = intake->n;
    /* Any mtype: what nobody takes out would fill the queue for ever. */
    int r = queue_receive(intake->lane->msqid, &intake->messages[i], 0, &intake->sizes[i], wait);
    if (r == QUEUE_OK)
        intake->n++;
    return r;
}

/* Takes what is there. */
static void intake_drain(struct intake *intake) {
    intake->is_drained = false;
    while (intake->n < LANE_DRAIN_MAX && !intake->is_drained)
        intake->is_drained = intake_receive(intake, false) != QUEUE_OK;
}

#define LOOK_COST 16 /* of looking at a session, as of a frame; ending one costs as much as BYE */

/*
 * Sessions of dead processes end when all that these had sent has been dealt with. Thousands may
 * have died at once, so the lock is left in between.
 */
static void end_dying(struct intake *intake) {
    struct lane *lane = intake->lane;
    struct core *core = &lane->hub->core;
    for (uint32_t slot = 0; slot < core->n_slots && lane->n_dying > 0; slot++) {
        struct session *session = core->slots[slot];
        bool is_dying =
            session && !session->dead && session->seat->lane == lane && session->seat->dies_at != 0;
        bool ends = is_dying && (intake->is_drained || session->seat->dies_at <= lane->n_received);
        if (ends && (session = take_road_first(intake, session)))
            core_end(core, session);
        (void)slice_check(intake, ends ? frame_row(FRAME_BYE)->cost : LOOK_COST);
    }
}

/*
 * Before it waits for more: mailboxes that were full are tried again, or marked with MORE; sessions
 * that were to end when the lane is empty, which nobody may have seen it be, end; and who uses a
 * channel is told to ring the bell. EMPTY: nothing is there, and it may wait.
 */
static int receive_or_leave(struct intake *intake) {
    struct lane *lane = intake->lane;
    int r = intake_receive(intake, false);
    if (r == QUEUE_OK)
        return r;
    intake->is_drained = true;
    if (r == QUEUE_EMPTY && intake->n_road_bytes > 0)
        return QUEUE_OK; /* there probably is more */
    slice_begin(intake);
    end_dying(intake);
    if (!road_sleep_all(lane) && r == QUEUE_EMPTY)
        r = QUEUE_OK;
    slice_charge(intake);
    hub_leave(lane->hub);
    intake->owes_leave = intake->has_dying = false;
    return r;
}

/*
 * Blocks for the first batch, then takes what else is there. With OK but without a batch there is
 * something in a channel.
 */
static int intake_fill(struct intake *intake) {
    bool is_due = intake->owes_leave || intake->has_dying || intake->has_roads;
    intake->n = 0;
    intake->is_lone = false;
    int r = is_due ? receive_or_leave(intake) : QUEUE_EMPTY;
    mono_time before = intake->came = mono_now();
    if (r == QUEUE_OK && intake->n == 0)
        return r;
    if (r != QUEUE_OK) {
        r = intake_receive(intake, true);
        intake->came = mono_now();
    }
    if (r != QUEUE_OK)
        return r;
    intake->is_lone = !intake->is_flood && intake->sizes[0] < BULK_BYTES &&
                      intake->came.ns - before.ns > WAITED_NS;
    intake->is_drained = false;
    if (!intake->is_lone)
        intake_drain(intake);
    return r;
}

/*
 * What lies in channels goes through the core, then what was received; what the core wants sent
 * stays in the outboxes. Channels come first, for a process that was killed may have filled one
 * before its successor wrote into the lane. Takes the lock, and keeps it.
 */
static void intake_hand_over(struct intake *intake, mono_time now) {
    struct lane *lane = intake->lane;
    bool is_hello[LANE_DRAIN_MAX];
    for (int i = 0; i < intake->n; i++)
        is_hello[i] = take_hello(lane, &intake->messages[i], intake->sizes[i]);
    slice_begin_at(intake, now);
    intake->n_road_bytes = take_roads(intake);
    for (int i = 0; i < intake->n; i++)
        if (!is_hello[i])
            take_batch(intake, &intake->messages[i], intake->sizes[i]);
    lane->n_received += (uint64_t)intake->n;
    end_dying(intake);
}

/*
 * In a flood, what comes within a few turns is taken before anything is flushed, so that
 * recipients get full batches: with many of them, what counts is how often each is woken.
 * sched_yield() in between would make the batches fuller still, but on a busy machine it hands the
 * processor to everybody who wants it, one after the other, before the hub has it again.
 */
static bool intake_wants_more(struct intake *intake) {
    const struct lane *lane = intake->lane;
    const struct core *core = &lane->hub->core;
    if (intake->n == 0 || intake->n_road_bytes > 0)
        return false; /* what came out of a channel is as much as a channel takes */
    if (intake->is_lone && lane->n_dying == 0 && core_n_waiting_for_run(core) < CROWD)
        return false;
    if (intake->is_drained && !intake->is_flood && intake->sizes[0] < BULK_BYTES && intake->n < 2)
        return false;
    slice_charge(intake);
    return !core->wants_flush && !slice_is_over(intake);
}

/* With the lock held, which is left meanwhile. False: there is no more. */
static bool intake_take_more(struct intake *intake) {
    lock_give(&intake->lane->hub->lock);
    intake->n = 0;
    intake_drain(intake);
    if (intake->n > 0) {
        intake_hand_over(intake, mono_now());
        return true;
    }
    slice_begin(intake);
    end_dying(intake);
    return false;
}

/* A lone message goes through the core and into the outboxes while the lock is held once. */
static void intake_process(struct intake *intake) {
    struct lane *lane = intake->lane;
    int n_batches = intake->n;
    intake_hand_over(intake, intake->came);
    for (int turn = 1; turn < FLUSH_TURNS && intake_wants_more(intake) && intake_take_more(intake);
         turn++)
        n_batches += intake->n;
    intake->is_flood = n_batches > 1 || intake->n_road_bytes >= BULK_BYTES;
    core_close_run(&lane->hub->core);
    slice_charge(intake);
    bool is_over = slice_is_over(intake);
    if (is_over)
        slice_pause(intake);
    intake->owes_leave = intake->is_flood && !is_over;
    intake->has_dying = lane->n_dying > 0;
    intake->has_roads = lane->n_roads > 0;
    (intake->owes_leave ? hub_leave_for_now : hub_leave)(lane->hub);
}

void intake_run(struct intake *intake) {
    for (;;) {
        if (intake->lane->is_well_known)
            join_admit_called(intake->lane->hub);
        int r = intake_fill(intake);
        if (r == QUEUE_OK)
            intake_process(intake);
        else if (r != QUEUE_INTERRUPTED && !lane_survive_loss(intake->lane, r))
            break;
    }
}
