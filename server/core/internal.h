/* What the files of the core use of each other. */
#pragma once

#include "core/core.h"

/* A request's answer, a refusal, a list line: goes into the session's outbox, and is sent. */
void session_answer(struct core *core, struct session *session, const struct frame *frame);
void session_done(struct core *core, struct session *session, uint32_t request);
void session_fail(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                  const char *reason);

/* Frees a dead session whose outbox is not in flight. */
void session_free(struct core *core, struct session *session);

/* Puts the session on the list of those that core_take() looks at. */
void session_touch(struct core *core, struct session *session);

/* Encodes into the scratch of the calling thread; the view is valid until the next call. */
struct bytes encode(const struct frame *frame);

/* Handles: registration, presence (handle.c). */
struct handle *handle_find(struct core *core, const struct name *key);
enum fail_code handle_claim(struct core *core, struct user *user, const struct name *name,
                            struct handle **handle, char reason[256]);
void handle_attach(struct core *core, struct handle *handle, struct session *session);
void handle_detach(struct core *core, struct session *session);
enum presence handle_presence(const struct handle *handle);
enum fail_code handle_set_away(struct core *core, struct handle *handle, bool away,
                               struct bytes reason);

/* Rooms (room.c). */
struct room *room_find(struct core *core, const struct name *key);
enum fail_code room_join(struct core *core, struct session *session, const struct name *name,
                         bool session_only, char reason[256]);
enum fail_code room_leave(struct core *core, struct session *session, struct room *room);
void room_attach_all(struct core *core, struct session *session);
void room_detach_all(struct core *core, struct session *session);
void room_free(struct core *core, struct room *room);
void membership_free(struct core *core, struct membership *membership);

/* Runs of messages to one room (run.c). False: the frame is too long for a run. */
bool run_add(struct core *core, struct session *sender, struct room *room,
             const struct bytes *frame);
void run_close(struct core *core);

/* Messages (route.c). */
void route_send(struct core *core, struct session *session, const struct frame *frame);
void route_part(struct core *core, struct session *session, const struct frame *frame);
void route_receipt(struct core *core, struct session *session, const struct frame *frame);
void route_drop_assembly(struct session *session);

/* Acknowledgements (ack.c). */
void ack_stored(struct core *core, struct session *session, const struct uuid *id, uint64_t seq,
                unsigned flags);
void ack_put_due(struct core *core, struct session *session);
void ack_cancel(struct core *core, struct session *session);
void ack_tick(struct core *core);

/* News (news.c). */
void news_presence(struct core *core, struct handle *handle);
void news_room(struct core *core, enum news_what what, const struct handle *who,
               const struct room *room, struct bytes detail);
void news_renamed(struct core *core, const struct handle *from, const struct handle *to);
void news_forget_room(struct core *core, const struct room *room);
void news_tick(struct core *core);
void news_deinit(struct core *core);

/* Lists (answer.c). */
void answer_list(struct core *core, struct session *session, const struct frame *frame);
