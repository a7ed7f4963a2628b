/*
 * The lines that were typed, for the Up key and Ctrl-R: those of earlier windows, too, from a file
 * that nobody else can read. What looks like a secret is not written down, nor is a line that
 * begins with a blank.
 */
#pragma once

void recall_start(void);

/* A line was typed. */
void recall_add(const char *line);

void recall_stop(void);
