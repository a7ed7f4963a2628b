#!/usr/bin/env bash
# The name of somebody at a window is freed: the window says what it is called now, and stays that.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

STORED=yes
start_hub
named=bob.$(id -u)
terminal ann 80 24
terminal bob 80 24
chat bob bob '#ops'
chat ann ann '#ops'
sees "ann is there" bob "+ ann joined #ops"
enter bob "my old name"
sees "it is heard" ann "#ops <bob> my old name"
exits 0 "his name is released" earshot --name boss release bob
sees "he is told" bob "you are now known as $named: an administrator has freed the name bob"
sees "the others are told, too" ann "= bob is now known as $named"
enter bob "/who #ops"
sees "/who knows it" bob "$named (you)"
is "it is told once" "$(whole_lines bob | grep -c "now known as")" 1
enter ann "/msg $named for you"
sees "mail to the new name" bob "<ann> for you"

kill -9 "$HUB_PID"
sees "the hub is gone" bob "the hub is gone"
"$BIN/earshotd" --dir "$HUB" >>"$T/hub.log" 2>&1
HUB_PID=$(earshot status --json | jq -r .pid)
SEEN+=("$HUB_PID")
sees "it is back" bob "the hub is back"
wait_for "he is here under his name" is_here "$named"
earshot --name carol send "$named" "and after it"
sees "mail to it arrives" bob "<carol> and after it"
enter bob "my new name"
sees "he speaks under it" ann "#ops <$named> my new name"
check "the old name is nobody's" eval '! is_here bob'
