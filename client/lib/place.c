#include "lib/place.h"

bool place_is_known(const struct place *place, uint64_t *after) {
    *after = place->resume > 0 ? place->resume : place->has_begin ? place->begin : 0;
    return place->resume > 0 || place->has_begin;
}

/* What is greater than the newest number speaks of another log; all of this one is new. */
static void place_forget(uint64_t *seq, uint64_t newest) {
    if (*seq > newest)
        *seq = 0;
}

/*
 * What the last hub was told may be lost with it, so this one is told anew. A link that gets no
 * mail goes on, after a reconnect, where it began, if nothing has come meanwhile.
 */
void place_begin(struct place *place, uint64_t newest) {
    if (!place->counts && !place->has_begin) {
        place->has_begin = true;
        place->begin = newest;
    }
    place_forget(&place->begin, newest);
    place_forget(&place->resume, newest);
    if (place->taken > newest)
        place->taken = place->read = 0;
    place->told_taken = place->told_read = 0;
    place->newest = newest;
    place->received = 0;
}

void place_end(struct place *place, uint64_t received) {
    if (received > place->resume)
        place->resume = received;
}

void place_read(struct place *place, uint64_t seq) {
    if (seq > place->read && seq <= place->newest && !place->is_passed)
        place->read = seq;
}

void place_told(struct place *place) {
    place->told_taken = place->taken;
    place->told_read = place->read;
    place->due = (mono_time){0};
}
