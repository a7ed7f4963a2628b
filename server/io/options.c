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
#include "ipc/rendezvous.h"

#define KEEP_DAYS 365
#define KEEP_BYTES (UINT64_C(4) << 30)
#define QUIET_SECONDS 3.0
#define QUIET_SECONDS_MAX 3600.0

static const char help[] =
    "Usage: earshotd [OPTION...]\n"
    "The hub: chat for everybody who is logged in to this machine.\n"
    "\n"
    "  --dir DIR            the rendezvous directory, where clients find the hub\n"
    "                       (default: $EARSHOT_HUB, else /run/earshot while the\n"
    "                       machine's hub runs, else $XDG_RUNTIME_DIR/earshot, else\n"
    "                       /tmp/earshot-<uid>)\n"
    "  --mode MODE          who may join: private (only you), group, open (default: private)\n"
    "  --group NAME         with --mode group: the members of this Unix group\n"
    "  --wall-group NAME    its members may use `earshot wall`; else root and the hub's owner\n"
    "  --state DIR          where the hub keeps its log (default: $XDG_STATE_HOME/earshot,\n"
    "                       /var/lib/earshot for /run/earshot, DIR/state for any\n"
    "                       other --dir but that of your private hub)\n"
    "  --ephemeral          nothing on disk: history and mail live in bounded memory\n"
    "  --keep-days N        delete messages that are older (default: 365; 0: never)\n"
    "  --keep-bytes N       delete the oldest messages when the log is larger; K, M or G may\n"
    "                       follow the number (default: 4G; 0: no bound)\n"
    "  --channel-quiet SECONDS  a session that was busy, and so uses shared memory, goes back to\n"
    "                       queues when it has been quiet so long (default: 3; 0: only\n"
    "                       queues are used)\n"
    "  --name HUBNAME       what clients show as its name (default: the host's name)\n"
    "  --foreground         stay in the foreground, log to standard error\n"
    "  --log-level LEVEL    error, warning, info or debug (default: info)\n"
    "  --stop               end the hub of this directory, and wait until it has ended\n"
    "  --version, --help\n";

enum {
    OPTION_DIR = 256,
    OPTION_STATE,
    OPTION_MODE,
    OPTION_GROUP,
    OPTION_NAME,
    OPTION_LEVEL,
    OPTION_DAYS,
    OPTION_BYTES,
    OPTION_WALL,
    OPTION_QUIET
};

struct option_words {
    const char *dir, *state, *mode, *group, *name, *level, *days, *bytes, *wall, *quiet;
    int ephemeral, foreground, stop, help, version;
};

/* `value`, unless NULL, is what the user typed. */
static int usage_error(const char *problem, const char *value) {
    char *safe = text_safe(bytes_of(value ? value : ""), TEXT_ONE_LINE);
    fprintf(stderr, "earshotd: %s%s; see earshotd --help\n", problem, safe ? safe : "");
    free(safe);
    return EX_USAGE;
}

static int read_words(struct option_words *words, int argc, char **argv) {
    const struct option table[] = {{"dir", required_argument, NULL, OPTION_DIR},
                                   {"state", required_argument, NULL, OPTION_STATE},
                                   {"mode", required_argument, NULL, OPTION_MODE},
                                   {"group", required_argument, NULL, OPTION_GROUP},
                                   {"name", required_argument, NULL, OPTION_NAME},
                                   {"log-level", required_argument, NULL, OPTION_LEVEL},
                                   {"keep-days", required_argument, NULL, OPTION_DAYS},
                                   {"keep-bytes", required_argument, NULL, OPTION_BYTES},
                                   {"wall-group", required_argument, NULL, OPTION_WALL},
                                   {"channel-quiet", required_argument, NULL, OPTION_QUIET},
                                   {"ephemeral", no_argument, &words->ephemeral, 1},
                                   {"foreground", no_argument, &words->foreground, 1},
                                   {"stop", no_argument, &words->stop, 1},
                                   {"help", no_argument, &words->help, 1},
                                   {"version", no_argument, &words->version, 1},
                                   {0}};
    const char **const targets[] = {&words->dir,  &words->state, &words->mode, &words->group,
                                    &words->name, &words->level, &words->days, &words->bytes,
                                    &words->wall, &words->quiet};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", table, NULL)) != -1;) {
        if (c == ':')
            return usage_error("a value is missing after ", argv[optind - 1]);
        if (c == '?')
            return usage_error("there is no such option, or it takes no value: ", argv[optind - 1]);
        if (c >= OPTION_DIR)
            *targets[c - OPTION_DIR] = optarg;
    }
    return optind < argc ? usage_error("this is no option: ", argv[optind]) : -1;
}

/* NULL: as it was. */
static int read_group(gid_t *gid, const char *name, const char *option) {
    if (!name)
        return -1;
    const struct group *group = getgrnam(name);
    if (!group) {
        CLEANUP_FREE char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
        fprintf(stderr, "earshotd: there is no Unix group \"%s\" (%s); `getent group` lists them\n",
                safe ? safe : "", option);
        return EX_CONFIG;
    }
    *gid = group->gr_gid;
    return -1;
}

static int read_mode(struct options *options, const struct option_words *words) {
    static const char *const names[] = {"private", "group", "open"};
    const char *mode = words->mode ? words->mode : "private";
    for (options->mode = 0; options->mode < HUB_MODE_END; options->mode++)
        if (strcmp(names[options->mode], mode) == 0)
            break;
    if (options->mode == HUB_MODE_END)
        return usage_error("--mode is private, group or open, not ", mode);
    if ((options->mode == HUB_GROUP) != (words->group != NULL))
        return usage_error("--mode group and --group NAME go together", NULL);
    int code = read_group(&options->gid, words->group, "--group");
    return code < 0 ? read_group(&options->wall_gid, words->wall, "--wall-group") : code;
}

static int read_level(const struct option_words *words) {
    int level = words->level ? log_level_from_name(words->level) : LOG_LEVEL_INFO;
    if (level < 0)
        return usage_error("--log-level is error, warning, info or debug, not ", words->level);
    log_set_level((enum log_level)level);
    return -1;
}

static int read_name(struct options *options, const struct option_words *words) {
    char host[128] = "";
    const char *name = words->name;
    if (!name) {
        (void)gethostname(host, sizeof host - 1);
        name = host;
    }
    if (strlen(name) >= sizeof options->name || !text_is_valid(bytes_of(name)))
        return usage_error("--name is at most 127 bytes of UTF-8, not ", name);
    snprintf(options->name, sizeof options->name, "%s", name);
    return -1;
}

static int read_keep(struct options *options, const struct option_words *words) {
    static const char units[] = "KMG";
    uint64_t days = KEEP_DAYS, bytes = KEEP_BYTES;
    char *end;
    errno = 0;
    if (words->days) {
        days = strtoull(words->days, &end, 10);
        if (errno || end == words->days || *end || *words->days == '-' || days > 36500)
            return usage_error("--keep-days is a number of days up to 36500, not ", words->days);
    }
    if (words->bytes) {
        bytes = strtoull(words->bytes, &end, 10);
        const char *unit = *end ? strchr(units, *end) : NULL;
        unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
        if (errno || end == words->bytes || *words->bytes == '-' || (*end && (!unit || end[1])) ||
            bytes > UINT64_MAX >> 32)
            return usage_error("--keep-bytes is a number, and K, M or G may follow, not ",
                               words->bytes);
        bytes <<= shift;
    }
    options->keep_days = (unsigned)days;
    options->keep_bytes = bytes;
    return -1;
}

static int read_quiet(struct options *options, const struct option_words *words) {
    double seconds = QUIET_SECONDS;
    char *end;
    if (words->quiet) {
        seconds = strtod(words->quiet, &end);
        if (end == words->quiet || *end || !(seconds == 0 || seconds >= 0.001) ||
            seconds > QUIET_SECONDS_MAX)
            return usage_error("--channel-quiet is a number of seconds up to 3600, not ",
                               words->quiet);
    }
    options->channel_quiet_ms = (int64_t)(seconds * 1000);
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

static int read_state(struct options *options, const struct option_words *words,
                      enum rendezvous_origin origin) {
    int n;
    if (words->ephemeral)
        n = snprintf(options->state, sizeof options->state, "%s", "");
    else if (words->state)
        n = snprintf(options->state, sizeof options->state, "%s", words->state);
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

int options_read(struct options *options, int argc, char **argv) {
    struct option_words words = {0};
    enum rendezvous_origin origin;
    *options = (struct options){.gid = (gid_t)-1, .wall_gid = (gid_t)-1};
    int code = read_words(&words, argc, argv);
    if (code >= 0)
        return code;
    if (words.help || words.version) {
        fputs(words.help ? help : "earshotd " EARSHOT_VERSION "\n", stdout);
        return EX_OK;
    }
    if (words.dir && !*words.dir)
        return usage_error("--dir needs the name of a directory", NULL);
    if (rendezvous_locate(options->dir, &origin, words.dir) < 0)
        return too_long();
    /* A client that starts the private hub names its directory, too. */
    if (rendezvous_is_private_place(options->dir))
        origin = RENDEZVOUS_PRIVATE;
    options->foreground = words.foreground;
    options->stop = words.stop;
    code = make_absolute(options->dir);
    if (code < 0)
        code = read_mode(options, &words);
    if (code < 0)
        code = read_level(&words);
    if (code < 0)
        code = read_name(options, &words);
    if (code < 0)
        code = read_keep(options, &words);
    if (code < 0)
        code = read_quiet(options, &words);
    if (code < 0)
        code = read_state(options, &words, origin);
    return code < 0 ? make_absolute(options->state) : code;
}
