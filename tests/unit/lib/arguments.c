/*
 * Every public function refuses what the hub would end the session for, and says what is wrong. The
 * link has ended: what passes the checks is answered with EARSHOT_NO_HUB.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "unit/lib/batches.h"

#define BAD EARSHOT_BAD_ARGUMENT
#define ID "0190c2a1-0000-4000-8000-000000000001"

static struct earshot *link_;
static uint32_t request;
static char long_text[EARSHOT_TEXT_MAX + 2];

static void setup(void) {
    link_ = link_new(0);
    link_->phase = LINK_ENDED;
    link_->ended = EARSHOT_NO_HUB;
    link_->limits.batch = BATCH_BYTES_MAX;
    memset(long_text, 'a', sizeof long_text - 1);
}

static void teardown(void) {
    transfer_deinit(link_);
    link_free(link_);
}

TestSuite(arguments, .init = setup, .fini = teardown);

/* With a sentence of its own. */
#define REFUSES(outcome, call)                                                                     \
    do {                                                                                           \
        link_->error[0] = '\0';                                                                    \
        cr_expect_eq(call, outcome, "%s", #call);                                                  \
        cr_expect_gt(strlen(link_->error), 10, "%s", #call);                                       \
    } while (0)
#define TAKES(call) cr_expect_eq(call, EARSHOT_NO_HUB, "%s: %s", #call, link_->error)

/* A text of n bytes. */
static const char *of_length(size_t n) {
    return long_text + sizeof long_text - 1 - n;
}

static const char not_utf8[] = "caf\xe9";

static int send_it(struct earshot_message message) {
    return earshot_send(link_, &message, NULL);
}

#define MESSAGE(...)                                                                               \
    send_it((struct earshot_message){.to = "bob", .text = "hello", .text_n = 5, __VA_ARGS__})

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

Test(arguments, 01_send) {
    TAKES(MESSAGE(.kind = EARSHOT_NOTICE));
    REFUSES(BAD, earshot_send(link_, NULL, NULL));
    REFUSES(BAD, MESSAGE(.kind = (enum earshot_kind)KIND_FILE));
    REFUSES(BAD, MESSAGE(.kind = (enum earshot_kind)7));
    REFUSES(BAD, MESSAGE(.kind = (enum earshot_kind) - 1));
    REFUSES(BAD, MESSAGE(.flags = 32));
    REFUSES(BAD, MESSAGE(.to = NULL));
    REFUSES(BAD, MESSAGE(.text = NULL));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.to = "b b"));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.to = ""));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.to = not_utf8));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.id = "none"));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.id = "00000000-0000-0000-0000-000000000000"));
    REFUSES(EARSHOT_BAD_NAME, MESSAGE(.reply_to = ""));
    REFUSES(EARSHOT_BAD_TEXT, MESSAGE(.text = not_utf8, .text_n = 4));
    REFUSES(EARSHOT_BAD_TEXT, MESSAGE(.text = "a\0b", .text_n = 3));
    REFUSES(EARSHOT_BAD_TEXT, MESSAGE(.text = long_text, .text_n = EARSHOT_TEXT_MAX + 1));
    TAKES(MESSAGE(.text = long_text, .text_n = EARSHOT_TEXT_MAX, .id = ID, .reply_to = ID));
    TAKES(MESSAGE(.text = NULL, .text_n = 0));
}

#pragma GCC diagnostic pop

Test(arguments, 02_rooms) {
    TAKES(earshot_join(link_, "#ops", false, &request));
    REFUSES(BAD, earshot_join(link_, NULL, false, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_join(link_, "ops", false, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_join(link_, "#", true, NULL));
    REFUSES(BAD, earshot_part(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_part(link_, "#o p", &request));
    TAKES(earshot_topic(link_, "#ops", of_length(TOPIC_BYTES_MAX), &request));
    TAKES(earshot_topic(link_, "#ops", "", &request));
    REFUSES(BAD, earshot_topic(link_, "#ops", NULL, &request));
    REFUSES(BAD, earshot_topic(link_, NULL, "x", &request));
    REFUSES(EARSHOT_BAD_TEXT,
            earshot_topic(link_, "#ops", of_length(TOPIC_BYTES_MAX + 1), &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_topic(link_, "#ops", not_utf8, &request));
}

Test(arguments, 03_oneself) {
    TAKES(earshot_away(link_, NULL, &request));
    TAKES(earshot_away(link_, of_length(AWAY_BYTES_MAX), &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_away(link_, of_length(AWAY_BYTES_MAX + 1), &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_away(link_, not_utf8, &request));
    TAKES(earshot_nick(link_, "bob", &request));
    REFUSES(BAD, earshot_nick(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_nick(link_, "#bob", &request));
    TAKES(earshot_release(link_, "bob", &request));
    REFUSES(BAD, earshot_release(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_release(link_, "#b b", &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_nick(link_, of_length(33), &request));
}

Test(arguments, 04_lists) {
    TAKES(earshot_ask(link_, EARSHOT_HANDLES, NULL, &request));
    TAKES(earshot_ask(link_, EARSHOT_USERS, "#ops", &request));
    REFUSES(BAD, earshot_ask(link_, (enum earshot_list)LIST_OFFERS, NULL, &request));
    REFUSES(BAD, earshot_ask(link_, (enum earshot_list)99, NULL, &request));
    REFUSES(BAD, earshot_ask(link_, (enum earshot_list) - 1, NULL, &request));
    REFUSES(BAD, earshot_ask(link_, EARSHOT_ROOMS, "#ops", &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_ask(link_, EARSHOT_USERS, "bob", &request));
    TAKES(earshot_list_offers(link_, &request));
}

Test(arguments, 04_claims) {
    TAKES(earshot_claim(link_, "gpu0", NULL, 0, &request));
    TAKES(earshot_claim(link_, "the test database", of_length(EARSHOT_NOTE_MAX), EARSHOT_CLAIM_WAIT,
                        &request));
    REFUSES(BAD, earshot_claim(link_, NULL, NULL, 0, &request));
    REFUSES(BAD, earshot_claim(link_, "gpu0", NULL, 0, NULL));
    REFUSES(BAD, earshot_claim(link_, "gpu0", NULL, 2, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_claim(link_, "#gpu0", NULL, 0, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_claim(link_, "gpu0 ", NULL, 0, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_claim(link_, "", NULL, 0, &request));
    REFUSES(EARSHOT_BAD_TEXT,
            earshot_claim(link_, "gpu0", of_length(EARSHOT_NOTE_MAX + 1), 0, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_claim(link_, "gpu0", not_utf8, 0, &request));
    TAKES(earshot_unclaim(link_, "gpu0", &request));
    REFUSES(BAD, earshot_unclaim(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_unclaim(link_, ".x", &request));
    TAKES(earshot_claims(link_, &request));
    REFUSES(BAD, earshot_claims(link_, NULL));
}

Test(arguments, 05_the_past) {
    TAKES(earshot_history(link_, NULL, UINT64_MAX, UINT64_MAX, EARSHOT_PAGE_MAX, &request));
    REFUSES(BAD, earshot_history(link_, "bob", 0, 0, 0, &request));
    REFUSES(BAD, earshot_history(link_, "bob", 0, 0, EARSHOT_PAGE_MAX + 1, &request));
    REFUSES(BAD, earshot_history(link_, "bob", 0, 0, 65537, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_history(link_, "", 0, 0, 1, &request));
    TAKES(earshot_search(link_, of_length(SEARCH_BYTES_MAX), "#ops", "bob", 7, 1, &request));
    REFUSES(BAD, earshot_search(link_, NULL, NULL, NULL, 0, 1, &request));
    REFUSES(BAD, earshot_search(link_, "x", NULL, NULL, 0, 0, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_search(link_, "", NULL, NULL, 0, 1, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_search(link_, " \t\n", NULL, NULL, 0, 1, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_search(link_, not_utf8, NULL, NULL, 0, 1, &request));
    REFUSES(EARSHOT_BAD_TEXT,
            earshot_search(link_, of_length(SEARCH_BYTES_MAX + 1), NULL, NULL, 0, 1, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_search(link_, "x", "a b", NULL, 0, 1, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_search(link_, "x", NULL, "#ops", 0, 1, &request));
    TAKES(earshot_list_posts(link_, NULL, 0, 1, &request));
    REFUSES(BAD, earshot_list_posts(link_, NULL, 0, 0, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_list_posts(link_, "#ops", 0, 1, &request));
    TAKES(earshot_forget(link_, "bob", &request));
    REFUSES(BAD, earshot_forget(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_NAME, earshot_forget(link_, "#ops", &request));
}

Test(arguments, 06_walls) {
    TAKES(earshot_wall(link_, of_length(EARSHOT_WALL_MAX), &request));
    REFUSES(BAD, earshot_wall(link_, NULL, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_wall(link_, "", &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_wall(link_, not_utf8, &request));
    REFUSES(EARSHOT_BAD_TEXT, earshot_wall(link_, of_length(EARSHOT_WALL_MAX + 1), &request));
    link_->limits.batch = BATCH_BYTES_MIN; /* else it would wait for room for ever */
    REFUSES(EARSHOT_LIMIT, earshot_wall(link_, of_length(EARSHOT_WALL_MAX), &request));
}

Test(arguments, 07_offers) {
    struct earshot_transfer transfer;
    struct earshot_source file = {.path = "/etc/passwd", .fd = -1}, none = {.fd = -1};
    struct earshot_source bad_name = {.fd = 0, .name = not_utf8};
    struct earshot_source long_name = {.fd = 0, .name = of_length(OFFER_NAME_MAX + 1)};
    TAKES(earshot_offer(link_, "bob", &file, NULL, NULL));
    REFUSES(BAD, earshot_offer(link_, NULL, &file, NULL, NULL));
    REFUSES(BAD, earshot_offer(link_, "bob", NULL, NULL, NULL));
    REFUSES(BAD, earshot_offer(link_, "bob", &none, NULL, NULL));
    REFUSES(EARSHOT_BAD_NAME, earshot_offer(link_, "b b", &file, NULL, NULL));
    REFUSES(EARSHOT_BAD_TEXT, earshot_offer(link_, "bob", &bad_name, NULL, NULL));
    REFUSES(EARSHOT_BAD_TEXT, earshot_offer(link_, "bob", &long_name, NULL, NULL));
    REFUSES(BAD, earshot_own_offer(link_, NULL, &transfer));
    REFUSES(BAD, earshot_own_offer(link_, ID, NULL));
    REFUSES(EARSHOT_BAD_NAME, earshot_own_offer(link_, "none", &transfer));
    REFUSES(BAD, earshot_progress(link_, 0, NULL));
    REFUSES(BAD, earshot_cancel(link_, NULL));
    REFUSES(EARSHOT_BAD_NAME, earshot_cancel(link_, "none"));
}

Test(arguments, 08_what_is_offered_to_us) {
    struct earshot_target here = {.dir = ".", .fd = -1}, nowhere = {.fd = -1};
    REFUSES(EARSHOT_REFUSED, earshot_accept(link_, ID, &here));
    REFUSES(BAD, earshot_accept(link_, ID, NULL));
    REFUSES(BAD, earshot_accept(link_, ID, &nowhere));
    REFUSES(BAD, earshot_accept(link_, NULL, &here));
    REFUSES(EARSHOT_BAD_NAME, earshot_accept(link_, "none", &here));
    REFUSES(EARSHOT_REFUSED, earshot_decline(link_, ID, of_length(OFFER_NAME_MAX)));
    REFUSES(EARSHOT_BAD_TEXT, earshot_decline(link_, ID, of_length(OFFER_NAME_MAX + 1)));
    REFUSES(EARSHOT_BAD_TEXT, earshot_decline(link_, ID, not_utf8));
    REFUSES(BAD, earshot_decline(link_, NULL, NULL));
}

Test(arguments, 09_events) {
    struct earshot_transfer file;
    struct earshot_target here = {.dir = ".", .fd = -1}, nowhere = {.fd = -1};
    struct earshot_event done = {.type = EARSHOT_EVENT_DONE};
    struct earshot_event text = {.type = EARSHOT_EVENT_MESSAGE, .message = {.id = ID}};
    struct earshot_event post = text;
    post.message.file = "AAAA";
    post.message.file_n = 4;
    REFUSES(BAD, earshot_mark_read(link_, NULL));
    REFUSES(BAD, earshot_mark_read(link_, &done));
    TAKES(earshot_mark_read(link_, &text));
    earshot_pass_over(link_, NULL);
    REFUSES(BAD, earshot_event_file(link_, &text, &file));
    REFUSES(BAD, earshot_event_file(link_, &post, NULL));
    REFUSES(BAD, earshot_save(link_, &post, NULL, &file));
    REFUSES(BAD, earshot_save(link_, &post, &nowhere, &file));
    REFUSES(BAD, earshot_save(link_, &post, &here, NULL));
    REFUSES(BAD, earshot_save(link_, NULL, &here, &file));
    REFUSES(BAD, earshot_refuse(link_, &done));
    REFUSES(BAD, earshot_post(link_, "bob", NULL, &file));
    REFUSES(BAD, earshot_post(link_, NULL, "/etc/passwd", &file));
    REFUSES(BAD, earshot_post(link_, "bob", "/etc/passwd", NULL));
    REFUSES(EARSHOT_BAD_NAME, earshot_post(link_, "b b", "/etc/passwd", &file));
    struct earshot_source source = {.path = "/etc/passwd"};
    REFUSES(BAD, earshot_put(link_, NULL, &source, &file, &request));
    REFUSES(BAD, earshot_put(link_, "bob", NULL, &file, &request));
    REFUSES(BAD, earshot_put(link_, "bob", &source, NULL, &request));
    REFUSES(BAD, earshot_put(link_, "bob", &source, &file, NULL));
    REFUSES(EARSHOT_BAD_NAME, earshot_put(link_, "b b", &source, &file, &request));
    REFUSES(BAD, earshot_next(link_, NULL, 0));
}

/* Which of the last outcomes the sentence is about. */
Test(arguments, 09_a_file_that_is_damaged_has_a_sentence) {
    struct earshot_transfer file;
    struct earshot_target here = {.dir = ".", .fd = -1};
    struct earshot_event post = {.type = EARSHOT_EVENT_MESSAGE,
                                 .message = {.id = ID, .from = "bob", .file = "AAAA", .file_n = 4}};
    REFUSES(EARSHOT_REFUSED, earshot_event_file(link_, &post, &file));
    cr_expect_eq(file.reason, EARSHOT_REASON_DAMAGED);
    cr_expect(strstr(link_->error, "from bob: it is damaged"));
    REFUSES(EARSHOT_REFUSED, earshot_save(link_, &post, &here, &file));
    REFUSES(EARSHOT_LIMIT, earshot_post(link_, "bob", "/dev", &file));
    REFUSES(EARSHOT_AGAIN, earshot_own_offer(link_, ID, &file));
}

static int open_with(struct earshot_options options) {
    earshot *link = NULL;
    int r = earshot_open(&link, &options);
    cr_assert_not_null(link);
    cr_expect_gt(strlen(earshot_error(link)), 10);
    earshot_close(link);
    return r;
}

Test(arguments, 10_open) {
    earshot *link = NULL;
    const char *nowhere = "/dev/null/nowhere";
    cr_expect_eq(earshot_open(NULL, &(struct earshot_options){0}), BAD);
    cr_expect_eq(earshot_open(&link, NULL), BAD);
    earshot_close(link);
    cr_expect_eq(open_with((struct earshot_options){.hub = nowhere, .flags = 1U << 20}), BAD);
    cr_expect_eq(open_with((struct earshot_options){.hub = nowhere, .handle = ""}),
                 EARSHOT_BAD_NAME);
    cr_expect_eq(open_with((struct earshot_options){.hub = nowhere, .handle = "#ops"}),
                 EARSHOT_BAD_NAME);
    cr_expect_eq(open_with((struct earshot_options){.hub = nowhere, .handle = not_utf8}),
                 EARSHOT_BAD_NAME);
    cr_expect_neq(open_with((struct earshot_options){.hub = nowhere, .flags = 63}), BAD);
    cr_expect_eq(open_with((struct earshot_options){.hub = of_length(PATH_MAX + 1)}),
                 EARSHOT_NO_HUB);
}

Test(arguments, 11_without_a_link) {
    struct earshot_event event;
    struct earshot_hub_info info;
    struct earshot_message message = {.to = "bob", .text = "", .text_n = 0};
    cr_expect_eq(earshot_send(NULL, &message, NULL), BAD);
    cr_expect_eq(earshot_flush(NULL), BAD);
    cr_expect_eq(earshot_next(NULL, &event, 0), BAD);
    cr_expect_eq(earshot_tend(NULL), BAD);
    cr_expect_eq(earshot_join(NULL, "#ops", false, NULL), BAD);
    cr_expect_eq(earshot_history(NULL, NULL, 0, 0, 1, NULL), BAD);
    cr_expect_eq(earshot_away(NULL, NULL, NULL), BAD);
    cr_expect_eq(earshot_list_offers(NULL, NULL), BAD);
    cr_expect_eq(earshot_cancel(NULL, ID), BAD);
    cr_expect_eq(earshot_wall(NULL, "x", NULL), BAD);
    cr_expect_lt(earshot_fd(NULL), 0);
    cr_expect_not(earshot_is_joined(NULL));
    cr_expect_not(earshot_is_waiting(NULL));
    cr_expect_eq(earshot_n_unacknowledged(NULL), 0);
    earshot_hub(NULL, &info);
    earshot_pass_over(NULL, &event);
    earshot_wake(NULL);
    earshot_close(NULL);
    cr_expect(earshot_mentions("hello Bob!", 10, "bob"));
    cr_expect_not(earshot_mentions("hello Bob!", 8, "bob"));
    cr_expect_not(earshot_mentions("bobbin", 6, "bob"));
    cr_expect_not(earshot_mentions("\xff bob", 5, "bob"));
    cr_expect_not(earshot_mentions(NULL, 0, "bob"));
    cr_expect_not(earshot_mentions("bob", 3, NULL));
    cr_expect_gt(strlen(earshot_error(NULL)), 10);
    cr_expect_str_eq(earshot_fail_name(earshot_fail_code(NULL)), "bad-argument");
}
