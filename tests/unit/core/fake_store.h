/* A store in memory for the world's core: it takes commits, answers questions, fails, survives. */
#pragma once

#include "core/past/past.h"
#include "unit/core/world.h"

struct fake_store {
    bool fails; /* nothing can be written */
    uint64_t seq_limit;
    struct record *messages; /* their texts are owned */
    size_t n_messages;
    struct change handles[512], rooms[2048], members[2048], forgotten[64], marks[2048],
        sanctions[16], admissions[512], orders[512], pins[2048]; /* rows */
    size_t n_handles, n_rooms, n_members, n_forgotten, n_marks, n_sanctions, n_admissions, n_orders,
        n_pins;
    uint64_t n_commits, n_asks, n_rows;
};

extern struct fake_store fake;

/* A world with a store; the core has what it needs to begin. */
void durable_begin(size_t log_bytes_max);
/* The same with these two, and all that is to be stored of them is. */
void durable_begin_with_two(struct client **alice, struct client **bob);
void durable_end(void);

/* What is stored under uid and id of the record, without its text. */
bool fake_find(struct record *record);
void fake_find_target(const struct record *like, struct core_target *target);

/* One commit, in two steps; between them the store is at work. */
void commit_take(void);
void commit_finish(void);
/* Everything that there is to commit. */
void commit_all(void);

/* The next question, answered later; it is freed then. */
struct ask *ask_take(void);
void ask_answer(struct ask *ask);
/* Fails it. */
void ask_refuse(struct ask *ask);

/* Commits, answers and delivers until nothing is left to do. */
void settle(void);

/* The hub is killed, and another one is started. All sessions are over. */
void hub_crash(void);
