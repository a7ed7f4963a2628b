/* Databases with what rooms and threads came to have, step by step: a hub of schema version 16
 * recorded one, which is taken back to the versions before. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/inside.h"
#include "unit/store/shelf.h"

TestSuite(store_upgrade_rooms, .init = shelf_begin, .fini = shelf_end);

/* Numbers of rooms in it. */
enum { OPS = 1, DIRECT = 2, PLAN = 3, WHEEL = 4, N_ROOMS };

/* Of handles. */
enum { ANN = 1, BEN = 2, CAL = 3 };

struct loaded {
    unsigned n_rooms, n_members, n_admissions, n_orders;
    bool has_people, has_group, has_topic, ban, mute, operator, invitation;
};

static int pass_handle(void *arg, const struct store_handle *handle) {
    (void)arg, (void)handle;
    return 0;
}

static int pass_mail(void *arg, const struct store_mail *mail) {
    (void)arg, (void)mail;
    return 0;
}

static int pass_mark(void *arg, const struct store_mark *mark) {
    (void)arg, (void)mark;
    return 0;
}

static int see_room(void *arg, const struct store_room *room) {
    struct loaded *loaded = arg;
    static const uint8_t forms[N_ROOMS] = {[PLAN] = 1, [WHEEL] = 2, [DIRECT] = 3};
    cr_assert_lt(room->number, N_ROOMS);
    cr_assert_eq(room->form, forms[room->number]);
    loaded->n_rooms++;
    loaded->has_people |= room->number == DIRECT && bytes_equal(room->people, bytes_of("1 2 3"));
    loaded->has_group |= room->number == WHEEL && bytes_equal(room->group, bytes_of("root"));
    loaded->has_topic |= room->number == PLAN && bytes_equal(room->topic, bytes_of("for us"));
    return 0;
}

static int see_member(void *arg, const struct store_member *member) {
    struct loaded *loaded = arg;
    loaded->n_members += member->room == DIRECT;
    return 0;
}

static int see_admission(void *arg, const struct store_admission *admission) {
    struct loaded *loaded = arg;
    loaded->n_admissions++;
    loaded->invitation |= admission->room == PLAN && admission->handle == BEN &&
                          !admission->has_joined && admission->after == 5;
    return 0;
}

static int see_order(void *arg, const struct store_room_order *order) {
    struct loaded *loaded = arg;
    cr_assert_eq(order->room, OPS);
    loaded->n_orders++;
    loaded->mute |= order->uid == 61004 && order->what == 0 && order->by == 61002 &&
                    bytes_equal(order->why, bytes_of("too loud"));
    loaded->ban |= order->uid == 61003 && order->what == 1 && order->handle == CAL &&
                   bytes_equal(order->by_name, bytes_of("ben"));
    loaded->operator|= order->uid == 61002 && order->what == 2 && order->by == 61001;
    return 0;
}

/* What was recorded, and then this. */
static struct loaded open_recorded(const char *sql) {
    struct loaded loaded = {0};
    struct store_visitor visitor = {.arg = &loaded,
                                    .handle = pass_handle,
                                    .mail = pass_mail,
                                    .mark = pass_mark,
                                    .room = see_room,
                                    .member = see_member,
                                    .admission = see_admission,
                                    .room_order = see_order};
    shelf_close();
    cr_assert_eq(unlink(shelf_path("earshot.db")), 0);
    struct shelf_file dump = shelf_read_file("tests/unit/store/schema-16.sql");
    shelf_run_sql(dump.data);
    free(dump.data);
    shelf_run_sql(sql);
    shelf_open();
    cr_assert_str_empty(shelf.info.set_aside);
    cr_assert_eq(store_load(shelf.store, &visitor), 0);
    cr_assert_eq(loaded.n_rooms, 4);
    cr_assert_eq(loaded.n_admissions, 5);
    cr_assert(loaded.has_topic && loaded.invitation);
    return loaded;
}

static int see_thread(void *arg, const struct record *record) {
    unsigned *n = arg;
    if (record->n > 0) {
        cr_assert(!uuid_is_nil(&record->thread));
        cr_assert_eq(record->n, 10 + *n);
        ++*n;
    }
    return 0;
}

/* The replies keep their numbers, the next one goes on, and the edit is what it was. */
static void check_thread(void) {
    static const struct store_source rooms[] = {{-OPS, 0}};
    struct store_view ann = view_of(ANN, rooms, 1);
    unsigned n_replies = 0;
    uint64_t upto;
    uint16_t n;
    cr_assert_eq(store_read(shelf.reader, &ann, 50, &upto, see_thread, &n_replies), 0);
    cr_assert_eq(n_replies, 2);
    cr_assert_eq(store_last_n(shelf.store, -OPS, &n), 0);
    cr_assert_eq(n, 11);
    cr_assert_eq(store_last_n(shelf.store, -DIRECT, &n), 0);
    cr_assert_eq(n, 0);
}

Test(store_upgrade_rooms, 01_version_16) {
    struct loaded loaded = open_recorded("");
    cr_assert(loaded.has_people && loaded.has_group);
    cr_assert_eq(loaded.n_members, 3);
    cr_assert_eq(loaded.n_orders, 3);
    cr_assert(loaded.mute && loaded.ban && loaded.operator);
    check_thread();
}

Test(store_upgrade_rooms, 02_version_15_knows_no_groups) {
    struct loaded loaded = open_recorded("ALTER TABLE room DROP COLUMN unix_group;"
                                         "PRAGMA user_version = 15;");
    cr_assert(loaded.has_people && !loaded.has_group);
    cr_assert_eq(loaded.n_orders, 3);
    cr_assert(loaded.mute && loaded.ban && loaded.operator);
    check_thread();
}

Test(store_upgrade_rooms, 03_version_14_knows_no_order) {
    struct loaded loaded = open_recorded("ALTER TABLE room DROP COLUMN unix_group;"
                                         "DROP TABLE room_order; PRAGMA user_version = 14;");
    cr_assert(loaded.has_people && !loaded.has_group);
    cr_assert_eq(loaded.n_members, 3);
    cr_assert_eq(loaded.n_orders, 0);
    check_thread();
    shelf_reopen();
    check_thread();
}
