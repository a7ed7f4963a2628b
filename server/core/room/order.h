/* Order in rooms: who is an operator, and on whom what is laid. */
#pragma once

#include "core/internal.h"

/* NULL: that is not laid on him there. */
const struct room_order *room_order_find(const struct core *core, const struct room *room,
                                         const struct user *user, enum laid_what what);
/* The same; then `reason` says until when, by whom and why. */
bool room_order_holds(const struct core *core, const struct room *room, const struct user *user,
                      enum laid_what what, char reason[256]);
/* Why he may not set its topic. */
enum fail_code room_refuse_topic(const struct core *core, const struct session *session,
                                 const struct room *room, char reason[256]);
/* The handles of its operators, with blanks between. False: not all of them have a place. */
bool room_operators(const struct core *core, const struct room *room,
                    char text[OPERATORS_BYTES_MAX + 1]);
/* There is none any more; also in the store, unless the room goes from it, too. */
void room_orders_drop(struct core *core, struct room *room, bool is_stored);
/* GOVERN, and LIST_LAID of LIST. */
void room_receive_order(struct core *core, struct session *session, const struct frame *frame);
void room_tell_laid(struct core *core, struct session *session, uint32_t request,
                    struct bytes text);
