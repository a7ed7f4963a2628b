#include "chat/recent.h"

#include <stdlib.h>
#include <string.h>

#include "chat/format.h"
#include "chat/roster.h"
#include "cli/words.h"

static size_t recent_oldest(const struct recent *recent) {
    return recent->n > RECENT_MAX ? recent->n - RECENT_MAX : 0;
}

static void message_free(struct recent_message *message) {
    free(message->conv);
    free(message->from);
    free(message->preview);
    *message = (struct recent_message){0};
}

void recent_deinit(struct recent *recent) {
    for (size_t i = recent_oldest(recent); i < recent->n; i++)
        message_free(&recent->messages[i % RECENT_MAX]);
    recent->n = 0;
}

void recent_add(struct recent *recent, struct recent_key key, const char *conv, const char *from,
                const char *text, size_t n, bool mine) {
    struct recent_message *message = &recent->messages[recent->n % RECENT_MAX];
    struct recent_message new = {.uid = key.uid,
                                 .conv = strdup(conv),
                                 .from = strdup(from),
                                 .preview = format_preview(text, n),
                                 .mine = mine};
    memcpy(new.id, key.id, sizeof new.id);
    if (!new.conv || !new.from || !new.preview) {
        message_free(&new);
        return;
    }
    if (recent->n >= RECENT_MAX)
        message_free(message);
    *message = new;
    recent->n++;
}

bool recent_has(const struct recent *recent, struct recent_key key) {
    for (size_t i = recent->n; i > recent_oldest(recent); i--) {
        const struct recent_message *message = &recent->messages[(i - 1) % RECENT_MAX];
        if (message->uid == key.uid && strcmp(message->id, key.id) == 0)
            return true;
    }
    return false;
}

const struct recent_message *recent_meant(const struct recent *recent, const char *id,
                                          const char *conv) {
    const struct recent_message *meant = NULL;
    for (size_t i = recent->n; i > recent_oldest(recent); i--) {
        const struct recent_message *message = &recent->messages[(i - 1) % RECENT_MAX];
        if (strcmp(message->id, id) != 0 || (*conv && !words_same_name(message->conv, conv)))
            continue;
        if (meant && meant->uid != message->uid)
            return NULL;
        if (!meant)
            meant = message;
    }
    return meant;
}

const struct recent_message *recent_back(const struct recent *recent, const char *conv,
                                         unsigned long back) {
    for (size_t i = recent->n; back > 0 && i > recent_oldest(recent); i--) {
        const struct recent_message *message = &recent->messages[(i - 1) % RECENT_MAX];
        bool is_meant = !*conv || words_same_name(message->conv, conv);
        if (!message->mine && is_meant && --back == 0)
            return message;
    }
    return NULL;
}

bool recent_has_conv(const struct recent *recent, const char *conv) {
    for (size_t i = recent_oldest(recent); i < recent->n; i++)
        if (words_same_name(recent->messages[i % RECENT_MAX].conv, conv))
            return true;
    return false;
}
