#include "bench/bare_ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "files/digest.h"
#include "ipc/shm.h"

enum { SENDER, RECEIVER, N_WORKERS };

#define PATIENCE_MS 30000

/*
 * As much as cp writes at a time. A file system that gets more asks for larger pieces of memory,
 * which may take longer to find than to fill.
 */
#define WRITE_BYTES ((size_t)128 * 1024)

static mono_time patience(void) {
    return mono_add_ms(mono_now(), PATIENCE_MS);
}

static int fail_ring(struct crew_arena *arena, const char *side, int r) {
    return crew_fail(arena, "%s: %s", side,
                     r < 0 ? strerror(-r) : ring_outcome_text((enum ring_outcome)r));
}

/* --- the sender --- */

static int send_end(struct ring *ring, struct crew_arena *arena, void *slot,
                    const struct digest_state *state) {
    struct digest digest = digest_value(state);
    uint32_t result = 1;
    memcpy(slot, &digest, sizeof digest);
    ring_producer_commit_end(ring, 0, sizeof digest);
    int r = ring_producer_await(ring, patience(), &result);
    if (r != 0)
        return fail_ring(arena, "the sender's ring", r);
    return result == 0 ? 0 : crew_fail(arena, "the digests differ");
}

static int send_file(struct ring *ring, struct crew_arena *arena, int fd,
                     struct digest_state *state) {
    for (;;) {
        void *slot = NULL;
        int r = ring_producer_acquire(ring, patience(), &slot);
        if (r != 0)
            return fail_ring(arena, "the sender's ring", r);
        ssize_t n = read(fd, slot, ring->layout.slot_bytes);
        if (n < 0)
            return crew_fail(arena, "read: %s", strerror(errno));
        if (n == 0)
            return send_end(ring, arena, slot, state);
        digest_add(state, slot, (size_t)n);
        ring_producer_commit(ring, RING_DATA, (size_t)n);
    }
}

static int offer(struct ring *ring, struct crew_arena *arena, struct ring_copy *copy) {
    int r = ring_create(ring, copy->layout, geteuid());
    if (r != 0)
        return crew_fail(arena, "ring_create: %s",
                         r < 0 ? strerror(-r) : shm_outcome_text((enum shm_outcome)r));
    copy->shmid = ring->shmid;
    copy->producer = getpid();
    atomic_store(&copy->is_offered, 1);
    futex_wake_all(&copy->is_offered);
    return 0;
}

static int send_all(struct crew_arena *arena, struct ring_copy *copy) {
    struct ring ring = {0};
    int fd = open(copy->from, O_RDONLY | O_CLOEXEC);
    struct digest_state *state = digest_new();
    if (fd < 0 || !state)
        return crew_fail(arena, "%s: %s", copy->from, strerror(errno));
    crew_ready(arena);
    copy->span.first_ns = mono_now().ns;
    int r = offer(&ring, arena, copy);
    if (r == 0)
        r = send_file(&ring, arena, fd, state);
    copy->span.last_ns = mono_now().ns;
    ring_close(&ring);
    digest_free(state);
    close(fd);
    return r;
}

/* --- the receiver --- */

/* And sums up each piece, while the processor's cache holds it. */
static int write_all(int fd, const unsigned char *bytes, size_t n, struct digest_state *state) {
    while (n > 0) {
        ssize_t written = write(fd, bytes, n < WRITE_BYTES ? n : WRITE_BYTES);
        if (written < 0)
            return error_errno();
        digest_add(state, bytes, (size_t)written);
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

static int receive_end(struct ring *ring, const struct ring_item *item,
                       const struct digest_state *state) {
    struct digest digest = digest_value(state);
    bool same = item->n == sizeof digest && memcmp(item->data, &digest, sizeof digest) == 0;
    ring_consumer_finish(ring, same ? 0 : 1);
    return 0;
}

static int receive_file(struct ring *ring, struct crew_arena *arena, int fd,
                        struct digest_state *state) {
    for (;;) {
        struct ring_item item;
        int r = ring_consumer_acquire(ring, patience(), &item);
        if (r != 0)
            return fail_ring(arena, "the receiver's ring", r);
        if (item.kind == RING_END)
            return receive_end(ring, &item, state);
        r = write_all(fd, item.data, item.n, state);
        if (r < 0)
            return crew_fail(arena, "write: %s", strerror(-r));
        ring_consumer_release(ring);
    }
}

static int receive_all(struct crew_arena *arena, struct ring_copy *copy) {
    struct ring ring = {0};
    int fd = open(copy->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct digest_state *state = digest_new();
    if (fd < 0 || !state)
        return crew_fail(arena, "%s: %s", copy->to, strerror(errno));
    crew_ready(arena);
    while (!atomic_load(&copy->is_offered))
        futex_wait(&copy->is_offered, 0, -1);
    int r = ring_attach(&ring, copy->shmid, copy->layout, geteuid(), copy->producer);
    if (r != 0)
        return crew_fail(arena, "ring_attach: %s",
                         r < 0 ? strerror(-r) : shm_outcome_text((enum shm_outcome)r));
    r = receive_file(&ring, arena, fd, state);
    ring_close(&ring);
    digest_free(state);
    close(fd);
    return r;
}

/* --- both --- */

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    int r = index == SENDER ? send_all(arena, arg) : receive_all(arena, arg);
    if (r == 0)
        crew_done(arena);
    return r;
}

struct ring_copy *ring_copy_new(const char *from, const char *to, struct ring_layout layout) {
    struct ring_copy *copy = shared_new(sizeof *copy);
    if (!copy)
        return NULL;
    snprintf(copy->from, sizeof copy->from, "%s", from);
    snprintf(copy->to, sizeof copy->to, "%s", to);
    copy->layout = layout;
    return copy;
}

int ring_copy_run(struct bench *bench, struct ring_copy *copy, double *seconds) {
    struct crew crew = {0};
    int r = crew_start(bench, &crew, N_WORKERS, work, copy);
    if (r == 0)
        r = crew_run(bench, &crew);
    crew_stop(&crew);
    *seconds = spans_seconds(&copy->span, 1);
    return r;
}
