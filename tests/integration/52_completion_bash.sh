#!/bin/bash
# Tab in bash: commands, options, handles, rooms and paths.
# shellcheck source=tests/harness/completion.sh
. "${HARNESS:-$(dirname "$0")/../harness}/completion.sh"

need_shell bash
start_people
terminal tab 100 30
enter tab "PATH=$BIN:\$PATH EARSHOT_HUB=$HUB; export EARSHOT_HUB; . $COMPLETION/earshot.bash; clear"
try_completion
