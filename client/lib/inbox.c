#include "lib/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void inbox_append(struct inbox *inbox, struct inbox_item *item) {
    item->next = NULL;
    if (inbox->tail)
        inbox->tail->next = item;
    else
        inbox->head = item;
    inbox->tail = item;
    if (item->is_note)
        inbox->n_notes++;
    else
        inbox->n_batches++;
}

struct inbox_item *inbox_take(struct inbox *inbox) {
    struct inbox_item *item = inbox->head;
    if (!item)
        return NULL;
    inbox->head = item->next;
    if (!inbox->head)
        inbox->tail = NULL;
    if (item->is_note)
        inbox->n_notes--;
    else
        inbox->n_batches--;
    return item;
}

void inbox_deinit(struct inbox *inbox) {
    struct inbox_item *item;
    while ((item = inbox_take(inbox)))
        free(item);
}

struct inbox_note *note_new(enum earshot_event_type type) {
    struct inbox_note *note = calloc(1, sizeof *note);
    if (!note)
        return NULL;
    note->item.is_note = true;
    note->event.type = type;
    return note;
}

void note_set_reason(struct inbox_note *note, struct bytes reason) {
    size_t n = text_cut(reason, sizeof note->reason - 1);
    if (n > 0)
        memcpy(note->reason, reason.data, n);
    note->reason[n] = '\0';
}
