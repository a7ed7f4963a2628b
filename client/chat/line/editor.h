/*
 * The line at the bottom: readline's callback interface. Only these functions and view_flush()
 * touch it. The terminal is given back by editor_stop(), at exit, and before an abort.
 */
#pragma once

#include "chat/chat.h"

void editor_start(struct chat *chat);
void editor_stop(struct chat *chat);

/* Standard input has something. */
void editor_read(void);

/* What the prompt says, safe to print. */
#define EDITOR_PROMPT_SIZE (4 * (CHAT_NAME_SIZE + UNREAD_PROMPT_SIZE))
void editor_prompt_text(const struct chat *chat, char prompt[EDITOR_PROMPT_SIZE]);

/* The prompt follows the target. */
void editor_target_changed(struct chat *chat);

/* And what is new in other conversations. */
void editor_unread_changed(struct chat *chat);

/*
 * Draws the line anew if the terminal has another size than before; to be called before anything
 * else is drawn.
 */
void editor_follow_size(void);

/* SIGINT, SIGTSTP, SIGCONT. */
void editor_clear_line(struct chat *chat);
void editor_suspend(void);
void editor_resume(void);
