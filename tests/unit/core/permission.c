/* Who may do what in which room: the whole table, as it is meant. */
#include "core/room/permission.h"

#include <criterion/criterion.h>

#include "core/internal.h"
#include "unit/core/world.h"

/* A letter for each actor: stranger, invited, member, operator, owner, administrator, muted,
 * banned. */
struct wanted {
    enum room_act act;
    const char *open, *private, *group, *direct;
};

/* a: allowed, r: refused, -: there is no such room for him. */
static const struct wanted wanted[] = {
    {ACT_SEE, "aaaaaaaa", "-aaaaaa-", "--aaaaaa", "--aaa---"},
    {ACT_JOIN, "aaaaaaar", "-aaaara-", "--aaarar", "--aaa---"},
    {ACT_LEAVE, "raaaaraa", "-aaaara-", "--aaaraa", "--aaa---"},
    {ACT_READ, "aaaaaaar", "-raaara-", "--aaarar", "--aaa---"},
    {ACT_SPEAK, "aaaaaarr", "-raaarr-", "--aaarrr", "--aaa---"},
    {ACT_ANNOUNCE, "rrraaarr", "-rraarr-", "--raarrr", "--aaa---"},
    {ACT_REACT, "aaaaaarr", "-raaarr-", "--aaarrr", "--aaa---"},
    {ACT_EDIT_OWN, "aaaaaarr", "-raaarr-", "--aaarrr", "--aaa---"},
    {ACT_REMOVE, "rrraaarr", "-rraaar-", "--raaarr", "--rrr---"},
    {ACT_INVITE, "rraaaarr", "-raaarr-", "--rrrrrr", "--rrr---"},
    {ACT_SET_TOPIC, "rraaaarr", "-raaarr-", "--aaarrr", "--aaa---"},
    {ACT_LOCKED_TOPIC, "rrraaarr", "-rraarr-", "--raarrr", "--rrr---"},
    {ACT_LOCK_TOPIC, "rrraaarr", "-rraarr-", "--raarrr", "--rrr---"},
    {ACT_SET_ANNOUNCE, "rrraaarr", "-rraarr-", "--raarrr", "--rrr---"},
    {ACT_PIN, "rraaaarr", "-raaarr-", "--aaarrr", "--aaa---"},
    {ACT_KICK, "rrraaarr", "-rraaar-", "--raaarr", "--rrr---"},
    {ACT_MUTE, "rrraaarr", "-rraaar-", "--raaarr", "--rrr---"},
    {ACT_BAN, "rrraaarr", "-rraaar-", "--raaarr", "--rrr---"},
    {ACT_MAKE_OPERATOR, "rrrraarr", "-rrrarr-", "--rraarr", "--rrr---"},
    {ACT_CHANGE_FORM, "rrrrarrr", "-rrrarr-", "--rrrrrr", "--rrr---"},
    {ACT_RENAME, "rrrraarr", "-rrrarr-", "--rraarr", "--rrr---"},
    {ACT_PASS_ON, "rrrraarr", "-rrraar-", "--rraarr", "--rrr---"},
    {ACT_CLOSE, "rrrraarr", "-rrraar-", "--rraarr", "--rrr---"},
};

static void expect_row(enum room_form form, enum room_act act, const char *row) {
    for (enum room_actor actor = 0; actor < ACTOR_END; actor++) {
        char is = "ar-"[permission_of(form, actor, act)];
        cr_expect_eq(is, row[actor], "form %d, act %d, actor %d: %c, and not %c", (int)form,
                     (int)act, (int)actor, is, row[actor]);
    }
}

Test(permission, the_table_is_as_it_is_meant) {
    cr_assert_eq(sizeof wanted / sizeof *wanted, ACT_END, "each act has a row here");
    for (size_t i = 0; i < ACT_END; i++) {
        cr_assert_eq((size_t)wanted[i].act, i);
        expect_row(ROOM_OPEN, wanted[i].act, wanted[i].open);
        expect_row(ROOM_PRIVATE, wanted[i].act, wanted[i].private);
        expect_row(ROOM_GROUP, wanted[i].act, wanted[i].group);
        expect_row(ROOM_DIRECT, wanted[i].act, wanted[i].direct);
    }
}

Test(permission, a_room_that_is_not_open_is_invisible_to_strangers_whatever_they_try) {
    for (enum room_act act = 0; act < ACT_END; act++) {
        cr_expect_eq(permission_of(ROOM_PRIVATE, ACTOR_STRANGER, act), PERMISSION_INVISIBLE);
        cr_expect_eq(permission_of(ROOM_GROUP, ACTOR_STRANGER, act), PERMISSION_INVISIBLE);
        cr_expect_eq(permission_of(ROOM_DIRECT, ACTOR_STRANGER, act), PERMISSION_INVISIBLE);
        cr_expect_neq(permission_of(ROOM_OPEN, ACTOR_STRANGER, act), PERMISSION_INVISIBLE);
    }
}

Test(permission, who_may_more_may_what_who_may_less_may) {
    for (enum room_form form = 0; form < ROOM_FORM_END; form++)
        for (enum room_act act = 0; act < ACT_END; act++)
            for (enum room_actor actor = ACTOR_INVITED; actor <= ACTOR_OWNER; actor++)
                cr_expect_leq(permission_of(form, actor, act), permission_of(form, actor - 1, act),
                              "form %d, act %d, actor %d", (int)form, (int)act, (int)actor);
}

static struct room *room_called(const char *text) {
    struct name name, key;
    name_parse(&name, bytes_of(text));
    name_key(&key, &name);
    return room_find(&core, &key);
}

Test(permission, who_first_joined_a_room_owns_it_under_every_handle_of_his) {
    world_begin();
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    struct client *other = join(ALICE, "robot", HERE), *carol = join(CAROL, "carol", HERE);
    const struct room *room = room_called("#ops");
    cr_assert_eq(core_actor(&core, alice->session, room), ACTOR_OWNER);
    cr_assert_eq(core_actor(&core, other->session, room), ACTOR_OWNER);
    cr_assert_eq(core_actor(&core, bob->session, room), ACTOR_MEMBER);
    cr_assert_eq(core_actor(&core, carol->session, room), ACTOR_STRANGER);
    cr_assert_eq(core_permission(&core, other->session, room, ACT_CLOSE), PERMISSION_ALLOWED);
    cr_assert_eq(core_permission(&core, bob->session, room, ACT_CLOSE), PERMISSION_REFUSED);
    world_end();
}

Test(permission, an_administrator_is_what_he_is_otherwise_too) {
    world_begin();
    struct client *alice = join(ALICE, "alice", HERE), *root = join(0, "root", HERE);
    enter(alice, "#ops", 0);
    const struct room *room = room_called("#ops");
    cr_assert_eq(core_permission(&core, root->session, room, ACT_CLOSE), PERMISSION_ALLOWED);
    cr_assert_eq(core_permission(&core, root->session, room, ACT_CHANGE_FORM), PERMISSION_REFUSED);
    cr_assert_eq(core_permission(&core, root->session, room, ACT_LEAVE), PERMISSION_REFUSED);
    enter(root, "#ops", 0);
    cr_assert_eq(core_permission(&core, root->session, room, ACT_LEAVE), PERMISSION_ALLOWED);
    world_end();
}
