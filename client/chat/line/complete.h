/* Tab: commands, handles, rooms, paths. */
#pragma once

#include "chat/chat.h"

/* Sets readline's completion up for this window. */
void complete_start(struct chat *chat);
