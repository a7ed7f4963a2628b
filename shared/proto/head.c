#include "proto/head.h"

#include <stdio.h>
#include <string.h>

const char *const head_words[] = {"min", "low", "default", "high", "max", NULL};

bool head_title_is_valid(struct bytes title) {
    return title.n <= HEAD_TITLE_MAX && (title.n == 0 || !memchr(title.data, '\n', title.n));
}

/* A title that begins like a priority has one before it. */
size_t head_put(char line[HEAD_BYTES_MAX], const struct head *head) {
    bool is_told =
        head->priority != HEAD_DEFAULT || (head->title.n > 0 && head->title.data[0] == '[');
    size_t n = 0;
    if (is_told)
        n = (size_t)snprintf(line, HEAD_BYTES_MAX, "[%s]%s", head_words[head->priority - HEAD_MIN],
                             head->title.n > 0 ? " " : "");
    if (head->title.n > 0)
        memcpy(line + n, head->title.data, head->title.n);
    n += head->title.n;
    line[n++] = '\n';
    return n;
}

/* "[high]" at the beginning of the line, and the blank behind it. */
static void head_take_priority(struct head *head, struct bytes *line) {
    const char *end = line->n > 0 && line->data[0] == '[' ? memchr(line->data, ']', line->n) : NULL;
    size_t n = end ? (size_t)(end - line->data) + 1 : 0;
    if (!end || (n < line->n && line->data[n] != ' '))
        return;
    for (int i = 0; head_words[i]; i++) {
        if (!bytes_equal((struct bytes){line->data + 1, n - 2}, bytes_of(head_words[i])))
            continue;
        head->priority = HEAD_MIN + i;
        n += n < line->n;
        *line = (struct bytes){line->data + n, line->n - n};
        return;
    }
}

bool head_take(struct head *head, struct bytes *text) {
    size_t within = text->n < HEAD_BYTES_MAX ? text->n : HEAD_BYTES_MAX;
    const char *end = within > 0 ? memchr(text->data, '\n', within) : NULL;
    if (!end)
        return false;
    size_t n = (size_t)(end - text->data);
    *head = (struct head){.title = {text->data, n}};
    head_take_priority(head, &head->title);
    if (head->title.n > HEAD_TITLE_MAX)
        return false;
    *text = (struct bytes){text->data + n + 1, text->n - n - 1};
    return true;
}
