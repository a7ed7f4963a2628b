/* The conversations that a command line names: CONV... */
#pragma once

#include "cli/options.h"
#include "proto/name.h"

struct wanted {
    struct name *keys; /* as the hub compares them; none: every conversation */
    size_t n;
};

/*
 * Takes the words and tells which flags of earshot_open() they need. Returns an exit code; a word
 * that is no name has been reported. Free in any case.
 */
int wanted_take(struct wanted *wanted, const struct cli_options *options, int n_words, char **words,
                unsigned *flags);
void wanted_free(struct wanted *wanted);

/* Joins the rooms among the words, for this session only. Returns an exit code. */
int wanted_join(const struct cli_options *options, earshot *link, int n_words, char **words);

bool wanted_has(const struct wanted *wanted, const char *conv);
