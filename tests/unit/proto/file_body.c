/* The body of a small file: what is not one is refused, whatever its bytes say. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/proto/wire.h"

static struct file_body usual(void) {
    return (struct file_body){.form = FILE_BODY_FORM,
                              .mode = 0644,
                              .mtime_ns = 5,
                              .link = 7,
                              .digest = {"fifteen letters"},
                              .name = bytes_of("gr\u00fc\u00df.txt"),
                              .content = {"\0\xff\x1b", 3}};
}

static size_t put(const struct file_body *file) {
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    file_body_put(&out, file);
    cr_assert(!out.bad);
    return cursor_out_used(&out);
}

/* From a buffer of exactly that size. */
static bool takes(size_t n) {
    struct file_body file;
    char *exact = malloc(n + (n == 0));
    memcpy(exact, wire, n);
    bool is_taken = file_body_take(&file, (struct bytes){exact, n});
    free(exact);
    return is_taken;
}

static bool takes_name(struct bytes name) {
    struct file_body file = usual();
    file.name = name;
    return takes(put(&file));
}

Test(file_body, 01_round_trip) {
    struct file_body sent = usual(), got;
    size_t n = put(&sent);
    cr_assert(file_body_take(&got, (struct bytes){(const char *)wire, n}));
    cr_assert(got.mode == 0644 && got.mtime_ns == 5 && got.link == 7);
    cr_assert(uuid_equal(&got.digest, &sent.digest));
    cr_assert(bytes_equal(got.name, sent.name));
    cr_assert(bytes_equal(got.content, sent.content));
}

Test(file_body, 02_cut_short) {
    struct file_body file = usual();
    size_t n = put(&file);
    for (size_t i = 0; i < n - file.content.n; i++)
        cr_assert(!takes(i), "%zu bytes", i);
    cr_assert(takes(n - file.content.n), "an empty file");
}

Test(file_body, 03_lengths_that_lie) {
    struct file_body file = usual();
    size_t n = put(&file), at = n - file.content.n - file.name.n - sizeof(uint16_t);
    static const uint16_t lies[] = {0, FILE_NAME_MAX + 1, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        memcpy(wire + at, &lies[i], sizeof lies[i]);
        cr_assert(!takes(n), "%u", lies[i]);
    }
}

Test(file_body, 04_other_forms) {
    struct file_body file = usual();
    for (unsigned form = 0; form <= UINT8_MAX; form++) {
        file.form = (uint8_t)form;
        cr_assert_eq(takes(put(&file)), form == FILE_BODY_FORM);
    }
}

Test(file_body, 05_names) {
    static char longest[FILE_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    cr_assert(takes_name((struct bytes){longest, FILE_NAME_MAX}));
    cr_assert(!takes_name((struct bytes){longest, FILE_NAME_MAX + 1}));
    cr_assert(!takes_name(bytes_of("")));
    cr_assert(!takes_name(bytes_of("../up")));
    cr_assert(!takes_name(bytes_of("/etc/passwd")));
    cr_assert(!takes_name(bytes_of("dir/")));
    cr_assert(!takes_name((struct bytes){"a\0b", 3}));
    cr_assert(!takes_name(bytes_of("\xff")));
}

Test(file_body, 06_too_much_content) {
    static char most[FILE_CONTENT_MAX + 1], name[FILE_NAME_MAX];
    struct file_body file = usual();
    memset(name, 'x', sizeof name);
    file.name = (struct bytes){name, sizeof name};
    file.content = (struct bytes){most, FILE_CONTENT_MAX};
    cr_assert_eq(put(&file), FILE_BODY_MAX);
    cr_assert(takes(FILE_BODY_MAX));
    file.content.n++;
    cr_assert(!takes(put(&file)));
}

/* On its way. */

static enum frame_outcome send(uint8_t kind, struct bytes body, uint32_t total, uint8_t flags) {
    struct frame frame = sample_frame(FRAME_SEND, SAMPLE_USUAL);
    frame.flags = flags;
    frame.send.kind = kind;
    frame.send.body = body;
    frame.send.total = total;
    return pass(&frame);
}

Test(file_body, 07_only_a_file_may_be_no_text) {
    static char bytes[100] = {FILE_BODY_FORM, (char)0xff, 0};
    struct bytes binary = {bytes, sizeof bytes}, other = {"\xff", 1};
    for (unsigned kind = 0; kind < KIND_END; kind++) {
        cr_assert_eq(send((uint8_t)kind, binary, sizeof bytes, 0),
                     kind == KIND_FILE ? FRAME_OK : FRAME_BAD_FIELD);
        cr_assert_eq(send((uint8_t)kind, other, 1, 0), FRAME_BAD_FIELD,
                     "it does not begin as one does");
    }
    cr_assert_eq(send(KIND_FILE, binary, FILE_BODY_MAX, FRAME_MORE_PARTS), FRAME_OK);
    cr_assert_eq(send(KIND_FILE, binary, FILE_BODY_MAX + 1, FRAME_MORE_PARTS), FRAME_BAD_FIELD);
}

Test(file_body, 08_parts_say_that_they_are_no_text) {
    struct frame part = {.type = FRAME_PART, .part.body = {"\0\xff", 2}};
    cr_assert_eq(pass(&part), FRAME_BAD_FIELD);
    part.flags = FRAME_BINARY;
    cr_assert_eq(pass(&part), FRAME_OK);
}
