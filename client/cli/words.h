/* Words of the command line: names and texts, checked before the hub is asked. */
#pragma once

#include "base/bytes.h"
#include "cli/options.h"
#include "proto/name.h"

/* CLI_DONE when `word` is a handle or room, else an exit code; an error has been reported. */
int words_check_name(const struct cli_options *options, const char *word);

/* The same when it is the id of a message. */
int words_check_id(const struct cli_options *options, const char *word);

/* "90s", "10m", "2h", "7d" in milliseconds. False: it is no such time. */
bool words_take_span(const char *word, uint64_t *ms);

/* The same for a room. */
int words_check_room(const struct cli_options *options, const char *word);

/* Whether it is the name of a handle or room, as earshot(7) says which are. */
bool words_is_name(const char *word);

/* The key under which a handle or room is found, however it is spelled. False: it is none. */
bool words_key(struct name *key, const char *word);

/* Whether both are names, and the same one. */
bool words_same_name(const char *one, const char *other);

/*
 * The same for all words of CONV..., and which flags of earshot_open() they need: none at all means
 * all direct messages and the rooms of one's handle.
 */
int words_check_convs(const struct cli_options *options, int n_words, char **words,
                      unsigned *flags);

/* Joins the rooms among them, for this session only. Returns an exit code. */
int words_join_rooms(const struct cli_options *options, earshot *link, int n_words, char **words);

/* Which of them is this conversation; -1: none. */
int words_find(int n_words, char **words, const char *conv);

/* CLI_DONE when it is UTF-8 of at most `limit` bytes; `what` names it in the error. Of a text that
 * is too long only `n` is looked at. */
int words_check_text(const struct cli_options *options, struct bytes text, size_t limit,
                     const char *what);

/* The words with blanks between them; the caller frees it. */
char *words_join(int n_words, char **words);

/* "@alice,bob", a direct conversation of several, becomes what it is called by the hub. */
void words_take_conv(char *word);

/* Names that were given in one word, with commas between them. */
struct words_list {
    char *copy; /* of the word, cut at its commas */
    char **words;
    size_t n;
};

/*
 * "@alice,bob" is one. `once`: a name that is there already, however it is spelled, is left out.
 * Returns an exit code; what is no name has been reported. Free it in any case.
 */
int words_split_names(struct words_list *list, const struct cli_options *options, const char *word,
                      bool once);
/* The word as it is, though it has commas. */
void words_list_one(struct words_list *list, const char *word);
void words_list_free(struct words_list *list);
