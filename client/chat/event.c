#include "chat/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "chat/ask.h"
#include "chat/format.h"
#include "chat/news.h"
#include "chat/talk.h"
#include "cli/json.h"

#define AT_ONCE 256 /* events before the keyboard is looked at again */

static bool is_highlight(const struct chat *chat, const struct earshot_event *event) {
    if (event->message.mine)
        return false;
    return event->message.conv[0] != '#' || format_mentions(event->message.text, chat->me);
}

static void show(struct chat *chat, const struct earshot_event *event, bool highlight) {
    struct format_message line = {.at_ms = event->message.at_ms,
                                  .kind = event->message.kind,
                                  .conv = event->message.conv,
                                  .from = event->message.from,
                                  .text = event->message.text,
                                  .text_n = event->message.text_n,
                                  .mine = event->message.mine,
                                  .highlight = highlight};
    struct tm at;
    CLEANUP_FREE char *lines = format_message(&line, chat->view.colour, &at);
    if (lines)
        view_talk(&chat->view, &at, lines);
}

static void ring(struct chat *chat, const struct earshot_event *event) {
    bool direct = event->message.conv[0] != '#';
    if (chat->bell == CHAT_BELL_ALL || (chat->bell == CHAT_BELL_DM && direct))
        view_ring(&chat->view);
}

static void take_message(struct chat *chat, const struct earshot_event *event) {
    if (roster_is_ignored(&chat->roster, event->message.from))
        return;
    bool highlight = is_highlight(chat, event);
    if (!event->message.mine)
        roster_heard(&chat->roster, event->message.from);
    if (event->message.conv[0] == '#')
        roster_room(&chat->roster, event->message.conv, true);
    if (chat->options->json)
        json_message(event);
    else
        show(chat, event, highlight);
    if (highlight)
        ring(chat, event);
    if (event->message.wants_receipt)
        earshot_mark_read(chat->link, event);
}

static void take_missed(struct chat *chat, const struct earshot_event *event) {
    view_note(&chat->view, VIEW_ERROR, "%llu messages came too fast and are lost",
              (unsigned long long)event->missed);
}

static void take_lost(struct chat *chat, const struct earshot_event *event) {
    (void)event;
    roster_forget_presence(&chat->roster);
    view_note(&chat->view, VIEW_ERROR, "the hub is gone; what you type is kept until it is back");
}

static void take_back(struct chat *chat, const struct earshot_event *event) {
    struct earshot_hub_info hub;
    (void)event;
    earshot_hub(chat->link, &hub);
    view_note(&chat->view, VIEW_INFO, "the hub is back (pid %ld)", (long)hub.pid);
    snprintf(chat->me, sizeof chat->me, "%s", hub.handle);
    if (chat->view.windowed)
        ask_list(chat, EARSHOT_USERS, NULL, ASK_HERE_AGAIN, "");
}

/* By enum earshot_event_type; NULL: nothing is done. */
static void (*const takers[])(struct chat *chat, const struct earshot_event *event) = {
    [EARSHOT_EVENT_MESSAGE] = take_message, [EARSHOT_EVENT_STATE] = talk_event,
    [EARSHOT_EVENT_REFUSED] = talk_event,   [EARSHOT_EVENT_NEWS] = news_event,
    [EARSHOT_EVENT_USER] = ask_event,       [EARSHOT_EVENT_ROOM] = ask_event,
    [EARSHOT_EVENT_COUNTER] = ask_event,    [EARSHOT_EVENT_OBJECT] = ask_event,
    [EARSHOT_EVENT_DONE] = ask_event,       [EARSHOT_EVENT_FAILED] = ask_event,
    [EARSHOT_EVENT_MISSED] = take_missed,   [EARSHOT_EVENT_LOST] = take_lost,
    [EARSHOT_EVENT_BACK] = take_back,       [EARSHOT_EVENT_WOKEN] = NULL,
};

static void take(struct chat *chat, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_MESSAGE || event->type == EARSHOT_EVENT_LOST)
        news_flush(chat);
    if (event->type < ARRAY_LEN(takers) && takers[event->type])
        takers[event->type](chat, event);
}

void event_take_all(struct chat *chat) {
    struct earshot_event event;
    int r = EARSHOT_OK;
    for (int i = 0; i < AT_ONCE && !chat->link_result; i++) {
        r = earshot_next(chat->link, &event, 0);
        if (r != EARSHOT_OK)
            break;
        take(chat, &event);
    }
    if (r != EARSHOT_OK && r != EARSHOT_AGAIN && r != -EINTR)
        chat->link_result = r;
}
