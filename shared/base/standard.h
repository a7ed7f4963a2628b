/* Standard input, output and error. */
#pragma once

/*
 * For the beginning of main(): which of the three the caller has closed is opened, so that no
 * queue's or file's descriptor gets its number. As before, reading the input and writing the
 * output fail with EBADF; what is written to standard error is lost. 0 or -errno. See open(2).
 */
int standard_hold(void);
