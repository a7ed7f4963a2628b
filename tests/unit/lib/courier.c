/* Couriers of one process that hand something to each other. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "lib/courier.h"
#include "lib/sink.h"
#include "unit/lib/hand.h"

TestSuite(courier, .init = hand_begin, .fini = hand_end, .timeout = 120);

#define LONG_PART (INT64_C(6) << 30) /* a hole, which is summed up all the same */
#define FINISH_MS 60000

/* Paths that live as long as the test. */
static char from_path[PATH_MAX], to_path[PATH_MAX];

static const char *from(const char *name) {
    snprintf(from_path, sizeof from_path, "%s", in_from(name));
    return from_path;
}

static const char *to(void) {
    snprintf(to_path, sizeof to_path, "%s", in_to(""));
    return to_path;
}

static void wake(void *arg) {
    (void)arg;
}

static bool await(bool (*state)(const struct courier *), const struct courier *courier) {
    mono_time deadline = mono_add_ms(mono_now(), FINISH_MS);
    while (!state(courier) && mono_now().ns < deadline.ns)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return state(courier);
}

static struct courier_offer look(const struct courier_source *source) {
    struct courier_offer offer;
    cr_assert_eq(courier_look(source, &offer), 0);
    return offer;
}

/* As an earlier attempt has left it. */
static void make_long_part(const struct courier_offer *what) {
    struct sink *sink;
    int dir = open(in_to(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sink_options options = {.dir = dir, .from = geteuid()};
    struct item_offer offer = {.kind = ENTRY_FILE,
                               .name = what->name,
                               .size = what->size,
                               .mode = what->mode,
                               .mtime_ns = what->mtime_ns};
    cr_assert_eq(sink_open(&sink, &offer, &options), 0);
    cr_assert_eq(truncate(in_to("file.part"), LONG_PART), 0);
    sink_free(sink);
    close(dir);
}

Test(courier, 01_what_is_there_is_read_aside) {
    struct courier_source source = {.path = from("file"), .fd = -1};
    struct courier_prefix prefix;
    struct courier *courier = NULL;
    add_bytes(in_from("file"), LONG_PART, "end", 3);
    struct courier_offer offer = look(&source);
    make_long_part(&offer);
    struct courier_target target = {.dir = to(), .fd = -1};

    mono_time start = mono_now();
    cr_assert_eq(courier_receive(&courier, &offer, geteuid(), &target, wake, NULL), 0);
    int64_t called = mono_now().ns - start.ns;
    cr_assert(await(courier_is_prepared, courier));
    int64_t prepared = mono_now().ns - start.ns;
    cr_assert_eq(courier_prefix(courier, &prefix), 0);
    cr_expect_eq(prefix.offset, (uint64_t)LONG_PART, "all of it was read");
    cr_expect_lt(called * 4, prepared, "nobody waited for it: %ld of %ld us", (long)called / 1000,
                 (long)prepared / 1000);
    courier_free(courier);

    start = mono_now();
    cr_assert_eq(courier_receive(&courier, &offer, geteuid(), &target, wake, NULL), 0);
    courier_free(courier);
    cr_expect_lt((mono_now().ns - start.ns) * 2, prepared, "and it ends when it is cancelled");
}

/* Both in this process; the reasons of both. */
static void carry(const struct courier_source *source, const struct courier_target *target,
                  struct courier_news *sent, struct courier_news *received, unsigned *n_skips,
                  char path[1024]) {
    struct courier *sender = NULL, *receiver = NULL;
    struct courier_prefix prefix;
    struct courier_passage passage;
    struct courier_skip skip;
    struct courier_offer offer = look(source);
    cr_assert_eq(courier_receive(&receiver, &offer, geteuid(), target, wake, NULL), 0);
    cr_assert(await(courier_is_prepared, receiver));
    cr_assert_eq(courier_prefix(receiver, &prefix), 0);
    cr_assert_eq(courier_send(&sender, source, geteuid(), getpid(), &prefix, &passage, wake, NULL),
                 0);
    cr_expect_not(courier_is_met(sender));
    cr_assert_eq(courier_attach(receiver, &passage, geteuid(), getpid()), 0);
    cr_assert(await(courier_is_over, sender) && await(courier_is_over, receiver));
    courier_news(sender, sent);
    courier_news(receiver, received);
    for (*n_skips = 0; courier_next_skip(sender, &skip); ++*n_skips)
        snprintf(path, 1024, "%s", skip.path);
    courier_free(sender);
    courier_free(receiver);
}

Test(courier, 02_a_stream_is_not_longer_than_allowed) {
    static const char bytes[100000];
    char path[1024];
    unsigned n_skips;
    struct courier_news sent, received;
    make_file(in_from("stream"), sizeof bytes, 1);
    for (int is_short = 0; is_short < 2; is_short++) {
        struct courier_target target = {
            .dir = to(), .fd = -1, .n_bytes_max = sizeof bytes - !is_short};
        int fd = open(in_from("stream"), O_RDONLY | O_CLOEXEC);
        struct courier_source source = {.fd = fd, .name = "stream"};
        carry(&source, &target, &sent, &received, &n_skips, path);
        close(fd);
        cr_expect_eq(sent.reason, is_short ? COURIER_OK : COURIER_TOO_MUCH);
        cr_expect_eq(received.reason, is_short ? COURIER_OK : COURIER_TOO_MUCH);
        cr_expect_eq(is_there(in_to("stream")), is_short);
    }
}

Test(courier, 03_what_is_left_out_is_named) {
    char path[1024];
    unsigned n_skips;
    struct courier_news sent, received;
    make_directory(in_from("tree"));
    make_file(in_from("tree/file"), 10, 1);
    cr_assert_eq(mkfifo(in_from("tree/fifo"), 0600), 0);
    struct courier_source source = {.path = from("tree"), .fd = -1};
    struct courier_target target = {.dir = to(), .fd = -1};
    carry(&source, &target, &sent, &received, &n_skips, path);
    cr_expect_eq(sent.reason, COURIER_OK);
    cr_expect_eq(n_skips, 1u);
    cr_expect_str_eq(path, "fifo");
    cr_expect_eq(sent.n_skipped, 1u);
    cr_expect_eq(received.n_skipped, 1u, "the recipient hears how many");
}
