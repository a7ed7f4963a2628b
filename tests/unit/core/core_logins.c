/* Login names: they are their users', whoever was there first; and a uid that is given to somebody
 * else does not bring the handles of the one before. */

#include <stdio.h>
#include <string.h>

#include "unit/core/fake_store.h"

/* A join as the hub does it after it has asked the user database. */
static struct client *come(uid_t uid, const char *handle, const char *login,
                           const struct core_right *right, enum fail_code *code) {
    return try_arrive_with(&(struct arrival){uid, handle, HERE | ABILITY_NEWS, 0, 0, false}, login,
                           right, code);
}

static const struct core_right no_right = {false, 0};

static struct client *get_in(uid_t uid, const char *handle, const char *login,
                             const struct core_right *right) {
    enum fail_code code;
    struct client *client = come(uid, handle, login, right, &code);
    cr_assert_not_null(client, "%s", fail_name(code));
    return client;
}

static bool is_called(const struct client *client, const char *name) {
    return strcmp(client->session->handle->name.s, name) == 0;
}

TestSuite(core_logins, .init = world_begin, .fini = world_end, .timeout = 60);

Test(core_logins, 01_a_login_name_is_taken_from_whoever_has_it) {
    struct client *mallory = get_in(BOB, "newhire", "", &no_right);
    uint32_t number = mallory->session->handle->number;
    struct client *newhire = get_in(ALICE, "newhire", "newhire", &(struct core_right){true, BOB});
    cr_assert(is_called(newhire, "newhire"));
    cr_assert_neq(newhire->session->handle->number, number, "the past stays with who had it");
    cr_assert_eq(mallory->session->handle->number, number);
    char away[64];
    snprintf(away, sizeof away, "newhire.%d", BOB);
    cr_assert(is_called(mallory, away));
    cr_assert_not(is_over(mallory));
    expect(newhire, FRAME_WELCOME);
    expect(mallory, FRAME_WELCOME);
    ready(newhire);
    ready(mallory);
    say(mallory, "newhire", "hello");
    expect_text(newhire, "hello");
    pass_ms(10 * NEWS_DELAY_MS);
    const struct frame *frame = next_frame(mallory);
    while (frame && (frame->type != FRAME_NEWS || frame->news.what != NEWS_RENAMED))
        frame = next_frame(mallory);
    cr_assert_not_null(frame, "she is told");
    cr_assert(bytes_equal(frame->news.who, bytes_of("newhire")));
    cr_assert(bytes_equal(frame->news.detail, bytes_of(away)));
    enum fail_code code;
    cr_assert_null(come(BOB, "newhire", "", &no_right, &code));
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    get_in(BOB, away, "", &no_right);
}

Test(core_logins, 01b_whoever_had_it_is_told_what_he_is_called_now) {
    struct client *mallory = join(BOB, "newhire", HERE | ABILITY_NAMED);
    get_in(ALICE, "newhire", "newhire", &(struct core_right){true, BOB});
    const struct frame *frame = expect(mallory, FRAME_NEWS);
    cr_assert_eq(frame->news.what, NEWS_NAMED);
    cr_assert(bytes_equal(frame->news.who, bytes_of(mallory->session->handle->name.s)));
    cr_assert_eq(frame->news.uid, BOB);
    expect_nothing(mallory);
}

Test(core_logins, 02_only_from_the_uid_that_was_asked_about) {
    enum fail_code code;
    get_in(BOB, "newhire", "", &no_right);
    static const struct core_right other = {true, CAROL};
    cr_assert_null(come(ALICE, "newhire", "newhire", &other, &code));
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    cr_assert_null(come(ALICE, "newhire", "newhire", &no_right, &code));
}

Test(core_logins, 03_names_given_instead_are_free_ones) {
    char away[64];
    snprintf(away, sizeof away, "n.%d", BOB);
    struct client *squatter = get_in(CAROL, away, "", &no_right);
    struct client *mallory = get_in(BOB, "n", "", &no_right);
    get_in(ALICE, "n", "n", &(struct core_right){true, BOB});
    snprintf(away, sizeof away, "n.%d.2", BOB);
    cr_assert(is_called(mallory, away));
    cr_assert_not(is_over(squatter));

    static const char long_name[] = "abcdefghijklmnopqrstuvwxyz012345";
    mallory = get_in(BOB, long_name, "", &no_right);
    get_in(ALICE, long_name, "n", &(struct core_right){true, BOB});
    snprintf(away, sizeof away, "was.%d", BOB);
    cr_assert(is_called(mallory, away));
}

Test(core_logins, 04_a_uid_that_is_given_to_somebody_else_brings_no_handles) {
    enum fail_code code;
    get_in(ALICE, "alice", "alice", &no_right);
    get_in(ALICE, "second", "alice", &no_right);
    cr_assert_null(come(ALICE, "second", "carol", &no_right, &code), "of the one before");
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    get_in(ALICE, "carol", "carol", &no_right);
    get_in(ALICE, "second", "alice", &no_right);
    get_in(ALICE, "carol2", "", &no_right);
}

Test(core_logins, 05_nobody_is_without_a_login_name_for_too_many_handles) {
    char handle[32];
    enum fail_code code;
    for (int i = 0; i < (int)core.limits.max[ACCOUNT_HANDLES]; i++) {
        snprintf(handle, sizeof handle, "h%d", i);
        core_end(&core, get_in(ALICE, handle, "alice", &no_right)->session);
    }
    cr_assert_null(come(ALICE, "another", "alice", &no_right, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    get_in(ALICE, "alice", "alice", &no_right);
}

Test(core_logins, 06_handles_of_an_old_database_are_adopted) {
    get_in(ALICE, "alice", "", &no_right);
    struct client *alice = get_in(ALICE, "alice", "alice", &no_right);
    cr_assert_str_eq(alice->session->handle->login.s, "alice");
    enum fail_code code;
    cr_assert_null(come(ALICE, "alice", "carol", &no_right, &code));
}

Test(core_logins, 08_killed_between_the_two_rows_of_a_name, .init = world_begin) {
    static const struct bytes name = {"newhire", 7}, none = {"", 0};
    char away[64];
    snprintf(away, sizeof away, "newhire.%d", BOB);
    for (int i = 0; i < 2; i++) {
        bool first = i == 0;
        cr_assert_eq(
            core_restore_handle(&core, first ? 5 : 9, first ? BOB : ALICE, name, none, 0, 0, 0), 0);
    }
    get_in(ALICE, "newhire", "", &no_right);
    get_in(BOB, away, "", &no_right);
}

static void begin_durable(void) {
    durable_begin(1024 * 1024);
}

Test(core_logins, 07_all_that_outlives_the_hub, .init = begin_durable, .fini = durable_end) {
    enum fail_code code;
    char away[64];
    snprintf(away, sizeof away, "newhire.%d", BOB);
    struct client *mallory = get_in(BOB, "newhire", "", &no_right);
    struct client *carol = get_in(CAROL, "carol", "carol", &no_right);
    settle();
    core_end(&core, mallory->session);
    say(carol, "newhire", "for who was there first");
    settle();
    struct client *newhire = get_in(ALICE, "newhire", "newhire", &(struct core_right){true, BOB});
    settle();
    expect(newhire, FRAME_WELCOME);
    hub_crash();
    cr_assert_null(come(BOB, "newhire", "", &no_right, &code));
    cr_assert_null(come(ALICE, "newhire", "somebody-else", &no_right, &code));
    newhire = get_in(ALICE, "newhire", "newhire", &no_right);
    mallory = get_in(BOB, away, "", &no_right);
    settle();
    expect(newhire, FRAME_WELCOME);
    expect(mallory, FRAME_WELCOME);
    ready(newhire);
    ready(mallory);
    settle();
    expect_late(mallory, "for who was there first");
}

static bool nick_awaits(struct client *client, const char *handle) {
    return core_awaits_right(&core, client->session,
                             &(struct frame){.type = FRAME_NICK, .nick = {1, bytes_of(handle)}});
}

static uint64_t lookups_of(const struct client *client) {
    return client->session->user->account.used[ACCOUNT_LOOKUPS];
}

Test(core_logins, 20_the_database_is_asked_for_a_nick_only_if_that_matters_and_is_charged) {
    struct client *ann = get_in(ALICE, "ann", "ann", &no_right);
    get_in(BOB, "bob", "bob", &no_right);
    cr_assert_not(nick_awaits(ann, "Ann"), "it is hers");
    cr_assert_not(nick_awaits(ann, "#room"));
    cr_assert_not(nick_awaits(ann, "no name"));
    cr_assert_eq(lookups_of(ann), 0);
    cr_assert(nick_awaits(ann, "bob"), "it may be hers by right");
    cr_assert(nick_awaits(ann, "nightowl"), "it may be somebody's login name");
    cr_assert_eq(lookups_of(ann), 2);
    account_spend(&ann->session->user->account, ACCOUNT_HANDLES, 255);
    cr_assert_not(nick_awaits(ann, "nightowl"), "she can have no other one anyway");
    account_give_back(&ann->session->user->account, ACCOUNT_HANDLES, 255);
    for (unsigned i = 0; i < 400; i++)
        (void)nick_awaits(ann, "bob");
    cr_assert_gt(core_throttle_ns(&core, ann->session->user), NS_PER_S / 2);
}
