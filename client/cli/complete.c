/*
 * `complete`: what could come next on a command line. The shells' completion scripts only call it,
 * so every command and option of the tables is completed as soon as it is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "ipc/rendezvous.h"
#include "proto/name.h"

#define COMPLETE_MS 5000 /* somebody sits there and waits */

/* Directives to the shell; no handle begins with a colon. */
#define FILES ":files"
#define DIRECTORIES ":directories"

struct completion {
    struct cli_options options;        /* for asking the hub */
    const struct cli_command *command; /* NULL: the word is the command, or an option before it */
    const struct cli_option *option;   /* the word is its value */
    bool is_unknown;                   /* the command is: nothing can be said */
    bool only_words;                   /* after -- */
    int n_words;                       /* of the command, before this one */
    const char *kept;                  /* what of the word stays as it is: "--wait=", "bob," */
    size_t n_kept;
    const char *word; /* the rest: what is completed */
};

static void complete_offer(const struct completion *line, const char *candidate,
                           const char *about) {
    char text[1024];
    if (candidate[0] != ':' && strncmp(candidate, line->word, strlen(line->word)) != 0)
        return;
    snprintf(text, sizeof text, "%.*s%s", (int)line->n_kept, line->kept, candidate);
    CLEANUP_FREE char *safe = earshot_safe(about, strlen(about), false);
    if (line->options.json)
        json_completion(text, about);
    else if (*about && safe)
        printf("%s\t%s\n", text, safe);
    else
        puts(text);
}

/* The words before. */

static const struct cli_option *complete_find_row(const struct cli_option *row, const char *word) {
    size_t n = strcspn(word, "=");
    for (; row && row->name; row++) {
        bool is_long = strncmp(word, "--", 2) == 0 && strlen(row->name) == n - 2 &&
                       strncmp(row->name, word + 2, n - 2) == 0;
        if (is_long || (row->letter && word[1] == row->letter))
            return row;
    }
    return NULL;
}

static const struct cli_option *complete_find_option(const struct completion *line,
                                                     const char *word) {
    const struct cli_option *row = complete_find_row(cli_global_options, word);
    return row || !line->command ? row : complete_find_row(line->command->options, word);
}

/* Which hub is meant, and as whom. */
static void complete_take_value(struct completion *line, const struct cli_option *option,
                                const char *value) {
    if (option->type == CLI_STRING && option->offset == CLI_AT(hub))
        line->options.hub = value;
    if (option->type == CLI_STRING && option->offset == CLI_AT(name))
        line->options.name = value;
}

static void complete_take_option(struct completion *line, const char *word) {
    const struct cli_option *option = complete_find_option(line, word);
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    bool is_alone = strncmp(word, "--", 2) == 0 || word[2] == '\0';
    if (!option || !option->argument)
        return;
    if (equals)
        complete_take_value(line, option, equals + 1);
    else if (is_alone)
        line->option = option;
}

static void complete_take_word(struct completion *line, const char *word) {
    if (line->option) {
        complete_take_value(line, line->option, word);
        line->option = NULL;
    } else if (!line->only_words && strcmp(word, "--") == 0) {
        line->only_words = true;
    } else if (!line->only_words && word[0] == '-' && word[1]) {
        complete_take_option(line, word);
    } else if (!line->command) {
        line->command = cli_command_find(word);
        line->is_unknown = !line->command;
    } else {
        line->n_words++;
    }
}

/* What the hub knows. */

/* A hub that is named is never started: pressing Tab changes nothing. */
static int complete_ask(struct completion *line, earshot **link) {
    static char dir[PATH_MAX];
    enum rendezvous_origin origin;
    *link = NULL;
    if (rendezvous_locate(dir, &origin, line->options.hub) != 0)
        return CLI_NO_HUB;
    line->options.hub = dir;
    line->options.timeout_ms = COMPLETE_MS;
    return cli_request_open(link, &line->options);
}

static void complete_listed(void *arg, const struct earshot_event *event) {
    bool is_room = event->type == EARSHOT_EVENT_ROOM;
    const char *text = is_room ? event->room.name : event->user.handle;
    struct name name;
    if (name_parse(&name, bytes_of(text)) == NAME_OK)
        complete_offer(arg, text, is_room ? event->room.topic : event->user.away);
}

static void complete_list(struct completion *line, earshot *link, enum earshot_list list) {
    uint32_t request = 0;
    int result = earshot_ask(link, list, NULL, &request);
    (void)cli_request_wait(link, &line->options, result, request, complete_listed, line);
}

static void complete_claim(void *arg, const struct earshot_event *event) {
    struct name name;
    if (event->claim.place == 0 && name_parse_claim(&name, bytes_of(event->claim.name)) == NAME_OK)
        complete_offer(arg, event->claim.name, event->claim.note);
}

static void complete_claims(struct completion *line) {
    earshot *link;
    uint32_t request = 0;
    if (complete_ask(line, &link) != CLI_DONE)
        return;
    int result = earshot_claims(link, &request);
    (void)cli_request_wait(link, &line->options, result, request, complete_claim, line);
    earshot_close(link);
}

static void complete_names(struct completion *line, bool handles, bool rooms) {
    earshot *link;
    if (complete_ask(line, &link) != CLI_DONE)
        return;
    if (handles)
        complete_list(line, link, EARSHOT_USERS);
    if (rooms)
        complete_list(line, link, EARSHOT_ROOMS);
    earshot_close(link);
}

/* This word. */

static void complete_commands(const struct completion *line) {
    for (const struct cli_command *command = cli_commands; command->name; command++)
        complete_offer(line, command->name, command->summary);
}

static void complete_options(const struct completion *line, const struct cli_option *row) {
    char text[64];
    for (; row && row->name; row++) {
        snprintf(text, sizeof text, "--%s", row->name);
        complete_offer(line, text, row->summary);
    }
}

/* "sent|stored|read" */
static void complete_choices(const struct completion *line, const char *choices) {
    char choice[64];
    for (const char *at = choices; *at;) {
        size_t n = strcspn(at, "|");
        snprintf(choice, sizeof choice, "%.*s", (int)n, at);
        complete_offer(line, choice, "");
        at += n + (at[n] == '|');
    }
}

/* Of "bob,ca" only "ca" is completed. */
static void complete_keep_list(struct completion *line) {
    const char *comma = strrchr(line->word, ',');
    if (!comma)
        return;
    if (line->n_kept == 0)
        line->kept = line->word;
    line->n_kept += (size_t)(comma + 1 - line->word);
    line->word = comma + 1;
}

/* `kind` is what help calls the value: TO, #ROOM, DIR, sent|stored. */
static void complete_value(struct completion *line, const char *kind) {
    if (strcmp(kind, "TO") == 0)
        complete_keep_list(line);
    if (strcmp(kind, "TO") == 0 || strcmp(kind, "CONV") == 0)
        complete_names(line, true, true);
    else if (strcmp(kind, "#ROOM") == 0)
        complete_names(line, false, true);
    else if (strcmp(kind, "HANDLE") == 0)
        complete_names(line, true, false);
    else if (strcmp(kind, "NAME") == 0)
        complete_claims(line);
    else if (strcmp(kind, "COMMAND") == 0)
        complete_commands(line);
    else if (strcmp(kind, "DIR") == 0)
        complete_offer(line, DIRECTORIES, "");
    else if (strcmp(kind, "PATH") == 0 || strcmp(kind, "FILE") == 0 || strcmp(kind, "CMD") == 0)
        complete_offer(line, FILES, "");
    else if (strchr(kind, '|'))
        complete_choices(line, kind);
}

/* The n-th of "TO [TEXT...]" without its brackets and dots; the last one if it may be repeated. */
static bool complete_find_kind(const char *words, int n, char kind[64]) {
    static const char blanks[] = " []";
    bool repeats = false, found = false;
    for (const char *at = words + strspn(words, blanks); *at && n >= 0;) {
        size_t size = strcspn(at, blanks);
        repeats = size > 3 && strncmp(at + size - 3, "...", 3) == 0;
        found = strncmp(at, "--", size) != 0;
        snprintf(kind, 64, "%.*s", (int)(repeats ? size - 3 : size), at);
        n -= found;
        at += size;
        at += strspn(at, blanks);
    }
    return found && (n < 0 || repeats);
}

static void complete_word(struct completion *line) {
    char kind[64];
    const char *equals = strncmp(line->word, "--", 2) == 0 ? strchr(line->word, '=') : NULL;
    const struct cli_option *option = line->option;
    if (!option && !line->only_words && equals) {
        option = complete_find_option(line, line->word);
        line->kept = line->word;
        line->n_kept = (size_t)(equals + 1 - line->word);
        line->word = equals + 1;
    }
    if (option && option->argument) {
        complete_value(line, option->argument);
    } else if (!line->only_words && line->word[0] == '-') {
        complete_options(line, line->command ? line->command->options : NULL);
        complete_options(line, cli_global_options);
    } else if (!line->command) {
        complete_commands(line);
    } else if (complete_find_kind(line->command->words, line->n_words, kind)) {
        complete_value(line, kind);
    }
}

int cli_complete(const struct cli_options *options, int n_words, char **words) {
    struct completion line = {.options = *options, .kept = "", .word = words[n_words - 1]};
    line.options.start = false;
    for (int i = 0; i < n_words - 1 && !line.is_unknown; i++)
        complete_take_word(&line, words[i]);
    if (!line.is_unknown)
        complete_word(&line);
    return cli_flush();
}
