#!/bin/bash
# Many senders of one user fill their lanes at once: everything arrives, each sender's lines in
# order, also while one of them is stopped for good; of the gates they wait at nothing is left.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

SENDERS=24
LINES_EACH=3000
N_ALL=$((SENDERS * LINES_EACH))

n_gates() {
    earshot inspect --json | jq -s '[.[] | select(.type == "segment")] | length'
}

has_gates() {
    [ "$(n_gates)" -gt 0 ]
}

has_no_gates() {
    [ "$(n_gates)" -eq 0 ]
}

start_hub
for i in 1 2 3 4; do
    run_earshot "reader$i" --name "reader$i" tail --json --count $((N_ALL / 4))
    wait_for "reader$i is here" is_here "reader$i"
done
is "few sessions need no gate" "$(n_gates)" 0

# Their lines come when all have joined.
lines_of() { # SENDER
    until [ -e "$T/go" ]; do
        read -r -t 0.02 <> <(:) || true
    done
    seq -f "$1 %g" $LINES_EACH
}

senders=()
for i in $(seq $SENDERS); do
    "$BIN/earshot" --hub "$HUB" --name "sender$i" --timeout 100 send "reader$((i % 4 + 1))" \
        --lines < <(lines_of "$i") >>"$T/send.out" 2>&1 &
    senders+=("$!")
done
STARTED+=("${senders[@]}")
wait_for "the lanes have gates" has_gates
check "inspect names them" has "$(earshot inspect)" "segment with the gate of a lane"

# One more, which is stopped in the middle of its flood.
run_earshot sink --name sink tail --json
wait_for "sink is here" is_here sink
seq -f 'stopped %g' 1000000 >"$T/flood"
"$BIN/earshot" --hub "$HUB" --name stopped send sink --lines <"$T/flood" >"$T/stopped.out" 2>&1 &
stopped=$!
STARTED+=("$stopped")
touch "$T/go"
wait_for "its flood is under way" has_lines "$T/sink.out" 1000
kill -STOP "$stopped"
for sender in "${senders[@]}"; do
    ends "$sender"
    is "a sender gets through" "$STATUS" 0
done
for i in 1 2 3 4; do
    wait_for "reader$i has everything" has_lines "$T/reader$i.out" $((N_ALL / 4))
done
kill -KILL "$stopped"

jq -r .text "$T"/reader?.out | sort -k1,1n -s >"$T/got"
for i in $(seq $SENDERS); do seq -f "$i %g" $LINES_EACH; done >"$T/wanted"
check "nothing is lost, doubled or reordered" cmp "$T/got" "$T/wanted"
kill -KILL "${STARTED[@]}" 2>/dev/null
wait_for "the gates are gone with their lanes" has_no_gates
