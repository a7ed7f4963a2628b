#!/bin/bash
# Small files wait for `get` in the history, however much was written since, and come once; and what
# can never come is said at once.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

dst=$T/dst
mkdir "$dst" "$T/many"
list=$XDG_STATE_HOME/earshot/received
echo one >"$T/s1"
echo two >"$T/s2"
for i in {1..12}; do head -c 32768 /dev/urandom >"$T/many/f$i"; done

lines() { # N
    seq -f 'line %.0f' 1 "$1"
}

# What came was seen by bob, who has fetched nothing: it is not unread any more.
bob_reads() { # N
    exits 0 "bob reads $1" earshot --name bob --json tail --dm --count "$1" --timeout 20
}

wait_long() {
    start_hub
    for handle in alice bob carol; do earshot --name "$handle" -q rooms 2>/dev/null; done
    run_earshot noise --name bob tail '#noise'
    wait_for "bob is in a noisy room" has_members '#noise' 1
    earshot --name alice put --no-wait bob "$T/s1" >"$T/put.out"
    earshot --name alice send bob 'a word'
    bob_reads 2
    lines 2500 | earshot --name alice send --lines '#noise'
    wait_for "which is noisy" has_lines "$T/noise.out" 2500
    exits 0 "a file of long ago" earshot --name bob --json get --all --dir "$dst"
    check "is found" json '.state == "done" and .name == "s1"' "$OUT"
    exits 0 "once" earshot --name bob get --all --dir "$dst"
    is "nothing" "$OUT" ""
}

STORED=yes
wait_long

# A page of the past has few large files.
earshot --name alice put --no-wait bob "$T"/many/f{1,2,3,4,5,6,7,8,9,10,11,12} >"$T/put.out"
earshot --name carol put --no-wait bob "$T/s2" >"$T/put.out"
earshot --name bob put --no-wait alice "$T/s2" >"$T/put.out"
bob_reads 13
exits 0 "the oldest of many large ones" earshot --name bob get --dir "$dst" --timeout 20
is "comes first" "$OUT" "$dst/f1"
exits 0 "two more" earshot --name bob get --dir "$dst" --count 2 --timeout 20
is "in their order" "$(paste -sd , <<<"$OUT")" "$dst/f2,$dst/f3"
exits 0 "only of carol" earshot --name bob get --all --from carol --dir "$dst"
is "her file" "$OUT" "$dst/s2"
exits 0 "all others" earshot --name bob get --all --dir "$dst"
is "come, too" "$(paste -sd , <<<"$OUT")" \
    "$(printf "$dst/f%s\n" {4..12} | paste -sd ,)"
for i in {1..12}; do check "whole: f$i" cmp -s "$T/many/f$i" "$dst/f$i"; done

# What was received is remembered after thousands of others.
seq -f '00000000-0000-4000-8000-%012.0f bob' 1 6000 >>"$list"
earshot --name alice put --no-wait bob "$T/s2" >"$T/put.out"
exits 0 "one more" earshot --name bob get --all --dir "$dst"
is "comes" "$OUT" "$dst/s2 (2)"
exits 0 "and none again" earshot --name bob get --all --dir "$dst"
is "nothing" "$OUT" ""

exits 65 "nothing is no word" earshot --name bob search ' '
is "which finds no files" "$OUT" ""

# Refused at once.
exits 73 "no such directory" earshot --name bob get --dir "$T/nowhere" --timeout 20
check "what to do about it" has "$ERR" "name another directory with --dir"
check "it is named" has "$ERR" "$T/nowhere"
exits 73 "no name of a directory" earshot --name bob get --dir '' --timeout 20
exits 73 "a file is no directory" earshot --name bob get --all --dir "$T/s1"
exits 0 "refusing needs none" earshot --name bob get --decline --all --dir "$T/nowhere"
exits 64 "a room offers nothing" earshot --name bob get --from '#noise' --timeout 20
exits 67 "nobody" earshot --name bob get --from nosuch --timeout 20
exits 75 "somebody who is away" earshot --name bob get --from alice --timeout 0.5
check "and why nothing came" has "$ERR" "nothing is offered to you"
run_earshot get --name bob get --from alice --dir "$dst" --timeout 20
wait_for "who is waited for" is_here bob
earshot --name alice put --no-wait bob "$T/s1" >"$T/put.out"
ends "$PID"
check "and comes" test "$STATUS" -eq 0
is "with a file" "$(cat "$T/get.out")" "$dst/s1 (2)"

stop_hub
rm -r "$dst" "$list"
mkdir "$dst"
wait_for "its clients have gone" no_queue_is_left
STORED=
wait_long
