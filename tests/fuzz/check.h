/*
 * What must hold for any input whatever: the decoders and the text functions are given bytes, and
 * what they answer is checked. A broken promise prints the input in hex and aborts. Used by the
 * mutation round and by libFuzzer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Decodes a batch as it would be from every kind of sender; returns how many frames were taken. */
size_t check_batch(const uint8_t *data, size_t n);

/* text_is_valid, text_cut, text_safe, text_columns, name_parse and name_key. */
void check_text(const uint8_t *data, size_t n);

/* line_parse, tags and parameters, masks, and how handles are spelled for IRC. */
void check_irc_line(const uint8_t *data, size_t n);
