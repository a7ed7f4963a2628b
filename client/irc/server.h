/* What the server tells of itself. */
#pragma once

#include "irc/command.h"

#define SERVER_ABOUT "Earshot: everybody who is logged in to this machine"

/* 001 to 005, LUSERS and the message of the day. */
void server_welcome(struct conn *conn);
