/*
 * Names that the hub looks up in the user database: of recipients that are nobody's handles, and of
 * others that somebody wants to be called. Who asks for hundreds of them at once is read so slowly
 * that it is not asked more often than it may be.
 */
#include <stdio.h>

#include "harness/check.h"
#include "harness/raw.h"
#include "harness/stage.h"
#include "harness/user.h"

#define WAIT_MS 60000
#define NAMES 500 /* more than may be looked up at once, and not too many to wait for */

static struct stage stage;

static void fill_send(struct frame *frame, unsigned i) {
    static char name[32];
    snprintf(name, sizeof name, "zz-nobody%u", i);
    raw_fill_send(frame, name, "x");
}

/* A name that she never gets, so that her handles are not used up. */
static void fill_nick(struct frame *frame, unsigned i) {
    *frame = (struct frame){.type = FRAME_NICK, .nick = {100 + i, bytes_of("root")}};
}

static bool send_all(struct raw *raw, void (*fill)(struct frame *frame, unsigned i)) {
    struct raw_batch batch;
    struct frame frame;
    raw_batch_start(&batch, raw->session);
    for (unsigned i = 0; i < NAMES; i++) {
        fill(&frame, i);
        if (raw_batch_add(&batch, &frame))
            continue;
        if (raw_batch_go(raw, &batch) != QUEUE_OK)
            return false;
        raw_batch_start(&batch, raw->session);
        (void)raw_batch_add(&batch, &frame);
    }
    return raw_batch_go(raw, &batch) == QUEUE_OK;
}

/* Behind the last of them: so many are not worn off. */
static int flood_with(void (*fill)(struct frame *frame, unsigned i)) {
    struct raw raw;
    struct frame frame = {.type = FRAME_LIST, .list = {1, LIST_COUNTERS, bytes_of("")}};
    uint64_t used = 0, limit = 0;
    unsigned n_refused = 0;
    if (raw_join(&raw, stage.dir, user_handle(), 0) != RAW_WELCOME || !send_all(&raw, fill) ||
        raw_send(&raw, &frame) != QUEUE_OK)
        return 2;
    while (raw_next(&raw, &frame, WAIT_MS) == QUEUE_OK && frame.type != FRAME_DONE) {
        n_refused += frame.type == FRAME_REFUSED || frame.type == FRAME_FAIL;
        if (frame.type != FRAME_COUNTER)
            continue;
        if (bytes_equal(frame.counter.key, bytes_of("account_lookups")))
            used = frame.counter.value;
        if (bytes_equal(frame.counter.key, bytes_of("limit_lookups")))
            limit = frame.counter.value;
    }
    check_note("%u refused; %llu look-ups, and %llu may be", n_refused, (unsigned long long)used,
               (unsigned long long)limit);
    raw_leave(&raw);
    return n_refused == NAMES && used > 0 && used <= limit + 1 ? 0 : 1;
}

static int flood_of_recipients(void *arg) {
    (void)arg;
    return flood_with(fill_send);
}

static int flood_of_nicks(void *arg) {
    (void)arg;
    return flood_with(fill_nick);
}

int main(void) {
    check_begin();
    user_need_root();
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    check(user_run(UID_MALLORY, flood_of_recipients, NULL, WAIT_MS) == 0,
          "recipients: the database is not asked more often than it may be");
    check(user_run(UID_ALICE, flood_of_nicks, NULL, WAIT_MS) == 0, "handles: nor for these");
    return stage_end(&stage);
}
