/*
 * The arguments of the public functions. Each check returns 0 or the outcome, whose sentence then
 * says which argument of what is wrong. So nothing leaves the link that the hub would end the
 * session for.
 */
#pragma once

#include "lib/link.h"

/* EARSHOT_BAD_ARGUMENT with this sentence; also without a link. */
int check_failed(struct earshot *link, const char *format, ...) PRINTF_LIKE(2, 3);

/* EARSHOT_BAD_ARGUMENT unless there is a link and `pointer`, the argument `what`, is not NULL. */
int check_pointer(struct earshot *link, const void *pointer, const char *what);

/* Whether the flags are among the known ones; the number below the end of an enumeration. */
int check_flags(struct earshot *link, unsigned flags, unsigned known, const char *what);
int check_number(struct earshot *link, unsigned number, unsigned end, const char *what);

/* A name, parsed. A conversation is a handle or a room. */
int check_handle(struct earshot *link, const char *text, const char *what, struct name *name);
int check_room(struct earshot *link, const char *text, struct name *name);
int check_conv(struct earshot *link, const char *text, const char *what, struct name *name);

/* The name of a claim, parsed. */
int check_claim(struct earshot *link, const char *text, struct name *name);

/* UTF-8 without a NUL, of at most max bytes. NULL is bad, unless n is 0. */
int check_text(struct earshot *link, const char *text, size_t n, size_t max, const char *what);
int check_string(struct earshot *link, const char *text, size_t max, const char *what);

/* A UUID that is not nil. */
int check_id(struct earshot *link, const char *text, const char *what, struct uuid *id);

/* Messages of one page: 1 to EARSHOT_PAGE_MAX. */
int check_page(struct earshot *link, unsigned limit);

/* A directory, or a descriptor. */
int check_target(struct earshot *link, const struct earshot_target *target);

/* A message that came, of now or of the past; with a small file, if that is wanted. */
int check_message(struct earshot *link, const struct earshot_event *event, bool with_file);
