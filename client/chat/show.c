#include "chat/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mention.h"
#include "chat/format.h"
#include "chat/mark.h"
#include "chat/news.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/name.h"

bool show_is_own(const struct chat *chat, const struct earshot_event *event) {
    return event->message.mine || words_same_name(event->message.from, chat->me);
}

bool show_is_naming(const struct chat *chat, const struct earshot_event *event) {
    return !show_is_own(chat, event) && (text_mentions(bytes_of(event->message.text), chat->me) ||
                                         text_mentions(bytes_of(event->message.title), chat->me));
}

bool show_is_highlight(const struct chat *chat, const struct earshot_event *event) {
    bool is_direct = conv_is_direct(event->message.conv) && !show_is_own(chat, event);
    return is_direct || show_is_naming(chat, event);
}

bool show_is_urgent(const struct chat *chat, const struct earshot_event *event) {
    return !show_is_own(chat, event) && event->message.priority >= EARSHOT_PRIORITY_HIGH;
}

/* "<bob> are you there? [12]", of the message that is replied to, and the number of the reply; the
 * caller frees it. NULL: none. */
static char *show_quote(const struct chat *chat, const char *reply_to, const char *conv,
                        unsigned n) {
    char *quote = NULL, number[16] = "";
    if (n > 0)
        snprintf(number, sizeof number, " [%u]", n);
    if (!reply_to || !*reply_to || !chat->view.windowed)
        return NULL;
    const struct scrollback_message *about = scrollback_meant(&chat->scrollback, reply_to, conv);
    int r = about ? asprintf(&quote, "<%s> %s%s", about->from, about->preview, number)
                  : asprintf(&quote, "an earlier message%s", number);
    return r < 0 ? NULL : quote;
}

static void show_print(struct chat *chat, struct format_message *line, const char *reply_to,
                       unsigned n, bool in_order) {
    struct tm at;
    CLEANUP_FREE char *quote = show_quote(chat, reply_to, line->conv, n);
    line->quote = quote;
    CLEANUP_FREE char *lines = format_message(line, chat->view.colour, &at);
    if (lines)
        view_talk(&chat->view, in_order ? &at : NULL, lines);
}

/*
 * One line stands before all the messages that waited, however many conversations they are from;
 * and before those that come to an open window while nobody looks at it.
 */
static void show_tell_new(struct chat *chat, const struct earshot_event *event, enum show_how how) {
    bool late = how == SHOW_NEW && event->message.late && chat->view.windowed;
    bool is_unseen = how == SHOW_NEW && !show_is_own(chat, event) && attention_wants_line(chat);
    if ((late || is_unseen) && !chat->in_late)
        view_note(&chat->view, VIEW_NEWS, "--- new ---");
    chat->in_late = late;
}

static void show_remember(struct chat *chat, const struct earshot_event *event, bool mine) {
    struct scrollback_key key = {event->message.uid, event->message.id};
    CLEANUP_FREE char *text =
        text_headed(event->message.title, event->message.priority,
                    (struct bytes){event->message.text, event->message.text_n});
    if (!text)
        return;
    scrollback_add(&chat->scrollback, key, event->message.conv, event->message.from, text,
                   strlen(text), mine);
    if (scrollback_has(&chat->scrollback, key))
        scrollback_set_reply(&chat->scrollback, event->message.n, event->message.thread);
}

/* The caller frees it. */
static char *show_edited(const struct earshot_event *event) {
    char *text = NULL;
    return asprintf(&text, "%s (edited)", event->message.text) < 0 ? NULL : text;
}

void show_message(struct chat *chat, const struct earshot_event *event, enum show_how how) {
    bool mine = show_is_own(chat, event);
    struct format_message line = {.at_ms = event->message.at_ms,
                                  .kind = event->message.kind,
                                  .conv = event->message.conv,
                                  .from = event->message.from,
                                  .text = event->message.text,
                                  .text_n = event->message.text_n,
                                  .title = event->message.title,
                                  .priority = event->message.priority,
                                  .mine = mine,
                                  .dated = how == SHOW_FOUND,
                                  .highlight = how == SHOW_NEW && (show_is_highlight(chat, event) ||
                                                                   show_is_urgent(chat, event))};
    if (chat->options->json) {
        json_message(event);
        return;
    }
    CLEANUP_FREE char *edited = event->message.edited ? show_edited(event) : NULL;
    if (edited) {
        line.text = edited;
        line.text_n = strlen(edited);
    }
    CLEANUP_FREE char *counted = react_counted(event, line.text);
    if (counted) {
        line.text = counted;
        line.text_n = strlen(counted);
    }
    show_tell_new(chat, event, how);
    show_print(chat, &line, event->message.reply_to, event->message.n, how != SHOW_FOUND);
    if (how != SHOW_FOUND &&
        !scrollback_has(&chat->scrollback,
                        (struct scrollback_key){event->message.uid, event->message.id}))
        show_remember(chat, event, mine);
    if (how == SHOW_NEW && !mine)
        mark_answered(chat, event->message.conv);
}

void show_own(struct chat *chat, const struct earshot_message *message, const char *id) {
    struct format_message line = {.at_ms = wall_now().ms,
                                  .kind = message->kind,
                                  .conv = message->to,
                                  .from = chat->me,
                                  .text = message->text,
                                  .text_n = message->text_n,
                                  .mine = true};
    if (!chat->has_editor)
        return;
    news_flush(chat);
    chat->in_late = false;
    show_print(chat, &line, message->reply_to, 0, true);
    scrollback_add(&chat->scrollback, (struct scrollback_key){geteuid(), id}, message->to, chat->me,
                   message->text, message->text_n, true);
}
