/* Small files as messages: as they are for who knows them, as base64 for who does not. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "unit/core/world.h"

#define KNOWS (HERE | ABILITY_FILES)

static char content[FILE_BODY_MAX], base64[BASE64_CHARS(FILE_BODY_MAX)];
static struct bytes file, file_as_text;
static struct client *alice, *bob, *carol, *dave;

/* The first two know files, carol has been here longer, and dave knows no LINEs either. */
static void setup(void) {
    world_begin();
    alice = join(ALICE, "alice", KNOWS);
    bob = join(BOB, "bob", KNOWS);
    carol = join(CAROL, "carol", HERE);
    dave = arrive(&(struct arrival){1004, "dave", HERE, 0, 0, true});
    ready(dave);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * 31 | 128);
    content[0] = FILE_BODY_FORM;
}

TestSuite(core_small_files, .init = setup, .fini = world_end);

static void make_file(size_t n) {
    file = (struct bytes){content, n};
    file_as_text = (struct bytes){base64, base64_encode(base64, file)};
}

static const char *give_file(struct client *from, const char *to, size_t n_first) {
    struct frame send = {.type = FRAME_SEND,
                         .flags = n_first < file.n ? FRAME_MORE_PARTS : 0,
                         .send = {.id = new_id(),
                                  .kind = KIND_FILE,
                                  .to = bytes_of(to),
                                  .total = (uint32_t)file.n,
                                  .body = {content, n_first}}};
    return give(from, &send);
}

static const char *give_part(struct client *from, struct bytes body, uint8_t flags) {
    return give(from, &(struct frame){.type = FRAME_PART, .flags = flags, .part.body = body});
}

static void expect_rest(struct client *client, struct bytes rest, uint8_t flag) {
    while (rest.n > 0) {
        const struct frame *part = expect(client, FRAME_PART);
        struct bytes body = part->part.body;
        cr_assert_eq(part->flags & FRAME_BINARY, flag);
        cr_assert(body.n <= rest.n && memcmp(body.data, rest.data, body.n) == 0);
        rest = (struct bytes){rest.data + body.n, rest.n - body.n};
        cr_assert_eq((part->flags & FRAME_MORE_PARTS) != 0, rest.n > 0);
    }
}

static void expect_body(struct client *client, struct bytes body, uint8_t flag) {
    const struct frame *frame = expect(client, FRAME_MESSAGE);
    struct bytes first = frame->message.body;
    cr_assert_eq(frame->message.kind, KIND_FILE);
    cr_assert_eq(frame->message.total, body.n);
    cr_assert(memcmp(first.data, body.data, first.n) == 0);
    expect_rest(client, (struct bytes){body.data + first.n, body.n - first.n}, flag);
}

static void expect_file(struct client *client) {
    expect_body(client, file, FRAME_BINARY);
}

static void expect_base64(struct client *client) {
    expect_body(client, file_as_text, 0);
}

Test(core_small_files, 01_welcome_says_that_the_hub_takes_them) {
    enum fail_code code;
    struct client *knows = try_join(1005, "eve", KNOWS, &code);
    cr_assert_eq(expect(knows, FRAME_WELCOME)->flags, FRAME_TAKES_FILES);
    knows = try_join(1006, "fred", HERE, &code);
    cr_assert_eq(expect(knows, FRAME_WELCOME)->flags, 0);
}

Test(core_small_files, 02_to_each_in_the_form_that_he_reads) {
    make_file(100);
    cr_assert_null(give_file(alice, "bob", file.n));
    expect_file(bob);
    cr_assert_null(give_file(alice, "carol", file.n));
    expect_base64(carol);
    cr_assert_null(give_file(alice, "dave", file.n));
    expect_base64(dave);
}

/* In order, and once. */
Test(core_small_files, 03_to_a_room_of_all_kinds) {
    struct client *const all[] = {alice, bob, carol, dave};
    make_file(100);
    for (size_t i = 0; i < 4; i++)
        enter(all[i], "#tea", 0);
    say(alice, "#tea", "before");
    cr_assert_null(give_file(alice, "#tea", file.n));
    say(alice, "#tea", "behind");
    for (size_t i = 1; i < 4; i++) {
        expect_text(all[i], "before");
        (i == 1 ? expect_file : expect_base64)(all[i]);
        expect_text(all[i], "behind");
        expect_nothing(all[i]);
    }
}

Test(core_small_files, 04_in_parts) {
    make_file(FILE_BODY_MAX);
    for (int i = 0; i < 2; i++) {
        size_t n = 5000;
        cr_assert_null(give_file(alice, i ? "carol" : "bob", n));
        for (; n < file.n; n += 5000) {
            size_t part = file.n - n < 5000 ? file.n - n : 5000;
            uint8_t more = n + part < file.n ? FRAME_MORE_PARTS : 0;
            cr_assert_null(
                give_part(alice, (struct bytes){content + n, part}, FRAME_BINARY | more));
        }
    }
    expect_file(bob);
    expect_base64(carol);
}

Test(core_small_files, 05_from_the_past) {
    make_file(100);
    give_file(alice, "carol", file.n);
    give_file(alice, "bob", file.n);
    struct frame history = {.type = FRAME_HISTORY, .history = {.request = 3, .limit = 10}};
    expect_base64(carol);
    expect_file(bob);
    history.history.conv = bytes_of("alice");
    give(bob, &history);
    cr_assert(bytes_equal(expect(bob, FRAME_PAST)->past.body, file));
    give(carol, &history);
    cr_assert(bytes_equal(expect(carol, FRAME_PAST)->past.body, file_as_text));
}

Test(core_small_files, 06_base64_stays_what_it_is) {
    make_file(100);
    struct frame send = {.type = FRAME_SEND,
                         .send = {.id = new_id(),
                                  .kind = KIND_FILE,
                                  .to = bytes_of("bob"),
                                  .total = (uint32_t)file_as_text.n,
                                  .body = file_as_text}};
    give(carol, &send);
    expect_base64(bob);
}

Test(core_small_files, 07_a_part_is_of_what_it_belongs_to) {
    make_file(100);
    cr_assert_null(give_file(alice, "bob", 50));
    cr_assert_not_null(give_part(alice, bytes_of("text"), FRAME_MORE_PARTS));
    struct frame text = {.type = FRAME_SEND,
                         .flags = FRAME_MORE_PARTS,
                         .send = {.id = new_id(),
                                  .kind = KIND_TEXT,
                                  .to = bytes_of("bob"),
                                  .total = 100,
                                  .body = bytes_of("text")}};
    cr_assert_null(give(carol, &text));
    cr_assert_not_null(give_part(carol, (struct bytes){content, 96}, FRAME_BINARY));
    expect_nothing(bob);
}
