#include "core/outbox.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/macro.h"

#define SESSION UINT64_C(0x1122334455660001)
#define MTYPE 4711

static struct outbox outbox;
static struct chunk_pool pool;
static struct outbox_address address;
static struct account_limits limits;
static struct account account;
static uint32_t n_appended; /* DONE frames, numbered from 1 */
static uint32_t n_received;

static void setup(void) {
    account_limits_init(&limits);
    account_init(&account, &limits, 1001, (mono_time){0});
    address = (struct outbox_address){SESSION, MTYPE, BATCH_BYTES_MIN, &account};
}

static void teardown(void) {
    outbox_clear(&outbox, &pool);
    cr_assert_eq(pool.n_used, 0);
    chunk_pool_deinit(&pool);
    cr_assert_null(pool.unused);
    for (unsigned class = 0; class < MESSAGE_CLASSES; class ++)
        cr_assert_null(pool.classes[class].unused);
    account_deinit(&account);
}

TestSuite(outbox, .init = setup, .fini = teardown);

static size_t encode_done(uint8_t *data, size_t size, uint32_t number) {
    struct cursor_out out = cursor_out_of(data, size);
    cr_assert(frame_put(&out, &(struct frame){.type = FRAME_DONE, .done = {number}}));
    return cursor_out_used(&out);
}

static void append_one(void) {
    uint8_t data[64];
    size_t n = encode_done(data, sizeof data, ++n_appended);
    cr_assert_eq(outbox_append(&outbox, &pool, &address, &(struct encoded){.frames = data, .n = n}),
                 0);
}

/* Appends until so many chunks wait, the last one with a single frame. */
static void fill(unsigned n_chunks) {
    while (outbox.n_chunks < n_chunks)
        append_one();
}

/* Decodes a batch: numbers go on where they ended, MORE comes last or not at all. */
static bool receive_chunk(const struct chunk *chunk) {
    struct queue_message scratch;
    const struct queue_message *message = chunk_message(chunk, &scratch);
    struct cursor_in in = cursor_in_of(message->data, chunk->n);
    struct envelope envelope;
    struct frame frame = {0};
    cr_assert_eq(message->mtype, MTYPE);
    cr_assert_leq(chunk->n, address.batch);
    cr_assert(envelope_take(&in, &envelope));
    cr_assert_eq(envelope.session, SESSION);
    cr_assert_eq(envelope.n_frames, chunk->n_frames);
    for (unsigned i = 0; i < envelope.n_frames; i++) {
        cr_assert_neq(frame.type, FRAME_MORE, "something follows MORE");
        cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
        if (frame.type == FRAME_DONE)
            cr_assert_eq(frame.done.request, ++n_received);
        else
            cr_assert_eq(frame.type, FRAME_MORE);
    }
    cr_assert_eq(cursor_in_left(&in), 0);
    return frame.type == FRAME_MORE;
}

/* Sends the first n of what was taken; returns the rest. Counts the MOREs. */
static struct chunk *send_some(struct chunk *chunks, unsigned n, unsigned *n_mores) {
    for (; chunks && n > 0; n--) {
        struct chunk *chunk = chunks;
        chunks = chunk->next;
        *n_mores += receive_chunk(chunk);
        chunk_release(&pool, chunk);
    }
    return chunks;
}

static unsigned count(const struct chunk *chunk) {
    unsigned n = 0;
    for (; chunk; chunk = chunk->next)
        n++;
    return n;
}

/* Takes and sends everything that may go now; returns how many MOREs it saw. */
static unsigned send_all(void) {
    unsigned n_mores = 0;
    while (outbox_is_sendable(&outbox)) {
        struct chunk *rest = send_some(outbox_take(&outbox), ~0u, &n_mores);
        outbox_return(&outbox, rest, false);
    }
    return n_mores;
}

/* Filling. */

Test(outbox, 01_an_empty_one_owns_nothing_and_has_nothing_to_send) {
    cr_assert_not(outbox_is_sendable(&outbox));
    cr_assert_eq(pool.n_used, 0);
    append_one();
    cr_assert(outbox_is_sendable(&outbox));
    cr_assert_eq(pool.n_used, 1);
    cr_assert_eq(send_all(), 0);
    cr_assert_eq(n_received, 1);
    cr_assert_eq(pool.n_used, 0);
    cr_assert_null(outbox.head);
    cr_assert_null(outbox.tail);
}

Test(outbox, 02_batches_are_filled_up_to_the_limit_less_one_marker) {
    uint8_t data[64];
    size_t frame = encode_done(data, sizeof data, 1);
    size_t fit = (address.batch - ENVELOPE_BYTES - FRAME_HEADER_BYTES) / frame;
    for (size_t i = 0; i < fit; i++)
        append_one();
    cr_assert_eq(outbox.n_chunks, 1);
    append_one();
    cr_assert_eq(outbox.n_chunks, 2);
    cr_assert_eq(outbox.head->n_frames, fit);
    cr_assert_eq(outbox.head->n, ENVELOPE_BYTES + fit * frame);
}

Test(outbox, 03_a_batch_may_be_full_to_the_byte) {
    uint8_t data[BATCH_BYTES_MIN] = {0};
    struct cursor_out out = cursor_out_of(data, sizeof data);
    size_t room = BATCH_BYTES_MIN - ENVELOPE_BYTES - FRAME_HEADER_BYTES;
    static char text[BATCH_BYTES_MIN];
    memset(text, 'x', sizeof text);
    struct frame part = {.type = FRAME_PART, .part = {{text, room - FRAME_HEADER_BYTES - 2}}};
    cr_assert(frame_put(&out, &part));
    cr_assert_eq(cursor_out_used(&out), room);
    cr_assert_eq(
        outbox_append(&outbox, &pool, &address, &(struct encoded){.frames = data, .n = room}), 0);
    cr_assert_eq(outbox.n_chunks, 1);
    append_one();
    cr_assert_eq(outbox.n_chunks, 2);
}

Test(outbox, 04_several_frames_at_once_fill_one_batch_after_the_other) {
    static uint8_t data[3 * BATCH_BYTES_MIN];
    size_t n = 0;
    append_one();
    while (n + 64 < sizeof data)
        n += encode_done(data + n, sizeof data - n, ++n_appended);
    cr_assert_eq(outbox_append(&outbox, &pool, &address, &(struct encoded){.frames = data, .n = n}),
                 0);
    cr_assert_eq(outbox.n_chunks, 3);
    cr_assert_gt(outbox.head->n + 64, address.batch, "the first one was filled up");
    send_all();
    cr_assert_eq(n_received, n_appended);
}

static bool takes(size_t n) {
    return outbox_takes_messages(&outbox, &address, n, OUTBOX_CHUNKS_MAX);
}

Test(outbox, 05_messages_have_a_bound) {
    fill(OUTBOX_CHUNKS_MAX - 1);
    cr_assert(takes(BATCH_BYTES_MIN));
    fill(OUTBOX_CHUNKS_MAX);
    cr_assert(takes(1), "there is place in the last one");
    cr_assert_not(takes(BATCH_BYTES_MIN));
    send_all();
    cr_assert_eq(n_received, n_appended);
    cr_assert(takes(BATCH_BYTES_MIN));
}

Test(outbox, 05_a_chunk_grows_with_what_it_holds_and_is_charged_as_it_grows) {
    unsigned n_grown = 0;
    append_one();
    uint64_t used = account.used[ACCOUNT_MEMORY], first = used;
    cr_assert_leq(used, sizeof(struct chunk) + 512, "a short answer takes little");
    while (outbox.n_chunks == 1) {
        bool has_room = outbox_has_room(&outbox, &address, 8);
        append_one(); /* of 8 bytes */
        uint64_t now = account.used[ACCOUNT_MEMORY];
        cr_assert_eq(has_room, now == used, "only where there is no room it takes more");
        n_grown += outbox.n_chunks == 1 && now > used;
        used = now;
    }
    cr_assert_eq(n_grown, MESSAGE_CLASSES - 1);
    cr_assert_leq(used - first, CHUNK_BYTES_MAX);
    send_all();
    cr_assert_eq(n_received, n_appended);
    cr_assert_eq(account.used[ACCOUNT_MEMORY], 0);
}

Test(outbox, 05_one_answer_each_for_thousands_is_not_a_batch_each) {
    static struct outbox many[ACCOUNT_SESSIONS_MAX];
    uint8_t data[64];
    struct encoded encoded = {.frames = data, .n = encode_done(data, sizeof data, 1)};
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        cr_assert_eq(outbox_append(&many[i], &pool, &address, &encoded), 0);
    cr_assert_lt(account.used[ACCOUNT_MEMORY], limits.max[ACCOUNT_MEMORY] / 2);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        outbox_clear(&many[i], &pool);
}

Test(outbox, 05_messages_make_the_last_chunk_grow_while_memory_is_left) {
    uint64_t max = limits.max[ACCOUNT_MEMORY] / 4 * 3;
    append_one();
    uint64_t other = max - 1 - account.used[ACCOUNT_MEMORY];
    account_spend(&account, ACCOUNT_MEMORY, other);
    cr_assert_not(outbox_has_room(&outbox, &address, 1000));
    cr_assert(takes(1000), "it is the only chunk");
    cr_assert_not(takes(BATCH_BYTES_MIN), "it would be another one");
    account_spend(&account, ACCOUNT_MEMORY, 1);
    cr_assert_not(takes(1000), "the rest is for answers");
    cr_assert(takes(8), "there is room for it");
    account_give_back(&account, ACCOUNT_MEMORY, other + 1);
}

Test(outbox, 05_messages_get_a_fair_part_of_what_is_left) {
    uint64_t max = limits.max[ACCOUNT_MEMORY], other = max / 4 * 3 - 20 * CHUNK_BYTES_MAX;
    append_one();
    account_spend(&account, ACCOUNT_MEMORY, other);
    cr_assert(takes(BATCH_BYTES_MIN));
    fill(10);
    cr_assert_not(takes(BATCH_BYTES_MIN), "others of the user need what is left");
    account_spend(&account, ACCOUNT_MEMORY, 20 * CHUNK_BYTES_MAX);
    outbox_clear(&outbox, &pool);
    cr_assert_not(takes(BATCH_BYTES_MIN), "the rest is for answers");
    account_give_back(&account, ACCOUNT_MEMORY, other + 20 * CHUNK_BYTES_MAX);
}

static void append_as(enum encoded_what what, const struct frame *frame) {
    uint8_t data[BATCH_BYTES_MIN];
    struct cursor_out out = cursor_out_of(data, sizeof data);
    cr_assert(frame_put(&out, frame));
    struct encoded encoded = {.frames = data, .n = cursor_out_used(&out), .what = what};
    cr_assert_eq(outbox_append(&outbox, &pool, &address, &encoded), 0);
}

Test(outbox, 05_notices_have_a_bound_of_their_own) {
    struct frame news = {.type = FRAME_NEWS, .news = {.who = bytes_of("bob")}};
    while (outbox.n_notices < NOTICES_BYTES_MAX)
        append_as(ENCODED_NOTICE, &news);
    size_t n = outbox.n_notices;
    cr_assert_geq(n, NOTICES_BYTES_MAX);
    cr_assert(takes(BATCH_BYTES_MIN), "messages have their own");
    struct chunk *taken = outbox_take(&outbox);
    cr_assert_lt(outbox.n_notices, n);
    cr_assert_lt(outbox.n_notices, NOTICES_BYTES_MAX);
    outbox_return(&outbox, taken, true);
    cr_assert_eq(outbox.n_notices, n);
    outbox_clear(&outbox, &pool);
    cr_assert_eq(outbox.n_notices, 0);
}

static struct frame message_of(uint64_t seq) {
    return (struct frame){
        .type = FRAME_MESSAGE,
        .message = {.seq = seq, .from = bytes_of("alice"), .to = bytes_of("bob")}};
}

Test(outbox, 05_what_can_be_made_from_the_log_again) {
    struct frame first = message_of(7), second = message_of(8);
    struct frame part = {.type = FRAME_PART, .part = {bytes_of("the rest")}};
    struct frame done = {.type = FRAME_DONE, .done = {1}};
    cr_assert_eq(outbox_first_seq(&outbox), 0, "nothing");
    append_as(ENCODED_MESSAGE, &first);
    append_as(ENCODED_MESSAGE, &second);
    cr_assert_eq(outbox_first_seq(&outbox), 7);
    append_as(ENCODED_ANSWER, &done);
    cr_assert_eq(outbox_first_seq(&outbox), 0, "an answer is not in the log");
    outbox_clear(&outbox, &pool);
    append_as(ENCODED_MESSAGE, &part);
    append_as(ENCODED_MESSAGE, &second);
    cr_assert_eq(outbox_first_seq(&outbox), 0, "its beginning was sent");
}

Test(outbox, 06_clearing_gives_all_chunks_back_and_they_are_used_again) {
    fill(10);
    outbox_clear(&outbox, &pool);
    cr_assert_eq(pool.n_used, 0);
    cr_assert_eq(pool.n_unused, 10);
    cr_assert_eq(outbox.n_chunks, 0);
    n_appended = 0;
    fill(4);
    cr_assert_eq(pool.n_used, 4);
    cr_assert_eq(pool.n_unused, 6);
    send_all();
    cr_assert_eq(n_received, n_appended);
}

/* Flights. */

Test(outbox, 07_a_flight_is_bounded_and_only_one_at_a_time) {
    fill(OUTBOX_FLIGHT_MAX + 3);
    struct chunk *chunks = outbox_take(&outbox);
    cr_assert_eq(count(chunks), OUTBOX_FLIGHT_MAX);
    cr_assert_eq(outbox.n_chunks, 3);
    cr_assert_not(outbox_is_sendable(&outbox));
    outbox_return(&outbox, chunks, false);
    cr_assert_eq(outbox.n_chunks, OUTBOX_FLIGHT_MAX + 3);
    cr_assert(outbox_is_sendable(&outbox));
}

Test(outbox, 08_order_is_kept_when_only_part_was_sent) {
    for (unsigned sent = 0; sent <= OUTBOX_FLIGHT_MAX; sent++) {
        unsigned n_mores = 0;
        fill(OUTBOX_FLIGHT_MAX + 2);
        struct chunk *rest = send_some(outbox_take(&outbox), sent, &n_mores);
        append_one(); /* while in flight */
        outbox_return(&outbox, rest, false);
        cr_assert_eq(n_mores, 0);
    }
    send_all();
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 09_order_is_kept_when_nothing_waits_behind_the_rest) {
    unsigned n_mores = 0;
    fill(3);
    struct chunk *rest = send_some(outbox_take(&outbox), 1, &n_mores);
    cr_assert_null(outbox.head);
    outbox_return(&outbox, rest, false);
    cr_assert_eq(outbox.n_chunks, 2);
    append_one();
    cr_assert_eq(outbox.n_chunks, 2, "the tail is filled up");
    send_all();
    cr_assert_eq(n_received, n_appended);
}

/* A full mailbox. */

Test(outbox, 10_full_means_stuck_until_ready) {
    unsigned n_mores = 0;
    fill(3);
    outbox_return(&outbox, send_some(outbox_take(&outbox), 1, &n_mores), true);
    cr_assert_not(outbox_is_sendable(&outbox));
    append_one();
    cr_assert_not(outbox_is_sendable(&outbox));
    outbox_ready(&outbox);
    cr_assert(outbox_is_sendable(&outbox));
    send_all();
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 11_ready_that_comes_in_flight_is_not_lost) {
    fill(2);
    struct chunk *chunks = outbox_take(&outbox);
    outbox_ready(&outbox);
    cr_assert_not(outbox_is_sendable(&outbox));
    outbox_return(&outbox, chunks, true);
    cr_assert(outbox_is_sendable(&outbox));
    send_all();
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 12_ready_of_an_earlier_flight_does_not_count_for_the_next) {
    fill(2);
    outbox_ready(&outbox);
    struct chunk *chunks = outbox_take(&outbox);
    outbox_return(&outbox, chunks, true);
    cr_assert_not(outbox_is_sendable(&outbox));
}

/* MORE before the mailbox was found full. */

Test(outbox, 13_no_marker_while_all_fits) {
    outbox_ready(&outbox);
    fill(MAILBOX_BATCHES);
    cr_assert_eq(send_all(), 0);
    cr_assert_eq(n_received, n_appended);
    cr_assert_not(outbox.stuck);
}

Test(outbox, 14_no_marker_when_the_mailbox_may_hold_something) {
    fill(MAILBOX_BATCHES + 1);
    cr_assert_eq(send_all(), 0);
    outbox_ready(&outbox);
    fill(1);
    cr_assert_eq(send_all(), 0); /* it is not empty any more */
    fill(MAILBOX_BATCHES + 1);
    cr_assert_eq(send_all(), 0);
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 15_as_much_as_fits_with_a_marker_at_its_end) {
    unsigned n_mores = 0;
    outbox_ready(&outbox);
    fill(MAILBOX_BATCHES + 1);
    struct chunk *chunks = outbox_take(&outbox);
    cr_assert_eq(count(chunks), MAILBOX_BATCHES);
    chunks = send_some(chunks, MAILBOX_BATCHES - 1, &n_mores);
    cr_assert_eq(n_mores, 0);
    chunks = send_some(chunks, 1, &n_mores);
    cr_assert_eq(n_mores, 1);
    outbox_return(&outbox, chunks, false);
    cr_assert_not(outbox_is_sendable(&outbox), "waits for READY although nothing was full");
    outbox_ready(&outbox);
    cr_assert_eq(send_all(), 0);
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 16_every_mailbox_full_has_one_marker) {
    unsigned n_mores = 0, n_rounds = 0;
    fill(5 * MAILBOX_BATCHES);
    while (outbox.head) {
        outbox_ready(&outbox);
        n_mores += send_all();
        n_rounds++;
    }
    cr_assert_eq(n_rounds, 5);
    cr_assert_eq(n_mores, 4);
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 17_a_batch_that_comes_back_is_not_marked_twice) {
    unsigned n_mores = 0;
    outbox_ready(&outbox);
    fill(MAILBOX_BATCHES + 2);
    for (int i = 0; i < 3; i++) { /* the marked one comes back again and again */
        struct chunk *rest = outbox_take(&outbox);
        outbox_return(&outbox, rest, true);
        outbox_ready(&outbox);
    }
    struct chunk *rest = send_some(outbox_take(&outbox), ~0u, &n_mores);
    outbox_return(&outbox, rest, false);
    cr_assert_eq(n_mores, 1);
    outbox_ready(&outbox);
    cr_assert_eq(send_all(), 0);
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 18_the_marker_fits_into_full_batches) {
    address.batch = BATCH_BYTES_MAX;
    outbox_ready(&outbox);
    fill(MAILBOX_BATCHES + 1);
    cr_assert_eq(send_all(), 1);
    outbox_ready(&outbox);
    send_all();
    cr_assert_eq(n_received, n_appended);
}

Test(outbox, 19_ready_after_a_marked_flight_before_its_return) {
    unsigned n_mores = 0;
    outbox_ready(&outbox);
    fill(MAILBOX_BATCHES + 1);
    struct chunk *rest = send_some(outbox_take(&outbox), ~0u, &n_mores);
    outbox_ready(&outbox); /* the client was quicker than the sending thread */
    outbox_return(&outbox, rest, false);
    cr_assert(outbox_is_sendable(&outbox));
    send_all();
    cr_assert_eq(n_received, n_appended);
}
