/* The parts of the cast; see cast.h. Each is the main function of a process. */
#pragma once

#include "harness/book.h"
#include "harness/cast.h"
#include "lib/earshot.h"

#define CAST_ID_TAIL 8192 /* ids that a reader compares with, of its own book */

int cast_sender(struct cast_talk *talk, int who);
int cast_reader(struct cast_talk *talk, int who);
int cast_mover(struct cast_talk *talk, int who);

/* Joins, as often as it takes; NULL: not for half a minute, and talk->error says why. */
earshot *cast_join(struct cast_talk *talk, int who, unsigned flags, uint64_t after);

/* Keeps what the link says about its end; the exit code. */
int cast_fail(struct cast_talk *talk, int who, earshot *link, int r);
