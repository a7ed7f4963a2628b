#!/bin/bash
# A name that nobody has: a person is told which names are near, a script is not kept waiting.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
for name in alice bob bobby carol; do earshot --name "$name" -q who >/dev/null; done

on_a_terminal() { # WORD...: earshot's words, as a person at a terminal reads them
    script -qec "$(printf '%q ' "$BIN/earshot" --hub "$HUB" "$@")" /dev/null </dev/null | tr -d '\r'
}

near() { # WHAT WANTED WORD...
    is "$1" "$(on_a_terminal "${@:3}" | sed -n 's/.*near: //p')" "$2"
}

near "a letter too few" "bob, bobby" --name alice send bo hi
near "another letter" alice --name bob send alise hi
near "case does not matter" alice --name bob send ALISE hi
near "of the past, too" carol --name bob history carrol
near "of a search" carol --name bob search --from carrol word
near "and of what is to be forgotten" carol --name bob forget karol
near "of a file" carol --name bob put carrol "$0"
near "nobody is near" "" --name bob send zzzzzz hi
earshot --name carol send '#build' "made"
run_earshot build --name bot tail '#build'
wait_for "a room" has_members '#build' 1
near "a room without its sign" "#build" --name bob history build

exits 67 "a script gets the same status" earshot --name alice send bo hi
check "and one line" test "$(wc -l <<<"$ERR")" -eq 1
exits 67 "and JSON" earshot --name alice --json send bo hi
check "one object" json '.code == "no-user"' "$ERR"
