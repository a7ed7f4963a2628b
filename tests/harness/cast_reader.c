#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cast_member.h"
#include "harness/check.h"

struct cast_reader {
    struct cast_talk *talk;
    int who, book;
    bool remembers; /* says to the hub where its book ends */
    earshot *link;
    uint64_t last; /* the last sequence number of the book */
    uint32_t request;
    bool has_ended[CAST_SENDERS];
    /* What earlier processes have read: a bit for each number. */
    struct seen {
        uint8_t *bits;
        size_t n; /* bytes */
    } seen[CAST_SENDERS];
};

static int reader_sender_of(const char *handle) {
    for (int who = 0; who < CAST_SENDERS; who++)
        if (strcmp(cast_handle(who), handle) == 0)
            return who;
    return -1;
}

static void reader_mark_seen(struct seen *seen, uint64_t number) {
    size_t at = number / 8;
    if (at >= seen->n) {
        size_t n = 2 * at + 1024;
        uint8_t *bits = realloc(seen->bits, n);
        if (!bits)
            check_die("out of memory");
        memset(bits + seen->n, 0, n - seen->n);
        *seen = (struct seen){bits, n};
    }
    seen->bits[at] |= (uint8_t)(1 << number % 8);
}

static bool reader_was_seen(const struct seen *seen, uint64_t number) {
    return number / 8 < seen->n && (seen->bits[number / 8] >> number % 8 & 1);
}

static void reader_remember(void *arg, const struct book_entry *entry) {
    struct cast_reader *reader = arg;
    int sender = reader_sender_of(entry->from);
    if (entry->seq > reader->last)
        reader->last = entry->seq;
    if ((entry->what == BOOK_READ || entry->what == BOOK_REPEATED) && sender >= 0)
        reader_mark_seen(&reader->seen[sender], entry->number);
}

/* The number, or 0 when it is not what the sender wrote under this number. */
static uint64_t reader_number_of(const struct earshot_event *event, int sender) {
    static char text[CAST_TEXT_MAX];
    uint64_t number = strtoul(event->message.text, NULL, 10);
    size_t n = cast_text(text, sender, number);
    bool same = n == event->message.text_n && memcmp(text, event->message.text, n) == 0, removes;
    unsigned long mended = cast_mended(number, &removes);
    if (event->type == EARSHOT_EVENT_REMOVED) /* the reason is the number */
        return mended != 0 && removes ? number : 0;
    if (event->type == EARSHOT_EVENT_EDITED)
        return same && mended != 0 && !removes ? number : 0;
    if (!same || removes)
        return 0;
    return mended != 0 ? mended : number; /* with the text that it has got since */
}

static void reader_note(struct cast_reader *reader, const struct earshot_event *event, int sender) {
    struct book_entry entry = {.what = BOOK_READ,
                               .uid = event->message.uid,
                               .seq = event->message.seq,
                               .size = (uint32_t)event->message.text_n,
                               .number = sender < 0 ? 0 : reader_number_of(event, sender)};
    snprintf(entry.id, sizeof entry.id, "%s", event->message.id);
    snprintf(entry.from, sizeof entry.from, "%s", event->message.from);
    snprintf(entry.to, sizeof entry.to, "%s", event->message.to);
    if (entry.number == 0)
        entry.what = BOOK_FOREIGN;
    else if (reader_was_seen(&reader->seen[sender], entry.number))
        entry.what = BOOK_REPEATED;
    book_write(reader->book, &entry);
    atomic_fetch_add(entry.what == BOOK_READ ? &reader->talk->n_read : &reader->talk->n_repeated,
                     1);
}

static void reader_handle(struct cast_reader *reader, const struct earshot_event *event) {
    int sender;
    switch (event->type) {
    case EARSHOT_EVENT_EDITED:
    case EARSHOT_EVENT_REMOVED:
    case EARSHOT_EVENT_MESSAGE:
        sender = reader_sender_of(event->message.from);
        if (event->message.kind == EARSHOT_NOTICE && sender >= 0)
            reader->has_ended[sender] = true;
        else
            reader_note(reader, event, sender);
        break;
    case EARSHOT_EVENT_DONE:
        if (event->request == reader->request)
            atomic_store(&reader->talk->ready[reader->who], true);
        break;
    case EARSHOT_EVENT_FAILED:
        snprintf(reader->talk->error[reader->who], sizeof reader->talk->error[0], "failed: %s",
                 event->failed.reason);
        break;
    case EARSHOT_EVENT_BACK:
        atomic_fetch_add(&reader->talk->n_back, 1);
        break;
    default:
        break;
    }
}

static bool reader_all_ended(const struct cast_reader *reader) {
    for (int sender = 0; sender < CAST_SENDERS; sender++)
        if (!reader->has_ended[sender])
            return false;
    return true;
}

static int reader_read_on(struct cast_reader *reader) {
    struct earshot_event event;
    int r = 0;
    while ((r == 0 || r == -EINTR) && !reader_all_ended(reader)) {
        r = earshot_next(reader->link, &event, -1);
        if (r == EARSHOT_OK)
            reader_handle(reader, &event);
    }
    return r;
}

/* Once a member, the handle stays one. */
static int reader_join_room(struct cast_reader *reader) {
    atomic_bool *ready = &reader->talk->ready[reader->who];
    if (atomic_load(ready))
        return 0;
    if (cast_is_member(reader->who - CAST_SENDERS))
        return earshot_join(reader->link, CAST_ROOM, false, &reader->request);
    atomic_store(ready, true);
    return 0;
}

int cast_reader(struct cast_talk *talk, int who) {
    static struct cast_reader reader;
    unsigned flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_RECONNECT;
    reader = (struct cast_reader){.talk = talk, .who = who, .remembers = who - CAST_SENDERS < 2};
    reader.book = book_open(talk->books, cast_handle(who));
    book_read(reader.book, reader.remembers ? CAST_ID_TAIL : SIZE_MAX, reader_remember, &reader);
    book_write(reader.book, &(struct book_entry){.what = BOOK_BEGUN});
    if (reader.remembers)
        flags |= EARSHOT_AFTER;
    reader.link = cast_join(talk, who, flags, reader.last);
    int r = reader.link ? reader_join_room(&reader) : 1;
    if (r == 0)
        r = reader_read_on(&reader);
    if (r != 0)
        return cast_fail(talk, who, reader.link, r);
    earshot_close(reader.link);
    return 0;
}
