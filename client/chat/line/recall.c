#include "chat/line/recall.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/macro.h"
#include "chat/memory.h"
#include "cli/kept.h"

#define RECALL_LINES 1000
#define RECALL_LINE_SIZE 4096         /* with its end; longer ones are not written down */
#define RECALL_FILE "lines"           /* no handle and hub have this name: these have a "!" in it */
#define RECALL_BYTES_MAX (512 * 1024) /* then only the last lines are kept */

static char *recall_path; /* NULL: nothing is written down */

/* Reads up to RECALL_LINES of it; returns its size. */
static off_t recall_load(void) {
    char line[RECALL_LINE_SIZE];
    struct stat status = {0};
    FILE *in = kept_open(recall_path, NULL);
    if (!in || fstat(fileno(in), &status) < 0)
        status.st_size = 0;
    while (in && fgets(line, sizeof line, in)) {
        size_t n = strcspn(line, "\n");
        if (n == 0 || line[n] != '\n')
            continue;
        line[n] = '\0';
        add_history(line);
    }
    if (in)
        fclose(in);
    return status.st_size;
}

static void recall_write_all(void *arg, FILE *out) {
    (void)arg;
    for (int i = history_base; i < history_base + history_length; i++)
        fprintf(out, "%s\n", history_get(i)->line);
}

void recall_start(void) {
    stifle_history(RECALL_LINES);
    using_history();
    recall_path = memory_path(RECALL_FILE);
    if (!recall_path)
        return;
    if (recall_load() >= RECALL_BYTES_MAX)
        kept_renew(recall_path, recall_write_all, NULL);
}

void recall_stop(void) {
    clear_history();
    free(recall_path);
    recall_path = NULL;
}

/* Whether this was typed to say that: alone, behind a command, or with a "/" before its own. */
static bool recall_says(const char *line, const char *text) {
    size_t n = strlen(line), n_text = strlen(text);
    while (n > n_text && strchr(" \t\r\n", line[n - 1]))
        n--;
    if (n < n_text || memcmp(line + n - n_text, text, n_text) != 0)
        return false;
    return n == n_text ||
           (line[0] == '/' && (n == n_text + 1 || strchr(" \t", line[n - n_text - 1])));
}

struct recall_rest {
    FILE *in;
    const char *text;
};

/* The other lines, those of other windows, too. */
static void recall_write_rest(void *arg, FILE *out) {
    char line[RECALL_LINE_SIZE];
    const struct recall_rest *rest = arg;
    while (fgets(line, sizeof line, rest->in))
        if (!recall_says(line, rest->text))
            fputs(line, out);
}

static bool recall_file_says(FILE *in, const char *text) {
    char line[RECALL_LINE_SIZE];
    while (fgets(line, sizeof line, in))
        if (recall_says(line, text))
            return true;
    return false;
}

static void recall_forget_kept(const char *text) {
    struct recall_rest rest = {recall_path ? kept_open(recall_path, NULL) : NULL, text};
    if (!rest.in)
        return;
    if (recall_file_says(rest.in, text)) {
        rewind(rest.in);
        kept_renew(recall_path, recall_write_rest, &rest);
    }
    fclose(rest.in);
}

/* Where the Up key has come to stays where it is. */
static void recall_forget_known(const char *text) {
    int at = where_history();
    for (int i = history_length - 1; i >= 0; i--) {
        const HIST_ENTRY *entry = history_get(history_base + i);
        if (!entry || !recall_says(entry->line, text))
            continue;
        free_history_entry(remove_history(i));
        at -= i < at;
    }
    history_set_pos(at);
}

void recall_forget(const char *text) {
    if (!*text)
        return;
    recall_forget_known(text);
    recall_forget_kept(text);
}

/* Words that stand beside what is nobody's business. */
static bool recall_is_secret(const char *line) {
    static const char *const signs[] = {"passw",       "passphrase",     "secret",  "token",
                                        "apikey",      "api_key",        "api-key", "credential",
                                        "private key", "authorization:", "bearer ", "identify "};
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strcasestr(line, signs[i]))
            return true;
    return false;
}

static void recall_write(const char *line) {
    CLEANUP_FREE char *text = NULL;
    if (!recall_path || line[0] == ' ' || strlen(line) + 2 > RECALL_LINE_SIZE ||
        strchr(line, '\n') || recall_is_secret(line))
        return;
    if (asprintf(&text, "%s\n", line) < 0)
        text = NULL;
    else
        (void)kept_append(recall_path, text); /* else it is known to this window only */
}

void recall_add(const char *line) {
    using_history();
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || (last && strcmp(last->line, line) == 0))
        return;
    add_history(line);
    recall_write(line);
}
