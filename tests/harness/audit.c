#include "harness/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/book.h"
#include "harness/check.h"

#define TOLD_MAX 20 /* violations */

/* A message, as its sender's book has it. */
struct audit_sent {
    char id[40], to[32];
    bool acked, refused;
    uint8_t n_read[CAST_READERS];
    size_t read_at[CAST_READERS]; /* which entry of the reader's book */
};

struct sender_book {
    struct audit_sent *list; /* by number */
    size_t n;
};

struct judge {
    struct audit *audit;
    const struct cast_talk *talk;
    struct sender_book senders[CAST_SENDERS];
    unsigned n_told;
    int who; /* whose book is being read */
    /* Of the reader: */
    size_t n_entries;
    uint64_t last_seq;
    uint64_t last_number[CAST_SENDERS][2]; /* direct, room */
};

static void audit_violation(struct judge *judge, unsigned long *count,
                            const struct book_entry *entry, const char *what) {
    ++*count;
    if (judge->n_told++ < TOLD_MAX)
        check_note("VIOLATION %s: %s: number %" PRIu64 " from %s to %s, seq %" PRIu64
                   ", id %s, uid %u",
                   cast_handle(judge->who), what, entry->number, entry->from, entry->to, entry->seq,
                   entry->id, entry->uid);
}

static struct audit_sent *audit_sent_of(struct sender_book *book, uint64_t number) {
    if (number >= book->n) {
        size_t n = 2 * (size_t)number + 1024;
        struct audit_sent *list = realloc(book->list, n * sizeof *list);
        if (!list)
            check_die("out of memory");
        memset(list + book->n, 0, (n - book->n) * sizeof *list);
        *book = (struct sender_book){list, n};
    }
    return &book->list[number];
}

static void audit_take_sent(void *arg, const struct book_entry *entry) {
    struct judge *judge = arg;
    struct audit *audit = judge->audit;
    struct audit_sent *sent = audit_sent_of(&judge->senders[judge->who], entry->number);
    switch (entry->what) {
    case BOOK_BEGUN:
        audit->n_processes++;
        break;
    case BOOK_SENT:
        audit->n_sent += !sent->id[0];
        memcpy(sent->id, entry->id, sizeof sent->id);
        memcpy(sent->to, entry->to, sizeof sent->to);
        break;
    case BOOK_ACKED:
        audit->n_acked += !sent->acked;
        sent->acked = true;
        break;
    case BOOK_REFUSED:
        audit->n_refused += !sent->refused;
        sent->refused = true;
        break;
    default:
        audit_violation(judge, &audit->n_misled, entry, "an entry that no sender makes");
    }
}

static int audit_sender_named(const char *handle) {
    for (int who = 0; who < CAST_SENDERS; who++)
        if (strcmp(cast_handle(who), handle) == 0)
            return who;
    return -1;
}

static bool audit_is_for(const char *to, int reader) {
    return strcmp(to, cast_handle(CAST_SENDERS + reader)) == 0 ||
           (strcmp(to, CAST_ROOM) == 0 && cast_is_member(reader));
}

/* Whether a reader should have got this, from this one; NULL: it should not. */
static struct audit_sent *audit_judge_entry(struct judge *judge, const struct book_entry *entry) {
    int sender = audit_sender_named(entry->from), reader = judge->who - CAST_SENDERS;
    struct audit_sent *sent = sender < 0 || entry->number >= judge->senders[sender].n
                                  ? NULL
                                  : &judge->senders[sender].list[entry->number];
    bool removes;
    unsigned long mended = cast_mended(entry->number, &removes);
    const struct audit_sent *named = sent && mended ? &judge->senders[sender].list[mended] : sent;
    bool ok = sent && entry->what != BOOK_FOREIGN && strcmp(named->id, entry->id) == 0 &&
              strcmp(sent->to, entry->to) == 0 && entry->uid == judge->talk->uids[sender] &&
              audit_is_for(entry->to, reader);
    if (!ok)
        audit_violation(judge, &judge->audit->n_misled, entry,
                        "not what was sent, or not to this one");
    return ok ? sent : NULL;
}

static void audit_judge_order(struct judge *judge, const struct book_entry *entry) {
    int sender = audit_sender_named(entry->from);
    uint64_t *last = &judge->last_number[sender][entry->to[0] == '#'];
    if (entry->number < *last)
        audit_violation(judge, &judge->audit->n_disorder, entry, "after a later one");
    else
        *last = entry->number;
}

static void audit_take_read(void *arg, const struct book_entry *entry) {
    struct judge *judge = arg;
    struct audit *audit = judge->audit;
    int reader = judge->who - CAST_SENDERS;
    judge->n_entries++;
    if (entry->what == BOOK_BEGUN) {
        audit->n_processes++;
        if (reader >= 2) /* begins where the hub thinks that it had stopped */
            judge->last_seq = 0;
        return;
    }
    if (entry->seq <= judge->last_seq)
        audit_violation(judge, &audit->n_backwards, entry, "the sequence number does not ascend");
    judge->last_seq = entry->seq;
    struct audit_sent *sent = audit_judge_entry(judge, entry);
    if (entry->what == BOOK_REPEATED)
        audit->n_repeated++;
    if (!sent || entry->what == BOOK_REPEATED)
        return;
    audit->n_read++;
    if (sent->n_read[reader]++ > 0) {
        char what[64];
        snprintf(what, sizeof what, "read again, %zu entries later",
                 judge->n_entries - sent->read_at[reader]);
        audit_violation(judge, &audit->n_doubled, entry, what);
        return;
    }
    sent->read_at[reader] = judge->n_entries;
    audit_judge_order(judge, entry);
}

static void audit_read_book(struct judge *judge, int who, book_visit *visit) {
    int book = book_open(judge->talk->books, cast_handle(who));
    judge->who = who;
    judge->last_seq = 0;
    judge->n_entries = 0;
    memset(judge->last_number, 0, sizeof judge->last_number);
    book_read(book, SIZE_MAX, visit, judge);
    close(book);
}

/* What was removed before somebody read it comes no more. */
static bool audit_may_be_gone(const struct sender_book *book, size_t number) {
    bool removes = false;
    for (size_t by = number + 1; by < book->n && by <= number + CAST_MENDED_AFTER; by++)
        if (cast_mended(by, &removes) == number && removes && book->list[by].id[0])
            return true;
    return false;
}

static void audit_find_lost(struct judge *judge, int sender) {
    struct sender_book *book = &judge->senders[sender];
    for (size_t number = 1; number < book->n; number++) {
        struct audit_sent *sent = &book->list[number];
        struct book_entry entry = {.number = number, .uid = judge->talk->uids[sender]};
        memcpy(entry.id, sent->id, sizeof entry.id);
        memcpy(entry.to, sent->to, sizeof entry.to);
        snprintf(entry.from, sizeof entry.from, "%s", cast_handle(sender));
        if (audit_may_be_gone(book, number))
            continue;
        for (int reader = 0; sent->acked && reader < CAST_READERS; reader++) {
            judge->who = CAST_SENDERS + reader;
            if (audit_is_for(sent->to, reader) && sent->n_read[reader] == 0)
                audit_violation(judge, &judge->audit->n_lost, &entry, "acknowledged and not read");
        }
    }
    free(book->list);
}

bool audit_books(const struct cast *cast, struct audit *audit) {
    *audit = (struct audit){0};
    struct judge judge = {.audit = audit, .talk = cast->talk};
    for (int who = 0; who < CAST_SENDERS; who++)
        audit_read_book(&judge, who, audit_take_sent);
    for (int who = CAST_SENDERS; who < CAST_TALKERS; who++)
        audit_read_book(&judge, who, audit_take_read);
    for (int sender = 0; sender < CAST_SENDERS; sender++)
        audit_find_lost(&judge, sender);
    check_note("%lu messages sent, %lu acknowledged, %lu refused; read %lu times, %lu repeats "
               "passed over; %lu processes",
               audit->n_sent, audit->n_acked, audit->n_refused, audit->n_read, audit->n_repeated,
               audit->n_processes);
    bool ok = check(audit->n_lost == 0, "what was acknowledged was read (%lu lost)", audit->n_lost);
    ok &= check(audit->n_doubled == 0, "nothing was read twice (%lu)", audit->n_doubled);
    ok &= check(audit->n_disorder == 0, "in order per sender and conversation (%lu not)",
                audit->n_disorder);
    ok &= check(audit->n_misled == 0, "as it was written, by the right one only (%lu not)",
                audit->n_misled);
    ok &=
        check(audit->n_backwards == 0, "sequence numbers ascend (%lu do not)", audit->n_backwards);
    return ok && check(audit->n_acked > 0 && audit->n_read > 0, "and there was something to judge");
}
