/* Mail to people who never joined: who gets it, who pays, and how much there may be. */

#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

static struct client *alice;

static void setup(void) {
    durable_begin(1024 * 1024);
    alice = join(ALICE, "alice", HERE);
    settle();
}

TestSuite(core_mail, .init = setup, .fini = durable_end, .timeout = 60);

/* As the hub does it, which has looked the name up. */
static struct uuid mail(struct client *from, const char *to, uid_t uid, const char *text) {
    struct name name, login;
    struct uuid id = new_id();
    struct frame frame = {
        .type = FRAME_SEND,
        .flags = FRAME_ACK_NOW,
        .send = {
            .id = id, .to = bytes_of(to), .total = (uint32_t)strlen(text), .body = bytes_of(text)}};
    if (core_awaits_login(&core, from->session, &frame, &name)) {
        cr_assert(bytes_equal(name_bytes(&name), bytes_of(to)));
        name_key(&login, &name);
        core.mail_login = (struct core_login){
            .what = uid ? LOGIN_FOUND : LOGIN_NOBODYS, .uid = uid, .name = login, .login = login};
    }
    cr_assert_null(give(from, &frame));
    core.mail_login.what = LOGIN_NOT_ASKED;
    settle();
    return id;
}

static struct client *come(uid_t uid, const char *handle, const char *login, unsigned abilities) {
    enum fail_code code;
    struct client *client = try_arrive_with(&(struct arrival){uid, handle, abilities, 0, 0, false},
                                            login, &(struct core_right){false, 0}, &code);
    cr_assert_not_null(client, "%s", fail_name(code));
    expect(client, FRAME_WELCOME);
    ready(client);
    settle();
    return client;
}

static uint64_t used(uid_t uid, enum account_kind kind) {
    return core_user(&core, uid)->account.used[kind];
}

static void expect_taken(struct client *client, struct uuid id) {
    const struct frame *frame = expect(client, FRAME_ACK);
    cr_assert(uuid_equal(&frame->ack.id, &id));
}

static bool is_listed(struct client *client, const char *handle) {
    bool found = false;
    give(client, &(struct frame){.type = FRAME_LIST, .list = {5, LIST_HANDLES, {"", 0}}});
    settle();
    for (const struct frame *frame; (frame = next_frame(client))->type != FRAME_DONE;)
        found |= frame->type == FRAME_USER && bytes_equal(frame->user.handle, bytes_of(handle));
    return found;
}

Test(core_mail, 01_it_is_for_the_uid_of_the_login_and_for_nobody_else) {
    enum fail_code code;
    expect_taken(alice, mail(alice, "Bob", BOB, "hello"));
    cr_assert_eq(used(ALICE, ACCOUNT_MAILED), 1);
    cr_assert_gt(used(ALICE, ACCOUNT_MAIL), 5);
    cr_assert_not(is_listed(alice, "bob"), "that bob has mail is nobody's business");
    cr_assert_null(try_join(CAROL, "bob", HERE, &code));
    struct client *carol = come(CAROL, "carol", "carol", HERE);
    expect_nothing(carol);
    struct client *bob = come(BOB, "bob", "bob", HERE);
    expect_late(bob, "hello");
    expect_nothing(bob);
    cr_assert_eq(used(ALICE, ACCOUNT_MAILED), 0, "it is given back");
    cr_assert_eq(used(ALICE, ACCOUNT_MAIL), 0);
    cr_assert(is_listed(alice, "bob"));
    for (int i = 0; i < 200; i++) /* now it is a handle like any other */
        expect_taken(alice, mail(alice, "bob", BOB, "again"));
}

Test(core_mail, 02_a_name_that_is_no_login_is_refused_and_believed_for_a_moment) {
    struct uuid id = mail(alice, "nobody-at-all", 0, "hello");
    expect_refused(alice, id, FAIL_NO_USER);
    uint64_t lookups = used(ALICE, ACCOUNT_LOOKUPS);
    id = mail(alice, "Nobody-At-All", 0, "hello");
    expect_refused(alice, id, FAIL_NO_USER);
    cr_assert_eq(used(ALICE, ACCOUNT_LOOKUPS), lookups, "the same name is not looked up again");
    pass_ms(2000);
    expect_taken(alice, mail(alice, "nobody-at-all", BOB, "the account was made meanwhile"));
    cr_assert_eq(core.n_unclaimed, 1);
}

Test(core_mail, 03_a_database_that_does_not_tell) {
    struct frame frame = {.type = FRAME_SEND,
                          .send = {.id = new_id(), .to = {"bob", 3}, .total = 1, .body = {"x", 1}}};
    core.mail_login = (struct core_login){.what = LOGIN_UNTOLD};
    give(alice, &frame);
    core.mail_login.what = LOGIN_NOT_ASKED;
    expect_refused(alice, frame.send.id, FAIL_BUSY);
    expect_taken(alice, mail(alice, "bob", BOB, "later"));
}

Test(core_mail, 04_a_flood_of_names_is_read_later) {
    char name[32];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "name%d", i);
        mail(alice, name, 0, "hello");
    }
    cr_assert_gt(core_throttle_ns(&core, alice->session->user), NS_PER_S / 2);
    cr_assert_eq(core.n_unclaimed, 0);
}

Test(core_mail, 05_so_many_people_for_one_sender) {
    char name[32];
    unsigned max = (unsigned)core.limits.max[ACCOUNT_MAILED];
    for (unsigned i = 0; i < max + 10; i++) {
        snprintf(name, sizeof name, "login%u", i);
        struct uuid id = mail(alice, name, 5000 + i, "hello");
        if (i < max)
            expect_taken(alice, id);
        else
            expect_refused(alice, id, FAIL_LIMIT);
    }
    cr_assert_eq(core.n_unclaimed, max, "what is refused leaves nothing behind");
    expect_taken(alice, mail(alice, "login3", 5003, "more to the same"));
    struct client *bob = come(BOB, "bob", "bob", HERE);
    expect_taken(bob, mail(bob, "newhire", 6000, "another sender has his own"));
}

Test(core_mail, 06_so_much_of_one_sender_for_one) {
    unsigned n = 0;
    for (;; n++) {
        mail(alice, "bob", BOB, "hello");
        const struct frame *frame = next_frame(alice);
        if (frame->type != FRAME_REFUSED)
            continue;
        cr_assert_eq(frame->refused.code, FAIL_LIMIT);
        cr_assert(memmem(frame->refused.reason.data, frame->refused.reason.n, "never joined", 12));
        break;
    }
    cr_assert_eq(n, 64);
    struct client *carol = come(CAROL, "carol", "carol", HERE);
    expect_taken(carol, mail(carol, "bob", BOB, "somebody else has room"));
    struct client *bob = come(BOB, "bob", "bob", HERE);
    for (unsigned i = 0; i < n; i++)
        expect_late(bob, "hello");
    expect_late(bob, "somebody else has room");
}

Test(core_mail, 07_so_many_bytes_of_one_sender) {
    static char text[7000];
    memset(text, 'x', sizeof text - 1);
    char name[32];
    unsigned n = 0;
    bool is_full = false;
    for (; !is_full; n++) {
        snprintf(name, sizeof name, "login%u", n % 8);
        mail(alice, name, 5000 + n % 8, text);
        is_full = next_frame(alice)->type == FRAME_REFUSED;
    }
    cr_assert_lt(n, 40);
    cr_assert_leq(used(ALICE, ACCOUNT_MAIL), core.limits.max[ACCOUNT_MAIL]);
}

Test(core_mail, 08_a_restart_keeps_it_and_its_charges) {
    expect_taken(alice, mail(alice, "bob", BOB, "hello"));
    expect_taken(alice, mail(alice, "bob", BOB, "again"));
    uint64_t bytes = used(ALICE, ACCOUNT_MAIL);
    hub_crash();
    cr_assert_eq(used(ALICE, ACCOUNT_MAILED), 2, "of the fake store, a row each");
    cr_assert_eq(used(ALICE, ACCOUNT_MAIL), bytes);
    cr_assert_eq(core.n_unclaimed, 1);
    struct client *bob = come(BOB, "bob", "bob", HERE);
    expect_late(bob, "hello");
    expect_late(bob, "again");
    cr_assert_eq(used(ALICE, ACCOUNT_MAIL), 0);
    hub_crash();
    cr_assert_eq(core.n_unclaimed, 0, "that he has joined outlives the hub, too");
    cr_assert_eq(used(ALICE, ACCOUNT_MAIL), 0);
}

Test(core_mail, 09_a_login_that_is_given_to_another_uid_does_not_bring_it) {
    enum fail_code code;
    mail(alice, "bob", BOB, "for who was bob then");
    cr_assert_null(try_arrive_with(&(struct arrival){BOB, "bob", HERE, 0, 0, false}, "robert",
                                   &(struct core_right){false, 0}, &code));
    struct client *bob = try_arrive_with(&(struct arrival){7000, "bob", HERE, 0, 0, false}, "bob",
                                         &(struct core_right){true, BOB}, &code);
    cr_assert_not_null(bob);
    expect(bob, FRAME_WELCOME);
    ready(bob);
    settle();
    expect_nothing(bob);
}

Test(core_mail, 10_what_is_too_old_to_be_kept_is_not_charged_for_ever) {
    core.config.keep_days = 1;
    mail(alice, "bob", BOB, "hello");
    core_user(&core, ALICE)->mails->last_ms -= 2 * CALENDAR_DAY_MS;
    for (unsigned i = 0; i < core.limits.max[ACCOUNT_MAILED]; i++) {
        char name[32];
        snprintf(name, sizeof name, "login%u", i);
        struct uuid id = mail(alice, name, 5000 + i, "hello");
        while (alice->at < alice->n_in && alice->in[alice->at].type == FRAME_ACK &&
               !uuid_equal(&alice->in[alice->at].ack.id, &id))
            alice->at++;
        expect_taken(alice, id);
    }
}

Test(core_mail, 11_a_message_in_parts) {
    struct uuid id = new_id();
    struct name name, login = {.n = 3, .s = "bob"};
    struct frame first = {.type = FRAME_SEND,
                          .flags = FRAME_MORE_PARTS,
                          .send = {.id = id, .to = {"bob", 3}, .total = 4, .body = {"ab", 2}}};
    struct frame last = {.type = FRAME_PART, .part = {.body = {"cd", 2}}};
    cr_assert_not(core_awaits_login(&core, alice->session, &first, &name),
                  "not before it is whole");
    give(alice, &first);
    cr_assert(core_awaits_login(&core, alice->session, &last, &name));
    core.mail_login = (struct core_login){LOGIN_FOUND, BOB, login, login};
    give(alice, &last);
    core.mail_login.what = LOGIN_NOT_ASKED;
    settle();
    expect_late(come(BOB, "bob", "bob", HERE), "abcd");
}

Test(core_mail, 12_nobody_can_free_the_name) {
    mail(alice, "bob", BOB, "hello");
    struct client *root = come(0, "root", "root", HERE);
    give(root, &(struct frame){.type = FRAME_RELEASE, .release = {5, bytes_of("bob")}});
    settle();
    cr_assert_eq(expect(root, FRAME_FAIL)->fail.code, FAIL_NOT_PERMITTED);
}

Test(core_mail, 13_so_much_of_all_for_one) {
    struct uuid id;
    char name[32];
    unsigned n = 0;
    bool is_full = false;
    for (uid_t uid = 7000; !is_full && uid < 7100; uid++) {
        snprintf(name, sizeof name, "sender%u", uid);
        struct client *sender = join(uid, name, HERE);
        for (int i = 0; i < 60 && !is_full; i++, n++) {
            id = mail(sender, "bob", BOB, "hello");
            is_full = next_frame(sender)->type == FRAME_REFUSED;
        }
    }
    cr_assert(is_full);
    cr_assert_eq(n, 1025, "%u", n);
    id = mail(alice, "bob", BOB, "no room is left for hers either");
    expect_refused(alice, id, FAIL_LIMIT);
    expect_taken(alice, mail(alice, "carol", CAROL, "others have room"));
}

Test(core_mail, 14_so_much_in_all) {
    core.n_unclaimed += 4096;
    expect_refused(alice, mail(alice, "bob", BOB, "hello"), FAIL_LIMIT);
    core.n_unclaimed -= 4096;
    core.n_mail_bytes += 64 << 20;
    expect_refused(alice, mail(alice, "bob", BOB, "hello"), FAIL_LIMIT);
    core.n_mail_bytes -= 64 << 20;
    expect_taken(alice, mail(alice, "bob", BOB, "hello"));
}

Test(core_mail, 15_what_a_store_holds_that_makes_no_sense) {
    uint32_t claimed = alice->session->handle->number, nobody = claimed + 1000;
    core_restore_unclaimed(&core, nobody);
    cr_assert_eq(core_restore_mail(&core, nobody, ALICE, 1, 10, 5, 0), 0);
    cr_assert_eq(core_restore_mail(&core, claimed, BOB, 1, 10, 5, 0), 0);
    cr_assert_eq(core.n_unclaimed, 0);
    cr_assert_eq(core.n_mail_bytes, 0);
    expect_taken(alice, mail(alice, "bob", BOB, "hello"));
    core_restore_unclaimed(&core, claimed + 1);
    cr_assert_eq(core.n_unclaimed, 1, "it was that already");
}

/* Without a store: what the log has let go of waits for nobody, and a handle without mail is not
 * kept. */
static void begin_ephemeral(void) {
    world_begin_with((size_t)64 * 1024, false);
    alice = join(ALICE, "alice", HERE);
    settle();
}

TestSuite(core_mail_ephemeral, .init = begin_ephemeral, .fini = world_end, .timeout = 60);

static void push_out(struct client *from) {
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 160; i++) {
        say(from, "#ops", text);
        drain();
        from->at = from->n_in;
    }
}

static unsigned n_handles(void) {
    return HASH_CNT(hh_number, core.handles_by_number);
}

Test(core_mail_ephemeral, 16_a_handle_ends_when_nothing_waits_for_it) {
    char name[32];
    unsigned max = (unsigned)core.limits.max[ACCOUNT_MAILED], before = n_handles();
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#ops")}});
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < max; i++) {
            snprintf(name, sizeof name, "login%u-%u", round, i);
            mail(alice, name, 5000 + round * 100 + i, "hello");
        }
        cr_assert_eq(core.n_unclaimed, max, "%u in round %u", core.n_unclaimed, round);
        push_out(alice);
    }
    mail(alice, "login2-0", 5200, "more to one that was let go of, who is still there");
    mail(alice, "login3-0", 5300, "hello");
    cr_assert_eq(core.n_unclaimed, 2, "%u", core.n_unclaimed);
    cr_assert_eq(n_handles(), before + 2);
    cr_assert_eq(used(5201, ACCOUNT_HANDLES), 0);
    expect_late(come(5300, "login3-0", "login3-0", HERE), "hello");
}

Test(core_mail_ephemeral, 17_another_sender_finds_the_places_of_one_who_is_gone) {
    mail(alice, "bob", BOB, "hello");
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#ops")}});
    push_out(alice);
    struct client *carol = come(CAROL, "carol", "carol", HERE);
    core.n_unclaimed += 4095;
    struct uuid id = mail(carol, "dave", 6000, "hello");
    core.n_unclaimed -= 4095;
    expect_taken(carol, id);
    cr_assert_eq(core.n_unclaimed, 1);
}

/* She looks at it, and it is not taken away from under her. */
Test(core_mail_ephemeral, 18_but_not_while_its_user_looks_at_it) {
    mail(alice, "bob", BOB, "hello");
    struct client *peek = come(BOB, "bob", "bob", ABILITY_PEEK);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#ops")}});
    push_out(alice);
    core.n_unclaimed += 4095;
    mail(alice, "dave", 6000, "hello");
    cr_assert_eq(core.n_unclaimed, 4096 + 0, "the place is not free");
    core.n_unclaimed -= 4095;
    core_end(&core, peek->session);
    core.n_unclaimed += 4095;
    mail(alice, "dave", 6000, "hello");
    core.n_unclaimed -= 4095;
    cr_assert_eq(core.n_unclaimed, 1);
}
