/*
 * What never changes, whatever the protocol's version: as much as two sides need to tell each
 * other that they do not speak the same one.
 *
 *   envelope   u8 version | u8 | u16 | u64 session, which is 0
 *   HELLO      u16 length | u8 type 1 | u8 | u16 version | u32 mailbox | id nonce | ...
 *   NONCE      u16 length | u8 type 2 | u8 | id nonce | ...
 *
 * So the hub can find the mailbox of a client of any version and prove whose it is. Every later
 * version has to begin its batches, its HELLO and its NONCE like this.
 */
#pragma once

#include "proto/frame.h"

/*
 * Takes a HELLO of another version than PROTO_VERSION; what a later version may have changed is
 * zero in *hello. False when it is not one.
 */
bool stranger_hello(const void *batch, size_t n, struct frame_hello *hello);

/* The nonce of a batch of any version. */
bool stranger_nonce(const void *batch, size_t n, struct uuid *nonce);
