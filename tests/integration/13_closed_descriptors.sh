#!/bin/bash
# Standard input, output or error that the caller closed stay closed for everything that is said:
# none of the program's own descriptors takes their place.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

# Of earshot's children too: `run` gives them what it has itself.
without() { # DESCRIPTOR COMMAND...
    case $1 in
    input) "${@:2}" <&- ;;
    output) "${@:2}" >&- ;;
    error) "${@:2}" 2>&- ;;
    esac
}

start_hub
earshot --name bob status >/dev/null
head -c 100000 /dev/urandom >"$T/content"

exits 65 "nothing to send" without input earshot send bob
check "as it would be without us" has "$ERR" "Bad file descriptor"
exits 65 "no lines to send" without input earshot send --lines bob
check "as it would be without us" has "$ERR" "Bad file descriptor"
exits 0 "a text needs no input" without input earshot send bob hello
exits 0 "a window whose input has ended" without input earshot --name carol chat --timeout 20
exits 65 "a stream of nothing" without input earshot --name alice put bob - --timeout 20
check "as it would be without us" has "$ERR" "Bad file descriptor"
exits 65 "a pipe of nothing" without input earshot --name alice pipe bob --timeout 20
check "as it would be without us" has "$ERR" "Bad file descriptor"

exits 1 "nowhere to list" without output earshot status
check "as it would be without us" has "$ERR" "standard output: Bad file descriptor"
try without error earshot send nobody-at-all hello
check "a failure that nobody hears of" test "$STATUS" -eq 67

run_earshot put --name alice put bob "$T/content"
try without error earshot --name bob get --dir "$T" --timeout 20
check "taken without a word" test "$STATUS" -eq 0
check "and whole" cmp "$T/content" "$T/content (2)"
ends "$PID"
check "put knows" test "$STATUS" -eq 0
