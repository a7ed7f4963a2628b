#include "chat/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "chat/command.h"
#include "chat/format.h"

#define LISTED_MAX 40 /* candidates shown at once */
#define BLANKS " \t\n"

/* readline gives its callbacks no argument. */
static struct chat *window;

/* The candidates for one word, and the next one to hand out. */
static struct {
    char **words;
    size_t n, next;
    const char *word;           /* what they have to begin with */
    const char *before, *after; /* put around each */
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
    }
}

/* The command whose first argument begins at `start`; NULL when the word stands elsewhere. */
static const struct command *command_of_argument(const char *line, int start) {
    size_t n = strcspn(line + 1, BLANKS);
    if (line[0] != '/' || line[1] == '/')
        return NULL;
    size_t blanks = strspn(line + 1 + n, BLANKS);
    return 1 + n + blanks == (size_t)start ? command_find(line + 1, n) : NULL;
}

static void collect(const char *text, int start) {
    const struct command *command = command_of_argument(rl_line_buffer, start);
    found.word = text;
    found.before = found.after = "";
    if (start == 0 && text[0] == '/') {
        found.before = "/";
        found.word++;
        commands_add();
    } else if (command && command->argument != ARGUMENT_NONE) {
        argument_add(command->argument);
    } else if (text[0] == '@') {
        found.before = "@";
        found.word++;
        handles_add(start == 0 ? ":" : "");
    } else {
        handles_add(start == 0 ? ":" : "");
        if (text[0] == '#')
            roster_each(&window->roster, ROSTER_ROOMS, name_visit, NULL);
    }
}

/* Hands the candidates to readline, which frees each. */
static char *generate(const char *text, int state) {
    (void)text;
    (void)state;
    return found.next < found.n ? found.words[found.next++] : NULL;
}

static char **attempt(const char *text, int start, int end) {
    (void)end;
    collect(text, start);
    found.next = 0;
    char **matches = rl_completion_matches(text, generate);
    free(found.words);
    found.words = NULL;
    found.n = 0;
    rl_attempted_completion_over = 1; /* no file names */
    return matches;
}

/* matches[1..n] are the candidates; they stand in one line above the prompt. */
static void list(char **matches, int n, int longest) {
    char *names = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&names, &n_bytes);
    (void)longest;
    if (!out)
        return;
    for (int i = 1; i <= n && i <= LISTED_MAX; i++)
        fprintf(out, "%s%.*s", i > 1 ? "  " : "", (int)strcspn(matches[i], ":"), matches[i]);
    if (n > LISTED_MAX)
        fprintf(out, "  and %d more", n - LISTED_MAX);
    fclose(out);
    view_note(&window->view, VIEW_INFO, "%s", names);
    view_flush(&window->view);
    free(names);
}

void complete_start(struct chat *chat) {
    window = chat;
    rl_attempted_completion_function = attempt;
    rl_completion_display_matches_hook = list;
    rl_basic_word_break_characters = BLANKS;
    rl_completer_word_break_characters = BLANKS;
    rl_basic_quote_characters = "";
    rl_completer_quote_characters = "";
    rl_variable_bind("completion-ignore-case", "on");
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_variable_bind("completion-query-items", "0");
}
