#!/bin/bash
# Standard input here is standard output there: back-pressure, and what happens when one side ends.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

try true
start_hub
for handle in alice bob; do earshot --name "$handle" -q rooms 2>/dev/null; done
seq 1 300000 >"$T/numbers"

to_bob() { # NAME FILE: alice's pipe in the background
    local name=$1
    "$BIN/earshot" --hub "$HUB" --name alice --timeout 30 pipe bob \
        <"$2" >"$T/$name.out" 2>"$T/$name.err" &
    PID=$!
    STARTED+=("$PID")
    SEEN+=("$PID")
}

to_bob sender "$T/numbers"
earshot --name bob --timeout 30 pipe --from alice >"$T/copy"
check "it arrives: exit status 0" test $? -eq 0
check "all of it, in order" cmp "$T/numbers" "$T/copy"
ends "$PID"
check "the sender ends well" test "$STATUS" -eq 0

earshot --name bob --timeout 30 pipe --from alice >"$T/copy" &
receiver=$!
SEEN+=("$receiver")
to_bob sender "$T/numbers"
wait "$receiver"
check "who waits for it gets it" cmp "$T/numbers" "$T/copy"

mkfifo "$T/in"
to_bob sender "$T/in"
sender=$PID
exec 7>"$T/in"
: >"$T/receiver.out"
run_earshot receiver --name bob --timeout 30 pipe --from alice 7>&-
receiver=$PID
echo one >&7
wait_for "a line comes through at once" has_lines "$T/receiver.out" 1
echo two >&7
wait_for "and the next" has_lines "$T/receiver.out" 2
try earshot inspect --json
OUT=$(jq -c 'select(.type == "segment")' <<<"$OUT")
check "inspect shows the segment" json '.mode == "0600" and .removed and .attached == 2 and
    .size > 0 and .ring.slots > 1 and .ring.fill == 0 and .ring.produced >= 2 and
    .ring.produced == .ring.consumed' "$OUT"
is "its creator" "$(jq .created_by.pid <<<"$OUT")" "$sender"
is "and both that are attached" \
    "$(jq '.attached_by[] | select(.program == "earshot") | .pid' <<<"$OUT" | sort -n)" \
    "$(printf '%s\n' "$sender" "$receiver" | sort -n)"
try earshot inspect
check "for people, too" has "$OUT" "segment of a transfer"
check "with its fill" has "$OUT" ", 0 of them full"
exec 7>&-
ends "$receiver"
check "the end ends it" test "$STATUS" -eq 0

# An endless stream: who reads one line leaves; the other side hears of it.
yes | "$BIN/earshot" --hub "$HUB" --name alice --timeout 30 pipe bob 2>"$T/broken.err" &
sender=$!
is "one line" "$(earshot --name bob --timeout 30 pipe --from alice 2>/dev/null | head -n 1)" y
ends "$sender"
check "the sender fails" test "$STATUS" -eq 1
check "and says why" grep -q 'nobody reads' "$T/broken.err"

# A reader that stops holds the writer back: what is under way is bounded.
mkfifo "$T/slow"
"$BIN/earshot" --hub "$HUB" --name bob --timeout 60 pipe --from alice >"$T/slow" 2>/dev/null &
receiver=$!
exec 6<"$T/slow"
dd if=/dev/zero bs=1M count=64 2>"$T/dd.err" |
    "$BIN/earshot" --hub "$HUB" --name alice --timeout 60 pipe bob --progress json \
        2>"$T/sender.err" &
sender=$!
SEEN+=("$receiver" "$sender")
passed() {
    tail -n 1 "$T/sender.err" 2>/dev/null | jq -r 'select(.state == "running") | .bytes' 2>/dev/null
}
stands_still() {
    local before
    before=$(passed)
    [ "${before:-0}" -gt 0 ] || return 1
    read -r -t 1 <> <(:) || true
    [ "$(passed)" = "$before" ]
}
wait_for "it stands still" stands_still
check "with a few MiB under way" test "$(passed)" -lt $((8 << 20))
is "and goes on" "$(wc -c <&6)" $((64 << 20))
exec 6<&-
ends "$sender"
check "to the end" test "$STATUS" -eq 0

# Both directions at once.
run_earshot back --name alice --timeout 30 pipe --from bob
back=$PID
"$BIN/earshot" --hub "$HUB" --name bob --timeout 30 pipe alice <"$T/numbers" 2>/dev/null &
to_bob sender "$T/numbers"
earshot --name bob --timeout 30 pipe --from alice >"$T/copy"
ends "$back"
check "there" cmp "$T/numbers" "$T/copy"
check "and back" cmp "$T/numbers" "$T/back.out"

run_earshot put --name alice --json put bob "$T/numbers" --timeout 30
earshot --name bob get --stdout --timeout 30 >"$T/copy"
check "a file to standard output" cmp "$T/numbers" "$T/copy"
to_bob sender "$T/numbers"
mkdir "$T/dir"
exits 0 "a stream to a file" earshot --name bob get --dir "$T/dir" --timeout 30
check "is whole" cmp "$T/numbers" "$T/dir/pipe"

exits 64 "neither to nor from" earshot --name bob pipe
exits 64 "both" earshot --name bob pipe alice --from alice
exits 75 "nobody sends" earshot --name bob pipe --from alice --timeout 0.5
