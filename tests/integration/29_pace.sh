#!/bin/bash
# Who floods goes at the pace of who reads: a plain pipe through a hub that keeps only the latest 64
# MiB loses nothing, however much goes through it. A reader that stops, or dies, holds its senders no
# longer than a second, and nobody else.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

N_ALL=400000
[ -z "${SANITIZE-}" ] || N_ALL=40000

flood() { # N: lines of 200 bytes
    seq -f "%0200.0f" "$1"
}

n_missed() {
    earshot status --json | jq .counters.missed
}

start_hub

# So much that the hub's memory does not hold it.
flood "$N_ALL" >"$T/wanted"
run_earshot bob --name bob tail --dm --count "$N_ALL"
bob=$PID
wait_for "bob is here" is_here bob
exits 0 "a pipe" earshot --name alice send bob --lines <"$T/wanted"
DEADLINE=60
ends "$bob"
is "its reader ends with the last line" "$STATUS" 0
sed 's/.* //' "$T/bob.out" >"$T/got"
check "each line once, and in order" cmp "$T/got" "$T/wanted"
is "nothing was missed" "$(n_missed)" 0

# Into a room, to who runs a command for each line: slow, but it reads.
run_earshot slow --name slow listen '#slow' --exec 'cat >/dev/null' --jobs 1 --count 1000
slow=$PID
wait_for "it listens" has_members '#slow' 1
exits 0 "a pipe to who is slow" earshot --name alice send '#slow' --lines < <(flood 1000)
ends "$slow"
is "it has heard all" "$STATUS" 0

# One stops; its sender goes on, and those who have nothing to do with it do not notice.
run_earshot stopped --name stopped tail --dm
stopped=$PID
wait_for "another one is here" is_here stopped
kill -STOP "$stopped"
flood 20000 >"$T/wanted"
run_earshot carol --name carol tail --dm --count 20000
carol=$PID
wait_for "carol is here" is_here carol
"$BIN/earshot" --hub "$HUB" --name alice send stopped --lines <"$T/wanted" &
sender=$!
STARTED+=("$sender")
exits 0 "others go on" earshot --name dave send carol --lines <"$T/wanted"
ends "$carol"
is "and are read" "$STATUS" 0
ends "$sender"
is "the sender goes on" "$STATUS" 0
exits 0 "a single message to it" earshot --name alice send stopped hello
kill -CONT "$stopped"
wait_for "it gets all of it" has_lines "$T/stopped.out" 20001
is "nothing was missed by now" "$(n_missed)" 0

# One dies in the middle.
run_earshot dying --name dying tail --dm
dying=$PID
wait_for "one more is here" is_here dying
"$BIN/earshot" --hub "$HUB" --name alice send dying --lines <"$T/wanted" &
sender=$!
STARTED+=("$sender")
wait_for "it reads" has_lines "$T/dying.out" 100
kill -KILL "$dying"
ends "$sender"
is "its sender goes on" "$STATUS" 0
