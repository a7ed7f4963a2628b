#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/home.h"
#include "base/macro.h"
#include "base/text.h"
#include "base/trust.h"
#include "cli/near.h"
#include "cli/records.h"
#include "cli/report.h"
#include "proto/name.h"

#define SYSTEM_FILE "/etc/earshot/config"
#define TIME_FORMAT "%H:%M"
#define KEYS_MAX 32
#define SEPARATORS ", \t"
#define BLANKS " \t"

const char *const config_when_words[] = {"off", "dm", "all", "every", NULL};

static void config_set(char **member, const char *value) {
    free(*member);
    *member = cli_copy(value);
}

static void config_list_clear(struct config_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->words[i]);
    free(list->words);
    *list = (struct config_list){0};
}

static void config_list_add(struct config_list *list, const char *word) {
    char **words = reallocarray(list->words, list->n + 2, sizeof *words);
    if (!words)
        return;
    list->words = words;
    words[list->n++] = cli_copy(word);
    words[list->n] = NULL;
}

static bool config_take_path(char **member, const char *value) {
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

static bool config_take_hub(struct cli_config *config, char *value, bool more) {
    (void)more;
    return config_take_path(&config->hub, value);
}

static bool config_take_directory(struct cli_config *config, char *value, bool more) {
    (void)more;
    return config_take_path(&config->directory, value);
}

static bool config_is_name(const char *word, bool room) {
    struct name name;
    return name_parse(&name, bytes_of(word)) == NAME_OK && (word[0] == '#') == room;
}

static bool config_take_name(struct cli_config *config, char *value, bool more) {
    (void)more;
    config_set(&config->name, value);
    return config_is_name(value, false);
}

static bool config_take_names(struct config_list *list, char *value, bool more, bool rooms) {
    if (!more)
        config_list_clear(list);
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !config_is_name(word, rooms))
            return false;
        if (*word)
            config_list_add(list, word);
    }
    return true;
}

static bool config_take_rooms(struct cli_config *config, char *value, bool more) {
    return config_take_names(&config->rooms, value, more, true);
}

static bool config_take_ignored(struct cli_config *config, char *value, bool more) {
    return config_take_names(&config->ignored, value, more, false);
}

/* How things look. */

static bool config_take_color(struct cli_config *config, char *value, bool more) {
    (void)more;
    config->no_color = strcasecmp(value, "never") == 0;
    return config->no_color || strcasecmp(value, "auto") == 0;
}

/* It has to be short, and must not move the cursor. */
static bool config_take_time(struct cli_config *config, char *value, bool more) {
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

static bool config_take_when(struct cli_config *config, char *value, bool more) {
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

static unsigned config_way(const char *word) {
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcasecmp(ways[i].word, word) == 0)
            return ways[i].how;
    return 0;
}

static bool config_take_how(struct cli_config *config, char *value, bool more) {
    if (!more)
        config->how = 0;
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !config_way(word))
            return false;
        config->how |= config_way(word);
    }
    return true;
}

static bool config_take_command(struct cli_config *config, char *value, bool more) {
    if (!more)
        config_list_clear(&config->command);
    for (char *word; (word = strsep(&value, BLANKS));)
        if (*word)
            config_list_add(&config->command, word);
    return true;
}

/* "7", "22:30"; *end is what follows. Minutes; negative: it is no time of day. */
static int config_minutes(const char *text, const char **end) {
    char *after;
    long hours = strtol(text, &after, 10), minutes = 0;
    bool is_right = after > text && after - text <= 2 && hours >= 0 && hours <= 24;
    if (is_right && *after == ':') {
        const char *at = after + 1;
        minutes = strtol(at, &after, 10);
        is_right = after - at == 2 && minutes >= 0 && minutes < 60;
    }
    *end = after;
    return is_right && 60 * hours + minutes <= 24 * 60 ? (int)(60 * hours + minutes) % (24 * 60)
                                                       : -1;
}

/* "22:00-07:00", "off" */
static bool config_take_quiet(struct cli_config *config, char *value, bool more) {
    const char *at = value;
    (void)more;
    config->quiet = (struct config_quiet){0};
    if (strcasecmp(value, "off") == 0)
        return true;
    struct config_quiet quiet = {.from = config_minutes(at, &at)};
    at += strspn(at, BLANKS);
    if (quiet.from < 0 || *at != '-')
        return false;
    at += 1 + strspn(at + 1, BLANKS);
    quiet.until = config_minutes(at, &at);
    if (quiet.until < 0 || *at || quiet.from == quiet.until)
        return false;
    config->quiet = quiet;
    return true;
}

static bool config_take_loud(struct cli_config *config, char *value, bool more) {
    if (!more)
        config_list_clear(&config->loud);
    for (char *word; (word = strsep(&value, SEPARATORS));) {
        if (*word && !config_is_name(word, word[0] == '#'))
            return false;
        if (*word)
            config_list_add(&config->loud, word);
    }
    return true;
}

/* Files. */

/* "100M": with a unit of 1024 bytes and its powers, or none. */
static bool config_take_size(uint64_t *bytes, const char *text) {
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

static void config_clear_accept(struct cli_config *config) {
    for (size_t i = 0; i < config->n_accept; i++)
        free(config->accept[i].from);
    free(config->accept);
    config->accept = NULL;
    config->n_accept = 0;
}

/* "bob", "bob 100M" */
static bool config_take_rule(struct cli_config *config, char *rule) {
    uint64_t bytes = UINT64_MAX;
    rule += strspn(rule, BLANKS);
    char *from = strsep(&rule, BLANKS);
    char *size = rule ? rule + strspn(rule, BLANKS) : NULL;
    if (size)
        size[strcspn(size, BLANKS)] = '\0';
    if (strcmp(from, "*") != 0 && !config_is_name(from, false))
        return false;
    if (size && *size && !config_take_size(&bytes, size))
        return false;
    config->accept = cli_grow(config->accept, config->n_accept, sizeof *config->accept);
    config->accept[config->n_accept++] = (struct config_accept){cli_copy(from), bytes};
    return true;
}

static bool config_take_accept(struct cli_config *config, char *value, bool more) {
    if (!more)
        config_clear_accept(config);
    for (char *rule; (rule = strsep(&value, ","));)
        if (rule[strspn(rule, BLANKS)] && !config_take_rule(config, rule))
            return false;
    return true;
}

/* What the keys may be set to. */
struct config_key {
    const char *section; /* "" for none */
    const char *name;
    const char *want; /* what a right value is: "give ..." */
    bool is_list;     /* further lines in one file add to it */

    /* Takes the value, which it may cut up; `more`: adds to what is there. False: it is wrong. */
    bool (*take)(struct cli_config *config, char *value, bool more);
};

static const struct config_key config_keys[] = {
    {"", "hub", "a directory, as /run/earshot or ~/hub", false, config_take_hub},
    {"", "name", "a handle", false, config_take_name},
    {"", "rooms", "rooms, as #ops, #lobby", true, config_take_rooms},
    {"", "ignore", "handles, as bob, carol", true, config_take_ignored},
    {"", "color", "auto or never", false, config_take_color},
    {"", "time", "a format of strftime(3), as %H:%M", false, config_take_time},
    {"notify", "when", "off, dm, all or every", false, config_take_when},
    {"notify", "how", "some of bell, osc9, osc777, osc99", true, config_take_how},
    {"notify", "command", "a program and its arguments", false, config_take_command},
    {"notify", "quiet", "hours, as 22:00-07:00, or off", false, config_take_quiet},
    {"notify", "except", "handles and rooms, as bob, #alerts", true, config_take_loud},
    {"files", "directory", "a directory, as ~/Downloads", false, config_take_directory},
    {"files", "accept", "handles with a size or none, as bob 100M, carol; * is anybody", true,
     config_take_accept},
    {0},
};

/* As it was written, by key; NULL: it was not. */
static char *config_given[KEYS_MAX];

static void config_note_given(size_t i, const char *value, bool more) {
    char *whole = NULL;
    if (more && config_given[i] && asprintf(&whole, "%s, %s", config_given[i], value) < 0)
        return;
    free(config_given[i]);
    config_given[i] = whole ? whole : cli_copy(value);
}

/* Reading. */

static struct cli_config the_config = {.when = CONFIG_WHEN_ALL, .how = CONFIG_BELL};

const struct cli_config *cli_config(void) {
    return &the_config;
}

void config_time_text(const struct tm *at, char text[CONFIG_TIME_SIZE]) {
    if (strftime(text, CONFIG_TIME_SIZE, the_config.time ? the_config.time : TIME_FORMAT, at) == 0)
        *text = '\0';
}

bool config_is_quiet(const struct tm *at) {
    const struct config_quiet *quiet = &the_config.quiet;
    int now = 60 * at->tm_hour + at->tm_min;
    if (quiet->from <= quiet->until)
        return now >= quiet->from && now < quiet->until;
    return now >= quiet->from || now < quiet->until;
}

/* A file while it is read. */
struct config_file {
    const struct cli_options *options;
    const char *path;
    FILE *stream;
    int line;
    bool indented;                  /* the line begins with a blank */
    bool wrong;                     /* something was reported */
    bool given[KEYS_MAX];           /* by key: it has been in this file */
    const struct config_key *last;  /* that indented lines go on with; NULL: none */
    char strange[CONFIG_TIME_SIZE]; /* the unknown section that was reported last */
};

static void config_complain(struct config_file *file, const char *format, ...) PRINTF_LIKE(2, 3);

static void config_complain(struct config_file *file, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    file->wrong = true;
    cli_fail(file->options, OUTCOME_CONFIGURATION, "%s:%d: %s", file->path, file->line, text);
}

/* Nothing but rooms, as in "#ops, #lobby". */
static bool config_has_only_rooms(const char *line) {
    static const char separators[] = ", \t\r\n";
    size_t n_rooms = 0;
    for (line += strspn(line, separators); *line; line += strspn(line, separators)) {
        size_t n = strcspn(line, separators);
        if (line[0] != '#' || n < 2)
            return false;
        n_rooms++;
        line += n;
    }
    return n_rooms > 0;
}

static bool config_has_rooms(const struct config_key *key) {
    return strcmp(key->name, "rooms") == 0 || strcmp(key->name, "except") == 0;
}

/* An indented line of rooms would be a comment to libinih, so it gets a comma in front. */
static bool config_mark_rooms(struct config_file *file, char *line, size_t size) {
    if (line[0] == '[')
        file->last = NULL;
    if (!file->indented || !file->last || !config_has_rooms(file->last) ||
        !config_has_only_rooms(line))
        return true;
    char *start = line + strspn(line, " \t");
    size_t n = strlen(start) + 1;
    if (n + (size_t)(start - line) >= size)
        return false;
    memmove(start + 1, start, n);
    *start = ',';
    return true;
}

/* Reads a line for libinih, which tells its handler neither the number nor the indentation. */
static char *config_read_line(char *line, int size, void *arg) {
    struct config_file *file = arg;
    if (!fgets(line, size, file->stream))
        return NULL;
    file->line++;
    file->indented = line[0] == ' ' || line[0] == '\t';
    bool is_whole = strchr(line, '\n') || feof(file->stream);
    if (is_whole && config_mark_rooms(file, line, (size_t)size))
        return line;
    config_complain(file, "a line may have %d bytes; lists can go on in an indented line",
                    size - 3);
    for (int c = is_whole ? '\n' : 0; c != '\n' && c != EOF;)
        c = fgetc(file->stream);
    line[0] = '\0';
    return line;
}

static const struct config_key *config_find(const char *section, const char *name) {
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->section, section) == 0 && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

static bool config_is_section(const char *section) {
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->section, section) == 0)
            return true;
    return false;
}

static void config_complain_of_section(struct config_file *file, const char *section) {
    struct near near;
    if (strcmp(file->strange, section) == 0)
        return;
    snprintf(file->strange, sizeof file->strange, "%s", section);
    near_init(&near, section);
    for (const struct config_key *key = config_keys; key->name; key++)
        near_consider(&near, key->section);
    if (near.n > 0)
        config_complain(file, "there is no section [%s]; did you mean [%s]?", section,
                        near_best(&near));
    else
        config_complain(file, "there is no section [%s]; earshot(5) lists them", section);
}

/* The key that was probably meant: one of this section, or with NULL of any; NULL for none. */
static const struct config_key *config_find_near(const char *section, const char *name) {
    const struct config_key *key;
    struct near near;
    near_init(&near, name);
    for (key = config_keys; key->name; key++) {
        if (!section && strcmp(key->name, name) == 0)
            return key;
        if (!section || strcmp(key->section, section) == 0)
            near_consider(&near, key->name);
    }
    for (key = config_keys; near.n > 0 && key->name; key++)
        if (strcmp(key->name, near_best(&near)) == 0)
            return key;
    return NULL;
}

static void config_complain_of_key(struct config_file *file, const char *section,
                                   const char *name) {
    char meant[128] = "";
    const struct config_key *here = config_find_near(section, name);
    const struct config_key *other = here ? NULL : config_find_near(NULL, name);
    if (here)
        snprintf(meant, sizeof meant, "; did you mean `%s`?", here->name);
    else if (other && *other->section)
        snprintf(meant, sizeof meant, "; did you mean `%s`, below [%s]?", other->name,
                 other->section);
    else if (other)
        snprintf(meant, sizeof meant, "; did you mean `%s`, above all sections?", other->name);
    config_complain(file, "there is no key `%s`%s%s%s%s", name, *section ? " below [" : "", section,
                    *section ? "]" : "", meant);
}

static void config_take_value(struct config_file *file, const struct config_key *key,
                              const char *value) {
    size_t i = (size_t)(key - config_keys);
    if (file->indented && file->given[i] && !key->is_list) {
        config_complain(
            file,
            "this line is indented, and so belongs to `%s` above, which takes one line; begin it "
            "without blanks",
            key->name);
        return;
    }
    CLEANUP_FREE char *copy = cli_copy(value);
    bool more = file->given[i];
    file->given[i] = true;
    if ((*value || key->is_list) && key->take(&the_config, copy, more)) {
        config_note_given(i, value, more);
        return;
    }
    config_complain(file, "`%s` cannot be \"%s\"; give %s", key->name, value, key->want);
}

/* Never an error for libinih: these lines are reported here. */
static int config_take(void *arg, const char *section, const char *name, const char *value) {
    struct config_file *file = arg;
    const struct config_key *key = config_find(section, name);
    file->last = key;
    if (key)
        config_take_value(file, key, value);
    else if (!config_is_section(section))
        config_complain_of_section(file, section);
    else
        config_complain_of_key(file, section, name);
    return 1;
}

static int config_read_stream(struct config_file *file) {
    int line = ini_parse_stream(config_read_line, file, config_take, file);
    if (line > 0) {
        file->line = line;
        config_complain(file, "this is neither `key = value` nor a [section]");
    }
    return file->wrong ? CLI_CONFIGURATION : CLI_DONE;
}

/* It names programs that are run. */
static int config_distrusted(const struct cli_options *options, const char *path,
                             const struct trust_fault *fault) {
    char why[2 * PATH_MAX];
    trust_text(fault, path, why, sizeof why);
    return cli_fail(options, OUTCOME_CONFIGURATION, "%s", why);
}

/*
 * `must`: its absence is an error. Else a folder that is not ours to enter is no error, either: who
 * has become another user may have kept HOME.
 */
static int config_read_path(const struct cli_options *options, const char *path, bool must) {
    struct trust_fault fault;
    struct config_file file = {.options = options, .path = path};
    int fd = trust_open(path, O_RDONLY, &fault);
    if (!must && (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES))
        return CLI_DONE;
    if (fd == TRUST_FAULTY)
        return config_distrusted(options, path, &fault);
    if (fd >= 0 && !(file.stream = fdopen(fd, "r"))) {
        close(fd);
        fd = -ENOMEM;
    }
    if (fd < 0)
        return cli_fail(options, OUTCOME_CONFIGURATION, "cannot read %s: %s", path, strerror(-fd));
    int code = config_read_stream(&file);
    fclose(file.stream);
    return code;
}

static int config_read_user(const struct cli_options *options) {
    char base[PATH_MAX], path[PATH_MAX];
    if (home_base(base, "XDG_CONFIG_HOME", "/.config") < 0 || !base[0] ||
        snprintf(path, sizeof path, "%s/earshot/config", base) >= (int)sizeof path)
        return CLI_DONE;
    return config_read_path(options, path, false);
}

static int config_read_all(const struct cli_options *options) {
    const char *only = getenv("EARSHOT_CONFIG");
    if (only && *only)
        return config_read_path(options, only, true);
    int code = config_read_path(options, SYSTEM_FILE, false);
    return code == CLI_DONE ? config_read_user(options) : code;
}

int cli_config_load(struct cli_options *options) {
    const char *hub = getenv("EARSHOT_HUB");
    if (options->hub && !*options->hub)
        return cli_fail(options, OUTCOME_USAGE,
                        "--hub needs a directory, and got an empty word; leave it out for the "
                        "hub of this machine, or your own");
    int code = config_read_all(options);
    if (code != CLI_DONE)
        return code;
    if (!options->hub && !(hub && *hub))
        options->hub = the_config.hub;
    if (!options->name)
        options->name = the_config.name;
    options->no_color |= the_config.no_color;
    return CLI_DONE;
}

/* Changing. */

/* What was decided when the window was opened is not changed by another value. */
static bool config_can_change(const struct config_key *key) {
    static const char *const fixed[] = {"hub", "name", "rooms", "ignore"};
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(key->name, fixed[i]) == 0)
            return false;
    return true;
}

static void config_key_name(const struct config_key *key, char name[64]) {
    snprintf(name, 64, "%s%s%s", key->section, *key->section ? "." : "", key->name);
}

/* By its name, or that without the section. */
static const struct config_key *config_find_changeable(const char *name) {
    char whole[64];
    for (const struct config_key *key = config_keys; key->name; key++) {
        config_key_name(key, whole);
        if (config_can_change(key) && (strcmp(whole, name) == 0 || strcmp(key->name, name) == 0))
            return key;
    }
    return NULL;
}

static void config_visit(const struct config_key *key,
                         void (*visit)(void *arg, const char *name, const char *value), void *arg) {
    const char *given = config_given[key - config_keys];
    char name[64], value[128];
    config_key_name(key, name);
    snprintf(value, sizeof value, "(not set; %s)", key->want);
    visit(arg, name, given ? given : value);
}

void config_each(void (*visit)(void *arg, const char *name, const char *value), void *arg) {
    for (const struct config_key *key = config_keys; key->name; key++)
        if (config_can_change(key))
            config_visit(key, visit, arg);
}

bool config_show(const char *name, void (*visit)(void *arg, const char *name, const char *value),
                 void *arg) {
    const struct config_key *key = config_find_changeable(name);
    if (key)
        config_visit(key, visit, arg);
    return key != NULL;
}

static void config_clear(struct cli_config *config) {
    free(config->hub);
    free(config->name);
    free(config->time);
    free(config->directory);
    config_list_clear(&config->rooms);
    config_list_clear(&config->ignored);
    config_list_clear(&config->command);
    config_list_clear(&config->loud);
    config_clear_accept(config);
}

/* A wrong value may be half taken, so it is tried elsewhere first. */
static bool config_is_right(const struct config_key *key, const char *value) {
    CLEANUP_FREE char *copy = cli_copy(value);
    struct cli_config trial = {0};
    bool is_right = key->take(&trial, copy, false);
    config_clear(&trial);
    return is_right;
}

bool config_change(const char *name, const char *value, char why[256]) {
    const struct config_key *key = config_find_changeable(name);
    if (!key) {
        snprintf(why, 256, "there is no %s to be set; /set lists what there is", name);
        return false;
    }
    if (!config_is_right(key, value)) {
        snprintf(why, 256, "%s cannot be that; give %s", name, key->want);
        return false;
    }
    CLEANUP_FREE char *copy = cli_copy(value);
    key->take(&the_config, copy, false);
    config_note_given((size_t)(key - config_keys), value, false);
    return true;
}
