/*
 * The grammar of handles and rooms: 1-32 characters; letters, digits, `_`, `.`, `-`; letters of
 * every alphabet with their combining marks, eight at most in a row; no leading dot or dash. A
 * room is a `#` before such a name. Names are kept as NFC and compared by their key, the NFKC case
 * folding (Unicode 15, section 5.18), so that ALICE, alice and fullwidth alice are one.
 *
 * A direct conversation of several is a room that is called after its people: `#alice,bob,carol`,
 * and `#alice,bob,+9` where that would be too long. It may be written with an `@`, too.
 *
 * Two private rooms may have one name. Who sees both, or means one by its owner, writes `#ops~ann`:
 * a room's name, a tilde, and a handle; behind the names of people it is a number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define NAME_CHARACTERS_MAX 32
#define NAME_OWNER_SIGN '~'
#define NAME_PEOPLE_SIGN ','
#define NAME_BYTES_MAX 128 /* with the `#`; also the bound of a key */

/* A handle or a room, with its `#`, or the key of one. NUL-terminated; n does not count the NUL. */
struct name {
    uint8_t n;
    char s[NAME_BYTES_MAX + 1];
};

enum name_outcome {
    NAME_OK = 0,
    NAME_EMPTY,
    NAME_TOO_LONG,
    NAME_BAD_START,     /* a leading dot, dash or combining mark */
    NAME_BAD_CHARACTER, /* something that is not a letter, a digit or one of _ . - */
    NAME_NOT_UTF8,
};

/* Checks a handle or room and stores its NFC form; returns a name_outcome. */
enum name_outcome name_parse(struct name *out, struct bytes text);

/*
 * Checks the name of a claim and stores its NFC form: words of that grammar, without a `#`, with
 * one blank between each two, in all at most NAME_BYTES_MAX bytes. name_key() gives the key of it,
 * too.
 */
enum name_outcome name_parse_claim(struct name *out, struct bytes text);

/* The key under which a parsed name is compared and indexed. */
void name_key(struct name *key, const struct name *name);

/* Whether two parsed names are one, however they are spelled; an empty one is no other's. */
bool name_is_same(const struct name *a, const struct name *b);

static inline bool name_is_room(const struct name *name) {
    return name->n > 0 && name->s[0] == '#';
}

/* A room that is meant by its owner, too. */
static inline bool name_has_owner(const struct name *name) {
    return name_is_room(name) && strchr(name->s, NAME_OWNER_SIGN) != NULL;
}

/* A direct conversation of several. */
static inline bool name_is_people(const struct name *name) {
    return name_is_room(name) && strchr(name->s, NAME_PEOPLE_SIGN) != NULL;
}

/* How people read and write one: a sign that stands before it, or none, and the rest of it. */
static inline bool conv_is_people(const char *conv) {
    return conv[0] == '#' && strchr(conv, NAME_PEOPLE_SIGN) != NULL;
}

/* With whom, and not where, one talks. */
static inline bool conv_is_direct(const char *conv) {
    return conv[0] != '#' || conv_is_people(conv);
}

static inline const char *conv_sign(const char *conv) {
    return conv_is_direct(conv) ? "@" : "";
}

static inline const char *conv_rest(const char *conv) {
    return conv_is_people(conv) ? conv + 1 : conv;
}

static inline struct bytes name_bytes(const struct name *name) {
    return (struct bytes){name->s, name->n};
}

/* What is wrong, as the end of a sentence: "is longer than 32 characters". */
const char *name_problem(enum name_outcome outcome);
