/* A temporary directory for a rendezvous test, and what is in it. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ipc/rendezvous.h"
#include "unit/ipc/child.h"

struct rendezvous_place {
    char root[256];  /* made by place_make, 0755 */
    char hub[300];   /* root/hub: the rendezvous directory, made by the test */
    char key[310];   /* root/hub/hub */
    char other[300]; /* root/other: for whatever the test wants */
    int msqid;       /* told by a child */
};

static inline struct rendezvous_place place_make(void) {
    struct rendezvous_place place = {.msqid = -1};
    const char *base = getenv("TMPDIR");
    char template[128];
    snprintf(template, sizeof template, "%s/earshot-unit-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(template));
    cr_assert_eq(chmod(template, 0755), 0);
    char *root = realpath(template, NULL);
    cr_assert_not_null(root);
    snprintf(place.root, sizeof place.root, "%s", root);
    free(root);
    snprintf(place.hub, sizeof place.hub, "%s/hub", place.root);
    snprintf(place.key, sizeof place.key, "%s/hub", place.hub);
    snprintf(place.other, sizeof place.other, "%s/other", place.root);
    return place;
}

/* One that children share with the test. */
static inline struct rendezvous_place *place_share(void) {
    struct rendezvous_place *place = share(sizeof *place);
    *place = place_make();
    return place;
}

static inline int remove_entry(const char *path, const struct stat *status, int type,
                               struct FTW *where) {
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void place_remove(const struct rendezvous_place *place) {
    cr_expect_eq(nftw(place->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void place_read_key(const struct rendezvous_place *place, char *text, size_t size) {
    FILE *file = fopen(place->key, "r");
    cr_assert_not_null(file);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
}

/* The record of a hub that is dead: no process has so large a PID. */
static inline void place_write_record(const struct rendezvous_place *place, int proj, int msqid) {
    char text[512];
    snprintf(text, sizeof text,
             "earshot-hub 1\npid 2147483646\nuid %u\n"
             "instance 0b5a0a3e-6f0c-4a37-8a52-0d4a2b1c9d11\nproj %d\nmsqid %d\nmode private\n",
             (unsigned)geteuid(), proj, msqid);
    write_text(place->key, text);
}

static inline mode_t mode_of(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static inline struct queue_info info_of(int msqid) {
    struct queue_info info = {.msqid = -1};
    cr_expect_eq(queue_stat_any(msqid, &info), 0);
    return info;
}

static inline struct rendezvous open_hub(const struct rendezvous_place *place, enum hub_mode mode) {
    struct rendezvous hub;
    cr_assert_eq(rendezvous_open(&hub, place->hub, mode, getegid()), RENDEZVOUS_OK);
    return hub;
}

static inline int try_open(const struct rendezvous_place *place) {
    struct rendezvous hub;
    int r = rendezvous_open(&hub, place->hub, HUB_PRIVATE, getegid());
    if (r == RENDEZVOUS_OK)
        rendezvous_close(&hub);
    return r;
}

static inline int find(const struct rendezvous_place *place) {
    struct rendezvous_record record;
    return rendezvous_find(place->hub, (uid_t)-1, &record);
}
