/*
 * What is said to a client. A line is an answer to the command that is being done, and carries its
 * label, or it comes by itself. It goes into a buffer that the loop writes; what is longer than a
 * line may be is cut between two characters.
 */
#pragma once

#include "irc/door.h"
#include "irc/numeric.h"

/* An answer; the format is that of the line behind the tags. tags may be NULL. */
void say_answer(struct conn *conn, const struct say_tags *tags, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Something that comes by itself. */
void say_news(struct conn *conn, const struct say_tags *tags, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A numeric, which is an answer. The format is what stands between the nick and the text that
 * numeric_text() gives, or all. */
void say_numeric(struct conn *conn, enum numeric numeric, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same without anything in between. */
void say_plain(struct conn *conn, enum numeric numeric);

/* FAIL (IRCv3 standard-replies). The context, with a blank behind it, or "". */
void say_fail(struct conn *conn, const char *command, const char *code, const char *context,
              const char *text);

/* A notice of the door itself. */
void say_notice(struct conn *conn, const char *format, ...) PRINTF_LIKE(2, 3);

/* A batch within the answer, "chathistory #ops"; none for who has not asked for batches. Returns
 * its reference, for the tags; NULL: none. */
const char *say_open_batch(struct conn *conn, const struct say_tags *tags, const char *what);
void say_close_batch(struct conn *conn);

/* All answers have been given: those with a label are said now. */
void say_end(struct conn *conn);

/* The bytes that a line from `source` with a command and a target takes beside its text. */
size_t say_room(const char *source, const char *command, const char *target);

/* RFC 3339, in UTC, with milliseconds. */
#define SAY_TIME_SIZE 32
void say_time(char out[SAY_TIME_SIZE], int64_t at_ms);

/* Frees what was not said. */
void say_drop(struct conn *conn);
