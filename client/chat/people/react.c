#include "chat/people/react.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "chat/command.h"
#include "chat/past.h"
#include "chat/reply.h"
#include "chat/talk.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/name.h"

/* What the user has done. */

static size_t react_find_own(const struct react_own *own, uid_t uid, const char *id,
                             const char *emoji) {
    for (size_t i = 0; i < own->n && i < REACTIONS_OWN_MAX; i++)
        if (own->all[i].uid == uid && strcmp(own->all[i].id, id) == 0 &&
            strcmp(own->all[i].emoji, emoji) == 0)
            return i;
    return REACTIONS_OWN_MAX;
}

static void react_note_own(struct react_own *own, uid_t uid, const char *id, const char *emoji,
                           bool on) {
    size_t i = react_find_own(own, uid, id, emoji);
    if (i < REACTIONS_OWN_MAX && !on)
        own->all[i].id[0] = '\0';
    if (i < REACTIONS_OWN_MAX || !on)
        return;
    i = own->n++ % REACTIONS_OWN_MAX;
    own->all[i].uid = uid;
    snprintf(own->all[i].id, sizeof own->all[i].id, "%s", id);
    snprintf(own->all[i].emoji, sizeof own->all[i].emoji, "%s", emoji);
}

/* Lines. */

static void react_tell(struct chat *chat, const char *conv, const char *by, const char *emoji,
                       bool on, const struct scrollback_message *message) {
    char whose[CHAT_NAME_SIZE + 8] = "an earlier message";
    if (message)
        snprintf(whose, sizeof whose, "%s%s ", message->mine ? "your" : message->from,
                 message->mine ? "" : "'s");
    view_note(&chat->view, VIEW_NEWS, "%s%s: %s %s%s%s %s%s%s%s", conv_sign(conv), conv_rest(conv),
              by, on ? "" : "took back ", emoji, on ? "" : " from", whose, message ? "\"" : "",
              message ? message->preview : "", message ? "\"" : "");
}

/* To what the user said, or where he looks. */
static bool react_is_shown(struct chat *chat, const struct earshot_event *event,
                           const struct scrollback_message *message) {
    const char *conv = event->message.conv;
    bool is_here = words_same_name(conv, chat->target);
    if (roster_is_ignored(&chat->roster, event->message.from))
        return false;
    return is_here || (message && message->mine && unread_level(chat, conv) != UNREAD_MUTE);
}

void react_event(struct chat *chat, const struct earshot_event *event) {
    const struct scrollback_message *message =
        scrollback_meant(&chat->scrollback, event->message.id, event->message.conv);
    if (message && message->uid != event->message.uid)
        message = NULL;
    if (event->message.mine)
        react_note_own(&chat->react, event->message.uid, event->message.id, event->message.text,
                       event->message.on);
    if (chat->options->json)
        json_mend(event);
    else if (!chat->view.windowed)
        text_mend(chat->options, event);
    else if (react_is_shown(chat, event, message))
        react_tell(chat, event->message.conv, event->message.from, event->message.text,
                   event->message.on, message);
    attention_shown(chat, event);
    if (event->message.late)
        past_reached(chat, event->message.seq);
}

/* /react. Whose message it is has to be known, for an id is its user's own. */
static bool react_may(struct chat *chat, const struct reply_to *to, bool is_named) {
    if (to->id && *to->conv && to->has_author)
        return true;
    if (is_named)
        chat_fail(chat, OUTCOME_USAGE,
                  "this window has shown no such message; /history shows earlier ones");
    else
        chat_fail(chat, OUTCOME_USAGE, "nobody said anything in %s that this window has shown",
                  *chat->target ? chat->target : "any conversation");
    return false;
}

static int react_send(struct chat *chat, const struct reply_to *to, const char *emoji) {
    bool on = react_find_own(&chat->react, to->author, to->id, emoji) == REACTIONS_OWN_MAX;
    char id[EARSHOT_ID_SIZE], conv[CHAT_NAME_SIZE];
    snprintf(id, sizeof id, "%s", to->id);
    snprintf(conv, sizeof conv, "%s", to->conv);
    int outcome = talk_react(chat, id, to->author, on, emoji);
    if (outcome == TALK_SENT) {
        react_note_own(&chat->react, to->author, id, emoji, on);
        react_tell(chat, conv, chat->me, emoji, on, scrollback_meant(&chat->scrollback, id, conv));
    }
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

int react_run(struct chat *chat, char *arguments) {
    char id[EARSHOT_ID_SIZE];
    bool is_named = arguments[command_skip_word(arguments)] != '\0';
    char *word = arguments + (is_named ? command_skip_word(arguments) : 0);
    word[strcspn(word, COMMAND_BLANKS)] = '\0';
    const char *emoji = earshot_emoji(word);
    if (!*word)
        return command_usage(chat, "react");
    if (!emoji) {
        chat_fail(chat, OUTCOME_USAGE,
                  "%s is no emoji: give one, or its name such as :+1: or :tada:; /reply answers "
                  "with words",
                  word);
        return COMMAND_DONE;
    }
    struct reply_to to = is_named ? reply_find(chat, arguments, id) : reply_to_back(chat, 1);
    return react_may(chat, &to, is_named) ? react_send(chat, &to, emoji) : COMMAND_DONE;
}

/* The past. */

char *react_counted(const struct earshot_event *event, const char *text) {
    char *all = NULL;
    size_t n = 0;
    FILE *out = event->message.n_reactions > 0 ? open_memstream(&all, &n) : NULL;
    if (!out)
        return NULL;
    fputs(text, out);
    for (size_t i = 0; i < event->message.n_reactions; i++)
        fprintf(out, "%s%s %u", i > 0 ? ", " : "  [", event->message.reactions[i].emoji,
                event->message.reactions[i].n);
    fputc(']', out);
    return fclose(out) == 0 ? all : NULL;
}

struct earshot_reaction *react_copy(const struct earshot_event *event) {
    const struct earshot_reaction *from = event->message.reactions;
    size_t n = event->message.n_reactions, n_bytes = n * sizeof *from;
    for (size_t i = 0; i < n; i++)
        n_bytes += strlen(from[i].emoji) + strlen(from[i].by) + 2;
    struct earshot_reaction *copy = n > 0 ? malloc(n_bytes) : NULL;
    if (!copy)
        return NULL;
    char *at = (char *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        size_t n_emoji = strlen(from[i].emoji) + 1, n_by = strlen(from[i].by) + 1;
        copy[i] = (struct earshot_reaction){at, from[i].n, at + n_emoji};
        memcpy(at, from[i].emoji, n_emoji);
        memcpy(at + n_emoji, from[i].by, n_by);
        at += n_emoji + n_by;
    }
    return copy;
}
