/* Channels: which sessions have one, and who pays for it. */

#include "core/internal.h"

/* A hub that cannot attach segments goes on with queues; the client keeps to them, too. */
void channel_receive(struct core *core, struct session *session, const struct frame *frame) {
    (void)frame;
    if (!(session->abilities & ABILITY_CHANNEL)) {
        core->broken_rule = "a channel, without the ability to use one";
        return;
    }
    session_answer(core, session,
                   &(struct frame){.type = FRAME_SWITCH, .switch_to = {SWITCH_TO_QUEUE}});
}

void channel_receive_switch(struct core *core, struct session *session, const struct frame *frame) {
    (void)session, (void)frame;
    core->broken_rule = "a switch to a channel that there is not";
}
