/* Small files as messages: what goes in comes out, in both forms, and nothing else is taken. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "files/parcel.h"

static struct file_body in, out;
static char content[PARCEL_CONTENT_MAX], body[PARCEL_BODY_MAX + 4];

static size_t pack(size_t n, bool as_text) {
    for (size_t i = 0; i < n; i++)
        content[i] = (char)(i * 31 + (i >> 8));
    in = (struct file_body){.mode = 0644,
                            .mtime_ns = (uint64_t)-5,
                            .link = 7,
                            .name = bytes_of("a b.txt"),
                            .content = {content, n}};
    return parcel_pack(&in, as_text, body);
}

static bool opens(size_t n) {
    return parcel_open(&out, (struct bytes){body, n});
}

Test(parcel, all_sizes_round_trip) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 1023, 1024, PARCEL_CONTENT_MAX};
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        bool as_text = i % 2;
        size_t n = pack(sizes[i / 2], as_text);
        cr_assert(n <= PARCEL_BODY_MAX);
        cr_assert_eq(opens(n), !as_text);
        parcel_normalize(body, &n);
        cr_assert(opens(n));
        cr_assert(bytes_equal(out.content, in.content));
        cr_assert(bytes_equal(out.name, in.name));
        cr_assert(out.mode == 0644 && out.mtime_ns == in.mtime_ns && out.link == 7);
    }
}

/* What a client of before ABILITY_FILES wrote. */
Test(parcel, an_old_one) {
    static const char tape[] =
        "AaQBAAD7/////////wcAAAAAAAAAtenBrQcbPn/Hec+qXlI4GAcAYSBiLnR4dGhlbGxv";
    size_t n = sizeof tape - 1;
    memcpy(body, tape, n);
    parcel_normalize(body, &n);
    cr_assert(opens(n));
    cr_assert(bytes_equal(out.name, bytes_of("a b.txt")));
    cr_assert(bytes_equal(out.content, bytes_of("hello")));
    cr_assert(out.mode == 0644 && out.mtime_ns == (uint64_t)-5 && out.link == 7);
    cr_assert_eq(parcel_pack(&out, true, body + 100), sizeof tape - 1);
    cr_assert(memcmp(body + 100, tape, sizeof tape - 1) == 0, "and reads");
}

Test(parcel, no_byte_can_be_changed_in_the_content) {
    size_t n = pack(100, false);
    for (size_t i = n - 100; i < n; i++) {
        body[i] ^= 1;
        cr_assert(!opens(n), "byte %zu", i);
        body[i] ^= 1;
    }
    cr_assert(opens(n));
}

Test(parcel, nothing_shorter_or_longer) {
    for (int as_text = 0; as_text < 2; as_text++) {
        size_t n = pack(10, as_text);
        for (size_t i = 0; i < n; i++) {
            size_t cut = i;
            (void)pack(10, as_text);
            parcel_normalize(body, &cut);
            cr_assert(!opens(cut), "%zu bytes", i);
        }
        (void)pack(10, as_text);
        memcpy(body + n, "AAAA", 4);
        n += 4;
        parcel_normalize(body, &n);
        cr_assert(!opens(n));
    }
}

Test(parcel, random_text_is_none) {
    static const char alphabet[] = "ABCxyz019+/=\n ";
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t n = (size_t)rand() % 400;
        for (size_t i = 0; i < n; i++)
            body[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        parcel_normalize(body, &n);
        cr_assert(!opens(n));
    }
}

Test(parcel, set_user_id_does_not_travel) {
    (void)pack(1, false);
    in.mode = 04755;
    cr_assert(opens(parcel_pack(&in, false, body)));
    cr_assert(out.mode == 0755);
}

Test(parcel, description) {
    char text[PARCEL_TEXT_SIZE];
    parcel_describe((struct bytes){body, pack(1, false)}, text);
    cr_assert_str_eq(text, "[file a b.txt, 1 byte]");
    parcel_describe((struct bytes){body, pack(1536, false)}, text);
    cr_assert_str_eq(text, "[file a b.txt, 1.5 KiB]");
    parcel_describe((struct bytes){"x", 1}, text);
    cr_assert_str_eq(text, "[a file that cannot be read]");
}
