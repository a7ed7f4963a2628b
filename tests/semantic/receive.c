/* What comes to a client: each frame must be one that it may get, and one that was to be expected.
 */
#include <string.h>

#include "base/base64.h"
#include "proto/answer.h"
#include "proto/line.h"
#include "semantic/semantic.h"

/* Messages. */

static void receive_whole(struct client *client) {
    struct incoming_parts *in = &client->in;
    in->on = false;
    if (in->is_base64) {
        MUST(in->n == in->total && in->n_quartet == 0);
        in->n = in->total = in->n_decoded;
    }
    if (!in->is_past) {
        /* each once, in the order in which they were taken */
        MUST(in->seq > client->last_seq || client->n_nicks > 0);
        client->last_seq = in->seq;
    }
    book_heard(client, in);
}

/* What the hub tells of a reply stands before its text, to who takes that. */
static struct bytes receive_answer_line(struct client *client, struct bytes body) {
    struct incoming_parts *in = &client->in;
    struct answer answer;
    size_t n = body.n;
    if (!(in->kind & KIND_ANSWER))
        return body;
    MUST((client->abilities & ABILITY_TOLD) && (client->abilities & ABILITY_ANSWERS));
    MUST(answer_take(&answer, &body));
    MUST(!uuid_is_nil(&in->reply_to) && n - body.n <= in->total);
    in->kind &= (uint8_t)~KIND_ANSWER;
    in->total -= (uint32_t)(n - body.n);
    return body;
}

/* The first part of a file: texts that are sent begin with a small letter. */
static void receive_form(struct client *client, struct bytes body) {
    struct incoming_parts *in = &client->in;
    in->is_binary = body_is_binary(in->kind, body);
    in->is_base64 = in->kind == KIND_FILE && body.n > 0 && body.data[0] == 'A';
    MUST(!(in->kind & KIND_HEADED) || (client->abilities & ABILITY_HEADS));
    MUST(!in->is_binary || (client->abilities & ABILITY_FILES));
    MUST(!in->is_base64 || !(client->abilities & ABILITY_FILES) ||
         !(client->abilities & ABILITY_LINES));
}

/* It is to be what was sent. */
static void receive_base64(struct incoming_parts *in, struct bytes body) {
    char decoded[4];
    for (size_t i = 0; i < body.n; i++) {
        in->quartet[in->n_quartet++] = body.data[i];
        if (in->n_quartet < 4)
            continue;
        size_t n = base64_decode(decoded, (struct bytes){in->quartet, 4});
        MUST(n <= 3);
        in->hash = book_hash(in->hash, (struct bytes){decoded, n});
        in->n_decoded += (uint32_t)n;
        in->n_quartet = 0;
    }
}

static void receive_body(struct client *client, struct bytes body, bool has_more) {
    if (client->in.is_base64)
        receive_base64(&client->in, body);
    else
        client->in.hash = book_hash(client->in.hash, body);
    client->in.n += (uint32_t)body.n;
    MUST(client->in.n <= client->in.total);
    MUST(has_more == (client->in.n < client->in.total));
    client->in.on = has_more;
    if (!has_more)
        receive_whole(client);
}

static void receive_message(struct client *client, const struct frame *frame) {
    const struct frame_message *message = &frame->message;
    MUST(!client->in.on); /* no other body between the parts of one */
    client->in = (struct incoming_parts){.uid = message->uid,
                                         .id = message->id,
                                         .reply_to = message->reply_to,
                                         .seq = message->seq,
                                         .total = message->total,
                                         .from = book_index(message->from),
                                         .to = book_index(message->to),
                                         .kind = message->kind};
    struct bytes body = receive_answer_line(client, message->body);
    receive_form(client, body);
    receive_body(client, body, frame->flags & FRAME_MORE_PARTS);
}

static void receive_line(struct client *client, const struct frame_origin *origin,
                         const struct frame *frame) {
    struct frame message = {.type = FRAME_MESSAGE, .flags = frame->flags};
    MUST(origin->from.n > 0 && (client->abilities & ABILITY_LINES));
    line_to_message(origin, &frame->line, &message.message);
    receive_message(client, &message);
}

/* Answers to requests. */

static void receive_about(const struct client *client, uint32_t request) {
    MUST(client->asked[request % N_ASKED_MAX].is_open &&
         client->asked[request % N_ASKED_MAX].request == request);
}

static void receive_answer(struct client *client, uint32_t request) {
    receive_about(client, request);
    client->asked[request % N_ASKED_MAX].is_open = false;
    if (!client->asked[request % N_ASKED_MAX].is_nick)
        return;
    client->n_nicks--;
    client->last_seq = 0;
}

static void receive_past(struct client *client, const struct frame *frame) {
    const struct frame_past *past = &frame->past;
    receive_about(client, past->request);
    MUST(!client->in.on);
    client->in = (struct incoming_parts){.is_past = true,
                                         .uid = past->uid,
                                         .id = past->id,
                                         .reply_to = past->reply_to,
                                         .seq = past->seq,
                                         .total = past->total,
                                         .from = book_index(past->from),
                                         .to = book_index(past->to),
                                         .kind = past->kind};
    struct bytes body = receive_answer_line(client, past->body);
    receive_form(client, body);
    receive_body(client, body, frame->flags & FRAME_MORE_PARTS);
}

/* Answers to messages. */

static uint64_t sent_first(const struct client *client) {
    return client->n_sent > N_SENT_MAX ? client->n_sent - N_SENT_MAX : 0;
}

/*
 * The earliest with this id that waits, else one that may. Where an id was sent again meanwhile it
 * cannot be told which of them was answered.
 */
static struct sent *sent_waiting(struct client *client, const struct uuid *id) {
    struct sent *found = NULL;
    for (uint64_t i = sent_first(client); i < client->n_sent; i++) {
        struct sent *sent = &client->sent[i % N_SENT_MAX];
        if (!uuid_equal(&sent->id, id) || sent->state > SENT_MAYBE)
            continue;
        if (!found || (found->state == SENT_MAYBE && sent->state == SENT_OPEN))
            found = sent;
        else if (sent->state == SENT_OPEN)
            sent->state = SENT_MAYBE;
    }
    return found;
}

static bool sent_ever(const struct client *client, const struct uuid *id) {
    for (uint64_t i = sent_first(client); i < client->n_sent; i++)
        if (uuid_equal(&client->sent[i % N_SENT_MAX].id, id))
            return true;
    return client->n_sent > N_SENT_MAX; /* it may have been before these */
}

/* Up to the id; where that was sent again, what lies between may be covered, or not. */
static void receive_ack_upto(struct client *client, const struct uuid *id) {
    bool is_sure = true;
    uint64_t first = client->n_sent, last = 0;
    for (uint64_t i = sent_first(client); i < client->n_sent; i++)
        if (uuid_equal(&client->sent[i % N_SENT_MAX].id, id)) {
            first = i < first ? i : first;
            last = i;
        }
    is_sure = first == last;
    for (uint64_t i = sent_first(client); i <= last && first < client->n_sent; i++) {
        struct sent *sent = &client->sent[i % N_SENT_MAX];
        MUST(sent->state != SENT_OPEN || !sent->must_fail || i > first ||
             client->n_sent > N_SENT_MAX);
        if (sent->state == SENT_OPEN)
            sent->state = is_sure || i <= first ? SENT_ACKED : SENT_MAYBE;
    }
}

static void receive_ack(struct client *client, const struct frame *frame) {
    MUST(sent_ever(client, &frame->ack.id));
    if (frame->flags & FRAME_UP_TO) {
        receive_ack_upto(client, &frame->ack.id);
        return;
    }
    struct sent *sent = sent_waiting(client, &frame->ack.id);
    MUST(!sent || !sent->must_fail);
    if (sent)
        sent->state = SENT_ACKED;
}

static void receive_refused(struct client *client, const struct frame *frame) {
    struct sent *sent = sent_waiting(client, &frame->refused.id);
    MUST(frame->refused.reason.n > 0);
    MUST(sent || client->has_forgotten); /* neither acknowledged nor refused before */
    if (sent)
        sent->state = SENT_REFUSED;
}

/* Frames. */

/* The number of the request that a line of an answer is for; NULL: it is none. */
static const uint32_t *receive_line_of(const struct frame *frame) {
    switch (frame->type) {
    case FRAME_USER:
        return &frame->user.request;
    case FRAME_ROOM:
        return &frame->room.request;
    case FRAME_ABOUT:
        return &frame->about.request;
    case FRAME_COUNTER:
        return &frame->counter.request;
    case FRAME_OBJECT:
        return &frame->object.request;
    case FRAME_PINNED:
        return &frame->pinned.request;
    default:
        return NULL;
    }
}

static void receive_frame(struct client *client, const struct frame *frame) {
    MUST(client->welcomed || frame->type == FRAME_WELCOME || frame->type == FRAME_GATE ||
         frame->type == FRAME_TAKES);
    switch (frame->type) {
    case FRAME_WELCOME:
        MUST(!client->welcomed);
        client->welcomed = true;
        break;
    case FRAME_GATE:
        MUST(client->abilities & ABILITY_GATE);
        break;
    case FRAME_TAKES:
        MUST(!client->welcomed && (client->abilities & ABILITY_TOLD));
        break;
    case FRAME_MESSAGE:
        receive_message(client, frame);
        break;
    case FRAME_PAST:
        receive_past(client, frame);
        break;
    case FRAME_PART:
        MUST(client->in.on);
        MUST(client->in.is_binary == ((frame->flags & FRAME_BINARY) != 0));
        receive_body(client, frame->part.body, frame->flags & FRAME_MORE_PARTS);
        break;
    case FRAME_ACK:
        receive_ack(client, frame);
        break;
    case FRAME_REFUSED:
        receive_refused(client, frame);
        break;
    case FRAME_DONE:
        receive_answer(client, frame->done.request);
        break;
    case FRAME_FAIL:
        MUST(frame->fail.reason.n > 0 && frame->fail.code != FAIL_NONE);
        if ((client->is_condemned && frame->fail.code == FAIL_BAD_FRAME) ||
            frame->fail.request == CLAIM_REQUEST)
            break;
        receive_answer(client, frame->fail.request);
        break;
    case FRAME_NEWS:
        MUST(client->abilities & (frame->news.what == NEWS_NAMED ? ABILITY_NAMED : ABILITY_NEWS));
        MUST(frame->news.what != NEWS_PINS || (client->abilities & ABILITY_PINS));
        break;
    case FRAME_MORE:
        client->owes_ready = true;
        break;
    default:
        if (receive_line_of(frame))
            receive_about(client, *receive_line_of(frame));
        break;
    }
}

void receive_batch(struct client *client, const struct chunk *chunk) {
    struct queue_message scratch;
    const struct queue_message *message = chunk_message(chunk, &scratch);
    struct cursor_in in = cursor_in_of(message->data, chunk->n);
    struct frame_origin origin = {0};
    struct envelope envelope;
    MUST(message->mtype == client->pid && chunk->n <= core.config.batch);
    MUST(envelope_take(&in, &envelope) && envelope.session == client->number);
    for (unsigned i = 0; i < envelope.n_frames; i++) {
        struct frame frame;
        MUST(frame_take(&in, &frame, FROM_HUB) == FRAME_OK);
        if (frame.type == FRAME_ORIGIN)
            origin = frame.origin;
        else if (frame.type == FRAME_LINE)
            receive_line(client, &origin, &frame);
        else
            receive_frame(client, &frame);
    }
    MUST(cursor_in_left(&in) == 0);
}
