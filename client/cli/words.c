#include "cli/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/uuid.h"
#include "cli/records.h"
#include "cli/report.h"
#include "proto/name.h"

int words_check_name(const struct cli_options *options, const char *word) {
    struct name name;
    enum name_outcome outcome = name_parse(&name, bytes_of(word));
    if (outcome == NAME_OK)
        return CLI_DONE;
    return cli_fail(options, FAIL_BAD_NAME,
                    "\"%s\" is no handle or room: it %s; see `earshot who` and `earshot rooms`",
                    word, name_problem(outcome));
}

int words_check_id(const struct cli_options *options, const char *word) {
    struct uuid id;
    if (uuid_from_text(&id, word))
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE,
                    "\"%s\" is no id of a message; `earshot --json history` shows them", word);
}

bool words_is_name(const char *word) {
    struct name name;
    return name_parse(&name, bytes_of(word)) == NAME_OK;
}

bool words_key(struct name *key, const char *word) {
    struct name name;
    if (name_parse(&name, bytes_of(word)) != NAME_OK)
        return false;
    name_key(key, &name);
    return true;
}

bool words_same_name(const char *one, const char *other) {
    struct name key, other_key;
    return words_key(&key, one) && words_key(&other_key, other) &&
           bytes_equal(name_bytes(&key), name_bytes(&other_key));
}

int words_check_room(const struct cli_options *options, const char *word) {
    if (word[0] == '#')
        return words_check_name(options, word);
    return cli_fail(options, FAIL_BAD_NAME,
                    "\"%s\" is not a room; a room begins with #, as in '#ops'", word);
}

int words_check_convs(const struct cli_options *options, int n_words, char **words,
                      unsigned *flags) {
    int code = CLI_DONE;
    *flags = n_words == 0 ? EARSHOT_LISTEN | EARSHOT_ALL_ROOMS : 0;
    for (int i = 0; code == CLI_DONE && i < n_words; i++) {
        code = words_check_name(options, words[i]);
        *flags |= words[i][0] == '#' ? 0 : EARSHOT_LISTEN;
    }
    return code;
}

int words_join_rooms(const struct cli_options *options, earshot *link, int n_words, char **words) {
    uint32_t request;
    for (int i = 0; i < n_words; i++) {
        int result = words[i][0] == '#' ? earshot_join(link, words[i], true, &request) : EARSHOT_OK;
        if (result != EARSHOT_OK)
            return cli_fail_link(options, link, result);
    }
    return CLI_DONE;
}

int words_find(int n_words, char **words, const char *conv) {
    for (int i = 0; i < n_words; i++)
        if (words_same_name(words[i], conv))
            return i;
    return -1;
}

int words_check_text(const struct cli_options *options, struct bytes text, size_t limit,
                     const char *what) {
    if (text.n > limit && limit < EARSHOT_TEXT_MAX)
        return cli_fail(options, FAIL_BAD_TEXT, "%s has %zu bytes, of at most %zu; make it shorter",
                        what, text.n, limit);
    if (text.n > limit)
        return cli_fail(options, FAIL_BAD_TEXT,
                        "%s has %zu bytes, of at most %zu; make it shorter, send it in parts, or "
                        "as a file with `earshot put`",
                        what, text.n, limit);
    if (text.n > 0 && memchr(text.data, '\0', text.n))
        return cli_fail(options, FAIL_BAD_TEXT,
                        "%s has a NUL byte in it, so it is not text; send it as a file with "
                        "`earshot put`, or take the NULs out, for example with tr -d '\\0'",
                        what);
    if (!text_is_valid(text))
        return cli_fail(options, FAIL_BAD_TEXT,
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
        exit(cli_fail(NULL, FAIL_INTERNAL, "out of memory"));
    return text;
}

/* "@alice,bob" is one conversation, and not two of which one is called "@alice". */
static bool words_is_one(char *word) {
    return word[0] == '@' && strchr(word, NAME_PEOPLE_SIGN);
}

void words_take_conv(char *word) {
    if (words_is_one(word))
        word[0] = '#';
}

int words_split_names(struct words_list *list, const struct cli_options *options, const char *word,
                      bool once) {
    *list = (struct words_list){.copy = cli_copy(word)};
    char *rest = list->copy, *name;
    bool is_one = words_is_one(rest);
    int code = CLI_DONE;
    words_take_conv(rest);
    while (code == CLI_DONE && (name = strsep(&rest, is_one ? "" : ","))) {
        code = words_check_name(options, name);
        if (once && words_find((int)list->n, list->words, name) >= 0)
            continue;
        list->words = cli_grow(list->words, list->n, sizeof *list->words);
        list->words[list->n++] = name;
    }
    return code;
}

void words_list_one(struct words_list *list, const char *word) {
    *list = (struct words_list){.copy = cli_copy(word)};
    list->words = cli_grow(NULL, 0, sizeof *list->words);
    list->words[list->n++] = list->copy;
}

void words_list_free(struct words_list *list) {
    free(list->words);
    free(list->copy);
}

bool words_take_span(const char *word, uint64_t *ms) {
    static const char units[] = "smhd";
    static const uint64_t seconds[] = {1, 60, 3600, 86400};
    char *end;
    if (*word < '0' || *word > '9')
        return false;
    unsigned long long n = strtoull(word, &end, 10);
    const char *unit = *end && !end[1] ? strchr(units, *end) : NULL;
    if (!unit || n == 0 || n > 36500)
        return false;
    *ms = n * seconds[unit - units] * 1000;
    return true;
}
