/* What the hub reads of clients whose version it does not speak. */
#include "proto/stranger.h"

#include <criterion/criterion.h>

#include "unit/proto/wire.h"

#define VERSION_AT (ENVELOPE_BYTES + FRAME_HEADER_BYTES)

static const struct uuid nonce = {"a nonce, as is!"};

/* A batch of one frame in `wire`; returns its bytes. */
static size_t batch_of(const struct frame *frame, uint64_t session) {
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, session});
    cr_assert(frame_put(&out, frame));
    return cursor_out_used(&out);
}

static size_t hello_of(uint16_t version, uint64_t session) {
    return batch_of(&(struct frame){.type = FRAME_HELLO,
                                    .hello = {.version = version,
                                              .mailbox = 77,
                                              .nonce = nonce,
                                              .handle = bytes_of("old"),
                                              .link = 5}},
                    session);
}

static void set_frame_length(size_t n) {
    uint16_t length = (uint16_t)(n - ENVELOPE_BYTES);
    memcpy(wire + ENVELOPE_BYTES, &length, sizeof length);
}

static bool is_hello(size_t n, struct frame_hello *hello) {
    uint8_t *exact = malloc(n + (n == 0));
    memcpy(exact, wire, n);
    bool found = stranger_hello(exact, n, hello);
    free(exact);
    return found;
}

Test(stranger, 01_hello_of_another_version) {
    struct frame_hello hello;
    size_t n = hello_of(PROTO_VERSION + 1, 0);
    wire[0] = PROTO_VERSION + 1; /* the envelope may be another one, too */
    wire[1] = 3;
    cr_assert(is_hello(n, &hello));
    cr_assert_eq(hello.version, PROTO_VERSION + 1);
    cr_assert_eq(hello.mailbox, 77);
    cr_assert(uuid_equal(&hello.nonce, &nonce));
    cr_assert_eq(hello.link, 0, "what a version may change is not read");
    cr_assert_eq(hello.handle.n, 0);
}

Test(stranger, 02_longer_and_shorter_hello) {
    struct frame_hello hello;
    size_t n = hello_of(PROTO_VERSION + 1, 0), least = VERSION_AT + 2 + 4 + 16;
    memset(wire + n, 0xee, 100);
    set_frame_length(n + 100);
    cr_assert(is_hello(n + 100, &hello));
    set_frame_length(least);
    cr_assert(is_hello(least, &hello));
    set_frame_length(least - 1);
    cr_assert(!is_hello(least - 1, &hello));
}

Test(stranger, 03_our_own_version_is_no_stranger) {
    struct frame_hello hello;
    cr_assert(!is_hello(hello_of(PROTO_VERSION, 0), &hello));
}

Test(stranger, 04_nothing_else_is_a_hello) {
    struct frame_hello hello;
    cr_assert(!is_hello(hello_of(PROTO_VERSION + 1, 9), &hello), "it has a session");
    size_t n = batch_of(&(struct frame){.type = FRAME_NONCE, .nonce = {nonce}}, 0);
    cr_assert(!is_hello(n, &hello), "another type");
}

Test(stranger, 05_cut_and_lying_batches) {
    struct frame_hello hello;
    size_t n = hello_of(PROTO_VERSION + 1, 0);
    for (size_t cut = 0; cut < n; cut++)
        cr_assert(!is_hello(cut, &hello), "%zu of %zu bytes", cut, n);
    set_frame_length(n + 1);
    cr_assert(!is_hello(n, &hello));
    set_frame_length(ENVELOPE_BYTES + FRAME_HEADER_BYTES - 1);
    cr_assert(!is_hello(n, &hello));
}

Test(stranger, 06_nonce_of_any_version) {
    struct uuid found;
    size_t n = batch_of(&(struct frame){.type = FRAME_NONCE, .nonce = {nonce}}, 0);
    wire[0] = 200;
    cr_assert(stranger_nonce(wire, n, &found));
    cr_assert(uuid_equal(&found, &nonce));
    cr_assert(!stranger_nonce(wire, n - 1, &found));
    cr_assert(!stranger_nonce(wire, hello_of(PROTO_VERSION, 0), &found), "another type");
}
