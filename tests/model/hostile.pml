/*
 * The hub's side of a channel, when the peer writes anything into the segment at any time
 * (shared/ipc/channel.c, server/io/intake.c). Promela, for spin(1); tests/model/run checks it and
 * that each mutant below is found out.
 *
 * Whatever the hub reads from the segment is any value, at each read anew: that is all that a peer
 * can do there. Indices have four bits and wrap, so all turns that there can be are in it.
 *
 * What is shown: nothing outside of the ring or of the private copy is touched; no record is taken
 * that reaches beyond what was said to be there; what was checked is what is used; and the thread
 * gets back to its lane, however much the peer says there is.
 */
#define INDEX_MASK 15
#define RING 4      /* bytes; divides what an index can count */
#define BATCH_MAX 2 /* bytes of the largest batch; with its length before it, it fits */
#define TURN_MAX 2  /* records that are taken before somebody else's turn */

byte mutant; /* 0: none */

#define HEAD_UNCHECKED (mutant == 1)
#define HEAD_READ_TWICE (mutant == 2)    /* once for the check, once for use */
#define LENGTH_UNCHECKED (mutant == 3)
#define LENGTH_READ_TWICE (mutant == 4)
#define LENGTH_BEYOND_HEAD (mutant == 5) /* it is compared with the largest batch only */
#define DECODED_IN_PLACE (mutant == 6)   /* the batch is decoded where it lies */
#define ROOM_UNCHECKED (mutant == 7)     /* the client's index in `down` is believed */
#define TURN_UNBOUNDED (mutant == 8)     /* takes all that there is, as long as there is some */

/* Reads from the segment. */
inline peer_says(x, most) {
    select(x : 0 .. most)
}

inline end_session() {
    broken = true
}

/* The copy: a length, then so many bytes; the first of a batch says how many the frame has. */
inline read_up() {
    peer_says(head, INDEX_MASK);
    filled = (head - tail) & INDEX_MASK;
    if
    :: filled > RING && !HEAD_UNCHECKED -> end_session()
    :: filled == 0 -> empty_ring = true
    :: else ->
        if
        :: HEAD_READ_TWICE -> peer_says(head, INDEX_MASK); filled = (head - tail) & INDEX_MASK
        :: else
        fi;
        peer_says(n, INDEX_MASK);
        if
        :: LENGTH_UNCHECKED
        :: !LENGTH_UNCHECKED && (n == 0 || n > BATCH_MAX) -> end_session()
        :: !LENGTH_UNCHECKED && n + 1 > filled && !LENGTH_BEYOND_HEAD -> end_session()
        :: else
        fi;
        if
        :: broken
        :: else ->
            if
            :: LENGTH_READ_TWICE -> peer_says(n, INDEX_MASK)
            :: else
            fi;
            assert(n <= BATCH_MAX);                           /* fits into the private copy */
            assert(filled <= RING && n + 1 <= filled);        /* was handed over */
            decode();
            tail = (tail + n + 1) & INDEX_MASK
        fi
    fi
}

inline decode() {
    peer_says(frame, INDEX_MASK);
    if
    :: frame > n -> end_session()
    :: else ->
        if
        :: DECODED_IN_PLACE -> peer_says(frame, INDEX_MASK)
        :: else
        fi;
        assert(frame <= n)
    fi
}

/* A batch of the largest size goes into `down`, if that has room. */
inline write_down() {
    peer_says(peer_tail, INDEX_MASK);
    filled = (own_head - peer_tail) & INDEX_MASK;
    if
    :: filled > RING && !ROOM_UNCHECKED -> end_session()
    :: filled <= RING && RING - filled < BATCH_MAX + 1 /* stuck */
    :: else ->
        assert(filled <= RING && filled + BATCH_MAX + 1 <= RING);
        own_head = (own_head + BATCH_MAX + 1) & INDEX_MASK
    fi
}

active proctype Hub() {
    byte tail, own_head;       /* private */
    byte head, peer_tail, n, frame, filled, n_turn;
    bool broken, empty_ring;
    d_step {
        c_code { now.mutant = setting("MUTANT"); }
    };
    do
    :: broken -> break
    :: else ->
progress_lane:
        n_turn = 0;
        empty_ring = false;
        do
        :: broken || empty_ring || (n_turn == TURN_MAX && !TURN_UNBOUNDED) -> break
        :: else -> atomic { read_up(); head = 0; n = 0; frame = 0; filled = 0 };
            if
            :: TURN_UNBOUNDED
            :: else -> n_turn++
            fi
        od;
        if
        :: broken
        :: else -> atomic { write_down(); peer_tail = 0; filled = 0 }
        fi
    od
}

c_decl {
    \#include <stdlib.h>
    static unsigned char setting(const char *name) {
        const char *text = getenv(name);
        return text ? (unsigned char)strtol(text, NULL, 10) : 0;
    }
}
