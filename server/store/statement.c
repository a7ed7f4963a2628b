#include "store/statement.h"

/* In the order that message_take() in read.c expects. */
#define OTHER_COLUMNS "seq, id, conv, at_ms, sender, uid, kind, flags, link, reply_to"
#define PUT_COLUMNS OTHER_COLUMNS ", text, thread, n"
#define MESSAGE_COLUMNS PUT_COLUMNS ", reactions"
/* Of messages that mend others (see mend.c): these are no part of the past. */
#define IS_MEND "kind & 12 <> 0"
#define IS_SAID "kind & 12 = 0"
/* A text that is in the indexes: not of a file (KIND_FILE), which has no words. */
#define IS_INDEXED "kind & 15 < 3"
/* In the order that take_rows() in expire.c expects. */
#define AGE_COLUMNS "seq, at_ms, uid, length(CAST(text AS BLOB))"

const char *const statement_sql[N_STATEMENTS] = {
    [BEGIN_WRITING] = "BEGIN IMMEDIATE",
    [BEGIN_READING] = "BEGIN",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",

    [STATE_READ] = "SELECT seq_limit, last_seq, n_messages, words_upto, parts_upto, purge,"
                   " seen_ms, leap_ms, settled_ms, parts_folded FROM state",
    [STATE_WRITE] = "UPDATE state SET seq_limit = ?1, last_seq = ?2, n_messages = ?3,"
                    " words_upto = ?4, parts_upto = ?5, purge = ?6,"
                    " seen_ms = ?7, leap_ms = ?8, settled_ms = ?9",

    [MESSAGE_PUT] = "INSERT INTO message (" PUT_COLUMNS ")"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
                    " ON CONFLICT (uid, id) DO NOTHING",
    [MESSAGE_GET] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE seq = ?1",
    [FILE_GET] = "SELECT " OTHER_COLUMNS ", '', thread, n, reactions FROM message WHERE seq = ?1",
    [MESSAGE_DELETE] = "DELETE FROM message WHERE seq = ?1",
    [MESSAGES_OLDEST] = "SELECT " AGE_COLUMNS " FROM message ORDER BY seq LIMIT ?1",
    /* Of user ?2, among the ?4 messages behind ?3; the texts of others are not read. */
    [MESSAGES_OLDEST_OF] = "SELECT " AGE_COLUMNS " FROM message WHERE seq IN"
                           " (SELECT seq FROM (SELECT seq, uid FROM message WHERE seq > ?3"
                           " ORDER BY seq LIMIT ?4) WHERE uid = ?2 LIMIT ?1) ORDER BY seq",
    [MESSAGE_AHEAD] = "SELECT seq FROM message WHERE seq > ?1 ORDER BY seq LIMIT 1 OFFSET ?2",
    /* The first one with a time in this range of those behind ?1; not looked for for ever. */
    [MESSAGE_DATED] = "SELECT at_ms FROM (SELECT at_ms FROM message WHERE seq > ?1 ORDER BY seq"
                      " LIMIT ?4) WHERE at_ms BETWEEN ?2 AND ?3 LIMIT 1",
    [MESSAGES_DOOMED] = "SELECT " AGE_COLUMNS " FROM message"
                        " WHERE conv = ?2 AND seq <= ?3 ORDER BY seq LIMIT ?1",
    [ID_FIND] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE uid = ?1 AND id = ?2",

    /* Of every user, as only uid and id together have an index; of those before ?2. */
    [IDS_FIND] = "SELECT message.seq, message.conv FROM usage CROSS JOIN message"
                 " ON message.uid = usage.uid AND message.id = ?1"
                 " WHERE message.seq < ?2 AND " IS_SAID,
    [THREAD_FIND] = "SELECT seq, conv FROM message WHERE thread = ?1 AND seq < ?2"
                    " ORDER BY seq DESC",
    [REPLY_LAST] = "SELECT n FROM message WHERE conv = ?1 AND n > 0 ORDER BY seq DESC LIMIT 1",

    [MENDED_FIND] = "SELECT seq, mend, conv, kind, flags, length(CAST(text AS BLOB)), reactions"
                    " FROM message"
                    " WHERE uid = ?1 AND id = ?2",
    /* 1, 2, 4: enum record_mark. A head (16) comes and goes with the text. */
    [MEND_EDIT] = "UPDATE message SET mend = ?2, flags = flags | 1, text = ?3,"
                  " kind = kind & ~16 | ?4 WHERE seq = ?1",
    [MEND_REMOVE] = "UPDATE message SET mend = ?2, flags = flags | 2, text = '', link = ?3,"
                    " reactions = NULL"
                    " WHERE seq = ?1",
    [MEND_REACT] = "UPDATE message SET reactions = ?2 WHERE seq = ?1",
    [MEND_LENGTH] = "SELECT length(CAST(text AS BLOB)) FROM message WHERE seq = ?1 AND " IS_MEND,
    [MEND_PASSED] = "UPDATE message SET flags = flags | 4, text = '', conv = 0"
                    " WHERE seq = ?1 AND " IS_MEND,

    [USAGE_ADD] = "INSERT INTO usage (uid, n_messages, n_bytes) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT DO UPDATE SET n_messages = max(0, n_messages + ?2),"
                  " n_bytes = max(0, n_bytes + ?3)",
    [USAGE_CLEAR] = "DELETE FROM usage WHERE uid = ?1 AND n_messages = 0",
    /* Who has most, of how many, and what all of them have. */
    [USAGE_GREATEST] = "SELECT uid, max(n_bytes), count(*), total(n_bytes) FROM usage",
    [USAGES] = "SELECT uid, n_messages, n_bytes FROM usage ORDER BY n_bytes DESC",

    [PAIR_ADD] = "INSERT INTO pair (handle, conv) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [PAIR_FORGET] = "INSERT INTO pair (handle, conv, forgotten) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT DO UPDATE SET forgotten = max(forgotten, excluded.forgotten)",
    /* The conversation of a handle with itself has one row. */
    [PAIR_FORGOTTEN_BY_ALL] = "SELECT min(forgotten), count(*) FROM pair"
                              " WHERE conv = ?1 AND handle IN (?2, ?3)",
    [PAIR_FORGOTTEN] = "SELECT forgotten FROM pair WHERE handle = ?1 AND conv = ?2",
    /* Conversations of a handle, where each of them begins to be visible, and its first message
     * after ?2 or its last one before ?2. */
    [PAIRS_AFTER] = "SELECT conv, forgotten, (SELECT min(seq) FROM message"
                    " WHERE conv = pair.conv AND seq > max(?2, pair.forgotten))"
                    " FROM pair WHERE handle = ?1",
    [PAIRS_BEFORE] = "SELECT conv, forgotten, (SELECT max(seq) FROM message"
                     " WHERE conv = pair.conv AND seq < ?2)"
                     " FROM pair WHERE handle = ?1",
    [DOOMED_ADD] = "INSERT INTO doomed (conv, upto) VALUES (?1, ?2)"
                   " ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto)",
    [DOOMED_FIRST] = "SELECT conv, upto FROM doomed LIMIT 1",
    [DOOMED_DONE] = "DELETE FROM doomed WHERE conv = ?1",

    [HANDLE_PUT] = "INSERT OR REPLACE INTO handle"
                   " (number, uid, name, direct, rooms, read, login, seen, unclaimed)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [HANDLES] = "SELECT number, uid, name, direct, rooms, read, login, seen, unclaimed FROM handle",
    /* Handles whose users never joined and for which nothing waits any more. */
    [HANDLES_EMPTY] = "DELETE FROM handle WHERE unclaimed = 1"
                      " AND number NOT IN (SELECT handle FROM member) AND NOT EXISTS"
                      " (SELECT 1 FROM pair JOIN message ON message.conv = pair.conv"
                      " WHERE pair.handle = handle.number)",
    [MARK_PUT] = "INSERT OR REPLACE INTO mark (handle, conv, seq) VALUES (?1, ?2, ?3)",
    [MARK_REMOVE] = "DELETE FROM mark WHERE handle = ?1 AND conv = ?2",
    /* What a handle has seen of everything makes its marks before that needless. */
    [MARKS_OLD] = "DELETE FROM mark WHERE seq <="
                  " ifnull((SELECT seen FROM handle WHERE number = mark.handle), seq)",
    [MARKS] = "SELECT handle, conv, seq FROM mark",
    [SANCTION_PUT] = "INSERT OR REPLACE INTO sanction"
                     " (uid, what, until_ms, rate, by_uid, by_name, why)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SANCTION_REMOVE] = "DELETE FROM sanction WHERE uid = ?1 AND what = ?2",
    [SANCTIONS] = "SELECT uid, what, until_ms, rate, by_uid, by_name, why FROM sanction",
    /* What waits for the others, and whose it is. */
    [MAILS] = "SELECT handle.number, message.uid, count(*),"
              " total(length(CAST(message.text AS BLOB))), max(message.seq), max(message.at_ms)"
              " FROM handle JOIN pair ON pair.handle = handle.number"
              " JOIN message ON message.conv = pair.conv"
              " WHERE unclaimed = 1 GROUP BY handle.number, message.uid",
    [ROOM_PUT] = "INSERT OR REPLACE INTO room"
                 " (number, creator, name, topic, form, rules, owner, private_since, people,"
                 " unix_group)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [ROOM_REMOVE] = "DELETE FROM room WHERE number = ?1",
    [ROOM_EMPTY] = "DELETE FROM member WHERE room = ?1",
    [ROOM_UNINVITE] = "DELETE FROM admission WHERE room = ?1",
    [ROOMS] = "SELECT number, creator, name, topic,"
              " (SELECT max(seq) FROM message WHERE conv = -room.number),"
              " form, rules, owner, private_since, people, unix_group FROM room"
              " ORDER BY number",
    [MEMBER_PUT] = "INSERT OR REPLACE INTO member (room, handle, since) VALUES (?1, ?2, ?3)",
    [MEMBER_REMOVE] = "DELETE FROM member WHERE room = ?1 AND handle = ?2",
    [MEMBERS] = "SELECT room, handle, since FROM member",
    [ADMISSION_PUT] = "INSERT OR REPLACE INTO admission"
                      " (room, handle, payer, after, joined, name)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [ADMISSION_REMOVE] = "DELETE FROM admission WHERE room = ?1 AND handle = ?2",
    [ADMISSIONS] = "SELECT room, handle, payer, after, joined, name FROM admission",
    [ROOM_ORDER_PUT] = "INSERT OR REPLACE INTO room_order"
                       " (room, uid, what, handle, until_ms, by_uid, by_name, why)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [ROOM_ORDER_REMOVE] = "DELETE FROM room_order WHERE room = ?1 AND uid = ?2 AND what = ?3",
    [ROOM_ORDERS_REMOVE] = "DELETE FROM room_order WHERE room = ?1",
    [ROOM_ORDERS] = "SELECT room, uid, what, handle, until_ms, by_uid, by_name, why"
                    " FROM room_order",
    [PIN_PUT] = "INSERT OR REPLACE INTO pin (handle, seq, conv, by, at_ms)"
                " VALUES (?1, ?2, ?3, ?4, ?5)",
    [PIN_DELETE] = "DELETE FROM pin WHERE handle = ?1 AND seq = ?2",
    [PINS_DELETE] = "DELETE FROM pin WHERE handle = 0 AND conv = -?1",
    /* Of messages that are gone, or were removed (2). */
    [PINS_OLD] = "DELETE FROM pin WHERE NOT EXISTS (SELECT 1 FROM message"
                 " WHERE message.seq = pin.seq AND message.flags & 2 = 0)",
    [PINS] = "SELECT handle, conv, seq, by, at_ms FROM pin",
    [LAST_NUMBERS] = "SELECT (SELECT max(number) FROM handle),"
                     " max((SELECT ifnull(max(number), 0) FROM room),"
                     " (SELECT ifnull(max(room), 0) FROM member),"
                     " -(SELECT min(ifnull(min(conv), 0), 0) FROM message)),"
                     " (SELECT max(seq) FROM message),"
                     " (SELECT at_ms FROM message ORDER BY seq DESC LIMIT 1)",

    [FIRST_AFTER] = "SELECT min(seq) FROM message WHERE conv = ?1 AND seq > ?2",
    [LAST_BEFORE] = "SELECT max(seq) FROM message WHERE conv = ?1 AND seq < ?2",
    [RUN_UP] = "SELECT " MESSAGE_COLUMNS " FROM message"
               " WHERE conv = ?1 AND seq > ?2 AND seq < ?3 ORDER BY seq LIMIT ?4",
    [PAGE_UP] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE conv = ?1 AND seq > ?2"
                " AND seq < ?3 AND " IS_SAID " ORDER BY seq LIMIT ?4",
    [SCAN_DOWN] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE conv = ?1 AND seq > ?2"
                  " AND seq < ?3 AND " IS_SAID " ORDER BY seq DESC",
    [RUN_DOWN] = "SELECT seq FROM message WHERE conv = ?1 AND seq > ?2"
                 " AND seq < ?3 AND " IS_SAID " ORDER BY seq DESC LIMIT ?4",

    [WORDS_FIND] = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid < ?2"
                   " ORDER BY rowid DESC",
    [PARTS_FIND] = "SELECT rowid FROM parts WHERE parts MATCH ?1 AND rowid < ?2"
                   " ORDER BY rowid DESC",
    /* Of others than ?2; of ?3 only, unless it is 0. */
    [FILES_FIND] =
        "SELECT seq, conv FROM message INDEXED BY message_file WHERE kind = 3"
        " AND seq < ?1 AND flags & 2 = 0 AND sender <> ?2 AND ?3 IN (0, sender) ORDER BY seq DESC",
    [BATCH] = "SELECT seq, CASE WHEN " IS_INDEXED " THEN length(CAST(text AS BLOB)) ELSE 0 END"
              " FROM message WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [WORDS_ADD] = "INSERT INTO words (rowid, text)"
                  " SELECT seq, text FROM message WHERE seq > ?1 AND seq <= ?2 AND " IS_INDEXED,
    [PARTS_ADD] =
        "INSERT INTO parts (rowid, text)"
        " SELECT seq, folded(text) FROM message WHERE seq > ?1 AND seq <= ?2 AND " IS_INDEXED,
    [WORDS_DELETE] = "INSERT INTO words (words, rowid, text)"
                     " SELECT 'delete', seq, text FROM message WHERE seq = ?1 AND " IS_INDEXED,
    [PARTS_DELETE] =
        "INSERT INTO parts (parts, rowid, text)"
        " SELECT 'delete', seq, folded(text) FROM message WHERE seq = ?1 AND " IS_INDEXED,
    [WORDS_ADD_ONE] = "INSERT INTO words (rowid, text)"
                      " SELECT seq, text FROM message WHERE seq = ?1 AND " IS_INDEXED,
    [PARTS_ADD_ONE] = "INSERT INTO parts (rowid, text)"
                      " SELECT seq, folded(text) FROM message WHERE seq = ?1 AND " IS_INDEXED,
    [WORDS_MERGE] = "INSERT INTO words (words, rank) VALUES ('merge', ?1)",
    [PARTS_MERGE] = "INSERT INTO parts (parts, rank) VALUES ('merge', ?1)",

    [VACUUM] = "PRAGMA incremental_vacuum(256)",
    [PAGES_USED] = "SELECT (page_count - freelist_count) * page_size, page_count * page_size"
                   " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    [PAGES] = "PRAGMA page_count",
};
