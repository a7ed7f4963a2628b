/*
 * Text from strangers. Two questions: is it UTF-8 (RFC 3629; Unicode 15, table 3-7), and how is it
 * shown so that it can do nothing to a terminal but be read?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Valid UTF-8 without U+0000: no overlong form, no surrogate, nothing above U+10FFFF. */
bool text_is_valid(struct bytes text);

/*
 * Copies text with each byte that is not part of valid UTF-8, and each NUL, as <E9>: what it was.
 * `out` has room for TEXT_REPAIRED_MAX(text.n) bytes; no NUL is added. Returns the bytes written,
 * *n_changed the bytes that were not valid.
 */
#define TEXT_REPAIRED_MAX(n) ((size_t)4 * (n))
size_t text_repair(char *out, struct bytes text, size_t *n_changed);

/* The largest n <= limit at which `text` can be cut without cutting a code point in two. */
size_t text_cut(struct bytes text, size_t limit);

enum text_lines {
    TEXT_ONE_LINE,   /* line feeds and tabs are shown like any other control character */
    TEXT_KEEP_LINES, /* line feeds and tabs stay; the caller indents what follows a line feed */
};

/*
 * A copy that is safe to print: C0 controls and DEL in caret notation (^[), C1 controls, bidi
 * controls, line and paragraph separators, zero-width, invisible, private-use and unassigned
 * characters as <U+202E>, bytes that are not UTF-8 as <FF>. Joiners, variation selectors and the
 * tags of flags stay where an emoji needs them, joiners also where Arabic and Indic spelling does,
 * and combining marks where they follow a visible character, but no more than eight in a row.
 * A safe string is its own safe copy. The caller frees it; NULL when memory is out.
 */
char *text_safe(struct bytes text, enum text_lines lines);

/*
 * The bytes of the next character of `text` that text_safe() does not always let through as it is
 * (controls but line feed and tab, bidi controls, joiners, tags and all else that is never seen),
 * *code_point which it is and *at where it stands. 0: there is none. `text` is valid UTF-8.
 */
size_t text_find_hidden(struct bytes text, size_t *at, int32_t *code_point);

/* The columns that a safe one-line string takes on a terminal (grapheme clusters, wide forms). */
size_t text_columns(const char *safe);
