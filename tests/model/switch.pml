/*
 * How a busy session changes from its queues to the rings of a channel, back, and to the next
 * channel. Promela, for spin(1); tests/model/run checks it and that each mutant is found out.
 *
 * Lane, mailbox and both rings are first-in-first-out here and wake whoever waits for them; that
 * they do so is shown in bells.pml. Each batch has a number. The client is one thread. The hub is
 * three: the lane's thread (server/io/intake.c), whoever sends, one at a time and outside the lock
 * (server/io/leave.c), and all who give the session something or end it. What is done with the lock
 * held is atomic. The states are those of server/core/channel.c: is_accepted from OFFERED on,
 * reads_up from USED on, is_back in LEFT.
 *
 * What is shown: in each direction every batch is taken once and in order, over any number of
 * changes; an honest client is never taken for one that breaks the protocol; whatever a client had
 * sent when it died is taken; nobody waits for ever; nothing is read or written in a segment that
 * is not mapped; and in the end no segment is left. A hostile client sends anything by any road:
 * for it, the last two and that the hub never waits.
 *
 * Why the bounds are enough: batches that are nothing but data change no state, so one before, one
 * between and one behind the switches is every order that there is; and after the client's SWITCH
 * back all is as in the beginning, which the second channel shows.
 */
#define N_SEGMENTS 2 /* the most that a client asks for, one after the other */
#define NONE 7       /* no segment */

/* What stands at the end of a batch. */
#define NOTHING 0
#define CHANNEL 1    /* here is a segment; to the hub only */
#define TO_CHANNEL 2 /* SWITCH: what follows goes through the channel */
#define TO_QUEUE 3   /* SWITCH: what follows goes by queue. Also: the channel is refused */
#define OBITUARY 4   /* the hub's own: BYE in the name of the dead */

/* Set from outside, so that one compilation serves for all. */
byte n_up, n_down; /* batches of each direction that are nothing but data */
byte n_asks;       /* segments that the client may offer, up to N_SEGMENTS */
byte n_queue;      /* batches for which lane and mailbox have room, 1 or 2 */
byte n_ring;       /* the same of a ring */
bool hostile;
byte mutant; /* 0: none */

#define SWITCH_BEFORE_LAST (mutant == 1)   /* client: one more batch goes into the lane behind it */
#define BACK_BEFORE_LAST (mutant == 2)     /* hub: one more batch goes into `down` behind it */
#define LANE_FIRST (mutant == 3)           /* hub: the lane's batch before those in `up` */
#define MAILBOX_FIRST (mutant == 4)        /* client: the mailbox's batch before those in `down` */
#define ASKED_EARLY (mutant == 5)          /* CHANNEL before SWITCH back, and the hub takes it */
#define ATTACHED_LATE (mutant == 6)        /* hub: attaches when the client has switched */
#define OBITUARY_FIRST (mutant == 7)       /* hub: a session ends before `up` is empty */
#define OBITUARY_BREAKS (mutant == 8)      /* hub: to it the obituary came by the wrong road */
#define UNMAPPED_IN_FLIGHT (mutant == 9)   /* hub: detaches while somebody sends */
#define ANSWER_BEFORE_RETURN (mutant == 10) /* hub: what it sent counts when the sender is back */
#define LEFT_ATTACHED (mutant == 11)       /* hub: who ends in the channel does not detach */
#define BACK_TOO_EARLY (mutant == 12)      /* hub: goes back before the client has come */

/* The kernel: queues, segments. */
chan lane = [2] of { byte, byte, byte };
chan mailbox = [2] of { byte, byte };
chan up[N_SEGMENTS] = [2] of { byte, byte };
chan down[N_SEGMENTS] = [2] of { byte, byte };
bool attached[N_SEGMENTS]; /* the client is */
byte held[N_SEGMENTS];     /* how many in the hub need it mapped; 0: it is not attached */
bool kill_client, hub_dead;

/* The hub's session, with the lock. */
chan outbox = [3] of { byte, byte };
byte channel = NONE;  /* its segment */
bool is_accepted;     /* SWITCH to the channel was given to the outbox */
bool is_back;         /* SWITCH back was */
bool reads_up;        /* the client has switched to the channel */
bool out_by_channel;  /* what is sent next goes through `down` */
bool in_flight, dying, ended;
byte n_given, n_given_data; /* batches to the client */
byte n_taken;               /* batches from the client */

/* What became of it. */
byte n_sent, n_received, n_received_data;
bool client_over, client_killed, was_ended; /* was_ended: not for its death */

/* --- the client --- */

#define IS_GONE (hub_dead || was_ended)

inline receive_number() {
    assert(number == n_received + 1);
    n_received++;
    if
    :: control == NOTHING -> n_received_data++
    :: else
    fi
}

inline receive_down() {
    atomic {
        down[segment]?number, control;
        receive_number();
        if
        :: control == TO_QUEUE -> by_down = false; assert(owed == NOTHING); owed = TO_QUEUE
        :: else -> assert(control == NOTHING)
        fi
    }
}

/* A batch of the mailbox, behind all that came through `down` before it. */
inline receive_mailbox() {
    atomic {
        mailbox?number, control;
        first = number;
        first_control = control
    };
    do
    :: by_down && !MAILBOX_FIRST && nempty(down[segment]) -> receive_down()
    :: by_down && (MAILBOX_FIRST || empty(down[segment])) -> assert(MAILBOX_FIRST); break
    :: !by_down -> break
    od;
    atomic {
        number = first;
        control = first_control;
        receive_number();
        if
        :: control == TO_CHANNEL -> by_down = true; owed = TO_CHANNEL
        :: control == TO_QUEUE -> /* refused */
            attached[segment] = false;
            segment = NONE
        :: else
        fi;
        first = 0;
        first_control = 0
    }
}

/* By the road that is the right one now; last: what stands at its end. */
inline client_send(last) {
    if
    :: !by_up -> /* msgsnd(2); a dead hub's lane is removed, which ends it */
        if
        :: atomic { len(lane) < n_queue -> n_sent++; lane!n_sent, last, segment }
        :: IS_GONE
        fi
    :: by_up ->
        do
        :: atomic { len(up[segment]) < n_ring -> n_sent++; up[segment]!n_sent, last; break }
        :: len(up[segment]) == n_ring && nempty(mailbox) -> receive_mailbox()
        :: IS_GONE -> break
        od
    fi
}

inline client_ask() {
    atomic { segment = n_asked; n_asked++; attached[segment] = true };
    client_send(CHANNEL)
}

inline client_switch() {
    if
    :: owed == TO_CHANNEL ->
        client_send(TO_CHANNEL);
        if
        :: SWITCH_BEFORE_LAST -> client_send(NOTHING)
        :: else
        fi;
        atomic { by_up = true; owed = NOTHING }
    :: owed == TO_QUEUE && ASKED_EARLY && n_asked < n_asks ->
        by_up = false;
        client_ask();
        atomic { n_sent++; up[segment - 1]!n_sent, TO_QUEUE; owed = NOTHING };
        attached[segment - 1] = false
    :: owed == TO_QUEUE && !(ASKED_EARLY && n_asked < n_asks) ->
        client_send(TO_QUEUE);
        atomic { by_up = false; owed = NOTHING };
        atomic { attached[segment] = false; segment = NONE }
    fi
}

inline client_is_over() {
    atomic { client_over = true; attached[0] = false; attached[1] = false }
}

proctype Client() {
    byte number, control, first, first_control;
    byte segment = NONE, n_asked, n_data, owed;
    bool by_up, by_down;
    {
        do
        :: IS_GONE -> break
        :: n_data == n_up && n_received_data == n_down && owed == NOTHING -> break
        :: n_data < n_up -> n_data++; client_send(NOTHING)
        :: owed != NOTHING -> client_switch()
        :: by_down && nempty(down[segment]) -> receive_down()
        :: nempty(mailbox) -> receive_mailbox()
        :: segment == NONE && n_asked < n_asks -> client_ask()
        od;
        client_is_over()
    } unless {
        atomic { kill_client -> client_killed = true; client_is_over() }
    }
}

/* Who does not keep to anything. It can be at any road that it has; nobody reads its mailbox. */
proctype Hostile() {
    byte n, segment;
    attached[0] = true;
    do
    :: break
    :: n < n_up ->
        n++;
        if
        :: n_asks > 1 -> segment = 1 - segment
        :: attached[segment] = !attached[segment]
        :: len(lane) < n_queue -> lane!0, NOTHING, segment
        :: len(lane) < n_queue -> lane!0, CHANNEL, segment
        :: len(lane) < n_queue -> lane!0, TO_CHANNEL, segment
        :: len(lane) < n_queue -> lane!0, TO_QUEUE, segment
        :: len(up[segment]) < n_ring -> up[segment]!0, NOTHING
        :: len(up[segment]) < n_ring -> up[segment]!0, TO_CHANNEL
        :: len(up[segment]) < n_ring -> up[segment]!0, TO_QUEUE
        :: nempty(down[segment]) -> down[segment]?_, _
        :: nempty(mailbox) -> mailbox?_, _
        fi
    od;
    client_is_over()
}

/* --- the hub --- */

inline unhold(which) {
    assert(held[which] > 0);
    held[which]--
}

/* With the lock, as all that follows down to the processes. */
inline forget_channel() {
    if
    :: channel == NONE
    :: channel != NONE && UNMAPPED_IN_FLIGHT -> held[channel] = 0
    :: channel != NONE && !UNMAPPED_IN_FLIGHT ->
        if
        :: ATTACHED_LATE && !reads_up
        :: else -> unhold(channel)
        fi
    fi;
    channel = NONE;
    is_accepted = false;
    is_back = false;
    reads_up = false
}

inline end_session() {
    ended = true;
    do
    :: nempty(outbox) -> outbox?_, _
    :: empty(outbox) -> break
    od;
    if
    :: LEFT_ATTACHED -> channel = NONE
    :: else -> forget_channel()
    fi;
    reads_up = false
}

/* An honest client never does that. */
inline break_off() {
    assert(hostile);
    end_session()
}

/* What a session gives cause for and never takes ends it; so the outbox has a bound. */
inline give(what) {
    if
    :: nfull(outbox) -> n_given = n_given + (hostile -> 0 : 1); outbox!n_given, what
    :: full(outbox) -> break_off()
    fi
}

inline take_number() {
    if
    :: hostile
    :: else -> assert(number == n_taken + 1); n_taken++
    fi
}

#define UP_HAS_BATCH (reads_up && nempty(up[channel]))

/* The hub has said so, or is about to: who sends may not be back yet. */
#define CAN_HAVE_HEARD (!out_by_channel || (in_flight && !ANSWER_BEFORE_RETURN))

inline take_up() {
    assert(held[channel] > 0);
    up[channel]?number, control;
    take_number();
    if
    :: control == NOTHING
    :: control == TO_QUEUE && is_back && CAN_HAVE_HEARD -> forget_channel()
    :: else -> break_off()
    fi;
    number = 0;
    control = NOTHING
}

#define IS_TAKEN_FIRST (last == OBITUARY -> OBITUARY_FIRST : LANE_FIRST)

/* All that the client had put into `up` before it wrote this batch to the lane. */
inline take_up_first() {
    do
    :: atomic { UP_HAS_BATCH && !IS_TAKEN_FIRST -> take_up() }
    :: !reads_up || empty(up[channel]) || IS_TAKEN_FIRST ->
        atomic {
            if
            :: reads_up && last != OBITUARY && !LANE_FIRST && !(ASKED_EARLY && last == CHANNEL) ->
                break_off()
            :: reads_up && last == OBITUARY && OBITUARY_BREAKS -> break_off()
            :: else
            fi
        };
        break
    od
}

/* Attaching is done without the lock. */
inline take_channel() {
    atomic {
        if
        :: ended || !(attached[offered] || held[offered] > 0) -> offered = NONE /* it is gone */
        :: else -> held[offered] = held[offered] + (ATTACHED_LATE -> 0 : 1)
        fi
    };
    atomic {
        if
        :: ended && offered == NONE
        :: ended && offered != NONE -> unhold(offered)
        :: !ended && offered == NONE -> give(TO_QUEUE)
        :: !ended && offered != NONE -> /* it is charged for, or its user has too many */
            if
            :: channel = offered; is_accepted = true; give(TO_CHANNEL)
            :: held[offered] = held[offered] - (ATTACHED_LATE -> 0 : 1); give(TO_QUEUE)
            fi
        fi
    }
}

inline take_switch() {
    reads_up = true;
    if
    :: !ATTACHED_LATE
    :: ATTACHED_LATE && attached[channel] -> held[channel]++
    :: ATTACHED_LATE && !attached[channel] -> channel = NONE; end_session()
    fi
}

inline take_lane() {
    take_up_first();
    atomic {
        number = first;
        if
        :: ended -> last = NOTHING
        :: !ended && last == OBITUARY -> end_session(); last = NOTHING
        :: !ended && last != OBITUARY ->
            take_number();
            if
            :: last == NOTHING
            :: last == CHANNEL && (channel == NONE || ASKED_EARLY)
            :: last == TO_CHANNEL && is_accepted && !reads_up -> take_switch()
            :: else -> break_off(); last = NOTHING
            fi
        fi;
        number = 0;
        first = 0
    };
    if
    :: last == CHANNEL -> take_channel()
    :: else
    fi;
    atomic { offered = NONE; last = NOTHING }
}

proctype Lane() {
    byte number, control, first, last;
    byte offered = NONE;
    {
        skip;
    end:
        do
        :: lane?first, last, offered -> take_lane()
        :: atomic { UP_HAS_BATCH -> take_up() }
        :: atomic {
            dying && !ended && empty(lane) && (!reads_up || empty(up[channel]) || OBITUARY_FIRST) ->
            end_session()
        }
        od
    } unless {
        hub_dead
    }
}

/* Whoever sends for the session: takes a batch with the lock, sends it without. */
inline send() {
    if
    :: by_channel ->
        atomic { assert(held[segment] > 0); down[segment]!number, control };
        assert(held[segment] > 0) /* looks whether the client sleeps */
    :: else -> mailbox!number, control
    fi
}

inline send_returned() {
    in_flight = false;
    if
    :: control == TO_CHANNEL -> out_by_channel = true
    :: control == TO_QUEUE && !BACK_BEFORE_LAST -> out_by_channel = false
    :: control == NOTHING && is_back && BACK_BEFORE_LAST -> out_by_channel = false
    :: else
    fi;
    if
    :: segment != NONE -> unhold(segment)
    :: else
    fi;
    segment = NONE;
    number = 0;
    control = NOTHING;
    by_channel = false
}

#define DOWN_IS_NEXT (out_by_channel && channel != NONE)

proctype Sender() {
    byte number, control;
    byte segment = NONE;
    bool by_channel;
    {
        skip;
    end:
        do
        :: atomic {
            !ended && nempty(outbox) &&
            (DOWN_IS_NEXT -> len(down[channel]) < n_ring : len(mailbox) < n_queue) ->
            in_flight = true;
            by_channel = DOWN_IS_NEXT;
            segment = channel;
            outbox?number, control;
            if
            :: segment != NONE -> held[segment]++
            :: else
            fi
        };
            send();
            atomic { send_returned() }
        od
    } unless {
        hub_dead
    }
}

/* Everybody else in the hub. */
proctype Others() {
    {
        skip;
    end:
        do
        :: atomic {
            !ended && n_given_data < n_down && len(outbox) < 2 ->
            n_given_data++;
            give(NOTHING)
        }
        :: atomic { /* it was quiet for a while */
            !ended && is_accepted && (reads_up || BACK_TOO_EARLY) && !is_back && nfull(outbox) ->
            is_back = true;
            give(TO_QUEUE)
        }
        :: atomic { /* the client's death is seen */
            client_over && !dying && !ended ->
            if
            :: len(lane) < n_queue -> lane!0, OBITUARY, NONE
            :: else
            fi;
            dying = true
        }
        od
    } unless {
        hub_dead
    }
}

/* At any time: kills one, ends the session as one whose user has no memory left, or neither. */
proctype World() {
    if
    :: kill_client = true
    :: atomic { hub_dead = true; held[0] = 0; held[1] = 0 }
    :: atomic { !ended -> was_ended = true; end_session() }
    :: true
    fi
}

/* In the end. */
proctype Witness() {
    timeout;
    assert(client_over);
    assert(ended || hub_dead);
    assert(!attached[0] && !attached[1] && held[0] == 0 && held[1] == 0);
    assert(hostile || hub_dead || was_ended || n_taken == n_sent);
    assert(hostile || hub_dead || was_ended || client_killed || n_received_data == n_down)
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
            now.n_asks = setting("N_ASKS");
            now.n_queue = setting("N_QUEUE");
            now.n_ring = setting("N_RING");
            now.hostile = setting("HOSTILE");
            now.mutant = setting("MUTANT");
        }
    };
    atomic {
        if
        :: hostile -> run Hostile()
        :: else -> run Client()
        fi;
        run Lane();
        run Sender();
        run Others();
        run World();
        run Witness()
    }
}
