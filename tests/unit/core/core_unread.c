/* Who reads nothing, and what others tell. */

#include <stdio.h>

#include "core/internal.h"
#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_unread, .init = setup, .fini = world_end);

/* What comes now waits in the hub. */
static void stop_reading(struct client *client, struct client *other) {
    client->is_full = true;
    say(other, "alice", "before");
    drain();
    cr_assert(client->session->outbox.stuck);
}

static void read_again(struct client *client) {
    client->is_full = false;
    ready(client);
    expect_text(client, "before");
}

static void take_back(struct client *client, struct uuid id) {
    give(client, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, 0}});
}

Test(core_unread, 01_offers_that_come_and_go_wait_for_nobody) {
    struct client *carol = join(CAROL, "carol", HERE);
    drain();
    stop_reading(alice, bob);
    uint64_t before = memory_of(ALICE);
    struct frame offer;
    for (int i = 0; i < 2000; i++) {
        offer = offer_of(new_id(), "alice");
        give(carol, &offer);
        take_back(carol, offer.offer.id);
    }
    cr_assert_eq(memory_of(ALICE), before);
    offer = offer_of(new_id(), "alice");
    give(carol, &offer);
    read_again(alice);
    cr_assert(uuid_equal(&expect(alice, FRAME_OFFERED)->offered.id, &offer.offer.id),
              "only of the one that is open she is told");
    expect_nothing(alice);
    take_back(carol, offer.offer.id);
    expect(alice, FRAME_WITHDRAW);
    expect_nothing(alice);
}

#define SENDERS 40 /* of 64 offers each: more WITHDRAWs than any bound of an outbox */

Test(core_unread, 02_all_that_she_knows_of_and_that_is_over_is_told_when_she_reads) {
    static struct uuid told[SENDERS * 64];
    static struct client *senders[SENDERS];
    unsigned n = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        char handle[16];
        snprintf(handle, sizeof handle, "sender%u", i);
        senders[i] = join(2000 + i, handle, 0);
        for (unsigned j = 0; j < 64; j++, n++) {
            struct frame offer = offer_of(told[n] = new_id(), "alice");
            give(senders[i], &offer);
            expect(alice, FRAME_OFFERED);
        }
    }
    stop_reading(alice, bob);
    size_t n_chunks = core.pool.n_used;
    for (unsigned i = 0; i < n; i++)
        take_back(senders[i / 64], told[i]);
    drain();
    cr_assert(core_session(&core, alice->number), "nobody ends somebody else's session");
    cr_assert_eq(core.pool.n_used, n_chunks);
    read_again(alice);
    for (unsigned i = 0; i < n; i++)
        cr_assert(uuid_equal(&expect(alice, FRAME_WITHDRAW)->withdraw.offer, &told[i]));
    expect_nothing(alice);
}

Test(core_unread, 03_who_ends_owes_nobody_an_offer) {
    struct uuid id = new_id();
    struct frame offer = offer_of(id, "alice");
    struct client *alice2 = join(ALICE, "alice", HERE);
    give(bob, &offer);
    expect(alice, FRAME_OFFERED);
    expect(alice2, FRAME_OFFERED);
    core_end(&core, alice->session);
    struct client *alice3 = join(ALICE, "alice", HERE); /* in the same slot */
    cr_assert_eq(alice3->session->slot, alice->number & 0xffff);
    take_back(bob, id);
    expect(alice2, FRAME_WITHDRAW);
    expect_nothing(alice3);
}

static struct frame decline_of(struct uuid id, const struct client *to, uint32_t uid) {
    static char text[500];
    memset(text, 'x', sizeof text);
    return (struct frame){.type = FRAME_SIGNAL,
                          .signal = {.offer = id,
                                     .uid = uid,
                                     .link = to->link,
                                     .said = {SIGNAL_DECLINE, .reason = {text, sizeof text}}}};
}

Test(core_unread, 04_signals_to_who_reads_nothing_come_back) {
    struct client *carol = join(CAROL, "carol", HERE);
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    enter(carol, "#tea", 0);
    struct uuid id = new_id();
    struct frame offer = offer_of(id, "#tea");
    give(alice, &offer);
    expect(bob, FRAME_OFFERED);
    expect(carol, FRAME_OFFERED);
    expect(alice, FRAME_DONE);
    stop_reading(alice, bob);
    struct frame pour = decline_of(id, alice, ALICE);
    for (int i = 0; i < 1000; i++)
        give(carol, &pour);
    drain();
    cr_assert(core_session(&core, alice->number));
    const struct frame *frame = expect(carol, FRAME_SIGNALLED);
    cr_assert_eq(frame->signalled.said.what, SIGNAL_CANCEL);
    cr_assert_eq(frame->signalled.uid, ALICE);
    cr_assert_eq(frame->signalled.link, alice->link);
    cr_assert(uuid_equal(&frame->signalled.offer, &id));
    cr_assert_gt(frame->signalled.said.reason.n, 0);
    struct frame decline = decline_of(id, alice, ALICE);
    give(bob, &decline);
    expect_nothing(bob);
    read_again(alice);
    unsigned n = 0;
    while ((frame = next_frame(alice))->signalled.uid == CAROL)
        n++;
    cr_assert_lt(n, 100);
    cr_assert_eq(frame->signalled.uid, BOB, "somebody else's has its place");
    carol->at = carol->n_in;
    give(carol, &pour);
    expect(alice, FRAME_SIGNALLED);
    expect_nothing(carol);
}

Test(core_unread, 05_who_has_most_is_shed_and_not_who_was_sent_to_last) {
    static char text[300];
    struct client *hoarder = join(CAROL, "carol", HERE), *other = join(CAROL, "carol.two", HERE);
    memset(text, 'x', sizeof text - 1);
    hoarder->is_full = other->is_full = true;
    for (int i = 0; i < 20; i++) {
        say(alice, "carol", text);
        drain();
    }
    cr_assert_gt(hoarder->session->outbox.n_chunks, 4);
    say(alice, "carol.two", "the last one");
    use_up_memory(CAROL, 0);
    drain();
    cr_assert_eq(hoarder->session->outbox.n_chunks, 0);
    cr_assert_eq(other->session->outbox.n_chunks, 1);
    give_back_memory(CAROL);
    hoarder->is_full = other->is_full = false;
    ready(hoarder);
    ready(other);
    for (int i = 0; i < 20; i++)
        expect_text(hoarder, text);
    expect_text(other, "the last one");
}

Test(core_unread, 06_a_hoarder_hurries_nobody) {
    struct client *carol = join(CAROL, "carol", HERE);
    carol->is_full = true;
    say(alice, "carol", "x");
    drain();
    use_up_memory(CAROL, ACCOUNT_MEMORY_BYTES / 4 + 100000);
    drain();
    for (int i = 0; i < 10; i++)
        say(alice, "carol", "more");
    cr_assert_not(core.wants_flush, "sending gives nothing back");
    give_back_memory(CAROL);
}
