/*
 * A pasted block (bracketed paste). Few lines become part of the line being typed; for more, a
 * question is asked before anything is sent.
 */
#pragma once

#include <stdbool.h>

/*
 * Takes readline's place in reading pasted text. Call it after rl_initialize(). `submit` is the
 * function that the return key is bound to; `send_file` hands the pasted text over as a file.
 */
void paste_start(int (*submit)(int count, int key), void (*send_file)(const char *text));

/* The answer "no", if the question is being asked: for Ctrl-C. */
void paste_cancel(void);

/*
 * Whether the line that was just submitted is to be sent line by line, as text. Otherwise it is
 * one line like any other, with line feeds in it.
 */
bool paste_take_each(void);
