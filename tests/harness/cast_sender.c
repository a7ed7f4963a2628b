#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "harness/cast_member.h"
#include "harness/check.h"
#include "ipc/process.h"

#define WINDOW 64      /* messages without an acknowledgement */
#define BOOK_TAIL 4096 /* entries; what is open is within the last few hundred */
#define BURST 8
#define PAUSE_MS 6
#define JOIN_MS 30000

/* A message that is not acknowledged. */
struct open_message {
    uint64_t number; /* 0: the end, which is in no book */
    char id[EARSHOT_ID_SIZE];
    char to[32];
};

/* What was sent under a number: one that is not far behind may be mended. */
#define SENT_KEPT 256
struct sent_message {
    uint64_t number;
    char id[EARSHOT_ID_SIZE];
    char to[32];
};

struct sender {
    struct sent_message sent[SENT_KEPT]; /* by number */
    struct cast_talk *talk;
    int who, book;
    earshot *link;
    uint32_t claim;  /* the request */
    bool has_held;   /* what it claims */
    uint64_t number; /* of the last message */
    unsigned short random[3];
    struct open_message open[WINDOW];
    size_t n_open;
};

/* Two lives of three begin with a channel, which the hub takes back whenever it is quiet. */
earshot *cast_join(struct cast_talk *talk, int who, unsigned flags, uint64_t after) {
    struct earshot_options options = {.hub = talk->dir,
                                      .handle = cast_handle(who),
                                      .flags = flags | (getpid() % 3 ? EARSHOT_CHANNEL : 0),
                                      .timeout_ms = 2000,
                                      .after = after};
    mono_time deadline = mono_add_ms(mono_now(), JOIN_MS);
    for (int us = 0;; check_pause(&us)) {
        earshot *link = NULL;
        if (earshot_open(&link, &options) == EARSHOT_OK)
            return link;
        snprintf(talk->error[who], sizeof talk->error[who], "%s", earshot_error(link));
        earshot_close(link);
        if (mono_ms_until(mono_now(), deadline) <= 0)
            return NULL;
    }
}

int cast_fail(struct cast_talk *talk, int who, earshot *link, int r) {
    if (link)
        snprintf(talk->error[who], sizeof talk->error[who], "%d: %s", r, earshot_error(link));
    return 1;
}

static void sender_forget(struct sender *sender, size_t at) {
    sender->n_open--;
    memmove(&sender->open[at], &sender->open[at + 1],
            (sender->n_open - at) * sizeof sender->open[0]);
}

static size_t sender_find(const struct sender *sender, const char *id) {
    size_t at = 0;
    while (at < sender->n_open && strcmp(sender->open[at].id, id) != 0)
        at++;
    return at;
}

/* memmove(), for gcc cannot see that what was sent is nowhere kept twice. */
static void sender_copy(char *to, size_t size, const char *from) {
    size_t n = strnlen(from, size - 1);
    memmove(to, from, n);
    to[n] = '\0';
}

static void sender_keep(struct sender *sender, uint64_t number, const char *id, const char *to) {
    struct sent_message *sent = &sender->sent[number % SENT_KEPT];
    sent->number = number;
    sender_copy(sent->id, sizeof sent->id, id);
    sender_copy(sent->to, sizeof sent->to, to);
}

/* What a message is about; NULL: nothing, or nobody knows. */
static const struct sent_message *sender_mended(const struct sender *sender, uint64_t number,
                                                bool *removes) {
    unsigned long target = cast_mended(number, removes);
    const struct sent_message *sent = &sender->sent[target % SENT_KEPT];
    return target != 0 && sent->number == target ? sent : NULL;
}

/* The same of what it answers. */
static const struct sent_message *sender_answered(const struct sender *sender, uint64_t number) {
    unsigned long target = cast_answered(number);
    const struct sent_message *sent = &sender->sent[target % SENT_KEPT];
    return target != 0 && sent->number == target ? sent : NULL;
}

/* What an earlier process of this sender did. */
static void sender_remember(void *arg, const struct book_entry *entry) {
    struct sender *sender = arg;
    if (entry->what == BOOK_SENT)
        sender_keep(sender, entry->number, entry->id, entry->to);
    size_t at = sender_find(sender, entry->id);
    if (entry->what == BOOK_SENT && at == sender->n_open && entry->number > sender->number) {
        if (sender->n_open == WINDOW)
            check_die("%s: more is open than a window", cast_handle(sender->who));
        struct open_message *message = &sender->open[sender->n_open++];
        message->number = sender->number = entry->number;
        memcpy(message->id, entry->id, sizeof message->id);
        memcpy(message->to, entry->to, sizeof message->to);
    }
    if ((entry->what == BOOK_ACKED || entry->what == BOOK_REFUSED) && at < sender->n_open)
        sender_forget(sender, at);
}

static void sender_note(struct sender *sender, enum book_what what,
                        const struct open_message *message, uint64_t seq, unsigned code) {
    struct book_entry entry = {.what = what, .number = message->number, .seq = seq, .code = code};
    memcpy(entry.id, message->id, sizeof message->id);
    memcpy(entry.to, message->to, sizeof message->to);
    if (message->number != 0)
        book_write(sender->book, &entry);
}

static void sender_acknowledged(struct sender *sender, const struct earshot_event *event) {
    size_t at = sender_find(sender, event->state.id);
    if (at == sender->n_open || event->state.state != EARSHOT_STORED)
        return;
    for (size_t from = event->state.up_to ? 0 : at, n = at - from + 1; n > 0; n--) {
        sender_note(sender, BOOK_ACKED, &sender->open[from], event->state.seq, 0);
        sender_forget(sender, from);
        atomic_fetch_add(&sender->talk->n_acked, 1);
    }
}

static void sender_refused(struct sender *sender, const struct earshot_event *event) {
    size_t at = sender_find(sender, event->failed.id);
    snprintf(sender->talk->error[sender->who], sizeof sender->talk->error[0], "refused: %s",
             event->failed.reason);
    atomic_fetch_add(&sender->talk->n_refused, 1);
    if (at == sender->n_open)
        return;
    sender_note(sender, BOOK_REFUSED, &sender->open[at], 0, event->failed.code);
    sender_forget(sender, at);
}

/* Claims. */

/* Who was killed has it no more. */
static void sender_held(struct sender *sender) {
    int self = getpid(), was = atomic_exchange(&sender->talk->holder, self);
    sender->has_held = true;
    atomic_fetch_add(&sender->talk->n_held, was != self);
    if (was == 0 || was == self || !process_exists(was))
        return;
    atomic_fetch_add(&sender->talk->n_held_twice, 1);
    check_note("VIOLATION %s (pid %d) has what pid %d has", cast_handle(sender->who), self, was);
}

/* Before somebody else can have it. */
static void sender_gives_up(struct sender *sender) {
    int self = getpid();
    (void)atomic_compare_exchange_strong(&sender->talk->holder, &self, 0);
}

static int sender_claim(struct sender *sender) {
    return earshot_claim(sender->link, "the chair", "", EARSHOT_CLAIM_WAIT, &sender->claim);
}

static void sender_claimed(struct sender *sender, const struct earshot_event *event) {
    if (event->request != sender->claim)
        return;
    if (event->type == EARSHOT_EVENT_CLAIM && event->claim.state == EARSHOT_CLAIM_HELD) {
        sender_held(sender);
        return;
    }
    sender_gives_up(sender);
    if (event->type == EARSHOT_EVENT_FAILED)
        (void)sender_claim(sender);
}

/* All that is there within `ms`; not 0: the link has ended. */
static int sender_take_events(struct sender *sender, int ms) {
    struct earshot_event event;
    int r;
    while ((r = earshot_next(sender->link, &event, ms)) == EARSHOT_OK) {
        if (event.type == EARSHOT_EVENT_STATE)
            sender_acknowledged(sender, &event);
        if (event.type == EARSHOT_EVENT_REFUSED)
            sender_refused(sender, &event);
        if (event.type == EARSHOT_EVENT_BACK)
            atomic_fetch_add(&sender->talk->n_back, 1);
        if (event.type == EARSHOT_EVENT_CLAIM || event.type == EARSHOT_EVENT_FAILED)
            sender_claimed(sender, &event);
        ms = 0;
    }
    return r == EARSHOT_AGAIN || r == -EINTR ? 0 : r;
}

/* The reason of a removal is its number. */
static int sender_say(struct sender *sender, uint64_t number,
                      const struct earshot_message *message) {
    bool removes = false;
    const struct sent_message *mended = sender_mended(sender, number, &removes);
    struct earshot_message removal = *message;
    if (!mended)
        return earshot_send(sender->link, message, NULL);
    if (!removes)
        return earshot_edit(sender->link, mended->id, message, NULL);
    char reason[24];
    removal.text = reason;
    removal.text_n = (size_t)snprintf(reason, sizeof reason, "%llu", (unsigned long long)number);
    return earshot_remove(sender->link, mended->id, sender->talk->uids[sender->who], &removal,
                          NULL);
}

/* The message is open already, in memory and in the book. It may be settled on return. */
static int sender_hand_over(struct sender *sender, const struct open_message *open, bool cork) {
    static char text[CAST_TEXT_MAX];
    struct open_message copy = *open;
    struct earshot_message message = {.to = copy.to,
                                      .text = text,
                                      .text_n = cast_text(text, sender->who, copy.number),
                                      .id = copy.id,
                                      .flags = cork ? EARSHOT_CORK : 0};
    const struct sent_message *answered = sender_answered(sender, copy.number);
    if (answered) {
        message.reply_to = answered->id;
        message.author = sender->talk->uids[sender->who];
        message.has_author = true;
    }
    if (copy.number == 0)
        message.kind = EARSHOT_NOTICE;
    for (;;) {
        int r = sender_say(sender, copy.number, &message);
        if (r != EARSHOT_AGAIN)
            return r;
        r = sender_take_events(sender, 1);
        if (r != 0)
            return r;
    }
}

static struct open_message *sender_open_message(struct sender *sender, uint64_t number,
                                                const char *to) {
    struct uuid id = uuid_random();
    struct open_message *message = &sender->open[sender->n_open++];
    message->number = number;
    uuid_format(&id, message->id);
    memset(message->to, 0, sizeof message->to);
    snprintf(message->to, sizeof message->to, "%s", to);
    return message;
}

static int sender_send_new(struct sender *sender, bool cork) {
    long choice = nrand48(sender->random) % (CAST_READERS + 2);
    const char *to = choice < CAST_READERS ? cast_handle(CAST_SENDERS + (int)choice) : CAST_ROOM;
    bool removes;
    const struct sent_message *mended = sender_mended(sender, sender->number + 1, &removes);
    const struct sent_message *answered = sender_answered(sender, sender->number + 1);
    if (mended || answered)
        to = mended ? mended->to : answered->to;
    struct open_message *message = sender_open_message(sender, ++sender->number, to);
    sender_keep(sender, message->number, message->id, to);
    sender_note(sender, BOOK_SENT, message, 0, 0);
    atomic_fetch_add(&sender->talk->n_sent, 1);
    return sender_hand_over(sender, message, cork);
}

static int sender_send_burst(struct sender *sender) {
    long n = 1 + nrand48(sender->random) % BURST;
    int r = 0;
    for (; r == 0 && n > 0 && sender->n_open < WINDOW; n--)
        r = sender_send_new(sender, n > 1 && nrand48(sender->random) % 4 != 0);
    if (r == 0)
        r = earshot_flush(sender->link);
    return r == EARSHOT_AGAIN ? 0 : r;
}

/* The list changes while it is sent: what was open is copied first. */
static int sender_send_again(struct sender *sender) {
    struct open_message open[WINDOW];
    size_t n = sender->n_open;
    int r = 0;
    memcpy(open, sender->open, n * sizeof open[0]);
    for (size_t i = 0; r == 0 && i < n; i++) {
        sender_note(sender, BOOK_SENT, &open[i], 0, 0);
        r = sender_hand_over(sender, &open[i], false);
    }
    return r;
}

static int sender_drain(struct sender *sender) {
    int r = 0;
    while (r == 0 && sender->n_open > 0)
        r = sender_take_events(sender, 20);
    return r;
}

/* Everything is acknowledged; then one more message to each reader: this was all. */
static int sender_come_to_an_end(struct sender *sender) {
    int r = sender_drain(sender);
    for (int reader = CAST_SENDERS; r == 0 && reader < CAST_TALKERS; reader++)
        r = sender_hand_over(sender, sender_open_message(sender, 0, cast_handle(reader)), false);
    if (r == 0)
        r = sender_drain(sender);
    while (r == 0 && !sender->has_held)
        r = sender_take_events(sender, 20);
    sender_gives_up(sender);
    return r;
}

int cast_sender(struct cast_talk *talk, int who) {
    static struct sender sender;
    sender = (struct sender){.talk = talk, .who = who};
    sender.book = book_open(talk->books, cast_handle(who));
    book_read(sender.book, BOOK_TAIL, sender_remember, &sender);
    book_write(sender.book, &(struct book_entry){.what = BOOK_BEGUN});
    sender.random[0] = (unsigned short)(talk->seed + (unsigned)who);
    sender.random[1] = (unsigned short)sender.number;
    sender.link = cast_join(talk, who, EARSHOT_RECONNECT, 0);
    int r = sender.link ? sender_claim(&sender) : 1;
    if (r == 0)
        r = sender_send_again(&sender);
    atomic_store(&talk->ready[who], true);
    while (r == 0 && !atomic_load(&talk->stop)) {
        r = sender_send_burst(&sender);
        if (r == 0)
            r = sender_take_events(&sender, (int)(nrand48(sender.random) % PAUSE_MS));
    }
    if (r == 0)
        r = sender_come_to_an_end(&sender);
    if (r != 0)
        return cast_fail(talk, who, sender.link, r);
    earshot_close(sender.link);
    return 0;
}
