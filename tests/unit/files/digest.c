#include "files/digest.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <xxhash.h>

static struct digest at_once(const unsigned char *bytes, size_t n) {
    XXH128_canonical_t canonical;
    struct digest digest;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, n));
    memcpy(digest.bytes, canonical.digest, sizeof digest.bytes);
    return digest;
}

static struct digest in_pieces(const unsigned char *bytes, size_t n, size_t piece) {
    struct digest_state *state = digest_new();
    cr_assert_not_null(state);
    for (size_t at = 0; at < n; at += piece)
        digest_add(state, bytes + at, n - at < piece ? n - at : piece);
    struct digest digest = digest_value(state);
    digest_free(state);
    return digest;
}

static unsigned char *some_bytes(size_t n) {
    unsigned char *bytes = malloc(n);
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 131 + i / 251);
    return bytes;
}

Test(digest, is_the_known_one) {
    char text[DIGEST_TEXT_MAX];
    digest_text(text, in_pieces(NULL, 0, 1));
    cr_expect_str_eq(text, "99aa06d3014798d86001c324468d497f");
}

Test(digest, does_not_depend_on_the_pieces) {
    static const size_t pieces[] = {1, 63, 64, 1024, 4097, 262144};
    unsigned char *bytes = some_bytes(300000);
    for (size_t n = 0; n < 300000; n = n * 3 / 2 + 1)
        for (size_t i = n > 10000 ? 1 : 0; i < sizeof pieces / sizeof *pieces; i++)
            cr_expect(digest_equal(in_pieces(bytes, n, pieces[i]), at_once(bytes, n)),
                      "%zu bytes, %zu at a time", n, pieces[i]);
    free(bytes);
}

Test(digest, zeros_are_summed_up_as_if_they_were_there) {
    struct digest_state *state = digest_new();
    unsigned char *zeros = calloc(1, 50000);
    cr_assert(state && zeros);
    digest_add_zeros(state, 50000);
    cr_expect(digest_equal(digest_value(state), at_once(zeros, 50000)));
    digest_free(state);
    free(zeros);
}
