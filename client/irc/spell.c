#include "irc/spell.h"

#include <stdio.h>
#include <string.h>

#define SPELL_PLAIN ".@"
#define SPELL_SPELLED "^|"
#define SPELL_BEFORE_DIGIT '`'

static bool spell_is_digit(char c) {
    return c >= '0' && c <= '9';
}

const char *spell_nick(char out[SPELL_SIZE], const char *handle) {
    size_t n = 0;
    if (spell_is_digit(*handle))
        out[n++] = SPELL_BEFORE_DIGIT;
    for (; *handle && n < SPELL_SIZE - 1; handle++) {
        const char *found = strchr(SPELL_PLAIN, *handle);
        out[n++] = (char)(found ? SPELL_SPELLED[found - SPELL_PLAIN] : *handle);
    }
    out[n] = '\0';
    return out;
}

bool spell_handle(char out[SPELL_SIZE], const char *nick) {
    size_t n = 0;
    bool is_behind = *nick == SPELL_BEFORE_DIGIT;
    nick += is_behind;
    if (is_behind != spell_is_digit(*nick))
        return false;
    for (; *nick; nick++) {
        const char *found = strchr(SPELL_SPELLED, *nick);
        if (n == SPELL_SIZE - 1 || strchr(SPELL_PLAIN, *nick) || *nick == SPELL_BEFORE_DIGIT)
            return false;
        out[n++] = (char)(found ? SPELL_PLAIN[found - SPELL_SPELLED] : *nick);
    }
    out[n] = '\0';
    return n > 0;
}

bool spell_key(struct name *key, const char *nick_or_channel) {
    char handle[SPELL_SIZE];
    struct name name;
    const char *text = nick_or_channel;
    if (*text != '#') {
        if (!spell_handle(handle, text))
            return false;
        text = handle;
    }
    if (name_parse(&name, bytes_of(text)) != NAME_OK)
        return false;
    name_key(key, &name);
    return true;
}
