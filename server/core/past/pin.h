/*
 * Pins and stars. A message is pinned in its conversation, for all who are in it; or starred by a
 * handle, for itself alone. Who is named and when stands here, in memory; the text is where all
 * messages are, and is read when it is asked for, as the past is: so who may not read it sees
 * nothing, an edited one has its new text, and one that is gone is dropped when that is noticed.
 */
#pragma once

#include "core/persist.h"
#include "core/record.h"

struct ask;
struct ask_pin;
struct core;
struct frame;
struct handle;
struct log_entry;
struct room;
struct session;
struct user;

#define PINS_PER_CONV_MAX 50
#define STARS_PER_HANDLE_MAX 1000

/* PIN. */
void pin_receive(struct core *core, struct session *session, const struct frame *frame);
/* Of a PIN: see core_awaits_target(). */
bool pin_awaits(const struct core *core, const struct frame *frame, struct record *like);
/* The message was removed; the room has ended, or was closed, and the store knows. */
void pin_drop_message(struct core *core, uint64_t seq);
void pin_drop_room(struct core *core, conv_number conv);
void pin_deinit(struct core *core);

/* What is pinned in a conversation (whose 0), or starred by a handle, in this conversation or (0)
 * in all: the newest message first; owned by the caller. Returns 0 or -ENOMEM. */
int pin_list(const struct core *core, uint32_t whose, conv_number conv, struct ask_pin **pins,
             size_t *n);
/* What the answer to this question found to be gone. */
void pin_drop_gone(struct core *core, const struct ask *ask);

/* It was set, or is no more, and is to be stored. False: memory is out. */
bool persist_pin(struct core *core, struct user *by, uint32_t whose, uint64_t seq);
/* It has changed what is pinned there (news.c); the sentence is told if it did so once. */
void news_pins(struct core *core, const struct handle *who, struct room *room,
               const char *sentence);
/* See row_fill(). */
bool pin_row(const struct core *core, const struct dirty_key *key, struct change *row);
