#include "cli/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/home.h"
#include "base/macro.h"
#include "base/text.h"
#include "cli/records.h"
#include "proto/name.h"

#define SEPARATORS ", \t"
#define BLANKS " \t"

const char *const config_when_words[] = {"off", "dm", "all", "every", NULL};

static void config_set(char **member, const char *value) {
    free(*member);
    *member = cli_copy(value);
}

/* Lists. */

static void list_clear(struct config_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->words[i]);
    free(list->words);
    *list = (struct config_list){0};
}

static void list_add(struct config_list *list, const char *word) {
    char **words = reallocarray(list->words, list->n + 2, sizeof *words);
    if (!words)
        return;
    list->words = words;
    words[list->n++] = cli_copy(word);
    words[list->n] = NULL;
}

/* Paths. */

static bool take_path(char **member, const char *value) {
    char home[PATH_MAX], *path = NULL;
    if (value[0] == '~' && (value[1] == '/' || !value[1])) {
        if (home_of_user(home) < 0 || !home[0] || asprintf(&path, "%s%s", home, value + 1) < 0)
            return false;
    } else {
        path = cli_copy(value);
    }
    free(*member);
    *member = path;
    return path[0] == '/';
}

static bool take_hub(struct cli_config *config, char *value, bool more) {
    (void)more;
    return take_path(&config->hub, value);
}

static bool take_directory(struct cli_config *config, char *value, bool more) {
    (void)more;
    return take_path(&config->directory, value);
}

/* Names. */

static bool is_name(const char *word, bool room) {
    struct name name;
    return name_parse(&name, bytes_of(word)) == NAME_OK && (word[0] == '#') == room;
}

static bool take_name(struct cli_config *config, char *value, bool more) {
    (void)more;
    config_set(&config->name, value);
    return is_name(value, false);
}

static bool take_rooms(struct cli_config *config, char *value, bool more) {
    if (!more)
        list_clear(&config->rooms);
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !is_name(word, true))
            return false;
        if (*word)
            list_add(&config->rooms, word);
    }
    return true;
}

static bool take_ignored(struct cli_config *config, char *value, bool more) {
    if (!more)
        list_clear(&config->ignored);
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !is_name(word, false))
            return false;
        if (*word)
            list_add(&config->ignored, word);
    }
    return true;
}

/* How things look. */

static bool take_color(struct cli_config *config, char *value, bool more) {
    (void)more;
    config->no_color = strcasecmp(value, "never") == 0;
    return config->no_color || strcasecmp(value, "auto") == 0;
}

/* It has to be short, and must not move the cursor. */
static bool take_time(struct cli_config *config, char *value, bool more) {
    char text[CONFIG_TIME_SIZE];
    struct tm at = {.tm_mday = 31, .tm_mon = 8, .tm_year = 126, .tm_wday = 3, .tm_hour = 23};
    (void)more;
    config_set(&config->time, value);
    size_t n = strftime(text, sizeof text, value, &at);
    char *safe = n > 0 ? text_safe(bytes_of(text), TEXT_ONE_LINE) : NULL;
    bool right = safe && strcmp(safe, text) == 0 && text_columns(text) <= 32;
    free(safe);
    return right;
}

/* Notifications. */

static bool take_when(struct cli_config *config, char *value, bool more) {
    (void)more;
    for (int i = 0; config_when_words[i]; i++) {
        if (strcasecmp(config_when_words[i], value) == 0) {
            config->when = (enum config_when)i;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *word;
    unsigned how;
} ways[] = {
    {"bell", CONFIG_BELL},
    {"osc9", CONFIG_OSC_9},
    {"osc777", CONFIG_OSC_777},
    {"osc99", CONFIG_OSC_99},
};

static unsigned way_of(const char *word) {
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcasecmp(ways[i].word, word) == 0)
            return ways[i].how;
    return 0;
}

static bool take_how(struct cli_config *config, char *value, bool more) {
    if (!more)
        config->how = 0;
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !way_of(word))
            return false;
        config->how |= way_of(word);
    }
    return true;
}

static bool take_command(struct cli_config *config, char *value, bool more) {
    if (!more)
        list_clear(&config->command);
    for (char *word; (word = strsep(&value, BLANKS));)
        if (*word)
            list_add(&config->command, word);
    return true;
}

/* Files. */

/* "100M": with a unit of 1024 bytes and its powers, or none. */
static bool take_size(uint64_t *bytes, const char *text) {
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    *bytes = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (errno || end == text || *text == '-' || (*end && (!unit || end[1])))
        return false;
    if (*bytes > UINT64_MAX >> shift)
        return false;
    *bytes <<= shift;
    return true;
}

static void accept_clear(struct cli_config *config) {
    for (size_t i = 0; i < config->n_accept; i++)
        free(config->accept[i].from);
    free(config->accept);
    config->accept = NULL;
    config->n_accept = 0;
}

/* "bob", "bob 100M" */
static bool take_rule(struct cli_config *config, char *rule) {
    uint64_t bytes = UINT64_MAX;
    rule += strspn(rule, BLANKS);
    char *from = strsep(&rule, BLANKS);
    char *size = rule ? rule + strspn(rule, BLANKS) : NULL;
    if (size)
        size[strcspn(size, BLANKS)] = '\0';
    if (strcmp(from, "*") != 0 && !is_name(from, false))
        return false;
    if (size && *size && !take_size(&bytes, size))
        return false;
    config->accept = cli_grow(config->accept, config->n_accept, sizeof *config->accept);
    config->accept[config->n_accept++] = (struct config_accept){cli_copy(from), bytes};
    return true;
}

static bool take_accept(struct cli_config *config, char *value, bool more) {
    if (!more)
        accept_clear(config);
    for (char *rule; (rule = strsep(&value, ","));)
        if (rule[strspn(rule, BLANKS)] && !take_rule(config, rule))
            return false;
    return true;
}

const struct config_key config_keys[] = {
    {"", "hub", "a directory, as /run/earshot or ~/hub", false, take_hub},
    {"", "name", "a handle", false, take_name},
    {"", "rooms", "rooms, as #ops, #lobby", true, take_rooms},
    {"", "ignore", "handles, as bob, carol", true, take_ignored},
    {"", "color", "auto or never", false, take_color},
    {"", "time", "a format of strftime(3), as %H:%M", false, take_time},
    {"notify", "when", "off, dm, all or every", false, take_when},
    {"notify", "how", "some of bell, osc9, osc777, osc99", true, take_how},
    {"notify", "command", "a program and its arguments", false, take_command},
    {"files", "directory", "a directory, as ~/Downloads", false, take_directory},
    {"files", "accept", "handles with a size or none, as bob 100M, carol; * is anybody", true,
     take_accept},
    {0},
};
