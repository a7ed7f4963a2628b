#include "chat/complete.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/readline.h>

#include "base/macro.h"
#include "base/text.h"
#include "chat/command.h"
#include "chat/files.h"
#include "chat/format.h"

#define LISTED_MAX 40 /* candidates shown at once */

/* readline gives its callbacks no argument. */
static struct chat *window;

/* The candidates for one word, and the next one to hand out. */
static struct {
    char **words;
    size_t n, next;
    const char *word;           /* what they have to begin with */
    const char *before, *after; /* put around each */
    size_t n_paths;
    size_t n_before_word; /* bytes of each path that stand in the line before the word */
} found;

static void found_add(const char *name) {
    char **more = realloc(found.words, (found.n + 1) * sizeof *more);
    if (!more)
        return;
    found.words = more;
    if (asprintf(&more[found.n], "%s%s%s", found.before, name, found.after) >= 0)
        found.n++;
}

static void name_visit(void *arg, const char *name) {
    (void)arg;
    if (format_begins(name, found.word))
        found_add(name);
}

static void commands_add(void) {
    for (const struct command *command = command_table; command->name; command++)
        if (strncasecmp(command->name, found.word, strlen(found.word)) == 0)
            found_add(command->name);
}

static void bell_words_add(void) {
    for (int i = 0; config_when_words[i]; i++)
        if (strncmp(config_when_words[i], found.word, strlen(found.word)) == 0)
            found_add(config_when_words[i]);
}

static void handles_add(const char *after) {
    found.after = after;
    roster_each(&window->roster, ROSTER_KNOWN, name_visit, NULL);
    found.after = "";
}

/* Paths. */

/* Links to directories are some. */
static bool is_directory(DIR *directory, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* A line has neither controls nor bytes that are no text; and blanks at its end are cut. */
static bool can_be_typed(const char *name) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
    return safe && strcmp(safe, name) == 0 && name[strlen(name) - 1] != ' ';
}

static bool path_is_wanted(const char *name, const char *begin) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && begin[0] != '.'))
        return false;
    return strncmp(name, begin, strlen(begin)) == 0 && can_be_typed(name);
}

static DIR *directory_of(const char *typed, int n) {
    CLEANUP_FREE char *path = NULL;
    if (n == 0)
        return opendir(".");
    if (asprintf(&path, "%.*s", n, typed) < 0)
        return NULL;
    CLEANUP_FREE char *full = files_expand(path);
    return opendir(full);
}

static void complete_path_each(const char *typed, void (*visit)(const char *path)) {
    const char *slash = strrchr(typed, '/');
    const char *begin = slash ? slash + 1 : typed;
    int n = (int)(begin - typed);
    DIR *directory = directory_of(typed, n);
    struct dirent *entry;
    // cppcheck-suppress readdirCalled; one stream, one thread
    while (directory && (entry = readdir(directory))) {
        CLEANUP_FREE char *path = NULL;
        if (path_is_wanted(entry->d_name, begin) &&
            asprintf(&path, "%.*s%s%s", n, typed, entry->d_name,
                     is_directory(directory, entry) ? "/" : "") >= 0)
            visit(path);
    }
    if (directory)
        closedir(directory);
}

static void path_visit(const char *path) {
    size_t n = found.n;
    found_add(path + found.n_before_word);
    found.n_paths += found.n - n;
}

/* A path may have blanks: it begins at `from`, the word at `start` is the end of it. */
static void paths_add(const char *line, size_t from, size_t start) {
    CLEANUP_FREE char *typed = strndup(line + from, start - from + strlen(found.word));
    found.n_before_word = start - from;
    if (typed)
        complete_path_each(typed, path_visit);
}

static void argument_add(enum command_argument argument) {
    switch (argument) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_HANDLE:
        handles_add("");
        break;
    case ARGUMENT_ROOM:
        roster_each(&window->roster, ROSTER_ROOMS, name_visit, NULL);
        break;
    case ARGUMENT_CONV:
        handles_add("");
        roster_each(&window->roster, ROSTER_ROOMS, name_visit, NULL);
        break;
    case ARGUMENT_BELL:
        bell_words_add();
        break;
    case ARGUMENT_COMMAND:
        commands_add();
        break;
    case ARGUMENT_PATH: /* see put_add() */
        break;
    }
}

/* [TO] PATH: what has a blank before it may be a path as a whole, too. */
static void put_add(const char *line, size_t first, size_t start) {
    size_t second = first + command_skip_word(line + first);
    if (start == first)
        argument_add(ARGUMENT_CONV);
    else if (start >= second) /* and not among the blanks before it */
        paths_add(line, second, start);
    if (*window->target)
        paths_add(line, first, start);
}

/* The command of the line, and where its arguments begin; NULL: there is none. */
static const struct command *command_of(const char *line, size_t *first) {
    size_t n = strcspn(line + 1, COMMAND_BLANKS);
    if (line[0] != '/' || line[1] == '/')
        return NULL;
    *first = 1 + command_skip_word(line + 1);
    return command_find(line + 1, n);
}

static void name_add(size_t start) {
    if (found.word[0] == '@') {
        found.before = "@";
        found.word++;
    }
    handles_add(start == 0 ? ":" : "");
    if (found.word[0] == '#')
        roster_each(&window->roster, ROSTER_ROOMS, name_visit, NULL);
}

static void complete_collect(const char *text, size_t start) {
    size_t first = 0;
    const struct command *command = command_of(rl_line_buffer, &first);
    found.word = text;
    found.before = found.after = "";
    found.n_paths = 0;
    if (start == 0 && text[0] == '/') {
        found.before = "/";
        found.word++;
        commands_add();
    } else if (command && command->argument == ARGUMENT_PATH && start >= first) {
        put_add(rl_line_buffer, first, start);
    } else if (command && command->argument != ARGUMENT_NONE && start == first) {
        argument_add(command->argument);
    } else {
        name_add(start);
    }
}

/* Hands the candidates to readline, which frees each. */
static char *complete_generate(const char *text, int state) {
    (void)text;
    (void)state;
    return found.next < found.n ? found.words[found.next++] : NULL;
}

static char **complete_attempt(const char *text, int start, int end) {
    (void)end;
    complete_collect(text, (size_t)start);
    bool are_paths = found.n > 0 && found.n_paths == found.n;
    found.next = 0;
    /* Of paths, case counts. */
    rl_variable_bind("completion-ignore-case", are_paths ? "off" : "on");
    char **matches = rl_completion_matches(text, complete_generate);
    rl_completion_suppress_append = are_paths; /* they may go on */
    free(found.words);
    found.words = NULL;
    found.n = 0;
    rl_attempted_completion_over = 1; /* no file names */
    return matches;
}

/* Of a path the last part, of a handle what stands before its colon. */
static void write_match(FILE *out, const char *match) {
    size_t n = strlen(match), from = 0;
    for (size_t i = 0; found.n_paths > 0 && i + 1 < n; i++)
        if (match[i] == '/')
            from = i + 1;
    if (n > 0 && match[n - 1] == ':')
        n--;
    fprintf(out, "%.*s", (int)(n - from), match + from);
}

/* matches[1..n] are the candidates; they stand in one line above the prompt. */
static void complete_list(char **matches, int n, int longest) {
    char *names = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&names, &n_bytes);
    (void)longest;
    if (!out)
        return;
    for (int i = 1; i <= n && i <= LISTED_MAX; i++) {
        fputs(i > 1 ? "  " : "", out);
        write_match(out, matches[i]);
    }
    if (n > LISTED_MAX)
        fprintf(out, "  and %d more", n - LISTED_MAX);
    fclose(out);
    view_note(&window->view, VIEW_INFO, "%s", names);
    view_flush(&window->view);
    free(names);
}

void complete_start(struct chat *chat) {
    window = chat;
    rl_attempted_completion_function = complete_attempt;
    rl_completion_display_matches_hook = complete_list;
    rl_basic_word_break_characters = COMMAND_BLANKS;
    rl_completer_word_break_characters = COMMAND_BLANKS;
    rl_basic_quote_characters = "";
    rl_completer_quote_characters = "";
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_variable_bind("completion-query-items", "0");
}
