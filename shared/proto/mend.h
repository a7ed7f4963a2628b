/*
 * What is said about an earlier message: an edit, a removal or a reaction (reaction.h). It is a
 * message itself, with an id and a number of its own, so it is acknowledged, stored and given out
 * as all are; and its reply_to is the id of the message that it is about, its target.
 *
 * An id is its user's own. The target of a KIND_EDIT is the editor's, and the body is its new text,
 * with a head if the kind has KIND_HEADED. The body of a KIND_REMOVE begins with the uid of who
 * wrote the target, in decimal, and a line feed; the reason stands behind that, and may be empty.
 *
 * It goes to where the target was said: MEND_TO instead of a name leaves finding that to the hub.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define MEND_TO "*"         /* no name has this character */
#define MEND_REASON_MAX 512 /* bytes */
#define MEND_HEAD_MAX 11    /* of the uid's line */
#define MEND_REMOVE_MAX (MEND_HEAD_MAX + MEND_REASON_MAX)

/* Of the kinds above; `kind` is that of a message. */
bool mend_is(uint8_t kind);
/* Of who gets one: ABILITY_MENDS or ABILITY_REACTS. */
unsigned mend_ability(uint8_t kind);

struct mend_removal {
    uint32_t uid;
    struct bytes reason;
};

/* False: the body is not one of a KIND_REMOVE. The reason is a view into it. */
bool mend_removal_take(struct mend_removal *removal, struct bytes body);
/* Writes the body, and returns its bytes. */
size_t mend_removal_put(char body[MEND_REMOVE_MAX], const struct mend_removal *removal);
