/* Words of the command line: names and texts, checked before the hub is asked. */
#pragma once

#include "base/bytes.h"
#include "cli/options.h"

/* CLI_DONE when `word` is a handle or room, else an exit code; an error has been reported. */
int words_check_name(const struct cli_options *options, const char *word);

/* The same for a room. */
int words_check_room(const struct cli_options *options, const char *word);

/* Whether both are names, and the same one. */
bool words_same_name(const char *one, const char *other);

/* CLI_DONE when it is UTF-8 of at most `limit` bytes; `what` names it in the error. */
int words_check_text(const struct cli_options *options, struct bytes text, size_t limit,
                     const char *what);

/* The words with blanks between them; the caller frees it. */
char *words_join(int n_words, char **words);
