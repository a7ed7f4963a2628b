#include "chat/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "chat/command.h"
#include "chat/inquiry.h"
#include "chat/past.h"
#include "chat/talk.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/answer.h"
#include "proto/name.h"

#define REPLY_ROWS_BESIDES 4 /* of the terminal, that a thread is not to take */
#define REPLY_ROWS_MIN 10

static struct reply_to reply_to_message(const struct scrollback_message *message) {
    struct reply_to to = {0};
    if (message)
        to = (struct reply_to){.conv = message->conv,
                               .id = message->id,
                               .thread = *message->thread ? message->thread : NULL,
                               .author = message->uid,
                               .has_author = true};
    return to;
}

struct reply_to reply_to_back(const struct chat *chat, unsigned long back) {
    return reply_to_message(scrollback_back(&chat->scrollback, chat->target, back));
}

/* So many back; from ANSWER_FIRST on the reply that was shown with this number. */
static struct reply_to reply_to_number(const struct chat *chat, unsigned long number) {
    if (number < ANSWER_FIRST)
        return reply_to_back(chat, number);
    return reply_to_message(scrollback_numbered(&chat->scrollback, chat->target, (unsigned)number));
}

struct reply_to reply_find(const struct chat *chat, const char *word, char id[EARSHOT_ID_SIZE]) {
    size_t n = strcspn(word, COMMAND_BLANKS);
    struct uuid uuid;
    if (n < 5 && strspn(word, "0123456789") == n)
        return reply_to_number(chat, strtoul(word, NULL, 10));
    snprintf(id, EARSHOT_ID_SIZE, "%.*s", (int)n, word);
    if (n != EARSHOT_ID_SIZE - 1 || !uuid_from_text(&uuid, id))
        return reply_to_message(NULL);
    const struct scrollback_message *message =
        scrollback_meant(&chat->scrollback, id, chat->target);
    if (!message)
        message = scrollback_meant(&chat->scrollback, id, "");
    return message ? reply_to_message(message) : (struct reply_to){.conv = chat->target, .id = id};
}

const struct scrollback_message *reply_meant(const struct chat *chat, const char *word) {
    const struct scrollback *scrollback = &chat->scrollback;
    size_t n = strcspn(word, COMMAND_BLANKS);
    char id[EARSHOT_ID_SIZE];
    if (n < 5 && strspn(word, "0123456789") == n) {
        unsigned long number = strtoul(word, NULL, 10);
        return number < ANSWER_FIRST
                   ? scrollback_back(scrollback, chat->target, number)
                   : scrollback_numbered(scrollback, chat->target, (unsigned)number);
    }
    snprintf(id, sizeof id, "%.*s", (int)n, word);
    const struct scrollback_message *message = scrollback_meant(scrollback, id, chat->target);
    return message ? message : scrollback_meant(scrollback, id, "");
}

/* Who wrote to the user alone, elsewhere: last of all, or so that it is new still. NULL: nobody. */
static const char *reply_who_waits(const struct chat *chat) {
    const struct scrollback_message *last = scrollback_last(&chat->scrollback);
    bool is_direct = last && !last->mine && last->conv[0] != '#';
    if (is_direct && *chat->target && !words_same_name(last->conv, chat->target))
        return last->conv;
    return unread_direct(chat);
}

static void reply_fail_unclear(struct chat *chat, const char *waits) {
    if (*chat->target)
        chat_fail(chat, OUTCOME_USAGE,
                  "not sent: %s wrote to you alone: /msg %s TEXT answers that, /reply 1 TEXT the "
                  "last message in %s",
                  waits, waits, chat->target);
    else
        chat_fail(chat, OUTCOME_USAGE,
                  "not sent: %s wrote to you alone: /msg %s TEXT answers that, /reply 1 TEXT the "
                  "last message of all",
                  waits, waits);
}

static void reply_fail_none(struct chat *chat) {
    if (*chat->target)
        chat_fail(chat, OUTCOME_USAGE,
                  "not sent: nobody said anything in %s that this window has shown; write it "
                  "without /reply",
                  chat->target);
    else
        chat_fail(chat, OUTCOME_USAGE, "not sent: /join #ROOM or /query HANDLE first");
}

/* Whether the last message, which no word names, may not be the one that is meant. */
static bool reply_is_unclear(const struct reply_to *last, const char *waits) {
    return waits && !(last->id && words_same_name(last->conv, waits));
}

/* Where one's own lines are not shown again, it would not be seen where it went. */
static int reply_send(struct chat *chat, const struct reply_to *to, const char *text) {
    struct talk_answered answered = {to->id, to->author, to->has_author};
    int outcome = talk_send(chat, to->conv, text, EARSHOT_TEXT, &answered);
    if (outcome == TALK_SENT && chat->view.windowed && !chat->has_editor)
        view_note(&chat->view, VIEW_INFO, "answered in %s%s", conv_sign(to->conv),
                  conv_rest(to->conv));
    return outcome == TALK_FULL ? COMMAND_KEEP : COMMAND_DONE;
}

int reply_run(struct chat *chat, char *arguments) {
    char id[EARSHOT_ID_SIZE];
    struct reply_to to = {0};
    const char *text = arguments + command_skip_word(arguments);
    if (!*arguments)
        return command_usage(chat, "reply");
    if (*text)
        to = reply_find(chat, arguments, id);
    if (!to.id) { /* no word of it names a message: it is all text, for the last one */
        const char *waits = chat->view.windowed ? reply_who_waits(chat) : NULL;
        text = arguments;
        to = reply_to_back(chat, 1);
        if (reply_is_unclear(&to, waits)) {
            reply_fail_unclear(chat, waits);
            return COMMAND_DONE;
        }
    }
    if (to.id && *to.conv)
        return reply_send(chat, &to, text);
    reply_fail_none(chat);
    return COMMAND_DONE;
}

/* Without a word: the thread of the last reply here. */
static struct reply_to reply_find_thread(const struct chat *chat, const char *word,
                                         char id[EARSHOT_ID_SIZE]) {
    if (*word)
        return reply_find(chat, word, id);
    return reply_to_message(scrollback_last_reply(&chat->scrollback, chat->target));
}

int reply_thread(struct chat *chat, char *arguments) {
    char id[EARSHOT_ID_SIZE];
    struct reply_to to = reply_find_thread(chat, arguments, id);
    if (!to.id || !*to.conv) {
        chat_fail(chat, OUTCOME_USAGE,
                  "no such reply was shown here; /thread N shows the thread of the reply with N, "
                  "from %d on, or of what was said so many back",
                  ANSWER_FIRST);
        return COMMAND_DONE;
    }
    uint32_t request = 0;
    const char *root = to.thread ? to.thread : to.id;
    int r = earshot_find(chat->link, to.conv, root, true, 0,
                         (unsigned)view_rows(REPLY_ROWS_BESIDES, REPLY_ROWS_MIN), &request);
    inquiry_made(chat, r, request, INQUIRY_THREAD, to.conv);
    return COMMAND_DONE;
}

void reply_stored(struct chat *chat, const char *conv, const char *id) {
    uint32_t request = 0;
    if (chat->has_editor && earshot_find(chat->link, conv, id, false, 0, 1, &request) == EARSHOT_OK)
        inquiry_made(chat, EARSHOT_OK, request, INQUIRY_NUMBER, conv);
}

void reply_tell_number(struct chat *chat, const struct earshot_event *event) {
    struct scrollback_key key = {event->message.uid, event->message.id};
    char word[16];
    if (event->message.n == 0 || event->message.uid != geteuid() ||
        !scrollback_number(&chat->scrollback, key, event->message.n, event->message.thread))
        return;
    snprintf(word, sizeof word, "[%u]", event->message.n);
    if (strcmp(chat->talk.at_end, event->message.id) == 0 && view_end_add(&chat->view, word))
        return;
    view_note(&chat->view, VIEW_NEWS, "your reply in %s%s has the number %s",
              conv_sign(event->message.conv), conv_rest(event->message.conv), word);
}
