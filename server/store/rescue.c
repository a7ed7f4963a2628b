/*
 * The database may vanish under a living hub: somebody removes it, or its log, or moves the whole
 * directory, or puts an older copy in its place. The connection that is open still has all of it
 * (a file lives as long as it is open), and would go on: until the hub ends, and then all that was
 * acknowledged would be lost. So it is looked at before and after each commit; and when it is not
 * there any more, a copy of what the connection has is put there (https://sqlite.org/backup.html).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/inside.h"

#define COPY_PAGES 1024 /* at once; in between it can be ended */

static const char doing[] = "copy what it holds";

static int copy_pages(struct store *store, sqlite3_backup *backup) {
    int code = SQLITE_OK;
    while (code == SQLITE_OK && !store->stopping)
        code = sqlite3_backup_step(backup, COPY_PAGES);
    return code;
}

/* From the open connection, with what is in its log. */
static int copy_into(struct store *store, struct connection *copy) {
    struct connection *writer = &store->writer;
    sqlite3_backup *backup = sqlite3_backup_init(copy->db, "main", writer->db, "main");
    if (!backup)
        return connection_fail(copy, doing);
    int code = copy_pages(store, backup), end = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE && end == SQLITE_OK)
        return 0;
    if (code == SQLITE_OK && end == SQLITE_OK)
        return connection_tell(copy, STORE_GONE, "%s: the hub stops before all of it is copied",
                               copy->path);
    return connection_fail(copy, doing);
}

static int make_copy(struct store *store) {
    char path[PATH_MAX + sizeof PLACE_NEW];
    struct connection copy;
    snprintf(path, sizeof path, "%s" PLACE_NEW, store->place.path);
    int r = connection_open(&copy, path);
    if (r == 0)
        r = connection_run(&copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", doing);
    if (r == 0)
        r = copy_into(store, &copy);
    if (r != 0)
        (void)connection_tell(&store->writer, r, "%s", copy.error);
    connection_close(&copy);
    return r;
}

/* The connections to the new file take the place of the old ones, when all of them are open. */
static int change_over(struct store *store) {
    struct connection writer = {0}, finder = {0};
    struct store_state state;
    int r = store_open_writer(store, &writer);
    if (r == 0)
        r = state_read(&writer, &state);
    if (r == 0)
        r = connection_open_reader(&finder, store->place.path);
    if (r == 0 && (r = place_note(&store->place)) != 0)
        (void)connection_tell(&writer, r, "%s", store->place.error);
    if (r != 0) {
        (void)connection_tell(&store->writer, r, "%s",
                              finder.error[0] ? finder.error : writer.error);
        connection_leave_log(&writer);
        connection_close(&writer);
        connection_close(&finder);
        return r;
    }
    pthread_mutex_lock(&store->finding);
    connection_leave_log(&store->writer);
    connection_close(&store->writer);
    connection_close(&store->finder);
    store->writer = writer;
    store->finder = finder;
    connection_watch(&store->writer, store);
    connection_wait_for_others(&store->finder, true);
    pthread_mutex_unlock(&store->finding);
    store->relaxed = false;
    store->generation++;
    return 0;
}

static int rescue_store(struct store *store) {
    struct place *place = &store->place;
    char why[sizeof place->error], found[PATH_MAX + 96] = "";
    memcpy(why, place->error, sizeof why);
    int r = place_renew(place);
    if (r == 0)
        r = make_copy(store);
    else
        (void)connection_tell(&store->writer, r, "%s; %s", why, place->error);
    if (r != 0)
        return r;
    r = place_put_new(place, found, sizeof found);
    if (r != 0)
        return connection_tell(&store->writer, r, "%s; %s", why, place->error);
    r = change_over(store);
    snprintf(store->rescued, sizeof store->rescued,
             "%.1500s; what the hub still had was put there again%s%.1500s%s", why,
             found[0] ? ", and what was there was renamed " : "", found,
             r != 0 ? "; but it cannot be opened" : "");
    return r;
}

int store_check_place(struct store *store) {
    int r = place_check(&store->place);
    if (r == STORE_GONE)
        r = rescue_store(store);
    else if (r != 0)
        (void)connection_tell(&store->writer, r, "%s", store->place.error);
    return r;
}

const char *store_rescued(struct store *store) {
    static _Thread_local char text[sizeof store->rescued];
    if (!store->rescued[0])
        return NULL;
    memcpy(text, store->rescued, sizeof text);
    store->rescued[0] = '\0';
    return text;
}
