#!/usr/bin/env bash
# Standing rules to the byte; and how to take what none of them takes.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

export STORED=yes
start_hub
mkdir "$T/ben"
head -c 10239 /dev/urandom >"$T/below"
head -c 10240 /dev/urandom >"$T/tenk"
head -c 10241 /dev/urandom >"$T/above"
head -c 10240 /dev/urandom >"$T/early"
: >"$T/empty"
printf '[files]\ndirectory = %s/ben\naccept = ann 10K\n' "$T" >"$T/config"
earshot --name ben -q rooms 2>/dev/null
terminal ann 100 30
terminal ben 100 30
command_in ben "export EARSHOT_CONFIG=$T/config"
chat ann ann '#ops'
enter ann "/put ben $T/early"
sees "sent before" ann "early was sent to ben"

chat ben ben '#ops'
sees "what was waiting is taken" ben "early from ann is here"
check "and no question" hides ben "ann offers early"
for file in below tenk empty; do
    enter ann "/put ben $T/$file"
    sees "$file is taken" ben "$file from ann is here"
    check "it is the same" cmp "$T/$file" "$T/ben/$file"
done
enter ann "/put #ops $T/tenk"
sees "in a room, too" ben "tenk (2) from ann is here"
check "there was no question" hides ben "ann offers tenk"

enter ann "/put ben $T/above"
sees "one byte more is a question" ben "ann offers above (10 KiB); /get or /decline"
check "it is not there" test ! -e "$T/ben/above"
enter ben "/files"
sees "it waits, with its size" ben "1. above from ann, 10 KiB"
enter ben "/get above"
sees "it can be taken by its name" ben "above from ann is here"
check "it is the same" cmp "$T/above" "$T/ben/above"
