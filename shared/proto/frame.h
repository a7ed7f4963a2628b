/*
 * The wire protocol, version 1.
 *
 * A System V message (a batch) is an envelope followed by frames:
 *
 *   envelope   u8 version | u8 flags (0) | u16 n_frames | u64 session
 *   frame      u16 length of the whole frame | u8 type | u8 flags | fields
 *
 * The session number is a secret between the hub and one client; 0 before there is a session.
 * Each frame type is one row of FRAME_TYPES and one list of fields; structures, encoders and
 * decoders are generated from these, so that a field cannot be written in one way and read in
 * another. A decoder accepts a frame only if every field is within its bounds, every text is
 * valid UTF-8 and nothing is left over.
 *
 * A message body longer than one frame is cut between code points: SEND, MESSAGE or PAST carries
 * the first part and the flag FRAME_MORE_PARTS, PART frames the rest; the last one has no flag. The
 * parts of one message follow each other in one direction of one session without another body in
 * between.
 *
 * Most messages come to a client as LINEs. What many of them have in common, such as who wrote
 * them, and to whom, does not stand in each of them but in the ORIGIN before them in the same
 * batch, so that more of them fit into one: see line.h. All others, and all for a session that has
 * not said ABILITY_LINES, come as MESSAGEs, which are complete in themselves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/uuid.h"

#define PROTO_VERSION 1
#define ENVELOPE_BYTES 12
#define FRAME_HEADER_BYTES 4
#define HUB_MTYPE 1      /* the hub's address on the well-known queue and on every lane */
#define OBITUARY_MTYPE 2 /* there too: the hub to itself, BYE in the name of a client that died */

#define BATCH_BYTES_MAX 8064   /* two batches and a marker fit into a stock queue of 16,384 */
#define BATCH_BYTES_MIN 2560   /* the longest frame but of texts fits: USER */
#define MESSAGE_TEXT_MAX 65536 /* bytes of one message's text */
#define FRAME_TEXT_RESERVE 512 /* what a SEND, MESSAGE or PAST takes besides the text */
#define ORIGIN_BYTES_MAX 290   /* of a whole ORIGIN */
#define TOPIC_BYTES_MAX 512
#define OPERATORS_BYTES_MAX 1024 /* of the names of a room's operators, with spaces between */
#define AWAY_BYTES_MAX 255
#define SEARCH_BYTES_MAX 1024
#define PEOPLE_MAX 16          /* of one direct conversation of several */
#define PEOPLE_BYTES_MAX 2048  /* of their names */
#define PAGE_MESSAGES_MAX 1000 /* of one answer to HISTORY or SEARCH */

/* Field types: how it stands on the wire. Names, labels and texts are checked to be UTF-8. */
/*   u8 u16 u32 u64   numbers                                                              */
/*   id               16 bytes                                                             */
/*   opt_id           u8 0, or u8 1 and 16 bytes; nil in memory when absent                */
/*   name             u8 length 1..128, text                                               */
/*   label            u8 length 0..255, text                                               */
/*   text             u16 length, text                                                     */
/*   rest             text up to the end of the frame                                      */
/*   body             as text, of a message, which may be a file: then it is any bytes     */
/*   data             any bytes up to the end                                              */
/*   pids             u16 count, count times u32                                           */
/*   signal           u8 what, and what belongs to it: see struct signal                   */
/* clang-format off */
#define FRAME_HELLO_FIELDS(F)                                                                      \
    F(u16, version) F(u32, mailbox) F(id, nonce) F(u32, abilities) F(label, handle) F(u64, link)    \
    F(u64, after)
#define FRAME_NONCE_FIELDS(F) F(id, nonce)
#define FRAME_READY_FIELDS(F)
#define FRAME_SEND_FIELDS(F)                                                                       \
    F(id, id) F(u8, kind) F(name, to) F(opt_id, reply_to) F(u32, total) F(body, body)
#define FRAME_PART_FIELDS(F) F(body, body)
#define FRAME_JOIN_FIELDS(F) F(u32, request) F(name, room)
#define FRAME_LEAVE_FIELDS(F) F(u32, request) F(name, room)
#define FRAME_TOPIC_FIELDS(F) F(u32, request) F(name, room) F(text, topic)
#define FRAME_AWAY_FIELDS(F) F(u32, request) F(u8, away) F(label, reason)
#define FRAME_NICK_FIELDS(F) F(u32, request) F(name, handle)
#define FRAME_LIST_FIELDS(F) F(u32, request) F(u8, what) F(label, of)
#define FRAME_RECEIPT_FIELDS(F) F(id, id) F(u8, state) F(u64, link) F(u32, uid)
#define FRAME_TAKEN_FIELDS(F) F(u64, seq) F(u64, read)
#define FRAME_HISTORY_FIELDS(F)                                                                    \
    F(u32, request) F(label, conv) F(u64, before) F(u64, after) F(u16, limit)
#define FRAME_SEARCH_FIELDS(F)                                                                     \
    F(u32, request) F(label, conv) F(label, from) F(u64, before) F(u16, limit) F(text, words)
#define FRAME_RELEASE_FIELDS(F) F(u32, request) F(name, handle)
#define FRAME_FORGET_FIELDS(F) F(u32, request) F(name, conv)
#define FRAME_OFFER_FIELDS(F)                                                                      \
    F(u32, request) F(id, id) F(name, to) F(u8, kind) F(u64, size) F(u32, mode) F(u64, mtime_ns)   \
    F(label, mime) F(text, name)
#define FRAME_OFFERED_FIELDS(F)                                                                    \
    F(u32, request) F(id, id) F(name, from) F(u32, uid) F(u64, link) F(name, to) F(u8, kind)       \
    F(u64, size) F(u32, mode) F(u64, mtime_ns) F(label, mime) F(text, name)
#define FRAME_SIGNAL_FIELDS(F)                                                                     \
    F(id, offer) F(u32, uid) F(u64, link) F(signal, said)
#define FRAME_SIGNALLED_FIELDS(F)                                                                  \
    F(id, offer) F(u32, uid) F(u64, link) F(u32, pid) F(name, by) F(signal, said)
#define FRAME_WITHDRAW_FIELDS(F) F(id, offer) F(u8, why)
#define FRAME_WITHDRAWN_FIELDS(F) F(id, offer) F(u32, uid) F(u8, why)
#define FRAME_WALL_FIELDS(F) F(u32, request) F(id, id) F(text, body)
#define FRAME_BYE_FIELDS(F)
#define FRAME_WELCOME_FIELDS(F)                                                                    \
    F(u16, version) F(u32, lane) F(u8, mode) F(id, instance) F(label, hub_name) F(name, handle)    \
    F(u64, seq) F(u32, keep_days) F(u64, keep_bytes)
#define FRAME_MESSAGE_FIELDS(F)                                                                    \
    F(u64, seq) F(id, id) F(u64, at_ms) F(u8, kind) F(u32, uid) F(name, from) F(name, to)          \
    F(u64, link) F(opt_id, reply_to) F(u32, total) F(body, body)
#define FRAME_ORIGIN_FIELDS(F)                                                                     \
    F(u32, uid) F(name, from) F(name, to) F(u64, link) F(u64, seq) F(u64, at_ms)
#define FRAME_LINE_FIELDS(F) F(u16, seq) F(u16, at_ms) F(id, id) F(rest, text)
#define FRAME_GATE_FIELDS(F) F(u32, shmid)
#define FRAME_PAST_FIELDS(F)                                                                       \
    F(u32, request) F(u64, seq) F(id, id) F(u64, at_ms) F(u8, kind) F(u32, uid) F(name, from)       \
    F(name, to) F(opt_id, reply_to) F(u32, total) F(body, body)
#define FRAME_ACK_FIELDS(F) F(id, id) F(u64, seq)
#define FRAME_REFUSED_FIELDS(F) F(id, id) F(u16, code) F(text, reason)
#define FRAME_STATE_FIELDS(F) F(id, id) F(u8, state) F(name, by)
#define FRAME_DONE_FIELDS(F) F(u32, request)
#define FRAME_FAIL_FIELDS(F) F(u32, request) F(u16, code) F(text, reason)
#define FRAME_USER_FIELDS(F)                                                                       \
    F(u32, request) F(name, handle) F(u32, uid) F(u8, state) F(label, away) F(u32, idle_s)         \
    F(pids, pids)
#define FRAME_ROOM_FIELDS(F) F(u32, request) F(name, room) F(u32, members) F(text, topic)
#define FRAME_COUNTER_FIELDS(F) F(u32, request) F(label, key) F(u64, value)
#define FRAME_OBJECT_FIELDS(F)                                                                     \
    F(u32, request) F(u8, role) F(u32, id) F(u32, uid) F(u32, pid) F(label, owner)
#define FRAME_NEWS_FIELDS(F) F(u8, what) F(name, who) F(u32, uid) F(label, room) F(text, detail)
#define FRAME_MORE_FIELDS(F)
#define FRAME_MISSED_FIELDS(F) F(u64, n)
#define FRAME_CHANNEL_FIELDS(F) F(u32, shmid)
#define FRAME_SWITCH_FIELDS(F) F(u8, to)
#define FRAME_UNREAD_FIELDS(F) F(u32, request) F(label, conv)
#define FRAME_COUNT_FIELDS(F)                                                                      \
    F(u32, request) F(name, conv) F(u32, unread) F(u32, mentions) F(u64, seq)
#define FRAME_READ_FIELDS(F) F(name, conv) F(u64, seq)
#define FRAME_ORDER_FIELDS(F)                                                                      \
    F(u32, request) F(u8, what) F(label, who) F(u32, uid) F(u64, value) F(label, reason)
#define FRAME_ACCOUNT_FIELDS(F)                                                                    \
    F(u32, request) F(u32, uid) F(label, login) F(u32, sessions) F(u64, memory) F(u32, rate)       \
    F(u64, muted) F(u64, banned) F(text, orders)                                                   \
    F(u64, messages) F(u64, bytes) F(u64, refused) F(u64, lock_us)                                 \
    F(u64, minute_messages) F(u64, minute_bytes) F(u64, minute_refused) F(u64, minute_lock_us)     \
    F(u64, hour_messages) F(u64, hour_bytes) F(u64, hour_refused) F(u64, hour_lock_us)             \
    F(u64, day_messages) F(u64, day_bytes) F(u64, day_refused) F(u64, day_lock_us)
#define FRAME_CLAIM_FIELDS(F)                                                                      \
    F(u32, request) F(name, name) F(label, note) F(u64, since_ms) F(u64, grant) F(u64, ticket)      \
    F(u64, seal)
#define FRAME_UNCLAIM_FIELDS(F) F(u32, request) F(name, name)
#define FRAME_CLAIMED_FIELDS(F)                                                                    \
    F(u32, request) F(name, name) F(u8, state) F(u32, place) F(label, handle) F(u32, uid)           \
    F(u32, pid) F(u64, since_ms) F(label, note) F(u64, grant) F(u64, ticket) F(u64, seal)
#define FRAME_CHANGE_FIELDS(F) F(u32, request) F(name, room) F(u8, what) F(label, argument)
#define FRAME_INVITE_FIELDS(F) F(u32, request) F(id, id) F(name, room) F(name, handle)
#define FRAME_ABOUT_FIELDS(F)                                                                      \
    F(u32, request) F(name, room) F(u8, form) F(u8, rules) F(label, owner) F(u32, owner_uid)       \
    F(u32, members) F(label, group) F(text, topic) F(text, operators)
#define FRAME_TAKES_FIELDS(F) F(u32, abilities)
#define FRAME_FIND_FIELDS(F)                                                                       \
    F(u32, request) F(label, conv) F(id, id) F(u8, what) F(u64, before) F(u16, limit)
#define FRAME_GATHER_FIELDS(F) F(u32, request) F(text, people)
#define FRAME_GOVERN_FIELDS(F)                                                                     \
    F(u32, request) F(id, id) F(name, room) F(u8, what) F(label, who) F(u32, uid) F(u64, value)     \
    F(label, reason)
#define FRAME_LAID_FIELDS(F)                                                                       \
    F(u32, request) F(name, room) F(u8, what) F(label, handle) F(u32, uid) F(u64, until)            \
    F(name, by) F(u32, by_uid) F(label, reason)
#define FRAME_PIN_FIELDS(F) F(u32, request) F(id, id) F(u32, uid) F(u8, what)
#define FRAME_PINNED_FIELDS(F)                                                                     \
    F(u32, request) F(u64, seq) F(label, by) F(u32, by_uid) F(u64, at_ms)
/* A small file, which is the body of a message. */
#define FILE_BODY_FIELDS(F)                                                                        \
    F(u8, form) F(u32, mode) F(u64, mtime_ns) F(u64, link) F(id, digest) F(text, name)              \
    F(data, content)
/* clang-format on */

enum frame_from {
    FROM_STRANGER = 1, /* a client without a session, to the well-known queue */
    FROM_CLIENT = 2,   /* a client with a session, to its lane */
    FROM_HUB = 4,      /* the hub, to a mailbox */
    FROM_SELF = 8,     /* a client, to its own mailbox */
};

/*
 * Number, name, who may send it, cost: how much work of the hub's it may mean, about. After
 * FRAME_COST_MANY of it the hub looks at the clock, for what a frame really takes is charged to its
 * sender's uid.
 */
#define FRAME_COST_MANY 1024
/* clang-format off */
#define FRAME_TYPES(R)                                                                             \
    R(1, HELLO, hello, FROM_STRANGER, 1024)   /* wants a session for the mailbox named */          \
    R(2, NONCE, nonce, FROM_SELF, 0)          /* makes the kernel note the client's PID */         \
    R(3, READY, ready, FROM_CLIENT, 64)       /* has read everything up to the last MORE */        \
    R(4, SEND, send, FROM_CLIENT, 64)         /* one message, or its first part */                 \
    R(5, PART, part, FROM_CLIENT | FROM_HUB, 64) /* goes on with the message before */             \
    R(6, JOIN, join, FROM_CLIENT, 1024)                                                            \
    R(7, LEAVE, leave, FROM_CLIENT, 1024)                                                          \
    R(8, TOPIC, topic, FROM_CLIENT, 1024)                                                          \
    R(9, AWAY, away, FROM_CLIENT, 256)                                                             \
    R(10, NICK, nick, FROM_CLIENT, 1024)                                                           \
    R(11, LIST, list, FROM_CLIENT, 4096)      /* asks for USER, ROOM, COUNTER or OBJECT frames */  \
    R(12, RECEIPT, receipt, FROM_CLIENT, 64)  /* a message was delivered or read here */           \
    R(13, BYE, bye, FROM_CLIENT | FROM_HUB, 1024) /* leaves; the hub is being stopped */              \
    R(14, WELCOME, welcome, FROM_HUB, 0)      /* the session has begun */                          \
    R(15, MESSAGE, message, FROM_HUB, 0)                                                           \
    R(16, ACK, ack, FROM_HUB, 0)              /* this message, or all up to it, is stored */       \
    R(17, REFUSED, refused, FROM_HUB, 0)      /* this message was not taken */                     \
    R(18, STATE, state, FROM_HUB, 0)          /* somebody's RECEIPT for a message of yours */      \
    R(19, DONE, done, FROM_HUB, 0)            /* the request is fulfilled */                       \
    R(20, FAIL, fail, FROM_HUB, 0)            /* the request (0: HELLO) is refused */              \
    R(21, USER, user, FROM_HUB, 0)                                                                 \
    R(22, ROOM, room, FROM_HUB, 0)                                                                 \
    R(23, COUNTER, counter, FROM_HUB, 0)                                                           \
    R(24, OBJECT, object, FROM_HUB, 0)                                                             \
    R(25, NEWS, news, FROM_HUB, 0)            /* somebody came, left, joined, ... */               \
    R(26, MORE, more, FROM_HUB, 0)            /* more is waiting: answer READY */                  \
    R(27, MISSED, missed, FROM_HUB, 0)        /* so many messages are not in the log any more */    \
    R(28, TAKEN, taken, FROM_CLIENT, 64)      /* the program has all messages up to seq, and has
                                               shown those up to read */                          \
    R(29, HISTORY, history, FROM_CLIENT, 4096) /* asks for PAST frames, oldest first */             \
    R(30, SEARCH, search, FROM_CLIENT, 16384) /* asks for PAST frames, newest first */              \
    R(31, FORGET, forget, FROM_CLIENT, 4096)  /* a direct conversation, for one's own handle */     \
    R(32, PAST, past, FROM_HUB, 0)            /* a message of the past, or its first part */       \
    R(33, OFFER, offer, FROM_CLIENT, 4096)    /* a file, a directory or a stream for somebody */    \
    R(34, OFFERED, offered, FROM_HUB, 0)      /* the same; answers LIST_OFFERS, too */              \
    R(35, SIGNAL, signal, FROM_CLIENT, 1024)  /* to the other side of an offer */                   \
    R(36, SIGNALLED, signalled, FROM_HUB, 0)  /* the same, with who sent it */                      \
    R(37, WITHDRAW, withdraw, FROM_CLIENT | FROM_HUB, 1024) /* the offer is over */                   \
    R(38, WALL, wall, FROM_CLIENT, 4096)      /* a notice to everybody who is here */              \
    R(39, ORIGIN, origin, FROM_HUB, 0)        /* of the LINEs behind it, to the end of the batch */ \
    R(40, LINE, line, FROM_HUB, 0)            /* a plain message */                                \
    R(41, GATE, gate, FROM_HUB, 0)            /* before the session's lane: see ipc/gate.h */       \
    R(42, WITHDRAWN, withdrawn, FROM_HUB, 0)  /* WITHDRAW, with whose offer it is */               \
    R(43, RELEASE, release, FROM_CLIENT, 1024) /* a handle or a room: its name is free */          \
    R(44, CHANNEL, channel, FROM_CLIENT, 4096) /* a segment for a busy session: ipc/channel.h */   \
    R(45, SWITCH, switch_to, FROM_CLIENT | FROM_HUB, 64) /* ends its batch: what follows in this
                                               direction goes another way */                      \
    R(46, UNREAD, unread, FROM_CLIENT, 4096)  /* asks for a COUNT of each conversation, or of one */ \
    R(47, COUNT, count, FROM_HUB, 0)          /* so many are unread in it, up to seq */            \
    R(48, READ, read, FROM_CLIENT | FROM_HUB, 256) /* a conversation, up to seq; the hub: in another
                                               session of the handle */                            \
    R(49, ORDER, order, FROM_CLIENT, 4096)    /* an administrator keeps order among people */      \
    R(50, ACCOUNT, account, FROM_HUB, 0)      /* what one user has and had; answers LIST_ACCOUNTS */ \
    R(51, CLAIM, claim, FROM_CLIENT, 1024)    /* wants a name for as long as the session is */     \
    R(52, UNCLAIM, unclaim, FROM_CLIENT, 1024) /* and wants it no more */                          \
    R(53, CLAIMED, claimed, FROM_HUB, 0)      /* how a CLAIM stands; answers LIST_CLAIMS, too */   \
    R(54, CHANGE, change, FROM_CLIENT, 4096)  /* makes a room, or changes it */                    \
    R(55, INVITE, invite, FROM_CLIENT, 4096)  /* a handle to a room; the id is of the message that
                                               tells it */                                        \
    R(56, ABOUT, about, FROM_HUB, 0)          /* a room, in answer to LIST_ROOM and GATHER */      \
    R(57, TAKES, takes, FROM_HUB, 0)          /* before WELCOME: abilities that the hub has, too */ \
    R(58, FIND, find, FROM_CLIENT, 4096)      /* asks for PAST frames: see find_what */         \
    R(59, GATHER, gather, FROM_CLIENT, 4096)  /* makes or finds the direct room of these handles,
                                               with blanks between, and of one's own */ \
    R(60, GOVERN, govern, FROM_CLIENT, 4096)  /* keeps order in a room; the id is of the message
                                               that tells who is not here */                      \
    R(61, LAID, laid, FROM_HUB, 0)            /* on whom in a room, in answer to LIST_LAID */      \
    R(62, PIN, pin, FROM_CLIENT, 1024)        /* the message with this uid and id: see pin_what */ \
    R(63, PINNED, pinned, FROM_HUB, 0)        /* before the PAST of this message, in answer to
                                               FIND_PINS and FIND_STARS: by whom, and when */
/* clang-format on */

enum frame_type {
    FRAME_NONE = 0,
#define FRAME_ENUM(number, NAME, name, from, cost) FRAME_##NAME = number,
    FRAME_TYPES(FRAME_ENUM)
#undef FRAME_ENUM
        FRAME_TYPE_END
};

/* Frame flags; their meaning depends on the type. */
enum {
    FRAME_MORE_PARTS = 1,    /* SEND, MESSAGE, PAST, PART: a PART follows */
    FRAME_BINARY = 2,        /* PART: of a body that is no text */
    FRAME_ACK_NOW = 2,       /* SEND: the sender waits for the ACK */
    FRAME_WANT_SEQ = 4,      /* SEND: an ACK of its own, with the sequence number */
    FRAME_WANT_RECEIPT = 8,  /* SEND, LINE, MESSAGE: tell when it is delivered and read */
    FRAME_REPEAT = 16,       /* SEND: this id may have been sent before */
    FRAME_MAKE_ROOM = 32,    /* SEND: the room, if there is none */
    FRAME_UP_TO = 1,         /* ACK: this one and every earlier one that was not refused */
    FRAME_LATE = 32,         /* LINE, MESSAGE: sent while the session was not here, or behind */
    FRAME_RECIPIENT = 1,     /* STATE: `by` is whom the direct message was for, by whatever name */
    FRAME_SESSION_ONLY = 1,  /* JOIN: this session listens; the handle becomes no member */
    FRAME_TAKES_FILES = 1,   /* WELCOME: to who has ABILITY_FILES, and may send files as they are */
    FRAME_TAKES_CHANNEL = 2, /* WELCOME: to who has ABILITY_CHANNEL, and may send CHANNEL */
    FRAME_TAKES_HEADS = 4,   /* WELCOME: to who has ABILITY_HEADS, and may send KIND_HEADED */
    FRAME_TAKES_READS = 8,   /* WELCOME: to who has ABILITY_READS, and may send READ and UNREAD */
    FRAME_TAKES_ORDER = 16,  /* WELCOME: to who has ABILITY_ORDER, and may send ORDER and ask for
                                LIST_ACCOUNTS and LIST_ACCOUNT */
    FRAME_TAKES_CLAIMS = 32, /* WELCOME: to who has ABILITY_CLAIMS, and may send CLAIM, UNCLAIM and
                                LIST_CLAIMS */
    FRAME_CLAIM_WAITS = 1,   /* CLAIM: it waits while somebody else has the name */
    FRAME_CLAIM_HAD = 2, /* CLAIM: it was given to this one before, as the last four fields say, */
    FRAME_CLAIM_WAITED = 4,  /* CLAIM: or it waited for it */
    FRAME_TAKES_ROOMS = 64,  /* WELCOME: to who has ABILITY_ROOMS, and may send CHANGE, INVITE,
                                GOVERN, LIST_ROOM and LIST_LAID */
    FRAME_TAKES_MENDS = 128, /* WELCOME: to who has ABILITY_MENDS, and may send these kinds */
};

/* WELCOME has no place for these: TAKES tells of them. */
#define ABILITY_TOLD (ABILITY_ANSWERS | ABILITY_DIRECT | ABILITY_REACTS | ABILITY_PINS)

/* HELLO: what the session wants. */
enum {
    ABILITY_LISTEN = 1,      /* direct messages to its handle; it counts as being here */
    ABILITY_ALL_ROOMS = 2,   /* messages of every room its handle is a member of */
    ABILITY_NEWS = 4,        /* NEWS frames */
    ABILITY_AFTER = 8,       /* begins after the message `after`, not where its handle stopped */
    ABILITY_GATE = 32,       /* GATE frames */
    ABILITY_LINES = 64,      /* LINEs, too; with 16 some clients ask for a form of them that no hub
                                sends any more: these get MESSAGEs */
    ABILITY_WITHDRAWN = 128, /* WITHDRAWN instead of WITHDRAW */
    ABILITY_ALIKE = 256,     /* NEWS_ALIKE */
    ABILITY_FILES = 512,     /* bodies that are no text; else the hub makes base64 of them */
    ABILITY_NAMED = 1024,    /* NEWS_NAMED, without ABILITY_NEWS, too */
    ABILITY_CHANNEL = 2048,  /* SWITCH frames: its batches may go through shared memory */
    ABILITY_HEADS = 4096,    /* kinds with KIND_HEADED; else the head is part of the text */
    ABILITY_READS = 8192,    /* what it has read it says with READ, and not with TAKEN; with
                                ABILITY_NEWS it gets READ frames */
    ABILITY_PEEK = 16384, /* only looks: its handle must be there, and has not come because of it */
    ABILITY_ORDER = 32768,  /* NEWS_ORDER; and that a session is ended by FAIL to request 0 */
    ABILITY_CLAIMS = 65536, /* CLAIMED frames */
    ABILITY_ROOMS = 131072, /* knows private rooms, which are rooms like others to who does not */
    ABILITY_MENDS = 262144, /* KIND_EDIT and KIND_REMOVE; else it gets a notice that tells of it */
    ABILITY_ANSWERS = 524288, /* TAKES; and, if it is told this there, KIND_ANSWER and FIND */
    ABILITY_DIRECT = 1048576, /* the same of GATHER; */
    ABILITY_REACTS = 2097152, /* of KIND_REACT, of which it gets none else; */
    ABILITY_PINS = 4194304,   /* and of PIN, FIND_PINS and FIND_STARS; it gets NEWS_PINS, too */
    ABILITY_FORMS = 8388608, /* in answer to LIST_ROOMS, ABOUT instead of ROOM, without operators */
    ABILITY_ALL = 16777199,
};

enum message_kind {
    KIND_TEXT,
    KIND_ACTION,
    KIND_NOTICE,
    KIND_FILE, /* a small file, see struct file_body; no words to be searched for */
    KIND_EDIT, /* a new text for an earlier message: see mend.h; so is this: */
    KIND_REMOVE,
    KIND_REACT, /* an emoji for it: see reaction.h */
    KIND_END
};
#define KIND_HEADED 16 /* with the kind of a text: its first line is a head, see head.h */
/* In PAST, and only there: the text is not the first one; */
#define KIND_EDITED 32
#define KIND_REMOVED 64 /* it was removed, and the body says by whom */
#define KIND_MENDED (KIND_EDITED | KIND_REMOVED)
#define KIND_ANSWER 128 /* with the kind of a text: a line stands before it, see answer.h */
enum message_state {
    STATE_SENT,
    STATE_STORED,
    STATE_DELIVERED,
    STATE_READ,
    STATE_DECLINED, /* of a small file */
    STATE_END
};
enum presence { PRESENCE_OFFLINE, PRESENCE_ONLINE, PRESENCE_AWAY, PRESENCE_END };
enum hub_mode { HUB_PRIVATE, HUB_GROUP, HUB_OPEN, HUB_MODE_END };
enum list_what {
    LIST_USERS,
    LIST_ROOMS,
    LIST_COUNTERS,
    LIST_OBJECTS,
    LIST_HANDLES,
    LIST_OFFERS,
    LIST_ACCOUNTS, /* of every uid: for administrators; */
    LIST_ACCOUNT,  /* of one's own */
    LIST_CLAIMS,
    LIST_ROOM, /* ABOUT one */
    LIST_LAID, /* what was laid on people in a room: its mutes and bans */
    LIST_END
};
enum room_form {
    ROOM_OPEN,    /* everybody sees it, may join it, and reads its past */
    ROOM_PRIVATE, /* only its members know that it is there; they are invited */
    ROOM_GROUP,   /* the same, and its members are those of a Unix group */
    ROOM_DIRECT,  /* a direct conversation of several: its members are always the same */
    ROOM_FORM_END
};
/* Or-ed; also in the store. */
enum room_rules {
    ROOM_ANNOUNCES = 1,   /* only its owner and operators speak */
    ROOM_LOCKS_TOPIC = 2, /* only they set its topic */
    ROOM_SHOWS_ALL = 4,   /* private: who joins sees all of its past, not what came after the
                             invitation only */
    ROOM_CLOSED = 8,
    ROOM_INVITED = 16 /* ABOUT: who asks is invited, and has not joined */
};
enum room_change {
    ROOM_MAKE_OPEN,    /* a room, if there is none of that name */
    ROOM_MAKE_PRIVATE, /* the same; an open one of one's own becomes private */
    ROOM_SET_OWNER,    /* argument: the handle of a member */
    ROOM_SET_NAME,     /* argument: the new one */
    ROOM_CLOSE,
    ROOM_SET_ANNOUNCE, /* argument: "on" or "off" */
    ROOM_SET_PAST,     /* argument: "all" or "invited" */
    ROOM_MAKE_GROUP,   /* a room for the members of a Unix group, which the argument names */
    ROOM_CHANGE_END
};
enum find_what {
    FIND_MESSAGE, /* those with this id */
    FIND_THREAD,  /* these, and the replies in the thread that began with one */
    FIND_PINS,    /* what is pinned in the conversation; */
    FIND_STARS,   /* what the handle has starred, in the conversation or in all: of both the newest
                     come first, and the id says nothing */
    FIND_END
};
enum pin_what {
    PIN_ADD, /* for all who are in the conversation */
    PIN_REMOVE,
    STAR_ADD, /* for one's own handle alone */
    STAR_REMOVE,
    PIN_END
};
enum object_role { OBJECT_WELL_KNOWN, OBJECT_LANE, OBJECT_MAILBOX, OBJECT_END };
/* In a list, of the claim that is told of; else of one's own, and who has the name is told. */
enum claim_state {
    CLAIM_HELD,
    CLAIM_WAITING,
    CLAIM_TAKEN, /* it is refused, FAIL follows */
    CLAIM_STATE_END
};
enum offer_kind { OFFER_FILE, OFFER_DIRECTORY, OFFER_STREAM, OFFER_KIND_END };
#define OFFER_SIZE_UNKNOWN UINT64_MAX
#define OFFER_NAME_MAX 1024

/* What the two sides of an offer tell each other. Who it comes from is the hub's word. */
enum signal_what {
    SIGNAL_ACCEPT,  /* recipient: begin */
    SIGNAL_DECLINE, /* recipient: no */
    SIGNAL_ATTACH,  /* sender: the ring is there */
    SIGNAL_CANCEL,  /* either: it is over */
    SIGNAL_END
};

/*
 * On the wire each kind has the same fields behind `what`: two u64, an opt_id and a text. Which of
 * them a kind uses, and for what, only its encoder and decoder know (frame.c); what a kind does not
 * use is zero, or the frame is refused.
 */
struct signal {
    uint8_t what; /* enum signal_what */
    union {
        struct signal_accept {
            uint64_t n_have;    /* bytes of it that are there already; */
            struct uuid digest; /* of these; nil: there are none */
            uint64_t attempt;   /* how often the recipient has said so, which counts from 1 */
        } accept;
        struct signal_attach {
            uint32_t shmid, n_slots, slot_bytes; /* see ipc/ring.h */
            uint64_t attempt;                    /* of the ACCEPT that this answers */
        } attach;
        struct bytes reason; /* DECLINE, CANCEL */
    };
};

/* Where the batches of one direction go; and, if it is where they go already, that the CHANNEL was
 * refused. */
enum switch_to {
    SWITCH_TO_QUEUE,   /* lane and mailbox */
    SWITCH_TO_CHANNEL, /* the rings of the segment */
    SWITCH_TO_END
};

enum withdraw_why {
    WITHDRAW_CANCELLED, /* by its sender */
    WITHDRAW_LOST,      /* its sender is gone */
    WITHDRAW_TAKEN,     /* another session of the recipient has it */
    WITHDRAW_END
};

enum news_what {
    NEWS_ONLINE,  /* who */
    NEWS_OFFLINE, /* who */
    NEWS_AWAY,    /* who, detail: reason */
    NEWS_BACK,    /* who */
    NEWS_JOINED,  /* who, room */
    NEWS_LEFT,    /* who, room */
    NEWS_TOPIC,   /* who, room, detail: topic */
    NEWS_RENAMED, /* who: the old handle, or the room that one is in; detail: the new one */
    NEWS_MANY,  /* too many changes to name each; who: the hub's owner, detail: "12 came, 3 left" */
    NEWS_ALIKE, /* to who has just come into a room that looks like another one; room, detail: the
                   other one; with ABILITY_ALIKE */
    NEWS_NAMED, /* to the sessions of a handle whose name was taken from it; who: what it is called
                   now; with ABILITY_NAMED */
    NEWS_ORDER, /* to the sessions of a uid that an administrator, who, has acted upon; detail: the
                   sentence; with ABILITY_ORDER. In a room: to it, too */
    NEWS_PINS, /* who has changed what is pinned in a room, or in a direct conversation, whose other
                  one stands there then; detail: the sentence; with ABILITY_PINS */
    NEWS_END
};

/* What ORDER does to a uid, whatever handle it uses; all but KICK outlive the hub. And GOVERN, in
 * its room: MUTE to KICK, and what stands behind ORDER_END. */
enum order_what {
    ORDER_MUTE, /* it may read, but not say anything; for `value` ms, 0: until that is undone */
    ORDER_UNMUTE,
    ORDER_BAN, /* its sessions end, and it gets no other; for so long, too */
    ORDER_UNBAN,
    ORDER_KICK, /* its sessions end */
    ORDER_RATE, /* it is read so that it sends at most `value` messages in a second; 0: any number
                 */
    ORDER_END,
    ORDER_MAKE_OPERATOR = ORDER_END, /* the user of the handle `who`, which is a member's */
    ORDER_NO_OPERATOR,
    ORDER_LOCK_TOPIC, /* these concern nobody */
    ORDER_UNLOCK_TOPIC,
    ORDER_ROOM_END
};
/* LAID: what. */
enum laid_what { LAID_MUTE, LAID_BAN, LAID_OPERATOR, LAID_END };
#define ORDER_REASON_MAX 200      /* bytes */
#define ORDER_RATE_MAX 1000000    /* messages in a second */
#define ORDER_FOR_EVER UINT64_MAX /* in ACCOUNT: until that is undone */

/* The structures: struct frame_hello { uint16_t version; ... }. */
#define FIELD_C_u8 uint8_t
#define FIELD_C_u16 uint16_t
#define FIELD_C_u32 uint32_t
#define FIELD_C_u64 uint64_t
#define FIELD_C_id struct uuid
#define FIELD_C_opt_id struct uuid
#define FIELD_C_name struct bytes
#define FIELD_C_label struct bytes
#define FIELD_C_text struct bytes
#define FIELD_C_rest struct bytes
#define FIELD_C_body struct bytes
#define FIELD_C_data struct bytes
#define FIELD_C_pids struct bytes
#define FIELD_C_signal struct signal
#define FRAME_MEMBER(type, name) FIELD_C_##type name;
#define FRAME_STRUCT(number, NAME, name, from, cost)                                               \
    struct frame_##name {                                                                          \
        FRAME_##NAME##_FIELDS(FRAME_MEMBER)                                                        \
    };
FRAME_TYPES(FRAME_STRUCT)
#undef FRAME_STRUCT

/*
 * The body of a message of KIND_FILE. It begins with FILE_BODY_FORM, which no text of base64 has in
 * it. Clients without ABILITY_FILES send and get, and old hubs have stored, base64 of the same; so
 * there is always one of the two, and the first byte says which.
 */
struct file_body {
    FILE_BODY_FIELDS(FRAME_MEMBER)
};
#define FILE_BODY_FORM 1
#define FILE_NAME_MAX 1023
#define FILE_CONTENT_MAX 32768
#define FILE_BODY_MAX (39 + FILE_NAME_MAX + FILE_CONTENT_MAX)

/* Whether a body, or the first part of it, is no text. */
static inline bool body_is_binary(uint8_t kind, struct bytes body) {
    return kind == KIND_FILE && body.n > 0 && body.data[0] == FILE_BODY_FORM;
}

/* Whether a frame may carry this body, in one piece or in parts. */
bool body_is_valid(uint8_t kind, struct bytes body);

/* Views into the body. False: it is none, or a field is out of its bounds. The name is a file's, in
 * UTF-8, without a slash; whether the content is what the digest says is not looked at. */
bool file_body_take(struct file_body *file, struct bytes body);
void file_body_put(struct cursor_out *out, const struct file_body *file);

/* A decoded frame. Its views point into the buffer that it was decoded from. */
struct frame {
    uint8_t type; /* enum frame_type */
    uint8_t flags;
    union {
#define FRAME_UNION(number, NAME, name, from, cost) struct frame_##name name;
        FRAME_TYPES(FRAME_UNION)
#undef FRAME_UNION
    };
};

struct envelope {
    uint8_t version;
    uint16_t n_frames;
    uint64_t session;
};

/* One row of the table. */
struct frame_row {
    const char *name;
    uint8_t from; /* enum frame_from, or-ed */
    uint16_t min; /* bytes of the whole frame */
    uint16_t cost;
};

/* The row of a type; NULL for an unknown one. */
const struct frame_row *frame_row(unsigned type);

enum frame_outcome {
    FRAME_OK = 0,
    FRAME_SHORT,     /* the length field lies, or the buffer ends within the frame */
    FRAME_UNKNOWN,   /* no such type */
    FRAME_MISPLACED, /* not a type that this kind of sender may send */
    FRAME_BAD_FIELD, /* a field out of its bounds, text that is not UTF-8, bytes left over */
};

const char *frame_outcome_text(enum frame_outcome outcome);

/*
 * Takes the next frame, checks everything that can be checked without state, and leaves the
 * cursor behind it. `from` is who is allowed to have sent it. Returns a frame_outcome.
 */
enum frame_outcome frame_take(struct cursor_in *in, struct frame *frame, enum frame_from from);

/* Appends a frame. When it does not fit, nothing is written and false is returned. */
bool frame_put(struct cursor_out *out, const struct frame *frame);

/* Sets FRAME_REPEAT of an encoded SEND frame. */
void frame_mark_repeated(void *send);

/* False when the batch is too short or of another envelope version. */
bool envelope_take(struct cursor_in *in, struct envelope *envelope);
void envelope_put(struct cursor_out *out, const struct envelope *envelope);

/* Sets n_frames of the envelope at the start of a batch. */
void envelope_set_n_frames(void *batch, uint16_t n_frames);
