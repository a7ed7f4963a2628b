#!/bin/bash
# `run`: a command as it always was, and a conversation that watches it.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

FROM=1
seen() {
    tail -n "+$FROM" "$T/watch.out"
}

watched() { # all that was streamed, without the first and the last message
    seen | jq -r 'select(.kind == "notice") | .text'
}

is_streamed() { # LINE
    watched | grep -qx "$1"
}

is_done() { # N: so many commands have ended
    [ "$(seen | jq -r 'select(.kind == "action") | .text' | grep -c '^is done')" -ge "$1" ]
}

ending() {
    seen | jq -r 'select(.kind == "action") | .text' | tail -n 1
}

is_told() { # WHAT
    seen | jq -r .text | grep -q -F "$1"
}

forget() { # what has come so far, up to the end of a command
    FROM=$(($(wc -l <"$T/watch.out") + 1))
}

start_hub
run_earshot watch --name watch tail '#build' --json
wait_for "somebody watches" has_members '#build' 1

try earshot --name ci run --to '#build' -- sh -c 'echo out; echo err >&2; exit 3'
is "the exit code is the command's" "$STATUS" 3
is "its output is where it belongs" "$OUT" out
is "and its errors are" "$ERR" err
wait_for "the watcher sees its end" is_done 1
is "the first message tells what runs" "$(seen | jq -r .text | head -n 1)" \
    "runs: sh -c echo out; echo err >&2; exit 3"
is "both outputs are streamed" "$(watched | sort | xargs)" "err out"
check "the last tells the exit code and the time" \
    grep -Eqx 'is done: exit code 3 after [0-9]+\.[0-9] s: sh .*' <<<"$(ending)"

forget
try earshot --name ci run --to '#build' -- sh -c 'kill -TERM $$'
is "a command that is killed" "$STATUS" 143
wait_for "the watcher sees it" is_done 1
check "by which signal" has "$(ending)" "killed by signal 15"

forget
try earshot --name ci run --to '#build' -- printf '%b' \
    '\033[31mred\033[0m\n10%\r20%\r100%\nab\b\bxy\n\033]0;title\007plain\tx\r\nbad \xff byte\nno end'
wait_for "the watcher sees it" is_done 1
is "the stream is text" "$(watched)" \
    "$(printf 'red\n100%%\nxy\nplain\tx\nbad <FF> byte\nno end')"
is "the output is as it was" "$(od -An -tx1 <<<"$OUT" | md5sum)" \
    "$(printf '%b' '\033[31mred\033[0m\n10%\r20%\r100%\nab\b\bxy\n\033]0;title\007plain\tx\r\nbad \xff byte\nno end\n' | od -An -tx1 | md5sum)"

# Live: a line is seen while the command still runs, and many lines are few messages.
forget
mkfifo "$T/go"
# shellcheck disable=SC2016 # for the shell that is run
run_earshot live --name ci run --to '#build' -- sh -c 'for i in 1 2 3 4 5; do echo $i; done; read x <'"$T/go"
live=$PID
wait_for "the lines are seen while it runs" is_streamed 5
check "in one message or two" test "$(watched | wc -l)" -eq 5 -a \
    "$(seen | jq -r 'select(.kind == "notice") | .id' | wc -l)" -le 2
check "it runs still" kill -0 "$live"
echo >"$T/go"
ends "$live"
is "and ends" "$STATUS" 0
wait_for "the watcher sees the end" is_done 1

forget
seq 200000 >"$T/numbers"
try earshot --name ci run --to '#build' -- cat "$T/numbers"
check "much output passes unchanged" cmp -s "$T/try.out" "$T/numbers"
wait_for "the watcher sees the end" is_done 1
check "the stream is bounded or says what it left out" \
    test "$(watched | wc -c)" -ge 1000000 -a "$(watched | wc -c)" -le 1400000
forget
try earshot --name ci run --to '#build' -- head -c 20000000 /dev/zero
is "zeros pass" "$(wc -c <"$T/try.out")" 20000000
wait_for "the watcher sees the end" is_done 1
forget
try earshot --name ci run --to '#build' -- seq 1000000
wait_for "the watcher sees the end" is_done 1
check "what is left out is said to be" is_told "bytes left out ...]"
check "the stream is bounded" test "$(watched | wc -c)" -le 1400000

exits 67 "nobody of this name" earshot --name ci run --to nobody-at-all -- touch "$T/ran"
check "then the command does not run" test ! -e "$T/ran"
PATH=/usr/bin:/bin exits 127 "no such program" earshot --name ci run --to '#build' -- no-such-program-here
exits 64 "no command" earshot --name ci run --to '#build'
exits 69 "no hub" "$BIN/earshot" --hub "$T/nothing" run -- touch "$T/ran"
check "then the command does not run" test ! -e "$T/ran"
try earshot --name ci run --to '#build' -- cat <<<"standard input"
is "standard input is the command's" "$OUT" "standard input"

forget
run_earshot killed --name ci run --to '#build' -- sh -c 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
killed=$PID
wait_for "it runs" is_told ready
kill -TERM "$killed"
ends "$killed"
is "a signal goes to the command" "$STATUS" 7
is "which does what it will" "$(xargs <"$T/killed.out")" "ready caught"
wait_for "the watcher sees the end" is_done 1
"$BIN/earshot" --hub "$HUB" --name ci run --to '#build' -- seq 1000000 2>"$T/pipe.err" | head -n 1 >"$T/head"
is "a reader that leaves ends the command, as without us" "${PIPESTATUS[0]}" 141
is "it has read what it wanted" "$(cat "$T/head")" 1

# The command goes on when the hub does not.
forget
run_earshot alone --name ci --timeout 2 run --to '#build' -- sh -c 'echo one; read x <'"$T/go"'; echo two; exit 4'
alone=$PID
wait_for "it runs" is_told one
stop_hub
echo >"$T/go"
ends "$alone"
is "without the hub: the exit code is the command's" "$STATUS" 4
is "and so is its output" "$(xargs <"$T/alone.out")" "one two"
check "and one line says so" has "$(cat "$T/alone.err")" "sees no more of this"
