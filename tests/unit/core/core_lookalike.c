/* Handles and rooms that look like others. */

#include "core/lookalike.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unicode/uspoof.h>

#include "unit/core/world.h"

TestSuite(core_lookalike, .init = world_begin, .fini = world_end, .timeout = 60);

static struct name name_of(const char *text) {
    struct name name;
    cr_assert_eq(name_parse(&name, bytes_of(text)), NAME_OK, "%s", text);
    return name;
}

/* The table for ASCII says what the library says, for all that a name can consist of, but for case.
 */
Test(core_lookalike, 01_ascii_is_as_the_library_has_it) {
    UErrorCode error = U_ZERO_ERROR;
    USpoofChecker *checker = uspoof_open(&error);
    cr_assert(U_SUCCESS(error));
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-#"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char *c = characters; *c; c++) {
        struct name name = {.n = 1, .s = {*c}};
        char ours[64], theirs[64];
        size_t n = lookalike_skeleton(&name, ours, sizeof ours);
        int32_t n_theirs = uspoof_getSkeletonUTF8(checker, 0, c, 1, theirs, sizeof theirs, &error);
        cr_assert_eq((int32_t)n, n_theirs, "%c", *c);
        cr_assert_eq(strncasecmp(ours, theirs, n), 0, "%c", *c);
    }
    uspoof_close(checker);
}

Test(core_lookalike, 02_scripts_that_no_language_mixes_are_refused) {
    static const struct {
        const char *name;
        bool is_plain;
    } cases[] = {
        {"bob", true},
        {"b\u043eb", false},          /* Cyrillic o */
        {"\u0431\u043e\u0431", true}, /* Cyrillic only */
        {"j\u00fcrgen", true},        /* Latin */
        {"\u03b1lice", false},        /* Greek alpha */
        {"\u5c71\u7530-taro", true},  /* Japanese and Latin, as people write it */
        {"\u3084\u307e\u5c71", true}, /* Hiragana and Han */
        {"\ud55c\uae00abc", true},    /* Korean and Latin */
        {"\u0661"
         "2",
         false},                      /* digits of two systems */
        {"\u05d0\u05d1\u05d2", true}, /* Hebrew */
        {"a\u05d0", false},
        {"#ops", true},
        {"#\u043eps", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct name name = name_of(cases[i].name);
        cr_assert_eq(lookalike_is_plain(&name), cases[i].is_plain, "%s", cases[i].name);
    }
}

Test(core_lookalike, 03_a_handle_that_looks_like_that_of_another_user_is_refused) {
    enum fail_code code;
    join(ALICE, "cocos", HERE);
    cr_assert_null(try_join(BOB, "\u0441\u043e\u0441\u043e\u0455", HERE, &code)); /* Cyrillic */
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    cr_assert_null(try_join(BOB, "c\u043ecos", HERE, &code)); /* mixed */
    cr_assert_eq(code, FAIL_BAD_NAME);
    join(ALICE, "\u0441\u043e\u0441\u043e\u0455", HERE);
    join(ALICE, "node1", HERE);
    cr_assert_null(try_join(BOB, "nodel", HERE, &code));
    cr_assert_null(try_join(BOB, "n0de1", HERE, &code));
    join(ALICE, "lilian", HERE);
    cr_assert_null(try_join(BOB, "IiIian", HERE, &code)); /* with capital i */
    join(ALICE, "modern", HERE);
    cr_assert_null(try_join(BOB, "modem", HERE, &code));
    struct client *bob = join(BOB, "bob", HERE);
    give(bob, &(struct frame){.type = FRAME_NICK, .nick = {5, bytes_of("nodel")}});
    const struct frame *frame = expect(bob, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, FAIL_HANDLE_TAKEN);
}

Test(core_lookalike, 04_ones_own_name_is_always_allowed) {
    enum fail_code code;
    static const struct core_right none = {false, 0};
    char plain[32], like[32];
    join(ALICE, "root1", HERE);
    cr_assert_null(try_join(BOB, "rootl", HERE, &code));
    cr_assert_not_null(
        try_arrive_with(&(struct arrival){BOB, "rootl", HERE, 0, 0, false}, "rootl", &none, &code));
    snprintf(plain, sizeof plain, "uid%d", 61010);
    snprintf(like, sizeof like, "uid6l0l0");
    join(ALICE, like, HERE);
    cr_assert_not_null(try_join(61010, plain, HERE, &code));
}

static const struct frame *answer_to_join(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of(room)}});
    const struct frame *frame = next_frame(client);
    while (frame && frame->type != FRAME_FAIL && frame->type != FRAME_DONE)
        frame = next_frame(client);
    cr_assert_not_null(frame);
    return frame;
}

Test(core_lookalike, 05_a_room_of_another_alphabet_that_looks_like_one_is_refused) {
    struct client *alice = join(ALICE, "alice", HERE);
    enter(alice, "#coc", 0);
    static const char *const like[] = {"#\u0441\u043e\u0441", "#c\u043ec"}; /* Cyrillic, mixed */
    for (size_t i = 0; i < 2; i++) {
        const struct frame *frame = answer_to_join(alice, like[i]);
        cr_assert_eq(frame->type, FRAME_FAIL);
        cr_assert_eq(frame->fail.code, FAIL_BAD_NAME);
    }
    cr_assert_not_null(strstr(answer_to_join(alice, like[0])->fail.reason.data, "#coc"),
                       "it names the room");
    leave(alice, "#coc");
    enter(alice, like[0], 0);
    enter(alice, "#coc", 0);
}

Test(core_lookalike, 07_nobody_keeps_a_room_in_ascii_from_others) {
    struct client *mallory = join(BOB, "mallory", HERE | ABILITY_NEWS | ABILITY_ALIKE);
    enter(mallory, "#genera1", 0);
    enter(mallory, "#\u043e\u0440\u0455", 0); /* Cyrillic, as "#ops" looks */
    expect_nothing(mallory);
    struct client *alice = join(ALICE, "alice", HERE | ABILITY_NEWS | ABILITY_ALIKE);
    cr_assert_eq(answer_to_join(alice, "#general")->type, FRAME_DONE);
    cr_assert_eq(answer_to_join(alice, "#ops")->type, FRAME_DONE);
}

static void expect_alike(struct client *client, const char *room, const char *other) {
    const struct frame *frame = expect(client, FRAME_NEWS);
    cr_assert_eq(frame->news.what, NEWS_ALIKE);
    cr_assert(bytes_equal(frame->news.room, bytes_of(room)));
    cr_assert(bytes_equal(frame->news.detail, bytes_of(other)));
}

Test(core_lookalike, 08_who_comes_into_a_room_that_looks_like_another_is_told) {
    struct client *old = join(BOB, "bob", HERE | ABILITY_NEWS);
    struct client *alice = join(ALICE, "alice", HERE | ABILITY_NEWS | ABILITY_ALIKE);
    give(old, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of("#genera1")}});
    expect(old, FRAME_DONE);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of("#general")}});
    expect_alike(alice, "#general", "#genera1");
    expect(alice, FRAME_DONE);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of("#general")}});
    expect(alice, FRAME_DONE); /* once */
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {9, bytes_of("#Genera1")}});
    expect_alike(alice, "#genera1", "#general");
    expect(alice, FRAME_DONE);
    give(old, &(struct frame){.type = FRAME_JOIN, .join = {9, bytes_of("#general")}});
    expect(old, FRAME_DONE); /* it does not know such news */
}

Test(core_lookalike, 06_a_restored_name_never_fails_to_load) {
    static const struct bytes none = {"", 0};
    cr_assert_eq(core_restore_handle(&core, 1, ALICE, bytes_of("b\u043eb"), none, 0, 0, 0), 0);
    cr_assert_eq(core_restore_handle(&core, 2, BOB, bytes_of("bob"), none, 0, 0, 0), 0);
    join(ALICE, "b\u043eb", HERE);
    join(BOB, "bob", HERE);
}
