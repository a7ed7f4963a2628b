/* /pin and /star: messages that are to be found again, by all who are there or by oneself. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chat/command.h"
#include "chat/inquiry.h"
#include "chat/reply.h"
#include "chat/show.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

#define PINS_PAGE 50

/* The last message here, or the one that the word means. */
static const struct scrollback_message *pins_meant(const struct chat *chat, const char *word) {
    return *word ? reply_meant(chat, word) : scrollback_newest(&chat->scrollback, chat->target);
}

static int pins_do(struct chat *chat, const char *word, enum earshot_pin_what what,
                   enum inquiry_kind kind) {
    const struct scrollback_message *message = pins_meant(chat, word);
    uint32_t request = 0;
    if (!message) {
        chat_fail(chat, OUTCOME_USAGE,
                  "this window has shown no such message here; `earshot %s ID` does it for any",
                  what == EARSHOT_PIN     ? "pin"
                  : what == EARSHOT_UNPIN ? "unpin"
                  : what == EARSHOT_STAR  ? "star"
                                          : "unstar");
        return COMMAND_DONE;
    }
    int r = earshot_pin(chat->link, message->id, message->uid, what, &request);
    inquiry_made(chat, r, request, kind, message->conv);
    return COMMAND_DONE;
}

int pins_pin(struct chat *chat, char *arguments) {
    return pins_do(chat, arguments, EARSHOT_PIN, INQUIRY_PIN);
}

int pins_unpin(struct chat *chat, char *arguments) {
    return pins_do(chat, arguments, EARSHOT_UNPIN, INQUIRY_UNPIN);
}

int pins_star(struct chat *chat, char *arguments) {
    return pins_do(chat, arguments, EARSHOT_STAR, INQUIRY_STAR);
}

int pins_unstar(struct chat *chat, char *arguments) {
    return pins_do(chat, arguments, EARSHOT_UNSTAR, INQUIRY_UNSTAR);
}

int pins_list(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    words_take_conv(arguments);
    const char *conv = *arguments ? arguments : chat->target;
    if (!*conv)
        return command_usage(chat, "pins");
    int r = earshot_pins(chat->link, conv, 0, PINS_PAGE, &request);
    inquiry_made(chat, r, request, INQUIRY_PINS, conv);
    return COMMAND_DONE;
}

int pins_list_stars(struct chat *chat, char *arguments) {
    uint32_t request = 0;
    words_take_conv(arguments);
    int r = earshot_stars(chat->link, *arguments ? arguments : NULL, 0, PINS_PAGE, &request);
    inquiry_made(chat, r, request, INQUIRY_STARS, arguments);
    return COMMAND_DONE;
}

void pins_line(struct chat *chat, const struct earshot_event *event, unsigned kind) {
    char at[32] = "";
    struct tm tm;
    if (event->type == EARSHOT_EVENT_PAST)
        show_message(chat, event, SHOW_FOUND);
    if (event->type == EARSHOT_EVENT_PAST || kind != INQUIRY_PINS)
        return;
    time_t s = event->pinned.at_ms / 1000;
    if (localtime_r(&s, &tm))
        strftime(at, sizeof at, "%Y-%m-%d %H:%M", &tm);
    view_note(&chat->view, VIEW_INFO, "pinned by %s, %s:", event->pinned.by, at);
}

void pins_done(struct chat *chat, unsigned kind, const char *conv, size_t n) {
    static const char *const said[INQUIRY_KINDS] = {
        [INQUIRY_PIN] = "pinned",
        [INQUIRY_UNPIN] = "unpinned",
        [INQUIRY_STAR] = "starred",
        [INQUIRY_UNSTAR] = "unstarred",
        [INQUIRY_PINS] = "nothing is pinned",
        [INQUIRY_STARS] = "nothing is starred",
    };
    if (n == 0)
        view_note(&chat->view, VIEW_INFO, "%s%s%s%s", said[kind], *conv ? " in " : "",
                  conv_sign(conv), conv_rest(conv));
}

void pins_news(struct chat *chat, const struct earshot_event *event) {
    const char *conv = event->news.room;
    bool is_muted = unread_level(chat, conv) == UNREAD_MUTE && !words_same_name(conv, chat->target);
    if (!is_muted)
        view_note(&chat->view, VIEW_NEWS, "%s%s: %s %s; /pins", conv_sign(conv), conv_rest(conv),
                  event->news.who, event->news.detail);
}
