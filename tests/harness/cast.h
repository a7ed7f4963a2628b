/*
 * Four senders, four readers and two movers, of two uids, who talk through a durable hub while
 * everything may be killed at any moment. Each is a process of its own and keeps a book. Who is
 * started again goes on where its book ends:
 *
 * A sender sends again, under the same id and in the same order, what its book does not show as
 * acknowledged.
 *
 * Readers 0 and 1 tell the hub the last number of their book (EARSHOT_AFTER). A message that was
 * delivered, but not committed when the hub was killed, comes again under another number; the
 * library takes care of that within a link, and a program that is started again compares with the
 * ids of its own last records, as these do: thousands, because its sender may be away for a while
 * before it sends again what was not acknowledged. Readers 2 and 3 leave it to the hub where they
 * stopped; what they took in the last second before a kill comes again, and they find all of it in
 * their books.
 *
 * One message of eight edits the one before it, and one removes another one: cast_mended(). Who was
 * away gets the new text with the message already, and nothing of what was removed but that.
 *
 * Two of eight answer an earlier one, cast_answered(), and so are in a thread and have a number.
 *
 * Readers 0 and 3 are members of the room. Everybody has a handle of its own.
 *
 * The movers join and leave rooms of their own, give them topics, take handles, write to themselves
 * and forget it, invite each other into private rooms, lay mutes and bans on others there and undo
 * them, and make conversations of several. Whenever they or the hub begin anew they
 * look whether all that they, or for an invitation the other one, were told to be DONE is so.
 *
 * The senders claim one name, and wait for it; each has it at least once, at its end. Two that live
 * never have it at the same time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CAST_SENDERS 4
#define CAST_READERS 4
#define CAST_MOVERS 2
#define CAST_TALKERS (CAST_SENDERS + CAST_READERS)
#define CAST_N (CAST_TALKERS + CAST_MOVERS)
#define CAST_ROOM "#soak"
#define CAST_TEXT_MAX 24000

/* In memory that all share. */
struct cast_talk {
    char dir[4096], books[4096]; /* the rendezvous directory; where the books are */
    uid_t uids[CAST_N];
    unsigned seed;
    atomic_bool stop; /* senders: come to an end */
    atomic_bool ready[CAST_N];
    atomic_ulong n_sent, n_acked, n_refused, n_read, n_repeated, n_back;
    atomic_ulong n_moved, n_compared, n_broken; /* movers; broken: DONE, and not so */
    atomic_ulong n_invited;                     /* invitations that had to be there, and were */
    atomic_ulong n_orders, n_direct;            /* the same of order in rooms, and of
                                                   conversations of several */
    atomic_int holder;                          /* the process that has what is claimed; 0: none */
    atomic_ulong n_held, n_held_twice;
    char error[CAST_N][256];
};

struct cast {
    struct cast_talk *talk;
    pid_t pids[CAST_N]; /* senders first, movers last */
    unsigned n_fallen;  /* ended by themselves */
};

/* "sender-0" ... "reader-3", "mover-0", ... */
const char *cast_handle(int who);
bool cast_is_member(int reader);

#define CAST_MENDED_AFTER 3 /* the greatest distance between the two */
/* The number of the message that this one edits or removes; 0: it is one of its own. */
unsigned long cast_mended(unsigned long number, bool *removes);

#define CAST_ANSWERED_AFTER 5 /* the greatest distance between the two */
/* The number of the message that this one answers; 0: none. A thread is of three. */
unsigned long cast_answered(unsigned long number);

/* What a sender writes as its message of this number; its length. */
size_t cast_text(char text[CAST_TEXT_MAX], int sender, unsigned long number);

/* Starts all, as these two uids, and waits until all have joined the hub. */
bool cast_start(struct cast *cast, const char *dir, const char *books, const uid_t uids[2],
                unsigned seed);

/* kill -9, and a new process. */
void cast_restart(struct cast *cast, int who);

/* Starts again who has ended, and notes it. */
void cast_look_after(struct cast *cast);

/* Waits until `n` more messages were acknowledged and read. */
bool cast_keep_talking(struct cast *cast, unsigned long n, int ms);

/* The senders come to an end, the readers read everything; false: not within `ms`. All end. */
bool cast_finish(struct cast *cast, int ms);

/* After cast_finish(), and another start of the hub: the movers look once more. Says what it saw.
 */
bool cast_check_moves(struct cast *cast, int ms);
