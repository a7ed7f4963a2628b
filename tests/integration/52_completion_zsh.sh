#!/bin/bash
# Tab in zsh: commands, options, handles, rooms and paths.
# shellcheck source=tests/harness/completion.sh
. "${HARNESS:-$(dirname "$0")/../harness}/completion.sh"

need_shell zsh
start_people
terminal tab 100 30
enter tab "exec env PATH=$BIN:\$PATH EARSHOT_HUB=$HUB PS1='\$ ' zsh -f -d"
enter tab "fpath=($COMPLETION \$fpath); autoload -Uz compinit; compinit -u -D; clear"
try_completion
