#include "ipc/rendezvous.h"

#include <fcntl.h>
#include <sys/file.h>

#include "unit/ipc/place.h"

Test(rendezvous, missing_and_unusable_directories_are_told_apart) {
    struct rendezvous_place place = place_make();
    struct rendezvous_record record;
    cr_expect_eq(find(&place), RENDEZVOUS_NO_DIRECTORY);
    write_text(place.hub, "");
    cr_expect_eq(find(&place), RENDEZVOUS_NOT_A_DIRECTORY);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_A_DIRECTORY);
    unlink(place.hub);
    mkdir(place.hub, 0700);
    cr_expect_eq(find(&place), RENDEZVOUS_NO_HUB);
    write_text(place.key, "earshot-hub 1\n");
    cr_expect_eq(find(&place), RENDEZVOUS_NO_HUB, "nobody holds its lock");

    struct rendezvous_place below = place;
    snprintf(below.hub, sizeof below.hub, "%s/none/hub", place.root);
    cr_expect_eq(try_open(&below), RENDEZVOUS_NO_DIRECTORY);
    cr_expect_eq(rendezvous_find(below.hub, geteuid(), &record), RENDEZVOUS_NO_DIRECTORY);
    place_remove(&place);
}

Test(rendezvous, symbolic_link_is_no_private_directory) {
    struct rendezvous_place place = place_make();
    struct rendezvous_place target = place;
    snprintf(target.hub, sizeof target.hub, "%s/target", place.root);
    struct rendezvous hub = open_hub(&target, HUB_OPEN);
    cr_assert_eq(symlink(target.hub, place.hub), 0);
    struct rendezvous_record record;
    cr_expect_eq(rendezvous_find(place.hub, geteuid(), &record), RENDEZVOUS_NOT_A_DIRECTORY);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_A_DIRECTORY);
    cr_expect_eq(find(&place), RENDEZVOUS_OK, "a named directory may be a link");
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, directory_that_others_can_write_to_is_not_trusted) {
    static const mode_t MODES[] = {01777, 0777, 0775, 0757, 0702};
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        chmod(place.hub, MODES[i]);
        cr_expect_eq(find(&place), RENDEZVOUS_NOT_TRUSTED, "%o", (unsigned)MODES[i]);
        cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_TRUSTED, "%o", (unsigned)MODES[i]);
    }
    chmod(place.hub, 0755);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    chmod(place.key, 0664);
    cr_expect_eq(find(&place), RENDEZVOUS_NOT_TRUSTED);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_TRUSTED);
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, key_file_must_be_a_plain_file) {
    struct rendezvous_place place = place_make();
    struct rendezvous_place other = place;
    snprintf(other.hub, sizeof other.hub, "%s/other", place.root);
    snprintf(other.key, sizeof other.key, "%s/hub", other.hub);
    struct rendezvous hub = open_hub(&other, HUB_PRIVATE);
    mkdir(place.hub, 0700);
    cr_assert_eq(symlink(other.key, place.key), 0);
    cr_expect_eq(find(&place), RENDEZVOUS_NOT_TRUSTED);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_TRUSTED);
    unlink(place.key);
    mkdir(place.key, 0700);
    cr_expect_eq(find(&place), RENDEZVOUS_BAD_RECORD);
    cr_expect_eq(try_open(&place), RENDEZVOUS_BAD_RECORD);
    rmdir(place.key);
    mkfifo(place.key, 0600);
    cr_expect_eq(find(&place), RENDEZVOUS_BAD_RECORD);
    cr_expect_eq(try_open(&place), RENDEZVOUS_BAD_RECORD);
    rendezvous_close(&hub);
    place_remove(&place);
}

/* Holds the lock as a hub does. */
static int lock_key(const struct rendezvous_place *place, short type) {
    int fd = open(place->key, type == F_WRLCK ? O_RDWR : O_RDONLY);
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    cr_assert(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0);
    return fd;
}

Test(rendezvous, record_that_cannot_be_understood) {
    static const char UUID[] = "instance 0b5a0a3e-6f0c-4a37-8a52-0d4a2b1c9d11\n";
    static const struct {
        const char *before, *after;
    } RECORDS[] = {
        {"earshot-hub 2\npid 1\nuid 0\n", "proj 1\nmsqid 0\nmode open\n"},
        {"earshot-hub 1\npid 0\nuid 0\n", "proj 1\nmsqid 0\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 4294967295\n", "proj 1\nmsqid 0\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 0\nmsqid 0\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 256\nmsqid 0\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 1\nmsqid -1\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 1\nmsqid 99999999999999999999\nmode open\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 1\nmsqid 0\nmode ope\n"},
        {"earshot-hub 1\npid 1\nuid 0\n", "proj 1\nmsqid 0\nmode open"},
        {"earshot-hub 1\npid 1x\nuid 0\n", "proj 1\nmsqid 0\nmode open\n"},
        {"", ""},
    };
    struct rendezvous_place place = place_make();
    mkdir(place.hub, 0700);
    for (size_t i = 0; i < sizeof RECORDS / sizeof RECORDS[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s%s", RECORDS[i].before, UUID, RECORDS[i].after);
        write_text(place.key, text);
        int fd = lock_key(&place, F_WRLCK);
        cr_expect_eq(find(&place), RENDEZVOUS_BAD_RECORD, "%s", text);
        close(fd);
    }
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    cr_expect_eq(find(&place), RENDEZVOUS_OK, "a hub that starts writes it anew");
    rendezvous_close(&hub);
    place_remove(&place);
}

Test(rendezvous, taken_by_a_hub_that_has_not_written_yet) {
    struct rendezvous_place place = place_make();
    mkdir(place.hub, 0700);
    write_text(place.key, "");
    int fd = lock_key(&place, F_WRLCK);
    struct rendezvous hub;
    cr_expect_eq(rendezvous_open(&hub, place.hub, HUB_PRIVATE, 0), RENDEZVOUS_TAKEN);
    cr_expect_eq(hub.record.pid, 0);
    close(fd);
    place_remove(&place);
}

/* Anybody can hold such locks on a file that he may read; they must keep no hub from starting. */
Test(rendezvous, locks_of_readers_do_not_count) {
    struct rendezvous_place place = place_make();
    mkdir(place.hub, 0755);
    write_text(place.key, "left by a hub that died\n");
    int fd = lock_key(&place, F_RDLCK);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    cr_expect_eq(find(&place), RENDEZVOUS_NO_HUB);
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    cr_expect_eq(find(&place), RENDEZVOUS_OK);
    rendezvous_close(&hub);
    close(fd);
    place_remove(&place);
}

Test(rendezvous, flock_shows_the_hub) {
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_PRIVATE);
    int fd = open(place.key, O_RDONLY);
    cr_expect_neq(flock(fd, LOCK_SH | LOCK_NB), 0);
    close(fd);
    rendezvous_close(&hub);
    place_remove(&place);
}

static void be_denied(void *arg) {
    MUST(find(arg) == RENDEZVOUS_DENIED);
    MUST(try_open(arg) == RENDEZVOUS_DENIED);
}

static void be_a_client(void *arg) {
    struct rendezvous_place *place = arg;
    struct rendezvous_record record;
    MUST(find(place) == RENDEZVOUS_OK);
    MUST(rendezvous_find(place->hub, geteuid(), &record) == RENDEZVOUS_NOT_TRUSTED);
}

Test(rendezvous, directories_as_another_user_sees_them) {
    NEEDS_ROOT("two Unix users");
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    cr_expect_eq(child_run(USER_A, be_a_client, &place), 0);
    chmod(place.hub, 0700);
    cr_expect_eq(child_run(USER_A, be_denied, &place), 0);
    chmod(place.hub, 0755);
    chmod(place.key, 0600);
    cr_expect_eq(child_run(USER_A, be_denied, &place), 0, "the key file may not be read");
    rendezvous_close(&hub);
    place_remove(&place);
}

/* A directory of another user: root's hub does not move in, and a key file of another user is
 * refused. */
Test(rendezvous, directory_of_another_user_is_not_trusted) {
    NEEDS_ROOT("two Unix users");
    struct rendezvous_place place = place_make();
    struct rendezvous hub = open_hub(&place, HUB_OPEN);
    cr_assert_eq(chown(place.hub, USER_A, USER_A), 0);
    cr_expect_eq(find(&place), RENDEZVOUS_NOT_TRUSTED);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_TRUSTED);
    cr_assert_eq(chown(place.hub, 0, 0), 0);
    cr_assert_eq(chown(place.key, USER_A, USER_A), 0);
    cr_expect_eq(try_open(&place), RENDEZVOUS_NOT_TRUSTED);
    cr_expect_eq(find(&place), RENDEZVOUS_BAD_RECORD, "the record names another uid");
    rendezvous_close(&hub);
    place_remove(&place);
}

static void see_it_exposed(void *arg) {
    MUST(find(arg) == RENDEZVOUS_EXPOSED);
}

static void see_it(void *arg) {
    MUST(find(arg) == RENDEZVOUS_OK);
}

static void see_none(void *arg) {
    MUST(find(arg) == RENDEZVOUS_NO_DIRECTORY);
}

/* Who can put another directory in its place, or lead a link elsewhere, has clients of their own.
 */
Test(rendezvous, way_to_the_directory_is_nobody_elses) {
    NEEDS_ROOT("three Unix users");
    struct rendezvous_place place = place_make(), linked = place;
    struct rendezvous hub = open_hub(&place, HUB_OPEN), other;
    cr_assert_eq(mkdir(place.other, 0755), 0);
    snprintf(linked.hub, sizeof linked.hub, "%s/other/link/hub", place.root);
    char link[sizeof place.other + 8];
    snprintf(link, sizeof link, "%s/link", place.other);
    cr_assert_eq(symlink(place.root, link), 0);
    cr_expect_eq(child_run(USER_A, see_it, &linked), 0, "a link of root's");
    chmod(place.other, 0777);
    cr_expect_eq(child_run(USER_A, see_it_exposed, &linked), 0, "which all may replace");
    chmod(place.other, 0755);
    cr_assert_eq(lchown(link, USER_B, USER_B), 0);
    cr_expect_eq(child_run(USER_A, see_it_exposed, &linked), 0, "a link of somebody else's");
    cr_expect_eq(child_run(USER_B, see_it, &linked), 0, "who uses it himself");
    rendezvous_close(&hub);
    chmod(place.root, 0777);
    cr_expect_eq(child_run(USER_A, see_none, &(struct rendezvous_place){.hub = "/none/hub"}), 0);
    cr_expect_eq(rendezvous_open(&other, place.hub, HUB_OPEN, 0), RENDEZVOUS_EXPOSED,
                 "a hub for others does not start where they would not come");
    chmod(place.root, 0755);
    place_remove(&place);
}

static void own_a_hub(void *arg) {
    struct rendezvous_place *place = arg;
    struct rendezvous hub;
    MUST(rendezvous_open(&hub, place->hub, HUB_OPEN, 0) == RENDEZVOUS_OK);
    struct rendezvous_record record;
    MUST(rendezvous_find(place->hub, USER_A, &record) == RENDEZVOUS_OK);
    MUST(record.uid == USER_A);
    rendezvous_close(&hub);
}

Test(rendezvous, ordinary_user_has_a_hub) {
    NEEDS_ROOT("an ordinary Unix user");
    struct rendezvous_place place = place_make();
    cr_assert_eq(chown(place.root, USER_A, USER_A), 0);
    cr_expect_eq(child_run(USER_A, own_a_hub, &place), 0);
    place_remove(&place);
}

static void find_read_only(void *arg) {
    struct rendezvous_place *place = arg;
    mount_on(place->hub, MS_RDONLY, "mode=0755");
    MUST(try_open(place) == RENDEZVOUS_READ_ONLY);
}

static void find_no_inode(void *arg) {
    struct rendezvous_place *place = arg;
    mount_on(place->hub, 0, "mode=0755,nr_inodes=1");
    MUST(try_open(place) == RENDEZVOUS_FULL);
}

static void find_no_block(void *arg) {
    struct rendezvous_place *place = arg;
    mount_on(place->hub, 0, "mode=0755,nr_blocks=1");
    char filler[sizeof place->hub + 16];
    snprintf(filler, sizeof filler, "%s/filler", place->hub);
    write_text(filler, "x");
    MUST(try_open(place) == RENDEZVOUS_FULL);
    MUST(access(place->key, F_OK) != 0);
}

Test(rendezvous, file_system_without_room) {
    NEEDS_ROOT("a mount namespace");
    static void (*const WAYS[])(void *) = {find_read_only, find_no_inode, find_no_block};
    struct rendezvous_place place = place_make();
    mkdir(place.hub, 0755);
    int status = 0;
    for (size_t i = 0; i < 3 && status == 0; i++)
        status = child_run(AS_OURSELVES, WAYS[i], &place);
    place_remove(&place);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}
