#include "chat/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "chat/files.h"
#include "chat/format.h"
#include "chat/inquiry.h"
#include "chat/mend.h"
#include "chat/news.h"
#include "chat/past.h"
#include "chat/people/login.h"
#include "chat/revive.h"
#include "chat/show.h"
#include "chat/talk.h"
#include "cli/words.h"
#include "proto/name.h"

#define EVENT_AT_ONCE 256 /* events before the keyboard is looked at again */

/* /notify of the conversation is heard before /bell. */
static enum config_when event_when(const struct chat *chat, const char *conv) {
    static const enum config_when whens[] = {
        [UNREAD_EVERY] = CONFIG_WHEN_EVERY,
        [UNREAD_MENTIONS] = CONFIG_WHEN_ALL,
        [UNREAD_OFF] = CONFIG_WHEN_OFF,
        [UNREAD_MUTE] = CONFIG_WHEN_OFF,
    };
    enum unread_level level = unread_level(chat, conv);
    return level == UNREAD_DEFAULT ? chat->bell : whens[level];
}

/* What is said in quiet hours by whom, or where, the user does not want to hear then. */
static bool event_is_quiet(const struct earshot_event *event) {
    const struct config_list *loud = &cli_config()->loud;
    time_t now = wall_now().ms / 1000;
    struct tm at;
    if (!localtime_r(&now, &at) || !config_is_quiet(&at))
        return false;
    for (size_t i = 0; i < loud->n; i++)
        if (words_same_name(loud->words[i], event->message.conv) ||
            words_same_name(loud->words[i], event->message.from))
            return false;
    return true;
}

/* One that is urgent rings as if it named the user, and the most urgent in quiet hours, too. */
static bool event_rings(const struct chat *chat, const struct earshot_event *event) {
    enum config_when when = event_when(chat, event->message.conv);
    if (event->message.priority == EARSHOT_PRIORITY_MAX)
        return when != CONFIG_WHEN_OFF;
    if (event->message.priority < EARSHOT_PRIORITY_DEFAULT || event_is_quiet(event))
        return false;
    switch (when) {
    case CONFIG_WHEN_OFF:
        return false;
    case CONFIG_WHEN_DM:
        return conv_is_direct(event->message.conv);
    case CONFIG_WHEN_ALL:
        return show_is_highlight(chat, event) || show_is_urgent(chat, event);
    case CONFIG_WHEN_EVERY:
        return true;
    }
    return false;
}

/* "The disk is full: /srv has 0 bytes"; the caller frees it. */
static char *event_headline(const struct earshot_event *event) {
    const char *title = event->message.title;
    char *line = NULL;
    if (asprintf(&line, "%s%s%s", title, *title ? ": " : "", event->message.text) < 0)
        return NULL;
    return line;
}

/* Not for what the user wrote, in another window. */
static void event_notify(struct chat *chat, const struct earshot_event *event) {
    const struct cli_config *config = cli_config();
    mono_time now = mono_now();
    if (!chat->view.windowed || show_is_own(chat, event) || !event_rings(chat, event))
        return;
    if (config->how & CONFIG_BELL)
        view_ring(&chat->view);
    if (config->how == CONFIG_BELL && config->command.n == 0)
        return;
    if (!notify_is_due(&chat->notify, now))
        return;
    CLEANUP_FREE char *whole = event_headline(event);
    CLEANUP_FREE char *text = whole ? format_preview(whole, strlen(whole)) : NULL;
    if (!text)
        return;
    view_notify(&chat->view, config->how, event->message.from, text);
    notify_run(&chat->notify, event->message.from, event->message.conv, whole, now);
}

/* Before the first line of a handle that is not the login name of its user. */
static void event_tell_login(struct chat *chat, const struct earshot_event *event) {
    const char *remark =
        event->message.mine ? "" : login_first(chat, event->message.from, event->message.uid);
    if (*remark)
        view_note(&chat->view, VIEW_NEWS, "%s%s writes", event->message.from, remark);
}

void event_pass(struct chat *chat, const struct earshot_event *event) {
    if (!event->message.mine)
        roster_heard(&chat->roster, event->message.from);
    if (event->message.conv[0] == '#')
        roster_room(&chat->roster, event->message.conv, true);
    unread_message(chat, event);
    files_message(chat, event);
}

static bool event_is_muted(const struct chat *chat, const struct earshot_event *event) {
    const char *conv = event->message.conv;
    return unread_level(chat, conv) == UNREAD_MUTE && !words_same_name(conv, chat->target) &&
           !show_is_highlight(chat, event) && !show_is_own(chat, event);
}

void event_message(struct chat *chat, const struct earshot_event *event) {
    if (event_is_muted(chat, event)) {
        event_pass(chat, event);
        return;
    }
    event_tell_login(chat, event);
    show_message(chat, event, SHOW_NEW);
    event_pass(chat, event);
    event_notify(chat, event);
    attention_shown(chat, event);
}

static void event_take_message(struct chat *chat, const struct earshot_event *event) {
    if (roster_is_ignored(&chat->roster, event->message.from))
        files_message(chat, event);
    else if (!past_hold(chat, event))
        event_message(chat, event);
    if (event->message.late)
        past_reached(chat, event->message.seq);
}

static void event_take_missed(struct chat *chat, const struct earshot_event *event) {
    view_note(&chat->view, VIEW_ERROR,
              "up to %llu messages are not in the hub's log any more; they are not shown",
              (unsigned long long)event->missed);
}

static void event_take_lost(struct chat *chat, const struct earshot_event *event) {
    roster_forget_presence(&chat->roster);
    chat->here_known = false;
    if (*event->lost.reason) /* the session has ended, not the hub */
        view_note(&chat->view, VIEW_ERROR, "%s", event->lost.reason);
    else
        view_note(&chat->view, VIEW_ERROR,
                  "the hub is gone; what you type is kept until it is back");
    revive_lost(chat);
}

static void event_take_shut_out(struct chat *chat, const struct earshot_event *event) {
    view_note(&chat->view, VIEW_ERROR, "%s", event->lost.reason);
}

static void event_take_back(struct chat *chat, const struct earshot_event *event) {
    struct earshot_hub_info hub;
    (void)event;
    revive_back(chat);
    chat->back_at = mono_now();
    earshot_hub(chat->link, &hub);
    view_note(&chat->view, VIEW_INFO, "the hub is back (pid %ld)", (long)hub.pid);
    snprintf(chat->me, sizeof chat->me, "%s", hub.handle);
    attention_back(chat, hub.seq);
    past_ask_newest(chat);
    unread_begin_anew(chat);
    if (chat->view.windowed)
        inquiry_list(chat, EARSHOT_USERS, NULL, INQUIRY_HERE_AGAIN, "");
    if (chat->view.windowed)
        files_ask(chat);
}

static void event_take_state(struct chat *chat, const struct earshot_event *event) {
    files_state(chat, event);
    talk_event(chat, event);
}

static void event_take_refused(struct chat *chat, const struct earshot_event *event) {
    files_refused(chat, event);
    talk_event(chat, event);
}

/* By enum earshot_event_type; NULL: nothing is done. */
static void (*const event_takers[])(struct chat *chat, const struct earshot_event *event) = {
    [EARSHOT_EVENT_MESSAGE] = event_take_message,
    [EARSHOT_EVENT_STATE] = event_take_state,
    [EARSHOT_EVENT_REFUSED] = event_take_refused,
    [EARSHOT_EVENT_NEWS] = news_event,
    [EARSHOT_EVENT_USER] = inquiry_event,
    [EARSHOT_EVENT_ROOM] = inquiry_event,
    [EARSHOT_EVENT_COUNTER] = inquiry_event,
    [EARSHOT_EVENT_OBJECT] = inquiry_event,
    [EARSHOT_EVENT_DONE] = inquiry_event,
    [EARSHOT_EVENT_FAILED] = inquiry_event,
    [EARSHOT_EVENT_MISSED] = event_take_missed,
    [EARSHOT_EVENT_LOST] = event_take_lost,
    [EARSHOT_EVENT_BACK] = event_take_back,
    [EARSHOT_EVENT_WOKEN] = NULL,
    [EARSHOT_EVENT_PAST] = inquiry_event,
    [EARSHOT_EVENT_PINNED] = inquiry_event,
    [EARSHOT_EVENT_OFFER] = files_event,
    [EARSHOT_EVENT_WITHDRAWN] = files_event,
    [EARSHOT_EVENT_TRANSFER] = files_event,
    [EARSHOT_EVENT_SKIPPED] = files_event,
    [EARSHOT_EVENT_SHUT_OUT] = event_take_shut_out,
    [EARSHOT_EVENT_UNREAD] = inquiry_event,
    [EARSHOT_EVENT_SEEN] = unread_seen,
    [EARSHOT_EVENT_ACCOUNT] = NULL,
    [EARSHOT_EVENT_CLAIM] = inquiry_event,
    [EARSHOT_EVENT_EDITED] = mend_event,
    [EARSHOT_EVENT_REMOVED] = mend_event,
    [EARSHOT_EVENT_REACTION] = react_event,
};

static void event_take(struct chat *chat, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_MESSAGE || event->type == EARSHOT_EVENT_LOST)
        news_flush(chat);
    if (event->type < ARRAY_LEN(event_takers) && event_takers[event->type])
        event_takers[event->type](chat, event);
}

void event_take_all(struct chat *chat) {
    struct earshot_event event;
    int r = EARSHOT_OK;
    for (int i = 0; i < EVENT_AT_ONCE && !chat->link_result; i++) {
        r = earshot_next(chat->link, &event, 0);
        if (r != EARSHOT_OK)
            break;
        event_take(chat, &event);
    }
    chat->has_events = r == EARSHOT_OK; /* of which the descriptor may say nothing any more */
    if (r != EARSHOT_OK && r != EARSHOT_AGAIN && r != -EINTR)
        chat->link_result = r;
}
