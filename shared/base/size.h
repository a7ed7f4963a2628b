/* A number of bytes, for people. */
#pragma once

#include <stdint.h>

#define SIZE_TEXT 32

/* "1 byte", "17 KiB", "1.2 GiB". */
void size_text(uint64_t bytes, char text[SIZE_TEXT]);
