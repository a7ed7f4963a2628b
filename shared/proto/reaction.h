/*
 * A reaction to a message: one emoji of one person, made or taken back. It is said about a message
 * as an edit is (see mend.h), so it is a message itself, a KIND_REACT.
 *
 * Its body begins with the uid of who wrote the target, in decimal, and a line feed; then comes '+'
 * when it is made, or '-' when it is taken back, and the emoji.
 *
 * In the past a message's reactions stand before it, one PAST of KIND_REACT for each emoji, with
 * the id of that message: so many there are, a space, the emoji, and behind a space each the
 * handles of the first of those whose they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/mend.h"
#include "proto/name.h"

#define EMOJI_BYTES_MAX 40
#define REACTION_BODY_MAX (MEND_HEAD_MAX + 1 + EMOJI_BYTES_MAX)
#define REACTION_KINDS_MAX 20   /* emoji of one message, */
#define REACTION_PEOPLE_MAX 256 /* and reactions */
#define REACTION_NAMES_MAX 8    /* that are told of one emoji */
#define REACTION_COUNT_MAX (11 + EMOJI_BYTES_MAX + REACTION_NAMES_MAX * (NAME_BYTES_MAX + 1))

/* Whether it is one emoji and nothing else: one character as people see it, which is no letter. */
bool emoji_is_valid(struct bytes text);
/* The same one, whether it is said to be a picture or not (U+FE0F). */
bool emoji_is_same(struct bytes a, struct bytes b);

struct reaction {
    uint32_t uid; /* of who wrote the target */
    bool on;
    struct bytes emoji;
};

/* False: the body is none of a KIND_REACT. The emoji is a view into it. */
bool reaction_take(struct reaction *reaction, struct bytes body);
/* Writes the body, and returns its bytes. */
size_t reaction_put(char body[REACTION_BODY_MAX], const struct reaction *reaction);

struct reaction_count {
    uint32_t n;
    struct bytes emoji, names; /* names: with a space between; may be empty */
};

/* The same of one of the past. */
bool reaction_count_take(struct reaction_count *count, struct bytes body);
size_t reaction_count_put(char body[REACTION_COUNT_MAX], const struct reaction_count *count);
