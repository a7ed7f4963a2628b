/*
 * Reactions (proto/reaction.h). One is a message that goes its way as any does (mend.c); here it
 * is judged, and the reactions of the messages that were reacted to last are kept, as far as they
 * are ahead of the store. Without a store that is all that is known of reactions.
 */
#pragma once

#include "core/internal.h"

#define REACT_NOTHING "there is no message under this id that you can react to"

/* The reactions to this message, as lines of reacted.h: a view, until the next call of these. */
struct bytes react_text(const struct core *core, const struct record *record);
/* Whether the store is to be asked for those of the message with this uid and id. */
bool react_awaits(const struct core *core, uint32_t uid, const struct uuid *id);
/*
 * Whether this session may do that to this message, which was said at `place`: FAIL_NONE, or
 * `reason` says why not. place->is_vain: nothing would change.
 */
enum fail_code react_judge(struct core *core, struct session *session, const struct mend *mend,
                           const struct record *record, struct mend_place *place, char reason[256]);
/* It was taken, and has a number. */
void react_note(struct core *core, const struct record *record);
/* What is known of it, or of what it reacts to, is wrong: it could not be stored. */
void react_undo(struct core *core, const struct record *record);
/* The message with this uid and id was removed. */
void react_forget(struct core *core, uint32_t uid, const struct uuid *id);
void react_deinit(struct core *core);
