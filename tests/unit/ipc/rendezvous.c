#include "ipc/rendezvous.h"

#include <fcntl.h>
#include <sys/ipc.h>

#include "unit/ipc/place.h"

Test(rendezvous, private_hub_is_found_and_leaves_nothing) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    cr_expect_eq(mode_of(place.hub), 0700);
    cr_expect_eq(mode_of(place.key), 0644);
    cr_expect_not(hub.adopted);

    struct queue_info info = info_of(hub.record.msqid);
    cr_expect_eq(info.mode, 0600);
    cr_expect_eq(info.key, ftok(place.key, hub.record.proj));
    cr_expect_eq(info.last_receiver, getpid(), "an idle hub can be told from a dead one");

    struct rendezvous_record record;
    cr_expect_eq(rendezvous_find(place.hub, geteuid(), &record), RENDEZVOUS_OK);
    cr_expect_eq(record.pid, getpid());
    cr_expect_eq(record.uid, geteuid());
    cr_expect_eq(record.msqid, hub.record.msqid);
    cr_expect_eq(record.proj, hub.record.proj);
    cr_expect_eq(record.mode, HUB_PRIVATE);
    cr_expect(uuid_equal(&record.instance, &hub.record.instance));

    rendezvous_close(&hub);
    cr_expect_eq(hub.lock_fd, -1);
    cr_expect_eq(queue_stat_any(record.msqid, &info), QUEUE_GONE);
    cr_expect_neq(access(place.key, F_OK), 0);
    cr_expect_eq(find(&place), RENDEZVOUS_NO_HUB);
    place_remove(&place);
}

Test(rendezvous, record_is_text) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    char text[512], wanted[512], instance[UUID_TEXT_SIZE];
    place_read_key(&place, text, sizeof text);
    uuid_format(&hub.record.instance, instance);
    snprintf(wanted, sizeof wanted,
             "earshot-hub 1\npid %d\nuid %u\ninstance %s\nproj %d\nmsqid %d\nmode open\n",
             (int)getpid(), (unsigned)geteuid(), instance, hub.record.proj, hub.record.msqid);
    cr_expect_str_eq(text, wanted);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, mode_gives_permissions_whatever_the_umask) {
    gid_t gid = geteuid() == 0 ? USER_A : getegid();
    umask(077);
    struct rendezvous_place place = place_make();
    struct rendezvous hub;
    cr_assert_eq(rendezvous_open(&hub, place.hub, HUB_GROUP, gid), RENDEZVOUS_OK);
    cr_expect_eq(mode_of(place.hub), 0755);
    cr_expect_eq(mode_of(place.key), 0644);
    cr_expect_eq(info_of(hub.record.msqid).mode, 0620);
    cr_expect_eq(info_of(hub.record.msqid).gid, gid);
    rendezvous_close(&hub);
    hub = open_hub(&place, HUB_OPEN);
    cr_expect_eq(info_of(hub.record.msqid).mode, 0622);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, second_hub_learns_who_is_there) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE), second;
    cr_expect_eq(rendezvous_open(&second, place.hub, HUB_OPEN, 0), RENDEZVOUS_TAKEN);
    cr_expect_eq(second.record.pid, getpid());
    cr_expect_eq(second.record.mode, HUB_PRIVATE);
    cr_expect_eq(second.lock_fd, -1);
    cr_expect_eq(find(&place), RENDEZVOUS_OK, "the first one is unharmed");
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, path_may_be_relative) {
    struct rendezvous_place place = place_make();
    cr_assert_eq(chdir(place.root), 0);
    struct rendezvous hub;
    cr_assert_eq(rendezvous_open(&hub, "hub", HUB_PRIVATE, 0), RENDEZVOUS_OK);
    cr_expect_str_eq(hub.dir, place.hub);
    cr_assert_eq(chdir("/"), 0);
    rendezvous_close(&hub);
    cr_expect_neq(access(place.key, F_OK), 0);
    place_remove(&place);
}

static void take_turns(void *arg) {
    struct rendezvous_place *place = arg;
    for (int n = 0; n < 50;) {
        struct rendezvous hub;
        int r = rendezvous_open(&hub, place->hub, HUB_PRIVATE, 0);
        MUST(r == RENDEZVOUS_OK || r == RENDEZVOUS_TAKEN);
        if (r == RENDEZVOUS_TAKEN)
            continue;
        int inside = open(place->other, O_CREAT | O_EXCL | O_RDWR, 0600);
        MUST(inside >= 0);
        MUST(find(place) == RENDEZVOUS_OK);
        MUST(unlink(place->other) == 0);
        close(inside);
        rendezvous_close(&hub);
        n++;
    }
}

Test(rendezvous, only_one_hub_at_a_time) {
    struct rendezvous_place place = place_make();
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = child_start(AS_OURSELVES, take_turns, &place);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(child_end(pids[i]), 0);
    cr_expect_neq(access(place.key, F_OK), 0);
    place_remove(&place);
}

Test(rendezvous, every_outcome_has_a_text) {
    for (int i = RENDEZVOUS_OK; i <= RENDEZVOUS_FULL; i++)
        cr_expect_str_neq(rendezvous_outcome_text((enum rendezvous_outcome)i), "unknown outcome");
}
