#!/bin/bash
# Claims: one has a name, the others wait in order, whatever ends whom.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

claims() { # JQ-FILTER: of all, in order
    earshot claims --json | jq -r "$1"
}
who() { # NAME: who has it, and who waits
    claims "select(.name == \"$1\") | .handle" | paste -sd' '
}
stands() { # NAME HANDLES
    [ "$(who "$1")" = "$2" ]
}
is_told() { # NAME TEXT
    grep -q -F "$2" "$T/$1.err"
}

start_hub
is "nothing is claimed" "$(earshot -q claims)" ""
check "and nothing is kept of claims" test ! -e "$HUB/claims"

# Without a command.
run_earshot ann --name ann claim gpu0 --note $'until \033[31msix'
ANN=$PID
wait_for "ann has it" stands gpu0 ann
wait_for "and is told how to give it up" is_told ann 'Ctrl-C'
check "as JSON" json '.type == "claim" and .name == "gpu0" and .state == "held" and .handle == "ann"
    and .uid == '"$(id -u)"' and .pid == '"$ANN"' and .program == "earshot" and .place == 0
    and .note == "until \u001b[31msix" and (.since | test("^20.*Z$"))' "$(earshot claims --json)"
earshot claims >"$T/list"
check "the note of others cannot do anything" test -z "$(tr -d '[:print:]\n' <"$T/list")"
check "but is shown" grep -q 'gpu0.*held.*ann.*until \^\[\[31msix' "$T/list"

exits 75 "who does not wait" earshot --name bob claim GPU0 --no-wait
check "is told who has it" has "$ERR" "ann has it (pid $ANN earshot"
check "safely" test -z "$(tr -d '[:print:]\n' <<<"$ERR")"
try earshot --name bob --json claim gpu0 --no-wait
check "the error as JSON" json '.type == "error" and .code == "taken"' "$ERR"
exits 75 "who does not wait for long" earshot --name bob claim gpu0 --timeout 0.3
exits 64 "a name that cannot be one" earshot claim '#gpu0'
exits 64 "nor this" earshot claim 'gpu0 '
exits 65 "a note that is too long" earshot claim gpu9 --note "$(printf '%256s' x)"
is "nobody waits any more" "$(who gpu0)" ann

# In order, and killed.
run_earshot bob --name bob claim gpu0 --json
BOB=$PID
wait_for "bob waits" stands gpu0 "ann bob"
run_earshot cal --name cal claim gpu0 -- sh -c 'echo $$; trap "exit 9" TERM; while :; do sleep 0.05; done'
CAL=$PID
wait_for "cal waits, too" stands gpu0 "ann bob cal"
wait_for "and is told his place" is_told cal '1 wait before you'
is "the places" "$(claims .place | paste -sd' ')" "0 1 2"
is "who runs a command tells which program" "$(claims 'select(.handle == "cal").note')" sh
kill -9 "$ANN"
wait_for "the next one has it" stands gpu0 "bob cal"
wait_for "cal is the next" is_told cal 'bob has it'
wait_for "bob is told" grep -q '"state":"held"' "$T/bob.out"
check "as JSON, first who had it" json '.type == "claim" and (.state == "held" or
    (.state == "waiting" and .place == 1 and .held_by.handle == "ann" and .handle == "bob"))' "$(cat "$T/bob.out")"
kill -STOP "$BOB"
exits 75 "who is stopped lives, and holds" earshot --name dan claim gpu0 --no-wait
kill -9 "$BOB"
wait_for "the command runs when it is its turn" test -s "$T/cal.out"
is "cal has it" "$(who gpu0)" cal
kill -TERM "$CAL"
ends "$CAL"
is "signals reach the command, and its exit code is ours" "$STATUS" 9
check "it has ended" test ! -e "/proc/$(cat "$T/cal.out")"
wait_for "the name is free" stands gpu0 ""

try earshot claim gpu0 -- sh -c 'echo out; echo err >&2; exit 7'
is "exit status" "$STATUS" 7
is "its output is its own" "$OUT $ERR" "out err"
try earshot claim gpu0 -- sh -c 'kill -KILL $$'
is "a command that is killed" "$STATUS" 137
exits 127 "a command that is not there" earshot claim gpu0 -- no-such-command
try earshot claim 'the test database' -- "$BIN/earshot" --hub "$HUB" claims --json
check "a name of several words" json '.name == "the test database" and .state == "held"' "$OUT"
is "Tab knows them" "$(earshot claim x-1 -- "$BIN/earshot" --hub "$HUB" complete -- claim x 2>/dev/null | cut -f1)" x-1

# Many of one user: refused, and all is given back.
for i in 1 2 3 4 5; do
    run_earshot "many$i" --name "many$i" -q claim many
done
wait_for "five want one name" test "$(claims 'select(.name == "many").pid' | wc -l)" -le 5
for i in 4 2 5 1 3; do kill -9 "${STARTED[-$((6 - i))]}"; done
wait_for "all are gone" stands many ""
is "the hub counts none" "$(earshot status --json | jq .counters.claims)" 0

# What is started ends with who has started it.
run_earshot ann --name ann claim gpu0 -- sh -c 'echo $$; while :; do sleep 0.05; done'
wait_for "the command runs" test -s "$T/ann.out"
kill -9 "$PID"
wait_for "when this is killed, it ends" test ! -e "/proc/$(cat "$T/ann.out")"
wait_for "the name is free" stands gpu0 ""

# The hub is killed, and another one begins.
run_earshot ann --name ann claim gpu0 -- sleep 300
wait_for "ann has it" stands gpu0 ann
run_earshot bob --name bob claim gpu0 -- sleep 300
wait_for "bob waits" stands gpu0 "ann bob"
run_earshot cal --name cal claim gpu0 -- sleep 300
wait_for "cal waits" stands gpu0 "ann bob cal"
check "what is kept for the next hub is nobody else's" test "$(stat -c %a "$HUB/claims")" = 600
since=$(claims 'select(.state == "held").since')
kill -9 "$HUB_PID"
wait_for "the hub is gone" test ! -e "/proc/$HUB_PID"
start_hub
exits 75 "who is quick does not get it" earshot --name dan claim gpu0 --no-wait
check "but is told who has it" has "$ERR" "ann has it"
is "all are there, in their order" "$(who gpu0)" "ann bob cal"
is "since when is the same" "$(claims 'select(.state == "held").since')" "$since"
kill -TERM "${STARTED[-3]}"
wait_for "the next one has it" stands gpu0 "bob cal"
"$BIN/earshotd" --dir "$HUB" --stop
start_hub
exits 75 "the same after a clean stop" earshot --name dan claim gpu0 --no-wait
is "in their order" "$(who gpu0)" "bob cal"
kill -TERM "${STARTED[-1]}" "${STARTED[-2]}"
wait_for "nobody has it" stands gpu0 ""

# Who is stopped while the hub is started again may lose it.
run_earshot ann --name ann claim gpu0 -- sleep 300
wait_for "ann has it" stands gpu0 ann
kill -STOP "$PID"
kill -9 "$HUB_PID"
wait_for "the hub is gone" test ! -e "/proc/$HUB_PID"
start_hub
run_earshot bob --name bob claim gpu0
wait_for "who waits gets it after five seconds" grep -q 'is yours' "$T/bob.err"
kill -CONT "${STARTED[-2]}"
wait_for "who comes too late is told" is_told ann 'is yours no more'
check "the command goes on" kill -0 "${STARTED[-2]}"
kill -TERM "${STARTED[-1]}" "${STARTED[-2]}"
ends "${STARTED[-2]}"
is "and has its exit code" "$STATUS" 143
wait_for "nothing is claimed" stands gpu0 ""
stop_hub
check "nothing is kept after a stop at which nothing was claimed" test ! -e "$HUB/claims"
