#!/usr/bin/env bash
# What was offered before the window opened: told when it does, and taken like anything else.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

export STORED=yes # so that the next hub knows the handles, too
start_hub
head -c 3000000 /dev/urandom >"$T/large file"
for i in 1 2 3 4 5 6; do head -c $((50000 + i)) /dev/urandom >"$T/file$i"; done
mkdir "$T/ben"
earshot --name ben -q rooms 2>/dev/null

offer() { # NAME HANDLE PATH...: it is in the hub's list when this returns
    local name=$1 from=$2
    shift 2
    run_earshot "$name" --name "$from" --json put ben "$@"
    await "$from has offered $# of them" offered "$name" $#
}
offered() { # NAME N
    [ "$(grep -cs '"state":"offered"' "$T/$1.out")" -eq "$2" ]
}

offer cat cat "$T/large file"
cat=$PID
terminal ben 100 40
command_in ben "cd $T/ben"
chat ben ben
sees "it is told of" ben "cat offers large file (2.9 MiB); /get or /decline"
enter ben "/files"
sees "it waits" ben "1. large file from cat, 2.9 MiB"
enter ben "/get"
sees "it comes" ben "large file from cat is here"
check "it is the same" cmp "$T/large file" "$T/ben/large file"
ends "$cat"
is "its sender knows" "$STATUS" 0
enter ben "/quit"

offer dan dan "$T"/file?
dan=$PID
command_in ben "clear"
chat ben ben
sees "many are told of in one line" ben "6 files are offered to you; /files lists them"
check "and in no other" hides ben "offers file"
enter ben "/files"
sees "they are listed" ben "6. file6 from dan"
enter ben "/get 2"
sees "one is taken" ben "file2 from dan is here"
check "it is the same" cmp "$T/file2" "$T/ben/file2"

kill -KILL "$HUB_PID"
sees "the hub is gone" ben "the hub is gone"
start_hub
sees "the hub is back" ben "the hub is back"
enter ben "/get dan"
for i in 1 3 4 5 6; do
    sees "what was offered still is" ben "file$i from dan is here"
    check "it is the same" cmp "$T/file$i" "$T/ben/file$i"
done
ends "$dan"
is "their sender knows" "$STATUS" 0
enter ben "/files"
sees "nothing is told or kept twice" ben "no file waits, none is under way"
check "nor got" test ! -e "$T/ben/file1 (2)"
