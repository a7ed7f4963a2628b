#include "io/options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/text.h"
#include "io/conf.h"
#include "ipc/rendezvous.h"

#define KEEP_DAYS 365
#define EDIT_FOR_S 86400
#define KEEP_BYTES (UINT64_C(4) << 30)
#define QUIET_SECONDS 3.0
#define QUIET_SECONDS_MAX 3600.0
#define END_AFTER_S 600 /* a private hub in the background; the others do not end */
#define END_AFTER_S_MAX (UINT64_C(10) * 366 * 24 * 3600)

static const char help[] =
    "Usage: earshotd [OPTION...]\n"
    "The hub: chat for everybody who is logged in to this machine.\n"
    "\n"
    "  --dir DIR            the rendezvous directory, where clients find the hub\n"
    "                       (default: $EARSHOT_HUB, else /run/earshot while the\n"
    "                       machine's hub runs, else $XDG_RUNTIME_DIR/earshot, else\n"
    "                       /tmp/earshot-<uid>)\n"
    "  --config FILE        read this file; without it /etc/earshot/hub.conf for\n"
    "                       /run/earshot, ~/.config/earshot/hub.conf for your private\n"
    "                       hub, none for another --dir\n"
    "  --mode MODE          who may join: private (only you), group, open\n"
    "                       (default: open in /run/earshot, else private)\n"
    "  --group NAME         with --mode group: the members of this Unix group\n"
    "  --wall-group NAME    its members may use `earshot wall`; else root and the hub's owner\n"
    "  --admin-group NAME   its members keep order (`earshot ban @hub`); else root and the\n"
    "                       hub's owner\n"
    "  --state DIR          where the hub keeps its log (default: $XDG_STATE_HOME/earshot,\n"
    "                       /var/lib/earshot for /run/earshot, DIR/state for any\n"
    "                       other --dir but that of your private hub)\n"
    "  --ephemeral          nothing on disk: history and mail live in bounded memory\n"
    "  --keep-days N        delete messages that are older (default: 365; 0: never)\n"
    "  --keep-bytes N       delete the oldest messages when the log is larger; K, M or G may\n"
    "                       follow the number (default: 4G; 0: no bound)\n"
    "  --edit-for TIME      so long people may edit and remove what they have written: 10m,\n"
    "                       2h, 7d (default: 1d; 0: never)\n"
    "  --channel-quiet SECONDS  a session that was busy, and so uses shared memory, goes back to\n"
    "                       queues when it has been quiet so long (default: 3; 0: only\n"
    "                       queues are used)\n"
    "  --end-after TIME     end when nobody has been here for so long, and nothing would be\n"
    "                       lost: 90s, 10m, 2h (default: 10m for a private hub in the\n"
    "                       background, else 0: never)\n"
    "  --name HUBNAME       what clients show as its name (default: the host's name)\n"
    "  --foreground         stay in the foreground, log to standard error\n"
    "  --log-level LEVEL    error, warning, info or debug (default: info)\n"
    "  --check              start no hub: say whether the configuration is right, and what\n"
    "                       would keep one from starting\n"
    "  --stop               end the hub of this directory, and wait until it has ended\n"
    "  --version, --help\n";

/* The first ones may also be keys of hub.conf. */
enum option_key {
    OPTION_MODE,
    OPTION_GROUP,
    OPTION_WALL,
    OPTION_ADMIN,
    OPTION_STATE,
    OPTION_EPHEMERAL,
    OPTION_DAYS,
    OPTION_BYTES,
    OPTION_EDIT,
    OPTION_QUIET,
    OPTION_END,
    OPTION_NAME,
    OPTION_LEVEL,
    OPTION_OF_CONF, /* so many */
    OPTION_DIR = OPTION_OF_CONF,
    OPTION_CONFIG,
    OPTION_FOREGROUND,
    OPTION_CHECK,
    OPTION_STOP,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_END_OF_ALL
};

static const char *const option_names[OPTION_END_OF_ALL] = {
    "mode",       "group",      "wall-group",    "admin-group", "state", "ephemeral", "keep-days",
    "keep-bytes", "edit-for",   "channel-quiet", "end-after",   "name",  "log-level", "dir",
    "config",     "foreground", "check",         "stop",        "help",  "version",
};

static bool option_is_flag(int key) {
    return key == OPTION_EPHEMERAL || key >= OPTION_FOREGROUND;
}

/* What was typed, and what stands in hub.conf: which counts where nothing was typed. */
struct option_words {
    const char *typed[OPTION_END_OF_ALL]; /* NULL: not given; a flag: "yes" */
    struct conf_value read[OPTION_OF_CONF];
    char conf[PATH_MAX]; /* "": none was read */
};

static const char *option_word(const struct option_words *words, enum option_key key) {
    return words->typed[key] ? words->typed[key] : words->read[key].text;
}

/* `value`, unless NULL, is what the user typed. */
static int usage_error(const char *problem, const char *value) {
    char *safe = text_safe(bytes_of(value ? value : ""), TEXT_ONE_LINE);
    fprintf(stderr, "earshotd: %s%s; see earshotd --help\n", problem, safe ? safe : "");
    free(safe);
    return EX_USAGE;
}

/* The value is not what it `is` to be: where it came from is told, too. */
static int option_fail(const struct option_words *words, enum option_key key, const char *is) {
    char text[512];
    const char *typed = words->typed[key];
    if (typed) {
        snprintf(text, sizeof text, "--%s is %s, not ", option_names[key], is);
        return usage_error(text, typed);
    }
    snprintf(text, sizeof text, "`%s` is %s, not \"%s\"", option_names[key], is,
             words->read[key].text);
    return conf_fail(words->conf, words->read[key].line, text);
}

static int read_words(struct option_words *words, int argc, char **argv) {
    struct option table[OPTION_END_OF_ALL + 1] = {0};
    for (int i = 0; i < OPTION_END_OF_ALL; i++)
        table[i] = (struct option){
            option_names[i], option_is_flag(i) ? no_argument : required_argument, NULL, 256 + i};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", table, NULL)) != -1;) {
        if (c == ':')
            return usage_error("a value is missing after ", argv[optind - 1]);
        if (c == '?')
            return usage_error("there is no such option, or it takes no value: ", argv[optind - 1]);
        words->typed[c - 256] = option_is_flag(c - 256) ? "yes" : optarg;
    }
    return optind < argc ? usage_error("this is no option: ", argv[optind]) : -1;
}

/* The file that belongs to this directory, or was named. */
static int read_conf(struct option_words *words, const char *dir, enum rendezvous_origin origin) {
    enum conf_need need = CONF_IF_MINE;
    if (words->typed[OPTION_CONFIG]) {
        need = CONF_MUST;
        snprintf(words->conf, sizeof words->conf, "%s", words->typed[OPTION_CONFIG]);
    } else if (strcmp(dir, RENDEZVOUS_SYSTEM_DIR) == 0) {
        need = CONF_IF_THERE;
        snprintf(words->conf, sizeof words->conf, "%s", CONF_SYSTEM_FILE);
    } else if (origin == RENDEZVOUS_PRIVATE) {
        conf_user_file(words->conf);
    }
    int code = words->conf[0]
                   ? conf_read(words->conf, need, option_names, OPTION_OF_CONF, words->read)
                   : -ENOENT;
    if (code == -ENOENT)
        words->conf[0] = '\0';
    return code <= 0 ? -1 : code;
}

static int group_fail(const struct option_words *words, enum option_key key) {
    char text[256];
    const char *name = option_word(words, key);
    if (!words->typed[key]) {
        snprintf(text, sizeof text, "there is no Unix group \"%s\"; `getent group` lists them",
                 name);
        return conf_fail(words->conf, words->read[key].line, text);
    }
    CLEANUP_FREE char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
    fprintf(stderr, "earshotd: there is no Unix group \"%s\" (--%s); `getent group` lists them\n",
            safe ? safe : "", option_names[key]);
    return EX_CONFIG;
}

/* Not given: as it was. */
static int read_group(gid_t *gid, const struct option_words *words, enum option_key key) {
    const char *name = option_word(words, key);
    const struct group *group = name ? getgrnam(name) : NULL;
    if (name && !group)
        return group_fail(words, key);
    if (group)
        *gid = group->gr_gid;
    return -1;
}

/* Whoever types another mode does not mean the group that stands in the file. */
static int check_mode_and_group(struct options *options, const struct option_words *words) {
    bool is_group = options->mode == HUB_GROUP;
    bool is_typed = words->typed[OPTION_MODE] || words->typed[OPTION_GROUP];
    const char *group = words->typed[OPTION_GROUP];
    if (!group && (is_group || !words->typed[OPTION_MODE]))
        group = words->read[OPTION_GROUP].text;
    if (is_group && group)
        return read_group(&options->gid, words, OPTION_GROUP);
    if (!is_group && !group)
        return -1;
    if (is_typed)
        return usage_error("--mode group and --group NAME go together", NULL);
    return conf_fail(words->conf, words->read[group ? OPTION_GROUP : OPTION_MODE].line,
                     "`mode = group` and `group = NAME` go together");
}

static int read_mode(struct options *options, const struct option_words *words) {
    static const char *const names[] = {"private", "group", "open"};
    const char *mode = option_word(words, OPTION_MODE);
    gid_t admin_gid;
    bool is_machine = strcmp(options->dir, RENDEZVOUS_SYSTEM_DIR) == 0;
    if (!mode)
        mode = names[is_machine ? HUB_OPEN : HUB_PRIVATE];
    for (options->mode = 0; options->mode < HUB_MODE_END; options->mode++)
        if (strcmp(names[options->mode], mode) == 0)
            break;
    if (options->mode == HUB_MODE_END)
        return option_fail(words, OPTION_MODE, "private, group or open");
    int code = check_mode_and_group(options, words);
    if (code < 0)
        code = read_group(&options->wall_gid, words, OPTION_WALL);
    return code < 0 ? read_group(&admin_gid, words, OPTION_ADMIN) : code;
}

/* By name: they are asked for when a right of theirs is used. A group has no longer name. */
static void group_name(struct name *group, const char *word) {
    size_t n = word ? strlen(word) : 0;
    *group = (struct name){0};
    if (n > 0 && n < sizeof group->s) {
        group->n = (uint8_t)n;
        memcpy(group->s, word, n);
    }
}

static void note_groups(struct options *options, const struct option_words *words) {
    group_name(&options->wall_group, option_word(words, OPTION_WALL));
    group_name(&options->admin_group, option_word(words, OPTION_ADMIN));
    options->wall_is_typed = words->typed[OPTION_WALL];
    options->admin_is_typed = words->typed[OPTION_ADMIN];
}

bool options_read_groups(const struct options *options, struct name *wall, struct name *admin) {
    struct option_words words = {0};
    bool is_read = !options->conf[0] || conf_read(options->conf, CONF_MUST, option_names,
                                                  OPTION_OF_CONF, words.read) == 0;
    *wall = options->wall_group;
    *admin = options->admin_group;
    if (is_read && options->conf[0] && !options->wall_is_typed)
        group_name(wall, words.read[OPTION_WALL].text);
    if (is_read && options->conf[0] && !options->admin_is_typed)
        group_name(admin, words.read[OPTION_ADMIN].text);
    for (size_t i = 0; i < OPTION_OF_CONF; i++)
        free(words.read[i].text);
    return is_read;
}

static int read_level(const struct option_words *words) {
    const char *name = option_word(words, OPTION_LEVEL);
    int level = name ? log_level_from_name(name) : LOG_LEVEL_INFO;
    if (level < 0)
        return option_fail(words, OPTION_LEVEL, "error, warning, info or debug");
    log_set_level((enum log_level)level);
    return -1;
}

static int read_name(struct options *options, const struct option_words *words) {
    char host[128] = "";
    const char *name = option_word(words, OPTION_NAME);
    if (!name) {
        (void)gethostname(host, sizeof host - 1);
        name = text_is_valid(bytes_of(host)) ? host : "";
    }
    if (strlen(name) >= sizeof options->name || !text_is_valid(bytes_of(name)))
        return option_fail(words, OPTION_NAME, "at most 127 bytes of UTF-8");
    snprintf(options->name, sizeof options->name, "%s", name);
    return -1;
}

/* A number and one letter of `units` or none, whose index is *unit (else -1); false: it is not. */
static bool read_number(const char *word, const char *units, uint64_t *number, int *unit) {
    char *end;
    errno = 0;
    *number = strtoull(word, &end, 10);
    const char *letter = *end ? strchr(units, *end) : NULL;
    *unit = letter ? (int)(letter - units) : -1;
    return !errno && end != word && word[0] >= '0' && word[0] <= '9' &&
           (!*end || (letter && !end[1]));
}

static int read_keep(struct options *options, const struct option_words *words) {
    const char *days = option_word(words, OPTION_DAYS), *bytes = option_word(words, OPTION_BYTES);
    uint64_t n_days = KEEP_DAYS, n_bytes = KEEP_BYTES;
    int unit = -1;
    if (days && (!read_number(days, "", &n_days, &unit) || n_days > 36500))
        return option_fail(words, OPTION_DAYS, "a number of days up to 36500");
    if (bytes && (!read_number(bytes, "KMG", &n_bytes, &unit) || n_bytes > UINT64_MAX >> 32))
        return option_fail(words, OPTION_BYTES, "a number, and K, M or G may follow");
    options->keep_days = (unsigned)n_days;
    options->keep_bytes = n_bytes << (unit + 1) * 10;
    return -1;
}

static int read_edit(struct options *options, const struct option_words *words) {
    static const unsigned seconds[] = {1, 60, 3600, 86400};
    const char *word = option_word(words, OPTION_EDIT);
    uint64_t n = EDIT_FOR_S;
    int unit = 0;
    if (word && (!read_number(word, "smhd", &n, &unit) || (unit < 0 && n > 0) ||
                 n > (uint64_t)36500 * 86400))
        return option_fail(words, OPTION_EDIT, "a time such as 10m, 2h or 1d, or 0 for never");
    options->mend_ms = (int64_t)(n * (unit < 0 ? 1 : seconds[unit])) * 1000;
    return -1;
}

static int read_quiet(struct options *options, const struct option_words *words) {
    const char *word = option_word(words, OPTION_QUIET);
    double seconds = QUIET_SECONDS;
    char *end;
    if (word) {
        seconds = strtod(word, &end);
        if (end == word || *end || !(seconds == 0 || seconds >= 0.001) ||
            seconds > QUIET_SECONDS_MAX)
            return option_fail(words, OPTION_QUIET, "a number of seconds up to 3600");
    }
    options->channel_quiet_ms = (int64_t)(seconds * 1000);
    return -1;
}

static int read_end(struct options *options, const struct option_words *words) {
    static const unsigned seconds[] = {1, 60, 3600};
    const char *word = option_word(words, OPTION_END);
    bool ends = options->mode == HUB_PRIVATE && !options->foreground;
    uint64_t n = ends ? END_AFTER_S : 0;
    int unit = 0;
    if (word &&
        (!read_number(word, "smh", &n, &unit) || (unit < 0 && n > 0) || n > END_AFTER_S_MAX / 3600))
        return option_fail(words, OPTION_END, "a time such as 90s, 10m or 2h, or 0 for never");
    options->end_after_s = (unsigned)(n * (unit < 0 ? 1 : seconds[unit]));
    return -1;
}

static int too_long(void) {
    return usage_error("the path of the directory is too long", NULL);
}

/* The hub leaves its working directory, so its paths must not depend on it. */
static int make_absolute(char path[PATH_MAX]) {
    char relative[PATH_MAX], cwd[PATH_MAX];
    if (path[0] == '/' || path[0] == '\0')
        return -1;
    snprintf(relative, sizeof relative, "%s", path);
    if (!getcwd(cwd, sizeof cwd))
        return usage_error("the working directory cannot be told; name an absolute path, not ",
                           path);
    int n = snprintf(path, PATH_MAX, "%s/%s", cwd, relative);
    return n < 0 || n >= PATH_MAX ? too_long() : -1;
}

static int read_ephemeral(const struct option_words *words, bool *is_ephemeral) {
    const char *word = option_word(words, OPTION_EPHEMERAL);
    /* A directory that was typed is meant, whatever the file says. */
    bool counts = words->typed[OPTION_EPHEMERAL] || !words->typed[OPTION_STATE];
    *is_ephemeral = word && counts && strcmp(word, "yes") == 0;
    if (word && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
        return option_fail(words, OPTION_EPHEMERAL, "yes or no");
    return -1;
}

static int check_state(const struct option_words *words) {
    const char *word = words->read[OPTION_STATE].text;
    if (words->typed[OPTION_STATE] || !word || word[0] == '/')
        return -1;
    return option_fail(words, OPTION_STATE, "a directory that begins with /");
}

static int read_state(struct options *options, const struct option_words *words,
                      enum rendezvous_origin origin) {
    bool is_ephemeral;
    const char *word = option_word(words, OPTION_STATE);
    int n, code = read_ephemeral(words, &is_ephemeral);
    if (code < 0)
        code = check_state(words);
    options->state[0] = '\0';
    if (code >= 0 || is_ephemeral)
        return code;
    if (word)
        n = snprintf(options->state, sizeof options->state, "%s", word);
    else if (strcmp(options->dir, RENDEZVOUS_SYSTEM_DIR) == 0)
        n = snprintf(options->state, sizeof options->state, "/var/lib/earshot");
    else if (origin == RENDEZVOUS_NAMED)
        n = snprintf(options->state, sizeof options->state, "%s/state", options->dir);
    else if (rendezvous_private_state(options->state) < 0)
        return too_long();
    else if (options->state[0])
        return -1;
    else
        n = snprintf(options->state, sizeof options->state, "%s/state", options->dir);
    return n < 0 || (size_t)n >= sizeof options->state ? too_long() : -1;
}

/* "/run/earshot/" is "/run/earshot". */
static void cut_slashes(char *path) {
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
}

static int read_dir(struct options *options, const struct option_words *words,
                    enum rendezvous_origin *origin) {
    const char *dir = words->typed[OPTION_DIR];
    if (dir && !*dir)
        return usage_error("--dir needs the name of a directory", NULL);
    if (rendezvous_locate(options->dir, origin, dir) < 0)
        return too_long();
    cut_slashes(options->dir);
    /* A client that starts the private hub names its directory, too. */
    if (rendezvous_is_private_place(options->dir))
        *origin = RENDEZVOUS_PRIVATE;
    return make_absolute(options->dir);
}

static int read_hub(struct options *options, struct option_words *words,
                    enum rendezvous_origin origin) {
    int code = read_conf(words, options->dir, origin);
    snprintf(options->conf, sizeof options->conf, "%s", words->conf);
    if (code < 0)
        code = read_mode(options, words);
    note_groups(options, words);
    if (code < 0)
        code = read_level(words);
    if (code < 0)
        code = read_name(options, words);
    if (code < 0)
        code = read_keep(options, words);
    if (code < 0)
        code = read_edit(options, words);
    if (code < 0)
        code = read_quiet(options, words);
    if (code < 0)
        code = read_end(options, words);
    if (code < 0)
        code = read_state(options, words, origin);
    return code < 0 ? make_absolute(options->state) : code;
}

int options_read(struct options *options, int argc, char **argv) {
    struct option_words words = {0};
    enum rendezvous_origin origin;
    *options = (struct options){.gid = (gid_t)-1, .wall_gid = (gid_t)-1};
    int code = read_words(&words, argc, argv);
    if (code >= 0)
        return code;
    if (words.typed[OPTION_HELP] || words.typed[OPTION_VERSION]) {
        fputs(words.typed[OPTION_HELP] ? help : "earshotd " EARSHOT_VERSION "\n", stdout);
        return EX_OK;
    }
    options->foreground = words.typed[OPTION_FOREGROUND];
    options->stop = words.typed[OPTION_STOP];
    options->check = words.typed[OPTION_CHECK];
    code = read_dir(options, &words, &origin);
    if (code < 0 && !options->stop) /* a hub is stopped whatever its file says */
        code = read_hub(options, &words, origin);
    for (size_t i = 0; i < OPTION_OF_CONF; i++)
        free(words.read[i].text);
    return code;
}
