#include "io/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/distance.h"
#include "base/home.h"
#include "base/macro.h"
#include "base/text.h"
#include "base/trust.h"

#define NEAR_ENOUGH 2 /* bytes to change in the name of a key that was probably meant */

/* The file while it is read. */
struct conf_file {
    const char *path;
    const char *const *keys;
    size_t n_keys;
    struct conf_value *values;
    FILE *stream;
    int line;
    bool is_indented;
    bool is_wrong;    /* something was told */
    bool has_section; /* which is told once */
};

int conf_fail(const char *path, int line, const char *text) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    fprintf(stderr, "earshotd: %s:%d: %s\n", path, line, safe ? safe : "");
    return EX_CONFIG;
}

static void conf_complain(struct conf_file *file, const char *format, ...) PRINTF_LIKE(2, 3);

static void conf_complain(struct conf_file *file, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)conf_fail(file->path, file->line, text);
    file->is_wrong = true;
}

/* For libinih, which tells its handler neither the line's number nor its indentation. */
static char *conf_next_line(char *line, int size, void *arg) {
    struct conf_file *file = arg;
    if (!fgets(line, size, file->stream))
        return NULL;
    file->line++;
    file->is_indented = line[0] == ' ' || line[0] == '\t';
    if (strchr(line, '\n') || feof(file->stream))
        return line;
    conf_complain(file, "a line may have %d bytes", size - 3);
    for (int c = 0; c != '\n' && c != EOF;)
        c = fgetc(file->stream);
    line[0] = '\0';
    return line;
}

static const char *conf_near_key(const struct conf_file *file, const char *name) {
    const char *near = NULL;
    size_t least = NEAR_ENOUGH + 1;
    for (size_t i = 0; i < file->n_keys; i++) {
        size_t apart = distance(bytes_of(name), bytes_of(file->keys[i]));
        if (apart < least) {
            least = apart;
            near = file->keys[i];
        }
    }
    return near;
}

static void conf_complain_of_key(struct conf_file *file, const char *name) {
    const char *near = conf_near_key(file, name);
    if (near)
        conf_complain(file, "there is no key `%s`; did you mean `%s`?", name, near);
    else
        conf_complain(file, "there is no key `%s`; earshotd(8) lists them", name);
}

static void conf_take_value(struct conf_file *file, const char *key, struct conf_value *value,
                            const char *text) {
    if (value->text)
        conf_complain(file, "`%s` stands in line %d already; leave one of them", key, value->line);
    else if (!*text)
        conf_complain(file, "`%s` has no value; give one, or begin the line with #", key);
    else if (!(value->text = strdup(text)))
        conf_complain(file, "there is no memory left");
    value->line = file->line;
}

/* Never an error for libinih: what is wrong is told here. */
static int conf_take(void *arg, const char *section, const char *name, const char *text) {
    struct conf_file *file = arg;
    size_t i = 0;
    while (i < file->n_keys && strcmp(file->keys[i], name) != 0)
        i++;
    if (*section && !file->has_section)
        conf_complain(file, "[%s] above: this file has no sections; delete that line", section);
    else if (file->is_indented)
        conf_complain(file, "this line is indented, but no line goes on in the next one here; "
                            "begin it without blanks");
    else if (i == file->n_keys)
        conf_complain_of_key(file, name);
    else
        conf_take_value(file, file->keys[i], &file->values[i], text);
    file->has_section = *section != '\0';
    return 1;
}

static int conf_read_stream(struct conf_file *file) {
    int line = ini_parse_stream(conf_next_line, file, conf_take, file);
    if (line > 0) {
        file->line = line;
        conf_complain(file, "this is not `key = value`");
    }
    return file->is_wrong ? EX_CONFIG : 0;
}

/* It decides who may join, and where everything is kept. */
static int conf_fail_open(const char *path, int error, const struct trust_fault *fault) {
    char why[2 * PATH_MAX];
    if (error == TRUST_FAULTY)
        trust_text(fault, path, why, sizeof why);
    else
        snprintf(why, sizeof why, "cannot read %s: %s; the hub's user must be able to", path,
                 strerror(-error));
    fprintf(stderr, "earshotd: %s\n", why);
    return EX_CONFIG;
}

int conf_read(const char *path, enum conf_need need, const char *const *keys, size_t n_keys,
              struct conf_value *values) {
    struct trust_fault fault;
    struct conf_file file = {.path = path, .keys = keys, .n_keys = n_keys, .values = values};
    int fd = trust_open(path, O_RDONLY, &fault);
    bool is_none = fd == -ENOENT || fd == -ENOTDIR || (fd == -EACCES && need == CONF_IF_MINE);
    if (is_none && need != CONF_MUST)
        return -ENOENT;
    if (fd >= 0 && !(file.stream = fdopen(fd, "r"))) {
        close(fd);
        fd = -ENOMEM;
    }
    if (fd < 0)
        return conf_fail_open(path, fd, &fault);
    int code = conf_read_stream(&file);
    fclose(file.stream);
    return code;
}

void conf_user_file(char path[PATH_MAX]) {
    char base[PATH_MAX];
    if (home_base(base, "XDG_CONFIG_HOME", "/.config") < 0 || !base[0] ||
        snprintf(path, PATH_MAX, "%s/earshot/hub.conf", base) >= PATH_MAX)
        path[0] = '\0';
}
