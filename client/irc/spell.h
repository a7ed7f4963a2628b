/*
 * How handles are spelled where IRC's grammar has no room for them, one to one and back: a dot is
 * ^, an @ is |, and a digit in front stands behind a `. None of the three is in a handle. Rooms
 * need no spelling: their names are channels as they are. Pure: no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/name.h"

#define SPELL_SIZE (NAME_BYTES_MAX + 2)

/* The nick of a handle. Returns `out`. */
const char *spell_nick(char out[SPELL_SIZE], const char *handle);

/* The handle of a nick. False: it is no nick of any handle. */
bool spell_handle(char out[SPELL_SIZE], const char *nick);

/* The key under which the handle of a nick, or a channel, is found. False: it is neither. */
bool spell_key(struct name *key, const char *nick_or_channel);
