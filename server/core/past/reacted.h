/*
 * The reactions to one message, as they are kept: a line for each, in the order in which they were
 * made: the emoji, the uid and the number of the handle whose it is, and that of the message (a
 * KIND_REACT) that made it, with a space between. There is one of each uid and emoji.
 *
 * Text of this kind stands in the database, which may be damaged: a line that is none is passed
 * over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/reaction.h"

struct reacted {
    struct bytes emoji;
    uint32_t uid, handle;
    uint64_t seq;
};

#define REACTED_LINE_MAX (EMOJI_BYTES_MAX + 10 + 10 + 20 + 4)
#define REACTED_BYTES_MAX (REACTION_PEOPLE_MAX * (size_t)REACTED_LINE_MAX)

/* The next one, off the text; false: there is none. Its emoji is a view into that. */
bool reacted_next(struct bytes *text, struct reacted *reacted);
/* That of this user; false: there is none. */
bool reacted_find(struct bytes text, struct bytes emoji, uint32_t uid, struct reacted *reacted);
/* Those of one emoji, and whose the first of them are. */
struct reacted_kind {
    struct bytes emoji;
    unsigned n;
    uint32_t handles[REACTION_NAMES_MAX];
};
/* Returns how many kinds there are. */
size_t reacted_gather(struct bytes text, struct reacted_kind kinds[REACTION_KINDS_MAX]);
/* Whether another one has a place. */
bool reacted_has_place(struct bytes text, struct bytes emoji);
/*
 * The text with this one, or without that of its emoji and uid, into `to`, which has room for
 * REACTED_LINE_MAX bytes more than `text`, and may be where that stands. Returns its bytes.
 */
size_t reacted_add(char *to, struct bytes text, const struct reacted *reacted);
size_t reacted_remove(char *to, struct bytes text, struct bytes emoji, uint32_t uid);
