/* LINEs in an outbox, and the ORIGIN that stands before them in each batch. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/macro.h"
#include "core/outbox.h"

static struct outbox outbox;
static struct chunk_pool pool;
static struct account_limits limits;
static struct account account;
static const struct outbox_address address = {1, 4711, BATCH_BYTES_MIN, &account};

static void setup(void) {
    account_limits_init(&limits);
    account_init(&account, &limits, 1001, (mono_time){0});
}

static void teardown(void) {
    outbox_clear(&outbox, &pool);
    cr_assert_eq(pool.n_used, 0);
    chunk_pool_deinit(&pool);
    account_deinit(&account);
}

/* Some are shared with others, who have had theirs already. */
static void append(struct encoded *encoded, bool is_shared) {
    encoded_share(encoded, is_shared ? BODY_RECIPIENTS_MIN : 1);
    cr_assert_eq(outbox_append(&outbox, &pool, &address, encoded), 0);
    encoded_shared(encoded);
}

TestSuite(outbox_lines, .init = setup, .fini = teardown);

static void append_answer(void) {
    uint8_t data[64];
    struct cursor_out out = cursor_out_of(data, sizeof data);
    cr_assert(frame_put(&out, &(struct frame){.type = FRAME_DONE, .done = {1}}));
    struct encoded encoded = {.frames = data, .n = cursor_out_used(&out)};
    cr_assert_eq(outbox_append(&outbox, &pool, &address, &encoded), 0);
}

static size_t encode_line(uint8_t *data, size_t size, uint16_t seq) {
    struct cursor_out out = cursor_out_of(data, size);
    cr_assert(frame_put(&out, &(struct frame){.type = FRAME_LINE, .line = {.seq = seq}}));
    return cursor_out_used(&out);
}

static size_t encode_origin(uint8_t *data, size_t size, const char *from) {
    struct cursor_out out = cursor_out_of(data, size);
    cr_assert(
        frame_put(&out, &(struct frame){.type = FRAME_ORIGIN,
                                        .origin = {.from = bytes_of(from), .to = bytes_of("#x")}}));
    return cursor_out_used(&out);
}

static void append_line(uint16_t seq, const char *from, bool is_shared) {
    uint8_t line[64], origin[ORIGIN_BYTES_MAX];
    struct encoded encoded = {.frames = line,
                              .n = encode_line(line, sizeof line, seq),
                              .what = ENCODED_MESSAGE,
                              .origin = origin,
                              .n_origin = encode_origin(origin, sizeof origin, from)};
    append(&encoded, is_shared);
}

/* Each LINE stands behind the ORIGIN of its sender in the same batch; counts the ORIGINs. */
static unsigned read_lines(uint16_t *seq, const char *const senders[], size_t n_senders) {
    unsigned n_origins = 0;
    for (const struct chunk *chunk = outbox.head; chunk; chunk = chunk->next) {
        struct queue_message scratch;
        struct cursor_in in = cursor_in_of(chunk_message(chunk, &scratch)->data, chunk->n);
        struct envelope envelope;
        struct frame frame;
        struct bytes from = {0};
        cr_assert_leq(chunk->n, address.batch - FRAME_HEADER_BYTES);
        cr_assert(envelope_take(&in, &envelope));
        for (unsigned i = 0; i < envelope.n_frames; i++) {
            cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
            if (frame.type == FRAME_ORIGIN) {
                n_origins++;
                from = frame.origin.from;
                continue;
            }
            cr_assert_eq(frame.line.seq, (*seq)++);
            cr_assert(bytes_equal(from, bytes_of(senders[frame.line.seq % n_senders])));
        }
        cr_assert_eq(cursor_in_left(&in), 0);
    }
    return n_origins;
}

Test(outbox_lines, 01_an_origin_stands_once_in_each_batch) {
    static const char *const bob[] = {"bob"};
    uint16_t n = 0, seq = 0;
    while (outbox.n_chunks < 3)
        append_line(n++, "bob", false);
    cr_assert_eq(read_lines(&seq, bob, 1), 3);
    cr_assert_eq(seq, n);
}

Test(outbox_lines, 01_so_it_does_among_lines_that_are_shared) {
    static const char *const bob[] = {"bob"};
    uint16_t n = 0, seq = 0;
    while (outbox.n_chunks < 5) {
        append_line(n, "bob", n % 7 < 4);
        n++;
    }
    cr_assert_eq(read_lines(&seq, bob, 1), 5);
    cr_assert_eq(seq, n);
}

Test(outbox_lines, 02_who_takes_turns_is_named_each_time) {
    static const char *const both[] = {"bob", "carol"};
    uint16_t n = 0, seq = 0;
    while (outbox.n_chunks < 3) {
        append_line(n, both[n % 2], false);
        n++;
    }
    cr_assert_eq(read_lines(&seq, both, 2), n);
    cr_assert_eq(seq, n);
}

/* Long texts and answers among them; what comes back goes out again. */

static size_t encode_parts(uint8_t *data, size_t size, uint16_t seq, unsigned n_parts) {
    char text[400];
    struct cursor_out out = cursor_out_of(data, size);
    size_t n = 100 + seq % 300;
    struct frame frame = {.type = FRAME_MESSAGE,
                          .message = {.seq = seq,
                                      .from = bytes_of("bob"),
                                      .to = bytes_of("#x"),
                                      .total = (uint32_t)(n * (n_parts + 1)),
                                      .body = {text, n}}};
    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i <= n_parts; i++) {
        frame.flags = i < n_parts ? FRAME_MORE_PARTS : 0;
        cr_assert(frame_put(&out, &frame));
        frame = (struct frame){.type = FRAME_PART, .part = {{text, n}}};
    }
    return cursor_out_used(&out);
}

static const char *const senders[] = {"bob", "carol", "a-name-of-some-length"};

static void append_text(uint16_t seq, unsigned n_parts) {
    uint8_t text[8192];
    if (n_parts == 0) {
        append_line(seq, senders[seq / 3 % ARRAY_LEN(senders)], rand() % 2);
        return;
    }
    struct encoded encoded = {.frames = text, .n = encode_parts(text, sizeof text, seq, n_parts)};
    append(&encoded, rand() % 2);
}

struct line_reading {
    uint16_t seq;
    bool is_within;
};

/* No LINE without its ORIGIN before it in the same batch, whatever is between. */
static void read_batch(struct line_reading *reading, const struct chunk *chunk) {
    struct queue_message scratch;
    struct cursor_in in = cursor_in_of(chunk_message(chunk, &scratch)->data, chunk->n);
    struct envelope envelope;
    struct frame frame;
    struct bytes from = {0};
    cr_assert_leq(chunk->n, address.batch);
    cr_assert(envelope_take(&in, &envelope));
    for (unsigned i = 0; i < envelope.n_frames; i++) {
        cr_assert_eq(frame_take(&in, &frame, FROM_HUB), FRAME_OK);
        if (frame.type == FRAME_ORIGIN)
            from = frame.origin.from;
        if (frame.type != FRAME_LINE && frame.type != FRAME_MESSAGE && frame.type != FRAME_PART)
            continue;
        cr_assert_eq(frame.type == FRAME_PART, reading->is_within);
        reading->is_within = frame.flags & FRAME_MORE_PARTS;
        if (frame.type == FRAME_MESSAGE)
            cr_assert_eq(frame.message.seq, ++reading->seq);
        if (frame.type != FRAME_LINE)
            continue;
        cr_assert_eq(frame.line.seq, ++reading->seq);
        cr_assert(bytes_equal(from, bytes_of(senders[reading->seq / 3 % ARRAY_LEN(senders)])));
    }
    cr_assert_eq(cursor_in_left(&in), 0);
}

static void read_some(struct line_reading *reading, unsigned n) {
    struct chunk *chunk = outbox_take(&outbox);
    for (; chunk && n > 0; n--) {
        struct chunk *next = chunk->next;
        read_batch(reading, chunk);
        chunk_release(&pool, chunk);
        chunk = next;
    }
    outbox_return(&outbox, chunk, chunk != NULL);
}

Test(outbox_lines, 03_whatever_is_between_them_and_when_some_came_back) {
    struct line_reading reading = {0};
    uint16_t seq = 0;
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        int what = rand() % 8;
        if (what < 3 && outbox_takes_messages(&outbox, &address, 0, OUTBOX_CHUNKS_MAX))
            append_text(++seq, (unsigned)(rand() % 3 ? 0 : rand() % 12));
        else if (what == 3 && outbox.n_chunks < 2 * OUTBOX_CHUNKS_MAX)
            append_answer();
        else if (what == 4)
            outbox_ready(&outbox);
        else if (outbox_is_sendable(&outbox))
            read_some(&reading, (unsigned)(rand() % 5));
    }
    outbox_ready(&outbox);
    while (outbox.head) {
        read_some(&reading, OUTBOX_FLIGHT_MAX);
        outbox_ready(&outbox);
    }
    cr_assert_gt(seq, 1000);
    cr_assert_eq(reading.seq, seq);
    cr_assert(!reading.is_within);
}
