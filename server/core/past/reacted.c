#include "core/past/reacted.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A number behind a space, off the line. */
static bool reacted_number(struct bytes *line, uint64_t max, uint64_t *number) {
    size_t n = 1;
    *number = 0;
    if (line->n < 2 || line->data[0] != ' ')
        return false;
    for (; n < line->n && n <= 19 && line->data[n] >= '0' && line->data[n] <= '9'; n++)
        *number = *number * 10 + (unsigned)(line->data[n] - '0');
    *line = (struct bytes){line->data + n, line->n - n};
    return n > 1 && *number <= max;
}

static bool reacted_of_line(struct bytes line, struct reacted *reacted) {
    const char *space = memchr(line.data, ' ', line.n);
    uint64_t uid, handle, seq;
    if (!space)
        return false;
    struct bytes emoji = {line.data, (size_t)(space - line.data)};
    struct bytes rest = {space, line.n - emoji.n};
    if (!reacted_number(&rest, UINT32_MAX, &uid) || !reacted_number(&rest, UINT32_MAX, &handle) ||
        !reacted_number(&rest, INT64_MAX, &seq) || rest.n > 0)
        return false;
    *reacted = (struct reacted){emoji, (uint32_t)uid, (uint32_t)handle, seq};
    return emoji.n > 0 && emoji.n <= EMOJI_BYTES_MAX;
}

bool reacted_next(struct bytes *text, struct reacted *reacted) {
    while (text->n > 0) {
        const char *end = memchr(text->data, '\n', text->n);
        struct bytes line = {text->data, end ? (size_t)(end - text->data) : text->n};
        size_t n = line.n + (end ? 1 : 0);
        *text = (struct bytes){text->data + n, text->n - n};
        if (reacted_of_line(line, reacted))
            return true;
    }
    return false;
}

bool reacted_find(struct bytes text, struct bytes emoji, uint32_t uid, struct reacted *reacted) {
    while (reacted_next(&text, reacted))
        if (reacted->uid == uid && emoji_is_same(reacted->emoji, emoji))
            return true;
    return false;
}

size_t reacted_gather(struct bytes text, struct reacted_kind kinds[REACTION_KINDS_MAX]) {
    struct reacted reacted;
    size_t n_kinds = 0;
    while (reacted_next(&text, &reacted)) {
        size_t i = 0;
        while (i < n_kinds && !emoji_is_same(kinds[i].emoji, reacted.emoji))
            i++;
        if (i == REACTION_KINDS_MAX)
            continue;
        if (i == n_kinds)
            kinds[n_kinds++] = (struct reacted_kind){.emoji = reacted.emoji};
        if (kinds[i].n < REACTION_NAMES_MAX)
            kinds[i].handles[kinds[i].n] = reacted.handle;
        kinds[i].n++;
    }
    return n_kinds;
}

bool reacted_has_place(struct bytes text, struct bytes emoji) {
    struct reacted_kind kinds[REACTION_KINDS_MAX];
    size_t n_kinds = reacted_gather(text, kinds);
    unsigned n = 0;
    bool is_new = true;
    for (size_t i = 0; i < n_kinds; i++) {
        n += kinds[i].n;
        is_new = is_new && !emoji_is_same(kinds[i].emoji, emoji);
    }
    return text.n <= REACTED_BYTES_MAX - REACTED_LINE_MAX && n < REACTION_PEOPLE_MAX &&
           n_kinds + is_new <= REACTION_KINDS_MAX;
}

static size_t reacted_put(char *to, const struct reacted *reacted) {
    char line[REACTED_LINE_MAX + 1];
    int n = snprintf(line, sizeof line, "%.*s %" PRIu32 " %" PRIu32 " %" PRIu64 "\n",
                     (int)reacted->emoji.n, reacted->emoji.data, reacted->uid, reacted->handle,
                     reacted->seq);
    assert(n > 0 && (size_t)n < sizeof line);
    memcpy(to, line, (size_t)n);
    return (size_t)n;
}

size_t reacted_add(char *to, struct bytes text, const struct reacted *reacted) {
    if (text.n > 0 && to != text.data)
        memcpy(to, text.data, text.n);
    return text.n + reacted_put(to + text.n, reacted);
}

size_t reacted_remove(char *to, struct bytes text, struct bytes emoji, uint32_t uid) {
    struct reacted reacted;
    size_t n = 0;
    while (reacted_next(&text, &reacted))
        if (reacted.uid != uid || !emoji_is_same(reacted.emoji, emoji))
            n += reacted_put(to + n, &reacted);
    return n;
}
