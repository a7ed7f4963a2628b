#include "lib/bookmark.h"

bool bookmark_is_known(const struct bookmark *bookmark, uint64_t *after) {
    *after = bookmark->resume > 0 ? bookmark->resume : bookmark->has_begin ? bookmark->begin : 0;
    return bookmark->resume > 0 || bookmark->has_begin;
}

/* What is greater than the newest number speaks of another log; all of this one is new. */
static void bookmark_forget(uint64_t *seq, uint64_t newest) {
    if (*seq > newest)
        *seq = 0;
}

/*
 * What the last hub was told may be lost with it, so this one is told anew. A link that gets no
 * mail goes on, after a reconnect, where it began, if nothing has come meanwhile.
 */
void bookmark_begin(struct bookmark *bookmark, uint64_t newest) {
    if (!bookmark->counts && !bookmark->has_begin) {
        bookmark->has_begin = true;
        bookmark->begin = newest;
    }
    bookmark_forget(&bookmark->begin, newest);
    bookmark_forget(&bookmark->resume, newest);
    if (bookmark->taken > newest)
        bookmark->taken = bookmark->read = 0;
    bookmark->told_taken = bookmark->told_read = 0;
    bookmark->newest = newest;
    bookmark->received = 0;
}

void bookmark_end(struct bookmark *bookmark, uint64_t received) {
    if (received > bookmark->resume)
        bookmark->resume = received;
}

void bookmark_read(struct bookmark *bookmark, uint64_t seq) {
    if (seq > bookmark->read && seq <= bookmark->newest && !bookmark->is_passed)
        bookmark->read = seq;
    if (bookmark->until_read && bookmark->read > bookmark->taken)
        bookmark->taken = bookmark->read;
}

void bookmark_told(struct bookmark *bookmark) {
    bookmark->told_taken = bookmark_next(bookmark);
    bookmark->told_read = bookmark->read;
    bookmark->due = (mono_time){0};
}
