#!/bin/bash
# One side, or the hub, ends in the middle: the file is whole, or .part, or absent; the other side
# knows soon, nothing is left in the kernel, and what was interrupted goes on.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

STORED=yes
try true
start_hub
for handle in alice bob; do earshot --name "$handle" -q rooms 2>/dev/null; done
dst=$T/dst
mkdir "$dst"
mkfifo "$T/in"
head -c 5000000 /dev/urandom >"$T/start"

segments() { # of the sender
    awk -v pid="$sender" 'FNR > 1 && $5 == pid { print $2 }' /proc/sysvipc/shm
}
no_segment() { [ -z "$(segments)" ]; }
has_part() { [ "$(stat -c %s "$dst/stdin.part" 2>/dev/null || echo 0)" -ge 5000000 ]; }

# A stream of which the first part has arrived and the rest is to come through descriptor 7.
begin() {
    rm -rf "${dst:?}"/*
    "$BIN/earshot" --hub "$HUB" --name alice put bob - <"$T/in" >"$T/put.out" 2>"$T/put.err" &
    sender=$!
    exec 7>"$T/in"
    run_earshot get --name bob get --dir "$dst" 7>&-
    receiver=$PID
    STARTED+=("$sender")
    SEEN+=("$sender")
    cat "$T/start" >&7
    wait_for "it is under way" has_part
}
ends_soon() { # PID: within a second or so
    local from=${EPOCHREALTIME/./}
    ends "$1"
    TOOK=$((${EPOCHREALTIME/./} - from))
}

begin
is "there is a segment" "$(segments | wc -l)" 1
kill -9 "$receiver"
ends_soon "$sender"
check "the receiver is killed: the sender fails" test "$STATUS" -eq 1
check "within a second" test "$TOOK" -lt 1500000
check "and says why" grep -q 'ended' "$T/put.err"
check "the file is not there under its name" test ! -e "$dst/stdin"
wait_for "no segment is left" no_segment
exec 7>&-

begin
kill -9 "$sender"
ends_soon "$receiver"
check "the sender is killed: the receiver fails" test "$STATUS" -eq 1
check "within a second" test "$TOOK" -lt 1500000
check "what came is kept as .part" test -s "$dst/stdin.part" -a ! -e "$dst/stdin"
wait_for "no segment is left" no_segment
exec 7>&-

begin
kill -INT "$sender"
ends_soon "$receiver"
check "the sender cancels: the receiver fails" test "$STATUS" -eq 1
check "within a second" test "$TOOK" -lt 1500000
check "and hears that it was cancelled" grep -q cancelled "$T/get.err"
ends "$sender"
check "130 for the one who did it" test "$STATUS" -eq 130
exec 7>&-

begin
kill -INT "$receiver"
ends_soon "$sender"
check "the receiver cancels: the sender fails" test "$STATUS" -eq 1
check "within a second" test "$TOOK" -lt 1500000
check "and hears that it was cancelled" grep -q cancelled "$T/put.err"
ends "$receiver"
check "130 for the one who did it" test "$STATUS" -eq 130
exec 7>&-

begin
kill -9 "$HUB_PID"
while kill -0 "$HUB_PID" 2>/dev/null; do read -r -t 0.02 <> <(:) || true; done
cat "$T/start" >&7
exec 7>&-
ends "$receiver"
check "the hub is killed: the receiver goes on" test "$STATUS" -eq 0
ends "$sender"
check "and so does the sender" test "$STATUS" -eq 0
check "all is there" cmp <(cat "$T/start" "$T/start") "$dst/stdin"
start_hub

# An offer outlives the hub, and is made anew.
"$BIN/earshot" --hub "$HUB" --name alice --json put bob "$T/start" >"$T/put.out" 2>"$T/put.err" &
sender=$!
STARTED+=("$sender")
SEEN+=("$sender")
wait_for "it is offered" grep -qs '"state":"offered"' "$T/put.out"
kill -9 "$HUB_PID"
while kill -0 "$HUB_PID" 2>/dev/null; do read -r -t 0.02 <> <(:) || true; done
start_hub
exits 0 "after a restart of the hub" earshot --name bob get --dir "$dst" --timeout 20
check "the same offer is taken" cmp "$T/start" "$dst/start"
ends "$sender"
check "the sender is done" test "$STATUS" -eq 0

# A limit on file sizes stops it in the middle; the next attempt goes on there.
rm -f "$dst"/*
head -c 20000000 /dev/urandom >"$T/long"
run_earshot put --name alice put bob "$T/long"
(
    trap '' XFSZ
    ulimit -f 8000 # KiB
    earshot --name bob get --dir "$dst" --timeout 20 2>"$T/get.err"
)
check "no room: it fails" test $? -eq 1
ends "$PID"
check "the sender fails, too" test "$STATUS" -eq 1
check "a part is there" test "$(stat -c %s "$dst/long.part")" -ge 4000000
run_earshot put --name alice --json put bob "$T/long"
exits 0 "once more" earshot --name bob get --dir "$dst" --timeout 20
check "it is whole" cmp "$T/long" "$dst/long"
check "and no part is left" test ! -e "$dst/long.part"
ends "$PID"
check "it went on where it was" json '.resumed == true' "$(tail -n 1 "$T/put.out")"

rm -f "$dst"/*
run_earshot put --name alice put bob "$T/long"
(
    trap '' XFSZ
    ulimit -f 8000
    earshot --name bob get --dir "$dst" --timeout 20 2>/dev/null
)
ends "$PID"
head -c 20000000 /dev/urandom >"$T/long"
run_earshot put --name alice --json put bob "$T/long"
exits 0 "another content" earshot --name bob get --dir "$dst" --timeout 20
check "is not mixed with the old part" cmp "$T/long" "$dst/long"
ends "$PID"
check "it began anew" json '.resumed == null' "$(tail -n 1 "$T/put.out")"

begins() { [ -n "$(ls "$dst")" ] || ! kill -0 "$receiver" 2>/dev/null; }
is_whole_or_absent() { [ ! -e "$dst/long" ] || cmp "$T/long" "$dst/long"; }
for round in 1 2 3 4 5 6; do
    rm -f "$dst"/*
    run_earshot put --name alice put bob "$T/long" --timeout 20
    sender=$PID
    run_earshot get --name bob get --dir "$dst" --timeout 20
    receiver=$PID
    wait_for "it begins" begins
    if [ $((round % 2)) -eq 0 ]; then kill -9 "$sender"; else kill -9 "$receiver"; fi 2>/dev/null
    ends "$sender"
    ends "$receiver"
    check "round $round: whole, or not under its name" is_whole_or_absent
    wait_for "no segment is left" no_segment
done
