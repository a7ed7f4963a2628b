/*
 * What programs that were built with earshot.h rely on: the size of every structure, the place and
 * size of every field, the number of every enumerator. When this does not compile, they do not run
 * with the library any more: raise EARSHOT_SOVERSION, once after each release, and write down here
 * what is so now. What is new has a line of its own. (Where pointers have eight bytes.)
 */
#include <stddef.h>

#include "lib/earshot.h"

#if __SIZEOF_POINTER__ == 8

_Static_assert(EARSHOT_SOVERSION == 1, "the numbers below are those of 1");
_Static_assert(EARSHOT_ID_SIZE == 37, "it is in structures of programs");

#define SIZE(type, n) _Static_assert(sizeof(struct type) == (n), #type)
#define FIELD(type, field, at, n)                                                                  \
    _Static_assert(offsetof(struct type, field) == (at), "offset of " #type "." #field);           \
    _Static_assert(sizeof(((struct type *)0)->field) == (n), "size of " #type "." #field)
#define NUMBER(name, n) _Static_assert((int)(name) == (n), #name)

/* clang-format off */
SIZE(earshot_options, 32);
FIELD(earshot_options, hub, 0, 8);
FIELD(earshot_options, handle, 8, 8);
FIELD(earshot_options, flags, 16, 4);
FIELD(earshot_options, timeout_ms, 20, 4);
FIELD(earshot_options, after, 24, 8);

SIZE(earshot_transfer, 176);
FIELD(earshot_transfer, id, 0, 37);
FIELD(earshot_transfer, state, 40, 4);
FIELD(earshot_transfer, outgoing, 44, 1);
FIELD(earshot_transfer, peer, 48, 8);
FIELD(earshot_transfer, name, 56, 8);
FIELD(earshot_transfer, bytes, 64, 8);
FIELD(earshot_transfer, size, 72, 8);
FIELD(earshot_transfer, resumed, 80, 1);
FIELD(earshot_transfer, path, 88, 8);
FIELD(earshot_transfer, xxh3, 96, 33);
FIELD(earshot_transfer, error, 136, 8);
FIELD(earshot_transfer, reason, 144, 4);
FIELD(earshot_transfer, skipped, 152, 8);
FIELD(earshot_transfer, offered, 160, 8);
FIELD(earshot_transfer, grown, 168, 1);

SIZE(earshot_event, 200);
FIELD(earshot_event, type, 0, 4);
FIELD(earshot_event, request, 4, 4);
FIELD(earshot_event, message, 8, 192);
FIELD(earshot_event, message.seq, 8, 8);
FIELD(earshot_event, message.id, 16, 37);
FIELD(earshot_event, message.reply_to, 53, 37);
FIELD(earshot_event, message.at_ms, 96, 8);
FIELD(earshot_event, message.kind, 104, 4);
FIELD(earshot_event, message.uid, 108, 4);
FIELD(earshot_event, message.from, 112, 8);
FIELD(earshot_event, message.to, 120, 8);
FIELD(earshot_event, message.conv, 128, 8);
FIELD(earshot_event, message.text, 136, 8);
FIELD(earshot_event, message.text_n, 144, 8);
FIELD(earshot_event, message.mine, 152, 1);
FIELD(earshot_event, message.wants_receipt, 153, 1);
FIELD(earshot_event, message.late, 154, 1);
FIELD(earshot_event, message.link, 160, 8);
FIELD(earshot_event, message.file, 168, 8);
FIELD(earshot_event, message.file_n, 176, 8);
FIELD(earshot_event, message.title, 184, 8);
FIELD(earshot_event, message.priority, 192, 4);
FIELD(earshot_event, state, 8, 80);
FIELD(earshot_event, state.id, 8, 37);
FIELD(earshot_event, state.state, 48, 4);
FIELD(earshot_event, state.seq, 56, 8);
FIELD(earshot_event, state.by, 64, 8);
FIELD(earshot_event, state.to, 72, 8);
FIELD(earshot_event, state.up_to, 80, 1);
FIELD(earshot_event, failed, 8, 64);
FIELD(earshot_event, failed.id, 8, 37);
FIELD(earshot_event, failed.code, 48, 4);
FIELD(earshot_event, failed.to, 56, 8);
FIELD(earshot_event, failed.reason, 64, 8);
FIELD(earshot_event, news, 8, 32);
FIELD(earshot_event, news.what, 8, 4);
FIELD(earshot_event, news.uid, 12, 4);
FIELD(earshot_event, news.who, 16, 8);
FIELD(earshot_event, news.room, 24, 8);
FIELD(earshot_event, news.detail, 32, 8);
FIELD(earshot_event, user, 8, 48);
FIELD(earshot_event, user.handle, 8, 8);
FIELD(earshot_event, user.uid, 16, 4);
FIELD(earshot_event, user.state, 20, 4);
FIELD(earshot_event, user.away, 24, 8);
FIELD(earshot_event, user.idle_s, 32, 4);
FIELD(earshot_event, user.pids, 40, 8);
FIELD(earshot_event, user.n_pids, 48, 8);
FIELD(earshot_event, room, 8, 64);
FIELD(earshot_event, room.name, 8, 8);
FIELD(earshot_event, room.topic, 16, 8);
FIELD(earshot_event, room.members, 24, 4);
FIELD(earshot_event, room.owner, 32, 8);
FIELD(earshot_event, room.operators, 40, 8);
FIELD(earshot_event, room.group, 48, 8);
FIELD(earshot_event, room.owner_uid, 56, 4);
FIELD(earshot_event, room.form, 60, 4);
FIELD(earshot_event, room.announces, 64, 1);
FIELD(earshot_event, room.shows_all, 65, 1);
FIELD(earshot_event, room.closed, 66, 1);
FIELD(earshot_event, room.invited, 67, 1);
FIELD(earshot_event, counter, 8, 16);
FIELD(earshot_event, counter.key, 8, 8);
FIELD(earshot_event, counter.value, 16, 8);
FIELD(earshot_event, object, 8, 24);
FIELD(earshot_event, object.role, 8, 4);
FIELD(earshot_event, object.id, 12, 4);
FIELD(earshot_event, object.uid, 16, 4);
FIELD(earshot_event, object.pid, 20, 4);
FIELD(earshot_event, object.handle, 24, 8);
FIELD(earshot_event, offer, 8, 104);
FIELD(earshot_event, offer.id, 8, 37);
FIELD(earshot_event, offer.from, 48, 8);
FIELD(earshot_event, offer.to, 56, 8);
FIELD(earshot_event, offer.uid, 64, 4);
FIELD(earshot_event, offer.kind, 68, 4);
FIELD(earshot_event, offer.name, 72, 8);
FIELD(earshot_event, offer.mime, 80, 8);
FIELD(earshot_event, offer.size, 88, 8);
FIELD(earshot_event, offer.mode, 96, 4);
FIELD(earshot_event, offer.mtime_ns, 104, 8);
FIELD(earshot_event, withdrawn, 8, 38);
FIELD(earshot_event, withdrawn.id, 8, 37);
FIELD(earshot_event, withdrawn.was_taken, 45, 1);
FIELD(earshot_event, transfer, 8, 176);
FIELD(earshot_event, skipped, 8, 80);
FIELD(earshot_event, skipped.id, 8, 37);
FIELD(earshot_event, skipped.peer, 48, 8);
FIELD(earshot_event, skipped.name, 56, 8);
FIELD(earshot_event, skipped.path, 64, 8);
FIELD(earshot_event, skipped.why, 72, 4);
FIELD(earshot_event, skipped.error, 76, 4);
FIELD(earshot_event, skipped.more, 80, 8);
FIELD(earshot_event, missed, 8, 8);
FIELD(earshot_event, account, 8, 8);
FIELD(earshot_event, lost, 8, 8);
FIELD(earshot_event, lost.reason, 8, 8);

SIZE(earshot_use, 32);
FIELD(earshot_use, messages, 0, 8);
FIELD(earshot_use, bytes, 8, 8);
FIELD(earshot_use, refused, 16, 8);
FIELD(earshot_use, lock_us, 24, 8);

SIZE(earshot_account, 192);
FIELD(earshot_account, uid, 0, 4);
FIELD(earshot_account, login, 8, 8);
FIELD(earshot_account, sessions, 16, 4);
FIELD(earshot_account, memory, 24, 8);
FIELD(earshot_account, rate, 32, 4);
FIELD(earshot_account, muted_ms, 40, 8);
FIELD(earshot_account, banned_ms, 48, 8);
FIELD(earshot_account, orders, 56, 8);
FIELD(earshot_account, ever, 64, 32);
FIELD(earshot_account, minute, 96, 32);
FIELD(earshot_account, hour, 128, 32);
FIELD(earshot_account, day, 160, 32);

SIZE(earshot_order, 40);
FIELD(earshot_order, what, 0, 4);
FIELD(earshot_order, handle, 8, 8);
FIELD(earshot_order, uid, 16, 4);
FIELD(earshot_order, value, 24, 8);
FIELD(earshot_order, reason, 32, 8);

SIZE(earshot_hub_info, 112);
FIELD(earshot_hub_info, dir, 0, 8);
FIELD(earshot_hub_info, name, 8, 8);
FIELD(earshot_hub_info, handle, 16, 8);
FIELD(earshot_hub_info, pid, 24, 4);
FIELD(earshot_hub_info, uid, 28, 4);
FIELD(earshot_hub_info, mode, 32, 4);
FIELD(earshot_hub_info, msqid, 36, 4);
FIELD(earshot_hub_info, key, 40, 4);
FIELD(earshot_hub_info, seq, 48, 8);
FIELD(earshot_hub_info, keep_days, 56, 4);
FIELD(earshot_hub_info, keep_bytes, 64, 8);
FIELD(earshot_hub_info, instance, 72, 37);

SIZE(earshot_message, 64);
FIELD(earshot_message, to, 0, 8);
FIELD(earshot_message, text, 8, 8);
FIELD(earshot_message, text_n, 16, 8);
FIELD(earshot_message, kind, 24, 4);
FIELD(earshot_message, id, 32, 8);
FIELD(earshot_message, reply_to, 40, 8);
FIELD(earshot_message, flags, 48, 4);
FIELD(earshot_message, priority, 52, 4);
FIELD(earshot_message, title, 56, 8);

SIZE(earshot_source, 24);
FIELD(earshot_source, path, 0, 8);
FIELD(earshot_source, fd, 8, 4);
FIELD(earshot_source, name, 16, 8);

SIZE(earshot_target, 24);
FIELD(earshot_target, dir, 0, 8);
FIELD(earshot_target, fd, 8, 4);
FIELD(earshot_target, n_bytes_max, 16, 8);

NUMBER(EARSHOT_OK, 0);
NUMBER(EARSHOT_AGAIN, 1);
NUMBER(EARSHOT_NO_HUB, 2);
NUMBER(EARSHOT_NOT_PERMITTED, 3);
NUMBER(EARSHOT_NOT_TRUSTED, 4);
NUMBER(EARSHOT_OTHER_VERSION, 5);
NUMBER(EARSHOT_OTHER_NAMESPACE, 6);
NUMBER(EARSHOT_REFUSED, 7);
NUMBER(EARSHOT_BAD_NAME, 8);
NUMBER(EARSHOT_BAD_TEXT, 9);
NUMBER(EARSHOT_LIMIT, 10);
NUMBER(EARSHOT_BAD_ARGUMENT, 11);
NUMBER(EARSHOT_TEXT, 0);
NUMBER(EARSHOT_ACTION, 1);
NUMBER(EARSHOT_NOTICE, 2);
NUMBER(EARSHOT_PRIORITY_MIN, -2);
NUMBER(EARSHOT_PRIORITY_LOW, -1);
NUMBER(EARSHOT_PRIORITY_DEFAULT, 0);
NUMBER(EARSHOT_PRIORITY_HIGH, 1);
NUMBER(EARSHOT_PRIORITY_MAX, 2);
NUMBER(EARSHOT_SENT, 0);
NUMBER(EARSHOT_STORED, 1);
NUMBER(EARSHOT_DELIVERED, 2);
NUMBER(EARSHOT_READ, 3);
NUMBER(EARSHOT_OFFLINE, 0);
NUMBER(EARSHOT_ONLINE, 1);
NUMBER(EARSHOT_AWAY, 2);
NUMBER(EARSHOT_PRIVATE, 0);
NUMBER(EARSHOT_GROUP, 1);
NUMBER(EARSHOT_OPEN, 2);
NUMBER(EARSHOT_LISTEN, 1);
NUMBER(EARSHOT_ALL_ROOMS, 2);
NUMBER(EARSHOT_NEWS, 4);
NUMBER(EARSHOT_RECONNECT, 16);
NUMBER(EARSHOT_AFTER, 8);
NUMBER(EARSHOT_UNTIL_READ, 32);
NUMBER(EARSHOT_PEEK, 128);
NUMBER(EARSHOT_EVENT_MESSAGE, 0);
NUMBER(EARSHOT_EVENT_PAST, 1);
NUMBER(EARSHOT_EVENT_STATE, 2);
NUMBER(EARSHOT_EVENT_REFUSED, 3);
NUMBER(EARSHOT_EVENT_NEWS, 4);
NUMBER(EARSHOT_EVENT_USER, 5);
NUMBER(EARSHOT_EVENT_ROOM, 6);
NUMBER(EARSHOT_EVENT_COUNTER, 7);
NUMBER(EARSHOT_EVENT_OBJECT, 8);
NUMBER(EARSHOT_EVENT_DONE, 9);
NUMBER(EARSHOT_EVENT_FAILED, 10);
NUMBER(EARSHOT_EVENT_OFFER, 11);
NUMBER(EARSHOT_EVENT_WITHDRAWN, 12);
NUMBER(EARSHOT_EVENT_TRANSFER, 13);
NUMBER(EARSHOT_EVENT_MISSED, 14);
NUMBER(EARSHOT_EVENT_LOST, 15);
NUMBER(EARSHOT_EVENT_BACK, 16);
NUMBER(EARSHOT_EVENT_WOKEN, 17);
NUMBER(EARSHOT_EVENT_SKIPPED, 18);
NUMBER(EARSHOT_EVENT_SHUT_OUT, 19);
NUMBER(EARSHOT_EVENT_UNREAD, 20);
NUMBER(EARSHOT_EVENT_SEEN, 21);
NUMBER(EARSHOT_EVENT_ACCOUNT, 22);
NUMBER(EARSHOT_EVENT_CLAIM, 23);
NUMBER(EARSHOT_CLAIM_HELD, 0);
NUMBER(EARSHOT_CLAIM_WAITING, 1);
NUMBER(EARSHOT_CLAIM_TAKEN, 2);
NUMBER(EARSHOT_CLAIM_WAIT, 1);
NUMBER(EARSHOT_NEWS_ONLINE, 0);
NUMBER(EARSHOT_NEWS_OFFLINE, 1);
NUMBER(EARSHOT_NEWS_AWAY, 2);
NUMBER(EARSHOT_NEWS_BACK, 3);
NUMBER(EARSHOT_NEWS_JOINED, 4);
NUMBER(EARSHOT_NEWS_LEFT, 5);
NUMBER(EARSHOT_NEWS_TOPIC, 6);
NUMBER(EARSHOT_NEWS_RENAMED, 7);
NUMBER(EARSHOT_NEWS_MANY, 8);
NUMBER(EARSHOT_NEWS_ALIKE, 9);
NUMBER(EARSHOT_NEWS_NAMED, 10);
NUMBER(EARSHOT_NEWS_ORDER, 11);
NUMBER(EARSHOT_MUTE, 0);
NUMBER(EARSHOT_UNMUTE, 1);
NUMBER(EARSHOT_BAN, 2);
NUMBER(EARSHOT_UNBAN, 3);
NUMBER(EARSHOT_KICK, 4);
NUMBER(EARSHOT_RATE, 5);
NUMBER(EARSHOT_USERS, 0);
NUMBER(EARSHOT_ROOMS, 1);
NUMBER(EARSHOT_COUNTERS, 2);
NUMBER(EARSHOT_OBJECTS, 3);
NUMBER(EARSHOT_HANDLES, 4);
NUMBER(EARSHOT_ROOM_OPEN, 0);
NUMBER(EARSHOT_ROOM_PRIVATE, 1);
NUMBER(EARSHOT_ROOM_GROUP, 2);
NUMBER(EARSHOT_ROOM_DIRECT, 3);
NUMBER(EARSHOT_MAKE_OPEN, 0);
NUMBER(EARSHOT_MAKE_PRIVATE, 1);
NUMBER(EARSHOT_SET_OWNER, 2);
NUMBER(EARSHOT_SET_NAME, 3);
NUMBER(EARSHOT_CLOSE, 4);
NUMBER(EARSHOT_SET_ANNOUNCE, 5);
NUMBER(EARSHOT_SET_PAST, 6);
NUMBER(EARSHOT_WELL_KNOWN, 0);
NUMBER(EARSHOT_LANE, 1);
NUMBER(EARSHOT_MAILBOX, 2);
NUMBER(EARSHOT_FILE, 0);
NUMBER(EARSHOT_DIRECTORY, 1);
NUMBER(EARSHOT_STREAM, 2);
NUMBER(EARSHOT_TRANSFER_RUNNING, 0);
NUMBER(EARSHOT_TRANSFER_DONE, 1);
NUMBER(EARSHOT_TRANSFER_FAILED, 2);
NUMBER(EARSHOT_TRANSFER_DECLINED, 3);
NUMBER(EARSHOT_REASON_CANCELLED, 1);
NUMBER(EARSHOT_REASON_PEER_DIED, 2);
NUMBER(EARSHOT_REASON_READER_GONE, 3);
NUMBER(EARSHOT_REASON_OTHER, 4);
NUMBER(EARSHOT_REASON_DAMAGED, 5);
NUMBER(EARSHOT_SKIP_SPECIAL, 0);
NUMBER(EARSHOT_SKIP_DENIED, 1);
NUMBER(EARSHOT_SKIP_VANISHED, 2);
NUMBER(EARSHOT_SKIP_TOO_DEEP, 3);
NUMBER(EARSHOT_SKIP_CHANGED, 4);
NUMBER(EARSHOT_SKIP_REPLACED, 5);
NUMBER(EARSHOT_SKIP_ENDLESS, 6);
NUMBER(EARSHOT_CORK, 1);
NUMBER(EARSHOT_WANT_SEQ, 2);
NUMBER(EARSHOT_WANT_RECEIPT, 4);
NUMBER(EARSHOT_ACK_NOW, 8);
NUMBER(EARSHOT_MAKE_ROOM, 16);
/* clang-format on */

#endif
