#include "cli/wanted.h"

#include <stdlib.h>

#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

static void wanted_add(struct wanted *wanted, const char *word) {
    struct name name;
    name_parse(&name, bytes_of(word));
    wanted->keys = cli_grow(wanted->keys, wanted->n, sizeof *wanted->keys);
    name_key(&wanted->keys[wanted->n++], &name);
}

int wanted_take(struct wanted *wanted, const struct cli_options *options, int n_words, char **words,
                unsigned *flags) {
    *flags = n_words == 0 ? EARSHOT_LISTEN | EARSHOT_ALL_ROOMS : 0;
    for (int i = 0; i < n_words; i++) {
        int code = words_check_name(options, words[i]);
        if (code != CLI_DONE)
            return code;
        if (words[i][0] != '#')
            *flags |= EARSHOT_LISTEN;
        wanted_add(wanted, words[i]);
    }
    return CLI_DONE;
}

void wanted_free(struct wanted *wanted) {
    free(wanted->keys);
    *wanted = (struct wanted){0};
}

int wanted_join(const struct cli_options *options, earshot *link, int n_words, char **words) {
    uint32_t request;
    for (int i = 0; i < n_words; i++) {
        int result = words[i][0] == '#' ? earshot_join(link, words[i], true, &request) : EARSHOT_OK;
        if (result != EARSHOT_OK)
            return cli_fail_link(options, link, result);
    }
    return CLI_DONE;
}

bool wanted_has(const struct wanted *wanted, const char *conv) {
    struct name name, key;
    if (wanted->n == 0)
        return true;
    if (name_parse(&name, bytes_of(conv)) != NAME_OK)
        return false;
    name_key(&key, &name);
    for (size_t i = 0; i < wanted->n; i++)
        if (bytes_equal(name_bytes(&wanted->keys[i]), name_bytes(&key)))
            return true;
    return false;
}
