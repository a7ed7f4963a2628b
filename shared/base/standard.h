/* The descriptors that a process is started with. */
#pragma once

/*
 * For the beginning of main(): which of the three the caller has closed is opened, so that no
 * queue's or file's descriptor gets its number. As before, reading the input and writing the
 * output fail with EBADF; what is written to standard error is lost. 0 or -errno. See open(2).
 */
int standard_hold(void);

/*
 * For a process that outlives the command which began it: closes all descriptors but these three
 * that whoever started us left open, so that no lock and no pipe of theirs lives as long as we do.
 * What we open ourselves ends at an exec, which is how the two are told apart.
 */
void standard_let_go(void);
