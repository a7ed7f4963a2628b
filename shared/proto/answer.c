#include "proto/answer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The first line, which is taken off the text. False: it has no end, or is too long. */
static bool answer_take_line(struct bytes *line, struct bytes *text) {
    size_t within = text->n < ANSWER_LINE_MAX ? text->n : ANSWER_LINE_MAX;
    const char *end = within > 0 ? memchr(text->data, '\n', within) : NULL;
    if (!end)
        return false;
    *line = (struct bytes){text->data, (size_t)(end - text->data)};
    *text = (struct bytes){end + 1, text->n - line->n - 1};
    return true;
}

/* All of it. False: it is none, or greater. */
static bool answer_take_number(uint64_t *number, struct bytes digits, uint64_t max) {
    *number = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        *number = *number * 10 + (unsigned)(digits.data[i] - '0');
        if (*number > max)
            return false;
    }
    return digits.n > 0;
}

size_t answer_put_author(char line[ANSWER_LINE_MAX], uint32_t uid) {
    int n = snprintf(line, ANSWER_LINE_MAX, "%u\n", uid);
    assert(n > 0 && n < ANSWER_LINE_MAX);
    return (size_t)n;
}

bool answer_take_author(uint32_t *uid, struct bytes *text) {
    struct bytes rest = *text, line;
    uint64_t number;
    if (!answer_take_line(&line, &rest) || !answer_take_number(&number, line, UINT32_MAX))
        return false;
    *uid = (uint32_t)number;
    *text = rest;
    return true;
}

size_t answer_put(char line[ANSWER_LINE_MAX], const struct answer *answer) {
    char id[UUID_TEXT_SIZE];
    int n = 0;
    if (answer->n > 0)
        n = snprintf(line, ANSWER_LINE_MAX, "n%u ", answer->n);
    uuid_format(&answer->thread, id);
    n += snprintf(line + n, ANSWER_LINE_MAX - (size_t)n, "t%s\n", id);
    assert(n > 0 && n < ANSWER_LINE_MAX);
    return (size_t)n;
}

static void answer_take_word(struct answer *answer, struct bytes word) {
    struct bytes value = {word.data + 1, word.n - 1};
    char id[UUID_TEXT_SIZE];
    uint64_t number;
    if (word.data[0] == 'n' && answer_take_number(&number, value, ANSWER_LAST))
        answer->n = (unsigned)number;
    if (word.data[0] != 't' || value.n != UUID_TEXT_SIZE - 1)
        return;
    memcpy(id, value.data, value.n);
    id[value.n] = '\0';
    if (!uuid_from_text(&answer->thread, id))
        answer->thread = (struct uuid){{0}};
}

bool answer_take(struct answer *answer, struct bytes *text) {
    struct bytes line;
    *answer = (struct answer){0};
    if (!answer_take_line(&line, text))
        return false;
    for (size_t at = 0, n; at < line.n; at += n + 1) {
        const char *end = memchr(line.data + at, ' ', line.n - at);
        n = end ? (size_t)(end - line.data) - at : line.n - at;
        if (n > 0)
            answer_take_word(answer, (struct bytes){line.data + at, n});
    }
    return true;
}
