#!/usr/bin/env bash
# Who waits is told for whom, whether that one is here, what to type on the other side, and how to
# stop; what has come to its end, how much and how fast; and what was interrupted, what is left of it.
# shellcheck source=tests/harness/terminal.sh
. "$(dirname "$0")/../harness/terminal.sh"

ends_wait() { # NAME
    key "$1" C-c
    await "$1: Ctrl-C ends it" has_shell_prompt "$1"
    enter "$1" clear
    await "$1 has an empty screen" is_empty "$1"
}

has_shell_prompt() { # NAME
    screen "$1" | grep . | tail -1 | grep -q -x -E -e '(\^C)?\$'
}

is_under_way() {
    [ "$(stat -c %s "$T/in/huge.part" 2>/dev/null || echo 0)" -ge 1000000 ]
}

start_hub
as="$BIN/earshot --hub $HUB --name"
mkdir "$T/in"
head -c 100000 /dev/urandom >"$T/file"
head -c 400000000 /dev/zero >"$T/huge"
earshot --name ben -q who >"$T/who"
terminal ann 200 20
terminal ben 200 20

command_in ann "$as ann put ben $T/file"
sees "put: who is waited for, and is not here" ann "waiting for ben, who is not here now, to take file"
sees "what they type, and how to stop" ann "(earshot get, or /get in the window); Ctrl-C ends it"
command_in ben "$as ben get --dir $T/in"
sees "get: how much it was" ben "earshot: file from ann: 98 KiB in "
await "its end" bottom_is ben '$'
sees "put: too" ann "earshot: ben has file (98 KiB in "
await "with the rate" grep -q -E 'in [0-9.]+ m?s, [0-9.]+ .iB/s\)' <(screen ann)

command_in ben "$as ben get --from ann --stdout"
sees "get --stdout: who is waited for" ben "waiting for ann, who is not here now, to put something (there: earshot put ben PATH); Ctrl-C ends it"
ends_wait ben
command_in ben "$as ben pipe --from ann"
sees "pipe --from: what they type" ben "to put something (there: earshot pipe ben); Ctrl-C ends it"
ends_wait ben
command_in ann "$as ann pipe ben"
sees "pipe: what they type" ann "to take pipe (earshot pipe --from ann, or earshot get --stdout); Ctrl-C ends it"
ends_wait ann
chat ben ben
command_in ann "$as ann ask ben ready?"
sees "ask: who is here" ann "waiting for ben, who is here, to answer (/reply in the window, or earshot send ann TEXT); Ctrl-C ends it"
enter ben "/away at lunch"
sees "ben goes" ben "you are away"
ends_wait ann
command_in ann "$as ann ask ben ready?"
sees "or away" ann "waiting for ben, who is away, to answer"
ends_wait ann
key ben C-d
await "ben has left" bottom_is ben '$'

run_earshot put --name ann put ben "$T/huge"
put=$PID
command_in ben "$as ben get --dir $T/in"
wait_for "it is under way" is_under_way
kill -STOP "$put"
key ben C-c
sees "an interrupted get: what is left" ben "what has come of huge is in $T/in/huge.part, and goes on there when ann offers it again"
await "it has ended" has_shell_prompt ben
enter ben clear
kill -CONT "$put"
ends "$put"
is "its sender hears of it" "$STATUS" 1

enter ben "cd $T/in"
run_earshot put --name ann put ben "$T/huge"
put=$PID
chat ben ben
sees "in the window" ben "ann offers huge"
size=$(stat -c %s "$T/in/huge.part")
has_grown() {
    [ "$(stat -c %s "$T/in/huge.part")" -gt "$size" ]
}
enter ben "/get"
wait_for "it is under way" has_grown
kill -STOP "$put"
enter ben "/decline huge"
sees "one that is stopped: what is left" ben "huge from ann is stopped; what has come is in huge.part, and goes on there when it is offered again"
kill -CONT "$put"
ends "$put"
