#include "ipc/rendezvous.h"

#include <sys/ipc.h>

#include "unit/ipc/place.h"

/* Does not close: the process is killed, or ends, with all in place. */
static void be_killed_as_hub(void *arg) {
    struct rendezvous_place *place = arg;
    struct rendezvous hub;
    MUST(rendezvous_open(&hub, place->hub, HUB_PRIVATE, 0) == RENDEZVOUS_OK);
    struct queue_message message = {.mtype = HUB_MTYPE};
    MUST(queue_send(hub.record.msqid, &message, 100, false) == 0);
    place->msqid = hub.record.msqid;
    raise(SIGKILL);
}

Test(rendezvous, stale_queue_is_adopted_with_what_waits_in_it) {
    struct rendezvous_place *place = place_share();
    cr_assert_eq(child_run(AS_OURSELVES, be_killed_as_hub, place), 128 + SIGKILL);
    cr_expect_eq(find(place), RENDEZVOUS_NO_HUB, "a dead hub is no hub");
    struct rendezvous hub = open_hub(place, HUB_OPEN);
    cr_expect(hub.adopted);
    cr_expect_eq(hub.record.msqid, place->msqid);
    cr_expect_eq(info_of(place->msqid).mode, 0622);
    cr_expect_eq(info_of(place->msqid).n_messages, 1);
    cr_expect_eq(find(place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    place_remove(place);
}

Test(rendezvous, stale_queue_is_adopted_without_its_record) {
    struct rendezvous_place *place = place_share();
    cr_assert_eq(child_run(AS_OURSELVES, be_killed_as_hub, place), 128 + SIGKILL);
    write_text(place->key, "");
    struct rendezvous hub = open_hub(place, HUB_PRIVATE);
    cr_expect(hub.adopted);
    cr_expect_eq(hub.record.msqid, place->msqid);
    rendezvous_close(&hub);
    place_remove(place);
}

/* Prepares the key file, so that the keys are known before a hub is there. */
static key_t first_key(const struct rendezvous_place *place) {
    mkdir(place->hub, 0755);
    write_text(place->key, "");
    return ftok(place->key, 'E');
}

Test(rendezvous, living_queue_of_ours_is_left_alone) {
    struct rendezvous_place place = place_make();
    int msqid;
    cr_assert_eq(queue_create(&msqid, first_key(&place), 0600), 0);
    cr_assert_eq(queue_stamp(msqid), 0);
    /* Even if the record of a dead hub names it: another one may have taken it over. */
    place_write_record(&place, 'E', msqid);
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    cr_expect_eq(hub.record.proj, 'F');
    cr_expect_neq(hub.record.msqid, msqid);
    cr_expect_not(hub.adopted);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    cr_expect_eq(queue_remove(msqid), 0);
    place_remove(&place);
}

Test(rendezvous, project_id_of_the_record_comes_first_and_goes_round) {
    struct rendezvous_place place = place_make();
    first_key(&place);
    int msqid;
    cr_assert_eq(queue_create(&msqid, ftok(place.key, 255), 0600), 0);
    cr_assert_eq(queue_stamp(msqid), 0);
    place_write_record(&place, 255, 1);
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    cr_expect_eq(hub.record.proj, 1);
    rendezvous_close(&hub);
    queue_remove(msqid);
    place_remove(&place);
}

struct squatter {
    key_t key;
    int msqid;
};

static void squat(void *arg) {
    struct squatter *squatter = arg;
    MUST(queue_create(&squatter->msqid, squatter->key, 0666) == 0);
}

Test(rendezvous, foreign_queue_means_the_next_project_id) {
    NEEDS_ROOT("two Unix users");
    struct rendezvous_place place = place_make();
    struct squatter *squatter = share(sizeof *squatter);
    squatter->key = first_key(&place);
    cr_assert_eq(child_run(USER_A, squat, squatter), 0);
    place_write_record(&place, 'E', squatter->msqid);
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    cr_expect_eq(hub.record.proj, 'F');
    cr_expect_not(hub.adopted);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    cr_expect_eq(info_of(squatter->msqid).mode, 0666, "it was not touched");
    queue_remove(squatter->msqid);
    place_remove(&place);
}

Test(rendezvous, squatter_on_a_removed_queue_is_an_impostor) {
    NEEDS_ROOT("two Unix users");
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    struct squatter *squatter = share(sizeof *squatter);
    squatter->key = ftok(place.key, hub.record.proj);
    queue_remove(hub.record.msqid);
    cr_assert_eq(child_run(USER_A, squat, squatter), 0);
    cr_expect_eq(find(&place), RENDEZVOUS_IMPOSTOR);
    cr_expect_eq(rendezvous_renew(&hub, 0), RENDEZVOUS_OK);
    cr_expect_eq(hub.record.proj, 'F');
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    queue_remove(squatter->msqid);
    place_remove(&place);
}

static void squat_on_all(void *arg) {
    struct rendezvous_place *place = arg;
    for (int proj = 1; proj <= 255; proj++) {
        struct squatter squatter = {.key = ftok(place->key, proj)};
        squat(&squatter);
    }
}

static void find_no_key(void *arg) {
    struct rendezvous_place *place = arg;
    child_unshare(CLONE_NEWIPC);
    first_key(place);
    MUST(child_run(USER_A, squat_on_all, place) == 0);
    MUST(try_open(place) == RENDEZVOUS_NO_KEY);
    MUST(access(place->key, F_OK) != 0);
}

Test(rendezvous, all_keys_are_foreign) {
    NEEDS_ROOT("an IPC namespace");
    struct rendezvous_place place = place_make();
    int status = child_run(AS_OURSELVES, find_no_key, &place);
    place_remove(&place);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}

static void find_no_queue(void *arg) {
    struct rendezvous_place *place = arg;
    child_unshare(CLONE_NEWIPC);
    write_text("/proc/sys/kernel/msgmni", "0");
    MUST(try_open(place) == RENDEZVOUS_NO_QUEUE);
    MUST(access(place->key, F_OK) != 0);
    write_text("/proc/sys/kernel/msgmni", "1");
    MUST(try_open(place) == RENDEZVOUS_OK);
}

Test(rendezvous, kernel_limit_leaves_no_key_file) {
    NEEDS_ROOT("an IPC namespace");
    struct rendezvous_place place = place_make();
    int status = child_run(AS_OURSELVES, find_no_queue, &place);
    place_remove(&place);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}

static void find_from_elsewhere(void *arg) {
    child_unshare(CLONE_NEWIPC);
    MUST(find(arg) == RENDEZVOUS_OTHER_NAMESPACE);
}

Test(rendezvous, hub_of_another_namespace_is_told) {
    NEEDS_ROOT("an IPC namespace");
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    int status = child_run(AS_OURSELVES, find_from_elsewhere, &place);
    rendezvous_close(&hub);
    place_remove(&place);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}

Test(rendezvous, missing_queue_of_our_namespace_is_no_hub) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    queue_remove(hub.record.msqid);
    cr_expect_eq(find(&place), RENDEZVOUS_NO_HUB);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, removed_queue_is_renewed) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    struct rendezvous_record before = hub.record;
    queue_remove(before.msqid);
    cr_expect_eq(rendezvous_renew(&hub, 0), RENDEZVOUS_OK);
    cr_expect_neq(hub.record.msqid, before.msqid);
    cr_expect_eq(hub.record.proj, before.proj);
    cr_expect(uuid_equal(&hub.record.instance, &before.instance));
    cr_expect_eq(info_of(hub.record.msqid).mode, 0622);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, removed_key_file_is_renewed_too) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    queue_remove(hub.record.msqid);
    unlink(place.key);
    rmdir(place.hub);
    cr_expect_eq(rendezvous_renew(&hub, 0), RENDEZVOUS_OK);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, hub_whose_place_was_taken_does_not_renew) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    queue_remove(hub.record.msqid);
    unlink(place.key);
    struct rendezvous second = open_hub(&place, HUB_PRIVATE);
    cr_expect_eq(rendezvous_renew(&hub, 0), RENDEZVOUS_TAKEN);
    rendezvous_close(&hub);
    cr_expect_eq(find(&place), RENDEZVOUS_OK, "the second one is unharmed");
    rendezvous_close(&second);
    place_remove(&place);
}
