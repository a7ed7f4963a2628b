#include "chat/mend.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chat/command.h"
#include "chat/line/recall.h"
#include "chat/past.h"
#include "chat/talk.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/name.h"

/* One line, whatever the text has. */
static void mend_tell(struct chat *chat, const char *conv, const char *by, const char *what,
                      const char *text) {
    view_note(&chat->view, VIEW_NEWS, "%s%s: %s %s%s%s", conv_sign(conv), conv_rest(conv), by, what,
              *text ? ": " : "", text);
}

static void mend_show(struct chat *chat, const struct earshot_event *event) {
    bool is_removal = event->type == EARSHOT_EVENT_REMOVED;
    const char *conv = event->message.conv;
    bool is_muted = unread_level(chat, conv) == UNREAD_MUTE && !words_same_name(conv, chat->target);
    if (chat->options->json)
        json_mend(event);
    else if (!chat->view.windowed)
        text_mend(chat->options, event);
    else if (!is_muted)
        mend_tell(chat, conv, event->message.from, is_removal ? "removed a message" : "edited",
                  event->message.text);
}

/* NULL: it is removed. What oneself had said is no line to come back to any more, either. */
static void mend_apply(struct chat *chat, struct scrollback_key key, const char *text) {
    const struct scrollback_message *message = scrollback_find(&chat->scrollback, key);
    if (message && message->text)
        recall_forget(message->text);
    scrollback_change(&chat->scrollback, key, text);
}

void mend_event(struct chat *chat, const struct earshot_event *event) {
    struct scrollback_key key = {event->message.uid, event->message.id};
    if (!roster_is_ignored(&chat->roster, event->message.from))
        mend_show(chat, event);
    mend_apply(chat, key, event->type == EARSHOT_EVENT_REMOVED ? NULL : event->message.text);
    attention_shown(chat, event);
    if (event->message.late)
        past_reached(chat, event->message.seq);
}

static const struct scrollback_message *mend_last(struct chat *chat) {
    const struct scrollback_message *own =
        *chat->target ? scrollback_own(&chat->scrollback, geteuid(), chat->target) : NULL;
    if (!own)
        chat_fail(chat, OUTCOME_USAGE, "this window has shown nothing of yours in %s",
                  *chat->target ? chat->target : "any conversation; /join #ROOM first");
    return own;
}

/* The old text is put into the line, to be changed there. */
static int mend_begin(struct chat *chat, const struct scrollback_message *own) {
    if (!chat->has_editor)
        return command_usage(chat, "edit");
    free(chat->typed);
    if (asprintf(&chat->typed, "/edit %s", own->text) < 0)
        chat->typed = NULL;
    return COMMAND_DONE;
}

int mend_edit(struct chat *chat, char *arguments) {
    const struct scrollback_message *own = mend_last(chat);
    if (!own)
        return COMMAND_DONE;
    if (!*arguments)
        return mend_begin(chat, own);
    struct scrollback_key key = {own->uid, own->id};
    int outcome = talk_edit(chat, own->id, arguments);
    if (outcome == TALK_SENT) {
        mend_apply(chat, key, arguments);
        mend_tell(chat, chat->target, chat->me, "edited", arguments);
    }
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

int mend_delete(struct chat *chat, char *arguments) {
    const struct scrollback_message *own = mend_last(chat);
    if (!own)
        return COMMAND_DONE;
    struct scrollback_key key = {own->uid, own->id};
    int outcome = talk_remove(chat, own->id, arguments);
    if (outcome == TALK_SENT) {
        mend_apply(chat, key, NULL);
        mend_tell(chat, chat->target, chat->me, "removed a message", arguments);
    }
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}
