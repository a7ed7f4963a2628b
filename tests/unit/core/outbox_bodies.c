/* Frames that are held once for many outboxes: who pays, until when, and what is sent. */
#include <criterion/criterion.h>

#include "base/macro.h"
#include "core/outbox.h"

#define CROWD 100
#define TEXT 1500

static struct outbox outboxes[CROWD];
static struct chunk_pool pool;
static struct account_limits limits;
static struct account alice, bob;

static struct outbox_address address_of(unsigned i, struct account *payer) {
    return (struct outbox_address){1000 + i, 4711 + (long)i, BATCH_BYTES_MIN, payer};
}

static void setup(void) {
    account_limits_init(&limits);
    account_init(&alice, &limits, 1001, (mono_time){0});
    account_init(&bob, &limits, 1002, (mono_time){0});
}

static void teardown(void) {
    for (unsigned i = 0; i < CROWD; i++)
        outbox_clear(&outboxes[i], &pool);
    cr_assert_eq(pool.n_used, 0);
    chunk_pool_deinit(&pool);
    account_deinit(&alice);
    account_deinit(&bob);
}

TestSuite(outbox_bodies, .init = setup, .fini = teardown);

static struct encoded message_of(uint64_t seq, uint8_t *data, size_t size) {
    static char text[TEXT];
    struct cursor_out out = cursor_out_of(data, size);
    memset(text, 'x', sizeof text);
    struct frame frame = {.type = FRAME_MESSAGE,
                          .message = {.seq = seq,
                                      .from = bytes_of("bob"),
                                      .to = bytes_of("#x"),
                                      .total = TEXT,
                                      .body = {text, TEXT}}};
    cr_assert(frame_put(&out, &frame));
    return (struct encoded){.frames = data, .n = cursor_out_used(&out), .what = ENCODED_MESSAGE};
}

/* One message to each of the first n, of which every fifth session is bob's, if he pays. */
static void deliver(uint64_t seq, unsigned n, bool some_are_bobs) {
    uint8_t data[2 * TEXT];
    struct encoded encoded = message_of(seq, data, sizeof data);
    encoded_share(&encoded, n);
    for (unsigned i = 0; i < n; i++) {
        struct outbox_address to = address_of(i, some_are_bobs && i % 5 == 0 ? &bob : &alice);
        cr_assert_eq(outbox_append(&outboxes[i], &pool, &to, &encoded), 0);
    }
    encoded_shared(&encoded);
    memset(data, 0, sizeof data); /* nobody needs these any more */
}

static uint64_t memory_of(const struct account *account) {
    return account->used[ACCOUNT_MEMORY];
}

static uint64_t small(unsigned n_chunks) {
    return n_chunks * (sizeof(struct chunk) + 4 * sizeof(struct chunk_part));
}

static void expect_messages(const struct chunk *chunk, unsigned i, uint64_t seq, uint64_t upto) {
    struct queue_message scratch;
    const struct queue_message *message = chunk_message(chunk, &scratch);
    struct cursor_in in = cursor_in_of(message->data, chunk->n);
    struct envelope envelope;
    struct frame frame;
    cr_assert_eq(message->mtype, 4711 + (long)i);
    cr_assert(envelope_take(&in, &envelope));
    cr_assert_eq(envelope.session, 1000 + i);
    cr_assert_eq(envelope.n_frames, upto - seq + 1 + chunk->has_more);
    for (; seq <= upto; seq++) {
        cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
        cr_assert_eq(frame.type, FRAME_MESSAGE);
        cr_assert_eq(frame.message.seq, seq);
        cr_assert_eq(frame.message.body.n, TEXT);
        cr_assert_eq(frame.message.body.data[TEXT - 1], 'x');
    }
    if (chunk->has_more) {
        cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
        cr_assert_eq(frame.type, FRAME_MORE);
    }
    cr_assert_eq(cursor_in_left(&in), 0);
}

Test(outbox_bodies, 01_a_user_with_many_sessions_pays_once) {
    deliver(1, CROWD, false);
    cr_assert_gt(memory_of(&alice), TEXT);
    cr_assert_lt(memory_of(&alice), 2 * TEXT + small(CROWD));
    for (unsigned i = 0; i < CROWD; i++)
        expect_messages(outboxes[i].head, i, 1, 1);
}

Test(outbox_bodies, 02_each_user_pays_for_all_of_it) {
    deliver(1, CROWD, true);
    cr_assert_gt(memory_of(&alice), TEXT);
    cr_assert_gt(memory_of(&bob), TEXT);
    cr_assert_lt(memory_of(&bob), 2 * TEXT + small(CROWD / 5));
}

Test(outbox_bodies, 03_who_keeps_it_pays_for_it_until_the_end) {
    deliver(1, CROWD, true);
    for (unsigned i = 1; i < CROWD; i++)
        outbox_clear(&outboxes[i], &pool);
    cr_assert_eq(memory_of(&alice), 0);
    cr_assert_gt(memory_of(&bob), TEXT);
    expect_messages(outboxes[0].head, 0, 1, 1);
    outbox_clear(&outboxes[0], &pool);
    cr_assert_eq(memory_of(&bob), 0);
}

Test(outbox_bodies, 04_the_next_goes_into_the_same_batch_as_long_as_it_fits) {
    deliver(1, CROWD, false);
    cr_assert_eq(outboxes[7].n_chunks, 1);
    deliver(2, CROWD, false);
    cr_assert_eq(outboxes[7].n_chunks, 2, "of %u bytes only one fits", TEXT);
    cr_assert_eq(outbox_first_seq(&outboxes[7]), 1);
    struct chunk *taken = outbox_take(&outboxes[7]);
    expect_messages(taken, 7, 1, 1);
    expect_messages(taken->next, 7, 2, 2);
    outbox_return(&outboxes[7], taken, true);
}

Test(outbox_bodies, 05_for_a_few_it_is_copied) {
    deliver(1, BODY_RECIPIENTS_MIN - 1, false);
    cr_assert_not_null(outboxes[0].head->message);
    cr_assert_geq(memory_of(&alice), (BODY_RECIPIENTS_MIN - 1) * (sizeof(struct chunk) + TEXT));
    deliver(2, BODY_RECIPIENTS_MIN, false);
    cr_assert_null(outboxes[BODY_RECIPIENTS_MIN - 1].head->message);
}

Test(outbox_bodies, 06_what_is_for_one_alone_stands_behind_it_in_the_same_batch) {
    uint8_t data[64];
    struct cursor_out out = cursor_out_of(data, sizeof data);
    struct outbox_address to = address_of(3, &alice);
    cr_assert(frame_put(&out, &(struct frame){.type = FRAME_DONE, .done = {9}}));
    struct encoded answer = {.frames = data, .n = cursor_out_used(&out)};
    deliver(1, CROWD, false);
    cr_assert_not(outbox_has_room(&outboxes[3], &to, answer.n), "it takes memory");
    uint64_t before = memory_of(&alice);
    cr_assert_eq(outbox_append(&outboxes[3], &pool, &to, &answer), 0);
    cr_assert_gt(memory_of(&alice), before);
    cr_assert_eq(outboxes[3].n_chunks, 1);
    cr_assert_eq(outbox_first_seq(&outboxes[3]), 0, "an answer cannot be had from the log");
    cr_assert_eq(outboxes[3].head->n_frames, 2);
    expect_messages(outboxes[4].head, 4, 1, 1);
}

Test(outbox_bodies, 07_more_stands_at_the_end_of_what_fits) {
    for (unsigned seq = 1; seq <= MAILBOX_BATCHES + 1; seq++)
        deliver(seq, CROWD, false);
    outbox_ready(&outboxes[5]);
    struct chunk *taken = outbox_take(&outboxes[5]);
    expect_messages(taken, 5, 1, 1);
    cr_assert(taken->next->has_more);
    expect_messages(taken->next, 5, 2, 2);
    cr_assert_null(taken->next->next);
    outbox_return(&outboxes[5], taken, true);
}
