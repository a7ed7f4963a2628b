/* Claims: who has a name, who waits for it, and who gets it from a hub that was started again. */

#include <stdio.h>

#include "base/macro.h"
#include "core/internal.h"
#include "unit/core/world.h"

#define REQUEST 31

/* What a client was told of its claim last; the seal is what it shows to another hub. */
struct card {
    struct frame_claimed told;
};

static struct client *alice, *bob, *carol;

static void three_join(void) {
    alice = join(ALICE, "alice", 0);
    bob = join(BOB, "bob", 0);
    carol = join(CAROL, "carol", 0);
}

static void setup(void) {
    world_begin();
    three_join();
}

TestSuite(core_claims, .init = setup, .fini = world_end);

static void give_claim(struct client *client, const char *name, unsigned flags, const char *note,
                       const struct card *card) {
    struct frame frame = {
        .type = FRAME_CLAIM,
        .flags = (uint8_t)flags,
        .claim = {.request = REQUEST, .name = bytes_of(name), .note = bytes_of(note)}};
    if (card) {
        frame.claim.since_ms = flags & FRAME_CLAIM_HAD ? card->told.since_ms : 0;
        frame.claim.grant = card->told.grant;
        frame.claim.ticket = card->told.ticket;
        frame.claim.seal = card->told.seal;
    }
    cr_assert_null(give(client, &frame));
}

static void claim_it(struct client *client, const char *name) {
    give_claim(client, name, 0, "", NULL);
}

static void queue_up(struct client *client, const char *name) {
    give_claim(client, name, FRAME_CLAIM_WAITS, "", NULL);
}

static void give_up(struct client *client, const char *name) {
    cr_assert_null(give(
        client, &(struct frame){.type = FRAME_UNCLAIM, .unclaim = {REQUEST + 1, bytes_of(name)}}));
}

static struct card expect_held(struct client *client, const char *name) {
    const struct frame_claimed *told = &expect(client, FRAME_CLAIMED)->claimed;
    cr_assert_eq(told->state, CLAIM_HELD);
    cr_assert_eq(told->request, REQUEST);
    cr_assert_eq(told->place, 0);
    cr_assert(bytes_equal(told->name, bytes_of(name)));
    cr_assert_eq(told->pid, (uint32_t)client->session->pid);
    return (struct card){*told};
}

/* What is due is done in steps. */
static void tell_all(void) {
    while (core_is_due(&core, claim_due(&core)))
        pass_ms(0);
}

/* holder NULL: it is not known whose it is. */
static struct card expect_place(struct client *client, unsigned place,
                                const struct client *holder) {
    pass_ms(CLAIM_TELL_MS);
    tell_all();
    const struct frame_claimed *told = &expect(client, FRAME_CLAIMED)->claimed;
    cr_assert_eq(told->state, CLAIM_WAITING);
    cr_assert_eq(told->request, REQUEST);
    cr_assert_eq(told->place, place, "%u instead of %u", told->place, place);
    cr_assert_eq(told->pid, holder ? (uint32_t)holder->session->pid : 0);
    cr_assert_eq(told->uid, holder ? holder->session->user->uid : 0);
    return (struct card){*told};
}

static void expect_taken(struct client *client, const struct client *holder) {
    const struct frame_claimed *told = &expect(client, FRAME_CLAIMED)->claimed;
    cr_assert_eq(told->state, CLAIM_TAKEN);
    cr_assert_eq(told->pid, (uint32_t)holder->session->pid);
    cr_assert(bytes_equal(told->handle, name_bytes(&holder->session->handle->name)));
    const struct frame *fail = expect(client, FRAME_FAIL);
    cr_assert_eq(fail->fail.request, REQUEST);
    cr_assert_eq(fail->fail.code, FAIL_TAKEN);
}

static void expect_fail(struct client *client, enum fail_code code) {
    const struct frame *fail = expect(client, FRAME_FAIL);
    cr_assert_eq(fail->fail.code, code, "%s", fail_name(fail->fail.code));
    cr_assert_gt(fail->fail.reason.n, 0);
}

static void expect_quiet(struct client *client) {
    pass_ms(CLAIM_TELL_MS);
    expect_nothing(client);
}

/* By one session that lives. */

Test(core_claims, 01_one_has_it_and_another_does_not) {
    give_claim(alice, "gpu0", 0, "training", NULL);
    struct card card = expect_held(alice, "gpu0");
    cr_assert_neq(card.told.since_ms, 0);
    cr_assert(bytes_equal(card.told.note, bytes_of("training")));
    claim_it(bob, "GPU0");
    expect_taken(bob, alice);
    claim_it(bob, "gpu1");
    expect_held(bob, "gpu1");
    expect_quiet(alice);
}

Test(core_claims, 02_waiting_in_order) {
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    queue_up(bob, "gpu0");
    expect_place(bob, 1, alice);
    queue_up(carol, "gpu0");
    expect_place(carol, 2, alice);
    expect_quiet(bob);
    give_up(alice, "gpu0");
    expect(alice, FRAME_DONE);
    expect_held(bob, "gpu0");
    expect_place(carol, 1, bob);
    core_end(&core, bob->session);
    expect_held(carol, "gpu0");
    core_end(&core, carol->session);
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    expect_quiet(alice);
}

/* Who ends, of four that have or want it, and whose places are then which. */
Test(core_claims, 03_whoever_leaves_the_others_move_up) {
    for (unsigned gone = 0; gone < 4; gone++) {
        struct client *all[4];
        char handle[16];
        for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
            snprintf(handle, sizeof handle, "one%u-%u", gone, i);
            all[i] = join(2000 + i, handle, 0);
            queue_up(all[i], "gpu0");
            if (i == 0)
                expect_held(all[0], "gpu0");
            else
                expect_place(all[i], i, all[0]);
        }
        core_end(&core, all[gone]->session);
        if (gone == 0)
            expect_held(all[1], "gpu0");
        for (unsigned i = gone + 1; i < ARRAY_LEN(all); i++)
            if (i > 1)
                expect_place(all[i], i - 1, all[gone == 0 ? 1 : 0]);
        for (unsigned i = 0; i < ARRAY_LEN(all); i++)
            if (i != gone)
                core_end(&core, all[i]->session);
        cr_assert_null(core.claims.names);
        drain();
    }
}

Test(core_claims, 04_names) {
    static const struct {
        const char *name;
        enum fail_code code;
    } rows[] = {
        {"#gpu0", FAIL_BAD_NAME},
        {" gpu0", FAIL_BAD_NAME},
        {"gpu0/1", FAIL_BAD_NAME},
        {"-x", FAIL_BAD_NAME},
        {"gp\u0443 mixed", FAIL_BAD_NAME},
        {"the test database", FAIL_NONE},
        {"\u0431\u0430\u0437\u0430", FAIL_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        claim_it(alice, rows[i].name);
        if (rows[i].code == FAIL_NONE)
            expect_held(alice, rows[i].name);
        else
            expect_fail(alice, rows[i].code);
    }
    claim_it(alice, "cocoa");
    expect_held(alice, "cocoa");
    claim_it(bob, "\u0441\u043e\u0441\u043e\u0430"); /* the same in Cyrillic letters */
    expect_fail(bob, FAIL_BAD_NAME);
}

Test(core_claims, 05_once_more_in_the_same_session) {
    claim_it(alice, "gpu0");
    struct card first = expect_held(alice, "gpu0");
    claim_it(alice, "gpu0");
    struct card second = expect_held(alice, "gpu0");
    cr_assert_eq(first.told.grant, second.told.grant);
    cr_assert_eq(core.claims.n, 1);
    give_up(alice, "gpu0");
    expect(alice, FRAME_DONE);
    give_up(alice, "gpu0");
    cr_assert_eq(expect(alice, FRAME_DONE)->done.request, REQUEST + 1,
                 "what one does not have one has given up");
    give_up(alice, "#no");
    expect_fail(alice, FAIL_BAD_NAME);
    cr_assert_null(core.claims.names);
}

Test(core_claims, 06_others_cannot_give_it_up) {
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    struct client *other = join(ALICE, "alice", 0);
    give_up(bob, "gpu0");
    expect(bob, FRAME_DONE);
    give_up(other, "gpu0");
    expect(other, FRAME_DONE);
    claim_it(other, "gpu0");
    expect_taken(other, alice);
}

Test(core_claims, 07_who_only_looks_claims_nothing) {
    struct client *looker = join(ALICE, "alice", ABILITY_PEEK);
    claim_it(looker, "gpu0");
    expect_fail(looker, FAIL_NOT_PERMITTED);
}

Test(core_claims, 08_the_list) {
    give_claim(alice, "gpu0", 0, "training", NULL);
    queue_up(bob, "gpu0");
    queue_up(carol, "gpu0");
    claim_it(bob, "gpu1");
    expect_place(carol, 2, alice);
    give(carol, &(struct frame){.type = FRAME_LIST, .list = {5, LIST_CLAIMS, bytes_of("")}});
    static const struct {
        const char *name;
        unsigned state, place, uid;
    } rows[] = {{"gpu0", CLAIM_HELD, 0, ALICE},
                {"gpu0", CLAIM_WAITING, 1, BOB},
                {"gpu0", CLAIM_WAITING, 2, CAROL},
                {"gpu1", CLAIM_HELD, 0, BOB}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct frame_claimed *told = &expect(carol, FRAME_CLAIMED)->claimed;
        cr_assert_eq(told->request, 5);
        cr_assert(bytes_equal(told->name, bytes_of(rows[i].name)));
        cr_assert_eq(told->state, rows[i].state);
        cr_assert_eq(told->place, rows[i].place);
        cr_assert_eq(told->uid, rows[i].uid);
        cr_assert_eq(told->seal, 0, "a seal is nobody else's");
    }
    expect(carol, FRAME_DONE);
}

Test(core_claims, 09_a_list_of_what_ends_meanwhile) {
    char name[16];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "claim%u", i);
        claim_it(alice, name);
        expect_held(alice, name);
    }
    bob->is_full = true;
    give(bob, &(struct frame){.type = FRAME_LIST, .list = {5, LIST_CLAIMS, bytes_of("")}});
    drain();
    core_end(&core, alice->session);
    bob->is_full = false;
    ready(bob);
    const struct frame *frame;
    while ((frame = next_frame(bob)) && frame->type == FRAME_CLAIMED)
        ;
    cr_assert_not_null(frame);
    cr_assert_eq(frame->type, FRAME_DONE);
}

/* Limits. */

Test(core_claims, 10_so_many_of_one_user) {
    char name[16];
    uint64_t before = memory_of(ALICE), max = core.limits.max[ACCOUNT_CLAIMS];
    struct client *other = join(ALICE, "alice", 0);
    claim_it(bob, "the one");
    expect_held(bob, "the one");
    for (unsigned i = 0; i < max; i++) {
        snprintf(name, sizeof name, "claim%u", i);
        if (i % 2)
            queue_up(i % 4 == 1 ? alice : other, i % 4 == 1 && i < 2 ? "the one" : name);
        else
            claim_it(alice, name);
    }
    drain();
    alice->at = alice->n_in;
    claim_it(alice, "one too many");
    expect_fail(alice, FAIL_LIMIT);
    cr_assert_eq(core_user(&core, ALICE)->account.n_refused[ACCOUNT_CLAIMS], 1);
    claim_it(bob, "another");
    expect_held(bob, "another");
    core_end(&core, alice->session);
    core_end(&core, other->session);
    cr_assert_eq(core_user(&core, ALICE)->account.used[ACCOUNT_CLAIMS], 0);
    cr_assert_leq(memory_of(ALICE), before);
    alice = join(ALICE, "alice", 0);
}

Test(core_claims, 11_memory_is_charged) {
    use_up_memory(ALICE, ACCOUNT_MEMORY_BYTES / 4 + 100);
    claim_it(alice, "gpu0");
    expect_fail(alice, FAIL_LIMIT);
    give_back_memory(ALICE);
    cr_assert_null(core.claims.names);
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
}

Test(core_claims, 12_coming_and_going_tells_who_waits_seldom) {
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    queue_up(bob, "gpu0");
    queue_up(carol, "gpu0");
    expect_place(bob, 1, alice);
    expect_place(carol, 2, alice);
    struct client *other = join(ALICE, "alice", 0);
    for (int i = 0; i < 1000; i++) {
        queue_up(other, "gpu0");
        give_up(other, "gpu0");
    }
    drain();
    expect_quiet(carol);
    expect_quiet(bob);
    cr_assert_eq(core.claims.n, 3);
    cr_assert_null(core.claims.due);
}

Test(core_claims, 13_many_are_told_in_steps_and_at_his_cost_who_left) {
    static struct client *all[200];
    char handle[16];
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    queue_up(bob, "gpu0");
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        snprintf(handle, sizeof handle, "one%u", i);
        all[i] = join(2000 + i, handle, 0);
        queue_up(all[i], "gpu0");
        expect_place(all[i], i + 2, alice);
    }
    pass_ms(CLAIM_TELL_MS);
    drain();
    uint64_t before = core_user(&core, BOB)->account.spent[ACCOUNT_NOTICES];
    core_end(&core, bob->session);
    pass_ms(CLAIM_TELL_MS);
    drain();
    cr_assert(core_is_due(&core, claim_due(&core)), "not all at once");
    tell_all();
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        expect_place(all[i], i + 1, alice);
    cr_assert_eq(core_user(&core, BOB)->account.spent[ACCOUNT_NOTICES] - before, ARRAY_LEN(all));
    cr_assert_eq(claim_due(&core).ns, 0, "an idle hub sleeps");
}

/* The next hub. */

/* Another one, with the same key. */
static void restart(void) {
    struct core_config config = core.config;
    world_end();
    world_begin();
    core.config.generation = config.generation + 1;
    core.config.has_heirlooms = true;
    claim_init(&core);
    three_join();
}

Test(core_claims, 20_who_had_it_has_it_again_and_who_is_quicker_waits) {
    claim_it(alice, "gpu0");
    struct card card = expect_held(alice, "gpu0");
    restart();
    queue_up(bob, "gpu0");
    expect_place(bob, 1, NULL);
    claim_it(carol, "gpu0");
    expect_quiet(carol);
    give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &card);
    expect_quiet(alice);
    pass_ms(CLAIM_RETURN_MS);
    struct card again = expect_held(alice, "gpu0");
    cr_assert_eq(again.told.since_ms, card.told.since_ms);
    cr_assert_gt(again.told.grant, card.told.grant);
    expect_taken(carol, alice);
    expect_place(bob, 1, alice);
}

Test(core_claims, 21_who_does_not_come_back_blocks_nobody_longer) {
    claim_it(alice, "gpu0");
    expect_held(alice, "gpu0");
    restart();
    queue_up(bob, "gpu0");
    expect_place(bob, 1, NULL);
    claim_it(carol, "gpu1");
    pass_ms(CLAIM_RETURN_MS);
    expect_held(bob, "gpu0");
    drain();
    while (carol->at < carol->n_in && carol->in[carol->at].claimed.state != CLAIM_HELD)
        carol->at++;
    expect_held(carol, "gpu1");
    claim_it(alice, "gpu2");
    expect_held(alice, "gpu2");
}

Test(core_claims, 22_lies) {
    claim_it(alice, "gpu0");
    struct card card = expect_held(alice, "gpu0");
    struct card forged[5] = {card, card, card, card, card};
    forged[0].told.seal++;
    forged[1].told.grant++;
    forged[2].told.since_ms--;
    forged[3].told.ticket--;
    restart();
    for (unsigned i = 0; i < ARRAY_LEN(forged); i++) { /* the last one is stolen from another uid */
        give_claim(bob, "gpu0", FRAME_CLAIM_HAD, "", &forged[i]);
        expect_nothing(bob);
        const struct claim *claim = bob->session->claims;
        cr_assert_eq(claim->rank, CLAIM_FRESH);
        give_up(bob, "gpu0");
        expect(bob, FRAME_DONE);
    }
    give_claim(alice, "gpu1", FRAME_CLAIM_HAD, "", &card); /* another name */
    cr_assert_eq(alice->session->claims->rank, CLAIM_FRESH);
    give_claim(alice, "gpu0", FRAME_CLAIM_WAITED, "", &card); /* held, and not waited for */
    cr_assert_eq(alice->session->claims->next_of_session->rank, CLAIM_FRESH);
}

/* Who had it before, and kept the seal, is no match for who had it last. */
Test(core_claims, 23_an_old_seal) {
    claim_it(alice, "gpu0");
    struct card old = expect_held(alice, "gpu0");
    give_up(alice, "gpu0");
    expect(alice, FRAME_DONE);
    claim_it(bob, "gpu0");
    struct card card = expect_held(bob, "gpu0");
    for (int is_first = 0; is_first < 2; is_first++) {
        restart();
        if (is_first)
            give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &old);
        give_claim(bob, "gpu0", FRAME_CLAIM_HAD, "", &card);
        if (!is_first)
            give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &old);
        drain();
        alice->at = alice->n_in;
        pass_ms(CLAIM_RETURN_MS);
        card = expect_held(bob, "gpu0");
        expect_taken(alice, bob);
    }
}

/* The same, but who had it last has died, and only somebody who waited for that one knows. */
Test(core_claims, 24_an_old_seal_and_one_who_waited) {
    claim_it(alice, "gpu0");
    struct card old = expect_held(alice, "gpu0");
    give_up(alice, "gpu0");
    expect(alice, FRAME_DONE);
    claim_it(bob, "gpu0");
    expect_held(bob, "gpu0");
    queue_up(carol, "gpu0");
    struct card card = expect_place(carol, 1, bob);
    restart();
    give_claim(alice, "gpu0", FRAME_CLAIM_HAD | FRAME_CLAIM_WAITS, "", &old);
    give_claim(carol, "gpu0", FRAME_CLAIM_WAITED | FRAME_CLAIM_WAITS, "", &card);
    expect_place(carol, 1, alice);
    pass_ms(CLAIM_RETURN_MS);
    expect_held(carol, "gpu0");
    expect_place(alice, 1, carol);
}

/* In whatever order they come back. */
Test(core_claims, 25_the_order_of_those_who_wait) {
    static const unsigned orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct client *all[4];
        struct card cards[4];
        char handle[16];
        for (unsigned j = 0; j < 4; j++) {
            snprintf(handle, sizeof handle, "one%u", j);
            all[j] = join(2000 + j, handle, 0);
            queue_up(all[j], "gpu0");
            cards[j] = j == 0 ? expect_held(all[0], "gpu0") : expect_place(all[j], j, all[0]);
        }
        restart();
        queue_up(bob, "gpu0"); /* a new one, before them */
        for (unsigned k = 0; k < 4; k++) {
            unsigned j = orders[i][k];
            snprintf(handle, sizeof handle, "one%u", j);
            all[j] = join(2000 + j, handle, 0);
            give_claim(all[j], "gpu0",
                       j == 0 ? FRAME_CLAIM_HAD : FRAME_CLAIM_WAITED | FRAME_CLAIM_WAITS, "",
                       &cards[j]);
        }
        drain();
        for (unsigned j = 0; j < 4; j++)
            all[j]->at = all[j]->n_in;
        bob->at = bob->n_in;
        pass_ms(CLAIM_RETURN_MS);
        expect_held(all[0], "gpu0");
        for (unsigned j = 1; j < 4; j++)
            expect_place(all[j], j, all[0]);
        expect_place(bob, 4, all[0]);
        for (unsigned j = 4; j > 0; j--)
            core_end(&core, all[j - 1]->session);
        give_up(bob, "gpu0");
        cr_assert_null(core.claims.names);
    }
}

Test(core_claims, 26_who_comes_too_late) {
    claim_it(alice, "gpu0");
    struct card card = expect_held(alice, "gpu0");
    claim_it(alice, "gpu1");
    struct card other = expect_held(alice, "gpu1");
    restart();
    queue_up(bob, "gpu0");
    expect_place(bob, 1, NULL);
    pass_ms(CLAIM_RETURN_MS);
    expect_held(bob, "gpu0");
    give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &card);
    expect_taken(alice, bob);
    give_claim(alice, "gpu1", FRAME_CLAIM_HAD, "", &other);
    expect_held(alice, "gpu1");
}

/* The program lost its session, and has another one before the hub has noticed. */
Test(core_claims, 27_the_same_program_again) {
    claim_it(alice, "gpu0");
    struct card card = expect_held(alice, "gpu0");
    struct client *again = join(ALICE, "alice", 0);
    give_claim(again, "gpu0", FRAME_CLAIM_HAD, "", &card);
    struct card second = expect_held(again, "gpu0");
    cr_assert_eq(second.told.since_ms, card.told.since_ms);
    core_end(&core, alice->session);
    claim_it(bob, "gpu0");
    expect_taken(bob, again);
    cr_assert_eq(core.claims.n, 1);
}

Test(core_claims, 28_the_hub_dies_again_before_all_is_settled) {
    claim_it(alice, "gpu0");
    struct card card = expect_held(alice, "gpu0");
    restart();
    give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &card);
    expect_quiet(alice);
    restart();
    give_claim(alice, "gpu0", FRAME_CLAIM_HAD, "", &card);
    queue_up(bob, "gpu0");
    pass_ms(CLAIM_RETURN_MS);
    expect_held(alice, "gpu0");
    cr_assert_eq(core.claims.settles.ns, 0);
}
