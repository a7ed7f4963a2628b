/*
 * A LINE and the ORIGIN before it say together what a MESSAGE says.
 *
 * Next to its text and its id, most of which is random, a LINE has the low 16 bits of two numbers;
 * their high bits, which seldom change, stand in the ORIGIN, with zeros where the LINE's are.
 *
 * Only a plain text of one part that answers nothing can be a LINE, which is nearly every message.
 */
#pragma once

#include "proto/frame.h"

/* The text of the LINE is the body of the message. False: it cannot be a LINE. */
bool line_from_message(const struct frame_message *message, struct frame_origin *origin,
                       struct frame_line *line);

/* The message's views are those of the origin and of the line. */
void line_to_message(const struct frame_origin *origin, const struct frame_line *line,
                     struct frame_message *message);

#define LINE_LOW UINT64_C(0xffff) /* the part of the two numbers that a LINE has */

/* The number that the message has. */
static inline uint64_t line_seq(const struct frame_origin *origin, const struct frame_line *line) {
    return origin->seq | line->seq;
}

/* Whether all that the LINEs have are zeros. */
bool line_origin_is_valid(const struct frame_origin *origin);
