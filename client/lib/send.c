/* Messages: checked, made into frames, kept until they are acknowledged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "lib/check.h"
#include "proto/answer.h"
#include "proto/head.h"
#include "proto/mend.h"
#include "proto/reaction.h"

/* What the frames of a message take besides its text: the first frame's fields, every header. */
#define FIRST_FRAME_BYTES 256
#define PART_FRAME_BYTES 8

#define SEND_AFTER_SIGNAL_MS 1000

_Static_assert((int)EARSHOT_LISTEN == (int)ABILITY_LISTEN && (int)EARSHOT_NEWS == (int)ABILITY_NEWS,
               "the abilities in HELLO are the flags of the options");

#define KNOWN_FLAGS                                                                                \
    (EARSHOT_CORK | EARSHOT_WANT_SEQ | EARSHOT_WANT_RECEIPT | EARSHOT_ACK_NOW | EARSHOT_MAKE_ROOM)

/* A recipient is checked once as long as it stays the same. */
static int check_to(struct earshot *link, const char *to) {
    if (to && link->last_to.n > 0 && strcmp(to, link->last_to_text) == 0)
        return 0;
    link->last_to_text[0] = '\0';
    int r = check_conv(link, to, "the recipient", &link->last_to);
    if (r != 0)
        link->last_to.n = 0;
    else if (to && strlen(to) < sizeof link->last_to_text)
        memcpy(link->last_to_text, to, strlen(to) + 1);
    return r;
}

static bool message_is_binary(const struct earshot_message *message) {
    return body_is_binary((uint8_t)message->kind, (struct bytes){message->text, message->text_n});
}

static int check_body(struct earshot *link, const struct earshot_message *message) {
    if (message->text_n > MESSAGE_TEXT_MAX)
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "the message has %zu bytes; one message may have %d: send it in several, "
                         "or as a file",
                         message->text_n, MESSAGE_TEXT_MAX);
    if (message_is_binary(message))
        return 0;
    return check_text(link, message->text, message->text_n, MESSAGE_TEXT_MAX, "the message");
}

/* What mends a message goes to where that was said, which the hub knows, whoever does not. */
static bool message_mends(const struct earshot_message *message) {
    return mend_is((uint8_t)message->kind);
}

static int check_send(struct earshot *link, const struct earshot_message *message,
                      struct frame_send *send) {
    bool is_anywhere = message_mends(message) && !message->to;
    int r = is_anywhere ? 0 : check_to(link, message->to);
    if (r == 0)
        r = check_body(link, message);
    if (r == 0)
        r = check_flags(link, message->flags, KNOWN_FLAGS, "the message's flags");
    if (r == 0 && message->reply_to)
        r = check_id(link, message->reply_to, "reply_to", &send->reply_to);
    if (r == 0 && message->id)
        r = check_id(link, message->id, "the id", &send->id);
    if (r != 0)
        return r;
    if (!message->id)
        send->id = uuid_next(&link->ids, wall_coarse());
    send->kind = (uint8_t)message->kind;
    send->to = is_anywhere ? bytes_of(MEND_TO) : name_bytes(&link->last_to);
    send->total = (uint32_t)message->text_n;
    return 0;
}

static size_t chunk_bytes(const struct earshot *link) {
    return link->limits.batch - ENVELOPE_BYTES - FRAME_TEXT_RESERVE;
}

static bool send_reserve(struct earshot *link, size_t text_n, struct cursor_out *out) {
    if (!link->pollable && pending_fills_window(&link->pending))
        return false;
    size_t n_parts = text_n / (chunk_bytes(link) - 3) + 1;
    return pending_reserve(&link->pending, text_n + FIRST_FRAME_BYTES + n_parts * PART_FRAME_BYTES,
                           out);
}

/* Nothing here may block; the descriptor tells when there is room. */
static int fail_full(struct earshot *link) {
    int r = outgoing_send(link, OUTGOING_LATER, true);
    if (r < 0)
        return r;
    return link_fail(link, EARSHOT_AGAIN, FAIL_BUSY,
                     "%u messages wait for the hub in %s (PID %d) to acknowledge them; try again "
                     "when it has",
                     link->pending.n_waiting, link->dir, (int)link->hub.pid);
}

/* Takes acknowledgements until there is room. */
static int wait_for_room(struct earshot *link, size_t text_n, struct cursor_out *out) {
    while (!send_reserve(link, text_n, out)) {
        if (link->phase == LINK_ENDED)
            return link->ended;
        int r = link->pollable ? 0 : absorb_all(link);
        if (link->said_bye)
            join_lose(link, "was stopped");
        if (link->is_rejected)
            join_lose(link, "ended the session");
        if (r < 0)
            return r;
        if (send_reserve(link, text_n, out))
            return 0;
        if (link->pollable || inbox_is_full(&link->inbox))
            return fail_full(link);
        r = outgoing_send(link, OUTGOING_BLOCK, true);
        if (r == 0)
            r = wait_step(link, WAIT_FOREVER, true);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Past half of the window the hub is asked now and then, so that the window need not close. */
static uint8_t frame_flags(struct earshot *link, unsigned flags) {
    uint64_t n = link->pending.end - link->pending.first;
    bool ask = pending_is_half_full(&link->pending) && link->pending.end - link->asked_at > n / 4;
    if (ask || (flags & EARSHOT_ACK_NOW))
        link->asked_at = link->pending.end;
    return (uint8_t)((ask || (flags & EARSHOT_ACK_NOW) ? FRAME_ACK_NOW : 0) |
                     (flags & EARSHOT_MAKE_ROOM ? FRAME_MAKE_ROOM : 0) |
                     (flags & EARSHOT_WANT_SEQ ? FRAME_WANT_SEQ : 0) |
                     (flags & EARSHOT_WANT_RECEIPT ? FRAME_WANT_RECEIPT : 0));
}

/* The next piece of the text, cut between code points; sets the flag when more follows. */
static struct bytes send_cut(struct bytes *rest, size_t chunk, uint8_t *flags) {
    struct bytes piece = {rest->data, rest->n <= chunk ? rest->n : text_cut(*rest, chunk)};
    rest->data += piece.n;
    rest->n -= piece.n;
    *flags |= rest->n > 0 ? FRAME_MORE_PARTS : 0;
    return piece;
}

static void send_encode(struct earshot *link, const struct earshot_message *message,
                        const struct frame_send *send, struct cursor_out *out) {
    struct bytes rest = {message->text, message->text_n};
    size_t chunk = chunk_bytes(link);
    struct frame frame;
    frame.type = FRAME_SEND;
    frame.flags = frame_flags(link, message->flags);
    frame.send = *send;
    if (message->id)
        frame.flags |= FRAME_REPEAT;
    frame.send.body = send_cut(&rest, chunk, &frame.flags);
    bool fits = frame_put(out, &frame);
    while (rest.n > 0) {
        struct frame part = {.type = FRAME_PART,
                             .flags = message_is_binary(message) ? FRAME_BINARY : 0};
        part.part.body = send_cut(&rest, chunk, &part.flags);
        fits = frame_put(out, &part) && fits;
    }
    assert(fits);
    pending_commit(&link->pending, &send->id, out);
}

/* Acknowledgements that are there already cost one system call per batch, not a wait later. */
static int peek_acks(struct earshot *link) {
    if (link->pollable || link->phase != LINK_JOINED || !pending_is_half_full(&link->pending) ||
        inbox_is_full(&link->inbox))
        return 0;
    int r = receive_batch(link, CONDUIT_NOW, true);
    return r < 0 ? r : 0;
}

static int send_hand_out(struct earshot *link, bool cork) {
    enum outgoing_policy policy = link->pollable ? OUTGOING_LATER : OUTGOING_BLOCK;
    bool tries = !cork && outgoing_may_try(link), all = tries && outgoing_at_once(link) == policy;
    int r = outgoing_send(link, policy, all);
    if (r == 0 && !all && !cork && outgoing_may_try(link))
        r = outgoing_send(link, outgoing_at_once(link), true);
    return r;
}

/*
 * A signal came while there was no room in the channel, and nobody but this call would hand out the
 * rest: so it waits on; but not for long, for the signal may be there to end the program.
 */
static int send_after_signal(struct earshot *link, bool cork) {
    mono_time until = mono_add_ms(mono_now(), SEND_AFTER_SIGNAL_MS);
    int r = -EINTR;
    while (r == -EINTR && outgoing_is_stranded(link) && mono_now().ns < until.ns)
        r = send_hand_out(link, cork);
    return r;
}

/*
 * Hands out what can be. The message is kept already, so nothing but a fatal error matters: what
 * is not sent now goes with the next batch or, unless it is corked, without any further call.
 */
static int send_dispatch(struct earshot *link, bool cork) {
    uint64_t n_before = link->outgoing.n_batches;
    if (cork && outgoing_gathers(link))
        return 0;
    int r = send_hand_out(link, cork);
    if (r == -EINTR && !cork)
        r = send_after_signal(link, cork);
    if (r >= 0 && link->outgoing.n_batches != n_before)
        r = peek_acks(link);
    if ((r >= 0 || r == -EINTR) && !cork)
        r = outgoing_leave(link);
    return r < 0 && r != -EINTR ? r : 0;
}

/* Whether it is time to look whether the hub lives: the watch does that when it runs. */
static bool should_look(struct earshot *link) {
    if (link->watch.running)
        return watch_has_fired(&link->watch);
    mono_time now = mono_coarse();
    if (now.ns - link->looked_at.ns < LINK_LOOK_MS * NS_PER_MS)
        return false;
    link->looked_at = now;
    return true;
}

/*
 * A program that sends and never takes events should notice a dead hub, and come back, all the
 * same. Nothing here blocks.
 */
static int send_progress(struct earshot *link) {
    int r = 0;
    if (link->phase == LINK_ENDED)
        return link->ended;
    if (link->pollable || inbox_is_full(&link->inbox))
        return 0;
    if (link->phase != LINK_JOINED)
        r = wait_step(link, WAIT_NOT, true);
    else if (should_look(link))
        wait_service(link);
    if (r < 0)
        return r;
    return link->phase == LINK_ENDED ? link->ended : 0;
}

int send_message(struct earshot *link, const struct earshot_message *message,
                 char id[EARSHOT_ID_SIZE]) {
    struct frame_send send = {0};
    struct cursor_out out;
    int r = check_send(link, message, &send);
    if (r == 0)
        r = send_progress(link);
    if (r == 0)
        r = wait_for_room(link, message->text_n, &out);
    if (r != 0)
        return r;
    send_encode(link, message, &send, &out);
    if ((message->flags & EARSHOT_WANT_RECEIPT) && !message_mends(message))
        receipts_want(&link->receipts, &send.id, &link->last_to);
    if (id)
        uuid_format(&send.id, id);
    return send_dispatch(link, (message->flags & EARSHOT_CORK) != 0);
}

static int check_head(struct earshot *link, const struct earshot_message *message) {
    struct bytes title = bytes_of(message->title ? message->title : "");
    if (message->priority < EARSHOT_PRIORITY_MIN || message->priority > EARSHOT_PRIORITY_MAX)
        return check_failed(link, "the priority cannot be %d; it is one of %d to %d",
                            (int)message->priority, EARSHOT_PRIORITY_MIN, EARSHOT_PRIORITY_MAX);
    if (!head_title_is_valid(title))
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "a title is one line of at most %d bytes; write the rest into the text",
                         HEAD_TITLE_MAX);
    return check_text(link, title.data, title.n, HEAD_TITLE_MAX, "the title");
}

/* Whose message is answered becomes a line before the text, if both together fit. */
static int send_answer(struct earshot *link, const struct earshot_message *message,
                       char id[EARSHOT_ID_SIZE]) {
    struct earshot_message whole = *message;
    bool is_told = message->has_author && message->reply_to && !message_mends(message) &&
                   (link->hub_abilities & ABILITY_ANSWERS) &&
                   message->text_n <= MESSAGE_TEXT_MAX - ANSWER_LINE_MAX;
    int r = is_told ? check_body(link, message) : 0;
    if (!is_told || r != 0)
        return is_told ? r : send_message(link, message, id);
    CLEANUP_FREE char *text = malloc(ANSWER_LINE_MAX + message->text_n);
    if (!text)
        return -ENOMEM;
    size_t n = answer_put_author(text, message->author);
    if (message->text_n > 0)
        memcpy(text + n, message->text, message->text_n);
    whole.text = text;
    whole.text_n = n + message->text_n;
    whole.kind = (enum earshot_kind)(whole.kind | KIND_ANSWER);
    return send_message(link, &whole, id);
}

/* The head becomes the first line of the text. */
static int send_headed(struct earshot *link, const struct earshot_message *message,
                       char id[EARSHOT_ID_SIZE]) {
    struct earshot_message whole = *message;
    struct head head = {message->priority, bytes_of(message->title ? message->title : "")};
    int r = check_body(link, message);
    if (r != 0)
        return r;
    CLEANUP_FREE char *text = malloc(HEAD_BYTES_MAX + message->text_n);
    if (!text)
        return -ENOMEM;
    size_t n = head_put(text, &head);
    if (message->text_n > 0)
        memcpy(text + n, message->text, message->text_n);
    whole.text = text;
    whole.text_n = n + message->text_n;
    if (link->hub_takes_heads)
        whole.kind = (enum earshot_kind)(whole.kind | KIND_HEADED);
    return send_answer(link, &whole, id);
}

static int send_with_head(struct earshot *link, const struct earshot_message *message,
                          char id[EARSHOT_ID_SIZE]) {
    bool is_headed = message->priority || (message->title && *message->title);
    if (!is_headed)
        return send_answer(link, message, id);
    int r = check_head(link, message);
    return r == 0 ? send_headed(link, message, id) : r;
}

int earshot_send(earshot *link, const struct earshot_message *message, char id[EARSHOT_ID_SIZE]) {
    int r = check_pointer(link, message, "the message");
    if (r == 0)
        r = check_number(link, message->kind, EARSHOT_NOTICE + 1, "the kind of a message");
    return r == 0 ? send_with_head(link, message, id) : r;
}

/* Not while the link is away, either: another hub may be there when it is back. */
static int check_mend(struct earshot *link, const char *target,
                      const struct earshot_message *message) {
    struct uuid id;
    int r = check_pointer(link, message, "the message");
    if (r == 0)
        r = check_id(link, target, "the id of the message that is meant", &id);
    if (r != 0 || link->hub_takes_mends)
        return r;
    return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                     "the hub in %s is older, and lets nothing be edited or removed; restart it "
                     "with a newer earshotd",
                     link->dir);
}

int earshot_edit(earshot *link, const char *target, const struct earshot_message *message,
                 char id[EARSHOT_ID_SIZE]) {
    int r = check_mend(link, target, message);
    if (r != 0)
        return r;
    struct earshot_message edit = *message;
    edit.kind = (enum earshot_kind)KIND_EDIT;
    edit.reply_to = target;
    return send_with_head(link, &edit, id);
}

int earshot_remove(earshot *link, const char *target, uid_t author,
                   const struct earshot_message *message, char id[EARSHOT_ID_SIZE]) {
    char body[MEND_REMOVE_MAX];
    int r = check_mend(link, target, message);
    if (r == 0)
        r = check_text(link, message->text, message->text_n, EARSHOT_REMOVAL_MAX, "the reason");
    if (r != 0)
        return r;
    struct earshot_message removal = {.to = message->to,
                                      .kind = (enum earshot_kind)KIND_REMOVE,
                                      .text = body,
                                      .id = message->id,
                                      .reply_to = target,
                                      .flags = message->flags};
    removal.text_n =
        mend_removal_put(body, &(struct mend_removal){author, {message->text, message->text_n}});
    return send_message(link, &removal, id);
}

/* NULL: the text is no emoji, which was told. */
static const char *check_emoji(struct earshot *link, const struct earshot_message *message) {
    char text[64] = "";
    if (message->text && message->text_n > 0 && message->text_n < sizeof text)
        memcpy(text, message->text, message->text_n);
    const char *emoji = earshot_emoji(text);
    if (emoji == text)
        return message->text;
    if (!emoji)
        link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                  "a reaction is one emoji, or the name of one such as :+1: or :tada:; \"%s\" is "
                  "none. Write anything else as a reply",
                  text);
    return emoji;
}

int earshot_react(earshot *link, const char *target, uid_t author, bool on,
                  const struct earshot_message *message, char id[EARSHOT_ID_SIZE]) {
    char body[REACTION_BODY_MAX];
    struct uuid uuid;
    int r = check_pointer(link, message, "the message");
    if (r == 0)
        r = check_id(link, target, "the id of the message that is meant", &uuid);
    const char *emoji = r == 0 ? check_emoji(link, message) : NULL;
    if (!emoji)
        return r == 0 ? EARSHOT_BAD_TEXT : r;
    if (!(link->hub_abilities & ABILITY_REACTS))
        return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                         "the hub in %s is older, and knows no reactions; restart it with a newer "
                         "earshotd",
                         link->dir);
    struct reaction reaction = {author, on, {emoji, message->text_n}};
    if (emoji != message->text)
        reaction.emoji = bytes_of(emoji);
    struct earshot_message react = {.to = message->to,
                                    .kind = (enum earshot_kind)KIND_REACT,
                                    .text = body,
                                    .text_n = reaction_put(body, &reaction),
                                    .id = message->id,
                                    .reply_to = target,
                                    .flags = message->flags};
    return send_message(link, &react, id);
}

static int flush_later(struct earshot *link) {
    int r = outgoing_send(link, OUTGOING_LATER, true);
    if (r != 0 || !(link->writer.given || outgoing_has_frames(link)))
        return r;
    return EARSHOT_AGAIN;
}

int earshot_flush(earshot *link) {
    int r = check_pointer(link, link, "the link");
    if (r == 0)
        r = send_progress(link);
    while (r == 0 && (outgoing_has_frames(link) || link->writer.given)) {
        if (link->phase == LINK_ENDED)
            return link->ended;
        if (link->pollable)
            return flush_later(link);
        if (link->phase != LINK_JOINED && inbox_is_full(&link->inbox))
            return link_fail(link, EARSHOT_AGAIN, FAIL_BUSY,
                             "events wait: take them with earshot_next() before the next flush");
        if (link->phase != LINK_JOINED)
            r = wait_step(link, WAIT_FOREVER, true);
        else if (link->writer.given)
            r = outgoing_wait(link);
        else
            r = outgoing_send(link, OUTGOING_BLOCK, true);
    }
    return r;
}

size_t earshot_n_unacknowledged(const earshot *link) {
    return link ? link->pending.n_waiting : 0;
}

bool earshot_is_waiting(const earshot *link) {
    return link && link->phase == LINK_JOINED &&
           (link->writer.given || (link->outgoing.lane_full && outgoing_has_frames(link)));
}

int earshot_mark_read(earshot *link, const struct earshot_event *event) {
    struct frame frame = {.type = FRAME_RECEIPT};
    struct name conv;
    int r = check_message(link, event, false);
    if (r != 0)
        return r;
    if (link->phase == LINK_ENDED)
        return link->ended;
    if (event_is_message(event))
        bookmark_read(&link->bookmark, event->message.seq);
    if (event_is_message(event) && event->message.conv &&
        name_parse(&conv, bytes_of(event->message.conv)) == NAME_OK)
        taken_note_seen(link, &conv, event->message.seq);
    if (link->phase != LINK_JOINED || event->type != EARSHOT_EVENT_MESSAGE ||
        !event->message.wants_receipt || event->message.file ||
        !uuid_from_text(&frame.receipt.id, event->message.id))
        return 0;
    frame.receipt.state = STATE_READ;
    frame.receipt.link = event->message.link;
    frame.receipt.uid = event->message.uid;
    if (outgoing_control(link, &frame))
        return 0;
    return link_fail(link, EARSHOT_AGAIN, FAIL_BUSY,
                     "too many receipts wait for the hub in %s; try again later", link->dir);
}
