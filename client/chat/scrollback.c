#include "chat/scrollback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/format.h"
#include "chat/people/roster.h"
#include "cli/words.h"

static size_t scrollback_oldest(const struct scrollback *scrollback) {
    return scrollback->n > SCROLLBACK_MAX ? scrollback->n - SCROLLBACK_MAX : 0;
}

static void scrollback_free_message(struct scrollback_message *message) {
    free(message->conv);
    free(message->from);
    free(message->preview);
    free(message->text);
    *message = (struct scrollback_message){0};
}

void scrollback_deinit(struct scrollback *scrollback) {
    for (size_t i = scrollback_oldest(scrollback); i < scrollback->n; i++)
        scrollback_free_message(&scrollback->messages[i % SCROLLBACK_MAX]);
    scrollback->n = 0;
}

void scrollback_add(struct scrollback *scrollback, struct scrollback_key key, const char *conv,
                    const char *from, const char *text, size_t n, bool mine) {
    struct scrollback_message *message = &scrollback->messages[scrollback->n % SCROLLBACK_MAX];
    struct scrollback_message new = {.uid = key.uid,
                                     .conv = strdup(conv),
                                     .from = strdup(from),
                                     .preview = format_preview(text, n),
                                     .text = mine ? strndup(text, n) : NULL,
                                     .mine = mine};
    memcpy(new.id, key.id, sizeof new.id);
    if (!new.conv || !new.from || !new.preview) {
        scrollback_free_message(&new);
        return;
    }
    if (scrollback->n >= SCROLLBACK_MAX)
        scrollback_free_message(message);
    *message = new;
    scrollback->n++;
}

void scrollback_set_reply(struct scrollback *scrollback, unsigned n, const char *thread) {
    struct scrollback_message *message =
        scrollback->n > 0 ? &scrollback->messages[(scrollback->n - 1) % SCROLLBACK_MAX] : NULL;
    if (!message)
        return;
    message->n = n;
    snprintf(message->thread, sizeof message->thread, "%s", thread);
}

bool scrollback_number(struct scrollback *scrollback, struct scrollback_key key, unsigned n,
                       const char *thread) {
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (message->uid != key.uid || strcmp(message->id, key.id) != 0)
            continue;
        message->n = n;
        snprintf(message->thread, sizeof message->thread, "%s", thread);
        return true;
    }
    return false;
}

const struct scrollback_message *scrollback_numbered(const struct scrollback *scrollback,
                                                     const char *conv, unsigned n) {
    for (size_t i = scrollback->n; n > 0 && i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (message->n == n && words_same_name(message->conv, conv))
            return message;
    }
    return NULL;
}

const struct scrollback_message *scrollback_last_reply(const struct scrollback *scrollback,
                                                       const char *conv) {
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (*message->thread && words_same_name(message->conv, conv))
            return message;
    }
    return NULL;
}

const struct scrollback_message *scrollback_find(const struct scrollback *scrollback,
                                                 struct scrollback_key key) {
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (message->uid == key.uid && strcmp(message->id, key.id) == 0)
            return message;
    }
    return NULL;
}

bool scrollback_has(const struct scrollback *scrollback, struct scrollback_key key) {
    return scrollback_find(scrollback, key) != NULL;
}

const struct scrollback_message *scrollback_meant(const struct scrollback *scrollback,
                                                  const char *id, const char *conv) {
    const struct scrollback_message *meant = NULL;
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (strcmp(message->id, id) != 0 || (*conv && !words_same_name(message->conv, conv)))
            continue;
        if (meant && meant->uid != message->uid)
            return NULL;
        if (!meant)
            meant = message;
    }
    return meant;
}

const struct scrollback_message *scrollback_back(const struct scrollback *scrollback,
                                                 const char *conv, unsigned long back) {
    for (size_t i = scrollback->n; back > 0 && i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        bool is_meant = !*conv || words_same_name(message->conv, conv);
        if (!message->mine && is_meant && --back == 0)
            return message;
    }
    return NULL;
}

const struct scrollback_message *scrollback_own(const struct scrollback *scrollback, uid_t uid,
                                                const char *conv) {
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (message->mine && message->uid == uid && message->text &&
            words_same_name(message->conv, conv))
            return message;
    }
    return NULL;
}

const struct scrollback_message *scrollback_newest(const struct scrollback *scrollback,
                                                   const char *conv) {
    for (size_t i = scrollback->n; i > scrollback_oldest(scrollback); i--) {
        const struct scrollback_message *message = &scrollback->messages[(i - 1) % SCROLLBACK_MAX];
        if (words_same_name(message->conv, conv))
            return message;
    }
    return NULL;
}

static void scrollback_set_text(struct scrollback_message *message, const char *text) {
    char *preview = text ? format_preview(text, strlen(text)) : strdup("(removed)");
    if (!preview)
        return;
    free(message->preview);
    free(message->text);
    message->preview = preview;
    message->text = text && message->mine ? strdup(text) : NULL;
}

void scrollback_change(struct scrollback *scrollback, struct scrollback_key key, const char *text) {
    for (size_t i = scrollback_oldest(scrollback); i < scrollback->n; i++) {
        struct scrollback_message *message = &scrollback->messages[i % SCROLLBACK_MAX];
        if (message->uid == key.uid && strcmp(message->id, key.id) == 0)
            scrollback_set_text(message, text);
    }
}

const struct scrollback_message *scrollback_last(const struct scrollback *scrollback) {
    return scrollback->n > 0 ? &scrollback->messages[(scrollback->n - 1) % SCROLLBACK_MAX] : NULL;
}

bool scrollback_has_conv(const struct scrollback *scrollback, const char *conv) {
    for (size_t i = scrollback_oldest(scrollback); i < scrollback->n; i++)
        if (words_same_name(scrollback->messages[i % SCROLLBACK_MAX].conv, conv))
            return true;
    return false;
}
