#include "ipc/rendezvous.h"

#include "base/error.h"
#include "unit/ipc/place.h"

static void expect_located(const char *named, enum rendezvous_origin wanted, const char *path) {
    char got[PATH_MAX];
    enum rendezvous_origin origin;
    cr_expect_eq(rendezvous_locate(got, &origin, named), 0);
    cr_expect_eq(origin, wanted);
    cr_expect_str_eq(got, path);
}

Test(rendezvous, named_directory_wins) {
    setenv("EARSHOT_HUB", "/from/environment", 1);
    expect_located("/from/option", RENDEZVOUS_NAMED, "/from/option");
    expect_located(NULL, RENDEZVOUS_NAMED, "/from/environment");
    char longer[PATH_MAX + 1], path[PATH_MAX];
    memset(longer, 'x', PATH_MAX);
    longer[PATH_MAX] = '\0';
    enum rendezvous_origin origin;
    cr_expect_eq(rendezvous_locate(path, &origin, longer), -ENAMETOOLONG);
}

/* In a namespace where /run is ours to fill. */
static void expect_private(const char *runtime, const char *wanted) {
    char path[PATH_MAX];
    enum rendezvous_origin origin;
    if (runtime)
        setenv("XDG_RUNTIME_DIR", runtime, 1);
    else
        unsetenv("XDG_RUNTIME_DIR");
    MUST(rendezvous_locate(path, &origin, NULL) == 0);
    MUST(origin == RENDEZVOUS_PRIVATE);
    MUST(strcmp(path, wanted) == 0);
}

static void locate_private(void *arg) {
    struct rendezvous_place *place = arg;
    char wanted[PATH_MAX], fallback[64];
    snprintf(fallback, sizeof fallback, "/tmp/earshot-%u", (unsigned)geteuid());
    snprintf(wanted, sizeof wanted, "%s/earshot", place->root);
    expect_private(NULL, fallback);
    expect_private("", fallback);
    expect_private("relative", fallback);
    expect_private("/does/not/exist", fallback);
    struct stat status;
    bool is_ours = stat(place->root, &status) == 0 && status.st_uid == geteuid();
    expect_private(place->root, is_ours ? wanted : fallback);
}

static void locate_system(void *arg) {
    (void)arg;
    char path[PATH_MAX];
    enum rendezvous_origin origin;
    MUST(rendezvous_locate(path, &origin, NULL) == 0);
    MUST(origin == RENDEZVOUS_SYSTEM && strcmp(path, RENDEZVOUS_SYSTEM_DIR) == 0);
}

static void locate_with_run_of_our_own(void *arg) {
    unsetenv("EARSHOT_HUB");
    mount_on("/run", 0, "mode=0755");
    locate_private(arg);
    MUST(mkdir(RENDEZVOUS_SYSTEM_DIR, 0755) == 0);
    locate_private(arg);
    struct rendezvous hub;
    MUST(rendezvous_open(&hub, RENDEZVOUS_SYSTEM_DIR, HUB_OPEN, 0) == 0);
    locate_system(NULL);
    MUST(child_run(USER_A, locate_system, NULL) == 0);
    rendezvous_close(&hub);
    locate_private(arg);
    MUST(rendezvous_open(&hub, RENDEZVOUS_SYSTEM_DIR, HUB_PRIVATE, 0) == 0);
    locate_system(NULL);
    MUST(child_run(USER_A, locate_private, arg) == 0);
    rendezvous_close(&hub);
}

Test(rendezvous, system_hub_comes_before_the_private_one) {
    NEEDS_ROOT("a mount namespace");
    struct rendezvous_place place = place_make();
    int status = child_run(AS_OURSELVES, locate_with_run_of_our_own, &place);
    place_remove(&place);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}
