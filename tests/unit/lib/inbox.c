#include "lib/inbox.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct inbox inbox;

static void teardown(void) {
    inbox_deinit(&inbox);
}

TestSuite(inbox, .fini = teardown);

static void append_batch(void) {
    struct inbox_batch *batch = calloc(1, sizeof *batch);
    cr_assert_not_null(batch);
    inbox_append(&inbox, &batch->item);
}

static void append_note(enum earshot_event_type type) {
    struct inbox_note *note = note_new(type);
    cr_assert_not_null(note);
    inbox_append(&inbox, &note->item);
}

Test(inbox, 01_batches_and_notes_keep_their_order) {
    append_note(EARSHOT_EVENT_LOST);
    append_batch();
    append_note(EARSHOT_EVENT_BACK);
    const bool is_note[] = {true, false, true};
    for (int i = 0; i < 3; i++) {
        struct inbox_item *item = inbox_take(&inbox);
        cr_assert_not_null(item);
        cr_assert_eq(item->is_note, is_note[i]);
        free(item);
    }
    cr_assert_null(inbox_take(&inbox));
    append_batch();
    cr_assert_eq(inbox.n_batches, 1);
    cr_assert_eq(inbox.n_notes, 0);
}

Test(inbox, 02_it_is_full_at_its_bounds) {
    for (int i = 0; i < INBOX_BATCHES_MAX; i++) {
        cr_assert_not(inbox_is_full(&inbox));
        append_batch();
    }
    cr_assert(inbox_is_full(&inbox));
    free(inbox_take(&inbox));
    cr_assert_not(inbox_is_full(&inbox));
}

Test(inbox, 03_a_long_reason_is_cut_between_characters) {
    static char reason[2 * NOTE_REASON_SIZE];
    for (size_t i = 0; i + 1 < sizeof reason; i += 2)
        memcpy(reason + i, "\xc3\xa4", 2);
    struct inbox_note *note = note_new(EARSHOT_EVENT_REFUSED);
    cr_assert_not_null(note);
    note_set_reason(note, (struct bytes){reason, sizeof reason});
    cr_assert_eq(strlen(note->reason), NOTE_REASON_SIZE - 2);
    free(note);
}
