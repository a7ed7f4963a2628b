#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cast_member.h"
#include "harness/check.h"

#define N_ROOMS 12
#define N_HANDLES 60
#define N_PRIVATE 6           /* rooms of each, into which it invites the other one */
#define N_ORDERS 8            /* laid on uids in the first of them */
#define N_DIRECT CAST_SENDERS /* conversations of both movers and a sender */
#define ORDER_UID 62000
#define ANSWER_MS 30000
#define PAUSE_MS 3

enum move {
    MOVE_JOIN,
    MOVE_TOPIC,
    MOVE_LEAVE,
    MOVE_NICK,
    MOVE_FORGET,
    MOVE_MAKE, /* a private room */
    MOVE_INVITE,
    MOVE_DECLINE,
    MOVE_LAY, /* a ban or a mute */
    MOVE_UNDO,
    MOVE_GATHER, /* a conversation of several */
    MOVE_END
};

/* What was DONE; what is asked for and not answered may be so, or not. */
struct mover_room {
    bool is_in, in_is_sure;
    uint64_t topic; /* 0: none */
    bool topic_is_sure;
};

/* What is between two movers: a private room of the one, and the other. Times are those of the
 * books; 0: never. */
struct mover_guest {
    uint64_t asked, invited; /* an invitation was asked for; of the last one that was DONE */
    uint64_t declining, declined;
};

struct mover_order {
    bool is_laid, is_unsure;
};

struct mover {
    struct cast_talk *talk;
    int who, book;
    earshot *link;
    uint64_t number; /* of the last move */
    unsigned short random[3];
    struct mover_room places[N_ROOMS];
    bool has_handle[N_HANDLES];
    uint64_t forgotten; /* what it wrote to itself up to this number */
    bool has_private[N_PRIVATE];
    struct mover_guest invitations[N_PRIVATE]; /* into the other's rooms */
    struct mover_order orders[N_ORDERS];
    bool has_direct[N_DIRECT];
    /* What the hub shows. */
    struct mover_room shown[N_ROOMS];
    bool shows_handle[N_HANDLES];
    bool shows_private[N_PRIVATE], shows_invitation[N_PRIVATE];
    bool shows_order[N_ORDERS], shows_direct[N_DIRECT];
    uint64_t oldest;
};

static void name_room(char name[32], const struct mover *mover, size_t i) {
    snprintf(name, 32, "#%s-%zu", cast_handle(mover->who), i);
}

static void name_private(char name[32], int who, size_t i) {
    snprintf(name, 32, "#%s-p%zu", cast_handle(who), i);
}

static int mover_other(const struct mover *mover) {
    return mover->who == CAST_TALKERS ? CAST_TALKERS + 1 : CAST_TALKERS;
}

static void name_handle(char name[32], const struct mover *mover, size_t i) {
    snprintf(name, 32, "%s-%zu", cast_handle(mover->who), i);
}

/* Which one of this mover's it is; N: none. */
static size_t index_of(const struct mover *mover, const char *name, size_t n_max) {
    size_t i = 0;
    char own[32];
    for (; i < n_max; i++) {
        (n_max == N_ROOMS ? name_room : name_handle)(own, mover, i);
        if (strcmp(own, name) == 0)
            break;
    }
    return i;
}

/* The same of a private room, which its guests see under the name of its owner, too: "~owner". */
static size_t index_of_private(int who, const char *name) {
    size_t i = 0;
    char own[32];
    for (; i < N_PRIVATE; i++) {
        name_private(own, who, i);
        if (strncmp(own, name, strlen(own)) == 0)
            break;
    }
    return i;
}

/* What it did. */

static void move_asked(struct mover *mover, enum move move, size_t i, uint64_t at) {
    struct mover_room *place = &mover->places[i % N_ROOMS];
    if (move == MOVE_DECLINE)
        mover->invitations[i % N_PRIVATE].declining = at;
    if (move == MOVE_LAY || move == MOVE_UNDO)
        mover->orders[i % N_ORDERS].is_unsure = true;
    if (move == MOVE_JOIN || move == MOVE_LEAVE)
        place->in_is_sure = false;
    if (move == MOVE_TOPIC || move == MOVE_LEAVE)
        place->topic_is_sure = false;
}

/* The only member takes the room along. */
static void move_done(struct mover *mover, enum move move, size_t i, uint64_t number) {
    struct mover_room *place = &mover->places[i % N_ROOMS];
    switch (move) {
    case MOVE_JOIN:
        place->is_in = place->in_is_sure = true;
        break;
    case MOVE_TOPIC:
        place->topic = number;
        place->topic_is_sure = true;
        break;
    case MOVE_LEAVE:
        *place = (struct mover_room){.in_is_sure = true, .topic_is_sure = true};
        break;
    case MOVE_NICK:
        mover->has_handle[i % N_HANDLES] = true;
        break;
    case MOVE_FORGET:
        mover->forgotten = number;
        break;
    case MOVE_MAKE:
        mover->has_private[i % N_PRIVATE] = true;
        break;
    case MOVE_LAY:
    case MOVE_UNDO:
        mover->orders[i % N_ORDERS] = (struct mover_order){.is_laid = move == MOVE_LAY};
        break;
    case MOVE_GATHER:
        mover->has_direct[i % N_DIRECT] = true;
        break;
    case MOVE_DECLINE:
    case MOVE_INVITE:
    case MOVE_END:
        break;
    }
}

static void mover_remember(void *arg, const struct book_entry *entry) {
    struct mover *mover = arg;
    if (entry->number > mover->number)
        mover->number = entry->number;
    if (entry->what == BOOK_SENT)
        move_asked(mover, (enum move)entry->code, entry->size, entry->seq);
    else if (entry->what == BOOK_ACKED)
        move_done(mover, (enum move)entry->code, entry->size, entry->number);
    if (entry->what == BOOK_ACKED && entry->code == MOVE_DECLINE)
        mover->invitations[entry->size % N_PRIVATE].declined = entry->seq;
}

/* Of the other one's book: what it was told to be DONE is so for its guest. */
static void mover_read_of_other(void *arg, const struct book_entry *entry) {
    struct mover *mover = arg;
    struct mover_guest *guest = &mover->invitations[entry->size % N_PRIVATE];
    if (entry->code != MOVE_INVITE)
        return;
    if (entry->what == BOOK_SENT)
        guest->asked = entry->seq;
    else if (entry->what == BOOK_ACKED)
        guest->invited = guest->asked;
}

static void mover_read_other(struct mover *mover) {
    int book = book_look(mover->talk->books, cast_handle(mover_other(mover)));
    if (book < 0)
        return;
    book_read(book, SIZE_MAX, mover_read_of_other, mover);
    close(book);
}

/* An answer to what was declined may be missing: then nobody knows. */
static bool guest_is_sure(const struct mover_guest *guest) {
    return guest->invited > 0 && guest->declined >= guest->declining &&
           guest->invited > guest->declined;
}

static void mover_note(struct mover *mover, enum book_what what, enum move move, size_t i) {
    struct book_entry entry = {.what = what,
                               .number = mover->number,
                               .seq = (uint64_t)mono_now().ns,
                               .code = move,
                               .size = (uint32_t)i};
    book_write(mover->book, &entry);
    mover_remember(mover, &entry);
}

/* Asking. */

typedef void hear_fn(struct mover *mover, const struct earshot_event *event);

/* 0: DONE; 1: FAILED; -1: the link has ended. */
static int mover_answer_to(struct mover *mover, earshot *link, int asked, uint32_t request,
                           hear_fn *hear) {
    struct earshot_event event;
    int r = asked == EARSHOT_OK ? 0 : -1;
    while (r == 0) {
        r = earshot_next(link, &event, ANSWER_MS);
        if (r == -EINTR) {
            r = 0;
        } else if (r != EARSHOT_OK) {
            return -1;
        } else if (event.request == request && event.type == EARSHOT_EVENT_DONE) {
            return 0;
        } else if (event.request == request && event.type == EARSHOT_EVENT_FAILED) {
            snprintf(mover->talk->error[mover->who], sizeof mover->talk->error[0], "%s",
                     event.failed.reason);
            return 1;
        } else if (hear) {
            hear(mover, &event);
        }
    }
    return r;
}

/* Looking. */

/* Which sender's: "#mover-0,mover-1,sender-2". */
static void hear_direct(struct mover *mover, const char *room) {
    for (int i = 0; i < N_DIRECT; i++)
        if (strchr(room, ',') && strstr(room, cast_handle(i)))
            mover->shows_direct[i] = true;
}

static void hear_room(struct mover *mover, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_ROOM)
        return;
    hear_direct(mover, event->room.name);
    size_t i = index_of_private(mover->who, event->room.name);
    if (i < N_PRIVATE)
        mover->shows_private[i] = true;
    i = index_of_private(mover_other(mover), event->room.name);
    if (i < N_PRIVATE)
        mover->shows_invitation[i] = true;
    i = index_of(mover, event->room.name, N_ROOMS);
    if (i < N_ROOMS)
        mover->shown[i] =
            (struct mover_room){.is_in = true, .topic = strtoul(event->room.topic, NULL, 10)};
}

/* Each a mute or a ban, as its number says. */
static unsigned order_of(size_t i) {
    return i % 2 ? EARSHOT_BAN : EARSHOT_MUTE;
}

static void hear_order(struct mover *mover, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_LAID || event->laid.uid < ORDER_UID ||
        event->laid.uid >= ORDER_UID + N_ORDERS)
        return;
    size_t i = event->laid.uid - ORDER_UID;
    mover->shows_order[i] |= (event->laid.what == EARSHOT_LAID_BAN) == (order_of(i) == EARSHOT_BAN);
}

static void hear_handle(struct mover *mover, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_USER)
        return;
    size_t i = index_of(mover, event->user.handle, N_HANDLES);
    if (i < N_HANDLES)
        mover->shows_handle[i] = true;
}

static void hear_past(struct mover *mover, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_PAST)
        return;
    uint64_t number = strtoul(event->message.text, NULL, 10);
    if (number < mover->oldest)
        mover->oldest = number;
}

static void mover_broken(struct mover *mover, const char *what, size_t i, uint64_t number) {
    struct cast_talk *talk = mover->talk;
    if (atomic_fetch_add(&talk->n_broken, 1) < 20)
        check_note("VIOLATION %s: %s: %zu (%lu)", cast_handle(mover->who), what, i,
                   (unsigned long)number);
}

static void mover_compare_private(struct mover *mover) {
    for (size_t i = 0; i < N_PRIVATE; i++) {
        const struct mover_guest *guest = &mover->invitations[i];
        if (mover->has_private[i] && !mover->shows_private[i])
            mover_broken(mover, "a private room of its own is not there", i, 0);
        if (guest_is_sure(guest) && !mover->shows_invitation[i])
            mover_broken(mover, "an invitation is not there", i, guest->invited);
        mover->talk->n_invited += guest_is_sure(guest);
    }
}

static void mover_compare_orders(struct mover *mover) {
    for (size_t i = 0; i < N_ORDERS; i++) {
        const struct mover_order *order = &mover->orders[i];
        if (!order->is_unsure && order->is_laid != mover->shows_order[i])
            mover_broken(mover,
                         order->is_laid ? "what it has laid on somebody in a room is not there"
                                        : "what it has undone in a room is there",
                         i, 0);
        mover->talk->n_orders += !order->is_unsure && order->is_laid;
    }
    for (size_t i = 0; i < N_DIRECT; i++) {
        if (mover->has_direct[i] && !mover->shows_direct[i])
            mover_broken(mover, "a conversation of several is not there", i, 0);
        mover->talk->n_direct += mover->has_direct[i];
    }
}

static void mover_compare(struct mover *mover) {
    for (size_t i = 0; i < N_ROOMS; i++) {
        const struct mover_room *place = &mover->places[i], *shown = &mover->shown[i];
        if (place->in_is_sure && place->is_in != shown->is_in)
            mover_broken(mover,
                         place->is_in ? "it joined a room that is not there"
                                      : "it left a room that is there",
                         i, place->topic);
        if (place->in_is_sure && place->is_in && place->topic_is_sure &&
            place->topic != shown->topic)
            mover_broken(mover, "another topic than it has set", i, shown->topic);
    }
    for (size_t i = 0; i < N_HANDLES; i++)
        if (mover->has_handle[i] && !mover->shows_handle[i])
            mover_broken(mover, "a handle of its own is not there", i, 0);
    if (mover->oldest <= mover->forgotten)
        mover_broken(mover, "what it has forgotten is shown", 0, mover->oldest);
    mover_compare_private(mover);
    mover_compare_orders(mover);
    atomic_fetch_add(&mover->talk->n_compared, 1);
}

/* Nobody has any in a room that is not there. */
static int mover_look_at_orders(struct mover *mover) {
    char room[32];
    uint32_t request = 0;
    memset(mover->shows_order, 0, sizeof mover->shows_order);
    if (!mover->has_private[0])
        return 0;
    name_private(room, mover->who, 0);
    int r = earshot_laid(mover->link, room, &request);
    return mover_answer_to(mover, mover->link, r, request, hear_order);
}

/* 0: all could be looked at. */
static int mover_look(struct mover *mover) {
    uint32_t request = 0;
    earshot *link = mover->link;
    memset(mover->shown, 0, sizeof mover->shown);
    memset(mover->shows_handle, 0, sizeof mover->shows_handle);
    memset(mover->shows_private, 0, sizeof mover->shows_private);
    memset(mover->shows_invitation, 0, sizeof mover->shows_invitation);
    memset(mover->shows_direct, 0, sizeof mover->shows_direct);
    mover_read_other(mover);
    mover->oldest = UINT64_MAX;
    int r = earshot_ask(link, EARSHOT_ROOMS, NULL, &request);
    r = mover_answer_to(mover, link, r, request, hear_room);
    if (r == 0) {
        r = earshot_ask(link, EARSHOT_HANDLES, NULL, &request);
        r = mover_answer_to(mover, link, r, request, hear_handle);
    }
    if (r == 0) {
        r = earshot_history(link, cast_handle(mover->who), 0, 0, 100, &request);
        r = mover_answer_to(mover, link, r, request, hear_past);
    }
    if (r == 0)
        r = mover_look_at_orders(mover);
    if (r == 0)
        mover_compare(mover);
    return r;
}

/* Moving. */

/* To itself, with the number of the move; 0: it is stored. */
static int mover_write_down(struct mover *mover) {
    char text[32];
    struct earshot_event event;
    struct earshot_message message = {.to = cast_handle(mover->who), .text = text};
    message.text_n = (size_t)snprintf(text, sizeof text, "%lu", (unsigned long)mover->number);
    message.flags = EARSHOT_ACK_NOW;
    int r = earshot_send(mover->link, &message, NULL);
    while (r == EARSHOT_OK || r == -EINTR) {
        r = earshot_next(mover->link, &event, ANSWER_MS);
        if (r == EARSHOT_OK && event.type == EARSHOT_EVENT_STATE)
            return 0;
        if (r == EARSHOT_OK && event.type == EARSHOT_EVENT_REFUSED)
            return 1;
    }
    return -1;
}

static int mover_forget_all(struct mover *mover) {
    uint32_t request = 0;
    int r = mover_write_down(mover);
    if (r != 0)
        return r;
    r = earshot_forget(mover->link, cast_handle(mover->who), &request);
    return mover_answer_to(mover, mover->link, r, request, NULL);
}

/* On a link of its own, so that this one keeps its handle. */
static int mover_take_handle(struct mover *mover, size_t i) {
    char name[32];
    uint32_t request = 0;
    earshot *link = cast_join(mover->talk, mover->who, 0, 0);
    name_handle(name, mover, i);
    int r = link ? earshot_nick(link, name, &request) : EARSHOT_NO_HUB;
    r = mover_answer_to(mover, link, r, request, NULL);
    earshot_close(link);
    return r;
}

static int move_room(struct mover *mover, enum move move, size_t i) {
    char room[32], topic[32];
    uint32_t request = 0;
    name_room(room, mover, i);
    snprintf(topic, sizeof topic, "%lu", (unsigned long)mover->number);
    int r = move == MOVE_JOIN    ? earshot_join(mover->link, room, false, &request)
            : move == MOVE_TOPIC ? earshot_topic(mover->link, room, topic, &request)
                                 : earshot_part(mover->link, room, &request);
    return mover_answer_to(mover, mover->link, r, request, NULL);
}

static int move_private(struct mover *mover, enum move move, size_t i) {
    const char *other = cast_handle(mover_other(mover));
    char room[32], whole[64];
    uint32_t request = 0;
    name_private(room, move == MOVE_DECLINE ? mover_other(mover) : mover->who, i);
    snprintf(whole, sizeof whole, "%s~%s", room, other);
    int r = move == MOVE_MAKE
                ? earshot_change_room(mover->link, room, EARSHOT_MAKE_PRIVATE, NULL, &request)
            : move == MOVE_INVITE ? earshot_invite(mover->link, room, other, &request)
                                  : earshot_part(mover->link, whole, &request);
    mover->shows_invitation[i] &= move != MOVE_DECLINE;
    return mover_answer_to(mover, mover->link, r, request, NULL);
}

static int move_order(struct mover *mover, enum move move, size_t i) {
    char room[32];
    uint32_t request = 0;
    struct earshot_order order = {.uid = (uid_t)(ORDER_UID + i), .reason = "for a while"};
    unsigned what = order_of(i);
    name_private(room, mover->who, 0);
    if (move == MOVE_UNDO)
        what = what == EARSHOT_BAN ? EARSHOT_UNBAN : EARSHOT_UNMUTE;
    int r = earshot_govern(mover->link, room, what, &order, &request);
    return mover_answer_to(mover, mover->link, r, request, NULL);
}

static int move_gather(struct mover *mover, size_t i) {
    char people[64];
    uint32_t request = 0;
    snprintf(people, sizeof people, "%s,%s", cast_handle(mover_other(mover)), cast_handle((int)i));
    int r = earshot_gather(mover->link, people, &request);
    return mover_answer_to(mover, mover->link, r, request, NULL);
}

/* In the first private room. */
static enum move mover_choose_order(const struct mover *mover, size_t i) {
    const struct mover_order *order = &mover->orders[i % N_ORDERS];
    return !mover->has_private[0]                ? MOVE_GATHER
           : order->is_laid && !order->is_unsure ? MOVE_UNDO
                                                 : MOVE_LAY;
}

/* Only where it is in a room something else can be done there. */
static enum move mover_choose(struct mover *mover, size_t i) {
    const struct mover_room *place = &mover->places[i % N_ROOMS];
    long choice = nrand48(mover->random) % 18;
    if (choice == 0)
        return MOVE_NICK;
    if (choice == 1)
        return MOVE_FORGET;
    if (choice == 12 && mover->shows_invitation[i % N_PRIVATE])
        return MOVE_DECLINE;
    if (choice > 14)
        return choice == 15 ? MOVE_GATHER : mover_choose_order(mover, i);
    if (choice > 12)
        return mover->has_private[i % N_PRIVATE] ? MOVE_INVITE : MOVE_MAKE;
    if (!place->in_is_sure || !place->is_in)
        return MOVE_JOIN;
    return choice < 8 ? MOVE_TOPIC : MOVE_LEAVE;
}

static int move_on(struct mover *mover) {
    size_t i = (size_t)nrand48(mover->random);
    enum move move = mover_choose(mover, i);
    bool is_private = move == MOVE_MAKE || move == MOVE_INVITE || move == MOVE_DECLINE;
    bool is_order = move == MOVE_LAY || move == MOVE_UNDO;
    i %= move == MOVE_NICK     ? N_HANDLES
         : is_order            ? N_ORDERS
         : move == MOVE_GATHER ? N_DIRECT
         : is_private          ? N_PRIVATE
                               : N_ROOMS;
    mover->number++;
    mover_note(mover, BOOK_SENT, move, i);
    int r = move == MOVE_NICK     ? mover_take_handle(mover, i)
            : move == MOVE_FORGET ? mover_forget_all(mover)
            : is_private          ? move_private(mover, move, i)
            : is_order            ? move_order(mover, move, i)
            : move == MOVE_GATHER ? move_gather(mover, i)
                                  : move_room(mover, move, i);
    if (r == 0) {
        mover_note(mover, BOOK_ACKED, move, i);
        atomic_fetch_add(&mover->talk->n_moved, 1);
    }
    return r < 0 ? r : 0;
}

/* A link that has ended is opened anew: what the hub shows then is what it has kept. */
int cast_mover(struct cast_talk *talk, int who) {
    static struct mover mover;
    int us = 0, r;
    mover = (struct mover){.talk = talk, .who = who};
    mover.book = book_open(talk->books, cast_handle(who));
    book_read(mover.book, SIZE_MAX, mover_remember, &mover);
    mover.random[0] = (unsigned short)(talk->seed + (unsigned)who);
    mover.random[1] = (unsigned short)mover.number;
    do {
        mover.link = cast_join(talk, who, 0, 0);
        if (!mover.link)
            return 1;
        r = mover_look(&mover);
        atomic_store(&talk->ready[who], true);
        for (us = 0; r == 0 && !atomic_load(&talk->stop); check_pause(&us))
            r = move_on(&mover);
        earshot_close(mover.link);
    } while (r != 0);
    return 0;
}
