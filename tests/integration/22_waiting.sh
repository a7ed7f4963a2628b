#!/bin/bash
# How far a message has come, and how long to wait.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
start_hub
run_earshot bob --name bob tail --json
bob=$PID
wait_for "bob is here" is_here bob

for state in sent stored delivered read; do
    try earshot --name alice send bob --wait "$state" --json "$state"
    check "--wait $state: exit status 0" test "$STATUS" -eq 0
    check "--wait $state tells so" json '.type == "sent" and .state == "'"$state"'"' "$OUT"
done
wait_for "bob has all four" has_lines "$T/bob.out" 4
is "all four came in order" "$(jq -r .text "$T/bob.out" | tr '\n' ' ')" "sent stored delivered read "
is "the ids are those that the sender was told" "$(tail -n 1 "$T/bob.out" | jq -r .id)" \
    "$(jq -r .id <<<"$OUT")"
try earshot --name alice send bob --json numbered
seq=$(jq .seq <<<"$OUT")
wait_for "bob has the fifth" has_lines "$T/bob.out" 5
is "the sequence numbers agree" "$(tail -n 1 "$T/bob.out" | jq .seq)" "$seq"
try earshot --name alice send bob --lines --json --wait read < <(printf '1\n2\n3\n')
check "--lines --wait read: three objects" \
    test "$(jq -s 'map(select(.state == "read")) | length' <<<"$OUT")" = 3
try earshot --name alice send bob --lines --json --wait read < <(seq 1 1000)
check "1,000 lines, each of them read" \
    test "$(jq -s 'map(select(.state == "read") | .id) | unique | length' <<<"$OUT")" = 1000
try earshot --name alice send bob,bob --wait delivered --json twice
check "two recipients: two objects" test "$(jq -s length <<<"$OUT")" = 2

kill -STOP "$bob"
exits 75 "--wait delivered for a reader that is stopped" \
    earshot --name alice send bob --wait delivered --timeout 0.5 --json hi
check "tells that it is stored" json '.state == "stored"' "$OUT"
try earshot --name alice send bob --wait stored hi
check "--wait stored does not wait for the reader" test "$STATUS" -eq 0
try earshot --name alice send bob --lines < <(seq 1 100000)
check "a stream to a reader that is stopped is taken whole" test "$STATUS" -eq 0
n=$(wc -l <"$T/bob.out")
kill -CONT "$bob"
wait_for "bob goes on" has_lines "$T/bob.out" $((n + 100000))
is "and gets all of it, once, in order" "$(tail -n 100000 "$T/bob.out" | jq -r .text | cksum)" \
    "$(seq 1 100000 | cksum)"

run_earshot interrupted --name carol tail
wait_for "carol is here" is_here carol
kill -INT "$PID"
ends "$PID"
check "SIGINT: exit status 130" test "$STATUS" = 130
check "SIGINT: nothing printed" test ! -s "$T/interrupted.err"
run_earshot terminated --name carol tail --json '#ops'
wait_for "#ops is there" has_members '#ops' 1
kill -TERM "$PID"
ends "$PID"
check "SIGTERM: exit status 143" test "$STATUS" = 143
wait_for "#ops is gone with its last session" has_members '#ops' ''

has_said() { # HANDLE OTHER TEXT
    earshot --name "$1" history "$2" 2>/dev/null | grep -q -F -e "$3"
}

earshot --name olga -q rooms
run_earshot reader --name alice --json send --wait read olga "to whoever olga was then"
wait_for "it is there" has_said olga alice "to whoever olga was then"
exits 0 "the name is taken away before it is read" earshot release olga
run_earshot olga --name "olga.$(id -u)" --json tail --count 1
ends "$PID"
is "who had it gets the message" "$(jq -r .text "$T/olga.out")" "to whoever olga was then"
wait_for "and its sender" has_lines "$T/reader.out" 1
is "is told that it was read" "$(jq -r .state "$T/reader.out")" read

# Who is not told whether a message came is told how to send it again, and not twice.
mkfifo "$T/lines"
n_sessions() { # N
    [ "$(earshot status --json | jq .sessions)" -eq "$1" ]
}
wait_for "nobody else is here" n_sessions 2
"$BIN/earshot" --hub "$HUB" --name cut send bob --lines --timeout 1 <"$T/lines" 2>"$T/cut.err" &
cut=$!
STARTED+=("$cut")
SEEN+=("$cut")
exec 8>"$T/lines"
wait_for "it has joined" n_sessions 3
kill -STOP "$HUB_PID"
echo "has it come?" >&8
exec 8>&-
ends "$cut"
is "its hub does not answer" "$STATUS" 75
kill -CONT "$HUB_PID"
id=$(grep -o -e '--id [-0-9a-f]*' "$T/cut.err")
check "the id is told" test "${#id}" -eq 41
try earshot --name cut send bob ${id:+$id} "has it come?"
check "and the message goes again" test "$STATUS" -eq 0
has_once() {
    [ "$(earshot --name bob history cut --json | jq -s 'map(select(.text == "has it come?")) | length')" -eq 1 ]
}
wait_for "it is there once" has_once

kill -STOP "$HUB_PID"
exits 75 "a hub that is stopped: who" earshot who --timeout 0.5
exits 75 "a hub that is stopped: send" earshot send bob --timeout 0.5 hi
try earshot --json who --timeout 0.5
check "--json names the error timed-out" json '.type == "error" and .code == "timed-out"' "$ERR"
kill -CONT "$HUB_PID"
try earshot who
check "and it goes on" test "$STATUS" -eq 0
