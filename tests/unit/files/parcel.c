/* Small files as text: what goes in comes out, and nothing else is taken. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "files/parcel.h"

static struct parcel in, out;
static char body[PARCEL_BODY_MAX];

static size_t encode(size_t n) {
    in = (struct parcel){.name = "a b.txt", .mode = 0644, .mtime_ns = -5, .link = 7, .n = n};
    for (size_t i = 0; i < n; i++)
        in.content[i] = (uint8_t)(i * 31 + (i >> 8));
    struct digest_state *sum = digest_new();
    digest_add(sum, in.content, n);
    in.digest = digest_value(sum);
    digest_free(sum);
    return parcel_encode(&in, body);
}

Test(parcel, all_sizes_round_trip) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 1023, 1024, PARCEL_CONTENT_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = encode(sizes[i]);
        cr_assert(n <= sizeof body && n % 4 == 0);
        cr_assert(parcel_decode(&out, (struct bytes){body, n}));
        cr_assert(out.n == in.n && memcmp(out.content, in.content, in.n) == 0);
        cr_assert_str_eq(out.name, "a b.txt");
        cr_assert(out.mode == 0644 && out.mtime_ns == -5 && out.link == 7);
    }
}

Test(parcel, no_byte_can_be_changed_in_the_content) {
    size_t n = encode(100);
    for (size_t i = n / 2; i < n; i++) {
        char before = body[i];
        body[i] = before == 'A' ? 'B' : 'A';
        bool is_taken = parcel_decode(&out, (struct bytes){body, n});
        cr_assert(!is_taken || (out.n == in.n && memcmp(out.content, in.content, in.n) == 0),
                  "byte %zu", i);
        body[i] = before;
    }
}

Test(parcel, nothing_shorter_or_longer) {
    size_t n = encode(10);
    for (size_t i = 0; i < n; i++)
        cr_assert(!parcel_decode(&out, (struct bytes){body, i}), "%zu bytes", i);
    memcpy(body + n, "AAAA", 4);
    cr_assert(!parcel_decode(&out, (struct bytes){body, n + 4}));
}

Test(parcel, random_text_is_none) {
    static const char alphabet[] = "ABCxyz019+/=\n ";
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t n = (size_t)rand() % 400;
        for (size_t i = 0; i < n; i++)
            body[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        cr_assert(!parcel_decode(&out, (struct bytes){body, n}));
    }
}

Test(parcel, set_user_id_does_not_travel) {
    encode(1);
    in.mode = 04755;
    size_t n = parcel_encode(&in, body);
    cr_assert(parcel_decode(&out, (struct bytes){body, n}));
    cr_assert(out.mode == 0755);
}

Test(parcel, description) {
    char text[PARCEL_TEXT_SIZE];
    size_t n = encode(1);
    parcel_describe((struct bytes){body, n}, text);
    cr_assert_str_eq(text, "[file a b.txt, 1 byte]");
    n = encode(1536);
    parcel_describe((struct bytes){body, n}, text);
    cr_assert_str_eq(text, "[file a b.txt, 1.5 KiB]");
    parcel_describe((struct bytes){"x", 1}, text);
    cr_assert_str_eq(text, "[a file that cannot be read]");
}
