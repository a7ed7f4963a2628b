/* Help, made from the table of commands and the tables of options. All go to standard output. */
#pragma once

#include "cli/command.h"

int help_program(void);
int help_command(const struct cli_command *command);
int help_version(void);
