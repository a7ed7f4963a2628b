#include "chat/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "chat/event.h"
#include "chat/inquiry.h"
#include "chat/show.h"
#include "cli/words.h"

#define PAST_LINES 10
#define PAST_HELD_MAX 1000 /* then they are shown, although older ones will come */

/* A conversation whose last lines were asked for. */
struct past_opening {
    char conv[CHAT_NAME_SIZE];
    struct past_message *held; /* what came meanwhile */
    size_t n_held;
    bool asked, asked_again;
    struct past_opening *prev, *next;
};

static char *past_copy_string(char **at, const char *text, size_t n) {
    char *copy = *at;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *at += n + 1;
    return copy;
}

void past_keep(struct past_message **held, const struct earshot_event *event) {
    size_t from = strlen(event->message.from), to = strlen(event->message.to);
    size_t conv = strlen(event->message.conv), text = event->message.text_n;
    size_t file = event->message.file ? event->message.file_n : 0;
    struct past_message *message = malloc(sizeof *message);
    char *at = malloc(from + to + conv + text + file + 5);
    if (!message || !at) {
        free(message);
        free(at);
        return;
    }
    *message = (struct past_message){.event = *event, .strings = at};
    message->event.message.from = past_copy_string(&at, event->message.from, from);
    message->event.message.to = past_copy_string(&at, event->message.to, to);
    message->event.message.conv = past_copy_string(&at, event->message.conv, conv);
    message->event.message.text = past_copy_string(&at, event->message.text, text);
    if (event->message.file)
        message->event.message.file = past_copy_string(&at, event->message.file, file);
    DL_APPEND(*held, message);
}

static void past_free_message(struct past_message **held, struct past_message *message) {
    DL_DELETE(*held, message);
    free(message->strings);
    free(message);
}

void past_free(struct past_message **held) {
    while (*held)
        past_free_message(held, *held);
}

static struct past_opening *past_find(const struct chat *chat, const char *conv) {
    struct past_opening *opening;
    DL_FOREACH(chat->openings, opening) {
        if (words_same_name(opening->conv, conv))
            return opening;
    }
    return NULL;
}

static void past_free_opening(struct chat *chat, struct past_opening *opening) {
    DL_DELETE(chat->openings, opening);
    past_free(&opening->held);
    free(opening);
}

void past_deinit(struct chat *chat) {
    while (chat->openings)
        past_free_opening(chat, chat->openings);
}

void past_open(struct chat *chat, const char *conv) {
    if (!chat->view.windowed || past_find(chat, conv) ||
        scrollback_has_conv(&chat->scrollback, conv))
        return;
    struct past_opening *opening = calloc(1, sizeof *opening);
    if (!opening)
        return;
    snprintf(opening->conv, sizeof opening->conv, "%s", conv);
    DL_APPEND(chat->openings, opening);
}

static void past_request(struct chat *chat, struct past_opening *opening, uint64_t before) {
    uint32_t request = 0;
    int r = earshot_history(chat->link, opening->conv, before, 0, PAST_LINES, &request);
    if (r == EARSHOT_OK)
        inquiry_made(chat, r, request, INQUIRY_OPENED, opening->conv);
    else
        past_open_failed(chat, opening->conv);
}

void past_ask(struct chat *chat, const char *conv) {
    struct past_opening *opening = past_find(chat, conv);
    if (!opening || opening->asked)
        return;
    opening->asked = true;
    past_request(chat, opening, 0);
}

/* Ends the opening; the messages held are taken as if they had just come. */
static void past_release(struct chat *chat, struct past_opening *opening) {
    struct past_message *held = opening->held;
    opening->held = NULL;
    past_free_opening(chat, opening);
    while (held) {
        event_message(chat, &held->event);
        past_free_message(&held, held);
    }
}

void past_open_failed(struct chat *chat, const char *conv) {
    struct past_opening *opening = past_find(chat, conv);
    if (opening)
        past_release(chat, opening);
}

bool past_hold(struct chat *chat, const struct earshot_event *event) {
    struct past_opening *opening = chat->openings ? past_find(chat, event->message.conv) : NULL;
    if (!opening)
        return false;
    if (opening->n_held == PAST_HELD_MAX) {
        past_release(chat, opening);
        return false;
    }
    past_keep(&opening->held, event);
    opening->n_held++;
    return true;
}

/* Whether the answer holds nothing but messages that came meanwhile, and older ones may exist. */
static bool past_has_older(const struct past_message *held, uint64_t first) {
    size_t n = 0;
    for (const struct past_message *message = held; message; message = message->next) {
        if (message->event.message.seq < first)
            return false;
        n++;
    }
    return n == PAST_LINES;
}

void past_opened(struct chat *chat, const char *conv, struct past_message **held) {
    struct past_opening *opening = past_find(chat, conv);
    uint64_t first = opening && opening->held ? opening->held->event.message.seq : UINT64_MAX;
    const struct past_message *message;
    if (!opening) /* messages were shown already: older lines would stand below them */
        return;
    if (!opening->asked_again && past_has_older(*held, first)) {
        opening->asked_again = true;
        past_request(chat, opening, first);
        return;
    }
    DL_FOREACH(*held, message) {
        struct scrollback_key key = {message->event.message.uid, message->event.message.id};
        if (message->event.message.seq < first && !scrollback_has(&chat->scrollback, key))
            show_message(chat, &message->event, SHOW_PAST);
    }
    past_release(chat, opening);
}

/* The hub tells the newest first; here it stands at the bottom, next to the prompt. */
void past_found(struct chat *chat, struct past_message **held) {
    while (*held) {
        struct past_message *last = (*held)->prev;
        show_message(chat, &last->event, SHOW_FOUND);
        past_free_message(held, last);
    }
}
