/*
 * Where messages go: to all listening sessions of the recipient and of the sender (except the one
 * that sent it), or to all that listen in a room (except that one).
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/text.h"
#include "core/internal.h"

/* A whole message on its way in. */
struct incoming {
    const struct uuid *id, *reply_to;
    uint8_t kind, flags; /* flags of the SEND frame */
    struct bytes to, text;
};

struct target {
    struct handle *handle; /* or */
    struct room *room;
};

static void refuse(struct core *core, struct session *session, const struct uuid *id,
                   enum fail_code code, const char *reason) {
    core->counters.refused++;
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_REFUSED, .refused = {*id, (uint16_t)code, bytes_of(reason)}});
}

/* Finding the target. Most messages go where the one before went, so that is looked at first. */

static bool recall(const struct core *core, const struct session *session, struct bytes to,
                   struct target *target) {
    if (session->last_epoch != core->epoch || !bytes_equal(name_bytes(&session->last_to), to))
        return false;
    *target = (struct target){session->last_handle, session->last_room};
    return target->handle || target->room;
}

static void remember(const struct core *core, struct session *session, struct bytes to,
                     const struct target *target) {
    session->last_epoch = core->epoch;
    session->last_to.n = (uint8_t)to.n;
    memcpy(session->last_to.s, to.data, to.n);
    session->last_handle = target->handle;
    session->last_room = target->room;
}

static enum fail_code find_target(struct core *core, struct session *session, struct bytes to,
                                  struct target *target) {
    struct name name, key;
    if (recall(core, session, to, target))
        return FAIL_NONE;
    if (name_parse(&name, to) != NAME_OK)
        return FAIL_BAD_NAME;
    name_key(&key, &name);
    *target = (struct target){0};
    if (name_is_room(&name))
        target->room = room_find(core, &key);
    else
        target->handle = handle_find(core, &key);
    if (!target->room && !target->handle)
        return name_is_room(&name) ? FAIL_NO_ROOM : FAIL_NO_USER;
    remember(core, session, to, target);
    return FAIL_NONE;
}

/* What follows the name in the sentence that the sender reads. */
static const char *target_problem(enum fail_code code) {
    switch (code) {
    case FAIL_NO_ROOM:
        return "does not exist; somebody must join it first";
    case FAIL_NO_USER:
        return "is nobody's handle; `earshot who` shows who is here";
    case FAIL_NOT_HERE:
        return "is not here now; try again when `earshot who` shows the handle";
    case FAIL_BUSY:
        return "does not read now, and no more can wait; try again later";
    default:
        return "is neither a handle nor a room";
    }
}

static void refuse_target(struct core *core, struct session *session, const struct incoming *in,
                          enum fail_code code) {
    char reason[256];
    snprintf(reason, sizeof reason, "%.*s %s", (int)in->to.n, in->to.data, target_problem(code));
    refuse(core, session, in->id, code, reason);
}

/* Delivering. */

/* A message as frames, encoded once for all recipients. */
struct encoded {
    uint8_t *frames;
    size_t n;
    size_t n_recipients;
    size_t n_missed;
};

/* Room for the parts of the longest text. */
#define ENCODED_MAX (MESSAGE_TEXT_MAX + (size_t)64 * (BATCH_BYTES_MIN))

static size_t part_bytes(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_TEXT_RESERVE;
}

static void encode_message(struct core *core, const struct session *session,
                           const struct incoming *in, const struct name *to,
                           struct encoded *encoded) {
    static _Thread_local uint8_t scratch[ENCODED_MAX];
    struct cursor_out out = cursor_out_of(scratch, sizeof scratch);
    size_t part = text_cut(in->text, part_bytes(core)), at = part;
    struct frame frame = {.type = FRAME_MESSAGE,
                          .flags = (uint8_t)((in->flags & FRAME_WANT_RECEIPT) |
                                             (part < in->text.n ? FRAME_MORE_PARTS : 0)),
                          .message = {.seq = core->seq,
                                      .id = *in->id,
                                      .at_ms = (uint64_t)core->wall.ms,
                                      .kind = in->kind,
                                      .uid = session->user->uid,
                                      .from = name_bytes(&session->handle->name),
                                      .to = name_bytes(to),
                                      .origin = session->slot,
                                      .reply_to = *in->reply_to,
                                      .total = (uint32_t)in->text.n,
                                      .body = {in->text.data, part}}};
    bool fits = frame_put(&out, &frame);
    while (at < in->text.n && fits) {
        struct bytes rest = {in->text.data + at, in->text.n - at};
        part = text_cut(rest, part_bytes(core));
        at += part;
        frame = (struct frame){.type = FRAME_PART,
                               .flags = at < in->text.n ? FRAME_MORE_PARTS : 0,
                               .part = {{rest.data, part}}};
        fits = frame_put(&out, &frame);
    }
    assert(fits);
    *encoded = (struct encoded){.frames = scratch, .n = cursor_out_used(&out)};
}

/* Appends all frames or, when the first does not fit any more, none. */
static void deliver(struct core *core, struct session *to, struct encoded *encoded) {
    struct outbox_address address = {to->number, to->pid, core->config.batch};
    if (!outbox_takes_messages(&to->outbox)) {
        to->n_missed++;
        encoded->n_missed++;
        return;
    }
    if (outbox_append(&to->outbox, &core->pool, &address, encoded->frames, encoded->n) < 0) {
        to->n_missed++; /* the reader drops a message whose parts end early */
        encoded->n_missed++;
        return;
    }
    encoded->n_recipients++;
    session_touch(core, to);
}

static void deliver_to_handle(struct core *core, struct handle *handle,
                              const struct session *except, struct encoded *encoded) {
    struct session *session;
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        if ((session->abilities & ABILITY_LISTEN) && session != except)
            deliver(core, session, encoded);
    }
}

static bool can_take(const struct handle *handle) {
    const struct session *session;
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        if ((session->abilities & ABILITY_LISTEN) && outbox_takes_messages(&session->outbox))
            return true;
    }
    return false;
}

static enum fail_code route_direct(struct core *core, struct session *session,
                                   struct handle *handle, const struct incoming *in,
                                   struct encoded *encoded) {
    run_close(core); /* it takes room in the outboxes */
    if (handle->n_listening == 0)
        return FAIL_NOT_HERE;
    if (!can_take(handle))
        return FAIL_BUSY;
    core->seq++;
    encode_message(core, session, in, &handle->name, encoded);
    deliver_to_handle(core, handle, session, encoded);
    if (handle != session->handle) {
        size_t n_missed = encoded->n_missed;
        deliver_to_handle(core, session->handle, session, encoded);
        encoded->n_missed = n_missed; /* the sender's own laggards are no news to the sender */
    }
    return FAIL_NONE;
}

static void route_room(struct core *core, struct session *session, struct room *room,
                       const struct incoming *in, struct encoded *encoded) {
    core->seq++;
    encode_message(core, session, in, &room->name, encoded);
    struct bytes frames = {(const char *)encoded->frames, encoded->n};
    if (run_add(core, session, room, &frames))
        return;
    run_close(core);
    for (unsigned i = 0; i < room->n_listeners; i++)
        if (room->listeners[i] != session)
            deliver(core, room->listeners[i], encoded);
}

/*
 * A sender's own ids ascend, and it says so when it repeats one (after a reconnection, or because
 * a program chose the id); whoever lies doubles only his own messages.
 */
static bool may_be_known(struct session *session, const struct incoming *in) {
    bool ascends = memcmp(in->id->b, session->last_id.b, sizeof in->id->b) > 0;
    if (ascends)
        session->last_id = *in->id;
    return !ascends || (in->flags & FRAME_REPEAT);
}

static void route(struct core *core, struct session *session, const struct incoming *in) {
    struct target target;
    struct encoded encoded = {0};
    uint64_t seq = may_be_known(session, in) ? recent_find(&session->user->recent, in->id) : 0;
    if (seq) { /* sent again: it was routed before */
        ack_stored(core, session, in->id, seq, in->flags);
        return;
    }
    enum fail_code code = find_target(core, session, in->to, &target);
    if (code == FAIL_NONE && target.handle)
        code = route_direct(core, session, target.handle, in, &encoded);
    else if (code == FAIL_NONE)
        route_room(core, session, target.room, in, &encoded);
    if (code != FAIL_NONE) {
        refuse_target(core, session, in, code);
        return;
    }
    core->counters.messages++;
    core->counters.deliveries += encoded.n_recipients;
    core->counters.missed += encoded.n_missed;
    core_charge(core, session->user, encoded.n * (1 + encoded.n_recipients));
    /* Out of memory: only a repeat within one hub's life would show it. */
    (void)recent_note(&session->user->recent, in->id, core->seq);
    ack_stored(core, session, in->id, core->seq, in->flags);
}

/* Frames in. */

void route_drop_assembly(struct session *session) {
    free(session->assembly);
    session->assembly = NULL;
}

static void begin_assembly(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_send *send = &frame->send;
    struct assembly *assembly = malloc(sizeof *assembly + send->total);
    if (!assembly) {
        refuse(core, session, &send->id, FAIL_LIMIT, "the hub is out of memory; try again later");
        return;
    }
    *assembly = (struct assembly){.id = send->id,
                                  .reply_to = send->reply_to,
                                  .kind = send->kind,
                                  .flags = frame->flags,
                                  .total = send->total,
                                  .n = (uint32_t)send->body.n};
    assembly->to.n = (uint8_t)send->to.n;
    memcpy(assembly->to.s, send->to.data, send->to.n);
    memcpy(assembly->text, send->body.data, send->body.n);
    session->assembly = assembly;
}

void route_send(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_send *send = &frame->send;
    route_drop_assembly(session); /* its sender began anew */
    if (frame->flags & FRAME_MORE_PARTS) {
        begin_assembly(core, session, frame);
        return;
    }
    route(core, session,
          &(struct incoming){&send->id, &send->reply_to, send->kind, frame->flags, send->to,
                             send->body});
}

void route_part(struct core *core, struct session *session, const struct frame *frame) {
    struct assembly *assembly = session->assembly;
    struct bytes body = frame->part.body;
    bool last = !(frame->flags & FRAME_MORE_PARTS);
    if (!assembly) {
        core->broken_rule = "a part of a message without its beginning";
        return;
    }
    if (body.n > assembly->total - assembly->n ||
        last != (assembly->n + body.n == assembly->total)) {
        core->broken_rule = "parts that do not add up";
        refuse(core, session, &assembly->id, FAIL_BAD_TEXT,
               "its parts do not add up to the length that was announced");
        route_drop_assembly(session);
        return;
    }
    memcpy(assembly->text + assembly->n, body.data, body.n);
    assembly->n += (uint32_t)body.n;
    if (!last)
        return;
    session->assembly = NULL;
    route(core, session,
          &(struct incoming){&assembly->id,
                             &assembly->reply_to,
                             assembly->kind,
                             assembly->flags,
                             name_bytes(&assembly->to),
                             {assembly->text, assembly->n}});
    free(assembly);
}

/*
 * A receipt goes to the session that sent the message, under the name of whoever sends the
 * receipt. It is that client who knows whether the message and its recipient are its own.
 */
void route_receipt(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_receipt *receipt = &frame->receipt;
    if (receipt->origin >= core->n_slots)
        return;
    struct session *sender = core->slots[receipt->origin];
    if (!sender || sender->dead || !outbox_takes_messages(&sender->outbox))
        return;
    session_answer(core, sender,
                   &(struct frame){
                       .type = FRAME_STATE,
                       .state = {receipt->id, receipt->state, name_bytes(&session->handle->name)}});
}
