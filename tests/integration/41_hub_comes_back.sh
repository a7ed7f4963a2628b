#!/bin/bash
# The hub is killed under a listener and a sender, and comes back.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

start_hub
run_earshot bob --name bob tail --json bob alice '#ops'
wait_for "bob is here" is_here bob
wait_for "#ops is there" has_members '#ops' 1
earshot --name alice send bob before
wait_for "the first message" has_lines "$T/bob.out" 1

for round in 1 2 3; do
    kill -9 "$HUB_PID"
    wait_for "bob sees the hub's death" has_lines "$T/bob.err" $((2 * round - 1))
    if [ "$round" -eq 2 ]; then
        exits 69 "no hub meanwhile" earshot send bob hi
    fi
    start_hub
    wait_for "bob is here again" is_here bob
    wait_for "bob is in #ops again" has_members '#ops' 1
    earshot --name alice send bob "after $round"
    earshot --name alice send '#ops' "room $round"
    wait_for "messages after it" has_lines "$T/bob.out" $((1 + 2 * round))
    wait_for "bob tells that it is back" has_lines "$T/bob.err" $((2 * round))
done
is "nothing is lost or doubled" "$(jq -r .text "$T/bob.out" | tr '\n' ,)" \
    "before,after 1,room 1,after 2,room 2,after 3,room 3,"
check "one line when it goes, one when it comes" test "$(wc -l <"$T/bob.err")" -eq 6

(
    for i in $(seq 1 300); do echo "$i"; done
    until [ -e "$T/killed" ]; do read -r -t 0.02 <> <(:); done
    for i in $(seq 301 600); do echo "$i"; done
) | earshot --name alice send '#ops' --lines --timeout 30 2>"$T/lines.err" &
sender=$!
wait_for "the first half" has_lines "$T/bob.out" $((7 + 300))
kill -9 "$HUB_PID"
wait_for "bob sees the hub's death" has_lines "$T/bob.err" 7
start_hub
wait_for "bob is in #ops again" has_members '#ops' 1
touch "$T/killed"
ends "$sender"
check "the sender ends well" test "$STATUS" = 0
wait_for "all lines" has_lines "$T/bob.out" $((7 + 600))
is "every line came, in order" \
    "$(tail -n +8 "$T/bob.out" | jq -r .text | awk '!seen[$0]++' | cksum)" "$(seq 1 600 | cksum)"
