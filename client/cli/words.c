#include "cli/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/report.h"
#include "proto/name.h"

int words_check_name(const struct cli_options *options, const char *word) {
    struct name name;
    enum name_outcome outcome = name_parse(&name, bytes_of(word));
    if (outcome == NAME_OK)
        return CLI_DONE;
    return cli_fail(options, CLI_USAGE, "bad-name",
                    "\"%s\" is no handle or room: it %s; see `earshot who` and `earshot rooms`",
                    word, name_problem(outcome));
}

bool words_same_name(const char *a, const char *b) {
    struct name name_a, name_b, key_a, key_b;
    if (name_parse(&name_a, bytes_of(a)) != NAME_OK || name_parse(&name_b, bytes_of(b)) != NAME_OK)
        return false;
    name_key(&key_a, &name_a);
    name_key(&key_b, &name_b);
    return bytes_equal(name_bytes(&key_a), name_bytes(&key_b));
}

int words_check_room(const struct cli_options *options, const char *word) {
    if (word[0] == '#')
        return words_check_name(options, word);
    return cli_fail(options, CLI_USAGE, "bad-name",
                    "\"%s\" is not a room; a room begins with #, as in '#ops'", word);
}

int words_check_text(const struct cli_options *options, struct bytes text, size_t limit,
                     const char *what) {
    if (text.n > limit)
        return cli_fail(options, CLI_DATA, "bad-text",
                        "%s is longer than %zu bytes; make it shorter, or send it in parts", what,
                        limit);
    if (text.n > 0 && memchr(text.data, '\0', text.n))
        return cli_fail(options, CLI_DATA, "bad-text",
                        "%s has a NUL byte in it, so it is not text; send it as a file with "
                        "`earshot put`, or take the NULs out, for example with tr -d '\\0'",
                        what);
    if (!text_is_valid(text))
        return cli_fail(options, CLI_DATA, "bad-text",
                        "%s is not valid UTF-8; convert it first, for example with iconv", what);
    return CLI_DONE;
}

char *words_join(int n_words, char **words) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    for (int i = 0; out && i < n_words; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", words[i]);
    if (!out || fclose(out) != 0)
        exit(cli_fail(NULL, CLI_FAILED, "internal", "out of memory"));
    return text;
}
