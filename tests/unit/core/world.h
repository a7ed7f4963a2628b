/* A core without a hub: clients whose frames go through the real codecs, and time as a number. */
#pragma once

#include <criterion/criterion.h>

#include "core/core.h"

#define ALICE 1001
#define BOB 1002
#define CAROL 1003
#define CHANNEL_BYTES 1000000 /* a user has room for some */
#define CHANNEL_QUIET_MS 3000
#define HERE (ABILITY_LISTEN | ABILITY_ALL_ROOMS)

struct client {
    struct session *session;
    struct seat seat;
    uint64_t number, link;
    bool is_full;     /* its mailbox takes nothing */
    bool is_silent;   /* it does not answer MORE */
    struct frame *in; /* what arrived, in order */
    size_t n_in, size_in, at;
    struct client *next;
};

extern struct core core;

/* What stores everything that there is, in a world with a store. */
extern void (*world_store)(void);

/* As realloc(); it never fails, also where those of the core are made to. */
void *own_memory(void *old, size_t n);
extern bool own_memory_wanted; /* meanwhile */

void world_begin(void);
/* The same with some other bound of the log. */
void world_begin_with(size_t log_bytes_max, bool durable);
/* The same with these two, who have heard of each other. */
void world_begin_with_two(struct client **alice, struct client **bob);
void world_end(void);

/* Joins; the refusal is returned when the client is NULL. */
struct client *try_join(uid_t uid, const char *handle, unsigned abilities, enum fail_code *code);
/* Joins, says READY and has read its WELCOME. */
struct client *join(uid_t uid, const char *handle, unsigned abilities);
bool is_over(const struct client *client);

/* The whole of a HELLO. Has read its WELCOME, but does not say READY. */
struct arrival {
    uid_t uid;
    const char *handle;
    unsigned abilities;
    uint64_t link, after; /* link 0: a new one */
    bool is_old;          /* knows no LINEs */
};
struct client *arrive(const struct arrival *arrival);
/* The same as try_join(). */
struct client *try_arrive(const struct arrival *arrival, enum fail_code *code);
/* With this login name ("": none is known), and right to the handle. */
struct client *try_arrive_with(const struct arrival *arrival, const char *login,
                               const struct core_right *right, enum fail_code *code);

/* A frame from this client; returns the broken rule. */
const char *give(struct client *client, const struct frame *frame);
struct uuid new_id(void);
void give_send(struct client *from, struct uuid id, const char *to, const char *text,
               unsigned flags);
struct uuid say(struct client *from, const char *to, const char *text);
void enter(struct client *client, const char *room, unsigned flags);
void leave(struct client *client, const char *room);
void ready(struct client *client);

void take(struct client *client, uint64_t seq, uint64_t read);

/* What is kept for its user, besides his sessions, handles and the ids of what he said. */
uint64_t kept_besides(const struct client *client);

/* What a user is charged. */
uint64_t memory_of(uid_t uid);
/* Charges him, so that he has `n_left` bytes yet; give_back_memory() takes it back. */
void use_up_memory(uid_t uid, uint64_t n_left);
void give_back_memory(uid_t uid);

/* An offer of a file that is large. */
struct frame offer_of(struct uuid id, const char *to);

/* An open room that a hub finds in its store. */
int restore_open_room(uint32_t number, uid_t creator, struct bytes name, struct bytes topic,
                      uint64_t last_seq);

/* Time passes, and the core is told whenever something is due. */
void pass_ms(int64_t ms);
/* Time passes, and the hub stands still meanwhile: it is told afterwards. */
void stand_still_ms(int64_t ms);
/* A slice of the log in memory is looked through for the next question; false: there is none. */
bool read_log(void);
/* Answers from the log in memory, and sends what is to be sent until nothing is left. */
void drain(void);

/* The next frame that has arrived (drains first); NULL when there is none. */
const struct frame *next_frame(struct client *client);
/* The same, but it must be there and of this type. */
const struct frame *expect(struct client *client, unsigned type);
void expect_text(struct client *client, const char *text);
void expect_refused(struct client *client, struct uuid id, enum fail_code code);
void expect_nothing(struct client *client);
/* A message with this text that was sent before the session began. */
const struct frame *expect_late(struct client *client, const char *text);
/* The texts "from", ... "to" - 1. */
void expect_numbers(struct client *client, unsigned from, unsigned to);

/* The next DONE or FAIL, past all that has come meanwhile; the test fails when there is none. */
const struct frame *next_answer(struct client *client);

/* All that has arrived, unseen. */
void drop_frames(struct client *client);

/* Asks for another handle. */
void rename_to(struct client *client, const char *handle);
/* Sends numbers to a client that does not read until it is behind. Returns how many. */
unsigned fill_until_behind(struct client *from, struct client *client, const char *to);
struct client *arrive_as(const char *handle, uid_t uid, unsigned abilities, uint64_t after);
