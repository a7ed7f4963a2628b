/* Emoji by their names, as people type them elsewhere: a selection of the usual ones. */
#include <string.h>

#include "base/macro.h"
#include "lib/earshot.h"
#include "proto/reaction.h"

static const struct {
    const char *name, *emoji;
} emoji_names[] = {
    {"+1", "👍"},
    {"-1", "👎"},
    {"100", "💯"},
    {"alarm_clock", "⏰"},
    {"anchor", "⚓"},
    {"angry", "😠"},
    {"arrow_up", "⬆️"},
    {"beer", "🍺"},
    {"bell", "🔔"},
    {"birthday", "🎂"},
    {"blush", "😊"},
    {"boom", "💥"},
    {"bow", "🙇"},
    {"broken_heart", "💔"},
    {"bug", "🐛"},
    {"bulb", "💡"},
    {"calendar", "📆"},
    {"cat", "🐱"},
    {"checkered_flag", "🏁"},
    {"clap", "👏"},
    {"cloud", "☁️"},
    {"coffee", "☕"},
    {"confetti_ball", "🎊"},
    {"confused", "😕"},
    {"construction", "🚧"},
    {"cool", "😎"},
    {"cry", "😢"},
    {"dart", "🎯"},
    {"dog", "🐶"},
    {"exclamation", "❗"},
    {"eyes", "👀"},
    {"facepalm", "🤦"},
    {"fire", "🔥"},
    {"gear", "⚙️"},
    {"ghost", "👻"},
    {"gift", "🎁"},
    {"grin", "😁"},
    {"hammer", "🔨"},
    {"heart", "❤️"},
    {"heart_eyes", "😍"},
    {"heavy_check_mark", "✔️"},
    {"hourglass", "⌛"},
    {"hugs", "🤗"},
    {"joy", "😂"},
    {"key", "🔑"},
    {"laughing", "😆"},
    {"lock", "🔒"},
    {"mag", "🔍"},
    {"memo", "📝"},
    {"moon", "🌙"},
    {"muscle", "💪"},
    {"no_entry", "⛔"},
    {"ok", "🆗"},
    {"ok_hand", "👌"},
    {"open_mouth", "😮"},
    {"package", "📦"},
    {"party", "🥳"},
    {"penguin", "🐧"},
    {"pizza", "🍕"},
    {"point_up", "☝️"},
    {"pray", "🙏"},
    {"question", "❓"},
    {"rage", "😡"},
    {"rainbow", "🌈"},
    {"raised_hands", "🙌"},
    {"recycle", "♻️"},
    {"red_circle", "🔴"},
    {"rocket", "🚀"},
    {"rofl", "🤣"},
    {"rose", "🌹"},
    {"scream", "😱"},
    {"see_no_evil", "🙈"},
    {"shrug", "🤷"},
    {"skull", "💀"},
    {"sleeping", "😴"},
    {"smile", "😄"},
    {"smirk", "😏"},
    {"snail", "🐌"},
    {"snowflake", "❄️"},
    {"sob", "😭"},
    {"sparkles", "✨"},
    {"star", "⭐"},
    {"sunny", "☀️"},
    {"sweat_smile", "😅"},
    {"tada", "🎉"},
    {"thinking", "🤔"},
    {"thumbsdown", "👎"},
    {"thumbsup", "👍"},
    {"trophy", "🏆"},
    {"turtle", "🐢"},
    {"unlock", "🔓"},
    {"upside_down", "🙃"},
    {"warning", "⚠️"},
    {"wave", "👋"},
    {"white_check_mark", "✅"},
    {"wink", "😉"},
    {"wrench", "🔧"},
    {"x", "❌"},
    {"zap", "⚡"},
    {"zzz", "💤"},
};

const char *earshot_emoji_name(size_t i) {
    return i < ARRAY_LEN(emoji_names) ? emoji_names[i].name : NULL;
}

const char *earshot_emoji(const char *text) {
    size_t n = text ? strlen(text) : 0;
    if (n == 0)
        return NULL;
    if (emoji_is_valid((struct bytes){text, n}))
        return text;
    bool has_colons = n > 2 && text[0] == ':' && text[n - 1] == ':';
    for (size_t i = 0; has_colons && i < ARRAY_LEN(emoji_names); i++) {
        const char *name = emoji_names[i].name;
        if (strlen(name) == n - 2 && memcmp(name, text + 1, n - 2) == 0)
            return emoji_names[i].emoji;
    }
    return NULL;
}
