/*
 * What stands before the text of a KIND_ANSWER, as one line.
 *
 * To the hub it is the uid of who wrote the message that is answered (reply_to), for an id is its
 * user's own. From the hub it is words, each of which begins with a letter that says what it is;
 * who does not know one passes over it:
 *
 *   n12     the number of this reply in its conversation, by which people name it;
 *   t<id>   the message that its thread began with.
 *
 * Numbers begin with ANSWER_FIRST, so that smaller ones can count messages back, and begin again
 * behind ANSWER_LAST, so that they stay short.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/uuid.h"

#define ANSWER_FIRST 10
#define ANSWER_LAST 9999
#define ANSWER_LINE_MAX 64 /* bytes, with its line feed */

struct answer {
    unsigned n;         /* 0: it has none */
    struct uuid thread; /* nil: none */
};

/* To the hub. The bytes of the line; and what it says, which is taken off the text. False: there is
 * none. */
size_t answer_put_author(char line[ANSWER_LINE_MAX], uint32_t uid);
bool answer_take_author(uint32_t *uid, struct bytes *text);

/* From the hub. */
size_t answer_put(char line[ANSWER_LINE_MAX], const struct answer *answer);
bool answer_take(struct answer *answer, struct bytes *text);
