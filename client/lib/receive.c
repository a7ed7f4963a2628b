/* From the mailbox into batches. */
#include <stdlib.h>

#include "lib/link.h"

static struct inbox_batch *new_batch(struct earshot *link) {
    struct inbox_batch *batch = link->spare;
    link->spare = NULL;
    if (!batch)
        batch = malloc(sizeof *batch);
    if (batch)
        batch->item.is_note = false;
    return batch;
}

void receive_recycle(struct earshot *link, struct inbox_batch *batch) {
    if (link->spare)
        free(batch);
    else
        link->spare = batch;
}

/* Whether there is something in it for us; reads the envelope. */
static bool is_ours(struct earshot *link, struct inbox_batch *batch) {
    struct envelope envelope;
    batch->in = cursor_in_of(batch->message.data, batch->n);
    bool valid = envelope_take(&batch->in, &envelope);
    batch->n_frames = envelope.n_frames;
    batch->session = envelope.session;
    batch->absorbed = false;
    if (link->phase == LINK_WELCOME)
        return join_answer(link, batch);
    return valid && envelope.n_frames > 0 && link->phase == LINK_JOINED &&
           envelope.session == link->session;
}

void receive_accept(struct earshot *link, struct inbox_batch *batch, bool to_inbox) {
    bool empty = false;
    if (!is_ours(link, batch) || (to_inbox && absorb_batch(link, batch, &empty) == 0 && empty))
        receive_recycle(link, batch);
    else if (to_inbox || link->current || link->inbox.head)
        inbox_append(&link->inbox, &batch->item);
    else
        link->current = batch;
}

int receive_batch(struct earshot *link, bool wait, bool to_inbox) {
    struct inbox_batch *batch = new_batch(link);
    if (!batch)
        return -ENOMEM;
    int r = queue_receive(link->mailbox, &batch->message, link->pid, &batch->n, wait);
    if (r == QUEUE_OK) {
        receive_accept(link, batch, to_inbox);
        return r;
    }
    receive_recycle(link, batch);
    if (r == QUEUE_GONE || r == QUEUE_DENIED) {
        join_lose(link, "removed our mailbox");
        return QUEUE_GONE;
    }
    return r;
}

/* Called when the hub is lost: nothing else will come into this mailbox. */
void receive_drain(struct earshot *link) {
    struct inbox_batch *batch;
    reader_stop(&link->reader);
    while ((batch = reader_take(&link->reader)))
        receive_accept(link, batch, true);
    while ((batch = new_batch(link))) {
        if (queue_receive(link->mailbox, &batch->message, link->pid, &batch->n, false) != 0) {
            receive_recycle(link, batch);
            return;
        }
        receive_accept(link, batch, true);
    }
}
