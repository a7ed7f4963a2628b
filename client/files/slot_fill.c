#include "files/slot_fill.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LINE_BYTES 64
#define WARM_UP 16     /* the first slots are made while they are filled: they say nothing */
#define TRY_EVERY 32   /* so often the other way is tried */
#define FORGET_SHARE 8 /* a record grows by this part with each slot that does not break it */

void slot_fill_init(struct slot_fill *fill, size_t slot_bytes) {
    *fill = (struct slot_fill){.slot_bytes = slot_bytes};
#ifdef __SSE2__
    fill->own = aligned_alloc(LINE_BYTES, slot_bytes);
#endif
}

void slot_fill_deinit(struct slot_fill *fill) {
    free(fill->own);
    *fill = (struct slot_fill){0};
}

/* Both are aligned. What does not fill a line goes through the caches. */
static void slot_fill_stream(unsigned char *to, const unsigned char *from, size_t n) {
#ifdef __SSE2__
    for (; n >= LINE_BYTES; n -= LINE_BYTES, to += LINE_BYTES, from += LINE_BYTES) {
        const __m128i *parts = (const void *)from;
        __m128i *line = (void *)to;
        __m128i first = _mm_load_si128(parts), second = _mm_load_si128(parts + 1);
        __m128i third = _mm_load_si128(parts + 2), fourth = _mm_load_si128(parts + 3);
        _mm_stream_si128(line, first);
        _mm_stream_si128(line + 1, second);
        _mm_stream_si128(line + 2, third);
        _mm_stream_si128(line + 3, fourth);
    }
    _mm_sfence(); /* no release orders these stores */
#endif
    memcpy(to, from, n);
}

static bool slot_fill_goes_aside(const struct slot_fill *fill) {
    if (!fill->own || fill->n < WARM_UP)
        return false;
    bool is_better = fill->best_ns[true] > 0 && fill->best_ns[true] < fill->best_ns[false];
    return (fill->n - WARM_UP) % TRY_EVERY == 0 ? !is_better : is_better;
}

void *slot_fill_begin(struct slot_fill *fill, void *slot) {
    fill->is_aside = slot_fill_goes_aside(fill);
    fill->start = mono_now();
    return fill->is_aside ? fill->own : slot;
}

/* Only whole slots are compared. */
static void slot_fill_note(struct slot_fill *fill) {
    int64_t ns = mono_now().ns - fill->start.ns;
    int64_t *best = &fill->best_ns[fill->is_aside];
    if (fill->n++ < WARM_UP)
        return;
    int64_t limit = *best + *best / FORGET_SHARE;
    *best = *best == 0 || ns < limit ? ns : limit;
}

void slot_fill_end(struct slot_fill *fill, void *slot, size_t n) {
    if (fill->is_aside)
        slot_fill_stream(slot, fill->own, n);
    if (n == fill->slot_bytes)
        slot_fill_note(fill);
}
