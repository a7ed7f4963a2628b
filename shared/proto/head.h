/*
 * The head of a text: a priority and a title. It is the first line of the body of a message whose
 * kind has KIND_HEADED, so that a client which does not know of heads shows it as text, and that a
 * title is searched for like any other word:
 *
 *   [high] The disk is full
 *   /srv has 0 bytes left
 *
 * The hub does not look at it.
 */
#pragma once

#include "base/bytes.h"

#define HEAD_TITLE_MAX 255                   /* bytes */
#define HEAD_BYTES_MAX (HEAD_TITLE_MAX + 12) /* of the whole line */

enum head_priority {
    HEAD_MIN = -2,
    HEAD_LOW,
    HEAD_DEFAULT,
    HEAD_HIGH,
    HEAD_MAX,
};

/* By priority - HEAD_MIN; NULL ends them. */
extern const char *const head_words[];

struct head {
    int priority; /* enum head_priority */
    struct bytes title;
};

/* Whether it can be a title: one line of at most HEAD_TITLE_MAX bytes. */
bool head_title_is_valid(struct bytes title);

/* Writes the line, with its line feed, and returns its bytes. The title is valid. */
size_t head_put(char line[HEAD_BYTES_MAX], const struct head *head);

/* Takes the head off the text. False, and nothing is taken: it does not begin with one. */
bool head_take(struct head *head, struct bytes *text);
