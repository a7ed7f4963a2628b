#!/bin/bash
# `put --no-wait` of more than may be offered at a time comes back as well, tells what it cannot
# read, and can be interrupted before it comes back.
# shellcheck source=../harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

N=40
mkdir "$T/src" "$T/dst"
for i in $(seq 10 $((N + 9))); do
    head -c 40000 /dev/urandom >"$T/src/file-$i"
done

is_stopped() { # PID: all threads; the signal takes a moment
    ! grep -h ^State: "/proc/$1/task/"*/status | grep -qv T
}
has_a_child() {
    [ -n "$(cat "/proc/$PID/task/$PID/children")" ]
}

start_hub
earshot --name bob status >/dev/null # whose handle it is

exits 65 "many, and one that is not there" \
    earshot --name alice put --no-wait bob "$T/src"/file-* "$T/src/nothing"
check "names it" has "$ERR" "$T/src/nothing"
check "tells of the others" has "$ERR" "32 are offered now, 8 more as these are taken"
exits 0 "all are there for bob" earshot --name bob get --count "$N" --dir "$T/dst" --timeout 60
check "each as it was" diff -r "$T/src" "$T/dst"

kill -STOP "$HUB_PID"
wait_for "the hub answers nobody" is_stopped "$HUB_PID"
run_earshot put --name alice put --no-wait bob "$T/src/file-10"
wait_for "put has gone into the background" has_a_child
kill -INT "$PID"
ends "$PID"
check "interrupted: 130" test "$STATUS" -eq 130
kill -CONT "$HUB_PID"
