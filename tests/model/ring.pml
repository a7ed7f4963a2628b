/*
 * The ring of shared/ipc/ring.c: slots, positions, bells, sleeping, cancelling, death. Promela, for
 * spin(1); tests/model/run checks it and that each mutant below is found out.
 *
 * Every step is one access to the segment. A slot is written, and read, in two halves, so that
 * a torn one shows. Either side may cancel before each slot, and one may be killed before any
 * statement. Time is left out: a sleeping side's tick comes only when its peer is dead, because a
 * tick that comes otherwise would hide a wake-up that was lost.
 *
 * What is shown: the consumer gets every slot, once, in order and whole; an honest peer's position
 * always looks honest; what was handed over before a death is not lost by it; and both always end.
 * The last is that there is no deadlock and (pan -l) no cycle at all.
 */
#define N_MAX 4

#define P 0 /* producer */
#define C 1 /* consumer */

#define ANYTHING 255 /* as a wanted position: only what is no slot */

/* Set from outside, so that one compilation serves for all. */
byte n_slots; /* 2 to N_MAX */
byte n_sent;  /* slots that the producer sends */
byte batch;   /* slots that a producer who found it full waits for: 1 to n_slots */
byte mutant;  /* 0: none */

#define PUBLISH_FIRST (mutant == 1)      /* position before the slot's bytes */
#define RELEASE_FIRST (mutant == 2)      /* given back before the last look */
#define FULL_OFF_BY_ONE (mutant == 3)    /* takes one slot more than there is */
#define EMPTY_OFF_BY_ONE (mutant == 4)   /* takes one slot more than was handed over */
#define SLEEP_UNCHECKED (mutant == 5)    /* no comparison before sleeping */
#define BELL_READ_LATE (mutant == 6)     /* the bell is read after the look */
#define WAITS_SET_LATE (mutant == 7)     /* sleeps first, says so afterwards */
#define WAITS_READ_EARLY (mutant == 8)   /* store and load around the bell change places */
#define BELL_FIRST (mutant == 9)         /* rings before the position */
#define CANCEL_SILENTLY (mutant == 10)   /* cancels without a bell */
#define WANTS_TOO_MUCH (mutant == 11)    /* waits for a position that cannot come */
#define NO_TICK (mutant == 12)           /* never asks whether the peer lives */
#define DEATH_IS_FINAL (mutant == 13)    /* does not look again when it is dead */
#define FINISH_AS_SLOT (mutant == 14)    /* the result wakes only those who wait for a slot */

/* The segment. */
byte position[2], bell[2], waits[2];
bool cancelled[2], has_result;
byte low[N_MAX], high[N_MAX];

/* The kernel. */
bool asleep[2], dead[2], kill[2];

/* What became of it. */
bool over[2], got_result;
byte n_taken;

/* me rings: for whatever the other one waits, or only when its position is the wanted one */
inline ring_bell(me, all) {
    if
    :: WAITS_READ_EARLY -> waiting = waits[1 - me]; bell[me] = bell[me] + 1
    :: else -> bell[me] = bell[me] + 1; waiting = waits[1 - me]
    fi;
    atomic {
        if
        :: waiting != 0 && (all || mine >= waiting) -> asleep[1 - me] = false
        :: else
        fi;
        waiting = 0
    }
}

inline pass_on(me) {
    if
    :: BELL_FIRST -> mine++; ring_bell(me, false); position[me] = mine
    :: else -> atomic { mine++; position[me] = mine }; ring_bell(me, false)
    fi
}

inline cancel(me) {
    cancelled[me] = true;
    if
    :: CANCEL_SILENTLY
    :: else -> ring_bell(me, true)
    fi
}

/* The other side's position, read once: it never looks dishonest. Sets ready. */
inline look_for_slot(me) {
    d_step {
        theirs = position[1 - me];
        assert(theirs >= seen);
        if
        :: me == P ->
            assert(FULL_OFF_BY_ONE || EMPTY_OFF_BY_ONE || theirs <= mine);
            ready = (mine - theirs < n_slots || (FULL_OFF_BY_ONE && mine - theirs == n_slots))
        :: else ->
            assert(FULL_OFF_BY_ONE || EMPTY_OFF_BY_ONE || theirs - mine <= n_slots);
            ready = (theirs > mine || (EMPTY_OFF_BY_ONE && theirs == mine))
        fi;
        seen = theirs;
        theirs = 0
    }
}

/* slot: for a slot; otherwise for the result. Sets ready, or stop, or neither. */
inline look(me, slot) {
    if
    :: cancelled[1 - me] -> stop = true
    :: !cancelled[1 - me] ->
        if
        :: slot -> look_for_slot(me)
        :: !slot -> ready = has_result
        fi
    fi
}

/* The other side was found dead, perhaps only after the last look: looks once more. */
inline conclude(me, slot) {
    if
    :: DEATH_IS_FINAL
    :: else -> look(me, slot)
    fi;
    if
    :: !ready && !stop -> atomic { stop = true; lost = true }
    :: else
    fi
}

inline sleep_on(me, slot) {
    d_step {
        if
        :: !slot -> wanted = ANYTHING
        :: slot && me == C -> wanted = mine + 1
        :: slot && me == P -> wanted = mine - n_slots + batch + (WANTS_TOO_MUCH -> n_slots : 0)
        fi;
        if
        :: WAITS_SET_LATE
        :: else -> waits[me] = wanted
        fi
    };
    /* futex(2): compares and falls asleep in one */
    atomic {
        if
        :: bell[1 - me] == heard || SLEEP_UNCHECKED -> asleep[me] = true
        :: else
        fi;
        heard = 0
    };
    if
    :: WAITS_SET_LATE -> waits[me] = wanted
    :: else
    fi;
    wanted = 0;
    if
    :: !asleep[me]
    :: asleep[me] && dead[1 - me] && !NO_TICK -> atomic { asleep[me] = false; tick = true }
    fi;
    waits[me] = 0
}

inline await(me, slot) {
    do
    :: ready || stop -> break
    :: else ->
        heard = bell[1 - me];
        look(me, slot);
        if
        :: BELL_READ_LATE -> heard = bell[1 - me]
        :: else
        fi;
        if
        :: ready || stop
        :: !ready && !stop && (tick || (dead[1 - me] && !NO_TICK)) -> conclude(me, slot)
        :: !ready && !stop && !tick -> sleep_on(me, slot)
        fi
    od;
    atomic { heard = 0; tick = false }
}

/* At its end. */
inline finish(me) {
    atomic {
        over[me] = true;
        if
        :: over[1 - me] && !dead[1 - me] && !cancelled[P] && !cancelled[C] ->
            assert(n_taken == n_sent && got_result)
        :: else
        fi
    }
}

proctype Producer() {
    byte mine, seen, theirs, heard, waiting, wanted;
    bool ready, stop, tick, lost;
    {
        do
        :: mine == n_sent || stop -> break
        :: mine < n_sent && !stop -> cancel(P); stop = true
        :: mine < n_sent && !stop ->
            await(P, true);
            if
            :: stop
            :: !stop && PUBLISH_FIRST ->
                pass_on(P);
                low[(mine - 1) % n_slots] = mine;
                high[(mine - 1) % n_slots] = mine
            :: !stop && !PUBLISH_FIRST ->
                low[mine % n_slots] = mine + 1;
                high[mine % n_slots] = mine + 1;
                pass_on(P)
            fi;
            ready = false
        od;
        if
        :: stop
        :: !stop ->
            await(P, false);
            got_result = ready;
            assert(!lost || !has_result)
        fi;
        finish(P)
    } unless {
        atomic { kill[P] -> dead[P] = true; over[P] = true }
    }
}

proctype Consumer() {
    byte mine, seen, theirs, heard, waiting, wanted;
    bool ready, stop, tick, lost;
    {
        do
        :: mine == n_sent || stop -> break
        :: mine < n_sent && !stop -> cancel(C); stop = true
        :: mine < n_sent && !stop ->
            await(C, true);
            if
            :: stop
            :: !stop && RELEASE_FIRST ->
                assert(low[mine % n_slots] == mine + 1);
                pass_on(C);
                assert(high[(mine - 1) % n_slots] == mine);
                n_taken++
            :: !stop && !RELEASE_FIRST ->
                assert(low[mine % n_slots] == mine + 1);
                assert(high[mine % n_slots] == mine + 1);
                n_taken++;
                pass_on(C)
            fi;
            ready = false
        od;
        assert(!lost || mine == position[P]);
        if
        :: stop
        :: !stop ->
            has_result = true;
            ring_bell(C, !FINISH_AS_SLOT)
        fi;
        finish(C)
    } unless {
        atomic { kill[C] -> dead[C] = true; over[C] = true }
    }
}

/* At any time: kills one, or wakes one for no reason, as a signal does, or leaves them alone. */
proctype World() {
    if
    :: kill[P] = true
    :: kill[C] = true
    :: asleep[P] = false
    :: asleep[C] = false
    :: true
    fi
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
            now.n_slots = setting("N_SLOTS");
            now.n_sent = setting("N_SENT");
            now.mutant = setting("MUTANT");
        };
        batch = 1
    };
    do
    :: batch < n_slots -> batch++
    :: true -> break
    od;
    atomic {
        run Producer();
        run Consumer();
        run World()
    }
}
