#include "chat/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "base/macro.h"
#include "chat/format.h"
#include "chat/inquiry.h"
#include "chat/mark.h"
#include "chat/reply.h"
#include "chat/show.h"
#include "cli/outcome.h"
#include "cli/report.h"
#include "cli/words.h"

#define TALK_PATIENCE_MS 1500 /* how long the hub may take for a message before that is told */
#define TALK_REPEAT_MS 10000

static void talk_forget(struct talk *talk, struct talk_sent *sent) {
    DL_DELETE(talk->sent, sent);
    free(sent->preview);
    free(sent);
}

void talk_deinit(struct talk *talk) {
    while (talk->sent)
        talk_forget(talk, talk->sent);
}

/* Owns the preview from now on. */
static void talk_remember(struct chat *chat, const char *id, char *preview, bool is_file,
                          const char *reply_in) {
    struct talk_sent *sent = calloc(1, sizeof *sent);
    if (!sent) {
        free(preview);
        return;
    }
    memcpy(sent->id, id, sizeof sent->id);
    sent->preview = preview;
    sent->is_file = is_file;
    snprintf(sent->reply_in, sizeof sent->reply_in, "%s", reply_in);
    sent->at = mono_now();
    DL_APPEND(chat->talk.sent, sent);
}

void talk_sent_file(struct chat *chat, const char *id, const char *name) {
    talk_remember(chat, id, strdup(name), true, "");
}

void talk_tell_if_away(struct chat *chat, const char *to) {
    const char *away = roster_away(&chat->roster, to);
    if (away)
        view_note(&chat->view, VIEW_INFO, "%s is away%s%s", to, *away ? ": " : "", away);
}

int talk_send(struct chat *chat, const char *to, const char *text, enum earshot_kind kind,
              const struct talk_answered *answered) {
    struct earshot_message message = {.to = to, .text = text, .text_n = strlen(text), .kind = kind};
    if (answered) {
        message.reply_to = answered->id;
        message.author = answered->author;
        message.has_author = answered->has_author;
    }
    message.flags = mark_wants(chat, to) ? EARSHOT_WANT_RECEIPT : 0;
    char id[EARSHOT_ID_SIZE];
    int r = earshot_send(chat->link, &message, id);
    if (r == EARSHOT_AGAIN)
        return TALK_FULL;
    if (r != EARSHOT_OK) {
        chat_fail_link(chat, r, "not sent");
        return TALK_BAD;
    }
    talk_remember(chat, id, format_preview(text, message.text_n), false, answered ? to : "");
    show_own(chat, &message, id);
    mark_sent(chat, &message, id);
    bool is_at_end = answered && chat->has_editor && view_end_here(&chat->view);
    snprintf(chat->talk.at_end, sizeof chat->talk.at_end, "%s", is_at_end ? id : "");
    unread_visit(chat, to);
    talk_tell_if_away(chat, to);
    return TALK_SENT;
}

static int talk_mended(struct chat *chat, int r, const char *id, const char *text) {
    if (r == EARSHOT_AGAIN)
        return TALK_FULL;
    if (r != EARSHOT_OK) {
        chat_fail_link(chat, r, "not changed");
        return TALK_BAD;
    }
    talk_remember(chat, id, format_preview(text, strlen(text)), false, "");
    return TALK_SENT;
}

int talk_edit(struct chat *chat, const char *target, const char *text) {
    struct earshot_message message = {.text = text, .text_n = strlen(text)};
    char id[EARSHOT_ID_SIZE];
    int r = earshot_edit(chat->link, target, &message, id);
    return talk_mended(chat, r, id, text);
}

int talk_remove(struct chat *chat, const char *target, const char *reason) {
    struct earshot_message message = {.text = reason, .text_n = strlen(reason)};
    char id[EARSHOT_ID_SIZE];
    int r = earshot_remove(chat->link, target, geteuid(), &message, id);
    return talk_mended(chat, r, id, reason);
}

int talk_react(struct chat *chat, const char *target, uid_t author, bool on, const char *emoji) {
    struct earshot_message message = {.text = emoji, .text_n = strlen(emoji)};
    char id[EARSHOT_ID_SIZE];
    int r = earshot_react(chat->link, target, author, on, &message, id);
    return talk_mended(chat, r, id, emoji);
}

static struct talk_sent *talk_find(struct talk *talk, const char *id) {
    struct talk_sent *sent;
    DL_FOREACH(talk->sent, sent) {
        if (strcmp(sent->id, id) == 0)
            return sent;
    }
    return NULL;
}

static void talk_end(struct chat *chat, struct talk_sent *sent) {
    if (*sent->reply_in)
        reply_stored(chat, sent->reply_in, sent->id);
    talk_forget(&chat->talk, sent);
}

static void talk_acknowledged(struct chat *chat, const char *id, bool up_to) {
    struct talk *talk = &chat->talk;
    struct talk_sent *last = talk_find(talk, id);
    if (!last)
        return;
    while (up_to && talk->sent && talk->sent != last)
        talk_end(chat, talk->sent);
    talk_end(chat, last);
}

static void talk_refused(struct chat *chat, const struct earshot_event *event) {
    struct talk_sent *sent = talk_find(&chat->talk, event->failed.id);
    struct outcome outcome = outcome_of_event(event);
    bool is_file = sent && sent->is_file;
    CLEANUP_FREE char *reason = chat_reason(chat, outcome.text);
    if (!words_is_name(event->failed.to)) { /* an edit or a removal */
        chat_fail(chat, outcome.code, "not changed: %s", reason ? reason : "");
        if (sent)
            talk_forget(&chat->talk, sent);
        return;
    }
    chat_fail(chat, outcome.code, "not delivered to %s: %s (%s%s%s)", event->failed.to,
              reason ? reason : "", is_file ? "file " : "\"",
              sent && sent->preview ? sent->preview : "?", is_file ? "" : "\"");
    if (sent)
        talk_forget(&chat->talk, sent);
    if (outcome_exit_code(outcome.code) == CLI_NO_NAME)
        inquiry_near(chat, event->failed.to);
}

void talk_event(struct chat *chat, const struct earshot_event *event) {
    mark_event(chat, event);
    if (event->type == EARSHOT_EVENT_REFUSED)
        talk_refused(chat, event);
    else if (event->state.state == EARSHOT_STORED)
        talk_acknowledged(chat, event->state.id, event->state.up_to);
}

void talk_report_now(struct chat *chat, const char *consequence) {
    size_t n = earshot_n_unacknowledged(chat->link);
    view_note(&chat->view, VIEW_INFO, "waiting for the hub: %zu message%s not yet accepted%s", n,
              n == 1 ? "" : "s", consequence);
    chat->talk.n_reported = n;
    chat->talk.reported_at = mono_now();
}

static void talk_report_end(struct chat *chat) {
    talk_deinit(&chat->talk);
    if (chat->talk.n_reported > 0)
        view_note(&chat->view, VIEW_INFO, "the hub has accepted everything");
    chat->talk.n_reported = 0;
}

/* When the next line about the waiting is due; false when none is. */
static bool talk_next_report(const struct chat *chat, mono_time *due) {
    const struct talk *talk = &chat->talk;
    size_t n = earshot_n_unacknowledged(chat->link);
    if (n == 0 || n == talk->n_reported || !talk->sent)
        return false;
    *due = talk->n_reported > 0 ? mono_add_ms(talk->reported_at, TALK_REPEAT_MS)
                                : mono_add_ms(talk->sent->at, TALK_PATIENCE_MS);
    return true;
}

void talk_report(struct chat *chat) {
    mono_time due;
    if (earshot_n_unacknowledged(chat->link) == 0)
        talk_report_end(chat);
    else if (talk_next_report(chat, &due) && mono_ms_until(mono_now(), due) <= 0)
        talk_report_now(chat, chat->leaving ? "; Ctrl-C leaves without" : "");
}

int talk_timeout_ms(const struct chat *chat) {
    mono_time due;
    return talk_next_report(chat, &due) ? mono_poll_ms(due) : -1;
}
