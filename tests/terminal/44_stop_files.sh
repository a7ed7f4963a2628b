#!/usr/bin/env bash
# /decline withdraws what one offers oneself, and stops what is under way; /get and streams.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

is_stopped() { # PID: all threads; the signal takes a moment
    ! grep -h ^State: "/proc/$1/task/"*/status | grep -qv T
}

lists() { # NAME TEXT: what is under way changes, so it is asked for until it is so
    enter "$1" "/files"
    read -r -t 0.5 <> <(:) || true
    shows "$1" "$2"
}

start_hub
truncate -s 100K "$T/file" "$T/other"
head -c 300000000 /dev/zero | tr '\0' x >"$T/huge"
mkdir "$T/ben"
mkfifo "$T/go"
terminal ann 100 45
terminal ben 100 45
command_in ben "cd $T/ben"
chat ann ann '#ops'
chat ben ben '#ops'
sees "they see each other" ann "ben"

enter ann "/put ben $T/file"
sees "it is told" ben "ann offers file"
enter ann "/put #ops $T/huge"
sees "the other one, too" ben "ann offers huge"
enter ann "/files"
sees "own offers are listed" ann "1. file for ben, 100 KiB: offered"
sees "with their numbers" ann "2. huge for #ops, 286 MiB: offered"
enter ann "/decline"
sees "none is meant by nothing" ann "nothing like that waits for you"
enter ann "/decline 1"
sees "it is withdrawn" ann "file is not offered to ben any more"
sees "the other side hears of it" ben "ann does not offer file any more"
enter ann "/decline huge"
sees "by its name" ann "huge is not offered to #ops any more"
sees "which is told, too" ben "ann does not offer huge any more"

# A transfer that cannot end: nobody reads what its recipient writes.
run dan bash -c "'$BIN/earshot' --hub '$HUB' --name dan get --from ann --stdout 2>'$T/dan.said' |
    { read -r _ <'$T/go'; cat >'$T/dan.part'; }"
wait_for "dan is here" is_here dan
enter ann "/put dan $T/huge"
sees "it runs" ann "dan takes huge"
enter ann "/files"
sees "it has a number" ann "1. huge for dan: "
enter ann "/decline 1"
sees "it is stopped" ann "huge is not offered to dan any more"
enter ann "/files"
sees "nothing is left" ann "no file waits, none is under way"
echo >"$T/go"
wait_for "its recipient hears of it" grep -q "huge from ann: " "$T/dan.said"

# One that its sender has not begun: it does not run.
run_earshot cat --name cat put ben "$T/huge"
cat=$PID
sees "the next one" ben "cat offers huge"
kill -STOP "$cat"
wait_for "its sender is stopped" is_stopped "$cat"
enter ben "/get"
enter ben "/files"
sees "it has a number, too" ben "1. huge from cat, 286 MiB: not begun yet"
enter ben "/decline 1"
sees "it is stopped" ben "huge from cat is stopped"
kill -CONT "$cat"
ends "$cat"
is "its sender hears of it" "$STATUS" 1
enter ben "/files"
sees "nothing is left" ben "no file waits, none is under way"

# One that runs: a stream that does not end. And streams are not got with files.
run stream bash -c "{ cat '$T/file'; read -r _ <'$T/go'; } |
    '$BIN/earshot' --hub '$HUB' --name cat pipe ben"
sees "a stream" ben "cat offers pipe"
enter ben "/get"
sees "is left out" ben "a stream whose end nobody knows; /get 1 takes it"
enter ben "/get cat"
await "of all of theirs, too" shows_times ben "/get 1 takes it" 2
enter ann "/put ben $T/other"
sees "a file" ben "ann offers other"
enter ben "/get"
sees "is taken" ben "other from ann is here"
enter ben "/get 1"
sees "a stream, too, if it is named" ben "is coming from cat"
await "it runs" lists ben " from cat: 100 KiB"
enter ben "/decline cat"
sees "and is stopped" ben " from cat is stopped"
wait_for "its sender hears of it" grep -q "cancelled" "$T/stream.err"
echo >"$T/go"
