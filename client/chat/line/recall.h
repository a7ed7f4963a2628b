/*
 * The lines that were typed, for the Up key and Ctrl-R: those of earlier windows, too, from a file
 * that nobody else can read. What looks like a secret is not written down, nor is a line that
 * begins with a blank.
 */
#pragma once

void recall_start(void);

/* A line was typed. */
void recall_add(const char *line);

/* What was said is edited or removed: the lines that said it are kept no more, nor written down. */
void recall_forget(const char *text);

void recall_stop(void);
