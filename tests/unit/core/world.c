#include "unit/core/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/past/past.h"
#include "proto/line.h"

#define WALL_MS INT64_C(1700000000000)
#define DELIVERIES_MAX 16

struct core core;

struct batch {
    struct batch *next;
    uint8_t data[]; /* what frames point into */
};

static struct batch *batches;
static struct client *clients;
static struct uuid_source ids;
static uint64_t n_joins;
static mono_time now;

bool own_memory_wanted;
void (*world_store)(void);

void *own_memory(void *old, size_t n) {
    own_memory_wanted = true;
    void *memory = realloc(old, n);
    own_memory_wanted = false;
    cr_assert_not_null(memory);
    return memory;
}

static void *allocate(size_t n) {
    return memset(own_memory(NULL, n), 0, n);
}

void world_begin(void) {
    world_begin_with(1024 * 1024, false);
}

void world_begin_with(size_t log_bytes_max, bool durable) {
    struct core_config config = {.batch = 1024, /* less than any real one: little fills it */
                                 .mode = HUB_OPEN,
                                 .sessions_per_user = 100,
                                 .name = "test",
                                 .durable = durable,
                                 .log_bytes_max = log_bytes_max,
                                 .mend_ms = 3600 * 1000,
                                 .channel_bytes = CHANNEL_BYTES,
                                 .channel_quiet_ms = CHANNEL_QUIET_MS};
    now = (mono_time){1000 * NS_PER_S};
    cr_assert_eq(core_init(&core, &config, now), 0);
    core_set_time(&core, now, (wall_time){WALL_MS});
}

void world_begin_with_two(struct client **alice, struct client **bob) {
    world_begin();
    *alice = join(ALICE, "alice", HERE);
    *bob = join(BOB, "bob", HERE);
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
}

void world_end(void) {
    core_deinit(&core); /* asserts that nothing is left */
    while (clients) {
        struct client *client = clients;
        clients = client->next;
        free(client->in);
        free(client);
    }
    while (batches) {
        struct batch *batch = batches;
        batches = batch->next;
        free(batch);
    }
}

/* Clients. */

struct client *try_arrive(const struct arrival *arrival, enum fail_code *code) {
    return try_arrive_with(arrival, "", &(struct core_right){false, 0}, code);
}

struct client *try_arrive_with(const struct arrival *arrival, const char *login,
                               const struct core_right *right, enum fail_code *code) {
    char reason[256] = "";
    struct client *client = allocate(sizeof *client);
    client->seat = (struct seat){.msqid = (int)n_joins, .pidfd = -1};
    client->link = arrival->link ? arrival->link : n_joins + 1;
    struct core_join wish = {.uid = arrival->uid,
                             .pid = (pid_t)(5000 + n_joins),
                             .seat = &client->seat,
                             .abilities =
                                 arrival->abilities | (arrival->is_old ? 0 : ABILITY_LINES),
                             .link = client->link,
                             .after = arrival->after,
                             .right = *right,
                             .random = (n_joins + 1) << 20};
    cr_assert_eq(name_parse(&wish.handle, bytes_of(arrival->handle)), NAME_OK);
    if (*login)
        cr_assert_eq(name_parse(&wish.login, bytes_of(login)), NAME_OK);
    n_joins++;
    client->next = clients;
    clients = client;
    *code = core_join(&core, &wish, &client->session, reason);
    if (*code != FAIL_NONE) {
        cr_assert_neq(reason[0], 0, "a refusal has a reason");
        return NULL;
    }
    client->number = client->session->number;
    core_welcome(&core, client->session, 42);
    return client;
}

struct client *try_join(uid_t uid, const char *handle, unsigned abilities, enum fail_code *code) {
    return try_arrive(&(struct arrival){uid, handle, abilities, 0, 0, false}, code);
}

struct client *arrive(const struct arrival *arrival) {
    enum fail_code code;
    struct client *client = try_arrive(arrival, &code);
    cr_assert_not_null(client, "%s", fail_name(code));
    expect(client, FRAME_WELCOME);
    return client;
}

struct client *join(uid_t uid, const char *handle, unsigned abilities) {
    struct client *client = arrive(&(struct arrival){uid, handle, abilities, 0, 0, false});
    ready(client);
    return client;
}

bool is_over(const struct client *client) {
    return core_session(&core, client->number) == NULL;
}

/* To the hub. */

const char *give(struct client *client, const struct frame *frame) {
    static uint8_t wire[BATCH_BYTES_MAX];
    struct frame decoded;
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    cr_assert(frame_put(&out, frame));
    size_t n = cursor_out_used(&out);
    uint8_t *exact = allocate(n); /* gone afterwards, as the hub's receive buffer is */
    memcpy(exact, wire, n);
    struct cursor_in in = cursor_in_of(exact, n);
    cr_assert_eq(frame_take(&in, &decoded, FROM_CLIENT), FRAME_OK);
    const char *rule = core_receive(&core, client->session, &decoded);
    free(exact);
    return rule;
}

struct uuid new_id(void) {
    return uuid_next(&ids, (wall_time){WALL_MS});
}

void give_send(struct client *from, struct uuid id, const char *to, const char *text,
               unsigned flags) {
    struct bytes body = bytes_of(text);
    cr_assert_null(
        give(from,
             &(struct frame){
                 .type = FRAME_SEND,
                 .flags = (uint8_t)flags,
                 .send = {.id = id, .to = bytes_of(to), .total = (uint32_t)body.n, .body = body}}));
}

struct uuid say(struct client *from, const char *to, const char *text) {
    struct uuid id = new_id();
    give_send(from, id, to, text, 0);
    return id;
}

/* DONE of what is to be stored follows its commit. */
static void expect_done(struct client *client, uint32_t request) {
    if (core.config.durable)
        world_store();
    cr_assert_eq(expect(client, FRAME_DONE)->done.request, request);
}

void enter(struct client *client, const char *room, unsigned flags) {
    give(client, &(struct frame){.type = FRAME_JOIN,
                                 .flags = (uint8_t)flags,
                                 .join = {.request = 7, .room = bytes_of(room)}});
    expect_done(client, 7);
}

void leave(struct client *client, const char *room) {
    give(client,
         &(struct frame){.type = FRAME_LEAVE, .leave = {.request = 8, .room = bytes_of(room)}});
    expect_done(client, 8);
}

void ready(struct client *client) {
    give(client, &(struct frame){.type = FRAME_READY});
}

void take(struct client *client, uint64_t seq, uint64_t read) {
    give(client, &(struct frame){.type = FRAME_TAKEN, .taken = {seq, read}});
}

uint64_t kept_besides(const struct client *client) {
    const struct user *user = client->session->user;
    const uint64_t *used = user->account.used;
    uint64_t n = used[ACCOUNT_SESSIONS] * SESSION_BYTES + used[ACCOUNT_HANDLES] * HANDLE_BYTES +
                 recent_bytes(&user->recent);
    cr_assert_geq(used[ACCOUNT_MEMORY], n);
    return used[ACCOUNT_MEMORY] - n;
}

uint64_t memory_of(uid_t uid) {
    return core_user(&core, uid)->account.used[ACCOUNT_MEMORY];
}

static uint64_t n_used_up;

void use_up_memory(uid_t uid, uint64_t n_left) {
    n_used_up = ACCOUNT_MEMORY_BYTES - n_left - memory_of(uid);
    account_spend(&core_user(&core, uid)->account, ACCOUNT_MEMORY, n_used_up);
}

void give_back_memory(uid_t uid) {
    account_give_back(&core_user(&core, uid)->account, ACCOUNT_MEMORY, n_used_up);
}

struct frame offer_of(struct uuid id, const char *to) {
    return (struct frame){.type = FRAME_OFFER,
                          .offer = {.request = 9,
                                    .id = id,
                                    .to = bytes_of(to),
                                    .size = 1000000,
                                    .name = bytes_of("big.iso")}};
}

void stand_still_ms(int64_t ms) {
    now = mono_add_ms(now, ms);
    core_set_time(&core, now, (wall_time){WALL_MS});
    core_tick(&core);
}

void pass_ms(int64_t ms) {
    mono_time end = mono_add_ms(now, ms), due;
    while ((due = core_due(&core)).ns > now.ns && due.ns < end.ns) {
        now = due;
        stand_still_ms(0);
    }
    now = end;
    stand_still_ms(0);
}

/* From the hub. */

static struct client *client_of(const struct session *session) {
    for (struct client *client = clients; client; client = client->next)
        if (client->session == session && client->number == session->number)
            return client;
    cr_assert_fail("a delivery to nobody");
    return NULL;
}

static void keep(struct client *client, const struct frame *frame) {
    if (client->n_in == client->size_in) {
        client->size_in = 2 * client->size_in + 16;
        client->in = own_memory(client->in, client->size_in * sizeof *client->in);
    }
    client->in[client->n_in++] = *frame;
}

/* A test sees the MESSAGE that a LINE stands for. */
static void keep_line(struct client *client, const struct frame_origin *origin,
                      const struct frame *frame) {
    struct frame message = {.type = FRAME_MESSAGE, .flags = frame->flags};
    cr_assert_gt(origin->from.n, 0, "a LINE without an ORIGIN in its batch");
    cr_assert(client->session->abilities & ABILITY_LINES);
    line_to_message(origin, &frame->line, &message.message);
    keep(client, &message);
}

/* Returns whether MORE was in it. */
static bool receive_batch(struct client *client, const struct chunk *chunk) {
    struct batch *batch = allocate(sizeof *batch + chunk->n);
    struct envelope envelope;
    struct queue_message scratch;
    bool more = false;
    memcpy(batch->data, chunk_message(chunk, &scratch)->data, chunk->n);
    batch->next = batches;
    batches = batch;
    struct cursor_in in = cursor_in_of(batch->data, chunk->n);
    cr_assert_eq(chunk_message(chunk, &scratch)->mtype, client->session->pid);
    cr_assert_leq(chunk->n, core.config.batch);
    cr_assert(envelope_take(&in, &envelope));
    cr_assert_eq(envelope.session, client->number);
    struct frame_origin origin = {0};
    for (unsigned i = 0; i < envelope.n_frames; i++) {
        struct frame frame;
        cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
        more = more || frame.type == FRAME_MORE;
        if (frame.type == FRAME_ORIGIN)
            origin = frame.origin;
        else if (frame.type == FRAME_LINE)
            keep_line(client, &origin, &frame);
        else if (frame.type != FRAME_MORE)
            keep(client, &frame);
    }
    cr_assert_eq(cursor_in_left(&in), 0);
    return more;
}

/* Returns whether the client is to answer READY. */
static bool send_delivery(struct delivery *delivery) {
    struct client *client = client_of(delivery->session);
    bool more = false;
    cr_assert_eq(delivery->msqid, client->seat.msqid);
    if (client->is_full) {
        delivery->full = true;
        return false;
    }
    for (struct chunk *chunk = delivery->chunks; chunk; chunk = chunk->next)
        more = receive_batch(client, chunk) || more;
    delivery->sent = delivery->chunks;
    delivery->chunks = NULL;
    return more && !client->is_silent;
}

/* A slice of the log in memory, for the next question; false: there is none. */
bool read_log(void) {
    struct log_slice slice;
    struct ask *ask = core_take_ask(&core, false);
    if (!ask)
        return false;
    own_memory_wanted = true;
    cr_assert_eq(log_slice_init(&slice), 0);
    own_memory_wanted = false;
    core_read_log(&core, ask, &slice);
    core_sifted(&core, ask, ask_sift(ask, &slice));
    log_slice_deinit(&slice);
    return true;
}

void drain(void) {
    while (!core.config.durable && read_log()) {
    }
    struct delivery deliveries[DELIVERIES_MAX];
    struct client *answers[DELIVERIES_MAX];
    size_t n;
    while ((n = core_take(&core, deliveries, DELIVERIES_MAX)) > 0 || core.steps_due.ns != 0) {
        size_t n_answers = 0;
        for (size_t i = 0; i < n; i++)
            if (send_delivery(&deliveries[i]))
                answers[n_answers++] = client_of(deliveries[i].session);
        core_returned(&core, deliveries, n);
        for (size_t i = 0; i < n_answers; i++)
            if (!is_over(answers[i]))
                ready(answers[i]);
    }
}

/* What has arrived. */

const struct frame *next_frame(struct client *client) {
    drain();
    return client->at < client->n_in ? &client->in[client->at++] : NULL;
}

const struct frame *next_answer(struct client *client) {
    const struct frame *frame;
    while ((frame = next_frame(client)))
        if (frame->type == FRAME_DONE || frame->type == FRAME_FAIL)
            return frame;
    cr_assert_fail("there is no answer");
    return NULL;
}

void drop_frames(struct client *client) {
    while (next_frame(client))
        ;
}

const struct frame *expect(struct client *client, unsigned type) {
    const struct frame *frame = next_frame(client);
    if (frame && frame->type == FRAME_TAKES && type == FRAME_WELCOME) /* it stands before that */
        frame = next_frame(client);
    cr_assert_not_null(frame, "nothing instead of %s", frame_row(type)->name);
    cr_assert_eq(frame->type, type, "%s instead of %s", frame_row(frame->type)->name,
                 frame_row(type)->name);
    return frame;
}

void expect_text(struct client *client, const char *text) {
    struct bytes body = expect(client, FRAME_MESSAGE)->message.body;
    cr_assert(bytes_equal(body, bytes_of(text)), "%.*s instead of %s", (int)body.n, body.data,
              text);
}

void expect_refused(struct client *client, struct uuid id, enum fail_code code) {
    const struct frame *frame = expect(client, FRAME_REFUSED);
    cr_assert(uuid_equal(&frame->refused.id, &id));
    cr_assert_eq(frame->refused.code, code, "%s", fail_name(frame->refused.code));
    cr_assert_gt(frame->refused.reason.n, 0);
}

void expect_nothing(struct client *client) {
    const struct frame *frame = next_frame(client);
    if (frame)
        cr_assert_fail("%s instead of nothing", frame_row(frame->type)->name);
}

const struct frame *expect_late(struct client *client, const char *text) {
    const struct frame *frame = expect(client, FRAME_MESSAGE);
    cr_assert(bytes_equal(frame->message.body, bytes_of(text)), "%.*s instead of %s",
              (int)frame->message.body.n, frame->message.body.data, text);
    cr_assert(frame->flags & FRAME_LATE);
    return frame;
}

void rename_to(struct client *client, const char *handle) {
    give(client, &(struct frame){.type = FRAME_NICK, .nick = {9, bytes_of(handle)}});
}

unsigned fill_until_behind(struct client *from, struct client *client, const char *to) {
    unsigned n = 0;
    char text[32];
    client->is_full = true;
    while (!client->session->behind) {
        snprintf(text, sizeof text, "%u", n++);
        say(from, to, text);
        drain();
        cr_assert_lt(n, 100000);
    }
    return n;
}

void expect_numbers(struct client *client, unsigned from, unsigned to) {
    char text[32];
    for (; from < to; from++) {
        snprintf(text, sizeof text, "%u", from);
        expect_text(client, text);
    }
}

struct client *arrive_as(const char *handle, uid_t uid, unsigned abilities, uint64_t after) {
    return arrive(&(struct arrival){uid, handle, abilities, 0, after, false});
}

int restore_open_room(uint32_t number, uid_t creator, struct bytes name, struct bytes topic,
                      uint64_t last_seq) {
    return core_restore_room(&core, &(struct room_restored){.number = number,
                                                            .creator = creator,
                                                            .name = name,
                                                            .topic = topic,
                                                            .last_seq = last_seq});
}
