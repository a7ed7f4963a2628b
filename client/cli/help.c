#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/report.h"

#define FIRST_COLUMN 26

/* Two columns; a long first one gets a line of its own. */
static void print_pair(const char *text, const char *summary) {
    if (strlen(text) > FIRST_COLUMN)
        printf("  %s\n  %-*s %s\n", text, FIRST_COLUMN, "", summary);
    else
        printf("  %-*s %s\n", FIRST_COLUMN, text, summary);
}

static void print_option(const struct cli_option *option) {
    char text[64];
    snprintf(text, sizeof text, "%c%c%s--%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    print_pair(text, option->summary);
}

static void print_options(const char *title, const struct cli_option *options) {
    printf("\n%s:\n", title);
    for (; options->name; options++)
        print_option(options);
}

int help_program(void) {
    printf("Talk with everybody who is logged in to this machine.\n\n"
           "usage: earshot [OPTION...] [COMMAND [WORD...]]\n\ncommands:\n");
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        char text[64];
        snprintf(text, sizeof text, "%s %s", command->name, command->words);
        print_pair(text, command->summary);
    }
    print_options("options, before or after the command", cli_global_options);
    printf("\nA room is written #name; quote it for the shell: earshot send '#ops' hello\n"
           "`earshot help COMMAND` tells more about one command.\n");
    return cli_flush();
}

int help_command(const struct cli_command *command) {
    printf("usage: earshot %s%s%s%s\n\n%s\n", command->name, command->options ? " [OPTION...]" : "",
           *command->words ? " " : "", command->words, command->summary);
    if (command->details)
        printf("%s\n", command->details);
    if (command->options)
        print_options("options", command->options);
    print_options("global options", cli_global_options);
    return cli_flush();
}

int help_version(void) {
    printf("earshot %s\n", EARSHOT_VERSION);
    return cli_flush();
}

int cli_help(const struct cli_options *options, int n_words, char **words) {
    if (n_words == 0)
        return help_program();
    const struct cli_command *command = cli_command_find(words[0]);
    if (command)
        return help_command(command);
    const char *nearest = cli_command_nearest(words[0]);
    return cli_fail(options, CLI_USAGE, "usage",
                    "there is no command \"%s\" to explain; try `earshot help%s%s`", words[0],
                    nearest ? " " : "", nearest ? nearest : "");
}
