/* Couriers of one process that hand something to each other. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "files/courier.h"
#include "files/left_out.h"
#include "files/sink.h"
#include "unit/files/hand.h"

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

static struct source *opened(const char *name) {
    struct source *source;
    cr_assert_eq(source_open(&source, from(name), NULL), 0);
    return source;
}

/* As an earlier attempt has left it. */
static void make_long_part(const struct item_offer *offer) {
    struct sink *sink;
    int dir = open(in_to(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sink_options options = {.dir = dir, .from = geteuid()};
    cr_assert_eq(sink_open(&sink, offer, &options), 0);
    cr_assert_eq(truncate(in_to("file.part"), LONG_PART), 0);
    sink_free(sink);
    close(dir);
}

Test(courier, 01_what_is_there_is_read_aside) {
    struct item_prefix prefix;
    struct courier *courier = NULL;
    add_bytes(in_from("file"), LONG_PART, "end", 3);
    struct source *source = opened("file");
    const struct item_offer *offer = source_offer(source);
    make_long_part(offer);
    struct courier_target target = {.dir = to(), .fd = -1};

    mono_time start = mono_now();
    cr_assert_eq(courier_receive(&courier, offer, geteuid(), &target, wake, NULL), 0);
    int64_t called = mono_now().ns - start.ns;
    cr_assert(await(courier_is_prepared, courier));
    int64_t prepared = mono_now().ns - start.ns;
    cr_assert_eq(courier_prefix(courier, &prefix), 0);
    cr_expect_eq(prefix.offset, (uint64_t)LONG_PART, "all of it was read");
    cr_expect_lt(called * 4, prepared, "nobody waited for it: %ld of %ld us", (long)called / 1000,
                 (long)prepared / 1000);
    courier_free(courier);

    start = mono_now();
    cr_assert_eq(courier_receive(&courier, offer, geteuid(), &target, wake, NULL), 0);
    courier_free(courier);
    cr_expect_lt((mono_now().ns - start.ns) * 2, prepared, "and it ends when it is cancelled");
    source_free(source);
}

/* Both in this process; the reasons of both. */
static void carry(const struct source *source, const struct courier_target *target,
                  struct courier_news *sent, struct courier_news *received, unsigned *n_skips,
                  char path[1024]) {
    struct courier *sender = NULL, *receiver = NULL;
    struct item_prefix prefix;
    struct courier_passage passage;
    struct courier_skip skip;
    const struct item_offer *offer = source_offer(source);
    cr_assert_eq(courier_receive(&receiver, offer, geteuid(), target, wake, NULL), 0);
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
        struct source *source;
        cr_assert_eq(source_open_stream(&source, fd, "stream", NULL), 0);
        carry(source, &target, &sent, &received, &n_skips, path);
        source_free(source);
        close(fd);
        cr_expect_eq(sent.reason, is_short ? TRANSFER_OK : TRANSFER_TOO_MUCH);
        cr_expect_eq(received.reason, is_short ? TRANSFER_OK : TRANSFER_TOO_MUCH);
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
    struct source *source = opened("tree");
    const struct left_out *left_out = source_left_out(source, NULL);
    cr_assert(left_out, "before anything is handed over");
    cr_expect_str_eq(left_out->path, "fifo");
    cr_expect_null(source_left_out(source, left_out));
    cr_assert_eq(mkfifo(in_from("tree/later"), 0600), 0);
    struct courier_target target = {.dir = to(), .fd = -1};
    carry(source, &target, &sent, &received, &n_skips, path);
    source_free(source);
    cr_expect_eq(sent.reason, TRANSFER_OK);
    cr_expect_eq(n_skips, 1u, "what is known is not told again");
    cr_expect_str_eq(path, "later");
    cr_expect_eq(sent.n_skipped, 2u);
    cr_expect_eq(received.n_skipped, 2u, "the recipient hears how many");
}

/* It has grown since it was offered: up to what the recipient takes. */
Test(courier, 04_what_has_grown_is_not_larger_than_allowed) {
    char path[1024];
    unsigned n_skips;
    struct courier_news sent, received;
    for (int is_allowed = 0; is_allowed < 2; is_allowed++) {
        make_file(in_from("file"), 100, 1);
        struct source *source = opened("file");
        add_bytes(in_from("file"), 100, "more", 4);
        struct courier_target target = {
            .dir = to(), .fd = -1, .n_bytes_max = is_allowed ? 104 : 103};
        carry(source, &target, &sent, &received, &n_skips, path);
        source_free(source);
        cr_expect_eq(sent.reason, is_allowed ? TRANSFER_OK : TRANSFER_TOO_MUCH);
        cr_expect_eq(received.reason, sent.reason);
        cr_expect_eq(is_there(in_to("file")), is_allowed);
        cr_expect_not(is_there(in_to("file.part")));
        cr_expect_eq(received.name[0] != '\0', is_allowed, "nothing is named that is not there");
        cr_assert_eq(unlink(in_from("file")), 0);
    }
}

Test(courier, 05_what_was_offered_is_handed_over) {
    char path[1024];
    unsigned n_skips;
    struct courier_news sent, received;
    make_file(in_from("file"), 1000, 1);
    make_file(in_outside("private"), 1000, 2);
    make_file(in_outside("copy"), 1000, 1);
    struct source *source = opened("file");
    cr_assert_eq(unlink(in_from("file")), 0);
    cr_assert_eq(symlink(in_outside("private"), in_from("file")), 0);
    for (int i = 0; i < 2; i++) { /* to two, perhaps */
        struct courier_target target = {.dir = to(), .fd = -1};
        carry(source, &target, &sent, &received, &n_skips, path);
        cr_assert_eq(received.reason, TRANSFER_OK);
    }
    source_free(source);
    expect_same_content(in_outside("copy"), in_to("file"));
    expect_same_content(in_outside("copy"), in_to("file (2)"));
}
