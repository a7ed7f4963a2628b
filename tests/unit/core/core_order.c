/* Order among people: who may do what to whom, what that does, and what of it outlives the hub. */

#include <errno.h>
#include <string.h>

#include "unit/core/fake_store.h"

#define ADMIN 2001 /* a member of the --admin-group */
#define OTHER_ADMIN 2002
#define OWNER 900 /* of the hub */
#define REQUEST 77

static struct client *root, *owner, *admin, *alice, *bob;

static void everybody_joins(void) {
    root = join(0, "root", HERE | ABILITY_ORDER);
    owner = join(OWNER, "owner", HERE | ABILITY_ORDER);
    admin = join(ADMIN, "admin", HERE | ABILITY_ORDER);
    admin->session->user->is_in_admin_group = true;
    alice = join(ALICE, "alice", HERE | ABILITY_ORDER);
    bob = join(BOB, "bob", HERE | ABILITY_ORDER);
    settle();
}

static void begin(void) {
    durable_begin(1024 * 1024);
    core.config.uid = OWNER;
    everybody_joins();
}

TestSuite(core_order, .init = begin, .fini = durable_end, .timeout = 60);

/* 0: it is done. What else comes is passed over. */
static unsigned answer_to(struct client *client, uint32_t request) {
    settle();
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_DONE && frame->done.request == request)
            return 0;
        if (frame->type == FRAME_FAIL && frame->fail.request == request)
            return frame->fail.code;
    }
    cr_assert_fail("no answer");
    return 0;
}

struct act {
    enum order_what what;
    const char *who; /* or (NULL) */
    uid_t uid;
    uint64_t value;
    const char *reason;
};

static unsigned act(struct client *client, const struct act *act) {
    give(client, &(struct frame){.type = FRAME_ORDER,
                                 .order = {.request = REQUEST,
                                           .what = (uint8_t)act->what,
                                           .who = bytes_of(act->who ? act->who : ""),
                                           .uid = act->uid,
                                           .value = act->value,
                                           .reason = bytes_of(act->reason ? act->reason : "")}});
    return answer_to(client, REQUEST);
}

static unsigned upon(struct client *client, enum order_what what, const char *who) {
    return act(client, &(struct act){.what = what, .who = who, .value = what == ORDER_RATE});
}

/* Frames until one with this type; NULL: none. */
static const struct frame *seek(struct client *client, unsigned type) {
    const struct frame *frame;
    settle();
    while ((frame = next_frame(client)) && frame->type != type)
        ;
    return frame;
}

static bool has(struct bytes text, const char *part) {
    return memmem(text.data, text.n, part, strlen(part)) != NULL;
}

/* The table: actor, upon whom; whether he may. */
static const struct {
    const char *actor, *whom;
    unsigned code;
} rights[] = {
    {"root", "bob", 0},
    {"root", "admin", 0},
    {"root", "root", FAIL_NOT_PERMITTED},
    {"root", "owner", FAIL_NOT_PERMITTED},
    {"owner", "bob", 0},
    {"owner", "admin", 0},
    {"owner", "root", FAIL_NOT_PERMITTED},
    {"owner", "owner", FAIL_NOT_PERMITTED},
    {"admin", "bob", 0},
    {"admin", "admin", FAIL_NOT_PERMITTED},
    {"admin", "root", FAIL_NOT_PERMITTED},
    {"admin", "owner", FAIL_NOT_PERMITTED},
    {"admin", "nobody", FAIL_NO_USER},
    {"alice", "bob", FAIL_NOT_PERMITTED},
    {"alice", "alice", FAIL_NOT_PERMITTED},
    {"alice", "admin", FAIL_NOT_PERMITTED},
    {"alice", "root", FAIL_NOT_PERMITTED},
    {"alice", "owner", FAIL_NOT_PERMITTED},
    {"alice", "nobody", FAIL_NOT_PERMITTED},
};

static struct client *client_of(const char *handle) {
    struct client *const all[] = {root, owner, admin, alice};
    static const char *const names[] = {"root", "owner", "admin", "alice"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(names[i], handle) == 0)
            return all[i];
    return NULL;
}

Test(core_order, 01_rights) {
    for (int what = 0; what < ORDER_END; what++) {
        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
            unsigned code = upon(client_of(rights[i].actor), (enum order_what)what, rights[i].whom);
            cr_assert_eq(code, rights[i].code, "%s, %d, %s: %u", rights[i].actor, what,
                         rights[i].whom, code);
            durable_end();
            begin();
        }
    }
}

static unsigned ask_for(struct client *client, enum list_what what) {
    give(client,
         &(struct frame){.type = FRAME_LIST, .list = {REQUEST, (uint8_t)what, bytes_of("")}});
    return answer_to(client, REQUEST);
}

static unsigned release(struct client *client, const char *name) {
    give(client, &(struct frame){.type = FRAME_RELEASE, .release = {REQUEST, bytes_of(name)}});
    return answer_to(client, REQUEST);
}

Test(core_order, 02_accounts_and_names) {
    struct client *const may[] = {root, owner, admin};
    for (size_t i = 0; i < 3; i++) {
        static const char *const rooms[] = {"#a", "#b", "#c"};
        enter(alice, rooms[i], 0);
        cr_assert_eq(ask_for(may[i], LIST_ACCOUNTS), 0);
        cr_assert_eq(release(may[i], rooms[i]), 0);
    }
    cr_assert_eq(ask_for(alice, LIST_ACCOUNTS), FAIL_NOT_PERMITTED);
    cr_assert_eq(ask_for(alice, LIST_ACCOUNT), 0);
    cr_assert_eq(release(alice, "bob"), FAIL_NOT_PERMITTED);
}

/* The right is that of the moment. */
Test(core_order, 03_who_has_left_the_group) {
    cr_assert_eq(upon(admin, ORDER_MUTE, "bob"), 0);
    admin->session->user->is_in_admin_group = false;
    cr_assert_eq(upon(admin, ORDER_UNMUTE, "bob"), FAIL_NOT_PERMITTED);
    cr_assert_eq(ask_for(admin, LIST_ACCOUNTS), FAIL_NOT_PERMITTED);
    cr_assert_eq(release(admin, "bob"), FAIL_NOT_PERMITTED);
}

/* Muting. */

static void expect_muted(struct client *client) {
    static const struct frame said[] = {
        {.type = FRAME_TOPIC, .topic = {5, {"#ops", 4}, {"buy", 3}}},
        {.type = FRAME_AWAY, .away = {5, 1, {"buy", 3}}},
        {.type = FRAME_NICK, .nick = {5, {"buy", 3}}},
        {.type = FRAME_WALL, .wall = {5, {{1}}, {"buy", 3}}},
    };
    expect_refused(client, say(client, "alice", "hello"), FAIL_NOT_PERMITTED);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        give(client, &said[i]);
        cr_assert_eq(answer_to(client, 5), FAIL_NOT_PERMITTED, "%u", said[i].type);
    }
    struct frame offer = offer_of(new_id(), "alice");
    give(client, &offer);
    cr_assert_eq(answer_to(client, offer.offer.request), FAIL_NOT_PERMITTED);
}

Test(core_order, 04_muted_it_reads_and_says_nothing) {
    struct act mute = {ORDER_MUTE, "bob", 0, 60000, "too loud"};
    struct client *other = join(BOB, "bobby", HERE);
    enter(bob, "#ops", 0);
    cr_assert_eq(act(admin, &mute), 0);
    const struct frame *news = seek(bob, FRAME_NEWS);
    cr_assert_not_null(news);
    cr_assert_eq(news->news.what, NEWS_ORDER);
    cr_assert(bytes_equal(news->news.who, bytes_of("admin")));
    cr_assert(has(news->news.detail, "too loud"));
    cr_assert(has(news->news.detail, "2023-11-14 22:14:20 UTC"), "%.*s", (int)news->news.detail.n,
              news->news.detail.data);
    expect_muted(bob);
    expect_muted(other);
    enum fail_code code;
    cr_assert_null(try_join(BOB, "buy-here", HERE, &code), "a name says something, too");
    cr_assert_eq(code, FAIL_NOT_PERMITTED);
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {6, bytes_of("#buy-here")}});
    cr_assert_eq(answer_to(bob, 6), FAIL_NOT_PERMITTED);
    expect_muted(join(BOB, "bobby", HERE));
    struct frame offer = offer_of(new_id(), "bob");
    give(alice, &offer);
    cr_assert_not_null(seek(bob, FRAME_OFFERED));
    give(bob, &(struct frame){.type = FRAME_SIGNAL,
                              .signal = {offer.offer.id,
                                         ALICE,
                                         alice->link,
                                         {.what = SIGNAL_DECLINE, .reason = bytes_of("buy")}}});
    const struct frame *declined = seek(alice, FRAME_SIGNALLED);
    cr_assert_not_null(declined);
    cr_assert_eq(declined->signalled.said.reason.n, 0);
    say(alice, "bob", "are you there?");
    cr_assert_not_null(seek(bob, FRAME_MESSAGE));
    give(bob, &(struct frame){.type = FRAME_AWAY, .away = {5, 0, bytes_of("")}});
    cr_assert_eq(answer_to(bob, 5), 0);
}

Test(core_order, 05_muting_ends_by_itself_or_is_undone) {
    cr_assert_eq(act(root, &(struct act){ORDER_MUTE, "bob", 0, 5000, NULL}), 0);
    pass_ms(5001);
    core.wall.ms += 5001;
    say(bob, "alice", "hello");
    cr_assert_not_null(seek(alice, FRAME_MESSAGE));
    cr_assert_null(core_user(&core, BOB)->sanctions);
    cr_assert_eq(fake.n_sanctions, 0);
    cr_assert_eq(upon(root, ORDER_MUTE, "bob"), 0);
    cr_assert_eq(fake.n_sanctions, 1);
    cr_assert_eq(upon(root, ORDER_UNMUTE, "bob"), 0);
    cr_assert_eq(upon(root, ORDER_UNMUTE, "bob"), 0, "it is as it is to be");
    cr_assert_eq(fake.n_sanctions, 0);
    say(bob, "alice", "again");
    cr_assert_not_null(seek(alice, FRAME_MESSAGE));
}

/* A message that was on its way in parts; one that was stored before is acknowledged again. */
Test(core_order, 06_in_the_middle_of_a_message) {
    struct uuid before = say(bob, "alice", "before"), id = new_id();
    settle();
    struct frame part = {
        .type = FRAME_SEND,
        .flags = FRAME_MORE_PARTS,
        .send = {.id = id, .to = bytes_of("alice"), .total = 6, .body = {"abc", 3}}};
    give(bob, &part);
    cr_assert_eq(upon(root, ORDER_MUTE, "bob"), 0);
    give(bob, &(struct frame){.type = FRAME_PART, .part = {{"def", 3}}});
    const struct frame *refused = seek(bob, FRAME_REFUSED);
    cr_assert(refused && uuid_equal(&refused->refused.id, &id));
    give_send(bob, before, "alice", "before", FRAME_REPEAT | FRAME_ACK_NOW);
    cr_assert_not_null(seek(bob, FRAME_ACK));
}

/* Banning and kicking. */

static void expect_removed(struct client *client, const char *why) {
    const struct frame *fail = seek(client, FRAME_FAIL);
    cr_assert(fail && fail->fail.request == 0);
    cr_assert_eq(fail->fail.code, FAIL_NOT_PERMITTED);
    cr_assert(has(fail->fail.reason, why), "%.*s", (int)fail->fail.reason.n,
              fail->fail.reason.data);
}

Test(core_order, 07_banned_no_session_says_or_hears_anything) {
    struct client *other = join(BOB, "bobby", HERE);
    enum fail_code code;
    uint64_t n_messages = core.counters.messages;
    cr_assert_eq(act(root, &(struct act){ORDER_BAN, "bob", 0, 0, "spam"}), 0);
    expect_removed(bob, "spam");
    expect_removed(other, "until that is undone");
    say(alice, "bob", "for later");
    say(bob, "alice", "one more");
    say(other, "alice", "and one");
    settle();
    cr_assert_eq(core.counters.messages, n_messages + 1);
    expect_nothing(bob);
    expect_nothing(other);
    cr_assert_null(try_join(BOB, "bob", HERE, &code));
    cr_assert_eq(code, FAIL_NOT_PERMITTED);
    cr_assert_null(try_join(BOB, "somebody", 0, &code));
    cr_assert_eq(code, FAIL_NOT_PERMITTED);
    cr_assert_null(try_join(BOB, "bob", ABILITY_PEEK, &code));
    cr_assert_eq(code, FAIL_NOT_PERMITTED);
    pass_ms(CONDEMNED_MS + 1);
    settle();
    cr_assert(is_over(bob) && is_over(other));
    cr_assert_eq(upon(admin, ORDER_UNBAN, NULL), FAIL_NOT_PERMITTED, "uid 0 is root");
    cr_assert_eq(act(admin, &(struct act){ORDER_UNBAN, NULL, BOB, 0, NULL}), 0);
    bob = join(BOB, "bob", HERE);
    cr_assert_not_null(seek(bob, FRAME_MESSAGE), "what was sent to it meanwhile");
}

Test(core_order, 08_banned_its_offers_and_receipts_are_gone) {
    struct uuid id = new_id(), said = say(alice, "bob", "read this");
    struct frame offer = offer_of(id, "alice");
    settle();
    give(bob, &offer);
    cr_assert_not_null(seek(alice, FRAME_OFFERED));
    cr_assert_eq(upon(admin, ORDER_BAN, "bob"), 0);
    cr_assert_not_null(seek(alice, FRAME_WITHDRAW));
    give(bob,
         &(struct frame){.type = FRAME_RECEIPT, .receipt = {said, STATE_READ, alice->link, ALICE}});
    settle();
    cr_assert_null(seek(alice, FRAME_STATE));
}

/* A wall that was under way. */
Test(core_order, 09_banned_in_the_middle_of_a_wall) {
    admin->session->may_wall = true;
    give(admin, &(struct frame){.type = FRAME_WALL, .wall = {5, new_id(), {"down", 4}}});
    settle();
    cr_assert_not_null(seek(bob, FRAME_MESSAGE));
    cr_assert_eq(upon(root, ORDER_BAN, "admin"), 0);
    give(admin, &(struct frame){.type = FRAME_WALL, .wall = {6, new_id(), {"up", 2}}});
    cr_assert_null(seek(bob, FRAME_MESSAGE));
    cr_assert_eq(core_session(&core, admin->number)->condemned, true);
}

Test(core_order, 10_a_ban_ends) {
    enum fail_code code;
    cr_assert_eq(act(root, &(struct act){ORDER_BAN, NULL, 4711, 10000, NULL}), 0,
                 "who has never been here");
    cr_assert_null(try_join(4711, "newcomer", HERE, &code));
    core.wall.ms += 10000;
    cr_assert_not_null(try_join(4711, "newcomer", HERE, &code));
    settle();
    cr_assert_eq(fake.n_sanctions, 0);
}

Test(core_order, 11_kicked_it_may_come_again) {
    struct client *other = join(BOB, "bobby", HERE);
    cr_assert_eq(act(root, &(struct act){ORDER_KICK, "BOB", 0, 0, "go home"}), 0);
    expect_removed(bob, "go home");
    expect_removed(other, "root (uid 0)");
    bob = join(BOB, "bob", HERE);
    cr_assert_eq(fake.n_sanctions, 0);
    cr_assert_not(is_over(alice));
}

/* Each act is told in the log. */
Test(core_order, 12_the_log) {
    cr_assert_eq(act(root, &(struct act){ORDER_KICK, "bob", 0, 0, "go home"}), 0);
    cr_assert_str_eq(core.act, "root (uid 0) ended the sessions of uid 1002: go home");
    core.act[0] = '\0';
    cr_assert_eq(act(admin, &(struct act){ORDER_BAN, "bob", 0, 0, "spam"}), 0);
    cr_assert_str_eq(core.act, "admin (uid 2001) has decided: uid 1002 is banned from this hub "
                               "until that is undone, by admin (uid 2001): spam");
    core.act[0] = '\0';
    cr_assert_eq(act(alice, &(struct act){ORDER_UNBAN, "bob", 0, 0, ""}), FAIL_NOT_PERMITTED);
    cr_assert_str_eq(core.act, "");
    enter(alice, "#ops", 0);
    cr_assert_eq(release(admin, "#ops"), 0);
    cr_assert_str_eq(core.act, "admin (uid 2001) released #ops");
}

/* Restart. */

Test(core_order, 13_all_of_it_outlives_the_hub) {
    enum fail_code code;
    cr_assert_eq(act(root, &(struct act){ORDER_BAN, "bob", 0, 60000, "spam"}), 0);
    cr_assert_eq(upon(root, ORDER_MUTE, "alice"), 0);
    cr_assert_eq(act(root, &(struct act){ORDER_RATE, "alice", 0, 20, "slowly"}), 0);
    hub_crash();
    cr_assert_null(try_join(BOB, "other", HERE, &code));
    cr_assert_eq(code, FAIL_NOT_PERMITTED);
    alice = join(ALICE, "alice", HERE);
    root = join(0, "root", HERE);
    expect_refused(alice, say(alice, "root", "hello"), FAIL_NOT_PERMITTED);
    cr_assert_eq(core_user(&core, ALICE)->account.message_ns, NS_PER_S / 20);
    cr_assert_eq(act(root, &(struct act){ORDER_RATE, "alice", 0, 0, NULL}), 0);
    cr_assert_eq(core_user(&core, ALICE)->account.message_ns, 0);
    cr_assert_eq(upon(root, ORDER_UNMUTE, "alice"), 0);
    cr_assert_eq(act(root, &(struct act){ORDER_UNBAN, NULL, BOB, 0, NULL}), 0);
    hub_crash();
    everybody_joins();
    say(bob, "alice", "hello");
    cr_assert_not_null(seek(alice, FRAME_MESSAGE));
}

Test(core_order, 14_the_disk_is_full) {
    fake.fails = true;
    give(root, &(struct frame){.type = FRAME_ORDER,
                               .order = {.request = 5, .what = ORDER_BAN, .who = {"bob", 3}}});
    commit_all();
    drain();
    const struct frame *fail = seek(root, FRAME_FAIL);
    cr_assert(fail && fail->fail.code == FAIL_NOT_STORED);
    expect_removed(bob, "banned");
    fake.fails = false;
    settle();
    cr_assert_eq(fake.n_sanctions, 1);
}

Test(core_order, 15_what_makes_no_sense_is_not_restored) {
    struct sanction bad = {.what = SANCTION_END};
    cr_assert_eq(core_restore_sanction(&core, 5, &bad), -EINVAL);
    bad = (struct sanction){.what = SANCTION_RATE};
    cr_assert_eq(core_restore_sanction(&core, 5, &bad), -EINVAL);
    bad = (struct sanction){.what = SANCTION_BAN, .until_ms = -1};
    cr_assert_eq(core_restore_sanction(&core, 5, &bad), -EINVAL);
    bad.until_ms = 0;
    cr_assert_eq(core_restore_sanction(&core, OWNER, &bad), 0);
    cr_assert_null(core_user(&core, OWNER)->sanctions, "he was not the owner then");
}

/* Accounts. */

Test(core_order, 16_what_an_account_says) {
    say(bob, "alice", "12345");
    say(bob, "nobody", "refused");
    cr_assert_eq(act(root, &(struct act){ORDER_RATE, "bob", 0, 5, "slowly"}), 0);
    cr_assert_eq(act(root, &(struct act){ORDER_MUTE, "bob", 0, 0, "hush"}), 0);
    give(bob, &(struct frame){.type = FRAME_LIST, .list = {9, LIST_ACCOUNT, bytes_of("")}});
    const struct frame *frame = seek(bob, FRAME_ACCOUNT);
    cr_assert_not_null(frame);
    cr_assert_eq(frame->account.uid, BOB);
    cr_assert_eq(frame->account.messages, 1);
    cr_assert_eq(frame->account.minute_messages, 1);
    cr_assert_eq(frame->account.day_bytes, 5);
    cr_assert_eq(frame->account.hour_refused, 1);
    cr_assert_eq(frame->account.rate, 5);
    cr_assert_eq(frame->account.banned, 0);
    cr_assert(has(frame->account.orders, "is held to 5 messages a second"));
    cr_assert(has(frame->account.orders, "; "), "and the other one");
    cr_assert_null(seek(bob, FRAME_ACCOUNT), "one's own only");
    unsigned n = 0;
    give(admin, &(struct frame){.type = FRAME_LIST, .list = {9, LIST_ACCOUNTS, bytes_of("")}});
    settle();
    while ((frame = next_frame(admin)))
        n += frame->type == FRAME_ACCOUNT;
    cr_assert_eq(n, HASH_COUNT(core.users));
}

/* Without a store it lives as long as the hub. */
Test(core_order, 17_ephemeral) {
    enum fail_code code;
    durable_end();
    world_begin();
    world_store = NULL;
    root = join(0, "root", HERE);
    bob = join(BOB, "bob", HERE);
    give(root, &(struct frame){.type = FRAME_ORDER,
                               .order = {.request = 5, .what = ORDER_BAN, .who = {"bob", 3}}});
    drain();
    cr_assert_eq(expect(root, FRAME_DONE)->done.request, 5);
    cr_assert_null(try_join(BOB, "bob", HERE, &code));
}

Test(core_order, 18_for_what_the_group_is_looked_up) {
    static const struct {
        struct frame frame;
        bool needs;
    } frames[] = {
        {{.type = FRAME_ORDER}, true},
        {{.type = FRAME_RELEASE}, true},
        {{.type = FRAME_WALL}, true},
        {{.type = FRAME_LIST, .list = {.what = LIST_ACCOUNTS}}, true},
        {{.type = FRAME_LIST, .list = {.what = LIST_USERS}}, false},
        {{.type = FRAME_SEND}, false},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        cr_assert_eq(core_needs_right(&core, alice->session, &frames[i].frame), frames[i].needs);
        cr_assert_not(core_needs_right(&core, root->session, &frames[i].frame), "it is known");
    }
    alice->session->condemned = true;
    cr_assert_not(core_needs_right(&core, alice->session, &frames[0].frame));
    alice->session->condemned = false;
}

Test(core_order, 19_upon_what_is_nobody) {
    cr_assert_eq(act(root, &(struct act){.what = ORDER_MUTE, .who = "#ops"}), FAIL_NO_USER);
    cr_assert_eq(act(root, &(struct act){.what = ORDER_MUTE, .who = "no name"}), FAIL_NO_USER);
    cr_assert_neq(act(root, &(struct act){.what = ORDER_MUTE, .uid = UINT32_MAX}), 0);
    cr_assert_eq(act(root, &(struct act){.what = ORDER_MUTE, .uid = 4711}), 0);
    cr_assert_eq(act(root, &(struct act){.what = ORDER_UNMUTE, .uid = 4711}), 0);
}
