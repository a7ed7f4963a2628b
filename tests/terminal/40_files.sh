#!/usr/bin/env bash
# Files in the window: offered, taken, refused; one line at the start and one at the end.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

start_hub
head -c 3000000 /dev/urandom >"$T/large file"
echo small >"$T/small"
mkdir "$T/ben"
terminal ann 100 40
terminal ben 100 40
command_in ben "cd $T/ben"
chat ann ann '#ops'
chat ben ben '#ops'
sees "they see each other" ann "ben"

enter ann "/put ben $T/large file"
sees "it is offered" ann "is offered to ben"
sees "to ben" ben "ann offers large file (2.9 MiB); /get or /decline"
enter ben "/files"
sees "it waits" ben "1. large file from ann, 2.9 MiB"
enter ben "/get"
sees "the start" ben "large file is coming from ann"
sees "and the end" ben "large file from ann is here"
sees "the sender hears of the start" ann "ben takes large file"
sees "and of the end" ann "ben has large file (2.9 MiB)"
check "it is the same" cmp "$T/large file" "$T/ben/large file"

enter ann "/put #ops $T/small"
sees "a small one is a message" ben "[file small, 6 bytes]"
enter ben "/get ann"
sees "it is here" ben "small from ann is here"
sees "its sender hears of it" ann "ben has small"
check "it is the same" cmp "$T/small" "$T/ben/small"

enter ann "/put ben $T/large file"
await "the next offer" shows_times ben "ann offers large file" 2
enter ben "/decline 1"
sees "refused" ann "ben does not want large file"

"$BIN/earshot" --hub "$HUB" --name cat put ben "$T/large file" >"$T/cat.out" 2>&1 &
cat=$!
sees "one more" ben "cat offers large file"
kill -STOP "$cat"
enter ben "/get"
enter ben "/files"
sees "it is taken" ben "1. large file from cat, 2.9 MiB: not begun yet"
kill -KILL "$cat"
wait "$cat" 2>/dev/null
sees "its sender ended before it began" ben "cat does not offer large file any more"

enter ben "/get"
sees "nothing is left" ben "nothing like that waits for you"
enter ann "/put ben $T/none"
sees "what is not there" ann "No such file"
