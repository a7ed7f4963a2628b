#!/usr/bin/env bash
# A standing rule holds for what comes, not for what was offered.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
mkdir "$T/ben"
for name in less more; do head -c 50000 /dev/urandom >"$T/$name"; done
printf '[files]\ndirectory = %s/ben\naccept = ann 100K\n' "$T" >"$T/config"
earshot --name ben -q rooms 2>/dev/null
earshot --name ann put --no-wait ben "$T/less" "$T/more"
head -c 52400 /dev/urandom >>"$T/less"
head -c 52401 /dev/urandom >>"$T/more"
terminal ben 120 30
command_in ben "export EARSHOT_CONFIG=$T/config"
chat ben ben
sees "what has grown to the limit is taken" ben "less from ann is here"
sees "and it is told" ben "it has changed since it was offered: 50000 bytes then, 102400"
check "it is the same" cmp "$T/less" "$T/ben/less"
sees "one byte more is cut off" ben "more from ann: it is more than the recipient takes"
check "nothing is there" test ! -e "$T/ben/more" -a ! -e "$T/ben/more.part"
