/*
 * The rings of a channel and their bells: who sleeps is woken (shared/ipc/channel.c). Promela, for
 * spin(1); tests/model/run checks it and that each mutant below is found out.
 *
 * The client is one thread. It writes to `up` and reads `down`, and sleeps in msgrcv(2) on its
 * mailbox. In the hub the lane's thread reads `up` and sleeps on the lane (server/io/intake.c).
 * Whoever sends writes to `down`, without the lock; nobody sleeps there, but the outbox is stuck
 * when the ring is full, and the lane's thread waits for room on its behalf (server/io/road.c). Lane
 * and mailbox are small, and others' batches lie in them, too: a bell that has no place is dropped.
 *
 * Every step is one access. Indices and flags go through a store buffer for each thread, so that a
 * look can overtake a store that was made before; a fence waits until the buffer is empty. What is
 * written to the segment otherwise is seen in order, by release and acquire. A record is two units,
 * written and read one by one, so that a torn one shows.
 *
 * What is shown: each record is taken once, in order and whole; everybody gets on until all is
 * taken, however many bells are dropped: a full queue needs none. The death of either side ends the
 * other's waiting, and what was in `up` then is taken.
 *
 * Why the bounds are enough: nothing but the difference of two positions counts. Three records in a
 * ring that holds one, or two, take it through all its values and back. To a client every other
 * one is a batch of somebody else's in the lane.
 */
#define UNITS_MAX 8 /* of a ring */
#define RECORD 2

#define UP 0
#define DOWN 1

#define C 0 /* threads: the client, */
#define L 1 /* the lane's thread, */
#define F 2 /* whoever sends: with in_flight, one at a time */

/* What lies in a queue. */
#define BELL 1     /* a batch without a frame */
#define OTHER 2    /* a batch of, or for, somebody else, or from before the channel */
#define OBITUARY 3 /* to the lane: the client is dead. To the mailbox, from the watch: the hub is */

/* Set from outside, so that one compilation serves for all. */
byte n_up, n_down;        /* records of each direction */
byte n_units;             /* of each ring */
byte wake_at;             /* units that are free when a writer who waits is rung */
byte n_queue;             /* messages for which lane and mailbox have room */
byte n_other, n_mail;     /* others' messages: in the lane, in the mailbox */
byte death;               /* 1: the client may die at any time, 2: the hub */
byte mutant;              /* 0: none */

#define UP_PUBLISHED_UNFENCED (mutant == 1) /* no fence between index and look at the flag */
#define DOWN_PUBLISHED_UNFENCED (mutant == 2)
#define UP_TAKEN_UNFENCED (mutant == 3)
#define DOWN_TAKEN_UNFENCED (mutant == 4)
#define LANE_UNFENCED (mutant == 5) /* none between the own flag and the look behind it */
#define MAILBOX_UNFENCED (mutant == 6)
#define ROOM_UNFENCED (mutant == 7)
#define STUCK_UNFENCED (mutant == 8)
#define LANE_NO_SECOND_LOOK (mutant == 9) /* sleeps without a look behind the flag */
#define MAILBOX_NO_SECOND_LOOK (mutant == 10)
#define ROOM_NO_SECOND_LOOK (mutant == 11)
#define STUCK_NO_SECOND_LOOK (mutant == 12)   /* who sent looks while it sends, not at the lock */
#define LANE_LOOKS_AFTER_BELLS (mutant == 13) /* sleeps again when it was another message */
#define MAILBOX_LOOKS_AFTER_BELLS (mutant == 14)
#define LANE_LOOKS_AT_UP (mutant == 15)    /* and for room in `down` only after a bell */
#define ROOM_LOOKED_FOR_ONLY (mutant == 16) /* on a bell, without the flag being set again */
#define LANE_ROOM_UNFENCED (mutant == 17)
#define READER_NOT_RUNG (mutant == 18)
#define WRITER_NOT_RUNG (mutant == 19)
#define PUBLISHED_FIRST (mutant == 20)     /* the index before the bytes */
#define RELEASED_FIRST (mutant == 21)      /* given back before the last look */
#define TAKES_BELLS_ONLY (mutant == 22)    /* the client leaves other messages in its mailbox */
#define FLAG_AFTER_LOOK (mutant == 23)     /* the flag is set behind the second look */
#define DYING_NOT_LOOKED_AT (mutant == 24) /* an obituary that has no place is not seen */

/* The segment: what goes through the store buffers, and the bytes. */
#define HEAD 0   /* units written since the beginning */
#define TAIL 1   /* units taken */
#define SLEEPS 2 /* flag of the reader */
#define WAITS 3  /* flag of the writer: for room */
#define AT(ring, what) cell[(ring) * 4 + (what)]
byte cell[8];
byte unit[16];
#define UNIT(ring, i) unit[(ring) * UNITS_MAX + (i) % n_units]

/* The machine. */
chan buffer[3] = [2] of { byte, byte };
chan lane = [2] of { byte };
chan mailbox = [2] of { byte };
bool kill_client, hub_dead, client_dead;
bool fired;  /* the client's watch has seen the hub's death */
bool dying;  /* the hub has seen the client's, and the lane was full */

/* The hub's session, with the lock. */
byte outbox; /* records that wait in it */
bool locked;
bool in_flight, stuck;
byte down_head; /* the hub's own */
#define DOWN_FREE (n_units - (down_head - AT(DOWN, TAIL)))

/* What became of it. */
byte n_sent, n_got, n_taken, n_down_sent;
bool client_over, ended;

/* Into the buffer, where nobody else sees it yet: so it is done with the step before it. */
inline store(me, which, value) {
    buffer[me]!which, value
}

#define FENCE(me, left_out) (left_out || empty(buffer[me]))

/* batch_ring_is_reader_due(), _is_writer_due(): takes a flag that is set (an exchange), and rings */
inline ring_bell(me, flag, queue, left_out, not_rung) {
    if
    :: atomic {
        FENCE(me, left_out) && !(flag && !(not_rung)) }
    :: atomic {
        flag && !(not_rung) && empty(buffer[me]) ->
        flag = 0
    };
        atomic {
            if
            :: len(queue) < n_queue -> queue!BELL
            :: else
            fi
        }
    fi
}

inline write_record(me, ring, mine, number, left_out, queue) {
    atomic {
        if
        :: PUBLISHED_FIRST -> store(me, (ring) * 4 + HEAD, mine + RECORD)
        :: else
        fi;
        UNIT(ring, mine) = number
    };
    atomic {
        UNIT(ring, mine + RECORD - 1) = number;
        mine = mine + RECORD;
        if
        :: PUBLISHED_FIRST
        :: else -> store(me, (ring) * 4 + HEAD, mine)
        fi
    };
    ring_bell(me, AT(ring, SLEEPS), queue, left_out, READER_NOT_RUNG)
}

/* seen: the writer's position, as it was at the last look; so it may ring early. */
inline take_record(me, ring, mine, seen, number, left_out, queue) {
    atomic {
        assert(UNIT(ring, mine) == number);
        if
        :: RELEASED_FIRST -> store(me, (ring) * 4 + TAIL, mine + RECORD)
        :: else
        fi
    };
    atomic {
        assert(UNIT(ring, mine + RECORD - 1) == number);
        mine = mine + RECORD;
        if
        :: RELEASED_FIRST
        :: else -> store(me, (ring) * 4 + TAIL, mine)
        fi
    };
    if
    :: n_units - (seen - mine) >= wake_at ->
        ring_bell(me, AT(ring, WAITS), queue, left_out, WRITER_NOT_RUNG)
    :: else
    fi
}

/* --- the client --- */

#define UP_HAS_ROOM (n_units - (up_head - AT(UP, TAIL)) >= RECORD)
#define DOWN_HAS_RECORD (AT(DOWN, HEAD) != down_tail)

inline client_sleep(which, what_for, left_out, no_look) {
    atomic {
        if
        :: FLAG_AFTER_LOOK
        :: else -> store(C, which, 1)
        fi
    };
    if
    :: atomic { FENCE(C, left_out || FLAG_AFTER_LOOK) && ((!(no_look) && (what_for)) || fired) }
    :: atomic {
        FENCE(C, left_out || FLAG_AFTER_LOOK) && (no_look || !(what_for)) && !fired ->
        if
        :: FLAG_AFTER_LOOK -> store(C, which, 1)
        :: else
        fi
    };
        do
        :: atomic {
            !TAKES_BELLS_ONLY && nempty(mailbox) ->
            mailbox?message;
            if
            :: MAILBOX_LOOKS_AFTER_BELLS && message == OTHER -> message = 0
            :: else -> message = 0; break
            fi
        }
        :: atomic { TAKES_BELLS_ONLY && (mailbox?[BELL] || mailbox?[OBITUARY]) -> mailbox?_; break }
        od
    fi;
    store(C, which, 0)
}

inline client_send() {
    do
    :: UP_HAS_ROOM ->
        write_record(C, UP, up_head, n_sent + 1, UP_PUBLISHED_UNFENCED, lane);
        n_sent++;
        break
    :: fired -> break
    :: !UP_HAS_ROOM && !fired ->
        client_sleep(UP * 4 + WAITS, UP_HAS_ROOM, ROOM_UNFENCED, ROOM_NO_SECOND_LOOK)
    od
}

inline client_receive() {
    do
    :: atomic { DOWN_HAS_RECORD -> down_seen = AT(DOWN, HEAD) };
        take_record(C, DOWN, down_tail, down_seen, n_got + 1, DOWN_TAKEN_UNFENCED, lane);
        n_got++;
        break
    :: fired -> break
    :: !DOWN_HAS_RECORD && !fired ->
        client_sleep(DOWN * 4 + SLEEPS, DOWN_HAS_RECORD, MAILBOX_UNFENCED, MAILBOX_NO_SECOND_LOOK)
    od
}

proctype Client() {
    byte up_head, down_tail, down_seen, message;
    {
        do
        :: fired || (n_sent == n_up && n_got == n_down) -> break
        :: n_sent < n_up && !fired -> client_send()
        :: n_got < n_down && !fired -> client_receive()
        od;
        client_over = true
    } unless {
        atomic { kill_client -> client_over = true; client_dead = true }
    }
}

/* --- the hub --- */

#define UP_HAS_RECORD (AT(UP, HEAD) != up_tail)

inline lane_note() {
    if
    :: message == OBITUARY -> obituary = true
    :: message == BELL -> looks_down = true
    :: else
    fi
}

inline lock() {
    atomic { !locked -> locked = true }
}

inline unlock(me) {
    atomic { empty(buffer[me]) -> locked = false }
}

/*
 * road_look_for_room(), with the lock, while nobody sends: waits for room on behalf of the outbox.
 * The bell may have come early; then the flag was taken away, so each look sets it again.
 */
inline look_for_room(me, left_out) {
    if
    :: ROOM_LOOKED_FOR_ONLY && me == L
    :: else -> store(me, DOWN * 4 + WAITS, 1)
    fi;
    atomic {
        FENCE(me, left_out || (ROOM_LOOKED_FOR_ONLY && me == L));
        if
        :: DOWN_FREE >= RECORD -> stuck = false; store(me, DOWN * 4 + WAITS, 0)
        :: else
        fi
    }
}

/* Before the lane's thread sleeps, whoever woke it. What has room now is sent. */
inline lane_look_for_room() {
    lock();
    if
    :: stuck && (!LANE_LOOKS_AT_UP || looks_down) -> look_for_room(L, LANE_ROOM_UNFENCED)
    :: else
    fi;
    unlock(L);
    looks_down = false
}

inline lane_sleep() {
    lane_look_for_room();
    atomic {
        if
        :: FLAG_AFTER_LOOK
        :: else -> store(L, UP * 4 + SLEEPS, 1)
        fi
    };
    atomic {
        FENCE(L, LANE_UNFENCED || FLAG_AFTER_LOOK);
        found = (!LANE_NO_SECOND_LOOK && UP_HAS_RECORD)
    };
    atomic {
        if
        :: !DYING_NOT_LOOKED_AT && dying -> found = true; obituary = true
        :: else
        fi;
        if
        :: FLAG_AFTER_LOOK && !found -> store(L, UP * 4 + SLEEPS, 1)
        :: else
        fi
    };
    if
    :: found
    :: !found ->
    end_asleep:
        do
        :: atomic {
            lane?message ->
            lane_note();
            if
            :: LANE_LOOKS_AFTER_BELLS && message == OTHER -> message = 0
            :: else -> message = 0; break
            fi
        }
        od
    fi;
    atomic { found = false; store(L, UP * 4 + SLEEPS, 0) }
}

proctype Lane() {
    byte up_tail, up_seen, message;
    bool obituary, found, did, looks_down;
    {
        do
        :: ended -> break
        :: !ended ->
            if
            :: atomic { nempty(lane) -> lane?message; lane_note(); message = 0; did = true }
            :: empty(lane)
            fi;
            if
            :: atomic { UP_HAS_RECORD -> up_seen = AT(UP, HEAD) };
                take_record(L, UP, up_tail, up_seen, n_taken + 1, UP_TAKEN_UNFENCED, mailbox);
                atomic { n_taken++; did = true }
            :: !UP_HAS_RECORD && obituary -> ended = true
            :: !UP_HAS_RECORD && !obituary
            fi;
            if
            :: did || ended -> did = false
            :: else -> lane_sleep()
            fi
        od
    } unless {
        hub_dead
    }
}

/* send_by_channel(): what is in the outbox, as far as there is room; without the lock. */
inline flush() {
    do
    :: outbox == 0 -> break
    :: outbox > 0 && DOWN_FREE >= RECORD ->
        write_record(F, DOWN, down_head, n_down_sent + 1, DOWN_PUBLISHED_UNFENCED, mailbox);
        atomic { n_down_sent++; outbox-- }
    :: outbox > 0 && DOWN_FREE < RECORD ->
        store(F, DOWN * 4 + WAITS, 1);
        if
        :: atomic { empty(buffer[F]) && DOWN_FREE >= RECORD -> store(F, DOWN * 4 + WAITS, 0) }
        :: atomic { empty(buffer[F]) && DOWN_FREE < RECORD -> is_full = true; break }
        fi
    od
}

proctype Flusher() {
    bool is_full;
    {
        skip;
    end_idle:
        do
        :: atomic { outbox > 0 && !stuck && !locked && !ended -> in_flight = true };
            flush();
            lock();
            atomic { in_flight = false; stuck = is_full; is_full = false };
            if
            :: stuck && !STUCK_NO_SECOND_LOOK -> look_for_room(F, STUCK_UNFENCED)
            :: else
            fi;
            unlock(F)
        od
    } unless {
        hub_dead
    }
}

/* --- all the others --- */

proctype Memory() {
    byte which, value;
end:
    do
    :: atomic { buffer[C]?which, value; cell[which] = value; which = 0; value = 0 }
    :: atomic { buffer[L]?which, value; cell[which] = value; which = 0; value = 0 }
    :: atomic { buffer[F]?which, value; cell[which] = value; which = 0; value = 0 }
    od
}

proctype World() {
end:
    do
    :: atomic { n_other > 0 && len(lane) < n_queue -> n_other--; lane!OTHER }
    :: atomic { n_mail > 0 && len(mailbox) < n_queue && !hub_dead -> n_mail--; mailbox!OTHER }
    od
}

/* At any time; and who sees it. */
proctype Death() {
    if
    :: death == 1 -> kill_client = true;
        atomic {
            client_over && empty(buffer[C]) ->
            if
            :: client_dead && len(lane) < n_queue -> lane!OBITUARY
            :: client_dead && len(lane) == n_queue -> dying = true
            :: else /* it had ended before */
            fi
        }
    :: death == 2 -> hub_dead = true;
        fired = true;
        atomic {
            if
            :: len(mailbox) < n_queue -> mailbox!OBITUARY
            :: else
            fi
        }
    :: true
    fi
}

/* In the end. */
proctype Witness() {
    timeout;
    assert(client_over);
    assert(hub_dead || n_taken * RECORD == AT(UP, HEAD));
    assert(hub_dead || client_dead || n_taken == n_up);
    assert(!client_dead || hub_dead || ended)
}

c_decl {
    \#include <stdlib.h>
    static unsigned char setting(const char *name) {
        const char *text = getenv(name);
        return text ? (unsigned char)strtol(text, NULL, 10) : 0;
    }
}

init {
    d_step {
        c_code {
            now.n_up = setting("N_UP");
            now.n_down = setting("N_DOWN");
            now.n_units = setting("N_UNITS");
            now.wake_at = setting("WAKE_AT");
            now.n_queue = setting("N_QUEUE");
            now.n_other = setting("N_OTHER");
            now.n_mail = setting("N_MAIL");
            now.death = setting("DEATH");
            now.mutant = setting("MUTANT");
        };
        outbox = n_down
    };
    atomic {
        run Client();
        run Lane();
        run Flusher();
        run Memory();
        run World();
        run Death();
        run Witness()
    }
}
