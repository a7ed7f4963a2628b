#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/macro.h"
#include "base/trust.h"
#include "cli/config_value.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/suggest.h"

#define SYSTEM_FILE "/etc/earshot/config"
#define TIME_FORMAT "%H:%M"
#define KEYS_MAX 32

static struct cli_config config = {.when = CONFIG_WHEN_ALL, .how = CONFIG_BELL};

const struct cli_config *cli_config(void) {
    return &config;
}

void config_time_text(const struct tm *at, char text[CONFIG_TIME_SIZE]) {
    if (strftime(text, CONFIG_TIME_SIZE, config.time ? config.time : TIME_FORMAT, at) == 0)
        *text = '\0';
}

/* A file while it is read. */
struct source {
    const struct cli_options *options;
    const char *path;
    FILE *file;
    int line;
    bool indented;                  /* the line begins with a blank */
    bool wrong;                     /* something was reported */
    bool given[KEYS_MAX];           /* by key: it has been in this file */
    const struct config_key *last;  /* that indented lines go on with; NULL: none */
    char strange[CONFIG_TIME_SIZE]; /* the unknown section that was reported last */
};

static void config_complain(struct source *source, const char *format, ...) PRINTF_LIKE(2, 3);

static void config_complain(struct source *source, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    source->wrong = true;
    cli_fail(source->options, CLI_CONFIGURATION, "configuration", "%s:%d: %s", source->path,
             source->line, text);
}

/* Nothing but rooms, as in "#ops, #lobby". */
static bool has_only_rooms(const char *line) {
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

/* An indented line of rooms would be a comment to libinih, so it gets a comma in front. */
static bool mark_rooms(struct source *source, char *line, size_t size) {
    if (line[0] == '[')
        source->last = NULL;
    if (!source->indented || !source->last || strcmp(source->last->name, "rooms") != 0 ||
        !has_only_rooms(line))
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
static char *read_line(char *line, int size, void *arg) {
    struct source *source = arg;
    if (!fgets(line, size, source->file))
        return NULL;
    source->line++;
    source->indented = line[0] == ' ' || line[0] == '\t';
    bool is_whole = strchr(line, '\n') || feof(source->file);
    if (is_whole && mark_rooms(source, line, (size_t)size))
        return line;
    config_complain(source, "a line may have %d bytes; lists can go on in an indented line",
                    size - 3);
    for (int c = is_whole ? '\n' : 0; c != '\n' && c != EOF;)
        c = fgetc(source->file);
    line[0] = '\0';
    return line;
}

static const struct config_key *config_find(const char *section, const char *name) {
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->section, section) == 0 && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

/* "`when` below [notify]" for the key that was probably meant; "" for none. */
static void suggest_key(const char *name, char *text, size_t size) {
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (const struct config_key *key = config_keys; key->name; key++)
        suggest_consider(&suggest, key->name);
    *text = '\0';
    for (const struct config_key *key = config_keys; suggest.nearest && key->name; key++) {
        if (key->name != suggest.nearest)
            continue;
        if (*key->section)
            snprintf(text, size, "; did you mean `%s`, below [%s]?", key->name, key->section);
        else
            snprintf(text, size, "; did you mean `%s`, above all sections?", key->name);
    }
}

static bool is_section(const char *section) {
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->section, section) == 0)
            return true;
    return false;
}

static void config_complain_of_section(struct source *source, const char *section) {
    struct suggest suggest;
    if (strcmp(source->strange, section) == 0)
        return;
    snprintf(source->strange, sizeof source->strange, "%s", section);
    suggest_init(&suggest, section);
    for (const struct config_key *key = config_keys; key->name; key++)
        if (*key->section)
            suggest_consider(&suggest, key->section);
    if (suggest.nearest)
        config_complain(source, "there is no section [%s]; did you mean [%s]?", section,
                        suggest.nearest);
    else
        config_complain(source, "there is no section [%s]; earshot(5) lists them", section);
}

static void config_complain_of_key(struct source *source, const char *section, const char *name) {
    char meant[128];
    struct suggest suggest;
    suggest_init(&suggest, name);
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->section, section) == 0)
            suggest_consider(&suggest, key->name);
    if (suggest.nearest)
        snprintf(meant, sizeof meant, "; did you mean `%s`?", suggest.nearest);
    else
        suggest_key(name, meant, sizeof meant);
    config_complain(source, "there is no key `%s`%s%s%s%s", name, *section ? " below [" : "",
                    section, *section ? "]" : "", meant);
}

static void take_value(struct source *source, const struct config_key *key, const char *value) {
    size_t i = (size_t)(key - config_keys);
    if (source->indented && source->given[i] && !key->is_list) {
        config_complain(source, "an indented line goes on with `%s` above; begin it without blanks",
                        key->name);
        return;
    }
    CLEANUP_FREE char *copy = cli_copy(value);
    bool more = source->given[i];
    source->given[i] = true;
    if ((*value || key->is_list) && key->take(&config, copy, more))
        return;
    config_complain(source, "`%s` cannot be \"%s\"; give %s", key->name, value, key->want);
}

/* Never an error for libinih: these lines are reported here. */
static int config_take(void *arg, const char *section, const char *name, const char *value) {
    struct source *source = arg;
    const struct config_key *key = config_find(section, name);
    source->last = key;
    if (key)
        take_value(source, key, value);
    else if (!is_section(section))
        config_complain_of_section(source, section);
    else
        config_complain_of_key(source, section, name);
    return 1;
}

static int read_source(struct source *source) {
    int line = ini_parse_stream(read_line, source, config_take, source);
    if (line > 0) {
        source->line = line;
        config_complain(source, "this is neither `key = value` nor a [section]");
    }
    return source->wrong ? CLI_CONFIGURATION : CLI_DONE;
}

/* It names programs that are run. */
static int config_distrusted(const struct cli_options *options, const char *path,
                             const struct trust_fault *fault) {
    char why[2 * PATH_MAX];
    trust_text(fault, path, why, sizeof why);
    return cli_fail(options, CLI_CONFIGURATION, "configuration", "%s", why);
}

/*
 * `must`: its absence is an error. Else a folder that is not ours to enter is no error, either: who
 * has become another user may have kept HOME.
 */
static int read_path(const struct cli_options *options, const char *path, bool must) {
    struct trust_fault fault;
    struct source source = {.options = options, .path = path};
    int fd = trust_open(path, O_RDONLY, &fault);
    if (!must && (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES))
        return CLI_DONE;
    if (fd == TRUST_FAULTY)
        return config_distrusted(options, path, &fault);
    if (fd >= 0 && !(source.file = fdopen(fd, "r"))) {
        close(fd);
        fd = -ENOMEM;
    }
    if (fd < 0)
        return cli_fail(options, CLI_CONFIGURATION, "configuration", "cannot read %s: %s", path,
                        strerror(-fd));
    int code = read_source(&source);
    fclose(source.file);
    return code;
}

static int read_user(const struct cli_options *options) {
    char base[PATH_MAX], path[PATH_MAX];
    if (home_base(base, "XDG_CONFIG_HOME", "/.config") < 0 || !base[0] ||
        snprintf(path, sizeof path, "%s/earshot/config", base) >= (int)sizeof path)
        return CLI_DONE;
    return read_path(options, path, false);
}

static int read_all(const struct cli_options *options) {
    const char *only = getenv("EARSHOT_CONFIG");
    if (only && *only)
        return read_path(options, only, true);
    int code = read_path(options, SYSTEM_FILE, false);
    return code == CLI_DONE ? read_user(options) : code;
}

int cli_config_load(struct cli_options *options) {
    const char *hub = getenv("EARSHOT_HUB");
    if (options->hub && !*options->hub)
        return cli_fail(options, CLI_USAGE, "usage",
                        "--hub needs a directory, and got an empty word; leave it away for the "
                        "hub of this machine, or your own");
    int code = read_all(options);
    if (code != CLI_DONE)
        return code;
    if (!options->hub && !(hub && *hub))
        options->hub = config.hub;
    if (!options->name)
        options->name = config.name;
    options->no_color |= config.no_color;
    return CLI_DONE;
}
