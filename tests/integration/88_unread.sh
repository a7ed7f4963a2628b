#!/bin/bash
# How much is unread, for a prompt: quick and silent, seen by nobody, and the same wherever it is
# asked for.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

quiet() { # CODE WHAT COMMAND...: this status, and not a word
    local code=$1 what=$2
    shift 2
    try "$@"
    is "$what: exit status" "$STATUS" "$code"
    is "$what: nothing is said" "$OUT$ERR" ""
}

quiet 69 "no hub" earshot unread
quiet 69 "no hub, as JSON" earshot unread --json
check "none is started" test ! -e "$HUB/hub"
STORED=yes start_hub

quiet 0 "nobody has been here" earshot --name bob unread
is "and nobody is, because of that" "$(earshot --name ann who --all --json | jq -r .handle | grep -c bob)" 0
earshot --name bob -q send bob "a note to oneself"
earshot --name ann -q send bob "are you there, bob?"
earshot --name ann -q send bob "never mind"
is "of a person" "$(earshot --name bob unread)" "@ann: 2 unread"
check "as JSON" json '.type == "unread" and .conv == "ann" and .unread == 2 and .mentions == 1 and .seq > 0' \
    "$(earshot --name bob unread --json)"
is "asking marks nothing" "$(earshot --name bob unread --total)" "2 unread, 2 direct"

earshot --name bob chat '#ops' </dev/null >/dev/null 2>&1
is "what the window without a terminal has shown is read" "$(earshot --name bob unread)" ""
earshot --name ann chat '#ops' </dev/null >/dev/null 2>&1
printf '%s\n' "all of you, and Bob" two three | earshot --name ann -q send --lines '#ops'
earshot --name bob -q send '#ops' "what one says oneself is not unread"
earshot --name ann -q send bob hello
is "people come first, and rooms say who was named" "$(earshot --name bob unread | paste -sd';')" \
    "@ann: 1 unread;#ops: 3 unread, 1 for you"
is "of one conversation" "$(earshot --name bob unread '#ops')" "#ops: 3 unread, 1 for you"
is "named twice it is there once" "$(earshot --name bob unread '#ops' ann '#OPS' | paste -sd';')" \
    "@ann: 1 unread;#ops: 3 unread, 1 for you"
is "and counted once" "$(earshot --name bob unread -t ann ann)" "1 unread, 1 direct"
is "for a prompt" "$(earshot --name bob unread --prompt)" "@ann 1 #ops 3!"
is "in all" "$(earshot --name bob unread -t)" "4 unread, 1 direct, 1 for you"
check "in all, as JSON" json '.type == "unread-total" and .unread == 4 and .direct == 1 and .mentions == 1' \
    "$(earshot --name bob unread --total --json)"
quiet 0 "a conversation that nobody has" earshot --name bob unread nobody-at-all
exits 64 "a name that cannot be one" earshot --name bob unread 'a b'

is "his mail still waits" "$(earshot --name bob --json tail --dm --count 1 | jq -r .text)" hello
counted() { [ "$(earshot --name bob unread)" = "$1" ]; }
wait_for "what a program has shown is read, in that conversation" counted "#ops: 3 unread, 1 for you"

# Others see nothing of who asks.
for _ in 1 2 3; do earshot --name bob unread >/dev/null; done
is "bob is not here" "$(earshot who --json | jq -r .handle | grep -c bob)" 0
is "nor has he been active" "$(earshot who --all --json | jq 'select(.handle == "bob").idle_s >= 0')" true

"$BIN/earshotd" --dir "$HUB" --stop
quiet 69 "the hub is stopped" earshot --name bob unread
STORED=yes start_hub
is "a new hub knows it" "$(earshot --name bob unread)" "#ops: 3 unread, 1 for you"

kill -STOP "$HUB_PID"
quiet 75 "a hub that does not answer" earshot --name bob unread
quiet 75 "the same, as JSON" earshot --name bob unread --json
kill -CONT "$HUB_PID"
is "it answers again" "$(earshot --name bob unread --total)" "3 unread, 1 for you"
stop_hub

start_hub # without a store
earshot --name bob -q send bob "a note"
earshot --name ann -q send bob "in memory only"
is "a hub without a store counts as well" "$(earshot --name bob unread)" "@ann: 1 unread"
