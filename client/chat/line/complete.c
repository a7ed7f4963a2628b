#include "chat/line/complete.h"

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
#include "proto/name.h"

#define COMPLETE_LISTED_MAX 56 /* candidates shown at once: all commands */

/* readline's callbacks have no argument that could be this. */
static struct chat *window;

/* The candidates for one word, and the next one to hand out. */
static struct {
    char **words;
    size_t n, next;
    const char *word;           /* what they have to begin with */
    const char *before, *after; /* put around each */
    size_t n_paths;
    size_t n_before_word; /* bytes of each path that stand in the line before the word */
} candidates;

static void complete_add(const char *name) {
    char **more = realloc(candidates.words, (candidates.n + 1) * sizeof *more);
    if (!more)
        return;
    candidates.words = more;
    if (asprintf(&more[candidates.n], "%s%s%s", candidates.before, name, candidates.after) >= 0)
        candidates.n++;
}

static void complete_visit_name(void *arg, const char *name) {
    (void)arg;
    if (format_begins(name, candidates.word))
        complete_add(name);
}

static void complete_add_commands(void) {
    for (const struct command *command = command_table; command->name; command++)
        if (strncasecmp(command->name, candidates.word, strlen(candidates.word)) == 0)
            complete_add(command->name);
}

static void complete_add_words(const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (strncmp(words[i], candidates.word, strlen(candidates.word)) == 0)
            complete_add(words[i]);
}

static void complete_visit_room(void *arg, const char *name) {
    CLEANUP_FREE char *shown = NULL;
    if (!conv_is_people(name))
        complete_visit_name(arg, name);
    else if (asprintf(&shown, "@%s", conv_rest(name)) >= 0)
        complete_visit_name(arg, shown);
}

/* Behind the "@". */
static void complete_visit_people(void *arg, const char *name) {
    if (conv_is_people(name))
        complete_visit_name(arg, conv_rest(name));
}

static void complete_add_handles(const char *after) {
    candidates.after = after;
    roster_each(&window->roster, ROSTER_KNOWN, complete_visit_name, NULL);
    candidates.after = "";
}

/* Paths. */

/* Also a link to one. */
static bool complete_is_directory(DIR *directory, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/*
 * A typed line has no control characters and no invalid UTF-8, and blanks at its end are cut off.
 */
static bool complete_can_be_typed(const char *name) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(name), TEXT_ONE_LINE);
    return safe && strcmp(safe, name) == 0 && name[strlen(name) - 1] != ' ';
}

static bool complete_wants_path(const char *name, const char *begin) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && begin[0] != '.'))
        return false;
    return strncmp(name, begin, strlen(begin)) == 0 && complete_can_be_typed(name);
}

static DIR *complete_open_directory(const char *typed, int n) {
    CLEANUP_FREE char *path = NULL;
    if (n == 0)
        return opendir(".");
    if (asprintf(&path, "%.*s", n, typed) < 0)
        return NULL;
    CLEANUP_FREE char *full = files_expand(path);
    return opendir(full);
}

static void complete_each_path(const char *typed, void (*visit)(const char *path)) {
    const char *slash = strrchr(typed, '/');
    const char *begin = slash ? slash + 1 : typed;
    int n = (int)(begin - typed);
    DIR *directory = complete_open_directory(typed, n);
    struct dirent *entry;
    // cppcheck-suppress readdirCalled; one stream, one thread
    while (directory && (entry = readdir(directory))) {
        CLEANUP_FREE char *path = NULL;
        if (complete_wants_path(entry->d_name, begin) &&
            asprintf(&path, "%.*s%s%s", n, typed, entry->d_name,
                     complete_is_directory(directory, entry) ? "/" : "") >= 0)
            visit(path);
    }
    if (directory)
        closedir(directory);
}

static void complete_visit_path(const char *path) {
    size_t n = candidates.n;
    complete_add(path + candidates.n_before_word);
    candidates.n_paths += candidates.n - n;
}

/* The path begins at `from`; as it may have blanks, the word at `start` may be only its end. */
static void complete_add_paths(const char *line, size_t from, size_t start) {
    CLEANUP_FREE char *typed = strndup(line + from, start - from + strlen(candidates.word));
    candidates.n_before_word = start - from;
    if (typed)
        complete_each_path(typed, complete_visit_path);
}

static void complete_add_emoji(void) {
    const char *name;
    for (size_t i = 0; (name = earshot_emoji_name(i)); i++) {
        char word[64];
        snprintf(word, sizeof word, ":%s:", name);
        if (strncmp(word, candidates.word, strlen(candidates.word)) == 0)
            complete_add(word);
    }
}

static void complete_add_argument(enum command_argument argument) {
    switch (argument) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_HANDLE:
        complete_add_handles("");
        break;
    case ARGUMENT_ROOM:
        roster_each(&window->roster, ROSTER_ROOMS, complete_visit_room, NULL);
        break;
    case ARGUMENT_CONV:
        complete_add_handles("");
        roster_each(&window->roster, ROSTER_ROOMS, complete_visit_room, NULL);
        break;
    case ARGUMENT_BELL:
        complete_add_words(config_when_words);
        break;
    case ARGUMENT_COMMAND:
        complete_add_commands();
        break;
    case ARGUMENT_LEVEL:
        complete_add_argument(ARGUMENT_CONV);
        complete_add_words(unread_level_words);
        break;
    case ARGUMENT_CHANGE:
        complete_add_argument(ARGUMENT_ROOM);
        complete_add_words(govern_change_words);
        break;
    case ARGUMENT_EMOJI:
        complete_add_emoji();
        break;
    case ARGUMENT_PATH: /* see complete_add_put() */
        break;
    }
}

/*
 * /put [TO] PATH: a word may be TO, or in PATH; and as paths may have blanks, with a target all
 * words together may be PATH.
 */
static void complete_add_put(const char *line, size_t first, size_t start) {
    size_t second = first + command_skip_word(line + first);
    if (start == first)
        complete_add_argument(ARGUMENT_CONV);
    else if (start >= second) /* not among the blanks before it */
        complete_add_paths(line, second, start);
    if (*window->target)
        complete_add_paths(line, first, start);
}

/* The command of the line, and where its arguments begin; NULL: there is none. */
static const struct command *complete_command(const char *line, size_t *first) {
    size_t n = strcspn(line + 1, COMMAND_BLANKS);
    if (line[0] != '/' || line[1] == '/')
        return NULL;
    *first = 1 + command_skip_word(line + 1);
    return command_find(line + 1, n);
}

static void complete_add_names(size_t start) {
    if (candidates.word[0] == '@') {
        candidates.before = "@";
        candidates.word++;
    }
    complete_add_handles(start == 0 ? ":" : "");
    if (candidates.word[0] == '#')
        roster_each(&window->roster, ROSTER_ROOMS, complete_visit_room, NULL);
    else if (*candidates.before == '@')
        roster_each(&window->roster, ROSTER_ROOMS, complete_visit_people, NULL);
}

static void complete_collect(const char *text, size_t start) {
    size_t first = 0;
    const struct command *command = complete_command(rl_line_buffer, &first);
    candidates.word = text;
    candidates.before = candidates.after = "";
    candidates.n_paths = 0;
    if (start == 0 && text[0] == '/') {
        candidates.before = "/";
        candidates.word++;
        complete_add_commands();
    } else if (command && command->argument == ARGUMENT_PATH && start >= first) {
        complete_add_put(rl_line_buffer, first, start);
    } else if (command && command->argument == ARGUMENT_CHANGE && start > first &&
               start == first + command_skip_word(rl_line_buffer + first) &&
               rl_line_buffer[first] == '#') {
        complete_add_words(govern_change_words);
    } else if (command && command->argument != ARGUMENT_NONE &&
               (start == first || command->argument == ARGUMENT_EMOJI)) {
        complete_add_argument(command->argument);
    } else {
        complete_add_names(start);
    }
}

/* Hands the candidates to readline, which frees each. */
static char *complete_generate(const char *text, int state) {
    (void)text;
    (void)state;
    return candidates.next < candidates.n ? candidates.words[candidates.next++] : NULL;
}

static char **complete_attempt(const char *text, int start, int end) {
    (void)end;
    complete_collect(text, (size_t)start);
    bool are_paths = candidates.n > 0 && candidates.n_paths == candidates.n;
    candidates.next = 0;
    /* Paths differ by case. */
    rl_variable_bind("completion-ignore-case", are_paths ? "off" : "on");
    char **matches = rl_completion_matches(text, complete_generate);
    rl_completion_suppress_append = are_paths; /* no blank behind it: a path may go on */
    free(candidates.words);
    candidates.words = NULL;
    candidates.n = 0;
    rl_attempted_completion_over = 1; /* no file names */
    return matches;
}

/* Of a path the last part, of a handle what stands before its colon. */
static void complete_write_match(FILE *out, const char *match) {
    size_t n = strlen(match), from = 0;
    for (size_t i = 0; candidates.n_paths > 0 && i + 1 < n; i++)
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
    for (int i = 1; i <= n && i <= COMPLETE_LISTED_MAX; i++) {
        fputs(i > 1 ? "  " : "", out);
        complete_write_match(out, matches[i]);
    }
    if (n > COMPLETE_LISTED_MAX)
        fprintf(out, "  and %d more", n - COMPLETE_LISTED_MAX);
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
