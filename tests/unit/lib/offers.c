/* The program knows an offer by one id; whoever offers something else under it is told apart. */
#include <stdio.h>

#include "lib/transfer.h"
#include "unit/lib/batches.h"

#define ALICE 1001
#define MALLORY 1003

static struct earshot *link_;
static const struct uuid id = {{7, 7, 7}};

static void setup(void) {
    link_ = link_new(0);
    cr_assert_not_null(transfers_of(link_));
}

static void teardown(void) {
    transfer_deinit(link_);
    link_free(link_);
}

TestSuite(offers, .init = setup, .fini = teardown);

static void put(const struct frame *frame) {
    struct inbox_batch *batch = batch_new(SESSION);
    batch_put(batch, frame);
    inbox_append(&link_->inbox, &batch->item);
}

static void put_offer(uint32_t uid, const char *from) {
    put(&(struct frame){.type = FRAME_OFFERED,
                        .offered = {.id = id,
                                    .from = bytes_of(from),
                                    .uid = uid,
                                    .link = uid,
                                    .to = bytes_of("#ops"),
                                    .name = bytes_of("a file")}});
}

static void put_withdrawn(uint32_t uid) {
    put(&(struct frame){.type = FRAME_WITHDRAWN, .withdrawn = {id, uid, WITHDRAW_CANCELLED}});
}

static bool comes(enum earshot_event_type type, struct earshot_event *event) {
    return incoming_next(link_, event) == 1 && event->type == type;
}

#define ID_TEXT "07070700-0000-0000-0000-000000000000"

static char called[EARSHOT_ID_SIZE]; /* the offer that came last */

static void comes_from(const char *from) {
    struct earshot_event event;
    cr_assert(comes(EARSHOT_EVENT_OFFER, &event));
    cr_assert_str_eq(event.offer.from, from);
    snprintf(called, sizeof called, "%s", event.offer.id);
}

static void nothing_comes(void) {
    struct earshot_event event;
    cr_assert_eq(incoming_next(link_, &event), 0);
}

Test(offers, 01_two_under_one_id_are_told_apart_and_none_is_hidden) {
    struct earshot_event event;
    put_offer(MALLORY, "mallory");
    put_offer(ALICE, "alice");
    comes_from("mallory");
    cr_assert_str_eq(called, ID_TEXT);
    comes_from("alice");
    cr_assert_str_neq(called, ID_TEXT);
    put_withdrawn(ALICE);
    cr_assert(comes(EARSHOT_EVENT_WITHDRAWN, &event));
    cr_assert_str_eq(event.withdrawn.id, called);
    put_withdrawn(MALLORY);
    cr_assert(comes(EARSHOT_EVENT_WITHDRAWN, &event));
    cr_assert_str_eq(event.withdrawn.id, ID_TEXT);
}

Test(offers, 02_who_withdraws_another_under_its_id_does_not_withdraw_it) {
    struct earshot_event event;
    put_offer(ALICE, "alice");
    put_withdrawn(MALLORY);
    comes_from("alice");
    nothing_comes();
    put_withdrawn(ALICE);
    cr_assert(comes(EARSHOT_EVENT_WITHDRAWN, &event));
    put_offer(MALLORY, "mallory");
    comes_from("mallory");
}

/* An old hub does not say whose it is, and knows each id once. */
Test(offers, 03_an_old_hub) {
    struct earshot_event event;
    put_offer(ALICE, "alice");
    comes_from("alice");
    put(&(struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, WITHDRAW_TAKEN}});
    cr_assert(comes(EARSHOT_EVENT_WITHDRAWN, &event));
    cr_assert(event.withdrawn.was_taken);
}

/* Else what the program shows as alice's would be mallory's by now. */
Test(offers, 04_a_new_hub_changes_nothing_about_whose_it_is) {
    put_offer(ALICE, "alice");
    comes_from("alice");
    offer_in_restore(link_);
    put_offer(MALLORY, "mallory");
    comes_from("mallory");
    cr_assert_str_neq(called, ID_TEXT);
    cr_assert_eq(earshot_accept(link_, ID_TEXT, &(struct earshot_target){.dir = ".", .fd = -1}),
                 EARSHOT_REFUSED, "it is not offered just now");
    put_offer(ALICE, "alice");
    comes_from("alice");
    cr_assert_str_eq(called, ID_TEXT);
    put_offer(ALICE, "alice");
    nothing_comes();
}

/* --- many of our own --- */

Test(offers, 05_what_waits_for_its_turn_is_open_and_can_be_cancelled) {
    char ids[EARSHOT_STANDING_MAX + 3][EARSHOT_ID_SIZE];
    struct earshot_source source = {.path = "/proc/self/exe"};
    struct earshot_transfer transfer;
    uint32_t request = 0;
    link_->flags |= EARSHOT_RECONNECT;
    link_->phase = LINK_BACKOFF;
    cr_assert_eq(control_init(&link_->control), 0);
    link_->limits.batch = BATCH_BYTES_MAX;
    for (unsigned i = 0; i < EARSHOT_STANDING_MAX + 3; i++)
        cr_assert_eq(earshot_offer(link_, "bob", &source, ids[i], &request), EARSHOT_OK);
    cr_expect_eq(link_->transfers->n_standing, EARSHOT_STANDING_MAX);
    cr_expect_eq(link_->transfers->n_held, 3);
    cr_expect_eq(earshot_own_offer(link_, ids[EARSHOT_STANDING_MAX + 1], &transfer), EARSHOT_OK);
    cr_assert_eq(earshot_cancel(link_, ids[EARSHOT_STANDING_MAX + 2]), EARSHOT_OK);
    cr_expect_not(request_is_asked(link_, request), "its request is answered");
    cr_expect_eq(link_->transfers->n_held, 2);
    cr_assert_eq(earshot_cancel(link_, ids[0]), EARSHOT_OK);
    struct earshot_event event;
    (void)offer_out_next(link_, &event);
    cr_expect_eq(link_->transfers->n_standing, EARSHOT_STANDING_MAX,
                 "the next one's turn has come");
    cr_expect_eq(link_->transfers->n_held, 1);
    control_deinit(&link_->control);
    request_deinit(link_);
}

/* --- and a new hub --- */

#define N_OFFERS (EARSHOT_STANDING_MAX + 3)
static uint32_t requests[N_OFFERS];
static char ids[N_OFFERS][EARSHOT_ID_SIZE];

static void offer_many(void) {
    struct earshot_source source = {.path = "/proc/self/exe"};
    link_->flags |= EARSHOT_RECONNECT;
    link_->phase = LINK_BACKOFF;
    cr_assert_eq(control_init(&link_->control), 0);
    link_->limits.batch = BATCH_BYTES_MAX;
    for (unsigned i = 0; i < N_OFFERS; i++)
        cr_assert_eq(earshot_offer(link_, "bob", &source, ids[i], &requests[i]), EARSHOT_OK);
}

static void new_hub(void) {
    request_lose_all(link_);
    control_clear(&link_->control);
    request_restore(link_);
}

static struct offer_out *nth_offer(unsigned n) {
    struct offer_out *offer;
    struct uuid wanted;
    cr_assert(uuid_from_text(&wanted, ids[n]));
    offer = offer_out_find(link_, &wanted);
    cr_assert_not_null(offer);
    return offer;
}

static void put_done(uint32_t request) {
    put(&(struct frame){.type = FRAME_DONE, .done = {request}});
}

static void put_fail(uint32_t request, enum fail_code code) {
    put(&(struct frame){
        .type = FRAME_FAIL,
        .fail = {.request = request, .code = (uint16_t)code, .reason = bytes_of("no")}});
}

Test(offers, 06_what_a_new_hub_refuses_fails_and_the_next_one_has_its_turn) {
    struct earshot_event event;
    offer_many();
    new_hub();
    put_done(nth_offer(0)->again);
    cr_assert(comes(EARSHOT_EVENT_DONE, &event));
    cr_expect_eq(event.request, requests[0], "the program's request is answered");
    new_hub();
    cr_assert_neq(nth_offer(0)->again, 0, "no offer is made without a request");
    put_fail(nth_offer(0)->again, FAIL_LIMIT);
    cr_assert(comes(EARSHOT_EVENT_TRANSFER, &event));
    cr_expect_eq(event.transfer.state, EARSHOT_TRANSFER_FAILED);
    cr_expect_str_eq(event.transfer.id, ids[0]);
    cr_expect_str_eq(event.transfer.error, "no");
    put_fail(nth_offer(1)->again, FAIL_LIMIT);
    cr_assert(comes(EARSHOT_EVENT_FAILED, &event), "it was never answered");
    cr_expect_eq(event.request, requests[1]);
    (void)offer_out_next(link_, &event);
    cr_expect_eq(link_->transfers->n_standing, EARSHOT_STANDING_MAX);
    cr_expect_eq(link_->transfers->n_held, 1);
    control_deinit(&link_->control);
    request_deinit(link_);
}

Test(offers, 07_a_recipient_may_come_to_a_new_hub_later_than_we) {
    struct earshot_event event;
    offer_many();
    new_hub();
    put_fail(nth_offer(0)->again, FAIL_NO_USER);
    nothing_comes();
    cr_expect_neq(nth_offer(0)->again_at.ns, 0, "it is made again");
    cr_expect(request_is_asked(link_, requests[0]));
    cr_expect_eq(link_->transfers->n_standing, EARSHOT_STANDING_MAX);
    put_fail(requests[0], FAIL_NO_USER);
    nothing_comes(); /* the old hub's answer */
    new_hub();
    nth_offer(0)->patient_until = (mono_time){0};
    put_fail(nth_offer(0)->again, FAIL_NO_USER);
    cr_assert(comes(EARSHOT_EVENT_FAILED, &event), "but not for ever");
    cr_expect_eq(event.request, requests[0]);
    control_deinit(&link_->control);
    request_deinit(link_);
}

Test(offers, 08_what_was_cancelled_meanwhile_is_not_told_twice) {
    struct earshot_event event;
    offer_many();
    new_hub();
    uint32_t again = nth_offer(0)->again;
    cr_assert_eq(earshot_cancel(link_, ids[0]), EARSHOT_OK);
    cr_expect_not(request_is_asked(link_, requests[0]));
    cr_expect_not(request_is_asked(link_, again));
    cr_assert(comes(EARSHOT_EVENT_FAILED, &event));
    cr_expect_eq(event.request, requests[0]);
    put_fail(again, FAIL_NO_USER);
    nothing_comes();
    control_deinit(&link_->control);
    request_deinit(link_);
}
