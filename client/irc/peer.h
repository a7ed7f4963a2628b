/*
 * Who is at the other end of a connection, by the kernel's word. A door serves its own user only:
 * everybody else is closed before a byte is read.
 */
#pragma once

#include <stdbool.h>

/*
 * Whether the peer of this connected socket is a process of our uid. Unix: SO_PEERCRED. 127.0.0.1:
 * the kernel is asked for the socket at the other end (sock_diag(7)), before and after which ours
 * must be established: as long as it is, nobody else can be there, for the two addresses and ports
 * are taken. A socket that nobody holds any more, or that is another one the second time, is
 * refused, and so is whatever cannot be told.
 */
bool peer_is_us(int fd);
